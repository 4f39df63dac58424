"""Encode a feed's signed `targets`: where its history stands, what its publisher allows, and which files hold it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from tuf.api.metadata import TargetFile, Targets

from vhashdb.errors import EventInvalid, FeedMalformed, FeedOversize
from vhashdb.exchange import lint
from vhashdb.exchange.events import MAX_SEQ, MAX_SHORT, check_feed_id
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.plain import at_most, fits, from_json, one_of, to_json, within
from vhashdb.exchange.segments import check_sizes
from vhashdb.store.records import MAX_ACTIONS, TLP

FORMAT: Final = 1
FIELD: Final = "vhashdb"
"""Name of this project's part of `targets`."""
_NAME: Final = re.compile(r"(?:segments|snapshots|taxonomy)/[a-z0-9][a-z0-9.-]{0,80}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Policy:
    """A publisher's policy for all records of its feed."""

    tlp: str = "amber"
    max_action: str = "review"
    contact: str = ""
    """Whom to ask, in words: a desk, not a person and not an address."""

    def __post_init__(self) -> None:
        one_of("TLP", self.tlp, TLP)
        one_of("max action", self.max_action, MAX_ACTIONS)
        at_most("contact", self.contact, MAX_SHORT)


@dataclass(frozen=True)
class Custom:
    """Description of one file in `targets`, besides its length and hash."""

    kind: str
    """``segment``: every event from ``first`` to ``last``; ``snapshot``: the lines that count at ``last``; ``taxonomy``."""
    first: int = 0
    last: int = 0
    """Of a taxonomy, its version."""
    raw: int = 0
    """Bytes when decompressed; 0 for what is not compressed."""
    lines: int = 0
    chain: str = ""
    """The chain value after ``last``."""

    def __post_init__(self) -> None:
        for value in (self.first, self.last, self.raw, self.lines):
            within("number", value, 0, MAX_SEQ)
        if self.kind in ("segment", "snapshot"):
            fits("chain value", self.chain, _HASH)
        if self.kind == "segment" and not (1 <= self.first <= self.last and self.lines == self.last - self.first + 1):
            raise EventInvalid(f"{self.lines} lines are no segment from {self.first} to {self.last}")
        if self.kind == "snapshot" and self.lines > self.last:
            raise EventInvalid(f"{self.lines} lines are no snapshot of {self.last} events")


@dataclass(frozen=True)
class File:
    """One file of a feed."""

    path: str
    """As `targets` name it: ``segments/0000000001-0000000512.jsonl.zst``."""
    sha256: str
    length: int
    custom: Custom

    @property
    def stored(self) -> str:
        """Its path below ``targets/``: with its hash in the name, so that a name never changes its content."""
        folder, _, name = self.path.rpartition("/")
        return f"{folder}/{self.sha256}.{name}"

    @property
    def chain(self) -> bytes:
        """The chain value after its last event."""
        return bytes.fromhex(self.custom.chain)


@dataclass(frozen=True)
class _HeadJson:
    seq: int
    chain: str

    def __post_init__(self) -> None:
        within("seq", self.seq, 0, MAX_SEQ)
        fits("chain value", self.chain, _HASH)


@dataclass(frozen=True)
class _FieldJson:
    format: int
    feed: str
    epoch: int
    head: _HeadJson
    policy: Policy

    def __post_init__(self) -> None:
        check_feed_id(self.feed)
        within("epoch", self.epoch, 1, MAX_SEQ)


@dataclass(frozen=True)
class Listing:
    """The content of a feed's `targets`."""

    feed: str
    epoch: int
    """Starts at 1 and grows when history begins anew, after a theft of keys."""
    seq: int
    chain: bytes
    """After the event ``seq``."""
    policy: Policy = Policy()
    files: tuple[File, ...] = field(default=())

    @property
    def segments(self) -> tuple[File, ...]:
        """Files of events, in order."""
        return self._of("segment")

    @property
    def snapshots(self) -> tuple[File, ...]:
        """Files of states, oldest first."""
        return self._of("snapshot")

    @property
    def taxonomy(self) -> File | None:
        """The labels and inclusion criteria in force."""
        return next(reversed(self._of("taxonomy")), None)

    def _of(self, kind: str) -> tuple[File, ...]:
        return tuple(sorted((f for f in self.files if f.custom.kind == kind), key=lambda f: (f.custom.first, f.custom.last)))


def path_of(custom: Custom) -> str:
    """Return the name of a file in `targets`."""
    if custom.kind == "segment":
        return f"segments/{custom.first:010d}-{custom.last:010d}.jsonl.zst"
    if custom.kind == "snapshot":
        return f"snapshots/{custom.last:010d}.jsonl.zst"
    return f"taxonomy/v{custom.last}.json"


def to_targets(listing: Listing, version: int, expires: datetime.datetime) -> Targets:
    """Encode as TUF metadata, still to be signed."""
    lint_policy(listing.policy)
    head = _HeadJson(listing.seq, listing.chain.hex())
    value = _FieldJson(FORMAT, listing.feed, listing.epoch, head, listing.policy)
    files = {f.path: TargetFile(f.length, {"sha256": f.sha256}, f.path, {"custom": to_json(f.custom)}) for f in listing.files}
    return Targets(version=version, expires=expires, targets=files, unrecognized_fields={FIELD: to_json(value)})


def from_targets(targets: Targets, limits: FeedLimits) -> Listing:
    """Read verified metadata.

    Raises:
        FeedMalformed: it is not of a feed, or of a newer format.
        FeedOversize: it lists too many files, or a file that is too large.
    """
    if len(targets.targets) > limits.files:
        raise FeedOversize(f"the feed lists {len(targets.targets)} files; at most {limits.files} are allowed")
    try:
        value: _FieldJson = from_json(_FieldJson, targets.unrecognized_fields.get(FIELD))
        if value.format != FORMAT:
            raise FeedMalformed(f"a feed of format {value.format}; this program knows {FORMAT}", hint="upgrade vhashdb")
        files = tuple(_files(targets.targets.values(), limits))
    except EventInvalid as error:
        raise FeedMalformed(f"the feed's signed list of files is malformed: {error.message}") from error
    return Listing(value.feed, value.epoch, value.head.seq, bytes.fromhex(value.head.chain), value.policy, files)


def _files(targets: Iterable[TargetFile], limits: FeedLimits) -> Iterable[File]:
    for target in targets:
        fits("path of a file", target.path, _NAME)  # before it meets a file system
        sha256 = target.hashes.get("sha256", "")
        fits("SHA-256", sha256, _HASH)
        custom: Any = target.custom
        known: Custom = from_json(Custom, custom)
        check_sizes(target.length, known.raw, limits)
        yield File(target.path, sha256, target.length, known)


def lint_policy(policy: Policy) -> None:
    """Look at the free text of a policy.

    Raises:
        EventInvalid: it says what a feed may not say.
    """
    seen = lint.findings(policy.contact)
    if seen:
        raise EventInvalid(f"the contact contains {', '.join(seen)}", hint="name a desk; exchange addresses over another channel")
