"""How much of a video an edit leaves: SSIM as it is, and what a person keeps.

*SSIM* compares each frame that shows the source with that frame of the source, both in grey at `GRID` × `GRID` points, in windows of
8 × 8 (Wang et al. 2004). A mirrored or slightly shifted picture has almost none left, although nobody minds.

*Harm* undoes what was done: 1 minus the product of

* **seen**: the share of the source's area that is still to be seen, averaged over its quarters of a second; what is cut out of time counts
  as not seen,
* **kept**: SSIM between the edited picture and the source brought into the same place, where the source is still to be seen; less if the
  source is shown so small that it loses detail,
* **size**: how large the source is shown, along a side: 1 where it fills the frame as far as it is to be seen, a half where it takes a
  quarter of the frame,
* **pace**: how steadily it runs: half as fast or twice as fast is 0.5, and frames of something else between take away
  their share.

So 0 is a video that a viewer finds whole, though perhaps mirrored, tilted, torn in two, or in another order. What is shown in place of
the rest of the frame, and colour, count for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.tampering import GRID, Footage, sample

Grey = npt.NDArray[np.float32]
"""``(rows, columns)``, 0…255."""

_WINDOW: Final = 8
"""Given by Wang et al. for SSIM with plain windows."""
_LUMA_C: Final = (0.01 * 255) ** 2
_CONTRAST_C: Final = (0.03 * 255) ** 2
"""Given by the same."""
_LOOKED_AT: Final = 10
"""Frames that are compared. Engineering bound."""
_BIN_S: Final = 0.25
"""Of which one picture has to be seen. Engineering bound."""
_WINDOW_S: Final = 1.0
"""In which pace is measured. Engineering bound."""
_CUT_S: Final = 2.0
"""From here on a jump is a cut and not haste. Engineering bound."""


@dataclass(frozen=True)
class Likeness:
    """What is left of the source."""

    ssim: float
    seen: float
    kept: float
    size: float
    pace: float

    @property
    def harm(self) -> float:
        """0…1, see the module."""
        return 1 - self.seen * self.kept * self.size * self.pace


def likeness(source: Footage, edited: Footage) -> Likeness:
    """Compare edited footage with its source."""
    showing = np.flatnonzero(edited.shown >= 0)
    some = showing[np.unique(np.linspace(0, len(showing) - 1, _LOOKED_AT).round().astype(int))]
    plain, kept = [], []
    for row in some:
        picture, wanted = _grey(edited.frames[row], GRID, GRID), source.frames[edited.shown[row]]
        plain.append(ssim(picture, _grey(wanted, GRID, GRID)))
        kept.append(_kept(picture, wanted, _origin(edited, row), edited.frames.shape[1:3]))
    size = float(np.mean([_size(_origin(edited, row)) for row in some]))
    return Likeness(float(np.mean(plain)), _seen(source, edited), max(0.0, float(np.mean(kept))), size, _pace(source, edited))


def ssim(left: Grey, right: Grey, mask: npt.NDArray[np.bool_] | None = None) -> float:
    """Mean structural similarity of two pictures, -1…1; with a mask, of the windows of which it leaves half."""
    weight = np.ones_like(left) if mask is None else mask.astype(np.float32)
    count = _sums(weight)
    valid = count >= _WINDOW * _WINDOW / 2
    if not valid.any():
        return 0.0
    count = np.maximum(count, 1)
    left, right = np.where(weight > 0, left, 0), np.where(weight > 0, right, 0)
    mean_l, mean_r = _sums(left) / count, _sums(right) / count
    var_l, var_r = _sums(left * left) / count - mean_l**2, _sums(right * right) / count - mean_r**2
    both = _sums(left * right) / count - mean_l * mean_r
    luma = (2 * mean_l * mean_r + _LUMA_C) / (mean_l**2 + mean_r**2 + _LUMA_C)
    return float((luma * (2 * both + _CONTRAST_C) / (var_l + var_r + _CONTRAST_C))[valid].mean())


def _sums(values: Grey) -> npt.NDArray[np.float64]:
    """Sums over all windows."""
    total = np.pad(values.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    side = _WINDOW
    return np.asarray(total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side])


def _grey(pixels: npt.NDArray[np.uint8], rows: int, columns: int) -> Grey:
    return np.asarray(Image.fromarray(pixels).convert("L").resize((columns, rows), Image.Resampling.BOX), np.float32)


def _origin(footage: Footage, row: int) -> npt.NDArray[np.float32]:
    return np.asarray(footage.origin[row if len(footage.origin) > 1 else 0])


def _spans(origin: npt.NDArray[np.float32]) -> tuple[float, float]:
    """How many shares of the source's width and height the whole frame would span, going by its typical point."""
    spans = []
    for axis in (1, 0):
        steps = np.linalg.norm(np.diff(origin, axis=axis), axis=-1)
        spans.append(float(np.nanmedian(steps)) * GRID if np.isfinite(steps).any() else 1.0)
    return spans[0], spans[1]


