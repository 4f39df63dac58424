"""Search signals as ThreatExchange's tools ask: an index in memory, of the same make as a database's, and the same comparison."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Final

from threatexchange.signal_type.index import IndexMatch, IndexMatchUntyped, SignalTypeIndex, T

from vhashdb.errors import FingerprintError
from vhashdb.fingerprints import Fingerprint, from_bytes, to_stored
from vhashdb.hashing.algorithms import Pdq
from vhashdb.index import MEMTABLE_ROWS, FrameIndex, RecordRows
from vhashdb.index.compaction import next_merge
from vhashdb.index.layers import Layer
from vhashdb.index.segment import build, merge
from vhashdb.matching import MatchingConfig, Verdict
from vhashdb.matching.comparison import compare_pictures
from vhashdb.matching.reranking import Compared, rerank
from vhashdb.matching.retrieval import retrieve
from vhashdb.tx.signal_text import PREFIX, SignalSides, from_signal
from vhashdb.tx.signals import require_usable
from vhashdb.tx.similarity import VideoSimilarity
from vhashdb.tx.vpdq_text import from_vpdq_signal

STATE_FORM: Final = 1
"""Version of what is serialised. Derived: a state of another version is refused, and the index is built again."""
_log: Final = logging.getLogger(__name__)


class VideoIndex(SignalTypeIndex[T]):
    """Find the videos of which signals were added.

    Only the references of signals are kept. Signals of the same reference count as one video with several entries. What is serialised has
    the references and whatever was given as entries; the tools do that with pickle, so read only what you wrote.
    """

    reported: ClassVar[frozenset[Verdict]] = frozenset({Verdict.MATCH})
    """Verdicts that count as a match. The tools know nothing between a match and none, so ``possible``, which is for people to decide,
    is left out; a subclass may add it."""

    def __init__(self) -> None:
        self._config = MatchingConfig.of(Pdq.id)
        self._frames = FrameIndex(Pdq.id)
        self._packed: list[bytes] = []
        self._entries: list[list[T]] = []
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        """Count the videos."""
        return len(self._packed)

    @classmethod
    def sides_of(cls, signal_str: str) -> SignalSides:
        """Read a signal of the kind that is indexed.

        Raises:
            FingerprintError: it is none, or it shows too little to be compared, which must not look like no match.
        """
        sides = cls._read(signal_str)
        require_usable(sides.reference)
        return sides

    @staticmethod
    def _read(signal_str: str) -> SignalSides:
        return from_signal(signal_str)

    def add(self, signal_str: str, entry: T) -> None:
        """Add a signal with what is to be returned for it.

        Raises:
            FingerprintError: it is no signal; nothing is added.
        """
        self._add(self.sides_of(signal_str).reference, [entry])

    def add_all(self, entries: Iterable[tuple[str, T]]) -> None:
        """Add many signals; those that cannot be read are logged and left out, so that one of them does not stop all others."""
        for number, (signal_str, entry) in enumerate(entries, start=1):
            try:
                self.add(signal_str, entry)
            except FingerprintError as error:
                _log.warning("signal %d is left out of the index: %s", number, error)

    def query(self, query: str) -> Sequence[IndexMatch[T]]:
        """Return the entries of the videos that a signal matches, best first, with a `VideoSimilarity` each.

        Raises:
            FingerprintError: it is no signal.
        """
        asked = self.sides_of(query).asked
        candidates = retrieve(asked, self._frames, self._config.radius_bits, self._config)
        if candidates.left_out:
            _log.warning("%d videos look like the query and were not compared: too many do", candidates.left_out)
        compared = []
        for candidate in candidates:
            reference = from_bytes(self._packed[candidate.record], max_bytes=None)
            comparison = compare_pictures(asked, reference, config=self._config, anchors_s=candidate.anchors_s)
            compared.append(Compared(reference, comparison, comparison.judgement))
        judged = zip(rerank(asked, compared, self._config), candidates, strict=True)
        found = [(judgement, candidate.record) for judgement, candidate in judged if judgement.verdict in self.reported]
        found.sort(key=lambda each: -each[0].score)
        return [IndexMatchUntyped(VideoSimilarity.of(judgement), entry) for judgement, record in found for entry in self._entries[record]]

    def __getstate__(self) -> dict[str, Any]:
        return {"form": STATE_FORM, "packed": self._packed, "entries": self._entries}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if state.get("form") != STATE_FORM:
            raise FingerprintError("the index was written by another version of vhashdb", hint="build it again from its signals")
        VideoIndex.__init__(self)
        for packed, entries in zip(state["packed"], state["entries"], strict=True):
            self._add(from_bytes(packed, max_bytes=None), entries, packed)

    def _add(self, reference: Fingerprint, entries: list[T], packed: bytes = b"") -> None:
        packed = packed or to_stored(reference)
        number = self._numbers.get(packed)
        if number is not None:
            self._entries[number] += entries
            return
        number = self._numbers[packed] = len(self._packed)
        self._packed.append(packed)
        self._entries.append(list(entries))
        self._frames.add(RecordRows(number, 0, self._frames.kind.values_of(reference)))
        if self._frames.memtable_rows >= MEMTABLE_ROWS:
            self._flush()

    def _flush(self) -> None:
        """Make a segment of the latest rows, and merge segments as far as that is due."""
        frames = self._frames
        frames.flush([*frames.layers, Layer.whole(build(frames.memtable, frames.kind))])
        while due := next_merge(frames.layers):
            frames.replace(due, [Layer.whole(merge([layer.segment for layer in due], [~layer.tombstones for layer in due]))])


class VpdqBankIndex(VideoIndex[T]):
    """Find the videos of which vPDQ hashes were added, or signals of vhashdb; either can be looked up.

    One hash a second seldom shows enough motion to confirm that two videos are the same, which vPDQ does not ask for either, so
    ``possible`` counts as well.
    """

    reported = frozenset({Verdict.MATCH, Verdict.POSSIBLE})

    @staticmethod
    def _read(signal_str: str) -> SignalSides:
        if signal_str.strip().startswith(f"{PREFIX}."):
            return from_signal(signal_str)
        return SignalSides(from_vpdq_signal(signal_str))
