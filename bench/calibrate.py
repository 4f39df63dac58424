"""How the constants of the verdict follow from evidence of real pairs, and how well scores mean what they say.

    python -m bench.calibrate [CORPUS] [--other FOLDER] [--graphics FOLDER] [--every N] [--tail SHARE] [--plot reliability.svg]

Every file of ``edited``, ``clips`` and ``distractors`` is compared with the candidates among the records of ``clips`` and
``distractors``, and so are the copies that `bench.edits` made in FOLDER; every file of ``hard`` and of ``natural`` is compared
with the candidates of its own folder, and so is what `bench.graphics` drew in FOLDER of ``--graphics``. All is done as
``balanced`` does it. Each pair is a *copy*, of the *same series*, *drawn* (two of one design), or *unrelated*; a second clip that
is truly in the query, and a file's pair with itself, are left out. For each pair the evidence is what the last gate holds.

1. False pairs: an exponential tail is fitted to the upper part of the evidence of false pairs, and says at which evidence
   one in a million candidate pairs would be taken for a match. The interval is from resampling pairs of videos: all
   comparisons of one pair of videos, edited or not, either way round, count as one. What higher thresholds cost in copies
   stands beside it.
2. The score: a logistic curve of P(copy | evidence) fitted to half A of the sources, and whether half B agrees. The midpoint
   depends on how many candidate pairs are copies; it is given for other odds too. Drawn pairs are in neither half and so take part in
   both: they are what false pairs of high evidence look like, of which real footage has too few.
3. *Possible*: each pair is judged again with other thresholds, by itself: what other records say about it is not asked.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path, PurePath
from typing import Final

import numpy as np

import vhashdb
from bench import fits
from bench.common import parser, table, videos
from bench.queries import Query, read_other, read_queries
from bench.truth import HALVES, first_of, half_of, series_of
from vhashdb import Fingerprint, MatchedSegment, Verdict
from vhashdb.index import FrameIndex, RecordRows
from vhashdb.matching import verdict
from vhashdb.matching.comparison import Comparison
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import retrieve

CONFIG: Final = MatchingConfig()
COPY: Final = "copy"
SERIES: Final = "same series"
UNRELATED: Final = "unrelated"
DRAWN: Final = "drawn"
KINDS: Final = (COPY, SERIES, DRAWN, UNRELATED)
PER_MILLION: Final = 1.0
ODDS: Final = (1.0, 0.1, 0.001)
"""Copies to one other candidate pair."""
SAID_ODDS: Final = 0.1
"""The odds at which scores are checked: of eleven candidate pairs, one is a copy."""
EDGES: Final = np.array([0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 1.0])
THRESHOLDS: Final = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)
BITS: Final = (16, 20, 24, 28, 31, 34)
MOTIONS: Final = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0)


@dataclass(frozen=True)
class Question:
    """A file, and what each reference is to it."""

    path: Path
    source: str
    """Decides in which half it is."""
    kind: Callable[[str], str | None]
    """Of a reference's file name; None leaves the pair out."""


