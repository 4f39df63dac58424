"""Printing: what people and programs read, on any terminal, whatever is in a file's name."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, TextIO

import click

from vhashdb import forms
from vhashdb.errors import VhashdbError
from vhashdb.json_values import dumps
from vhashdb.text import clock as clock
from vhashdb.text import counted as counted
from vhashdb.text import decoded as decoded
from vhashdb.text import printable as printable
from vhashdb.text import size as size
from vhashdb.text import verdict_word as verdict_word

from .codes import ExitCode, OutputFailed
from .hints import with_options

_ASCII: Final = str.maketrans(
    {"↔": "<->", "–": "-", "·": "|", "→": "->", "…": "...", "×": "x", "−": "-", "█": "#", "─": "-", "░": ".", "▒": "=", "│": "|"}
)
COLOURS: Final = {"MATCH": "red", "POSSIBLE": "yellow", "NO MATCH": "green", "INSUFFICIENT": "yellow", "NOT CHECKED": "magenta"}


_LIBRARY: Final = logging.getLogger("vhashdb")
_TOLD_OTHERWISE: Final = frozenset({"vhashdb.live_index.reader", "vhashdb.store.query_log"})
"""Loggers whose warnings a command gives in words of its own: `warn_of_index`, and what `opened` says at its end."""
_told: list[ExitCode] = []


def told(code: ExitCode) -> int:
    """Return the number of an exit code, to be printed; from now on the command ends with it, whatever else goes wrong."""
    _told.append(code)
    return code.value


def told_code() -> ExitCode | None:
    """Return the exit code that was printed last, if any was; asked once at the end of a command."""
    code = _told[-1] if _told else None
    _told.clear()
    return code


def emit(line: str) -> None:
    """Print one line of data at once, so that a reader downstream need not wait."""
    try:
        sys.stdout.write(fitted(line, sys.stdout) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"the output cannot be written: {error.strerror}") from error


def emit_json(value: dict[str, Any]) -> None:
    """Print one JSON object."""
    emit(dumps(value))


def flush() -> None:
    """Bring out everything that was printed."""
    sys.stdout.flush()
    sys.stderr.flush()


def say(text: str) -> None:
    """Print a note, which is no data, to stderr."""
    sys.stderr.write(fitted(text, sys.stderr) + "\n")
    sys.stderr.flush()


def complain(message: str, hint: str = "") -> None:
    """Print an error, and what to do about it, to stderr."""
    say(f"error: {printable(message)}")
    if hint:
        say(f"hint: {printable(with_options(hint))}")


class LibraryLog(logging.Handler):
    """Show on stderr what the library logs: warnings, each once; with ``--debug`` everything, with ``--quiet`` nothing.

    Use it in a ``with`` statement.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[str] = set()

    def __enter__(self) -> LibraryLog:
        _LIBRARY.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LIBRARY.removeHandler(self)
        _LIBRARY.setLevel(logging.NOTSET)

    def show_all(self) -> None:
        """Show debug lines too, with the traceback of what was caught."""
        self.setLevel(logging.DEBUG)
        _LIBRARY.setLevel(logging.DEBUG)

    def show_nothing(self) -> None:
        """Show no warnings, unless everything is shown."""
        if self.level != logging.DEBUG:
            self.setLevel(logging.CRITICAL + 1)

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line of the log in a form that no name in it can break."""
        if record.name in _TOLD_OTHERWISE and self.level != logging.DEBUG:
            return
        text = f"{record.levelname.lower()}: {printable(record.getMessage())}"
        if text in self._said:
            return
        self._said.add(text)
        with contextlib.suppress(OSError, ValueError):  # a closed stderr must not end what goes on
            say(text)
            for line in logging.Formatter().formatException(record.exc_info).splitlines() if record.exc_info else ():
                say(f"  {printable(line)}")


def fitted(text: str, stream: TextIO) -> str:
    """Return the text in characters that the stream's encoding has."""
    if speaks_utf8(stream):
        return text
    encoding = _encoding(stream)
    return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)


def speaks_utf8(stream: TextIO) -> bool:
    """Return whether every character can be written to it."""
    return _encoding(stream).lower().startswith("utf")


class Hints:
    """What to do next, said on stderr once and not again for every file it is true of."""

    def __init__(self, *, quiet: bool) -> None:
        self._said = {""}
        self._quiet = quiet

    def give(self, hint: str) -> None:
        """Say it, unless it was said."""
        if hint not in self._said and not self._quiet:
            self._said.add(hint)
            say(f"hint: {printable(with_options(hint))}")


def _encoding(stream: TextIO) -> str:
    # While progress is shown, rich has a stream without an encoding in the place of the real one.
    return getattr(stream, "rich_proxied_file", stream).encoding or "ascii"


def colour_wanted() -> bool:
    """Return whether standard output is a terminal whose reader wants colour."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


# -- text from outside -----------------------------------------------------------------------------


def shown(path: str | os.PathLike[str]) -> str:
    """Return a path for people."""
    return printable(os.fsencode(path).decode("utf-8", "surrogateescape"))  # whatever this system's own encoding is


def error_json(error: VhashdbError, path: str) -> dict[str, Any]:
    """Return the ``error`` line for one file, with a hint of the command line."""
    return forms.error_json(error, path) | {"hint": with_options(error.hint)}


def without_path(message: str, path: str) -> str:
    """Return an error's message without the path in front, for places that show the path already."""
    for prefix in (path, os.path.abspath(path)):
        message = message.removeprefix(f"{prefix}: ")
    return message


# -- words -----------------------------------------------------------------------------------------


def coloured(word: str) -> str:
    """Return a verdict word, in colour if standard output is a terminal that wants it."""
    return click.style(word, fg=COLOURS.get(word), bold=word == "MATCH") if colour_wanted() else word


def labels_text(labels: tuple[str, ...]) -> str:
    """Labels for people."""
    return printable(", ".join(labels)) if labels else "no label"


@contextlib.contextmanager
def written_to(path: str | None) -> Iterator[BinaryIO]:
    """Standard output, or a file that takes its place only when everything went well."""
    if path in (None, "-"):
        yield sys.stdout.buffer
        return
    part = f"{path}.part"
    try:
        file = open(part, "wb")  # noqa: SIM115  # closed below, before it is renamed
    except OSError as error:
        raise click.FileError(part, error.strerror or str(error)) from error
    try:
        with file:
            yield file
        os.replace(part, str(path))
    except BaseException:
        os.unlink(part)
        raise
