"""Reading a file of somebody else under caps: its beginning, its lines, the items of a streamed document."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, Final

from vhashdb.errors import FormatError, LimitExceeded
from vhashdb.exchange.formats import streaming
from vhashdb.exchange.formats.encodings import Recoded, TextForm, text_form
from vhashdb.exchange.formats.item import Entry, Item, Refusal
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.fingerprints.binary import MAGIC

HEAD_BYTES: Final = 1 << 16
"""Bytes of a file by which its format is recognised."""
HEAD_LINES: Final = 20
"""Lines by which a format is recognised whose lines are all alike."""
NAME_ENCODING: Final = "say what encoding it has, such as windows-1252, or save the file as UTF-8"
"""The way out where text cannot be decoded."""


@dataclass(frozen=True)
class Options:
    """Options for reading a file."""

    limits: FormatLimits = field(default_factory=FormatLimits)
    mapping: Mapping[str, str] = field(default_factory=dict)
    """For tables and JSON Lines: which of our fields a header or a name of theirs stands for."""
    signal_type: str = ""
    """For signal lines: the kind of hash of lines that hold a value alone."""
    encoding: str = ""
    """Of the text, one of `vhashdb.exchange.formats.encodings.ENCODINGS`; empty: UTF-8, UTF-16 or UTF-32, as its bytes show."""


class Capped(io.RawIOBase):
    """A binary stream that ends with an error instead of giving more than it may."""

    def __init__(self, stream: BinaryIO, limits: FormatLimits) -> None:
        self._stream, self._limits = stream, limits
        self._given = 0
        self._item_from: int | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the stream goes, so that a pipe gives a whole head too."""
        view, filled = memoryview(buffer), 0
        while filled < len(view) and (block := self._stream.read(len(view) - filled)):
            view[filled : filled + len(block)] = block
            filled += len(block)
        self._given += filled
        if self._given > self._limits.file_bytes:
            raise LimitExceeded(f"the file has more than {self._limits.file_bytes} bytes", hint="split it")
        if self._item_from is not None and self._given - self._item_from > self._limits.item_bytes + len(view):
            raise LimitExceeded(f"one item of the file has more than {self._limits.item_bytes} bytes")
        return filled

    def item_begins(self) -> None:
        """Count what one item takes from here on."""
        self._item_from = self._given


class Source:
    """A file to be imported, read once from its beginning to its end."""

    def __init__(self, stream: BinaryIO, options: Options | None = None) -> None:
        self.options = options or Options()
        self.limits = self.options.limits
        self._capped = Capped(stream, self.limits)
        raw = io.BufferedReader(self._capped, HEAD_BYTES)
        head = raw.peek(HEAD_BYTES)[:HEAD_BYTES]
        form = TextForm() if head.startswith(MAGIC) else text_form(head, self.options.encoding)
        raw.read(form.mark)
        self.recoded = form.encoding != "utf-8"
        """Whether the bytes are not those of the file, which had another encoding."""
        self.file = raw if form.plain else io.BufferedReader(Recoded(raw, form), HEAD_BYTES)
        self.head = Head(self.file.peek(HEAD_BYTES)[:HEAD_BYTES], self.options)

    def lines(self) -> Iterator[tuple[int, str] | Refusal]:
        """Yield the lines as `all_lines` does, without empty ones."""
        return (line for line in self.all_lines() if isinstance(line, Refusal) or line[1].strip())

    def hash_lines(self) -> Iterator[tuple[int, str] | Refusal]:
        """Yield the lines, stripped, of a format in which anything that ends a line may do so: a hash has no such characters."""
        number = 0
        for line in self.all_lines():
            if isinstance(line, Refusal):
                number += 1
                yield Refusal(number, line.reason)
                continue
            for part in line[1].splitlines():
                number += 1
                if text := part.strip().strip("\0"):
                    yield number, text

    def all_lines(self) -> Iterator[tuple[int, str] | Refusal]:
        """Yield the lines by number, from 1; one that is too long or not in the file's encoding is refused and passed over."""
        number, cap = 0, self.limits.line_bytes
        while raw := self.file.readline(cap + 1):
            number += 1
            if len(raw) > cap:
                while not raw.endswith(b"\n") and (raw := self.file.readline(1 << 20)):
                    pass
                yield Refusal(number, f"the line has more than {cap} bytes")
                continue
            try:
                yield number, raw.decode()
            except UnicodeDecodeError:
                yield Refusal(number, f"the line is not UTF-8; {NAME_ENCODING}")

    def json_items(self, prefix: str) -> Iterator[tuple[int, Any] | Refusal]:
        """Yield the objects under an ijson prefix, by how many there are from the start, one in memory at a time."""
        return self._streamed(streaming.items(self.file, prefix, self.limits.depth))

    def json_members(self) -> Iterator[tuple[int, Any] | Refusal]:
        """Yield the values of a document that is one large object, in the same way."""
        return self._streamed(streaming.members(self.file, self.limits.depth))

    def _streamed(self, values: Iterator[Any]) -> Iterator[tuple[int, Any] | Refusal]:
        number = 0
        try:
            self._capped.item_begins()
            for value in values:
                number += 1
                self._capped.item_begins()
                yield number, value
        except (streaming.JSONError, UnicodeDecodeError, ValueError, OverflowError) as error:
            yield Refusal(number + 1, f"the JSON breaks off ({_first_line(error)}); nothing after this can be read")
        except LimitExceeded as error:
            yield Refusal(number + 1, f"{error}; nothing after this is read")

    def json_document(self) -> Any:
        """Return the whole document.

        Raises:
            LimitExceeded: it is larger than one that must be held in memory may be.
            FormatError: it is not JSON.
        """
        raw = self.file.read(self.limits.document_bytes + 1)
        if len(raw) > self.limits.document_bytes:
            raise LimitExceeded(
                f"the document has more than {self.limits.document_bytes} bytes, and has to be held in memory as a whole", hint="split it"
            )
        try:
            return json_value(raw.decode(), self.limits)
        except UnicodeDecodeError as error:
            raise FormatError("the document is not UTF-8", hint=NAME_ENCODING) from error
        except ValueError as error:
            raise FormatError(f"the JSON cannot be read: {error}") from error

    def xml(self) -> BinaryIO:
        """Return the bytes of an XML document, without white space before it, and without an encoding that they have no more."""
        start = len(self.head.raw) - len(self.head.raw.lstrip(b" \t\r\n"))
        if self.recoded and self.head.raw.startswith(b"<?xml", start):
            start = self.head.raw.find(b"?>") + 2
        self.file.read(start)
        return self.file

    def item_begins(self) -> None:
        """Count what one item takes from here on."""
        self._capped.item_begins()


