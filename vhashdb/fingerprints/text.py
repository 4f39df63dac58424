"""Text forms of a fingerprint: JSON (everything), and vPDQ's text (frames of the whole picture)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vhashdb.coverage import Coverage
from vhashdb.errors import FingerprintError
from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.views import Region, View

JSON_VERSION: Final = 1
_WHOLE: Final = View(Region.WHOLE).code


def to_json(fingerprint: Fingerprint) -> str:
    """As one JSON object (`docs/formats.md`); hashes in hexadecimal, times in seconds."""
    return json.dumps(
        {
            "format": "vhashdb-fingerprint",
            "version": JSON_VERSION,
            "algorithm": {"name": fingerprint.algorithm.name, "bits": fingerprint.algorithm.bits, "spec": fingerprint.algorithm.spec},
            "duration_s": fingerprint.duration_s,
            "width": fingerprint.width,
            "height": fingerprint.height,
            "damage": list(fingerprint.damage),
            **({"coverage": fingerprint.coverage.to_json()} if fingerprint.coverage != Coverage() else {}),
            "entries": [
                {"start_s": start, "end_s": end, "view": view, "quality": quality, "hash": value.tobytes().hex()}
                for start, end, view, quality, value in zip(
                    fingerprint.start_s.tolist(),
                    fingerprint.end_s.tolist(),
                    fingerprint.view.tolist(),
                    fingerprint.quality.tolist(),
                    fingerprint.hash,
                    strict=True,
                )
            ],
        }
    )


def from_json(text: str) -> Fingerprint:
    """Read what `to_json` wrote.

    Raises:
        FingerprintError: not such a JSON object, or of a newer version.
    """
    try:
        data = json.loads(text)
        if not isinstance(data, dict) or data.get("format") != "vhashdb-fingerprint":
            raise FingerprintError("not a vhashdb fingerprint in JSON")
        if data["version"] != JSON_VERSION:
            raise FingerprintError(
                f"a JSON fingerprint of version {data['version']}; this program knows {JSON_VERSION}", hint="upgrade vhashdb"
            )
        return _from_object(data)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, FingerprintError):
            raise
        raise FingerprintError(f"the JSON fingerprint is malformed: {error}") from error


def _from_object(data: dict[str, Any]) -> Fingerprint:
    named, entries = data["algorithm"], data["entries"]
    algorithm = AlgorithmId(str(named["name"]), int(named["bits"]), int(named["spec"]))
    raw = b"".join(bytes.fromhex(entry["hash"]) for entry in entries)
    if len(raw) != len(entries) * algorithm.bytes:
        raise FingerprintError(f"a hash of {algorithm} has {algorithm.bytes * 2} hexadecimal digits")
    return Fingerprint(
        algorithm=algorithm,
        start_s=milliseconds([float(entry["start_s"]) for entry in entries]),
        end_s=milliseconds([float(entry["end_s"]) for entry in entries]),
        hash=np.frombuffer(raw, np.uint8).reshape(len(entries), algorithm.bytes).copy(),
        quality=np.array([int(entry["quality"]) for entry in entries], np.uint8),
        view=np.array([int(entry["view"]) for entry in entries], np.uint16),
        duration_s=float(data["duration_s"]),
        width=int(data["width"]),
        height=int(data["height"]),
        damage=tuple(str(line) for line in data["damage"]),
        coverage=Coverage.from_json(data["coverage"]) if "coverage" in data else Coverage(),
    )


def to_vpdq(fingerprint: Fingerprint) -> str:
    """Write vPDQ text, one entry of the whole picture a line: ``number,quality,hash,seconds``.

    Raises:
        AlgorithmMismatch: the fingerprint is not PDQ.
    """
    Pdq.id.require(fingerprint.algorithm)
    whole = fingerprint.only(fingerprint.view == _WHOLE)
    rows = zip(whole.quality.tolist(), whole.hash, whole.start_s.tolist(), strict=True)
    return "".join(f"{number},{quality},{value.tobytes().hex()},{start:.3f}\n" for number, (quality, value, start) in enumerate(rows))


def from_vpdq(text: str) -> Fingerprint:
    """Read vPDQ text. Frame numbers are not used; an entry lasts until the next one starts.

    Raises:
        FingerprintError: a line is not of that form; the message has its number.
    """
    starts: list[float] = []
    qualities: list[int] = []
    hashes: list[bytes] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            _, quality, value, seconds = line.split(",")
            raw = bytes.fromhex(value)
            if len(raw) != Pdq.id.bytes or not 0 <= int(quality) <= 100:
                raise ValueError
            hashes.append(raw)
            qualities.append(int(quality))
            starts.append(float(seconds))
        except ValueError as error:
            raise FingerprintError(f"line {number} is not `frame,quality,hash,seconds`: {line[:80]!r}") from error
    if not hashes:
        raise FingerprintError("no frame in the vPDQ text")
    return from_frames(starts, qualities, hashes)


def from_frames(start_s: Sequence[float], quality: Sequence[int], hashes: Sequence[bytes]) -> Fingerprint:
    """A fingerprint of PDQ hashes of the whole picture, one a frame, in any order; an entry lasts until the next one starts.

    Args:
        start_s: seconds since the first frame.
        quality: 0 … 100.
        hashes: 32 bytes each.

    Raises:
        FingerprintError: the times are impossible.
    """
    order = np.argsort(start_s, kind="stable")
    starts = milliseconds(start_s)[order]
    step_s = float(np.median(np.diff(starts))) if len(starts) > 1 else 0.0
    return Fingerprint(
        algorithm=Pdq.id,
        start_s=starts,
        end_s=milliseconds(np.append(starts[1:], starts[-1] + step_s)),
        hash=np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, Pdq.id.bytes)[order],
        quality=np.array(quality, np.uint8)[order],
        view=np.full(len(starts), _WHOLE, np.uint16),
        duration_s=float(milliseconds(starts[-1] + step_s)),
    )
