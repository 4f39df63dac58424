"""Read and write the text forms of a fingerprint.

JSON holds everything, lines all entries, and vPDQ's text the frames of the whole picture. Only JSON has a place for sound.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from vhashdb.coverage import Coverage
from vhashdb.errors import FingerprintError
from vhashdb.fingerprints.model import MAX_S, Fingerprint, milliseconds
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.sound import LANDMARK_BYTES, SoundFingerprint
from vhashdb.sound.fingerprint import MAX_LANDMARKS

JSON_VERSION: Final = 1
"""Version of the JSON form. Given by `docs/formats.md`."""
PICTURE_S: Final = 0.04
"""Seconds that a single hash is taken to be shown. Derived: as a still picture that is hashed here (`STILL_SHOWN_S`)."""
_WHOLE: Final = View(Region.WHOLE).code
_VIEWS: Final = frozenset(View(region, orientation).code for region in Region for orientation in Orientation)
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_PDQ: Final = re.compile(f"[0-9A-Fa-f]{{{2 * Pdq.id.bytes}}}")
_NUMBER_CHARS: Final = 64
"""Characters of a number. Engineering bound."""
_ALGORITHM: Final = re.compile(r"#:algorithm ([a-z_]{1,32}) ([0-9]{1,5}) ([0-9]{1,5})")


def to_json(fingerprint: Fingerprint, *, name: str = "") -> str:
    """Write a fingerprint as one JSON object (`docs/formats.md`), times in seconds.

    Args:
        fingerprint: what is written.
        name: the video's, if it has to be told from others; written if not empty.
    """
    return json.dumps(
        {
            "format": "vhashdb-fingerprint",
            "version": JSON_VERSION,
            **({"name": name} if name else {}),
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
            **({"sound": _sound_object(fingerprint.sound)} if fingerprint.sound is not None else {}),
        }
    )


def _sound_object(sound: SoundFingerprint) -> dict[str, Any]:
    landmarks = base64.b64encode(sound.landmarks.astype("<u8").tobytes()).decode("ascii")
    return {"spec": sound.spec, "duration_s": sound.duration_s, "landmarks": landmarks}


def _sound_of(said: dict[str, Any]) -> SoundFingerprint:
    raw = base64.b64decode(said["landmarks"], validate=True)
    if len(raw) > MAX_LANDMARKS * LANDMARK_BYTES:
        raise FingerprintError("the JSON fingerprint has more landmarks of its sound than is allowed")
    landmarks = np.frombuffer(raw, "<u8").astype(np.uint64)
    return SoundFingerprint(landmarks, float(milliseconds(said["duration_s"])), int(said["spec"]))


def from_json(text: str) -> Fingerprint:
    """Read what `to_json` wrote.

    Raises:
        FingerprintError: it is not such a JSON object, or of a newer version.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FingerprintError("the JSON fingerprint is cut short, or is no JSON") from error
    found, bad = from_object(data)
    if bad:
        raise FingerprintError(f"the JSON fingerprint is malformed: {next(iter(bad.values()))}")
    return found


def from_object(data: object) -> tuple[Fingerprint, dict[int, str]]:
    """Read a parsed JSON object, without the entries that cannot be read; return these too, as messages by number from 1.

    Raises:
        FingerprintError: it is not such an object, of a newer version, or nothing of it can be read.
    """
    if not isinstance(data, dict) or data.get("format") != "vhashdb-fingerprint":
        raise FingerprintError("not a vhashdb fingerprint in JSON")
    try:
        if data["version"] != JSON_VERSION:
            raise FingerprintError(
                f"a JSON fingerprint of version {quoted(data['version']).strip(chr(39))}; this program knows {JSON_VERSION}",
                hint="upgrade vhashdb",
            )
        return _from_object(data)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, FingerprintError):
            raise
        what = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else "a part of it is not what it has to be"
        raise FingerprintError(f"the JSON fingerprint is malformed: {what}") from error


