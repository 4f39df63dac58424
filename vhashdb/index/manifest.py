"""Describe which segments make up an index on disk, and encode that as JSON with a checksum. Pure."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any, Final

FORMAT: Final = 1
"""Version of the files of an index. Readers refuse any other, and the index is rebuilt."""


@dataclass(frozen=True)
class StoredFile:
    """One array on disk, as it was written."""

    size: int
    """Bytes."""
    modified_ns: int
    checksums: tuple[int, ...]
    """CRC-32 of each `vhashdb.index.folder.BLOCK` bytes."""


@dataclass(frozen=True)
class StoredSegment:
    """A segment on disk, with its tombstones."""

    name: str
    """The name of its folder."""
    rows: int
    files: dict[str, StoredFile]
    tombstones: tuple[int, ...] = ()
    """Numbers of its records that were deleted after it was written."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.files.values())


@dataclass(frozen=True)
class Manifest:
    """The segments of an index, and the change of the store up to which they go."""

    number: int
    """Counts the manifests of an index; 0: nothing is on disk yet."""
    algorithm: str
    """What the rows are of: the full id of the frame algorithm, or landmarks, with a version (`vhashdb.index.kinds`)."""
    change: int
    """The last change of the store that is included."""
    segments: tuple[StoredSegment, ...] = ()
    damaged: tuple[int, ...] = ()
    """Numbers of records that cannot be found, because their fingerprints in the store are damaged."""
    format: int = FORMAT


def encode(manifest: Manifest) -> bytes:
    """Encode a manifest as JSON with a checksum."""
    fields = asdict(manifest)
    for segment in fields["segments"]:
        segment["removed"] = segment.pop("tombstones")  # the name on disk
    body = _canonical(fields)
    return b'{"crc32":%d,"index":%s}\n' % (zlib.crc32(body), body)


def decode(data: bytes) -> Manifest:
    """Decode a manifest.

    Raises:
        ValueError, TypeError, KeyError, RecursionError: it is malformed, or its checksum differs.
    """
    envelope = json.loads(data)
    fields = envelope["index"]
    if zlib.crc32(_canonical(fields)) != envelope["crc32"]:
        raise ValueError("the checksum does not fit")
    segments = tuple(
        StoredSegment(
            s["name"],
            int(s["rows"]),
            {name: StoredFile(f["size"], f["modified_ns"], tuple(f["checksums"])) for name, f in s["files"].items()},
            tuple(s["removed"]),
        )
        for s in fields["segments"]
    )
    damaged = tuple(int(number) for number in fields.get("damaged", ()))  # older versions did not write it
    return Manifest(int(fields["number"]), fields["algorithm"], int(fields["change"]), segments, damaged, fields["format"])


def _canonical(fields: Any) -> bytes:
    """Encode as JSON that is the same for the same content, so that its checksum can be compared."""
    return json.dumps(fields, separators=(",", ":"), sort_keys=True).encode()
