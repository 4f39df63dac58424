"""Where a known picture lies is estimated from windows near its hashes, exactly where it stays and moment by moment where it moves."""

import math

import numpy as np
import pytest
from PIL import Image

from tests.footage import picture, thumbnail_of
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View
from vhashdb.hashing.warping import CORNERS, MIRRORING, Warper, mapped, quadrilateral
from vhashdb.search.hypotheses import Sightings, hypotheses
from vhashdb.search.registration import Registrar

COUNT, HEIGHT, WIDTH = 16, 180, 320
TIMES = np.arange(COUNT) / 4
WHOLE = View(Region.WHOLE).code


def thumbnails_of(pictures):
    return np.stack([thumbnail_of(each) for each in pictures])


@pytest.fixture(scope="module")
def pictures():
    """A camera that pans over a picture with coarse and with fine things in it."""
    wide = WIDTH + 6 * COUNT
    large = sum(pdq.luma_of_rgb(picture(7 + n, HEIGHT, wide, points=n)) * share for n, share in ((10, 0.5), (28, 0.3), (70, 0.2)))
    return [np.round(large[:, 6 * n : 6 * n + WIDTH]).astype(np.uint8) for n in range(COUNT)]


@pytest.fixture(scope="module")
def reference(pictures):
    hashes = np.stack([pdq.hash_luma(each)[0] for each in pictures])
    good = np.full(COUNT, 90, np.uint8)
    return Fingerprint(Pdq.id, TIMES, TIMES + 0.25, hashes, good, np.full(COUNT, WHOLE, np.uint16), COUNT / 4, WIDTH, HEIGHT)


def seen(shown, outline):
    """A frame that shows a picture within an outline, and grey elsewhere."""
    pixels = np.diag([WIDTH, HEIGHT, 1.0])
    back = pixels @ np.linalg.inv(quadrilateral(np.asarray(outline))) @ np.linalg.inv(pixels)
    return np.asarray(
        Image.fromarray(shown).transform(
            (WIDTH, HEIGHT),
            Image.Transform.PERSPECTIVE,
            (back / back[2, 2]).reshape(-1)[:8].tolist(),
            Image.Resampling.BICUBIC,
            fillcolor=90,
        )
    )


def sightings(frames, outlines, numbers, *, off=0.01, mirrored=False):
    """Windows that are off by that share of the picture."""
    near = [quadrilateral(np.asarray(outlines[n]) + off * np.array([1, -1]) * (-1) ** n) for n in numbers]
    if mirrored:
        near = [transform @ MIRRORING for transform in near]
    hashes = pdq.bits_of(Warper(thumbnails_of(frames)).coefficients(np.array(numbers), np.array(near)))
    return Sightings(np.array(numbers), hashes, np.array(near))


FIXED = np.array([[0.12, 0.08], [0.86, 0.14], [0.9, 0.88], [0.1, 0.82]])


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_picture_that_stays_is_registered_to_some_hundredths(pictures, reference, mirrored):
    frames = [seen(shown[:, ::-1] if mirrored else shown, FIXED) for shown in pictures]
    found = hypotheses(sightings(frames, [FIXED] * COUNT, (2, 6, 11), mirrored=mirrored), TIMES, reference, 70)
    assert found
    assert set(found[0].frames) == {2, 6, 11}
    registration = Registrar(thumbnails_of(frames), TIMES).fixed(found[0], reference)
    assert registration.distance < 48
    corners = FIXED[[1, 0, 3, 2]] if mirrored else FIXED
    assert np.abs(mapped(registration.transforms[0], CORNERS) - corners).max() < 0.03


def test_what_is_read_is_what_was_known(pictures, reference):
    frames = [seen(shown, FIXED) for shown in pictures]
    registrar = Registrar(thumbnails_of(frames), TIMES)
    (found, *_) = hypotheses(sightings(frames, [FIXED] * COUNT, (2, 6, 11)), TIMES, reference, 70)
    hashes, quality = registrar.hashes(registrar.fixed(found, reference))
    assert np.bitwise_count(hashes ^ reference.hash).sum(axis=1).mean() < 44
    assert quality.min() > 20


def test_a_picture_that_moves_is_followed(pictures, reference):
    outlines = [CORNERS * 0.8 + 0.1 + 0.06 * np.array([math.sin(n / 2), math.cos(n / 2.5)]) for n in range(COUNT)]
    frames = [seen(shown, outline) for shown, outline in zip(pictures, outlines, strict=True)]
    found = hypotheses(sightings(frames, outlines, (1, 5, 9, 13), off=0.01), TIMES, reference, 80)
    assert found
    registration = Registrar(thumbnails_of(frames), TIMES).moving(found[0], reference)
    assert registration is not None
    assert registration.moving
    away = np.abs(mapped(registration.transforms, CORNERS) - np.array(outlines)).max(axis=(1, 2))
    assert np.median(away) < 0.03


def test_windows_at_times_that_do_not_fit_do_not_agree(pictures, reference):
    frames = [seen(shown, FIXED) for shown in pictures]
    close = sightings(frames, [FIXED] * COUNT, (2, 6, 11))
    assert all(len(each.frames) == 1 for each in hypotheses(close, TIMES[::-1].copy(), reference, 70))


def test_windows_elsewhere_do_not_agree(pictures, reference):
    frames = [seen(shown, FIXED) for shown in pictures]
    close = sightings(frames, [FIXED] * COUNT, (2, 6))
    moved = close.transform.copy()
    moved[1, 0, 2] += 0.4
    assert all(len(each.frames) == 1 for each in hypotheses(Sightings(close.frame, close.hash, moved), TIMES, reference, 70))


def test_one_frame_is_enough_only_if_it_is_very_near(pictures, reference):
    frames = [seen(shown, FIXED) for shown in pictures]
    near, far = (hypotheses(sightings(frames, [FIXED] * COUNT, (2,), off=off), TIMES, reference, 70) for off in (0.001, 0.04))
    assert near
    assert near[0].frames == (2,)
    assert not far
