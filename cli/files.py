"""Which files a command line names: files, folders, patterns, and lists on standard input."""

from __future__ import annotations

import contextlib
import datetime
import functools
import glob
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Protocol, TypeVar

import click

from vhashdb.errors import FingerprintError, FormatError, LimitExceeded, MediaNotFound, UsageError

if TYPE_CHECKING:
    from vhashdb import Fingerprint, HashQuery

STDIN: Final = "-"
MAX_FINGERPRINT_BYTES: Final = 256 << 20
"""Of a fingerprint file, which is read as a whole."""

HASH_ENDINGS: Final = frozenset(
    f".{name}" for name in "vhfp vpdq pdq hash hashes md5 sha256 txt lst json jsonl ndjson csv tsv xml stix misp".split()
)
"""Endings of files of hashes, which `import` reads."""
_MAGIC: Final = b"VHFP"
_VPDQ_LINE: Final = re.compile(rb"\s*\d+,\d+,[0-9a-fA-F]{64},[0-9.]+\s")
_HEAD: Final = 256


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


class Inputs(Protocol):
    """Files to be dealt with one after the other, and what is to be known of them."""

    skipped: int
    """Files passed over because of their names, so far."""
    older: int
    """Files passed over because they were last changed too long ago, so far."""

    @property
    def beginning(self) -> str:
        """What to tell a person before the first one; empty: nothing."""

    @property
    def endless(self) -> bool:
        """Whether there are always more, so that Ctrl-C is no interruption and the next run goes on."""

    def listed(self) -> list[str] | None:
        """All of them, if they can be known beforehand."""

    def __iter__(self) -> Iterator[str]: ...

    def done(self, path: str) -> None:
        """What there is to say of a file is out."""


class InputFiles:
    """The files that a command line names. What is named explicitly is always given; within folders, only media files are."""

    def __init__(self, arguments: Sequence[str], *, lists: Sequence[str] = (), null: bool = False, since: float | None = None) -> None:
        self._arguments, self._lists = arguments, [*lists, *(STDIN for argument in arguments if argument == STDIN)]
        self._separator = b"\0" if null else b"\n"
        self._since = since
        self.skipped = 0
        """Files in folders that were passed over because of their names, so far."""
        self.older = 0
        """Files that were passed over because they were last changed before `--since`, so far."""

    @property
    def named(self) -> bool:
        """Whether any is."""
        return bool(self._arguments or self._lists)

    @property
    def limited(self) -> bool:
        """Whether some do not count because of their age."""
        return self._since is not None

    beginning = ""
    endless = False

    def listed(self) -> list[str] | None:
        """All of them; None if a list comes from standard input, which may go on for as long as it likes."""
        return None if STDIN in self._lists else list(self)

    def done(self, path: str) -> None:
        """Nothing is remembered of it."""

    def require(self) -> None:
        """End with an error if no file is named."""
        if not self.named:
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
                for name in _names(stream, self._separator):
                    yield from self._under(name)

    def _under(self, name: str) -> Iterator[str]:
        from vhashdb.inputs import walk

        if not os.path.isdir(name) or not os.access(name, os.R_OK | os.X_OK):
            yield name
            return
        for path, is_media in walk(Path(name)):
            if is_media:
                yield str(path)
            else:
                self.skipped += 1


def _changed(path: str) -> float:
    """When a file was last changed; of one that cannot be asked, never too long ago: it gets an error of its own."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return math.inf


@contextlib.contextmanager
def _list(name: str) -> Iterator[BinaryIO]:
    if name == STDIN:
        yield sys.stdin.buffer
        return
    try:
        with open(name, "rb") as file:
            yield file
    except OSError as error:
        raise UsageError(f"the list {name} cannot be read: {error.strerror or error}", hint="it has one name a line") from error


def _expanded(argument: str) -> list[str]:
    """A pattern that the shell left as it is; one that fits nothing stands for itself and gets an error of its own."""
    if os.path.lexists(argument) or not glob.has_magic(argument):
        return [argument]
    return sorted(glob.glob(argument, recursive=True)) or [argument]


def _names(stream: BinaryIO, separator: bytes) -> Iterator[str]:
    rest = b""
    while block := stream.readline() if separator == b"\n" else stream.read(65536):
        *names, rest = (rest + block).split(separator)
        yield from (os.fsdecode(name.removesuffix(b"\r")) for name in names if name)
    if rest:
        yield os.fsdecode(rest)


def sources_of(path: str) -> list[str | HashQuery]:
    """What a path stands for: the hashes in it, of one video or of several, if it is a file of hashes, or else the path itself.

    Raises:
        MediaNotFound: it cannot be opened.
        FingerprintError: it is a file of hashes that cannot be read.
    """
    if not holds_hashes(path):
        return [path]
    from vhashdb import read_hashes
    from vhashdb.exchange.formats import FormatLimits, Options

    try:
        return [*read_hashes(path, options=Options(FormatLimits(file_bytes=MAX_FINGERPRINT_BYTES)))]
    except FormatError as error:
        raise FingerprintError(f"{path}: {error.message}", hint=error.hint) from error
    except LimitExceeded as error:
        raise LimitExceeded(f"{path}: {error.message}", hint=error.hint) from error


def source_of(path: str) -> str | Fingerprint:
    """The same where one video is meant.

    Raises:
        MediaNotFound: it cannot be opened.
        FingerprintError: it is a file of hashes that cannot be read, or those of several videos.
    """
    from vhashdb.hash_query import HashQuery, only_one

    found = sources_of(path)
    queries = [source for source in found if isinstance(source, HashQuery)]
    return only_one(queries, path) if queries else path


def holds_hashes(path: str) -> bool:
    """Whether a file holds hashes and is no video: by the ending of its name, or as it begins if the ending says nothing."""
    if not os.path.isfile(path):
        return False
    ending = os.path.splitext(path)[1].lower()
    if ending in HASH_ENDINGS:
        return True
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise MediaNotFound(f"{path}: {error.strerror or error}") from error
    return head.startswith(_MAGIC) or head.lstrip().startswith(b"{") or bool(_VPDQ_LINE.match(head + b"\n"))
