"""Plug vhashdb into Meta's Python tools for ThreatExchange (py-tx) and into Hasher-Matcher-Actioner.

Only here is `threatexchange` imported, which ``pip install "vhashdb[tx]"`` brings. Those tools find everything through `TX_MANIFEST`.

::

    signal_text    fingerprints as one text, and back                     pure
    vpdq_text      vPDQ hashes as those tools keep them                   pure
    similarity     what is said of a pair: verdict, score, segments       pure
    video_index    signals, searched and compared in memory
    signal_types   what the tools know a kind of signal by
"""

from threatexchange.extensions.manifest import ThreatExchangeExtensionManifest

from vhashdb.tx.signal_text import SignalSides, from_signal, to_signal
from vhashdb.tx.signal_types import VhashdbSignal, VhashdbVpdqSignal
from vhashdb.tx.similarity import SharedSegment, VideoSimilarity
from vhashdb.tx.video_index import VideoIndex, VpdqBankIndex
from vhashdb.tx.vpdq_text import from_vpdq_signal

TX_MANIFEST = ThreatExchangeExtensionManifest(signal_types=(VhashdbSignal, VhashdbVpdqSignal))
"""What ThreatExchange's tools load of this package."""

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
