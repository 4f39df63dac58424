"""Frame algorithms by name: PDQ, and those of the imagehash package.

imagehash brings SciPy and is an extra of vhashdb: it is loaded only when one of its functions is asked for by name.

The name, the number of bits and a spec version form an `AlgorithmId`, which travels with every fingerprint; two
fingerprints are only ever compared when their ids are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from vhashdb.errors import AlgorithmMismatch, UsageError
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import PackedHashes
from vhashdb.hashing.inpainting import Patch
from vhashdb.hashing.pdq import FloatArray
from vhashdb.hashing.view_transforms import box_matrices, orient, region_coefficients
from vhashdb.hashing.views import WHOLE_FRAME, Box, Orientation

if TYPE_CHECKING:
    from imagehash import ImageHash


@dataclass(frozen=True)
class AlgorithmId:
    """Identify an algorithm: two hashes can be compared only if their ids are equal."""

    name: str
    bits: int
    spec: int
    """Version of this project's definition of the algorithm; raised whenever its output changes."""

    def __str__(self) -> str:
        return f"{self.name}-{self.bits}/{self.spec}"

    @property
    def bytes(self) -> int:
        """Bytes of one hash."""
        return self.bits // 8

    def require(self, other: AlgorithmId) -> None:
        """Require that ``other`` is the same algorithm.

        Raises:
            AlgorithmMismatch: it is not.
        """
        if self != other:
            raise AlgorithmMismatch(f"a fingerprint of {other} cannot be used with {self}")


@dataclass(frozen=True)
class RegionPixels:
    """Hold one region of some frames as it is hashed: thumbnails, content box, inpainted patches."""

    thumbnails: FloatArray
    """``(n, 128, 128)`` float32, luma levels: the frames' own, or rotated."""
    box: Box
    patches: tuple[Patch, ...] = ()
    """What is added to the thumbnails first, so that a mask is inpainted."""
    is_turned: bool = False
    """Whether the thumbnails are rotated, so that nothing that was computed from the frames holds for them."""


class FrameAlgorithm(Protocol):
    """Hash regions of sampled frames in several orientations at once."""

    @property
    def id(self) -> AlgorithmId: ...

    def load(self) -> None:
        """Load what hashing needs, before an input is decoded in vain.

        Raises:
            UsageError: it is not installed.
        """
        ...

    def hash_regions(
        self, frames: npt.NDArray[np.void], regions: Sequence[RegionPixels], orientations: Sequence[Orientation]
    ) -> PackedHashes:
        """Hash some regions of some frames.

        Args:
            frames: ``(n,)`` of `vhashdb.video.frames.FRAME_DTYPE`.
            regions: one or more, of these frames.
            orientations: one or more.

        Returns:
            ``(len(regions), len(orientations), n, bytes)`` uint8.
        """
        ...

    def hash_image(self, image: Image.Image) -> PackedHashes:
        """Hash one full-size picture: ``(bytes,)`` uint8."""
        ...


class Pdq:
    """Compute PDQ, bit-compatible with the reference implementation; see `vhashdb.hashing.pdq`."""

    id: Final = AlgorithmId("pdq", pdq.BITS, 1)

    def load(self) -> None:
        """Do nothing: it needs NumPy alone."""

    def hash_regions(
        self, frames: npt.NDArray[np.void], regions: Sequence[RegionPixels], orientations: Sequence[Orientation]
    ) -> PackedHashes:
        height, width = int(frames["height"][0]), int(frames["width"][0])
        coefficients = np.stack([_coefficients(frames, seen, height, width) for seen in regions])
        flat = coefficients.reshape(-1, pdq.SIDE, pdq.SIDE)
        hashes = [pdq.bits_of(orient(flat, o)).reshape(len(regions), len(frames), self.id.bytes) for o in orientations]
        return np.stack(hashes, axis=1)

    def hash_image(self, image: Image.Image) -> PackedHashes:
        return pdq.hash_luma(pdq.luma_of_rgb(np.asarray(image.convert("RGB"))))[0]


class ImageHashAlgorithm:
    """Compute one of imagehash's functions at a given ``hash_size``.

    For video frames the function is applied to the 128 × 128 thumbnail instead of the full-size picture, which costs about a
    hundredth and changes a few bits; `hash_image` is exactly imagehash's own result.
    """

    def __init__(self, name: str, bits: int) -> None:
        side = math.isqrt(max(bits, 0))
        if bits < 8 or side * side != bits or bits % 8 or (name == "whash" and side & (side - 1)):
            raise UsageError(f"{name} cannot have {bits} bits", hint="use 64, 256 or 1024 bits")
        self.id = AlgorithmId(name, bits, 1)
        self._side = side

    def load(self) -> None:
        self._function()

    def hash_regions(
        self, frames: npt.NDArray[np.void], regions: Sequence[RegionPixels], orientations: Sequence[Orientation]
    ) -> PackedHashes:
        hashes = [[[self.hash_image(_turned(p, o)) for p in _pictures(seen)] for o in orientations] for seen in regions]
        return np.array(hashes, np.uint8).reshape(len(regions), len(orientations), len(frames), self.id.bytes)

    def hash_image(self, image: Image.Image) -> PackedHashes:
        return from_imagehash(self._function()(image, hash_size=self._side))

    def _function(self) -> Callable[..., ImageHash]:
        try:
            import imagehash
        except ImportError as error:
            message = f"the algorithm {self.id.name} needs imagehash, which is not installed"
            raise UsageError(message, hint='pip install "vhashdb[imagehash]", or use pdq') from error
        function: Callable[..., ImageHash] = getattr(imagehash, self.id.name)
        return function


