"""How near a cut picture is to the stored centre of the picture it was cut from: as it is, and with its edges repeated beyond it.

python -m bench.continuing [CORPUS]
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from bench.common import parser, table, videos
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import paired_distances
from vhashdb.hashing.views import CROPS, Box, Region
from vhashdb.matching import MatchingConfig
from vhashdb.video.decode import plane_of

USABLE = 40
STORED = CROPS[Region.CROP_CLOSE]
LEFT = {
    "65 % of both sides": Box.centred(0.65),
    "60 %": Box.centred(0.60),
    "55 %": Box.centred(0.55),
    "50 %": Box.centred(0.50),
    "a corner of 75 %": Box(0.0, 0.0, 0.75, 0.75),
    "a corner of 71 %": Box(0.0, 0.0, 0.7071, 0.7071),
    "a square of 16:9": Box(0.21875, 0.0, 0.78125, 1.0),
    "4:5 of 16:9": Box(0.275, 0.0, 0.725, 1.0),
}
Luma = npt.NDArray[np.float32]


def main() -> None:
    args = parser(__doc__).parse_args()
    radius = MatchingConfig().radius_bits
    found: dict[str, tuple[list[int], list[int]]] = {name: ([], []) for name in LEFT}
    for path in (*videos(args.corpus / "clips"), *videos(args.corpus / "distractors")[::4]):
        measure(path, found)
    rows = [
        (name, len(ours), *(f"{np.median(bits):.0f}" for bits in both), *(f"{np.mean(np.array(bits) <= radius):.2f}" for bits in both))
        for name, both in found.items()
        for ours in both[:1]
    ]
    heads = ("what is left", "frames", "bits, median", "continued", f"within {radius:.0f} bits", "continued")
    print(table(heads, rows))


def measure(path: Path, found: dict[str, tuple[list[int], list[int]]]) -> None:
    """Add the distances of some frames of one video."""
    with av.open(str(path), metadata_errors="replace") as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 100 != 50:
                continue
            luma = plane_of(frame).astype(np.float32)
            stored, quality = pdq.hash_luma(part(luma, STORED))
            if quality < USABLE:
                continue
            for name, box in LEFT.items():
                shown = Box(
                    max(box.left, STORED.left), max(box.top, STORED.top), min(box.right, STORED.right), min(box.bottom, STORED.bottom)
                )
                for seen, bits in zip((part(luma, shown), continued(luma, shown)), found[name], strict=True):
                    bits.append(int(paired_distances(pdq.hash_luma(seen)[0][None], stored[None])[0]))


def part(luma: Luma, box: Box) -> Luma:
    """Cut out a part."""
    height, width = luma.shape
    return luma[round(box.top * height) : round(box.bottom * height), round(box.left * width) : round(box.right * width)]


def continued(luma: Luma, shown: Box) -> Luma:
    """Cut out the stored centre, of which no more than this is there."""
    height, width = luma.shape
    down = np.clip(
        np.arange(round(STORED.top * height), round(STORED.bottom * height)), round(shown.top * height), round(shown.bottom * height) - 1
    )
    across = np.clip(
        np.arange(round(STORED.left * width), round(STORED.right * width)), round(shown.left * width), round(shown.right * width) - 1
    )
    return np.asarray(luma[down][:, across])


if __name__ == "__main__":
    main()
