"""Names and values of hashes, as many exchanges spell them, put together to the signals of one item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from vhashdb.exchange.formats.frames import frames_of_text, pdq_bytes
from vhashdb.exchange.formats.item import OtherHash
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.text import from_frames

_SPELLINGS: Final = {
    "pdq": "pdq hashpdq pdqhash imagepdq photopdq videopdq",
    "vpdq": "vpdq hashvpdq videovpdq",
    "sha256": "sha256 hashsha256 videosha256 filesha256",
    "md5": "md5 hashmd5 videomd5 filemd5 imagemd5 hashvideomd5",
    "sha1": "sha1 hashsha1",
    "sha512": "sha512 hashsha512",
    "photodna": "photodna pdna hashpdna",
    "tmk_pdqf": "tmkpdqf tmk hashtmk",
    "pdq_ocr": "pdqocr hashpdqocr",
    "phash": "phash",
    "dhash": "dhash",
    "ssdeep": "ssdeep",
    "tlsh": "tlsh",
}
_KINDS: Final[Mapping[str, str]] = {spelling: kind for kind, words in _SPELLINGS.items() for spelling in words.split()}
KINDS: Final = tuple(_SPELLINGS)
"""Kinds of hashes that are kept; anything else, such as addresses and texts, is refused: it is no hash of a video."""

_HEX: Final = re.compile(r"[0-9a-f]+")
_DIGITS: Final = {"sha256": 64, "md5": 32, "sha1": 40, "sha512": 128}
_OPAQUE: Final = re.compile(r"[A-Za-z0-9+/=:_.,-]+")


def kind_of(name: str) -> str | None:
    """The kind of hash that a name stands for in any exchange, or None."""
    return _KINDS.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def exact(kind: str, text: str) -> str:
    """A hash of a whole file in lower-case hexadecimal.

    Raises:
        ValueError: it does not have the digits of its kind.
    """
    value = text.strip().lower()
    if len(value) != _DIGITS[kind] or not _HEX.fullmatch(value):
        raise ValueError(f"{kind} has {_DIGITS[kind]} hexadecimal digits, not {text[:80]!r}")
    return value


class Signals:
    """Hashes of one item, as they are found in a file."""

    def __init__(self, limits: FormatLimits) -> None:
        self._limits = limits
        self._sha256: str | None = None
        self._md5: str | None = None
        self._others: list[OtherHash] = []
        self._frames: list[tuple[float, int, bytes]] = []
        self._fingerprint: Fingerprint | None = None
        self.notes: list[str] = []
        """What was left out, in words."""

    def add(self, name: str, value: str) -> None:
        """Take one hash.

        Raises:
            ValueError: its kind is not known, or it is not one of that kind.
        """
        kind = kind_of(name)
        if kind is None:
            raise ValueError(f"{name[:40]!r} is no kind of hash that is kept")
        if kind == "pdq":
            self.frame(pdq_bytes(value), 0.0, 100)
        elif kind == "vpdq":
            for seconds, quality, raw in frames_of_text(value):
                self.frame(raw, seconds, quality)
        elif kind in ("sha256", "md5"):
            self._file_hash(kind, exact(kind, value))
        else:
            self._opaque(kind, exact(kind, value) if kind in _DIGITS else value.strip())

    def frame(self, raw: bytes, seconds: float, quality: int) -> None:
        """Take one frame's PDQ hash."""
        if len(self._frames) >= self._limits.frames:
            raise ValueError(f"more than {self._limits.frames} frames in one item")
        self._frames.append((seconds, quality, raw))

    def fingerprint(self, fingerprint: Fingerprint) -> None:
        """Take a whole fingerprint; frames taken one by one are then left out."""
        if len(fingerprint) > self._limits.frames:
            raise ValueError(f"more than {self._limits.frames} frames in one item")
        self._fingerprint = fingerprint

    def _file_hash(self, kind: str, value: str) -> None:
        held = getattr(self, f"_{kind}")
        if held not in (None, value):
            self.notes.append(f"a second {kind} was left out")
            return
        setattr(self, f"_{kind}", value)

    def _opaque(self, kind: str, value: str) -> None:
        if len(value) > self._limits.other_chars or not _OPAQUE.fullmatch(value):
            raise ValueError(f"{value[:80]!r} is no {kind} hash")
        if len(self._others) >= self._limits.others:
            self.notes.append(f"hashes beyond {self._limits.others} were left out")
        elif (other := OtherHash(kind, value)) not in self._others:
            self._others.append(other)

    def fields(self) -> dict[str, Any]:
        """The signals, as the fields of an `Item` that hold them.

        Raises:
            FingerprintError: the times of the frames are impossible.
        """
        frames = self._fingerprint
        if frames is None and self._frames:
            seconds, qualities, raw = (list(column) for column in zip(*self._frames, strict=True))
            frames = from_frames(seconds, qualities, raw)
        return {"frames": frames, "sha256": self._sha256, "md5": self._md5, "others": tuple(self._others)}