def _from_object(data: dict[str, Any]) -> tuple[Fingerprint, dict[int, str]]:
    named, rows, bad = data["algorithm"], [], {}  # type: dict[str, Any], list[Row], dict[int, str]
    algorithm = AlgorithmId(str(named["name"]), int(named["bits"]), int(named["spec"]))
    for number, entry in enumerate(data["entries"], start=1):
        try:
            row = _row(entry["start_s"], entry["end_s"], entry["view"], entry["quality"], entry["hash"], algorithm)
        except ValueError as error:
            bad[number] = str(error)
        except (KeyError, TypeError):
            bad[number] = "it has not all of start_s, end_s, view, quality and hash"
        else:
            rows.append(row)
    if bad and not rows:
        raise FingerprintError(f"none of the {len(bad)} entries of the JSON fingerprint can be read: {bad[1]}")
    found = from_rows(rows, algorithm) if rows else Fingerprint.empty(algorithm)
    said = replace(
        found,
        duration_s=float(data["duration_s"]),
        width=int(data["width"]),
        height=int(data["height"]),
        damage=tuple(str(line) for line in data["damage"]),
        coverage=Coverage.from_json(data["coverage"]) if "coverage" in data else Coverage(),
        sound=_sound_of(data["sound"]) if data.get("sound") is not None else None,
    )
    return said, bad


def to_lines(fingerprint: Fingerprint) -> str:
    """Write one entry a line, ``start end view quality hash``, times in seconds; before them the algorithm, if it is not PDQ."""
    f, named = fingerprint, fingerprint.algorithm
    head = "" if named == Pdq.id else f"#:algorithm {named.name} {named.bits} {named.spec}\n"
    rows = zip(f.start_s.tolist(), f.end_s.tolist(), f.view.tolist(), f.quality.tolist(), f.hash, strict=True)
    return head + "".join(f"{start:.3f} {end:.3f} {view} {quality} {value.tobytes().hex()}\n" for start, end, view, quality, value in rows)


def algorithm_of_line(line: str) -> AlgorithmId | None:
    """Return the algorithm that a line of `to_lines` names, or None if it names none."""
    found = _ALGORITHM.fullmatch(line.strip())
    named = AlgorithmId(found[1], int(found[2]), int(found[3])) if found else None
    return named if named and named.bytes and not named.bits % 8 else None


Row = tuple[float, float, int, int, bytes]
"""Start and end in seconds, view, quality, and the hash."""


def row_of_line(line: str, algorithm: AlgorithmId = Pdq.id) -> Row:
    """Read one entry as `to_lines` writes it.

    Raises:
        ValueError: it is no such line.
    """
    parts = line.split()
    if len(parts) != 5:
        raise ValueError(f"not `start end view quality hash`: {quoted(line)}")
    start, end, view, quality, value = parts
    return _row(start, end, int(view) if re.fullmatch("[0-9]{1,5}", view) else view, quality, value, algorithm)


def _row(start: object, end: object, view: object, quality: object, value: object, algorithm: AlgorithmId) -> Row:
    if isinstance(view, bool) or not isinstance(view, int) or view not in _VIEWS:
        raise ValueError(f"{quoted(view)} is no view that is known")
    if not isinstance(value, str) or len(value) != 2 * algorithm.bytes or not re.fullmatch("[0-9A-Fa-f]+", value):
        raise ValueError(f"a hash of {algorithm} has {algorithm.bytes * 2} hexadecimal digits, not {quoted(value)}")
    first, last = seconds_of(start), seconds_of(end)
    if last < first:
        raise ValueError(f"it ends at {quoted(end)} s, before it begins at {quoted(start)} s")
    return first, last, view, quality_of(quality), bytes.fromhex(value)


