"""Recall per edit, false matches, and cost, on real footage.

    python -m bench.accuracy [CORPUS] [--efforts fast,balanced,thorough] [--edits NAME,…] [--sets edited,hard,natural]

A database of ``clips`` and ``distractors`` is asked about every file of ``edited`` at the default thresholds. A record
that is not truly in the query is *wrong*, whether it is called a match or possible. ``insert`` and ``pip`` do contain a
second clip: it counts as *second* when it is not the source, and for ``insert`` only if one of its segments keeps clear
of the inserted piece, whose place is known from how the edit was made.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import vhashdb
from bench.common import parser, table, videos
from vhashdb import Database, Match, Result, Verdict

INSERT_AT_S = 8.0
TOLERANCE_S = 0.75


@dataclass
class Tally:
    """Outcomes of one edit at one effort."""

    queries: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    second: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--efforts", default="fast,balanced")
    options.add_argument("--edits", default="", help="comma-separated; all by default")
    options.add_argument("--sets", default="edited,hard,natural")
    options.add_argument("--list", action="store_true", help="name every missed and every wrong pair")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if "edited" in args.sets:
            with Corpus(Path(folder, "edited.vhdb"), videos(args.corpus / "clips") + videos(args.corpus / "distractors")) as (db, names):
                for effort in args.efforts.split(","):
                    print_edited(db, names, args.corpus / "edited", effort, set(filter(None, args.edits.split(","))), args.list)
        for name, truly in (("hard", same_series), ("natural", same_group(args.corpus / "natural"))):
            if name in args.sets:
                for effort in args.efforts.split(","):
                    print_pairs(Path(folder, f"{name}-{effort}.vhdb"), videos(args.corpus / name), name, effort, truly, args.list)


class Corpus:
    """A database of some files, with the file name of each record."""

    def __init__(self, path: Path, files: list[Path]) -> None:
        self._path, self._files = path, files

    def __enter__(self) -> tuple[Database, dict[str, str]]:
        self._db = vhashdb.create(self._path)
        with ThreadPoolExecutor(2) as pool:
            prepared = pool.map(self._db.prepare, self._files)
            names = {self._db.record(p, vhashdb.Details()).id: f.name for f, p in zip(self._files, prepared, strict=True)}
        return self._db, names

    def __exit__(self, *_: object) -> None:
        self._db.close()


def ask(db: Database, files: list[Path], effort: str) -> list[tuple[Result, float]]:
    """The answer to each file, and the processor seconds it took."""

    def one(path: Path) -> tuple[Result, float]:
        started = time.thread_time()
        result = db.match(path, effort=effort)
        return result, time.thread_time() - started + result.decode_cpu_s

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, files))


def print_edited(db: Database, names: dict[str, str], folder: Path, effort: str, edits: set[str], listing: bool) -> None:
    """The table of one effort."""
    with (folder / "truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if not edits or row["edit"] in edits]
    tallies: dict[str, Tally] = defaultdict(Tally)
    for row, (result, cpu_s) in zip(rows, ask(db, [folder / row["query"] for row in rows], effort), strict=True):
        count(tallies[row["edit"]], row, result, names, cpu_s)
    print(f"\n### {effort}: {len(rows)} queries, {len(db)} records, {len(db.index):,} stored hashes\n")
    print(table(("edit", "queries", "match", "possible", "found", "second clip", "wrong", "CPU s, median"), lines(tallies)))
    if listing:
        for edit, tally in tallies.items():
            print(f"{edit}: missed {tally.missed}, wrong {tally.wrong}")


def count(tally: Tally, row: dict[str, str], result: Result, names: dict[str, str], cpu_s: float) -> None:
    """Add one answer."""
    tally.queries += 1
    tally.cpu_s.append(cpu_s)
    found = {names[m.record.id]: m for m in result.matches}
    source = found.pop(row["source"], None)
    tally.verdicts[source.verdict.value if source else "no-match"] += 1
    if source is None:
        tally.missed.append(row["source"])
    for name, match in found.items():
        if row["edit"] == "pip" or (row["edit"] == "insert" and outside_piece(match, result.duration_s)):
            tally.second += 1
        else:
            tally.wrong.append(f"{row['query']} → {name} {match.verdict} {match.score:.2f}")


def outside_piece(match: Match, duration_s: float) -> bool:
    """Whether a match of an ``insert`` query is found beside the piece, in one of the two halves of the other clip."""
    piece_end_s = duration_s - 12.0
    return any(
        s.query_end_s <= INSERT_AT_S + TOLERANCE_S or s.query_start_s >= min(piece_end_s, INSERT_AT_S + 8) - TOLERANCE_S
        for s in match.segments
    )


def lines(tallies: dict[str, Tally]) -> list[list[object]]:
    """Rows of the table, and their sum."""
    total = Tally()
    rows = []
    for edit, tally in tallies.items():
        rows.append(line(edit, tally))
        total.queries += tally.queries
        total.verdicts += tally.verdicts
        total.second += tally.second
        total.wrong += tally.wrong
        total.cpu_s += tally.cpu_s
    return [*rows, line("**all**", total)]


def line(name: str, tally: Tally) -> list[object]:
    match, possible = tally.verdicts[Verdict.MATCH.value], tally.verdicts[Verdict.POSSIBLE.value]
    found = f"{(match + possible) / tally.queries:.3f}"
    return [name, tally.queries, match, possible, found, tally.second or "", len(tally.wrong), f"{statistics.median(tally.cpu_s):.3f}"]


def same_series(a: str, b: str) -> str:
    """``hard``: file names are series__title, and none is a copy of another."""
    return "same series" if a.split("__")[0] == b.split("__")[0] else "other series"


def same_group(folder: Path) -> Callable[[str, str], str]:
    """``natural``: copies made by others, by group."""
    path = folder / "truth.csv"
    groups = {}
    if path.exists():
        with path.open(newline="") as file:
            groups = {row["file"]: row["group"] for row in csv.DictReader(file)}
    return lambda a, b: "copies" if groups[a] == groups[b] else "other groups"


def print_pairs(path: Path, files: list[Path], name: str, effort: str, kind: Callable[[str, str], str], listing: bool) -> None:
    """Every file against every other one."""
    pairs: Counter[str] = Counter(kind(a.name, b.name) for a in files for b in files if a != b)
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    with Corpus(path, files) as (db, names):
        for file, (result, _) in zip(files, ask(db, files, effort), strict=True):
            for match in result.matches:
                other = names[match.record.id]
                if other != file.name:
                    verdicts[kind(file.name, other)][match.verdict.value] += 1
                    if listing:
                        print(file.name, other, match.verdict.value, f"{match.score:.2f}", kind(file.name, other))
        print(f"\n### {name}, {effort}: every ordered pair of {len(files)} videos\n")
        print(
            table(("pairs", "number", "match", "possible"), [(k, pairs[k], verdicts[k]["match"], verdicts[k]["possible"]) for k in pairs])
        )


if __name__ == "__main__":
    main()
