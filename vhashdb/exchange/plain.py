"""Frozen dataclasses as JSON values and back, as their annotations say."""

from __future__ import annotations

import datetime
import functools
import json
import re
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Final

from vhashdb.errors import EventInvalid

_REMEMBERED: Final = 1000
_REMEMBERED_CHARS: Final = 2000
"""Objects of one kind that are remembered, and characters of each. Engineering bound: 8 MB at most."""
INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def to_json(value: Any) -> Any:
    """Return a dataclass as JSON values: absent is what has no value."""
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) is not None}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).strftime(INSTANT)
    return value.isoformat() if isinstance(value, datetime.date) else value


def from_json(kind: Any, value: Any) -> Any:
    """Return a JSON value as what the type annotation says; names that the dataclass does not have are ignored."""
    return _reader(kind)(value)


_Reader = Callable[[Any], Any]


@functools.cache
def _reader(kind: Any) -> _Reader:
    """Make the reader for values of an annotation. Annotations are looked at once, not for each of a million events."""
    if is_dataclass(kind):
        read = _dataclass_reader(kind)  # type: ignore[arg-type]  # a class, not an instance
        return read if any(f.default is MISSING for f in fields(kind)) else _remembered(read)
    if typing.get_origin(kind) is tuple:
        item = _reader(typing.get_args(kind)[0])
        return lambda value: tuple(map(item, of_type(value, list)))
    if isinstance(kind, types.UnionType):  # X | None; null is never written
        return _reader(typing.get_args(kind)[0])
    if kind is datetime.datetime:
        instant = functools.lru_cache(_REMEMBERED)(_instant)  # what is published at once has one time
        return lambda value: _parsed(instant, value)
    if kind is datetime.date:
        return lambda value: _parsed(datetime.date.fromisoformat, value)
    return functools.partial(of_type, kind=kind)


def _remembered(read: _Reader) -> _Reader:
    """Make a reader that remembers: an object all of which can be left out, such as a basis, is the same in event after event."""
    known: dict[str, Any] = {}

    def read_once(value: Any) -> Any:
        try:
            key = repr(value)  # unlike the value itself it tells True from 1
        except RecursionError:  # under a name that is not known anything may be nested
            return read(value)
        found = known.get(key)
        if found is None:
            found = read(value)
            if len(key) <= _REMEMBERED_CHARS:
                if len(known) >= _REMEMBERED:
                    known.clear()
                known[key] = found
        return found

    return read_once


def _dataclass_reader(kind: type[Any]) -> _Reader:
    hints = typing.get_type_hints(kind)
    readers = [(f.name, hints[f.name], _reader(hints[f.name])) for f in fields(kind)]
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    check: Callable[[Any], None] = getattr(kind, "__post_init__", lambda _: None)

    def read(value: Any) -> Any:
        given, known, name = of_type(value, dict), {}, ""
        try:
            for name, plain, reader in readers:  # named in the error
                if name in given:
                    found = given[name]
                    # Most values are plain and as they should be, and need no reader.
                    known[name] = found if type(found) is plain and (plain is not str or found.isascii()) else reader(found)
        except EventInvalid as error:
            raise EventInvalid(f"{name}: {error.message}") from error
        values = defaults | known
        if len(values) != len(readers):
            missing = next(name for name, *_ in readers if name not in values)
            raise EventInvalid(f"missing {missing!r}")
        made = object.__new__(kind)
        made.__dict__.update(values)  # `__init__` sets the fields of a frozen class one by one, in three times as long
        check(made)
        return made

    return read


def _instant(text: str) -> datetime.datetime:
    if not _INSTANT.fullmatch(text):
        raise ValueError(text)
    return datetime.datetime.fromisoformat(text)


def of_type(value: Any, kind: type[Any]) -> Any:
    """Return the value itself, if it is of exactly that type, and text that can be written down."""
    if type(value) is not kind:  # a bool is an int to isinstance
        raise EventInvalid(f"{type(value).__name__} where {kind.__name__} is expected")
    if kind is str and not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):  # JSON can name half a character
        raise EventInvalid("a text is not valid Unicode")
    return value


def _parsed(parse: Callable[[str], Any], value: Any) -> Any:
    try:
        return parse(of_type(value, str))
    except ValueError as error:
        if isinstance(error, EventInvalid):
            raise
        raise EventInvalid(f"{value[:40]!r} is no date or time of the form expected") from error


# -- checks of values; each raises `EventInvalid` and says what was wrong --------------------------------


def fits(what: str, text: str, pattern: re.Pattern[str]) -> None:
    """Check that text is of a form."""
    if not pattern.fullmatch(text):
        raise EventInvalid(f"{text[:80]!a} is not a {what}")


def at_most(what: str, text: str, limit: int) -> None:
    """Check that text has no more characters than that."""
    if len(text) > limit:
        raise EventInvalid(f"the {what} has {len(text)} characters; at most {limit} are allowed")


def within(what: str, value: int, low: int, high: int) -> None:
    """Check that a number lies between two others, or is one of them."""
    if not low <= value <= high:
        raise EventInvalid(f"{what} {value} is not within {low} and {high}")


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    """Check that a value is one of those that are known."""
    if value not in known:
        raise EventInvalid(f"{value[:80]!r} is not a {what}", hint=f"known: {', '.join(known)}")


def strict_json(line: bytes) -> Any:
    """Return the JSON value of one line in UTF-8.

    Raises:
        ValueError: it is none, an object has a name twice, or a number is no JSON.
        RecursionError: it is nested too deeply.
    """
    text = line.decode("utf-8")
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:
        end = -1
    return value if end == len(text) else _DECODER.decode(text)  # which knows of space around it, and what is wrong


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has a name twice")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_no_name_twice, parse_constant=_no_constant)
"""Made once: a million lines are read one by one."""
_SCAN: Final[Callable[[str, int], tuple[Any, int]]] = _DECODER.scan_once  # type: ignore[attr-defined]  # the stubs lack it
"""Reads a value that begins at a place in a text, and says where it ends."""
