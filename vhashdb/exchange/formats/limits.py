"""Every cap on what a file of somebody else may cost, in one place, with units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FormatLimits:
    """Bounds for reading one file. All of them are on by default: the file comes from elsewhere."""

    file_bytes: int = 8 << 30
    """Bytes of a file that is read line by line or item by item."""
    document_bytes: int = 128 << 20
    """Bytes of a document whose parts refer to each other, so that it is held in memory: MISP and STIX."""
    line_bytes: int = 32 << 20
    """Bytes of one line; a longer one is refused and passed over."""
    item_bytes: int = 32 << 20
    """Bytes of one item of a streamed JSON or XML document; a larger one ends the reading."""
    items: int = 50_000_000
    """Items of one file."""
    frames: int = 1_300_000
    """Frame hashes of one item as the file has them: 6 hours at 60 a second."""
    duration_s: float = 48 * 3600.0
    """Seconds from the beginning of a video after which no frame of it is believed."""
    hashes_free: int = 2_000
    hashes_per_s: int = 640
    """Hashes of one record: so many, and so many more for each second it claims to last. The views of a lively video as it
    is asked about have 200 a second, a stored one has 10."""
    landmarks: int = 10_000_000
    """Landmarks of the sound of one item: 6 hours at 460 a second, more than any sound has before it is thinned."""
    landmarks_free: int = 2_000
    landmarks_per_s: int = 640
    """Landmarks of one record: so many, and so many more for each second that they reach. A stored track has 40 a second."""
    queries: int = 10_000
    """Videos that one file may ask about."""
    unpacked_bytes: int = 256 << 20
    """Bytes that a fingerprint within an item may unpack to."""
    ratio: int = 200
    """Unpacked bytes for each packed one, beyond the first ``ratio_floor_bytes``."""
    ratio_floor_bytes: int = 1 << 20
    columns: int = 256
    """Columns of a table."""
    labels: int = 64
    """Labels of one item; the others are left out, and the report says so."""
    opinions: int = 10_000
    """Opinions on one item; the others are left out, and the report says so."""
    others: int = 64
    """Hashes of one item that are kept and not understood; the others are left out, and the report says so."""
    other_chars: int = 1 << 20
    """Characters of such a hash. TMK+PDQF has 350,000."""
    name_chars: int = 256
    """Characters of an id or of an organisation's name."""
    depth: int = 64
    """Levels to which JSON may nest."""
    values: int = 8_000_000
    """Values of a line or a document in JSON: each takes some 60 bytes of memory, however short it is."""

    def unpacked_from(self, packed_bytes: int) -> int:
        """Bytes that so many packed ones may unpack to."""
        return min(self.unpacked_bytes, max(self.ratio_floor_bytes, self.ratio * packed_bytes))
