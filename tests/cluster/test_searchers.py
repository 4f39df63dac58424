"""The index of this process and shards in this process answer alike, and a shard that is missing is never silent."""

import shutil

import numpy as np
import pytest

import vhashdb
from tests.cluster.conformance import Conformance
from tests.cluster.searching import embedded, in_shards, new_place
from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import pairs, scan
from vhashdb import Verdict
from vhashdb.cluster.generations import Generation, ShardName, chosen, generations
from vhashdb.cluster.patience import TRIED_S, Patience
from vhashdb.errors import IndexUnavailable
from vhashdb.index import compaction
from vhashdb.index.planning import choose_strategy, cost
from vhashdb.service.answers import is_complete
from vhashdb.store.changes import Share


class TestEmbedded(Conformance):
    @pytest.fixture
    def books(self, tmp_path):
        with embedded(tmp_path, new_place(tmp_path)) as books:
            yield books


class TestShardsHere(Conformance):
    @pytest.fixture
    def books(self, tmp_path):
        with in_shards(tmp_path, new_place(tmp_path)) as books:
            yield books

    @staticmethod
    def forget(books):
        for shard in books.shards.shards:
            shard._writers.rebuild()

    def test_a_missing_shard_is_an_error_and_never_an_answer(self, books):
        numbers = [books.add(seed) for seed in range(1, 7)]
        books.db.searcher.sizes()
        books.shards.gone = {1}
        for ask in (
            lambda: books.db.searcher.near(books.hashes[numbers[0]], 31),
            lambda: books.db.match(fingerprint_of(random_hashes(99, 30))),
        ):
            with pytest.raises(IndexUnavailable, match="shard 2 of 3 of the index did not answer: it was taken away"):
                ask()
        parts = books.db.searcher.parts()
        assert (parts.count, parts.missing) == (3, (2,))


def test_an_answer_without_a_shard_is_incomplete_whatever_was_found(tmp_path):
    with in_shards(tmp_path, new_place(tmp_path), partial=True) as books:
        numbers = [books.add(seed) for seed in range(1, 7)]
        known, unknown = fingerprint_of(books.hashes[numbers[0]]), fingerprint_of(random_hashes(99, 30))
        before = books.db.match(known), books.db.match(unknown)
        assert [is_complete(each) for each in before] == [True, True]
        assert before[1].verdict is Verdict.NO_MATCH
        for gone in range(3):
            books.shards.gone = {gone}
            found, nothing = books.db.match(known), books.db.match(unknown)
            there = numbers[0] % 3 != gone
            assert {m.record.id for m in found.matches} == ({m.record.id for m in before[0].matches} if there else set())
            for each in (found, nothing):
                assert not is_complete(each)
                assert f"shard {gone + 1} of 3 of the index did not answer" in " ".join(each.damage)
            assert nothing.verdict is Verdict.INSUFFICIENT
            with pytest.raises(IndexUnavailable):  # what is written must not rest on it
                books.db.grouper.related(unknown)
        books.shards.gone = {0, 1, 2}
        with pytest.raises(IndexUnavailable):
            books.db.match(unknown)


def test_a_shard_that_lags_revives_nothing(tmp_path):
    with in_shards(tmp_path, new_place(tmp_path), fresh=False) as books:
        number = books.add(1)
        books.add(2)
        query = fingerprint_of(books.hashes[number])
        books.db.searcher.near(books.hashes[number], 0, at_least=books.change)
        assert [m.record.id for m in books.db.match(query).matches] == [books.ids[number]]
        hashes, identifier, change = books.hashes[number], books.ids[number], books.change
        books.retract(number)
        found = books.db.searcher.near(hashes, 0)
        assert found.change == change < books.change
        assert number in found.record  # nobody told the shards
        result = books.db.match(query)
        assert identifier not in {m.record.id for m in result.matches}
        assert number not in books.db.searcher.near(hashes, 0, at_least=books.change).record


def test_verdicts_scores_and_segments_are_those_of_one_index(known_db, query_prints, tmp_path):
    with in_shards(tmp_path, known_db.path, 3) as books:
        for query in query_prints.values():
            assert books.db.match(query) == known_db.match(query)


