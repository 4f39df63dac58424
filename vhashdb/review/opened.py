"""A case as it is now: a record that waits, or matches that one answer does for; what may be answered, and what an answer writes."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vhashdb.errors import RecordNotFound
from vhashdb.review.answers import Act, Answer, AvailableAction
from vhashdb.review.available_actions import group_actions, record_actions
from vhashdb.review.case_summary import CaseSummary, summarise_case
from vhashdb.review.decisions import Decisions
from vhashdb.review.executor import DecisionExecutor, Done
from vhashdb.review.found import FoundMatch
from vhashdb.review.grouping import Group
from vhashdb.store import Case, Cause, FileCase, State, records_with_ids

if TYPE_CHECKING:
    from vhashdb.database import Database
    from vhashdb.store import Record, Store


class Gone(Exception):
    """Nothing waits here any more, and why."""


@dataclass(frozen=True)
class Desk:
    """What cases are looked at with."""

    database: Database
    since: datetime.datetime
    """From when on matches count."""
    reasons: Mapping[Act, Sequence[str]]
    """To choose from."""

    def summary(self, record: str) -> CaseSummary:
        """Return all that is known of a record.

        Raises:
            Gone: it is not in the database.
        """
        try:
            return summarise_case(self.database.store, self.database.moderation, record, since=self.since)
        except RecordNotFound as error:
            raise Gone(f"rec {record[:8]} is not in this database") from error


# -- a record ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenRecord:
    """A record that waits."""

    summary: CaseSummary
    also: tuple[Record, ...]
    """Records of the same video that wait because they matched, too."""
    desk: Desk

    @classmethod
    def look(cls, desk: Desk, records: Sequence[str]) -> OpenRecord:
        """Return what waits of a record, or of records of one video that matched.

        Raises:
            Gone: nothing of it waits for this person.
        """
        summaries = [summary for summary in map(desk.summary, records) if summary.cases and not summary.theirs_to_confirm]
        if not summaries:
            raise Gone(f"rec {records[0][:8]} does not wait any more: somebody decided meanwhile")
        return cls(summaries[0], tuple(summary.record for summary in summaries[1:]), desk)

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return record_actions(self.summary, self.desk.reasons)

    def write(self, executor: DecisionExecutor, answer: Answer) -> Done:
        """Write an answer.

        Raises:
            VhashdbError: it cannot be written; nothing was.
        """
        return executor.carry_out(self.summary.record, answer, self.also)


def together(database: Database, cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """Return the records of cases, in the order of their first; those of one video that wait only because they matched, together."""
    causes: dict[str, set[Cause]] = {}
    for case in cases:
        causes.setdefault(case.record, set()).add(case.cause)
    records = records_with_ids(database.store, [record for record, some in causes.items() if some == {Cause.MATCHED}])
    by_video: dict[str, list[str]] = {}
    for record in causes:
        videos = records[record].videos if record in records else ()
        by_video.setdefault(videos[0] if videos else record, []).append(record)
    return list(map(tuple, by_video.values()))


# -- matches -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenGroup:
    """Matches that one answer does for, of which each waits."""

    group: Group
    summary: CaseSummary | None
    """Of the record that presses most; None of files that could not be checked."""
    changed: tuple[str, ...]
    """What was decided before, and what has changed since."""
    desk: Desk

    @classmethod
    def look(cls, desk: Desk, group: Group) -> OpenGroup:
        """Return what of a group is open.

        Raises:
            Gone: nothing of it waits for this person.
        """
        before = Decisions.about(desk.database, group.found)
        open_ones = [one for one in group.found if before.wait(one)]
        if not open_ones:
            raise Gone("decided meanwhile")
        summaries, retracted = {}, set()
        for record in Group(tuple(open_ones)).records:
            summaries[record] = desk.summary(record)
            if summaries[record].record.state is State.RETRACTED:
                retracted.add(record)
        found = group.of(one.path for one in open_ones)
        found = found.without([one for one in found.found if one not in open_ones or one.record in retracted])
        if not found.found:
            raise Gone(f"rec {next(iter(retracted))[:8]} was retracted meanwhile")
        changed = tuple(dict.fromkeys(words for one in found.found if (words := before.changed(one))))
        return cls(found, summaries.get(found.found[0].record), changed, desk)

    @property
    def actions(self) -> tuple[AvailableAction, ...]:
        """What may be answered."""
        return group_actions(self.group, self.desk.reasons)

    def without(self, paths: Collection[str]) -> Group:
        """Return what an answer is about that leaves some files out."""
        return self.group.without([one for one in self.group.found if one.path in paths])

    def write(self, executor: DecisionExecutor, answer: Answer, left_out: Collection[str] = ()) -> Done:
        """Write an answer; files with paths in ``left_out`` are left as they are.

        Raises:
            VhashdbError: it cannot be written; nothing was.
        """
        return executor.decide(file_cases(self.desk.database.store, self.without(left_out).found), answer)


def file_cases(store: Store, found: Sequence[FoundMatch]) -> list[FileCase]:
    """Return matches as what is decided about, each file and record once."""
    records = {one.record: store.get(one.record) for one in found if one.record}
    known: dict[tuple[str, str], FileCase] = {}
    for one in found:
        if one.sha256 is not None:
            case = FileCase(store.hits.file(one.sha256), records.get(one.record), one.verdict, one.score)
            known.setdefault((case.file, one.record), case)
    return list(known.values())
