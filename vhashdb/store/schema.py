"""The tables, and how an older file becomes a newer one.

`MIGRATIONS` is the whole history: a new database runs every step, an older one the steps it lacks. A step is never
changed once it was released; a change of the tables below comes with a new step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import NullType

APPLICATION_ID: Final = 0x76684442
"""In the SQLite header, so that a file of another program is recognised."""

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("number", Integer, primary_key=True),  # small and dense: what the index refers to
    Column("id", String(32), nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("change", Integer, nullable=False, unique=True),  # grows with every write: what the index has seen
    Column("added_at", DateTime, nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("sha256", String(64), index=True),
    Column("md5", String(32), index=True),
    Column("severity", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("reason_code", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("policy", String, nullable=False),
    Column("law", String, nullable=False),
    Column("review_method", String, nullable=False),
    Column("reviewers", Integer, nullable=False),
    Column("max_action", String, nullable=False),
    Column("source", String, nullable=False),
    Column("tlp", String, nullable=False),
    Column("reshare", Boolean, nullable=False),
    Column("first_seen", Date),
    Column("review_by", Date),
    Column("expires", Date),
)

label = Table(
    "label",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("label", String, primary_key=True, index=True),
)

fingerprint = Table(
    "fingerprint",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("record", ForeignKey("record.number"), nullable=False, index=True),
    Column("algorithm", String, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)

near = Table(
    "near",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("other", ForeignKey("record.number"), primary_key=True),
    Column("score", Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False, index=True),
    Column("record", String(32), index=True),
    Column("details", String, nullable=False),
)

not_this = Table(
    "not_this",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("record", String(32), nullable=False, index=True),  # the id: the mark outlives a re-sync of the record
    Column("sha256", String(64), nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
    UniqueConstraint("record", "sha256"),
)

imported = Table(
    "imported",
    metadata,
    Column("source", String, primary_key=True),
    Column("key", String(64), primary_key=True),  # SHA-256 of the id there, which may itself be a hash that must be forgotten
    Column("external_id", String, nullable=False),
    Column("record", ForeignKey("record.number"), nullable=False, index=True),
    Column("digest", String(64), nullable=False),  # of what was said of it, so that the same is not taken twice
    Column("withdrawn", Boolean, nullable=False),  # by its source, as opposed to people here
    Column("at", DateTime, nullable=False),
)

other_hash = Table(
    "other_hash",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("algorithm", String, primary_key=True),
    Column("value", String, primary_key=True),
)

# Columns without a type, because keys are numbers or texts.
checksum = Table(
    "checksum",
    metadata,
    Column("kind", String, primary_key=True),  # the group of `vhashdb.store.checksums`
    Column("a", NullType, primary_key=True),
    Column("b", NullType, primary_key=True),
    Column("c", NullType, primary_key=True),
    Column("value", Integer, nullable=False),
    sqlite_with_rowid=False,
)

changed = Table(
    "changed",  # what has no checksum yet: filled and emptied within one transaction
    metadata,
    Column("kind", String, primary_key=True),
    Column("a", NullType, primary_key=True),
    Column("b", NullType, primary_key=True),
    Column("c", NullType, primary_key=True),
    sqlite_with_rowid=False,
)

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
    from vhashdb.store import feed_schema  # which needs the tables above

    feed_schema.create(connection)


def _imports(connection: Connection) -> None:
    """What was imported from files, under which id, and hashes that are kept for others."""
    metadata.create_all(connection, tables=[imported, other_hash])
    # Lists of others often have MD5 alone: whether there is such a record is asked for every file.
    connection.execute(text("CREATE INDEX record_md5_alone ON record (md5) WHERE md5 IS NOT NULL AND sha256 IS NULL"))


def _checksums(connection: Connection) -> None:
    """Checksums of rows, and which rows have none yet; `vhashdb.store.checksums` makes the triggers."""
    for name, value in (("checksum", ", value INTEGER NOT NULL"), ("changed", "")):
        columns = f"kind VARCHAR NOT NULL, a NOT NULL, b NOT NULL, c NOT NULL{value}, PRIMARY KEY (kind, a, b, c)"
        connection.exec_driver_sql(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")


MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first, _not_this_marks, _exchange, _imports, _checksums)
VERSION: Final = len(MIGRATIONS)
