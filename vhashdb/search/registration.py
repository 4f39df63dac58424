"""Registration: where in the picture of a query a known picture lies, exactly.

A hypothesis is refined by hill-climbing on how well the signs of the coefficients seen through a transform meet the stored bits: first of
the frames that agreed on it, then of all parts of the known picture that the frames hold (`held_parts`). Where the picture moves, each
moment is refined from its neighbour. Nothing is decided here: the query's frames are read through the transform, and what is read is
compared as any other view is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.outline import Outline
from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.views import Box, View
from vhashdb.hashing.warping import CORNERS, Transform, Warper, boxed, mapped, moved_by, quadrilateral
from vhashdb.search.held_parts import NEAR_BITS, POINTS, HeldEntries, SideBySide, held_entries, nearest, side_by_side
from vhashdb.search.hypotheses import FASTEST, SLOWEST, TIME_SLACK_S, Hypothesis, part_shown

_STEPS: Final = (0.03, 0.015, 0.007)
"""Steps of the hill-climbing, as shares of the picture's sides. Derived: from half the pitch of windows to a few bits."""
_MOVING_STEPS: Final = (0.02, 0.008)
"""The same from one moment to the next. Engineering bound."""
_MOVES: Final = 5
"""Moves with one step at most. Engineering bound."""
_MOMENTS_PER_S: Final = 4.0
"""Moments a second that are refined where the picture moves. Engineering bound: faster shaking is followed by its average."""
_MOST_MOMENTS: Final = 80
"""Moments refined of one query. Engineering bound: on the cost of a candidate."""
_LEAST_FOLLOWED: Final = 3
"""Frames that must agree for movement to be followed. Engineering bound: what is followed fits better than it should."""
_FOLLOWED_BITS: Final = 34
"""Median bits within which these must come when refined one by one. Measured: `bench.geometry`, in the edits that move."""
_JOINT_STEPS: Final = ((0.02, 0.01, 0.005), (0.01, 0.005, 0.0025))
"""Steps of the hill-climbing on all parts that the frames hold, once more each time that the line of time is known better. Derived: from
what is left of an estimate to half of a bit."""
_JOINT_BITS: Final = 72
"""Bits within which an entry is taken to be shown, before it is climbed to. Derived: `MatchingConfig.far_bits`."""
_JOINT_ENTRIES: Final = 12
"""Entries that are climbed to together, the nearest. Engineering bound: on the cost of a candidate."""
_JOINT_OF_A_PART: Final = 5
"""The same of one part: what several say of different parts fixes a transform better."""


