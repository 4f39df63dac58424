"""The index beside its records: whatever is written, flushed, merged, lost or damaged, it answers like a plain list."""

import itertools
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

import vhashdb
from tests import churn
from tests.conftest import ROOT
from tests.examples import examples
from tests.index.plain import pairs, scan, triples
from tests.live import KINDS, PDQ, Frames, Sound
from vhashdb.index import compaction, landmarks, planning
from vhashdb.index import folder as folders
from vhashdb.index.kinds import RecordRows
from vhashdb.index.planning import TARGET_RECALL
from vhashdb.searcher import IndexState
from vhashdb.store import NewRecord, Selection, State, Store


@pytest.fixture
def small(monkeypatch):
    """Segments are made and merged with few hashes."""
    for name, value in {"MEMTABLE_ROWS": 40, "MAX_SEGMENT_ROWS": 300, "MAX_LAG": 6, "FANOUT": 2}.items():
        monkeypatch.setattr(compaction, name, value)


class Books:
    """Records, and beside them a plain list of what can be matched: the hashes of each, or its landmarks."""

    def __init__(self, folder, of=Frames):
        self.folder, self.of = folder, of
        self.store = Store.create(folder / "records.sqlite", PDQ, actor="tester")
        self.ids, self.values, self.retracted = {}, {}, set()

    @property
    def model(self):
        return {number: values for number, values in self.values.items() if number not in self.retracted}

    def live(self):
        return self.of.live(self.folder / "index", self.store)

    def add(self, values):
        number = len(self.ids) + 1
        self.ids[number] = self.store.add(NewRecord(1.0), self.of.fingerprint(values)).id
        self.values[number] = values
        return number

    def fill(self, counts, live=None):
        """Add records of random values; a live index is maintained after each."""
        for count in counts:
            self.add(self.of.values(1000 + len(self.ids), count))
            if live:
                live.maintain(wait=True)

    def retract(self, number):
        self.store.set_state(self.ids[number], State.RETRACTED, reason="", action="retract")
        self.retracted.add(number)

    def restore(self, number):
        self.store.set_state(self.ids[number], State.ACTIVE, reason="", action="restore")
        self.retracted.discard(number)

    def agree(self, live):
        """Whether an index has just what the plain list has."""
        index, model = live.current, self.model
        assert sorted(index.numbers.tolist()) == sorted(number for number, values in model.items() if len(values))
        assert len(index) == sum(len(values) for values in model.values())
        asked = self.of.asked(self.values.values())
        assert self.of.answers(index, asked) == self.of.truth(model, asked)
        return True


@pytest.fixture(params=list(KINDS))
def of(request):
    """What an index is of."""
    return KINDS[request.param]


@pytest.fixture
def books(tmp_path, small, of):
    books = Books(tmp_path, of)
    yield books
    books.store.close()


def index_files(folder):
    """The files of the index, apart from the lock."""
    return sorted(path for path in (folder / "index").rglob("*") if path.is_file() and path.name != "lock")


def row_file(books):
    return f"{books.of.index_kind.row_name}.npy"


def put(path, data):
    """Other content in the place of a file; who has mapped the old one keeps it."""
    fresh = path.with_suffix(".damaged")
    fresh.write_bytes(data)
    os.replace(fresh, path)


# -- any order -------------------------------------------------------------------------------------

CALLS = {
    "replace": (folders.os, "replace"),
    "fsync": (folders.os, "fsync"),
    "mkdir": (folders.Path, "mkdir"),
    "fallocate": (folders.os, "posix_fallocate"),
    "rmtree": (folders.shutil, "rmtree"),
    "memmap": (np.lib.format, "open_memmap"),
}


def failing(patched, call, after, *, for_good):
    """Let the ``after``-th of these calls fail; and, if the process is to die there, all that would write later."""
    count = itertools.count(1)
    dead = threading.Event()

    def wrap(name, real):
        def wrapped(*arguments, **options):
            if dead.is_set() or (name == call and next(count) == after):
                if for_good:
                    dead.set()
                raise OSError(28, "No space left on device")
            return real(*arguments, **options)

        return wrapped

    for name, (place, attribute) in CALLS.items():
        patched.setattr(place, attribute, wrap(name, getattr(place, attribute)))


