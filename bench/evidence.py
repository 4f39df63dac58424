"""How well ways of counting evidence tell copies from different videos of one series.

    python -m bench.evidence [CORPUS] [--graphics FOLDER] [--other FOLDER] [--every N]

The pairs are those of `bench.calibrate`; FOLDER of ``--graphics`` is what `bench.graphics` drew, whose pairs are false ones of low
rank. Of each pair the segment with the most evidence counts, among those that pass the gates of frames, seconds and distance.
For each way of counting: the highest evidence of real false pairs, and which share of the copies lies above it, by half of the
sources; how many drawn pairs do; and the share of copies above all but some of the drawn pairs.

Changes of low rank are what drawn pairs share: one fade or one switch that coincides would be counted as often as there are moments, as
in *every moment*. The other ways counter that. *Participation* is ``(Σλ)² / Σλ²`` of the Gram matrix of the centred bits over the
moments, the smaller one of the two sides: about how many changes there are that do not follow from each other. *Within windows* takes
the mean of windows of some seconds out first, for this number only or for the correlation too. *Beyond k modes* takes the k
strongest modes in time, of both sides together, out of both, and correlates what is left.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.calibrate import CONFIG, COPY, Pair, all_pairs, hard, pairs_of
from bench.common import parser, table
from bench.truth import HALVES
from vhashdb.hashing.bits import unpack
from vhashdb.matching.alignment import AlignedSegment
from vhashdb.matching.comparison import ViewComparison
from vhashdb.matching.evidence import GateName, MatchedSegment

Matrix = npt.NDArray[np.float32]
MOMENTS: Final = 3
"""Moments under which nothing can be said of how a segment changes."""
WINDOWS: Final = (4, 6, 8, 12, 20)
"""Moments of the windows that are tried, at four a second."""
DRAWN_ABOVE: Final = (10, 30)
"""How many drawn pairs may lie above a threshold at which copies are counted."""


@dataclass(frozen=True)
class Changes:
    """The bits of both sides of a segment at its moments, four a second: ``(moments, bits)``, −1 and +1."""

    segment: MatchedSegment
    query: Matrix
    reference: Matrix

    @cached_property
    def centred(self) -> tuple[Matrix, Matrix]:
        """Both sides less their mean over the segment."""
        return self.query - self.query.mean(axis=0), self.reference - self.reference.mean(axis=0)

    @cached_property
    def modes(self) -> Matrix:
        """``(moments, moments)`` modes in time of both sides together, the strongest first; how the two agree does not enter."""
        grams = [side @ side.T for side in self.centred]
        _, vectors = np.linalg.eigh(sum(gram / max(1.0, float(np.trace(gram))) for gram in grams))
        return np.asarray(vectors[:, ::-1], np.float32)

    def beyond(self, modes: int) -> tuple[Matrix, Matrix]:
        """Return both sides without their strongest modes."""
        strongest = self.modes[:, :modes]
        left, right = (side - strongest @ (strongest.T @ side) for side in self.centred)
        return left, right

    def within(self, window: int) -> tuple[Matrix, Matrix]:
        """Return both sides less their mean over each window of so many moments."""
        cuts = range(window, len(self.query) - window // 2, window)
        left, right = (np.concatenate([part - part.mean(axis=0) for part in np.split(side, cuts)]) for side in (self.query, self.reference))
        return left, right


Way = Callable[[Changes], float]
"""Nats of a segment."""


def information(sides: tuple[Matrix, Matrix]) -> float:
    """Return ``−ln(1 − r²)`` of the correlation of both sides; 0 where it is negative or nothing changes."""
    left, right = sides
    energy = math.sqrt(float((left**2).sum()) * float((right**2).sum()))
    r = float((left * right).sum()) / energy if energy > 1 else 0.0
    return -math.log(1 - min(max(r, 0.0), CONFIG.max_correlation) ** 2)


def participation(sides: tuple[Matrix, Matrix]) -> float:
    """Return the smaller side's participation ratio; 0 where nothing changes."""
    found = []
    for side in sides:
        gram = side @ side.T
        found.append(float(np.trace(gram)) ** 2 / max(1.0, float((gram**2).sum())))
    return min(found)


def lasting(changes: Changes) -> float:
    """Return a factor from 1 to √3 for moments from twenty to sixty."""
    return math.sqrt(min(3.0, max(1.0, len(changes.query) / 20)))


def as_configured(changes: Changes) -> float:
    """Return motion and closeness as the verdict counts them."""
    segment = changes.segment
    weighed = segment.motion_evidence + segment.closeness - segment.speed_cost
    return weighed if segment.passes(GateName.MOTION, GateName.CHANGES) else 0.0


