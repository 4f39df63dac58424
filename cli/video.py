"""`vhashdb video`: all records that show the same video, the unit that people decide about."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vhashdb.codes import LOCAL

from .common import db_option, json_option, opened
from .help import Group
from .output import clock, counted, emit, emit_json, labels_text, printable

if TYPE_CHECKING:
    from vhashdb.store import Tie, Video, VideoRecord

_MOST_ON_A_TERMINAL: Final = 500
_RECORD_COLUMNS: Final = ("record", "edition", "is", "length", "state", "severity", "labels", "source")
_COLUMNS: Final = ("video", "records", "severity", "labels", "sources", "disagreements")


@click.group(cls=Group, short_help="Show which records are of one video; merge and split videos.")
def command() -> None:
    """Show which records are of one video, the unit that people decide about; merge and split videos.

    Records that show the same are grouped by themselves when they are added, synced or imported: copies of one edition, clips
    of it, and compilations, which belong to each video that they show a part of. Labels, policy and opinions stay with the
    records; a video shows the gravest of them, and what they disagree about.

    \b
    Example:
      vhashdb video list
      vhashdb video show 3fa4c1
    """


@command.command("list", short_help="List the videos, those of most records first.")
@click.option("--at-least", type=click.IntRange(min=1), default=1, metavar="N", help="Only videos of at least N records.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many videos.")
@db_option
@json_option
def list_(at_least: int, limit: int | None, db: Path, as_json: bool) -> None:
    """List the videos, those of most records first.

    A table on a terminal, of the first 500 unless --limit asks for more; otherwise one line a video, columns separated by
    tabs.

    \b
    Example:
      vhashdb video list --at-least 2
      vhashdb video list --limit 20 --json
    """
    with opened(db) as database:
        found = itertools.islice(database.videos.all(least_records=at_least), limit)
        if as_json:
            for video in found:
                emit_json(video.to_json())
        elif sys.stdout.isatty():
            from .screen.screen import Screen

            screen = Screen()
            rows = [_row(video) for video in itertools.islice(found, limit or _MOST_ON_A_TERMINAL)]
            screen.table(_COLUMNS, rows, roomy=("labels", "disagreements"))
            if more := sum(1 for _ in found):
                screen.line(f"and {more:,} more; `vhashdb video list | less` has all")
        else:
            emit("\t".join(_COLUMNS))
            for video in found:
                emit("\t".join(_row(video)))
        if waiting := database.videos.ungrouped():
            click.echo(f"{counted(waiting, 'record')} not grouped yet; `vhashdb video update` does so", err=True)


@command.command("show", short_help="Show the records of one video.")
@click.argument("identifier", metavar="VIDEO")
@db_option
@json_option
def show(identifier: str, db: Path, as_json: bool) -> None:
    """Show the records of one video, what is said of them, and who said of which that they show the same video.

    VIDEO is the video's id, or as many of its first characters as are needed to tell it from others. Records with the same
    edition are copies of each other from start to end.

    \b
    Example:
      vhashdb video show 3fa4c1
      vhashdb video show 3fa4c1 --json
    """
    with opened(db) as database:
        video = database.videos.get(identifier)
    if as_json:
        emit_json(video.to_json())
        return
    editions = {edition: place for place, edition in enumerate(dict.fromkeys(each.edition for each in video.records), 1)}
    facts = (
        ("severity", video.severity),
        ("labels", labels_text(video.labels)),
        ("max action", video.max_action),
        ("disagreement", "; ".join(video.disagreements) or "-"),
    )
    in_all = f"{counted(len(video.records), 'record')}, {counted(len(editions), 'edition')}"
    rows = [_record_row(each, editions[each.edition]) for each in video.records]
    ties = [_tie_words(tie) for tie in video.ties]
    if sys.stdout.isatty():
        from .screen.screen import Screen

        screen = Screen()
        told = [*facts, *(("same video", tie) for tie in ties)]
        screen.facts([("video", video.id), *((name, printable(value)) for name, value in told), ("in all", in_all)])
        screen.table(_RECORD_COLUMNS, rows, roomy=("labels",))
        return
    emit(f"video {video.id}")
    for name, value in facts:
        emit(f"{name:<15}{printable(value)}")
    for tie in ties:
        emit(f"{'same video':<15}{tie}")
    emit(in_all)
    for record, edition, role, length, *said in rows:
        emit("  ".join(text for text in (f"  rec {record}", f"edition {edition:<3} {role:<13}{length}", *said) if text))


@command.command("merge", short_help="Say that videos are one.")
@click.argument("into", metavar="VIDEO")
@click.argument("others", metavar="OTHER", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept in the audit log.")
@db_option
@json_option
def merge(into: str, others: tuple[str, ...], reason: str, db: Path, as_json: bool) -> None:
    """Say that videos are one: the first keeps its id, and the ids of the others lead to it from now on.

    `vhashdb video split` takes records out again.

    \b
    Example:
      vhashdb video merge 3fa4c1 77b0e2 --reason "the same attack, filmed from the other side"
      vhashdb video merge 3fa4c1 77b0e2 c04d19 --json
    """
    with opened(db) as database:
        video = database.videos.merge(into, others, reason=reason)
    if as_json:
        emit_json(video.to_json())
    else:
        emit(f"video {video.short_id}  {counted(len(video.records), 'record')}")


@command.command("split", short_help="Take records out of a video.")
@click.argument("identifier", metavar="VIDEO")
@click.argument("records", metavar="ID", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="Why; it is kept in the audit log.")
@db_option
@json_option
def split(identifier: str, records: tuple[str, ...], reason: str, db: Path, as_json: bool) -> None:
    """Take records out of a video that they do not belong to, whatever they show.

    They are not put together again when more records come. `vhashdb video merge` takes it back.

    \b
    Example:
      vhashdb video split 3fa4c1 9f3c2a --reason "another lecture with the same slides"
      vhashdb video split 3fa4c1 9f3c2a 51d70b --json
    """
    with opened(db) as database:
        found = database.videos.split(identifier, [database.get(record).id for record in records], reason=reason)
    for video in found:
        if as_json:
            emit_json(video.to_json())
        else:
            emit(f"video {video.short_id}  {counted(len(video.records), 'record')}")


@command.command("update", short_help="Group records that are not grouped yet.")
@db_option
@json_option
def update(db: Path, as_json: bool) -> None:
    """Group records that are not grouped yet: those of an older version of vhashdb.

    Whatever is added, synced or imported is grouped by itself.

    \b
    Example:
      vhashdb video update
    """
    with opened(db) as database:
        grouped = database.grouper.catch_up()
        videos = len(database.videos)
    if as_json:
        emit_json({"type": "videos", "grouped": grouped, "videos": videos})
    else:
        emit(f"{counted(grouped, 'record')} grouped; {counted(videos, 'video')} in all")


def _tie_words(tie: Tie) -> str:
    one, other = (f"rec {record[:8]}" for record in tie.records)
    return f"{one} and {other}, say {'people here' if tie.by == LOCAL else f'feed {printable(tie.by)}'}"


def _row(video: Video) -> tuple[str, ...]:
    sources = ", ".join(sorted({each.record.details.source for each in video.records}))
    texts = (video.short_id, str(len(video.records)), video.severity, ", ".join(video.labels), sources, "; ".join(video.disagreements))
    return tuple(map(printable, texts))


_ROLES: Final = {"whole": "copy", "clip": "clip", "part": "shows a part"}


def _record_row(each: VideoRecord, edition: int) -> tuple[str, ...]:
    record, details, state = each.record, each.record.details, each.record.state.value
    said = (state if state != "active" else "", details.severity, labels_text(record.labels), details.source)
    return (record.short_id, str(edition), _ROLES[each.role.value], clock(record.duration_s), *map(printable, said))
