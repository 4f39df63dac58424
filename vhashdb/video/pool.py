"""Decoders for several threads, kept warm from one database to the next."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator
from typing import ClassVar

from vhashdb.limits import Limits
from vhashdb.video.decoder import Decoder


class DecoderPool:
    """Keep as many decoders warm as are in use at once, and lend them to threads one at a time.

    When a pool is closed, one idle decoder is kept for the next pool with the same limits, until the program ends: whoever
    opens and closes databases does not start a process each time.
    """

    _kept: ClassVar[dict[Limits, Decoder]] = {}

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._free: list[Decoder] = []
        self._all: list[Decoder] = []

    @contextlib.contextmanager
    def decoder(self) -> Iterator[Decoder]:
        """Borrow a decoder; the one returned last comes first, because it is the warmest."""
        try:
            decoder = self._free.pop()
        except IndexError:
            kept = self._kept.pop(self._limits, None)  # in one step: threads of other pools take from it too
            decoder = Decoder(self._limits) if kept is None else kept
            self._all.append(decoder)
        try:
            yield decoder
        finally:  # a pass that was left open is ended when the next one begins
            self._free.append(decoder)

    def warm(self, count: int) -> None:
        """Start so many decoder processes now, so that the first files do not wait for them."""
        with contextlib.ExitStack() as borrowed:
            for _ in range(count):
                borrowed.enter_context(self.decoder()).warm()

    @property
    def restarts(self) -> int:
        """How many of its processes ended without being told to."""
        return sum(decoder.restarts for decoder in tuple(self._all))

    def close(self) -> None:
        """End all processes but one idle one, also busy ones: whoever waits for one gets a `DecoderFailed`."""
        kept = self._kept.setdefault(self._limits, self._free.pop()) if self._free else None
        for decoder in self._all:
            if decoder is not kept:
                decoder.close()
        self._all, self._free = [], []

    @classmethod
    def close_kept(cls) -> None:
        """End the idle decoders that closed pools left."""
        while cls._kept:
            cls._kept.popitem()[1].close()


atexit.register(DecoderPool.close_kept)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=DecoderPool._kept.clear)  # they answer to the parent
