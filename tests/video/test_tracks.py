"""All tracks of pictures in a file are read, on one line of time; what was not seen is said, and is never a plain no match."""

import shutil

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.footage import bits_between, film, motion_photo, picture, scene, sound, tiled_heic, tracks
from vhashdb.video import Decoder, Mode, Sampling

RATE = 10
KNOWN, OTHER = scene(21, 60), scene(22, 40)
COVER = picture(23, 480, 640)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """One folder of films, each made once."""
    folder = tmp_path_factory.mktemp("tracks")
    film(folder / "known.mp4", KNOWN, rate=RATE)
    film(folder / "other.mp4", OTHER, rate=RATE)
    tracks(folder / "cover_larger.mp4", (KNOWN, RATE), ([COVER], RATE, "mjpeg"))
    tracks(folder / "known_second.mp4", (OTHER, RATE), (KNOWN, RATE))
    tracks(folder / "known_second.mkv", (OTHER, RATE), (KNOWN, RATE))
    tracks(folder / "known_third.mkv", (OTHER, RATE), (OTHER[::-1], RATE), (KNOWN, RATE))
    tracks(folder / "small_first.mp4", (KNOWN, RATE), (scene(24, 40, 240, 320), RATE))
    motion_photo(folder / "motion.jpg", picture(25, 480, 640), folder / "known.mp4")
    return folder


@pytest.fixture(scope="module")
def database(made):
    with vhashdb.create(made / "k.vhdb") as database:
        database.add(made / "known.mp4")
        yield database


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


FILES = ["cover_larger.mp4", "known_second.mp4", "known_second.mkv", "known_third.mkv", "small_first.mp4", "motion.jpg"]


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
@pytest.mark.parametrize("name", FILES)
def test_a_known_film_is_found_on_any_track(database, made, name, effort):
    result = database.match(made / name, effort=effort)
    assert result.verdict == "match"
    assert result.coverage.complete
    assert result.coverage.tracks_seen == len(result.coverage.tracks) == (3 if "third" in name else 2)
    # Times are those of the line that the tracks lie on.
    (segment,) = result.matches[0].segments
    track = next(track for track in result.coverage.tracks if track.duration_s == pytest.approx(6, abs=0.1))
    assert segment.query_start_s == pytest.approx(track.start_s, abs=0.5)


@pytest.mark.parametrize("name", FILES)
def test_what_was_added_with_several_tracks_is_found_by_the_film_alone(made, tmp_path, name):
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        database.add(made / name)
        result = database.match(made / "known.mp4")
        assert result.verdict == "match"
        assert result.matches[0].judgement.matched_reference_s <= result.matches[0].record.duration_s


def test_tracks_lie_one_after_the_other_and_none_runs_on_into_the_next(decoder, made):
    stream = decoder.read(made / "known_second.mp4", Sampling(Mode.SAMPLED, 8.0))
    frames = np.concatenate(list(stream))
    first, second = stream.info.coverage.tracks
    assert (first.number, second.number) == (0, 1)  # the one that is shown unless somebody chooses another comes first
    assert (first.start_s, second.start_s) == (0.0, pytest.approx(5.0, abs=0.05))
    assert stream.info.duration_s == pytest.approx(11.0, abs=0.05)
    (begins,) = np.flatnonzero(frames["hole_s"])
    assert frames["time_s"][begins] == pytest.approx(second.start_s)
    fingerprint = vhashdb.fingerprint(made / "known_second.mp4")
    between = (fingerprint.start_s < 4.9) & (fingerprint.end_s > 4.2)
    assert not between.any()
    assert fingerprint.coverage.seen_s == pytest.approx(10.0, abs=0.1)


def test_a_file_with_one_track_is_as_it_was(made):
    fingerprint = vhashdb.fingerprint(made / "known.mp4")
    assert fingerprint.duration_s == pytest.approx(6.0, abs=0.01)
    (track,) = fingerprint.coverage.tracks
    assert (track.number, track.codec, track.width, track.height, track.start_s) == (0, "h264", 160, 120, 0.0)
    assert track.seen_s == track.duration_s == fingerprint.coverage.there_s == pytest.approx(6.0, abs=0.01)


def test_tracks_beyond_the_limit_are_said(made, tmp_path):
    path = tracks(tmp_path / "many.mkv", *[(scene(30 + number, 10), RATE) for number in range(5)])
    fingerprint = vhashdb.fingerprint(path, limits=vhashdb.Limits(tracks=3))
    assert len(fingerprint.coverage.tracks) == 3
    assert not fingerprint.coverage.complete
    assert any("3 of 5 tracks" in words for words in fingerprint.damage)


def test_shared_covers_do_not_make_a_match(made, tmp_path):
    """Many files that have nothing else in common show the same cover: at most a picture to look at."""
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        database.add(made / "cover_larger.mp4")
        other = tracks(tmp_path / "other.mp4", (OTHER, RATE), ([COVER], RATE, "mjpeg"))
        assert database.match(other).verdict in ("possible", "no-match")