class PdqHash:
    """The PDQ hash of one picture, to be compared with others.

    It can be used like an `imagehash.ImageHash`, and together with one: ``str(a)`` is the hash in hexadecimal, ``a - b`` the
    number of bits that differ, ``a == b`` whether none does, and ``a.hash`` has the bits, ``(16, 16)`` bool.
    """

    def __init__(self, packed: PackedHashes) -> None:
        self.hash: npt.NDArray[np.bool_] = np.unpackbits(packed).astype(bool).reshape(pdq.SIDE, pdq.SIDE)

    def __str__(self) -> str:
        return np.packbits(self.hash).tobytes().hex()

    def __repr__(self) -> str:
        return f"PdqHash({self})"

    def __sub__(self, other: PdqHash | ImageHash) -> int:
        if self.hash.shape != other.hash.shape:
            raise TypeError(f"hashes of {self.hash.size} and {other.hash.size} bits cannot be compared")
        return int(np.count_nonzero(self.hash != other.hash))

    def __eq__(self, other: object) -> bool:
        bits = getattr(other, "hash", None)
        return isinstance(bits, np.ndarray) and np.array_equal(self.hash, bits)

    def __hash__(self) -> int:
        return hash(self.hash.tobytes())

    def __len__(self) -> int:
        return self.hash.size


IMAGEHASH_NAMES: Final = ("phash", "dhash", "whash", "average_hash")
NAMES: Final = ("pdq", *IMAGEHASH_NAMES)
"""Names of the frame algorithms; all but the first need imagehash."""


def get_algorithm(name: str = "pdq", bits: int = 256) -> FrameAlgorithm:
    """Return the algorithm of a name and a number of bits.

    Raises:
        UsageError: there is no such algorithm, or not with so many bits.
    """
    if name == "pdq":
        if bits != pdq.BITS:
            raise UsageError(f"pdq has {pdq.BITS} bits, not {bits}")
        return Pdq()
    if name in IMAGEHASH_NAMES:
        return ImageHashAlgorithm(name, bits)
    raise UsageError(f"unknown algorithm {name!r}", hint=f"known: {', '.join(NAMES)}")


def from_imagehash(value: Any) -> PackedHashes:
    """Pack an `imagehash.ImageHash` of any size: ``(bytes,)`` uint8."""
    return np.packbits(np.asarray(value.hash, bool).ravel())


def to_imagehash(packed: PackedHashes) -> ImageHash:
    """Convert a packed hash ``(bytes,)`` into an `imagehash.ImageHash`, whose text is the hash's hexadecimal form."""
    import imagehash  # is there: it has just made the hash

    bits = np.unpackbits(packed).astype(bool)
    side = math.isqrt(len(bits))
    return imagehash.ImageHash(bits.reshape(side, side))


def _coefficients(frames: npt.NDArray[np.void], seen: RegionPixels, height: int, width: int) -> FloatArray:
    """Compute the PDQ coefficients of one region: ``(n, 16, 16)`` float32."""
    # Those of the whole picture are exact: computed from the full-size picture while it was there.
    whole = seen.box == WHOLE_FRAME and not seen.is_turned
    coefficients: FloatArray = frames["coefficients"] if whole else region_coefficients(seen.thumbnails, seen.box, height, width)
    if seen.patches:
        rows, columns = box_matrices(seen.thumbnails.shape[1], seen.box, height, width)
        # The transform is linear, so a patch costs no more than its own points.
        coefficients = coefficients + sum(rows[:, p.rows] @ p.change @ columns[:, p.columns].T for p in seen.patches)
    return coefficients


def _pictures(seen: RegionPixels) -> list[Image.Image]:
    """Cut one region out as pictures of the thumbnails' size."""
    thumbnails, side, box = seen.thumbnails, seen.thumbnails.shape[1], seen.box
    if seen.patches:
        thumbnails = thumbnails.copy()
        for patch in seen.patches:
            thumbnails[:, patch.rows, patch.columns] += patch.change
    beyond = max(0, math.ceil(side * max(-box.left, -box.top, box.right - 1, box.bottom - 1)))
    thumbnails = np.pad(thumbnails, ((0, 0), (beyond, beyond), (beyond, beyond)), mode="edge")
    area = (box.left * side + beyond, box.top * side + beyond, box.right * side + beyond, box.bottom * side + beyond)
    return [Image.fromarray(s.astype(np.uint8)).resize((side, side), Image.Resampling.BILINEAR, box=area) for s in thumbnails]


def _turned(picture: Image.Image, orientation: Orientation) -> Image.Image:
    if orientation & 4:
        picture = picture.transpose(Image.Transpose.TRANSPOSE)
    if orientation & 1:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if orientation & 2:
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    return picture
