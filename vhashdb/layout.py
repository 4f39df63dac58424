"""What stands where in the folder that is a database. Only the standard library is loaded, for a shell that completes a command."""

from __future__ import annotations

from typing import Final

RECORDS_FILE: Final = "records.sqlite"
"""The file with the records: everything else in the folder is derived from it."""
INDEX_FOLDER: Final = "index"
"""The folder with the index, which is made again where it is missing or damaged."""
