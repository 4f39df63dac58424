"""vhashdb and other systems, asked about the same files in one run.

    python -m bench.peers [CORPUS] [--systems NAME,…] [--edits NAME,…] [--every N] [--cache DIR]

A database of ``clips`` and ``distractors`` is asked about every file of ``edited``. *Recall at zero false* is what a system
finds with the threshold just above its highest-scoring false pair, so each gets its best honest figure; the columns after it
are at the threshold that the system itself documents. µAP is micro average precision over all pairs, as in VSC2022. For
``insert`` and ``pip`` the second clip that is in the copy counts as neither true nor false. CPU is the median of hashing one
query and comparing it with every record, with all processes and threads. Records are those that a system could make a hash of.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

import vhashdb
from bench import scoring
from bench.common import parser, table, videos
from bench.queries import Query, read_queries, truth_of
from bench.systems import PEERS, System

Item = TypeVar("Item")
OURS: Final = tuple(effort.value for effort in vhashdb.Effort)


@dataclass(frozen=True)
class Answers:
    """What one system said about all queries."""

    title: str
    scores: scoring.Scores
    rules: dict[str, scoring.Called]
    """What it calls alike by default, by the rule in words; more than one if it has degrees."""
    cpu_s: NDArray[np.float64]
    """Shape (queries,)."""
    records: int


@dataclass(frozen=True)
class Row:
    """What one system said about one query."""

    scores: list[float]
    """In the order of the references."""
    cpu_s: float


def main() -> None:
    known = [*OURS, *(peer.name for peer in PEERS)]
    options = parser(__doc__)
    options.add_argument("--systems", default=",".join(known), help="comma-separated: %(default)s")
    options.add_argument("--edits", default="", help="comma-separated; all by default")
    options.add_argument("--every", type=int, default=1, metavar="N", help="ask about the copies of each N-th clip only")
    options.add_argument("--cache", type=Path, metavar="DIR", help="keep the peers' scores there, and take them from there")
    args = options.parse_args()
    chosen = args.systems.split(",")
    if unknown := set(chosen) - set(known):
        options.error(f"no such system: {', '.join(sorted(unknown))}")
    clips = videos(args.corpus / "clips")
    references = clips + videos(args.corpus / "distractors")
    queries = read_queries(args.corpus / "edited", clips, edits=set(filter(None, args.edits.split(","))), every=args.every)
    answers = [*ask_ours(chosen, queries, references), *ask_peers(chosen, queries, references, args.cache)]
    print_tables(answers, queries, truth_of(queries, [p.name for p in references]))


# -- ours ---------------------------------------------------------------------------------------


def ask_ours(chosen: Sequence[str], queries: Sequence[Query], references: Sequence[Path]) -> Iterator[Answers]:
    """The chosen efforts of vhashdb, of one database."""
    efforts = [effort for effort in OURS if effort in chosen]
    if not efforts:
        return
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "peers.vhdb")) as db:
        columns = {db.add(path).id: number for number, path in enumerate(references)}
        for effort in efforts:
            yield ask_effort(db, effort, queries, columns)


def ask_effort(db: vhashdb.Database, effort: str, queries: Sequence[Query], columns: dict[str, int]) -> Answers:
    """All queries at one effort; ``columns`` has the number of each record's reference."""
    shape = (len(queries), len(columns))
    scores, matched, named, cpu_s = np.zeros(shape), np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(len(queries))
    for number, query in enumerate(progress(queries, f"vhashdb {effort}")):
        started_s = time.process_time()
        result = db.match(query.path, effort=effort)
        cpu_s[number] = time.process_time() - started_s + result.decode_cpu_s
        for match in result.matches:
            at = number, columns[match.record.id]
            scores[at], named[at], matched[at] = match.score, True, match.verdict is vhashdb.Verdict.MATCH
    return Answers(f"vhashdb {effort}", scores, {"`match`": matched, "`match` or `possible`": named}, cpu_s, len(db))


# -- peers --------------------------------------------------------------------------------------


def ask_peers(chosen: Sequence[str], queries: Sequence[Query], references: Sequence[Path], cache: Path | None) -> Iterator[Answers]:
    """The chosen peers that can be made here; a line about each that cannot."""
    for kind in PEERS:
        if kind.name not in chosen:
            continue
        try:
            peer = kind()
        except Exception as error:  # a library may fail to load in any way
            print(f"skipped {kind.name}: {error}")
            continue
        yield ask_peer(peer, queries, references, cache)


def ask_peer(peer: System, queries: Sequence[Query], references: Sequence[Path], cache: Path | None) -> Answers:
    """All queries, each compared with every reference."""
    title = f"{peer.name} {importlib.metadata.version(peer.distribution)}"
    asked = Asked(title, references, cache and cache / f"{peer.name}.jsonl")
    if missing := [query for query in queries if asked.row(query.path) is None]:
        hashes = [attempt(peer, path) for path in progress(references, f"{title}, references")]
        known = Known([h for h in hashes if h is not None], [h is not None for h in hashes])
        asked.note_records(len(known.hashes))
        for query in progress(missing, title):
            asked.add(query.path, compared(peer, query.path, known))
    rows = [row for query in queries if (row := asked.row(query.path))]
    scores = np.array([row.scores for row in rows])
    return Answers(title, scores, {peer.rule: scores >= peer.default}, np.array([row.cpu_s for row in rows]), asked.records)


