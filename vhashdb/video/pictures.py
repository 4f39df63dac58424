"""Decode with Pillow: still pictures, and the animations that FFmpeg does not decode. Runs in the child process.

FFmpeg reads most pictures too, but not all of them as they are shown: it takes the second picture that phones put behind
a JPEG for another frame, drops transparency, does not find JPEG by its name, and of animated WebP and AVIF it decodes
nothing or one picture. GIF and APNG are videos to it, and stay with it; so does whatever Pillow cannot read.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import IO, Final

import numpy as np
import pi_heif
from PIL import Image, ImageFile

from vhashdb.coverage import PictureTrack
from vhashdb.errors import LimitExceeded, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.video.decode import RAISE_MEMORY, RAISE_PIXELS, Budget
from vhashdb.video.files import HEIF_BRANDS, jpegs_in
from vhashdb.video.frames import FRAME_DTYPE, LARGE_PIXELS, STILL_SHOWN_S, FrameBatch, Sampling, fill_from_image
from vhashdb.video.source import opened

BATCH: Final = 16
"""Frames per batch. Engineering bound: about 280 kB."""
FORMATS: Final = ("AVIF", "BMP", "HEIF", "JPEG", "MPO", "PNG", "TIFF", "WEBP")
_ANIMATED: Final = frozenset({"AVIF", "WEBP"})
"""Formats whose pictures follow each other in time; those of the others are pages, each a track of its own."""
_SCALED: Final = frozenset({"JPEG", "MPO"})
"""Formats of which a smaller picture can be decoded."""
_STARTS: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")
_BRANDS: Final = (b"ftypavif", b"ftypavis", *HEIF_BRANDS)
_SHORTEST_MS: Final = 10
"""Milliseconds up to which a picture's duration is replaced by `_DEFAULT_MS`. Given by browsers, and by FFmpeg for GIF."""
_DEFAULT_MS: Final = 100
"""Milliseconds that such a picture is shown instead. Given by browsers, and by FFmpeg for GIF."""
_MJPEG_PICTURES: Final = 3
"""JPEG pictures back to back that make a video. Engineering bound: photographs have at most one or two behind the first."""
_MJPEG_BYTES: Final = 8 << 20
"""Bytes in which they are counted. Engineering bound."""
_MPO: Final = b"MPF\0"
"""Marker in the head of a photograph that has others behind it, and says so."""
_MPO_BYTES: Final = 256 << 10
"""Bytes in which that marker is searched for. Engineering bound."""
# What Pillow raises where a file is damaged or ends too early.
_DAMAGED: Final = (OSError, EOFError, SyntaxError, ValueError, RuntimeError, ArithmeticError, LookupError, TypeError, struct.error)

_PLUGINS: Final = ("Avif", "Bmp", "Jpeg", "Mpo", "Png", "Tiff", "WebP")
_OTHERS: Final = ("ImageColor", "ImageMode", "ImageOps", "ImagePalette", "ImageChops", "ImageSequence", "JpegPresets", "TiffTags")


def prepare() -> None:
    """Import what Pillow would import while decoding: a confined process cannot import anything."""
    for name in (*(f"{plugin}ImagePlugin" for plugin in _PLUGINS), *_OTHERS):
        with contextlib.suppress(ImportError):
            importlib.import_module(f"PIL.{name}")
    Image.preinit()
    # Files are decoded in parallel, each in one thread.
    with contextlib.suppress(ImportError):
        from PIL import AvifImagePlugin

        AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pi_heif.register_heif_opener()
    pi_heif.options.DECODE_THREADS = 1
    # Decoding a first picture imports the rest.
    buffer = io.BytesIO()
    Image.new("LA", (64, 64), "white").save(buffer, "PNG")
    fill_from_image(np.zeros(1, FRAME_DTYPE)[0], Image.open(buffer, formats=_formats()))


