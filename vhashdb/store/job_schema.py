"""The tables of jobs: many files, and what each of them came to. Only databases on PostgreSQL use them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, DateTime, Index, String, Table

from vhashdb.store.schema import Number, metadata

job = Table(
    "job",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("key", String(64), nullable=False, index=True),  # digest of what was asked for: the same command again finds its job
    Column("places", String, nullable=False),  # JSON: URLs of files and folders
    Column("options", String, nullable=False),  # JSON: how to add or ask
    Column("by", String, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("ended_at", DateTime),
    Column("listed", String, nullable=False),  # JSON: the place that is being listed, and where in it the next page begins
)

job_item = Table(
    "job_item",
    metadata,
    Column("job", String(16), primary_key=True),
    Column("path", String, primary_key=True),
    Column("version", String, nullable=False),  # what tells the file from another one of this name, as the listing says
    Column("size", Number, nullable=False),  # bytes; -1 where the listing does not say
    Column("state", String, nullable=False),
    Column("due", DateTime),  # when it may be begun, or begun again if whoever has it is silent until then; empty: never
    Column("attempts", Number, nullable=False),
    Column("lease", String(32), nullable=False),  # of whoever began it last: without it nothing is written about the file
    Column("worker", String, nullable=False),
    Column("outcome", String, nullable=False),  # what it came to, as it is counted; empty while nothing is known
    Column("reason", String, nullable=False),  # why it failed, or was passed over
    Column("result", String, nullable=False),  # lines of JSON
    Column("done_at", DateTime),
    Index("job_item_due", "job", "due", "path"),
    Index("job_item_done", "job", "done_at"),
    Index("job_item_state", "job", "state", "outcome"),
)

TABLES: Final = (job, job_item)
