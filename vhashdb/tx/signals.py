"""Make signals of videos, and compare two: what ThreatExchange's tools ask of a signal type, without them."""

from __future__ import annotations

from vhashdb.errors import FingerprintError
from vhashdb.fingerprinting import fingerprints_of_one_pass
from vhashdb.fingerprints import REFERENCE_PROFILE, SIGNAL_PROFILE, Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.inputs import Source
from vhashdb.limits import Limits
from vhashdb.matching import Judgement, MatchingConfig
from vhashdb.matching.comparison import compare_pictures
from vhashdb.tx.signal_text import SignalSides, to_signal


def signal_of(source: Source, *, limits: Limits | None = None) -> tuple[str, Fingerprint]:
    """Fingerprint a video; return its signal, and the reference in it, which says what could not be read.

    Raises:
        MediaError: it cannot be read, or has no pictures.
        FingerprintError: it shows too little picture to be compared.
    """
    reference, query = fingerprints_of_one_pass(source, (REFERENCE_PROFILE, SIGNAL_PROFILE), limits=limits)
    require_usable(reference)
    return to_signal(reference, query), reference


def require_usable(reference: Fingerprint) -> None:
    """Refuse the fingerprint of a video that cannot be compared, which must not look like no match.

    Raises:
        FingerprintError: it shows too little picture.
    """
    if not reference.usable.any():
        raise FingerprintError("the signal is of a video that shows too little picture to be compared", hint="nothing can be said of it")


def compare_signals(one: SignalSides, other: SignalSides) -> tuple[Judgement, bool]:
    """Compare two signals, each as the query and the other as the reference.

    Returns:
        The better judgement, and whether its query is ``other``.
    """
    config = MatchingConfig.of(Pdq.id)
    there = compare_pictures(one.asked, other.reference, config=config).judgement
    back = compare_pictures(other.asked, one.reference, config=config).judgement
    return (back, True) if back.score > there.score else (there, False)
