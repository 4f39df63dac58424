"""Signal types: what is read of each, how two of them compare, and which verdicts count as a match."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vhashdb.errors import FingerprintError
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.text import from_frames, pdq_bytes, quoted
from vhashdb.hash_query import HashQuery
from vhashdb.matching import MatchingConfig, Verdict
from vhashdb.tx.shared_segments import SharedSegment, shared_segments, told
from vhashdb.tx.signal_text import PREFIX, SignalSides, from_signal
from vhashdb.tx.signals import compare_signals, require_usable
from vhashdb.tx.vpdq_text import from_vpdq_signal

VIDEO: Final = "video"
PHOTO: Final = "photo"
CONTENT_TYPES: Final = (PHOTO, VIDEO)
_SURE: Final = frozenset({Verdict.MATCH.value})
_OR_POSSIBLE: Final = frozenset({Verdict.MATCH.value, Verdict.POSSIBLE.value})
_FULL_QUALITY: Final = 100

Comparison = tuple[bool, dict[str, Any]]


@dataclass(frozen=True)
class SignalKind:
    """One signal type."""

    name: str
    content: str
    """The content type that it is of."""
    query: Callable[[str], HashQuery]
    """Reads a signal; raises `FingerprintError`."""
    compare: Callable[[str, str], Comparison]
    """Whether two are a match, and how far they are apart; raises `FingerprintError`."""
    verdicts: frozenset[str] = _SURE
    """Verdicts that count as a match. HMA knows nothing between a match and none."""
    exact: bool = False
    """Whether it is a hash of the whole file, of which no match says nothing else than that."""
    asked_for: bool = False
    """Whether it is made only for whoever names it, because it takes long or says the same as another."""

    def found(self, match: dict[str, Any]) -> bool:
        """Tell whether a match of an answer is one of signals of this type."""
        return bool(match["identical"]) if self.exact else match["verdict"] in self.verdicts

    def distance(self, match: dict[str, Any]) -> str:
        """Say how far apart a match of an answer is, as HMA does: in a text."""
        if self.exact:
            return "0"
        if self.content == PHOTO:
            return str(round(min((segment["median_bits"] for segment in match["segments"]), default=0)))
        return told(Verdict(match["verdict"]), match["score"], [_segment(each) for each in match["segments"]])


def sides_of(text: str, *, vpdq: bool) -> SignalSides:
    """Read a signal of hashes of frames; ``vpdq``: such as vPDQ writes it, or ours.

    Raises:
        FingerprintError: it is none, or shows too little to be compared.
    """
    ours = text.strip().startswith(f"{PREFIX}.") or not vpdq
    sides = from_signal(text) if ours else SignalSides(from_vpdq_signal(text))
    require_usable(sides.reference)
    return sides


def picture_of(text: str) -> Fingerprint:
    """Read one PDQ hash as the fingerprint of a picture.

    Raises:
        FingerprintError: it is none.
    """
    try:
        return from_frames([0.0], [_FULL_QUALITY], [pdq_bytes(text)])
    except ValueError as error:
        raise FingerprintError(str(error)) from error


def _of_frames(name: str, *, vpdq: bool, **more: Any) -> SignalKind:
    verdicts = _OR_POSSIBLE if vpdq else _SURE  # one hash a second seldom shows the motion that confirms, and vPDQ does not ask for it

    def compare(one: str, other: str) -> Comparison:
        judgement, exchanged = compare_signals(sides_of(one, vpdq=vpdq), sides_of(other, vpdq=vpdq))
        said = {"verdict": judgement.verdict.value, "score": judgement.score, "reason": judgement.reason}
        segments = [vars(segment) for segment in shared_segments(judgement, exchanged=exchanged)]
        return judgement.verdict.value in verdicts, {"distance": 1 - judgement.score, **said, "segments": segments}

    return SignalKind(name, VIDEO, lambda text: HashQuery(frames=sides_of(text, vpdq=vpdq).asked), compare, verdicts, **more)


def _exact(name: str, digits: int, query: Callable[[str], HashQuery]) -> SignalKind:
    def value(text: str) -> str:
        found = text.strip().lower()
        if not re.fullmatch(f"[0-9a-f]{{{digits}}}", found):
            raise FingerprintError(f"it has {digits} hexadecimal digits, not {quoted(text)}")
        return found

    def compare(one: str, other: str) -> Comparison:
        return value(one) == value(other), {}

    return SignalKind(name, VIDEO, lambda text: query(value(text)), compare, exact=True)


def _compare_pictures(one: str, other: str) -> Comparison:
    bits = int(np.bitwise_count(picture_of(one).hash ^ picture_of(other).hash).sum())
    return bits <= MatchingConfig.of(picture_of(one).algorithm).radius_bits, {"distance": bits}


def _segment(segment: dict[str, Any]) -> SharedSegment:
    return SharedSegment(**{name: segment[name] for name in SharedSegment.__dataclass_fields__})


KINDS: Final[Mapping[str, SignalKind]] = {
    kind.name: kind
    for kind in (
        SignalKind("pdq", PHOTO, lambda text: HashQuery(frames=picture_of(text)), _compare_pictures, _OR_POSSIBLE),
        _of_frames("vhashdb", vpdq=False),
        _of_frames("vhashdb_vpdq", vpdq=True, asked_for=True),
        _exact("video_md5", 32, lambda value: HashQuery(md5=value)),
        _exact("video_sha256", 64, lambda value: HashQuery(sha256=value)),
        _of_frames("video_vpdq", vpdq=True, asked_for=True),
        _of_frames("vpdq", vpdq=True, asked_for=True),  # as ThreatExchange's extension calls it
    )
}
"""All of them, by name."""
