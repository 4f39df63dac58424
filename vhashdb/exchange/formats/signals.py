"""Names and values of hashes, as many exchanges spell them, put together to the signals of one item."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from vhashdb.exchange.formats.frames import Frame, frame_of_row, rows_of_text
from vhashdb.exchange.formats.item import OtherHash
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.model import ordered
from vhashdb.fingerprints.text import from_frames, pdq_bytes, quoted

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
_NAMED: Final = 3
"""Frames that could not be read of which it is said why; the others are counted."""
_MUCH: Final = 0.5
"""Share of frames that cannot be read, over which a person should look at what is left."""
_OPAQUE: Final = re.compile(r"[A-Za-z0-9+/=:_.,-]+")


def kind_of(name: str) -> str | None:
    """Return the kind of hash that a name stands for in any exchange, or None."""
    return _KINDS.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def exact(kind: str, text: str) -> str:
    """Read a hash of a whole file, in lower-case hexadecimal.

    Raises:
        ValueError: it does not have the digits of its kind.
    """
    value = text.strip().lower()
    if len(value) != _DIGITS[kind] or not _HEX.fullmatch(value):
        raise ValueError(f"{kind} has {_DIGITS[kind]} hexadecimal digits, not {quoted(text)}")
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
        self._notes: list[str] = []
        self._bad = 0
        self._why: list[str] = []

    @property
    def notes(self) -> list[str]:
        """Signals that were left out, in words."""
        if not self._bad:
            return self._notes
        more = f"; and {self._bad - len(self._why)} more" if self._bad > len(self._why) else ""
        return [*self._notes, f"{self._bad} of {self._bad + len(self)} frames were left out: {'; '.join(self._why)}{more}"]

    @property
    def unread(self) -> str:
        """Why so little of the frames was read that a person should look first; empty if enough was."""
        total = self._bad + len(self)
        return f"{self._bad} of its {total} frames cannot be read" if self._bad > _MUCH * total else ""

    def add(self, name: str, value: str) -> None:
        """Take one hash.

        Raises:
            ValueError: its kind is not known, or it is not one of that kind.
        """
        kind = kind_of(name)
        if kind is None:
            raise ValueError(f"{quoted(name)} is no kind of hash that is kept")
        if kind == "pdq":
            self.frame((0.0, 100, pdq_bytes(value)))
        elif kind == "vpdq":
            self.rows(rows_of_text(value))
        elif kind in ("sha256", "md5"):
            self._file_hash(kind, exact(kind, value))
        else:
            self._opaque(kind, exact(kind, value) if kind in _DIGITS else value.strip())

    def rows(self, rows: list[object]) -> None:
        """Take the frames of a video, ``pdq,quality,seconds`` each."""
        for number, row in enumerate(rows, start=1):
            self.attempt(f"frame {number}", lambda row=row: frame_of_row(row, self._limits))  # type: ignore[misc]

    def attempt(self, place: str, read: Callable[[], Frame]) -> str:
        """Take a frame, or leave it out and note why; the reason, empty if it was taken."""
        try:
            self.frame(read())
            return ""
        except ValueError as error:
            reason = str(error)
        except (TypeError, KeyError, AttributeError, IndexError):
            reason = "it has not the parts of a frame"
        self.left_out(place, reason)
        return reason

    def left_out(self, place: str, reason: str) -> None:
        """Count a frame that cannot be read."""
        self._bad += 1
        if len(self._why) < _NAMED:
            self._why.append(f"{place}: {reason}" if place else reason)

    def frame(self, frame: Frame) -> None:
        """Take one frame's PDQ hash."""
        if len(self._frames) >= self._limits.frames:
            raise ValueError(f"more than {self._limits.frames} frames in one item")
        self._frames.append(frame)

    def fingerprint(self, fingerprint: Fingerprint, bad: Mapping[int, str] | None = None) -> None:
        """Take a whole fingerprint, and what of it could not be read, by number; frames taken one by one are then left out."""
        if len(fingerprint) > self._limits.frames:
            raise ValueError(f"more than {self._limits.frames} frames in one item")
        if fingerprint.sound is not None and len(fingerprint.sound) > self._limits.landmarks:
            raise ValueError(f"more than {self._limits.landmarks} landmarks of the sound in one item")
        for number, reason in (bad or {}).items():
            self.left_out(f"frame {number}", reason)
        # The order of entries is relied on, and nobody has checked a stranger's.
        self._fingerprint = ordered(fingerprint)

    def __len__(self) -> int:
        """Frames that were taken."""
        return len(self._fingerprint if self._fingerprint is not None else self._frames)

    def __bool__(self) -> bool:
        return True

    def _file_hash(self, kind: str, value: str) -> None:
        held = getattr(self, f"_{kind}")
        if held not in (None, value):
            self._notes.append(f"a second {kind} was left out")
            return
        setattr(self, f"_{kind}", value)

    def _opaque(self, kind: str, value: str) -> None:
        if len(value) > self._limits.other_chars or not _OPAQUE.fullmatch(value):
            raise ValueError(f"{quoted(value)} is no {kind} hash")
        if len(self._others) >= self._limits.others:
            self._notes.append(f"hashes beyond {self._limits.others} were left out")
        elif (other := OtherHash(kind, value)) not in self._others:
            self._others.append(other)

    def fields(self) -> dict[str, Any]:
        """Return the signals, as the fields of an `Item` that hold them.

        Raises:
            ValueError: there are frames, and none of them can be read; there is nothing else.
        """
        frames = self._fingerprint
        heard = frames is not None and frames.sound
        if self._bad and not len(self) and not (heard or self._sha256 or self._md5 or self._others):
            raise ValueError(f"none of its {self._bad} frames can be read: {'; '.join(self._why)}")
        if frames is None and self._frames:
            seconds, qualities, raw = (list(column) for column in zip(*self._frames, strict=True))
            frames = from_frames(seconds, qualities, raw)
        return {"frames": frames, "sha256": self._sha256, "md5": self._md5, "others": tuple(self._others), "unread": self.unread}
