"""The signal types that ThreatExchange's tools load: fingerprints of vhashdb, and vPDQ hashes that its index searches."""

from __future__ import annotations

import io
import logging
import pathlib
from typing import Any, Final

from threatexchange.content_type.content_base import ContentType
from threatexchange.content_type.video import VideoContent
from threatexchange.signal_type.pdq.signal import PdqSignal
from threatexchange.signal_type.signal_base import BytesHasher, SignalComparisonResult, SignalType

from vhashdb.errors import FingerprintError, MediaError, MediaNotFound
from vhashdb.fingerprints.text import from_frames, pdq_bytes
from vhashdb.inputs import Source
from vhashdb.tx.signal_text import to_signal
from vhashdb.tx.signals import compare_signals, signal_of
from vhashdb.tx.similarity import VideoSimilarity
from vhashdb.tx.video_index import VideoIndex, VpdqBankIndex

_log: Final = logging.getLogger(__name__)


class VhashdbSignal(SignalType, BytesHasher):
    """Fingerprints of vhashdb: what a video is recorded by and what it is asked with, in one text."""

    @classmethod
    def get_content_types(cls) -> list[type[ContentType]]:
        """Return video alone: a single picture can be possible at most, which the tools cannot say."""
        return [VideoContent]

    @classmethod
    def get_index_cls(cls) -> type[VideoIndex[Any]]:
        return VideoIndex

    @classmethod
    def validate_signal_str(cls, signal_str: str) -> str:
        """Return the signal without white space around it.

        Raises:
            FingerprintError: it is none; the message says what is wrong.
        """
        cls.get_index_cls().sides_of(signal_str)
        return signal_str.strip()

    @classmethod
    def hash_from_file(cls, file: pathlib.Path) -> str:
        """Fingerprint a video; empty, and logged, if it cannot be read, has no pictures or shows too little to be compared.

        Raises:
            MediaNotFound: there is no such file.
        """
        return _hashed(file)

    @classmethod
    def hash_from_bytes(cls, bytes_: bytes) -> str:
        """Fingerprint a video that is in memory; see `hash_from_file`."""
        return _hashed(io.BytesIO(bytes_))

    @classmethod
    def compare_hash(cls, hash1: str, hash2: str) -> SignalComparisonResult:
        """Compare two signals, each as the query and the other as the reference, and return the better of both.

        Segments have the seconds of ``hash1`` as those of the query.

        Raises:
            FingerprintError: one of them is no signal.
        """
        index = cls.get_index_cls()
        one, other = (index.sides_of(each) for each in (hash1, hash2))
        best, exchanged = compare_signals(one, other)
        return SignalComparisonResult(best.verdict in index.reported, VideoSimilarity.of(best, exchanged=exchanged))

    @staticmethod
    def get_examples() -> list[str]:
        """Return a signal of a short video that was never shot."""
        pictures = PdqSignal.get_examples()
        return [to_signal(from_frames(range(len(pictures)), [100] * len(pictures), [pdq_bytes(each) for each in pictures]))]


class VhashdbVpdqSignal(VhashdbSignal):
    """vPDQ hashes of a bank that is there already, searched by the index of vhashdb.

    A video that is asked about becomes a signal of vhashdb, because its views find copies that vPDQ hashes do not; both are valid.
    """

    @classmethod
    def get_index_cls(cls) -> type[VpdqBankIndex[Any]]:
        return VpdqBankIndex

    @staticmethod
    def get_examples() -> list[str]:
        """Return a vPDQ hash of a short video that was never shot."""
        rows = ", ".join(f'"{each},100,{second}.0"' for second, each in enumerate(PdqSignal.get_examples()))
        return [f"[{rows}]"]


def _hashed(source: Source) -> str:
    try:
        signal, reference = signal_of(source)
    except MediaNotFound:
        raise
    except (FingerprintError, MediaError) as error:
        _log.warning("no signal: %s", error)
        return ""
    for line in reference.damage:
        _log.warning("the signal is of what could be read: %s", line)
    return signal
