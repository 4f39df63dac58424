"""Pictures of the submitted file, for those who ask for them: small, grey and, unless clear ones are asked for, blurred.

They are made from the grey thumbnails that the decoder process gives, and what is taken away is taken away from the pixels
before anything is encoded: a page that blurs pictures by its style holds them clear. Nothing is written to disk.
"""

from __future__ import annotations

import base64
import io
import logging
import os
from collections.abc import Sequence
from contextlib import closing
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from vhashdb.errors import MediaError
from vhashdb.report.model import Picture
from vhashdb.report.stretches import SoundStretch, Stretch
from vhashdb.text import brief_clock
from vhashdb.video import Decoder, Mode, Sampling

_log: Final = logging.getLogger(__name__)

MOST: Final = 3
"""Pictures of one match."""
WIDTH: Final = 144
"""Pixels of the longer side, as it is shown."""
POINTS: Final = 14
"""Points along the longer side that a blurred picture is made from: shapes can be told apart, faces and wounds cannot."""
_KEYFRAMES: Final = Sampling(Mode.KEYFRAMES, rate=2.0, exact=False)
_LOOKS: Final = Sampling(Mode.SAMPLED, rate=2.0, exact=False)
_QUALITY: Final = 60
Moment = tuple[float, tuple[float, float]]
"""The second that is wanted, and between which seconds a picture will do."""


def moments_of(stretches: Sequence[Stretch | SoundStretch]) -> tuple[Moment, ...]:
    """Choose where to look: the middles of the longest stretches, or three places in the only one, in order of time."""
    if len(stretches) == 1 and not stretches[0].still:
        start_s, end_s = stretches[0].query_s
        third_s = (end_s - start_s) / MOST
        parts = [(start_s + number * third_s, start_s + (number + 1) * third_s) for number in range(MOST)]
    else:
        longest = sorted(stretches, key=lambda s: s.length_s, reverse=True)[:MOST]
        parts = sorted(stretch.query_s for stretch in longest)
    return tuple((sum(part) / 2, part) for part in parts)


def pictures_of(path: str | os.PathLike[str], moments: Sequence[Moment], decoder: Decoder, *, clear: bool) -> tuple[Picture, ...]:
    """Return the picture nearest to each moment, as far as the file gives one there: keyframes, which cost little, if they will do."""
    try:
        found = _nearest(path, moments, decoder, _KEYFRAMES)
        if len(found) < len(moments):
            found |= _nearest(path, moments, decoder, _LOOKS)
    except MediaError as error:  # it went away since it was checked, or is a fingerprint file
        _log.debug("the report has no pictures of a file: %s", error)
        return ()
    return tuple(_picture(*found[moment], clear=clear) for moment in moments if moment in found)


def _nearest(
    path: str | os.PathLike[str], moments: Sequence[Moment], decoder: Decoder, sampling: Sampling
) -> dict[Moment, tuple[float, Image.Image]]:
    """Find for each moment the time of the nearest frame, and its thumbnail at its true proportions."""
    found: dict[Moment, tuple[float, Image.Image]] = {}
    last_s = max((part[1] for _, part in moments), default=0.0)
    with closing(iter(decoder.read(path, sampling))) as batches:
        for batch in batches:
            for frame in batch:
                time_s = float(frame["time_s"])
                for moment in moments:
                    wanted_s, (start_s, end_s) = moment
                    nearer = moment not in found or abs(time_s - wanted_s) < abs(found[moment][0] - wanted_s)
                    if start_s - 1e-6 <= time_s <= end_s + 1e-6 and nearer:
                        found[moment] = time_s, _thumbnail(frame)
            if float(batch["time_s"][-1]) > last_s:
                break
    return found


def _thumbnail(frame: np.void) -> Image.Image:
    width, height = max(1, int(frame["width"])), max(1, int(frame["height"]))
    longer = max(width, height)
    size = max(1, round(WIDTH * width / longer)), max(1, round(WIDTH * height / longer))
    return Image.fromarray(np.array(frame["thumbnail"])).resize(size, Image.Resampling.BICUBIC)


def obscured(image: Image.Image) -> Image.Image:
    """Obscure a picture: leave coarse shapes of it, in grey."""
    longer = max(image.size)
    points = tuple(max(1, round(POINTS * side / longer)) for side in image.size)
    few = image.convert("L").resize(points, Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(0.6))  # type: ignore[arg-type]  # two of them
    return few.resize(image.size, Image.Resampling.BICUBIC)


def _picture(time_s: float, image: Image.Image, *, clear: bool) -> Picture:
    shown = image if clear else obscured(image)
    data = io.BytesIO()
    shown.save(data, "JPEG", quality=_QUALITY, optimize=True)
    uri = f"data:image/jpeg;base64,{base64.b64encode(data.getvalue()).decode()}"
    return Picture(uri, brief_clock(time_s), shown.width, shown.height, clear)
