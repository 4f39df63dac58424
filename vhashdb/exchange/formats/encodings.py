"""Recognise the encoding and the line ends of a text from its first bytes, and read it as UTF-8."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

from vhashdb.errors import UsageError

ENCODINGS: Final = (
    "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "windows-1252", "latin-1", "windows-1250", "windows-1251", "koi8-r",
    "gb18030", "shift-jis", "euc-kr", "big5",
)  # fmt: skip
"""Those that can be named. Only the first five can be told from the bytes; a guess at one of the others would change words unseen."""
_BINARY: Final = {
    b"PK\x03\x04": "a ZIP archive or an Office document; unpack it, or save the table as CSV",
    b"\x1f\x8b": "packed with gzip; unpack it first",
    b"\x28\xb5\x2f\xfd": "packed with zstd; unpack it first",
    b"BZh": "packed with bzip2; unpack it first",
    b"\xfd7zXZ": "packed with xz; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"PAR1": "Parquet, which is written and not read; export it as CSV or as JSON Lines",
    b"SQLite format 3": "an SQLite database; export its table as CSV or as JSON Lines",
    b"\xd0\xcf\x11\xe0": "an old Office document; save the table as CSV",
    b"%PDF": "a PDF document; it has to be text, CSV or JSON",
}
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE: Final = 1024
_MOSTLY: Final = 0.6
"""Share of NUL bytes at one place of every two or four that text of these encodings has at least, as hexadecimal is ASCII."""
_RARE_ENDS: Final = ("\x85", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}")


@dataclass(frozen=True)
class TextForm:
    """Encoding and line end of a text file."""

    encoding: str = "utf-8"
    mark: int = 0
    """Bytes of the byte order mark, which are no text."""
    line_end: str = "\n"

    @property
    def plain(self) -> bool:
        """Whether it is UTF-8 in lines already."""
        return self.encoding == "utf-8" and self.line_end == "\n"


def binary_kind(head: bytes) -> str:
    """Say of a binary file what it is and what to do with it; empty if it is not known."""
    return next((words for magic, words in _BINARY.items() if head.startswith(magic)), "")


def text_form(head: bytes, encoding: str = "") -> TextForm:
    """Return the form of the text that begins so; its encoding, if it is said.

    Raises:
        UsageError: there is no such encoding.
    """
    if encoding and encoding not in ENCODINGS:
        raise UsageError(f"{encoding} is no encoding that is read", hint=f"known: {', '.join(ENCODINGS)}")
    marked = next(((name, len(mark)) for mark, name in _MARKS if head.startswith(mark)), None)
    if marked and encoding in ("", marked[0]):
        name, mark = marked
    else:
        name, mark = encoding or _without_mark(head[:_SAMPLE]), 0
    return TextForm(name, mark, _line_end(head[mark:].decode(name, "replace")))


def _without_mark(head: bytes) -> str:
    """UTF-16 and UTF-32 without a mark have NUL bytes where ASCII has nothing; text in UTF-8 has none."""
    for width, order in ((4, "utf-32"), (2, "utf-16")):
        columns = [head[at::width] for at in range(width)]
        empty = [bool(column) and column.count(0) >= _MOSTLY * len(column) for column in columns]
        if len(head) >= 2 * width and all(empty[1:]) and not columns[0].count(0):
            return f"{order}-le"
        if len(head) >= 2 * width and all(empty[:-1]) and not columns[-1].count(0):
            return f"{order}-be"
    return "utf-8"


def _line_end(text: str) -> str:
    """Return the line end: a line feed if there is any. The rare ones may stand within the texts of JSON and XML."""
    if "\n" in text or "\r" not in text:
        rare = "\n" not in text and text.lstrip()[:1] not in ("{", "[", "<")
        return next((end for end in _RARE_ENDS if end in text), "\n") if rare else "\n"
    return "\r"


class Recoded(io.RawIOBase):
    """The text of a stream in UTF-8, with line feeds; what cannot be decoded becomes replacement characters."""

    def __init__(self, stream: BinaryIO, form: TextForm) -> None:
        self._stream, self._form = stream, form
        # Bytes that are not UTF-8 stay as they are, and are found where the line is read.
        errors = "surrogateescape" if form.encoding == "utf-8" else "replace"
        self._decoder = codecs.getincrementaldecoder(form.encoding)(errors)
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as the stream goes."""
        view, filled = memoryview(buffer), 0
        while filled < len(view):
            if not self._ready:
                if self._ended:
                    break
                self._more()
                continue
            part = self._ready[: len(view) - filled]
            view[filled : filled + len(part)] = part
            self._ready = self._ready[len(part) :]
            filled += len(part)
        return filled

    def _more(self) -> None:
        block = self._stream.read(1 << 16)
        self._ended = not block
        text = self._decoder.decode(block, final=self._ended)
        if self._form.line_end != "\n":
            text = text.replace(self._form.line_end, "\n")
        self._ready = text.encode("utf-8", "surrogateescape")
