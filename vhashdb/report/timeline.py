"""A match as two bars, submitted and known, whose matched stretches are joined by bands: geometry alone, no drawing.

Both bars have one scale, so a band has the same width at both ends where the speeds are the same, and a narrower end where
one side goes through it faster. Positions are in percent of the drawing's width, so that it fits any screen while its words
keep their size. Where the stretches are too short to be seen on the whole, the bars show what is around them, and two
rails show where in the whole that is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from vhashdb.report.stretches import SoundStretch, Stretch
from vhashdb.text import brief_clock

STEPS_S: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
"""Seconds that may lie between two ticks."""
TICK_ROOM: Final = 19.0
"""Percent of the width that a tick with its time takes at least: five of them fit on a phone."""
SEEN: Final = 0.05
"""Share of the longer video under which the stretches are too short to be seen on the whole."""
AROUND: Final = 3.0
"""Multiple of the stretches' length that is shown if they are too short to be seen on the whole."""
LABEL_DEPTH: Final = 0.25
SHORTEST_S: Final = 4.0
"""Seconds that a part shows at least, and that a drawing spans at least."""

AnyStretch = Stretch | SoundStretch
"""A stretch of either lane."""
Span = tuple[float, float]
"""Where something begins and ends, in seconds or in percent of the width."""


@dataclass(frozen=True)
class Tick:
    """A time on an axis."""

    x: float
    label: str
    anchor: str
    """Where the label is held: ``start``, ``middle`` or ``end``."""


@dataclass(frozen=True)
class Rail:
    """The whole of a video in miniature, when its bar shows a part."""

    part: Span
    matched: tuple[Span, ...]
    unusable: tuple[Span, ...]


@dataclass(frozen=True)
class Bar:
    """One video, or the part of it that is shown."""

    shown_s: Span
    whole_s: float
    place: Span
    matched: tuple[Span, ...]
    unusable: tuple[Span, ...]
    """Where it shows too little to be compared."""
    ticks: tuple[Tick, ...]
    rail: Rail | None


@dataclass(frozen=True)
class Band:
    """A stretch: where it is on the submitted bar, and where on the known one."""

    number: int
    query: Span
    reference: Span

    @property
    def label_x(self) -> float:
        """Where its number is written: `LABEL_DEPTH` of the way down, near the file, where bands cross least."""
        return (sum(self.query) * (1 - LABEL_DEPTH) + sum(self.reference) * LABEL_DEPTH) / 2


@dataclass(frozen=True)
class Timeline:
    """Everything that is drawn of one match."""

    query: Bar
    reference: Bar
    bands: tuple[Band, ...]


@dataclass(frozen=True)
class Side:
    """One of the two videos."""

    duration_s: float
    unusable_s: tuple[Span, ...] = ()


def timeline(query: Side, reference: Side, stretches: Sequence[AnyStretch], others: Sequence[AnyStretch] = ()) -> Timeline:
    """Lay out one lane of a match; ``others`` are the stretches of its other lane, which shows the same seconds at the same places."""
    here, there = [s.query_s for s in stretches], [s.reference_s for s in stretches]
    both = sorted((*stretches, *others), key=lambda s: s.query_s)
    shown_query, shown_reference = windows(query.duration_s, reference.duration_s, [s.query_s for s in both], [s.reference_s for s in both])
    scale = 100 / max(SHORTEST_S / 4, _length(shown_query), _length(shown_reference))
    at_query, at_reference = _starts(shown_query, shown_reference, scale, both)
    bands = [
        Band(number, _placed(s.query_s, shown_query, at_query, scale), _placed(s.reference_s, shown_reference, at_reference, scale))
        for number, s in enumerate(stretches, 1)
    ]
    return Timeline(
        _bar(query, shown_query, at_query, scale, here), _bar(reference, shown_reference, at_reference, scale, there), tuple(bands)
    )


