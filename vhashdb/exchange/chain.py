r"""The chain over a feed's lines: proof that history was only appended to.

::

    leaf(n)  = sha256(line n, without its newline)
    chain(n) = sha256(chain(n - 1) ‖ leaf(n))
    chain(0) = sha256("vhashdb-feed-v1\n" ‖ feed id)

A line that was erased leaves its leaf behind, so the chain does not change. How lines are cut into files does not matter.
"""

from __future__ import annotations

import hashlib
from typing import Final

from vhashdb.exchange.events import Event, Redacted, check_feed_id

_SEED: Final = b"vhashdb-feed-v1\n"
SIZE: Final = 32
"""Bytes of a leaf and of a chain value."""


def start(feed_id: str) -> bytes:
    """Return ``chain(0)`` of a feed."""
    return hashlib.sha256(_SEED + check_feed_id(feed_id).encode("ascii")).digest()


def leaf(line: bytes, event: Event) -> bytes:
    """Return the hash that a line contributes to the chain, which an erased line left behind."""
    return bytes.fromhex(event.leaf) if isinstance(event, Redacted) else hashlib.sha256(line).digest()


def extend(chain: bytes, leaf: bytes) -> bytes:
    """Return ``chain(n)`` from ``chain(n - 1)`` and ``leaf(n)``."""
    return hashlib.sha256(chain + leaf).digest()
