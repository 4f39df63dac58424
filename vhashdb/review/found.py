"""The matches of an earlier run: what ``vhashdb match --json`` printed, read back."""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.errors import FormatError
from vhashdb.search.triage import Urgency, urgency

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_RECORD: Final = re.compile(r"[0-9a-f]{32}")
_TIMES: Final = ("query_start_s", "query_end_s", "reference_start_s", "reference_end_s", "speed")
_UNCHECKED: Final = ("insufficient", "unreadable")
_UNHASHED: Final = "upload "
"""Before the name of a file without a hash, in place of that."""
_HINT: Final = "give the JSON lines that a run of matching printed"


@dataclass(frozen=True)
class Stretch:
    """A matched stretch, in seconds."""

    query_start_s: float
    query_end_s: float
    reference_start_s: float
    reference_end_s: float
    speed: float
    view: str
    """How both sides were looked at, in words; empty of sound."""


@dataclass(frozen=True)
class FoundMatch:
    """One file that was said to match one record, or that could not be checked."""

    path: str
    """As `os.fsdecode` gives it."""
    sha256: str | None
    """Of the file, or whatever else says which it is; None if nothing does."""
    record: str
    """The record's full id; empty of a file that could not be checked."""
    verdict: str
    """``match`` or ``possible``; ``insufficient`` or ``unreadable`` of one that could not be checked."""
    score: float
    reason: str
    identical: bool
    labels: tuple[str, ...]
    source: str
    segments: tuple[Stretch, ...]
    sounds: tuple[Stretch, ...] = ()
    """Stretches that sound alike; none in lines of a version that did not listen."""
    said_of_sound: str = ""
    """What was said of the sounds of both, as in the line; empty if nothing was."""
    severity: str = ""
    share: float = 0.0
    """Of the file that matched, 0…1."""
    video: str = ""
    """The video that the matched seconds show most of; empty: nobody says, so that the record is taken for it."""

    @property
    def urgency(self) -> Urgency:
        """Its place in the order in which people look."""
        return urgency(self.verdict, self.severity, self.labels, self.share)

    @property
    def starts_s(self) -> float:
        """Second of the file at which it begins to match."""
        return min((part.query_start_s for part in (*self.segments, *self.sounds)), default=0.0)

    @property
    def by_sound(self) -> bool:
        """Whether nothing but the sound speaks for it."""
        return bool(self.sounds) and not self.segments and not self.identical


def read_matches(lines: Iterable[bytes]) -> Iterator[FoundMatch]:
    """Yield the matches among the lines, in their order, and the files that could not be checked.

    Other lines, and fields that nobody knows, are passed over.

    Raises:
        FormatError: a line is no JSON object of that kind, or there is no line about a file at all.
    """
    hashes: dict[str, str] = {}
    number, seen = 0, False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        value = _value(line, number)
        kind = value.get("type")
        if kind not in ("file", "match"):
            seen = seen or kind == "summary"
            continue
        seen = True
        try:
            path = _path(value)
            if kind == "file":
                hashes |= {path: str(value["sha256"])} if _SHA256.fullmatch(str(value.get("sha256"))) else {}
                if value.get("verdict") in _UNCHECKED:
                    reason, verdict = str(value.get("reason", "")), str(value["verdict"])
                    yield FoundMatch(path, hashes.get(path), "", verdict, 0.0, reason, False, (), "", ())
            else:
                yield _match(value, path, hashes.get(path))
        except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
            raise FormatError(f"line {number} is not a {kind} line of a run of matching: {error!r}", hint=_HINT) from error
    if not seen:
        raise FormatError(f"none of the {number} lines is about a file" if number else "there is nothing in it", hint=_HINT)


def found_in(answer: Mapping[str, Any], path: str) -> list[FoundMatch]:
    """Return the matches of one answer, or the file itself if it could not be checked.

    Args:
        answer: with ``file`` and ``matches``, in the forms of those names.
        path: what to call the file. One that could not be hashed is known by it, too.
    """
    file, identity = answer["file"], answer["file"]["sha256"] or f"{_UNHASHED}{path}"
    if file["verdict"] in _UNCHECKED:
        return [FoundMatch(path, identity, "", file["verdict"], 0.0, file["reason"], False, (), "", ())]
    return [_match(match, path, identity) for match in answer["matches"]]


def _value(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"line {number} is not JSON", hint=_HINT) from error
    if not isinstance(value, dict):
        raise FormatError(f"line {number} is not a JSON object", hint=_HINT)
    return value


def _path(value: dict[str, Any]) -> str:
    exact = value.get("path_base64")
    return os.fsdecode(base64.b64decode(exact, validate=True)) if exact is not None else str(value["path"])


def _match(value: dict[str, Any], path: str, sha256: str | None) -> FoundMatch:
    record = str(value["record"])
    if not _RECORD.fullmatch(record):
        raise ValueError(f"{record!r} is not a record's id")
    return FoundMatch(
        path,
        sha256,
        record,
        str(value["verdict"]),
        _number(value["score"]),
        str(value.get("reason", "")),
        bool(value.get("identical")),
        tuple(map(str, value.get("labels", ()))),
        str(value.get("source", "")),
        tuple(_stretch(segment, str(segment["view"])) for segment in value["segments"]),
        tuple(_stretch(sound, "") for sound in value.get("sounds", ())),
        str(value.get("sound", "")),
        str(value.get("severity", "")),
        _number(value.get("query_coverage", 0.0)),
        str(value.get("video") or ""),
    )


def _stretch(value: dict[str, Any], view: str) -> Stretch:
    start, end, there, until, speed = (_number(value[name]) for name in _TIMES)
    return Stretch(start, end, there, until, speed, view)


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no time and no score")
    return number
