"""Settings that a flag, the environment or a configuration file can give, in this order, and the options for them."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from vhashdb.errors import UsageError

CONFIG_VARIABLE: Final = "VHASHDB_CONFIG"
LOCK_TIMEOUT_VARIABLE: Final = "VHASHDB_LOCK_TIMEOUT"
PASSPHRASE_VARIABLE: Final = "VHASHDB_FEED_PASSPHRASE"  # noqa: S105  # the name of the variable
DEBUG_VARIABLE: Final = "VHASHDB_DEBUG"
INDEX_VARIABLE: Final = "VHASHDB_INDEX"
CLUSTER_VARIABLE: Final = "VHASHDB_CLUSTER"
MAX_LAG_VARIABLE: Final = "VHASHDB_MAX_LAG"
DEFAULT_DATABASE: Final = "vhash.vhdb"
NO_CACHE: Final = "off"
EFFORTS: Final = ("vhashdb.search", "Effort")

_AMOUNT: Final = (int, str)

SETTINGS: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "db": (str, "the database, a folder or a URL of PostgreSQL"),
    "cache": (str, "folder for fingerprints of checked files, or off"),
    "effort": (str, "effort for each file: fast, balanced or thorough"),
    "sound": (bool, "listen to files, and not only look at them"),
    "player": (str, "command that opens {file} at {seconds}"),
    "workers": (int, "files read at the same time"),
    "quiet": (bool, "no progress and no warnings"),
    "max_pixels": (_AMOUNT, "pixels of one picture at most"),
    "max_duration": (_AMOUNT, "length of video that is decoded, such as 12h"),
    "max_time": (_AMOUNT, "time for reading one file, such as 30m"),
    "max_memory": (_AMOUNT, "memory of the decoder, such as 4G"),
    "max_tracks": (_AMOUNT, "tracks of one file that are decoded"),
    "files_per_process": (_AMOUNT, "files of one decoder process; 1: one each"),
}
"""What the configuration file may have: TOML type, and meaning."""
REASONS: Final = "reasons"
"""A table that it may have, too: for answers of a review, such as ``no``, a list of the reasons to choose from."""
VARIABLES: Final[Mapping[str, str]] = {
    **{f"VHASHDB_{name.upper()}": text for name, (_, text) in SETTINGS.items()},
    CONFIG_VARIABLE: "the configuration file, instead of the usual one",
    LOCK_TIMEOUT_VARIABLE: "seconds to wait while another process writes",
    PASSPHRASE_VARIABLE: "passphrase of a feed's keys",
    INDEX_VARIABLE: "folder for indexes of databases on PostgreSQL",
    CLUSTER_VARIABLE: "address of the cluster whose shards are asked",
    MAX_LAG_VARIABLE: "seconds that a standby may be behind",
    DEBUG_VARIABLE: "1: show the traceback of an error",
}
"""Every variable that is read, and its meaning."""
_MAX_BYTES: Final = 1 << 20
_PREFIX: Final = "VHASHDB_"
_OF_BENCHMARKS: Final = "VHASHDB_CORPUS"
_WORDS: Final = {str: "text", int: "a whole number", bool: "true or false", _AMOUNT: 'a whole number, or text such as "12h"'}
_CACHE: Final = "vhashdb.config"


def config_path() -> Path:
    """Where the configuration file is, whether or not it exists."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("vhashdb", appauthor=False), "config.toml")


def read_config(path: Path) -> dict[str, Any]:
    """Return the settings in the configuration file; none if there is no file.

    Raises:
        UsageError: it is malformed, or a file that was named is missing; the message names it.
    """
    try:
        if not path.exists():
            raise FileNotFoundError
        from vhashdb.opening import content_of

        values = tomllib.loads(content_of(path, _MAX_BYTES).decode("utf-8-sig"))
    except FileNotFoundError:
        if os.environ.get(CONFIG_VARIABLE):
            raise UsageError(f"{path}: no such file", hint=f"{CONFIG_VARIABLE} names it; unset it or make the file") from None
        return {}
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or ("it is nested too deep" if isinstance(error, RecursionError) else error)
        raise UsageError(f"the configuration file {path} cannot be read: {why}", hint="correct the file or move it away") from error
    for name, value in values.items():
        _check(path, name, value)
    return values


