"""The fingerprint of one video: a value, how it is made, and the forms in which it is stored and exchanged."""

from vhashdb.fingerprints.binary import from_bytes, to_bytes
from vhashdb.fingerprints.build import (
    CLOSE_VIEWS,
    EVERY_FRAME,
    KEYFRAME_VIEWS,
    QUERY_VIEWS,
    REFERENCE_VIEWS,
    SCOUT_VIEWS,
    FingerprintBuilder,
    Plan,
)
from vhashdb.fingerprints.model import Fingerprint, unusable_spans
from vhashdb.fingerprints.text import from_json, from_vpdq, to_json, to_vpdq

__all__ = [
    "CLOSE_VIEWS",
    "EVERY_FRAME",
    "KEYFRAME_VIEWS",
    "QUERY_VIEWS",
    "REFERENCE_VIEWS",
    "SCOUT_VIEWS",
    "Fingerprint",
    "FingerprintBuilder",
    "Plan",
    "from_bytes",
    "from_json",
    "from_vpdq",
    "to_bytes",
    "to_json",
    "to_vpdq",
    "unusable_spans",
]
