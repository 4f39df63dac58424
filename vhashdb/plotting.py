"""A comparison as a picture: query time across, reference time up. The only module that imports `matplotlib`.

Small squares are moments that are alike, darker the nearer they are; thick lines are the stretches chosen, grey dashed
ones those set aside; dotted lines with triangles are stretches that sound alike; hatched strips along the axes are where a side shows too
little picture to be compared.

The same comparison gives the same bytes each time, with the same version of matplotlib. Elements of an SVG that stand
for a stretch have the ids ``segment-0``, ``segment-1``, … (as in `Comparison.segments`), ``set-aside-0``, …, and of sound ``sound-0``, …;
``plot-area`` is the rectangle of the whole of both videos. Where a stretch is not all of both pictures, as it is, both frames stand
beside, with what was compared as ``query-outline-0``, ``known-outline-0``, …
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import textwrap
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from vhashdb.errors import UsageError
from vhashdb.fingerprints import unusable_spans
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.explanation import AlikePoints, Explanation, alike_points
from vhashdb.matching.reasons import Fate
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.sound_words import change_words
from vhashdb.writing import require_writable, write_whole

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.transforms import Transform

    from vhashdb.fingerprints.model import Fingerprint
    from vhashdb.hashing.outline import Outline

__all__ = ["FORMATS", "plot", "require_target"]

FORMATS: Final = ("png", "svg")
WIDTH_PX: Final = 1200
HEIGHT_PX: Final = 900
"""Of a PNG."""
_DPI: Final = 150
_STRIP: Final = 0.018
"""Thickness of the strips of unusable stretches, as a share of the area."""
_BESIDE: Final = 0.2
"""Share of the width that the two frames take, where there are any."""
_BESIDE_CHARACTERS: Final = 22
"""Of a line over a frame."""
SHOWN_SEGMENTS: Final = 12
"""Chosen stretches named in the legend."""
_MAX_NAME: Final = 48
_TITLE_CHARACTERS: Final = 100
"""Of one line."""
_SHORTEST_AXIS_S: Final = 0.5
"""Seconds that an axis has at least, so that a still picture has some room."""

# Okabe and Ito's colours without the pale ones: distinct with any colour vision, and dark enough on white. In grey the
# numbers at the lines tell them apart.
_COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#882255", "#000000")
_ASIDE: Final = "#555555"
_SOUND: Final = "#CC79A7"
"""The next of Okabe and Ito's colours; the dots and triangles tell it apart where colour does not."""
_SETTINGS: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 9.0,
    "hatch.linewidth": 0.6,
    "path.simplify": False,
    "svg.fonttype": "path",
    "svg.hashsalt": "vhashdb",
}
_PLAIN: Final = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
"""Metadata: nothing that changes from day to day."""
_drawing = threading.Lock()
"""matplotlib's settings are global; they are lent for one drawing at a time."""


def require_target(path: str | os.PathLike[str]) -> Path:
    """Make sure that a plot can be written at a path, before the costly part.

    Raises:
        UsageError: matplotlib is missing, the suffix is no format, or nothing can be written there.
    """
    target = Path(path)
    if importlib.util.find_spec("matplotlib") is None:
        raise UsageError("plots need matplotlib, which is not installed", hint='pip install "vhashdb[plot]"')
    if target.suffix.lower().removeprefix(".") not in FORMATS:
        raise UsageError(f"{target}: a plot is written as .png or .svg", hint="end the name with one of them")
    return require_writable(target)


def plot(explanation: Explanation, path: str | os.PathLike[str], *, query_name: str = "query", reference_name: str = "known video") -> None:
    """Draw a pair that `Database.explain` or `vhashdb.matching.explain` compared; the file is written whole or not at all.

    Args:
        explanation: the pair.
        path: ends with ``.png`` (1200 × 900 pixels) or ``.svg``; an existing file is replaced.
        query_name: for the title and the axis.
        reference_name: the same.

    Raises:
        UsageError: see `require_target`.

    Example::

        with vhashdb.open("industry.vhdb") as db:
            plot(db.explain("upload.mp4", "9f3c2a"), "why.png")
    """
    target = require_target(path)
    points = alike_points(explanation.query, explanation.reference, explanation.views_compared)
    with _settings():
        figure = _figure(explanation, points, _plain(query_name), _plain(reference_name))
        kind, buffer = target.suffix.lower().removeprefix("."), io.BytesIO()
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=_PLAIN[kind])
    write_whole(target, buffer.getvalue())


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """Apply Matplotlib's defaults, whatever the user's own settings, and then the ones of this module."""
    import matplotlib

    with _drawing, matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a name in a script that the font lacks
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def _figure(explanation: Explanation, points: AlikePoints, query_name: str, reference_name: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_PX / _DPI, HEIGHT_PX / _DPI), layout="constrained")
    lying = {number: segment for number, segment in enumerate(explanation.segments[:SHOWN_SEGMENTS]) if _lies_elsewhere(segment)}
    grid = figure.add_gridspec(2, 2, width_ratios=(1 - _BESIDE, _BESIDE)) if lying else None
    axes = figure.add_subplot(grid[:, 0] if grid else 111)
    if grid:
        _draw_outlines(figure.add_subplot(grid[0, 1]), "the file", {n: s.outline for n, s in lying.items()}, "query")
        _draw_outlines(figure.add_subplot(grid[1, 1]), "the known video", {n: s.reference_outline for n, s in lying.items()}, "known")
    _frame(axes, explanation, query_name, reference_name)
    _draw_points(figure, axes, points, explanation.config)
    named = _draw_chosen(axes, explanation.segments) + _draw_set_aside(axes, explanation)
    named += _draw_sounds(axes, explanation.judgement.sounds)
    named += _draw_unusable(axes, explanation.query, explanation.reference)
    if named:
        _legend(figure, named)
    return figure


