"""Read what the bytes of a file say before anything is decoded: whether it is whole, and whether a video lies behind a picture."""

from __future__ import annotations

import io
import os
import re
from typing import IO, Final

from vhashdb.video.source import opened

HEIF_BRANDS: Final = tuple(b"ftyp" + brand for brand in b"mif1 heic heix heim heis hevc hevx msf1".split())
_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_START: Final = 12
"""Bytes in which the beginning of such a picture is told. Given by ISO/IEC 14496-12: a length, ``ftyp``, the brand."""
_FIRST_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid", b"styp", b"moof", b"sidx"})
_MAX_BOXES: Final = 4096
"""Boxes of an MP4 that are walked. Engineering bound."""
_BLOCK: Final = 1 << 20
"""Bytes read at a time. Engineering bound."""
_SEARCHED: Final = 256 << 20
"""Bytes behind the beginning of a picture in which a video is searched for. Engineering bound."""
_BRAND_BYTES: Final = 8
"""Bytes of an ``ftyp`` box's brand and version. Given by ISO/IEC 14496-12."""
_SOI: Final = b"\xff\xd8\xff"
_NEXT_JPEG: Final = re.compile(rb"\xff\xd9\0{0,65536}\xff\xd8\xff")
_LARGEST_BURST: Final = 64 << 20
"""Bytes of a file in which further JPEG pictures are searched for. Engineering bound."""
_HEAD: Final = 1024
"""Bytes in which the beginning of a format is searched for. Engineering bound: a tar's is at byte 257."""
_UNREAD: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\xff\x0a", "JPEG XL pictures"),
    (4, b"JXL \r\n\x87\n", "JPEG XL pictures"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000 pictures"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000 pictures"),
    (0, b"8BPS", "Photoshop documents"),
    (0, b"gimp xcf", "GIMP pictures"),
    (0, b"v/1\x01", "OpenEXR pictures"),
    (0, b"BPG\xfb", "BPG pictures"),
    (0, b"DDS ", "DDS pictures"),
    (4, b"ftypcrx ", "raw pictures of cameras"),
    (0, b"FUJIFILMCCD-RAW", "raw pictures of cameras"),
    (0, b"IIRO", "raw pictures of cameras"),
    (0, b"IIRS", "raw pictures of cameras"),
    (0, b"IIU\x00", "raw pictures of cameras"),
    (0, b"%PDF-", "PDF documents"),
    (0, b"%!PS", "PostScript documents"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office documents"),
    (0, b"PK\x03\x04", "archives (unpack them first)"),
    (0, b"PK\x05\x06", "archives (unpack them first)"),
    (0, b"Rar!\x1a\x07", "archives (unpack them first)"),
    (0, b"7z\xbc\xaf\x27\x1c", "archives (unpack them first)"),
    (0, b"\x1f\x8b\x08", "compressed files (unpack them first)"),
    (0, b"BZh", "compressed files (unpack them first)"),
    (0, b"\xfd7zXZ\x00", "compressed files (unpack them first)"),
    (0, b"\x28\xb5\x2f\xfd", "compressed files (unpack them first)"),
    (257, b"ustar", "archives (unpack them first)"),
    (0, b"Salted__", "encrypted files"),
    (0, b"age-encryption.org/", "encrypted files"),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted files"),
    (0, b"LUKS\xba\xbe", "encrypted files"),
)
"""Offset and bytes by which formats are recognised that nothing here reads, and what their files are."""
_LARGEST_FTYP: Final = 512
"""Bytes of an ``ftyp`` box. Engineering bound: more than a hundred compatible brands."""


class Window(io.RawIOBase):
    """Read part of a file as a file of its own."""

    def __init__(self, file: IO[bytes], first: int, end: int) -> None:
        """From byte ``first`` up to ``end``; who opened ``file`` closes it."""
        super().__init__()
        self._file, self._first, self._end, self._at = file, first, end, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._end - self._first - self._at)
        self._file.seek(self._first + self._at)
        data = self._file.read(left if size < 0 else min(size, left))
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end - self._first}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at


def needs_threads(descriptor: int) -> bool:
    """Say whether an open file begins as a picture whose decoder starts threads, whatever it is told: HEIC."""
    return os.pread(descriptor, _START, 0)[4:] in HEIF_BRANDS


