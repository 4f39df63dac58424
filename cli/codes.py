"""What the exit codes mean: the one table of them."""

from __future__ import annotations

import enum


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
