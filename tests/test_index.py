"""The index: whatever is added, removed, saved and opened, it answers like a plain scan."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import vhashdb
from tests.footage import flipped, random_hashes
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import distances
from vhashdb.index import FrameIndex

PDQ = AlgorithmId("pdq", 256, 1)


def scan(model, asked, radius):
    """What a plain loop over everything gives: (query, record, entry, distance) rows."""
    found = set()
    for record, (entries, hashes) in model.items():
        table = distances(asked, hashes)
        for query, row in np.argwhere(table <= radius).tolist():
            found.add((query, record, int(entries[row]), int(table[query, row])))
    return found


def rows_of(hits):
    rows = list(zip(hits.query.tolist(), hits.record.tolist(), hits.entry.tolist(), hits.distance.tolist(), strict=True))
    assert len(rows) == len(set(rows))
    return set(rows)


class AnyOrder(RuleBasedStateMachine):
    """Adding, removing, saving and opening in any order."""

    @initialize(bits=st.sampled_from([64, 256]))
    def begin(self, bits):
        self.algorithm = AlgorithmId("pdq" if bits == 256 else "phash", bits, 1)
        self.index, self.model, self.next = FrameIndex(self.algorithm), {}, 1
        self.folder = tempfile.TemporaryDirectory()

    @rule(count=st.integers(0, 12), seed=st.integers(0, 5))
    def add(self, count, seed):
        hashes = flipped(random_hashes(seed, max(count, 1), self.algorithm.bytes)[:count], seed % 3, seed=self.next)
        entries = np.arange(count) * 2
        self.index.add(self.next, entries, hashes)
        self.model[self.next] = (entries, hashes)
        self.next += 1

    @precondition(lambda self: getattr(self, "model", None))
    @rule(data=st.data())
    def remove(self, data):
        record = data.draw(st.sampled_from(sorted(self.model)))
        self.index.remove(record)
        del self.model[record]

    @rule()
    def remove_what_is_not_there(self):
        self.index.remove(10_000)

    @rule(change=st.integers(0, 1 << 40))
    def save_and_open(self, change):
        self.index.change = change
        path = Path(self.folder.name) / "frames.vhix"
        self.index.save(path)
        self.index = FrameIndex.open(path, self.algorithm)
        assert self.index.change == change
        assert [p.name for p in path.parent.iterdir()] == [path.name]

    @rule(seed=st.integers(0, 5), radius=st.sampled_from([0, 1, 3, 8, 31, 64]))
    def search(self, seed, radius):
        asked = random_hashes(seed, 5, self.algorithm.bytes)
        assert rows_of(self.index.search(asked, radius)) == scan(self.model, asked, radius)

    @invariant()
    def counts_agree(self):
        if hasattr(self, "model"):
            assert len(self.index) == sum(len(entries) for entries, _ in self.model.values())
            assert self.index.records == sum(len(entries) > 0 for entries, _ in self.model.values())

    def teardown(self):
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 1000))
@settings(max_examples=60)
def test_the_radius_is_inclusive(radius, distance, seed):
    stored = random_hashes(seed, 1)
    index = FrameIndex(PDQ)
    index.add(7, np.array([3]), stored)
    hits = index.search(flipped(stored, distance, seed), radius)
    assert rows_of(hits) == ({(0, 7, 3, distance)} if distance <= radius else set())


def test_searching_nothing_or_in_nothing_finds_nothing():
    index = FrameIndex(PDQ)
    assert len(index.search(random_hashes(1, 3), 256).record) == 0
    index.add(1, np.arange(3), random_hashes(1, 3))
    assert len(index.search(random_hashes(1, 0), 256).record) == 0
    assert len(index.search(random_hashes(2, 2), 256).record) == 6


@pytest.fixture
def saved(tmp_path):
    index = FrameIndex(PDQ)
    for record in (1, 2, 3):
        index.add(record, np.arange(4), random_hashes(record, 4))
    index.change = 9
    index.save(tmp_path / "frames.vhix")
    return tmp_path / "frames.vhix"


def test_every_truncation_of_the_file_is_noticed(saved):
    data = saved.read_bytes()
    for length in range(0, len(data), 7):
        saved.write_bytes(data[:length])
        with pytest.raises(vhashdb.DatabaseDamaged):
            FrameIndex.open(saved, PDQ)


def test_every_changed_byte_of_the_file_is_noticed(saved):
    data = saved.read_bytes()
    for position in range(0, len(data), 3):
        saved.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
        with pytest.raises(vhashdb.DatabaseDamaged):
            FrameIndex.open(saved, PDQ)


def test_a_missing_file_or_a_folder_in_its_place_is_noticed(tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("missing", "folder"):
        with pytest.raises(vhashdb.DatabaseDamaged):
            FrameIndex.open(tmp_path / name, PDQ)


@pytest.mark.parametrize("other", [AlgorithmId("phash", 256, 1), AlgorithmId("pdq", 256, 2), AlgorithmId("dhash", 64, 1)], ids=str)
def test_an_index_of_another_algorithm_is_refused(saved, other):
    with pytest.raises(vhashdb.DatabaseDamaged):
        FrameIndex.open(saved, other)


def test_a_failed_save_leaves_the_old_file(saved):
    before = saved.read_bytes()
    index = FrameIndex.open(saved, PDQ)
    (saved.parent / "elsewhere").mkdir()
    with pytest.raises(IsADirectoryError):
        index.save(saved.parent / "elsewhere")  # a folder cannot be replaced by a file
    assert saved.read_bytes() == before
    assert sorted(p.name for p in saved.parent.iterdir()) == ["elsewhere", "frames.vhix"]


def test_the_file_is_never_a_pickle(saved):
    assert saved.read_bytes().startswith(b"VHIX\x01")
    assert saved.stat().st_size < 12 * (32 + 8) + 200
