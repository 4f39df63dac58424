"""Cache file hashes and fingerprints, so that a file need not be decoded twice.

It is a file of its own, apart from the database, and can be deleted at any time. It holds no name: a file is known by
a hash of its path, size, times and inode, and its fingerprints by the file's SHA-256. Hashes of uploads are data about uploads
nevertheless, so the file is for its owner's eyes alone, and what was not used for `KEPT_DAYS` is dropped.

A cache that cannot be read or written is never a reason not to answer: it is then left out, and `problem` says why.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

from vhashdb.errors import DatabaseError, DatabaseLocked, FingerprintError
from vhashdb.fingerprints import Fingerprint, from_bytes, to_stored
from vhashdb.hashing.views import Box, Region
from vhashdb.inputs import FileHashes
from vhashdb.opening import OpenFile
from vhashdb.store.clock import now_utc
from vhashdb.store.sqlite import SqliteFile, application_of
from vhashdb.store.transactions import Transactions

_log: Final = logging.getLogger(__name__)

FILE: Final = "looks.sqlite"
MAX_BYTES: Final = 1 << 30
"""Some 20,000 clips of ten seconds, going by what `bench.rescan` keeps of each."""
KEPT_DAYS: Final = 30
_APPLICATION_ID: Final = 0x76684C6B
_VERSION: Final = 2
_LOCK_TIMEOUT_S: Final = 1.0
_PRUNED_TO: Final = 0.8
"""Share of `MAX_BYTES` that is left when there was too much."""

_metadata = sa.MetaData()
_file = sa.Table(
    "file",
    _metadata,
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("sha256", sa.String, nullable=False),
    sa.Column("md5", sa.String, nullable=False),
    sa.Column("used", sa.Integer, nullable=False, index=True),  # days since 1970
)
_look = sa.Table(
    "look",
    _metadata,
    sa.Column("sha256", sa.String, primary_key=True),
    sa.Column("recipe", sa.String, primary_key=True),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("used", sa.Integer, nullable=False, index=True),
    sa.Column("boxes", sa.String, nullable=False),  # where each region lay: no stored form of a fingerprint has it
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),  # last, so that the others are read without it
)


class FingerprintCache:
    """In one folder, shared by any number of processes and threads.

    Example::

        with vhashdb.FingerprintCache("cache") as cache, vhashdb.open("industry.vhdb", cache=cache) as db:
            db.match("upload.mp4")  # decoded
            db.match("upload.mp4")  # compared only
    """

    def __init__(self, folder: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES, kept_days: int = KEPT_DAYS) -> None:
        """Open the cache; make it if it is not there."""
        self.path = Path(folder, FILE)
        self.problem: str | None = None
        """Why it is not used, if so."""
        self._max_bytes, self._kept_days = max_bytes, kept_days
        self._transactions: Transactions | None = None
        with self._quietly():
            self._transactions = _opened(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop what is old or too much, and release the file."""
        with self._quietly():
            if self._transactions is not None:
                self._prune(self._transactions)
        if self._transactions is not None:
            self._transactions.close()
            self._transactions = None

    def hashes(self, file: OpenFile) -> FileHashes | None:
        """Return the hashes of a file that is as it was when they were made."""
        return next((FileHashes(row["sha256"], row["md5"]) for row in self._found(_file, key=_key(file))), None)

    def keep_hashes(self, file: OpenFile, hashes: FileHashes) -> None:
        """Remember the hashes of a file as it is now."""
        self._put(_file, {"key": _key(file)}, {"sha256": hashes.sha256, "md5": hashes.md5})

    def fingerprint(self, sha256: str, key: str) -> Fingerprint | None:
        """Return the cached fingerprint of the file with this hash; None if there is none for the cache key."""
        for row in self._found(_look, sha256=sha256, recipe=key):
            try:
                return replace(from_bytes(row["fingerprint"]), boxes=_boxes(row["boxes"]))
            except (FingerprintError, ValueError, TypeError) as error:  # made again, and written over
                _log.warning("a fingerprint in the cache %s is damaged and is made again: %s", self.path, error)
        return None

    def keep_fingerprint(self, sha256: str, key: str, fingerprint: Fingerprint) -> None:
        """Remember it."""
        packed = to_stored(fingerprint)
        if len(packed) <= self._max_bytes * (1 - _PRUNED_TO):
            self._put(
                _look,
                {"sha256": sha256, "recipe": key},
                {"bytes": len(packed), "boxes": _text_of(fingerprint.boxes), "fingerprint": packed},
            )

    def _found(self, table: sa.Table, **key: Any) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        with self._quietly():
            if self._transactions is None:
                return rows
            where = [table.c[name] == value for name, value in key.items()]
            with self._transactions.reading() as connection:
                rows = [dict(row) for row in connection.execute(sa.select(table).where(*where)).mappings()]
            today = _today()
            if rows and rows[0]["used"] < today:
                with self._transactions.writing() as connection:
                    connection.execute(table.update().where(*where).values(used=today))
        return rows

    def _put(self, table: sa.Table, key: dict[str, Any], values: dict[str, Any]) -> None:
        with self._quietly():
            if self._transactions is not None:
                values = {**values, "used": _today()}
                with self._transactions.writing() as connection:
                    statement = insert(table).values(**key, **values)
                    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))

    def _prune(self, transactions: Transactions) -> None:
        with transactions.writing() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")  # what is dropped is gone, and its room is used again
            for table in (_file, _look):
                connection.execute(table.delete().where(table.c.used < _today() - self._kept_days))
            total = int(connection.execute(sa.select(sa.func.sum(_look.c.bytes))).scalar() or 0)
            if total > self._max_bytes:
                # Of what was used on the same day, what was kept first goes first.
                newest = sa.func.sum(_look.c.bytes).over(order_by=(_look.c.used.desc(), sa.literal_column("rowid").desc()))
                kept = sa.select(sa.literal_column("rowid").label("row"), newest.label("so_far")).select_from(_look).subquery()
                left = sa.select(kept.c.row).where(kept.c.so_far <= self._max_bytes * _PRUNED_TO)
                connection.execute(_look.delete().where(sa.literal_column("rowid").not_in(left)))

    @contextlib.contextmanager
    def _quietly(self) -> Iterator[None]:
        """Go on without the cache if anything is wrong with it: the query can be answered all the same."""
        try:
            yield
        except DatabaseLocked as error:  # this once, nothing is kept
            _log.debug("the cache %s was not written: %s", self.path, error)
        except (DatabaseError, OSError) as error:
            self.problem = str(error)
            _log.warning("the cache %s is not used any more: %s", self.path, error)
            if self._transactions is not None:
                self._transactions.close()
                self._transactions = None


