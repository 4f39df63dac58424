"""The fingerprint of one video: a value, how it is made, and the forms in which it is stored and exchanged."""

from vhashdb.fingerprint.binary import from_bytes, to_bytes
from vhashdb.fingerprint.build import QUERY_VIEWS, REFERENCE_VIEWS, FingerprintBuilder, Plan
from vhashdb.fingerprint.model import Fingerprint
from vhashdb.fingerprint.text import from_json, from_vpdq, to_json, to_vpdq

__all__ = [
    "QUERY_VIEWS",
    "REFERENCE_VIEWS",
    "Fingerprint",
    "FingerprintBuilder",
    "Plan",
    "from_bytes",
    "from_json",
    "from_vpdq",
    "to_bytes",
    "to_json",
    "to_vpdq",
]
