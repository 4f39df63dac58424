"""Edited copies, made here and now, are found in a real database, and nothing else is."""

import functools

import numpy as np
import pytest
from PIL import Image

from tests.conftest import SAMPLES
from tests.footage import decoded, film, scene
from vhashdb import Verdict, fingerprinting
from vhashdb.search import query_fingerprinter
from vhashdb.search.matcher import Matcher

RATE = 12
FRAMES = 72


@functools.cache
def film_of(name):
    """The beginning of a film of the database, every other frame."""
    return list(decoded(SAMPLES / "known" / f"{name}.mp4", every=2, limit=FRAMES))


def resized(pixels, height, width):
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR))


def pasted(below, above, top, left):
    """One picture drawn over another; top and left are shares of its sides."""
    out = below.copy()
    row, column = round(top * len(below)), round(left * below.shape[1])
    out[row : row + len(above), column : column + above.shape[1]] = above
    return out


@functools.cache
def fill(height, width):
    """A film of something else."""
    return scene(99, FRAMES, height, width, speed=7)


def negated(pixels, _):
    return 255 - pixels


def mirrored(pixels, _):
    return pixels[:, ::-1]


def upside_down(pixels, _):
    return pixels[::-1]


def turned_left(pixels, _):
    return np.rot90(pixels)


def left_half_of_the_screen(pixels, number):
    """Beside a film of something else."""
    return np.concatenate([pixels, fill(*pixels.shape[:2])[number]], axis=1)


def right_half_of_the_screen(pixels, number):
    return np.concatenate([fill(*pixels.shape[:2])[number], pixels], axis=1)


def stacked(pixels, number):
    """Above a film of something else."""
    return np.concatenate([pixels, fill(*pixels.shape[:2])[number]])


def stacked_below(pixels, number):
    return np.concatenate([fill(*pixels.shape[:2])[number], pixels])


def with_a_sticker(pixels, _):
    height, width = pixels.shape[:2]
    sticker = np.full((round(0.24 * height), round(0.22 * width), 3), (250, 230, 20), np.uint8)
    sticker[:4] = sticker[-4:] = sticker[:, :4] = sticker[:, -4:] = 0
    return pasted(pixels, sticker, 0.55, 0.6)


def with_a_logo(pixels, _):
    height, width = pixels.shape[:2]
    logo = np.full((round(0.14 * height), round(0.25 * width), 3), 250, np.uint8)
    logo[:, ::4] = 10
    return pasted(pixels, logo, 0.04, 0.04)


def tilted(pixels, degrees):
    return np.asarray(Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC))


def tilted_left(pixels, _):
    return tilted(pixels, 5)


def tilted_right(pixels, _):
    return tilted(pixels, -6)


