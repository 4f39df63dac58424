"""What is in a folder: told apart by content, and nothing passed over without a reason."""

import io
import os
import random
import struct
import zipfile
import zlib
from fractions import Fraction
from pathlib import Path, PurePath

import av
import numpy as np
import pytest
from PIL import Image

from tests.footage import bursts, sounding
from vhashdb.content import EMPTY, FORK, HEAD, NOT_MEDIA, SOUND, begins_as_media, hides_video, skip_reason_of
from vhashdb.walking import DATABASE, LINK, walk

FILMS = [
    ("mp4", "mpeg4"),
    ("mov", "mpeg4"),
    ("3gp", "mpeg4"),
    ("matroska", "mpeg4"),
    ("webm", "libvpx"),
    ("avi", "mpeg4"),
    ("asf", "mpeg4"),
    ("flv", "flv"),
    ("mpeg", "mpeg2video"),
    ("vob", "mpeg2video"),
    ("mpegts", "mpeg2video"),
    ("mxf", "mpeg2video"),
    ("mpeg2video", "mpeg2video"),
    ("mpeg1video", "mpeg1video"),
    ("m4v", "mpeg4"),
    ("h264", "libx264"),
    ("hevc", "libx265"),
    ("ogv", "libtheora"),
    ("nut", "mpeg4"),
    ("ivf", "libvpx"),
    ("yuv4mpegpipe", "rawvideo"),
    ("gif", "gif"),
    ("rm", "rv10"),
    ("wtv", "mpeg2video"),
]


def film(container, codec):
    """A second of noise in this container; None where FFmpeg was built without it."""
    file = io.BytesIO()
    noise = np.random.default_rng(1)
    try:
        with av.open(file, "w", format=container) as out:
            stream = out.add_stream(codec, rate=Fraction(25), options={"x265-params": "log-level=none"})
            stream.width, stream.height = 176, 144
            stream.pix_fmt = "rgb8" if codec == "gif" else "yuv420p"
            for _ in range(25):
                frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (144, 176, 3), np.uint8), format="rgb24")
                out.mux(stream.encode(frame.reformat(format=stream.pix_fmt)))
            out.mux(stream.encode())
    except (ValueError, av.FFmpegError):
        return None
    return file.getvalue()


@pytest.mark.parametrize(("container", "codec"), FILMS)
def test_a_film_is_known_without_its_name(container, codec):
    data = film(container, codec)
    if data is None:
        pytest.skip(f"this FFmpeg writes no {container} with {codec}")
    assert skip_reason_of(data[:HEAD], PurePath("3f2a9c"), len(data)) == ""
    assert skip_reason_of(data[:HEAD], PurePath("3f2a9c.txt"), len(data)) == ""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "JPEG2000", "PPM"])
def test_a_picture_is_known_without_its_name(form):
    if form not in (Image.registered_extensions().values()):
        pytest.skip(f"this Pillow writes no {form}")
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, form)
    assert begins_as_media(file.getvalue()[:HEAD])


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        out.writestr("clip.mp4", b"x" * 5000)
    return file.getvalue()


OTHERS = [
    (b"", EMPTY),
    (b"some words\n" * 500, NOT_MEDIA),
    ("žluťoučký kůň\n".encode() * 100, NOT_MEDIA),
    ("in UTF-16\n".encode("utf-16"), NOT_MEDIA),
    (b"G" * 5000, NOT_MEDIA),
    (b'{"type": "file"}\n' * 100, NOT_MEDIA),
    (b"#EXTM3U\nfile:///etc/passwd\n", NOT_MEDIA),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", NOT_MEDIA),
    (b"\x7fELF\x02\x01\x01" + bytes(3000), NOT_MEDIA),
    (bytes(5000), NOT_MEDIA),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(500), NOT_MEDIA),
    (b"SQLite format 3\0" + bytes(3000), NOT_MEDIA),
    (b"\0\1\0\0\0\x0f\0\x80" + bytes(3000), NOT_MEDIA),  # a font
    (b"\0\0\1\0\1\0\x10\x10" + bytes(3000), NOT_MEDIA),  # an icon
    (zlib.compress(random.Random(1).randbytes(3000)), NOT_MEDIA),
    (archive(), NOT_MEDIA),
    (b"BM words that begin like a bitmap", NOT_MEDIA),
    (b"MM words", NOT_MEDIA),
    (b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\x00" * 900, SOUND),
    (b"\xff\xfb\x90\x00" * 900, SOUND),
    (b"RIFF\x24\0\0\0WAVEfmt " + bytes(3000), SOUND),
    (b"fLaC" + bytes(3000), SOUND),
    (b"OggS" + bytes(24) + b"OpusHead" + bytes(3000), SOUND),
]


@pytest.mark.parametrize(("data", "reason"), OTHERS, ids=[f"{number}-{reason}" for number, (_, reason) in enumerate(OTHERS)])
def test_what_is_no_media_has_a_reason_and_is_looked_at_if_its_ending_says_so(data, reason):
    assert skip_reason_of(data[:HEAD], PurePath("README"), len(data)) == reason
    assert skip_reason_of(data[:HEAD], PurePath("clip.mp4"), len(data)) == ""


