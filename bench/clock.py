"""How long videos are, here and by ffprobe, where that is installed.

    python -m bench.clock FILE...

ffprobe says what the header has; for streams without times, packets by their rate.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import vhashdb
from bench.common import table
from vhashdb.fingerprints import COARSE_PROFILE
from vhashdb.video import Decoder

_WANTED = "stream=duration,nb_read_packets,r_frame_rate,codec_type:format=duration"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", nargs="+", type=Path)
    args = options.parse_args()
    if shutil.which("ffprobe") is None:
        print("ffprobe is not installed")
        return 1
    with Decoder() as decoder:
        print(
            table(
                ("file", "here, s", "of them pictures", "ffprobe: track", "file", "packets by rate"), [_row(decoder, p) for p in args.files]
            )
        )
    return 0


def _row(decoder: Decoder, path: Path) -> tuple[str, ...]:
    stream = decoder.read(path, COARSE_PROFILE.sampling)
    try:
        for _ in stream:
            pass
        ours = f"{stream.info.duration_s:.2f}", f"{stream.info.coverage.seen_s:.2f}"
    except vhashdb.MediaError as error:
        ours = str(error), ""
    command = ["ffprobe", "-v", "quiet", "-count_packets", "-select_streams", "v", "-show_entries", _WANTED, "-of", "json", str(path)]
    said = json.loads(subprocess.run(command, capture_output=True, check=False).stdout or b"{}")
    track: dict[str, str] = next(iter(said.get("streams", [])), {})
    rate = Fraction(track.get("r_frame_rate", "0/1").replace("/0", "/1"))
    by_rate = f"{int(track.get('nb_read_packets', 0)) / float(rate):.2f}" if rate else ""
    return path.name, *ours, track.get("duration", ""), said.get("format", {}).get("duration", ""), by_rate


if __name__ == "__main__":
    sys.exit(main())