def captioned(pixels, _):
    """Below a white margin with two lines of "text"."""
    height, width = pixels.shape[:2]
    margin = np.full((round(0.3 * height) // 2 * 2, width, 3), 250, np.uint8)
    for line in (0.25, 0.6):
        margin[round(line * len(margin)) : round((line + 0.15) * len(margin)), width // 10 : -width // 10] = 20
        margin[:, :: width // 12] = 250
    return np.concatenate([margin, pixels])


def within_a_picture(pixels, number):
    """Small, over a film of something else."""
    height, width = pixels.shape[:2]
    return pasted(fill(height, width)[number], resized(pixels, round(0.6 * height), round(0.6 * width)), 0.3, 0.1)


def letterboxed(pixels, _):
    height, width = pixels.shape[:2]
    return pasted(np.zeros((height * 3 // 2 // 2 * 2, width, 3), np.uint8), pixels, 1 / 6, 0)


def in_a_blurred_fill(pixels, _):
    height, width = pixels.shape[:2]
    blurred = resized(resized(pixels, 9, 16), height, width * 2)
    return pasted(blurred, pixels, 0, 0.25)


def cropped(pixels, _):
    height, width = pixels.shape[:2]
    return pixels[height // 10 : -height // 10, width // 10 : -width // 10]


def squeezed(pixels, _):
    """To a square, and darker."""
    return (resized(pixels, 160, 160) * 0.7).astype(np.uint8)


EDITS = [
    negated, mirrored, upside_down, turned_left, left_half_of_the_screen, right_half_of_the_screen, stacked, stacked_below,
    with_a_sticker, with_a_logo, tilted_left, tilted_right, captioned, within_a_picture, letterboxed, in_a_blurred_fill, cropped, squeezed,
]  # fmt: skip
NAMES = ["valley", "harbour", "night_city", "playground"]


def even(pixels):
    return pixels[: len(pixels) // 2 * 2, : pixels.shape[1] // 2 * 2]


def copy_of(name, edit, path):
    frames = [even(edit(pixels, number)) for number, pixels in enumerate(film_of(name))]
    return film(path, frames, rate=RATE, options={"preset": "ultrafast", "crf": "23"})


@pytest.mark.parametrize(
    ("edit", "name"),
    [(edit, NAMES[(number + turn) % len(NAMES)]) for number, edit in enumerate(EDITS) for turn in (0, 1)],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_an_edited_copy_is_a_match_and_names_its_source_alone(known_db, tmp_path, edit, name):
    result = known_db.match(copy_of(name, edit, tmp_path / "copy.mp4"))
    assert [known_db.names[match.record.id] for match in result.matches] == [name]
    assert result.verdict is Verdict.MATCH
    assert result.matches[0].judgement.matched_query_s >= 0.8 * result.duration_s


# -- no deeper than the question needs -------------------------------------------------------------


@pytest.mark.parametrize("effort", ["fast", "balanced"])
@pytest.mark.parametrize("edit", [mirrored, captioned], ids=lambda edit: edit.__name__)
def test_a_copy_is_confirmed_by_a_closer_look(known_db, tmp_path, effort, edit):
    result = known_db.match(copy_of("valley", edit, tmp_path / "copy.mp4"), effort=effort)
    assert result.confirmed
    assert result.verdict is Verdict.MATCH


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
@pytest.mark.parametrize("edit", [mirrored, captioned, within_a_picture], ids=lambda edit: edit.__name__)
def test_an_innocent_video_is_settled_by_the_first_look(known_db, tmp_path, effort, edit):
    frames = [even(edit(pixels, number)) for number, pixels in enumerate(scene(42, FRAMES, 180, 320, speed=6))]
    # Keyframes every two seconds: those of one keyframe are decoded, because it does not speak for the rest.
    innocent = film(tmp_path / "innocent.mp4", frames, rate=RATE, options={"g": str(2 * RATE)})
    result = known_db.match(innocent, effort=effort)
    assert result.verdict is Verdict.NO_MATCH
    assert not result.confirmed


@pytest.mark.parametrize("name", ["balloons", "train"])
@pytest.mark.parametrize("effort", ["fast", "balanced"])
def test_a_real_innocent_video_is_settled_by_the_first_look(known_db, samples, effort, name):
    assert not known_db.match(samples / "unknown" / f"{name}.mp4", effort=effort).confirmed


def test_what_the_first_look_cannot_see_is_looked_at_closer(known_db, samples):
    """A dark film shows nothing at first, and a still has nothing to save."""
    for name in ("unknown/dark_room.mp4", "still.png"):
        assert known_db.match(samples / name).confirmed


def test_a_copy_costs_one_decoding_when_both_looks_want_the_same_frames(known_db, samples, monkeypatch):
    passes = []
    monkeypatch.setattr(query_fingerprinter, "build", lambda *args: passes.append(args[1]) or fingerprinting.build(*args))
    for effort, count in (("balanced", 1), ("fast", 2), ("thorough", 1)):
        passes.clear()
        assert known_db.match(samples / "edited" / "valley__clip.mp4", effort=effort).verdict is Verdict.MATCH
        assert len(passes) == count, effort


def test_a_long_copy_is_decoded_again_for_the_closer_look(known_db, samples, monkeypatch):
    """Its frames are too many to be kept."""
    passes = []
    monkeypatch.setattr(fingerprinting, "MAX_KEPT_FRAMES", 8)
    monkeypatch.setattr(query_fingerprinter, "build", lambda *args: passes.append(args[1]) or fingerprinting.build(*args))
    assert known_db.match(samples / "edited" / "valley__clip.mp4").verdict is Verdict.MATCH
    assert len(passes) == 2


def looks_at(db, path, effort, monkeypatch):
    """How many views there are in each fingerprint that a query is searched with."""
    views, retrieve = [], Matcher._retrieve
    monkeypatch.setattr(
        Matcher, "_retrieve", lambda self, t, s, query, w: views.append(len(set(query.view))) or retrieve(self, t, s, query, w)
    )
    db.match(path, effort=effort)
    return views


@pytest.mark.parametrize("effort", ["fast", "balanced"])
def test_a_clear_copy_is_not_looked_at_in_all_views(known_db, samples, effort, monkeypatch):
    first, closer = looks_at(known_db, samples / "edited" / "valley__mirror.mp4", effort, monkeypatch)
    assert closer <= 6 < first


def test_a_copy_with_something_else_in_it_is_looked_at_in_all_views(known_db, tmp_path, monkeypatch):
    frames = [*film_of("valley"), *fill(90, 160)[:36]]
    frames = [resized(frame, 90, 160) for frame in frames]
    *_, last = looks_at(known_db, film(tmp_path / "both.mp4", frames, rate=RATE), "balanced", monkeypatch)
    assert last > 30
