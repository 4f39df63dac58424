"""What listening costs: questions and references with sound against the same without it, in one run, in processor seconds.

    python -m bench.sound_cost [CORPUS] [--repeat N]

Sounds are laid under the videos as AAC of 96 kbit/s. Every figure is the median over the repeats of a ratio of sums over the files. Needs
the ``ffmpeg`` program.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import vhashdb
from bench.common import parser, table, videos
from bench.sound_witness import laid
from bench.speed import Timer, ratio
from vhashdb.fingerprinting import build
from vhashdb.fingerprints import REFERENCE_PROFILE
from vhashdb.hashing.algorithms import Pdq
from vhashdb.limits import Limits
from vhashdb.sound import LandmarkBuilder
from vhashdb.video import DecoderPool


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repeat", type=int, default=3)
    args = options.parse_args()
    sounds, pool = videos(args.corpus / "sound"), DecoderPool(Limits())
    with tempfile.TemporaryDirectory() as name, vhashdb.create(Path(name, "cost.vhdb")) as db:
        folder = Path(name)
        for path in laid_all(videos(args.corpus / "clips"), sounds[::2], folder / "known"):
            db.add(path)
        large = [path for path in videos(args.corpus / "reference") if path.suffix == ".mp4"]
        rows = []
        for what, files in (
            ("innocent, 480 × 270 and less", laid_all(videos(args.corpus / "distractors")[::4], sounds[1::2], folder / "small")),
            ("innocent, 480 × 720 to 720 × 1280", laid_all(large, sounds[1::2], folder / "large")),
        ):
            asked = compared(functools.partial(question, db), functools.partial(question, db, sound=False), files, args.repeat)
            made = compared(functools.partial(reference, pool), functools.partial(reference, pool, sound=False), files, args.repeat)
            rows += [("a question, balanced", what, len(files), asked), ("fingerprint a reference", what, len(files), made)]
        pool.close()
    print(table(("what", "files", "number", "with sound / without"), rows))


def laid_all(files: Sequence[Path], sounds: Sequence[Path], folder: Path) -> list[Path]:
    """Lay a sound under each of some videos."""
    folder.mkdir()
    return [laid(path, sounds[number % len(sounds)], folder / f"{path.stem}.mp4") for number, path in enumerate(files)]


def compared(heard: Timer, silent: Timer, files: Sequence[Path], repeat: int) -> str:
    """Return the ratio, after each file was read once."""
    for path in files:
        heard(path), silent(path)
    return ratio(heard, silent, files, repeat)


def question(db: vhashdb.Database, path: Path, *, sound: bool = True) -> float:
    """Return the processor seconds of one question."""
    started = time.process_time()
    result = db.match(path, sound=sound)
    return time.process_time() - started + result.decode_cpu_s


def reference(pool: DecoderPool, path: Path, *, sound: bool = True) -> float:
    """Return the processor seconds of one reference fingerprint."""
    started = time.process_time()
    built = build(path, [REFERENCE_PROFILE], Pdq(), pool, Limits(), LandmarkBuilder() if sound else None)
    return time.process_time() - started + built.decode_cpu_s


if __name__ == "__main__":
    main()
