"""What stands where in the folder that is a database. Only the standard library is loaded, for a shell that completes a command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

__all__ = ["has_password", "is_url"]

RECORDS_FILE: Final = "records.sqlite"
"""The file with the records: everything else in the folder is derived from it."""
INDEX_FOLDER: Final = "index"
"""The folder with the index of frames, which is made again where it is missing or damaged."""
SOUND_INDEX_FOLDER: Final = "sound-index"
"""The folder with the index of landmarks, made again likewise; there is none while too few records have sound."""
READING_FOLDER: Final = "reading"
"""The folder with both indexes of a database on PostgreSQL as those have them who only read it, on a standby or elsewhere."""
UPLOADS_FOLDER: Final = "uploads"
"""The folder with files that the service was asked about and that somebody still needs."""


def is_url(place: object) -> bool:
    """Tell whether what names a database is the URL of one on PostgreSQL, and not a folder."""
    return isinstance(place, str) and place.startswith(("postgresql://", "postgresql+"))


def has_password(url: str) -> bool:
    """Tell whether a URL has a password in it."""
    parts = urlsplit(url)
    return ":" in parts.netloc.rpartition("@")[0] or "password" in parse_qs(parts.query)


def place_of(path: str | os.PathLike[str]) -> Path | str:
    """Return the path of the folder that a database is, or its URL."""
    return path if isinstance(path, str) and is_url(path) else Path(path)
