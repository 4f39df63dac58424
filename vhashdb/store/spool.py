"""Keep packed fingerprints of one sync in a file without a name until they become a part of records: they are written to the database once.

Nothing of it needs to be durable, as a sync that was interrupted begins its staging again. The file is gone with the process,
however that ends.
"""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from vhashdb.errors import DatabaseError

_PLACE: Final = struct.Struct("<QI")
"""Where in the file a fingerprint begins, and how many bytes it has. Derived: a file is longer than 32 bits say, a fingerprint is not."""


class Spool:
    """Packed fingerprints, each known by its place."""

    def __init__(self, folder: Path | None = None) -> None:
        """Prepare; nothing is made yet. ``folder`` is where the file is, on a disk with room; None: where the system has such files."""
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._end = 0

    def put(self, packed: Sequence[bytes | None]) -> list[bytes | None]:
        """Keep some fingerprints; return the place of each, and None for None.

        Raises:
            DatabaseError: the disk is full, or nothing can be written there.
        """
        places: list[bytes | None] = []
        for each in packed:
            places.append(None if each is None else _PLACE.pack(self._end, len(each)))
            self._end += len(each or b"")
        try:
            if self._file is None:
                if self._folder is not None:
                    self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # closed by `close`
            self._file.writelines(each for each in packed if each is not None)
            self._file.flush()
        except OSError as error:
            where = self._folder or tempfile.gettempdir()
            raise DatabaseError(f"{where} cannot be written: {error.strerror}", hint="make room and run the same command again") from error
        return places

    def get(self, place: bytes) -> bytes:
        """Return the fingerprint at a place."""
        assert self._file is not None  # there is no place without one
        start, length = _PLACE.unpack(place)
        self._file.seek(start)
        return self._file.read(length)

    def close(self) -> None:
        """Forget all of them."""
        if self._file is not None:
            self._file.close()
            self._file = None
