"""Still pictures and animations as files: turned, transparent, cut off, oversized; read by the real decoder process."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

import vhashdb
from tests.footage import bits_between, decoded, film, picture, scene
from vhashdb.hashing import pdq
from vhashdb.video import Decoder, Mode, Sampling, frames_of_image

PICTURE = picture(3, 240, 320)
FULL = Sampling(Mode.FULL)
needs_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


def read(decoder, path, sampling=FULL):
    stream = decoder.read(path, sampling)
    batches = list(stream)
    return np.concatenate(batches), stream.info


def hashes_of(frames):
    return pdq.bits_of(frames["coefficients"])


def hash_of(pixels):
    return pdq.hash_luma(pdq.luma_of_rgb(np.asarray(pixels)))[0]


def animation(path, frames, durations, **options):
    """Write RGB or RGBA arrays as an animated picture; ``durations`` in milliseconds."""
    images = [Image.fromarray(f) for f in frames]
    if path.suffix == ".gif":  # the best palette, which is looked for otherwise, takes half a second a frame
        images = [i.quantize(method=Image.Quantize.FASTOCTREE) if i.mode == "RGB" else i for i in images]
    first, *others = images
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, **options)
    return path


# -- still pictures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, options, bits",
    [
        ("a.jpg", {"quality": 40}, 16),
        ("progressive.jpg", {"progressive": True}, 10),
        ("jpeg called.png", {"format": "JPEG"}, 10),
        ("no name", {"format": "JPEG"}, 10),
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tiff", {"compression": "tiff_lzw"}, 0),
        ("a.webp", {"quality": 60}, 16),
        ("lossless.webp", {"lossless": True}, 0),
        pytest.param("a.avif", {}, 16, marks=needs_avif),
    ],
)
def test_a_picture_of_any_format_is_one_frame(decoder, tmp_path, name, options, bits):
    Image.fromarray(PICTURE).save(tmp_path / name, **options)
    for mode in Mode:
        frames, info = read(decoder, tmp_path / name, Sampling(mode, 4.0))
        assert (len(frames), info.frames, info.duration_s, info.damage) == (1, 1, 0.04, ())
        assert (info.width, info.height) == (320, 240)
        assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= bits


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "CMYK"])
def test_a_picture_of_any_mode_is_seen_as_it_is_shown(decoder, tmp_path, mode):
    path = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    Image.fromarray(PICTURE).convert(mode).save(path)
    frames, _ = read(decoder, path)
    assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= 16


def test_sixteen_bits_are_eight_finer_ones(decoder, tmp_path):
    grey = np.asarray(Image.fromarray(PICTURE).convert("L"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    frames, _ = read(decoder, tmp_path / "deep.png")
    assert bits_between(hashes_of(frames)[0], pdq.hash_luma(grey)[0]) == 0


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff", pytest.param("avif", marks=needs_avif)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_as_it_is_shown(decoder, tmp_path, suffix, orientation):
    # What the camera stores, for the eight values of EXIF, when PICTURE is what was photographed.
    turns = {1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True), 5: (1, True), 6: (1, False), 7: (3, True), 8: (3, False)}
    quarters, mirrored = turns[orientation]
    stored = np.rot90(PICTURE[:, ::-1] if mirrored else PICTURE, quarters)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    frames, info = read(decoder, path)
    assert (info.width, info.height) == (320, 240)
    assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= 16


def test_malformed_exif_does_not_hide_the_picture(decoder, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + bytes(range(40)))
    frames, _ = read(decoder, tmp_path / "a.jpg")
    assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= 12


def test_transparency_is_shown_over_white_whatever_colour_it_hides(decoder, tmp_path):
    alpha = np.zeros((240, 320), np.uint8)
    alpha[60:180, 80:240] = 255
    seen = np.where(alpha[..., None], PICTURE, 255).astype(np.uint8)
    for name, hidden in (("a.png", PICTURE), ("b.png", PICTURE[::-1])):
        under = np.where(alpha[..., None], PICTURE, hidden)
        Image.fromarray(np.dstack([under, alpha])).save(tmp_path / name)
        frames, _ = read(decoder, tmp_path / name)
        assert bits_between(hashes_of(frames)[0], hash_of(seen)) == 0


@pytest.mark.parametrize("name", ["photo.jpg", "clear.png"])
def test_a_file_and_the_same_picture_in_memory_are_alike(decoder, tmp_path, name):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(PICTURE)
    image.putalpha(Image.fromarray(PICTURE[..., 0]))
    (image if name.endswith("png") else image.convert("RGB")).save(tmp_path / name, exif=exif)
    frames, _ = read(decoder, tmp_path / name)
    with Image.open(tmp_path / name) as opened:
        in_memory = frames_of_image(opened)[0]
    exact = [name for name in frames.dtype.names if name != "coefficients"]  # sums of another process round otherwise
    assert np.array_equal(frames[exact], in_memory[exact])
    assert frames["coefficients"] == pytest.approx(in_memory["coefficients"], abs=0.01)


def test_a_second_picture_behind_a_photograph_is_a_track_of_its_own(decoder, tmp_path):
    """Phones put a gain map or the other eye's picture there; it is looked at, as a still picture like the first."""
    first, second = Image.fromarray(PICTURE), Image.fromarray(picture(4, 240, 320))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    frames, info = read(decoder, tmp_path / "a.jpg")
    assert (len(frames), len(info.coverage.tracks)) == (2, 2)
    assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= 10
    assert vhashdb.fingerprint(tmp_path / "a.jpg").is_still


