"""The fingerprint of one video: the value, how it is extracted, and the forms in which it is stored and exchanged."""

from vhashdb.fingerprints.binary import from_bytes, to_bytes
from vhashdb.fingerprints.build import FingerprintBuilder, subsampled
from vhashdb.fingerprints.model import Fingerprint, unusable_spans
from vhashdb.fingerprints.profiles import (
    COARSE_PROFILE,
    DENSE_PROFILE,
    EVERY_FRAME_PROFILE,
    KEYFRAME_PROFILE,
    QUERY_PROFILE,
    REFERENCE_PROFILE,
    ExtractionProfile,
    closer,
)
from vhashdb.fingerprints.text import from_json, from_vpdq, to_json, to_lines, to_vpdq

__all__ = [
    "COARSE_PROFILE",
    "DENSE_PROFILE",
    "EVERY_FRAME_PROFILE",
    "KEYFRAME_PROFILE",
    "QUERY_PROFILE",
    "REFERENCE_PROFILE",
    "ExtractionProfile",
    "Fingerprint",
    "FingerprintBuilder",
    "closer",
    "from_bytes",
    "from_json",
    "from_vpdq",
    "subsampled",
    "to_bytes",
    "to_json",
    "to_lines",
    "to_vpdq",
    "unusable_spans",
]