def unread_format(path: str) -> str:
    """Return what kind of file this is, if it is of a well-known format that is not read; else empty."""
    try:
        with opened(path) as file:
            head = file.read(_HEAD)
    except OSError:
        return ""
    named = next((words for at, start, words in _UNREAD if head[at : at + len(start)] == start), "")
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return named or ("SVG drawings" if text.startswith((b"<svg", b"<?xml", b"<!DOCTYPE svg")) and b"<svg" in head else "")


def ends_early(path: str, window: tuple[int, int] | None = None) -> bool:
    """Say whether the file is shorter than it says of itself, as a download that broke off is. Not every container says."""
    try:
        with opened(path) as file:
            first, end = window or (0, file.seek(0, os.SEEK_END))
            file.seek(first)
            head = file.read(12)
            if head.startswith(_EBML):
                return _segment_end(file, first) > end
            if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
                return first + 8 + int.from_bytes(head[4:8], "little") > end
            return head[4:8] in _FIRST_BOXES and _boxes_end(file, first, end) > end
    except (OSError, ValueError):
        return False  # it cannot be read: whatever opens it reports that


def jpegs_in(path: str) -> list[tuple[int, int]]:
    """Return where JPEG pictures lie in a file one behind the other: of each the first byte and the one past its last."""
    with opened(path) as file:
        data = file.read(_LARGEST_BURST)
    begins = [0, *(found.end() - len(_SOI) for found in _NEXT_JPEG.finditer(data))]
    return list(zip(begins, [*begins[1:], len(data)], strict=True))


def video_behind(path: str, least: int = 0) -> tuple[int, int] | None:
    """Return where an MP4 lies behind a picture, as in motion photos: its first byte and the one past its last.

    Args:
        path: of the picture.
        least: bytes at the beginning that are the picture's own.
    """
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        at, tail = least, b""
        file.seek(at)
        while at < min(size, _SEARCHED) and (block := file.read(_BLOCK)):
            data = tail + block
            place = data.find(b"ftyp")
            while place >= 0:
                first = at - len(tail) + place - 4
                if first >= least and first > 0 and _begins_video(file, first, size):
                    return first, size
                place = data.find(b"ftyp", place + 1)
            tail = data[-7:]
            at += len(block)
            file.seek(at)
    return None


def _begins_video(file: IO[bytes], first: int, size: int) -> bool:
    """Say whether a chain of boxes begins here, with a header or data in it."""
    file.seek(first)
    head = file.read(8 + _BRAND_BYTES)
    length = int.from_bytes(head[:4], "big")
    if not 16 <= length <= _LARGEST_FTYP or not head[8:12].isascii() or not head[8:12].decode("ascii").isprintable():
        return False
    file.seek(first + length)
    after = file.read(8)
    return after[4:8] in _FIRST_BOXES and first + length < size


def _boxes_end(file: IO[bytes], at: int, end: int) -> int:
    """Return where the boxes of an MP4 end by what they say; what is no box ends the walk."""
    for _ in range(_MAX_BOXES):
        if at >= end:
            break
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or not head[4:8].isalnum():
            return at if len(head) >= 8 else end
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # up to the end of the file
            return end
        if length < 8:
            return at
        at += length
    return at


def _segment_end(file: IO[bytes], first: int) -> int:
    """Return where the segment of a Matroska file ends by what it says; 0 if it says nothing."""
    length, width = _number(file, first + 4)
    at = first + 4 + width + max(0, length)
    file.seek(at)
    if file.read(4) != _SEGMENT:
        return 0
    length, width = _number(file, at + 4)
    return 0 if length < 0 else at + 4 + width + length


def _number(file: IO[bytes], at: int) -> tuple[int, int]:
    """Read a number as EBML writes it, and the bytes it takes; -1 for one that is left open."""
    file.seek(at)
    raw = file.read(8)
    if not raw or not raw[0]:
        return -1, 8
    width = 9 - raw[0].bit_length()
    value = int.from_bytes(raw[:width], "big") & ((1 << 7 * width) - 1)
    return (-1 if value == (1 << 7 * width) - 1 else value), width
