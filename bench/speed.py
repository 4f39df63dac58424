"""What it costs, as ratios taken in one run, in processor seconds.

    python -m bench.speed [CORPUS] [--repeat N]

Every figure is the median over the repeats of a ratio of sums over the files. Process start is excluded: a warm worker
serves a batch.
"""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pdqhash

import vhashdb
from bench.common import decode_only, parser, table, videos
from vhashdb.fingerprints import COARSE_PROFILE, KEYFRAME_PROFILE, REFERENCE_PROFILE, ExtractionProfile, FingerprintBuilder
from vhashdb.hashing import pdq
from vhashdb.hashing.algorithms import Pdq
from vhashdb.limits import Limits
from vhashdb.video import THUMBNAIL_SIDE, Decoder
from vhashdb.video.frames import FRAME_DTYPE, fill_frame

Timer = Callable[[Path], float]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--repeat", type=int, default=3)
    args = options.parse_args()
    clips, references = videos(args.corpus / "clips"), [p for p in videos(args.corpus / "reference") if p.suffix == ".mp4"]
    with Decoder(Limits()) as decoder:
        decoder.warm()
        rows = []
        for name, files in (("clips (480 × 270 and less)", clips), ("reference (480 × 720 to 720 × 1280)", references)):
            long = [p for p in files if vhashdb.fingerprint(p).duration_s >= 10]
            for what, profile, chosen in (
                ("fingerprint a reference, 8 frames/s", REFERENCE_PROFILE, files),
                ("fingerprint a query, balanced, coarse profile", COARSE_PROFILE, files),
                ("fingerprint a query, fast, clips of 10 s or more", KEYFRAME_PROFILE, long),
            ):
                rows.append((what, name, len(chosen), ratio(fingerprint_with(decoder, profile), decode_only, chosen, args.repeat)))
    print("\n### Against decoding the same file with PyAV and discarding the frames\n")
    print(table(("what", "files", "number", "ratio"), rows))
    print_match(args.corpus, references, args.repeat)
    print_hashing(references, args.repeat)


def ratio(ours: Timer, base: Timer, files: Sequence[Path], repeat: int) -> str:
    """Sum of ours over sum of the base: median, and the range, of the repeats. The two alternate file by file."""
    found = []
    for _ in range(repeat):
        times = [(ours(p), base(p)) for p in files]
        found.append(sum(a for a, _ in times) / sum(b for _, b in times))
    return f"{statistics.median(found):.2f} ({min(found):.2f}–{max(found):.2f})"


def fingerprint_with(decoder: Decoder, profile: ExtractionProfile) -> Timer:
    """Processor seconds, of both processes, to fingerprint a file."""

    def timed(path: Path) -> float:
        started = time.process_time()
        stream = decoder.read(path, profile.sampling)
        builder = FingerprintBuilder(Pdq(), profile)
        for batch in stream:
            builder.feed(batch)
        builder.finish(stream.info)
        return time.process_time() - started + stream.cpu_s

    return timed


def print_match(corpus: Path, references: Sequence[Path], repeat: int) -> None:
    """Whole questions to a database: innocent videos, small and larger, and copies that are confirmed."""
    clips, others = videos(corpus / "clips"), videos(corpus / "distractors")
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "speed.vhdb")) as db:
        for path in clips:
            db.add(path)
        innocent = [p for p in others if vhashdb.fingerprint(p).duration_s >= 10]
        copies = [p for p in videos(corpus / "edited" / "reencode") if vhashdb.fingerprint(p).duration_s >= 10]
        rows = [
            (f"match --effort {effort}", name, len(files), ratio(functools.partial(asked, db, effort=effort), decode_only, files, repeat))
            for name, files in (
                ("innocent, 480 × 270 and less", innocent),
                ("innocent, 480 × 720 to 720 × 1280", references),
                ("a known copy, 480 × 270 and less", copies),
            )
            for effort in ("fast", "balanced")
        ]
    print(f"\n### A whole question to a database of {len(clips)} records, against decoding; small files of 10 s or more\n")
    print(table(("what", "query", "files", "ratio"), rows))


def asked(db: vhashdb.Database, path: Path, effort: str) -> float:
    """Processor seconds of one question, exact file hashes and search included."""
    started = time.process_time()
    result = db.match(path, effort=effort)
    return time.process_time() - started + result.decode_cpu_s


def print_hashing(files: Sequence[Path], repeat: int) -> None:
    """Hashing one decoded frame in all reference views, against the reference implementation in C++."""
    rows = []
    for path in (files[0], files[3]):
        frames = some_frames(path)
        height, width = frames[0].shape[:2]
        found = []
        for _ in range(3 * repeat + 1):  # the first also computes the matrices for this size
            started = time.perf_counter()
            for frame in frames:
                pdqhash.compute(frame)
            reference_s = time.perf_counter() - started
            found.append(all_views(frames) / reference_s)
        rows.append((f"{width} × {height}", f"{reference_s / len(frames) * 1000:.1f} ms", f"1/{1 / statistics.median(found[1:]):.1f}"))
    print("\n### Hashing one frame in all reference views, against `pdqhash.compute` of the same frame\n")
    print(table(("frame", "pdqhash", "ours / pdqhash"), rows))


def all_views(frames: Sequence[np.ndarray]) -> float:
    """Seconds for luma planes to become thumbnail, exact PDQ and all reference views."""
    lumas = [pdq.luma_of_rgb(f).astype(np.uint8) for f in frames]
    records = np.zeros(len(frames), FRAME_DTYPE)
    builder = FingerprintBuilder(Pdq(), REFERENCE_PROFILE)
    started = time.perf_counter()
    for record, luma in zip(records, lumas, strict=True):
        # The decoder takes the thumbnail from swscale; plain slicing stands in for it here at about the same cost.
        rows = np.linspace(0, luma.shape[0] - 1, THUMBNAIL_SIDE).astype(int)
        columns = np.linspace(0, luma.shape[1] - 1, THUMBNAIL_SIDE).astype(int)
        fill_frame(record, luma, luma[rows][:, columns])
    records["time_s"] = np.arange(len(records)) / 8
    builder.feed(records)
    builder.finish(vhashdb.video.VideoInfo())
    return time.perf_counter() - started


def some_frames(path: Path) -> list[np.ndarray]:
    """Every tenth frame in RGB, 32 of them at most."""
    import av

    with av.open(str(path)) as container:
        return [f.to_ndarray(format="rgb24") for i, f in enumerate(container.decode(video=0)) if i % 10 == 0][:32]


if __name__ == "__main__":
    main()
