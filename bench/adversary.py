"""What evasion costs: an automatic search for the mildest edits that get NO MATCH.

    python -m bench.adversary [CORPUS] [--efforts fast,balanced,thorough] [--videos 4] [--budget 1920] [--seed 0] [--edits NAME,…]

A database of ``clips`` and ``distractors`` (without one, which serves as the innocent other video) is asked about edited copies of some
clips, half of them of half A. Each copy is encoded and decoded as any upload is. For every effort and every video the search

1. asks about each of the edits of `bench.tampering` at full strength, then bisects for the weakest that still gets NO MATCH, those
   that do least harm first; this takes three quarters of the budget at most,
2. spends the rest on chains of two or three edits, none stronger than what alone does not get NO MATCH: new ones and variants of the
   best one by turns. A chain that does more harm than the best so far is weakened before it is asked about, and one that gets NO MATCH
   after it, by bisection. What alone gets NO MATCH with a harm under 0.1 is left out, so that chains find something else.

*Harm* is what a viewer loses, from 0 to 1, with the geometry undone: see `bench.likeness`, which has *SSIM* to the source as well.
``--budget`` is in questions, shared out evenly among videos and efforts. The same seed gives the same tables on the same code, footage
and versions of libraries.

The table of single edits has the strength from which one gets NO MATCH, its harm, and in brackets the strength from which it is no longer
a full match (``possible`` or less). All are medians over the videos; an edit that at full strength is found in half of them or more is
*held*.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from bench import tampering
from bench.accuracy import Corpus
from bench.common import parser, table, videos
from bench.likeness import Likeness, likeness
from bench.tampering import EDITS, Chain, Footage, Frames, Step
from bench.truth import HALVES, half_of
from vhashdb import Database, Effort, Verdict

SINGLE_SHARE: Final = 0.75
"""Of the budget, that single edits take at most. Engineering bound: chains start from what they find."""
BISECTIONS: Final = 4
"""So strengths are exact to 1/16. Engineering bound."""
CHAIN_BISECTIONS: Final = 3
"""Engineering bound: the next variant gains more."""
_SHARES: Final = (1.0, 0.8, 0.64)
"""Of the strength of a chain, that are tried for less harm. Engineering bound: each is a copy to make."""
_UNDER: Final = 0.95
"""Share of the limit on harm at which new chains aim. Engineering bound."""
_HARMLESS: Final = 0.02
"""Harm up to which an edit keeps its strength in a chain. Engineering bound."""
_COPIES: Final = 1.5
"""Copies that are made of chains for each question that is left: some do too much harm to be asked about. Engineering bound."""
FREE: Final = 0.1
"""Harm under which an edit that evades alone is left out of chains, which are to find something else. Engineering bound."""
_CARE: Final = 0.05
"""Harm by which an edit may be the worse without being drawn half as often. Engineering bound."""


@dataclass(frozen=True)
class Finding:
    """A copy, and what came of it."""

    chain: Chain
    verdict: Verdict
    likeness: Likeness
    accused: tuple[str, ...] = ()
    """Other videos that were called a match."""

    @property
    def evades(self) -> bool:
        """Whether its source is not named at all."""
        return self.verdict not in (Verdict.MATCH, Verdict.POSSIBLE)

    def say(self) -> str:
        """Name the edits with their strengths."""
        return " + ".join(step.say() for step in self.chain)


Ask = Callable[[Chain], Finding]
"""Ask about one copy."""
Judge = Callable[[Chain], Likeness]
"""Say what one copy would leave of its source."""


@dataclass
class Threshold:
    """What is known of one edit of one video at one effort."""

    step: Step
    """At full strength."""
    held: Finding | None = None
    """The strongest that was found, of those below the weakest that evades; None if nothing was."""
    evading: Finding | None = None
    """The weakest that gets NO MATCH."""
    doubted: float = np.inf
    """The least strength that was not a full match."""

    @property
    def middle(self) -> float:
        """The strength to ask about next."""
        upper = self.evading.chain[0].strength if self.evading else 1.0
        return (upper + (self.held.chain[0].strength if self.held else 0.0)) / 2

    def learn(self, finding: Finding) -> None:
        """Take an answer into account."""
        if finding.evades:
            self.evading = finding
        else:
            self.held = finding
        if finding.verdict is not Verdict.MATCH:
            self.doubted = min(self.doubted, finding.chain[0].strength)


@dataclass
class Outcome:
    """What a search found out about one video at one effort."""

    video: str
    effort: str
    thresholds: dict[str, Threshold]
    chain: Finding | None = None
    """The mildest chain that evades, if it is milder than every edit that chains are made of."""
    questions: int = 0
    accused: list[str] = field(default_factory=list)

    @property
    def single(self) -> Finding | None:
        """The mildest single edit that evades."""
        evading = [t.evading for t in self.thresholds.values() if t.evading]
        return min(evading, key=lambda finding: finding.likeness.harm, default=None)

    @property
    def mildest(self) -> Finding | None:
        """The mildest of all."""
        return min((found for found in (self.single, self.chain) if found), key=lambda finding: finding.likeness.harm, default=None)


class Search:
    """Look for the mildest evading edits of one video at one effort. It is told answers and knows nothing of files."""

    def __init__(
        self, video: str, effort: str, ask: Ask, judge: Judge, *, budget: int, seed: int, edits: Sequence[str] = tuple(EDITS)
    ) -> None:
        self._ask, self._judge, self._budget = ask, judge, budget
        self._random = np.random.default_rng([seed, number_of(video), number_of(effort)])
        # Where an edit is applied depends on the video alone, so that efforts are asked about the same copies.
        places = np.random.default_rng([seed, number_of(video)])
        self._judged = 0
        self.outcome = Outcome(video, effort, {name: Threshold(proposed(places, name)) for name in edits})

    def run(self) -> Outcome:
        """Spend the budget."""
        self._singles()
        self._chains()
        return self.outcome

    @property
    def _left(self) -> int:
        return self._budget - self.outcome.questions

    def _asked(self, chain: Chain) -> Finding:
        self.outcome.questions += 1
        finding = self._ask(chain)
        self.outcome.accused += [f"{name}: {finding.say()}" for name in finding.accused]
        return finding

    def _singles(self) -> None:
        thresholds = list(self.outcome.thresholds.values())
        kept_back = round(self._budget * (1 - SINGLE_SHARE))
        for number in range(1 + BISECTIONS):
            if number:
                thresholds = sorted((t for t in thresholds if t.evading), key=lambda t: t.evading.likeness.harm if t.evading else 1)
            for threshold in thresholds:
                if self._left <= kept_back:
                    return
                strength = threshold.middle if number else 1.0
                threshold.learn(self._asked((replace(threshold.step, strength=strength),)))

    def _chains(self) -> None:
        dear = [t for t in self.outcome.thresholds.values() if harm_of(t.evading) >= FREE]
        parts = [t.held for t in dear if t.held]
        limit = min([1.0, *(harm_of(t.evading) for t in dear)])
        copies = round(_COPIES * self._left) if len(parts) > 1 else 0
        while self._left and self._judged < copies:
            chain = self._milder(self._proposed(parts, limit), limit)
            found = self._weakened(chain) if chain else None
            if found and found.likeness.harm < limit:
                self.outcome.chain, limit = found, found.likeness.harm

    def _proposed(self, parts: Sequence[Finding], limit: float) -> Chain:
        """Draw a new chain, or change a step of the best one."""
        best = self.outcome.chain
        if best and self._random.random() < 0.5:
            steps, at = list(best.chain), int(self._random.integers(len(best.chain)))
            others = [p for p in parts if p.chain[0].edit not in {s.edit for s in steps}]
            change = self._random.integers(3)
            if change == 0 and others:
                steps[at] = self._drawn(others, 1)[0].chain[0]
            elif change == 1 and others and len(steps) < 3:
                steps.insert(at, self._drawn(others, 1)[0].chain[0])
            else:
                steps[at] = replace(proposed(self._random, steps[at].edit), strength=steps[at].strength * self._random.uniform(0.5, 1.0))
            return tuple(steps)
        drawn = self._drawn(parts, min(len(parts), int(self._random.integers(2, 4))))
        # What does some harm is weakened until all of it together should stay under the limit: harm grows as strength does, or as its
        # square.
        share = min(1.0, _UNDER * limit / max(1e-9, sum(part.likeness.harm for part in drawn))) ** self._random.uniform(0.5, 1.0)
        return tuple(weakened(part.chain, share)[0] if part.likeness.harm > _HARMLESS else part.chain[0] for part in drawn)

    def _drawn(self, parts: Sequence[Finding], count: int) -> list[Finding]:
        """Draw single edits, those that do little harm more often."""
        weights = np.array([1 / (_CARE + part.likeness.harm) for part in parts])
        chosen = self._random.choice(len(parts), count, replace=False, p=weights / weights.sum())
        return [parts[number] for number in chosen]

    def _milder(self, chain: Chain, limit: float) -> Chain | None:
        """Weaken all steps alike until they do less harm than the limit; None if that leaves little of them."""
        for share in _SHARES:
            self._judged += 1
            if self._judge(weakened(chain, share)).harm < limit:
                return weakened(chain, share)
        return None

    def _weakened(self, chain: Chain) -> Finding | None:
        """Return the weakest variant of a chain that evades, all its steps weakened alike; None if none does."""
        best, below, above = None, 0.0, 1.0
        for number in range(1 + CHAIN_BISECTIONS):
            share = (below + above) / 2 if number else 1.0
            finding = self._asked(weakened(chain, share))
            if finding.evades:
                best, above = finding, share
            elif number == 0:
                return None
            else:
                below = share
            if not self._left:
                break
        return best


def weakened(chain: Chain, share: float) -> Chain:
    """Return a chain with a share of the strength of each step."""
    return tuple(replace(step, strength=step.strength * share) for step in chain)


def proposed(random: np.random.Generator, edit: str) -> Step:
    """Return an edit at full strength, at a random place."""
    return Step(edit, 1.0, round(float(random.random()), 3), round(float(random.random()), 3), int(random.integers(1 << 31)))


def number_of(name: str) -> int:
    """Return a number for a name, the same on each machine."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


