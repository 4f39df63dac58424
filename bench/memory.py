"""Peak memory while an hour of video is fingerprinted, against a minute of it.

    python -m bench.memory [--minutes 60]

The video is drawn and encoded for the run (320 × 180, 25 frames/s, moving texture) and thrown away.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from bench.common import table

WIDTH, HEIGHT, RATE = 320, 180, 25

MEASURED = """
import resource, sys
import vhashdb
fp = vhashdb.fingerprint(sys.argv[1])
from vhashdb.fingerprinting import close_decoders
close_decoders()
parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(fp.duration_s, len(fp), parent, child)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--minutes", type=int, default=60)
    args = options.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for minutes in (1, args.minutes):
            path = Path(folder, f"{minutes}.mp4")
            draw(path, minutes * 60)
            out = subprocess.run([sys.executable, "-c", MEASURED, str(path)], check=True, capture_output=True, text=True).stdout.split()
            duration_s, entries, parent_kb, child_kb = float(out[0]), int(out[1]), int(out[2]), int(out[3])
            rows.append((f"{duration_s / 60:.1f} min", entries, f"{parent_kb / 1024:.0f} MB", f"{child_kb / 1024:.0f} MB"))
    print(table(("video", "stored hashes", "peak, library", "peak, decoder process"), rows))


def draw(path: Path, seconds: int) -> None:
    """Encode a slow pan over a large random texture, with a cut every seven seconds."""
    texture = np.kron(np.random.default_rng(1).integers(0, 256, (60, 90)), np.ones((16, 16))).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "35"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        chroma = np.full((HEIGHT // 2, WIDTH), 128, np.uint8)
        for number in range(seconds * RATE):
            scene, step = divmod(number, 7 * RATE)
            top, left = (scene * 97 + step) % (960 - HEIGHT), (scene * 211 + 2 * step) % (1440 - WIDTH)
            frame = av.VideoFrame.from_ndarray(np.concatenate((texture[top : top + HEIGHT, left : left + WIDTH], chroma)), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    main()
