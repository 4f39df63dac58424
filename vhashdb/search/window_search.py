"""Look into the index for what windows anywhere in some frames show, and say where records that are near may lie.

some frames → windows → hashes near them, by record → records on whose place several frames agree
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.warping import MIRRORING
from vhashdb.hashing.windows import MIRROR, Rectangles, Windows, windows_of
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import Hits
from vhashdb.search.hypotheses import Hypothesis, Sightings, hypotheses

LEAST_CONTRAST: Final = 6.0
"""Luma levels, root mean square, that a window must show. Engineering bound: flat windows are alike by chance."""
_LEAST_FRAMES: Final = 3
"""Frames that are hashed in all windows, of however short a video. Engineering bound: one more than must agree."""
_FRAME_EACH_S: Final = 3.0
"""Seconds for which one frame more is. Engineering bound: on the cost of short videos."""
_FRAME_EACH_WITH_SQUARES_S: Final = 0.6
"""The same where records have squares. Engineering bound: an entry of a square stands for about half a second, and has to be met."""
_MOST_SIGHTINGS: Final = 300
"""Windows of one record that are looked at. Engineering bound: its nearest say enough."""


class WindowSearch:
    """Looks for known pictures in windows of some frames of one query."""

    def __init__(
        self,
        thumbnails: npt.NDArray[np.uint8],
        times_s: npt.NDArray[np.float64],
        aspect: float,
        config: MatchingConfig,
        *,
        squares: bool = False,
    ) -> None:
        """Hash the windows.

        Args:
            thumbnails: ``(n, 128, 128)`` of the frames, two at least.
            times_s: of each, ascending.
            aspect: width of the frames by their height.
            config: what decides.
            squares: whether records have squares.
        """
        self._times_s, self._config = times_s, config
        self._windows: list[Windows] = []
        self._hits: Hits | None = None
        length_s = float(times_s[-1] - times_s[0])
        most, each_s = (config.window_frames_with_squares, _FRAME_EACH_WITH_SQUARES_S) if squares else (config.window_frames, _FRAME_EACH_S)
        count = min(most, _LEAST_FRAMES + int(length_s / each_s))
        chosen = np.unique(np.linspace(0, len(thumbnails) - 1, count + 2)[1:-1].astype(np.int64))
        rectangles = Rectangles(thumbnails)
        for number in chosen.tolist():
            found = windows_of(thumbnails[number].astype(np.float32), aspect, rectangles, squares=squares)
            self._windows.append(found.where(found.contrast >= LEAST_CONTRAST))
        self._frame = np.repeat(chosen, [len(w) for w in self._windows])
        self._first = np.cumsum([0, *(len(w) for w in self._windows)])

    @property
    def hashes(self) -> npt.NDArray[np.uint8]:
        """What is to be looked up: every window as it is, and then every one mirrored, ``(2 n, 32)`` uint8."""
        upright = np.concatenate([w.hash for w in self._windows])
        return np.concatenate((upright, upright ^ MIRROR))

    def records(self, hits: Hits) -> list[int]:
        """Take what was found near the hashes; return the records that any frame is near, the likeliest first."""
        self._hits = hits
        if not len(hits.record):
            return []
        order = np.lexsort((hits.distance, self._frame_of(hits.query), hits.record))
        record, frame, distance = hits.record[order], self._frame_of(hits.query)[order], hits.distance[order]
        first = np.concatenate(([True], (np.diff(record) != 0) | (np.diff(frame) != 0)))  # the nearest of each frame
        weight = (1 - distance[first] / (self._config.window_radius_bits + 1)) ** 2 + 1e-3
        numbers, of_number = np.unique(record[first], return_inverse=True)
        likeliest: list[int] = numbers[np.argsort(-np.bincount(of_number, weight), kind="stable")].tolist()
        return likeliest

    def hypotheses(self, record: int, reference: Fingerprint) -> list[Hypothesis]:
        """Return where frames agree that a record's picture lies, the likeliest first; nothing if none do."""
        return hypotheses(self._sightings(record), self._times_s, reference, round(self._config.window_radius_bits))

    def _frame_of(self, query: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return self._frame[query % len(self._frame)]

    def _sightings(self, record: int) -> Sightings:
        assert self._hits is not None
        of_record = np.flatnonzero(self._hits.record == record)
        queries = self._hits.query[of_record[np.argsort(self._hits.distance[of_record], kind="stable")]]
        queries = queries[np.sort(np.unique(queries, return_index=True)[1])][:_MOST_SIGHTINGS]
        window, is_mirrored = queries % len(self._frame), queries >= len(self._frame)
        parts = np.searchsorted(self._first, window, side="right") - 1
        within = window - self._first[parts]
        places = [(self._windows[part], int(number)) for part, number in zip(parts.tolist(), within.tolist(), strict=True)]
        hashes = np.array([windows.hash[number] for windows, number in places])
        hashes[is_mirrored] ^= MIRROR
        seen = np.array([windows.transform(number) for windows, number in places])
        seen[is_mirrored] = seen[is_mirrored] @ MIRRORING
        return Sightings(self._frame[window], hashes, seen)
