"""The roster of a federation: who is a member, with which feeds and roots of trust. Pure.

A roster is the document that a feed without events pins as its taxonomy, so it is signed, expires and cannot be rolled back
like everything else::

    {"members": [{"member": "acme.example", "feed": "acme-tvec", "url": "https://feeds.acme.example/tvec", "root": "<base64>"}],
     "labels": {"graphic-violence": "what is included, in words"}}
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.errors import EventInvalid, FeedMalformed
from vhashdb.exchange.events import check_feed_id

MAX_MEMBERS: Final = 2_000
MAX_MEMBER: Final = 120
MAX_URL: Final = 2_000
MAX_ROOT_BYTES: Final = 512 << 10
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that move the cursor, turn or break the line, show nothing, or are half a character."""
_MEMBER: Final = re.compile(r"\S(?:.*\S)?")


@dataclass(frozen=True)
class Member:
    """One feed of one member."""

    member: str
    """The organisation; all its feeds count once."""
    feed: str
    url: str
    root: bytes
    """The first root metadata, as the federation compared it."""


def to_bytes(members: Iterable[Member], labels: dict[str, str] | None = None) -> bytes:
    """Return the document that a federation publishes."""
    listed = [{"member": m.member, "feed": m.feed, "url": m.url, "root": base64.b64encode(m.root).decode()} for m in members]
    return json.dumps({"members": listed, "labels": labels or {}}, sort_keys=True, indent=1).encode()


def from_bytes(data: bytes) -> tuple[Member, ...]:
    """Return the members in a document.

    Raises:
        FeedMalformed: it is not of that form, or names a feed twice.
    """
    try:
        listed = json.loads(data)["members"]
        if not isinstance(listed, list) or len(listed) > MAX_MEMBERS:
            raise FeedMalformed(f"the roster does not list up to {MAX_MEMBERS} members")
        members = tuple(_member(entry) for entry in listed)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, FeedMalformed):
            raise
        raise FeedMalformed(f"the roster is malformed: {error}") from error
    if len({m.feed for m in members}) != len(members):
        raise FeedMalformed("the roster names a feed twice")
    return members


def labels_in(data: bytes) -> dict[str, str]:
    """Return the federation's labels in words, of a document that `from_bytes` has read."""
    labels = json.loads(data).get("labels")
    return {str(label): str(words) for label, words in labels.items()} if isinstance(labels, dict) else {}


def _member(entry: Any) -> Member:
    name, feed, url, root = (entry[field] for field in ("member", "feed", "url", "root"))
    if not all(isinstance(value, str) for value in (name, feed, url, root)):
        raise FeedMalformed("a member of the roster has a field that is not text")
    if any(unicodedata.category(c) in _UNSEEN for c in name + url):
        raise FeedMalformed("a member of the roster has a name or an address with characters that cannot be shown")
    if len(name) > MAX_MEMBER or not _MEMBER.fullmatch(name) or not 1 <= len(url) <= MAX_URL or len(root) > 2 * MAX_ROOT_BYTES:
        raise FeedMalformed("a member of the roster has a name, an address or a root that is empty or too long")
    try:
        return Member(name, check_feed_id(feed), url, base64.b64decode(root, validate=True))
    except (binascii.Error, EventInvalid) as error:
        raise FeedMalformed(f"a member of the roster is malformed: {error}") from error
