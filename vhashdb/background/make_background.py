"""Draw pictures that occur in unrelated videos, and write their hashes to `background.bin`.

    python -m vhashdb.background.make_background [OUT]

Test cards, countdowns, gradients, cards of text, blank pages, discs, and stages of fades between them; each also cropped
and letterboxed as `vhashdb.hashing.views` reads it. Everything is drawn here: nothing is taken from any video.

Kept are the hashes that could be compared at all (`USABLE_QUALITY`) and that are the same for every copy of the picture:
a picture symmetric in itself has coefficients of zero, whose bits are decided by the last codec, so most of those drop out.

The file has to come out the same on every machine. Pictures are therefore drawn with whole numbers, roots and Pillow's
bitmap font only, and coefficients are rounded before they are compared with their median.
"""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from vhashdb.fingerprints.model import USABLE_QUALITY
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes, paired_distances

Picture = npt.NDArray[np.float64]
"""Luma ``(h, w)``, 0…255."""
Mask = npt.NDArray[np.float64]
"""Coverage ``(h, w)``, 0…1."""
Size = tuple[int, int]
"""Height and width in pixels."""

OUT: Final = Path(__file__).with_name("background.bin")
WIDE: Final = (180, 320)
"""Size of what is drawn. Engineering bound: PDQ reduces every picture to 64 × 64 points, so more pixels would change next to nothing."""

MERGED_BITS: Final = 8
"""Bits within which a hash is left out because one is kept already. Engineering bound: well within `RADIUS`."""
NOISE_LEVELS: Final = 1.0
"""Standard deviation, in luma levels a pixel, of what encoding and scaling do to a copy. Engineering bound."""
MAX_SHAKY: Final = 48
"""Bits whose coefficients may lie within twice the effect of that noise. Engineering bound."""
_ROUNDED: Final = 3
"""Decimals of points and coefficients. Engineering bound: far above rounding errors, far below noise."""
MOST: Final = 3125
"""Hashes at most. Engineering bound: each costs every query a comparison."""


# --- drawing --------------------------------------------------------------------------------------


def grid(size: Size) -> tuple[Picture, Picture]:
    """Return positions down and across from the centre, in half heights: ``(h, 1)`` and ``(1, w)``."""
    height, width = size
    down = (np.arange(height) * 2 + 1 - height) / height
    across = (np.arange(width) * 2 + 1 - width) / height
    return down[:, None], across[None, :]


def flat(size: Size, level: float) -> Picture:
    """Fill a picture with one level."""
    return np.full(size, level, np.float64)


def paint(picture: Picture, mask: Mask, level: float | Picture) -> Picture:
    """Cover a part with a level."""
    return picture + mask * (level - picture)


def disc(size: Size, radius: float, at: tuple[float, float] = (0.0, 0.0)) -> Mask:
    """Draw a disc with smooth edges; radius and centre (down, across) in half heights."""
    down, across = grid(size)
    distance = np.sqrt((down - at[0]) ** 2 + (across - at[1]) ** 2)
    return np.clip((radius - distance) * size[0] / 2 + 0.5, 0, 1)


def ring(size: Size, radius: float, thickness: float) -> Mask:
    """Draw the edge of a disc."""
    return disc(size, radius) - disc(size, radius - thickness)


def box(size: Size, top: float, left: float, bottom: float, right: float) -> Mask:
    """Draw a rectangle; edges in shares of height and width."""
    mask = np.zeros(size)
    mask[round(top * size[0]) : round(bottom * size[0]), round(left * size[1]) : round(right * size[1])] = 1
    return mask


def text(size: Size, words: str, height: float, at: tuple[float, float] = (0.5, 0.5), anchor: float = 0.5) -> Mask:
    """Draw one line of text, ``height`` (in shares of the picture's) high, its ``anchor`` (0 left … 1 right) at (down, across)."""
    strip = _strip(words)
    rows = max(5, round(height * size[0]))
    columns = max(1, min(round(strip.width * rows / strip.height), round(0.96 * size[1])))
    seen = np.asarray(strip.resize((columns, rows), Image.Resampling.BILINEAR), np.float64) / 255
    mask = np.zeros(size)
    top = round(at[0] * size[0] - rows / 2)
    left = round(at[1] * size[1] - anchor * columns)
    above, before = max(0, -top), max(0, -left)
    part = seen[above : max(above, size[0] - top), before : max(before, size[1] - left)]
    mask[max(0, top) : max(0, top) + part.shape[0], max(0, left) : max(0, left) + part.shape[1]] = part
    return mask


