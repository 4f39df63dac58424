"""Edits of decoded footage whose strength goes from nothing to more than anybody would watch.

An edit is a pure function ``(footage, strength, draw) → footage``: ``strength`` 0 leaves the footage as it is, 1 is the most that is
tried, and `Draw` has what else it may depend on. It keeps account of where each part of each frame comes from, so that
`bench.likeness` can undo it. `EDITS` has all of them by name; `say` puts a strength in plain units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

Frames = npt.NDArray[np.uint8]
"""``(n, height, width, 3)`` uint8, RGB."""
Points = npt.NDArray[np.float32]
"""``(…, 2)`` float32: x and y in fractions of the frame; NaN is nowhere."""

GRID: Final = 64
"""Points a side at which it is known where a frame's parts come from. Engineering bound: one for five pixels."""
LONG_SIDE: Final = 320
"""Pixels. Engineering bound: under half a second for an edit and its encoding. The thumbnail that everything is computed from has 128."""
RATE: Final = 15.0
"""Frames a second at most. Engineering bound: twice as many as any effort looks at."""
SECONDS: Final = 8.0
"""Of a video, from its beginning, that are edited. Engineering bound."""
_MESH: Final = 16
"""Cells a side within which a warp is taken for bilinear. Engineering bound."""
BEST_CRF: Final = 23.0
"""Of x264: its own default, which hardly shows."""
_X264_PARAMS: Final = "mbtree=0"
"""Without this x264 writes other bytes each time."""
_WORST_CRF: Final = 51.0
"""Given by x264."""


