"""Draw what different videos of one series share: cards, lower thirds, countdowns, score boards, switches between two pictures.

    python -m bench.graphics OUT [--designs 8] [--wordings 5] [--seed 1]
    python -m bench.accuracy OUT --sets hard

Writes ``OUT/hard/KIND-DESIGN__WORDING.mp4``: files of one design are different videos of one series, as `bench.accuracy` takes
names of ``hard``. What a design fixes (colours, places, fonts, when things appear) is the same in all its videos; the words, the
numbers and small differences in time are not. None is a copy of another, and what they share is of low rank: one fade, one
switch, one bar that slides in.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE: Final = (320, 180)
RATE: Final = 15
CRF: Final = "24"
WORDS: Final = (
    "north river light garden paper winter market signal copper table number silver window orange engine forest letter harbour "
    "music planet stone summer bridge circle answer yellow mirror candle village history science moment pattern mountain"
).split()

Colour = tuple[int, int, int]
Frame = npt.NDArray[np.uint8]
Draw = Callable[[float], Image.Image]
"""Paints the picture at a time in seconds."""


@dataclass(frozen=True)
class Video:
    """A drawn video."""

    draw: Draw
    duration_s: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("out", type=Path)
    options.add_argument("--designs", type=int, default=8, help="of each kind")
    options.add_argument("--wordings", type=int, default=5, help="videos of each design")
    options.add_argument("--seed", type=int, default=1)
    args = options.parse_args()
    folder = args.out / "hard"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, make in KINDS.items():
        for number in range(args.designs):
            for wording in range(args.wordings):
                design = np.random.default_rng([args.seed, list(KINDS).index(kind), number])
                words = np.random.default_rng([args.seed, list(KINDS).index(kind), number, wording + 1])
                write(folder / f"{kind}-{number}__{wording}.mp4", make(design, words))
    print(f"{len(KINDS) * args.designs * args.wordings} videos in {folder}")


def write(path: Path, video: Video) -> None:
    """Encode a video as H.264."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt, stream.options = "yuv420p", {"crf": CRF, "preset": "veryfast", "g": str(4 * RATE)}
        stream.codec_context.thread_count = 1
        for number in range(round(video.duration_s * RATE)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(video.draw(number / RATE).convert("RGB")), format="rgb24")))
        container.mux(stream.encode(None))


# -- what designs are made of -------------------------------------------------------------------


def colour(random: np.random.Generator, low: int = 20, high: int = 235) -> Colour:
    red, green, blue = random.integers(low, high, 3).tolist()
    return red, green, blue


def backdrop(random: np.random.Generator) -> Image.Image:
    """A picture that stays: a gradient, and some blurred shapes."""
    width, height = SIZE
    first, second = np.array(colour(random, 10, 120)), np.array(colour(random, 60, 220))
    angle = random.uniform(0, 2 * math.pi)
    y, x = np.mgrid[0:height, 0:width]
    along = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle) + 0.5
    picture = Image.fromarray((first + (second - first) * np.clip(along, 0, 1)[..., None]).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(random.integers(2, 7))):
        left, top = random.uniform(-40, width), random.uniform(-40, height)
        box = (left, top, left + random.uniform(20, 140), top + random.uniform(20, 120))
        (pen.ellipse if random.random() < 0.5 else pen.rectangle)(box, fill=colour(random))
    return picture.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 4))))


def text(random: np.random.Generator, count: int) -> str:
    return " ".join(random.choice(WORDS, count).tolist()).title()


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def fade(t: float, begin_s: float, length_s: float) -> float:
    """0 before, 1 after, a straight line between."""
    return float(np.clip((t - begin_s) / length_s, 0, 1))


def over(below: Image.Image, above: Image.Image, share: float) -> Image.Image:
    return Image.blend(below, above, share)


# -- kinds --------------------------------------------------------------------------------------


def card(design: np.random.Generator, words: np.random.Generator) -> Video:
    """An animated card: a shape is drawn, a logo and a text appear."""
    plain = Image.new("RGB", SIZE, colour(design))
    shape, ink = colour(design), colour(design, 180, 255)
    left, top, wide = design.uniform(10, 120), design.uniform(10, 80), design.uniform(80, 190)
    round_one, size, place = design.random() < 0.5, design.uniform(14, 26), (design.uniform(10, 60), design.uniform(100, 140))
    begin_s, length_s = design.uniform(0.2, 0.8), design.uniform(0.4, 1.2)
    title, late_s = text(words, 3), words.uniform(-0.15, 0.15)

    def draw(t: float) -> Image.Image:
        picture = plain.copy()
        pen = ImageDraw.Draw(picture)
        drawn = fade(t, begin_s + late_s, length_s)
        box = (left, top, left + wide * drawn + 1, top + 70)
        (pen.pieslice(box, 0, 360 * drawn, fill=shape) if round_one else pen.rectangle(box, fill=shape))
        logo = picture.copy()
        ImageDraw.Draw(logo).polygon([(270, 20), (300, 60), (240, 60)], fill=ink)
        picture = over(picture, logo, fade(t, begin_s + length_s, 0.3))
        lettered = picture.copy()
        ImageDraw.Draw(lettered).text(place, title, fill=ink, font=font(size))
        return over(picture, lettered, fade(t, begin_s + length_s + 0.4 + late_s, 0.5))

    return Video(draw, design.uniform(4, 6))