# -- asking -------------------------------------------------------------------------------------


class Copies:
    """Make copies of one video, and ask a database about them."""

    def __init__(self, db: Database, record: str, source: Footage, other: Frames, folder: Path) -> None:
        self._db, self._record, self._source, self._other, self._folder = db, record, source, other, folder
        self._made: dict[Chain, tuple[Path, Likeness]] = {}

    def judge(self, chain: Chain) -> Likeness:
        """What the copy leaves of its source, after it was encoded."""
        return self._copy(chain)[1]

    def ask(self, chain: Chain, effort: str) -> Finding:
        """What the database says of the copy."""
        path, left = self._copy(chain)
        result = self._db.match(path, effort=effort)
        verdicts = {match.record.id: match.verdict for match in result.matches}
        # A part of the picture that shows another known video is no accusation, but nothing here does.
        accused = tuple(record for record, verdict in verdicts.items() if record != self._record and verdict is Verdict.MATCH)
        return Finding(chain, verdicts.get(self._record, Verdict.NO_MATCH), left, accused)

    def _copy(self, chain: Chain) -> tuple[Path, Likeness]:
        if chain not in self._made:
            path = self._folder / f"{len(self._made)}.mp4"
            edited = tampering.apply(self._source, chain, self._other)
            tampering.write(edited, path)
            self._made[chain] = path, likeness(self._source, tampering.as_encoded(edited, path))
        return self._made[chain]


