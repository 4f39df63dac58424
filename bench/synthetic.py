"""Fingerprints of videos that do not exist, with the structure of ones that do: what a large database is filled with.

A record is a row of *runs*: 3 to 20 neighbouring entries of a real fingerprint with everything its other views show in
that time, in order. Each run is

* turned in one of PDQ's eight orientations, which is other footage with the same statistics;
* played at 0.6 to 1.6 of its speed;
* changed in 2 to 30 bits that are the same throughout the run, view by view, and in 0 to 6 more bits of each entry.

Only bits are stored, not how far the coefficients are from their median, so which bits would flip first can only be
guessed: one that changes within the run is near the median at some time, and is flipped four times as readily as others.

Beside the footage there are *drawn films*, hashed from pixels like any video, with the qualities they really have: dark
rooms with sensor noise, flat colours, credits and pages that scroll, moving gradients, test cards with fades, slow fades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np
import numpy.typing as npt
from numpy.random import Generator
from PIL import Image

from vhashdb import Fingerprint
from vhashdb.background import make_background as draw
from vhashdb.fingerprints import REFERENCE_PROFILE, FingerprintBuilder
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.video.frames import FRAME_DTYPE, THUMBNAIL_SIDE, FrameBatch, VideoInfo, fill_frame

Picture = npt.NDArray[np.float64]
"""Luma ``(180, 320)``, 0…255."""
Film = Callable[[Generator], Iterator[Picture]]

HASHES = (300, 1100)
"""Usable hashes of a record, from and to."""
RUN = (3, 20)
RUN_BITS = (2, 30)
ENTRY_BITS = (0, 6)
SPEEDS = (0.6, 1.6)
READILY = 4.0
MAX_RUNS = 150
"""Runs of a record at most: some drawn films have next to no usable entry."""
DRAWN_SHARES = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.25, 0.5, 1.0)
"""Share of a record's runs that come from drawn films: one record in ten is nothing else, six have none."""
SOURCES = 6
"""Videos that the footage of one record comes from, at most: its scenes belong together."""

RATE = 8
FRAMES = 20 * RATE
FILMS_OF_A_KIND = 8
GRAIN = 1.0
"""Standard deviation, in luma levels, of the noise over every drawn picture."""

_WHOLE = View(Region.WHOLE).code
_BITS = 8 * Pdq.id.bytes


# --- recombination --------------------------------------------------------------------------------


def records(donors: Sequence[Fingerprint], films: Sequence[Fingerprint], rng: Generator) -> Iterator[Fingerprint]:
    """Endless new fingerprints, from those of footage and of drawn films."""
    donors, films = ([d for d in given if np.count_nonzero(d.view == _WHOLE) >= RUN[0]] for given in (donors, films))
    while True:
        share = rng.choice(DRAWN_SHARES)
        few = [donors[i] for i in rng.integers(0, len(donors), SOURCES)]
        runs: list[Fingerprint] = []
        wanted, length_s, usable = rng.integers(*HASHES), 0.0, 0
        while usable < wanted and len(runs) < MAX_RUNS:
            pool = films if rng.random() < share else few
            part = run(pool[rng.integers(len(pool))], rng)
            runs.append(shifted(part, length_s))
            length_s += part.duration_s
            usable += int(np.count_nonzero(part.usable))
        yield joined(runs, length_s)


def run(donor: Fingerprint, rng: Generator) -> Fingerprint:
    """A stretch of a fingerprint as another video might show the like of it, beginning at 0 s."""
    starts = donor.start_s[donor.view == _WHOLE]
    count = min(int(rng.integers(RUN[0], RUN[1] + 1)), len(starts))
    first = int(rng.integers(len(starts) - count + 1))
    from_s, to_s = starts[first], starts[first + count] if first + count < len(starts) else donor.duration_s
    part = donor.only((donor.start_s >= from_s) & (donor.start_s < to_s))
    hashes = turned_bits(part.hash, Orientation(int(rng.integers(len(Orientation)))))
    for code in np.unique(part.view):
        here = part.view == code
        hashes[here] = changed(hashes[here], rng)
    speed = rng.uniform(*SPEEDS)
    return Fingerprint(
        Pdq.id, (part.start_s - from_s) / speed, (np.minimum(part.end_s, to_s) - from_s) / speed, hashes, part.quality, part.view,
        float(to_s - from_s) / speed,
    )  # fmt: skip


