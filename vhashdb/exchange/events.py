"""The events of a feed: plain values, checked when they are made, and the one line of bytes that each of them is.

The schema is closed (``docs/feed-format.md``): there is no field for a URL, an account, a file name or an address. A
line is a JSON object in UTF-8 with sorted keys and without spaces or a newline::

    line = encode(7, Retract(rid="0123456789abcdef0123456789abcdef", rev=2, reason="appeal", at=now))
    seq, event = decode(line)

Reading is lenient where history must go on: an operation of the future is `Unknown`, a known one that breaks the schema
is `Malformed`; both keep their place in the chain and do nothing else.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from vhashdb.codes import BASES, LOCAL, RETRACTION_REASONS, VERDICTS
from vhashdb.errors import EventInvalid, FeedMalformed, UsageError
from vhashdb.exchange.plain import at_most, fits, from_json, of_type, one_of, strict_json, to_json, within
from vhashdb.store.records import MAX_ACTIONS, MAX_REASON, ORIGINS, REVIEW_METHODS, SEVERITIES, TLP, check_label

EXCEPTIONS: Final = ("news", "counterspeech", "research", "art", "evidence")
FILE_HASHES: Final = {"md5": 32, "sha1": 40, "sha256": 64}
"""Signals that are a hash of the whole file, with the hexadecimal digits of each."""
_FILE_HASHES: Final = {name: re.compile(f"[0-9a-f]{{{digits}}}") for name, digits in FILE_HASHES.items()}

MAX_SEQ: Final = 2**53 - 1
"""Largest integer that every JSON reader holds exactly."""
MAX_DURATION_MS: Final = 4_000_000_000
MAX_NOTE: Final = 1000
"""Characters of a note."""
MAX_SHORT: Final = 120
"""Characters of a policy's or a law's name."""
MAX_LABELS: Final = 32
MAX_SIGNALS: Final = 16
"""Labels and signals of one event."""

_RID: Final = re.compile(r"[0-9a-f]{32}")
_FEED_ID: Final = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+(?:[-.][a-z0-9]+)*")
_ALGORITHM: Final = re.compile(r"(?=.{1,32}\Z)[a-z0-9]+(?:-[a-z0-9]+)*")
_CODE: Final = re.compile(r"(?=.{0,64}\Z)(?:[a-z0-9]+(?:[-_.][a-z0-9]+)*)?")
_DATA: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=-"
"""Characters of hexadecimal and base64: no sentence and no address can be written with them."""
_JURISDICTION: Final = re.compile(r"(?:[A-Z]{2}(?:-[A-Z0-9]{1,3})?)?")
_MONTH: Final = re.compile(r"(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])")
_LEAF: Final = re.compile(r"[0-9a-f]{64}")
RESERVED: Final = frozenset({LOCAL, "federations"})
"""Names that no feed may have: people here as they are named in the database, and a folder beside those of feeds."""


def check_feed_id(name: str) -> str:
    """Check an id, and return it.

    Raises:
        EventInvalid: it is not lower-case words of letters and digits joined by ``-`` or ``.``, of at most 64 characters, or
            is a word that stands for something else.
    """
    fits("feed id", name, _FEED_ID)
    if name in RESERVED:
        raise EventInvalid(f"no feed may call itself {name!r}, which has another meaning here", hint="choose another id for the feed")
    return name


def _identified(rid: str, rev: int = 1) -> None:
    fits("rid", rid, _RID)
    within("rev", rev, 1, MAX_SEQ)


def _some_signals(signals: tuple[Signal, ...]) -> None:
    if not 1 <= len(signals) <= MAX_SIGNALS:
        raise EventInvalid(f"{len(signals)} signals; 1 to {MAX_SIGNALS} are allowed")


@functools.lru_cache(1000)
def _label(label: str) -> None:
    try:
        check_label(label)
    except UsageError as error:
        raise EventInvalid(error.message, hint=error.hint) from error


@dataclass(frozen=True)
class Signal:
    """One fingerprint of the video: frame hashes (`vhashdb.exchange.signals`), a hash of the file, or another algorithm's text."""

    alg: str
    data: str
    """Hexadecimal or base64."""
    bits: int = 256
    """Of one hash."""
    spec: int = 1
    """Version of the algorithm's definition; signals of different versions are never compared."""

    def __post_init__(self) -> None:
        fits("algorithm", self.alg, _ALGORITHM)
        within("spec", self.spec, 0, 10_000)
        within("bits", self.bits, 0, 1 << 16)
        if not self.data or self.data.encode(errors="replace").translate(None, _DATA):
            raise EventInvalid(f"{self.data[:80]!a} is neither hexadecimal nor base64")
        form = _FILE_HASHES.get(self.alg)
        if form and not form.fullmatch(self.data):
            raise EventInvalid(f"{self.alg} is not {FILE_HASHES[self.alg]} lower-case hexadecimal digits")