def searched(
    db: Database,
    record: str,
    video: Path,
    other: Frames,
    efforts: Sequence[str],
    *,
    budget: int,
    seed: int,
    edits: Sequence[str] = tuple(EDITS),
) -> list[Outcome]:
    """Search for evading edits of one recorded video at some efforts, with ``budget`` questions for each."""
    with tempfile.TemporaryDirectory() as folder:
        copies = Copies(db, record, tampering.read(video), other, Path(folder))

        def search(effort: str) -> Outcome:
            ask: Ask = lambda chain: copies.ask(chain, effort)  # noqa: E731
            return Search(video.name, effort, ask, copies.judge, budget=budget, seed=seed, edits=edits).run()

        return [search(effort) for effort in efforts]


# -- tables -------------------------------------------------------------------------------------


def harm_of(finding: Finding | None) -> float:
    """The harm of what evades; without bound if nothing does."""
    return finding.likeness.harm if finding else np.inf


def median(values: Sequence[float]) -> float:
    """The upper median, so that what is held in half of the videos is held."""
    return statistics.median_high(values)


def figure(harm: float) -> str:
    return f"{harm:.2f}" if np.isfinite(harm) else "none found"


def summary(outcomes: Sequence[Outcome], efforts: Sequence[str]) -> Iterator[list[str]]:
    """For each effort the harm of the mildest evading edits, its median over videos."""
    for effort in efforts:
        here = [outcome for outcome in outcomes if outcome.effort == effort]
        halves = [[harm_of(o.mildest) for o in here if half_of(o.video) == half] for half in HALVES]
        single, chain = median([harm_of(o.single) for o in here]), median([harm_of(o.chain) for o in here])
        ssim = median([o.mildest.likeness.ssim if o.mildest else -np.inf for o in here])
        cells = [figure(single), figure(chain), *(figure(median(harms)) if harms else "–" for harms in halves), f"{ssim:.2f}"]
        yield [effort, *cells, str(sum(o.questions for o in here)), str(sum(len(o.accused) for o in here))]


