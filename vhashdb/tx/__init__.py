"""Plug vhashdb into Meta's Python tools for ThreatExchange (py-tx) and into Hasher-Matcher-Actioner.

Those tools find everything through `TX_MANIFEST`. Only here is `threatexchange` imported, which ``pip install "vhashdb[tx]"`` brings;
what is pure does without.

::

    signal_text    fingerprints as one text, and back                     pure
    vpdq_text      vPDQ hashes as those tools keep them                   pure
    signals        signals of videos, and the comparison of two           pure
    shared_segments  what a pair shares, in short                         pure
    similarity     what is said of a pair: verdict, score, segments
    video_index    signals, searched and compared in memory
    signal_types   what the tools know a kind of signal by
    manifest       what the tools load
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.tx.manifest import TX_MANIFEST
    from vhashdb.tx.shared_segments import SharedSegment
    from vhashdb.tx.signal_text import SignalSides, from_signal, to_signal
    from vhashdb.tx.signal_types import VhashdbSignal, VhashdbVpdqSignal
    from vhashdb.tx.similarity import VideoSimilarity
    from vhashdb.tx.video_index import VideoIndex, VpdqBankIndex
    from vhashdb.tx.vpdq_text import from_vpdq_signal
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "manifest": "TX_MANIFEST",
            "signal_text": "SignalSides from_signal to_signal",
            "signal_types": "VhashdbSignal VhashdbVpdqSignal",
            "shared_segments": "SharedSegment",
            "similarity": "VideoSimilarity",
            "video_index": "VideoIndex VpdqBankIndex",
            "vpdq_text": "from_vpdq_signal",
        },
    )

__all__ = [
    "TX_MANIFEST",
    "SharedSegment",
    "SignalSides",
    "VhashdbSignal",
    "VhashdbVpdqSignal",
    "VideoIndex",
    "VideoSimilarity",
    "VpdqBankIndex",
    "from_signal",
    "from_vpdq_signal",
    "to_signal",
]
