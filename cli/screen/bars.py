"""Numbers as bars and columns of characters. Pure; whoever draws them writes the numbers beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Glyphs:
    """What bars, columns and axes are made of."""

    across: str
    """From the thinnest mark to a full cell."""
    upwards: str
    """The same from low to high."""
    tick: str
    side: str
    corner: str
    bottom: str
    unknown: str
    """Where there is no number."""


BLOCKS: Final = Glyphs("▏▎▍▌▋▊▉█", "▁▂▃▄▅▆▇█", "┤", "│", "└", "─", "·")
ASCII: Final = Glyphs("|#", ".:#", "|", "|", "+", "-", "?")


def bar(value: float, top: float, width: int, glyphs: Glyphs) -> str:
    """A bar from zero, of ``width`` cells for ``top``. What is not zero can be seen, however small."""
    steps = glyphs.across
    whole, rest = divmod(_level(value, top, width * len(steps)), len(steps))
    return steps[-1] * whole + (steps[rest - 1] if rest else "")


def columns(values: Sequence[float | None], top: float, rows: int, glyphs: Glyphs) -> list[str]:
    """Lines from the highest down, a character for each value; ``top`` fills all of its ``rows``."""
    steps = glyphs.upwards
    levels = [None if value is None else _level(value, top, rows * len(steps)) for value in values]
    return ["".join(_cell(level, row, glyphs) for level in levels) for row in reversed(range(rows))]


def _level(value: float, top: float, steps: int) -> int:
    return max(1, round(value / top * steps)) if value > 0 and top > 0 else 0


def _cell(level: int | None, row: int, glyphs: Glyphs) -> str:
    if level is None:
        return glyphs.unknown if row == 0 else " "
    inside = min(len(glyphs.upwards), level - row * len(glyphs.upwards))
    return glyphs.upwards[inside - 1] if inside > 0 else " "