class AnyOrder(RuleBasedStateMachine):
    """Writing, flushing, merging, opening, crashing and damage in any order; one reader is open all along."""

    of = Frames
    asked_pairs = missed_pairs = merges = damages = 0

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.books = Books(Path(self.folder.name), self.of)
        self.live, self.reader = self.books.live(), self.books.live()
        self.left = []
        """Forgotten without an end; a merge of theirs may still go on, as if in another process."""

    def finish(self):
        """Wait until nobody writes any more, forgotten ones included."""
        for live in (*self.left, self.live):
            live.writer.wait()

    @rule(count=st.integers(0, 30), seed=st.integers(0, 4))
    def add(self, count, seed):
        self.books.add(self.of.varied(seed, count, len(self.books.ids)))

    @rule(counts=st.lists(st.integers(5, 30), min_size=4, max_size=12))
    def add_many(self, counts):
        """As a database does it: the index is maintained after every record, while segments are merged."""
        for count in counts:
            self.add(count, count % 5)
            self.maintain(False)

    @precondition(lambda self: hasattr(self, "books") and self.books.model)
    @rule(data=st.data())
    def retract(self, data):
        self.books.retract(data.draw(st.sampled_from(sorted(self.books.model))))

    @precondition(lambda self: hasattr(self, "books") and len(self.books.model) > 3)
    @rule(data=st.data())
    def retract_many(self, data):
        for number in data.draw(st.lists(st.sampled_from(sorted(self.books.model)), min_size=3, unique=True)):
            self.books.retract(number)

    @precondition(lambda self: hasattr(self, "books") and self.books.retracted)
    @rule(data=st.data())
    def restore(self, data):
        self.books.restore(data.draw(st.sampled_from(sorted(self.books.retracted))))

    @precondition(lambda self: hasattr(self, "books") and self.books.ids)
    @rule(data=st.data())
    def relabel(self, data):
        self.books.store.relabel(self.books.ids[data.draw(st.sampled_from(sorted(self.books.ids)))], add=["seen"])

    @rule(wait=st.booleans())
    def maintain(self, wait):
        self.live.maintain(wait=wait)
        AnyOrder.merges += self.live.writer._merging is not None

    @rule()
    def rebuild(self):
        self.live.writer.rebuild()

    @rule(finish=st.booleans())
    def reopen(self, finish):
        if finish:
            self.live.writer.wait()
        self.left.append(self.live)
        self.live = self.books.live()

    @rule(call=st.sampled_from(sorted(CALLS)), after=st.integers(1, 12), crash=st.booleans())
    def fail_midway(self, call, after, crash):
        self.live.writer.wait()
        with pytest.MonkeyPatch.context() as patched:
            failing(patched, call, after, for_good=crash)
            self.live.maintain(wait=True)
        if crash:
            self.live = self.books.live()

    @rule(which=st.integers(0, 1000), share=st.floats(0, 0.999), kind=st.sampled_from(["changed", "short", "gone"]))
    def damage(self, which, share, kind):
        self.finish()  # while another one writes, damage is made up for in memory only
        if not (paths := index_files(self.books.folder)):
            return
        path = paths[which % len(paths)]
        content = path.read_bytes()
        at = int(share * (len(content) - 1))  # the last byte of the list is a line break, which may be missing
        if kind == "gone":
            path.unlink()
        elif content:
            put(path, content[:at] if kind == "short" else content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        self.live = self.books.live()
        assert self.books.agree(self.live)
        AnyOrder.damages += self.live.problem is not None
        self.live.writer.wait()
        self.live = self.books.live()
        assert self.live.problem is None

    @rule(of_reader=st.booleans(), radius=st.sampled_from([0, 3, 31, 52, 64]))
    def search(self, of_reader, radius):
        live = self.reader if of_reader else self.live
        assert self.books.agree(live)
        self.ask(live, radius)

    def ask(self, live, radius):
        """Search as a question does: by tables, which miss little."""
        asked = np.concatenate([self.of.values(seed, 20) for seed in range(5)])
        expected = scan(self.books.model, asked, radius)
        with pytest.MonkeyPatch.context() as patched:  # as if comparing with everything cost too much
            patched.setattr(planning, "SCAN_COST", 1e9)
            by_keys = pairs(live.current.search(asked, radius))
        missed = list(expected)
        for pair in by_keys:
            missed.remove(pair)
        assert not [pair for pair in missed if pair[2] < 3]
        AnyOrder.asked_pairs += len(expected)
        AnyOrder.missed_pairs += len(missed)

    def teardown(self):
        if hasattr(self, "books"):
            self.live.writer.wait()
            for live in (self.live, self.reader, self.books.live()):
                assert self.books.agree(live)
            self.search(False, 52)
            self.damage(len(self.books.ids), 0.7, "changed")
            assert self.books.live().check(1000) is None
            self.books.store.close()
            self.folder.cleanup()


class SoundInAnyOrder(AnyOrder):
    """The same of landmarks."""

    of = Sound

    def ask(self, live, radius):
        """Look keys up as a question does: some records only, not the most frequent keys, no more than so many landmarks."""
        chance, some = random.Random(radius + 100 * len(self.books.ids)), self.of.asked(self.books.values.values()).tolist()
        for where, most, budget in itertools.product((None, Selection(labels=("seen",))), (3, 10_000), (100, 10_000)):
            asked = np.array(chance.choices(some, k=20), np.uint32)
            found = live.landmarks(asked, where=where, most=most, budget=budget)
            truth, frequency = self.of.truth(self.books.model, asked)
            assert found.frequency.tolist() == frequency
            order = sorted(range(len(asked)), key=lambda query: frequency[query])
            totals = itertools.accumulate(frequency[query] for query in order)
            answered = {q for q, total in zip(order, totals, strict=True) if not frequency[q] or (frequency[q] <= most and total <= budget)}
            assert set(np.flatnonzero(found.answered).tolist()) == answered
            seen = set(self.books.ids) if where is None else set(self.books.store.changes.selected(where))
            expected = [hit for hit in truth if hit[0] in answered and hit[1] in seen]
            assert sorted(hit for hits in found.hits for hit in triples(hits)) == expected
            AnyOrder.asked_pairs += len(expected)


@pytest.mark.parametrize("machine", [AnyOrder, SoundInAnyOrder])
def test_any_order_of_writing_flushing_merging_crashing_and_damage_answers_like_a_plain_list(small, machine):
    AnyOrder.asked_pairs = AnyOrder.missed_pairs = AnyOrder.merges = AnyOrder.damages = 0
    run_state_machine_as_test(machine, settings=settings(max_examples=examples(25), stateful_step_count=30, deadline=None))
    assert AnyOrder.merges > 10
    assert AnyOrder.damages >= examples(25) // 3
    assert AnyOrder.asked_pairs > 1000
    assert AnyOrder.missed_pairs <= (1 - TARGET_RECALL) * AnyOrder.asked_pairs


# -- flushing and merging --------------------------------------------------------------------------


def test_few_hashes_leave_nothing_on_disk_and_many_do(books):
    live = books.live()
    books.fill([10, 10, 10], live)
    assert not (books.folder / "index").exists()
    assert live.state() == IndexState(0, 0, 0, 0, 0, memtable=30, lag=3)
    books.fill([10], live)
    state = live.state()
    assert (state.manifest, state.segments, state.rows, state.memtable, state.lag) == (1, 1, 40, 0, 0)
    assert state.bytes == sum(path.stat().st_size for path in index_files(books.folder) if path.suffix == ".npy")
    assert books.agree(live)
    assert books.agree(books.live())


def test_many_changes_are_committed_even_if_they_bring_no_hashes(books):
    live = books.live()
    books.fill([20, 20], live)
    for _ in range(6):
        books.store.relabel(books.ids[1], add=["seen"])
        live.maintain()
    assert live.state().lag == 0
    assert live.state().manifest == 2


def test_segments_stay_few_as_records_come_one_by_one(books):
    live = books.live()
    books.fill([20] * 30, live)
    assert books.agree(live)
    assert live.state().segments <= 8
    assert {path.parent.name for path in index_files(books.folder) if path.suffix == ".npy"} == {
        layer.stored.name for layer in live.current.layers
    }


def test_a_removed_record_is_gone_at_once_and_its_space_comes_back_at_the_merge(books):
    live = books.live()
    books.fill([20] * 12, live)
    before = live.state()
    assert before.deleted == 0
    for number in range(1, 7):
        books.retract(number)
        assert books.agree(live)
    assert live.state().deleted == 120
    assert live.state().bytes == before.bytes
    live.maintain(wait=True)
    after = live.state()
    assert (after.deleted, after.rows) == (0, 120)
    assert after.bytes < before.bytes
    assert books.agree(live)
    assert books.agree(books.live())


def test_what_is_removed_stays_removed_when_it_is_opened_before_the_merge(books):
    live = books.live()
    books.fill([40, 100], live)
    books.fill([1] * 3)
    books.retract(3)
    books.retract(5)
    for _ in range(6):
        books.store.relabel(books.ids[1], add=["seen"])
    live.maintain(wait=True)
    assert live.state().lag == 0
    assert books.agree(books.live())


def test_everything_removed_and_added_again_is_found_again(books):
    live = books.live()
    reader = books.live()
    books.fill([40, 40], live)
    assert books.agree(reader)
    for number in (1, 2):
        books.retract(number)
    live.maintain(wait=True)
    assert live.state().rows == 0
    books.restore(2)
    books.fill([50], live)
    assert books.agree(live)
    assert books.agree(reader)
    assert books.agree(books.live())


def test_a_name_that_comes_back_is_another_segment_to_a_reader_that_was_open(books):
    """Segments 1 and 2; 2 is removed whole, and the next is named 2 again."""
    live, reader = books.live(), books.live()
    books.fill([200, 50], live)
    assert books.agree(reader)
    old = {layer.stored.name: layer.segment for layer in reader.current.layers}
    books.retract(2)
    live.maintain(wait=True)
    books.fill([60], live)
    assert sorted(old) == sorted(layer.stored.name for layer in live.current.layers)
    assert books.agree(reader)
    now = {layer.stored.name: layer.segment for layer in reader.current.layers}
    assert [name for name in old if now[name] is old[name]] == ["00000001"]  # what is as it was is not mapped again
    assert reader.problem is None


def test_a_reader_picks_up_new_manifests_while_it_stays_open(books):
    live, reader = books.live(), books.live()
    seen = set()
    for _ in range(12):
        books.fill([20], live)
        assert books.agree(reader)
        seen.add(reader.state().manifest)
    assert len(seen) > 4
    assert reader.state() == live.state()


def test_who_may_not_write_answers_all_the_same(books):
    """Another process holds the lock for long."""
    live = books.live()
    books.fill([40], live)
    with folders.IndexFolder(books.folder / "index", books.of.index_kind).try_lock():
        books.fill([30] * 4, live)
        assert live.state().manifest == 1
        assert live.state().memtable == 120
        assert books.agree(live)
        reader = books.live()
        assert books.agree(reader)
        reader.writer.rebuild()  # in memory alone
        assert books.agree(reader)
    for each in (reader, live):
        each.maintain(wait=True)
        assert each.state().memtable == 0
        assert books.agree(each)
        assert books.agree(books.live())


def test_threads_of_one_process_search_while_it_writes_and_merges(books):
    live = books.live()
    books.fill([20, 30, 10], live)
    asked = books.of.everything([books.values[number] for number in (1, 2, 3)])
    expected, wrong, stop = books.of.truth(books.model, asked)[0], [], threading.Event()

    def search():
        while not stop.is_set():
            found = [hit for hit in books.of.found(live.current, asked) if hit[1] <= 3]
            if found != expected:
                wrong.append(found)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(4, 44):
        books.add(books.of.values(number, 15))
        live.maintain()
        if number % 3 == 0:
            books.retract(number - 1)
    stop.set()
    for thread in threads:
        thread.join()
    live.writer.wait()
    assert wrong == []
    assert books.agree(live)


# -- replaying -------------------------------------------------------------------------------------


def test_a_replay_that_fails_midway_is_done_again(books, monkeypatch):
    live = books.live()
    books.fill([10, 10])
    assert books.agree(live)
    books.fill([10, 10, 10])
    changes_since = getattr(books.store.changes, books.of.changes)

    def interrupted(*change, **options):
        yield next(iter(changes_since(*change, **options)))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(books.store.changes, books.of.changes, interrupted)
        with pytest.raises(KeyboardInterrupt):
            _ = live.current
    assert books.agree(live)


def test_very_many_records_at_once_become_segments_of_bounded_size(books):
    books.fill([29, 1, 30] * 20)
    live = books.live()
    assert books.agree(live)
    assert all(40 <= layer.segment.rows <= 340 for layer in live.current.layers)
    live.maintain(wait=True)
    assert live.state().memtable == 0
    assert books.agree(live)
    assert books.agree(books.live())


def test_a_record_without_a_usable_hash_is_no_trouble(books):
    live = books.live()
    books.fill([0, 20, 0, 20, 0], live)
    assert books.agree(live)
    books.retract(1)
    assert books.agree(live)
    assert live.check(1000) is None


def test_an_index_of_restored_records_is_made_again(books):
    books.fill([30, 30])
    backup = books.folder / "backup.sqlite"
    shutil.copy(books.store.path, backup)
    books.store.close()
    shutil.copy(books.store.path, backup)
    books.store = Store.open(books.store.path)
    books.fill([30, 30], books.live())
    books.store.close()
    shutil.copy(backup, books.store.path)
    books.store = Store.open(books.store.path)
    for number in (3, 4):
        del books.ids[number], books.values[number]
    live = books.live()
    assert books.agree(live)
    assert "newer than the records" in live.problem
    assert books.live().problem is None


# -- damage ----------------------------------------------------------------------------------------


@pytest.fixture
def damaged(books):
    """Books whose index has two segments and lags a little."""
    live = books.live()
    books.fill([200, 100], live)
    books.fill([3])
    assert live.state().segments == 2
    return books


def cut(path):
    put(path, path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    put(path, b"")


def turn(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    put(path, data)


def overwrite(path):
    put(path, b"no index\n")


def lose(path):
    path.unlink()


def directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [cut, empty, turn, overwrite, lose, directory])
@pytest.mark.parametrize("which", range(9))
def test_damage_of_any_file_is_named_and_made_up_for_and_gone_at_the_next_opening(damaged, damage, which):
    path = index_files(damaged.folder)[which]
    assert len(index_files(damaged.folder)) == 9
    damage(path)
    live = damaged.live()
    assert damaged.agree(live)
    if path.name == "current.json" and damage is lose:  # as if there had never been an index
        assert live.problem is None
        live.maintain()
    else:
        assert str(damaged.folder / "index") in live.problem
        assert (path.name if path.suffix == ".json" else path.parent.name) in live.problem
    if path.name == "current.json" and damage is directory:
        return  # nothing can be put there, and nothing is
    live = damaged.live()
    assert live.problem is None
    assert damaged.agree(live)
    assert live.check(1000) is None
    assert live.state().memtable == 0


def test_a_small_index_that_is_started_over_loses_nothing(books):
    """Too few hashes for a segment: the next opening must read them again."""
    (books.folder / "index").mkdir()
    (books.folder / "index" / "current.json").write_text("no index")
    books.fill([5, 6])
    live = books.live()
    assert books.agree(live)
    assert "current.json" in live.problem
    again = books.live()
    assert books.agree(again)
    assert again.problem is None
    again.writer.rebuild()
    assert books.agree(again)
    assert books.agree(books.live())


def test_a_file_in_the_place_of_the_folder_is_no_trouble(books):
    (books.folder / "index").write_text("x")
    books.fill([30] * 4)
    live = books.live()
    assert books.agree(live)
    live.maintain(wait=True)
    assert books.agree(live)
    assert (books.folder / "index").read_text() == "x"


def test_a_failing_flush_is_logged_and_once_only_until_it_works_again(books, caplog):
    """A file is in the place of the folder, so nothing can be written there."""

    def warnings():
        levels = [record.levelno for record in caplog.records if "flushing the memtable" in record.message]
        messages = [record.message for record in caplog.records if record.levelno == logging.WARNING]
        caplog.clear()
        return levels, messages

    place, live = books.folder / "index", books.live()
    with caplog.at_level(logging.DEBUG, "vhashdb"):
        for _ in range(2):
            place.write_text("x")
            books.fill([30, 30, 30], live)
            levels, messages = warnings()
            assert levels[0] == logging.WARNING
            assert set(levels[1:]) == {logging.DEBUG}
            assert any("could not be written and is kept in memory" in message for message in messages)
            assert all(str(place) in message for message in messages)
            place.unlink()
            live.maintain(wait=True)
            assert warnings() == ([], [])
            assert (live.state().memtable, live.state().lag) == (0, 0)
            shutil.rmtree(place)


@pytest.mark.parametrize("name", ["tables", "begins"])
def test_damage_that_opening_did_not_see_is_made_up_for_when_a_search_comes_upon_it(damaged, monkeypatch, name):
    monkeypatch.setattr(folders.IndexFolder, "check", lambda *_, **__: None)  # as of a very large index
    monkeypatch.setattr(landmarks, "_SMALL", 0)
    for path in index_files(damaged.folder):
        if path.stem == name:
            array = np.load(path)
            array[:, 3:-3] |= 0x8000_0000
            np.save(path.with_suffix(".damaged.npy"), array)
            os.replace(path.with_suffix(".damaged.npy"), path)
    live = damaged.live()
    for number in (1, 2):
        assert number in damaged.of.records_of(live, damaged.values[number])
    assert "tables are damaged" in live.problem
    monkeypatch.undo()
    assert damaged.live().problem is None


def test_no_damage_is_handed_on_by_a_merge(books):
    """It comes after the segments were mapped."""
    live = books.live()
    books.fill([100], live)
    (path,) = (path for path in index_files(books.folder) if path.name == row_file(books))
    last = path.read_bytes()[-1]
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last ^ 1]))
    books.fill([100], live)  # a second segment of like size: they are merged
    assert row_file(books) in live.problem
    assert live.state().segments == 1
    again = books.live()
    assert again.problem is None
    assert books.agree(again)
    assert again.check(1000) is None


