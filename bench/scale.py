"""False matches at size: the same questions to a small database and to one with millions of further frame hashes.

    python -m bench.scale [CORPUS] [--millions 2] [--every N] [--edits NAME,…] [--effort balanced] [--list]

The small database has ``clips``, ``distractors`` and the sample films. The large one is a copy of it with records made
up from the distractors, the samples and drawn films (`bench.synthetic`), never from the clips that are asked about:
naming one of them is always wrong. Each edited copy is fingerprinted once, as ``balanced`` does, and asked of both;
``--effort`` only sets how near a hash must be for its record to be compared. A *query frame* is a moment of a query at
which some view has a usable hash.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.random import default_rng

import vhashdb
from bench.accuracy import Answer, Corpus, Tally, count
from bench.common import parser, table, videos
from bench.queries import Query, read_queries
from bench.synthetic import drawn_films, records
from vhashdb import Database, Details, Fingerprint, Result, Verdict
from vhashdb.store import NewRecord

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"


@dataclass
class Side:
    """One of the two databases, and what it answered."""

    name: str
    db: Database
    names: dict[str, str]
    """File name by record id; made-up records have none."""
    found: Tally = field(default_factory=Tally)
    """Everything that was named, made-up records aside …"""
    sure: Tally = field(default_factory=Tally)
    """… and only what was called a match."""
    invented: list[str] = field(default_factory=list)
    """Made-up records that were named …"""
    invented_sure: list[str] = field(default_factory=list)
    """… and those called a match."""

    def ask(self, query: Query, asked: Fingerprint, effort: str) -> Result:
        """Ask, and count the answer."""
        started = time.process_time()
        result = self.db.match(asked, effort=effort)
        spent_s = time.process_time() - started
        real = tuple(m for m in result.matches if m.record.id in self.names)
        count(self.found, Answer(query, replace(result, matches=real), spent_s), self.names)
        sure = tuple(m for m in real if m.verdict is Verdict.MATCH)
        count(self.sure, Answer(query, replace(result, matches=sure), spent_s), self.names)
        for match in (m for m in result.matches if m.record.id not in self.names):
            said = f"{query.edit}/{query.path.name} → {match.record.details.reason} {match.verdict} {match.score:.2f}"
            (self.invented_sure if match.verdict is Verdict.MATCH else self.invented).append(said)
        return result

    @property
    def false_matches(self) -> int:
        """Records called a match that are not in the query."""
        return len(self.sure.false) + len(self.invented_sure)

    @property
    def false_possibles(self) -> int:
        """Records called possible that are not in the query."""
        return len(self.found.false) - len(self.sure.false) + len(self.invented)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--millions", type=float, default=2.0, help="further hashes that can be found")
    options.add_argument("--every", type=int, default=1, help="ask about each N-th source only")
    options.add_argument("--edits", default="", help="comma-separated; all by default")
    options.add_argument("--effort", default="balanced", choices=("fast", "balanced", "thorough"))
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--list", action="store_true", help="name every false pair and every answer that changed")
    args = options.parse_args()
    edits = set(filter(None, args.edits.split(",")))
    queries = read_queries(args.corpus / "edited", videos(args.corpus / "clips"), edits=edits, every=args.every)
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "small.vhdb"), Path(folder, "large.vhdb")
        names, donors = make_small(args.corpus, paths[0])
        shutil.copytree(*paths)
        with vhashdb.open(paths[0]) as small, vhashdb.open(paths[1]) as large:
            grow(large, donors, round(args.millions * 1e6), args.seed)
            sides = [Side("small", small, names), Side("large", large, names)]
            frames, changed = ask_all(sides, queries, args.effort)
            print_sides(sides, len(queries), frames, changed, args.effort)
            if args.list:
                print_list(sides, changed)


def make_small(footage: Path, path: Path) -> tuple[dict[str, str], list[Fingerprint]]:
    """Make the small database: the file name of each record by its id, and the fingerprints of all but the clips."""
    clips = videos(footage / "clips")
    others = videos(footage / "distractors") + [film for kind in ("known", "unknown") for film in sorted((SAMPLES / kind).glob("*.mp4"))]
    with Corpus(path, clips + others) as corpus:
        asked = {clip.name for clip in clips}
        return corpus.names, [corpus.db.fingerprint(identifier) for identifier, name in corpus.names.items() if name not in asked]


def grow(db: Database, donors: Sequence[Fingerprint], further: int, seed: int) -> None:
    """Add made-up records until that many more hashes can be found."""
    # Straight to the store: `Database.record` compares each new video with all others. The index follows by itself.
    rng = default_rng(seed)
    films = drawn_films(rng)
    usable = number = 0
    for number, fingerprint in enumerate(records(donors, films, rng)):
        if usable >= further:
            break
        db.store.add(NewRecord(fingerprint.duration_s, details=Details(reason=f"made up {number}")), fingerprint)
        usable += int(np.count_nonzero(fingerprint.usable))
    progress(f"{number:,} records made up; {len(db.index):,} hashes can be found")


def ask_all(sides: Sequence[Side], queries: Sequence[Query], effort: str) -> tuple[int, list[str]]:
    """Ask both about every copy: the number of query frames, and which answers differ."""
    frames, changed = 0, []
    for number, query in enumerate(queries, start=1):
        asked = vhashdb.fingerprint(query.path, views="query")
        frames += len(np.unique(asked.start_s[asked.usable]))
        before, after = (said(side.ask(query, asked, effort), side.names) for side in sides)
        if before != after:
            changed.append(f"{query.edit}/{query.path.name}: {before} → {after}")
        if number % 10 == 0:
            progress(f"{number}/{len(queries)}: {len(changed)} changed, false matches and possibles {[wrong(side) for side in sides]}")
    return frames, changed


def said(result: Result, names: dict[str, str]) -> str:
    """The verdict and the record found."""
    best = f" {names.get(result.matches[0].record.id, 'made up')}" if result.matches else ""
    return f"{result.verdict}{best}"


def wrong(side: Side) -> tuple[int, int]:
    """False matches and false possibles."""
    return side.false_matches, side.false_possibles


def print_sides(sides: Sequence[Side], queries: int, frames: int, changed: Sequence[str], effort: str) -> None:
    """The table."""
    header = (
        "database", "records", "hashes", "recall, match", "recall, match or possible", "false match", "false possible",
        "false matches per million query frames", "at most, 95 %", "CPU s per query, median",
    )  # fmt: skip
    print(f"\n### {effort}: {queries} queries, {frames:,} query frames\n")
    print(table(header, (line(side, queries, frames) for side in sides)))
    print(f"\nQueries whose verdict or found record changed between the two: {len(changed)}")


def line(side: Side, queries: int, frames: int) -> list[object]:
    """One database's row."""
    sure, possible = (side.found.verdicts[verdict.value] for verdict in (Verdict.MATCH, Verdict.POSSIBLE))
    return [
        side.name,
        f"{len(side.db):,}",
        f"{len(side.db.index):,}",
        f"{sure / queries:.3f}",
        f"{(sure + possible) / queries:.3f}",
        side.false_matches,
        side.false_possibles,
        f"{side.false_matches / max(1, frames) * 1e6:.0f}",
        f"{at_most(side.false_matches) / max(1, frames) * 1e6:.0f}",
        f"{np.median(side.found.cpu_s):.2f}",
    ]


def at_most(seen: int) -> float:
    """What a Poisson count's expectation is at most, with 95 % confidence, when so many were seen."""
    # Wilson and Hilferty's approximation of half the chi-squared quantile; 2.97 for none, where −ln 0.05 = 3.00 is exact.
    k = seen + 1
    return float(k * (1 - 1 / (9 * k) + 1.645 / (3 * k**0.5)) ** 3)


def print_list(sides: Sequence[Side], changed: Sequence[str]) -> None:
    """Everything that is not as it should be."""
    for side in sides:
        for text in (*side.found.false, *side.invented_sure, *side.invented):
            print(f"{side.name}: {text}")
    for text in changed:
        print(f"changed: {text}")


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
