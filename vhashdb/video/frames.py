"""Define the values that leave the decoder: fixed-size records of sampled frames, blocks of sound, and facts about the video."""

from __future__ import annotations

import contextlib
import enum
import math
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from vhashdb.coverage import MAX_CODEC, MAX_REASONS, MAX_WORDS, Coverage, PictureTrack
from vhashdb.errors import DecoderFailed, LimitExceeded, UnreadableMedia
from vhashdb.hashing import pdq
from vhashdb.hashing.view_transforms import region_coefficients
from vhashdb.hashing.views import WHOLE_FRAME
from vhashdb.sound import SAMPLE_RATE

THUMBNAIL_SIDE: Final = 128
"""Side of a frame's thumbnail, in points. Measured: `bench.drift`; from 128 × 128 points PDQ of a view differs from that of the picture
cut out by about 7 of 256 bits at 94 % of the side and 10 at half of it."""

_THUMBNAIL_STEPS: Final = 1.1
"""Ratio of steps in PDQ's buffer to those in a halved thumbnail, which is smoother. Measured when it was chosen, by no command that is
kept; `bench.accuracy` shows the effect of another value."""
FRAME_DTYPE: Final = np.dtype(
    [
        ("time_s", "<f8"),
        ("hole_s", "<f8"),
        ("quality", "u1"),
        ("keyframe", "u1"),
        ("estimated", "u1"),
        ("height", "<u2"),
        ("width", "<u2"),
        ("coefficients", "<f4", (pdq.SIDE, pdq.SIDE)),
        ("thumbnail", "u1", (THUMBNAIL_SIDE, THUMBNAIL_SIDE)),
    ]
)
"""One sampled frame, as it crosses from the decoder process.

``time_s``: seconds since the first frame. ``hole_s``: seconds before it in which nothing is shown or was decoded, 0 except
after a gap and where another track begins. ``quality``, ``coefficients``: PDQ's; ``estimated``: whether they are still to be
estimated from the thumbnail (see `Sampling.exact`). ``height``, ``width``: of the full-size picture. ``thumbnail``: the whole
picture reduced by area averaging, from which all other views are computed.
"""

_ON_TIME: Final = 1e-6
"""Seconds, and steps, by which a frame may be early. Derived: far above the rounding error of a time, far below a step."""
LARGE_PIXELS: Final = 8192 * 4352
"""Pixels beyond which a picture is read in parts. Engineering bound: whole planes of it in floating point would take too much memory."""
STILL_SHOWN_S: Final = 0.04
"""Seconds that a still picture is shown. Given by FFmpeg, to which it is one frame of a video; without a duration it could not overlap
anything."""
_ORIENTATION: Final = ExifTags.Base.Orientation

KEYFRAME_STANDS_S: Final = 12.0
"""Seconds that a keyframe may stand for. Derived: a little more than encoders leave between two of them by default, 250 frames."""

FrameBatch = npt.NDArray[np.void]
"""Array of shape ``(n,)`` and dtype `FRAME_DTYPE`, ordered by time."""