def _kept(picture: Grey, wanted: npt.NDArray[np.uint8], origin: npt.NDArray[np.float32], size: tuple[int, int]) -> float:
    """SSIM where the source is still to be seen, with the source brought into the same place."""
    there = np.asarray(np.isfinite(origin).all(-1))
    if not there.any():
        return 0.0
    across, down = _spans(origin)
    # The source is reduced as far as the edit reduces it, so that both show the same detail.
    columns, rows = (int(np.clip(round(GRID / span), 4, 256)) for span in (across, down))
    field = _grey(wanted, rows, columns)[None, ..., None]
    undone = ssim(picture, np.nan_to_num(sample(field, origin[None])[0, ..., 0]), there)
    wide, high = max(2, round(size[1] / across)), max(2, round(size[0] / down))
    if wide >= GRID and high >= GRID:
        return undone
    small = Image.fromarray(wanted).resize((wide, high), Image.Resampling.BOX)
    detail = ssim(_grey(wanted, GRID, GRID), np.asarray(small.convert("L").resize((GRID, GRID), Image.Resampling.BILINEAR), np.float32))
    return min(undone, detail)


def _area(origin: npt.NDArray[np.float32]) -> float:
    """The share of the source's area that is somewhere in the frame."""
    dx, dy = np.gradient(origin, axis=1), np.gradient(origin, axis=0)
    cell = np.abs(dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0])
    there = np.isfinite(origin).all(-1)
    if not np.isfinite(cell).any():
        return 0.0
    typical = np.nanmedian(cell)
    # At an edge or a seam the steps say nothing.
    cell = np.where(np.isfinite(cell) & (cell < 4 * typical), cell, typical)
    return min(1.0, float(cell[there].sum()))


def _size(origin: npt.NDArray[np.float32]) -> float:
    """How large the source is shown, along a side."""
    filled, area = float(np.isfinite(origin).all(-1).mean()), _area(origin)
    return float(min(1.0, np.sqrt(filled / area))) if area else 0.0


def _seen(source: Footage, edited: Footage) -> float:
    areas = [_area(origin) for origin in (edited.origin if len(edited.origin) == 1 else edited.origin[:: max(1, len(edited) // 40)])]
    showing = edited.shown[edited.shown >= 0]
    bins = np.floor(source.times_s / _BIN_S).astype(int)
    return float(np.mean(areas)) * len(np.unique(bins[showing])) / len(np.unique(bins))


def _pace(source: Footage, edited: Footage) -> float:
    """Compare how fast time goes in each second of the edited footage."""
    steady = []
    for start_s in np.arange(0, max(edited.end_s - _WINDOW_S / 2, _WINDOW_S / 2), _WINDOW_S):
        first, last = np.searchsorted(edited.times_s, (start_s - 1e-6, start_s + _WINDOW_S - 1e-6))
        here = np.arange(first, min(last + 1, len(edited)))  # to the frame after it
        showing = here[edited.shown[here] >= 0]
        if len(showing) < 2:  # the picture stands still, or is of something else
            steady += [0.0] if len(showing) else []
            continue
        ran_s, took_s = np.diff(source.times_s[edited.shown[showing]]), np.diff(edited.times_s[showing])
        onward = (ran_s >= 0) & (ran_s < _CUT_S)
        rate = ran_s[onward].sum() / took_s[onward].sum() if onward.any() else 1.0
        steady.append((min(rate, 1 / rate) if rate > 0 else 0.0) * len(showing) / len(here))
    return float(np.mean(steady)) if steady else 1.0