@dataclass(frozen=True)
class Pair:
    """A query and one of its candidates."""

    kind: str
    source: str
    reference: str
    """As the source: the name without what tells versions of one video apart."""
    query_print: Fingerprint
    reference_print: Fingerprint
    comparison: Comparison

    @cached_property
    def found(self) -> tuple[MatchedSegment, ...]:
        """All segments, before any is chosen."""
        return tuple(segment for each in self.comparison.view_comparisons for segment in each.segments)

    @property
    def evidence(self) -> float:
        """Nats."""
        return next((gate.value for gate in self.comparison.judgement.gates if gate.name == "evidence"), 0.0)

    @property
    def half(self) -> str:
        """The half of the sources."""
        return half_of(self.source)

    @property
    def videos(self) -> tuple[str, str]:
        """The two videos, whichever way round and however edited."""
        first, second = sorted(PurePath(name).stem for name in (self.source, self.reference))
        return first, second

    def verdict(self, config: MatchingConfig) -> Verdict:
        """Judged again, with other thresholds."""
        return verdict.judge(self.found, self.query_print, self.reference_print, config).verdict


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--other", type=Path, metavar="FOLDER", help="what bench.edits wrote")
    options.add_argument("--every", type=int, default=1, metavar="N", help="take the edited copies of each N-th clip only")
    options.add_argument("--graphics", type=Path, metavar="FOLDER", help="what bench.graphics drew")
    options.add_argument("--plot", type=Path, default=None, metavar="FILE", help="SVG of how many pairs of each score are copies")
    options.add_argument("--tail", type=float, default=0.5, metavar="SHARE", help="of the evidence above zero, what counts as the tail")
    args = options.parse_args()
    pairs = list(all_pairs(args.corpus, args.other, args.every))
    if args.graphics:
        pairs += drawn_pairs(args.graphics)
    print_false(pairs, args.tail)
    print_thresholds(pairs, args.tail)
    print_score(pairs, args.plot)
    for half in HALVES:
        print_possible([p for p in pairs if p.half == half or p.kind == DRAWN], half)


# -- pairs --------------------------------------------------------------------------------------


def all_pairs(corpus: Path, other: Path | None, every: int) -> Iterator[Pair]:
    """Candidate pairs of everything."""
    clips, distractors = videos(corpus / "clips"), videos(corpus / "distractors")
    references = clips + distractors
    copies = read_queries(corpus / "edited", clips, every=every) + (read_other(other) if other else [])
    yield from pairs_of([*edited(copies), *originals(references)], references)
    for questions in (hard(corpus / "hard"), natural(corpus / "natural")):
        yield from pairs_of(questions, [q.path for q in questions])


def drawn_pairs(folder: Path) -> list[Pair]:
    """Candidate pairs of what `bench.graphics` drew: those of one design are drawn ones, the others unrelated."""
    questions = hard(folder / "hard")
    pairs = pairs_of(questions, [question.path for question in questions])
    return [replace(pair, kind=DRAWN if pair.kind == SERIES else pair.kind) for pair in pairs]


def edited(copies: Sequence[Query]) -> list[Question]:
    """Edited copies."""

    def kind(query: Query, name: str) -> str | None:
        if name == query.source:
            return COPY
        return None if name == query.second else by_name(query.source, name)

    return [Question(q.path, q.source, partial(kind, q)) for q in copies]


def originals(files: Sequence[Path]) -> list[Question]:
    """Videos of which no other is a copy."""

    def kind(a: str, b: str) -> str | None:
        return None if a == b else by_name(a, b)

    return [Question(f, f.name, partial(kind, f.name)) for f in files]


def by_name(a: str, b: str) -> str:
    """What two different videos are to each other, going by their names."""
    return SERIES if series_of(a) == series_of(b) else UNRELATED


def hard(folder: Path) -> list[Question]:
    """Files named series__title, none a copy of another."""

    def kind(a: str, b: str) -> str | None:
        return None if a == b else SERIES if a.split("__")[0] == b.split("__")[0] else UNRELATED

    return [Question(f, f.name.split("__")[-1], partial(kind, f.name)) for f in videos(folder)]


def natural(folder: Path) -> list[Question]:
    """Copies made by others, by group."""
    with (folder / "truth.csv").open(newline="") as file:
        groups = {row["file"]: row["group"] for row in csv.DictReader(file)}

    def kind(a: str, b: str) -> str | None:
        return None if a == b else COPY if groups[a] == groups[b] else by_name(first_of(a), first_of(b))

    return [Question(f, first_of(f.name), partial(kind, f.name)) for f in videos(folder)]