@dataclass(frozen=True, eq=False)
class SoundBlock:
    """Hold some seconds of one sound track, mixed into one channel.

    The blocks of one track come in order and do not overlap. Where one begins later than the last one ends, there is no sound in between.
    """

    track: int
    """Number of the track in the file."""
    start_s: float
    """Seconds of the first sample on the timeline, on which 0 is the first frame of the main track of pictures."""
    samples: npt.NDArray[np.int16]
    """``(n,)`` int16, `vhashdb.sound.SAMPLE_RATE` a second."""

    @property
    def end_s(self) -> float:
        """Seconds at which the last sample ends."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


class Mode(enum.StrEnum):
    """Name which frames of a video are sampled."""

    KEYFRAMES = "keyframes"
    """Only frames that decode alone: about 1/20 to 1/300 of the cost of decoding everything. Times may be a few frames off."""
    SAMPLED = "sampled"
    """Frames at regular times: decodes everything, samples ``rate`` frames per second."""
    FULL = "full"
    """Every frame."""


@dataclass(frozen=True)
class Sampling:
    """Say which frames are sampled, and how exactly they are hashed."""

    mode: Mode
    rate: float = 8.0
    """Frames per second at most (ignored by `Mode.FULL`)."""
    exact: bool = True
    """Whether PDQ is computed from the full-size picture, or from its thumbnail, which changes 4 of 256 bits and costs less."""
    threads: int = 1
    covers: bool = False
    """Whether cover pictures beside a video are sampled: of queries, but not of references, because many files that have nothing else in
    common share theirs."""

    def due(self, time_s: float, due_s: float) -> bool:
        """Say whether a frame at ``time_s`` is to be sampled if the next one is due at ``due_s``."""
        return self.mode is Mode.FULL or time_s >= due_s - _ON_TIME

    def next_due_s(self, time_s: float) -> float:
        """Return when the next frame is due after one at ``time_s``, on a regular grid, so that uneven times do not lower the rate."""
        return (math.floor(time_s * self.rate + _ON_TIME) + 1) / self.rate


@dataclass(frozen=True)
class VideoInfo:
    """State facts about a video, known once it was read to its end (or to where it breaks)."""

    width: int = 0
    height: int = 0
    codec: str = ""
    rotation: int = 0
    duration_s: float = 0.0
    """Time from the first decoded frame to the end of the last one (declared by the header if only keyframes were read)."""
    frames: int = 0
    """Frames decoded, whether sampled or not."""
    damaged_frames: int = 0
    """How many of them the decoder had to conceal in part."""
    damage: tuple[str, ...] = field(default=())
    """What could not be read, in sentences; empty for an intact file."""
    coverage: Coverage = field(default=Coverage())
    """How much was decoded, of what there is."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {**{f.name: getattr(self, f.name) for f in fields(self)}, "coverage": self.coverage.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> VideoInfo:
        """Read what `to_json` returned, with every field checked and bounded: the sender is the decoder process.

        Raises:
            DecoderFailed: it is something else.
        """
        try:
            info = cls._from_json(data)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise DecoderFailed("the decoder process sent a malformed message") from error
        if not 0 <= info.duration_s < math.inf:
            raise DecoderFailed(f"the decoder process sent a duration of {info.duration_s} s")
        return info

    @classmethod
    def _from_json(cls, data: dict[str, Any]) -> VideoInfo:
        return cls(
            width=int(data["width"]),
            height=int(data["height"]),
            codec=str(data["codec"])[:MAX_CODEC],
            rotation=int(data["rotation"]),
            duration_s=float(data["duration_s"]),
            frames=int(data["frames"]),
            damaged_frames=int(data["damaged_frames"]),
            damage=tuple(str(line)[:MAX_WORDS] for line in data["damage"][:MAX_REASONS]),
            coverage=Coverage.from_json(data["coverage"]),
        )


def frames_of_image(image: Image.Image) -> tuple[FrameBatch, VideoInfo]:
    """Turn a still picture into a video of one frame at 0 s.

    Raises:
        UnreadableMedia: it is damaged.
        LimitExceeded: a side is 65536 pixels or more.
    """
    batch = np.zeros(1, FRAME_DTYPE)
    fill_from_image(batch[0], image)
    batch["keyframe"] = 1
    width, height = int(batch["width"][0]), int(batch["height"][0])
    seen = Coverage((PictureTrack(0, "still", width, height, 0.0, STILL_SHOWN_S, STILL_SHOWN_S),))
    return batch, VideoInfo(width, height, codec="still", duration_s=STILL_SHOWN_S, frames=1, coverage=seen)


