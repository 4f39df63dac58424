"""Every limit on what an input may cost, in one place, with units."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """Bounds for decoding one input. A video is untrusted code for a decoder, so all of them are on by default."""

    time_s: float = 900.0
    """Wall time for one file."""
    silence_s: float = 60.0
    """Wall time without a single decoded frame, or block of sound, before the decoder counts as hung."""
    memory_bytes: int = 2 << 30
    """Address space of the decoder process."""
    duration_s: float = 6 * 3600.0
    """Pictures beyond this are not looked at, and the result says so; gaps in which nothing is shown do not count. The same holds for
    each track of sound."""
    frames: int = 5_000_000
    """Decoded frames beyond this are not looked at, and the result says so."""
    pixels: int = 1 << 27
    """Pixels of one picture: photographs of 108 megapixels, and video of 8192 × 8192, have less."""
    streams: int = 128
    """Streams in one container."""
    tracks: int = 16
    """Tracks of pictures in one file, and as many of sound; those beyond are not looked at, and the result says so."""
    files_per_process: int = 16
    """Files that one confined process decodes after another. A file that takes it over could lie about those after it as well; with
    1 each has a process of its own, which takes about 10 ms longer."""
    upload_bytes: int = 8 << 30
    """Bytes taken from a file object that has no path of its own."""
