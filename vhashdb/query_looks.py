"""The looks at one input: fingerprints as the plans of an effort make them, each made when it is first wanted."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
from collections.abc import Sequence
from typing import Final, Protocol

from PIL.Image import Image

from vhashdb.errors import UnreadableMedia
from vhashdb.fingerprinting import Built, build, rebuild
from vhashdb.fingerprints import ExtractionProfile, Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId, FrameAlgorithm
from vhashdb.limits import Limits
from vhashdb.opening import OpenFile
from vhashdb.version import __version__
from vhashdb.video import DecoderPool

_DECIDING: Final = ("av", "numpy", "pillow")
"""Packages whose other version may read other pictures from the same file."""


class Remembered(Protocol):
    """Looks that were made before; `vhashdb.store.cache.FingerprintCache` is one."""

    def look(self, sha256: str, recipe: str) -> Fingerprint | None:
        """What a recipe made of the file with this hash, if it is known."""

    def keep_look(self, sha256: str, recipe: str, fingerprint: Fingerprint) -> None:
        """Remember it."""


def recipe(algorithm: AlgorithmId, plan: ExtractionProfile, limits: Limits) -> str:
    """A name for everything but the file that a look depends on, the software included."""
    return hashlib.sha256("\n".join((_software(), str(algorithm), plan.text, repr(limits))).encode()).hexdigest()


@functools.cache
def _software() -> str:
    return " ".join((__version__, *(f"{name} {importlib.metadata.version(name)}" for name in _DECIDING)))


class QueryLooks:
    """At one file or picture. What was decoded for one look serves the next one, if it is short and sampled alike."""

    def __init__(
        self,
        source: OpenFile | Image,
        frame_algorithm: FrameAlgorithm,
        decoders: DecoderPool,
        limits: Limits,
        *,
        sha256: str | None = None,
        remembered: Remembered | None = None,
    ) -> None:
        """Nothing is read yet. Looks are remembered under ``sha256``; without it, or without a memory, each is made."""
        self._source, self._algorithm, self._decoders, self._limits = source, frame_algorithm, decoders, limits
        self._sha256, self._remembered = sha256, remembered
        self._built: Built | None = None
        self.decode_cpu_s = 0.0
        """Spent so far."""

    def at(self, plan: ExtractionProfile) -> Fingerprint:
        """The look that a plan takes.

        Raises:
            MediaError: the input cannot be read.
        """
        known = self._known(plan)
        if known is None:
            known = rebuild(self._built, plan, self._algorithm) if self._built else None
            if known is None:
                (known,) = self._made([plan])
            self._keep(plan, known)
        return known

    def all(self, plans: Sequence[ExtractionProfile]) -> list[Fingerprint]:
        """The looks that several plans take, the frames being decoded once for those that sample alike.

        One that finds no picture is left out, unless it is the last: a file need not have keyframes.

        Raises:
            MediaError: the input cannot be read.
        """
        looks = [self._known(plan) for plan in plans]
        missing = [number for number, look in enumerate(looks) if look is None]
        if len({plans[number].sampling for number in missing}) == 1:
            for number, made in zip(missing, self._made([plans[number] for number in missing]), strict=True):
                looks[number] = made
                self._keep(plans[number], made)
        else:
            for number in missing:
                with contextlib.suppress(*(() if number == len(plans) - 1 else (UnreadableMedia,))):
                    looks[number] = self.at(plans[number])
        return [look for look in looks if look is not None]

    def require_unchanged(self) -> None:
        """Raises: UnreadableMedia: somebody wrote to the file since it was opened."""
        if isinstance(self._source, OpenFile):
            self._source.require_unchanged()

    def _made(self, plans: Sequence[ExtractionProfile]) -> list[Fingerprint]:
        self._built = build(self._source, plans, self._algorithm, self._decoders, self._limits)
        self.decode_cpu_s += self._built.decode_cpu_s
        return list(self._built.fingerprints)

    def _known(self, plan: ExtractionProfile) -> Fingerprint | None:
        if self._remembered is None or self._sha256 is None:
            return None
        return self._remembered.look(self._sha256, recipe(self._algorithm.id, plan, self._limits))

    def _keep(self, plan: ExtractionProfile, fingerprint: Fingerprint) -> None:
        unchanged = not isinstance(self._source, OpenFile) or self._source.unchanged
        if self._remembered is not None and self._sha256 is not None and unchanged:
            self._remembered.keep_look(self._sha256, recipe(self._algorithm.id, plan, self._limits), fingerprint)
