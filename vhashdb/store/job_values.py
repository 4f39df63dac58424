"""What there is to know of a job over many files, and of each of them."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vhashdb.json_values import json_value


class JobKind(enum.StrEnum):
    """What is done with each file."""

    ADD = "add"
    MATCH = "match"


class JobState(enum.StrEnum):
    """How far a job is."""

    LISTING = "listing"
    """Not all files are known yet."""
    LISTED = "listed"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class ItemState(enum.StrEnum):
    """How far one file of a job is."""

    WAITING = "waiting"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    """Given up; it waits for a person."""


@dataclass(frozen=True)
class Job:
    """One job: what is to be done with which files."""

    id: str
    kind: JobKind
    state: JobState
    places: tuple[str, ...]
    options: Mapping[str, Any]
    by: str
    made_at: datetime.datetime
    ended_at: datetime.datetime | None
    listed: tuple[int, str]
    """Number of the place that is listed, and where in it the next page begins."""


@dataclass(frozen=True)
class Listed:
    """One file that a listing found."""

    path: str
    version: str
    size: int


@dataclass(frozen=True)
class Lease:
    """One file that is a worker's for a while."""

    job: str
    path: str
    size: int
    attempts: int
    token: str


@dataclass(frozen=True)
class Progress:
    """How far a job is, over all workers."""

    states: Mapping[ItemState, int]
    outcomes: Mapping[str, int]
    """Files that are done, by what they came to."""
    rate: float
    """Files a second that were done lately."""

    @property
    def open(self) -> int:
        """Files that nothing is known about yet."""
        return self.states[ItemState.WAITING] + self.states[ItemState.LEASED]

    @property
    def closed(self) -> int:
        """Files that are done or given up."""
        return self.states[ItemState.DONE] + self.states[ItemState.FAILED]

    @property
    def left_s(self) -> float | None:
        """Seconds that the files known so far will take; None while nobody can tell."""
        return self.open / self.rate if self.rate else None

    def to_json(self, job: Job) -> dict[str, Any]:
        """Return the line ``job`` about it."""
        own = {name: json_value(getattr(job, name)) for name in ("kind", "state", "places", "by", "made_at", "ended_at")}
        files = {state.value: number for state, number in self.states.items()}
        left = None if self.left_s is None else round(self.left_s, 1)
        counts = {"files": sum(files.values()), **files, "outcomes": dict(self.outcomes), "rate": round(self.rate, 3), "left_s": left}
        return {"type": "job", "id": job.id, **own, **counts}


@dataclass(frozen=True)
class Finding:
    """What one file came to."""

    path: str
    state: ItemState
    outcome: str
    reason: str
    attempts: int
    result: str

    def to_json(self, job: str) -> dict[str, Any]:
        """Return the line ``job-file`` about it."""
        own = {"outcome": self.outcome, "reason": self.reason, "attempts": self.attempts}
        return {"type": "job-file", "job": job, "path": self.path, "state": self.state.value, **own}
