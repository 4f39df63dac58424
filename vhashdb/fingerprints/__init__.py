"""The fingerprint of one video: the value, how it is extracted, and the forms in which it is stored and exchanged."""

from vhashdb.fingerprints.binary import as_stored, from_bytes, to_bytes, to_stored
from vhashdb.fingerprints.build import FingerprintBuilder, subsampled
from vhashdb.fingerprints.model import Fingerprint, bare_with_squares, is_square, unusable_spans, without_squares
from vhashdb.fingerprints.profiles import (
    COARSE_PROFILE,
    DENSE_PROFILE,
    EVERY_FRAME_PROFILE,
    KEYFRAME_PROFILE,
    QUERY_PROFILE,
    REFERENCE_PROFILE,
    REFERENCE_PROFILE_WITH_SQUARES,
    SIGNAL_PROFILE,
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
    "REFERENCE_PROFILE_WITH_SQUARES",
    "SIGNAL_PROFILE",
    "ExtractionProfile",
    "Fingerprint",
    "FingerprintBuilder",
    "as_stored",
    "bare_with_squares",
    "closer",
    "from_bytes",
    "from_json",
    "from_vpdq",
    "is_square",
    "subsampled",
    "to_bytes",
    "to_json",
    "to_lines",
    "to_stored",
    "to_vpdq",
    "unusable_spans",
    "without_squares",
]