def unknown_codec(path, source):
    """The same file with a codec that nobody knows."""
    data = source.read_bytes()
    assert data.count(b"avc1")
    path.write_bytes(data.replace(b"avc1", b"zzq1").replace(b"avcC", b"zzqC"))
    return path


def test_a_codec_that_is_not_known_is_named_as_such(made, tmp_path):
    with pytest.raises(vhashdb.UnreadableMedia, match="its codec is not known"):
        vhashdb.fingerprint(unknown_codec(tmp_path / "a.mp4", made / "known.mp4"))


def test_a_track_that_cannot_be_read_beside_a_known_one_is_said(database, made, tmp_path):
    mixed = tracks(tmp_path / "mixed.mp4", (OTHER, RATE), (KNOWN, RATE, "mpeg4"))
    strange = unknown_codec(tmp_path / "strange.mp4", mixed)
    result = database.match(strange)
    assert result.verdict == "match"
    assert not result.coverage.complete
    assert result.to_json("x")["coverage"]["tracks_seen"] == 1
    innocent = unknown_codec(tmp_path / "innocent.mp4", tracks(tmp_path / "i.mp4", (KNOWN, RATE), (OTHER, RATE, "mpeg4")))
    for effort in ("fast", "balanced", "thorough"):
        result = database.match(innocent, effort=effort)
        assert result.verdict == "insufficient"
        assert "its codec is not known" in result.reason


# -- photographs -------------------------------------------------------------------------------------


def test_the_tiles_of_a_heic_are_one_picture(tmp_path):
    pixels = picture(26, 512, 768)
    path = tiled_heic(tmp_path / "photo.heic", pixels, 256)
    fingerprint = vhashdb.fingerprint(path)
    assert (fingerprint.width, fingerprint.height) == (768, 512)
    whole = vhashdb.fingerprint(Image.fromarray(pixels))
    assert bits_between(fingerprint.hash[:1], whole.hash[:1])[0] <= 16
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        database.add(path)
        Image.fromarray(pixels).save(tmp_path / "photo.png")
        assert database.match(tmp_path / "photo.png").verdict == "possible"


def test_a_film_behind_a_heic_is_read(database, made, tmp_path):
    path = tiled_heic(tmp_path / "photo.heic", picture(27, 256, 512), 256)
    path.write_bytes(path.read_bytes() + (made / "known.mp4").read_bytes())
    assert database.match(path).verdict == "match"


def test_the_photograph_before_a_film_is_looked_at_as_a_photograph(made, tmp_path):
    """A still picture is compared less strictly than one frame of a film; it stays one with a film behind it."""
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        Image.fromarray(COVER).save(tmp_path / "cover.png")
        database.add(tmp_path / "cover.png")
        noisy = np.clip(COVER.astype(int) + np.random.default_rng(3).normal(0, 40, COVER.shape), 0, 255).astype(np.uint8)
        path = motion_photo(tmp_path / "motion.jpg", noisy, made / "other.mp4")
        assert database.match(path).verdict == "possible"


