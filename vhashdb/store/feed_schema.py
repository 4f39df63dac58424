"""The tables of the exchange: feeds, where records come from, what people think of them, and what is on its way in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
)

from vhashdb.store.schema import Number, metadata

feed = Table(
    "feed",
    metadata,
    Column("number", Number, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("member", String, nullable=False),  # the organisation: several feeds of one count as one voice
    Column("url", String, nullable=False),
    Column("root", LargeBinary, nullable=False),  # the root metadata that was trusted first; empty for one's own feed
    Column("own", Boolean, nullable=False),  # published from this database
    Column("federation", String),  # the roster that named it
    Column("trust", String, nullable=False),
    Column("status", String, nullable=False),
    Column("why", String, nullable=False, server_default=""),
    Column("evidence", String, nullable=False, server_default="{}"),  # JSON: what was seen when it was quarantined
    Column("epoch", Number, nullable=False, server_default="0"),
    Column("seq", Number, nullable=False, server_default="0"),  # the cursor: everything up to here is in the records
    Column("chain", String(64), nullable=False, server_default=""),
    Column("head_seq", Number, nullable=False, server_default="0"),  # the last signed head that was seen
    Column("head_chain", String(64), nullable=False, server_default=""),
    Column("root_version", Number, nullable=False, server_default="0"),
    Column("expires_at", DateTime),
    Column("max_action", String, nullable=False, server_default="review"),
    Column("tlp", String, nullable=False, server_default="amber"),
    Column("contact", String, nullable=False, server_default=""),
    Column("note", String, nullable=False, server_default=""),
    Column("skipped", Number, nullable=False, server_default="0"),  # events that broke the schema
    Column("checked_at", DateTime),
    Column("synced_at", DateTime),
    Column("trouble", String, nullable=False, server_default=""),  # why the last sync failed, if it did
    Column("staging", String, nullable=False, server_default=""),  # whose staging it is: of two syncs, the later one goes on
)

federation = Table(
    "federation",
    metadata,
    Column("id", String, primary_key=True),
    Column("url", String, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("trust", String, nullable=False),  # what its members' feeds are allowed, unless set by hand
    Column("version", Number, nullable=False, server_default="0"),
    Column("checked_at", DateTime),
    Column("trouble", String, nullable=False, server_default=""),
)

origin = Table(
    "origin",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("rid", String(32), primary_key=True),
    Column("record", ForeignKey("record.number"), index=True),  # empty: retracted before it ever came here
    Column("rev", Number, nullable=False),
    Column("withdrawn", Boolean, nullable=False),  # by its publisher, as opposed to people here
    Column("erased", Boolean, nullable=False),
    Column("saw_content", Boolean, nullable=False),
    Column("exceptions", String, nullable=False),  # of handling; JSON list
    Column("test", Boolean, nullable=False),
)

withdrawal = Table(
    "withdrawal",  # of records of one's own: what the feed is to say of it
    metadata,
    Column("record", String(32), primary_key=True),  # the id
    Column("code", String, nullable=False),
    Column("erase", Boolean, nullable=False),
    Column("at", DateTime, nullable=False),
)

opinion = Table(
    "opinion",
    metadata,
    Column("author", String, primary_key=True),  # a feed's id, or local
    Column("on_feed", String, primary_key=True),
    Column("on_rid", String(32), primary_key=True),
    Column("on_rev", Number, nullable=False),
    Column("verdict", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Index("opinion_on", "on_feed", "on_rid"),
)

allow = Table(
    "allow",
    metadata,
    Column("author", String, primary_key=True),
    Column("rid", String(32), primary_key=True),
    Column("fingerprint", LargeBinary),
    Column("sha256", String(64), index=True),
    Column("duration_ms", Number, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

held = Table(
    "held",
    metadata,
    Column("record", ForeignKey("record.number"), primary_key=True),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("decided", String, nullable=False, server_default=""),  # accepted or rejected
    Column("decided_by", String, nullable=False, server_default=""),
    Column("decided_at", DateTime),
    Column("proposed", String, nullable=False, server_default=""),  # by one person, where two are required
    Column("proposed_by", String, nullable=False, server_default=""),
)

staged = Table(
    "staged",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("rid", String(32), primary_key=True),
    Column("seq", Number, nullable=False),
    Column("kind", String, nullable=False),  # put or retract
    Column("rev", Number, nullable=False),
    Column("erase", Boolean, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("id", String(32), nullable=False),
    Column("duration_s", Float, nullable=False),
    Column("sha256", String(64)),
    Column("md5", String(32)),
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
    Column("labels", String, nullable=False),  # JSON list
    Column("algorithm", String),
    Column("fingerprint", LargeBinary),  # its place: see `vhashdb.store.spool`
    Column("saw_content", Boolean, nullable=False),
    Column("exceptions", String, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("held", String, nullable=False),  # what the gate said
)

staged_stub = Table(
    "staged_stub",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("seq", Number, primary_key=True),
    Column("rid", String(32), nullable=False),
)

staged_opinion = Table(
    "staged_opinion",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("on_feed", String, primary_key=True),
    Column("on_rid", String(32), primary_key=True),
    Column("on_rev", Number, nullable=False),
    Column("verdict", String, nullable=False),
    Column("basis", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
)

staged_allow = Table(
    "staged_allow",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("rid", String(32), primary_key=True),
    Column("fingerprint", LargeBinary),
    Column("sha256", String(64)),
    Column("duration_ms", Number, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

same_video = Table(
    "same_video",  # what a feed says: its record shows the same video as another, of it or of another feed
    metadata,
    Column("author", String, primary_key=True),  # the feed's id
    Column("rid", String(32), primary_key=True),
    Column("on_feed", String, primary_key=True),
    Column("on_rid", String(32), primary_key=True),
    Column("at", DateTime, nullable=False),
    Index("same_video_on", "on_feed", "on_rid"),
)

staged_same_video = Table(
    "staged_same_video",
    metadata,
    Column("feed", ForeignKey("feed.number"), primary_key=True),
    Column("rid", String(32), primary_key=True),
    Column("on_feed", String, primary_key=True),
    Column("on_rid", String(32), primary_key=True),
    Column("same", Boolean, nullable=False),
    Column("at", DateTime, nullable=False),
)

_FIRST_STAGING: Final = (staged, staged_stub, staged_opinion, staged_allow)
STAGING: Final = (*_FIRST_STAGING, staged_same_video)
TABLES: Final = (feed, federation, origin, withdrawal, opinion, allow, held, *_FIRST_STAGING)
SAME_VIDEO_TABLES: Final = (same_video, staged_same_video)


def create(connection: Connection) -> None:
    """Make the tables, as the schema's migration for the exchange does."""
    metadata.create_all(connection, tables=list(TABLES))
