"""Pictures and films made on the spot, and other small tools."""

import struct
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId


def bits_between(left, right):
    """Hamming distance of two packed hashes, or of two arrays of them, row by row."""
    return np.bitwise_count(np.asarray(left, np.uint8) ^ np.asarray(right, np.uint8)).sum(axis=-1, dtype=int)


def picture(seed, height, width, points=12):
    """A colour picture of soft shapes: random points, enlarged; the same for a seed on every machine."""
    coarse = np.random.default_rng(seed).integers(0, 256, (points, points, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def sketch_of(luma):
    """A frame's sketch: area averages at 128 × 128 points."""
    return np.asarray(Image.fromarray(luma).resize((128, 128), Image.Resampling.BOX))


def scene(seed, count, height=120, width=160, speed=3):
    """``count`` frames of a camera that pans over a large picture."""
    large = picture(seed, 2 * height, width + speed * count, points=24)
    return [np.ascontiguousarray(large[i % height : i % height + height, speed * i : speed * i + width]) for i in range(count)]


def film(path, frames, *, rate=10, pts=None, codec="libx264", pix_fmt="yuv420p", rotation=None, options=None, format=None):
    """Encode RGB frames to ``path`` (or a writable object). ``pts`` are in milliseconds; without it they follow ``rate``."""
    target = str(path) if not hasattr(path, "write") else path
    with av.open(target, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        height, width = frames[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        if pts is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24" if pixels.ndim == 3 else "gray")
            if pts is not None:
                frame.pts, frame.time_base = pts[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sound(path, seconds=1):
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for _ in range(seconds * 44100 // 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def decoded(path, every=1, limit=None):
    """RGB frames of a video, as PyAV gives them."""
    taken = 0
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every == 0:
                yield frame.to_ndarray(format="rgb24")
                taken += 1
                if taken == limit:
                    return


def random_hashes(seed, count, size=32):
    """Hashes of pictures that have nothing to do with each other."""
    return np.random.default_rng(seed).integers(0, 256, (count, size), dtype=np.uint8)


def flipped(hashes, count, seed=0):
    """The same hashes with ``count`` random bits of each turned over."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(hashes, axis=1)
    for row in bits:
        row[rng.choice(len(row), count, replace=False)] ^= 1
    return np.packbits(bits, axis=1)


def fingerprint_of(hashes, *, step_s=0.25, start_s=0.0, quality=100, view=0, algorithm=None, damage=()):
    """A fingerprint of given hashes, each shown for ``step_s``."""
    count = len(hashes)
    starts = np.round(start_s + np.arange(count) * step_s, 3)
    return Fingerprint(
        algorithm=algorithm or AlgorithmId("pdq", 256, 1),
        start_s=starts,
        end_s=np.round(starts + step_s, 3),
        hash=np.array(hashes, np.uint8),
        quality=np.full(count, quality, np.uint8),
        view=np.full(count, view, np.uint16),
        duration_s=float(np.round(start_s + count * step_s, 3)),
        width=320,
        height=180,
        damage=tuple(damage),
    )


def wire_message(kind, body):
    """What the decoder process would send."""
    return struct.pack("<BI", kind, len(body)) + body
