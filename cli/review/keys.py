"""How answers are read: on a terminal by single keys, where that says it all; from anything else line by line."""

from __future__ import annotations

import os
import select
import sys
import termios
import tty
from typing import BinaryIO, Final

from vhashdb.errors import UsageError
from vhashdb.review import Ask

from ..output import emit, fitted

_TYPED: Final = frozenset({Ask.FILE})
"""Questions whose answer is typed in full."""
_ENDS: Final = "\x04"
"""Ctrl-D, which ends an input that is read by keys, too."""
_OWN_WORDS: Final = "t"
"""Before a reason in one's own words."""
_WITH_NUMBERS: Final = "x"
"""A key that numbers follow, typed as a line."""


class Answers:
    """Answers from a stream, each asked for; bytes that are not text become marks, as in file names."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.by_keys = stream.isatty()
        """Whether single keys are read; Enter is not needed then."""

    def ask(self, prompt: str, ask: Ask | None) -> str | None:
        """Return the next answer; None if there will be no more.

        Args:
            prompt: printed before it.
            ask: the question, which says how its answer is read; None: an act is to be picked.
        """
        self._write(f"{prompt} ")
        if not self.by_keys:
            line = self._line()
            emit((line or "").encode("utf-8", "backslashreplace").decode())  # what was not typed is not on the screen yet
            return line
        if ask in _TYPED:
            return self._line()
        key = self._key()
        if key is None:
            self._write("\n")
            return None
        if (ask is None and key == _WITH_NUMBERS) or (ask is Ask.REASON and key == _OWN_WORDS):
            self._write(f"{key}\n{'Numbers' if ask is None else 'In your words'}: ")
            line = self._line()
            return None if line is None else (key if ask is None else "") + line
        self._write(f"{key if key.isprintable() else ''}\n")
        return key

    def _line(self) -> str | None:
        line = self._stream.readline()
        return line.decode("utf-8", "surrogateescape").rstrip("\r\n") if line else None

    def _key(self) -> str | None:
        """Return one key; empty for Enter and for those that say nothing here, None at the end."""
        descriptor = self._stream.fileno()
        before = termios.tcgetattr(descriptor)
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        try:
            data = os.read(descriptor, 1)
            if data == b"\x1b" or data[:1] >= b"\xc0":  # an arrow, or a letter of several bytes
                if select.select([descriptor], [], [], 0)[0]:
                    os.read(descriptor, 8)
                return "\ufffd"
        finally:
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        text = data.decode("ascii", "replace")
        return None if text in ("", _ENDS) else "" if text in "\r\n" else text

    def _write(self, text: str) -> None:
        sys.stdout.write(fitted(text, sys.stdout))
        sys.stdout.flush()


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