def changed(hashes: PackedHashes, rng: Generator) -> PackedHashes:
    """Neighbouring hashes ``(n, 32)`` with some bits flipped in all of them and some in each."""
    bits = np.unpackbits(hashes, axis=1)
    weights = np.where((bits != bits[0]).any(axis=0), READILY, 1.0)
    flips = drawn_bits(weights, 1, RUN_BITS, rng) ^ drawn_bits(weights, len(bits), ENTRY_BITS, rng)
    return np.packbits(bits ^ flips, axis=1)


def drawn_bits(weights: npt.NDArray[np.float64], rows: int, count: tuple[int, int], rng: Generator) -> npt.NDArray[np.uint8]:
    """``(rows, 256)`` uint8 of 0 and 1, in each row from ``count[0]`` to ``count[1]`` ones, drawn by weight."""
    # The k smallest of exponential times with these rates are a weighted draw without replacement.
    rank = np.argsort(np.argsort(rng.exponential(1, (rows, _BITS)) / weights, axis=1), axis=1)
    return (rank < rng.integers(count[0], count[1] + 1, (rows, 1))).astype(np.uint8)


def shifted(part: Fingerprint, by_s: float) -> Fingerprint:
    """The same later."""
    start_s, end_s = np.round(part.start_s + by_s, 3), np.round(part.end_s + by_s, 3)
    return Fingerprint(part.algorithm, start_s, end_s, part.hash, part.quality, part.view, part.duration_s)


def joined(parts: Sequence[Fingerprint], duration_s: float) -> Fingerprint:
    """Parts one after another as one fingerprint, ordered by view and start."""
    start_s, end_s, hashes, quality, view = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("start_s", "end_s", "hash", "quality", "view")
    )
    order = np.lexsort((start_s, view))
    return Fingerprint(Pdq.id, start_s[order], end_s[order], hashes[order], quality[order], view[order], round(duration_s, 3), 320, 180)


# --- drawn films ----------------------------------------------------------------------------------


def drawn_films(rng: Generator) -> list[Fingerprint]:
    """Reference fingerprints of films of every kind."""
    return [fingerprint_of(film(rng), rng) for film in FILMS for _ in range(FILMS_OF_A_KIND)]


def fingerprint_of(pictures: Iterable[Picture], rng: Generator) -> Fingerprint:
    """The reference fingerprint of pictures, 8 a second, with grain over them, as if they had come out of a decoder."""
    builder, count = FingerprintBuilder(Pdq(), REFERENCE_PROFILE), 0
    grainy = (np.clip(p + rng.normal(0, GRAIN, p.shape) + 0.5, 0, 255).astype(np.uint8) for p in pictures)
    while batch := list(islice(grainy, 16)):
        builder.feed(frames_of(batch, count))
        count += len(batch)
    return builder.finish(VideoInfo(width=320, height=180, duration_s=count / RATE, frames=count))


def frames_of(batch: Sequence[npt.NDArray[np.uint8]], first: int) -> FrameBatch:
    """Pictures as the decoder process sends them."""
    frames = np.zeros(len(batch), FRAME_DTYPE)
    for frame, luma in zip(frames, batch, strict=True):
        fill_frame(frame, luma, np.asarray(Image.fromarray(luma).resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)))
    frames["time_s"] = (first + np.arange(len(batch))) / RATE
    return frames


def dark(rng: Generator) -> Iterator[Picture]:
    """Show a barely lit room: a dim gradient that sways, under strong sensor noise with a fixed pattern."""
    fixed = rng.normal(0, rng.uniform(1, 4), draw.WIDE)
    dim = tinted(some_gradient(rng), 4, rng.uniform(10, 45))
    for number in range(FRAMES):
        yield np.roll(dim, round(6 * np.sin(number / 15)), axis=1) + fixed + rng.normal(0, rng.uniform(2, 6), draw.WIDE)


