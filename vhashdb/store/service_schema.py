"""The tables of the service: who may ask, what was asked and not dealt with yet, and replies that may be asked for again."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Boolean, Column, DateTime, Float, Index, String, Table

from vhashdb.store.schema import Number, metadata

api_key = Table(
    "api_key",
    metadata,
    Column("id", String(16), primary_key=True),  # the part of a key that is no secret
    Column("digest", String(64), nullable=False),  # of the whole key
    Column("name", String, nullable=False, unique=True),  # whom the audit log names
    Column("scopes", String, nullable=False),  # with spaces between
    Column("rate_per_minute", Number, nullable=False),
    Column("upload_bytes", Number, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("made_by", String, nullable=False),
    Column("expires_at", DateTime),
    Column("revoked_at", DateTime),
)

api_session = Table(
    "api_session",  # of a person in a browser, who gave a key
    metadata,
    Column("digest", String(64), primary_key=True),  # of the cookie
    Column("key", String(16), nullable=False, index=True),
    Column("made_at", DateTime, nullable=False),
    Column("used_at", DateTime, nullable=False),
)

question = Table(
    "question",  # what was asked of the service and has to be kept: until it is answered, and while people have to decide
    metadata,
    Column("id", String(32), primary_key=True),
    Column("state", String, nullable=False),
    Column("by", String, nullable=False),  # name of the key
    Column("name", String, nullable=False),  # what whoever asked calls the file
    Column("options", String, nullable=False),  # JSON: how to ask
    Column("made_at", DateTime, nullable=False),
    Column("changed_at", DateTime, nullable=False),
    Column("attempts", Number, nullable=False),
    Column("review", Boolean, nullable=False),  # whether people look at it if something is found
    Column("file", String, nullable=False),  # in the folder of uploads; empty once it is gone
    Column("size", Number, nullable=False),  # bytes of that file
    Column("answer", String, nullable=False),  # JSON; empty while there is none
    Column("webhook", String, nullable=False),  # who is told when it is answered; empty: nobody, or they were
    Column("claimed_by", String, nullable=False),
    Column("claimed_until", DateTime),
    Column("front", String, nullable=False),  # which answers it and tells the webhook; empty: there is one alone
    Index("question_by_state", "state", "made_at"),
)

webhook = Table(
    "webhook",
    metadata,
    Column("name", String, primary_key=True),
    Column("url", String, nullable=False),
    Column("secret", String, nullable=False),  # signs what is sent, so it cannot be a digest
    Column("made_at", DateTime, nullable=False),
)

reply = Table(
    "reply",  # to requests that name a key of idempotency
    metadata,
    Column("by", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request", String(64), nullable=False),  # digest of what was asked
    Column("status", Number, nullable=False),  # 0 while it is being answered
    Column("body", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("front", String, nullable=False),  # which is answering
)

record_claim = Table(
    "record_claim",  # who is about to decide about a record that waits
    metadata,
    Column("record", String(32), primary_key=True),
    Column("by", String, nullable=False),
    Column("until", DateTime, nullable=False),
)

bank = Table(
    "bank",  # a label under the name that clients of Hasher-Matcher-Actioner know
    metadata,
    Column("name", String, primary_key=True),
    Column("label", String, nullable=False, unique=True),
    Column("enabled_ratio", Float, nullable=False),
    Column("made_at", DateTime, nullable=False),
)

front = Table(
    "front",  # processes that serve this database together
    metadata,
    Column("id", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("seen_at", DateTime, nullable=False),  # by the server's clock
)

desk_decision = Table(
    "desk_decision",  # what people decided in the service and can still take back
    metadata,
    Column("id", String(16), primary_key=True),
    Column("by", String, nullable=False),
    Column("at", DateTime, nullable=False),
    Column("until", DateTime, nullable=False),
    Column("what", String, nullable=False),  # JSON
)

TABLES: Final = (api_key, api_session, question, webhook, reply)
"""Those that the first step with a service made."""