def lone_bar(side: Side) -> Bar:
    """Return a video that nothing is joined to."""
    shown_s = (0.0, side.duration_s)
    return _bar(side, shown_s, 0.0, 100 / max(SHORTEST_S / 4, side.duration_s), ())


def windows(query_s: float, reference_s: float, here: Sequence[Span], there: Sequence[Span]) -> tuple[Span, Span]:
    """Return which part of each video is shown: the whole of both, unless the stretches would then be too small to see."""
    hulls = [
        (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else (0.0, whole)
        for spans, whole in ((here, query_s), (there, reference_s))
    ]
    longest = max(map(_length, hulls))
    if longest >= SEEN * max(query_s, reference_s):
        return (0.0, query_s), (0.0, reference_s)
    room = max(SHORTEST_S, AROUND * longest)
    return _around(hulls[0], query_s, room), _around(hulls[1], reference_s, room)


def _around(hull: Span, whole_s: float, room_s: float) -> Span:
    if whole_s <= room_s:
        return 0.0, whole_s
    start_s = min(max(0.0, sum(hull) / 2 - room_s / 2), whole_s - room_s)
    return start_s, start_s + room_s


def _starts(query: Span, reference: Span, scale: float, stretches: Sequence[AnyStretch]) -> Span:
    """Return where the bars begin: the longest stretch begins on both sides at the same place, as far as there is room for that."""
    spare = 100 - scale * min(_length(query), _length(reference))
    if not stretches:
        return 0.0, 0.0
    longest = max(stretches, key=lambda s: _length(s.query_s))
    lean = scale * ((longest.reference_s[0] - reference[0]) - (longest.query_s[0] - query[0]))
    if _length(query) <= _length(reference):
        return min(max(0.0, lean), spare), 0.0
    return 0.0, min(max(0.0, -lean), spare)


def _bar(side: Side, shown_s: Span, x: float, scale: float, matched_s: Sequence[Span]) -> Bar:
    place = (x, x + scale * _length(shown_s))
    unusable_s = [within for span in side.unusable_s if _length(within := _within(span, shown_s)) > 0]
    rail = None
    if _length(shown_s) < side.duration_s - 1e-6:
        whole = 100 / side.duration_s
        rail = Rail(
            _scaled(shown_s, whole),
            tuple(_scaled(span, whole) for span in matched_s),
            tuple(_scaled(span, whole) for span in side.unusable_s),
        )
    return Bar(
        shown_s,
        side.duration_s,
        place,
        tuple(_placed(span, shown_s, x, scale) for span in matched_s),
        tuple(_placed(span, shown_s, x, scale) for span in unusable_s),
        _ticks(shown_s, x, scale),
        rail,
    )


def _ticks(shown_s: Span, x: float, scale: float) -> tuple[Tick, ...]:
    step_s = next((step for step in STEPS_S if step * scale >= TICK_ROOM), STEPS_S[-1])
    first, last = math.ceil(shown_s[0] / step_s - 1e-9), math.floor(shown_s[1] / step_s + 1e-9)
    ticks = []
    for number in range(first, last + 1):
        at = x + scale * (number * step_s - shown_s[0])
        anchor = "start" if at < TICK_ROOM / 4 else "end" if at > 100 - TICK_ROOM / 4 else "middle"
        ticks.append(Tick(at, brief_clock(number * step_s, tenths=step_s < 1), anchor))
    return tuple(ticks)


def _placed(span_s: Span, shown_s: Span, x: float, scale: float) -> Span:
    return x + scale * (span_s[0] - shown_s[0]), x + scale * (span_s[1] - shown_s[0])


def _within(span: Span, outer: Span) -> Span:
    return max(span[0], outer[0]), min(span[1], outer[1])


def _scaled(span: Span, factor: float) -> Span:
    return span[0] * factor, span[1] * factor


def _length(span: Span) -> float:
    return span[1] - span[0]
