"""Bring an older records file up to date.

`MIGRATIONS` is the whole history: a new database runs every step, an older one the steps it lacks. A step is never
changed once it was released; a change of the tables comes with a new step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, text

from vhashdb.store import feed_schema
from vhashdb.store.schema import (
    audit,
    copy,
    edition,
    edition_relation,
    fingerprint,
    imported,
    label,
    meta,
    metadata,
    near,
    not_this,
    other_hash,
    record,
    said_of_editions,
    sounding,
    ungrouped,
    video,
    video_edition,
)

APPLICATION_ID: Final = 0x76684442
"""In the SQLite header, so that a file of another program is recognised."""
_FIRST_TABLES: Final = (meta, record, label, fingerprint, near, audit)


def _first(connection: Connection) -> None:
    """Records, labels, fingerprints, links and the audit log, which can only grow."""
    metadata.create_all(connection, tables=_FIRST_TABLES)
    # INSERT OR REPLACE takes a line away without a DELETE that a trigger would see.
    replacing = "INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE number = NEW.number)"
    for name, event in (("update", "UPDATE ON audit"), ("delete", "DELETE ON audit"), ("replace", replacing)):
        connection.execute(
            text(f"CREATE TRIGGER audit_no_{name} BEFORE {event} BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END")
        )


def _not_this_marks(connection: Connection) -> None:
    """Local marks: this file is not that record."""
    metadata.create_all(connection, tables=[not_this])


def _exchange(connection: Connection) -> None:
    """Feeds, where records come from, opinions, allow-lists, held records, and staging."""
    feed_schema.create(connection)


def _imports(connection: Connection) -> None:
    """Add tables for ids of imported items, and for hashes that are kept for others."""
    metadata.create_all(connection, tables=[imported, other_hash])
    # Lists of others often have MD5 alone: whether there is such a record is asked for every file.
    connection.execute(text("CREATE INDEX record_md5_alone ON record (md5) WHERE md5 IS NOT NULL AND sha256 IS NULL"))


def _checksums(connection: Connection) -> None:
    """Checksums of rows, and which rows have none yet; `vhashdb.store.checksums` makes the triggers."""
    for name, value in (("checksum", ", value INTEGER NOT NULL"), ("changed", "")):
        columns = f"kind VARCHAR NOT NULL, a NOT NULL, b NOT NULL, c NOT NULL{value}, PRIMARY KEY (kind, a, b, c)"
        connection.exec_driver_sql(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")


def _sounding(connection: Connection) -> None:
    """Which fingerprints have sound, by the version of their binary form; before this step there was none."""
    metadata.create_all(connection, tables=[sounding])
    has_sound, insert = "substr(NEW.blob, 5, 1) >= x'03'", "INSERT INTO sounding VALUES (NEW.number, NEW.record);"
    for name, event, statements in (
        ("added", f"INSERT ON fingerprint WHEN {has_sound}", insert),
        ("deleted", "DELETE ON fingerprint", "DELETE FROM sounding WHERE fingerprint = OLD.number;"),
    ):
        connection.exec_driver_sql(f"CREATE TRIGGER sounding_{name} AFTER {event} BEGIN {statements} END")


def _stored_form(connection: Connection) -> None:
    """Tell by the stored form's versions, too, which fingerprints have sound."""
    connection.exec_driver_sql("DROP TRIGGER sounding_added")
    connection.exec_driver_sql(
        "CREATE TRIGGER sounding_added AFTER INSERT ON fingerprint WHEN substr(NEW.blob, 5, 1) IN (x'03', x'05') "
        "BEGIN INSERT INTO sounding VALUES (NEW.number, NEW.record); END"
    )


def _videos(connection: Connection) -> None:
    """Which records show the same video. What shows something else from now on is not grouped any more."""
    metadata.create_all(connection, tables=[copy, ungrouped, edition, edition_relation, video, video_edition, said_of_editions])
    connection.exec_driver_sql("INSERT INTO ungrouped SELECT DISTINCT record FROM fingerprint")
    lost = "DELETE FROM ungrouped WHERE record = OLD.record AND NOT EXISTS (SELECT 1 FROM fingerprint WHERE record = OLD.record);"
    for name, event, statements in (
        ("fingerprint_added", "INSERT ON fingerprint", "INSERT OR IGNORE INTO ungrouped VALUES (NEW.record);"),
        ("fingerprint_gone", "DELETE ON fingerprint", f"DELETE FROM copy WHERE record = OLD.record; {lost}"),
        ("grouped", "INSERT ON copy", "DELETE FROM ungrouped WHERE record = NEW.record;"),
    ):
        connection.exec_driver_sql(f"CREATE TRIGGER copy_{name} AFTER {event} BEGIN {statements} END")


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (
    _first,
    _not_this_marks,
    _exchange,
    _imports,
    _checksums,
    _sounding,
    _stored_form,
    _videos,
)
VERSION: Final = len(MIGRATIONS)
