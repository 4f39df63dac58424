"""Who counts as one voice: an organisation, under whatever spelling of its name, and whoever holds the same root keys."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from vhashdb.exchange.trust import keys_of
from vhashdb.store.feeds import Feed

_ALIKE: Final = str.maketrans(
    "асԁеһіјӏмоԛрѕтухзкнвαβεικνορτυχω",
    "acdehijlmoqpstyx3khbabeikvoptuxw",
)
"""Letters of other alphabets that are drawn like Latin ones: those of names that pass for another name."""


def skeleton(name: str) -> str:
    """What is left of a name when spellings that look alike are the same."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    return "".join(c for c in text.translate(_ALIKE) if unicodedata.category(c)[0] not in "CMZ")


def voice(member: str, root: bytes, feeds: Iterable[Feed]) -> str:
    """The organisation that a feed belongs to: as given, unless a feed that is known has its root keys or a name like it."""
    keys, looks = keys_of(root), skeleton(member)
    known = sorted(feeds, key=lambda feed: feed.number)
    for feed in known:
        if keys and not keys.isdisjoint(keys_of(feed.root)):
            return feed.member
    return next((feed.member for feed in known if skeleton(feed.member) == looks), member)