@pytest.mark.parametrize("name", ["film.mjpeg", "a film without a name of its own"])
def test_jpeg_pictures_in_a_row_are_a_film(decoder, tmp_path, name):
    film(tmp_path / name, scene(3, 20), codec="mjpeg", pix_fmt="yuvj420p", format="mjpeg")
    frames, info = read(decoder, tmp_path / name)
    assert len(frames) == 20
    assert info.codec == "mjpeg"


@pytest.mark.parametrize("name, options", [("a.jpg", {"quality": 95}), ("a.png", {})])
def test_a_picture_that_breaks_off_gives_the_part_that_is_there(decoder, tmp_path, name, options):
    Image.fromarray(PICTURE).save(tmp_path / name, **options)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) * 97 // 100])
    frames, info = read(decoder, tmp_path / name)
    assert any("part of the picture is missing" in line for line in info.damage)
    assert bits_between(hashes_of(frames)[0], hash_of(PICTURE)) <= 31


@pytest.mark.parametrize("start", [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"RIFF\xff\0\0\0WEBPVP8 ", b"\0\0\0 ftypavif"])
def test_noise_that_begins_like_a_picture_is_an_error_of_the_library(decoder, tmp_path, start):
    for length in (0, 4, 30, 500, 20_000):
        (tmp_path / "noise").write_bytes(start + np.random.default_rng(length).bytes(length))
        with pytest.raises(vhashdb.MediaError, match="noise"):
            list(decoder.read(tmp_path / "noise", FULL))


def test_a_film_that_is_called_a_picture_is_a_film(decoder, samples, tmp_path):
    (tmp_path / "a.webp").write_bytes((samples / "edited" / "valley__clip.mp4").read_bytes())
    assert len(read(decoder, tmp_path / "a.webp")[0]) == 96


# -- limits ----------------------------------------------------------------------------------------


