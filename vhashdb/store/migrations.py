"""Bring an older records file up to date.

`MIGRATIONS` is the whole history: a new database runs every step, an older one the steps it lacks. A step is never
changed once it was released; a change of the tables comes with a new step. Databases on PostgreSQL begin with the tables as
they are when they are made (`vhashdb.store.postgresql_schema`), and take the steps after that: so each step after the thirteenth
has to do its work on both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, text

from vhashdb.store import feed_schema, job_schema, service_schema
from vhashdb.store.hits import GROUNDS, FileKeys
from vhashdb.store.remaking import add_column, create
from vhashdb.store.schema import (
    audit,
    copy,
    edition,
    edition_relation,
    fingerprint,
    hit,
    imported,
    label,
    loosened,
    meta,
    metadata,
    near,
    other_hash,
    record,
    said_of_editions,
    sounding,
    ungrouped,
    video,
    video_edition,
)
from vhashdb.store.sqlite import erasing

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
    connection.exec_driver_sql(
        "CREATE TABLE not_this (number INTEGER NOT NULL, record VARCHAR(32) NOT NULL, sha256 VARCHAR(64) NOT NULL, "
        "reason VARCHAR NOT NULL, at DATETIME NOT NULL, PRIMARY KEY (number), UNIQUE (record, sha256))"
    )


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


_EDITION_GONE: Final = """
DELETE FROM edition_relation WHERE one = OLD.edition OR other = OLD.edition;
DELETE FROM said_of_editions WHERE one = OLD.edition OR other = OLD.edition;
DELETE FROM video_edition WHERE edition = OLD.edition;
UPDATE video SET edition = coalesce((SELECT min(edition) FROM video_edition WHERE video = video.number), edition)
       WHERE edition = OLD.edition;
DELETE FROM edition WHERE number = OLD.edition;
"""
"""What of an edition is forgotten with its last copy; the id of its video stays with what else is of it."""


def _videos(connection: Connection) -> None:
    """Which records show the same video. What shows something else from now on is not grouped any more."""
    metadata.create_all(connection, tables=[copy, ungrouped, edition, edition_relation, video, video_edition, said_of_editions])
    connection.exec_driver_sql("INSERT INTO ungrouped SELECT DISTINCT record FROM fingerprint")
    lost = "DELETE FROM ungrouped WHERE record = OLD.record AND NOT EXISTS (SELECT 1 FROM fingerprint WHERE record = OLD.record);"
    for name, event, statements in (
        ("fingerprint_added", "INSERT ON fingerprint", "INSERT OR IGNORE INTO ungrouped VALUES (NEW.record);"),
        ("fingerprint_gone", "DELETE ON fingerprint", f"DELETE FROM copy WHERE record = OLD.record; {lost}"),
        ("grouped", "INSERT ON copy", "DELETE FROM ungrouped WHERE record = NEW.record;"),
        ("was_the_last", "DELETE ON copy WHEN NOT EXISTS (SELECT 1 FROM copy WHERE edition = OLD.edition)", _EDITION_GONE),
    ):
        connection.exec_driver_sql(f"CREATE TRIGGER copy_{name} AFTER {event} BEGIN {statements} END")


_SETTLED: Final = """
WITH undone AS (SELECT j.value AS number FROM audit u, json_each(u.details, '$.lines') j WHERE u.action = 'undo'),
     settled AS (SELECT record, max(number) AS number FROM audit
                 WHERE action IN ('opinion', 'review-accepted', 'review-rejected', 'unmatch', 'confirm-match', 'looked-at', 'retract')
                       AND record IS NOT NULL AND number NOT IN (SELECT number FROM undone) GROUP BY record)
INSERT INTO hit
SELECT printf('%032x', a.number), a.record, coalesce(json_extract(a.details, '$.verdict'), 'match'),
       coalesce(json_extract(a.details, '$.score'), 0), a.at,
       CASE WHEN s.number > a.number THEN 'looked at' ELSE '' END, CASE WHEN s.number > a.number THEN s.number END, ''
