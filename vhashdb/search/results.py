"""What a question gives back: plain values, with a JSON form that other programs rely on (`docs/json.md`)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Final

from vhashdb.coverage import Coverage
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.outline import Outline
from vhashdb.matching.evidence import MatchedSegment
from vhashdb.matching.sound_alignment import SoundSegment
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.matching.witnesses import RestsOn, SoundFinding, rests_on
from vhashdb.moderation.policy import Action, ActionCap
from vhashdb.search.efforts import Effort
from vhashdb.search.triage import Urgency, urgency
from vhashdb.store.hits import CaseDecision
from vhashdb.store.records import Record


class AddStatus(enum.StrEnum):
    """What came of adding a video."""

    ADDED = "added"
    DUPLICATE = "duplicate"
    """The very same file is recorded already; nothing was written."""
    NEAR_DUPLICATE = "near-duplicate"
    """Recorded, and linked to the records it resembles."""


@dataclass(frozen=True)
class Near:
    """A record that a new one resembles."""

    record: str
    score: float
    verdict: Verdict


@dataclass(frozen=True)
class Addition:
    """What `Database.add` did."""

    record: Record
    status: AddStatus
    near: tuple[Near, ...] = ()
    damage: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The record's id."""
        return self.record.id

    def to_json(self, path: str) -> dict[str, Any]:
        """Return the ``record`` line of ``vhashdb add --json``."""
        return {
            "type": "record",
            "path": path,
            "record": self.record.id,
            "status": self.status.value,
            "near": [{"record": n.record, "score": round(n.score, 3), "verdict": n.verdict.value} for n in self.near],
            "labels": list(self.record.labels),
            "duration_s": self.record.duration_s,
            "damage": list(self.damage),
        }


_REVIEW: Final = ActionCap(Action.REVIEW)


@dataclass(frozen=True)
class Match:
    """One record that a file matched, or may match."""

    record: Record
    judgement: Judgement
    identical: bool = False
    """The file is the recorded file, byte for byte."""
    action_cap: ActionCap = _REVIEW
    """The most that may happen without a person, and why not more."""
    seen: Fingerprint | None = field(default=None, repr=False, compare=False)
    """What of the input it rests on, where that is not `Result.fingerprint`: what was read where the record's picture lies."""
    sound: SoundFinding = SoundFinding.NOT_LISTENED
    """What is said of the sounds of both."""
    copies: int = 1
    """Copies of the same edition, source, state, greatest action, severity and labels that it speaks for, the record itself included."""
    videos: tuple[str, ...] = ()
    """Ids of the videos that the matched seconds of the record show, that of most of them first; none while it is not grouped."""
    decision: CaseDecision | None = None
    """What somebody decided about this file and this record; None if nobody did."""

    @property
    def verdict(self) -> Verdict:
        """`Verdict.MATCH` or `Verdict.POSSIBLE`."""
        return self.judgement.verdict

    @property
    def score(self) -> float:
        """0…1; a match from 0.5."""
        return self.judgement.score

    @property
    def segments(self) -> tuple[MatchedSegment, ...]:
        """Matched stretches of pictures, in order of query time; none of a match by sound alone."""
        return self.judgement.segments

    @property
    def sounds(self) -> tuple[SoundSegment, ...]:
        """Stretches that sound alike, in order of query time."""
        return self.judgement.sounds

    @property
    def urgency(self) -> Urgency:
        """Its place in the order in which people look."""
        record, share = self.record, 1.0 if self.identical else self.judgement.query_coverage
        return urgency(self.verdict, record.details.severity, record.labels, share)

    @property
    def rests_on(self) -> RestsOn:
        """The witnesses that speak for it: pictures, sound or both, or the file's hash alone."""
        return rests_on(self.judgement)

    def to_json(self, path: str) -> dict[str, Any]:
        """Return the ``match`` line of ``vhashdb match --json``."""
        return {
            "type": "match",
            "path": path,
            "record": self.record.id,
            "video": self.videos[0] if self.videos else None,
            "videos": list(self.videos),
            "copies": self.copies,
            "shared_id": self.record.shared_id,
            "score": round(self.score, 3),
            "verdict": self.verdict.value,
            "labels": list(self.record.labels),
            "severity": self.record.details.severity,
            "record_reason": self.record.details.reason,
            "reason": self.judgement.reason,
            "identical": self.identical,
            "state": self.record.state.value,
            "source": self.record.details.source,
            "max_action": self.record.details.max_action,
            "action": self.action_cap.action.value,
            "action_reasons": list(self.action_cap.reasons),
            "agree": self.action_cap.agree,
            "dispute": self.action_cap.dispute,
            "exceptions": list(self.action_cap.exceptions),
            "matched_query_s": round(self.judgement.matched_query_s, 3),
            "matched_reference_s": round(self.judgement.matched_reference_s, 3),
            "query_coverage": round(self.judgement.query_coverage, 3),
            "reference_coverage": round(self.judgement.reference_coverage, 3),
            "rests_on": self.rests_on.value,
            "sound": self.sound.value,
            "decision": self.decision.to_json() if self.decision is not None else None,
            "segments": [segment_to_json(s) for s in self.segments],
            "sounds": [sound_to_json(s) for s in self.sounds],
        }