def bomb(side):
    """A valid PNG of a few kB that unpacks to ``side`` × ``side`` pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pack = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    body = b"".join(pack.compress(row) for _ in range(side)) + pack.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def test_a_picture_that_unpacks_beyond_the_limit_is_refused(decoder, tmp_path, samples):
    (tmp_path / "bomb.png").write_bytes(bomb(30_000))
    with pytest.raises(vhashdb.LimitExceeded, match=r"bomb\.png"):
        list(decoder.read(tmp_path / "bomb.png", FULL))
    assert len(read(decoder, samples / "still.png")[0]) == 1  # the decoder is well


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tiff", "moving.webp", pytest.param("moving.avif", marks=needs_avif)])
def test_the_limit_on_pixels_is_exact(tmp_path, name):
    if name.startswith("moving"):
        animation(tmp_path / name, scene(1, 3), 100)
    else:
        Image.fromarray(picture(1, 120, 160)).save(tmp_path / name)
    assert len(vhashdb.fingerprint(tmp_path / name, limits=vhashdb.Limits(pixels=160 * 120)))
    with pytest.raises(vhashdb.LimitExceeded):
        vhashdb.fingerprint(tmp_path / name, limits=vhashdb.Limits(pixels=160 * 120 - 1))


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_too_little_memory_for_a_picture_is_an_error_of_the_library(tmp_path, name):
    Image.fromarray(np.zeros((5000, 7000, 3), np.uint8)).save(tmp_path / name)
    with pytest.raises(vhashdb.MediaError):
        vhashdb.fingerprint(tmp_path / name, limits=vhashdb.Limits(memory_bytes=300 << 20))


def test_an_animation_longer_than_the_limit_is_read_up_to_it(tmp_path):
    path = animation(tmp_path / "a.webp", scene(1, 30), 200)
    for limits in (vhashdb.Limits(duration_s=2.0), vhashdb.Limits(frames=10)):
        fingerprint = vhashdb.fingerprint(path, limits=limits)
        assert fingerprint.duration_s == pytest.approx(2.0, abs=0.3)
        assert any("limit on length" in line for line in fingerprint.damage)


# -- animations ------------------------------------------------------------------------------------

ANIMATIONS = ["a.webp", "a.gif", "a.png", pytest.param("a.avif", marks=needs_avif)]
UNEVEN = [100, 40, 500, 250, 60, 900, 300, 120]


@pytest.mark.parametrize("name", ANIMATIONS)
def test_an_animation_has_its_own_times(decoder, tmp_path, name):
    path = animation(tmp_path / name, scene(2, len(UNEVEN)), UNEVEN)
    frames, info = read(decoder, path)
    assert np.allclose(frames["time_s"], np.cumsum([0, *UNEVEN[:-1]]) / 1000, atol=0.011)
    assert info.duration_s == pytest.approx(sum(UNEVEN) / 1000, abs=0.011)
    assert (info.frames, info.damage) == (len(UNEVEN), ())


@pytest.mark.parametrize("name", ANIMATIONS)
@pytest.mark.parametrize("mode", [Mode.SAMPLED, Mode.KEYFRAMES])
def test_an_animation_is_looked_at_on_the_clock(decoder, tmp_path, name, mode):
    path = animation(tmp_path / name, scene(2, 60), 50)
    frames, info = read(decoder, path, Sampling(mode, 4.0))
    assert np.allclose(frames["time_s"], np.arange(12) / 4, atol=0.06)
    assert info.duration_s == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("name", ["a.webp", "a.gif"])
def test_pictures_shown_for_no_time_are_shown_for_a_tenth_of_a_second(decoder, tmp_path, name):
    path = animation(tmp_path / name, scene(2, 10), 0)
    _, info = read(decoder, path)
    assert info.duration_s == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_a_transparent_gif_is_put_together_as_a_browser_does(decoder, tmp_path, disposal):
    """A ball on a ground that only the first picture has, or that goes with each picture."""
    ground, transparent = 1, 0
    pictures = []
    for number in range(6):
        pixels = np.full((120, 160), ground if number == 0 else transparent, np.uint8)
        pixels[30 + 8 * number : 60 + 8 * number, 20 + 15 * number : 60 + 15 * number] = 2
        image = Image.fromarray(pixels)
        image.putpalette([255, 0, 255, 60, 120, 60, 250, 250, 90])
        pictures.append(image)
    path = tmp_path / "ball.gif"
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=200, transparency=transparent, disposal=disposal, optimize=False
    )
    frames, info = read(decoder, path)
    assert (len(frames), info.duration_s) == (6, pytest.approx(1.2))
    with Image.open(path) as image:
        for number in range(6):
            image.seek(number)
            shown = image.convert("RGBA")
            seen = (
                Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("L").resize((128, 128), Image.Resampling.BOX)
            )
            assert np.abs(frames["thumbnail"][number].astype(int) - np.asarray(seen)).mean() < 3, number


def test_an_animated_webp_that_breaks_off_gives_its_whole_pictures(decoder, tmp_path):
    path = animation(tmp_path / "a.webp", scene(2, 20), 100)
    whole, _ = read(decoder, path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    frames, info = read(decoder, path)
    assert 5 < len(frames) < 16
    assert info.duration_s == pytest.approx(len(frames) / 10)
    assert any("breaks off" in line for line in info.damage)
    assert np.array_equal(hashes_of(frames), hashes_of(whole)[: len(frames)])


def test_an_animated_webp_with_a_damaged_picture_ends_there(decoder, tmp_path):
    path = animation(tmp_path / "a.webp", scene(2, 20), 100, lossless=True)
    data = bytearray(path.read_bytes())
    at = [i for i in range(len(data)) if data[i : i + 4] == b"ANMF"][12]
    data[at + 60 : at + 300] = np.random.default_rng(1).bytes(240)
    path.write_bytes(data)
    frames, info = read(decoder, path)
    assert len(frames) == 12
    assert any("12 of 20 could be decoded" in line for line in info.damage)


def test_a_webp_cut_anywhere_is_frames_or_an_error(decoder, tmp_path):
    data = animation(tmp_path / "a.webp", scene(2, 6), 100).read_bytes()
    for length in range(0, len(data), max(1, len(data) // 40)):
        (tmp_path / "cut.webp").write_bytes(data[:length])
        try:
            frames, info = read(decoder, tmp_path / "cut.webp")
        except vhashdb.MediaError:
            continue
        assert len(frames) <= 6
        assert info.damage


# -- fingerprints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.webp", "a.gif", pytest.param("a.avif", marks=needs_avif)])
@pytest.mark.parametrize("seed", [1, 7])
def test_an_animation_matches_the_film_of_the_same_pictures(tmp_path, name, seed):
    frames = scene(seed, 40, 180, 240)
    known = vhashdb.fingerprint(film(tmp_path / "a.mp4", frames, rate=10))
    asked = vhashdb.fingerprint(animation(tmp_path / name, frames, 100), views="query")
    judgement = vhashdb.compare(asked, known).judgement
    assert judgement.verdict == "match"
    assert judgement.query_coverage > 0.9
    assert judgement.segments[0].reference_start_s == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize("effort", ["fast", "balanced"])
@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_an_animation_of_a_known_film_is_found(known_db, samples, tmp_path, suffix, effort):
    frames = list(decoded(samples / "known" / "harbour.mp4", every=3, limit=40))
    path = animation(tmp_path / f"a.{suffix}", frames, 125)
    best = known_db.match(path, effort=effort).matches[0]
    assert (known_db.names[best.record.id], best.verdict) == ("harbour", "match")


@pytest.mark.parametrize("name, options", [("a.jpg", {"quality": 40}), ("a.png", {}), ("a.webp", {"quality": 50}), ("a.tiff", {})])
def test_a_picture_of_a_known_film_is_possible_and_has_its_second(known_db, samples, tmp_path, name, options):
    """Of a lively film not every moment is stored: one picture of the eight may be too far from all that are."""
    found = 0
    for second, pixels in enumerate(decoded(samples / "known" / "playground.mp4", every=24, limit=8)):
        Image.fromarray(pixels).save(tmp_path / name, **options)
        result = known_db.match(tmp_path / name)
        if result.verdict == "no-match":
            continue
        assert [(known_db.names[m.record.id], m.verdict) for m in result.matches] == [("playground", "possible")]
        (segment,) = result.matches[0].segments
        assert segment.reference_start_s - 0.5 < second < segment.reference_end_s + 0.5
        found += 1
    assert found >= 7


@pytest.mark.parametrize("bars", [0, 40])
def test_a_screenshot_of_a_film_is_found_in_it(tmp_path, bars):
    """The known film's picture on a page, through the whole of it: file, boxes, views, comparison."""
    frames = scene(3, 30, 180, 320)
    known = vhashdb.fingerprint(film(tmp_path / "a.mp4", frames, rate=10))
    shot = Image.new("RGB", (1280, 800), "white")
    draw = ImageDraw.Draw(shot)
    draw.rectangle((0, 0, 1280, 90), fill="teal")
    draw.rectangle((200, 180 - bars, 1079, 675 + bars), fill="black")
    draw.text((30, 30), "A window with a title", fill="white", font_size=24)
    shot.paste(Image.fromarray(frames[12]).resize((880, 495)), (200, 180))
    shot.save(tmp_path / "shot.jpg", quality=80)
    judgement = vhashdb.compare(vhashdb.fingerprint(tmp_path / "shot.jpg", views="query"), known).judgement
    assert judgement.verdict == "possible"
    assert judgement.segments[0].reference_start_s == pytest.approx(1.2, abs=0.3)
