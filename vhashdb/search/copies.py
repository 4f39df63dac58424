"""From the records that were compared to all that these were compared for, and to the videos that they show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from vhashdb.matching import MatchedSegment, SoundSegment
from vhashdb.search.results import Match
from vhashdb.search.trace import Trace
from vhashdb.store import Record, Selection, Store
from vhashdb.store.rows import numbers_of
from vhashdb.store.videos import Copies, copies_of, editions_of, lines_to_copies, speaking, videos_by_role, videos_shown

_Stretch = TypeVar("_Stretch", MatchedSegment, SoundSegment)


def speaking_for_any(store: Store, numbers: Collection[int], where: Selection | None) -> set[int]:
    """Return those of some records, by number, that are worth comparing: what they or their copies say counts today."""
    with store.transactions.reading() as connection:
        return speaking(connection, numbers, store.now().date(), where)


def videos_shown_by(store: Store, numbers: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the numbers of the videos of some records, by the record's number; without those that are not grouped."""
    with store.transactions.reading() as connection:
        return {number: frozenset(videos) for number, videos in videos_by_role(connection, numbers).items()}


def with_copies(matches: Sequence[Match], trace: Trace, store: Store, where: Selection | None) -> list[Match]:
    """Return the matches, and after the first of each edition one of each kind of its copies that were not compared.

    Copies of one edition show the same from start to end: what matches one matches all that show these seconds, and what is said of each
    of them counts. A record speaks for copies of its own source alone: what others publish must not bring about that a record here
    matches. Copies are of one kind if they have the same source, state, greatest action, severity and labels. The record of the very same
    file is named in any case.
    """
    if not matches:
        return []
    today = store.now().date()
    with store.transactions.reading() as connection:
        compared = numbers_of(connection, {record.id for record, _ in trace.compared} | {match.record.id for match in matches})
    numbers = [compared[match.record.id] for match in matches]
    identical = trace.identical if trace.identical is not None and trace.identical.id not in compared else None
    same = store.number(identical.id) if identical is not None else None
    with store.transactions.reading() as connection:
        found = copies_of(connection, numbers, {*compared.values(), *([] if same is None else [same])}, today, where)
        editions = editions_of(connection, numbers if same is None else [*numbers, same])
    records = store.by_number([each.first for each in found]) if found else {}
    waiting: dict[tuple[int, str], list[Copies]] = {}
    for each in found:
        waiting.setdefault((each.edition, records[each.first].details.source), []).append(each)
    expanded: list[tuple[Match, int, int]] = []
    """Each with the numbers of the record that was compared and of the one that is named."""
    for match, number in zip(matches, numbers, strict=True):
        others = {_kind(records[each.first]): each for each in waiting.pop((editions.get(number, -1), match.record.details.source), ())}
        if match.record.in_force(today) and (where is None or where.allows(match.record)):
            like = others.pop(_kind(match.record), None)
            expanded.append((replace(match, copies=1 + (like.records if like else 0)), number, number))
        expanded += ((replace(match, record=records[each.first], copies=each.records), number, each.first) for each in others.values())
        if identical is not None and same is not None and same in editions and editions[same] == editions.get(number):
            expanded.append((replace(match, record=identical), number, same))
            identical = None
    with store.transactions.reading() as connection:
        lines = lines_to_copies(connection, {named: number for _, number, named in expanded if named != number})
    named_ones = ((_on_line(match, *lines[named]) if named in lines else match) for match, _, named in expanded)
    return [match for match in named_ones if match is not None]


def _on_line(match: Match, offset_s: float, speed: float) -> Match | None:
    """Return a match of one copy as one of another, whose second ``t`` is at ``offset_s + speed * t``; None if that lacks these seconds."""
    judgement, duration_s = match.judgement, match.record.duration_s
    segments = tuple(_moved(judgement.segments, offset_s, speed, duration_s))
    sounds = tuple(_moved(judgement.sounds, offset_s, speed, duration_s))
    if not segments and not sounds:
        return None
    matched_s = judgement.matched_reference_s * speed
    return replace(match, judgement=replace(judgement, segments=segments, sounds=sounds, matched_reference_s=matched_s))


def _moved(stretches: Iterable[_Stretch], offset_s: float, speed: float, duration_s: float) -> Iterator[_Stretch]:
    for each in stretches:
        start_s, end_s = (offset_s + speed * second for second in (each.reference_start_s, each.reference_end_s))
        begins_s, ends_s = max(start_s, 0.0), min(end_s, duration_s)
        if begins_s >= ends_s:
            continue
        yield replace(
            each,
            query_start_s=each.query_start_s + (begins_s - start_s) / (each.speed * speed),
            query_end_s=each.query_end_s - (end_s - ends_s) / (each.speed * speed),
            reference_start_s=begins_s,
            reference_end_s=ends_s,
            speed=each.speed * speed,
        )


def _kind(record: Record) -> tuple[str | tuple[str, ...], ...]:
    return record.details.source, record.state.value, record.details.max_action, record.details.severity, record.labels


def with_videos(matches: Sequence[Match], store: Store) -> list[Match]:
    """Return the matches, each with the videos that it shows."""
    if not matches:
        return []
    with store.transactions.reading() as connection:
        numbers = numbers_of(connection, {match.record.id for match in matches})
        asked = [
            (
                numbers[match.record.id],
                [(s.reference_start_s, s.reference_end_s) for s in match.judgement.segments or match.judgement.sounds],
            )
            for match in matches
        ]
        return [replace(match, videos=videos) for match, videos in zip(matches, videos_shown(connection, asked), strict=True)]
