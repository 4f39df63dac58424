"""Known pictures are found anywhere in a frame at effort `thorough`, and it is said where."""

import itertools
import math
import re

import numpy as np
import pytest
from PIL import Image

from tests.footage import decoded, film
from vhashdb import Verdict
from vhashdb.plotting import plot
from vhashdb.report import Report

RATE = 12
SECONDS = 8
WIDTH, HEIGHT = 320, 180


def frames(path):
    return [np.asarray(Image.fromarray(f).resize((WIDTH, HEIGHT))) for f in decoded(path, every=2, limit=RATE * SECONDS)]


def pasted(background, shown, box):
    """``shown`` in a box of pixels of the background: left, top, right, bottom; what is beyond the frame is cut off."""
    for around, picture in zip(itertools.cycle(background), shown, strict=False):
        frame = Image.fromarray(around)
        frame.paste(Image.fromarray(picture).resize((box[2] - box[0], box[3] - box[1])), box[:2])
        yield np.asarray(frame)


def turned(shown, degrees):
    for picture in shown:
        yield np.asarray(Image.fromarray(picture).rotate(degrees, Image.Resampling.BILINEAR))


def shaken(shown):
    for number, picture in enumerate(shown):
        across, down = 9 * math.sin(number / 3), 6 * math.cos(number / 4)
        seen = Image.fromarray(picture).rotate(1.5 * math.sin(number / 5), Image.Resampling.BILINEAR)
        yield np.asarray(seen.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, (0.9, 0, 16 + across, 0, 0.9, 9 + down)))


def aslant(shown):
    """Seen from the side: the right end is three quarters as high as the left."""
    for picture in shown:
        yield np.asarray(
            Image.fromarray(picture).transform(
                (WIDTH, HEIGHT), Image.Transform.QUAD, (0, 0, 0, HEIGHT, WIDTH, HEIGHT + 30, WIDTH, -30), Image.Resampling.BILINEAR
            )
        )


def asked(db, path, shown, effort="thorough"):
    return db.match(film(path, list(shown), rate=RATE), effort=effort)


def fractions(box):
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]]) / (WIDTH, HEIGHT)


@pytest.mark.parametrize("box", [(107, 60, 213, 120), (30, 90, 130, 146), (150, 20, 310, 80)], ids=["cell", "small", "stretched"])
def test_a_picture_in_a_picture_is_found_and_said_where(known_db, samples, tmp_path, box):
    shown = pasted(frames(samples / "unknown" / "train.mp4"), frames(samples / "known" / "harbour.mp4"), box)
    result = asked(known_db, tmp_path / "inset.mp4", shown)
    assert [known_db.names[m.record.id] for m in result.matches] == ["harbour"]
    assert result.verdict is Verdict.MATCH
    seen = result.matches[0].segments[0]
    if seen.outline is None:  # found in a simpler way, in boxes that changed
        return
    # What was compared may be the middle of the picture; where that lies in the picture, and the picture in the frame, is known.
    (left, top), size = fractions(box)[0], fractions(box)[2] - fractions(box)[0]
    expected = np.array(seen.reference_outline.corners) * size + (left, top)
    assert np.abs(np.array(seen.outline.corners) - expected).max() < 0.02


@pytest.mark.parametrize("degrees", [-17, 13])
def test_a_turned_picture_is_found_and_said_how_far(known_db, samples, tmp_path, degrees):
    result = asked(known_db, tmp_path / "turned.mp4", turned(frames(samples / "known" / "harbour.mp4"), degrees))
    assert [known_db.names[m.record.id] for m in result.matches] == ["harbour"]
    assert result.verdict is Verdict.MATCH
    top_left, top_right = (np.array(c) * (WIDTH, HEIGHT) for c in result.matches[0].segments[0].outline.corners[:2])
    across, down = top_right - top_left
    assert math.degrees(math.atan2(-down, across)) == pytest.approx(degrees, abs=1.5)
    assert "found place" in str(result.matches[0].segments[0].views)


