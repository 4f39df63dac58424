"""Make fingerprints of an input: decode it once, and build from the same frames."""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from vhashdb.errors import UsageError
from vhashdb.fingerprints import (
    EVERY_FRAME_PROFILE,
    QUERY_PROFILE,
    REFERENCE_PROFILE,
    REFERENCE_PROFILE_WITH_SQUARES,
    ExtractionProfile,
    Fingerprint,
    FingerprintBuilder,
)
from vhashdb.hashing.algorithms import FrameAlgorithm, Pdq, PdqHash, get_algorithm, to_imagehash
from vhashdb.inputs import Source, as_file, as_image
from vhashdb.limits import Limits
from vhashdb.opening import OpenFile
from vhashdb.sound import ASKED, STORED, LandmarkBuilder, SoundFingerprint
from vhashdb.video import FRAME_DTYPE, DecoderPool, FrameBatch, Sampling, SoundBlock, VideoInfo, frames_of_image

if TYPE_CHECKING:
    from imagehash import ImageHash

PROFILES: Final = {"reference": REFERENCE_PROFILE, "squares": REFERENCE_PROFILE_WITH_SQUARES, "query": QUERY_PROFILE}
"""The extraction profiles that `fingerprint` takes by name."""


MAX_KEPT_FRAMES: Final = 600
"""Frames kept of one video. Engineering bound: 10 MB, 200 s at three frames a second."""


@dataclass(frozen=True)
class Built:
    """Hold the fingerprints of one pass over one input."""

    fingerprints: tuple[Fingerprint, ...]
    info: VideoInfo
    decode_cpu_s: float
    kept: KeptFrames
    """The frames of that pass, or some of them if they are many."""