def flat(rng: Generator) -> Iterator[Picture]:
    """Show one colour after another, with a vignette that most cameras add."""
    vignette = tinted(draw.disc(draw.WIDE, 2.5), rng.uniform(0.85, 1), 1)
    for level in rng.uniform(0, 255, 5):
        for number in range(FRAMES // 5):
            yield vignette * (level + number / 8)


def scroll(rng: Generator) -> Iterator[Picture]:
    """Scroll credits or a page upwards, white on black or black on white."""
    lines, height = int(rng.integers(40, 70)), float(rng.uniform(0.04, 0.09))
    columns = (0.5,) if rng.random() < 0.5 else (0.3, 0.7)
    rows = round(height * draw.WIDE[0] * 1.6)
    sheet = np.zeros((lines * rows + draw.WIDE[0], draw.WIDE[1]))
    for line in range(lines):
        for column in columns if rng.random() < 0.8 else ():
            words = draw.words_of(int(rng.integers(1 << 20)), int(rng.integers(4, 30)) // len(columns) + 2)
            strip = draw.text((rows, draw.WIDE[1]), words, 0.62, (0.5, column), float(rng.choice((0.0, 0.5))) if len(columns) == 1 else 0.5)
            sheet[line * rows : (line + 1) * rows] = np.maximum(sheet[line * rows : (line + 1) * rows], strip)
    sheet = sheet * 235 if rng.random() < 0.5 else 245 - sheet * 225
    step = rng.uniform(1, 5)
    for number in range(FRAMES):
        top = round(number * step) % (len(sheet) - draw.WIDE[0])
        yield sheet[top : top + draw.WIDE[0]]


def gradients(rng: Generator) -> Iterator[Picture]:
    """Move light: two gradients whose shares go up and down."""
    first, second, speed = some_gradient(rng), some_gradient(rng), rng.uniform(0.02, 0.1)
    for number in range(FRAMES):
        share = 0.5 + 0.5 * np.sin(number * speed)
        yield first * share + second * (1 - share)


def cards(rng: Generator) -> Iterator[Picture]:
    """Show test cards, titles, pages and countdowns one after another, with short fades between them."""
    yield from faded(rng, still=16, fade=4)


def slow_fades(rng: Generator) -> Iterator[Picture]:
    """Let one such picture become the next for two and a half seconds."""
    yield from faded(rng, still=0, fade=20)


FILMS: tuple[Film, ...] = (dark, flat, scroll, gradients, cards, slow_fades)


def faded(rng: Generator, still: int, fade: int) -> Iterator[Picture]:
    """Pictures that stay for some frames, and fade from one to the next through black or directly."""
    shown = some_picture(rng)
    for _ in range(FRAMES // (still + fade)):
        following, through_black = some_picture(rng), rng.random() < 0.5
        for _ in range(still):
            yield shown
        for share in (np.arange(fade) + 1) / fade:
            if through_black:
                yield shown * (1 - 2 * share) if share < 0.5 else following * (2 * share - 1)
            else:
                yield shown * (1 - share) + following * share
        shown = following


def some_gradient(rng: Generator) -> Picture:
    """Corners of any levels, and a spot of light somewhere."""
    down, across = draw.grid(draw.WIDE)
    spot = np.clip(1 - np.sqrt((down - rng.uniform(-1, 1)) ** 2 + (across - rng.uniform(-1.7, 1.7)) ** 2) / rng.uniform(0.5, 2), 0, 1)
    return tinted(draw.bilinear(draw.WIDE, tuple(rng.uniform(0, 200, 4))) + spot * rng.uniform(-150, 150), 0, 255)


def some_picture(rng: Generator) -> Picture:
    """One of the background pictures, moved a little and turned to another contrast."""
    kind = draw.KINDS[rng.integers(len(draw.KINDS) - 1)]  # but the fades: they are made here
    picture = next(islice(kind(), int(rng.integers(30)), None))
    picture = np.roll(picture, tuple(rng.integers(-12, 13, 2)), axis=(0, 1))
    return picture[:, ::-1] if rng.random() < 0.5 else 255 - picture


def tinted(picture: Picture, low: float, high: float) -> Picture:
    """Stretched to these levels."""
    stretched: Picture = low + (picture - picture.min()) * ((high - low) / max(1e-9, picture.max() - picture.min()))
    return stretched
