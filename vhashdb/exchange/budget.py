"""Bound the cost of one feed: seconds of waiting, bytes received, and requests. Everything that waits for a feed asks here.

The time is counted step by step. A *step* is one thing waited for: the head of an answer with everything before it, or the
next block of its body. It ends at its own limit or at the feed's, whichever comes first, in whatever bits the other side
sends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from vhashdb.errors import FeedOversize
from vhashdb.exchange.limits import FeedLimits


class Budget:
    """The bounds of one feed, being used up. For one thread at a time."""

    def __init__(self, limits: FeedLimits) -> None:
        self._limits = limits
        self._ends = self._step_s = 0.0
        self._step_bytes = 0
        self.renew()

    def renew(self) -> None:
        """Begin anew, as each refresh of a feed does."""
        self._seconds_left = self._limits.feed_s
        self._bytes_left = self._limits.received_bytes
        self._requests_left = self._limits.requests

    @contextlib.contextmanager
    def step(self, seconds: float) -> Iterator[None]:
        """Wait for one thing: at most so many seconds, and at most ``overhead_bytes`` that are not the thing itself."""
        started = time.monotonic()
        self._step_s = min(seconds, self._seconds_left)
        self._ends = started + self._step_s
        self._step_bytes = self._limits.overhead_bytes
        try:
            yield
        finally:
            self._seconds_left -= time.monotonic() - started

    def remaining_s(self) -> float:
        """Return the seconds that the step may still take.

        Raises:
            TimeoutError: none.
        """
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError(self.too_long)
        return left

    @property
    def too_long(self) -> str:
        """Which limit on time was reached, in words."""
        if self._step_s >= self._seconds_left:
            return f"the feed took longer than the {self._limits.feed_s:g} s that are allowed"
        return f"nothing whole came within {self._step_s:g} s"

    def received(self, count: int) -> None:
        """Count received bytes.

        Raises:
            FeedOversize: more than the step or the feed may have.
        """
        self._step_bytes -= count
        self._bytes_left -= count
        if self._step_bytes < 0:
            raise FeedOversize(f"the server sends more than {self._limits.overhead_bytes} bytes around what was asked for")
        if self._bytes_left < 0:
            raise FeedOversize(f"the feed sent more than the {self._limits.received_bytes} bytes that are allowed")

    def asked(self) -> None:
        """Count one more request.

        Raises:
            FeedOversize: one too many.
        """
        self._requests_left -= 1
        if self._requests_left < 0:
            raise FeedOversize(f"the feed takes more than the {self._limits.requests} requests that are allowed")