def test_a_mirrored_inset_has_its_corners_mirrored(known_db, samples, tmp_path):
    box = (40, 20, 160, 88)
    mirrored = [picture[:, ::-1] for picture in frames(samples / "known" / "harbour.mp4")]
    result = asked(known_db, tmp_path / "mirrored.mp4", pasted(frames(samples / "unknown" / "train.mp4"), mirrored, box))
    assert [known_db.names[m.record.id] for m in result.matches] == ["harbour"]
    outline = result.matches[0].segments[0].outline
    assert outline is None or outline.corners[0][0] > outline.corners[1][0]


def test_a_shaken_picture_is_followed(known_db, samples, tmp_path):
    result = asked(known_db, tmp_path / "shaken.mp4", shaken(frames(samples / "known" / "harbour.mp4")))
    assert [known_db.names[m.record.id] for m in result.matches] == ["harbour"]
    assert result.verdict is Verdict.MATCH


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_picture_that_lies_a_bit_off_is_registered_without_a_thorough_look(known_db, samples, tmp_path, mirrored):
    shown = aslant(frames(samples / "known" / "harbour.mp4"))
    result = asked(known_db, tmp_path / "aslant.mp4", (picture[:, ::-1] if mirrored else picture for picture in shown), "balanced")
    assert [known_db.names[m.record.id] for m in result.matches] == ["harbour"]
    assert result.verdict is Verdict.MATCH
    top_left, top_right, bottom_right, bottom_left = result.matches[0].segments[0].outline.corners
    assert (top_left[0] > top_right[0]) is mirrored
    assert bottom_right[1] - top_right[1] < bottom_left[1] - top_left[1] - 0.02


def test_two_known_pictures_in_one_are_both_found(known_db, samples, tmp_path):
    first = pasted(frames(samples / "unknown" / "train.mp4"), frames(samples / "known" / "harbour.mp4"), (10, 10, 120, 72))
    both = pasted(list(first), frames(samples / "known" / "valley.mp4"), (170, 80, 300, 153))
    result = asked(known_db, tmp_path / "both.mp4", both)
    assert {known_db.names[m.record.id] for m in result.matches if m.verdict is Verdict.MATCH} == {"harbour", "valley"}


@pytest.mark.parametrize("edit", ["inset", "turned", "shaken"])
def test_unknown_pictures_match_nothing(known_db, samples, tmp_path, edit):
    unknown = frames(samples / "unknown" / "train.mp4")
    shown = {
        "inset": lambda: pasted(frames(samples / "unknown" / "balloons.mp4"), unknown, (30, 90, 130, 146)),
        "turned": lambda: turned(unknown, 13),
        "shaken": lambda: shaken(unknown),
    }[edit]()
    assert asked(known_db, tmp_path / "unknown.mp4", shown).verdict is Verdict.NO_MATCH


def test_explain_shows_what_was_found_by_registration(known_db, samples, tmp_path):
    path = film(tmp_path / "turned.mp4", list(turned(frames(samples / "known" / "harbour.mp4"), 15)), rate=RATE)
    record = next(number for number, name in known_db.names.items() if name == "harbour")
    explanation = known_db.explain(path, record, effort="thorough")
    assert explanation.judgement.verdict is Verdict.MATCH
    assert "found place" in str(explanation.segments[0].views)


def test_what_was_registered_can_be_reported_and_plotted(known_db, samples, tmp_path):
    result = asked(known_db, tmp_path / "turned.mp4", turned(frames(samples / "known" / "harbour.mp4"), 13))
    (match,) = result.matches
    with Report(known_db) as report:
        report.add("turned.mp4", result)
        assert re.search(r"tilted 1[234]° to the (left|right)", report.page())
    explanation = known_db.explain(tmp_path / "turned.mp4", match.record.id, effort="thorough")
    plot(explanation, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 1000