class KeptFrames:
    """Keep the frames of a short video, so that another profile with the same sampling need not decode it again; some of a long one."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._batches: list[FrameBatch] = []
        self._count = 0
        self._held = 0
        self._step = 1

    @property
    def complete(self) -> bool:
        """Whether all frames are here."""
        return self._count > 0 and self._step == 1

    @property
    def frames(self) -> FrameBatch:
        """All frames of a short video, or `MAX_KEPT_FRAMES` / 2 and more of a long one, evenly spread: ``(n,)``."""
        return np.concatenate(self._batches) if self._batches else np.zeros(0, FRAME_DTYPE)

    def passing(self, batches: Iterable[FrameBatch]) -> Iterator[FrameBatch]:
        """Yield batches as they come, and keep them while they are few; of more, every second one, every fourth and so on."""
        for batch in batches:
            self._keep(batch if self._step == 1 else batch[-self._count % self._step :: self._step])
            self._count += len(batch)
            yield batch

    def _keep(self, batch: FrameBatch) -> None:
        if len(batch):
            self._batches.append(batch)
            self._held += len(batch)
        while self._held > MAX_KEPT_FRAMES:
            self._batches = [self.frames[::2].copy()]
            self._held = len(self._batches[0])
            self._step *= 2

    def __iter__(self) -> Iterator[FrameBatch]:
        return iter(self._batches)


class SoundListener(Protocol):
    """Make a fingerprint of sound from its samples, as they come."""

    def feed(self, track: int, start_s: float, samples: npt.NDArray[np.int16]) -> None:
        """Take some seconds of one track: ``(n,)`` int16, `vhashdb.sound.SAMPLE_RATE` a second.

        What comes of one track is in order and does not overlap; where there is a gap, there is no sound in it. Tracks alternate.
        """

    def finish(self) -> SoundFingerprint:
        """Return the fingerprint of all that was fed."""


def build(
    source: Source | OpenFile,
    profiles: Sequence[ExtractionProfile],
    frame_algorithm: FrameAlgorithm,
    pool: DecoderPool,
    limits: Limits,
    listener: SoundListener | None = None,
    progress: Callable[[float], None] | None = None,
) -> Built:
    """Decode once, as the first profile samples, and build a fingerprint for each profile from the same frames.

    With a ``listener``, which takes one file, sound is decoded in the same pass. All fingerprints have what it made of that, or None if
    there is no sound; of a file without pictures they have nothing else. ``progress`` is called now and then with the second of the
    file up to which pictures were decoded.

    Raises:
        MediaError: the input cannot be read, or has only sound and there is no listener.
        UsageError: the algorithm needs what is not installed.
    """
    frame_algorithm.load()
    kept = KeptFrames(profiles[0].sampling)
    image = None if isinstance(source, OpenFile) else as_image(source)
    if image is not None:
        batch, info = frames_of_image(image)
        return Built(_fingerprints(kept.passing([batch]), lambda: info, profiles, frame_algorithm), info, 0.0, kept)
    with as_file(source, limits) as file, pool.decoder() as decoder:
        stream = decoder.read(file, profiles[0].sampling, None if listener is None else partial(_feed, listener))
        with closing(iter(stream)) as batches:  # also after an error, so that the rest of a file is not taken for the next one
            made = _fingerprints(_watched(kept.passing(batches), progress), lambda: stream.info, profiles, frame_algorithm)
        if listener is not None and any(track.seen_s for track in stream.info.coverage.sounds):
            sound = listener.finish()
            made = tuple(replace(fingerprint, sound=sound) for fingerprint in made)
        return Built(made, stream.info, stream.cpu_s, kept)


def _watched(batches: Iterable[FrameBatch], progress: Callable[[float], None] | None) -> Iterator[FrameBatch]:
    for batch in batches:
        yield batch
        if progress is not None and len(batch):
            progress(float(batch["time_s"][-1]))


def _feed(listener: SoundListener, block: SoundBlock) -> None:
    listener.feed(block.track, block.start_s, block.samples)


def rebuild(built: Built, profile: ExtractionProfile, frame_algorithm: FrameAlgorithm) -> Fingerprint | None:
    """Build another fingerprint from the frames and the sound that were kept; None if too few were, or the profile samples others."""
    if not built.kept.complete or built.kept.sampling != profile.sampling:
        return None
    made = _fingerprints(built.kept, lambda: built.info, [profile], frame_algorithm)[0]
    return replace(made, sound=built.fingerprints[0].sound)


def fingerprint(
    source: Source,
    *,
    views: str = "reference",
    algorithm: str = "pdq",
    bits: int = 256,
    sound: bool = True,
    limits: Limits | None = None,
) -> Fingerprint:
    """Fingerprint a video or a picture; no database is needed.

    Args:
        source: a path, a PIL picture, a uint8 array ``(h, w[, 3])``, or a binary file object.
        views: ``"reference"``, what a database stores; ``"squares"``, what one made with squares stores; or ``"query"``, what
            both are searched with.
        algorithm: ``"pdq"``, or one of imagehash's ``"phash"``, ``"dhash"``, ``"whash"``, ``"average_hash"``, which need
            ``pip install "vhashdb[imagehash]"``.
        bits: of one hash; 256 for PDQ.
        sound: whether to listen as well, so that a file with sound alone has a fingerprint.
        limits: bounds on what the input may cost.

    Raises:
        MediaError: the input cannot be read, or has no pictures and is not listened to; the subclass says why.

    Example::

        fp = vhashdb.fingerprint("a.mp4")
        print(fp.duration_s, len(fp), fp.damage)
    """
    limits = limits or Limits()
    if views not in PROFILES:
        raise UsageError(f"{views!r} is no set of views", hint=f"known: {', '.join(PROFILES)}")
    listener = LandmarkBuilder(ASKED if views == "query" else STORED) if sound else None
    return build(source, [PROFILES[views]], get_algorithm(algorithm, bits), _pool(limits), limits, listener).fingerprints[0]


def hash_image(image: Image.Image, *, algorithm: str = "pdq", bits: int = 256) -> PdqHash | ImageHash:
    """Hash one picture; the hash's text is its hexadecimal form.

    Returns:
        With ``"pdq"`` a `PdqHash`, equal to the reference implementation's; with the others imagehash's own `imagehash.ImageHash`.
        Both subtract, compare and print alike, also with each other.

    Raises:
        UsageError: no such algorithm, or it needs imagehash, which is not installed.

    Example::

        a, b = (vhashdb.hash_image(Image.open(name)) for name in ("a.png", "b.png"))
        print(a, a - b)
    """
    chosen = get_algorithm(algorithm, bits)
    packed = chosen.hash_image(image)
    return PdqHash(packed) if isinstance(chosen, Pdq) else to_imagehash(packed)


def every_frame(source: Source, *, limits: Limits | None = None) -> Fingerprint:
    """Compute PDQ of every single frame of the whole picture, as vPDQ does (`vhashdb.to_vpdq` writes it)."""
    limits = limits or Limits()
    return build(source, [EVERY_FRAME_PROFILE], get_algorithm("pdq"), _pool(limits), limits).fingerprints[0]


def fingerprints_of_one_pass(
    source: Source, profiles: Sequence[ExtractionProfile], *, limits: Limits | None = None
) -> tuple[Fingerprint, ...]:
    """Make PDQ fingerprints of pictures, one for each profile, of the frames that the first profile samples; sound is not listened to.

    Raises:
        MediaError: the input cannot be read, or has no pictures.
    """
    limits = limits or Limits()
    return build(source, profiles, get_algorithm("pdq"), _pool(limits), limits).fingerprints


def _fingerprints(
    batches: Iterable[FrameBatch], info: Callable[[], VideoInfo], profiles: Sequence[ExtractionProfile], frame_algorithm: FrameAlgorithm
) -> tuple[Fingerprint, ...]:
    """Build one fingerprint for each profile; ``info`` is called when the batches have ended."""
    builders = [FingerprintBuilder(frame_algorithm, profile) for profile in profiles]
    for batch in batches:
        for builder in builders:
            builder.feed(batch)
    return tuple(builder.finish(info()) for builder in builders)


def close_decoders() -> None:
    """End the decoder processes that are kept warm for the next call of `fingerprint` or the next database; more start when needed."""
    for pool in _pools.values():
        pool.close()
    DecoderPool.close_kept()


def _pool(limits: Limits) -> DecoderPool:
    """Return the decoders for these limits, kept warm until the program ends."""
    return _pools.setdefault(limits, DecoderPool(limits))


_pools: dict[Limits, DecoderPool] = {}
atexit.register(close_decoders)