SOUNDS = [
    ("mp3", "libmp3lame"),
    ("ogg", "libopus"),
    ("wav", "pcm_s16le"),
    ("ipod", "aac"),
    ("adts", "aac"),
    ("flac", "flac"),
    ("asf", "wmav2"),
    ("matroska", "ac3"),
    ("aiff", "pcm_s16be"),
    ("au", "pcm_s16be"),
    ("caf", "alac"),
    ("wv", "wavpack"),
    ("tta", "tta"),
    ("ac3", "ac3"),
    ("w64", "pcm_s16le"),
]


@pytest.mark.parametrize(("container", "codec"), SOUNDS)
def test_sound_is_known_without_its_name_where_it_is_looked_at(container, codec):
    samples = bursts(1, [0.5], 48000, 2)
    data = sounding(io.BytesIO(), {"samples": samples, "rate": 48000, "codec": codec}, format=container).getvalue()
    for name in ("3f2a9c", "3f2a9c.txt"):
        assert skip_reason_of(data[:HEAD], PurePath(name), len(data), sound=True) == ""
    assert skip_reason_of(data[:HEAD], PurePath("3f2a9c"), len(data)) in (SOUND, "")  # "": its container may have pictures


def test_sound_is_looked_at_by_its_ending_and_notes_are_not():
    assert skip_reason_of(bytes(3000), PurePath("a.MP3"), 3000, sound=True) == ""
    assert skip_reason_of(bytes(3000), PurePath("a.MP3"), 3000) == NOT_MEDIA
    assert skip_reason_of(b"", PurePath("a.wav"), 0) == EMPTY
    assert skip_reason_of(b"MThd" + bytes(3000), PurePath("a.mid"), 3004, sound=True) == SOUND


@pytest.mark.parametrize("before", [b"VHFP\x02", b"\x7fELF\x02", b"PK\x03\x04", bytes(100), b"\x93junk"])
@pytest.mark.parametrize(("container", "codec"), [("mpeg", "mpeg2video"), ("mpegts", "mpeg2video"), ("mpeg2video", "mpeg2video")])
def test_a_film_behind_something_else_is_looked_at(before, container, codec):
    data = before + bytes(range(256)) + film(container, codec)
    assert skip_reason_of(data[:HEAD], PurePath("3f2a9c"), len(data)) == ""


def test_video_is_noticed_in_compressed_data_and_noise_is_not():
    noise = random.Random(2).randbytes(1 << 20)
    assert not hides_video(noise)
    for container, codec in [("mpeg", "mpeg2video"), ("mpegts", "mpeg2video"), ("h264", "libx264")]:
        data = film(container, codec)
        assert data is None or hides_video(noise + data)


# -- the walk ----------------------------------------------------------------------------------------


@pytest.fixture
def picture():
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    return file.getvalue()


def walked(folder):
    """Names below the folder, each with the reason why it is passed over."""
    return [(found.path.relative_to(folder).as_posix(), found.skipped) for found in walk(folder)]


def test_every_name_is_given_in_order_or_has_a_reason(tmp_path, picture):
    fork = b"\0\5\x16\7" + struct.pack(">II", 0x20000, 0) + bytes(200)
    files = {
        "3f2a9c": picture,
        "b.heic": b"\0\0\0\x18ftypheic",
        ".hidden": picture,
        "._b.heic": fork,
        "clip._x": fork,
        "notes.txt": b"words",
        "nothing": b"",
        "nothing.mp4": b"",
        ".folder/x": picture,
        "deep/y.3gpp": b"?",
        "own.vhdb/records.sqlite": b"SQLite format 3\0",
        "own.vhdb/z.mp4": picture,
        "not-one.vhdb/z": picture,
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    os.mkfifo(tmp_path / "pipe")
    assert dict(walked(tmp_path)) == {
        "._b.heic": FORK,
        ".hidden": "",
        "3f2a9c": "",
        "b.heic": "",
        "clip._x": NOT_MEDIA,
        "link": LINK,
        "notes.txt": NOT_MEDIA,
        "nothing": EMPTY,
        "nothing.mp4": "",
        "nowhere": "",
        "pipe": "",
        "round": "",
        "own.vhdb": DATABASE,
        ".folder/x": "",
        "deep/y.3gpp": "",
        "not-one.vhdb/z": "",
    }
    assert walked(tmp_path) == walked(tmp_path)


def test_a_path_that_is_too_long_is_given_so_that_it_is_an_error(tmp_path, picture):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):  # 6,000 bytes, which no path may have
        os.mkdir("d" * 200, dir_fd=descriptor)
        inner = os.open("d" * 200, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    with open(os.open("clip.mp4", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor), "wb") as file:
        file.write(picture)
    os.close(descriptor)
    (found,) = walk(tmp_path)
    assert found.skipped == "" and len(os.fspath(found.path)) > 3800


def test_a_folder_that_is_gone_is_given_so_that_it_is_an_error(tmp_path):
    assert [(found.path, found.skipped) for found in walk(tmp_path / "gone")] == [(Path(tmp_path / "gone"), "")]
