"""The tables of records, labels, fingerprints and the audit log.

Those of the exchange are in `vhashdb.store.feed_schema`. A change of a table comes with a new step in `vhashdb.store.migrations`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.types import NullType

metadata = MetaData()

Number: Final = Integer().with_variant(BigInteger(), "postgresql")
"""Whole numbers of up to 63 bits, as all of SQLite's are."""

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

record = Table(
    "record",
    metadata,
    Column("number", Number, primary_key=True),  # small and dense: what the index refers to
    Column("id", String(32), nullable=False, unique=True),
    Column("state", String, nullable=False),
    Column("revision", Number, nullable=False),
    Column("change", Number, nullable=False, unique=True),  # grows with every write: what the index has seen
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
    Column("reviewers", Number, nullable=False),
    Column("max_action", String, nullable=False),
    Column("source", String, nullable=False),
    Column("tlp", String, nullable=False),
    Column("reshare", Boolean, nullable=False),
    Column("first_seen", Date),
    Column("review_by", Date),
    Column("expires", Date),
)

NOT_RETRACTED: Final = "state != 'retracted'"
"""Condition on rows of `record` in SQL written by hand; whether a record is in force also depends on the day, see `Record.in_force`."""
not_retracted: Final = record.c.state != "retracted"
"""The condition `NOT_RETRACTED` for SQLAlchemy."""

label = Table(
    "label",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("label", String, primary_key=True, index=True),
)

fingerprint = Table(
    "fingerprint",
    metadata,
    Column("number", Number, primary_key=True),
    Column("record", ForeignKey("record.number"), nullable=False, index=True),
    Column("algorithm", String, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)

sounding = Table(
    "sounding",  # fingerprints that have sound: triggers keep it, so that nothing else need be read to index sound
    metadata,
    Column("fingerprint", Number, primary_key=True),
    Column("record", ForeignKey("record.number"), nullable=False, index=True),
)

near = Table(
    "near",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("other", ForeignKey("record.number"), primary_key=True),
    Column("score", Float, nullable=False),
)

copy = Table(
    "copy",  # where each record lies among all that show the same
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("edition", Number, nullable=False, index=True),
    Column("offset_s", Float, nullable=False),  # its second t is offset_s + speed * t of the edition
    Column("speed", Float, nullable=False),
    Column("shown_by", Number, index=True),  # another copy that is found instead of it; empty: it is in the indexes itself
)

ungrouped = Table(
    "ungrouped",  # records with a fingerprint and without a row in `copy`: triggers keep it
    metadata,
    Column("record", Number, primary_key=True),
)

edition = Table(
    "edition",
    metadata,
    Column("number", Number, primary_key=True),
    Column("duration_s", Float, nullable=False),
)

edition_relation = Table(
    "edition_relation",  # what two editions have in common
    metadata,
    Column("one", Number, primary_key=True),
    Column("other", Number, primary_key=True, index=True),
    Column("sides", String, nullable=False),  # JSON: `vhashdb.grouping.Side` of each
)

video = Table(
    "video",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("edition", Number, nullable=False),  # the one that it was made for: where that goes, the id goes
    Column("made_at", DateTime, nullable=False),
    Column("merged_into", Number),  # the video that has its records now, if any
)

video_edition = Table(
    "video_edition",
    metadata,
    Column("video", Number, primary_key=True),
    Column("edition", Number, primary_key=True, index=True),
    Column("role", String, nullable=False),
)

loosened = Table(
    "loosened",  # editions of which a copy, or something that they were related to, is gone: triggers keep it until they are grouped anew
    metadata,
    Column("edition", Number, primary_key=True),
)

said_of_editions = Table(
    "said_of_editions",  # by people: that two editions are of one video, or are not
    metadata,
    Column("one", Number, primary_key=True),
    Column("other", Number, primary_key=True, index=True),
    Column("same", Boolean, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("number", Number, primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False, index=True),
    Column("record", String(32), index=True),
    Column("details", String, nullable=False),
)

hit = Table(
    "hit",  # one file that matched one record, and what people said of it: see `vhashdb.store.hits`
    metadata,
    Column("file", String(32), primary_key=True),  # a keyed digest: it says nothing to whoever does not have the key of this database
    Column("record", String(32), primary_key=True),  # its id, as a decision outlives a re-sync; empty: the file by itself
    Column("verdict", String, nullable=False),  # the strongest so far; empty if it never matched
    Column("score", Float, nullable=False),
    Column("at", DateTime, nullable=False),  # when it first matched
    Column("state", String, nullable=False),  # what was decided; empty while nothing is
    Column("line", Number),  # of the audit log, which says who decided, when and why
    Column("grounds", String, nullable=False),  # what the decision rests on: where that is another now, the case is open again
    Index("hit_by_time", "at", "record", "verdict"),  # with all that is counted, so that counting reads nothing else
    Index("hit_by_record", "record", "at", "verdict", "score"),
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
    Column("value", Number, nullable=False),
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