@dataclass(frozen=True)
class Reason:
    """Why: a code of the federation's taxonomy, and words."""

    code: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        fits("reason code", self.code, _CODE)
        at_most("reason", self.text, MAX_REASON)


@dataclass(frozen=True)
class Basis:
    """Basis of the decision to list a record."""

    origin: str = "own_review"
    policy: str = ""
    law: str = ""
    jurisdiction: str = ""
    """A code of ISO 3166, or EU."""

    def __post_init__(self) -> None:
        one_of("origin", self.origin, ORIGINS)
        at_most("policy", self.policy, MAX_SHORT)
        at_most("law", self.law, MAX_SHORT)
        fits("jurisdiction", self.jurisdiction, _JURISDICTION)


@dataclass(frozen=True)
class Review:
    """Who looked, and at what."""

    method: str = "unspecified"
    reviewers: int = 0
    at: datetime.date | None = None
    saw_content: bool = False

    def __post_init__(self) -> None:
        one_of("review method", self.method, REVIEW_METHODS)
        within("number of reviewers", self.reviewers, 0, 1000)


@dataclass(frozen=True)
class Handling:
    """The most that a match may lead to, and uses to which that does not apply."""

    max_action: str = "review"
    exceptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        one_of("max action", self.max_action, MAX_ACTIONS)
        for exception in self.exceptions:
            one_of("exception", exception, EXCEPTIONS)


@dataclass(frozen=True)
class Share:
    """Whom it may be passed on to."""

    tlp: str = "amber"
    reshare: bool = False

    def __post_init__(self) -> None:
        one_of("TLP", self.tlp, TLP)


@dataclass(frozen=True)
class Subject:
    """The record that an opinion is about, in whichever feed."""

    feed: str
    rid: str
    rev: int

    def __post_init__(self) -> None:
        check_feed_id(self.feed)
        _identified(self.rid, self.rev)


@dataclass(frozen=True)
class Put:
    """A record's whole state; of several for one ``rid``, the highest ``rev`` counts."""

    rid: str
    """Random, 128 bits in hexadecimal."""
    rev: int
    signals: tuple[Signal, ...]
    duration_ms: int = 0
    labels: tuple[str, ...] = ()
    severity: str = "unspecified"
    reason: Reason = Reason()
    basis: Basis = Basis()
    review: Review = Review()
    handling: Handling = Handling()
    share: Share = Share()
    first_seen: str | None = None
    """A month, ``2026-11``: a day could point at a person."""
    review_by: datetime.date | None = None
    expires: datetime.date | None = None
    test: bool = False
    """Made for trying out the exchange; never matches."""
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        _identified(self.rid, self.rev)
        _some_signals(self.signals)
        within("duration", self.duration_ms, 0, MAX_DURATION_MS)
        if len(self.labels) > MAX_LABELS:
            raise EventInvalid(f"{len(self.labels)} labels; at most {MAX_LABELS} are allowed")
        for label in self.labels:
            _label(label)
        one_of("severity", self.severity, SEVERITIES)
        if self.first_seen is not None:
            fits("month", self.first_seen, _MONTH)


@dataclass(frozen=True)
class Retract:
    """A record is withdrawn. With ``erase``, everyone blanks its content as well, and the ``rid`` never comes back."""

    rid: str
    rev: int
    """Higher than that of the record."""
    reason: str
    erase: bool = False
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        _identified(self.rid, self.rev)
        one_of("reason of a retraction", self.reason, RETRACTION_REASONS)


@dataclass(frozen=True)
class Opinion:
    """The publisher's opinion on a record; its latest one counts."""

    on: Subject
    verdict: str
    basis: str = "metadata"
    reason: str = ""
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        one_of("verdict", self.verdict, VERDICTS)
        one_of("basis of an opinion", self.basis, BASES)
        at_most("reason", self.reason, MAX_REASON)


