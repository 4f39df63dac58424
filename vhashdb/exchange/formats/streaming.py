"""JSON of somebody else, read piece by piece: the only room that calls ijson, so that all of it is called safely.

Its C back end ends the process on an integer of more than 4,300 digits unless it is told to use floats; such an integer is
then an error, as every one of more than 64 bits. It also keeps the path to where it is for every level, so that a document
that only nests, of 100 kB, takes all memory of the machine: nesting is bounded before it sees a byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import ijson
import numpy as np

JSONError = ijson.JSONError
_BLOCK: Final = 1 << 16
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_BUT_STRUCTURE: Final = bytes(set(range(256)) - set(b'"[]{}'))
_STEP: Final = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1


def items(file: BinaryIO, prefix: str, depth: int) -> Iterator[Any]:
    """Yield the values under an ijson prefix, one in memory at a time.

    Raises:
        JSONError, UnicodeDecodeError, ValueError, OverflowError: the document breaks off here.
    """
    found: Iterator[Any] = ijson.items(_Shallow(file, depth), prefix, use_float=True, buf_size=_BLOCK)
    return found


def members(file: BinaryIO, depth: int) -> Iterator[Any]:
    """Yield the values of a document that is one large object; fails as `items` does."""
    return (value for _, value in ijson.kvitems(_Shallow(file, depth), "", use_float=True, buf_size=_BLOCK))


def events(file: BinaryIO, depth: int) -> Iterator[tuple[str, str, Any]]:
    """Yield the events of ijson (prefix, event, value) one after the other; fails as `items` does."""
    found: Iterator[tuple[str, str, Any]] = ijson.parse(_Shallow(file, depth), use_float=True, buf_size=_BLOCK)
    return found


class _Shallow:
    """A stream of JSON that ends with a ValueError where it nests deeper than it may."""

    def __init__(self, file: BinaryIO, depth: int) -> None:
        self._file, self._depth = file, depth
        self._level = 0
        self._in_text = self._escaping = self._ended = False

    def read(self, size: int) -> bytes:
        if self._ended:
            raise ValueError(f"it nests deeper than {self._depth}")
        block = self._file.read(size)
        before = self._level, self._in_text, self._escaping
        brackets = self._brackets(block)
        levels = self._level + np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)], dtype=np.int64)
        if len(levels):
            if levels.max() > self._depth:
                self._ended = True
                return block[: self._first_too_deep(block, *before)]
            self._level = int(levels[-1])
        return block

    def _brackets(self, block: bytes) -> bytes:
        """Return the brackets that are not within a text. Escapes are taken away first, for one may be of a quote."""
        if self._escaping:
            block, self._escaping = block[1:], not block
        if b"\\" in block:
            block = _ESCAPE.sub(b"", block)
            self._escaping = block.endswith(b"\\")
        parts = block.translate(None, _BUT_STRUCTURE).split(b'"')
        brackets = b"".join(parts[1::2] if self._in_text else parts[::2])
        self._in_text ^= len(parts) % 2 == 0
        return brackets

    def _first_too_deep(self, block: bytes, level: int, in_text: bool, escaping: bool) -> int:
        """Return where in the block it nests too deep, so that what is before it can be read."""
        for place, byte in enumerate(block):
            if escaping:
                escaping = False
            elif byte == 0x5C:  # a backslash
                escaping = True
            elif byte == 0x22:  # a quote
                in_text = not in_text
            elif not in_text:
                level += int(_STEP[byte])
                if level > self._depth:
                    return place
        return len(block)