class Head:
    """The first bytes of a file, and what can be told from them."""

    def __init__(self, raw: bytes, options: Options) -> None:
        self.raw, self.options, self.limits = raw, options, options.limits

    @cached_property
    def text(self) -> str:
        """As text, from the first thing that is not white space."""
        return self.raw.decode("utf-8", "replace").lstrip()

    @cached_property
    def first_line(self) -> str:
        """The first line with something on it."""
        return self.text.partition("\n")[0].strip()

    @cached_property
    def data(self) -> list[str]:
        """The first lines with something on them that are no comments: the very first may be a bad one."""
        lines = (line.strip().strip("\0") for line in self.text.splitlines() if line[:1] != "#")
        return list(itertools.islice((line for line in lines if line), HEAD_LINES))

    @property
    def first_data(self) -> str:
        """The first of them."""
        return self.data[0] if self.data else ""

    @cached_property
    def events(self) -> list[tuple[str, str, Any]]:
        """Events that ijson sees in it, up to the first error."""
        found: list[tuple[str, str, Any]] = []
        if self.text[:1] in ("{", "["):
            # The head breaks off in the middle; `extend` keeps what came before.
            with contextlib.suppress(streaming.JSONError, UnicodeError, ValueError):
                found.extend(streaming.events(io.BytesIO(self.text.encode()), self.limits.depth))
        return found

    @cached_property
    def is_text(self) -> bool:
        """Whether it is UTF-8, as far as it goes."""
        try:
            self.raw[:-4].decode()  # a character may be cut in two at the end
        except UnicodeDecodeError:
            return False
        return b"\0" not in self.raw

    @cached_property
    def names(self) -> list[str]:
        """Of the JSON objects in it, at most a dozen."""
        return list(dict.fromkeys(str(name) for _, event, name in self.events if event == "map_key"))[:12]

    def has_key(self, prefix: str, name: str) -> bool:
        """Tell whether an object under the ijson prefix has a member of that name, as far as the head shows."""
        return (prefix, "map_key", name) in self.events

    def value(self, prefix: str) -> Any:
        """Return the first plain value under the prefix, or None."""
        return next((v for p, event, v in self.events if p == prefix and event in ("string", "number", "boolean")), None)


def json_value(text: str, limits: FormatLimits) -> Any:
    """Return a JSON value without NaN, infinities and endless nesting.

    Raises:
        ValueError: it is not such a value.
    """
    if sum(map(text.count, "[{,")) > limits.values:
        raise ValueError(f"it has more than {limits.values:,} values; split it")
    try:
        value = json.loads(text, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it nests too deep") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg[:1].lower()}{error.msg[1:]}, at character {error.pos + 1}") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise error if isinstance(error, _NoNumberError) else ValueError("a number in it has too many digits") from error
    if _deeper_than(value, limits.depth):
        raise ValueError(f"it nests deeper than {limits.depth}")
    return value


class _NoNumberError(ValueError):
    pass


def _no_number(name: str) -> None:
    raise _NoNumberError(f"{name} is no JSON number")


def _deeper_than(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = [
            inner for outer in level if isinstance(outer, dict | list) for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def entries(found: Iterator[tuple[int, Any] | Refusal], to_item: Callable[[int, Any], Item], limits: FormatLimits) -> Iterator[Entry]:
    """Read each part as an item, or refuse it with the reason; what is wrong with one never stops the others."""
    for count, part in enumerate(found, start=1):
        if isinstance(part, Refusal):
            yield part
            continue
        number, value = part
        if count > limits.items:
            yield Refusal(number, f"the file has more than {limits.items} items; nothing after this is read")
            return
        try:
            yield to_item(number, value)
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
            yield Refusal(number, reason_in_words(error))


def _first_line(error: Exception) -> str:
    """Of an error of ijson, whose text is sometimes bytes and goes on with a drawing of the place."""
    text = error.args[0] if error.args else ""
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).partition("\n")[0].strip()


def reason_in_words(error: Exception) -> str:
    """Say why something could not be read, without words of the language that this is written in."""
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, AttributeError | TypeError | RecursionError):
        return "its parts are not what this format has there: a text, a number, a list or an object in another's place"
    if isinstance(error, ArithmeticError):
        return "a number in it is too large"
    return str(error)
