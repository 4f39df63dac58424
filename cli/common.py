"""What verbs share: options, opening a database, stopping."""

from __future__ import annotations

import contextlib
import datetime
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

import vhashdb
from vhashdb.errors import DatabaseError, DatabaseNotFound, UsageError
from vhashdb.layout import has_password, is_url

from .limits import limits
from .output import LibraryLog, counted, printable, say
from .settings import (
    CLUSTER_VARIABLE,
    DEFAULT_DATABASE,
    EFFORTS,
    INDEX_VARIABLE,
    LOCK_TIMEOUT_VARIABLE,
    MAX_LAG_VARIABLE,
    NO_CACHE,
    OneOf,
    Setting,
    cache_path,
    config_path,
    processors,
    unknown_variables,
)

if TYPE_CHECKING:
    from vhashdb import Database, FingerprintCache
    from vhashdb.searcher import SearcherOf

_CLOSE_S: Final = 3.0
LOCK_TIMEOUT_S: Final = 10.0

_F = TypeVar("_F", bound=Callable[..., Any])
_Decorator = Callable[[_F], _F]


class Stopped(KeyboardInterrupt):
    """Ctrl-C, with what was done until then and how to go on."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class DatabasePlace(click.Path):
    """A folder, or a URL of PostgreSQL, which stays a text.

    A password in it would be seen by whoever lists processes, and be shown in answers.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path of the folder, or the URL."""
        if not is_url(value):
            return super().convert(value, param, ctx)
        if has_password(value):
            raise UsageError("the URL of the database has a password in it", hint="give it in PGPASSWORD or in the file ~/.pgpass")
        return value


def db_option(function: _F) -> _F:
    """``--db``."""
    text = "The database, a folder or a URL of PostgreSQL."
    kind = DatabasePlace(path_type=Path)
    return click.option("--db", cls=Setting, type=kind, metavar="PATH", default=DEFAULT_DATABASE, help=text)(function)


def effort_option(function: _F) -> _F:
    """``--effort``."""
    text = "How much to spend on each file."
    return click.option("--effort", cls=Setting, type=OneOf(*EFFORTS), default="balanced", help=text)(function)


def sound_option(function: _F) -> _F:
    """``--sound`` and ``--no-sound``."""
    text = "Whether to listen to files as well, and not only look at them."
    return click.option("--sound/--no-sound", cls=Setting, default=True, help=text)(function)


def cache_option(function: _F) -> _F:
    """``--cache``."""
    text = "Folder for fingerprints of checked files, so that a file that comes again need not be decoded; `off`: keep none."
    return click.option("--cache", cls=Setting, metavar="PATH", default=cache_path, show_default="the user's cache folder", help=text)(
        function
    )


def workers_option(function: _F) -> _F:
    """``--workers``."""
    kind = click.IntRange(1, 256)
    text = "Files read at the same time."
    return click.option(
        "--workers", cls=Setting, type=kind, metavar="N", default=processors, show_default="one for each processor", help=text
    )(function)


def player_option(function: _F) -> _F:
    """``--player``."""
    text = "What opens a file at the second at which it begins to match: {file} and {seconds} are filled in, and no shell is asked."
    return click.option("--player", cls=Setting, metavar="COMMAND", default=None, show_default="none", help=text)(function)


def quiet_option(function: _F) -> _F:
    """``--quiet``."""
    text = "No progress and no warnings."
    return click.option("-q", "--quiet", cls=Setting, is_flag=True, default=False, help=text, callback=_silence)(function)


def _silence(ctx: click.Context, _: click.Parameter, quiet: bool) -> bool:
    if quiet and isinstance(ctx.obj, LibraryLog):
        ctx.obj.show_nothing()
    return quiet


def json_option(function: _F) -> _F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")(function)


def exit_zero_option(function: _F) -> _F:
    """``--exit-zero``."""
    text = "A match does not set the exit code: 0 instead of 10, or 3 if some inputs could not be checked."
    return click.option("--exit-zero", is_flag=True, help=text)(function)


@contextlib.contextmanager
def cached(folder: str, *, quiet: bool = False) -> Iterator[FingerprintCache | None]:
    """Give the cache in a folder, for the duration of a ``with`` statement; None if it is switched off."""
    if folder == NO_CACHE:
        yield None
        return
    with vhashdb.FingerprintCache(folder) as cache:
        yield cache
    if cache.problem is not None and not quiet:
        say(f"warning: nothing is kept for the next time: {printable(cache.problem)}")


@contextlib.contextmanager
def opened(path: Path | str, cache: FingerprintCache | None = None) -> Iterator[Database]:
    """Give the database, for the duration of a ``with`` statement; Ctrl-C in it ends promptly."""
    context = click.get_current_context(silent=True)
    if context is None or not context.params.get("quiet"):
        warn_of_variables()
    try:
        database = vhashdb.open(
            path,
            limits=limits(),
            lock_timeout_s=lock_timeout_s(),
            cache=cache,
            local=local_folder(),
            searcher=searcher(),
            max_lag_s=max_lag_s(),
        )
    except DatabaseNotFound as error:
        raise DatabaseNotFound(f"{error.message}{_who_named_it()}") from error
    except OSError as error:
        raise _unusable(path, error) from error.__cause__
    try:
        yield database
    except KeyboardInterrupt:
        _close_soon(database)
        raise
    except BaseException:
        database.close()
        raise
    database.close()
    if database.unlogged and (context is None or not context.params.get("quiet")):
        lines = counted(database.unlogged, "line")
        say(f"warning: {lines} about what was asked could not be written to the audit log: {printable(database.query_log.problem)}")


def warn_of_variables() -> None:
    """Say so if a variable looks like a setting and is none."""
    for name, meant in unknown_variables():
        say(f"warning: {printable(name)} is set, but there is no such setting{f'; did you mean {meant}?' if meant else ''}")


def warn_of_index(database: Database) -> None:
    """Say so if the index could not be used and was made again from the records, or is made each time."""
    from vhashdb.index import MEMTABLE_ROWS

    where = " in memory" if database.read_only else ""
    for name, problem in zip(("index", "sound index"), database.searcher.problems(), strict=True):
        if problem is not None:
            say(f"warning: the {name} was made again{where} from the records, because {printable(problem)}")
    if not database.read_only or isinstance(database.place, str):  # of a server, what was missing is on disk the next time
        return
    for rows, problem, state in zip(("hashes", "landmarks"), database.searcher.problems(), database.searcher.states(), strict=True):
        if problem is None and (missing := state.memtable) > MEMTABLE_ROWS:
            say(
                f"note: {missing:,} {rows} are not in the index on disk and are read from the records each time, "
                "as nothing may be written here"
            )


def made(path: Path | str, algorithm: str = "pdq", bits: int = 256, *, squares: bool = False, sound: bool = True) -> None:
    """Make an empty database."""
    try:
        vhashdb.create(path, algorithm=algorithm, bits=bits, squares=squares, sound=sound, local=local_folder()).close()
    except OSError as error:
        raise _unusable(path, error) from error.__cause__


def _unusable(path: Path | str, error: OSError) -> DatabaseError:
    if isinstance(error, DatabaseError):  # some are also the matching builtin
        return error
    return DatabaseError(
        f"the database {path} cannot be used: {error.strerror or error}", hint="check the path, its permissions and the disk"
    )


def cluster_address() -> str | None:
    """The cluster whose shards are asked; None: the indexes of this machine are."""
    return os.environ.get(CLUSTER_VARIABLE) or None


def searcher() -> SearcherOf | None:
    """What searches, if that is a cluster.

    Raises:
        UsageError: it cannot be joined.
    """
    address = cluster_address()
    if address is None:
        return None
    from vhashdb.cluster import connect

    return connect(address)


def local_folder() -> str | None:
    """Where this machine keeps what is its own of databases on PostgreSQL; None: in the usual place."""
    return os.environ.get(INDEX_VARIABLE) or None


def _close_soon(database: Database) -> None:
    """Close, but do not wait for a decoder that is in the middle of a long file: this process is about to end."""
    closing = threading.Thread(target=database.close, daemon=True)
    closing.start()
    closing.join(_CLOSE_S)


def lock_timeout_s() -> float:
    """Return how long to wait while another process writes."""
    return _seconds(LOCK_TIMEOUT_VARIABLE, str(LOCK_TIMEOUT_S))


def max_lag_s() -> float | None:
    """Return how far a standby may be behind for its answers to count; None: as far as it is."""
    return _seconds(MAX_LAG_VARIABLE, "") if os.environ.get(MAX_LAG_VARIABLE) else None


def _seconds(variable: str, usual: str) -> float:
    text = os.environ.get(variable, usual)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise UsageError(f"{variable} must be a number of seconds, not {text!r}", hint="give a number, such as 30, or unset it")
    return seconds


def _who_named_it() -> str:
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("db") if context else None
    if source is ParameterSource.DEFAULT:
        return " (the default, as neither --db nor VHASHDB_DB names another)"
    if source is ParameterSource.ENVIRONMENT:
        return " (named by VHASHDB_DB)"
    if source is ParameterSource.DEFAULT_MAP:
        return f" (named in {config_path()})"
    return ""


_DAY: Final = click.DateTime(formats=["%Y-%m-%d"])


def period_options(first: str) -> Callable[[_F], _F]:
    """``--from`` and ``--to``; ``first`` says which is the first day unless one is given."""

    def with_options(function: _F) -> _F:
        text = f"First day, such as 2026-01-01; {first} unless given."
        since = click.option("--from", "since", type=_DAY, metavar="DAY", help=text)
        until = click.option("--to", "until", type=_DAY, metavar="DAY", help="Last day; today unless given. Days are in UTC.")
        return since(until(function))

    return with_options


def day_or(given: datetime.datetime | None, otherwise: datetime.date) -> datetime.date:
    """Return the day that was given, or another."""
    return given.date() if given else otherwise


def today() -> datetime.date:
    """In UTC, as everything in a database is."""
    return datetime.datetime.now(datetime.UTC).date()