def from_rows(rows: Sequence[Row], algorithm: AlgorithmId = Pdq.id) -> Fingerprint:
    """Make a fingerprint of entries, as long as they reach.

    Raises:
        FingerprintError: there is no such view.
    """
    start, end, view, quality, hashes = (list(column) for column in zip(*rows, strict=True))
    order = np.lexsort((start, view))
    return Fingerprint(
        algorithm=algorithm,
        start_s=milliseconds(start)[order],
        end_s=milliseconds(end)[order],
        hash=np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, algorithm.bytes)[order],
        quality=np.array(quality, np.uint8)[order],
        view=np.array(view, np.uint32)[order].astype(np.uint16),
        duration_s=float(milliseconds(max(end))),
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
    """Read vPDQ text of one video. Frame numbers are not used; an entry lasts until the next one starts; lines with ``#`` are comments.

    Raises:
        FingerprintError: a line is not of that form; the message has its number.
    """
    starts: list[float] = []
    qualities: list[int] = []
    hashes: list[bytes] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if line.startswith("#"):
            if hashes:
                raise FingerprintError(f"line {number} begins a second video", hint="`vhashdb.read_hashes` reads all of a file")
            continue
        try:
            seconds, quality, raw = frame_of_line(line)
        except ValueError as error:
            raise FingerprintError(f"line {number}: {error}") from error
        hashes.append(raw)
        qualities.append(quality)
        starts.append(seconds)
    if not hashes:
        raise FingerprintError("no frame in the vPDQ text")
    return from_frames(starts, qualities, hashes)


def frame_of_line(line: str) -> tuple[float, int, bytes]:
    """Read seconds, quality and hash of one line of vPDQ text.

    Raises:
        ValueError: it is no such line.
    """
    parts = line.strip().split(",")
    if len(parts) != 4:
        raise ValueError(f"not `frame,quality,pdq,seconds`: {quoted(line)}")
    _, quality, value, seconds = parts
    return seconds_of(seconds), quality_of(quality), pdq_bytes(value)


def pdq_bytes(text: str) -> bytes:
    """Return the bytes of a PDQ hash in hexadecimal.

    Raises:
        ValueError: it is not one.
    """
    if not _PDQ.fullmatch(value := text.strip()):
        raise ValueError(f"a pdq hash has {2 * Pdq.id.bytes} hexadecimal digits, not {quoted(text)}")
    return bytes.fromhex(value)


def quality_of(value: object) -> int:
    """Read a PDQ quality, 0 … 100, from a number or its text; ``80.0`` is 80.

    A share such as 0.8 is not taken for 80, because 1 could be either.

    Raises:
        ValueError: it is not one.
    """
    quality = _number("quality", value)
    if 0 < quality < 1:
        raise ValueError(f"the quality {quoted(value)} is a share; it has to be 0 … 100, so multiply it by 100")
    if not 0 <= quality <= 100:
        raise ValueError(f"the quality {quoted(value)} is not within 0 … 100")
    return round(quality)


def seconds_of(value: object, longest_s: float = MAX_S) -> float:
    """Read a time within a video, in seconds, from a number or its text; ``1.2e+03`` is 1200.

    Raises:
        ValueError: it is not one, is negative, or exceeds the longest that a video may be.
    """
    seconds = _number("time", value)
    if seconds < 0:
        raise ValueError(f"the time {quoted(value)} is before the beginning of the video")
    if seconds > longest_s:
        raise ValueError(f"the time {quoted(value)} is no time of a video: it is more than {longest_s:,.0f} seconds")
    return seconds


def _number(what: str, value: object) -> float:
    text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
    if len(text) > _NUMBER_CHARS or not _NUMBER.fullmatch(text):
        raise ValueError(f"the {what} {quoted(value)} is no number")
    return float(text)


def quoted(value: object, most: int = 40) -> str:
    """Quote untrusted input for a message: its beginning, in printable characters."""
    text = value if isinstance(value, str) else "a list or an object" if isinstance(value, list | dict) else str(value)[: most + 1]
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return f"'{shown}'" if len(text) <= most else f"'{shown}…'"


def from_frames(start_s: Sequence[float], quality: Sequence[int], hashes: Sequence[bytes]) -> Fingerprint:
    """Make a fingerprint of PDQ hashes of the whole picture, one a frame, in any order; an entry lasts until the next one starts.

    A single hash is taken for a still picture.

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
    last_s = step_s if len(starts) > 1 else PICTURE_S
    return Fingerprint(
        algorithm=Pdq.id,
        start_s=starts,
        end_s=milliseconds(np.append(starts[1:], starts[-1] + last_s)),
        hash=np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, Pdq.id.bytes)[order],
        quality=np.array(quality, np.uint8)[order],
        view=np.full(len(starts), _WHOLE, np.uint16),
        duration_s=float(milliseconds(starts[-1] + last_s)),
    )