@functools.cache
def _strip(words: str) -> Image.Image:
    font = ImageFont.load_default_imagefont()
    strip = Image.new("L", (round(font.getbbox(words)[2]), round(font.getbbox(words)[3])))
    ImageDraw.Draw(strip).text((0, 0), words, fill=255, font=font)
    return strip


def words_of(number: int, length: int) -> str:
    """Return a line of ``length`` letters and gaps that mean nothing, a different one for each ``number``."""
    # A linear congruential generator: NumPy may change its own between versions.
    state, line = number * 7919 + 12345, ""
    while len(line) < length:
        state = (state * 1103515245 + 12345) % (1 << 31)
        line += "etaoin shrdlu cm fwyp "[(state >> 16) % 22]
    return line.strip() or "e"


# --- the kinds ------------------------------------------------------------------------------------


def bars() -> Iterator[Picture]:
    """Draw colour bars over one or two other rows of fields, and steps of grey that run against each other."""
    falling = (235.0, 219, 188, 173, 78, 63, 32)
    with_grey = (180.0, 162, 131, 112, 84, 65, 35)
    castellation = ((35.0, 16, 84, 16, 131, 16, 180), (63.0, 16, 78, 16, 188, 16, 235))
    foot = (50.0, 235, 60, 16, 12, 16, 20, 16)
    ends = ((0.5, 0.75), (0.67, 0.75), (0.75, 1.0), (0.8, 0.9))
    for upper, (first, second) in itertools.product((falling, with_grey, (*falling, 16.0)), ends):
        for middle, lower in itertools.product(castellation, (foot, (16.0, 235, 235, 16))):
            yield _rows(WIDE, ((first, upper), (second, middle), (1.0, lower)))
    for steps in (4, 5, 6, 8, 11):
        rising = tuple(255.0 * k / (steps - 1) for k in range(steps))
        yield _rows(WIDE, ((0.5, rising), (1.0, rising[::-1])))
        yield _rows(WIDE, ((0.5, rising[::-1]), (1.0, rising)))
        yield _rows(WIDE, ((0.34, rising), (0.67, (128.0,)), (1.0, rising[::-1])))


def _rows(size: Size, rows: Iterable[tuple[float, tuple[float, ...]]]) -> Picture:
    """Draw rows of even fields: where each ends, in shares of the height, and its levels from left to right."""
    picture, top = np.empty(size), 0
    for end, levels in rows:
        bottom = round(end * size[0])
        fields = np.arange(size[1]) * len(levels) // size[1]
        picture[top:bottom] = np.array(levels)[fields]
        top = bottom
    return picture