def _frame(axes: Axes, explanation: Explanation, query_name: str, reference_name: str) -> None:
    """Draw the title, and axes that hold the whole of both videos."""
    judgement = explanation.judgement
    score = f" {judgement.score:.2f}" if judgement.score else ""
    verdict = f"{judgement.verdict.replace('-', ' ').upper()}{score}: {explanation.near_miss or judgement.reason}"
    lines = [f"{query_name}  against  {reference_name}", *textwrap.wrap(verdict, _TITLE_CHARACTERS)]
    axes.set_title("\n".join(lines), fontsize=9.5, parse_math=False)
    axes.set_xlabel(f"the file: {query_name}, seconds", parse_math=False)
    axes.set_ylabel(f"the known video: {reference_name}, seconds", parse_math=False)
    sounds = judgement.sounds  # which may go on after the last picture
    axes.set_xlim(0, max(_SHORTEST_AXIS_S, explanation.query.duration_s, *(sound.query_end_s for sound in sounds)))
    axes.set_ylim(0, max(_SHORTEST_AXIS_S, explanation.reference.duration_s, *(sound.reference_end_s for sound in sounds)))
    axes.patch.set_gid("plot-area")
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_points(figure: Figure, axes: Axes, points: AlikePoints, config: MatchingConfig) -> None:
    """Draw the far points first, so that the near ones are on top."""
    from matplotlib.colors import ListedColormap

    if not len(points):
        return
    order = np.argsort(-points.bits, kind="stable")
    shades = ListedColormap([(grey, grey, min(1.0, grey + 0.04)) for grey in np.linspace(0.20, 0.82, 64)])
    size = 14.0 if len(points) < 1000 else 5.0
    dots = axes.scatter(
        points.query_s[order], points.reference_s[order], c=points.bits[order], s=size, marker="s", linewidths=0, cmap=shades,
        vmin=0, vmax=round(config.align_radius_bits), zorder=1.5, gid="alike",
    )  # fmt: skip
    bar = figure.colorbar(dots, ax=axes, shrink=0.6, pad=0.015, aspect=28)
    bar.set_label(f"bits of {config.bits} that differ, where both are alike")
    bar.outline.set_linewidth(0.4)


def _draw_set_aside(axes: Axes, explanation: Explanation) -> list[Artist]:
    """Draw all of them; one stands for them in the legend."""
    from matplotlib.patheffects import Normal, Stroke

    lines: list[Artist] = []
    aside = (segment for segment, fate in explanation.found if fate is not Fate.CHOSEN)
    for number, segment in enumerate(aside):
        (line,) = axes.plot(*_ends(segment), color=_ASIDE, linewidth=1.3, linestyle=(0, (4, 2.5)), zorder=2.5, gid=f"set-aside-{number}")
        line.set_path_effects([Stroke(linewidth=3.0, foreground="white"), Normal()])
        lines.append(line)
    if lines:
        lines[0].set_label("set aside" if len(lines) == 1 else f"{len(lines)} set aside")
    return lines[:1]


def _draw_chosen(axes: Axes, segments: tuple[MatchedSegment, ...]) -> list[Artist]:
    from matplotlib.patheffects import Normal, Stroke

    lines: list[Artist] = []
    for number, segment in enumerate(segments):
        colour = _COLOURS[number % len(_COLOURS)]
        x, y = _ends(segment)
        (line,) = axes.plot(x, y, color=colour, linewidth=3.4, solid_capstyle="butt", zorder=3, gid=f"segment-{number}")
        line.set_path_effects([Stroke(linewidth=7.0, foreground="white"), Normal()])  # or it is lost among dark squares in grey
        line.set_label(f"{'chosen' if len(segments) == 1 else number + 1}: speed × {segment.speed:.2f}")
        axes.plot(x, y, color=colour, linestyle="none", marker="o", markersize=4.5, zorder=3.1)
        lines.append(line)
        if len(segments) > 1:
            _number(axes, number + 1, (sum(x) / 2, sum(y) / 2), colour)
    return lines[:SHOWN_SEGMENTS]


