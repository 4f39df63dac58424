"""A large database in use: building its index, adding, retracting, opening, and where the time of a folder's matching goes.

    python -m bench.live [CORPUS] [--millions 10] [--adds 100] [--workers 2] [--scratch DIR] [--keep]

The database is filled with made-up records of 700 hashes (`bench.crowd`, from the distractors of half A of `bench.truth`),
then with the clips. The folder holds distractors of half B, which nothing in the database comes from, and edited clips.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.random import default_rng

import vhashdb
import vhashdb.search.query_fingerprinter as query_fingerprinter
from bench import crowd
from bench.common import decode_only, parser, table, videos
from bench.truth import HALVES, half_of
from vhashdb import Details, Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.live_index import FrameReader
from vhashdb.search.matcher import Matcher
from vhashdb.store import NewRecord, Store

RECORD = 700
STEP_S = 0.125
EDITS = ("reencode", "crop10", "logo", "speed125", "letterbox")
EVERY = 3
"""Of the edited clips, each third is asked about."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--millions", type=float, default=10)
    options.add_argument("--adds", type=int, default=100)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--scratch", type=Path, default=None, help="where to write gigabytes; a temporary folder by default")
    args = options.parse_args()
    known, innocent = ([p for p in videos(args.corpus / "distractors") if half_of(p.name) == half] for half in HALVES)
    rng = default_rng(3)
    made = crowd.realistic(crowd.pool_of([vhashdb.fingerprint(path, views="reference") for path in known]), rng)
    with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
        path = Path(folder, "large.vhdb")
        fill(path, made, round(args.millions * 1e6), args.corpus)
        print_use(path, made, args.adds)
        copies = [p for edit in EDITS for p in videos(args.corpus / "edited" / edit)[::EVERY]]
        print_folder(path, {"unknown": innocent, "copies": copies}, args.workers)


def fill(path: Path, made: Any, hashes: int, corpus: Path, folders: Sequence[str] = ("clips",)) -> None:
    """Make the database: straight to the store, as each record's comparison with all others is not what is measured."""
    with vhashdb.create(path) as db:
        for clip in (each for folder in folders for each in videos(corpus / folder)):
            reference = vhashdb.fingerprint(clip, views="reference")
            db.store.add(NewRecord(reference.duration_s, details=Details(reason=clip.name)), reference)
        stored = 0
        while stored < hashes:
            block = next(made)
            for row in range(0, len(block), RECORD):
                add(db.store, block[row : row + RECORD])
            stored += len(block)


def add(store: Store, hashes: PackedHashes) -> str:
    """Record some hashes as if they were a video's: its id."""
    start_s = np.arange(len(hashes), dtype=np.float64) * STEP_S
    quality, view = np.full(len(hashes), 90, np.uint8), np.zeros(len(hashes), np.uint16)
    made = Fingerprint(Pdq.id, start_s, start_s + STEP_S, hashes, quality, view, len(hashes) * STEP_S, 320, 180)
    return store.add(NewRecord(made.duration_s, details=Details(reason="made up", source="crowd")), made).id


# --- in use ---------------------------------------------------------------------------------------


def print_use(path: Path, made: Any, adds: int) -> None:
    """Build, open, add, retract: seconds and milliseconds."""
    with vhashdb.open(path) as db:
        started = time.perf_counter()
        db.index_writer.rebuild()
        build_s, hashes = time.perf_counter() - started, len(db.index)
    started = time.perf_counter()
    with vhashdb.open(path) as db:
        _ = db.index
        open_s = time.perf_counter() - started
        block = next(made)
        added, spent = [], []
        for number in range(adds):
            fresh = block[number * RECORD : (number + 1) * RECORD]
            started = time.perf_counter()
            added.append((add(db.store, fresh), fresh))
            db.index_writer.maintain()
            assert len(np.unique(db.index.search(fresh[:5], 0).query)) == 5  # it can be found
            spent.append(time.perf_counter() - started)
        retracted = []
        for identifier, fresh in added[:20]:
            started = time.perf_counter()
            db.retract(identifier, reason="bench")
            assert not len(db.index.search(fresh[:5], 0).query)
            retracted.append(time.perf_counter() - started)
        state = db.index_reader.state()
    rows = [
        ["index built from the store", f"{hashes / build_s:,.0f} hashes/s ({hashes:,} in {build_s:.1f} s)"],
        ["opening the database and its index", f"{1e3 * open_s:.0f} ms"],
        [f"adding a record of {RECORD}: stored, durable and found", f"{quantiles(spent)} ms (median, 95 %, most of {adds})"],
        ["retracting one, until it is not found", f"{quantiles(retracted)} ms"],
        ["after that", f"manifest {state.manifest}, {state.segments} segments, {state.memtable:,} hashes not in one"],
    ]
    print(f"\n### A database of {hashes:,} hashes in use\n")
    print(table(("what", "seen"), rows), flush=True)


def quantiles(seconds: Sequence[float]) -> str:
    return " / ".join(f"{1e3 * value:.1f}" for value in (np.median(seconds), np.quantile(seconds, 0.95), max(seconds)))


# --- a folder -------------------------------------------------------------------------------------


class Clock:
    """Adds up the time that threads spend in some functions."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def watch(self, owner: Any, function: str, name: str) -> Any:
        """A patch that measures a function of a class or module, as long as it is entered."""
        real: Callable[..., Any] = getattr(owner, function)

        def measured(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return real(*args, **kwargs)
            finally:
                with self._lock:
                    self.spent_s[name] = self.spent_s.get(name, 0.0) + time.perf_counter() - started

        return patch.object(owner, function, measured)


def print_folder(path: Path, folders: dict[str, Sequence[Path]], workers: int) -> None:
    """Match every file, several at a time with one index, and say where the time went."""
    rows = []
    with vhashdb.open(path) as db:
        _ = db.index
        for name, files in folders.items():
            decoding_s = sum(decode_only(file) for file in files)
            clock = Clock()
            with ExitStack() as stack, ThreadPoolExecutor(workers) as pool:
                for owner, function, what in WATCHED:
                    stack.enter_context(clock.watch(owner, function, what))
                started = time.perf_counter()
                results = list(pool.map(db.match, files))
                wall_s = time.perf_counter() - started
            spent = [clock.spent_s.get(what, 0.0) for what in dict.fromkeys(what for *_, what in WATCHED)]
            found = sum(bool(result.matches) for result in results)
            ms = [f"{1e3 * seconds / len(files):.0f}" for seconds in (wall_s, decoding_s, *spent)]
            rows.append([f"{len(files)} {name}", f"{found} found", f"{len(files) / wall_s:.1f}", *ms])
    header = ("files", "", "files/s", "wall, ms each", "decoding alone", "decode and hash", "search", "compare")
    print(f"\n### A folder against it, {workers} workers\n")
    print(table(header, rows), flush=True)


WATCHED = (
    (query_fingerprinter, "build", "decode and hash"),
    (query_fingerprinter, "rebuild", "decode and hash"),
    (FrameReader, "near", "search"),
    (Matcher, "_compare", "compare"),
    (Matcher, "_rerank", "compare"),
)

if __name__ == "__main__":
    main()