@pytest.mark.parametrize("call", ["fsync", "fallocate", "mkdir", "replace"])
def test_a_full_disk_fails_neither_an_answer_nor_an_added_record(damaged, monkeypatch, call):
    cut(index_files(damaged.folder)[0])
    live = damaged.live()
    with monkeypatch.context() as patched:
        failing(patched, call, 1, for_good=True)
        assert damaged.agree(live)
        assert live.problem
        for _ in range(3):
            damaged.fill([50], live)
        assert damaged.agree(live)
    live.maintain(wait=True)
    assert live.state().memtable == 0
    assert damaged.agree(live)
    assert damaged.live().problem is None
    assert damaged.agree(damaged.live())


# -- checking --------------------------------------------------------------------------------------


def test_a_sound_index_passes_its_check(damaged):
    assert damaged.live().check(1000) is None


def test_a_check_sees_damage_first_of_all_or_after_opening(damaged):
    path = next(path for path in index_files(damaged.folder) if path.name == "tables.npy")
    turn(path)
    live = damaged.live()
    assert "tables.npy" in live.check(10)  # which opened it, too
    live.writer.rebuild()
    assert live.check(10) is None
    status = (path := next(p for p in index_files(damaged.folder) if p.name == row_file(damaged))).stat()
    turn(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert row_file(damaged) in live.check(0)


def test_a_check_looks_records_up(damaged, monkeypatch):
    live = damaged.live()
    damaged.agree(live)
    live.current.remove(2)
    assert live.check(1000) == f"the {damaged.of.index_kind.name} does not hold record number 2 as the database does"
    live.writer.rebuild()
    assert live.check(1000) is None
    damaged.retract(1)
    last = damaged.store.changes.last()
    monkeypatch.setattr(live.current, "remove", lambda record: None)
    live.current.change = last
    live.current.add(RecordRows(1, 1, damaged.of.values(1, 3)))
    assert live.check(1000) == f"the {damaged.of.index_kind.name} finds record number 1, which cannot be matched"


def test_a_check_is_not_alarmed_by_records_that_come_and_go_meanwhile(damaged, monkeypatch):
    live, matchable = damaged.live(), damaged.store.changes.matchable
    rounds = iter(range(3))

    def meanwhile(**options):
        if next(rounds, None) is not None:
            damaged.add(damaged.of.values(len(damaged.ids), 3))
            damaged.retract(len(damaged.ids) - 1)
        return matchable(**options)

    monkeypatch.setattr(damaged.store.changes, "matchable", meanwhile)
    assert live.check(1000) is None


# -- several processes -----------------------------------------------------------------------------


def start(kind, books, seed):
    of = next(name for name, of in KINDS.items() if of is books.of)
    command = [sys.executable, "-m", "tests.churn", kind, of, str(books.store.path), str(books.folder / "index"), str(seed)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n", process.stderr.read()
    return process


@pytest.fixture
def running(books):
    """Starts processes, and ends those that are still there."""
    processes = []

    def run(kind, seed):
        processes.append(start(kind, books, seed))
        return processes[-1]

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def test_readers_answer_right_all_along_while_writers_are_killed_at_random_moments(books, running):
    for _ in range(churn.PILLARS):
        churn.add(books.store, books.of)
    readers = [running("read", seed) for seed in range(2)]
    chance = random.Random(4)
    for seed in range(3):
        writer = running("write", seed)
        time.sleep(chance.uniform(0.1, 0.5))
        writer.send_signal(signal.SIGKILL)
        assert writer.wait() == -signal.SIGKILL
        assert [reader.poll() for reader in readers] == [None, None]
        left = books.live()
        assert sorted(left.current.numbers.tolist()) == sorted(books.store.changes.matchable())
        assert left.problem is None
    for reader in readers:
        out, err = reader.communicate(timeout=60)
        assert reader.returncode == 0, err
        seen = json.loads(out)
        assert seen["looks"] > 0  # how many is up to the machine
    live = books.live()
    assert live.check(1000) is None
    assert live.problem is None


def test_several_writers_take_turns(books, running):
    for _ in range(churn.PILLARS):
        churn.add(books.store, books.of)
    writers = [running("write", seed) for seed in range(2)]
    time.sleep(1)
    assert [writer.poll() for writer in writers] == [None, None]
    for writer in writers:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert books.live().check(1000) is None


def test_an_index_of_another_algorithm_in_the_same_place_is_made_again(damaged):
    path = damaged.folder / "index" / "current.json"
    body = json.loads(path.read_text())["index"] | {"algorithm": damaged.of.other_version}
    text = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
    put(path, b'{"crc32":%d,"index":%s}\n' % (folders.zlib.crc32(text), text))
    live = damaged.live()
    assert damaged.agree(live)
    assert "another format or algorithm" in live.problem
    assert damaged.live().problem is None


def test_a_problem_is_an_error_of_the_library_inside(damaged):
    cut(damaged.folder / "index" / "current.json")
    with pytest.raises(vhashdb.DatabaseDamaged):
        folders.IndexFolder(damaged.folder / "index", damaged.of.index_kind).manifest()


@pytest.mark.parametrize("moment", ["before the list is read", "after", "while it is checked", "while it is mapped"])
def test_a_reader_is_not_misled_by_a_merge_that_clears_away_what_it_is_opening(damaged, monkeypatch, moment):
    """Half of what it is about to open is gone, as a process is just deleting it, and so is the name in the list."""
    writer = damaged.live()
    damaged.agree(writer)
    place, name = {
        "before the list is read": (folders.IndexFolder, "manifest"),
        "after": (folders.IndexFolder, "check"),
        "while it is checked": (folders.random, "shuffle"),
        "while it is mapped": (folders.np, "load"),
    }[moment]
    real, reader = getattr(place, name), damaged.live()
    monkeypatch.setattr(folders.shutil, "rmtree", half_removed)

    def overtaken(*arguments, **options):
        monkeypatch.setattr(place, name, real)
        writer.writer.rebuild()
        return real(*arguments, **options)

    monkeypatch.setattr(place, name, overtaken)
    assert damaged.agree(reader)
    assert reader.problem is None
    assert reader.state().manifest == writer.state().manifest


def half_removed(path, **_):
    """What `shutil.rmtree` has done so far."""
    for file in sorted(path.iterdir())[:3]:
        file.unlink()