def _opened(path: Path) -> Transactions:
    """Open the file; make it if there is none, and empty it if it is of another version."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    strange = DatabaseError(f"{path} is not a cache of fingerprints, so it is left alone")
    if path.exists() and path.stat().st_size and application_of(path) is None:
        raise strange
    with contextlib.suppress(FileExistsError):  # one that is there is not opened: see `application_of`
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    transactions = Transactions(SqliteFile(path, _LOCK_TIMEOUT_S, durable=False))
    try:
        with transactions.writing() as connection:
            application, version, tables = (
                int(connection.exec_driver_sql(question).scalar() or 0)
                for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
            )
            if application != _APPLICATION_ID and (application or tables):
                raise strange
            if version != _VERSION:
                _metadata.drop_all(connection)
                _metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")
    except BaseException:
        transactions.close()
        raise
    return transactions


def _key(file: OpenFile) -> bytes:
    """Return the key of a file as it is: another size, time or inode is another key. Nothing of its name can be read from it."""
    state = os.fstat(file.fileno())
    facts = (os.fsencode(file.path.resolve()), state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    return hashlib.sha256(repr(facts).encode()).digest()


def _text_of(boxes: Mapping[Region, Box]) -> str:
    """Return boxes as JSON: for each region its number and the four edges."""
    return json.dumps([[int(region), *astuple(box)] for region, box in boxes.items()])


def _boxes(text: str) -> dict[Region, Box]:
    """Return the boxes that a text has.

    Raises:
        ValueError, TypeError: the text is damaged.
    """
    return {Region(number): Box(*map(float, edges)) for number, *edges in json.loads(text)}


def _today() -> int:
    return (now_utc().date() - datetime.date(1970, 1, 1)).days