def every_moment(changes: Changes) -> float:
    """Return the information of all moments, as if each were independent."""
    return changes.segment.motion.samples * information(changes.centred)


def beyond(modes: int) -> Way:
    """Return the way that counts what is left without the strongest modes."""

    def way(changes: Changes) -> float:
        sides = changes.beyond(modes)
        return participation(sides) * information(sides)

    return way


def within(window: int, *, both: bool = False) -> Way:
    """Return the way that counts participation, and with ``both`` the correlation too, within windows of so many moments."""

    def way(changes: Changes) -> float:
        sides = changes.within(window)
        return (participation(sides) - 2) * information(sides if both else changes.centred) * lasting(changes)

    return way


WAYS: Final[dict[str, Way]] = {
    "as configured": as_configured,
    "every moment": every_moment,
    "(participation − 2) · information": lambda c: (participation(c.centred) - 2) * information(c.centred),
    "the same, √ of its length": lambda c: (participation(c.centred) - 2) * information(c.centred) * lasting(c),
    **{f"the same, participation within {window / 4:g} s": within(window) for window in WINDOWS},
    "the same, both within 1.5 s": within(6, both=True),
    **{f"beyond {modes} mode{'s' * (modes > 1)}": beyond(modes) for modes in (1, 2, 3)},
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--graphics", type=Path, metavar="FOLDER", help="what bench.graphics drew")
    options.add_argument("--other", type=Path, metavar="FOLDER", help="what bench.edits wrote")
    options.add_argument("--every", type=int, default=1, metavar="N", help="take the edited copies of each N-th clip only")
    args = options.parse_args()
    pairs = list(all_pairs(args.corpus, args.other, args.every))
    drawn = []
    if args.graphics:
        questions = hard(args.graphics / "hard")
        drawn = list(pairs_of(questions, [question.path for question in questions]))
    copies, false = [p for p in pairs if p.kind == COPY], [p for p in pairs if p.kind != COPY]
    print(f"\n### Ways of counting evidence: {len(copies)} copies, {len(false)} real false pairs, {len(drawn)} drawn ones\n")
    halves = [f"half {half}" for half in HALVES]
    header = ("nats", "highest false", *(f"copies above, {half}" for half in halves), "drawn above it")
    at = [f"copies, {half}, above all but {few} drawn" for few in DRAWN_ABOVE for half in halves]
    print(table((*header, *at), rows(copies, false, drawn)))


def rows(copies: Sequence[Pair], false: Sequence[Pair], drawn: Sequence[Pair]) -> Iterator[tuple[object, ...]]:
    """A row for each way."""
    of_copies, of_false, of_drawn = ([list(segments(pair)) for pair in pairs] for pairs in (copies, false, drawn))
    halves = np.array([pair.half for pair in copies])
    for name, way in WAYS.items():
        nats, wrong, low_rank = (np.array([evidence(pair, way) for pair in some]) for some in (of_copies, of_false, of_drawn))
        highest = float(wrong.max(initial=0.0))
        levels = [float(np.sort(low_rank)[-1 - few]) for few in DRAWN_ABOVE if few < len(low_rank)]
        cells = [share_above(nats[halves == half], level) for level in (highest, *levels) for half in HALVES]
        yield name, f"{highest:.2f}", *cells[:2], int((low_rank > highest).sum()), *cells[2:]


def share_above(nats: npt.NDArray[np.float64], level: float) -> str:
    """Return which share lies above a level; empty if there is nothing to count."""
    return f"{np.mean(nats > level):.3f}" if len(nats) else ""


def segments(pair: Pair) -> Iterator[Changes]:
    """What changes in each segment of a pair that passes the gates of frames, seconds and distance."""
    for each in pair.comparison.view_comparisons:
        for aligned, segment in zip(each.alignment.segments, each.segments, strict=True):
            if segment.passes(GateName.FRAMES, GateName.SECONDS, GateName.DISTANCE):
                changes = changes_of(each, aligned, segment)
                if len(changes.query) >= MOMENTS:
                    yield changes


def changes_of(compared: ViewComparison, aligned: AlignedSegment, segment: MatchedSegment) -> Changes:
    """Return both sides at the moments that both show."""
    every = max(1, round(CONFIG.samples_per_s / CONFIG.independent_per_s))
    samples = aligned.samples.within(slice(None, None, every))
    seen = samples.seen
    query, reference = compared.query.hash[samples.query[seen]], compared.reference.hash[samples.reference[seen]]
    return Changes(segment, unpack(query), unpack(reference))


def evidence(pair: Sequence[Changes], way: Way) -> float:
    """Return the most that a segment of a pair has; 0 at least."""
    return max((way(changes) for changes in pair), default=0.0)


if __name__ == "__main__":
    main()
