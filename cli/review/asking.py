"""Where a person's answers come from: a terminal, or lines that were written before."""

from __future__ import annotations

import sys
from typing import BinaryIO

from vhashdb.errors import UsageError

from ..output import emit, fitted


class Answers:
    """Lines of an input, each asked for; bytes that are not text become marks, as in file names."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._typed = stream.isatty()

    def ask(self, prompt: str) -> str | None:
        """The next line, without its end; None if there will be no more."""
        sys.stdout.write(fitted(f"{prompt} ", sys.stdout))
        sys.stdout.flush()
        line = self._stream.readline()
        text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        if not line or not self._typed:  # what was not typed is not on the screen yet
            emit(text.encode("utf-8", "backslashreplace").decode())
        return text if line else None


def answers(taken: bool) -> Answers:
    """Of standard input, or of the terminal itself if the input is taken.

    Raises:
        UsageError: there is no terminal.
    """
    if not taken:
        return Answers(sys.stdin.buffer)
    try:
        return Answers(open("/dev/tty", "rb"))  # for as long as the program runs
    except OSError as error:
        raise UsageError(
            "standard input has the matches, and there is no terminal for the answers", hint="save the matches in a file, and name it"
        ) from error
