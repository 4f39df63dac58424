"""The frame index at size: time, recall, memory and opening, and other indexes over the same hashes, in one run.

    python -m bench.index [CORPUS] [--millions 1,10] [--kinds realistic,uniform] [--scratch DIR] [--peers] [--plot growth.svg]

An index is filled with made-up hashes (`bench.crowd`) and asked about *query videos*: 60 hashes of one record with 0 to
40 bits changed in each, within 31 bits. The scan of the same hashes by FAISS says what there was to find, and is what
times are compared with. ``--peers`` searches them with FAISS's own structures and threatexchange's vPDQ index, too.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.random import default_rng

import vhashdb
from bench import crowd
from bench.common import parser, table, videos
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index import FrameIndex, Hits
from vhashdb.index.compaction import MAX_SEGMENT_ROWS
from vhashdb.index.folder import IndexFolder
from vhashdb.index.kinds import FrameHashes, IndexKind, RecordRows, Values
from vhashdb.index.layers import Layer
from vhashdb.index.manifest import Manifest, StoredSegment
from vhashdb.index.permutation import permute
from vhashdb.index.planning import choose_strategy
from vhashdb.index.probing import search as search_segment
from vhashdb.index.segment import build, max_threads

RADIUS = 31
ASKED = 60
QUERIES = 40
SCANNED = 5
"""Query videos that are timed with a scan."""
ALTERED = (0, 40)
RECORD = 700
READERS = 2
PEERS_UP_TO = 10
"""Millions of hashes at which peers are still built."""


@dataclass(frozen=True)
class Searched:
    """What was measured of one index."""

    kind: str
    hashes: int
    build_s: float
    bytes_each: float
    open_s: float
    query_ms: float
    scan_ms: float
    frame_recall: float
    same_candidates: float
    reader_bytes_each: float
    """Resident, of one reader process, shared pages counted whole …"""
    shared_bytes_each: float
    """… and divided among those who share them."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--millions", default="1,10", help="sizes of the index, comma-separated")
    options.add_argument("--kinds", default="realistic,uniform")
    options.add_argument("--scratch", type=Path, default=None, help="where to write 110 bytes a hash; a temporary folder by default")
    options.add_argument("--peers", action="store_true")
    options.add_argument("--plot", type=Path, default=None, help="SVG of query time over size")
    args = options.parse_args()
    pool = crowd.pool_of([vhashdb.fingerprint(path, views="reference") for path in videos(args.corpus / "distractors")])
    sizes = [round(float(size) * 1e6) for size in args.millions.split(",")]
    searched = []
    for kind in args.kinds.split(","):
        for size in sizes:
            with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
                searched.append(search(kind, size, pool, Path(folder)))
                print_searched(searched[-1:])
    print("\n### All sizes\n")
    print_searched(searched)
    if args.plot:
        plot(searched, args.plot)
    if args.peers:
        for size in (size for size in sizes if size <= PEERS_UP_TO * 1e6):
            print_peers(size, blocks("realistic", size, pool))


def blocks(kind: str, size: int, pool: PackedHashes) -> Iterator[PackedHashes]:
    """So many hashes of a kind, always the same ones."""
    rng = default_rng(1)
    made = crowd.realistic(pool, rng) if kind == "realistic" else crowd.uniform(rng)
    left = size
    while left > 0:
        block = next(made)[:left]
        left -= len(block)
        yield block


# --- this index -----------------------------------------------------------------------------------


def search(kind: str, size: int, pool: PackedHashes, path: Path) -> Searched:
    """Fill an index on disk and ask it."""
    rng = default_rng(2)
    asked, build_s = fill(path, FrameHashes(Pdq.id), blocks(kind, size, pool), rng, record=RECORD, stretch=ASKED)
    queries = [crowd.altered(hashes, ALTERED, rng) for hashes in asked]
    rss, pss = readers(path, queries)  # before this process maps the same files
    started = time.perf_counter()
    index = opened(path)
    open_s = time.perf_counter() - started
    timed(lambda query: index.search(query, RADIUS), queries)  # warm: the pages it needs are mapped
    found, times = timed(lambda query: index.search(query, RADIUS), queries)
    _, scans = timed(lambda query: index.search(query, RADIUS, exact=True), queries[:SCANNED])
    truth = index.search(np.concatenate(queries), RADIUS, exact=True)
    frames, same = recall_of(found, truth)
    on_disk = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return Searched(
        kind, size, build_s, on_disk / size, open_s, 1e3 * float(np.median(times)), 1e3 * float(np.median(scans)), frames, same,
        rss / size, pss / size,
    )  # fmt: skip


