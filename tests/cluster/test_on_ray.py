"""Shards on Ray answer as one index does; replicas and shards that die, are divided anew or renewed lose nothing and invent nothing."""

import threading
import time
from pathlib import Path

import pytest

import vhashdb
from tests.cluster.conformance import Conformance
from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import pairs, scan
from vhashdb import Verdict
from vhashdb.errors import IndexUnavailable
from vhashdb.service.answers import is_complete

WAIT_S = 600
"""Seconds to wait for what has to come about, on a machine that is slow."""
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray has many of its own


class TestShardsOnRay(Conformance):
    @pytest.fixture
    def books(self, spread):
        spread.deployment.start(spread.layout(2), wait_s=WAIT_S)
        with spread.opened(timeout_s=WAIT_S) as books:
            self.spread = spread
            yield books

    def forget(self, books):
        """In other shards it is made again from the records."""
        self.spread.deployment.reshard(self.spread.layout(3), wait_s=WAIT_S, settle_s=0)


def replicas(spread):
    """Handles of the actors that run replicas, by the name of the shard."""
    import ray

    found = {}
    for each in ray.util.list_named_actors(all_namespaces=True):
        if each["namespace"] == "serve" and spread.deployment.identity in each["name"]:
            name = next(part for part in each["name"].split("#") if spread.deployment.identity in part)
            found.setdefault(name, []).append(ray.get_actor(each["name"], namespace="serve"))
    return found


def kill(spread, number=0):
    """Kill one replica of a shard as a machine that loses power does."""
    import ray

    chosen = next(actors for name, actors in sorted(replicas(spread).items()) if f"-{number}of" in name)
    ray.kill(chosen[0], no_restart=True)


def test_edited_samples_are_found_as_in_one_index(spread, samples, query_prints):
    with vhashdb.open(spread.place, local=spread.folder / "one") as one:
        for film in sorted((samples / "known").glob("*.mp4")):
            one.add(film, labels=["sample"])
        expected = {name: one.match(query) for name, query in query_prints.items()}
    spread.deployment.start(spread.layout(3), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for name, query in query_prints.items():
            assert books.db.match(query) == expected[name]
    assert sum(bool(each.matches) for each in expected.values()) >= 9


@pytest.mark.parametrize("copies", [1, 2])
def test_replicas_that_are_killed_under_load_change_no_answer(spread, copies):
    spread.deployment.start(spread.layout(2, replicas=copies), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for seed in range(1, 9):
            books.add(seed)
        asked = {number: (hashes[:5], scan(books.hashes, hashes[:5], 40)) for number, hashes in books.hashes.items()}
        ended, wrong, pauses_s = threading.Event(), [], []

        def ask():
            while not ended.is_set():
                for hashes, truth in asked.values():
                    began = time.monotonic()
                    found = pairs(books.db.searcher.near(hashes, 40))
                    pauses_s.append(time.monotonic() - began)
                    if found != truth:
                        wrong.append(found)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in (0, 1, 0):
            before = len(pauses_s)
            kill(spread, number)
            wait_until(lambda before=before: len(pauses_s) > before + 20)
            wait_until(lambda: all(line["replicas"] == copies for line in spread.deployment.status()))
        ended.set()
        for thread in threads:
            thread.join()
        assert not wrong
        print(f"{len(pauses_s)} answers, the slowest {max(pauses_s):.2f} s")


def test_a_shard_that_does_not_come_back_is_an_error_or_an_incomplete_answer(spread):
    spread.deployment.start(spread.layout(2), wait_s=WAIT_S)
    with spread.opened(timeout_s=60) as strict, spread.opened(timeout_s=60, partial=True) as partial:
        numbers = [strict.add(seed) for seed in range(1, 5)]
        known = {number: fingerprint_of(strict.hashes[number]) for number in numbers}
        unknown = fingerprint_of(random_hashes(99, 30))
        assert partial.db.match(unknown).verdict is Verdict.NO_MATCH
        first = spread.deployment.generations()[0].names[0]
        spread.deployment._serve.delete(str(first))
        with pytest.raises(IndexUnavailable, match="shard 1 of 2"):
            strict.db.match(unknown)
        answer = partial.db.match(unknown)
        assert answer.verdict is Verdict.INSUFFICIENT
        assert not is_complete(answer)
        for number, query in known.items():
            found = partial.db.match(query)
            assert (strict.ids[number] in {m.record.id for m in found.matches}) == (number % 2 == 1)
            assert not is_complete(found)


def test_the_index_is_divided_anew_and_renewed_while_it_is_asked(spread):
    spread.deployment.start(spread.layout(2), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for seed in range(1, 9):
            books.add(seed)
        number, hashes = next(iter(books.hashes.items()))
        truth, ended, wrong, asked = scan(books.hashes, hashes, 40), threading.Event(), [], []

        def ask():
            while not ended.is_set():
                found = pairs(books.db.searcher.near(hashes, 40))
                asked.append(1)
                if found != truth:
                    wrong.append(found)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            assert spread.deployment.reshard(spread.layout(3), wait_s=WAIT_S, settle_s=6).shards == 3
            spread.deployment.upgrade(spread.layout(3), wait_s=WAIT_S)
        finally:
            ended.set()
            thread.join()
        assert not wrong
        assert len(asked) > 10
        assert [(each.number, each.shards, each.complete) for each in spread.deployment.generations()] == [(2, 3, True)]
        books.retract(number)
        assert number not in books.db.searcher.near(hashes, 0).record
        with pytest.raises(vhashdb.UsageError, match="runs already"):
            spread.deployment.start(spread.layout(2))


def test_everything_can_be_stopped_and_started_again_from_what_is_on_disk(spread):
    spread.deployment.start(spread.layout(2), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for seed in range(1, 6):
            books.add(seed)
        hashes = dict(books.hashes)
    spread.deployment.stop()
    with spread.opened(timeout_s=60) as books, pytest.raises(IndexUnavailable, match="no shard of the index runs"):
        books.db.searcher.near(hashes[1], 0)
    spread.deployment.start(spread.layout(2), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for number, some in hashes.items():
            assert set(books.db.searcher.near(some, 0).record.tolist()) == {number}
        assert books.db.searcher.problems() == (None, None)
    assert [path.name for path in sorted(Path(spread.folder / "shards").rglob("*-of-*"))] == ["0-of-2", "1-of-2"]


def wait_until(met, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.1)
