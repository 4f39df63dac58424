"""The index of landmarks at size: bytes, building, opening, and looking up the keys of a question, beside a scan, in one run.

    python -m bench.landmarks [--landmarks 1,10] [--skew 0.8] [--keys 20] [--most N] [--budget N] [--scratch DIR]

An index is filled with made-up landmarks. Which keys they have follows Zipf's law with the exponent ``--skew`` over 2 to the power of
``--keys`` keys that are scattered over all of 24 bits: 0 makes all keys equally frequent, 1 gives the most frequent one some 7 % of
everything. A question is 20 s of a record, 800 landmarks, each with four other keys, as if it were asked at several speeds: 4,000 keys.
The scan reads all landmarks once and compares them with all keys of a question.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.random import default_rng

from bench.common import parser, table
from bench.index import QUERIES, fill, layers, timed
from vhashdb.index import LandmarkIndex, Landmarks
from vhashdb.index.kinds import KEY_SHIFT, Values
from vhashdb.index.landmarks import BUDGET, MOST, Keys, LandmarkSnapshot, blocks_of
from vhashdb.sound.fingerprint import KEY_BITS

RATE: Final = 40
"""Landmarks a second."""
RECORD: Final = 3600 * RATE
"""Landmarks of a record: an hour."""
STRETCH: Final = 20 * RATE
"""Landmarks of a question."""
SPEEDS: Final = 5
"""Keys that are asked for each landmark."""
BLOCK: Final = 7 * RECORD
"""Landmarks made at once."""
SCANNED: Final = 3
"""Questions that are timed with a scan."""
SCATTER: Final = 9_876_543
"""What ranks are multiplied with, modulo 2**24, to scatter keys: odd, so that no two become one."""


@dataclass(frozen=True)
class Question:
    """What is asked, and what has to be found."""

    keys: Keys
    landmarks: Values


@dataclass(frozen=True)
class Measured:
    """What was measured of one index."""

    landmarks: int
    bytes_each: float
    build_s: float
    open_s: float
    question_s: float
    slowest_s: float
    scan_s: float
    answered: float
    """Share of the keys that were not left out."""
    hits: float
    """Hits of a question."""
    complete: int
    """Questions whose own landmarks were all found, as far as their keys were answered."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--landmarks", default="1,10", help="sizes of the index in millions, comma-separated")
    options.add_argument("--skew", type=float, default=0.8, help="exponent of Zipf's law")
    options.add_argument("--keys", type=int, default=20, help="bits of the number of keys in use")
    options.add_argument("--most", type=int, default=MOST, help="landmarks above which a key is left out")
    options.add_argument("--budget", type=int, default=BUDGET, help="landmarks that a question may read")
    options.add_argument("--scratch", type=Path, default=None, help="where to write 13 bytes a landmark; a temporary folder by default")
    args = options.parse_args()
    measured = []
    for size in args.landmarks.split(","):
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
            measured.append(measure(round(float(size) * 1e6), Path(folder), args))
            print_measured(measured[-1:])
    if len(measured) > 1:
        print("\n### All sizes\n")
        print_measured(measured)


def shares(bits: int, skew: float) -> npt.NDArray[np.float64]:
    """The share of everything that the keys up to each rank have together."""
    weight = np.arange(1, (1 << bits) + 1, dtype=np.float64) ** -skew
    return np.asarray(np.cumsum(weight) / weight.sum())


def keys_of(cumulated: npt.NDArray[np.float64], count: int, rng: np.random.Generator) -> npt.NDArray[np.uint64]:
    """So many keys, as frequent as they are."""
    rank = np.searchsorted(cumulated, rng.random(count)).astype(np.uint64)
    return rank * np.uint64(SCATTER) & np.uint64((1 << KEY_BITS) - 1)


def blocks(size: int, cumulated: npt.NDArray[np.float64]) -> Iterator[Values]:
    """So many landmarks, always the same ones, in the order of their records."""
    rng = default_rng(1)
    while size > 0:
        count = min(size, BLOCK)
        size -= count
        frame = (np.arange(count) % RECORD).astype(np.uint64)
        yield keys_of(cumulated, count, rng) << KEY_SHIFT | rng.integers(0, 1 << 16, count, np.uint64) << np.uint64(24) | frame


