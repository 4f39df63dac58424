"""Recall per edit, false matches, where segments begin and end, and cost, on real footage.

    python -m bench.accuracy [CORPUS] [--efforts fast,balanced,thorough] [--edits NAME,…] [--sets edited,other,hard,unrecorded,natural]
                             [--other FOLDER] [--squares] [--split] [--list]

A database of ``clips`` and ``distractors`` is asked about every file of ``edited``, and of the copies that `bench.edits`
made in FOLDER, at the default thresholds. A record that is not truly in the query is *wrong*, whether it is called a match
or possible; one of the series of what is in it, going by names, is counted in a column of its own. ``insert``, ``pip`` and
some others do contain a second clip: finding it counts for nothing and against nothing.

``hard`` and ``natural`` are asked about themselves, so that a file's own record is beside the others and outshines what only looks like
it. ``unrecorded`` is ``hard`` in two halves, every second file, each of which is asked about the other: nobody's own record is there.

For the edits that show pieces of their source, or show it faster or slower, the reported segments are compared with where
the pieces truly are. Segments of a piece are taken together; errors are those of the pieces that were found. Seconds are
*spurious* when the segment's line is more than a second away from every piece. *Dark ends* are those at which the record
shows too little to be compared; no segment can begin there.

``--split`` prints every table for the sources of half A, those of half B, and all. Half A may be looked at when something is
tuned, half B is not, and ``--list`` then names nothing of it. The halves follow from a hash of the series' name, so that no
series is in both.
"""

from __future__ import annotations

import csv
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

import vhashdb
from bench import scoring, segments
from bench.common import duration_s, parser, table, videos
from bench.queries import Query, read_other, read_queries, truth_of
from bench.truth import HALVES, WITH_PIECES, first_of, half_of, pieces_of, series_of, shown
from vhashdb import Database, Fingerprint, Result, Verdict

Item = TypeVar("Item")
WORST: Final = 8
"""Pieces that ``--list`` prints."""


@dataclass(frozen=True)
class Answer:
    """What came of one query."""

    query: Query
    result: Result
    cpu_s: float


@dataclass
class Tally:
    """Outcomes of one edit at one effort."""

    queries: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    second: int = 0
    series: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def false(self) -> list[str]:
        """Everything named that is not in the query."""
        return self.series + self.wrong


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--efforts", default="fast,balanced")
    options.add_argument("--edits", default="", help="comma-separated; all by default")
    options.add_argument("--sets", default="edited,hard,natural")
    options.add_argument("--other", type=Path, metavar="FOLDER", help="what bench.edits wrote, for --sets other")
    options.add_argument("--squares", action="store_true", help="store squares, as `vhashdb init --squares` does")
    options.add_argument("--split", action="store_true", help="print each table for half A of the sources, half B and all")
    options.add_argument("--list", action="store_true", help="name every missed and every wrong pair, and the worst segments")
    args = options.parse_args()
    sets, efforts, edits = args.sets.split(","), args.efforts.split(","), set(filter(None, args.edits.split(",")))
    if "other" in sets and not args.other:
        options.error("--sets other needs --other FOLDER")
    clips = videos(args.corpus / "clips") if {"edited", "other"} & set(sets) else []  # drawn videos have only `hard`
    copies = {}
    if "edited" in sets:
        copies["edited"] = read_queries(args.corpus / "edited", clips, edits=edits)
    if "other" in sets:
        copies["other"] = read_other(args.other, edits=edits)
    with tempfile.TemporaryDirectory() as folder:
        if copies:
            with Corpus(Path(folder, "copies.vhdb"), clips + videos(args.corpus / "distractors"), squares=args.squares) as corpus:
                for effort in efforts:
                    for name, queries in copies.items():
                        print_copies(corpus, f"{name}, {effort}", ask_copies(corpus, queries, effort), args.split, args.list)
        for name, of_folder, pairs, halves in PAIRED:
            if name not in sets:
                continue
            files = videos(args.corpus / of_folder)
            recorded = [files[half::halves] for half in range(halves)]
            with ExitStack() as stack:
                corpora = [
                    stack.enter_context(Corpus(Path(folder, f"{name}-{half}.vhdb"), some, squares=args.squares))
                    for half, some in enumerate(recorded)
                ]
                for effort in efforts:
                    asked = list(zip(corpora, reversed(recorded), strict=True))
                    print_pairs(asked, f"{name}, {effort}", effort, pairs(args.corpus / of_folder), args.split, args.list)