def fill_from_image(record: np.void, image: Image.Image) -> None:
    """Write one picture, as it is shown, into one record.

    Raises:
        UnreadableMedia: it is damaged.
        LimitExceeded: a side is 65536 pixels or more.
    """
    if not 0 < max(image.size) < 1 << 16:
        raise LimitExceeded(f"a picture of {image.width} × {image.height} pixels")
    try:
        shown = as_shown(image)
        thumbnail = np.asarray(shown.convert("L").resize((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX))
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises on damaged files
        raise UnreadableMedia(f"the picture cannot be read: {error}") from error
    if shown.width * shown.height <= LARGE_PIXELS:
        fill_frame(record, pdq.luma_of_rgb(np.asarray(shown)), thumbnail)
        return

    def rows(first: int, last: int) -> npt.NDArray[np.float32]:
        return pdq.luma_of_rgb(np.asarray(shown.crop((0, first, shown.width, last))))

    _fill(record, pdq.buffer_of_rows(shown.height, shown.width, rows), shown.height, shown.width, thumbnail, 1.0)


def as_shown(image: Image.Image) -> Image.Image:
    """Return the picture as a viewer shows it, in RGB: rotated as its EXIF says, transparency over white, 16 bits cut to 8."""
    with contextlib.suppress(Exception):  # EXIF can be malformed in any way, and then says nothing
        if image.getexif().get(_ORIENTATION, 1) != 1:
            image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        # Pillow would cut off everything over 255.
        image = Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    return image if image.mode == "RGB" else image.convert("RGB")


def fill_from_thumbnail(record: np.void, thumbnail: npt.NDArray[np.uint8], height: int, width: int) -> None:
    """Write a thumbnail ``(128, 128)`` into one record of a picture of that size; `with_estimates` does the rest."""
    record["thumbnail"], record["height"], record["width"] = thumbnail, height, width
    record["quality"], record["estimated"] = pdq.MAX_QUALITY, 1


def with_estimates(batch: FrameBatch) -> FrameBatch:
    """Return the batch with PDQ estimated from thumbnails where it is to be; no quality is raised by it.

    For many frames at once, in the process that caches the matrices for it, this costs a fraction of what it would in the
    process of each file.
    """
    if not batch["estimated"].any():
        return batch
    batch = batch.copy()
    waiting = batch["estimated"] != 0
    for height, width in set(zip(batch["height"][waiting].tolist(), batch["width"][waiting].tolist(), strict=True)):
        same = waiting & (batch["height"] == height) & (batch["width"] == width)
        these = slice(None) if same.all() else same  # nearly always, and a slice copies nothing
        levels = batch["thumbnail"][these].astype(np.float32)
        batch["coefficients"][these] = region_coefficients(levels, WHOLE_FRAME, height, width)
        # A thumbnail is twice as fine as PDQ's buffer.
        buffers = (levels[:, ::2, ::2] + levels[:, ::2, 1::2] + levels[:, 1::2, ::2] + levels[:, 1::2, 1::2]) * np.float32(0.25)
        found = pdq.qualities_of(buffers, _THUMBNAIL_STEPS) if min(height, width) >= pdq.MIN_SIDE else 0
        batch["quality"][these] = np.minimum(batch["quality"][these], found)
    return batch


def fill_frame(record: np.void, luma: npt.NDArray[np.number], thumbnail: npt.NDArray[np.uint8], luma_scale: float = 1.0) -> None:
    """Write the PDQ of a full-size luma plane ``(h, w)`` and its thumbnail ``(128, 128)`` into one record."""
    height, width = luma.shape
    _fill(record, pdq.buffer_of(luma), height, width, thumbnail, luma_scale)


def _fill(
    record: np.void, buffer: npt.NDArray[np.float32], height: int, width: int, thumbnail: npt.NDArray[np.uint8], luma_scale: float
) -> None:
    record["coefficients"] = pdq.coefficients_of(buffer)
    record["quality"] = pdq.quality_of(buffer, luma_scale) if min(height, width) >= pdq.MIN_SIDE else 0
    record["thumbnail"] = thumbnail
    record["height"], record["width"] = height, width