def picture_pass(path: str, sampling: Sampling, limits: Limits, budget: Budget) -> PicturePass | None:
    """Open the picture at ``path``; None if it is a video, or nothing that Pillow reads, so that FFmpeg decides.

    Raises:
        LimitExceeded: it has more pixels than the limit, or needs more memory.
    """
    try:
        if not _begins_as_picture(path):
            return None
        file, damage = _sound_part(path)
        image = _opened(file, path, limits)
        if image is None:
            return None
        try:
            image.load()
        except _DAMAGED as error:
            damage = f"part of the picture is missing: {error}"
            image = _loaded_in_part(path)
        return PicturePass(path, image, damage, sampling, limits, budget) if image else None
    except OSError:
        return None  # it cannot be read: FFmpeg finds the same, and reports it
    except MemoryError as error:
        raise LimitExceeded(f"{path}: needs more memory than the limit", hint=RAISE_MEMORY) from error


class PicturePass:
    """Decode one picture or animation: iterate for batches; the other members are known afterwards."""

    rotation = 0
    sparse = empty = skipped = False

    def __init__(
        self, path: str, image: Image.Image, damage: str, sampling: Sampling, limits: Limits, budget: Budget, page: int | None = None
    ) -> None:
        """``page``: which one of a file that has several; None: the first, which is loaded."""
        self._path, self._image, self._sampling, self._limits, self._budget = path, image, sampling, limits, budget
        self._page = page
        # Some files give wrong offsets of their pictures, so the pictures are searched for.
        self._places = jpegs_in(path) if image.format in _SCALED else []
        self.damage = [damage] if damage else []
        self.unseen: list[str] = list(self.damage)
        self.frames = self.damaged_frames = 0
        self.duration_s = 0.0
        self.track = PictureTrack(page or 0, (image.format or "").lower(), image.width, image.height)

    @property
    def pages(self) -> int:
        """Number of pictures in the file that do not follow each other in time; at least 1."""
        return 1 if self._image.format in _ANIMATED else max(len(self._places), int(getattr(self._image, "n_frames", 1)))

    def page(self, number: int) -> PicturePass:
        """Return a pass over another of its pages, from 0."""
        return PicturePass(self._path, self._image, "", self._sampling, self._limits, self._budget, number)

    def __iter__(self) -> Iterator[FrameBatch]:
        count = int(getattr(self._image, "n_frames", 1)) if self._image.format in _ANIMATED else 1
        try:
            yield from self._animation(count) if count > 1 else self._still()
        except MemoryError as error:
            raise LimitExceeded(f"{self._path}: needs more memory than the limit", hint=RAISE_MEMORY) from error
        self.track = replace(self.track, duration_s=max(self.duration_s, self.track.duration_s), seen_s=self.duration_s)

    def _still(self) -> Iterator[FrameBatch]:
        """Yield the one frame of a still picture."""
        batch = np.zeros(1, FRAME_DTYPE)
        if self._page is not None:
            self._turn_to(self._page)
        self._fill(batch[0])
        self.duration_s, self.frames = STILL_SHOWN_S, 1
        yield batch

    def _turn_to(self, page: int) -> None:
        """Load another page."""
        try:
            if len(self._places) >= getattr(self._image, "n_frames", 1):
                with opened(self._path) as file:
                    first, end = self._places[page]
                    file.seek(first)
                    self._image = Image.open(io.BytesIO(file.read(end - first)), formats=["JPEG"])
                    self._image.load()
            else:
                self._image.seek(page)
                self._image.load()
        except _DAMAGED as error:
            raise UnreadableMedia(f"{self._path}: the picture cannot be read: {error}") from error

    def _animation(self, count: int) -> Iterator[FrameBatch]:
        """Yield frames as sampled; all are decoded in any mode, so keyframe mode samples as often as any other."""
        batch, filled, due_s, seen, end_s = np.zeros(BATCH, FRAME_DTYPE), 0, 0.0, 0, 0.0
        for time_s, until_s in self._times(count):
            seen, end_s = seen + 1, until_s
            if not self._sampling.due(time_s, due_s):
                continue
            due_s = self._sampling.next_due_s(time_s)
            self._fill(batch[filled])
            batch["time_s"][filled] = time_s
            filled += 1
            if filled == BATCH:
                yield batch
                batch, filled = np.zeros(BATCH, FRAME_DTYPE), 0
        if not seen:
            raise UnreadableMedia(f"{self._path}: not one frame could be decoded")
        if filled:
            yield batch[:filled]
        self.duration_s, self.frames = end_s, seen

    def _times(self, count: int) -> Iterator[tuple[float, float]]:
        """Load picture after picture; yield the seconds at which each begins and ends."""
        time_ms = 0
        for number in range(count):
            if time_ms > self._budget.seconds * 1000 or number >= self._budget.frames:
                self._left_out(f"only the first {time_ms / 1000:.0f} s were looked at: the limit on length was reached")
                return
            try:
                self._image.seek(number)
                self._image.load()
            except _DAMAGED:
                self._left_out(f"the pictures end at {time_ms / 1000:.1f} s: {number} of {count} could be decoded")
                return
            shown_ms = int(self._image.info.get("duration", 0))
            end_ms = time_ms + (shown_ms if shown_ms > _SHORTEST_MS else _DEFAULT_MS)
            yield time_ms / 1000, end_ms / 1000
            time_ms = end_ms

    def _fill(self, record: np.void) -> None:
        fill_from_image(record, self._image)
        record["keyframe"] = 1
        self.track = replace(self.track, width=int(record["width"]), height=int(record["height"]))

    def _left_out(self, words: str) -> None:
        self.damage.append(words)
        self.unseen.append(words)


