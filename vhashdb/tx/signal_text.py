"""Write what a video is recorded by and what it is asked with as one text, and read it (`docs/formats.md`).

ThreatExchange's tools know one text of a video, whether it is kept in a bank or looked up there. A reference and a query differ here in
frames and views, so the text has both, one after the other.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.exchange.formats import FormatLimits
from vhashdb.fingerprints import QUERY_PROFILE, Fingerprint, from_bytes, to_bytes
from vhashdb.fingerprints.model import bare, ordered
from vhashdb.fingerprints.text import quoted
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.view_transforms import turned_bits
from vhashdb.hashing.views import Orientation, View

PREFIX: Final = "vh1"
"""Name and version of the text. Given by `docs/formats.md`."""
_PARTS: Final = ("reference", "query")
_ALPHABET: Final = re.compile(r"[A-Za-z0-9_-]*")
_NAME: Final = re.compile(r"vh[0-9]+")


@dataclass(frozen=True)
class SignalSides:
    """The two fingerprints of one video in a signal."""

    reference: Fingerprint
    """What a bank keeps and compares with."""
    query: Fingerprint | None = None
    """What the video is asked with, upright; None if it is not in the signal."""

    @property
    def asked(self) -> Fingerprint:
        """The fingerprint that a bank is searched with: the query's views as `turned_like` completes them, or else the reference."""
        return self.reference if self.query is None else turned_like(self.query)


def to_signal(reference: Fingerprint, query: Fingerprint | None = None) -> str:
    """Write a signal: printable, without white space, and safe in URLs and JSON.

    Size of the picture, codec, damage, squares and sound are left out. Without a query the signal is as short as a record of a
    database, and finds fewer edited copies when it is looked up itself.

    Raises:
        AlgorithmMismatch: one of the two is not PDQ.
    """
    sides = [each for each in (reference, query) if each is not None]
    for each in sides:
        Pdq.id.require(each.algorithm)
    return ".".join([PREFIX, *(_encoded(to_bytes(_shared(each))) for each in sides)])


def from_signal(text: str, *, limits: FormatLimits | None = None) -> SignalSides:
    """Read what `to_signal` wrote; white space around it is allowed.

    Args:
        text: the signal.
        limits: bounds on its size; None: those for files of others.

    Raises:
        FingerprintError: it is not a signal, of a newer version, damaged or larger than is allowed; the message says which.
    """
    limits = limits or FormatLimits()
    text = text.strip()
    if not text:
        raise FingerprintError("the signal is empty", hint="a file that cannot be fingerprinted has none")
    if len(text) > limits.item_bytes:
        raise FingerprintError(f"the signal has {len(text)} characters; at most {limits.item_bytes} are allowed")
    name, *parts = text.split(".")
    if name != PREFIX:
        if _NAME.fullmatch(name):
            raise FingerprintError(f"the signal is of version {name!r}; this program knows {PREFIX!r}", hint="upgrade vhashdb")
        raise FingerprintError(f"a signal begins with '{PREFIX}.', unlike {quoted(text)}", hint="`vhashdb.tx.to_signal` writes one")
    if not 1 <= len(parts) <= len(_PARTS):
        raise FingerprintError(f"a signal has one or two fingerprints behind '{PREFIX}', not {len(parts)}")
    return SignalSides(*(_fingerprint(part, which, limits) for part, which in zip(parts, _PARTS, strict=False)))


def turned_like(query: Fingerprint) -> Fingerprint:
    """Complete the upright views of a query by the turned ones that `QUERY_PROFILE` has, as well as bits allow."""
    parts = [query]
    for code in np.unique(query.view).tolist():
        view = View.from_code(code)
        entries = query.only(query.view == code)
        for orientation in QUERY_PROFILE.views.get(view.region, ()) if view.orientation is Orientation.UPRIGHT else ():
            turned = View(view.region, orientation).code
            if not (query.view == turned).any():
                codes = np.full(len(entries), turned, np.uint16)
                parts.append(replace(entries, hash=turned_bits(entries.hash, orientation), view=codes))
    names = ("start_s", "end_s", "hash", "quality", "view")
    columns: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return ordered(replace(query, **columns))


def check_size(fingerprint: Fingerprint, limits: FormatLimits) -> None:
    """Refuse a fingerprint that has more hashes than a video has, as it would slow every search.

    Raises:
        FingerprintError: it has, or it claims to last too long.
    """
    if fingerprint.duration_s > limits.duration_s:
        raise FingerprintError(f"it claims to last {fingerprint.duration_s:,.0f} s; at most {limits.duration_s:,.0f} are believed")
    count, most = len(fingerprint), limits.hashes_free + limits.hashes_per_s * fingerprint.duration_s
    if count > most:
        lasting = f"{fingerprint.duration_s:,.1f} s"
        raise FingerprintError(f"it has {count:,} hashes for {lasting}, and a video has at most {limits.hashes_per_s} a second")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _decoded(text: str, which: str) -> bytes:
    if not text:
        raise FingerprintError(f"the {which} of the signal is empty")
    if not _ALPHABET.fullmatch(text):
        odd = next(character for character in text if not _ALPHABET.fullmatch(character))
        raise FingerprintError(f"the {which} of the signal has {quoted(odd)}, which is no character of base64url")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise FingerprintError(f"the {which} of the signal is cut short") from error
    if _encoded(raw) != text:
        raise FingerprintError(f"the {which} of the signal is cut short, or was changed in its last character")
    return raw


def _fingerprint(text: str, which: str, limits: FormatLimits) -> Fingerprint:
    raw = _decoded(text, which)
    try:
        found = _shared(ordered(from_bytes(raw, max_bytes=limits.unpacked_from(len(raw)))))
        Pdq.id.require(found.algorithm)
        check_size(found, limits)
    except FingerprintError as error:
        raise FingerprintError(f"the {which} of the signal: {error}", hint=error.hint) from error
    return found


def _shared(fingerprint: Fingerprint) -> Fingerprint:
    """Return what a signal has of a fingerprint: hashes of pictures and their times."""
    return replace(bare(fingerprint), sound=None)
