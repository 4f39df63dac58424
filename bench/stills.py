"""Still pictures of known videos: is the record found, and the second?

    python -m bench.stills [CORPUS] [--each N] [--seed S] [--list]

From every clip ``N`` frames are taken at random times and saved in several ways; each file is asked of a database of
``clips`` and ``distractors``. The second is right when one of the match's segments is within half a second of it, or
names a moment whose own picture is within 24 bits of the asked frame. Frames without a usable hash are not asked about.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from bench.accuracy import Corpus
from bench.common import parser, table, videos
from vhashdb import Database, Match, Result
from vhashdb.fingerprints.model import USABLE_QUALITY
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import paired_distances

TOLERANCE_S = 0.5
EQUAL_BITS = 24
SCREEN = (1280, 800)
BAR = 90

Rng = np.random.Generator


@dataclass(frozen=True)
class Still:
    """One frame of a clip, with the hashes of all its frames to tell equal pictures by."""

    clip: str
    time_s: float
    image: Image.Image
    times: np.ndarray[Any, Any]
    hashes: np.ndarray[Any, Any]

    def same(self, time_s: float) -> bool:
        """Whether the clip shows, at this time, what the still shows."""
        near = int(np.argmin(np.abs(self.times - time_s)))
        own = int(np.argmin(np.abs(self.times - self.time_s)))
        return int(paired_distances(self.hashes[near][None], self.hashes[own][None])[0]) <= EQUAL_BITS


@dataclass
class Tally:
    """Answers to one way of saving."""

    asked: int = 0
    found: int = 0
    second: int = 0
    more_than_possible: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--each", type=int, default=4)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--list", action="store_true", help="name every missed and every wrong answer")
    args = options.parse_args()
    clips, rng = videos(args.corpus / "clips"), np.random.default_rng(args.seed)
    stills = [still for clip in clips for still in stills_of(clip, args.each, rng)]
    with (
        tempfile.TemporaryDirectory() as folder,
        Corpus(Path(folder, "stills.vhdb"), clips + videos(args.corpus / "distractors")) as corpus,
    ):
        tallies = {what: Tally() for what in WAYS}
        for what, save in WAYS.items():
            for still in stills:
                count(tallies[what], still, *asked(corpus.db, save(still.image, Path(folder, "still"), rng)), corpus.names)
        print(f"\n### {len(stills)} stills of {len(clips)} clips, {len(corpus.db)} records\n")
        header = ("saved as", "asked", "record found", "of these, second right", "wrong records", "called a match", "CPU s, median")
        print(table(header, [line(what, tally) for what, tally in tallies.items()]))
        if args.list:
            for what, tally in tallies.items():
                print(f"{what}: missed {tally.missed}, wrong {tally.wrong}")


def stills_of(path: Path, count: int, rng: Rng) -> list[Still]:
    """Frames at random times that have something to see."""
    times, images, hashes, usable = [], [], [], []
    with av.open(str(path), metadata_errors="replace") as container:
        for frame in container.decode(video=0):
            pixels = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
            bits, quality = pdq.hash_luma(pdq.luma_of_rgb(pixels.astype(np.uint8, copy=False)))
            times.append(frame.time or 0.0)
            images.append(pixels)
            hashes.append(bits)
            usable.append(quality >= USABLE_QUALITY)
    seconds, choices = np.array(times) - times[0], np.flatnonzero(usable)
    chosen = rng.choice(choices, min(count, len(choices)), replace=False)
    return [Still(path.name, float(seconds[i]), Image.fromarray(images[i]), seconds, np.stack(hashes)) for i in sorted(chosen)]


def asked(db: Database, path: Path) -> tuple[Result, float]:
    """The answer, and the processor seconds it took."""
    started = time.process_time()
    result = db.match(path)
    return result, time.process_time() - started + result.decode_cpu_s


def count(tally: Tally, still: Still, result: Result, cpu_s: float, names: dict[str, str]) -> None:
    """Add one answer."""
    tally.asked += 1
    tally.cpu_s.append(cpu_s)
    found = {names[m.record.id]: m for m in result.matches}
    tally.more_than_possible += any(m.verdict == "match" for m in found.values())
    right = found.pop(still.clip, None)
    tally.wrong += [f"{still.clip} {still.time_s:.1f} → {name}" for name in found]
    if right is None:
        tally.missed.append(f"{still.clip} {still.time_s:.1f}")
        return
    tally.found += 1
    tally.second += names_the_second(right, still)


def names_the_second(match: Match, still: Still) -> bool:
    return any(
        s.reference_start_s - TOLERANCE_S <= still.time_s <= s.reference_end_s + TOLERANCE_S
        or still.same((s.reference_start_s + s.reference_end_s) / 2)
        for s in match.segments
    )


def line(what: str, tally: Tally) -> list[object]:
    found, second = f"{tally.found / tally.asked:.3f}", f"{tally.second / max(1, tally.found):.3f}"
    return [what, tally.asked, found, second, len(tally.wrong), tally.more_than_possible, f"{statistics.median(tally.cpu_s):.3f}"]


def jpeg(image: Image.Image, path: Path, _: Rng) -> Path:
    path = path.with_suffix(".jpg")
    image.save(path, quality=40)
    return path


def png(image: Image.Image, path: Path, _: Rng) -> Path:
    path = path.with_suffix(".png")
    image.save(path)
    return path


def webp(image: Image.Image, path: Path, _: Rng) -> Path:
    path = path.with_suffix(".webp")
    image.save(path, quality=60)
    return path


def half_size(image: Image.Image, path: Path, rng: Rng) -> Path:
    return jpeg(image.resize((image.width // 2, image.height // 2)), path, rng)


def black_borders(image: Image.Image, path: Path, rng: Rng) -> Path:
    """Bars above and below, or at the sides, of 10 to 25 % each."""
    share = rng.uniform(0.1, 0.25)
    upright = rng.random() < 0.5
    grown = (image.width, round(image.height / (1 - 2 * share))) if upright else (round(image.width / (1 - 2 * share)), image.height)
    page = Image.new("RGB", grown, "black")
    page.paste(image, ((grown[0] - image.width) // 2, (grown[1] - image.height) // 2))
    return jpeg(page, path, rng)


def screenshot(letterboxed: bool, suffix: str) -> Callable[[Image.Image, Path, Rng], Path]:
    """A browser window: a coloured bar with text, a white page, the picture in the middle at 60 to 80 % of the page."""

    def save(image: Image.Image, path: Path, rng: Rng) -> Path:
        page = Image.new("RGB", SCREEN, "white")
        draw = ImageDraw.Draw(page)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        draw.rectangle((0, 0, SCREEN[0], BAR), fill=colour)
        words = "black" if sum(colour) > 380 else "white"
        draw.text((30, 15), "Watch this - Some Video Site", fill=words, font_size=22)
        draw.text((30, 52), "https://video.example/watch?v=dQw4w9WgXcQ   Home   Library   Settings", fill=words, font_size=18)
        side = rng.uniform(0.6, 0.8)
        room = (round(side * SCREEN[0]), round(side * (SCREEN[1] - BAR)))
        scale = min(room[0] / image.width, room[1] / image.height)
        shown = image.resize((max(1, round(scale * image.width)), max(1, round(scale * image.height))), Image.Resampling.BICUBIC)
        left, top = (SCREEN[0] - room[0]) // 2, BAR + (SCREEN[1] - BAR - room[1]) // 2
        if letterboxed:
            draw.rectangle((left, top, left + room[0], top + room[1]), fill="black")
        page.paste(shown, (left + (room[0] - shown.width) // 2, top + (room[1] - shown.height) // 2))
        draw.text((left, top + room[1] + 12), "Some title of a video, 12,345 views", fill="black", font_size=20)
        return jpeg(page, path, rng) if suffix == "jpg" else png(page, path, rng)

    return save


WAYS: dict[str, Callable[[Image.Image, Path, Rng], Path]] = {
    "JPEG, quality 40": jpeg,
    "PNG": png,
    "WebP": webp,
    "half size, JPEG": half_size,
    "black borders, JPEG": black_borders,
    "screenshot, PNG": screenshot(False, "png"),
    "screenshot, letterboxed, PNG": screenshot(True, "png"),
    "screenshot, letterboxed, JPEG": screenshot(True, "jpg"),
}


if __name__ == "__main__":
    main()
