"""What many copies of one video cost: recording one more, and asking about it, beside the cost when there is one copy.

    python -m bench.many_copies VARIANTS [--others 100000] [--copies 1000]

``VARIANTS`` is what `bench.variants` was run on: the fingerprints of real copies that it keeps are what copies are drawn from, each
with a few bits of every hash changed. The other records are made by `bench.crowd`. Prints processor seconds of one addition and of one
question, as medians and as ratios, and whether the other videos are found as before.
"""

from __future__ import annotations

import argparse
import itertools
import pickle
import shutil
import statistics
import tempfile
import time
from csv import DictReader
from dataclasses import replace
from pathlib import Path

import numpy as np

import vhashdb
from bench import synthetic
from bench.variants import made_up
from vhashdb.adding import Prepared
from vhashdb.hashing.bits import PackedHashes

_CHANGED = 3
"""Bits of each hash that are changed in a copy of a copy."""
_ASKED = 12


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("variants", type=Path)
    options.add_argument("--others", type=int, default=100_000)
    options.add_argument("--copies", type=int, default=1000)
    args = options.parse_args()
    rng = np.random.default_rng(1)
    prints: dict[str, Prepared] = pickle.loads((args.variants / "prepared.pickle").read_bytes())
    with (args.variants / "truth.csv").open() as file:
        rows = [row for row in DictReader(file) if row["kind"] in ("re-encoding", "crop") and row["file"] in prints]
    sources = sorted({row["sources"] for row in rows})
    of = {source: [prints[row["file"]] for row in rows if row["sources"] == source] for source in sources}
    folder = Path(tempfile.mkdtemp())
    try:
        with vhashdb.create(folder / "db") as db:
            others = itertools.islice(made_up(pickle.loads((args.variants / "others.pickle").read_bytes())), args.others)
            made = list(others)
            started = time.process_time()
            for added in db.add_many((other, vhashdb.Details()) for other in made):
                assert added.status == "added"
            per_s = len(made) / (time.process_time() - started)
            print(f"{len(made):,} others recorded, indexed and grouped at {per_s:,.0f} a second")
            source = sources[len(sources) // 2]
            for other in sources:
                if other != source:
                    record(db, of[other][0], rng)
            costs = []
            for _ in range(_ASKED):
                identifier, first_s = record(db, of[source][0], rng)
                costs.append(first_s)
                db.retract(identifier, reason="to be the first again", erase=True)
            first_s = statistics.median(costs)
            record(db, of[source][0], rng)
            one_s, found_before = asked(db, of, source, rng)
            for number in range(args.copies - 1):
                record(db, of[source][number % len(of[source])], rng)
            again_s = statistics.median(record(db, of[source][number % len(of[source])], rng)[1] for number in range(_ASKED))
            many_s, found_after = asked(db, of, source, rng)
            print(f"{len(db):,} records, {args.copies:,} of them copies of one video")
            print(f"addition: {1000 * first_s:.0f} ms of the first copy, {1000 * again_s:.0f} ms of one more: {again_s / first_s:.2f} ×")
            print(f"question: {1000 * one_s:.0f} ms beside one copy, {1000 * many_s:.0f} ms beside all: {many_s / one_s:.2f} ×")
            print(f"other videos found: {found_before} of {len(sources) - 1} before, {found_after} after")
            (video,) = db.videos.all(least_records=args.copies // 2)
            shown = sum(each.shown_by is not None for each in video.records)
            print(f"one video has {len(video.records):,} records, {shown:,} of which are found through another")
    finally:
        shutil.rmtree(folder)


def record(db: vhashdb.Database, copy: Prepared, rng: np.random.Generator) -> tuple[str, float]:
    """Record a copy that differs a little from another; its id, and processor seconds."""
    reference, query = (altered(each, rng) for each in (copy.reference, copy.query))
    started = time.process_time()
    added = db.record(Prepared(reference, query, None, copy.frames), vhashdb.Details())
    return added.id, time.process_time() - started


def asked(db: vhashdb.Database, of: dict[str, list[Prepared]], source: str, rng: np.random.Generator) -> tuple[float, int]:
    """Median seconds of a question about one video, and how many others are found."""
    costs = []
    for number in range(_ASKED):
        query = altered(of[source][-1 - number % len(of[source])].query, rng)
        started = time.process_time()
        db.match(query)
        costs.append(time.process_time() - started)
    found = sum(bool(db.match(altered(of[other][-1].query, rng)).matches) for other in of if other != source)
    return statistics.median(costs), found


def altered(fingerprint: vhashdb.Fingerprint, rng: np.random.Generator) -> vhashdb.Fingerprint:
    """A fingerprint with some bits of each hash changed."""
    flips = synthetic.drawn_bits(np.ones(256), len(fingerprint), (0, _CHANGED), rng)
    hashes: PackedHashes = np.packbits(np.unpackbits(fingerprint.hash, axis=1) ^ flips, axis=1)
    return replace(fingerprint, hash=hashes)


if __name__ == "__main__":
    main()
