"""One recorded video: plain values, checked when they are made."""

from __future__ import annotations

import datetime
import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from vhashdb.codes import LOCAL
from vhashdb.errors import UsageError
from vhashdb.json_values import json_value

SEVERITIES: Final = ("unspecified", "low", "medium", "high", "extreme")
"""How grave what a record shows is, from the least."""
ORIGINS: Final = ("own_review", "user_report", "authority_request", "court_order", "trusted_flagger")
"""What led to a record."""
REVIEW_METHODS: Final = ("unspecified", "human", "human_assisted", "automatic")
"""How a record was reviewed before it was added."""
MAX_ACTIONS: Final = ("log", "review", "block")
"""The most that a record itself allows without a person, from the least."""
TLP: Final = ("clear", "green", "amber", "amber+strict", "red")
"""Traffic light protocol: whom a record may be passed on to, from everybody to nobody."""
MAX_REASON: Final = 280
EXPIRED: Final = "it has expired, so it never matches"
"""Note on a record whose last day was over when it was added."""

_T = TypeVar("_T", bound=str)
_LABEL: Final = re.compile(r"[a-z0-9]+(?:[-_.:/][a-z0-9]+)*")
_MAX_LABEL: Final = 64
_CODE: Final = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


class State(enum.StrEnum):
    """State of a record."""

    ACTIVE = "active"
    HELD = "held"
    """Waits for a person: matches, but never triggers more than a review."""
    DISPUTED = "disputed"
    """Opinions differ: matches, but never triggers more than a review."""
    RETRACTED = "retracted"
    """Withdrawn: never matches again, kept so that it cannot come back unnoticed."""


@dataclass(frozen=True)
class Details:
    """Statements by people about a record. All of it can be left out; ``max_action`` is ``review`` unless raised."""

    labels: tuple[str, ...] = ()
    severity: str = "unspecified"
    reason: str = ""
    """Why it is here, in words, at most 280 characters."""
    reason_code: str = ""
    """The reason as a code of the federation's taxonomy."""
    origin: str = "own_review"
    """Origin of the decision; one of `ORIGINS`."""
    policy: str = ""
    law: str = ""
    review_method: str = "unspecified"
    reviewers: int = 0
    """Number of people who looked at it."""
    max_action: str = "review"
    """The most that a match may lead to without a person."""
    source: str = LOCAL
    """Who published it: ``local``, or a feed's id."""
    tlp: str = "amber"
    reshare: bool = True
    """Whether it may be passed on; False for everything that was imported."""
    first_seen: datetime.date | None = None
    review_by: datetime.date | None = None
    expires: datetime.date | None = None

    def __post_init__(self) -> None:
        for label in texts("labels", self.labels):
            check_label(label)
        if list(self.labels) != sorted(set(self.labels)):
            object.__setattr__(self, "labels", tuple(sorted(set(self.labels))))
        _one_of("severity", self.severity, SEVERITIES)
        _one_of("origin of the basis", self.origin, ORIGINS)
        _one_of("review method", self.review_method, REVIEW_METHODS)
        _one_of("max action", self.max_action, MAX_ACTIONS)
        _one_of("TLP", self.tlp, TLP)
        if len(self.reason) > MAX_REASON:
            raise UsageError(f"the reason has {len(self.reason)} characters; at most {MAX_REASON} are allowed", hint="shorten it")
        if self.reason_code and not _CODE.fullmatch(self.reason_code):
            raise UsageError(f"{self.reason_code!r} is not a reason code", hint="use lower-case words joined by hyphens")
        for name in ("reason", "policy", "law", "source"):
            if any("\ud800" <= character <= "\udfff" for character in getattr(self, name)):
                raise UsageError(f"the {name} is not valid text: it has half of a character", hint="write it in UTF-8")
        if self.reviewers < 0:
            raise UsageError("the number of reviewers cannot be negative", hint="give how many people looked at it")

    def expired(self, today: datetime.date) -> bool:
        """Tell whether it has stopped matching."""
        return self.expires is not None and self.expires < today


@dataclass(frozen=True)
class NewRecord:
    """A record that is about to be added: what it is, apart from what people say about it."""

    duration_s: float
    sha256: str | None = None
    md5: str | None = None
    details: Details = field(default_factory=Details)


@dataclass(frozen=True)
class Record:
    """One known video as it stands in the database."""

    id: str
    """Random, 128 bits in hexadecimal."""
    state: State
    revision: int
    """Starts at 1 and grows by one with every change."""
    duration_s: float
    sha256: str | None
    """Of the file it was made from, in hexadecimal."""
    md5: str | None
    added_at: datetime.datetime
    details: Details
    near: tuple[str, ...] = ()
    """Ids of records that it was found to be a near duplicate of."""
    has_sound: bool = False
    """Whether copies of it are found by their sound too."""
    shared_id: str = ""
    """``FEED:RID``, by which everybody who follows the feed can name it; empty if it is in no feed and none is published from here."""
    videos: tuple[str, ...] = field(default=(), compare=False)
    """Ids of the videos that it shows, the one that it is whole or a clip of first; none while it is not grouped. They change with
    what else is recorded."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Kinds of harm that it shows."""
        return self.details.labels

    @property
    def reason(self) -> str:
        """Why it is here, in words."""
        return self.details.reason

    def in_force(self, today: datetime.date) -> bool:
        """Return whether it may match: neither retracted nor past its time."""
        return self.state is not State.RETRACTED and not self.details.expired(today)

    @property
    def short_id(self) -> str:
        """The first characters of the id, for people."""
        return self.id[:8]

    def to_json(self) -> dict[str, Any]:
        """Return it with all that people said of it: a `record`."""
        facts = ("shared_id", "state", "revision", "duration_s", "sha256", "md5", "added_at")
        value = {"type": "record", "record": self.id} | {name: getattr(self, name) for name in facts}
        value |= vars(self.details) | {name: getattr(self, name) for name in ("labels", "near", "has_sound", "videos")}
        return {name: json_value(each) for name, each in value.items()}


@dataclass(frozen=True)
class Selection:
    """Which records count: those that have every label, and one of each of the others that are given."""

    labels: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    states: tuple[State, ...] = ()

    def __post_init__(self) -> None:
        for what in ("labels", "severities", "sources", "states"):
            texts(what, getattr(self, what))
        for severity in self.severities:
            _one_of("severity", severity, SEVERITIES)

    def allows(self, record: Record) -> bool:
        """Tell whether a record counts."""
        details = record.details
        given = ((self.severities, details.severity), (self.sources, details.source), (self.states, record.state))
        return set(self.labels) <= set(details.labels) and all(not some or value in some for some, value in given)


class RecordChanged(UsageError):
    """A record was changed by somebody since its revision was read."""

    hint = "read the record again, and decide whether the change is still right"


def texts(what: str, values: Sequence[_T]) -> Sequence[_T]:
    """Check the values, and return them.

    Raises:
        UsageError: they are one text, each letter of which would be taken for one.
    """
    if isinstance(values, str | bytes):
        raise UsageError(f"{what} must be several texts, not one: {values!r}", hint=f"write [{str(values)!r}]")
    return values


def check_label(label: str) -> str:
    """Check the label, and return it.

    Raises:
        UsageError: it is not lower-case words of letters and digits joined by ``- _ . : /``, of at most 64 characters.
    """
    if len(label) > _MAX_LABEL or not _LABEL.fullmatch(label):
        raise UsageError(f"{label!r} is not a label", hint="use lower-case words joined by hyphens, such as graphic-violence")
    return label


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{value!r} is not a {what}", hint=f"known: {', '.join(known)}")
