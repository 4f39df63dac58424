"""Other systems that find copies of videos, each behind one small adapter.

An adapter hashes a file and scores one hash against others: 0…1, higher is more alike, 0 for nothing alike at all. Its
``default`` is the score from which the system itself, as documented, calls two videos alike. The libraries are imported when an adapter
is made, so that one that is not installed costs only its own row.
"""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Final

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Hashes = NDArray[np.uint8]
"""Hashes of some frames: packed bits, shape (frames, bytes), or bytes that are numbers, the same shape."""

RADIUS_BITS: Final = 31
"""Of 256: what PDQ's authors call the same picture, and what vPDQ takes."""
QUALITY: Final = 50
"""Under which PDQ's authors leave a picture out."""
ANY: Final = 1e-6
"""As a default: one frame alike is enough."""


class System(ABC):
    """One peer. What `hash` returns is handed back to it and looked at by nobody else."""

    name: ClassVar[str]
    distribution: ClassVar[str]
    """What to install."""
    rule: ClassVar[str]
    """The default in words."""
    default: ClassVar[float]

    @abstractmethod
    def hash(self, path: Path) -> Any:
        """What the system keeps of a video; None if the video shows nothing that it could use."""

    @abstractmethod
    def scores(self, query: Any, references: Sequence[Any]) -> list[float]:
        """How alike a video is to each of some others, from what `hash` returned for each; the same sequence every time."""


class Pairwise(System):
    """A peer that compares two videos at a time."""

    def scores(self, query: Any, references: Sequence[Any]) -> list[float]:
        return [self.score(query, reference) for reference in references]

    @abstractmethod
    def score(self, query: Any, reference: Any) -> float:
        """How alike two videos are."""


class Vpdq(Pairwise):
    """Meta's vPDQ at one frame a second, compared as its README says: 80 % of the reference's frames have to be there."""

    name = "vpdq"
    distribution = "vpdq"
    rule = "80 % of the reference's frames"
    default = 0.8

    def __init__(self) -> None:
        self._compute = import_module("vpdq").computeHash

    def hash(self, path: Path) -> Hashes | None:
        features = self._compute(str(path))
        kept = sorted({f.hex for f in features if f.quality >= QUALITY})
        return np.array([list(bytes.fromhex(h)) for h in kept], np.uint8) if kept else None

    def score(self, query: Hashes, reference: Hashes) -> float:
        return share_found(reference, query)


class VpdqAnyFrame(Vpdq):
    """The same hashes; one pair of frames decides."""

    name = "vpdq-any"
    rule = "one frame within 31 bits"
    default = 1 - RADIUS_BITS / 256

    def score(self, query: Hashes, reference: Hashes) -> float:
        return 1 - int(distances_bits(query, reference).min()) / 256


class ThreatExchange(System):
    """The vPDQ extension of python-threatexchange, whose default is the other way round: 80 % of the query's frames."""

    name = "threatexchange"
    distribution = "threatexchange"
    rule = "80 % of the query's frames"
    default = 0.8

    def __init__(self) -> None:
        self._signal = import_module("threatexchange.extensions.vpdq.vpdq").VPDQSignal
        self._usable = import_module("threatexchange.extensions.vpdq.vpdq_util").prepare_vpdq_feature
        self._indexed: Sequence[str] | None = None

    def hash(self, path: Path) -> str | None:
        made: str = self._signal.hash_from_file(path)
        return made if self._usable(made, QUALITY) else None  # its index refuses videos without a usable frame

    def scores(self, query: str, references: Sequence[str]) -> list[float]:
        if references is not self._indexed:
            entries = ((reference, number) for number, reference in enumerate(references))
            self._index = self._signal.get_index_cls().build(entries, query_match_threshold_pct=0.0, index_match_threshold_pct=0.0)
            self._indexed = references
        found = [0.0] * len(references)
        for match in self._index.query(query):
            found[match.metadata] = match.similarity_info.query_match_percent / 100
        return found


class VideoHash2(Pairwise):
    """One hash of 64 bits for a whole video; needs the ``ffmpeg`` program."""

    name = "videohash2"
    distribution = "videohash2"
    rule = "10 of 64 bits"
    default = 1 - 10 / 64  # is_similar: at most ⌈15 % of 64⌉ bits

    def __init__(self) -> None:
        if shutil.which("ffmpeg") is None:
            raise RuntimeError("needs the ffmpeg program")
        self._hash = import_module("videohash2").VideoHash

    def hash(self, path: Path) -> Hashes:
        with tempfile.TemporaryDirectory() as folder:
            return np.packbits([self._hash(path=str(path.resolve()), storage_path=folder).bitlist], axis=1)

    def score(self, query: Hashes, reference: Hashes) -> float:
        return 1 - int(distances_bits(query, reference).min()) / 64


