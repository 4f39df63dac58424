"""Tell independent organisations apart: several feeds of one, and names that only look different, count once. Pure."""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable
from typing import Final, Protocol

_LOOK_ALIKE: Final = str.maketrans(
    {
        **dict(zip("авеіјкмнорсԁһԛѕтухԝѵ", "abeijkmhopcdhqstyxwv", strict=True)),  # Cyrillic
        **dict(zip("αβεηικνορτυχωγ", "abeniknoptuxwy", strict=True)),  # Greek
        **dict(zip("0135", "oles", strict=True)),
        **dict(zip("іiı|", "llll", strict=True)),
    }
)
"""Letters and digits of a folded name that look like others, as the others."""
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))


class KnownFeed(Protocol):
    """A feed whose organisation is known, as `vhashdb.store.feeds.Feed` has it."""

    @property
    def number(self) -> int:
        """Smaller for a feed that has been known longer."""

    @property
    def id(self) -> str:
        """The feed's id."""

    @property
    def member(self) -> str:
        """The organisation, as it calls itself."""

    @property
    def root(self) -> bytes:
        """The root metadata that was trusted first; empty for one's own feed."""


def skeleton(name: str) -> str:
    """Reduce an organisation's name to its skeleton: without everything that a reader may overlook (cf. Unicode UTS 39)."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    bare = "".join(letter for letter in folded.translate(_LOOK_ALIKE) if unicodedata.category(letter)[0] in "LN")
    for pair, one in _PAIRS:
        bare = bare.replace(pair, one)
    return bare or name


def independent_organisations(speakers: Iterable[tuple[str, str, bytes]]) -> dict[str, str]:
    """Return the independent organisation of each feed: the name of the first one that it cannot be told from.

    Args:
        speakers: the id, the organisation and the first root metadata of each feed, those known longest first. Feeds are of
            one organisation if their organisations look alike, or if one key is in the roots of both.
    """
    found: dict[str, str] = {}
    known: dict[str, str] = {}
    for feed, member, root in speakers:
        marks = {"name " + skeleton(member), *("key " + key for key in keys_of(root))}
        organisation = next((known[mark] for mark in sorted(marks) if mark in known), member)
        found[feed] = organisation
        for mark in marks:
            known.setdefault(mark, organisation)
    return found


def organisation_of(member: str, root: bytes, feeds: Iterable[KnownFeed]) -> str:
    """Return the organisation that a new feed belongs to: as given, unless it cannot be told from that of a feed that is known."""
    known = [(feed.id, feed.member, feed.root) for feed in sorted(feeds, key=lambda feed: feed.number)]
    return independent_organisations([*known, ("", member, root)])[""]


@functools.lru_cache(maxsize=4096)
def keys_of(root: bytes) -> frozenset[str]:
    """Return the public keys in the metadata of a root; empty if there are none to be read."""
    try:
        keys = json.loads(root)["signed"]["keys"].values() if root else ()
        return frozenset("".join(str(key["keyval"]["public"]).split()).lower() for key in keys)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()