def pairs_of(questions: Sequence[Question], references: Sequence[Path]) -> Iterator[Pair]:
    """Each question with its candidates among the references."""
    sources = {q.path.name: q.source for q in questions}
    with ThreadPoolExecutor(2) as pool:
        asked = pool.map(query_print, [q.path for q in questions])
        known = list(pool.map(vhashdb.fingerprint, references))
        index = index_of(known)
        config = MatchingConfig.of(index.algorithm)
        for question, query in zip(questions, asked, strict=True):
            for candidate in retrieve(query, index, config.radius_bits, config):
                name = references[candidate.record].name
                if kind := question.kind(name):
                    reference = known[candidate.record]
                    yield Pair(kind, question.source, sources.get(name, name), query, reference, vhashdb.compare(query, reference))


@cache
def query_print(path: Path) -> Fingerprint:
    """A file's fingerprint as it is asked about."""
    return vhashdb.fingerprint(path, views="query")


def index_of(prints: Sequence[Fingerprint]) -> FrameIndex:
    """An index in which a record's number is its place."""
    index = FrameIndex(prints[0].algorithm)
    for number, made in enumerate(prints):
        index.add(RecordRows(number, number, made.hash[made.usable]))
    return index


# -- tables -------------------------------------------------------------------------------------


def print_false(pairs: Sequence[Pair], upper: float) -> None:
    """The evidence of false pairs, and where its tail leads."""
    print("\n### Evidence of candidate pairs, nats\n")
    rows = []
    for kind in KINDS:
        evidence = np.array([p.evidence for p in pairs if p.kind == kind])
        if len(evidence):
            some = f"{np.count_nonzero(evidence)} ({np.mean(evidence > 0):.1%})"
            places = (f"{np.percentile(evidence, share):.2f}" for share in (50, 99))
            rows.append((kind, len(evidence), some, *places, f"{evidence.max():.2f}", int((evidence >= CONFIG.match_evidence).sum())))
    print(table(("pairs", "number", "above 0", "median", "99 %", "highest", f"{CONFIG.match_evidence} and more"), rows))
    print(f"\n### Exponential tail of false pairs: evidence that {PER_MILLION:g} in a million candidate pairs reaches\n")
    print(table(("pairs", "tail from", "pairs in it", "scale", "evidence", "95 % interval"), tail_rows(pairs, upper)))
    print("\nHighest:")
    for pair in sorted((p for p in pairs if p.kind != COPY), key=lambda p: -p.evidence)[:8]:
        print(f"* {pair.evidence:.2f} {pair.kind}: {pair.source}, {pair.reference}")


def print_thresholds(pairs: Sequence[Pair], upper: float) -> None:
    """What a match would cost and spare at other evidences."""
    false = np.array([p.evidence for p in pairs if p.kind == SERIES])
    tail = fits.fit_tail(false, upper)
    rows = []
    for nats in sorted({*THRESHOLDS, CONFIG.match_evidence}):
        copies = [np.array([p.evidence >= nats for p in pairs if p.kind == COPY and p.half == half]) for half in HALVES]
        expected = f"{tail.reaching(nats) * 1e6:,.1f}" if tail else ""
        rows.append((f"{nats:g}", int((false >= nats).sum()), expected, *(f"{c.mean():.3f}" for c in (*copies, np.concatenate(copies)))))
    print("\n### What is a match at other evidences\n")
    header = ("nats", f"{SERIES}: seen", "expected of a million", "copies, half A", "half B", "all")
    print(table(header, rows))


def tail_rows(pairs: Sequence[Pair], upper: float) -> Iterator[tuple[object, ...]]:
    """A row for same-series pairs and one for all false pairs."""
    for name, kinds in ((SERIES, {SERIES}), ("all false", {SERIES, UNRELATED})):
        some = [p for p in pairs if p.kind in kinds]
        evidence = np.array([p.evidence for p in some])
        tail = fits.fit_tail(evidence, upper)
        if tail is None:
            yield name, "too few pairs", "", "", "", ""
            continue
        numbers = {both: number for number, both in enumerate({p.videos for p in some})}
        low, high = fits.evidence_interval(evidence, np.array([numbers[p.videos] for p in some]), PER_MILLION, upper)
        yield name, f"{tail.start:.2f}", tail.pairs, f"{tail.scale:.2f}", f"{tail.evidence_at(PER_MILLION):.2f}", f"{low:.1f} to {high:.1f}"