class PerceptionFramewise(Pairwise):
    """Thorn's perception: frames of enough quality that differ from the first, hashed one by one.

    Settings and threshold are those of its documentation on videos (benchmarking and deduplication).
    """

    name = "perception-framewise"
    distribution = "perception"
    rule = "one frame at a distance under 50"
    furthest = 255 * np.sqrt(144)
    default = 1 - 50 / furthest

    def __init__(self) -> None:
        hashers = import_module("perception.hashers")
        frames = hashers.PHashU8(exclude_first_term=False, freq_shift=1, hash_size=12)
        self._hasher = self.made(hashers, frames)

    def made(self, hashers: Any, frames: Any) -> Any:
        """The hasher of videos, around a hasher of frames."""
        return hashers.FramewiseHasher(frames_per_second=1, frame_hasher=frames, interframe_threshold=50, quality_threshold=90)

    def hash(self, path: Path) -> Hashes | None:
        made = self._hasher.compute(str(path), hash_format="vector")
        return None if made is None or not len(made) else np.atleast_2d(np.asarray(made))

    def score(self, query: Hashes, reference: Hashes) -> float:
        # Its metric, Euclidean distance, of all pairs of frames at once: for one pair at a time its function takes longer than the hash.
        apart = query[:, None].astype(np.float32) - reference[None].astype(np.float32)
        return float(1 - np.sqrt((apart**2).sum(axis=2).min()) / self.furthest)


class PerceptionTmk(PerceptionFramewise):
    """Thorn's perception: the mean hash of all frames (TMK's first level)."""

    name = "perception-tmkl1"
    rule = "means at a distance under 50"

    def made(self, hashers: Any, frames: Any) -> Any:
        return hashers.TMKL1(
            frames_per_second=5, frame_hasher=frames, distance_metric="euclidean", dtype="uint8", norm=None, quality_threshold=90
        )


class PdqFrames(Pairwise):
    """What one would write first: PDQ of one frame a second."""

    name = "pdqhash"
    distribution = "pdqhash"
    rule = "one frame within 31 bits"
    default = ANY

    def __init__(self) -> None:
        self._compute = import_module("pdqhash").compute

    def hash(self, path: Path) -> Hashes | None:
        made = [self._compute(frame) for frame in one_frame_a_second(path)]
        kept = [bits for bits, quality in made if quality >= QUALITY]
        return np.packbits(np.array(kept, np.uint8), axis=1) if kept else None

    def score(self, query: Hashes, reference: Hashes) -> float:
        return share_found(query, reference)


class PHashFrames(PdqFrames):
    """The same with imagehash's phash in 256 bits, which knows no quality."""

    name = "imagehash"
    distribution = "ImageHash"

    def __init__(self) -> None:
        self._phash = import_module("imagehash").phash

    def hash(self, path: Path) -> Hashes | None:
        kept = [self._phash(Image.fromarray(frame), hash_size=16).hash.ravel() for frame in one_frame_a_second(path)]
        return np.packbits(np.array(kept), axis=1) if kept else None


PEERS: Final[Sequence[type[System]]] = (
    Vpdq,
    VpdqAnyFrame,
    ThreatExchange,
    VideoHash2,
    PerceptionFramewise,
    PerceptionTmk,
    PdqFrames,
    PHashFrames,
)


def distances_bits(a: Hashes, b: Hashes) -> NDArray[np.int64]:
    """Bits in which packed hashes differ, shape (frames of a, frames of b)."""
    differing: NDArray[np.int64] = np.bitwise_count(a[:, None] ^ b[None]).sum(axis=2, dtype=np.int64)
    return differing


def share_found(frames: Hashes, others: Hashes) -> float:
    """Share of ``frames`` that have one of ``others`` within `RADIUS_BITS`."""
    return float((distances_bits(frames, others).min(axis=1) <= RADIUS_BITS).mean())


def one_frame_a_second(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The first frame of every second, in RGB, shape (height, width, 3)."""
    with av.open(str(path), metadata_errors="replace") as container:
        due_s = 0.0
        for frame in container.decode(video=0):
            if frame.time >= due_s:
                yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                due_s = np.floor(frame.time) + 1
