"""One pair in full, for whoever asks why: the comparison with both sides at hand, and the pairs of moments that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.bits import distances
from vhashdb.matching.comparison import Comparison, informative
from vhashdb.matching.config import MatchingConfig, SoundConfig
from vhashdb.matching.evidence import GateName
from vhashdb.matching.reasons import near_miss
from vhashdb.matching.retrieval import RetrievalCheck
from vhashdb.matching.sound_words import why_sound_confirms_nothing
from vhashdb.matching.verdict import Judgement
from vhashdb.matching.view_pairs import HashSequence, ViewPair, query_sequences, sequences_of
from vhashdb.matching.witnesses import SoundFinding, sound_finding

MAX_POINTS: Final = 8_000
"""Points that `alike_points` gives; of more, an even random choice."""
_PIECE_S: Final = 0.5
_MAX_PIECES: Final = 1_000
"""An entry that lasts is one point for each half second, but no side has many more pieces than this for that reason."""


@dataclass(frozen=True)
class Explanation(Comparison):
    """A comparison, with what is needed to show how it came about."""

    query: Fingerprint
    """As it was compared."""
    reference: Fingerprint
    retrieval: tuple[RetrievalCheck, ...] = ()
    """Whether a search retrieves the record, for each fingerprint of the query that is searched with."""
    identical: str = ""
    """Why the file is a match whatever its pictures say, in words: it is the recorded one. Empty if it is not."""
    among_others: Judgement | None = None
    """The judgement in the light of the other records that a search retrieves; None without such a search or a find."""
    listened: bool = True
    """Whether the query's sound was decoded, if it has any."""

    @property
    def sound(self) -> SoundFinding:
        """What is said of the sounds of both."""
        return sound_finding(self.judgement, self.query, self.reference, SoundConfig(), listened=self.listened)

    @property
    def why_not_by_sound(self) -> str:
        """Why sound added nothing, in a sentence; empty for a match, and where it is possible by its sound."""
        return why_sound_confirms_nothing(self.judgement, self.query, self.reference, self.sound)

    @property
    def outweighed(self) -> str:
        """Why the pair is worth less among other records than by itself, in words; empty if it is not."""
        if self.among_others is None or self.among_others.verdict is self.judgement.verdict:
            return ""
        crowded = any(gate.name is GateName.VIDEOS for gate in self.among_others.gates)
        return near_miss(self.among_others, self.strongest, alike_somewhere=True) if crowded else self.among_others.reason


@dataclass(frozen=True, eq=False)
class AlikePoints:
    """TimeSamples of both sides that are alike, one row each."""

    query_s: npt.NDArray[np.float64]
    """``(k,)``"""
    reference_s: npt.NDArray[np.float64]
    """``(k,)``"""
    bits: npt.NDArray[np.int16]
    """``(k,)`` distance."""
    view_comparison: npt.NDArray[np.int64]
    """``(k,)`` which of `Comparison.view_comparisons`."""

    def __len__(self) -> int:
        return len(self.bits)


def alike_points(query: Fingerprint, reference: Fingerprint, views: Sequence[ViewPair]) -> AlikePoints:
    """Find where both sides are alike through some view pairs; `MAX_POINTS` at most, the same ones each time.

    Args:
        query: the fingerprint that is asked about.
        reference: the recorded one.
        views: the view pairs, such as `Comparison.views_compared`; both sides must have them.
    """
    queries, references = query_sequences(query), sequences_of(reference)
    radius, share = round(MatchingConfig.of(query.algorithm).align_radius_bits), MAX_POINTS // max(1, len(views))
    parts = [AlikePoints(np.zeros(0), np.zeros(0), np.zeros(0, np.int16), np.zeros(0, np.int64))]
    for number, pair in enumerate(views):
        sequence = informative(queries[pair.query, pair.negated], query.algorithm)
        parts.append(_points(sequence, references[pair.reference], radius, share, number))
    return AlikePoints(
        np.concatenate([part.query_s for part in parts]),
        np.concatenate([part.reference_s for part in parts]),
        np.concatenate([part.bits for part in parts]),
        np.concatenate([part.view_comparison for part in parts]),
    )


def _points(query: HashSequence, reference: HashSequence, radius: int, limit: int, number: int) -> AlikePoints:
    table = distances(query.hash, reference.hash)
    rows, columns = np.nonzero(table <= radius)
    across, up = _pieces(query), _pieces(reference)
    # Each alike pair is a rectangle of pieces; they are numbered through, and so many of the numbers are drawn.
    ends = np.cumsum(across[rows] * up[columns])
    drawn = _drawn(int(ends[-1]) if len(ends) else 0, limit)
    pair = np.searchsorted(ends, drawn, side="right")
    row, column = rows[pair], columns[pair]
    piece = drawn - (ends[pair] - across[row] * up[column])
    return AlikePoints(
        _middle_s(query, row, piece % across[row], across),
        _middle_s(reference, column, piece // across[row], up),
        table[row, column],
        np.full(len(row), number, np.int64),
    )


def _pieces(sequence: HashSequence) -> npt.NDArray[np.int64]:
    """``(n,)`` how many pieces each entry is shown as."""
    lasting_s = sequence.end_s - sequence.start_s
    piece_s = max(_PIECE_S, float(lasting_s.sum()) / _MAX_PIECES)
    return np.maximum(1, np.ceil(lasting_s / piece_s - 1e-9)).astype(np.int64)


def _middle_s(
    sequence: HashSequence, entry: npt.NDArray[np.int64], piece: npt.NDArray[np.int64], pieces: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The middle of one piece of each of some entries."""
    share = (piece + 0.5) / pieces[entry]
    return np.asarray(sequence.start_s[entry] + share * (sequence.end_s[entry] - sequence.start_s[entry]))


def _drawn(count: int, limit: int) -> npt.NDArray[np.int64]:
    """Ascending numbers below ``count``: all of them, or ``limit`` at most."""
    if count <= limit:
        return np.arange(count)
    # At random, because every k-th would make patterns that are not there.
    return np.unique(np.random.default_rng(0).integers(0, count, limit))