FROM audit a LEFT JOIN settled s ON s.record = a.record WHERE a.action = 'match' AND a.record IS NOT NULL
"""
_JUDGED: Final = """
SELECT n.record, n.sha256, 'not this' AS state, n.at,
       (SELECT max(a.number) FROM audit a
        WHERE a.action = 'unmatch' AND a.record = n.record AND json_extract(a.details, '$.sha256') = n.sha256) AS line
FROM not_this n
UNION ALL
SELECT a.record, json_extract(a.details, '$.sha256'), 'confirmed', a.at, max(a.number) FROM audit a
WHERE a.action = 'confirm-match' AND a.number NOT IN
      (SELECT j.value FROM audit u, json_each(u.details, '$.lines') j WHERE u.action = 'undo') GROUP BY 1, 2
"""


def _hits(connection: Connection) -> None:
    """Count a file once, and keep what was decided about it; until here each question counted, and marks had the hash of the file."""
    metadata.create_all(connection, tables=[hit])
    keys = FileKeys.make(connection)
    connection.exec_driver_sql(_SETTLED)
    for row in connection.execute(text(_JUDGED)).all():
        decided = {"file": keys.of(row.sha256), "record": row.record, "at": row.at, "state": row.state, "line": row.line}
        statement = "INSERT OR IGNORE INTO hit VALUES (:file, :record, '', 0, :at, :state, :line, '')"
        connection.execute(text(statement), decided)
    grounds = f"UPDATE hit AS h SET grounds = coalesce((SELECT {GROUNDS} FROM record r WHERE r.id = h.record), h.verdict)"
    connection.exec_driver_sql(f"{grounds} WHERE h.state != ''")
    with erasing(connection):
        connection.exec_driver_sql("DROP TABLE not_this")


def _service(connection: Connection) -> None:
    """Add keys, sessions, questions, webhooks and replies of the service."""
    metadata.create_all(connection, tables=list(service_schema.TABLES))


def _record_claims(connection: Connection) -> None:
    """Add who is about to decide about a record."""
    metadata.create_all(connection, tables=[service_schema.record_claim])


_LOOSENED: Final = """
INSERT OR IGNORE INTO loosened SELECT one FROM edition_relation WHERE other = OLD.edition
UNION SELECT other FROM edition_relation WHERE one = OLD.edition
UNION SELECT one FROM said_of_editions WHERE other = OLD.edition
UNION SELECT other FROM said_of_editions WHERE one = OLD.edition;
"""


def _loosened(connection: Connection) -> None:
    """Note of what something is gone, so that its videos are made anew: until here they were when something was added."""
    metadata.create_all(connection, tables=[loosened])
    connection.exec_driver_sql("DROP TRIGGER copy_was_the_last")
    others = "EXISTS (SELECT 1 FROM copy WHERE edition = OLD.edition)"
    for name, condition, statements in (
        ("was_the_last", f"NOT {others}", _LOOSENED + _EDITION_GONE),
        ("was_one_of_several", others, "INSERT OR IGNORE INTO loosened VALUES (OLD.edition);"),
    ):
        connection.exec_driver_sql(f"CREATE TRIGGER copy_{name} AFTER DELETE ON copy WHEN {condition} BEGIN {statements} END")


def _banks(connection: Connection) -> None:
    """Add the names that labels have for clients of Hasher-Matcher-Actioner."""
    metadata.create_all(connection, tables=[service_schema.bank])


def _jobs(connection: Connection) -> None:
    """Add jobs over many files, which are for databases on PostgreSQL; a folder's stay empty."""
    create(connection, *job_schema.TABLES)


def _same_video(connection: Connection) -> None:
    """Add what feeds say of records that show the same video."""
    create(connection, *feed_schema.SAME_VIDEO_TABLES)


def _fronts(connection: Connection) -> None:
    """Let several services serve one database: which of them does what, and what people can take back at each."""
    create(connection, service_schema.front, service_schema.desk_decision)
    for table in (service_schema.question, service_schema.reply):
        add_column(connection, table, "front", "''")


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (
    _first,
    _not_this_marks,
    _exchange,
    _imports,
    _checksums,
    _sounding,
    _stored_form,
    _videos,
    _hits,
    _service,
    _record_claims,
    _loosened,
    _banks,
    _jobs,
    _same_video,
    _fronts,
)
VERSION: Final = len(MIGRATIONS)
