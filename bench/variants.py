"""How well many copies of few videos are grouped, and what they cost: pairwise precision and recall, in several orders of adding.

    python -m bench.variants [CORPUS] --variants OUT [--others 5000] [--orders 2] [--copies 300] [--at-once 100]

``OUT`` is what `bench.variant_copies` made. What is made of its files is kept in ``OUT/prepared.pickle``. Each order is a database of its
own: other records first (the corpus' same-place videos, copies that others made, and as many as are wanted of `bench.crowd`), then all
copies, shuffled: one after the other, or ``--at-once`` so many, as a sync and `Database.add_many` do. A pair of copies is together if
some video has both, and belongs together if both show one source.
"""

from __future__ import annotations

import itertools
import pickle
import random
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from csv import DictReader
from dataclasses import replace
from pathlib import Path

import numpy as np

import vhashdb
from bench import crowd
from bench.common import parser, table, videos
from vhashdb.adding import Prepared
from vhashdb.hashing.algorithms import Pdq
from vhashdb.store import NewRecord
from vhashdb.store.videos import videos_of

_HASHES, _STEP_S = 100, 0.5
"""Of one other record: hashes, and seconds from one to the next."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--variants", type=Path, required=True, help="what `bench.variant_copies` made")
    options.add_argument("--others", type=int, default=5000)
    options.add_argument("--orders", type=int, default=2)
    options.add_argument("--copies", type=int, help="only so many of the copies, drawn at random")
    options.add_argument("--at-once", type=int, default=1, help="copies that are recorded together")
    args = options.parse_args()
    with (args.variants / "truth.csv").open() as file:
        truth = {row["file"]: row for row in DictReader(file)}
    prints = prepared_of([args.variants / name for name in truth], args.variants / "prepared.pickle")
    hard = prepared_of([path for folder in ("hard", "natural") for path in videos(args.corpus / folder)], args.variants / "others.pickle")
    others = list(itertools.islice(made_up(hard), max(0, args.others - len(hard))))
    if args.copies:
        drawn = [name for name in truth if name in prints]
        random.Random(5).shuffle(drawn)
        prints = {name: prints[name] for name in drawn[: args.copies]}
    sources = {source for name in prints for source in truth[name]["sources"].split()}
    print(f"{len(prints)} copies of {len(sources)} videos among {len(hard) + len(others)} others")
    found = []
    for order in range(args.orders):
        names = sorted(prints)
        random.Random(order).shuffle(names)
        found.append(grouped(names, prints, list(hard.values()), others, args.at_once))
        print(f"\norder {order}: {found[-1][1]}")
        print(table(("half", "kind", "pairs", "precision", "recall"), scores(truth, found[-1][0])))
    first, pairs = found[0][0], list(itertools.combinations(sorted(prints), 2))
    same = sum(together(first, one, two) != together(other, one, two) for other, _ in found[1:] for one, two in pairs)
    print(f"\npairs that are together in one order and not in another: {same}")


def prepared_of(paths: Sequence[Path], cache: Path) -> Mapping[str, Prepared]:
    """Prepare files, once."""
    if not cache.exists():
        folder = Path(tempfile.mkdtemp())
        with vhashdb.create(folder / "db") as db, ThreadPoolExecutor(2) as pool:
            made = dict(zip((path.name for path in paths), pool.map(lambda path: prepared(db, path), paths), strict=True))
        shutil.rmtree(folder)
        cache.write_bytes(pickle.dumps({name: each for name, each in made.items() if each}))
    found: Mapping[str, Prepared] = pickle.loads(cache.read_bytes())
    return found


def prepared(db: vhashdb.Database, path: Path) -> Prepared | None:
    try:
        return db.prepare(path)
    except vhashdb.MediaError as error:
        print(f"left out {path.name}: {error}")
        return None


def made_up(prints: Mapping[str, Prepared]) -> Iterator[vhashdb.Fingerprint]:
    """Fingerprints of videos that nobody made, with the structure of the footage of others; see `bench.crowd`."""
    pool = crowd.pool_of([each.reference for each in prints.values()])
    rng = np.random.default_rng(1)
    start_s = np.round(np.arange(_HASHES) * _STEP_S, 3)
    for block in crowd.realistic(pool, rng):
        for hashes in block[: len(block) // _HASHES * _HASHES].reshape(-1, _HASHES, crowd.BYTES):
            quality, view = np.full(_HASHES, 100, np.uint8), np.zeros(_HASHES, np.uint16)
            yield vhashdb.Fingerprint(Pdq.id, start_s, start_s + _STEP_S, hashes.copy(), quality, view, _HASHES * _STEP_S, 320, 180)


def grouped(
    names: Sequence[str], prints: Mapping[str, Prepared], hard: Sequence[Prepared], others: Sequence[vhashdb.Fingerprint], at_once: int
) -> tuple[dict[str, frozenset[int]], str]:
    """The videos that each copy is in, and what happened, in words."""
    folder = Path(tempfile.mkdtemp())
    try:
        with vhashdb.create(folder / "db") as db:
            for other in [*(each.reference for each in hard), *others]:
                db.store.add(NewRecord(other.duration_s), other)
            started = time.process_time()
            db.grouper.catch_up()
            others_s = time.process_time() - started
            numbers, costs = dict[str, int](), list[float]()
            for start in range(0, len(names), at_once):
                some = names[start : start + at_once]
                ready = [(replace(prints[name], hashes=None), vhashdb.Details()) for name in some]
                started = time.process_time()
                added = [db.record(*ready[0])] if at_once == 1 else list(db.add_many(ready))
                costs.append((time.process_time() - started) / len(some))
                numbers |= {name: db.store.number(each.id) for name, each in zip(some, added, strict=True)}
            with db.store.transactions.reading() as connection:
                found = videos_of(connection, list(numbers.values()))
                every = connection.exec_driver_sql("SELECT count(*) FROM video WHERE merged_into IS NULL").scalar()
                shown = connection.exec_driver_sql("SELECT count(*) FROM copy WHERE shown_by IS NOT NULL").scalar()
                editions = connection.exec_driver_sql("SELECT count(DISTINCT edition) FROM copy").scalar()
            fifth = max(1, len(costs) // 5)
            words = (
                f"{every} videos of {editions} editions; {shown} records are shown by others; an addition cost "
                f"{1000 * np.mean(costs[:fifth]):.0f} ms in the first fifth and {1000 * np.mean(costs[-fifth:]):.0f} in the last, "
                f"one of the others {1000 * others_s / max(1, len(hard) + len(others)):.1f}"
            )
            return {name: frozenset(found.get(number, ())) for name, number in numbers.items()}, words
    finally:
        shutil.rmtree(folder)


def together(found: Mapping[str, frozenset[int]], one: str, two: str) -> bool:
    return bool(found[one] & found[two])


def scores(truth: Mapping[str, Mapping[str, str]], found: Mapping[str, frozenset[int]]) -> Iterator[tuple[object, ...]]:
    """Precision and recall of pairs by half, and recall by the kinds of the two."""
    for half in ("A", "B", "both"):
        names = [name for name in sorted(found) if half in ("both", truth[name]["half"])]
        kinds: dict[str, list[int]] = {}
        counts = [0, 0, 0]
        for one, two in itertools.combinations(names, 2):
            same = bool(set(truth[one]["sources"].split()) & set(truth[two]["sources"].split()))
            joined = together(found, one, two)
            counts[0] += same and joined
            counts[1] += same
            counts[2] += joined
            if same:
                kind = kinds.setdefault(" + ".join(sorted({truth[one]["kind"], truth[two]["kind"]})), [0, 0])
                kind[0] += joined
                kind[1] += 1
        yield half, "all", counts[1], f"{counts[0] / max(1, counts[2]):.4f}", f"{counts[0] / max(1, counts[1]):.4f}"
        if half == "both":
            for name, (right, pairs) in sorted(kinds.items()):
                yield half, name, pairs, "", f"{right / pairs:.4f}"


if __name__ == "__main__":
    main()
