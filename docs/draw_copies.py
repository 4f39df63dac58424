"""Draw docs/copies.svg, the picture of the README: two edited samples beside the known videos that are found in them.

With --check, only say by the exit code whether it still shows what happens.
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image

import vhashdb

TARGET: Final = Path(__file__).with_name("copies.svg")
SAMPLES: Final = Path(__file__).parents[1] / "data" / "samples"
PAIRS: Final = (
    ("harbour__insert", "harbour", "Four seconds of a known video, put into another one"),
    ("valley__mirror", "valley", "A known video, mirrored"),
)

WIDTH, MARGIN = 960, 24
TITLE, FRAME_HEIGHT, BAR, GAP = 54, 60, 8, 40
"""Heights in a panel: its words, a row of pictures, a bar, and the room in which bands lead from one bar to the other."""
PANEL: Final = TITLE + 2 * (FRAME_HEIGHT + BAR + 4) + GAP + 26
FRAME_S: Final = 1.5
"""Seconds between two pictures."""
FRAME_SIZE: Final = (144, 81)
NEARLY_EQUAL: Final = 6.0
"""Grey values by which pictures may differ on average: other releases of FFmpeg and Pillow scale and compress otherwise."""

INK, SOFT, SAME, REST = "#1d2733", "#5b6773", "#c2410c", "#cbd3db"
_DATA: Final = re.compile(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Video:
    """One row: pictures, each in the middle of its time."""

    frames: tuple[Image.Image, ...]
    duration_s: float


def main() -> int:
    """Draw the picture, unless what is there is equal; or only compare."""
    drawn = draw()
    same = TARGET.exists() and equal(drawn, TARGET.read_text(encoding="utf-8"))
    if "--check" in sys.argv[1:]:
        return int(not same)
    if not same:
        TARGET.write_text(drawn, encoding="utf-8")
    return 0


def draw() -> str:
    """The whole picture, of a new database of the known samples."""
    height = MARGIN + len(PAIRS) * (PANEL + MARGIN)
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "known.vhdb")) as db:
        for path in sorted((SAMPLES / "known").glob("*.mp4")):
            db.add(path, labels=["sample"], reason=path.stem)
        panels = [line for row, pair in enumerate(PAIRS) for line in _panel(db, MARGIN + row * (PANEL + MARGIN), *pair)]
    title = "Edited copies beside the known videos that vhashdb finds in them"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
            *panels,
            "</svg>\n",
        ]
    )


def equal(one: str, other: str) -> bool:
    """Whether two such pictures show the same: all lines and words, and nearly the same frames."""
    if _DATA.sub("", one) != _DATA.sub("", other):
        return False
    pairs = zip(_DATA.findall(one), _DATA.findall(other), strict=True)
    return all(np.abs(_points(a) - _points(b)).mean() <= NEARLY_EQUAL for a, b in pairs)


def _panel(db: vhashdb.Database, top: float, edited: str, known: str, what: str) -> Iterator[str]:
    """One edited file above, the known video below, and between them what was found."""
    path = SAMPLES / "edited" / f"{edited}.mp4"
    match = db.match(path).matches[0]
    assert match.record.reason == known  # the right one
    upload, reference = _video(path), _video(SAMPLES / "known" / f"{known}.mp4")
    scale = (WIDTH - 2 * MARGIN) / max(upload.duration_s, reference.duration_s)
    upper = top + TITLE + FRAME_HEIGHT + 4
    lower = upper + BAR + GAP
    yield _text(MARGIN, top + 16, f"{str(match.verdict).upper()} {match.score:.2f}", INK, 'font-size="17" font-weight="700"')
    yield _text(MARGIN + 122, top + 16, what, INK, 'font-size="17"')
    yield _text(MARGIN, top + TITLE - 10, f"the upload, {path.name}", SOFT)
    yield from _frames(upload, scale, top + TITLE)
    yield _bar(0, upload.duration_s, scale, upper, REST)
    yield _bar(0, reference.duration_s, scale, lower, REST)
    for segment in match.segments:
        here = round(segment.query_start_s, 1), round(segment.query_end_s, 1)
        there = round(segment.reference_start_s, 1), round(segment.reference_end_s, 1)
        yield _bar(*here, scale, upper, SAME)
        yield _bar(*there, scale, lower, SAME)
        yield from _band(here, there, scale, upper + BAR)
    yield from _frames(reference, scale, lower + BAR + 4)
    yield _text(MARGIN, lower + BAR + FRAME_HEIGHT + 24, f"the known video, {known}.mp4, of which the database has hashes only", SOFT)


def _bar(start_s: float, end_s: float, scale: float, y: float, colour: str) -> str:
    place = f'x="{MARGIN + scale * start_s:.0f}" y="{y}" width="{scale * (end_s - start_s):.0f}" height="{BAR}"'
    return f'<rect {place} fill="{colour}"/>'


def _band(here: tuple[float, float], there: tuple[float, float], scale: float, y: float) -> Iterator[str]:
    """What leads from the seconds of the upload to those of the known video."""
    left, right = (MARGIN + scale * second for second in here)
    below_left, below_right = (MARGIN + scale * second for second in there)
    corners = f"{left:.0f},{y} {right:.0f},{y} {below_right:.0f},{y + GAP} {below_left:.0f},{y + GAP}"
    yield f'<polygon points="{corners}" fill="{SAME}" opacity="0.18"/>'
    words = f"{here[0]:.0f}–{here[1]:.0f} s is {there[0]:.0f}–{there[1]:.0f} s of the known video"
    middle = (left + right + below_left + below_right) / 4
    yield _text(middle, y + GAP / 2 + 5, words, SAME, 'text-anchor="middle" font-weight="600"')


def _frames(video: Video, scale: float, y: float) -> Iterator[str]:
    width = scale * video.duration_s / len(video.frames)
    for number, frame in enumerate(video.frames):
        place = f'x="{MARGIN + number * width:.1f}" y="{y}" width="{width - 2:.1f}" height="{FRAME_HEIGHT}"'
        yield f'<image {place} preserveAspectRatio="xMidYMid slice" href="data:image/jpeg;base64,{_jpeg(frame)}"/>'


def _video(path: Path) -> Video:
    with av.open(path) as container:
        frames = [(float(frame.time or 0), frame.to_image()) for frame in container.decode(video=0)]
    duration_s = frames[-1][0] + frames[1][0] - frames[0][0]
    count = round(duration_s / FRAME_S)
    middles = [(number + 0.5) * duration_s / count for number in range(count)]
    return Video(tuple(min(frames, key=lambda frame, at=at: abs(frame[0] - at))[1] for at in middles), duration_s)


def _jpeg(frame: Image.Image) -> str:
    data = io.BytesIO()
    frame.resize(FRAME_SIZE, Image.Resampling.LANCZOS).save(data, "JPEG", quality=60, optimize=True)
    return base64.b64encode(data.getvalue()).decode()


def _points(data: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"), np.float32)


def _text(x: float, y: float, text: str, colour: str, more: str = "") -> str:
    size = "" if "font-size" in more else ' font-size="14"'
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}"{size} {more}>'.replace(" >", ">") + f"{escape(text)}</text>"


if __name__ == "__main__":
    sys.exit(main())
