"""Sound files of every kind, to be mutated: containers and codecs, pictures, fingerprints, foreign lists, feeds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import av.error
from PIL import Image

import vhashdb
from tests.exchange.companies import Company
from tests.exchange.companies import film as company_film
from tests.exchange.formats.samples import SAMPLES
from tests.fingerprints.strategies import random_sound
from tests.footage import bursts, film, picture, scene, sounding

# (file name, codec, pixel format, container format where the ending does not say)
_CONTAINERS = (
    ("a.mp4", "libx264", "yuv420p", None),
    ("b.mov", "mjpeg", "yuvj420p", None),
    ("c.mkv", "mpeg4", "yuv420p", None),
    ("d.avi", "mpeg4", "yuv420p", None),
    ("e.webm", "libvpx-vp9", "yuv420p", None),
    ("f.ts", "mpeg2video", "yuv420p", None),
    ("g.flv", "flv1", "yuv420p", None),
    ("h.gif", "gif", "rgb8", None),
    ("i.h264", "libx264", "yuv420p", "h264"),
    ("j.3gp", "h263", "yuv420p", None),
    ("k.mpg", "mpeg1video", "yuv420p", "mpeg"),
    ("l.ogv", "libtheora", "yuv420p", "ogg"),
    ("m.wmv", "wmv2", "yuv420p", "asf"),
    ("n.hevc", "libx265", "yuv420p", "hevc"),
    ("o.apng", "apng", "rgb24", "apng"),
    ("p.mkv", "ffv1", "yuv420p", None),
    ("q.ivf", "libvpx", "yuv420p", "ivf"),
    ("r.nut", "mpeg4", "yuv420p", "nut"),
    ("s.mxf", "mpeg2video", "yuv420p", "mxf"),
    ("t.y4m", "wrapped_avframe", "yuv420p", "yuv4mpegpipe"),
)
# (file name, codec, whether there are pictures beside it)
_SOUNDS = (
    ("a.mp4", "aac", True),
    ("b.mkv", "libopus", True),
    ("c.ts", "mp2", True),
    ("d.flv", "aac", True),
    ("e.avi", "pcm_s16le", True),
    ("f.mp3", "libmp3lame", False),
    ("g.ogg", "libopus", False),
    ("h.wav", "pcm_s16le", False),
    ("i.flac", "flac", False),
    ("j.aac", "aac", False),
    ("k.mka", "ac3", False),
    ("l.caf", "alac", False),
    ("m.wma", "wmav2", False),
)
_QUIET = {"libx265": {"x265-params": "log-level=none"}}
_PICTURES = (("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tif"), ("BMP", ".bmp"), ("AVIF", ".avif"))


def media() -> dict[str, bytes]:
    """Return small files by name, of each container and codec that this FFmpeg writes, and of each kind of picture."""
    found = {}
    for number, (name, codec, pixels, form) in enumerate(_CONTAINERS):
        buffer = io.BytesIO()
        size = {"h263": (144, 176)}.get(codec, (96, 128))
        # An FFmpeg without this encoder: the others stand.
        with contextlib.suppress(av.error.FFmpegError, ValueError):
            film(
                buffer,
                scene(number, 20, *size),
                rate=25,
                codec=codec,
                pix_fmt=pixels,
                format=form or _format_of(name),
                options=_QUIET.get(codec),
            )
            found[name] = buffer.getvalue()
    for name, codec, pictures in _SOUNDS:
        buffer = io.BytesIO()
        with contextlib.suppress(av.error.FFmpegError, ValueError):
            sound = {"samples": bursts(2, [0.5], 48000, 2), "rate": 48000, "codec": codec}
            sounding(buffer, sound, frames=scene(50, 20, 96, 128) if pictures else (), format=_format_of(name))
            found[f"sound_{name}"] = buffer.getvalue()
    for number, (kind, suffix) in enumerate(_PICTURES):
        buffer = io.BytesIO()
        with contextlib.suppress(KeyError, OSError):
            Image.fromarray(picture(100 + number, 96, 128)).save(buffer, kind)
            found[f"picture{suffix}"] = buffer.getvalue()
    burst = [Image.fromarray(picture(200 + number, 96, 128)) for number in range(4)]
    for kind, suffix in (("WEBP", ".webp"), ("GIF", ".gif")):
        buffer = io.BytesIO()
        burst[0].save(buffer, kind, save_all=True, append_images=burst[1:], duration=200)
        found[f"moving{suffix}"] = buffer.getvalue()
    return found


def _format_of(name: str) -> str:
    ending = name.rpartition(".")[2]
    return {"mkv": "matroska", "mka": "matroska", "ts": "mpegts", "aac": "adts", "wma": "asf"}.get(ending, ending)


def fingerprints() -> dict[str, bytes]:
    """Return one fingerprint in each of its forms, with sound and without, by file name."""
    buffer = io.BytesIO()
    print_ = vhashdb.fingerprint(film(buffer, scene(7, 40), rate=10, format="mp4") and io.BytesIO(buffer.getvalue()), views="query")
    whole = print_.only(print_.view == 0)
    heard = replace(print_, sound=random_sound(7, 160, 4.0))
    return {
        "a.vhfp": vhashdb.to_bytes(print_),
        "b.json": vhashdb.to_json(print_).encode(),
        "c.vpdq": vhashdb.to_vpdq(whole).encode(),
        "d.vhfp": vhashdb.to_bytes(heard),
        "e.json": vhashdb.to_json(heard).encode(),
    }


def lists() -> dict[str, bytes]:
    """Return the sample of each format of others that can be imported, by file name."""
    return {f"{name}.txt": text.encode() for name, text in SAMPLES.items()}


def configuration() -> dict[str, bytes]:
    """Return a configuration file."""
    return {"config.toml": b'db = "known.vhdb"\neffort = "fast"\nworkers = 2\n'}


class Publisher:
    """A company with a feed of a few records, as it lies in a folder."""

    def __init__(self, place: Path) -> None:
        self._company = Company(place, "acme")
        self._feed = self._company.begins_to_publish()
        for seed in range(3):
            self._company.adds(seed)
        self._company.db.add(replace(company_film(3), sound=random_sound(3, 240, 6.0)))
        self._company.publishes()
        self._company.close()
        self.folder: Path = self._feed.folder
        self.root: bytes = self._feed.first_root

    def files(self) -> Iterator[Path]:
        """Give the feed's files in a stable order."""
        return (path for path in sorted(self.folder.rglob("*")) if path.is_file())
