"""The exit codes: what they mean, and which error ends with which. The library knows nothing of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from vhashdb import errors


class ExitCode(enum.IntEnum):
    """How a command ended. 1 is not among them: an uncaught exception must not look like a verdict."""

    FINISHED = 0
    USAGE = 2
    INCOMPLETE = 3
    DATABASE = 4
    FEED = 5
    FOUND = 10
    INTERNAL = 70
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141

    @property
    def meaning(self) -> str:
        """In words, for help and documentation."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.FINISHED: "finished, nothing found",
    ExitCode.USAGE: "the command or its configuration is wrong",
    ExitCode.INCOMPLETE: "finished; some inputs unreadable or showing too little (10 wins over 3)",
    ExitCode.DATABASE: "the database is missing, empty, locked, damaged or of another format",
    ExitCode.FEED: "a feed cannot be read, or is not trusted",
    ExitCode.FOUND: "finished, at least one match or possible match",
    ExitCode.INTERNAL: "internal error",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.OUTPUT_CLOSED: "the program that read the output went away",
}


class OutputFailed(errors.VhashdbError):
    """What is printed cannot be written where it is to go."""

    hint = "make room, or send the output somewhere else"


_OF_ERRORS: Final[Mapping[type[errors.VhashdbError], ExitCode]] = {
    errors.UsageError: ExitCode.USAGE,
    errors.FingerprintError: ExitCode.USAGE,
    errors.FormatError: ExitCode.INCOMPLETE,
    errors.MediaError: ExitCode.INCOMPLETE,
    errors.DatabaseError: ExitCode.DATABASE,
    errors.FeedError: ExitCode.FEED,
    OutputFailed: ExitCode.OUTPUT_CLOSED,
}
"""By the branches of the tree of errors."""


def code_of_error(error: errors.VhashdbError) -> ExitCode:
    """Return what a command ends with that is ended by this error."""
    return next((code for kind, code in _OF_ERRORS.items() if isinstance(error, kind)), ExitCode.INTERNAL)