@dataclass(frozen=True)
class Result:
    """What `Database.match` found out about one input."""

    verdict: Verdict
    reason: str
    """The verdict's reason in one sentence."""
    matches: tuple[Match, ...] = ()
    """Best first."""
    duration_s: float = 0.0
    usable_s: float = 0.0
    """Seconds of the input that show enough to be compared."""
    damage: tuple[str, ...] = ()
    not_compared: int = 0
    """Records that were not compared: they look or sound alike and are too many or too long, or their fingerprints are damaged."""
    unsearched: str = ""
    """What of the index did not answer, in words, so that more may be known; empty: all of it was searched."""
    coverage: Coverage = field(default=Coverage())
    """What of the input was looked at, of what there is."""
    effort: Effort = Effort.BALANCED
    confirmed: bool = False
    """With `Effort.FAST`: keyframes looked like a record, so the rest was decoded too."""
    sha256: str | None = None
    decode_cpu_s: float = 0.0
    fingerprint: Fingerprint | None = field(default=None, repr=False, compare=False)
    """The look at the input that the verdict rests on; None if it could not be read."""
    listened: bool = False
    """Whether the sound was decoded, if there is any: else the verdict is about pictures alone."""
    decisions: tuple[CaseDecision, ...] = ()
    """What somebody decided about this file apart from the matches: that it is not a record, or about the file by itself."""

    @property
    def decision(self) -> CaseDecision | None:
        """What somebody decided about the file by itself, which could not be checked; None if nobody did."""
        return next((decision for decision in self.decisions if not decision.record), None)

    @property
    def most_pressing(self) -> Match | None:
        """The match that people look at first; None if there is none."""
        return min(self.matches, key=lambda match: match.urgency, default=None)

    @property
    def urgency(self) -> Urgency:
        """Its place in the order in which people look: that of the match that presses most."""
        return self.most_pressing.urgency if self.most_pressing is not None else urgency(self.verdict)

    @property
    def settled(self) -> bool:
        """Whether nobody has to look: nothing was found, or people decided about everything that was."""
        if self.matches:
            return all(match.decision is not None and match.decision.closed for match in self.matches)
        return self.verdict is Verdict.NO_MATCH or (self.decision is not None and self.decision.closed)

    @property
    def by_video(self) -> tuple[tuple[Match, ...], ...]:
        """The matches, those of records of one video together: the first of each speaks for the others. In the same order."""
        videos: dict[str, list[Match]] = {}
        for match in self.matches:
            videos.setdefault(match.videos[0] if match.videos else match.record.id, []).append(match)
        return tuple(map(tuple, videos.values()))

    def to_json(self, path: str) -> dict[str, Any]:
        """Return the ``file`` line of ``vhashdb match --json``; its matches are lines of their own."""
        return {
            "type": "file",
            "path": path,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "matches": len(self.matches),
            "duration_s": self.duration_s,
            "usable_s": round(self.usable_s, 3),
            "damage": list(self.damage),
            "coverage": self.coverage.summary(),
            "listened": self.listened,
            "effort": self.effort.value,
            "sha256": self.sha256,
            "triage": self.urgency.to_json(),
            "decided": self.settled and bool(self.matches or self.decisions),
            "decisions": [decision.to_json() for decision in self.decisions],
        }


def segment_to_json(segment: MatchedSegment) -> dict[str, Any]:
    """Return one matched stretch."""
    return {
        "query_start_s": round(segment.query_start_s, 3),
        "query_end_s": round(segment.query_end_s, 3),
        "reference_start_s": round(segment.reference_start_s, 3),
        "reference_end_s": round(segment.reference_end_s, 3),
        "speed": round(segment.speed, 4),
        "speed_range": None if segment.speed_range is None else [round(speed, 4) for speed in segment.speed_range],
        "view": str(segment.views),
        "outline": _corners(segment.outline),
        "reference_outline": _corners(segment.reference_outline),
        "matched_s": round(segment.matched_s, 3),
        "frames": segment.entries,
        "median_bits": segment.median_bits,
        "motion": round(segment.motion.correlation, 3),
    }


def sound_to_json(sound: SoundSegment) -> dict[str, Any]:
    """Return one stretch that sounds alike."""
    return {
        "query_start_s": round(sound.query_start_s, 3),
        "query_end_s": round(sound.query_end_s, 3),
        "reference_start_s": round(sound.reference_start_s, 3),
        "reference_end_s": round(sound.reference_end_s, 3),
        "speed": round(sound.speed, 4),
        "semitones": round(sound.semitones, 2),
        "landmarks": sound.landmarks,
        "moments": sound.moments,
        "evidence": round(sound.evidence, 3),
    }


def _corners(outline: Outline | None) -> list[list[float]] | None:
    return None if outline is None else [[round(x, 4), round(y, 4)] for x, y in outline.corners]