class Corpus:
    """A database of some files, with the file name of each record."""

    def __init__(self, path: Path, files: Sequence[Path], *, squares: bool = False) -> None:
        self.files = files
        self.db = vhashdb.create(path, squares=squares)
        with ThreadPoolExecutor(2) as pool:
            prepared = pool.map(self.db.prepare, files)
            # Without the file's hash: by that, a recorded file would be asked about with its stored fingerprint, not with a look at it.
            unnamed = (replace(each, hashes=None) for each in prepared)
            self.names = {self.db.record(p, vhashdb.Details()).id: f.name for f, p in zip(files, unnamed, strict=True)}
        self.duration_s = {f.name: duration_s(f) for f in files}
        self.usable_s = {name: usable_s(self.db.fingerprint(record)) for record, name in self.names.items()}

    def __enter__(self) -> Corpus:
        return self

    def __exit__(self, *_: object) -> None:
        self.db.close()

    def hashes_per_s(self, folder: str) -> float:
        """Stored hashes per second of the videos of a folder."""
        here = {f.name for f in self.files if f.parent.name == folder}
        stored = sum(int(self.db.fingerprint(record).usable.sum()) for record, name in self.names.items() if name in here)
        return stored / sum(self.duration_s[name] for name in here)


def usable_s(fingerprint: Fingerprint) -> list[tuple[float, float]]:
    """The stretches of a video that show enough to be compared."""
    rows = fingerprint.usable
    return list(zip(fingerprint.start_s[rows].tolist(), fingerprint.end_s[rows].tolist(), strict=True))


def ask(db: Database, files: Sequence[Path], effort: str) -> list[tuple[Result, float]]:
    """The answer to each file, and the processor seconds it took."""

    def one(path: Path) -> tuple[Result, float]:
        started = time.thread_time()
        result = db.match(path, effort=effort)
        return result, time.thread_time() - started + result.decode_cpu_s

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(one, files))


def parts(items: Sequence[Item], name: Callable[[Item], str], split: bool) -> Iterator[tuple[str, list[Item], bool]]:
    """With ``split`` the items of either half, by their name, and then all.

    Each with words for the heading, and with whether they may be looked at one by one.
    """
    if split:
        for half in HALVES:
            yield f", half {half}", [item for item in items if half_of(name(item)) == half], half == HALVES[0]
    yield ", all" if split else "", list(items), not split


# -- copies -------------------------------------------------------------------------------------


def ask_copies(corpus: Corpus, queries: Sequence[Query], effort: str) -> list[Answer]:
    """The answers to edited copies."""
    answered = ask(corpus.db, [query.path for query in queries], effort)
    return [Answer(query, result, cpu_s) for query, (result, cpu_s) in zip(queries, answered, strict=True)]


def print_copies(corpus: Corpus, title: str, answers: Sequence[Answer], split: bool, listing: bool) -> None:
    """All tables about some copies at one effort."""
    for words, some, open_to_view in parts(answers, lambda a: a.query.source, split):
        if not some:
            continue
        tallies: dict[str, Tally] = defaultdict(Tally)
        for answer in some:
            count(tallies[answer.query.edit], answer, corpus.names)
        print(f"\n### {title}{words}: {len(some)} queries, {len(corpus.db)} records, {len(corpus.db.index):,} stored hashes\n")
        header = ("edit", "queries", "match", "possible", "found", "second clip", "same series", "wrong", "CPU s, median")
        print(table(header, lines(tallies)))
        print_segments(corpus, f"{title}{words}", some, listing and open_to_view)
        print(f"\n{summary(corpus, some)}")
        if listing and open_to_view:
            for edit, tally in tallies.items():
                print(f"{edit}: missed {tally.missed}, same series {tally.series}, wrong {tally.wrong}")


def count(tally: Tally, answer: Answer, names: dict[str, str]) -> None:
    """Add one answer."""
    query = answer.query
    tally.queries += 1
    tally.cpu_s.append(answer.cpu_s)
    found = {names[m.record.id]: m for m in answer.result.matches}
    source = found.pop(query.source, None)
    tally.verdicts[source.verdict.value if source else "no-match"] += 1
    if source is None:
        tally.missed.append(query.source)
    series = {series_of(name) for name in (query.source, query.second) if name}
    for name, match in found.items():
        if name == query.second:
            tally.second += 1
        else:
            where = tally.series if series_of(name) in series else tally.wrong
            where.append(f"{query.edit}/{query.path.name} → {name} {match.verdict} {match.score:.2f}")


def lines(tallies: dict[str, Tally]) -> list[list[object]]:
    """Rows of the table, and their sum."""
    total = Tally()
    rows = []
    for edit, tally in tallies.items():
        rows.append(line(edit, tally))
        total.queries += tally.queries
        total.verdicts += tally.verdicts
        total.second += tally.second
        total.series += tally.series
        total.wrong += tally.wrong
        total.cpu_s += tally.cpu_s
    return [*rows, line("**all**", total)]


def line(name: str, tally: Tally) -> list[object]:
    """One row."""
    match, possible = tally.verdicts[Verdict.MATCH.value], tally.verdicts[Verdict.POSSIBLE.value]
    found, cpu_s = f"{(match + possible) / tally.queries:.3f}", f"{statistics.median(tally.cpu_s):.3f}"
    return [name, tally.queries, match, possible, found, tally.second or "", len(tally.series), len(tally.wrong), cpu_s]