def fill(
    path: Path, kind: IndexKind, made: Iterator[Values], rng: np.random.Generator, *, record: int, stretch: int
) -> tuple[list[Values], float]:
    """Write segments of records of ``record`` rows.

    Returns:
        What queries are to be made of, as many rows as a ``stretch`` has each, and the seconds that building took.
    """
    folder = IndexFolder(path, kind)
    written: list[StoredSegment] = []
    waiting: list[RecordRows] = []
    asked: list[Values] = []
    spent_s, number = 0.0, 0

    def settle() -> None:
        nonlocal spent_s
        started = time.perf_counter()
        stored, _ = folder.write(lambda allocate: build(waiting, kind, allocate))
        spent_s += time.perf_counter() - started
        written.append(stored)
        waiting.clear()

    with folder.try_lock():
        for block in made:
            if sum(len(part) for part in waiting) + len(block) > MAX_SEGMENT_ROWS:
                settle()
            for row in range(0, len(block), record):
                waiting.append(RecordRows(number, number, block[row : row + record]))
                number += 1
            asked += [block[start : start + stretch].copy() for start in rng.integers(0, len(block) - stretch, QUERIES)]
        settle()
        folder.commit(Manifest(1, kind.version, 1, tuple(written)))
    return [asked[i] for i in rng.permutation(len(asked))[:QUERIES]], spent_s


def layers(path: Path, kind: IndexKind) -> list[Layer]:
    """The segments of the index on disk, checked and mapped as a database does it."""
    folder = IndexFolder(path, kind)
    manifest = folder.manifest()
    assert manifest is not None
    folder.check(manifest.segments)
    return [Layer.whole(folder.open(stored), stored) for stored in manifest.segments]


def opened(path: Path) -> FrameIndex:
    """The index of hashes on disk."""
    return FrameIndex(Pdq.id, layers(path, FrameHashes(Pdq.id)), 1)


def timed(ask: Callable[[Any], Any], queries: Sequence[Any]) -> tuple[list[Any], list[float]]:
    answers, times = [], []
    for query in queries:
        started = time.perf_counter()
        answers.append(ask(query))
        times.append(time.perf_counter() - started)
    return answers, times


def recall_of(found: Sequence[Hits], truth: Hits) -> tuple[float, float]:
    """Share of the frame hits that were found, and of the query videos for which the same records were."""
    hits = same = 0
    for number, got in enumerate(found):
        mine = truth.query // ASKED == number
        hits += len(got.query)
        same += set(got.record.tolist()) == set(truth.record[mine].tolist())
    return hits / max(1, len(truth.query)), same / len(found)


def readers(path: Path, queries: Sequence[PackedHashes]) -> tuple[float, float]:
    """Bytes resident in each of several processes that have searched, whole and shared, without what an empty one takes."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(READERS)
    pipes = [context.Pipe(duplex=False) for _ in range(READERS)]
    processes = [context.Process(target=read, args=(path, queries, together, writer)) for _, writer in pipes]
    for process in processes:
        process.start()
    measured = [reader.recv() for reader, _ in pipes]
    for process in processes:
        process.join()
    rss, pss = np.mean(measured, axis=0)
    return float(rss), float(pss)


def read(path: Path, queries: Sequence[PackedHashes], together: Barrier, out: Any) -> None:
    """In a process of its own: open, touch everything by a scan, search, and measure when all others have."""
    before = memory()
    index = opened(path)
    index.search(queries[0], RADIUS, exact=True)
    for layer in index.layers:
        for array in (layer.segment.tables, layer.segment.begins, layer.segment.records):
            np.asarray(array).reshape(-1)[:: 4096 // array.itemsize].sum()
    for query in queries:
        index.search(query, RADIUS)
    together.wait()
    after = memory()
    together.wait()  # nobody leaves before all have measured
    out.send([after["Rss"] - before["Rss"], after["Pss"] - before["Pss"]])


def memory() -> dict[str, int]:
    """Bytes, of this process, by kind."""
    lines = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}


def print_searched(searched: Sequence[Searched]) -> None:
    header = (
        "hashes", "kind", "query, ms", "scan, ms", "scan ÷ query", "frame hits found", "same records", "opening, ms",
        "bytes a hash on disk", "resident", "resident, shared by two", "built, hashes/s",
    )  # fmt: skip
    rows = (
        [
            f"{s.hashes / 1e6:g} M", s.kind, f"{s.query_ms:.2f}", f"{s.scan_ms:.0f}", f"{s.scan_ms / s.query_ms:.0f}",
            f"{s.frame_recall:.4f}", f"{s.same_candidates:.3f}", f"{1e3 * s.open_s:.0f}", f"{s.bytes_each:.1f}",
            f"{s.reader_bytes_each:.1f}",
            f"{s.shared_bytes_each:.1f}", f"{s.hashes / s.build_s:,.0f}",
        ]
        for s in searched
    )  # fmt: skip
    print(table(header, rows), flush=True)


def plot(searched: Sequence[Searched], path: Path) -> None:
    """Query time over size, beside the scan's."""
    from matplotlib.figure import Figure

    figure = Figure((6, 4), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="hashes in the index", ylabel="ms for a query video of 60 hashes")
    for kind in dict.fromkeys(s.kind for s in searched):
        some = [s for s in searched if s.kind == kind]
        axes.plot([s.hashes for s in some], [s.query_ms for s in some], "o-", label=f"{kind}: by keys")
        axes.plot([s.hashes for s in some], [s.scan_ms for s in some], "x--", label=f"{kind}: scan")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


