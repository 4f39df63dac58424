"""Compressed files of lines: written, and read under caps on bytes, ratio, memory and length of line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import zstandard

from vhashdb.errors import FeedMalformed, FeedOversize
from vhashdb.exchange import events
from vhashdb.exchange.chain import leaf
from vhashdb.exchange.files import sha256_of
from vhashdb.exchange.limits import FeedLimits
from vhashdb.writing import new_file

LEVEL: Final = 9
"""Of zstd's compression: half of a line is hashes, which nothing makes smaller."""
FANOUT: Final = 8
"""Segments of one size that are joined into one."""
JOINED_BYTES: Final = 64 << 20
"""Raw bytes beyond which segments are left as they are."""

_BLOCK: Final = 1 << 20


@dataclass(frozen=True)
class WrittenFile:
    """A written file of lines, with its sizes and hashes."""

    sha256: str
    length: int
    """Compressed bytes."""
    raw: int
    """Bytes of all lines with their newlines."""
    lines: int


@contextlib.contextmanager
def compressed(lines: Iterable[bytes], folder: Path, limits: FeedLimits) -> Iterator[tuple[BinaryIO, WrittenFile]]:
    """Compress lines, each without its newline, into a new file that still needs a name (`vhashdb.writing.settle`).

    Raises:
        FeedOversize: a line or the whole is larger than a reader would accept.
    """
    raw = count = 0
    with new_file(folder) as file:
        with zstandard.ZstdCompressor(level=LEVEL).stream_writer(file, closefd=False) as compressor:
            for line in lines:
                if len(line) > limits.line_bytes:
                    raise FeedOversize(f"an event of {len(line)} bytes; at most {limits.line_bytes} are allowed")
                compressor.write(line + b"\n")
                raw += len(line) + 1
                count += 1
        file.flush()
        length = file.tell()
        check_sizes(length, raw, limits)
        yield file, WrittenFile(sha256_of(Path(file.name)), length, raw, count)


def check_sizes(length: int, raw: int, limits: FeedLimits) -> None:
    """Make sure that a file may be this large, before a byte of it is read.

    Raises:
        FeedOversize: it may not.
    """
    if length > limits.file_bytes:
        raise FeedOversize(f"a file of {length} bytes; at most {limits.file_bytes} are allowed")
    if raw > limits.raw_bytes:
        raise FeedOversize(f"a file of {raw} bytes when decompressed; at most {limits.raw_bytes} are allowed")
    if raw > limits.ratio_floor_bytes + limits.ratio * length:
        raise FeedOversize(f"{length} bytes that become {raw} when decompressed; at most {limits.ratio} for each one are allowed")


def read_lines(file: BinaryIO, raw: int, limits: FeedLimits) -> Iterator[bytes]:
    """Yield the lines of a compressed file, each without its newline, never holding more than one line and two blocks.

    Args:
        file: the file, from its beginning.
        raw: how many bytes are signed to come out.
        limits: the caps.

    Raises:
        FeedOversize: more comes out than is signed, or a line is too long.
        FeedMalformed: not zstd, cut short, or an end without a newline.
    """
    rest, seen = b"", 0
    for block in _decompressed(file, limits):
        seen += len(block)
        if seen > raw:
            raise FeedOversize(f"a file decompresses to more than the {raw} bytes that are signed")
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if len(line) > limits.line_bytes:
                raise _too_long(limits)
            yield line
        if len(rest) > limits.line_bytes:
            raise _too_long(limits)
    if rest:
        raise FeedMalformed("a file ends in the middle of a line")
    if seen != raw:
        raise FeedMalformed(f"a file decompresses to {seen} bytes, {raw} are signed")


def _decompressed(file: BinaryIO, limits: FeedLimits) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=limits.window_bytes)
    try:
        with decompressor.stream_reader(file, closefd=False) as reader, ThreadPoolExecutor(1, "vhashdb-decompress") as ahead:
            coming = ahead.submit(reader.read, _BLOCK)
            while block := coming.result():
                coming = ahead.submit(reader.read, _BLOCK)  # while this one is read
                yield block
    except zstandard.ZstdError as error:
        raise FeedMalformed(f"a file cannot be decompressed: {error}") from error


def _too_long(limits: FeedLimits) -> FeedOversize:
    return FeedOversize(f"a line of more than {limits.line_bytes} bytes")


def to_join(raw_sizes: Sequence[int]) -> int:
    """Count the last segments, whose raw sizes these are, that are better joined into one; 0 if none.

    Segments grow by steps of `FANOUT`, so a feed has few of them however often it is published, and each event is
    written anew only a few times.
    """
    best = 0
    levels = [((raw >> 10) + 1).bit_length() // FANOUT.bit_length() for raw in raw_sizes]
    for level in range(max(levels, default=0) + 1):
        run = total = 0
        for size, own in zip(reversed(raw_sizes), reversed(levels), strict=True):
            if own > level or total + size > JOINED_BYTES:
                break
            run, total = run + 1, total + size
        best = run if run >= FANOUT else best
    return best


def redacted(line: bytes, erased: Mapping[str, int]) -> bytes:
    """Return the line, or the stub in its place if it puts a record that is erased.

    Args:
        line: without its newline.
        erased: for each ``rid`` the sequence number of the retraction that erases it.
    """
    seq, event = events.decode(line)
    if isinstance(event, events.Put) and seq < erased.get(event.rid, 0):
        return events.encode(seq, events.Redacted(event.rid, leaf(line, event).hex()))
    return line