def read_reasons() -> dict[str, list[str]]:
    """Return the reasons in the configuration file, by the answers that they are for; none if there are none."""
    found: dict[str, list[str]] = read_config(config_path()).get(REASONS, {})
    return found


def _check(path: Path, name: str, value: object) -> None:
    if name == REASONS:
        lists = isinstance(value, dict) and all(isinstance(some, list) for some in value.values())
        if not (lists and all(isinstance(text, str) for some in value.values() for text in some)):  # type: ignore[attr-defined]  # a dict
            raise UsageError(
                f"the configuration file {path}: reasons must be a table of lists of texts, not {value!r}",
                hint='such as  [reasons]  and below it  no = ["another video"]',
            )
        return
    kind, _ = SETTINGS.get(name, (None, ""))
    if kind is None:
        raise UsageError(f"the configuration file {path} has an unknown setting {name!r}", hint=f"known: {', '.join(SETTINGS)}")
    if isinstance(value, str) and "\0" in value:
        raise UsageError(f"the configuration file {path}: {name} has a NUL character in it", hint="take it out")
    if type(value) not in (kind if isinstance(kind, tuple) else (kind,)):
        raise UsageError(f"the configuration file {path}: {name} must be {_WORDS[kind]}, not {value!r}")


def unknown_variables() -> list[tuple[str, str]]:
    """Variables that are set and that nothing reads, each with the one that was probably meant."""
    import difflib

    named = sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in VARIABLES and name != _OF_BENCHMARKS)
    known = [name.removeprefix(_PREFIX) for name in VARIABLES]
    close = [difflib.get_close_matches(name.removeprefix(_PREFIX), known, 1) for name in named]
    return [(name, f"{_PREFIX}{meant[0]}" if meant else "") for name, meant in zip(named, close, strict=True)]


class OneOf(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in newer releases of click
    """One of the values that the library knows, looked up when needed: loading the library is not for ``--help``."""

    name = "choice"

    def __init__(self, module: str, attribute: str) -> None:
        self._module, self._attribute = module, attribute

    @property
    def choices(self) -> tuple[str, ...]:
        """The values."""
        import importlib

        return tuple(str(value) for value in getattr(importlib.import_module(self._module), self._attribute))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value itself."""
        if ctx is not None and ctx.resilient_parsing:  # a shell completes: nothing is checked, and nothing loaded for it
            return str(value)
        if value not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}", param, ctx)
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002  # click's signature
        """As click shows choices."""
        return f"[{'|'.join(self.choices)}]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002  # click's signature
        """Return the values that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(choice) for choice in self.choices if choice.startswith(incomplete)]


class Setting(click.Option):
    """An option whose default the configuration file can give. Its variable is ``VHASHDB_`` and its name."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **{"show_default": True, "show_envvar": True, **attributes})
        self.envvar = f"VHASHDB_{(self.name or '').upper()}"

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """Return the value and where it came from."""
        value, source = super().consume_value(ctx, opts)
        if source is not ParameterSource.DEFAULT or ctx.resilient_parsing:
            return value, source
        values: dict[str, Any] | None = ctx.meta.get(_CACHE)
        if values is None:
            values = ctx.meta[_CACHE] = read_config(config_path())
        if self.name not in values:
            return value, source
        return self._checked(ctx, values[self.name]), ParameterSource.DEFAULT_MAP

    def _checked(self, ctx: click.Context, value: Any) -> Any:
        """A value of the configuration file; click's own message would name the flag instead of the file."""
        try:
            self.type_cast_value(ctx, value)
        except click.BadParameter as error:
            raise UsageError(f"the configuration file {config_path()}: {self.name}: {error.message}") from error
        return os.path.expanduser(value) if self.name in ("db", "cache") else value


def cache_path() -> str:
    """Where fingerprints of queries are kept unless somebody says otherwise."""
    import platformdirs

    return platformdirs.user_cache_dir("vhashdb", appauthor=False)


def processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        return os.cpu_count() or 1
