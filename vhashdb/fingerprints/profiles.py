"""Extraction profiles: which frames of a video are read, through which views, and which of them become entries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Final

from vhashdb.hashing.views import (
    CELLS,
    CROPS,
    CUTS,
    FRAME_INSETS,
    HALVES,
    INSETS,
    MASKED_REGIONS,
    PICTURES,
    SQUARES,
    TILTS,
    Orientation,
    Region,
    View,
)
from vhashdb.video.frames import Mode, Sampling


@dataclass(frozen=True)
class FrameSelection:
    """Say how far a frame must differ from the last entry of its region to become an entry of its own."""

    change_bits: tuple[int, ...]
    """Hamming distances, in bits of 256, ascending. The first that yields no more than ``max_rate`` entries a second is
    used, or else the last."""
    max_rate: float = 0.0
    """Entries per second up to which a finer distance is taken."""
    thins: bool = False
    """Whether ``max_rate`` holds where even the last distance yields more: then only the entry that lasts longest is kept of those
    that begin within the same ``1 / max_rate`` seconds, and what the others stand for is in no entry."""

    def steps(self, bits: int) -> list[int]:
        """Return ``change_bits`` scaled to hashes of ``bits`` bits."""
        return [round(step * bits / 256) for step in self.change_bits]


@dataclass(frozen=True)
class ExtractionProfile:
    """Say how a video is fingerprinted: which frames are decoded, which views are hashed, which hashes become entries."""

    sampling: Sampling
    views: Mapping[Region, tuple[Orientation, ...]]
    """Regions to hash, each in one or more orientations. The first orientation decides about change."""
    selection: FrameSelection
    selection_of: Mapping[Region, FrameSelection] = field(default_factory=dict)
    """Regions with a frame selection of their own."""
    frame_step: int = 1
    """Only every ``frame_step``-th sampled frame is hashed."""
    sparse: frozenset[Region] = frozenset()
    """Regions that are hashed less often than the others."""
    sparse_step: int = 1
    """Of the frames that are hashed, only every ``sparse_step``-th is in the regions of ``sparse``."""
    drops_flat: frozenset[Region] = frozenset()
    """Regions of which no entry is kept that shows too little to be compared."""
    fills_gaps: bool = False
    """Whether a region that is not found in a frame window, but was before, is replaced there by the next simpler one, so that
    its view covers the whole video."""

    def selection_for(self, region: Region) -> FrameSelection:
        """Return the frame selection that applies to a region."""
        return self.selection_of.get(region, self.selection)

    @property
    def text(self) -> str:
        """Every setting as text, without a name from this code and the same in every process: cache keys are made of it."""
        return json.dumps(astuple(self), default=sorted)


_UPRIGHT: Final = (Orientation.UPRIGHT,)
_MIRRORED_TOO: Final = (Orientation.UPRIGHT, Orientation.MIRRORED)
_ALL: Final = tuple(Orientation)

REFERENCE_PROFILE: Final = ExtractionProfile(
    Sampling(Mode.SAMPLED, 8.0),
    dict.fromkeys((Region.WHOLE, Region.WITHIN_BARS, *CROPS), _UPRIGHT),
    FrameSelection((8, 12, 16, 24, 32, 40), max_rate=2.5),
    dict.fromkeys(CROPS, FrameSelection((8, 12, 16, 24, 32, 40, 48, 56), max_rate=1.9)),
)
"""What a database stores: dense in time, subsampled by change, with crops, which cannot be undone on the query's side.

A calm video, in which each change is small, is sampled in finer steps: its changes are what distinguishes it from other
footage of the same place, and it takes no more room than a lively one. Rates and distances are measured by `bench.accuracy`:
lower rates lose `match` before they lose `possible`.
"""

REFERENCE_PROFILE_WITH_SQUARES: Final = replace(
    REFERENCE_PROFILE,
    views=dict(sorted({**REFERENCE_PROFILE.views, **dict.fromkeys(SQUARES, _UPRIGHT)}.items())),
    selection_of={
        **REFERENCE_PROFILE.selection_of,
        **dict.fromkeys(SQUARES, FrameSelection((8, 12, 16, 24, 32, 40), max_rate=0.9, thins=True)),
    },
    drops_flat=frozenset(SQUARES),
)
"""What a database with squares stores: the same, and a grid of squares, of which an off-centre crop shows some whole.

