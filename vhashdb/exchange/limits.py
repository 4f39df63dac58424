"""Every limit on what somebody else's feed may cost, in one place, with units.

A publisher is held to the same limits, so that no feed can be made that nobody can read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FeedLimits:
    """Bounds for one feed. All of them are on by default."""

    root_bytes: int = 512 << 10
    timestamp_bytes: int = 16 << 10
    snapshot_bytes: int = 64 << 10
    targets_bytes: int = 8 << 20
    """Bytes of each signed metadata file."""
    root_rotations: int = 256
    """New versions of the root that are followed in one refresh."""
    files: int = 20_000
    """Segments, snapshots and other files that one feed may list."""
    file_bytes: int = 1 << 30
    """Bytes of one compressed file."""
    raw_bytes: int = 8 << 30
    """Bytes of one file when decompressed."""
    ratio: int = 200
    """Decompressed bytes for each compressed one, beyond the first ``ratio_floor_bytes``."""
    ratio_floor_bytes: int = 1 << 20
    window_bytes: int = 8 << 20
    """Memory that a zstd frame may ask its reader to keep."""
    line_bytes: int = 16 << 20
    """Bytes of one event; an hour of video is about 1.5 MB, and its sound as much again."""
    fetch_bytes: int = 16 << 30
    """Compressed bytes of one fetch."""
    received_bytes: int = 17 << 30
    """Bytes received from a feed between two refreshes, headers and repeated tries included."""
    overhead_bytes: int = 512 << 10
    """Bytes of headers and framing before an answer begins, and around each block of it."""
    requests: int = 25_000
    """Requests to a feed between two refreshes: a file each, root versions, redirects and repeated tries."""
    redirects: int = 3
    """Redirects of one request."""
    feed_s: float = 600.0
    """Seconds of waiting for a feed between two refreshes; what was brought by then is kept for the next run."""
    connect_s: float = 10.0
    """Seconds to wait for one connection."""
    read_s: float = 30.0
    """Seconds to wait for an answer to begin, with its connection, redirects, headers and repeated tries, or to go on."""
    slowest_bytes_per_s: int = 2_000
    """An answer that is slower than this for ``read_s`` and longer is given up; a later run resumes it."""
    at_once: int = 8
    """Feeds that are read side by side."""
    grace_s: float = 30.0
    """Seconds beyond ``feed_s`` after which a feed is left behind, whatever it waits for: a name server, a network share."""
