"""Make the fingerprints of one query, each when it is first wanted: no more is decoded than the question needs."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from PIL.Image import Image

from vhashdb.fingerprinting import Built, build, rebuild
from vhashdb.fingerprints import ExtractionProfile, Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId, FrameAlgorithm
from vhashdb.limits import Limits
from vhashdb.opening import OpenFile
from vhashdb.sound import ASKED, SPEC, LandmarkBuilder
from vhashdb.version import __version__
from vhashdb.video import DecoderPool, FrameBatch, Mode

_DECIDING: Final = ("av", "numpy", "pillow")
"""Packages of which another version may read other pictures from the same file."""


class Cache(Protocol):
    """Keeps the fingerprints of queries; `vhashdb.store.cache.FingerprintCache` is one."""

    def fingerprint(self, sha256: str, key: str) -> Fingerprint | None:
        """Return what was kept for the file with this hash, if anything was."""

    def keep_fingerprint(self, sha256: str, key: str, fingerprint: Fingerprint) -> None:
        """Keep it."""


def cache_key(algorithm: AlgorithmId, profile: ExtractionProfile, limits: Limits, *, hears: bool = False) -> str:
    """Return a name for everything but the file that a query's fingerprint depends on, the software included."""
    sound = repr((SPEC, ASKED)) if hears else "no sound"
    return hashlib.sha256("\n".join((_software(), str(algorithm), profile.text, repr(limits), sound)).encode()).hexdigest()


@functools.cache
def _software() -> str:
    return " ".join((__version__, *(f"{name} {importlib.metadata.version(name)}" for name in _DECIDING)))


class QueryFingerprinter:
    """Fingerprints one file or picture. Frames decoded for one fingerprint serve the next, if the video is short and sampled alike."""

    def __init__(
        self,
        source: OpenFile | Image,
        frame_algorithm: FrameAlgorithm,
        decoders: DecoderPool,
        limits: Limits,
        *,
        sha256: str | None = None,
        cache: Cache | None = None,
        hears: bool = False,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Nothing is read yet. Fingerprints are kept under ``sha256``; without it, or without a cache, each is made.

        With ``hears`` they have the sound as well, except those of keyframes alone: reading all of it would be most of their cost.
        ``progress`` is called as `vhashdb.fingerprinting.build` does, in each pass over the file.
        """
        self._progress = progress
        self._source, self._algorithm, self._decoders, self._limits = source, frame_algorithm, decoders, limits
        self._sha256, self._cache, self._hears = sha256, cache, hears
        self._built: Built | None = None
        self.decode_cpu_s = 0.0
        """Spent so far."""

    def fingerprint(self, profile: ExtractionProfile) -> Fingerprint:
        """Return the fingerprint that a profile asks for.

        Raises:
            MediaError: the input cannot be read.
        """
        found = self._kept(profile)
        if found is None:
            found = rebuild(self._built, profile, self._algorithm) if self._built else None
            if found is None:
                (found,) = self._made([profile])
            self._keep(profile, found)
        return found

    def frames(self, profile: ExtractionProfile) -> FrameBatch:
        """Return the frames that a profile samples, some of them if the video is long; decoded again only if nothing is kept of them.

        Raises:
            MediaError: the input cannot be read.
        """
        if self._built is None or self._built.kept.sampling != profile.sampling:
            self._made([profile])
        assert self._built is not None
        return self._built.kept.frames

    def require_unchanged(self) -> None:
        """Check that nobody wrote to the file since it was opened.

        Raises:
            UnreadableMedia: somebody did.
        """
        if isinstance(self._source, OpenFile):
            self._source.require_unchanged()

    def _made(self, profiles: Sequence[ExtractionProfile]) -> list[Fingerprint]:
        listener = LandmarkBuilder(ASKED) if self.listens_to(profiles[0]) else None
        self._built = build(self._source, profiles, self._algorithm, self._decoders, self._limits, listener, self._progress)
        self.decode_cpu_s += self._built.decode_cpu_s
        return list(self._built.fingerprints)

    def listens_to(self, profile: ExtractionProfile) -> bool:
        """Return whether the fingerprint that a profile asks for has the sound, if there is any."""
        return self._hears and profile.sampling.mode is not Mode.KEYFRAMES

    def _key(self, profile: ExtractionProfile) -> str:
        return cache_key(self._algorithm.id, profile, self._limits, hears=self.listens_to(profile))

    def _kept(self, profile: ExtractionProfile) -> Fingerprint | None:
        if self._cache is None or self._sha256 is None:
            return None
        return self._cache.fingerprint(self._sha256, self._key(profile))

    def _keep(self, profile: ExtractionProfile, fingerprint: Fingerprint) -> None:
        unchanged = not isinstance(self._source, OpenFile) or self._source.unchanged
        if self._cache is not None and self._sha256 is not None and unchanged:
            self._cache.keep_fingerprint(self._sha256, self._key(profile), fingerprint)
