"""Walk a folder: yield every file to be decoded, and why each of the others is skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vhashdb.content import skip_reason
from vhashdb.layout import RECORDS_FILE

__all__ = ["Found", "entries", "walk"]

LINK: Final = "link to a folder"
DATABASE: Final = "database"


@dataclass(frozen=True)
class Found:
    """Name something in a folder, and why it is skipped if it is."""

    path: Path
    skipped: str = ""
    """Why it is skipped, in words; empty if it is to be decoded, even if only to report that it cannot be."""


def walk(folder: Path, *, sound: bool = False) -> Iterator[Found]:
    """Yield everything below a folder in a stable order, told apart by content; hidden files are not special.

    A folder that cannot be read is yielded as something to be decoded, so that it gets an error of its own; so is whatever
    is no regular file. ``sound``: whether files with sound alone are to be decoded too.
    """
    for found in entries(folder):
        yield found if found.skipped else Found(found.path, skip_reason(found.path, sound=sound))


def entries(folder: Path) -> Iterator[Found]:
    """Yield everything below a folder without opening any file."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as scan:
                inside = sorted(scan, key=lambda entry: entry.name)
        except OSError:
            yield Found(here)
            continue
        folders = []
        for entry in inside:
            path = here / entry.name
            if _is_folder(entry):
                folders.append(path)
            elif _is_folder(entry, linked=True):
                yield Found(path, LINK)
            else:
                yield Found(path)
        for path in folders:
            if _is_database(path):
                yield Found(path, DATABASE)
        waiting += [path for path in reversed(folders) if not _is_database(path)]


def _is_folder(entry: os.DirEntry[str], *, linked: bool = False) -> bool:
    try:
        return entry.is_dir(follow_symlinks=linked)
    except OSError:  # a loop of links, or a path that is too long: reported when the file is opened
        return False


def _is_database(path: Path) -> bool:
    return path.suffix == ".vhdb" and os.path.isfile(path / RECORDS_FILE)