@dataclass(frozen=True)
class Footage:
    """Hold frames, when they are shown, and where all that is in them comes from."""

    frames: Frames
    times_s: npt.NDArray[np.float64]
    """``(n,)`` ascending, from 0."""
    shown: npt.NDArray[np.int64]
    """``(n,)``: the number of the source's frame that each shows, or -1."""
    origin: Points
    """``(n or 1, GRID, GRID, 2)``: where in the source's frame each part is from, NaN for what is not from it; one for all frames if it is
    the same in all."""
    crf: float = BEST_CRF
    """How it is compressed."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def end_s(self) -> float:
        """When the last frame ends."""
        return float(self.times_s[-1] + np.median(np.diff(self.times_s))) if len(self) > 1 else float(self.times_s[-1] + 0.04)

    @property
    def seconds(self) -> npt.NDArray[np.float32]:
        """The times, shaped to be combined with frames."""
        return self.times_s.astype(np.float32)[:, None, None, None]

    def at(self, rows: npt.NDArray[np.int64], times_s: npt.NDArray[np.float64]) -> Footage:
        """Show other frames of it, at other times."""
        origin = self.origin if len(self.origin) == 1 else self.origin[rows]
        return replace(self, frames=self.frames[rows], times_s=times_s, shown=self.shown[rows], origin=origin)


@dataclass(frozen=True)
class Draw:
    """What an edit depends on beside its strength."""

    x: float
    """0…1, a place or a direction."""
    y: float
    """0…1."""
    seed: int
    other: Frames
    """Another video of any size and length, for what is shown beside the source."""

    @property
    def sign(self) -> int:
        """-1 or 1, by `x`."""
        return 1 if self.x >= 0.5 else -1

    def random(self) -> np.random.Generator:
        """A generator that says the same each time."""
        return np.random.default_rng(self.seed)


Function = Callable[[Footage, float, Draw], Footage]


@dataclass(frozen=True)
class Edit:
    """An edit, and how its strength is told."""

    apply: Function
    say: Callable[[float], str]


EDITS: Final[dict[str, Edit]] = {}


def _edit(name: str, say: Callable[[float], str]) -> Callable[[Function], Function]:
    """Enter a function into `EDITS`."""

    def entered(function: Function) -> Function:
        EDITS[name] = Edit(function, say)
        return function

    return entered


@dataclass(frozen=True)
class Step:
    """One edit of a chain, without the other video."""

    edit: str
    strength: float
    x: float
    y: float
    seed: int

    def say(self) -> str:
        """Name the edit with its strength in plain units."""
        return f"{self.edit} {EDITS[self.edit].say(self.strength)}"


Chain = tuple[Step, ...]


def apply(footage: Footage, chain: Chain, other: Frames) -> Footage:
    """Edit footage, one step after the other."""
    for step in chain:
        footage = EDITS[step.edit].apply(footage, step.strength, Draw(step.x, step.y, step.seed, other))
    return footage


# -- reading and writing ------------------------------------------------------------------------


def read(path: Path, seconds: float = SECONDS) -> Footage:
    """Decode the beginning of a video, at `LONG_SIDE` and `RATE` at most."""
    pictures: list[Frames] = []
    times: list[float] = []
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            at_s = float((frame.pts or 0) * stream.time_base) if stream.time_base else 0.0
            if times and at_s - times[0] >= seconds:
                break
            if times and at_s - times[0] < len(times) / RATE - 0.5 / RATE:
                continue
            share = min(1.0, LONG_SIDE / max(frame.width, frame.height))
            width, height = even(frame.width * share), even(frame.height * share)
            pictures.append(np.asarray(frame.to_ndarray(format="rgb24", width=width, height=height), np.uint8))
            times.append(at_s)
    times_s = np.array(times) - times[0]
    return Footage(np.stack(pictures), times_s, np.arange(len(times)), _centres()[None])


def write(footage: Footage, path: Path) -> None:
    """Encode footage with x264, or with MPEG-4 where PyAV has no x264; the same bytes each time."""
    height, width = footage.frames.shape[1:3]
    rate = max(1, round(len(footage) / footage.end_s))
    with av.open(str(path), "w") as container:
        if "libx264" in av.codecs_available:
            options = {"crf": f"{footage.crf:.1f}", "preset": "veryfast", "threads": "1", "x264-params": _X264_PARAMS}
            stream = container.add_stream("libx264", rate=rate, options=options)
        else:
            quantiser = f"{2 + round(29 * (footage.crf - BEST_CRF) / (_WORST_CRF - BEST_CRF))}"
            stream = container.add_stream("mpeg4", rate=rate, options={"qmin": quantiser, "qmax": quantiser, "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for pixels, at_s in zip(footage.frames, footage.times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round(float(at_s) * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def as_encoded(footage: Footage, path: Path) -> Footage:
    """The same footage with the frames that `write` left in the file."""
    with av.open(str(path)) as container:
        return replace(footage, frames=np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]))


def even(pixels: float) -> int:
    """The nearest even number of pixels that encoders take."""
    return max(16, round(pixels / 2) * 2)


# -- geometry -----------------------------------------------------------------------------------


def _centres(columns: int = GRID, rows: int = GRID) -> Points:
    """The centres of the cells of a grid, ``(rows, columns, 2)``."""
    x, y = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
    return np.stack(np.meshgrid(x, y), -1).astype(np.float32)


def _nodes() -> Points:
    """The corners of the cells of the mesh, ``(_MESH + 1, _MESH + 1, 2)``."""
    side = np.linspace(0, 1, _MESH + 1)
    return np.stack(np.meshgrid(side, side), -1).astype(np.float32)


def sample(field: npt.NDArray[np.float32], points: Points) -> npt.NDArray[np.float32]:
    """Read a field between its points.

    Args:
        field: ``(m, rows, columns, k)`` float32 at the centres of cells; NaN where it is not known.
        points: ``(n, …, 2)`` in fractions; m and n are equal, or one of them is 1.

    Returns:
        ``(max(m, n), …, k)``; NaN beyond the frame.
    """
    rows, columns = field.shape[1:3]
    inside = ((points >= 0) & (points <= 1)).all(-1)
    x = np.where(inside, points[..., 0], 0.5) * columns - 0.5
    y = np.where(inside, points[..., 1], 0.5) * rows - 0.5
    left, top = np.clip(np.floor(x), 0, columns - 2).astype(int), np.clip(np.floor(y), 0, rows - 2).astype(int)
    right, down = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    number = np.arange(len(field)).reshape(-1, *[1] * (points.ndim - 2)) if len(field) > 1 else np.zeros(1, int)
    upper = field[number, top, left] * (1 - right) + field[number, top, left + 1] * right
    lower = field[number, top + 1, left] * (1 - right) + field[number, top + 1, left + 1] * right
    found = upper * (1 - down) + lower * down
    found[~np.broadcast_to(inside, found.shape[:-1])] = np.nan
    return np.asarray(found, np.float32)


def _warp(footage: Footage, nodes: Points, size: tuple[int, int] | None = None) -> Footage:
    """Take each part of the picture from elsewhere; black where that is beyond the frame.

    Args:
        footage: what is warped.
        nodes: ``(n or 1, _MESH + 1, _MESH + 1, 2)``: where each corner of the mesh is taken from.
        size: height and width of the result in pixels, by default the same.
    """
    height, width = footage.frames.shape[1:3]
    out_height, out_width = size or (height, width)
    x, y = np.linspace(0, out_width, _MESH + 1).round().astype(int), np.linspace(0, out_height, _MESH + 1).round().astype(int)
    meshes = []
    for some in nodes * np.array([width, height], np.float32):
        corners = [
            ((x[c], y[r], x[c + 1], y[r + 1]), (*some[r, c], *some[r + 1, c], *some[r + 1, c + 1], *some[r, c + 1]))
            for r in range(_MESH)
            for c in range(_MESH)
        ]
        meshes.append([(tuple(map(int, box)), tuple(map(float, quad))) for box, quad in corners])
    warped = [
        np.asarray(
            Image.fromarray(pixels).transform(
                (out_width, out_height), Image.Transform.MESH, meshes[number % len(meshes)], Image.Resampling.BILINEAR
            )
        )
        for number, pixels in enumerate(footage.frames)
    ]
    taken = sample(nodes, _centres()[None] * (_MESH / (_MESH + 1)) + 0.5 / (_MESH + 1))
    return replace(footage, frames=np.stack(warped), origin=sample(footage.origin, taken))


def _about_centre(points: Points, matrix: Sequence[Sequence[float]], aspect: float) -> Points:
    """Map points by a matrix about the centre, in units in which pixels are square."""
    unit = np.array([aspect, 1.0])
    return np.asarray(((points - 0.5) * unit) @ np.array(matrix).T / unit + 0.5, np.float32)


def _aspect(footage: Footage) -> float:
    return float(footage.frames.shape[2] / footage.frames.shape[1])


def _percent(most: float) -> Callable[[float], str]:
    return lambda strength: f"{100 * most * strength:.0f} %"


@_edit("crop", lambda s: f"of {100 * (1 - (1 - 0.7 * s) ** 2):.0f} % of the area, anywhere")
def _crop(footage: Footage, strength: float, draw: Draw) -> Footage:
    kept = 1 - 0.7 * strength
    return _cropped(footage, kept, kept, draw)


@_edit("narrowing", lambda s: f"by {100 * 0.75 * s:.0f} % of the longer side, anywhere")
def _narrow(footage: Footage, strength: float, draw: Draw) -> Footage:
    kept = 1 - 0.75 * strength
    return _cropped(footage, kept, 1.0, draw) if _aspect(footage) >= 1 else _cropped(footage, 1.0, kept, draw)


def _cropped(footage: Footage, width: float, height: float, draw: Draw) -> Footage:
    """Cut out a part, given as shares of the sides."""
    box = np.array([width, height], np.float32)
    corner = np.array([draw.x, draw.y], np.float32) * (1 - box)
    size = even(footage.frames.shape[1] * height), even(footage.frames.shape[2] * width)
    return _warp(footage, (corner + _nodes() * box)[None], size)


@_edit("rotation", lambda s: f"by {25 * s:.0f}°, corners black")
def _rotate(footage: Footage, strength: float, draw: Draw) -> Footage:
    return _warp(footage, _rotated(footage, 25 * strength * draw.sign, 1.0)[None])


@_edit("rotation with zoom", lambda s: f"by {25 * s:.0f}°, no corners")
def _rotate_within(footage: Footage, strength: float, draw: Draw) -> Footage:
    angle, aspect = np.radians(25 * strength), _aspect(footage)
    longer = max(aspect, 1 / aspect)
    return _warp(footage, _rotated(footage, 25 * strength * draw.sign, 1 / (np.cos(angle) + longer * np.sin(angle)))[None])


def _rotated(footage: Footage, degrees: float, scale: float) -> Points:
    cosine, sine = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return _about_centre(_nodes(), [[cosine, sine], [-sine, cosine]], _aspect(footage))


@_edit("perspective", lambda s: f"corners off by up to {30 * s:.0f} %")
def _perspective(footage: Footage, strength: float, draw: Draw) -> Footage:
    # The four corners of the result are taken from points beyond the frame, so that all of the picture is kept and shown from the side.
    moved = draw.random().uniform(0, 0.3 * strength, (2, 2, 2))
    corners = np.array([[[0, 0], [1, 0]], [[0, 1], [1, 1]]]) + moved * np.array([[[-1, -1], [1, -1]], [[-1, 1], [1, 1]]])
    return _warp(footage, _homography(corners)[None])


def _homography(corners: npt.NDArray[np.float64]) -> Points:
    """Map the mesh to four corners, ``(2, 2, 2)``, as a plane seen from elsewhere is."""
    rows, wanted = [], []
    for (x, y), (u, v) in zip([(0, 0), (1, 0), (0, 1), (1, 1)], corners.reshape(4, 2), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        wanted += [u, v]
    matrix = np.append(np.linalg.solve(np.array(rows, float), wanted), 1.0).reshape(3, 3)
    mapped = np.concatenate([_nodes(), np.ones((_MESH + 1, _MESH + 1, 1))], -1) @ matrix.T
    return np.asarray(mapped[..., :2] / mapped[..., 2:], np.float32)


@_edit("shift", lambda s: f"by {45 * s:.0f} % of both sides")
def _shift(footage: Footage, strength: float, draw: Draw) -> Footage:
    by = 0.45 * strength * np.array([draw.sign, 1 if draw.y >= 0.5 else -1], np.float32)
    return _warp(footage, (_nodes() + by)[None])


@_edit("wrapping", lambda s: f"by {50 * s:.0f} % of the width")
def _wrap(footage: Footage, strength: float, _draw: Draw) -> Footage:
    pixels, cells = round(0.5 * strength * footage.frames.shape[2]), round(0.5 * strength * GRID)
    return replace(footage, frames=np.roll(footage.frames, pixels, 2), origin=np.roll(footage.origin, cells, 2))


@_edit("mirroring", lambda s: f"of the last {100 * s:.0f} % of the time")
def _mirror(footage: Footage, strength: float, _draw: Draw) -> Footage:
    turned = np.arange(len(footage)) >= round(len(footage) * (1 - strength))
    frames = np.where(turned[:, None, None, None], footage.frames[:, :, ::-1], footage.frames)
    return replace(footage, frames=frames, origin=np.where(turned[:, None, None, None], footage.origin[:, :, ::-1], footage.origin))


@_edit("zooming in", lambda s: f"to {1 + 1.5 * s:.2f} × in {SECONDS:.0f} s")
def _zoom(footage: Footage, strength: float, _draw: Draw) -> Footage:
    scale = 1 / (1 + 1.5 * strength * footage.seconds / SECONDS)
    return _warp(footage, ((_nodes() - 0.5) * scale + 0.5).astype(np.float32))


@_edit("shake", lambda s: f"by {15 * s:.0f} % to all sides, within a crop")
def _shake(footage: Footage, strength: float, draw: Draw) -> Footage:
    reach, seconds = 0.15 * strength, footage.seconds[..., 0, 0]
    phase, speed = draw.random().uniform(0, 2 * np.pi, 4), (5.1, 7.3, 13.7, 17.9)  # a hand: two slow swings and two fast ones
    x = 0.7 * np.sin(speed[0] * seconds + phase[0]) + 0.3 * np.sin(speed[2] * seconds + phase[2])
    y = 0.7 * np.sin(speed[1] * seconds + phase[1]) + 0.3 * np.sin(speed[3] * seconds + phase[3])
    by = reach * np.stack([x, y], -1)[:, None]
    return _warp(footage, ((_nodes() - 0.5) * (1 - 2 * reach) + 0.5 + by).astype(np.float32))


@_edit("waves", lambda s: f"of {6 * s:.1f} % of the side")
def _waves(footage: Footage, strength: float, draw: Draw) -> Footage:
    nodes, seconds, phase = _nodes()[None], footage.seconds[..., 0], 2 * np.pi * draw.x
    bent = np.sin(nodes[..., ::-1] * 4 * np.pi + phase + 2 * seconds[..., None])  # x is moved by what y is
    return _warp(footage, (nodes + 0.06 * strength * bent).astype(np.float32))


@_edit("lens", lambda s: f"corners drawn in by {100 * (1 - 1 / (1 + 0.6 * s)):.0f} %")
def _lens(footage: Footage, strength: float, _draw: Draw) -> Footage:
    off = _nodes() - 0.5
    radius = (off**2).sum(-1, keepdims=True) / 0.5
    return _warp(footage, (0.5 + off * (1 + 0.6 * strength * radius))[None].astype(np.float32))


# -- light and colour ---------------------------------------------------------------------------


def _levels(footage: Footage, changed: npt.NDArray[np.floating]) -> Footage:
    return replace(footage, frames=np.clip(changed + 0.5, 0, 255).astype(np.uint8))


@_edit("brightness", lambda s: f"by {180 * s:.0f} of 255")
def _brightness(footage: Footage, strength: float, draw: Draw) -> Footage:
    return _levels(footage, footage.frames.astype(np.float32) + 180 * strength * draw.sign)


@_edit("less contrast", _percent(0.97))
def _contrast(footage: Footage, strength: float, _draw: Draw) -> Footage:
    return _levels(footage, 128 + (footage.frames.astype(np.float32) - 128) * (1 - 0.97 * strength))


@_edit("gamma", lambda s: f"{5**s:.1f} or its inverse")
def _gamma(footage: Footage, strength: float, draw: Draw) -> Footage:
    table = 255 * (np.arange(256) / 255) ** (5 ** (strength * draw.sign))
    return replace(footage, frames=np.round(table).astype(np.uint8)[footage.frames])


@_edit("hue", lambda s: f"by {180 * s:.0f}°")
def _hue(footage: Footage, strength: float, _draw: Draw) -> Footage:
    # About the axis of grey, so that black, grey and white stay.
    angle = np.pi * strength
    third, root = (1 - np.cos(angle)) / 3, np.sqrt(1 / 3) * np.sin(angle)
    row = np.array([np.cos(angle) + third, third - root, third + root], np.float32)
    return _levels(footage, footage.frames.astype(np.float32) @ np.stack([np.roll(row, n) for n in range(3)]).T)


@_edit("colours swapped", _percent(1.0))
def _swap(footage: Footage, strength: float, _draw: Draw) -> Footage:
    frames = footage.frames.astype(np.float32)
    return _levels(footage, frames * (1 - strength) + frames[..., [1, 2, 0]] * strength)


@_edit("negative", lambda s: f"of {100 * s:.0f} % of the picture")
def _negative(footage: Footage, strength: float, _draw: Draw) -> Footage:
    frames, width = footage.frames.copy(), round(strength * footage.frames.shape[2])
    frames[:, :, :width] = 255 - frames[:, :, :width]
    return replace(footage, frames=frames)


@_edit("blur", lambda s: f"by {8 * s:.1f} % of the short side")
def _blur(footage: Footage, strength: float, _draw: Draw) -> Footage:
    blurred = ImageFilter.GaussianBlur(0.08 * strength * min(footage.frames.shape[1:3]))
    return replace(footage, frames=np.stack([np.asarray(Image.fromarray(pixels).filter(blurred)) for pixels in footage.frames]))


@_edit("noise", lambda s: f"of {150 * s:.0f} of 255")
def _noise(footage: Footage, strength: float, draw: Draw) -> Footage:
    grain = draw.random().standard_normal(footage.frames.shape, np.float32)
    return _levels(footage, footage.frames.astype(np.float32) + 150 * strength * grain)


@_edit("vignette", lambda s: f"corners {100 * s:.0f} % darker")
def _vignette(footage: Footage, strength: float, _draw: Draw) -> Footage:
    height, width = footage.frames.shape[1:3]
    radius = ((_centres(width, height) - 0.5) ** 2).sum(-1, keepdims=True) / 0.5
    return _levels(footage, footage.frames * (1 - strength * radius))


@_edit("flicker", lambda s: f"by {120 * s:.0f} of 255")
def _flicker(footage: Footage, strength: float, _draw: Draw) -> Footage:
    return _levels(footage, footage.frames.astype(np.float32) + 120 * strength * np.sin(25 * footage.seconds))


@_edit("colour pulses", lambda s: f"by {120 * s:.0f} of 255, moving slowly over the picture")
def _pulses(footage: Footage, strength: float, draw: Draw) -> Footage:
    height, width = footage.frames.shape[1:3]
    place = _centres(width, height).sum(-1)[None, ..., None] * 3 + 2 * np.pi * draw.x
    wave = np.sin(place + 2 * footage.seconds + np.array([0.0, 1.0, 2.0], np.float32))
    return _levels(footage, footage.frames.astype(np.float32) + 120 * strength * wave)


# -- drawn over it ------------------------------------------------------------------------------


def _over(footage: Footage, left: float, top: float, right: float, bottom: float, colours: Frames) -> Footage:
    """Draw an opaque picture into a box given in fractions of the frame."""
    height, width = footage.frames.shape[1:3]
    x0, y0, x1, y1 = round(left * width), round(top * height), round(right * width), round(bottom * height)
    if x1 <= x0 or y1 <= y0:
        return footage
    frames = footage.frames.copy()
    frames[:, y0:y1, x0:x1] = np.asarray(Image.fromarray(colours).resize((x1 - x0, y1 - y0), Image.Resampling.NEAREST))
    centres = _centres()
    covered = np.all((centres >= (left, top)) & (centres < (right, bottom)), -1)
    return replace(footage, frames=frames, origin=np.where(np.expand_dims(covered, -1), np.float32(np.nan), footage.origin))


def _lettering(draw: Draw, rows: int) -> Frames:
    """Light blocks on dark, as letters look from afar."""
    letters = draw.random().random((3 * rows, 40)) < 0.55
    letters[::3] = letters[:, ::7] = False
    return np.where(letters[..., None], np.array([250, 245, 220], np.uint8), np.array([30, 20, 60], np.uint8)).astype(np.uint8)


@_edit("caption", lambda s: f"over {60 * s:.0f} % of the height")
def _caption(footage: Footage, strength: float, draw: Draw) -> Footage:
    return _over(footage, 0, 1 - 0.6 * strength, 1, 1, _lettering(draw, 2))


@_edit("banner", lambda s: f"over {60 * s:.0f} % of the height, anywhere")
def _banner(footage: Footage, strength: float, draw: Draw) -> Footage:
    top = draw.y * (1 - 0.6 * strength)
    return _over(footage, 0, top, 1, top + 0.6 * strength, _lettering(draw, 1))


@_edit("logo", lambda s: f"over {100 * (0.75 * s) ** 2:.0f} % of the picture, in a corner")
def _logo(footage: Footage, strength: float, draw: Draw) -> Footage:
    side = 0.75 * strength
    left, top = (0.0 if draw.x < 0.5 else 1 - side), (0.0 if draw.y < 0.5 else 1 - side)
    return _over(footage, left, top, left + side, top + side, draw.random().integers(0, 256, (4, 4, 3), np.uint8))


@_edit("sticker", lambda s: f"over {100 * (0.75 * s) ** 2:.0f} % of the picture, anywhere")
def _sticker(footage: Footage, strength: float, draw: Draw) -> Footage:
    side = 0.75 * strength
    left, top = draw.x * (1 - side), draw.y * (1 - side)
    return _over(footage, left, top, left + side, top + side, np.array([[[250, 210, 30]]], np.uint8))


@_edit("stripes", _percent(1.0))
def _stripes(footage: Footage, strength: float, draw: Draw) -> Footage:
    height, width = footage.frames.shape[1:3]
    place = _centres(width, height) @ np.array([np.cos(np.pi * draw.x), np.sin(np.pi * draw.x)], np.float32)
    light = 255 * (np.sin(place * 2 * np.pi * (3 + 9 * draw.y)) > 0)[None, ..., None]
    return _levels(footage, footage.frames * (1 - strength) + strength * light)


@_edit("another video through it", _percent(1.0))
def _blend(footage: Footage, strength: float, draw: Draw) -> Footage:
    other = _other(draw, len(footage), footage.frames.shape[1], footage.frames.shape[2])
    return _levels(footage, footage.frames * (1 - strength) + strength * other.astype(np.float32))


def _other(draw: Draw, count: int, height: int, width: int) -> Frames:
    """The other video, repeated, in this size."""
    return _resized(draw.other[np.arange(count) % len(draw.other)], height, width)


def _resized(frames: Frames, height: int, width: int) -> Frames:
    """Reduce or enlarge frames."""
    if frames.shape[1:3] == (height, width):
        return frames
    return np.stack([np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)) for pixels in frames])


# -- drawn around it ----------------------------------------------------------------------------


def _within(footage: Footage, canvas: Frames, width: float, height: float, draw: Draw) -> Footage:
    """Show the footage, reduced to shares of the canvas' sides, at the place that was drawn."""
    rows, columns = canvas.shape[1:3]
    wide, high = min(columns, max(2, round(width * columns))), min(rows, max(2, round(height * rows)))
    left, top = round(draw.x * (columns - wide)), round(draw.y * (rows - high))
    frames = canvas.copy()
    frames[:, top : top + high, left : left + wide] = _resized(footage.frames, high, wide)
    corner, size = np.array([left / columns, top / rows], np.float32), np.array([wide / columns, high / rows], np.float32)
    return replace(footage, frames=frames, origin=sample(footage.origin, ((_centres() - corner) / size)[None]))