def print_segments(corpus: Corpus, title: str, answers: Sequence[Answer], listing: bool) -> None:
    """How well the segments of the source meet the pieces that are truly there; nothing without such edits."""
    met: dict[str, list[segments.Meeting]] = {edit: [] for edit in WITH_PIECES}
    bright: list[segments.Meeting] = []
    spurious = dict.fromkeys(WITH_PIECES, 0.0)
    for answer in answers:
        query = answer.query
        pieces = pieces_of(query.edit, corpus.duration_s[query.source])
        found = [s for m in answer.result.matches if corpus.names[m.record.id] == query.source for s in m.segments]
        if pieces:
            name = f"{query.edit}/{query.path.name}"
            met[query.edit] += segments.meetings(name, pieces, found)
            bright += segments.meetings(name, [p for piece in pieces if (p := shown(piece, corpus.usable_s[query.source]))], found)
            spurious[query.edit] += segments.spurious_s(pieces, found)
    every = [m for some in met.values() for m in some]
    if not every:
        return
    print(f"\n### segments, {title}\n")
    rows = [segments.row(edit, some, spurious[edit]) for edit, some in met.items() if some]
    total = sum(spurious.values())
    print(table(segments.HEADER, [*rows, segments.row("**all**", every, total), segments.row("**all, without dark ends**", bright, total)]))
    if listing:
        print("\nworst, without dark ends:", *segments.worst(bright, WORST), sep="\n* ")


def summary(corpus: Corpus, answers: Sequence[Answer]) -> str:
    """One line: the figures that are not of one edit."""
    column = {name: number for number, name in enumerate(corpus.names.values())}
    shape = len(answers), len(column)
    scores, matched = np.zeros(shape), np.zeros(shape, bool)
    truth = truth_of([answer.query for answer in answers], list(column))
    for row, answer in enumerate(answers):
        for match in answer.result.matches:
            at = row, column[corpus.names[match.record.id]]
            scores[at], matched[at] = match.score, match.verdict is Verdict.MATCH
    doubted = ((scores > 0) & ~matched & (truth == scoring.FALSE)).any(axis=1).mean()
    return (
        f"{corpus.hashes_per_s('clips'):.1f} stored hashes per second over clips, precision of `match` "
        f"{scoring.precision(matched, truth):.4f}, µAP {scoring.micro_ap(scores, truth):.4f}, "
        f"false `possible` in {doubted:.2%} of the queries"
    )


# -- pairs of whole videos ----------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs:
    """How pairs of videos of one folder are counted."""

    kind: Callable[[str, str], str]
    """What a pair of file names is."""
    source: Callable[[str], str]
    """The name that decides in which half a file is."""


def hard_pairs(_folder: Path) -> Pairs:
    """``hard``: file names are series__title, and none is a copy of another."""

    def kind(a: str, b: str) -> str:
        return "same series" if a.split("__")[0] == b.split("__")[0] else "other series"

    return Pairs(kind, lambda name: name.split("__")[-1])


def natural_pairs(folder: Path) -> Pairs:
    """``natural``: copies made by others, by group."""
    with (folder / "truth.csv").open(newline="") as file:
        groups = {row["file"]: row["group"] for row in csv.DictReader(file)}
    return Pairs(lambda a, b: "copies" if groups[a] == groups[b] else "other groups", first_of)


PAIRED: Final = (("hard", "hard", hard_pairs, 1), ("unrecorded", "hard", hard_pairs, 2), ("natural", "natural", natural_pairs, 1))
"""Sets whose files are asked about each other: name, folder, how pairs are counted, and in how many parts it is recorded."""


def print_pairs(asked: Sequence[tuple[Corpus, Sequence[Path]]], title: str, effort: str, pairs: Pairs, split: bool, listing: bool) -> None:
    """Every file of some against every other one in a corpus."""
    answers = [
        (corpus, file, result) for corpus, files in asked for file, (result, _) in zip(files, ask(corpus.db, files, effort), strict=True)
    ]
    for words, some, open_to_view in parts(answers, lambda answer: pairs.source(answer[1].name), split):
        verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        number: Counter[str] = Counter()
        for corpus, file, result in some:
            number.update(pairs.kind(file.name, other.name) for other in corpus.files if other != file)
            for kind, verdict, text in others(corpus, file.name, result, pairs):
                verdicts[kind][verdict] += 1
                if listing and open_to_view:
                    print(text)
        print(f"\n### {title}{words}: {len(some)} videos, each against the others that are recorded\n")
        rows = [(kind, number[kind], verdicts[kind]["match"], verdicts[kind]["possible"]) for kind in number]
        print(table(("pairs", "number", "match", "possible"), rows))


def others(corpus: Corpus, name: str, result: Result, pairs: Pairs) -> Iterable[tuple[str, str, str]]:
    """Kind, verdict and a line in words for each other record that a file was said to match, by itself or folded under its video."""
    said = {corpus.names[match.record.id]: match for match in result.matches}
    for match in result.matches:
        for video in match.videos:
            for copy in corpus.db.videos.get(video).records:
                said.setdefault(corpus.names[copy.record.id], match)
    for other, match in said.items():
        if other != name:
            kind = pairs.kind(name, other)
            yield kind, match.verdict.value, f"{name} {other} {match.verdict.value} {match.score:.2f} {kind}"


if __name__ == "__main__":
    main()
