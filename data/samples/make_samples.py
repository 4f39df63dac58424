"""Draw and encode the sample videos: a few known films, edited copies of them, and innocent ones.

Every picture is computed here from seeded noise and simple shapes, so nobody else has rights in them::

    python data/samples/make_samples.py            # into its own folder
    python data/samples/make_samples.py /tmp/out   # somewhere else

A *scene* is a factory ``(size, seed) -> draw``, and ``draw(t)`` paints the picture at ``t`` seconds of it.
A *film* is some scenes with hard cuts between them. A *copy* is a film decoded, edited and encoded again.
All drawing is in units of the short side of the picture, with the origin in its middle, x right, y down.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Plane = npt.NDArray[np.floating[Any]]
"""One value for each pixel, shape (height, width); float32 where it matters for the time it takes."""
Picture = npt.NDArray[np.floating[Any]]
"""A picture being drawn: shape (height, width, 3), RGB, 0 to 1."""
Frame = npt.NDArray[np.uint8]
"""A finished picture: shape (height, width, 3), RGB, 0 to 255."""
Colour = tuple[int, int, int]
Size = tuple[int, int]
"""Width and height in pixels."""
Draw = Callable[[float], Picture]
Scene = Callable[[Size, int], Draw]

SHORT = 180
"""Short side of every film, in pixels: the unit of all coordinates."""
WIDE: Size = (320, SHORT)
TALL: Size = (SHORT, 320)

FILM_CRF = 26
COPY_CRF = 31
FILM_GOP = 50
"""Frames between key frames in the films."""
COPY_GOP = 84
"""Another number, so that key frames of a copy do not fall on those of its source."""

FONT_PX = 15
WHITE: Colour = (250, 250, 246)
BLACK: Colour = (8, 8, 12)


# --- tools: coordinates, noise, colour ------------------------------------------------------------


def coordinates(size: Size) -> tuple[Plane, Plane]:
    """Give x and y of every pixel centre."""
    width, height = size
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / SHORT
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / SHORT
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x.astype(np.float32), grid_y.astype(np.float32)


def turned(x: Plane, y: Plane, angle: float) -> tuple[Plane, Plane]:
    """Turn coordinates about the origin."""
    return x * math.cos(angle) - y * math.sin(angle), x * math.sin(angle) + y * math.cos(angle)


def noise(seed: int, power: float = 1.7, side: int = 256) -> Plane:
    """Make a square of noise, 0 to 1, that tiles, with a spectrum of 1 / frequency ** power."""
    white = np.random.default_rng(seed).standard_normal((side, side))
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None, :])
    frequency[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(white) * frequency**-power).real
    return np.asarray(np.clip(0.5 + 0.24 * field / field.std(), 0, 1), np.float32)


def sample(texture: Plane, u: Plane, v: Plane) -> Plane:
    """Read a tiling texture at (u, v), in units of its side, interpolating between its points."""
    side = texture.shape[0]
    column, row = u * side, v * side
    left, top = np.floor(column), np.floor(row)
    across, down = column - left, row - top
    c0, r0 = left.astype(np.int32) % side, top.astype(np.int32) % side
    c1, r1 = (c0 + 1) % side, (r0 + 1) % side
    upper = texture[r0, c0] * (1 - across) + texture[r0, c1] * across
    lower = texture[r1, c0] * (1 - across) + texture[r1, c1] * across
    return np.asarray(upper * (1 - down) + lower * down, np.float32)


def profile(texture: Plane, u: Plane) -> Plane:
    """Read one row of a tiling texture as a curve over u: a range of hills or the back of a wave."""
    return sample(texture, u, np.zeros_like(u))


def random_table(seed: int, *shape: int) -> Plane:
    """Make fixed random numbers, 0 to 1, to be looked up by the number of a house or a window."""
    return np.random.default_rng(seed).random(shape).astype(np.float32)


def tint(values: Plane, *stops: Colour) -> Picture:
    """Colour values from 0 to 1 along a ramp of colours."""
    ramp = np.array(stops, np.float32) / 255
    places = np.linspace(0, 1, len(stops))
    table = np.stack([np.interp(np.linspace(0, 1, 256), places, ramp[:, c]) for c in range(3)], axis=1)
    index = (np.clip(values, 0, 1) * 255).astype(np.int32)
    colours: Picture = np.take(table.astype(np.float32), index, axis=0)
    return colours


def inside(distance: Plane) -> Plane:
    """Turn the distance to the edge of a shape (positive within) into coverage, one pixel soft."""
    return np.asarray(np.clip(distance * SHORT + 0.5, 0, 1))


def over(below: Picture, above: Picture | Colour, coverage: Plane) -> Picture:
    """Lay a picture or a plain colour over another where it covers it."""
    top: Picture = np.array(above, np.float32) / 255 if isinstance(above, tuple) else above
    return np.asarray(below + (top - below) * coverage[..., None])


def glow(x: Plane, y: Plane, at_x: float, at_y: float, radius: float) -> Plane:
    """Shine from a point, fading with the distance."""
    return np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / radius**2).astype(np.float32)


def to_and_fro(value: float) -> float:
    """Bounce between -1 and 1 at an even pace, as a ball between two walls."""
    return 1 - abs(value % 4 - 2)


class Brush:
    """Draws figures with Pillow in scene coordinates, at twice the size so that edges come out smooth."""

    def __init__(self, size: Size) -> None:
        """Begin with an empty, transparent sheet."""
        self._size = size
        self._sheet = Image.new("RGBA", (size[0] * 2, size[1] * 2))
        self._draw = ImageDraw.Draw(self._sheet)

    def _px(self, x: float, y: float) -> tuple[float, float]:
        return x * SHORT * 2 + self._size[0], y * SHORT * 2 + self._size[1]

    def disc(self, x: float, y: float, radius: float, colour: Colour, flat: float = 1.0) -> None:
        """Draw a disc, or an ellipse ``flat`` times as high as wide."""
        upper_left = self._px(x - radius, y - radius * flat)
        lower_right = self._px(x + radius, y + radius * flat)
        self._draw.ellipse((*upper_left, *lower_right), fill=colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        """Draw a filled polygon."""
        self._draw.polygon([self._px(*point) for point in points], fill=colour)

    def line(self, points: Sequence[tuple[float, float]], width: float, colour: Colour) -> None:
        """Draw a thick line with round joints."""
        px = [self._px(*point) for point in points]
        self._draw.line(px, fill=colour, width=max(1, round(width * SHORT * 2)), joint="curve")

    def onto(self, picture: Picture) -> Picture:
        """Lay what was drawn over a picture."""
        sheet = np.asarray(self._sheet.resize(self._size, Image.Resampling.BOX), np.float32) / 255
        return over(picture, sheet[..., :3], sheet[..., 3])


# --- scenes of the film "valley" ------------------------------------------------------------------


def hills(size: Size, seed: int) -> Draw:
    """Ride past ranges of hills, the near ones faster than the far ones."""
    x, y = coordinates(size)
    clouds, rock = noise(seed), noise(seed + 1, 1.5)
    ranges = [noise(seed + 2 + k, 1.9) for k in range(4)]
    colours: tuple[tuple[Colour, Colour], ...] = (
        ((62, 74, 110), (164, 188, 255)),
        ((58, 92, 96), (156, 224, 232)),
        ((66, 104, 52), (172, 248, 144)),
        ((34, 56, 26), (108, 152, 92)),
    )

    def draw(t: float) -> Picture:
        sky = sample(clouds, x * 0.45 + 0.10 * t, y * 0.9)
        picture = tint(sky, (70, 120, 200), (150, 190, 230), (255, 244, 225))
        picture = over(picture, (255, 236, 150), glow(x, y, 0.55 - 0.2 * t, -0.28, 0.13))
        for depth, ridge in enumerate(ranges):
            along = x + t * (0.12 + 0.16 * depth)
            crest = -0.16 + 0.15 * depth - (0.62 - 0.06 * depth) * (profile(ridge, along * 0.42) - 0.5)
            light = sample(rock, along * 0.8, y * 0.8 + 0.3 * depth)
            picture = over(picture, tint(light * 1.4 - 0.3, *colours[depth]), inside(y - crest))
        return picture

    return draw


def disk(size: Size, seed: int) -> Draw:
    """Turn a patterned disk on a table that slides away."""
    x, y = coordinates(size)
    wood, marks = noise(seed), noise(seed + 1, 1.5)
    sectors = random_table(seed + 2, 3, 9)

    def draw(t: float) -> Picture:
        grain = sample(wood, x * 0.3 - 0.22 * t, y * 1.1 + 0.1 * t)
        picture = tint(grain, (40, 20, 14), (150, 90, 48), (240, 196, 128))
        at_x, at_y = 0.42 * math.sin(1.3 * t), 0.1 * math.cos(1.9 * t)
        radius = np.hypot(x - at_x, y - at_y)
        turn = (np.arctan2(y - at_y, x - at_x) / (2 * np.pi) + 0.16 * t) % 1
        pattern = sectors[np.minimum(radius * 7.5, 2).astype(int), (turn * 9).astype(int) % 9]
        pattern = 0.75 * pattern + 0.25 * sample(marks, turn, radius * 0.5)
        picture = over(picture, (20, 12, 10), 0.6 * inside(0.46 - np.hypot(x - at_x - 0.04, y - at_y - 0.05)))
        return over(picture, tint(pattern, (16, 24, 70), (200, 50, 60), (255, 240, 200)), inside(0.42 - radius))

    return draw


def zoom(size: Size, seed: int) -> Draw:
    """Dive, turning, towards islands in a sea."""
    x, y = coordinates(size)
    land, wind = noise(seed, 1.8, 512), noise(seed + 1)

    def draw(t: float) -> Picture:
        u, v = turned(x, y, 0.22 * t)
        scale = 0.75 * math.exp(-0.38 * t)
        u, v = scale * u + 0.31 + 0.03 * t, scale * v + 0.57
        height = sample(land, u, v)
        sea = (
            (10, 30, 90),
            (24, 80, 150),
            (90, 180, 190),
            (236, 222, 160),
            (90, 140, 60),
            (60, 80, 40),
            (240, 240, 240),
        )
        picture = tint(height * 1.5 - 0.25, *sea)
        return over(picture, WHITE, 0.8 * np.clip(sample(wind, u * 2 + 0.1 * t, v * 2) * 3 - 1.9, 0, 1))

    return draw


# --- scenes of the film "night_city" --------------------------------------------------------------


def skyline(size: Size, seed: int) -> Draw:
    """Show houses at night, with search lights over them and cars before them."""
    x, y = coordinates(size)
    haze = noise(seed)
    roofs, windows = random_table(seed + 1, 3, 64), random_table(seed + 2, 3, 256, 32)

    def houses(picture: Picture, layer: int, t: float) -> Picture:
        along = x + 4 + t * (0.1 + 0.2 * layer)
        width, pane = 0.2 + 0.1 * layer, 0.05 + 0.02 * layer
        house = (along / width).astype(int) % 64
        roof = -0.25 + 0.2 * layer - 0.35 * (roofs[layer][house] - 0.5)
        across, down = along / pane, (y - roof) / pane
        lit = windows[layer][across.astype(int) % 256, np.floor(down).astype(int) % 32] > 0.5 + 0.3 * roofs[layer][house]
        glass = (np.abs(across % 1 - 0.5) < 0.32) & (np.abs(down % 1 - 0.5) < 0.3) & lit
        wall = tint(roofs[layer][house] * 0.8, (10, 12, 30), (70, 60, 90))
        wall = over(wall, (255, 214, 120), glass.astype(np.float32) * (0.55 + 0.2 * layer))
        return over(picture, wall, inside(y - roof))

    def draw(t: float) -> Picture:
        cloud = sample(haze, x * 0.4 + 0.15 * t, y * 0.6)
        picture = tint(cloud * 0.8 + 0.35 * (y + 0.2), (14, 16, 48), (88, 50, 110), (250, 130, 90))
        for k in range(3):
            lean = 0.8 * math.sin(1.1 * t + 2.2 * k)
            beam = np.exp(-(((x + 0.6 - 0.6 * k) - lean * (0.2 - y)) ** 2) / 0.006)
            picture = over(picture, (230, 236, 255), 0.55 * beam)
        for layer in range(3):
            picture = houses(picture, layer, t)
        picture = over(picture, (24, 22, 28), inside(y - 0.36))
        for k in range(6):
            at_x, colour = (
                ((1.0 - 0.5 * t + 0.37 * k) % 2.2 - 1.1, (255, 60, 40)) if k % 2 else ((0.7 * t + 0.41 * k) % 2.2 - 1.1, (255, 250, 220))
            )
            picture = over(picture, colour, glow(x, y, at_x, 0.41 + 0.04 * (k % 2), 0.06))
        return picture

    return draw


def road(size: Size, seed: int) -> Draw:
    """Drive along a winding road between lamps, under clouds that rush by."""
    x, y = coordinates(size)
    ground, clouds = noise(seed, 1.5), noise(seed + 1)

    def draw(t: float) -> Picture:
        horizon = -0.06 + 0.04 * math.sin(2 * t)
        depth = (0.2 / (np.abs(y - horizon) + 0.03)).astype(np.float32)
        bend = 0.35 * math.sin(1.2 * t)
        aside = (x - bend * np.clip(depth / 4, 0, 1)) * depth
        sky = tint(sample(clouds, aside * 0.16, depth * 0.2 + 0.25 * t), (8, 10, 30), (50, 50, 96), (170, 130, 150))
        earth = tint(sample(ground, aside * 0.3, depth * 0.3 + 0.7 * t), (6, 14, 10), (60, 84, 40), (170, 160, 90))
        tar = tint(sample(ground, aside, depth + 2.1 * t), (26, 26, 32), (84, 82, 88))
        earth = over(earth, tar, inside(0.42 - np.abs(aside)))
        dash = (np.abs(aside) < 0.04) & ((depth + 2.1 * t) % 1 < 0.5)
        earth = over(earth, (240, 230, 180), dash.astype(np.float32))
        picture = over(sky, earth, inside(y - horizon))
        for k in range(8, 0, -1):
            away = 0.3 + (0.45 * k - 1.3 * t) % 3.6
            side = 1 if k % 2 else -1
            at_x, at_y = side * 0.34 / away + bend * min(1, away / 4), horizon - 0.17 / away
            picture = over(picture, (255, 190, 90), 0.95 * glow(x, y, at_x, at_y, 0.14 / away))
        return picture

    return draw


def aerial(size: Size, seed: int) -> Draw:
    """Look down on the blocks and streets of a town, turning and drifting."""
    x, y = coordinates(size)
    blocks, roofs = random_table(seed, 16, 16), noise(seed + 1, 1.4)

    def draw(t: float) -> Picture:
        u, v = turned(x, y, 0.4 + 0.25 * t)
        scale = 2.6 - 0.25 * t
        u, v = scale * u + 5 + 0.7 * t, scale * v + 5 - 0.2 * t
        shade = blocks[np.floor(u).astype(int) % 16, np.floor(v).astype(int) % 16]
        town = tint(
            0.7 * shade + 0.4 * sample(roofs, u * 0.5, v * 0.5) - 0.1,
            (8, 10, 34),
            (60, 60, 110),
            (240, 190, 120),
        )
        edge_u, edge_v = np.abs(u % 1 - 0.5), np.abs(v % 1 - 0.5)
        street = np.maximum(edge_u, edge_v) > 0.4
        along = np.where(edge_u > edge_v, v, u)
        car = np.clip(np.sin(9 * along + 8 * t) * 3 - 1.2, 0, 1)
        town = over(town, (30, 26, 40), street.astype(np.float32))
        return over(town, (255, 236, 170), (street * car).astype(np.float32))

    return draw


# --- scenes of the film "harbour" -----------------------------------------------------------------


def boat(brush: Brush, x: float, y: float, tilt: float) -> None:
    """Draw a little sailing boat."""

    def place(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * math.cos(tilt) - dy * math.sin(tilt), y + dx * math.sin(tilt) + dy * math.cos(tilt)

    brush.polygon([place(-0.2, 0), place(0.22, 0), place(0.14, 0.1), place(-0.14, 0.1)], (110, 34, 28))
    brush.line([place(0, 0), place(0, -0.44)], 0.016, (60, 40, 30))
    brush.polygon([place(0.015, -0.43), place(0.015, -0.04), place(0.2, -0.04)], WHITE)
    brush.polygon([place(-0.015, -0.36), place(-0.015, -0.04), place(-0.14, -0.04)], (240, 180, 80))


def sea(size: Size, seed: int) -> Draw:
    """Roll rows of waves under an evening sky, with a boat that rides them."""
    x, y = coordinates(size)
    clouds, water = noise(seed), noise(seed + 1, 1.6)
    swell = [noise(seed + 2 + k, 2.2) for k in range(6)]

    def draw(t: float) -> Picture:
        sky = sample(clouds, x * 0.4 - 0.16 * t, y * 1.2)
        picture = tint(sky * 0.9 - 0.5 * y - 0.1, (250, 120, 60), (255, 200, 130), (110, 110, 190), (50, 50, 110))
        picture = over(picture, (255, 250, 200), inside(0.12 - np.hypot(x + 0.5 - 0.18 * t, y + 0.22 - 0.03 * t)))
        for row, wave in enumerate(swell):
            along = x * 0.5 + t * (0.14 + 0.05 * row) * (1 if row % 2 else -1)
            crest = -0.1 + 0.11 * row + 0.34 * (profile(wave, along) - 0.5) + 0.03 * math.sin(3 * t + row)
            foam = sample(water, along * 1.3, (y - crest) * 1.2 + 0.2 * row)
            blue = tint(foam * 1.3 - 0.15 - 0.8 * (y - crest), (8, 24, 60), (26, 90, 130), (190, 226, 220))
            picture = over(picture, blue, inside(y - crest))
            if row == 2:
                brush = Brush(size)
                boat(brush, -0.4 + 0.6 * t, 0.12 + 0.05 * math.sin(2.4 * t), 0.2 * math.sin(1.9 * t))
                picture = brush.onto(picture)
        return picture

    return draw


def fish(brush: Brush, x: float, y: float, length: float, wag: float, colour: Colour) -> None:
    """Draw a fish; it looks to the left if ``length`` is negative."""
    brush.polygon(
        [
            (x - length * 0.4, y),
            (x - length, y - abs(length) * (0.4 - wag)),
            (x - length, y + abs(length) * (0.4 + wag)),
        ],
        colour,
    )
    brush.disc(x, y, abs(length) * 0.6, colour, 0.6)
    brush.line([(x, y - abs(length) * 0.33), (x, y + abs(length) * 0.33)], abs(length) * 0.16, WHITE)
    brush.disc(x + length * 0.36, y - abs(length) * 0.08, abs(length) * 0.08, BLACK)


def underwater(size: Size, seed: int) -> Draw:
    """Let fish swim in moving light over weed."""
    x, y = coordinates(size)
    light, haze = noise(seed, 1.6), noise(seed + 1)
    shoal = random_table(seed + 2, 9, 4)
    colours: tuple[Colour, ...] = ((250, 120, 30), (250, 220, 60), (20, 30, 70), (220, 60, 90))

    def draw(t: float) -> Picture:
        wavy = x + 0.06 * np.sin(5 * y + 2 * t)
        bright = sample(light, wavy * 0.5 + 0.2 * t, y * 0.5) + sample(haze, x * 0.5 - 0.2 * t, y * 0.5 + 0.14 * t)
        picture = tint(bright * 0.9 - 0.4 - 0.3 * y, (2, 20, 60), (10, 90, 130), (70, 190, 190), (220, 255, 230))
        brush = Brush(size)
        for k in range(7):
            stem = [(-0.85 + 0.28 * k + 0.1 * i * math.sin(1.8 * t + k + 0.4 * i), 0.55 - 0.11 * i) for i in range(5)]
            brush.line(stem, 0.06, (20, 80 + 10 * k, 50))
        for k, (a, b, c, d) in enumerate(shoal):
            way = 1 if k % 2 else -1
            at_x = way * ((2.6 * a + t * (0.35 + 0.4 * b)) % 2.6 - 1.3)
            fish(
                brush,
                at_x,
                0.8 * (c - 0.5),
                way * (0.1 + 0.14 * d),
                0.15 * math.sin(9 * t + k),
                colours[k % 4],
            )
        return brush.onto(picture)

    return draw


def lighthouse(size: Size, seed: int) -> Draw:
    """Sweep the beams of a lighthouse over clouds and cliffs."""
    x, y = coordinates(size)
    clouds, rock = noise(seed, 1.6), noise(seed + 1, 1.8)
    lamp_x, lamp_y = 0.3, -0.2

    def draw(t: float) -> Picture:
        cloud = sample(clouds, x * 0.5 + 0.14 * t, y * 0.6 - 0.05 * t)
        picture = tint(cloud * 0.9 - 0.1, (8, 12, 30), (40, 60, 90), (120, 130, 160))
        turn = np.arctan2(y - lamp_y, x - lamp_x) - 1.5 * t
        beam = np.exp(-(np.sin(turn) ** 2) / 0.06) * np.where(np.cos(turn) > 0, 1, 0.5)
        picture = over(picture, (255, 246, 200), (beam * (0.3 + 0.7 * cloud)).astype(np.float32))
        cliff = 0.34 - 0.5 * (profile(rock, x * 0.4 + 0.3) - 0.5) - 0.1 * x
        picture = over(picture, tint(sample(rock, x, y), (10, 12, 16), (74, 70, 66)), inside(y - cliff))
        brush = Brush(size)
        brush.polygon([(0.25, -0.14), (0.35, -0.14), (0.4, 0.5), (0.2, 0.5)], (226, 220, 210))
        for k in range(3):
            brush.polygon(
                [
                    (0.24, -0.04 + 0.16 * k),
                    (0.36, -0.04 + 0.16 * k),
                    (0.37, 0.04 + 0.16 * k),
                    (0.23, 0.04 + 0.16 * k),
                ],
                (180, 40, 40),
            )
        brush.disc(lamp_x, lamp_y, 0.06, (255, 255, 220))
        return brush.onto(picture)

    return draw


# --- scenes of the film "playground" --------------------------------------------------------------


def walker(brush: Brush, x: float, floor: float, tall: float, step: float, shirt: Colour) -> None:
    """Draw a cartoon figure walking to the right; ``step`` is the phase of its legs."""
    hip, neck = floor - 0.45 * tall, floor - 0.78 * tall
    bob = 0.02 * tall * math.cos(2 * step)
    for side in (-1, 1):
        swing = 0.55 * side * math.sin(step)
        knee = (x + 0.22 * tall * math.sin(swing), hip + bob + 0.22 * tall)
        foot = (
            knee[0] + 0.22 * tall * math.sin(swing - 0.35),
            floor - 0.03 * tall * max(0.0, side * math.cos(step)),
        )
        brush.line([(x, hip + bob), knee, foot], 0.09 * tall, (40, 44, 90))
        hand = (x - 0.3 * tall * math.sin(swing), neck + bob + 0.26 * tall)
        brush.line([(x, neck + bob + 0.04 * tall), hand], 0.07 * tall, (236, 180, 140))
    brush.line([(x, hip + bob), (x, neck + bob)], 0.2 * tall, shirt)
    brush.disc(x, neck + bob - 0.12 * tall, 0.12 * tall, (236, 180, 140))
    brush.disc(x - 0.02 * tall, neck + bob - 0.19 * tall, 0.1 * tall, (60, 36, 20), 0.6)


def promenade(size: Size, seed: int) -> Draw:
    """Let people walk past coloured houses."""
    x, y = coordinates(size)
    sky, paving = noise(seed), noise(seed + 1, 1.5)
    facade = random_table(seed + 2, 32)
    crowd = random_table(seed + 3, 5, 3)

    def draw(t: float) -> Picture:
        picture = tint(sample(sky, x * 0.5 + 0.1 * t, y * 0.6), (80, 140, 220), (240, 244, 250))
        along = x + 3 + 0.42 * t
        house = (along / 0.42).astype(int) % 32
        roof = -0.25 - 0.7 * (facade[house] - 0.5) + 0.5 * np.abs((along / 0.42) % 1 - 0.5) * (house % 2)
        wall = tint(facade[(house * 7) % 32], (120, 40, 40), (230, 170, 80), (90, 130, 110), (236, 224, 200))
        pane = (np.abs((along / 0.21) % 1 - 0.5) < 0.25) & (np.abs(((y - roof) / 0.26) % 1 - 0.55) < 0.25)
        picture = over(picture, over(wall, (40, 50, 70), pane.astype(np.float32)), inside(y - roof))
        ground = sample(paving, (along + 0.3 * y) * 0.9, y * 1.5)
        picture = over(picture, tint(ground, (70, 66, 60), (210, 200, 180)), inside(y - 0.42))
        brush = Brush(size)
        for k, (a, b, c) in enumerate(crowd):
            at_x = (1.7 * a + (0.3 + 0.5 * b) * t) % 1.7 - 0.85
            shirt = ((220, 50, 50), (250, 210, 60), (40, 120, 200), (240, 240, 240), (60, 160, 80))[k]
            walker(brush, at_x, 0.5 + 0.08 * k, 0.5 + 0.25 * c + 0.04 * k, 22 * t + 2 * k, shirt)
        return brush.onto(picture)

    return draw


def balls(size: Size, seed: int) -> Draw:
    """Bounce textured balls before a wall of slanted tiles."""
    x, y = coordinates(size)
    wall, skin = noise(seed), noise(seed + 1, 1.4)
    moves = random_table(seed + 2, 5, 4)
    paints: tuple[tuple[Colour, Colour], ...] = (
        ((60, 0, 10), (255, 110, 90)),
        ((10, 30, 90), (150, 220, 255)),
        ((60, 60, 0), (255, 240, 90)),
        ((10, 50, 20), (160, 250, 140)),
        ((50, 10, 60), (250, 180, 250)),
    )

    def draw(t: float) -> Picture:
        tile = (np.floor((x + 0.5 * y) * 2.5 + 0.5 * t) + np.floor(y * 2 - 0.35 * t)) % 2
        light = sample(wall, x * 0.5 + 0.2 * t, y * 0.5)
        picture = tint(light * 0.8 + 0.25 * tile - 0.05, (50, 60, 70), (150, 140, 130), (236, 226, 210))
        for k, (a, b, c, d) in enumerate(moves):
            radius = 0.15 + 0.1 * d
            at_x = (0.5 - radius) * to_and_fro(4 * a + (0.9 + b) * t)
            at_y = (0.88 - radius) * to_and_fro(4 * c + (0.7 + d) * t)
            away = np.hypot(x - at_x, y - at_y)
            u, v = turned(x - at_x, y - at_y, 1.5 * t * (1 if k % 2 else -1))
            shine = 1.1 - 1.6 * np.hypot(x - at_x + radius / 3, y - at_y + radius / 3)
            ball = tint((sample(skin, u + 0.2 * k, v) * 2 - 0.5) * shine, *paints[k])
            picture = over(picture, ball, inside(radius - away))
        return picture

    return draw


def spiral(size: Size, seed: int) -> Draw:
    """Slide down a crooked spiral tube."""
    x, y = coordinates(size)
    lining = noise(seed, 1.6)

    def draw(t: float) -> Picture:
        at_x, at_y = 0.24 * math.sin(1.6 * t), 0.4 * math.cos(1.1 * t)
        radius = np.hypot(x - at_x, y - at_y) + 0.03
        turn = np.arctan2(y - at_y, x - at_x)
        deep = np.log(radius)
        stain = sample(lining, turn / (2 * np.pi) + 0.1 * t, deep * 0.25 - 0.3 * t)
        arms = 0.5 + 0.5 * np.sin(2 * turn + 3.5 * deep - 3.1 * t + 4 * stain)
        picture = tint(0.55 * arms + 0.6 * stain - 0.1, (20, 10, 60), (180, 40, 110), (255, 170, 60), (255, 250, 220))
        return over(picture, (4, 2, 14), glow(x, y, at_x, at_y, 0.12))

    return draw


# --- scenes of the innocent films -----------------------------------------------------------------


def balloons(size: Size, seed: int) -> Draw:
    """Let striped balloons rise through clouds."""
    x, y = coordinates(size)
    clouds, mist = noise(seed, 1.8), noise(seed + 1, 1.6)
    fleet = random_table(seed + 2, 5, 4)

    def draw(t: float) -> Picture:
        air = sample(clouds, x * 0.4 - 0.1 * t, y * 0.5 - 0.18 * t)
        picture = tint(air * 1.3 - 0.15, (30, 70, 160), (120, 180, 230), (255, 255, 250))
        for k, (a, b, c, d) in enumerate(fleet):
            radius = 0.16 + 0.12 * d
            at_x = 1.6 * ((a + 0.31 * k) % 1 - 0.5) + 0.1 * math.sin(t + k)
            at_y = 0.9 - (1.9 * b + (0.35 + 0.2 * c) * t) % 1.9
            across, down = (x - at_x) / radius, (y - at_y) / (1.15 * radius)
            bulge = np.arcsin(np.clip(across / np.sqrt(np.clip(1 - down**2, 0.05, 1)), -1, 1))
            stripe = np.floor(bulge * 2.4 + 0.9 * t + k) % 2
            cloth = tint(0.7 * stripe - 0.25 * across + 0.2, (150, 20 + 40 * k, 40), (255, 230, 60 + 40 * k))
            brush = Brush(size)
            basket = (at_x, at_y + 1.7 * radius)
            ropes = [(at_x - radius / 2, at_y + radius), basket, (at_x + radius / 2, at_y + radius)]
            brush.line(ropes, 0.01, (70, 50, 30))
            brush.disc(*basket, radius * 0.2, (90, 56, 30))
            picture = over(brush.onto(picture), cloth, inside((1 - np.hypot(across, down)) * radius))
        return over(picture, WHITE, 0.8 * np.clip(sample(mist, x * 0.5 + 0.3 * t, y * 0.7) * 3 - 1.7, 0, 1))

    return draw


def marble(size: Size, seed: int) -> Draw:
    """Stir paint: noise bent by other noise."""
    x, y = coordinates(size)
    paint, stir = noise(seed, 1.8), noise(seed + 1, 2.2)

    def draw(t: float) -> Picture:
        bend = sample(stir, x * 0.3 + 0.1 * t, y * 0.3) - 0.5
        twist = sample(stir, x * 0.3 + 0.5, y * 0.3 - 0.12 * t) - 0.5
        value = sample(paint, x * 0.3 + 0.9 * bend + 0.05 * t, y * 0.3 + 0.9 * twist)
        bands = 0.5 + 0.5 * np.sin(9 * value + 1.2 * t)
        return tint(bands, (10, 60, 60), (30, 150, 130), (240, 230, 190), (200, 70, 50))

    return draw


def train(size: Size, seed: int) -> Draw:
    """Pass a goods train before fields."""
    x, y = coordinates(size)
    fields, rust = noise(seed, 1.8), noise(seed + 1, 1.5)
    cars = random_table(seed + 2, 16)

    def draw(t: float) -> Picture:
        depth = 0.3 / (np.abs(y + 0.3) + 0.12)
        land = sample(fields, (x + 0.3 * t) * 0.3 * depth, depth * 0.5)
        picture = tint(land, (60, 70, 20), (190, 170, 60), (250, 240, 170))
        picture = over(picture, tint(land, (120, 150, 190), (235, 240, 250)), inside(-0.3 - y))
        along = x + 6 - 0.85 * t
        car = (along / 0.8).astype(int) % 16
        place = (along / 0.8) % 1
        top = 0.02 - 0.34 * cars[car]
        paint = tint(
            cars[(car * 5) % 16] * 0.8 + 0.35 * sample(rust, along, y),
            (40, 20, 16),
            (170, 60, 30),
            (90, 140, 150),
            WHITE,
        )
        body = np.minimum(np.minimum(place - 0.04, 0.96 - place) * 0.8, np.minimum(y - top, 0.3 - y))
        picture = over(picture, paint, inside(body))
        wheel = np.hypot((place * 4 % 2 - 1) * 0.2, y - 0.33)
        picture = over(picture, (24, 24, 28), inside(0.07 - wheel))
        picture = over(picture, tint(sample(rust, (x - t) * 0.8, y), (40, 36, 30), (150, 140, 124)), inside(y - 0.4))
        pole = np.abs((x + 1.9 * t) % 1.7 - 0.85)
        return over(picture, (20, 18, 16), inside(0.035 - pole))

    return draw


def lava(size: Size, seed: int) -> Draw:
    """Melt drops into one another in a lamp."""
    x, y = coordinates(size)
    glass = noise(seed)
    drops = random_table(seed + 1, 7, 4)

    def draw(t: float) -> Picture:
        heat = np.zeros_like(x)
        for a, b, c, d in drops:
            at_x = 0.8 * math.sin(6.3 * a + (0.5 + b) * t)
            at_y = 0.45 * math.sin(6.3 * c + (0.7 + d) * t)
            heat += (0.012 + 0.03 * d) / ((x - at_x) ** 2 + (y - at_y) ** 2 + 0.01)
        back = tint(sample(glass, x * 0.4 + 0.12 * t, y * 0.4), (20, 10, 50), (90, 40, 120), (60, 130, 170))
        drop = tint(np.clip(heat * 0.3 - 0.2, 0, 1), (200, 40, 20), (255, 160, 40), (255, 250, 190))
        return over(back, drop, np.clip((heat - 1.2) * 6, 0, 1))

    return draw


def dark_room(size: Size, seed: int) -> Draw:
    """Show almost nothing: too little picture for any verdict."""
    x, y = coordinates(size)
    trace = noise(seed, 2.4)

    def draw(t: float) -> Picture:
        level = 0.035 + 0.012 * sample(trace, x * 0.2 + 0.02 * t, y * 0.2) + 0.004 * math.sin(2 * t)
        return np.repeat(level[..., None], 3, axis=2).astype(np.float32)

    return draw


# --- films and copies -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Shot:
    """A scene as a film shows it."""

    scene: Scene
    length_s: float
    pace: float
    """Seconds of the scene per second of film, chosen so that the hash of a frame is about ten bits from that
    of the next, as in real footage with a moving camera; at 1 most scenes are too lively."""


@dataclass(frozen=True)
class Film:
    """A drawn film: shots with hard cuts between them."""

    path: str
    size: Size
    fps: int
    seed: int
    shots: tuple[Shot, ...]

    def frames(self) -> Iterator[Frame]:
        """Draw every picture."""
        for number, shot in enumerate(self.shots):
            draw = shot.scene(self.size, self.seed + 100 * number)
            for index in range(round(shot.length_s * self.fps)):
                picture = draw(index / self.fps * shot.pace)
                yield np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


FILMS = (
    Film(
        "known/valley.mp4",
        WIDE,
        24,
        1000,
        (Shot(hills, 4.5, 0.4), Shot(disk, 3.5, 0.25), Shot(zoom, 4.0, 0.35)),
    ),
    Film(
        "known/night_city.mp4",
        WIDE,
        25,
        2000,
        (Shot(skyline, 4.0, 0.25), Shot(road, 3.0, 0.2), Shot(aerial, 3.0, 0.2)),
    ),
    Film(
        "known/harbour.mp4",
        WIDE,
        24,
        3000,
        (Shot(sea, 4.0, 0.25), Shot(underwater, 3.0, 0.22), Shot(lighthouse, 3.0, 0.5)),
    ),
    Film(
        "known/playground.mp4",
        TALL,
        25,
        4000,
        (Shot(promenade, 3.0, 0.18), Shot(balls, 3.0, 0.2), Shot(spiral, 3.0, 0.18)),
    ),
    Film("unknown/balloons.mp4", WIDE, 24, 5000, (Shot(balloons, 4.0, 0.2), Shot(marble, 4.0, 0.18))),
    Film("unknown/train.mp4", WIDE, 25, 6000, (Shot(train, 3.6, 0.2), Shot(lava, 3.4, 0.2))),
    Film("unknown/dark_room.mp4", WIDE, 24, 7000, (Shot(dark_room, 6.0, 1.0),)),
)
"""Scenes of the innocent films are of other kinds, not only of other seeds."""


def unchanged(frame: Frame) -> Frame:
    """Leave the frame as it is."""
    return frame


def mirrored(frame: Frame) -> Frame:
    """Swap left and right."""
    return frame[:, ::-1]


def letterboxed(frame: Frame) -> Frame:
    """Add black bars above and below, as when a wide film is shown on a squarer screen."""
    return np.pad(frame, ((30, 30), (0, 0), (0, 0)))


def greyed(frame: Frame) -> Frame:
    """Take the colour away."""
    return np.asarray(Image.fromarray(frame).convert("L").convert("RGB"))


def cropped(frame: Frame, share: float = 0.9) -> Frame:
    """Cut out the middle of the frame, with even sides because yuv420p needs them."""
    height, width = (round(side * share / 2) * 2 for side in frame.shape[:2])
    top, left = (frame.shape[0] - height) // 2, (frame.shape[1] - width) // 2
    return frame[top : top + height, left : left + width]


def captioned(frame: Frame, lines: Sequence[str] = ("wait for it...", "NOBODY expected this")) -> Frame:
    """Put a white band with text above the frame."""
    band = Image.new("RGB", (frame.shape[1], 60), WHITE)
    pen, font = ImageDraw.Draw(band), ImageFont.load_default(FONT_PX)
    for row, line in enumerate(lines):
        pen.text((8, 9 + 22 * row), line, fill=BLACK, font=font)
    return np.concatenate([np.asarray(band), frame])


def badged(frame: Frame, share: float = 0.2) -> Frame:
    """Put an opaque logo, ``share`` of the width wide, in the lower right corner."""
    side = round(frame.shape[1] * share)
    logo = Image.new("RGB", (side, side), (214, 24, 60))
    pen = ImageDraw.Draw(logo)
    pen.ellipse((3, 3, side - 4, side - 4), fill=WHITE)
    pen.polygon(
        [(side * 0.38, side * 0.25), (side * 0.38, side * 0.75), (side * 0.78, side * 0.5)],
        fill=(214, 24, 60),
    )
    copy = frame.copy()
    copy[-side - 6 : -6, -side - 6 : -6] = np.asarray(logo)
    return copy


@dataclass(frozen=True)
class Copy:
    """A stretch of a known film, each frame altered, perhaps put in the middle of another film."""

    source: str
    edit: str
    alter: Callable[[Frame], Frame] = unchanged
    start_s: float = 0.0
    length_s: float | None = None
    speed: float = 1.0
    host: str | None = None
    crf: int = COPY_CRF

    @property
    def path(self) -> str:
        """Name where the copy is written, below the samples folder."""
        return f"edited/{Path(self.source).stem}__{self.edit}.mp4"


COPIES = (
    Copy("known/valley.mp4", "mirror", mirrored, crf=38),
    Copy("known/valley.mp4", "clip", start_s=3.5, length_s=4.0),
    Copy("known/night_city.mp4", "letterbox", letterboxed),
    Copy("known/night_city.mp4", "grey", greyed),
    Copy("known/night_city.mp4", "crop", cropped),
    Copy("known/harbour.mp4", "speed125", speed=1.25),
    Copy("known/harbour.mp4", "insert", start_s=2.0, length_s=4.0, host="unknown/balloons.mp4"),
    Copy("known/playground.mp4", "caption", captioned),
    Copy("known/playground.mp4", "logo", badged),
)

STILL = "still.png"
STILL_SOURCE = "known/harbour.mp4"
STILL_S = 2.5
"""Time of the frame that still.png shows."""


@dataclass(frozen=True)
class Truth:
    """What a query holds of a known film; the fields are the columns of truth.csv.

    ``speed`` is seconds of the reference per second of the query.
    """

    query: str
    source: str
    edit: str
    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float


# --- reading and writing --------------------------------------------------------------------------


def encode(path: Path, frames: Iterable[Frame], fps: int, crf: int, gop: int) -> None:
    """Write frames as H.264 in MP4."""
    # One thread, because the decisions of x264 depend on how many there are; no mbtree, because with it
    # the same frames were seen to give other bytes from one call to the next.
    options = {"crf": str(crf), "preset": "medium", "threads": "1", "g": str(gop), "x264-params": "mbtree=0"}
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.pix_fmt = "yuv420p"
        for index, pixels in enumerate(frames):
            if index == 0:
                stream.height, stream.width = pixels.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(path: Path) -> tuple[list[Frame], int]:
    """Read all frames of a video, and how many there are in a second."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.average_rate is None:
            raise ValueError(f"{path} has no frame rate")
        frames = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(stream)]
        return frames, round(stream.average_rate)