@_edit("border", lambda s: f"so that {100 * (1 - 0.75 * s) ** 2:.0f} % of the picture is the source")
def _border(footage: Footage, strength: float, draw: Draw) -> Footage:
    canvas = np.empty_like(footage.frames)
    canvas[:] = draw.random().integers(0, 256, 3)
    return _within(footage, canvas, 1 - 0.75 * strength, 1 - 0.75 * strength, replace(draw, x=0.5, y=0.5))


@_edit("blurred fill", lambda s: f"so that {100 * (1 - 0.75 * s):.0f} % of the picture is the source")
def _fill(footage: Footage, strength: float, draw: Draw) -> Footage:
    height, width = footage.frames.shape[1:3]
    blurred = ImageFilter.GaussianBlur(0.06 * min(height, width))
    canvas = np.stack([np.asarray(Image.fromarray(pixels).filter(blurred)) for pixels in footage.frames])
    share = 1 - 0.75 * strength
    return _within(footage, canvas, *((share, 1.0) if draw.x < 0.5 else (1.0, share)), replace(draw, x=0.5, y=0.5))


@_edit("in the picture of another video", lambda s: f"at {100 * (1 - 0.85 * s):.0f} % of its sides")
def _inset(footage: Footage, strength: float, draw: Draw) -> Footage:
    canvas = _other(draw, len(footage), *footage.frames.shape[1:3])
    return _within(footage, canvas, 1 - 0.85 * strength, 1 - 0.85 * strength, draw)