def test_a_film_behind_a_picture_that_is_cut_off_is_said(database, made, tmp_path):
    path = motion_photo(tmp_path / "motion.jpg", picture(25, 480, 640), made / "other.mp4")
    data = path.read_bytes()
    path.write_bytes(data[: -len((made / "other.mp4").read_bytes()) // 2])
    result = database.match(path)
    assert result.verdict == "insufficient"
    assert not result.coverage.complete


def test_every_picture_of_a_burst_is_looked_at(database, made, tmp_path):
    pages = [Image.fromarray(picture(40 + number, 240, 320)) for number in range(14)]
    pages[0].save(tmp_path / "burst.jpg", "MPO", save_all=True, append_images=pages[1:], quality=90)
    fingerprint = vhashdb.fingerprint(tmp_path / "burst.jpg")
    assert len(fingerprint.coverage.tracks) == 14
    assert fingerprint.coverage.complete
    with vhashdb.create(tmp_path / "k.vhdb") as stills:
        pages[9].save(tmp_path / "one.png")
        stills.add(tmp_path / "one.png")
        assert stills.match(tmp_path / "burst.jpg").verdict == "possible"


# -- what was not seen -------------------------------------------------------------------------------


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi"])
def test_a_download_that_broke_off_is_no_no_match(made, database, tmp_path, suffix, effort):
    whole = tracks(tmp_path / f"whole.{suffix}", (scene(50, 200), RATE), options={"movflags": "faststart"} if suffix == "mp4" else {})
    data = whole.read_bytes()
    (tmp_path / f"cut.{suffix}").write_bytes(data[: len(data) // 3])
    assert database.match(whole, effort=effort).verdict == "no-match"
    result = database.match(tmp_path / f"cut.{suffix}", effort=effort)
    assert result.verdict == "insufficient"
    assert result.reason.startswith("nothing known in the ")
    assert not result.coverage.complete
    assert result.coverage.seen_s < result.coverage.there_s or "cut off" in result.reason


@pytest.mark.parametrize("limits", [{"duration_s": 2.0}, {"frames": 15}])
def test_what_lies_beyond_a_limit_is_no_no_match(made, tmp_path, limits):
    with vhashdb.create(tmp_path / "k.vhdb", limits=vhashdb.Limits(**limits)) as database:
        database.add(made / "known.mp4")
        result = database.match(made / "other.mp4", effort="thorough")
        assert (result.verdict, result.coverage.complete) == ("insufficient", False)
        assert result.coverage.there_s == pytest.approx(4.0, abs=0.1)
        assert database.match(made / "known.mp4").verdict == "match"  # what is found is found


@pytest.mark.parametrize("seconds", [6, 14, 30])
def test_a_single_keyframe_does_not_speak_for_a_film(tmp_path, seconds):
    """The known part comes after it."""
    frames = scene(60, seconds * RATE - len(KNOWN) + 20)
    path = film(tmp_path / "one.mp4", [*frames, *KNOWN[:40]], rate=RATE, options={"g": "9999", "sc_threshold": "0"})
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        database.add(film(tmp_path / "known.mp4", KNOWN, rate=RATE))
        assert database.match(path, effort="fast").verdict == "match"


def test_damage_too_short_to_hide_anything_is_only_noted(database, made, tmp_path):
    data = bytearray((film(tmp_path / "a.ts", scene(61, 300), rate=25, options={"g": "12"})).read_bytes())
    for place in range(len(data) // 3, len(data) // 3 + 188 * 3):
        data[place] ^= 0x5A
    (tmp_path / "scratched.ts").write_bytes(data)
    result = database.match(tmp_path / "scratched.ts")
    assert result.verdict == "no-match"


def test_frames_of_no_length_say_nothing(database):
    text = "".join(f"{n},100,{'ab' * 32},0.0\n" for n in range(5))
    result = database.match(vhashdb.from_vpdq(text))
    assert result.verdict == "insufficient"


# -- words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, start, words",
    [
        ("a.jxl", b"\xff\x0a", "JPEG XL pictures are not read"),
        ("b.jxl", b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL pictures are not read"),
        ("a.jp2", b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 pictures are not read"),
        ("a.psd", b"8BPS\0\1", "Photoshop documents are not read"),
        ("a.pdf", b"%PDF-1.7\n", "PDF documents are not read"),
        ("a.svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG drawings are not read"),
        ("a.zip", b"PK\x03\x04\x14\0\x01\0", "archives"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c\0\4", "archives"),
        ("a.cr3", b"\0\0\0\x18ftypcrx \0\0\0\1", "raw pictures of cameras are not read"),
        ("a.mp4", b"Salted__12345678", "encrypted files are not read"),
    ],
)
def test_a_format_that_is_not_read_is_named(tmp_path, name, start, words):
    (tmp_path / name).write_bytes(start + np.random.default_rng(1).bytes(5000))
    with pytest.raises(vhashdb.NotMedia, match=words) as caught:
        vhashdb.fingerprint(tmp_path / name)
    assert "damaged" not in str(caught.value)


def test_sound_alone_has_no_video_track(tmp_path):
    with pytest.raises(vhashdb.NotMedia, match="no video track"):
        vhashdb.fingerprint(sound(tmp_path / "a.m4a"), sound=False)
    heard = vhashdb.fingerprint(sound(tmp_path / "a.m4a"))
    assert not len(heard) and heard.sound is not None and heard.coverage.sounds and not heard.coverage.tracks


def test_a_picture_over_the_limit_is_told_in_plain_words(tmp_path):
    Image.new("RGB", (300, 200)).save(tmp_path / "a.png")
    for limit in (10_000, 50_000):
        with pytest.raises(vhashdb.LimitExceeded, match="pixels") as caught:
            vhashdb.fingerprint(tmp_path / "a.png", limits=vhashdb.Limits(pixels=limit))
        assert "bomb" not in str(caught.value)
        assert "limit on pixels" in caught.value.hint


def test_a_file_object_is_not_named_after_the_copy_of_it(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no film at all" * 100)
    with open(tmp_path / "broken.mp4", "rb") as file, pytest.raises(vhashdb.MediaError) as caught:
        vhashdb.fingerprint(file)
    assert "broken.mp4" in str(caught.value)
    assert "vhashdb-" not in str(caught.value)


def test_large_photographs_are_read_in_parts_with_the_same_hash(tmp_path, monkeypatch):
    """48 megapixels by default; the smaller JPEG that is decoded then has the same hash but for a few bits."""
    large = Image.fromarray(picture(70, 600, 800)).resize((8064, 6048), Image.Resampling.BICUBIC)
    large.save(tmp_path / "large.jpg", quality=90)
    small = large.resize((2016, 1512), Image.Resampling.BOX)
    fingerprint = vhashdb.fingerprint(tmp_path / "large.jpg")
    assert bits_between(fingerprint.hash[:1], vhashdb.fingerprint(small).hash[:1])[0] <= 10
    shutil.rmtree(tmp_path)


def test_rows_give_the_buffer_that_the_whole_gives():
    from vhashdb.hashing import pdq

    luma = pdq.luma_of_rgb(picture(71, 700, 900))
    assert np.array_equal(pdq.buffer_of(luma), pdq.buffer_of_rows(700, 900, lambda first, last: luma[first:last]))