def measure(size: int, path: Path, args: Any) -> Measured:
    """Fill an index on disk and ask it."""
    rng, cumulated = default_rng(2), shares(args.keys, args.skew)
    stretches, build_s = fill(path, Landmarks(), blocks(size, cumulated), rng, record=RECORD, stretch=STRETCH)
    questions = []
    for stretch in stretches:
        keys = np.concatenate([stretch >> KEY_SHIFT, keys_of(cumulated, STRETCH * (SPEEDS - 1), rng)])
        questions.append(Question(keys.astype(np.uint32), stretch))
    started = time.perf_counter()
    snapshot = LandmarkIndex(layers(path, Landmarks())).snapshot()
    open_s = time.perf_counter() - started

    def ask(question: Question) -> tuple[npt.NDArray[np.bool_], int]:
        return look_up(snapshot, question.keys, args.most, args.budget)

    timed(ask, questions)  # warm: the pages it needs are mapped
    found, times = timed(ask, questions)
    complete = sum(is_complete(snapshot, question, answered) for question, (answered, _) in zip(questions, found, strict=True))
    _, scans = timed(lambda question: scan(snapshot, question), questions[:SCANNED])
    on_disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Measured(
        size, on_disk / size, build_s, open_s, float(np.median(times)), float(np.max(times)), float(np.median(scans)),
        float(np.mean([answered.mean() for answered, _ in found])), float(np.mean([hits for _, hits in found])), complete,
    )  # fmt: skip


def look_up(snapshot: LandmarkSnapshot, keys: Keys, most: int, budget: int) -> tuple[npt.NDArray[np.bool_], int]:
    """Look all keys up, block by block, as the index of a database does it; which were answered, and the number of hits."""
    frequency = snapshot.frequency(keys)
    answered, hits = frequency == 0, 0
    for block in blocks_of(frequency, most, budget):
        answered[block] = True
        hits += len(snapshot.look_up(keys[block]).query)
    return answered, hits


def is_complete(snapshot: LandmarkSnapshot, question: Question, answered: npt.NDArray[np.bool_]) -> bool:
    """Whether each landmark of the question's stretch is found, if its key was answered."""
    keys, landmarks = question.keys[:STRETCH][answered[:STRETCH]], question.landmarks[answered[:STRETCH]]
    return bool(np.isin(landmarks, snapshot.look_up(np.unique(keys)).landmark).all())


def scan(snapshot: LandmarkSnapshot, question: Question) -> int:
    """Count the landmarks with a key of the question by reading all."""
    asked = np.zeros(1 << KEY_BITS, np.bool_)
    asked[question.keys] = True
    total = 0
    for layer in snapshot.layers:
        for rows in layer.segment.rows_of(~layer.tombstones):
            total += int(asked[rows[:, 0] >> KEY_SHIFT].sum())
    return total


def print_measured(measured: Sequence[Measured]) -> None:
    header = (
        "landmarks", "hours", "bytes a landmark", "built, landmarks/s", "opening, ms", "question, ms", "slowest, ms", "scan ÷ question",
        "keys answered", "hits a question", "complete",
    )  # fmt: skip
    rows = (
        [
            f"{m.landmarks / 1e6:g} M", f"{m.landmarks / RATE / 3600:,.0f}", f"{m.bytes_each:.2f}", f"{m.landmarks / m.build_s:,.0f}",
            f"{1e3 * m.open_s:.0f}", f"{1e3 * m.question_s:.1f}", f"{1e3 * m.slowest_s:.1f}", f"{m.scan_s / m.question_s:.1f}",
            f"{m.answered:.3f}", f"{m.hits:,.0f}", f"{m.complete} of {QUERIES}",
        ]
        for m in measured
    )  # fmt: skip
    print(table(header, rows), flush=True)


if __name__ == "__main__":
    main()