@dataclass(frozen=True)
class Registration:
    """Where a known picture lies in each frame."""

    transforms: Transform
    """``(n, 3, 3)``, one for each frame: from fractions of the whole known picture to those of the frame."""
    view: View
    """The stored view that is seen best."""
    part: Box
    """The part of the known picture that it shows."""
    distance: float
    """Mean bits, of the frames it was refined on."""
    moving: bool = False

    @property
    def read(self) -> Transform:
        """``(n, 3, 3)``: what maps the stored part to each frame."""
        return self.transforms @ boxed(self.part)

    def outline(self, aspect: float) -> Outline:
        """Return where the stored part lies in the middle frame, of so much width by height."""
        top_left, top_right, bottom_right, bottom_left = ((x, y) for x, y in mapped(self.read[len(self.transforms) // 2], CORNERS).tolist())
        return Outline((top_left, top_right, bottom_right, bottom_left), aspect)


class Registrar:
    """Registers known pictures in the frames of one query."""

    def __init__(self, thumbnails: npt.NDArray[np.uint8], times_s: npt.NDArray[np.float64]) -> None:
        """Take ``(n, 128, 128)`` uint8 and the times of the frames, ascending."""
        self._warper, self._times_s = Warper(thumbnails), times_s

    def fixed(self, hypothesis: Hypothesis, reference: Fingerprint) -> Registration:
        """Refine a transform that is the same in all frames."""
        part = part_shown(hypothesis.view, reference)
        box = boxed(part)
        targets = _targets(hypothesis.frames, hypothesis.entries, reference, box)
        starts = np.stack((hypothesis.transform, _together(hypothesis, reference))) @ box
        start = starts[int(np.argmax(self._fit(starts, targets)))]
        seen = self._climb(start, targets, _ALL, _STEPS)
        held = self._held(seen, reference, box)
        if held is None or not held.are_near:
            seen, targets = self._best_alone(hypothesis, targets, reference, box) or (seen, targets)
        seen, targets = self._on_all_parts(seen, targets, reference, box)
        every = np.broadcast_to(seen @ np.linalg.inv(box), (len(self._warper), 3, 3))
        return Registration(every, hypothesis.view, part, float(self._distances(seen, targets).mean()))

    def _best_alone(
        self, hypothesis: Hypothesis, targets: _Targets, reference: Fingerprint, box: Transform
    ) -> tuple[Transform, _Targets] | None:
        """Refine what each frame says by itself, and return that with which most entries are near.

        Where a camera pans, a frame shows an entry of another moment as well, elsewhere in the picture: frames that agree may all be wrong.
        """
        best: tuple[float, Transform, _Targets] | None = None
        for number, start in enumerate(hypothesis.transforms):
            alone = targets.where(np.array([number]))
            seen = self._climb(start @ box, alone, _ALL, _STEPS[1:])
            held = self._held(seen, reference, box)
            if held is not None and (best is None or held.votes > best[0]):
                best = held.votes, seen, alone
        return best and best[1:]

    def _held(self, seen: Transform, reference: Fingerprint, box: Transform) -> HeldEntries | None:
        every = np.broadcast_to(seen @ np.linalg.inv(box), (len(self._warper), 3, 3))
        return held_entries(self._warper, self._times_s, every, reference)

    def _on_all_parts(self, seen: Transform, targets: _Targets, reference: Fingerprint, box: Transform) -> tuple[Transform, _Targets]:
        """Refine a transform on entries of all parts that the frames hold; also return what was climbed to."""
        for steps in _JOINT_STEPS:
            held = self._held(seen, reference, box)
            chosen = _spread(held, reference) if held else []
            if held is None or len(chosen) < _LEAST_FOLLOWED:
                break
            targets = _targets(held.frame[chosen].tolist(), held.entry[chosen].tolist(), reference, box)
            seen = self._climb(seen, targets, _ALL, steps)
        return seen, targets

    def moving(self, hypothesis: Hypothesis, reference: Fingerprint) -> Registration | None:
        """Refine a transform for each moment, from those that agreed outwards, at the times that these say.

        Returns:
            None if the moments that agreed do not come near when each is refined by itself: then it is no movement that is missed.
        """
        part = part_shown(hypothesis.view, reference)
        box = boxed(part)
        solved: dict[int, Transform] = {}
        away = []
        for frame, entry, start in zip(hypothesis.frames, hypothesis.entries, hypothesis.transforms, strict=True):
            solved[frame], bits = self._moment(_targets((frame,), (entry,), reference, box), start @ box, _ALL)
            away.append(bits)
        if len(away) < _LEAST_FOLLOWED or np.median(away) > _FOLLOWED_BITS:
            return None
        moments = self._moments(hypothesis.frames)
        speed, offset_s = _line_of_time(self._times_s[list(hypothesis.frames)], hypothesis.entries, reference)
        usable = np.flatnonzero(reference.usable & (reference.view == hypothesis.view.code))
        anchors = [moments.index(frame) for frame in hypothesis.frames]
        for place, near in _outwards(len(moments), anchors):
            frame, before = moments[place], solved[moments[near]]
            if frame in solved:
                continue
            entries = _shown_at(reference, usable, speed * self._times_s[frame] + offset_s)
            shown = _targets((frame,), entries[:1].tolist(), reference, box)
            seen, bits = self._moment(shown, before, _RIGID) if len(entries) else (before, 0.0)
            solved[frame] = seen if bits <= NEAR_BITS else before
        corners = _smoothed(mapped(np.array([solved[frame] for frame in moments]), CORNERS))
        everywhere = _between(self._times_s, self._times_s[moments], corners)
        transforms = quadrilateral(everywhere) @ np.linalg.inv(box)
        return Registration(transforms, hypothesis.view, part, float(np.mean(away)), moving=True)

    def _moment(self, targets: _Targets, start: Transform, moves: npt.NDArray[np.float64]) -> tuple[Transform, float]:
        """Refine the transform of one frame; also how many bits it is then away."""
        seen = self._climb(start, targets, moves, _MOVING_STEPS)
        return seen, float(self._distances(seen, targets)[0])

    def hashes(self, registration: Registration) -> tuple[PackedHashes, npt.NDArray[np.uint8]]:
        """Hash the known part of the picture in every frame: ``(n, 32)`` uint8, and its quality ``(n,)`` uint8."""
        buffers = self._warper.samples(np.arange(len(self._warper)), registration.read)
        return pdq.bits_of(pdq.coefficients_of(buffers)), pdq.qualities_of(buffers)

    def held(self, registration: Registration, reference: Fingerprint, speeds: Sequence[float]) -> HeldEntries | None:
        """Find the entries of a known picture that the frames hold where it lies; None if they hold no part of it."""
        return held_entries(self._warper, self._times_s, registration.transforms, reference, speeds)

    def side_by_side(self, registration: Registration, query: Fingerprint, reference: Fingerprint) -> SideBySide | None:
        """Read all parts of the known picture that the frames hold, to be compared side by side; None if there is too little of them."""
        held = held_entries(self._warper, self._times_s, registration.transforms, reference)
        if held is None:
            return None
        boxes = np.array([boxed(part_shown(View.from_code(code), reference)) for code in reference.view[held.entry].tolist()]).reshape(
            -1, 3, 3
        )
        frames = nearest(self._times_s, held.query_s)
        buffers = self._warper.samples(frames, registration.transforms[frames] @ boxes)
        hashes, quality = pdq.bits_of(pdq.coefficients_of(buffers)), pdq.qualities_of(buffers)
        return side_by_side(held, hashes, quality, query, reference, registration.view)

    def _moments(self, frames: Sequence[int]) -> list[int]:
        """The frames that are refined one by one: some a second, and those of the hypothesis."""
        length_s = float(self._times_s[-1] - self._times_s[0])
        count = int(min(_MOST_MOMENTS, max(2.0, length_s * _MOMENTS_PER_S), len(self._times_s)))
        spread = np.linspace(0, len(self._times_s) - 1, count).astype(int)
        return sorted({*spread.tolist(), *frames})

    def _distances(self, seen: Transform, targets: _Targets) -> npt.NDArray[np.int64]:
        """Bits between what some frames show through a transform and what they are to show: ``(k,)``."""
        hashes = pdq.bits_of(self._warper.coefficients(targets.frames, seen @ targets.boxes))
        return np.asarray(np.bitwise_count(hashes ^ targets.hashes).sum(axis=1, dtype=np.int64))

    def _climb(self, seen: Transform, targets: _Targets, moves: npt.NDArray[np.float64], steps: Sequence[float]) -> Transform:
        """Climb to the transform through which some frames meet their stored bits best."""
        best = float(self._fit(seen[None], targets)[0])
        within = np.linalg.inv(targets.boxes)[:, None] @ moved_by(moves) @ targets.boxes[:, None]
        for step in steps:
            for _ in range(_MOVES):
                flat, slopes = self._warper.around(targets.frames, seen @ targets.boxes, within, POINTS)
                tried = np.concatenate((moves, -moves)) * step
                moved = flat[:, None] + np.concatenate((slopes, -slopes), axis=1) * np.float32(step)
                gain = np.maximum(_met(moved.swapaxes(0, 1), targets.bits) - _met(flat[None], targets.bits), 0)
                if not gain.any():
                    break
                # All moves that help, each as far as it helps; or the best of them alone.
                together = np.einsum("k,kij->ij", gain / gain.max(), tried)
                choices = np.stack((together, tried[int(np.argmax(gain))]))
                after = seen @ quadrilateral(CORNERS + choices)
                fits = self._fit(after, targets)
                chosen = int(np.argmax(fits))
                if fits[chosen] <= best:
                    break
                seen, best = after[chosen], float(fits[chosen])
        return seen

    def _fit(self, seen: Transform, targets: _Targets) -> npt.NDArray[np.float64]:
        """How well some frames meet their bits through transforms ``(k, 3, 3)``: ``(k,)``, mean over frames and bits."""
        count = len(targets.frames)
        frames, transforms = np.tile(targets.frames, len(seen)), (seen[:, None] @ targets.boxes).reshape(-1, 3, 3)
        coefficients = self._warper.coefficients(frames, transforms, POINTS)
        return _met(coefficients.reshape(len(seen), count, *coefficients.shape[1:]), targets.bits)


def _met(coefficients: FloatArray, bits: FloatArray) -> npt.NDArray[np.float64]:
    """How well coefficients ``(k, frames, 16, 16)`` meet the bits of their frames: ``(k,)``, mean over frames and bits."""
    flat = coefficients.reshape(*coefficients.shape[:2], pdq.BITS)
    # A coefficient counts by its size up to what is usual: those near zero may be of either sign.
    usual = np.abs(flat).mean(axis=2, keepdims=True) * np.float32(0.5) + np.float32(1e-3)
    soft = np.clip(flat / usual, -1, 1)
    return np.asarray(np.einsum("knb,nb->k", soft, bits) / (flat.shape[1] * pdq.BITS), np.float64)


@dataclass(frozen=True)
class _Targets:
    """What some frames are to show."""

    frames: npt.NDArray[np.int64]
    hashes: PackedHashes
    """``(k, 32)`` uint8."""
    bits: FloatArray
    """``(k, 256)`` the same as −1 or 1, in the order of coefficients."""
    boxes: Transform
    """``(k, 3, 3)`` where the parts lie that are to show it, in fractions of the part that the transform sees."""

    def where(self, rows: npt.NDArray[np.int64]) -> _Targets:
        """Return some of them."""
        return _Targets(self.frames[rows], self.hashes[rows], self.bits[rows], self.boxes[rows])


def _spread(held: HeldEntries, reference: Fingerprint) -> list[int]:
    """Choose the nearest entries, not too many of one part."""
    chosen: list[int] = []
    of_part: dict[int, int] = {}
    for row in np.argsort(held.bits, kind="stable").tolist():
        code = int(reference.view[held.entry[row]])
        if held.bits[row] > _JOINT_BITS or len(chosen) == _JOINT_ENTRIES:
            break
        if of_part.setdefault(code, 0) < _JOINT_OF_A_PART:
            of_part[code] += 1
            chosen.append(row)
    return chosen


def _targets(frames: Sequence[int], entries: Sequence[int], reference: Fingerprint, box: Transform) -> _Targets:
    """Return what frames are to show if each shows an entry of the reference; ``box`` is the part of it that the transform sees."""
    hashes, views = reference.hash[list(entries)], [View.from_code(int(code)) for code in reference.view[list(entries)]]
    within = np.linalg.inv(box) @ np.array([boxed(part_shown(view, reference)) for view in views]).reshape(-1, 3, 3)
    return _Targets(np.array(frames, np.int64), hashes, np.unpackbits(hashes, axis=1)[:, ::-1].astype(np.float32) * 2 - 1, within)


def _moves(*of_corner: tuple[tuple[float, float], ...]) -> npt.NDArray[np.float64]:
    return np.array(of_corner, np.float64)


_RIGID: Final = _moves(
    ((1, 0), (1, 0), (1, 0), (1, 0)),
    ((0, 1), (0, 1), (0, 1), (0, 1)),
    ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    ((0.5, -0.5), (0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5)),
)
"""``(4, 4, 2)`` moves of the corners: along, down, larger, turned. Derived: a similarity's degrees of freedom."""
_ALL: Final = np.concatenate((
    _RIGID,
    _moves(
        ((-0.5, 0.5), (0.5, 0.5), (0.5, -0.5), (-0.5, -0.5)),
        ((0.5, 0.5), (0.5, -0.5), (-0.5, -0.5), (-0.5, 0.5)),
        ((-0.5, 0), (0.5, 0), (-0.5, 0), (0.5, 0)),
        ((0, -0.5), (0, 0.5), (0, -0.5), (0, 0.5)),
    ),
))  # fmt: skip
"""``(8, 4, 2)``: also stretched, sheared, and narrower at one end, either way. Derived: a projective map's degrees of freedom."""


def _together(hypothesis: Hypothesis, reference: Fingerprint) -> Transform:
    """Return the affine map that is nearest to what all frames of a hypothesis say of their own parts: ``(3, 3)``.

    Each says little of what is far from its part, so one alone may miss the others.
    """
    codes = reference.view[list(hypothesis.entries)].tolist()
    corners = np.concatenate([mapped(boxed(part_shown(View.from_code(int(code)), reference)), CORNERS) for code in codes])
    shown = np.concatenate(
        [
            mapped(each @ boxed(part_shown(View.from_code(int(code)), reference)), CORNERS)
            for each, code in zip(hypothesis.transforms, codes, strict=True)
        ]
    )
    affine = np.linalg.lstsq(np.concatenate((corners, np.ones((len(corners), 1))), axis=1), shown, rcond=None)[0]
    return np.concatenate((affine.T, [[0.0, 0.0, 1.0]]))


def _line_of_time(times_s: npt.NDArray[np.float64], entries: Sequence[int], reference: Fingerprint) -> tuple[float, float]:
    """Speed and offset of reference time over query time that some pairs say; normal speed if it fits."""
    start_s, end_s = reference.start_s[list(entries)], reference.end_s[list(entries)]
    low, high = float((start_s - times_s).max()), float((end_s - times_s).min())
    if low <= high + TIME_SLACK_S:
        return 1.0, (low + high) / 2
    middle_s = (start_s + end_s) / 2
    spread = times_s - times_s.mean()
    speed = float(np.clip((spread * middle_s).sum() / max(1e-9, (spread**2).sum()), SLOWEST, FASTEST))
    return speed, float(middle_s.mean() - speed * times_s.mean())


def _shown_at(reference: Fingerprint, entries: npt.NDArray[np.int64], time_s: float) -> npt.NDArray[np.int64]:
    """The entries of one view shown at a time of the reference, or none."""
    there = (reference.start_s[entries] <= time_s) & (time_s <= reference.end_s[entries])
    return entries[there]


def _outwards(count: int, anchors: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield all places from some of them outwards, each with the neighbour that came before it; anchors with themselves."""
    order = sorted(range(count), key=lambda place: min(abs(place - anchor) for anchor in anchors))
    for place in order:
        nearest = min(anchors, key=lambda anchor: abs(place - anchor))
        yield place, place + int(np.sign(nearest - place))


def _smoothed(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Take the median of each moment and its two neighbours."""
    if len(corners) < 3:
        return corners
    padded = np.concatenate((corners[:1], corners, corners[-1:]))
    return np.median(np.stack((padded[:-2], padded[1:-1], padded[2:])), axis=0)


def _between(times_s: npt.NDArray[np.float64], at_s: npt.NDArray[np.float64], corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Interpolate corners ``(k, 4, 2)`` known at some times: ``(n, 4, 2)``."""
    flat = corners.reshape(len(corners), -1)
    return np.stack([np.interp(times_s, at_s, column) for column in flat.T], axis=1).reshape(-1, 4, 2)