@dataclass(frozen=True)
class Allow:
    """Signals that must never lead to an automatic action: intros of news, logos, test cards, counter-speech."""

    rid: str
    signals: tuple[Signal, ...]
    duration_ms: int = 0
    reason: Reason = Reason()
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        _identified(self.rid)
        _some_signals(self.signals)
        within("duration", self.duration_ms, 0, MAX_DURATION_MS)


@dataclass(frozen=True)
class RevokeAllow:
    """Takes an `Allow` back."""

    rid: str
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        _identified(self.rid)


@dataclass(frozen=True)
class SharedId:
    """A record, in whichever feed."""

    feed: str
    rid: str

    def __post_init__(self) -> None:
        check_feed_id(self.feed)
        _identified(self.rid)


@dataclass(frozen=True)
class SameVideo:
    """A record of this feed shows the same video as another one, of this feed or of another."""

    rid: str
    other: SharedId
    same: bool = True
    """False takes back what was said before."""
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        _identified(self.rid)


@dataclass(frozen=True)
class Note:
    """Words for the people on the other side."""

    text: str = ""
    at: datetime.datetime | None = None

    def __post_init__(self) -> None:
        at_most("note", self.text, MAX_NOTE)


@dataclass(frozen=True)
class Redacted:
    """Where the `Put` of an erased record stood; ``leaf`` keeps its place in the chain. Legal only before its `Retract`."""

    rid: str
    leaf: str
    """SHA-256 of the line that stood here, in hexadecimal."""

    def __post_init__(self) -> None:
        _identified(self.rid)
        fits("leaf", self.leaf, _LEAF)


@dataclass(frozen=True)
class Unknown:
    """An operation of a newer version: counted into the chain, otherwise ignored."""

    op: str


@dataclass(frozen=True)
class Malformed:
    """A known operation that breaks the schema: counted, skipped and reported."""

    op: str
    why: str


Written: TypeAlias = Put | Retract | Opinion | Allow | RevokeAllow | SameVideo | Note | Redacted
"""Events that a publisher writes."""
Event: TypeAlias = Written | Unknown | Malformed
"""Events that a consumer reads."""

OPERATIONS: Final[dict[str, type[Any]]] = {
    "put": Put, "retract": Retract, "opinion": Opinion, "allow": Allow, "revoke_allow": RevokeAllow, "same_video": SameVideo,
    "note": Note,
}  # fmt: skip
_NAMES: Final = {kind: name for name, kind in OPERATIONS.items()}


# -- bytes -----------------------------------------------------------------------------------------


def encode(seq: int, event: Written) -> bytes:
    """Return the line of an event, without a newline.

    Raises:
        EventInvalid: ``seq`` is out of range, the event has no time, or a text is not valid Unicode.
    """
    within("seq", seq, 1, MAX_SEQ)
    if isinstance(event, Redacted):
        value: dict[str, Any] = {"seq": seq, "rid": event.rid, "redacted": event.leaf}
    elif event.at is None:
        raise EventInvalid(f"the {_NAMES[type(event)]} of seq {seq} has no time")
    else:
        value = to_json(event) | {"seq": seq, "op": _NAMES[type(event)]}
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise EventInvalid(f"a text of seq {seq} is not valid Unicode") from error


def decode(line: bytes) -> tuple[int, Event]:
    """Return the sequence number and the event of one line without its newline.

    Raises:
        FeedMalformed: not a JSON object with a sequence number; without one the line has no place in history.
    """
    try:
        value = strict_json(line)
    except (ValueError, RecursionError) as error:
        raise FeedMalformed(f"a line is not JSON in UTF-8: {error}") from error
    seq = value.get("seq") if isinstance(value, dict) else None
    if type(seq) is not int or not 1 <= seq <= MAX_SEQ:
        raise FeedMalformed("a line has no sequence number")
    op = value.get("op")
    if "redacted" in value and op is None:
        return seq, _checked("redacted", lambda: Redacted(rid=of_type(value.get("rid"), str), leaf=of_type(value["redacted"], str)))
    if not isinstance(op, str):
        return seq, Malformed("", "no operation")
    kind = OPERATIONS.get(op)
    if kind is None:
        return seq, Unknown(op)
    if "at" not in value:
        return seq, Malformed(op, "no time")
    return seq, _checked(op, lambda: from_json(kind, value))


def _checked(op: str, make: Callable[[], Event]) -> Event:
    try:
        return make()
    except EventInvalid as error:
        return Malformed(op, error.message)