def lower_third(design: np.random.Generator, words: np.random.Generator) -> Video:
    """A bar that slides in over one backdrop, with another name each time."""
    behind, bar, ink = backdrop(design), colour(design), colour(design, 180, 255)
    top, height, from_left = design.uniform(115, 140), design.uniform(22, 34), design.random() < 0.5
    begin_s, stay_s = design.uniform(0.8, 1.5), design.uniform(2.5, 3.5)
    name, late_s = text(words, 2), words.uniform(-0.3, 0.3)

    def draw(t: float) -> Image.Image:
        picture = behind.copy()
        shown = fade(t, begin_s + late_s, 0.4) - fade(t, begin_s + stay_s + late_s, 0.4)
        x = (-300 + 320 * shown) if from_left else (320 - 300 * shown)
        pen = ImageDraw.Draw(picture)
        pen.rectangle((x, top, x + 280, top + height), fill=bar)
        pen.text((x + 14, top + 4), name, fill=ink, font=font(height * 0.6))
        return picture

    return Video(draw, begin_s + stay_s + 2)


def countdown(design: np.random.Generator, words: np.random.Generator) -> Video:
    """Numbers that count down in a circle, for another broadcast each time."""
    plain, ring, ink = colour(design, 5, 120), colour(design), colour(design, 180, 255)
    centre, radius, first = (design.uniform(90, 230), design.uniform(70, 100)), design.uniform(40, 60), int(design.integers(4, 7))
    caption, size = text(words, 3), words.uniform(10, 16)

    def draw(t: float) -> Image.Image:
        picture = Image.new("RGB", SIZE, plain)
        pen = ImageDraw.Draw(picture)
        box = (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius)
        pen.pieslice(box, -90, -90 + 360 * (t % 1), fill=ring)
        pen.text(centre, str(max(0, first - int(t))), fill=ink, font=font(radius), anchor="mm")
        pen.text((20, 155), caption, fill=ink, font=font(size))
        return picture

    return Video(draw, float(first))


def score_board(design: np.random.Generator, words: np.random.Generator) -> Video:
    """A board whose numbers change now and then, in another match each time."""
    behind, board, ink = backdrop(design), colour(design, 5, 90), colour(design, 180, 255)
    place, size = (design.uniform(10, 60), design.uniform(10, 40)), design.uniform(16, 30)
    teams = text(words, 1)[:3].upper(), text(words, 1)[:3].upper()
    goals = [np.sort(words.uniform(0, 6, int(words.integers(1, 4)))) for _ in teams]
    start = int(words.integers(0, 60))

    def draw(t: float) -> Image.Image:
        picture = behind.copy()
        pen = ImageDraw.Draw(picture)
        pen.rectangle((*place, place[0] + 9 * size, place[1] + 1.5 * size), fill=board)
        points = [int((when < t).sum()) for when in goals]
        line = f"{teams[0]} {points[0]}:{points[1]} {teams[1]}  {start + int(t):02d}"
        pen.text((place[0] + 6, place[1] + 4), line, fill=ink, font=font(size * 0.9))
        return picture

    return Video(draw, 6.0)


def two_states(design: np.random.Generator, words: np.random.Generator) -> Video:
    """Somebody before a backdrop, then a card: one switch, at another time in each video."""
    behind, skin, coat = backdrop(design), colour(design, 90, 230), colour(design)
    x, plain, ink = design.uniform(90, 230), colour(design), colour(design, 180, 255)
    title, switch_s, hold_s = text(words, 4), words.uniform(2, 4), words.uniform(2, 4)
    sway, pace = words.uniform(2, 6), words.uniform(0.2, 0.6)

    def draw(t: float) -> Image.Image:
        if t >= switch_s:
            picture = Image.new("RGB", SIZE, plain)
            ImageDraw.Draw(picture).text((24, 70), title, fill=ink, font=font(18))
            return picture
        picture = behind.copy()
        pen = ImageDraw.Draw(picture)
        at = x + sway * math.sin(2 * math.pi * pace * t)
        pen.ellipse((at - 22, 50, at + 22, 106), fill=skin)
        pen.ellipse((at - 55, 100, at + 55, 240), fill=coat)
        return picture

    return Video(draw, switch_s + hold_s)


KINDS: Final[dict[str, Callable[[np.random.Generator, np.random.Generator], Video]]] = {
    "card": card,
    "lower_third": lower_third,
    "countdown": countdown,
    "score_board": score_board,
    "two_states": two_states,
}


if __name__ == "__main__":
    main()
