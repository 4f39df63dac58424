"""Change bytes as damage and attackers do, the same way for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

_NUMBERS: Final = (b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x00\x00\x00\x01", b"\xff\xff\xff\xfe")
_IN_TEXT: Final = (
    "9" * 4301,
    "-1",
    "1e999",
    "NaN",
    "Infinity",
    "[" * 3000,
    '{"a":' * 3000,
    "null",
    '"\\ud800"',
    "\u202e\u2066",
    "\x1b]8;;x\x07",
    "=1+1",
    "</script>",
    "\x00",
    "\ufeff",
    "a" * 5000,
)
_NUMBER: Final = re.compile(rb"\d+(\.\d+)?")


def mutate(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Return ``data`` with one to eight changes; ``others`` are files to take pieces from."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        data = rng.choice(_CHANGES)(data, others, rng)
    return data


def mutate_text(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Return ``data`` changed as `mutate` does or, half of the time, with a value that texts are attacked with."""
    if rng.random() < 0.5:
        return mutate(data, others, rng)
    value = rng.choice(_IN_TEXT).encode()
    numbers = list(_NUMBER.finditer(data))
    if numbers and rng.random() < 0.6:
        number = rng.choice(numbers)
        return data[: number.start()] + value + data[number.end() :]
    if rng.random() < 0.2:
        return data.decode("utf-8", "replace").encode(rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")))
    at = rng.randrange(len(data) + 1)
    return data[:at] + value + data[at:]


def _flip(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    changed = bytearray(data)
    for _number in range(rng.choice((1, 4, 64, 1024))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    size = rng.choice((1, 4, 32, 512, 4096))
    return data[:at] + rng.randbytes(size) + data[at + size :]


def _number(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + rng.choice(_NUMBERS) + data[at + 4 :]


def _cut(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    return data[: _place(data, rng)]


def _behead(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    return data[rng.randrange(min(len(data), 4096) + 1) :]


def _leave_out(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 3, 64, 2048)) :]


def _repeat(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    at, size = _place(data, rng), rng.choice((4, 64, 2048, 20_000))
    return data[:at] + data[at : at + size] * rng.choice((2, 2, 50)) + data[at + size :]


def _swap(data: bytes, _: Sequence[bytes], rng: random.Random) -> bytes:
    size = rng.choice((16, 512, 4096))
    if len(data) < 2 * size:
        return data
    first, second = sorted(rng.randrange(len(data) - size + 1) for _number in range(2))
    if second - first < size:
        return data
    return data[:first] + data[second : second + size] + data[first + size : second] + data[first : first + size] + data[second + size :]


def _splice(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other = rng.choice(others)
    return data[: _place(data, rng)] + other[_place(other, rng) :]


def _insert(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    other, at = rng.choice(others), _place(data, rng)
    start = _place(other, rng)
    return data[:at] + other[start : start + rng.choice((16, 1024, 65536))] + data[at:]


def _place(data: bytes, rng: random.Random) -> int:
    """Pick a position: half of the time among the first 512 bytes, where headers are."""
    return rng.randrange(min(len(data), 512) + 1 if rng.random() < 0.5 else len(data) + 1)


_CHANGES: Final[tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...]] = (
    _flip,
    _flip,
    _overwrite,
    _number,
    _number,
    _cut,
    _behead,
    _leave_out,
    _repeat,
    _swap,
    _splice,
    _insert,
)
