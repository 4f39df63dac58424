"""Sound on the page: a lane and a table of its own, words for what it means, and nothing that looks like a picture where none was seen."""

import re

import pytest

import vhashdb
from tests.footage import listening
from vhashdb.report import Report

from .test_in_browser import box, shown_everywhere

ASKED = ("copy.mp4", "replaced.mp4", "elsewhere.mp4", "alone.mp3", "another.wav", "silent.mp4")


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Answers by file, and the page of them, with pictures."""
    folder = tmp_path_factory.mktemp("sound")
    files = listening(folder)
    with vhashdb.create(folder / "known.vhdb") as db:
        db.add(files["known.mp4"], labels=["sample"])
        db.add(files["alone.wav"])
        found = {name: db.match(files[name]) for name in ASKED}
        with Report(db, pictures="obscured") as report:
            for name, result in found.items():
                report.add(files[name], result)
            report.write(folder / "report.html")
    return found, folder / "report.html"


def matches_of(visit, name):
    return visit.page.locator("section.file", has=visit.page.locator("h3", has_text=name)).locator("article.hit")


def lanes(match):
    return [re.sub(r"\s+", " ", text).strip() for text in match.locator("p.lane").all_inner_texts()]


def test_there_are_two_lanes_where_both_witnesses_are(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1]))
    assert visit.problems == [] and visit.outside == []
    match = matches_of(visit, "copy.mp4").first
    assert lanes(match) == ["Picture", "Sound"]
    assert match.locator("table caption").all_inner_texts()[:2] == ["The matched stretch", "The stretch that sounds alike"]
    assert "sounds like" in match.locator("figure.sound figcaption").inner_text()


def test_shapes_of_the_lane_of_sound_are_where_its_seconds_are(answers, chromium):
    """On the same scale as those of the pictures above it."""
    visit = shown_everywhere(chromium.open(answers[1]))
    figures = matches_of(visit, "copy.mp4").first.locator("figure.timeline")
    sound = answers[0]["copy.mp4"].matches[0].sounds[0]
    picture, heard = (box(figures.nth(number).locator("rect.bar.known")) for number in range(2))
    assert picture[:2] == pytest.approx(heard[:2], abs=1)
    scale = (heard[1] - heard[0]) / 12.0
    left, right, *_ = box(figures.nth(1).locator("rect.matched.known"))
    assert (left - heard[0]) / scale == pytest.approx(sound.reference_start_s, abs=0.1)
    assert (right - heard[0]) / scale == pytest.approx(sound.reference_end_s, abs=0.1)


def test_the_lanes_differ_by_more_than_colour(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1]))
    figures = matches_of(visit, "copy.mp4").first.locator("figure.timeline")
    dashes = [figures.nth(n).locator(".band").evaluate("element => getComputedStyle(element).strokeDasharray") for n in range(2)]
    assert dashes[0] == "none" and dashes[1] != "none"


def test_a_match_by_sound_alone_does_not_look_as_if_a_picture_was_seen(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1]))
    match = matches_of(visit, "elsewhere.mp4").first
    assert lanes(match) == ["Picture: none is the same", "Sound"]
    assert match.locator("figure.timeline").first.locator(".band, .matched").count() == 0
    assert match.locator("figure.map").count() == 0
    assert "The sound of the known video under other pictures" in match.inner_text()
    assert re.search(r"s of the file \(\d+ % of it\) sound like \d+ % of the known video", match.inner_text())
    row = visit.page.locator("#files tbody tr", has_text="elsewhere.mp4").inner_text()
    assert "sound only" in row


def test_files_without_pictures_have_none(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1]))
    assert "sound only" in visit.page.locator("section.file", has_text="alone.mp3").first.locator("p.soft").first.inner_text()
    for number in range(2):  # the very same recording, and the video that it was taken from
        match = matches_of(visit, "alone.mp3").nth(number)
        assert lanes(match) == ["Sound"]
        assert match.locator("img").count() == 0
    assert "Sound only: neither has pictures" in matches_of(visit, "alone.mp3").first.inner_text()


def test_a_replaced_sound_is_said(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1]))
    match = matches_of(visit, "replaced.mp4").first
    assert "Sound replaced: in these seconds it is not the known video's" in match.inner_text()
    assert lanes(match) == []


def test_the_condition_of_sound_is_among_the_others(answers, chromium):
    visit = shown_everywhere(chromium.open(answers[1], script=False))
    conditions = matches_of(visit, "elsewhere.mp4").first.locator("details")
    assert "how much of the sound agrees, beyond chance" in conditions.text_content()
    assert "enough of the sound agrees to be possible, and no picture confirms it" in conditions.locator("summary").inner_text()