def test_cards() -> Iterator[Picture]:
    """Draw checkers, crosshatches, and a circle on a hatched ground over which bars and a line of text lie."""
    for across, down, shift in itertools.product(range(2, 17), range(2, 11), (0, 1)):
        if abs(across * 9 / 16 - down) < 1:
            odd = (np.arange(WIDE[0])[:, None] * down // WIDE[0] + np.arange(WIDE[1]) * across // WIDE[1] + shift) % 2
            yield 255 * odd.astype(np.float64)
    parts = _rows(WIDE, ((0.3, (235.0, 16)), (0.5, (235.0, 200, 150, 110, 80, 30)), (0.7, (16.0, 235) * 8), (1.0, (60.0, 180))))
    for lines, radius, ground in itertools.product((8, 10, 14), (0.7, 0.9), (60.0, 128.0)):
        card, inside = paint(flat(WIDE, ground), _hatch(WIDE, lines), 235.0), disc(WIDE, radius)
        yield card
        yield paint(card, ring(WIDE, radius, 0.05), 255.0)
        for fields in (parts, parts[:, ::-1]):
            yield paint(paint(card, inside, fields), box(WIDE, 0.76, 0.4, 0.84, 0.6) * inside, 16.0)


def _hatch(size: Size, lines: int) -> Mask:
    """Draw lines both ways, ``lines`` squares in the height."""
    step, thick = size[0] / lines, max(1, size[0] // 90)
    down, across = (np.floor(np.arange(side) % step) < thick for side in size)
    return np.asarray(down[:, None] | across[None, :], np.float64)


def countdowns() -> Iterator[Picture]:
    """Draw a film leader: a cross and two rings, a digit, and a shadow that sweeps round."""
    lines = np.maximum(box(WIDE, 0.495, 0, 0.505, 1), box(WIDE, 0, 0.496, 1, 0.504))
    for digit, stage in itertools.product(range(10), range(1, 8, 3)):
        picture = paint(flat(WIDE, 200.0), _sweep(WIDE, stage), 110.0)
        for mask in (lines, ring(WIDE, 0.85, 0.04), ring(WIDE, 0.72, 0.04), text(WIDE, str(digit), 0.6, (0.48, 0.5))):
            picture = paint(picture, mask, 20.0)
        yield picture
    for digit, height, (ground, ink) in itertools.product(range(10), (0.5, 0.8), ((0.0, 255.0), (255.0, 0.0))):
        yield paint(flat(WIDE, ground), text(WIDE, str(digit), height), ink)


def _sweep(size: Size, stage: int) -> Mask:
    """Draw what a hand has passed that goes round clockwise from the top in eight stages."""
    down, across = np.broadcast_arrays(*grid(size))
    eighths = ((across >= 0) & (down < 0), across >= 0, (across >= 0) | (down >= 0), np.ones(size, bool))
    whole, half = divmod(stage, 2)
    passed = eighths[whole - 1] if whole else np.zeros(size, bool)
    if half:
        quarter = eighths[whole] & ~passed
        # Within each quarter the hand stands on its diagonal: the first half is what is nearer to where it came from.
        first = np.abs(across) < np.abs(down) if whole % 2 == 0 else np.abs(across) > np.abs(down)
        passed = passed | (quarter & first)
    return passed.astype(np.float64)


def gradients() -> Iterator[Picture]:
    """Draw smooth ramps in all directions, corners lit, vignettes and spots of light in many places."""
    down, across = grid(WIDE)
    across = across * WIDE[0] / WIDE[1]  # PDQ makes every picture square, so one size does
    for d, a in itertools.product((-4, -2, -1, 1, 2, 4), (-2, -1, 1, 2)):
        ramp = d * down + a * across
        yield _levels(ramp)
        yield _levels(np.abs(ramp))
        yield _levels(np.clip(ramp, -1, 1))
    for corners in itertools.product((0.0, 128.0, 255.0), repeat=4):
        yield bilinear(WIDE, corners)
    for y, x, reach, power in itertools.product((-0.7, -0.3, 0.1, 0.6), (-0.6, -0.2, 0.15, 0.7), (0.8, 1.4), (1, 2)):
        spot = np.clip(1 - np.sqrt((down - y) ** 2 + (across - x) ** 2) / reach, 0, 1) ** power
        yield _levels(spot)
        yield _levels(-spot)


def _levels(values: Picture) -> Picture:
    """Stretch values to the full range."""
    low, high = values.min(), values.max()
    return (values - low) * (255 / (high - low)) if high > low else np.zeros_like(values)


def bilinear(size: Size, corners: tuple[float, ...]) -> Picture:
    """Interpolate between the levels of the corners: top left, top right, bottom left, bottom right."""
    down, across = (np.arange(side) / (side - 1) for side in size)
    top, bottom = (left + (right - left) * across for left, right in (corners[:2], corners[2:]))
    return top + (bottom - top) * down[:, None]


CARDS: Final = (
    "THE END", "The End", "FIN", "END", "Ende", "SUBSCRIBE", "Subscribe!", "LIKE & SUBSCRIBE", "THANKS FOR WATCHING",
    "Thanks for watching!", "Thank you", "PLEASE STAND BY", "NO SIGNAL", "LOADING...", "Loading", "COMING SOON", "INTERMISSION",
    "PART ONE", "PART 2", "CHAPTER 1", "EPISODE 1", "BREAKING NEWS", "LIVE", "REPLAY", "TO BE CONTINUED", "CREDITS", "PRESENTS",
    "Directed by", "A FILM BY", "Music", "2024", "1:00", "PAUSE", "PLAY", "WARNING", "Viewer discretion is advised",
)  # fmt: skip


def cards() -> Iterator[Picture]:
    """Draw titles and end cards: familiar lines of text, alone or over a rule, and blocks of one to three others."""
    for words, height in itertools.product(CARDS, (0.06, 0.13)):
        line = text(WIDE, words, height)
        yield 255.0 * line
        if height < 0.1:
            yield 255.0 * np.maximum(line, box(WIDE, 0.55, 0.3, 0.56, 0.7))
    for number, (length, height) in enumerate(itertools.product((3, 6, 12, 24, 36), (0.04, 0.07, 0.12))):
        for rows in (1, 2, 3):
            middles = [0.5 + 1.4 * height * (row - (rows - 1) / 2) for row in range(rows)]
            block = [text(WIDE, words_of(number + 100 * row, length), height, (at, 0.5)) for row, at in enumerate(middles)]
            yield 255.0 * np.maximum.reduce(block)


def credits_() -> Iterator[Picture]:
    """Draw credits as they scroll: centred lines, or names beside what they did, at several stages."""
    for height, columns, stage in itertools.product((0.035, 0.05, 0.07), (1, 2), range(6)):
        picture = np.zeros(WIDE)
        for row in range(-1, round(0.7 / height)):
            middle = (row + stage / 6) * height * 1.6
            if columns == 2:
                picture = np.maximum(picture, text(WIDE, words_of(row + 50, 8 + row * 5 % 9), height, (middle, 0.48), 1.0))
            if row % 6 or columns == 1:
                place = (middle, 0.52) if columns == 2 else (middle, 0.5)
                picture = np.maximum(picture, text(WIDE, words_of(row, 8 + row * 7 % 11), height, place, 0.0 if columns == 2 else 0.5))
        yield 255.0 * picture


def pages() -> Iterator[Picture]:
    """Draw documents and terminals: windows with a title bar, empty or filled with lines from the top left down."""
    lengths = (10, 30, 52, 44, 0, 60, 38, 21, 0, 56, 48, 60, 12, 33, 0, 40, 58, 26, 47, 60)
    for (ground, ink), height, margin in itertools.product(((255.0, 30.0), (12.0, 220.0)), (0.03, 0.05), (0.02, 0.12)):
        page = flat(WIDE, ground)
        for row, length in enumerate(lengths):
            middle = margin + (row + 1) * height * 1.4
            if middle > 1 - margin:
                break
            if length:
                page = paint(page, text(WIDE, words_of(row, length), height, (middle, margin), 0.0), ink)
            if row in (1, 3, 7, 13, 19):
                yield page
                yield paint(page, box(WIDE, 0, 0, 0.06, 1), 120.0)
    for side, bar, foot, level in itertools.product((0.0, 0.2, 0.3), (0.05, 0.1), (0.0, 0.06), (0.0, 160.0)):
        window = paint(flat(WIDE, 250.0), box(WIDE, 0, 0, bar, 1), level)
        window = paint(window, box(WIDE, bar, 0, 1, side), (level + 250) / 2)
        yield paint(window, box(WIDE, 1 - foot, 0, 1, 1), level)
    for top, left, bottom, right in itertools.product((0.1, 0.2), (0.05, 0.2), (0.7, 0.9), (0.6, 0.75, 0.9)):
        yield 255.0 * box(WIDE, top, left, bottom, right)
        yield paint(255.0 * box(WIDE, top, left, bottom, right), box(WIDE, top, left, top + 0.08, right), 120.0)


def logos() -> Iterator[Picture]:
    """Draw a disc, ring, tile, triangle or pair of discs in the middle or a little off it, some with a name below."""
    for radius, (down, across) in itertools.product((0.2, 0.35, 0.6), ((0.0, 0.0), (-0.2, 0.0), (0.1, 0.3))):
        centre = disc(WIDE, radius, (down, across))
        pair = np.maximum(disc(WIDE, radius, (down, across - radius)), disc(WIDE, radius * 0.7, (down, across + radius)))
        for mask in (centre, centre - disc(WIDE, radius * 0.6, (down, across)), pair, _triangle(WIDE, radius, (down, across))):
            yield 255.0 * mask
            yield 255.0 * np.maximum(mask, text(WIDE, "ETAOIN", 0.08, (0.5 + down / 2 + radius / 2 + 0.1, 0.5)))
        yield paint(255.0 * centre, _triangle(WIDE, radius * 0.6, (down, across)), 0.0)


def _triangle(size: Size, radius: float, at: tuple[float, float]) -> Mask:
    """Draw the sign for "play"."""
    down, across = grid(size)
    y, x = down - at[0], across - at[1]
    return np.clip(np.minimum(x + radius / 2, (radius - x - np.abs(y) * 1.7) / 2) * size[0] / 2, 0, 1)


def fades() -> Iterator[Picture]:
    """Draw stages of one picture's becoming another; a fade from black needs none, because PDQ does not see contrast."""
    for first, second in itertools.product(_every(gradients(), 67), [*_every(logos(), 25), *_every(cards(), 41)]):
        for share in (0.25, 0.5, 0.75):
            yield first * (1 - share) + second * share


def _every(pictures: Iterable[Picture], step: int) -> list[Picture]:
    return list(itertools.islice(pictures, 0, None, step))


KINDS: Final[tuple[Callable[[], Iterator[Picture]], ...]] = (
    bars, test_cards, countdowns, gradients, cards, credits_, pages, logos, fades,
)  # fmt: skip


# --- as references read them ----------------------------------------------------------------------

CROP_SIDES: Final = (0.7125, 0.5)
"""Sides of the centre crops. Derived from `vhashdb.hashing.views.CROPS`."""
LETTERBOXES: Final = ((0.12, 0.0), (0.0, 0.125))
"""Bars above and below and at the sides, in shares of the whole. Derived: 21:9 in 16:9, and 4:3 in 16:9."""


def readings(picture: Picture) -> Iterator[Picture]:
    """Yield a picture, its centre as `vhashdb.hashing.views.CROPS` cuts it out, and the picture between bars."""
    height, width = picture.shape
    yield picture
    for side in CROP_SIDES:
        rows, columns = round((1 - side) / 2 * height), round((1 - side) / 2 * width)
        yield picture[rows : height - rows, columns : width - columns]
    for share_down, share_across in LETTERBOXES:
        rows, columns = (round(side * share / (1 - 2 * share)) for side, share in ((height, share_down), (width, share_across)))
        yield np.pad(picture, ((rows, rows), (columns, columns)))


def hash_of(picture: Picture) -> PackedHashes | None:
    """Compute PDQ of a picture, ``(32,)`` uint8; None if it is not usable or would not survive being copied.

    As `vhashdb.hashing.pdq` computes it, but in float64 and rounded, so that differences between machines do not show.
    """
    luma = np.floor(np.clip(picture, 0, 255) + 0.5)
    down, across = (pdq.axis_matrix(side) for side in luma.shape)
    # Four rows at a time are too few for BLAS to wake its threads, which would take longer than the product.
    buffer = np.round(((down.reshape(16, 4, -1) @ luma) @ across.T).reshape(pdq.BUFFER, pdq.BUFFER), _ROUNDED)
    if pdq.quality_of(buffer.astype(np.float32)) < USABLE_QUALITY:
        return None
    basis = pdq.dct_basis().astype(np.float64)
    coefficients = np.round(basis @ buffer @ basis.T, _ROUNDED)
    median = float(np.sort(coefficients, axis=None)[pdq.BITS // 2 - 1])
    noise_down, noise_across = (_noise_gain(side) for side in luma.shape)
    shaky = np.abs(coefficients - median) < 2 * NOISE_LEVELS * noise_down[:, None] * noise_across[None, :]
    if np.count_nonzero(shaky) > MAX_SHAKY:
        return None
    packed: PackedHashes = pdq.pack(coefficients > median)[0]
    return packed


@functools.cache
def _noise_gain(length: int) -> npt.NDArray[np.float64]:
    """Return what independent noise of one level in every pixel of an axis adds to each coefficient: ``(16,)``, standard deviations."""
    transform = pdq.dct_basis().astype(np.float64) @ pdq.axis_matrix(length)
    return np.asarray(np.sqrt((transform**2).sum(axis=1)))


def background() -> PackedHashes:
    """Return the hashes of all kinds ``(n, 32)`` uint8, none within `MERGED_BITS` of another."""
    hashes = (hash_of(reading) for kind in KINDS for picture in kind() for reading in readings(picture))
    return distinct(value for value in hashes if value is not None)


def distinct(hashes: Iterable[PackedHashes]) -> PackedHashes:
    """Return those hashes ``(32,)`` that are not within `MERGED_BITS` of an earlier one: ``(n, 32)`` uint8."""
    kept = np.empty((MOST, pdq.BITS // 8), np.uint8)
    count = 0
    for value in hashes:
        if not (paired_distances(kept[:count], value[None]) <= MERGED_BITS).any():
            kept[count] = value
            count += 1
    return kept[:count]


def main() -> None:
    """Write the file."""
    options = argparse.ArgumentParser(description="Draw the background pictures and write their hashes.")
    options.add_argument("out", nargs="?", type=Path, default=OUT, metavar="OUT")
    options.parse_args().out.write_bytes(background().tobytes())


if __name__ == "__main__":
    main()