def print_score(pairs: Sequence[Pair], plot_to: Path | None = None) -> None:
    """The logistic curve of half A, beside the constants, and half B in bins of the score."""
    evidence, copy = np.array([p.evidence for p in pairs]), np.array([p.kind == COPY for p in pairs])
    tuned, closed = (np.array([p.half == half or p.kind == DRAWN for p in pairs]) for half in HALVES)
    curve = fits.fit_logistic(evidence[tuned], copy[tuned])
    odds = float(copy[tuned].sum() / (~copy[tuned]).sum())
    rows = [("as configured", f"{CONFIG.score_slope:.2f}", f"{CONFIG.match_evidence:.2f}")]
    rows += [(f"half A, {odds:.2g} copies to another pair, as found", f"{curve.slope:.2f}", f"{curve.midpoint:.2f}")]
    rows += [(f"at {o:g} to 1", f"{curve.slope:.2f}", f"{curve.at_odds(odds, o).midpoint:.2f}") for o in ODDS]
    print(f"\n### P(copy | evidence), fitted to {int(tuned.sum())} pairs of half A\n")
    print(table(("curve", "slope per nat", "midpoint, nats"), rows))
    now = fits.Logistic(CONFIG.score_slope, CONFIG.match_evidence)
    checked = {}
    for name, said in (("the score as it is", now), ("the fitted curve", curve.at_odds(odds, SAID_ODDS))):
        print(f"\n### {name}, checked on half B at {SAID_ODDS:g} copies to another pair\n")
        bins = fits.reliability(said.probability(evidence[closed]), copy[closed], EDGES, SAID_ODDS)
        print(table(("score", "pairs", "mean score", "copies"), [bin_row(b) for b in bins]))
        checked[name] = bins
    if plot_to:
        plot(checked, plot_to)


def plot(checked: dict[str, list[fits.Bin]], path: Path) -> None:
    """Draw which share of the pairs of each score are copies."""
    from matplotlib.figure import Figure

    figure = Figure((5, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="score", ylabel="share of copies, half B")
    axes.plot([0, 1], [0, 1], ":", color="grey", label="as said")
    for name, bins in checked.items():
        axes.plot([b.said for b in bins], [b.true for b in bins], "o-", label=name)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None})


def bin_row(b: fits.Bin) -> tuple[object, ...]:
    """One row of a reliability table."""
    return f"{b.low:g} to {b.high:g}", b.pairs, f"{b.said:.3f}", f"{b.true:.3f}"


def print_possible(pairs: Sequence[Pair], half: str) -> None:
    """What other thresholds of `possible` would do; each is changed alone."""
    settings = [("as it is", MatchingConfig())]
    settings += [(f"possible_bits {bits}", MatchingConfig(possible_bits=bits)) for bits in BITS]
    settings += [(f"possible_motion {nats}", MatchingConfig(possible_motion=nats)) for nats in MOTIONS]
    print(f"\n### Share of candidate pairs that are `possible`, half {half}\n")
    rows = []
    for name, config in settings:
        said = [(p.kind, p.verdict(config)) for p in pairs]
        rows.append((name, *(share(said, kind, Verdict.POSSIBLE) for kind in KINDS), share(said, COPY, Verdict.POSSIBLE, Verdict.MATCH)))
    print(table(("thresholds", *KINDS, "copies found"), rows))


def share(said: Sequence[tuple[str, Verdict]], kind: str, *verdicts: Verdict) -> str:
    """Of the pairs of a kind, how many and which share got one of these verdicts."""
    some = [given in verdicts for pair_kind, given in said if pair_kind == kind]
    return f"{sum(some)} of {len(some)} ({sum(some) / max(1, len(some)):.2%})"


if __name__ == "__main__":
    main()
