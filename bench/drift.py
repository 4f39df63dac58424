"""How far the hash of a part of the picture, computed from the 128 × 128 thumbnail, is from PDQ of the cut-out picture.

python -m bench.drift [CORPUS]
"""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from bench.common import parser, table, videos
from vhashdb.hashing import pdq
from vhashdb.hashing.bits import paired_distances
from vhashdb.hashing.view_transforms import region_coefficients
from vhashdb.hashing.views import Box
from vhashdb.video.decode import plane_of, thumbnail_of

USABLE = 80


def main() -> None:
    args = parser(__doc__).parse_args()
    found: dict[float, list[int]] = {side: [] for side in (1.0, 0.94, 0.88, 0.75, 0.5, 0.3)}
    for path in videos(args.corpus / "clips"):
        measure(path, found)
    rows = [(f"{side:.0%}", len(bits), f"{np.mean(bits):.1f}", f"{np.percentile(bits, 95):.0f}") for side, bits in found.items()]
    print(table(("side of the centre", "frames", "bits, mean", "95th percentile"), rows))


def measure(path: Path, found: dict[float, list[int]]) -> None:
    """Add the distances of some frames of one video."""
    scaler = VideoReformatter()
    with av.open(str(path), metadata_errors="replace") as container:
        for number, frame in enumerate(container.decode(video=0)):
            luma = plane_of(frame)
            if number % 60 != 30 or pdq.hash_luma(luma)[1] < USABLE:
                continue
            height, width = luma.shape
            thumbnail = thumbnail_of(frame, scaler)
            for side, bits in found.items():
                box = Box.centred(side)
                part = luma[round(box.top * height) : round(box.bottom * height), round(box.left * width) : round(box.right * width)]
                seen = pdq.bits_of(region_coefficients(thumbnail[None].astype(np.float32), box, height, width))
                bits.append(int(paired_distances(seen, pdq.hash_luma(part)[0][None])[0]))


if __name__ == "__main__":
    main()