@_edit("beside another video", lambda s: f"that takes {100 * 0.75 * s:.0f} % of the width")
def _beside(footage: Footage, strength: float, draw: Draw) -> Footage:
    canvas = _other(draw, len(footage), *footage.frames.shape[1:3])
    return _within(footage, canvas, 1 - 0.75 * strength, 1.0, replace(draw, x=float(draw.x >= 0.5)))


# -- quality ------------------------------------------------------------------------------------


@_edit("compression", lambda s: f"crf {BEST_CRF + (_WORST_CRF - BEST_CRF) * s:.0f}")
def _compress(footage: Footage, strength: float, _draw: Draw) -> Footage:
    return replace(footage, crf=max(footage.crf, BEST_CRF + (_WORST_CRF - BEST_CRF) * strength))


@_edit("fewer pixels", lambda s: f"{100 * (1 - 0.9 * s):.0f} % of the sides")
def _reduce(footage: Footage, strength: float, _draw: Draw) -> Footage:
    height, width = (even(side * (1 - 0.9 * strength)) for side in footage.frames.shape[1:3])
    return replace(footage, frames=_resized(footage.frames, height, width))


# -- time ---------------------------------------------------------------------------------------


@_edit("fewer frames", lambda s: f"one in {_one_in(s)}")
def _fewer(footage: Footage, strength: float, _draw: Draw) -> Footage:
    rows = np.arange(0, len(footage), _one_in(strength))
    return footage.at(rows, footage.times_s[rows])


