"""Edits of the geometry alone, with parameters drawn at random: crops anywhere, mosaics, insets, turns, perspective, movement.

    python -m bench.geometry SOURCES OUT [--every 4] [--edits NAME,…] [--seed 1] [--jobs 2]

Takes every n-th video of a folder, ``distractors`` by default, and writes ``OUT/<edit>/<source>.mp4`` and ``OUT/truth.csv`` as
`bench.edits` does. Needs the ``ffmpeg`` program. Parameters follow from the seed, the edit and the source's name, so that every
run makes the same copies. ``python -m bench.accuracy --sets other --other OUT --efforts thorough --split`` asks about them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final

from bench.copies import Job, make_copies

MOST_S: Final = 12.0
"""Seconds of a source that a copy shows. Engineering bound: on the time to make and ask about them."""
_X264: Final = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an", "-crf", "28")
_EVEN: Final = "scale=trunc(iw/2)*2:trunc(ih/2)*2"
_WIDE: Final = (640, 360)

Draw = Callable[[random.Random], str]
"""Draws the filter of one copy: of one input, or the whole graph of two, the source being input 0."""


def _crop(area: float) -> Draw:
    side = math.sqrt(area)
    return lambda r: f"crop=iw*{side:.4f}:ih*{side:.4f}:(iw-ow)*{r.random():.4f}:(ih-oh)*{r.random():.4f}"


def _cut(width: int, height: int) -> Draw:
    """Cut a picture of this shape, as large as fits, anywhere."""
    ratio = f"{width}/{height}"
    return lambda r: f"crop='min(iw,ih*{ratio})':'min(ih,iw/({ratio}))':(iw-ow)*{r.random():.4f}:(ih-oh)*{r.random():.4f}"


def _mirrored(draw: Draw) -> Draw:
    return lambda r: f"hflip,{draw(r)}"


def _turned(r: random.Random, least: float, most: float) -> float:
    return math.radians(r.uniform(least, most)) * r.choice((-1, 1))


def _perspective(r: random.Random, most: float = 0.14) -> str:
    # The corners of the source, moved inwards by up to `most` of the side each.
    u = [r.uniform(0.0, most) for _ in range(8)]
    corners = (
        f"x0=W*{u[0]:.4f}:y0=H*{u[1]:.4f}:x1=W*{1 - u[2]:.4f}:y1=H*{u[3]:.4f}:"
        f"x2=W*{u[4]:.4f}:y2=H*{1 - u[5]:.4f}:x3=W*{1 - u[6]:.4f}:y3=H*{1 - u[7]:.4f}"
    )
    return f"perspective={corners}:sense=destination"


def _shift(r: random.Random) -> str:
    across, down = (r.uniform(0.08, 0.2) * r.choice((-1, 1)) for _ in range(2))
    box = f"iw*{1 - abs(across):.4f}:ih*{1 - abs(down):.4f}:iw*{max(0.0, -across):.4f}:ih*{max(0.0, -down):.4f}"
    return f"crop={box},pad=iw/{1 - abs(across):.4f}:ih/{1 - abs(down):.4f}:(ow-iw)*{float(across > 0)}:(oh-ih)*{float(down > 0)}"


def _zoom(r: random.Random) -> str:
    speed = r.uniform(0.015, 0.03)
    return f"scale=w='trunc(640*(1+{speed:.4f}*t)/2)*2':h='trunc(360*(1+{speed:.4f}*t)/2)*2':eval=frame,crop=640:360"


def _shaken(r: random.Random, reach: float = 0.03, turn: float = 1.5) -> str:
    a, b, c = (r.uniform(1.5, 5.0) for _ in range(3))
    inner = 1 - 2 * reach
    return (
        f"rotate='{math.radians(turn):.4f}*sin(t*{c:.2f})':fillcolor=black,"
        f"crop=iw*{inner:.3f}:ih*{inner:.3f}:iw*{reach}*(1+sin(t*{a:.2f})):ih*{reach}*(1+cos(t*{b:.2f}))"
    )


def _filmed(r: random.Random) -> str:
    # A dark room around a screen that is seen from the side, the screen's lines beating with the sensor's, uneven light, a moving hand.
    light = f"eq=brightness='{r.uniform(-0.05, 0.1):.3f}+0.04*sin(t*{r.uniform(2, 9):.2f})':contrast={r.uniform(0.75, 1.0):.2f}:eval=frame"
    lines = f"drawgrid=w=iw/{r.randint(60, 110)}:h=ih/{r.randint(50, 90)}:t=1:color=black@0.25"
    room = "pad=iw*1.12:ih*1.12:(ow-iw)/2:(oh-ih)/2:0x202020"
    return f"{lines},{_perspective(r, 0.08)},{room},{_shaken(r)},{light},vignette=PI/5,noise=alls=10:allf=t"


def _mosaic(columns: int, rows: int) -> Draw:
    def draw(r: random.Random) -> str:
        cells = columns * rows
        width, height = _WIDE[0] // columns // 2 * 2, _WIDE[1] // rows // 2 * 2
        if rows == 1:
            height = 2 * _WIDE[1] // 3
        place, shape = r.randrange(cells), f"scale={width}:{height},setsar=1,fps=25"
        split = "".join(f"[b{n}]" for n in range(cells - 1))
        graph = [f"[0:v]{shape}[a]", f"[1:v]{shape},split={cells - 1}{split}"]
        names = []
        for cell in range(cells):
            if cell == place:
                names.append("[a]")
            else:
                n = cell - (cell > place)
                graph.append(f"[b{n}]trim=start={0.4 * n:.1f},setpts=PTS-STARTPTS[c{n}]")  # other moments of the other film
                names.append(f"[c{n}]")
        layout = "|".join(f"{width * (cell % columns)}_{height * (cell // columns)}" for cell in range(cells))
        return ";".join([*graph, f"{''.join(names)}xstack=inputs={cells}:layout={layout}:shortest=1"])

    return draw


def _inset(width: int, height: int, x: int, y: int) -> str:
    background = f"[1:v]scale={_WIDE[0]}:{_WIDE[1]},setsar=1,fps=25[b]"
    return f"{background};[0:v]scale={width}:{height},setsar=1,fps=25[a];[b][a]overlay={x}:{y}:shortest=1"


def _pip(r: random.Random) -> str:
    side = r.uniform(0.25, 0.5)
    width, height = int(_WIDE[0] * side) // 2 * 2, int(_WIDE[1] * side) // 2 * 2
    return _inset(width, height, r.randint(0, _WIDE[0] - width), r.randint(0, _WIDE[1] - height))


def _pip_stretched(r: random.Random) -> str:
    width, height = (int(side * r.uniform(0.25, 0.6)) // 2 * 2 for side in _WIDE)
    return _inset(width, height, r.randint(0, _WIDE[0] - width), r.randint(0, _WIDE[1] - height))


def _pip_cut(r: random.Random) -> str:
    side, beyond = r.uniform(0.35, 0.6), r.uniform(0.1, 0.25)
    width, height = int(_WIDE[0] * side) // 2 * 2, int(_WIDE[1] * side) // 2 * 2
    x, y = r.randint(0, _WIDE[0] - width), r.randint(0, _WIDE[1] - height)
    edge = r.choice("ltrb")
    if edge in "lr":
        x = -int(width * beyond) if edge == "l" else _WIDE[0] - int(width * (1 - beyond))
    else:
        y = -int(height * beyond) if edge == "t" else _WIDE[1] - int(height * (1 - beyond))
    return _inset(width, height, x, y)


_PAIR: Final = "[0:v]scale=640:360,setsar=1,fps=25[a];[1:v]scale=640:360,setsar=1,fps=25[b];[a][b]"

FILTERS: Final[dict[str, Draw]] = {
    "crop50": _crop(0.5),
    "crop36": _crop(0.36),
    "crop25": _crop(0.25),
    "crop50mirrored": _mirrored(_crop(0.5)),
    "cutsquare": _cut(1, 1),
    "cut4to5": _cut(4, 5),
    "cut9to16": _cut(9, 16),
    "shift": _shift,
    "turn": lambda r: f"rotate={_turned(r, 8, 20):.4f}:fillcolor=black",
    "turnsmall": lambda r: f"rotate={_turned(r, 1, 8):.4f}:fillcolor=black",
    "perspective": _perspective,
    "zoom": _zoom,
    "shake": _shaken,
    "filmed": _filmed,
}
"""Edits of one video."""
PAIRED: Final[dict[str, Draw]] = {
    "mosaic2": _mosaic(2, 2),
    "mosaic3": _mosaic(3, 3),
    "threeabreast": _mosaic(3, 1),
    "pip": _pip,
    "pipstretched": _pip_stretched,
    "pipcut": _pip_cut,
    "everysecondframe": lambda r: f"{_PAIR}blend=all_expr='if(mod(N,2),A,B)':shortest=1",  # noqa: ARG005
    "everysecond": lambda r: f"{_PAIR}blend=all_expr='if(lt(mod(T,2),1),A,B)':shortest=1",  # noqa: ARG005
}
"""Edits with a second video."""
EDITS: Final = (*FILTERS, *PAIRED)


def main() -> None:
    make_copies(__doc__, EDITS, arguments, lambda edit: edit in PAIRED)


def arguments(job: Job) -> list[str]:
    """What ffmpeg is told, without the target."""
    draw = random.Random(f"{job.seed} {job.edit} {job.source.name}")
    first = ["-t", f"{MOST_S}", "-i", str(job.source)]
    if job.edit in PAIRED:
        second = ["-stream_loop", "-1", "-t", f"{MOST_S + 4}", "-i", str(job.second)]
        return [*first, *second, "-filter_complex", PAIRED[job.edit](draw), *_X264, "-t", f"{MOST_S}"]
    return [*first, "-vf", f"{_EVEN},{FILTERS[job.edit](draw)},{_EVEN},setsar=1", *_X264]


if __name__ == "__main__":
    main()