The rate is an engineering bound on room: 16 squares at 0.9 a second are no more than 14 entries a second.
"""

_ALWAYS: Final = dict.fromkeys((Region.WHOLE, Region.WITHIN_BARS), _ALL) | {Region.WITHIN_STATIC_BORDER: _MIRRORED_TOO}
"""Regions that most edits leave something in, with their orientations."""
_MORE: Final = dict.fromkeys(
    (
        Region.WITHIN_LETTERBOX,
        Region.WITHIN_PILLARBOX,
        Region.BETWEEN_BANDS,
        Region.BETWEEN_SYMMETRIC_BANDS,
        Region.BETWEEN_SYMMETRIC_COLUMNS,
        Region.WITHIN_DRAWN_BORDER,
        Region.MASKED_OVERLAYS,
        *(*PICTURES, *INSETS, *FRAME_INSETS, *CUTS, *HALVES, *CELLS, *TILTS, *MASKED_REGIONS),
    ),
    _MIRRORED_TOO,
) | {Region.INSET_6: _ALL}
"""Regions that only some edits need. A tenth is what is usually cropped, also of what is turned."""

QUERY_PROFILE: Final = ExtractionProfile(
    Sampling(Mode.SAMPLED, 3.0, exact=False, covers=True), _ALWAYS | _MORE, FrameSelection((6,)), fills_gaps=True
)
"""The fingerprint of a query: three frames a second, and many views, because none of them has to be stored.

The usual regions are read in all orientations, the others upright and mirrored. Rate and distance are measured by
`bench.accuracy`, against the cost by `bench.speed`.
"""

COARSE_PROFILE: Final = replace(QUERY_PROFILE, frame_step=2, sparse=frozenset(_MORE), sparse_step=2)
"""The first, cheap fingerprint of a `balanced` query: half of the query's frames, and a quarter in the less usual regions.

It decides only whether any record is near enough for `QUERY_PROFILE` to be worth its cost. Steps are measured by `bench.accuracy`.
"""

_WITH_WHOLE: Final = (View(Region.WHOLE), View(Region.WHOLE, Orientation.MIRRORED))
"""Views that a look through some views has in any case."""


def closer(profile: ExtractionProfile, views: Iterable[View]) -> ExtractionProfile:
    """Return the profile with only these views and the whole picture, each in an orientation that the profile has as well."""
    chosen: dict[Region, list[Orientation]] = {}
    for view in sorted({*_WITH_WHOLE, *views}, key=lambda view: view.code):
        if view.orientation in profile.views.get(view.region, ()):
            chosen.setdefault(view.region, []).append(view.orientation)
    return replace(profile, views={region: tuple(orientations) for region, orientations in chosen.items()})


_FINER: Final = frozenset({Region.INSET_2, Region.INSET_4, Region.INSET_8, *PICTURES[1:], *list(MASKED_REGIONS)[:4]})
"""Regions that seldom find what the others do not. Measured: `bench.accuracy`."""

KEYFRAME_PROFILE: Final = replace(
    QUERY_PROFILE,
    sampling=Sampling(Mode.KEYFRAMES, 2.0, exact=False, covers=True),
    views={region: orientations for region, orientations in QUERY_PROFILE.views.items() if region not in _FINER},
)
"""The first fingerprint of a `fast` query: keyframes alone, two a second at most, and fewer regions.

Measured: `bench.accuracy` for what it finds, `bench.speed` for its cost.
"""

DENSE_PROFILE: Final = replace(QUERY_PROFILE, sampling=Sampling(Mode.SAMPLED, 8.0, exact=False, covers=True))
"""The fingerprint of a `thorough` query: as many frames a second as a reference, in all views.

Derived from `REFERENCE_PROFILE`.
"""

SIGNAL_PROFILE: Final = replace(
    QUERY_PROFILE, sampling=REFERENCE_PROFILE.sampling, views=dict.fromkeys(QUERY_PROFILE.views, _UPRIGHT), frame_step=3
)
"""The views of a query as a text that is passed on: made of every third frame of a reference, so that one pass makes both, and upright
alone, since hashes of pictures that are turned follow from theirs (`turned_like`).

Derived from `QUERY_PROFILE` and `REFERENCE_PROFILE`.
"""

EVERY_FRAME_PROFILE: Final = ExtractionProfile(Sampling(Mode.FULL), {Region.WHOLE: _UPRIGHT}, FrameSelection((0,)))
"""Every single frame of the whole picture.

Given by vPDQ, which hashes like this.
"""
