"""Which files a command line names: files, folders, patterns, and lists on standard input."""

from __future__ import annotations

import codecs
import contextlib
import datetime
import functools
import glob
import math
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

import click

from vhashdb.errors import MediaError, UsageError

from .output import without_path

STDIN: Final = "-"
_MAX_NAME: Final = 1 << 16
"""Bytes of one name in a list; a longer one can be no name of a file, and the list no list."""
KEPT_NAMES: Final = 10_000
"""Names of files that were passed over that are remembered."""


_F = TypeVar("_F", bound=Callable[..., Any])
_AGES: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE: Final = re.compile(r"(\d{1,9})([smhdw])")


class Since(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in newer releases of click
    """A moment, in seconds since 1970: a day, a time of it, or so long before now."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds since 1970."""
        if isinstance(value, float):
            return value
        if age := _AGE.fullmatch(value):
            return time.time() - int(age[1]) * _AGES[age[2]]
        try:
            return datetime.datetime.fromisoformat(value).astimezone().timestamp()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no moment; write 2026-11-24, 2026-11-24T18:30 or 90m, 2h, 7d", param, ctx)


def input_options(function: _F) -> _F:
    """FILE… and the options that name files in other ways; the command gets ``inputs``."""

    @functools.wraps(function)
    def with_inputs(*args: Any, files: tuple[str, ...], lists: tuple[str, ...], null: bool, since: float | None, **given: Any) -> Any:
        return function(*args, inputs=InputFiles(files, lists=lists, null=null, since=since), **given)

    options = (
        click.argument("files", metavar="FILE...", nargs=-1, type=click.Path()),
        click.option(
            "--list",
            "lists",
            multiple=True,
            metavar="FILE",
            type=click.Path(),
            help="Also the files that FILE names, one a line; - reads standard input.",
        ),
        click.option("--null", is_flag=True, help="Names in lists end with a NUL byte instead of a line break."),
        click.option("--since", type=Since(), metavar="WHEN", help="Only files changed since a day, a time, or an age such as 2h or 7d."),
    )
    for option in reversed(options):
        with_inputs = option(with_inputs)
    return with_inputs  # type: ignore[return-value]  # it is called by click alone


class Skipped:
    """Files in folders that were passed over: how many, why, and the names of the first ones."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()
        self.names: list[tuple[str, str]] = []
        """Path and reason."""

    def add(self, path: str, reason: str) -> None:
        """One more."""
        self.reasons[reason] += 1
        if len(self.names) < KEPT_NAMES:
            self.names.append((path, reason))

    def __len__(self) -> int:
        return self.reasons.total()

    def __str__(self) -> str:
        """``3 skipped (2 not media, 1 empty)``."""
        if len(self.reasons) == 1:
            return f"{len(self):,} skipped ({next(iter(self.reasons))})"
        return f"{len(self):,} skipped ({', '.join(f'{number:,} {reason}' for reason, number in self.reasons.most_common())})"


class Inputs(Protocol):
    """Files to be dealt with one after the other, and what is to be known of them."""

    skipped: Skipped
    """Files passed over because of what they are, so far."""
    older: int
    """Files passed over because they were last changed too long ago, so far."""

    @property
    def beginning(self) -> str:
        """What to tell a person before the first one; empty: nothing."""

    @property
    def endless(self) -> bool:
        """Whether there are always more, so that Ctrl-C is no interruption and the next run goes on."""

    @property
    def stopped(self) -> bool:
        """Whether somebody asked that it ends, which is then no interruption."""

    sound: bool
    """Whether files with sound alone count, in folders."""

    def listed(self) -> list[str] | None:
        """Return all of them, if they can be known beforehand."""

    def __iter__(self) -> Iterator[str]: ...

    def named(self, path: str) -> bool:
        """Return whether somebody named this very path, as opposed to a folder that it is in."""

    def done(self, path: str) -> None:
        """What there is to say of a file is out."""


class InputFiles:
    """The files that a command line names. What is named explicitly is always given; within folders, what is or may be media."""

    def __init__(self, arguments: Sequence[str], *, lists: Sequence[str] = (), null: bool = False, since: float | None = None) -> None:
        self._arguments, self._lists = arguments, [*lists, *(STDIN for argument in arguments if argument == STDIN)]
        self._separator = b"\0" if null else b"\n"
        self._since = since
        self._pipes: set[str] = set()
        self.skipped = Skipped()
        self.older = 0
        self.sound = False

    @property
    def given(self) -> bool:
        """Whether a file, a folder or a list is named at all."""
        return bool(self._arguments or self._lists)

    @property
    def limited(self) -> bool:
        """Whether some do not count because of their age."""
        return self._since is not None

    @property
    def has_lists(self) -> bool:
        """Whether lists are named, too."""
        return bool(self._lists)

    @property
    def names(self) -> Sequence[str]:
        """What is named without a list."""
        return self._arguments

    beginning = ""
    endless = stopped = False

    def listed(self) -> list[str] | None:
        """Return all of them; None if a list comes from standard input or another pipe, which may go on for as long as it likes."""
        from vhashdb.opening import is_pipe

        return None if any(name == STDIN or is_pipe(name) for name in self._lists) else list(self)

    def named(self, path: str) -> bool:
        """Of pipes alone it is remembered; everything else is treated alike."""
        return path in self._pipes

    def done(self, path: str) -> None:
        """Nothing is remembered of it."""

    def require(self) -> None:
        """End with an error if no file is named."""
        if not self.given:
            raise UsageError("no file is named", hint="give files, folders or patterns, or a list of them with --list")

    def __iter__(self) -> Iterator[str]:
        for path in self._all():
            if self._since is not None and _changed(path) < self._since:
                self.older += 1
            else:
                yield path

    def _all(self) -> Iterator[str]:
        for argument in self._arguments:
            if argument != STDIN:
                for name in _expanded(argument):
                    yield from self._under(name)
        for source in self._lists:
            with _list(source) as stream:
                for name in _names(source, stream, self._separator):
                    yield from self._under(name)

    def _under(self, name: str) -> Iterator[str]:
        from vhashdb.opening import is_pipe
        from vhashdb.walking import walk

        if not os.path.isdir(name):
            if is_pipe(name):
                self._pipes.add(name)
            yield name
            return
        for found in walk(Path(name), sound=self.sound):
            if found.skipped:
                self.skipped.add(str(found.path), found.skipped)
            else:
                yield str(found.path)


def _changed(path: str) -> float:
    """When a file was last changed; of one that cannot be asked, never too long ago: it gets an error of its own."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return math.inf


class _Stream(Protocol):
    """What a list is read from: it gives what there is, and nothing at its end."""

    def read1(self, size: int, /) -> bytes:
        """Return what is there, at most ``size`` bytes."""


@contextlib.contextmanager
def _list(name: str) -> Iterator[_Stream]:
    from vhashdb.opening import Pipe, is_pipe, open_file

    if name == STDIN:
        yield cast("_Stream", sys.stdin.buffer)
        return
    try:
        if is_pipe(name):
            with contextlib.closing(Pipe(name)) as pipe:
                yield pipe
        else:
            with open_file(name) as file:
                yield _Blocks(file.blocks())
    except MediaError as error:
        raise UsageError(f"the list {name} cannot be read: {without_path(error.message, name)}", hint="it has one name a line") from error


class _Blocks:
    """A file that is read from its beginning to its end."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks

    def read1(self, _size: int, /) -> bytes:
        return next(self._blocks, b"")


def _expanded(argument: str) -> list[str]:
    """A pattern that the shell left as it is; one that fits nothing stands for itself and gets an error of its own."""
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) or [argument]


def _names(list_name: str, stream: _Stream, separator: bytes) -> Iterator[str]:
    """The names in a list, each as soon as it is there: in the file system's own bytes, or in UTF-16 if the list says so."""
    rest, decode = b"", None
    while block := stream.read1(_MAX_NAME):
        if decode is None:
            rest += block
            if len(rest) < len(codecs.BOM_UTF8) and _BOMS_BEGIN.fullmatch(rest):
                continue
            block, rest = rest, b""
            decode = _decoder(block)
        *names, rest = (rest + decode(block)).split(separator)
        for name in names:
            yield from _meant(name, separator)
        if len(rest) > _MAX_NAME:
            raise UsageError(f"the list {list_name} has a line of more than {_MAX_NAME:,} bytes", hint="it has one name a line")
    yield from _meant(rest if decode else _decoder(rest)(rest), separator)


_BOMS_BEGIN: Final = re.compile(rb"\xef(?:\xbb)?|\xff|\xfe")


def _decoder(beginning: bytes) -> Callable[[bytes], bytes]:
    """How the bytes of a list that begins so become names; a byte order mark is left out."""
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        utf16 = codecs.getincrementaldecoder("utf-16")("surrogatepass")
        return lambda block: utf16.decode(block).encode("utf-8", "surrogatepass")
    if beginning.startswith(codecs.BOM_UTF8):
        first = [len(codecs.BOM_UTF8)]
        return lambda block: block[first.pop() :] if first else block
    return lambda block: block


def _meant(name: bytes, separator: bytes) -> Iterator[str]:
    """The names that a line may mean: a carriage return before the line break is none, unless a file's name ends so."""
    plain = name.removesuffix(b"\r") if separator == b"\n" else name
    if plain and (plain == name or os.path.lexists(plain) or not os.path.lexists(name)):
        yield os.fsdecode(plain)
    if plain != name and os.path.lexists(name):
        yield os.fsdecode(name)