def by_edit(outcomes: Sequence[Outcome], efforts: Sequence[str], edits: Sequence[str]) -> Iterator[list[str]]:
    """A line for each edit that gets NO MATCH in most videos at some effort, those that do least harm at the last effort first."""

    def of(edit: str, effort: str) -> list[Threshold]:
        return [o.thresholds[edit] for o in outcomes if o.effort == effort]

    def harm(edit: str, effort: str) -> float:
        return median([harm_of(t.evading) for t in of(edit, effort)])

    def cell(edit: str, effort: str) -> str:
        some, say = of(edit, effort), EDITS[edit].say
        strength = median([t.evading.chain[0].strength if t.evading else np.inf for t in some])
        doubted = median([t.doubted for t in some])
        less = f" ({say(doubted)})" if doubted < min(strength, 2.0) else ""
        return f"{say(strength)} · {harm(edit, effort):.2f}{less}" if np.isfinite(strength) else f"held{less}"

    for edit in sorted(edits, key=lambda edit: [harm(edit, effort) for effort in reversed(efforts)]):
        if any(np.isfinite(harm(edit, effort)) for effort in efforts):
            yield [edit, *(cell(edit, effort) for effort in efforts)]


def mildest(outcomes: Sequence[Outcome]) -> Iterator[list[str]]:
    """The mildest edit and the mildest chain that got NO MATCH, by video of half A and effort."""
    for outcome in outcomes:
        for best in (outcome.single, outcome.chain) if half_of(outcome.video) == HALVES[0] else ():
            if best is None:
                continue
            left = best.likeness
            parts = [f"{value:.2f}" for value in (left.harm, left.seen, left.kept, left.size, left.pace, left.ssim)]
            yield [outcome.effort, Path(outcome.video).stem, best.say(), *parts]


def chosen(clips: Sequence[Path], count: int) -> list[Path]:
    """Return some videos, by turns of half A and of half B."""
    halves = [[clip for clip in clips if half_of(clip.name) == half] for half in HALVES]
    spread = [some[:: max(1, len(some) * 2 // max(count, 2))] for some in halves]
    turns = [clip for number in range(count) for some in spread for clip in some[number : number + 1]]
    return turns[:count]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--efforts", "--effort", default=",".join(effort.value for effort in Effort), help="comma-separated: %(default)s")
    options.add_argument("--edits", default=",".join(EDITS), help="comma-separated; all by default")
    options.add_argument("--videos", type=int, default=4, metavar="N", help="of clips/: %(default)s")
    options.add_argument("--budget", type=int, default=1920, metavar="QUESTIONS", help="in all: %(default)s")
    options.add_argument("--seed", type=int, default=0)
    args = options.parse_args()
    efforts, edits, clips = args.efforts.split(","), args.edits.split(","), videos(args.corpus / "clips")
    *distractors, last = videos(args.corpus / "distractors")
    some, other = chosen(clips, args.videos), tampering.read(last).frames
    budget = args.budget // (len(some) * len(efforts))
    with tempfile.TemporaryDirectory() as folder, Corpus(Path(folder, "known.vhdb"), clips + distractors) as corpus:
        records = {name: record for record, name in corpus.names.items()}

        def search(clip: Path) -> list[Outcome]:
            return searched(corpus.db, records[clip.name], clip, other, efforts, budget=budget, seed=args.seed, edits=edits)

        with ThreadPoolExecutor(2) as pool:
            outcomes = [outcome for found in pool.map(search, some) for outcome in found]
    title = f"{len(some)} videos, {len(corpus.names)} records, {len(edits)} edits, {budget} questions for each video and effort"
    print(f"### {title}, seed {args.seed}: the least harm with which NO MATCH was got\n")
    header = ("effort", "single edit", "chain of others", *(f"half {half}" for half in HALVES), "SSIM", "questions", "wrong `match`")
    print(table(header, summary(outcomes, efforts)))
    print("\n### Single edits: NO MATCH from · harm (no full match from)\n")
    print(table(("edit", *efforts), by_edit(outcomes, efforts, edits)))
    print("\n### The mildest of each video of half A\n")
    print(table(("effort", "video", "edits", "harm", "seen", "kept", "size", "pace", "SSIM"), mildest(outcomes)))
    for outcome in outcomes:
        for wrong in outcome.accused:
            print(f"wrong match of {corpus.names[wrong.split(':')[0]]} in {outcome.video}, {outcome.effort}: {wrong.split(': ', 1)[1]}")


if __name__ == "__main__":
    main()
