"""What whoever asked gets: the answer of the library in the form that the command line prints, and whether it is complete."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from vhashdb.database import Database
from vhashdb.errors import DatabaseError, FingerprintError, VhashdbError
from vhashdb.exchange.formats import FormatLimits, Options, read_hashes
from vhashdb.hash_query import HashQuery
from vhashdb.inputs import Source
from vhashdb.matching.verdict import Verdict
from vhashdb.search.results import Result
from vhashdb.service.bounded import MOST_HASH_BYTES
from vhashdb.service.options import AskOptions
from vhashdb.text import decoded


@dataclass(frozen=True)
class HashText:
    """Hashes of one video or picture as they were sent, to be read where the question is answered."""

    text: str
    """In any form that can be imported."""

    def read(self) -> HashQuery:
        """Return what is asked.

        Raises:
            FormatError: it is of no known format, or holds nothing.
            FingerprintError: these are the hashes of several videos.
        """
        found = read_hashes(io.BytesIO(self.text.encode()), options=Options(FormatLimits(file_bytes=MOST_HASH_BYTES)))
        if len(found) != 1:
            raise FingerprintError(f"these are the hashes of {len(found)} videos", hint="ask about each by itself")
        return found[0]


Hashes = HashQuery | HashText
"""What a question about hashes comes as."""


def answer_to(
    database: Database,
    source: Source | Hashes,
    name: str,
    options: AskOptions,
    progress: Callable[[float], None] | None = None,
) -> tuple[Result, dict[str, Any]]:
    """Ask the database, and return its result and the same as JSON.

    What cannot be read is an answer of its own, with the verdict ``unreadable``.

    Raises:
        DatabaseError: the database cannot be used, so that nothing is known.
        VhashdbError: hashes cannot be asked.
    """
    if isinstance(source, HashText):
        source = source.read()
    try:
        result = database.match(source, effort=options.effort, where=options.selection, sound=options.sound, progress=progress)
    except DatabaseError:
        raise
    except VhashdbError as error:
        if isinstance(source, HashQuery):
            raise
        message = decoded(error.message).replace(str(source), name or "the upload")
        result = database.unreadable(source, message.removeprefix(f"{name}: "), effort=options.effort)
        return result, answer_json(result, name, error={"error": type(error).__name__, "message": message, "hint": error.hint})
    return result, answer_json(result, name)


def answer_json(result: Result, name: str, *, error: dict[str, str] | None = None) -> dict[str, Any]:
    """Return an answer: the ``file`` line and the ``match`` lines of the command line, and whether it is complete."""
    return {
        "type": "answer",
        "complete": is_complete(result),
        "file": result.to_json(name),
        "matches": [match.to_json(name) for match in result.matches],
        "error": error,
    }


def is_complete(result: Result) -> bool:
    """Tell whether everything was looked at and compared that the verdict rests on, so that what was not found is not there."""
    if result.verdict is Verdict.NO_MATCH:  # never said where something that matters was left out; of sound, `damage` says what was
        return True
    if result.verdict in (Verdict.INSUFFICIENT, Verdict.UNREADABLE):
        return False
    return result.coverage.complete and not result.not_compared and not result.unsearched


def needs_people(result: Result) -> bool:
    """Tell whether somebody has to look at it."""
    return not result.settled