@dataclass(frozen=True)
class Known:
    """What a peer keeps of the references that it could hash."""

    hashes: list[Any]
    present: list[bool]
    """Of each reference, whether it has one."""


def compared(peer: System, path: Path, known: Known) -> Row:
    """One query against all references."""
    started_s = all_cpu_s()
    query = attempt(peer, path)
    found = iter([] if query is None else peer.scores(query, known.hashes))
    cpu_s = all_cpu_s() - started_s
    return Row([next(found, 0.0) if present else 0.0 for present in known.present], cpu_s)


def attempt(peer: System, path: Path) -> Any:
    """The hash of a file; None, and a line about it, if the peer fails on it."""
    try:
        return peer.hash(path)
    except Exception as error:  # whatever it raises is the peer's own
        print(f"{peer.name} cannot hash {path.parent.name}/{path.name}: {error!r}", file=sys.stderr)
        return None


class Asked:
    """Rows of one peer, by query; with a file, those of earlier runs too.

    The file has one JSON value a line: what the rows depend on, then the number of records or a row. A file that depends
    on anything else, such as another version of the peer, is begun anew.
    """

    def __init__(self, title: str, references: Sequence[Path], file: Path | None) -> None:
        self.records = 0
        self._rows: dict[str, Row] = {}
        self._file = file
        if file:
            self._load(file, {"system": title, "references": [identity(p) for p in references]})

    def row(self, path: Path) -> Row | None:
        """The row of a query, if it has been asked."""
        return self._rows.get(identity(path))

    def note_records(self, count: int) -> None:
        """Remember how many references have a hash."""
        self._keep({"records": count})

    def add(self, path: Path, row: Row) -> None:
        """Remember the row of a query."""
        self._keep({"query": identity(path), "scores": row.scores, "cpu_s": row.cpu_s})

    def _keep(self, line: dict[str, Any]) -> None:
        self._take(line)
        if self._file:
            with self._file.open("a") as out:
                out.write(json.dumps(line) + "\n")

    def _take(self, line: dict[str, Any]) -> None:
        if "records" in line:
            self.records = line["records"]
        else:
            self._rows[line["query"]] = Row(line["scores"], line["cpu_s"])

    def _load(self, file: Path, depends_on: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        if not lines or lines[0] != depends_on:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(depends_on) + "\n")
            return
        for line in lines[1:]:
            self._take(line)


def identity(path: Path) -> str:
    """Folder, name and size of a file: enough to notice another corpus."""
    return f"{path.parent.name}/{path.name} {path.stat().st_size}"


def all_cpu_s() -> float:
    """Processor seconds of this process, its threads, and the children it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def progress(items: Sequence[Item], what: str) -> Iterator[Item]:
    """The items, with a line on standard error when they are through."""
    started = time.monotonic()
    yield from items
    print(f"{what}: {len(items)} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


# -- tables -------------------------------------------------------------------------------------

HEADER: Final = ("system", "recall at zero false", "µAP", "default", "recall", "false matches", "precision", "CPU s per query", "records")


def print_tables(answers: Sequence[Answers], queries: Sequence[Query], truth: scoring.Truth) -> None:
    pairs = int((truth == scoring.FALSE).sum())
    print(f"\n### {len(queries)} edited copies, {truth.shape[1]} videos in the database, {pairs:,} false pairs\n")
    print(table(HEADER, [line for given in answers for line in lines(given, truth)]))
    print("\n### Recall at zero false, by edit\n")
    print(table(("edit", "queries", *(given.title for given in answers)), by_edit(answers, queries, truth)))


def lines(given: Answers, truth: scoring.Truth) -> Iterator[list[str]]:
    """A line for each default rule of one system; what does not depend on the rule stands in the first."""
    best = [figure(scoring.recall_at_zero_false(given.scores, truth)), figure(scoring.micro_ap(given.scores, truth))]
    cost = [figure(float(np.median(given.cpu_s))), str(given.records)]
    for number, (rule, called) in enumerate(given.rules.items()):
        counted = [
            figure(scoring.recall(called, truth)),
            str(scoring.false_matches(called, truth)),
            figure(scoring.precision(called, truth)),
        ]
        yield [given.title, *best, rule, *counted, *cost] if number == 0 else ["", "", "", rule, *counted, "", ""]


def by_edit(answers: Sequence[Answers], queries: Sequence[Query], truth: scoring.Truth) -> Iterator[list[str]]:
    """A line for each edit, at the same thresholds as in the first table."""
    edits = np.array([query.edit for query in queries])
    called = [scoring.above_every_false(given.scores, truth) for given in answers]
    for edit in dict.fromkeys(edits.tolist()):
        of_edit = edits == edit
        yield [edit, str(of_edit.sum()), *(figure(scoring.recall(c[of_edit], truth[of_edit])) for c in called)]


def figure(value: float) -> str:
    """Three places; a dash for what is not defined."""
    return "–" if np.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    main()
