"""A quick look into a database, for a shell that completes a command while somebody types.

Only the standard library is loaded, nothing is locked, made or written, and whatever goes wrong, nothing is seen. What is
looked at may be a moment old: use `vhashdb.open` for everything else.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from vhashdb.layout import RECORDS_FILE

__all__ = ["Seen", "allowed", "feeds", "ids", "labels", "members", "sources", "videos"]

_log: Final = logging.getLogger(__name__)

MOST: Final = 200
"""Number of candidates that are worth showing to somebody who types."""
_SHORT: Final = 8
_HEXADECIMAL: Final = frozenset("0123456789abcdef")

Seen = list[tuple[str, str]]
"""Values, each with a word on what it is."""


def ids(database: Path, beginning: str) -> Seen:
    """Return ids of records that begin so, as short as is unambiguous; with their labels, or their state if they do not match."""
    if not set(beginning) <= _HEXADECIMAL:
        return []
    rows = _seen(
        database,
        "SELECT id, CASE state WHEN 'active' THEN '' ELSE state || '  ' END,"
        " (SELECT group_concat(label, ', ') FROM label WHERE label.record = record.number), source"
        " FROM record WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
        (beginning, f"{beginning}g", MOST),
    )
    shown = _shortened([row[0] for row in rows], beginning)
    return [(value, f"{state}{labels or 'no label'} from {source}") for value, (_, state, labels, source) in zip(shown, rows, strict=True)]


def videos(database: Path, beginning: str) -> Seen:
    """Return ids of videos that begin so, as short as is unambiguous, with the number of their records."""
    if not set(beginning) <= _HEXADECIMAL:
        return []
    rows = _seen(
        database,
        "SELECT v.id, count(*) FROM video v JOIN video_edition e ON e.video = v.number JOIN copy c ON c.edition = e.edition"
        " WHERE v.id >= ? AND v.id < ? GROUP BY v.number ORDER BY v.id LIMIT ?",
        (beginning, f"{beginning}g", MOST),
    )
    return list(zip(_shortened([row[0] for row in rows], beginning), [_records(row[1]) for row in rows], strict=True))


def labels(database: Path, beginning: str) -> Seen:
    """Return labels in use that begin so, with the number of their records."""
    return _counted(database, "SELECT label, count(*) FROM label WHERE {} GROUP BY label ORDER BY label LIMIT ?", "label", beginning)


def sources(database: Path, beginning: str) -> Seen:
    """Return where records came from, with how many did."""
    return _counted(database, "SELECT source, count(*) FROM record WHERE {} GROUP BY source ORDER BY source LIMIT ?", "source", beginning)


def feeds(database: Path, beginning: str) -> Seen:
    """Return feeds that are followed or published, with their organisation."""
    who = "CASE WHEN own THEN 'published here' ELSE member END"
    query = f"SELECT id, {who} FROM feed WHERE substr(id, 1, ?) = ? AND status <> 'removed' ORDER BY id LIMIT ?"
    return [(name, member) for name, member in _seen(database, query, (len(beginning), beginning, MOST))]


def members(database: Path, beginning: str) -> Seen:
    """Return organisations whose feeds are followed."""
    query = (
        "SELECT DISTINCT member FROM feed WHERE substr(member, 1, ?) = ? AND member <> '' AND status <> 'removed' ORDER BY member LIMIT ?"
    )
    return [(name, "") for (name,) in _seen(database, query, (len(beginning), beginning, MOST))]


def allowed(database: Path, beginning: str) -> Seen:
    """Return entries of one's own allow-list, with the reason for each."""
    query = "SELECT substr(rid, 1, ?), reason FROM allow WHERE author = 'local' AND NOT revoked AND substr(rid, 1, ?) = ? LIMIT ?"
    return [(rid, reason) for rid, reason in _seen(database, query, (_SHORT, len(beginning), beginning, MOST))]


def _counted(database: Path, query: str, column: str, beginning: str) -> Seen:
    rows = _seen(database, query.format(f"substr({column}, 1, ?) = ?"), (len(beginning), beginning, MOST))
    return [(value, _records(count)) for value, count in rows]


def _records(count: int) -> str:
    return f"{count} record{'' if count == 1 else 's'}"


def _shortened(identifiers: list[str], beginning: str) -> list[str]:
    short = [identifier[:_SHORT] for identifier in identifiers]
    return [each if len(beginning) > _SHORT or short.count(head) > 1 else head for each, head in zip(identifiers, short, strict=True)]


def _seen(database: Path, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
    try:
        with _connection(database / RECORDS_FILE) as connection:
            return connection.execute(query, values).fetchall()
    except (sqlite3.Error, OSError) as error:
        _log.debug("nothing was completed from %s: %s", database, error)
        return []


@contextlib.contextmanager
def _connection(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a connection that reads only.

    While somebody has the database open its log has to be read too, which takes the shared memory beside it. Otherwise SQLite
    is told that nothing changes, for it would make these two files, even to read.
    """
    in_use = all(file.with_name(f"{file.name}{ending}").exists() for ending in ("-wal", "-shm"))
    how = "mode=ro" if in_use else "immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(file.absolute()))}?{how}", uri=True, timeout=0)
    try:
        connection.execute("PRAGMA query_only = ON")
        yield connection
    finally:
        connection.close()
