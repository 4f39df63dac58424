"""What can be seen in the pictures of a page, measured in their pixels."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tests.footage import decoded, film, scene
from vhashdb.report import Report
from vhashdb.report.stretches import Stretch
from vhashdb.report.thumbnails import MOST, POINTS, WIDTH, moments_of, obscured, pictures_of
from vhashdb.video import Decoder


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as decoder:
        yield decoder


@pytest.fixture(scope="module")
def colourful(tmp_path_factory):
    """A film of fine detail in strong colours, 4 s; frame ``n`` is at ``n / 10`` s."""
    rng = np.random.default_rng(8)
    frames = [np.kron(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), np.ones((5, 5, 1), np.uint8)) for _ in range(40)]
    return film(tmp_path_factory.mktemp("film") / "colourful.mp4", frames)


def pixels(picture):
    """What a browser would show, decoded from the page's own bytes."""
    head, _, data = picture.uri.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def detail(image):
    """Mean difference, of 255, between a picture and itself without anything finer than a 20th of its side."""
    grey = image.convert("L").resize((160, 120), Image.Resampling.BOX)
    coarse = grey.resize((20, 15), Image.Resampling.BOX).resize(grey.size, Image.Resampling.BICUBIC)
    return float(np.abs(np.asarray(grey, float) - np.asarray(coarse, float)).mean())


def test_an_obscured_picture_is_grey_and_has_lost_its_detail(colourful, decoder):
    moments = moments_of([Stretch((0, 4), (0, 4))])
    for picture, clear in zip(
        pictures_of(colourful, moments, decoder, clear=False), pictures_of(colourful, moments, decoder, clear=True), strict=True
    ):
        image, sharp = pixels(picture), pixels(clear)
        assert image.mode == sharp.mode == "L"  # there is no colour to be brought back
        assert image.size == sharp.size == (picture.width, picture.height)
        assert max(image.size) == WIDTH
        assert detail(sharp) > 20
        assert detail(image) < 3
        assert np.asarray(image).std() > 1  # coarse shapes are left


def test_an_obscured_picture_depends_on_a_few_averages_alone_so_nothing_can_bring_detail_back():
    rng = np.random.default_rng(2)
    one = rng.integers(0, 256, (7, 10, 14, 10), dtype=np.uint8)  # 14 × 7 blocks of 10 × 10 pixels
    other = rng.permuted(one.transpose(0, 2, 1, 3).reshape(7, 14, 100), axis=2).reshape(7, 14, 10, 10).transpose(0, 2, 1, 3)
    first, second = (obscured(Image.fromarray(blocks.reshape(70, 140))) for blocks in (one, other))
    assert POINTS == 14
    assert not np.array_equal(one, other)
    assert np.abs(np.asarray(first, int) - np.asarray(second, int)).max() <= 2  # rounding


def test_pictures_are_of_the_stretches_that_matched(colourful, decoder):
    shown = list(decoded(colourful))
    for start_s in (0.5, 2.2):
        (picture, *_) = pictures_of(colourful, moments_of([Stretch((start_s, start_s + 0.9), (0, 0.9))]), decoder, clear=True)
        minutes, seconds = picture.time.split(":")
        time_s = 60 * int(minutes) + float(seconds)
        assert start_s <= time_s <= start_s + 0.9
        grey = Image.fromarray(shown[round(10 * time_s)]).convert("L").resize((picture.width, picture.height))
        assert np.corrcoef(np.asarray(grey, float).ravel(), np.asarray(pixels(picture), float).ravel())[0, 1] > 0.9


def test_moments_are_in_the_middle_of_the_longest_stretches():
    assert [round(at, 2) for at, _ in moments_of([Stretch((0, 9), (0, 9))])] == [1.5, 4.5, 7.5]
    several = [Stretch((start, start + length), (0, length)) for start, length in ((0, 4), (5, 1), (10, 2), (20, 8))]
    assert [at for at, _ in moments_of(several)] == [2, 11, 24]
    assert len(moments_of([Stretch((0, 0.04), (2, 2))])) == 1
    assert len(several) > MOST


def test_proportions_are_those_of_the_file(tmp_path, decoder):
    path = film(tmp_path / "tall.mp4", scene(3, 20, height=160, width=96))
    (picture, *_) = pictures_of(path, moments_of([Stretch((0, 2), (0, 2))]), decoder, clear=False)
    assert (picture.width, picture.height) == (round(WIDTH * 96 / 160), WIDTH)


def test_a_file_that_cannot_be_read_any_more_has_no_pictures(tmp_path, decoder):
    moments = moments_of([Stretch((0, 2), (0, 2))])
    assert pictures_of(tmp_path / "gone.mp4", moments, decoder, clear=False) == ()
    (tmp_path / "text.mp4").write_text("no video")
    assert pictures_of(tmp_path / "text.mp4", moments, decoder, clear=False) == ()


@pytest.mark.parametrize(("wanted", "words"), [("obscured", "small, grey and blurred"), ("clear", "not blurred")])
def test_a_report_has_pictures_only_if_they_were_asked_for(wanted, words, known_db, asked, samples):
    path = samples / "edited" / "valley__mirror.mp4"
    with Report(known_db) as plain, Report(known_db, pictures=wanted) as report:
        plain.add(path, asked[path])
        report.add(path, asked[path])
    assert "<img" not in plain.page()
    assert "Das et al. 2020" not in plain.page()
    page = report.page()
    assert page.count('<img src="data:image/jpeg;base64,') == MOST
    assert page.count('alt="The submitted file at 0:') == MOST
    assert words in page
    assert "Das et al. 2020" in page
    assert "Lewitzka et al. 2026" in page


def test_nothing_is_written_to_disk_but_the_page(known_db, asked, samples, tmp_path, monkeypatch):
    path = samples / "edited" / "valley__mirror.mp4"
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "tmp")
    with Report(known_db, pictures="obscured") as report:
        report.add(path, asked[path])
        report.write(tmp_path / "page.html")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["page.html", "tmp"]