def test_shards_have_each_record_once_and_are_read_again_from_their_files(tmp_path):
    place = new_place(tmp_path)
    with in_shards(tmp_path, place) as books:
        for seed in range(1, 8):
            books.add(seed)
        held = [set(shard._frames.current.numbers.tolist()) for shard in books.shards.shards]
        assert sorted(number for numbers in held for number in numbers) == sorted(books.hashes)
        assert all(Share(n, 3).holds(number) for n, numbers in enumerate(held) for number in numbers)
        for shard in books.shards.shards:
            shard._writers.rebuild()
        hashes = dict(books.hashes)
    with in_shards(tmp_path, place) as again:
        assert again.db.searcher.problems() == (None, None)
        asked = np.concatenate(list(hashes.values()))
        assert len(again.db.searcher.near(asked, 0).record) == len(asked)


def test_what_is_damaged_or_lost_of_a_shard_is_made_again_from_the_records(tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "MEMTABLE_ROWS", 10)  # so that there are segments
    place = new_place(tmp_path)
    with in_shards(tmp_path, place) as books:
        for seed in range(1, 8):
            books.add(seed)
        for shard in books.shards.shards:
            shard._writers.rebuild()
        hashes = dict(books.hashes)
    folders = {folder.name: folder for folder in (tmp_path / "shards").rglob("*-of-3")}
    shutil.rmtree(folders["0-of-3"])
    (damaged,) = folders["1-of-3"].glob("index/*/hashes.npy")
    damaged.write_bytes(damaged.read_bytes()[:-8])
    with in_shards(tmp_path, place) as again:
        asked = np.concatenate(list(hashes.values()))
        assert pairs(again.db.searcher.near(asked, 0)) == scan(hashes, asked, 0)
        assert str(folders["1-of-3"]) in again.db.searcher.problems()[0]


class Even:
    """A segment of hashes that are spread evenly."""

    def __init__(self, rows):
        self.rows, self.width = rows, max(8, min(24, (rows // 5).bit_length() - 1))

    def bucket_size(self, width):
        return 1 + self.rows / 2**width


@pytest.mark.parametrize("radius", [31, 52])
def test_shards_share_what_a_question_may_cost(radius):
    for shards in (4, 16):
        params = choose_strategy([Even(10**7)], 256, radius, 600, budget=1 / shards)
        spent = shards * cost(Even(10**7), 256, params)
        alone = shards * cost(Even(10**7), 256, choose_strategy([Even(10**7)], 256, radius, 600))
        assert spent <= alone  # of what is near, a minimum is found at any cost
    assert radius == 31 or spent < alone / 2


def test_the_newest_complete_generation_is_asked_and_the_one_in_use_stays_until_there_is_one():
    def apps(generation, of, ready):
        return [(str(ShardName("abc", generation, of, n)), n in ready) for n in range(of)]

    other = [("vhashdb-abd-g9-0of1", True), ("somebody else's", True)]
    old, new = apps(1, 2, {0, 1}), apps(2, 3, {0, 2})
    both = generations("abc", [*other, *old, *new])
    assert both == [Generation("abc", 1, 2, frozenset({0, 1})), Generation("abc", 2, 3, frozenset({0, 2}))]
    assert chosen(both).number == 1
    assert chosen(generations("abc", [*old, *apps(2, 3, {0, 1, 2})])).number == 2
    broken = generations("abc", [*apps(1, 2, {0}), *new])
    assert chosen(broken, both[0]).number == 1
    assert chosen(broken).number == 2
    assert chosen([]) is None


def test_a_shard_that_is_late_costs_the_whole_time_now_and_then():
    now_s, waited_s = [0.0], []
    patience = Patience(10.0, lambda: now_s[0])

    def ask(name, takes_s):
        with patience.waiting(name) as seconds:
            waited_s.append(seconds)
            if takes_s > seconds:
                raise TimeoutError

    def late(name="a", takes_s=99.0):
        with pytest.raises(TimeoutError, match="nothing came within"):
            ask(name, takes_s)

    ask("a", 1)
    late()
    late()
    late()
    ask("b", 5)
    assert waited_s == [10, 10, 1, 1, 10]
    now_s[0] += TRIED_S + 1
    with pytest.raises(TimeoutError), patience.waiting("a") as first:  # others that come meanwhile do not wait for as long
        late(takes_s=5)
        raise TimeoutError
    assert (first, waited_s[-1]) == (10, 1)
    now_s[0] += TRIED_S + 1
    ask("a", 5)  # slow, and well again
    ask("a", 5)
    assert waited_s[-2:] == [10, 10]


def test_without_ray_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    from vhashdb.cluster.ray_cluster import join

    with pytest.raises(vhashdb.UsageError, match="Ray, which is not installed") as caught:
        join("127.0.0.1:1")
    assert "vhashdb[cluster]" in caught.value.hint