def stretch(frames: Sequence[Frame], fps: int, copy: Copy) -> list[Frame]:
    """Choose the frames of the source that a copy shows, at the speed it shows them."""
    first = round(copy.start_s * fps)
    count = len(frames) - first if copy.length_s is None else round(copy.length_s * fps)
    return [frames[first + int(index * copy.speed)] for index in range(round(count / copy.speed))]


def make_copy(copy: Copy, folder: Path) -> Truth:
    """Write one edited copy, made from the encoded source as a real one would be, and say what it holds."""
    source, fps = decode(folder / copy.source)
    shown = [copy.alter(frame) for frame in stretch(source, fps, copy)]
    before: list[Frame] = []
    after: list[Frame] = []
    if copy.host is not None:
        host, host_fps = decode(folder / copy.host)
        if host_fps != fps:
            raise ValueError(f"{copy.host} and {copy.source} differ in frame rate")
        before, after = host[: len(host) // 2], host[len(host) // 2 :]
    encode(folder / copy.path, [*before, *shown, *after], fps, copy.crf, COPY_GOP)
    start_s, length_s = len(before) / fps, len(shown) / fps
    end_s = copy.start_s + length_s * copy.speed
    return Truth(copy.path, copy.source, copy.edit, start_s, start_s + length_s, copy.start_s, end_s, copy.speed)


def make_still(folder: Path) -> Truth:
    """Write a screenshot: one frame of a film within the border of a player window."""
    frames, fps = decode(folder / STILL_SOURCE)
    border = partial(np.pad, mode="constant", constant_values=46)
    picture = border(frames[round(STILL_S * fps)], ((26, 14), (14, 14), (0, 0)))
    # A palette keeps the file a third as large, and screenshots are often kept so.
    Image.fromarray(picture).quantize(128).save(folder / STILL, optimize=True)
    return Truth(STILL, STILL_SOURCE, "still", 0.0, 0.0, STILL_S, STILL_S, 1.0)


def write_truth(path: Path, rows: Sequence[Truth]) -> None:
    """Write truth.csv."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Truth.__dataclass_fields__)
        for row in rows:
            values = [getattr(row, name) for name in Truth.__dataclass_fields__]
            writer.writerow([f"{value:.3f}" if isinstance(value, float) else value for value in values])


def make_samples(folder: Path) -> None:
    """Write all samples into a folder."""
    for film in FILMS:
        encode(folder / film.path, film.frames(), film.fps, FILM_CRF, FILM_GOP)
    rows = [make_copy(copy, folder) for copy in COPIES]
    write_truth(folder / "truth.csv", [*rows, make_still(folder)])


def main() -> None:
    """Read the command line and write the samples."""
    parser = argparse.ArgumentParser(description="Draw and encode the sample videos.")
    parser.add_argument("out_dir", nargs="?", type=Path, default=Path(__file__).resolve().parent, metavar="OUT_DIR")
    if "libx264" not in av.codecs_available:
        parser.exit(1, "make_samples: this build of PyAV has no libx264\n")
    make_samples(parser.parse_args().out_dir)


if __name__ == "__main__":
    main()
