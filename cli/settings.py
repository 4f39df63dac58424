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
DEFAULT_DATABASE: Final = "vhash.vhdb"
NO_CACHE: Final = "off"
EFFORTS: Final = ("vhashdb.results", "Effort")

_KINDS: Final = {"db": str, "cache": str, "effort": str, "workers": int, "quiet": bool}
"""Settings that the configuration file may have, and the TOML type of each."""
_WORDS: Final = {str: "text", int: "a whole number", bool: "true or false"}
_CACHE: Final = "vhashdb.config"


def config_path() -> Path:
    """Where the configuration file is, whether or not it exists."""
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named).expanduser()
    import platformdirs

    return Path(platformdirs.user_config_dir("vhashdb", appauthor=False), "config.toml")


def read_config(path: Path) -> dict[str, Any]:
    """The settings in the configuration file; none if there is no file.

    Raises:
        UsageError: it is malformed, or a file that was named is missing; the message names it.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError:
        if os.environ.get(CONFIG_VARIABLE):
            raise UsageError(f"{path}: no such file", hint=f"{CONFIG_VARIABLE} names it; unset it or make the file") from None
        return {}
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration file {path} cannot be read: {error}", hint="correct the file or move it away") from error
    for name, value in values.items():
        _check(path, name, value)
    return values


def _check(path: Path, name: str, value: object) -> None:
    kind = _KINDS.get(name)
    if kind is None:
        raise UsageError(f"the configuration file {path} has an unknown setting {name!r}", hint=f"known: {', '.join(_KINDS)}")
    if type(value) is not kind:
        raise UsageError(f"the configuration file {path}: {name} must be {_WORDS[kind]}, not {value!r}")


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
        """The value itself."""
        if value not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}", param, ctx)
        return str(value)

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002  # click's signature
        """As click shows choices."""
        return f"[{'|'.join(self.choices)}]"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:  # noqa: ARG002  # click's signature
        """The values that begin so."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(choice) for choice in self.choices if choice.startswith(incomplete)]


class Setting(click.Option):
    """An option whose default the configuration file can give. Its variable is ``VHASHDB_`` and its name."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **{"show_default": True, "show_envvar": True, **attributes})
        self.envvar = f"VHASHDB_{(self.name or '').upper()}"

    def consume_value(self, ctx: click.Context, opts: Mapping[str, Any]) -> tuple[Any, ParameterSource]:
        """The value and where it came from."""
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
    """Where looks at files are kept unless somebody says otherwise."""
    import platformdirs

    return platformdirs.user_cache_dir("vhashdb", appauthor=False)


def processors() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every platform
        return os.cpu_count() or 1