def _begins_as_picture(path: str) -> bool:
    """Say whether the file begins as a picture does."""
    try:
        with opened(path) as file:
            head = file.read(12)
            if head.startswith(b"\xff\xd8\xff"):
                start = head + file.read(_MJPEG_BYTES)
                return _MPO in start[:_MPO_BYTES] or start.count(b"\xff\xd9\xff\xd8") < _MJPEG_PICTURES
    except OSError:
        return False
    return head.startswith(_STARTS) or head[4:12] in _BRANDS or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _opened(file: IO[bytes], path: str, limits: Limits) -> Image.Image | None:
    """Open the picture without decoding it; None if Pillow does not read it, or if it is an APNG."""
    # Pillow refuses what has twice as many pixels; some of its formats need to know before they allocate.
    Image.MAX_IMAGE_PIXELS = (limits.pixels + 1) // 2
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(file, formats=_formats())
    except Image.DecompressionBombError as error:
        raise LimitExceeded(f"{path}: more than {limits.pixels} pixels", hint=RAISE_PIXELS) from error
    except _DAMAGED:
        return None
    if image.width * image.height > limits.pixels:
        raise LimitExceeded(f"{path}: {image.width} × {image.height} pixels", hint=RAISE_PIXELS)
    if image.format in _SCALED and image.width * image.height > LARGE_PIXELS:
        # Half of each side takes a quarter of the memory, and changes a few bits of the hash.
        image.draft("RGB", (image.width // 2, image.height // 2))
    return None if image.format == "PNG" and getattr(image, "is_animated", False) else image


def _formats() -> list[str]:
    """Return those of `FORMATS` that this Pillow has; among the others it knows some start programs."""
    return [name for name in FORMATS if name in Image.OPEN]


def _loaded_in_part(path: str) -> Image.Image | None:
    """Load the picture with its missing part left empty; its size was found to be within the limits."""
    before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(opened(path), formats=_formats())
            image.load()
    except _DAMAGED:
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before
    return image


def _sound_part(path: str) -> tuple[IO[bytes], str]:
    """Return what to open, and what is said about damage: of a WebP that breaks off, libwebp takes only whole pictures."""
    with opened(path) as file:
        head = file.read(12)
        if head[:4] != b"RIFF":
            return opened(path), ""
        size = file.seek(0, io.SEEK_END)
        end = min(size, 8 + int.from_bytes(head[4:8], "little"))
        whole, pictures = 12, 0
        while whole + 8 <= end:
            file.seek(whole)
            name, length = struct.unpack("<4sI", file.read(8))
            after = whole + 8 + length + length % 2
            if after > end + length % 2:  # the last one may lack its padding
                break
            whole, pictures = after, pictures + (name == b"ANMF")
        if not pictures or 8 + int.from_bytes(head[4:8], "little") <= size:
            return opened(path), ""
        file.seek(8)
        body = file.read(whole - 8)
    return io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body), f"the file breaks off after {pictures} pictures"
