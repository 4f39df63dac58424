"""One video as a file of any format describes it: a neutral value, read from it or to be written to it."""

from __future__ import annotations

import datetime
import hashlib
import uuid
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from vhashdb.codes import VERDICTS
from vhashdb.errors import UsageError
from vhashdb.fingerprints import Fingerprint
from vhashdb.store.records import Details


@dataclass(frozen=True)
class ItemOpinion:
    """One organisation's opinion on an item."""

    by: str
    """The organisation, by name or by number; never a person. Empty if the file does not say."""
    verdict: str
    """One of `VERDICTS`."""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise UsageError(f"{self.verdict!r} is not an opinion", hint=f"known: {', '.join(VERDICTS)}")


@dataclass(frozen=True)
class OtherHash:
    """A hash that is kept for others and that nothing here can compare."""

    algorithm: str
    value: str
    """As text: hexadecimal or base64."""


@dataclass(frozen=True)
class Item:
    """One video, or picture, as a file describes it."""

    number: int
    """Where it stands in the file: the line it begins in, or how many items it is from the start; from 1."""
    external_id: str = ""
    """The id it has where it comes from, if it has one."""
    title: str = ""
    """Another name in the file, such as that of a video: said in answers about this file, and never kept."""
    frames: Fingerprint | None = None
    sha256: str | None = None
    """In lower-case hexadecimal, as is ``md5``."""
    md5: str | None = None
    others: tuple[OtherHash, ...] = ()
    duration_s: float = 0.0
    """Seconds; 0 if the file does not say."""
    details: Details = field(default_factory=Details)
    """Labels, severity, reason and the like, as the file has them. ``source``, ``reshare`` and ``max_action`` are not
    the file's to say."""
    owner: str = ""
    """The organisation that published it."""
    opinions: tuple[ItemOpinion, ...] = ()
    withdrawn: str = ""
    """Why it is withdrawn; empty if it stands."""
    erase: bool = False
    """With a withdrawal: its hashes must be forgotten too."""
    harmless: bool = False
    """It is listed as *not* harmful, so it is an opinion on records that look like it and no record."""
    disputed: bool = False
    """Its source says that opinions differ."""
    doubt: str = ""
    """Why its source wants a person to look first."""
    unread: str = ""
    """Why a person should look first as so little of it could be read."""
    at: datetime.datetime | None = None
    """When its source first published it, UTC without a zone."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Tags that are no labels as they stand, as the file has them, each with the label that it became; empty if it became none."""
    notes: tuple[str, ...] = ()
    """Parts that were left out, in words."""

    @property
    def has_signals(self) -> bool:
        """Whether anything could be found by it."""
        return bool(self.sha256 or self.md5 or self.others or (self.frames is not None and not self.frames.is_empty))

    def with_duration(self) -> Item:
        """Return the item with the length of its frames."""
        return self if self.frames is None else replace(self, duration_s=self.frames.duration_s)

    @property
    def key(self) -> str:
        """Key by which it is remembered: its id, or what it consists of."""
        return self.external_id or f"signals:{self.digest}"

    @property
    def digest(self) -> str:
        """SHA-256 over its signals, in hexadecimal."""
        parts = [f"sha256 {self.sha256}", f"md5 {self.md5}", *sorted(f"{o.algorithm} {o.value}" for o in self.others)]
        digest = hashlib.sha256("\n".join(parts).encode())
        if (f := self.frames) is not None:
            # Not the binary form: what zlib makes of the same hashes may differ from one version to the next.
            digest.update(f"\n{f.algorithm} {len(f)}\n".encode())
            for column in (np.round(f.start_s * 1000).astype("<i8"), f.quality, f.view.astype("<u2"), f.hash):
                digest.update(np.ascontiguousarray(column).tobytes())
            if f.sound is not None:
                digest.update(f"\nsound {f.sound.spec} {round(f.sound.duration_s * 1000)} {len(f.sound)}\n".encode())
                digest.update(f.sound.landmarks.astype("<u8").tobytes())
        return digest.hexdigest()

    @property
    def statement(self) -> str:
        """SHA-256 over everything it says of the video, in hexadecimal: equal if there is nothing new in it."""
        said = (self.digest, self.duration_s, self.details, self.opinions, self.disputed, self.doubt)
        return hashlib.sha256(repr(said).encode()).hexdigest()


@dataclass(frozen=True)
class Refusal:
    """A part of the file that could not be taken."""

    number: int
    """As `Item.number`."""
    reason: str
    """In words."""
    within: bool = False
    """It is a part of an item, which is taken without it and follows."""


@dataclass(frozen=True)
class Remark:
    """Something about the file as a whole that its reader should know; nothing was refused."""

    text: str


Entry = Item | Refusal | Remark
"""Everything that a reader yields."""


# -- who writes a file, for formats that say so ----------------------------------------------------------

_NAMESPACE: Final = uuid.UUID("6b1f6c1e-53f0-5a86-9d0c-3f1f0a5f9c11")
"""Of all ids that are derived from names here, so that the same record has the same id in every file."""


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)


@dataclass(frozen=True)
class Sender:
    """The organisation that writes."""

    organisation: str = "unnamed"
    at: datetime.datetime = field(default_factory=_now)
    """UTC, without a zone."""


def derived_uuid(kind: str, name: str) -> str:
    """Return the UUID of what has that name, always the same."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}\n{name}"))


def derived_key(kind: str, name: str) -> str:
    """Return the UUID of `derived_uuid`, marked with its kind, as STIX has it."""
    return f"{kind}--{derived_uuid(kind, name)}"
