"""`vhashdb review list`, `show`, `accept` and `reject`: the same without being asked, for scripts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..common import db_option, json_option, opened
from ..output import counted, emit, emit_json, labels_text, printable
from .options import filters

if TYPE_CHECKING:
    from vhashdb.store import Case

_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept in the record's history.")
_identifier = click.argument("identifier", metavar="ID")


@click.command("list", short_help="List what waits, oldest first.")
@filters
@db_option
@json_option
def list_cases(db: Path, as_json: bool, **given: Any) -> None:
    """List what waits, oldest first; then what matched files about which nobody has decided, the last match first.

    Each line says why the record waits. What waits matches meanwhile, but leads to no more than a review.

    \b
    Example:
      vhashdb review list
      vhashdb review list --cause held --source acme-tvec
    """
    from .options import Asked, open_cases

    with opened(db) as database:
        cases = open_cases(database, Asked(**given))
    if sys.stdout.isatty() and not as_json:
        from ..screen import cases as screen_cases

        screen_cases.tell(cases)
        return
    for case in cases:
        emit_json(case.to_json()) if as_json else emit(_case_line(case))
    if not as_json:
        emit(f"{counted(len(cases), 'case')} to look at" if cases else "nothing waits")


@click.command("show", short_help="Show what is known for and against a record.")
@_identifier
@db_option
@json_option
def show(identifier: str, db: Path, as_json: bool) -> None:
    """Show what is known for and against a record, and what it may lead to.

    Opinions of all members that are followed are shown with what they rest on, and the last line says what keeps the record from
    leading to more.

    \b
    Example:
      vhashdb review show 9f3c2a
    """
    from vhashdb.forms import record_under_review_json

    with opened(db) as database:
        moderation, record = database.moderation, database.get(identifier)
        if as_json:
            emit_json(record_under_review_json(database, record))
            return
        cases, opinions = moderation.reviews.queue(record=record.id), moderation.opinions.about(record)
        (cap,) = moderation.action_caps([record])
        subject = moderation.opinions.subject(record)
    emit(f"rec {record.short_id}  {record.state.value}  {labels_text(record.labels)}  from {printable(record.details.source)}")
    emit(f"  published as {subject.feed}:{subject.rid} revision {subject.rev}")
    emit(f"  reason  {printable(record.reason) or '-'}")
    for case in cases:
        emit(f"  {case.cause.value:<8}  {printable(case.why)}")
        if case.proposed:
            emit(f"            {printable(case.proposed_by)} proposed: {case.proposed}")
    for opinion in opinions:
        text = f"  {printable(opinion.reason)}" if opinion.reason else ""
        emit(f"  {opinion.at.date()}  {printable(opinion.author)}  {opinion.verdict} ({opinion.basis}){text}")
    emit(f"  → {cap.action.value}{': ' if cap.reasons else ''}{printable('; '.join(cap.reasons))}")


@click.command("accept", short_help="Accept a record that waits.")
@_identifier
@_reason
@db_option
@json_option
def accept(identifier: str, reason: str, db: Path, as_json: bool) -> None:
    """Accept a record that waits; a match may then lead to as much as the record and its source allow.

    Where two people are required, the first only proposes, and somebody else runs the same command.

    \b
    Example:
      vhashdb review accept 9f3c2a --reason "looked at it"
    """
    _decide(identifier, "accepted", reason, db, as_json)


@click.command("reject", short_help="Reject a record: it never matches here again.")
@_identifier
@_reason
@db_option
@json_option
def reject(identifier: str, reason: str, db: Path, as_json: bool) -> None:
    """Reject a record: it never matches here again, whatever its publisher says of it later.

    To let its publisher know, say so with `vhashdb opinion`.

    \b
    Example:
      vhashdb review reject 9f3c2a --reason "a news intro"
    """
    _decide(identifier, "rejected", reason, db, as_json)


def _decide(identifier: str, decision: str, reason: str, db: Path, as_json: bool) -> None:
    from vhashdb.store import Decision

    with opened(db) as database:
        record = database.get(identifier)
        done = database.moderation.reviews.decide(record, Decision(decision), reason=reason)
    if as_json:
        emit_json(done.to_json())
    else:
        ending = f"→ {done.record.state.value}" if done.final else "is proposed; somebody else has to confirm it"
        emit(f"rec {done.record.short_id}  {decision}  {ending}")


def _case_line(case: Case) -> str:
    since = f"{case.since:%Y-%m-%d}" if case.since else "-"
    proposed = f"  [{printable(case.proposed_by)} proposed: {case.proposed}]" if case.proposed else ""
    head = f"rec {case.record[:8]}  {case.cause.value:<8}  {since}  {labels_text(case.labels)}  from {printable(case.source)}"
    return f"{head}  {printable(case.why)}{proposed}"