def _one_in(strength: float) -> int:
    return round(float(60**strength))


@_edit("faster", lambda s: f"× {4**s:.2f}")
def _faster(footage: Footage, strength: float, _draw: Draw) -> Footage:
    return replace(footage, times_s=footage.times_s / 4**strength)


@_edit("slower", lambda s: f"× {4**-s:.2f}")
def _slower(footage: Footage, strength: float, _draw: Draw) -> Footage:
    return replace(footage, times_s=footage.times_s * 4**strength)


@_edit("uneven tempo", lambda s: f"between × {1 - 0.9 * s:.2f} and × {1 + 0.9 * s:.2f}")
def _uneven(footage: Footage, strength: float, draw: Draw) -> Footage:
    # The derivative is 1 + 0.9 strength × sin, so time never runs backwards.
    rate = 2 * np.pi / 3.0
    swing = (np.cos(2 * np.pi * draw.x) - np.cos(rate * footage.times_s + 2 * np.pi * draw.x)) / rate
    return replace(footage, times_s=footage.times_s + 0.9 * strength * swing)


@_edit("frames dropped", lambda s: f"{95 * s:.0f} %, at random")
def _drop(footage: Footage, strength: float, draw: Draw) -> Footage:
    rows = np.flatnonzero(draw.random().random(len(footage)) >= 0.95 * strength)
    rows = rows if len(rows) > 1 else np.array([0, len(footage) - 1])
    return footage.at(rows, footage.times_s[rows] - footage.times_s[rows[0]])


