"""Move a database from a folder to PostgreSQL, or back."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from vhashdb.database import Database, local_folder
from vhashdb.errors import DatabaseError, DatabaseExists
from vhashdb.layout import RECORDS_FILE, is_url
from vhashdb.store.backup import DOWNLOADS, FEEDS_FOLDER
from vhashdb.store.moving import copy_to

__all__ = ["copy_database"]


def copy_database(database: Database, place: str | os.PathLike[str], *, local: str | os.PathLike[str] | None = None) -> Database:
    """Copy everything that is known to a new database of the other kind, compare it row by row, and open it.

    The records are copied in one transaction, as they are at this moment; if that is interrupted nothing is left, and it can be begun
    again. Nobody should write to the old database from then on. The index is made again when the copy is first asked.

    Args:
        database: what is copied; it stays as it is.
        place: a folder that is not there yet, or the URL of a schema on PostgreSQL without a database.
        local: as of `vhashdb.open`.

    Raises:
        DatabaseExists: there is something at the place.
        DatabaseDamaged: the database is not as it was written.
        DatabaseError: the copy cannot be written.
    """
    if isinstance(place, str) and is_url(place):
        store = copy_to(database.store, place)
        return Database(_with_feeds(database.path, local_folder(store, None if local is None else Path(local))), store, database.limits)
    folder = Path(place)
    try:
        folder.mkdir()
    except FileExistsError as error:
        raise DatabaseExists(f"{folder} exists already", hint="name a folder that is not there yet") from error
    except OSError as error:
        raise DatabaseError(f"the folder {folder} cannot be made: {error.strerror or error}") from error
    try:
        _with_feeds(database.path, folder)
        return Database(folder, copy_to(database.store, folder / RECORDS_FILE), database.limits)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _with_feeds(source: Path, folder: Path) -> Path:
    """Copy what a machine knows of its feeds, but not what it downloaded."""
    if (source / FEEDS_FOLDER).is_dir():
        try:
            shutil.copytree(source / FEEDS_FOLDER, folder / FEEDS_FOLDER, ignore=shutil.ignore_patterns(DOWNLOADS))
        except OSError as error:
            raise DatabaseError(
                f"the records were copied; what is known of feeds could not be copied to {folder}: {error.strerror or error}",
                hint=f"copy {source / FEEDS_FOLDER} there by hand",
            ) from error
    return folder
