"""The index beside its records: whatever is written, kept, merged, lost or damaged, it answers like a plain list."""

import itertools
import json
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
from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import near, pairs, scan
from vhashdb import live_index
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index import folder as folders
from vhashdb.index import planning, upkeep
from vhashdb.index.planning import SURE
from vhashdb.live_index import LiveIndex
from vhashdb.store import NewRecord, State, Store

PDQ = AlgorithmId("pdq", 256, 1)
EVERYTHING = 256


@pytest.fixture
def small(monkeypatch):
    """Segments are made and merged with few hashes."""
    for module in (live_index, upkeep):
        monkeypatch.setattr(module, "RECENT_HASHES", 40)
        monkeypatch.setattr(module, "MAX_ROWS", 300)
    monkeypatch.setattr(live_index, "RECENT_CHANGES", 6)
    monkeypatch.setattr(upkeep, "TOGETHER", 2)


class Books:
    """Records, and beside them a plain list of what can be matched."""

    def __init__(self, folder):
        self.folder = folder
        self.store = Store.create(folder / "records.sqlite", PDQ, actor="tester")
        self.ids, self.hashes, self.retracted = {}, {}, set()

    @property
    def model(self):
        return {number: hashes for number, hashes in self.hashes.items() if number not in self.retracted}

    def live(self):
        return LiveIndex(self.folder / "index", self.store, PDQ)

    def add(self, hashes):
        number = len(self.ids) + 1
        self.ids[number] = self.store.add(NewRecord(1.0), fingerprint_of(hashes)).id
        self.hashes[number] = hashes
        return number

    def fill(self, counts, live=None):
        """Add records of random hashes; a live index keeps them one by one."""
        for count in counts:
            self.add(random_hashes(1000 + len(self.ids), count))
            if live:
                live.keep()
                live.finish()

    def retract(self, number):
        self.store.set_state(self.ids[number], State.RETRACTED, reason="", action="retract")
        self.retracted.add(number)

    def restore(self, number):
        self.store.set_state(self.ids[number], State.ACTIVE, reason="", action="restore")
        self.retracted.discard(number)

    def agree(self, live):
        """Whether an index has just what the plain list has."""
        index, model = live.current, self.model
        assert sorted(index.numbers.tolist()) == sorted(number for number, hashes in model.items() if len(hashes))
        assert len(index) == sum(len(hashes) for hashes in model.values())
        asked = np.concatenate([random_hashes(1, 1), *(hashes[:2] for hashes in self.hashes.values())])
        for radius in (0, 52):
            assert pairs(index.search(asked, radius, exact=True)) == scan(model, asked, radius)
        return True


@pytest.fixture
def books(tmp_path, small):
    books = Books(tmp_path)
    yield books
    books.store.close()


def index_files(folder):
    """The files of the index, apart from the lock."""
    return sorted(path for path in (folder / "index").rglob("*") if path.is_file() and path.name != "lock")


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
    """Writing, keeping, merging, opening, crashing and damage in any order; one reader is open all along."""

    asked_pairs = missed_pairs = merges = damages = 0

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.books = Books(Path(self.folder.name))
        self.live, self.reader = self.books.live(), self.books.live()

    @rule(count=st.integers(0, 30), seed=st.integers(0, 4))
    def add(self, count, seed):
        hashes = near(random_hashes(seed, 30), 50, seed=len(self.books.ids))[:count]
        self.books.add(hashes)

    @rule(counts=st.lists(st.integers(5, 30), min_size=4, max_size=12))
    def add_many(self, counts):
        """As a database does it: what came last is kept after every record, while segments are merged."""
        for count in counts:
            self.add(count, count % 5)
            self.keep(False)

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
    def keep(self, wait):
        self.live.keep()
        if wait:
            self.live.finish()
        AnyOrder.merges += self.live._merging is not None

    @rule()
    def rebuild(self):
        self.live.rebuild()

    @rule(finish=st.booleans())
    def reopen(self, finish):
        """Without finishing, a merge may still go on, as if in another process."""
        if finish:
            self.live.finish()
        self.live = self.books.live()

    @rule(call=st.sampled_from(sorted(CALLS)), after=st.integers(1, 12), crash=st.booleans())
    def fail_midway(self, call, after, crash):
        self.live.finish()
        with pytest.MonkeyPatch.context() as patched:
            failing(patched, call, after, for_good=crash)
            self.live.keep()
            self.live.finish()
        if crash:
            self.live = self.books.live()

    @precondition(lambda self: hasattr(self, "books") and index_files(self.books.folder))
    @rule(data=st.data(), kind=st.sampled_from(["changed", "short", "gone"]))
    def damage(self, data, kind):
        self.live.finish()
        path = data.draw(st.sampled_from(index_files(self.books.folder)))
        content = path.read_bytes()
        at = data.draw(st.integers(0, max(0, len(content) - 2)))
        if kind == "gone":
            path.unlink()
        elif content:
            put(path, content[:at] if kind == "short" else content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        self.live = self.books.live()
        assert self.books.agree(self.live)
        AnyOrder.damages += self.live.problem is not None
        self.live.finish()
        self.live = self.books.live()
        assert self.live.problem is None

    @rule(of_reader=st.booleans(), radius=st.sampled_from([0, 3, 31, 52, 64]))
    def search(self, of_reader, radius):
        live = self.reader if of_reader else self.live
        assert self.books.agree(live)
        asked = np.concatenate([random_hashes(seed, 20) for seed in range(5)])
        expected = scan(self.books.model, asked, radius)
        with pytest.MonkeyPatch.context() as patched:  # as if comparing with everything cost too much
            patched.setattr(planning, "SCANNED", 1e9)
            by_keys = pairs(live.current.search(asked, radius))
        missed = list(expected)
        for pair in by_keys:
            missed.remove(pair)
        assert not [pair for pair in missed if pair[2] < 3]
        AnyOrder.asked_pairs += len(expected)
        AnyOrder.missed_pairs += len(missed)

    def teardown(self):
        if hasattr(self, "books"):
            self.live.finish()
            for live in (self.live, self.reader, self.books.live()):
                assert self.books.agree(live)
            self.search(False, 52)
            assert self.books.live().check(1000) is None
            self.books.store.close()
            self.folder.cleanup()


def test_any_order_of_writing_keeping_merging_crashing_and_damage_answers_like_a_plain_list(small):
    AnyOrder.asked_pairs = AnyOrder.missed_pairs = AnyOrder.merges = AnyOrder.damages = 0
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=40, stateful_step_count=30, deadline=None))
    assert AnyOrder.merges > 20
    assert AnyOrder.damages > 20
    assert AnyOrder.asked_pairs > 2000
    assert AnyOrder.missed_pairs <= (1 - SURE) * AnyOrder.asked_pairs
