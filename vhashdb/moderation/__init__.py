"""Decide what a match may lead to without a person, and which records wait for one. Pure: `vhashdb.store.moderation` reads the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.moderation.allow_list import AllowList, Canaries
    from vhashdb.moderation.policy import Action, ActionCap, FeedStatus, FeedTrust
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "allow_list": "AllowList Canaries",
            "policy": "Action ActionCap FeedStatus FeedTrust",
        },
    )

__all__ = [
    "Action",
    "ActionCap",
    "AllowList",
    "Canaries",
    "FeedStatus",
    "FeedTrust",
]