# --- others ---------------------------------------------------------------------------------------

Pairs = set[tuple[int, int]]
Ask = Callable[[PackedHashes], Pairs]
"""From the hashes of a query video to (asked, row) of everything within `RADIUS`."""


def print_peers(size: int, made: Iterator[PackedHashes]) -> None:
    """Time and recall of other indexes over the same hashes."""
    hashes = np.concatenate(list(made))
    rng = default_rng(2)
    queries = [crowd.altered(hashes[s : s + ASKED], ALTERED, rng) for s in rng.integers(0, size - ASKED, QUERIES)]
    flat = flat_index(hashes)
    truth = [flat(query) for query in queries]
    rows = []
    for name, make in PEERS.items():
        for workers in (1, max_threads()) if "scan" in name else (1,):
            faiss.omp_set_num_threads(workers)
            started = time.perf_counter()
            try:
                ask = make(hashes)
            except ImportError as error:
                print(f"{name} is left out: {error}")
                break
            build_s = time.perf_counter() - started
            found, times = timed(ask, queries[: SCANNED if "scan" in name or "one flipped" in name else QUERIES])
            hits = sum(len(f & t) for f, t in zip(found, truth, strict=False)) / max(1, sum(map(len, truth[: len(found)])))
            rows.append([name, workers, f"{1e3 * np.median(times):.2f}", f"{hits:.4f}", f"{build_s:.1f}"])
    print(f"\n### Other indexes, {size / 1e6:g} million realistic hashes\n")
    print(table(("index", "threads", "query, ms", "frame hits found", "built in s"), rows), flush=True)


def own_index(hashes: PackedHashes) -> Ask:
    segment = build([RecordRows(0, 0, hashes)], FrameHashes(Pdq.id))

    def ask(query: PackedHashes) -> Pairs:
        hits = search_segment(segment, permute(query), RADIUS, choose_strategy([segment.statistics], Pdq.id.bits, RADIUS, len(query)))
        return set(zip(hits.query.tolist(), hits.row.tolist(), strict=True))

    return ask


def asking(index: faiss.IndexBinary) -> Ask:
    def ask(query: PackedHashes) -> Pairs:
        limits, _, rows = index.range_search(np.ascontiguousarray(query), RADIUS + 1)
        return set(zip(np.repeat(np.arange(len(query)), np.diff(limits.astype(np.int64))).tolist(), rows.tolist(), strict=True))

    return ask


def flat_index(hashes: PackedHashes) -> Ask:
    index = faiss.IndexBinaryFlat(Pdq.id.bits)
    index.add(hashes)
    return asking(index)


def multi_hash_index(hashes: PackedHashes, flips: int) -> Ask:
    index = faiss.IndexBinaryMultiHash(Pdq.id.bits, 16, 16)
    index.nflip = flips
    index.add(hashes)
    return asking(index)


def threatexchange_index(hashes: PackedHashes) -> Ask:
    """The hash index of threatexchange's vPDQ extension, through its own methods."""
    from threatexchange.extensions.vpdq.vpdq_faiss import VPDQHashIndex
    from threatexchange.extensions.vpdq.vpdq_util import VpdqCompactFeature

    def features(packed: PackedHashes) -> list[Any]:
        return [VpdqCompactFeature(row.tobytes().hex(), 100, 0.0) for row in packed]

    index = VPDQHashIndex()
    index.add_single_video(features(hashes))

    def ask(query: PackedHashes) -> Pairs:
        asked = features(query)
        found = index.search_with_distance_in_result(asked, RADIUS)
        return {(number, row) for number, feature in enumerate(asked) for row, _ in found[feature.pdq_hex]}

    return ask


PEERS: dict[str, Callable[[PackedHashes], Ask]] = {
    "vhashdb": own_index,
    "FAISS IndexBinaryFlat (scan)": flat_index,
    "FAISS IndexBinaryMultiHash, 16 × 16 bits, none flipped": lambda hashes: multi_hash_index(hashes, 0),
    "FAISS IndexBinaryMultiHash, 16 × 16 bits, one flipped": lambda hashes: multi_hash_index(hashes, 1),
    "threatexchange vPDQ (scan)": threatexchange_index,
}


if __name__ == "__main__":
    main()
