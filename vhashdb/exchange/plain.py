"""Frozen dataclasses as JSON values and back, as their annotations say."""

from __future__ import annotations

import datetime
import functools
import types
import typing
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, Final

from vhashdb.errors import EventInvalid

INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"


def to_json(value: Any) -> Any:
    """A dataclass as JSON values: absent is what has no value."""
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime(INSTANT)
    return value.isoformat() if isinstance(value, datetime.date) else value


def from_json(kind: Any, value: Any) -> Any:
    """A JSON value as what the type annotation says; names that the dataclass does not have are ignored."""
    if is_dataclass(kind):
        given = of_type(value, dict)
        known = {name: _named(name, hint, given[name]) for name, hint in _annotated(kind) if name in given}  # type: ignore[arg-type]  # a class is hashable
        try:
            return kind(**known)  # type: ignore[operator]  # a class, not an instance
        except TypeError as error:  # a name without a default is missing
            raise EventInvalid(str(error).partition("() ")[2]) from error
    if typing.get_origin(kind) is tuple:
        return tuple(from_json(typing.get_args(kind)[0], item) for item in of_type(value, list))
    if isinstance(kind, types.UnionType):  # X | None; null is never written
        return from_json(typing.get_args(kind)[0], value)
    if kind is datetime.datetime:
        return _parsed(lambda text: datetime.datetime.strptime(text, INSTANT).replace(tzinfo=datetime.UTC), value)
    if kind is datetime.date:
        return _parsed(datetime.date.fromisoformat, value)
    return of_type(value, kind)


@functools.cache
def _annotated(kind: type[Any]) -> tuple[tuple[str, Any], ...]:
    hints = typing.get_type_hints(kind)
    return tuple((f.name, hints[f.name]) for f in fields(kind))


def _named(name: str, kind: Any, value: Any) -> Any:
    try:
        return from_json(kind, value)
    except EventInvalid as error:
        raise EventInvalid(f"{name}: {error.message}") from error


def of_type(value: Any, kind: type[Any]) -> Any:
    """The value itself, if it is of exactly that type."""
    if type(value) is not kind:  # a bool is an int to isinstance
        raise EventInvalid(f"{type(value).__name__} where {kind.__name__} is expected")
    return value


def _parsed(parse: Callable[[str], Any], value: Any) -> Any:
    try:
        return parse(of_type(value, str))
    except ValueError as error:
        if isinstance(error, EventInvalid):
            raise
        raise EventInvalid(f"{value[:40]!r} is no date or time of the form expected") from error