def _draw_sounds(axes: Axes, sounds: tuple[SoundSegment, ...]) -> list[Artist]:
    """Draw the lines of sound over all others, with gaps in which these are seen."""
    from matplotlib.patheffects import Normal, Stroke

    lines: list[Artist] = []
    for number, sound in enumerate(sounds):
        (line,) = axes.plot(
            (sound.query_start_s, sound.query_end_s), (sound.reference_start_s, sound.reference_end_s), color=_SOUND, linewidth=2.6,
            linestyle=(0, (0.8, 1.6)), marker="^", markersize=7, markeredgecolor="black", markeredgewidth=0.8, zorder=3.3,
            gid=f"sound-{number}",
        )  # fmt: skip
        line.set_path_effects([Stroke(linewidth=4.2, foreground="white"), Normal()])
        line.set_label(f"sound{'' if len(sounds) == 1 else f' {number + 1}'}: {', '.join(change_words(sound)) or 'the same'}")
        lines.append(line)
    return lines[:SHOWN_SEGMENTS]


def _number(axes: Axes, number: int, middle: tuple[float, float], colour: str) -> None:
    """Draw a stretch's number, on a white disc in the middle of its line."""
    disc = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour, "linewidth": 1.2}
    axes.annotate(str(number), middle, ha="center", va="center", fontsize=8, color=colour, bbox=disc, zorder=4)


def _lies_elsewhere(segment: MatchedSegment) -> bool:
    """Whether it is known where it lies in both pictures, and it is not all of both, as it is."""
    outlines = segment.outline, segment.reference_outline
    return None not in outlines and not all(outline.is_whole for outline in outlines if outline)


def _draw_outlines(axes: Axes, name: str, outlines: dict[int, Outline | None], side: str) -> None:
    """Draw a frame in its true shape, and in it where the stretches lie: thick the top, with a dot at the top left."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Polygon, Rectangle

    known = {number: outline for number, outline in outlines.items() if outline}
    first = next(iter(known.values()))
    axes.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor=_ASIDE, linewidth=0.8))
    for number, outline in known.items():
        colour, (left, right, *_) = _COLOURS[number % len(_COLOURS)], outline.corners
        axes.add_patch(Polygon(outline.corners, facecolor=(*to_rgb(colour), 0.15), edgecolor=colour, gid=f"{side}-outline-{number}"))
        axes.plot(*zip(left, right, strict=True), color=colour, linewidth=3)
        axes.plot(*left, color=colour, marker="o", markersize=5)
    axes.set_title(f"in {name}:\n{textwrap.fill(first.words(), _BESIDE_CHARACTERS)}", fontsize=8)
    axes.set_xlim(-0.05, 1.05)
    axes.set_ylim(1.05, -0.05)
    axes.set_aspect(1 / (first.aspect or 1.0))
    axes.set_axis_off()


def _draw_unusable(axes: Axes, query: Fingerprint, reference: Fingerprint) -> list[Artist]:
    """Draw hatched strips along the two axes."""
    across, up = axes.get_xaxis_transform(), axes.get_yaxis_transform()
    strips = [
        _strip((start_s, 0), end_s - start_s, _STRIP, across, f"query-unusable-{number}")
        for number, (start_s, end_s) in enumerate(unusable_spans(query))
    ]
    strips += [
        _strip((0, start_s), _STRIP, end_s - start_s, up, f"known-unusable-{number}")
        for number, (start_s, end_s) in enumerate(unusable_spans(reference))
    ]
    for strip in strips:
        axes.add_patch(strip)
    if strips:
        strips[0].set_label("shows too little to compare")
    return list(strips[:1])


def _strip(corner: tuple[float, float], width: float, height: float, transform: Transform, gid: str) -> Rectangle:
    from matplotlib.patches import Rectangle

    look: dict[str, Any] = {"facecolor": "white", "edgecolor": "#777777", "hatch": "//////", "linewidth": 0.5}
    return Rectangle(corner, width, height, transform=transform, gid=gid, zorder=3.5, **look)


def _legend(figure: Figure, named: list[Artist]) -> None:
    figure.legend(handles=named, loc="outside lower center", ncols=min(5, len(named)), frameon=False, fontsize=8.5, handlelength=3.2)


def _ends(segment: MatchedSegment) -> tuple[tuple[float, float], tuple[float, float]]:
    return (segment.query_start_s, segment.query_end_s), (segment.reference_start_s, segment.reference_end_s)


def _plain(name: str) -> str:
    """Return a name that fits on one line of any picture: it comes from strangers."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    half = _MAX_NAME // 2
    return name if len(name) <= _MAX_NAME else f"{name[: half - 1]}…{name[-half:]}"
