"""A match of a kept answer as the report draws it: from the JSON of the answer, and from what is known of the record now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.database import Database
from vhashdb.errors import RecordNotFound
from vhashdb.fingerprints import Fingerprint, unusable_spans
from vhashdb.hashing.outline import WHOLE, Outline
from vhashdb.matching.verdict import Verdict
from vhashdb.report import words
from vhashdb.report.entries import RecordLookup, record_facts
from vhashdb.report.model import MatchEntry
from vhashdb.report.outlines import MOST, Frame, frame_of
from vhashdb.report.stretches import SoundStretch, Stretch
from vhashdb.report.timeline import Side, Timeline, timeline
from vhashdb.store import CaseDecision, recently
from vhashdb.text import SAID_SPEED, counted, printable

_OTHER_SOUND: Final = "another"
_MOST_REASONS: Final = 8
Corners = tuple[tuple[float, float], ...]
"""In fractions of a frame, from its top left."""


@dataclass(frozen=True)
class MatchView:
    """One match as a page shows it."""

    entry: MatchEntry
    outlines: tuple[Corners | None, ...]
    """Of each stretch: the corners in the file's frame, in fractions of it, of what was compared; None where that is all of it."""
    known: tuple[Frame, ...] = ()
    """Where in the known video's frame what was compared lies, each once; none where it is all of it."""

    @property
    def starts_s(self) -> tuple[float, ...]:
        """Seconds of the file at which it begins to match, each once."""
        entry = self.entry
        return tuple(sorted({round(at, 2) for at in (*(s.query_s[0] for s in entry.stretches), *(s.query_s[0] for s in entry.sounds))}))


def record_lookup(database: Database) -> RecordLookup:
    """Return the functions that tell more about a record."""
    since = recently(database.store.now().date())

    def member(feed: str) -> str:
        found = database.exchange.feeds.find(feed)
        return found.member if found else ""

    def times(record: str) -> str:
        found = database.moderation.reviews.hits(database.store.get(record), since)
        return f"{counted(found.count, 'file')} since {since.date()}" if found else f"no file since {since.date()}"

    return RecordLookup(database.fingerprint, database.moderation.opinions.about, member, times)


def match_view(database: Database, file: Mapping[str, Any], match: Mapping[str, Any], decision: CaseDecision | None = None) -> MatchView:
    """Return a match with what is known now.

    Args:
        database: with the record.
        file: the line about the file, of the answer.
        match: the line about the match.
        decision: of people about it.

    Raises:
        RecordNotFound: the record is gone.
    """
    lookup, record = record_lookup(database), database.store.get(match["record"])
    duration_s, cap = float(file["duration_s"]), database.moderation.action_caps([record])[0]
    reference = _reference(lookup, record.id)
    stretches = tuple(map(_stretch, match["segments"]))
    if match["identical"] and not stretches:
        stretches = (Stretch((0.0, duration_s), (0.0, record.duration_s)),)
    sounds = () if match["identical"] else tuple(map(_sound, match["sounds"]))
    pictures, sound = _drawn(Side(duration_s), record.duration_s, reference, stretches, sounds)
    by_sound = bool(sounds) and not stretches
    entry = MatchEntry(
        Verdict(match["verdict"]), match["score"], printable(match["reason"]), match["identical"], record_facts(record, lookup),
        stretches, (), match["matched_query_s"], match["query_coverage"], match["reference_coverage"], words.ACTIONS[cap.action],
        tuple(map(printable, cap.reasons[:_MOST_REASONS])), cap.agree, cap.dispute, tuple(map(printable, cap.exceptions[:_MOST_REASONS])),
        pictures, None, sounds=sounds, sound_line=sound, sound_words=_sound_words(match, by_sound), by_sound=by_sound,
        share=match["query_coverage"], decided=printable(decision.words) if decision is not None else "",
        settled=decision is not None and decision.closed, video=match["video"] or record.id, times=lookup.times(record.id),
    )  # fmt: skip
    outlines = tuple(_corners(segment.get("outline")) for segment in match["segments"])
    return MatchView(entry, outlines, _known_frames(match["segments"], reference))


def _reference(lookup: RecordLookup, record: str) -> Fingerprint | None:
    try:
        return lookup.fingerprint(record)
    except RecordNotFound:  # it came without one
        return None


def _drawn(
    here: Side, known_s: float, reference: Fingerprint | None, stretches: Sequence[Stretch], sounds: Sequence[SoundStretch]
) -> tuple[Timeline | None, Timeline | None]:
    """Return the lanes of pictures and of sound, as far as there is something to draw."""
    if not here.duration_s or not known_s:
        return None, None
    there = Side(known_s, tuple(unusable_spans(reference)) if reference is not None and len(reference) else ())
    heard = timeline(here, Side(known_s), sounds, stretches) if sounds else None
    return (timeline(here, there, stretches, sounds) if stretches else None), heard


def _stretch(value: Mapping[str, Any]) -> Stretch:
    spread = value.get("speed_range")
    return Stretch(
        (value["query_start_s"], value["query_end_s"]), (value["reference_start_s"], value["reference_end_s"]), value["speed"],
        "" if value["view"] == WHOLE else printable(value["view"]), "", value["median_bits"],
        speed_range=None if spread is None else (spread[0], spread[1]),
    )  # fmt: skip


def _sound(value: Mapping[str, Any]) -> SoundStretch:
    other = abs(value["speed"] - 1) > SAID_SPEED
    here, there = (value["query_start_s"], value["query_end_s"]), (value["reference_start_s"], value["reference_end_s"])
    change = f"at {value['speed']:.2f} × its speed" if other else ""
    return SoundStretch(here, there, value["speed"], other, change, 0, 0.0)


def _sound_words(match: Mapping[str, Any], by_sound: bool) -> str:
    if by_sound:
        return "nothing but the sound is alike"
    return "the sound was replaced: in these seconds it is not the known video's" if match["sound"] == _OTHER_SOUND else ""


def _corners(corners: Sequence[Sequence[float]] | None) -> Corners | None:
    outline = _outline(corners)
    return None if outline is None or outline.is_whole else outline.corners


def _known_frames(segments: Sequence[Mapping[str, Any]], reference: Fingerprint | None) -> tuple[Frame, ...]:
    if reference is None or not (reference.width and reference.height):
        return ()
    found = dict.fromkeys(_outline(each.get("reference_outline"), reference.width / reference.height) for each in segments)
    return tuple(frame_of("known video", outline) for outline in found if outline is not None and not outline.is_whole)[:MOST]


def _outline(corners: Sequence[Sequence[float]] | None, aspect: float | None = None) -> Outline | None:
    if not corners:
        return None
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return Outline((first, second, third, fourth), aspect)