@_edit("stutter", lambda s: f"each picture held for {2 * s:.2f} s")
def _stutter(footage: Footage, strength: float, _draw: Draw) -> Footage:
    if not strength:
        return footage
    held = np.searchsorted(footage.times_s, np.floor(footage.times_s / (2 * strength)) * (2 * strength))
    return footage.at(np.minimum(held, np.arange(len(footage))), footage.times_s)


@_edit("frames of another video between", lambda s: f"{95 * s:.0f} %")
def _interleave(footage: Footage, strength: float, draw: Draw) -> Footage:
    return _interrupted(footage, np.diff(np.floor(np.arange(len(footage) + 1) * 0.95 * strength)) > 0, draw)


@_edit("seconds of another video between", lambda s: f"{90 * s:.0f} % of each 2 s")
def _alternate(footage: Footage, strength: float, draw: Draw) -> Footage:
    return _interrupted(footage, footage.times_s % 2.0 < 1.8 * strength, draw)


def _interrupted(footage: Footage, away: npt.NDArray[np.bool_], draw: Draw) -> Footage:
    """Show the other video in some frames."""
    if away.all():
        away[0] = False
    other = _other(draw, len(footage), *footage.frames.shape[1:3])
    frames = np.where(away[:, None, None, None], other, footage.frames)
    return replace(footage, frames=frames, shown=np.where(away, -1, footage.shown))


@_edit("pieces cut out", lambda s: f"{90 * s:.0f} % of each second")
def _cut(footage: Footage, strength: float, draw: Draw) -> Footage:
    rows = np.flatnonzero((footage.times_s + draw.x) % 1.0 >= 0.9 * strength)
    rows = rows if len(rows) > 1 else np.array([0, len(footage) - 1])
    step_s = np.median(np.diff(footage.times_s))
    times_s = np.cumsum(np.minimum(np.diff(footage.times_s[rows], prepend=footage.times_s[rows[0]]), step_s))
    return footage.at(rows, times_s)


@_edit("pieces reordered", lambda s: f"of {SECONDS * (0.4 / SECONDS) ** s:.1f} s")
def _reorder(footage: Footage, strength: float, draw: Draw) -> Footage:
    piece = np.floor(footage.times_s / (SECONDS * (0.4 / SECONDS) ** strength) + 1e-6)
    rank = draw.random().permutation(int(piece.max()) + 1)[piece.astype(int)]
    return footage.at(np.argsort(rank, kind="stable"), footage.times_s)
