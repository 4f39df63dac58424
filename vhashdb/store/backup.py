"""A copy of a database that is known to be good: whole, of one moment, checked, and there only once it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final

from vhashdb.errors import DatabaseDamaged, DatabaseError, DatabaseExists, VhashdbError
from vhashdb.layout import RECORDS_FILE, UPLOADS_FOLDER
from vhashdb.store.questions import Questions
from vhashdb.store.records_file import Store
from vhashdb.store.sqlite import sqlite_errors
from vhashdb.writing import sync_folder

FEEDS_FOLDER: Final = "feeds"
"""Folder with the signed state of each feed, beside the records."""
DOWNLOADS: Final = "files"
"""Folder in each of those with what was downloaded."""


def back_up(store: Store, target: Path, *, uploads: bool = False) -> None:
    """Copy a database to ``target``, a folder that does not exist yet; others may write to it meanwhile.

    The copy is a database as well. What can be made again from the records, such as the index, is not in it. Nor are uploads, unless
    they are asked for: a backup of harmful videos is one more copy of them. Questions of the copy say then that their files are gone.

    Raises:
        DatabaseExists: there is something at ``target``.
        DatabaseDamaged: the copy does not pass its check; nothing is left of it.
        DatabaseError: it cannot be written.
    """
    if not isinstance(store.path, Path):
        raise DatabaseError("databases on PostgreSQL are not copied from here", hint="back them up with pg_dump or pg_basebackup")
    if os.path.lexists(target):
        raise DatabaseExists(f"{target} exists already", hint="name a folder that is not there yet; a backup never overwrites anything")
    try:
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
            copy = Path(scratch, "copy")
            copy.mkdir()
            _copy_records(store, copy / RECORDS_FILE)
            with Store.open(copy / RECORDS_FILE) as copied:
                _copy_uploads(store.path.parent / UPLOADS_FOLDER, copy / UPLOADS_FOLDER if uploads else None, Questions(copied))
            _check(store, copy / RECORDS_FILE)
            feeds = store.path.parent / FEEDS_FOLDER
            if feeds.is_dir():
                shutil.copytree(feeds, copy / FEEDS_FOLDER, ignore=shutil.ignore_patterns(DOWNLOADS))
            for place, _, names in os.walk(copy):
                for name in names:
                    with open(os.path.join(place, name), "rb") as file:
                        os.fsync(file.fileno())
                sync_folder(Path(place))
            os.rename(copy, target)  # fails if there is a folder with something in it by now
        sync_folder(target.parent)
    except OSError as error:
        if isinstance(error, VhashdbError):
            raise
        raise DatabaseError(f"the backup {target} cannot be written: {error.strerror or error}") from error


def _copy_records(store: Store, path: Path) -> None:
    """Copy by SQLite's own backup, which begins anew if somebody writes meanwhile, and keeps nobody waiting."""
    with store.transactions.reading() as connection, sqlite_errors(path), contextlib.closing(sqlite3.connect(path)) as copy:
        source = connection.connection.driver_connection
        assert isinstance(source, sqlite3.Connection)
        source.backup(copy)  # in one step, within one read transaction
        copy.execute("PRAGMA journal_mode = WAL")


def _copy_uploads(source: Path, target: Path | None, questions: Questions) -> None:
    """Copy the files that the copied questions have, if there is a folder for them; of all others note that they are gone."""
    named, kept = questions.files(), set()
    if target is not None and named:
        target.mkdir(mode=0o700)
        for name in named:
            with contextlib.suppress(FileNotFoundError):  # nobody has needed it since
                shutil.copyfile(source / name, target / name)
                kept.add(name)
    questions.files_gone(named - kept)


def _check(store: Store, path: Path) -> None:
    with Store.open(path) as copy:
        problems = copy.problems()
        if problems:
            raise DatabaseDamaged(
                f"the copy of {store.path} is not sound: {problems[0]}{f', and {len(problems) - 1} more' if problems[1:] else ''}",
                hint="check the database with `Database.check`; if it is damaged, go back to an earlier backup",
            )
