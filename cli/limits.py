"""Limits on what one file may cost, as options of the commands that read files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from vhashdb.limits import Limits

from .settings import Setting

_F = TypeVar("_F", bound=Callable[..., Any])
_META: Final = "vhashdb.limits"
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_THOUSANDS: Final = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
_BYTES: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_COUNT: Final = {"": 1}


class Amount(click.ParamType):  # type: ignore[type-arg, unused-ignore]  # generic only in newer releases of click
    """A whole number of some unit, or a short form such as 12h or 4G."""

    name = "amount"

    def __init__(self, units: dict[str, int], least: int, example: str) -> None:
        self._units, self._least, self._example = units, least, example

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        said = re.fullmatch(r"(\d{1,15}(?:\.\d{1,6})?)([A-Za-z]?)", str(value))
        factor = self._units.get(said[2]) if said else None
        if said is None or factor is None:
            self.fail(f"{value!r} is no amount; write {self._example}", param, ctx)
        number = round(float(said[1]) * factor)
        if not self._least <= number < 1 << 62:
            self.fail(f"{value!r} is not in the range; the least is {self._least}", param, ctx)
        return number


@dataclass(frozen=True)
class _Limit:
    """A field of `vhashdb.Limits` that people can set."""

    field: str
    phrase: str
    """What the library calls it in its messages."""
    kind: Amount
    metavar: str
    help: str


LIMITS: Final = {
    "max_pixels": _Limit("pixels", "limit on pixels", Amount(_THOUSANDS, 1, "200M"), "N", "Pixels of one picture, such as 200M."),
    "max_duration": _Limit(
        "duration_s", "limit on length", Amount(_SECONDS, 1, "12h"), "TIME", "Length of video that is decoded, such as 12h."
    ),
    "max_time": _Limit("time_s", "limit on time", Amount(_SECONDS, 1, "30m"), "TIME", "Time that reading one file may take, such as 30m."),
    "max_memory": _Limit(
        "memory_bytes", "limit on memory", Amount(_BYTES, 256 << 20, "4G"), "SIZE", "Memory of the process that decodes, such as 4G."
    ),
    "files_per_process": _Limit(
        "files_per_process",
        "limit on files of a process",
        Amount(_COUNT, 1, "1"),
        "N",
        "Files that a decoder process reads; 1: its own for each.",
    ),
    "max_tracks": _Limit("tracks", "limit on tracks", Amount(_COUNT, 1, "32"), "N", "Video tracks of one file that are decoded."),
}
"""By name of the option, which is also the name in the configuration file."""


def limit_options(function: _F) -> _F:
    """``--max-pixels`` and the like; `limits` says what was given."""
    return _options(function, expose=False)


def shown_limit_options(function: _F) -> _F:
    """Return the same as parameters of the command, for the one that shows them."""
    return _options(function, expose=True)


def _options(function: _F, *, expose: bool) -> _F:
    for name, limit in reversed(LIMITS.items()):
        function = click.option(
            f"--{name.replace('_', '-')}",
            name,
            cls=Setting,
            type=limit.kind,
            metavar=limit.metavar,
            default=round(getattr(Limits(), limit.field)),
            help=limit.help,
            expose_value=expose,
            callback=_kept,
        )(function)
    return function


def _kept(ctx: click.Context, param: click.Parameter, value: int) -> int:
    ctx.meta.setdefault(_META, {})[LIMITS[param.name or ""].field] = value
    return value


def limits() -> Limits:
    """Return the limits for the command that runs."""
    context = click.get_current_context(silent=True)
    return Limits(**(context.meta.get(_META, {}) if context is not None else {}))
