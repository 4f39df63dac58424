"""From the records that were compared to all that these were compared for, and to the videos that they show."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from vhashdb.search.results import Match
from vhashdb.search.trace import Trace
from vhashdb.store import Record, Selection, Store
from vhashdb.store.videos import Found, found_through, shown_by, videos_by_role, videos_shown


def through(store: Store, numbers: Collection[int], where: Selection | None) -> dict[int, list[Found]]:
    """Return what of a selection is in force today and is found through some records, by their number."""
    with store.transactions.reading() as connection:
        return found_through(connection, numbers, store.now().date(), where)


def videos_shown_by(store: Store, numbers: Collection[int]) -> dict[int, frozenset[int]]:
    """Return the numbers of the videos of some records, by the record's number; without those that are not grouped."""
    with store.transactions.reading() as connection:
        return {number: frozenset(videos) for number, videos in videos_by_role(connection, numbers).items()}


def with_copies(matches: Sequence[Match], trace: Trace, store: Store) -> list[Match]:
    """Return, instead of each match of a record that was compared, one of each kind of copy that it was compared for.

    The record of the very same file is among them in any case.
    """
    found, identical = trace.found, trace.identical
    numbers = {match.record.id: store.number(match.record.id) for match in matches}
    others = {each.record for number in numbers.values() for each in found.get(number, ())} - set(numbers.values())
    records = store.by_number(sorted(others)) if others else {}
    records |= {numbers[match.record.id]: match.record for match in matches}
    through_identical = _shown_by(store, identical)
    expanded: list[Match] = []
    for match in matches:
        kinds = found.get(numbers[match.record.id], ())
        copies = [replace(match, record=records[each.record], copies=each.copies) for each in kinds]
        if identical is not None and through_identical == numbers[match.record.id] and all(c.record.id != identical.id for c in copies):
            copies.insert(0, replace(match, record=identical))
        expanded += copies
    return expanded


def with_videos(matches: Iterable[Match], store: Store) -> list[Match]:
    """Return the matches, each with the videos that it shows."""
    named = []
    with store.transactions.reading() as connection:
        for match in matches:
            judgement = match.judgement
            spans = [(s.reference_start_s, s.reference_end_s) for s in judgement.segments or judgement.sounds]
            named.append(replace(match, videos=videos_shown(connection, store.number(match.record.id), spans)))
    return named


def _shown_by(store: Store, record: Record | None) -> int | None:
    if record is None:
        return None
    with store.transactions.reading() as connection:
        return shown_by(connection, store.number(record.id))
