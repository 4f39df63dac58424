"""Who is told what `vhashdb match` finds: each teller makes something else of the same answers."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from .batch import Job, emit_skipped, tally
from .codes import ExitCode
from .files import Skipped
from .output import Hints, counted, decoded, emit, emit_json, error_json, shown, told, with_part, with_path, without_path
from .verdicts import not_checked_line, result_lines, what_to_do

if TYPE_CHECKING:
    from vhashdb import Result

WORDS: Final = {
    "match": "match",
    "possible": "possible",
    "no-match": "no match",
    "insufficient": "insufficient",
    "unreadable": "not checked",
}
"""Verdicts as counts are given, in the order to be shown."""


@dataclass(frozen=True)
class Summary:
    """What a whole run came to."""

    verdicts: Mapping[str, int]
    """Files by verdict, in the order of `WORDS`."""
    matches: int
    skipped: Skipped
    """Files in folders that were passed over."""
    older: int
    """Files passed over because they were last changed before `--since`."""
    database: Path
    records: int
    """That can match."""
    updated_at: datetime.datetime | None
    """When a record was last added or changed."""
    effort: str
    elapsed_s: float
    code: ExitCode

    @property
    def files(self) -> int:
        """All that were asked about."""
        return sum(self.verdicts.values())


def database_text(summary: Summary) -> str:
    """Which database answered, and of which day: an old one does not know what others have recorded since."""
    day = f", {summary.updated_at.date()}" if summary.updated_at else ""
    return f"database {shown(summary.database)}{day}, {counted(summary.records, 'record')}"


class Teller(Protocol):
    """Is told every answer in the order of the inputs, and at the end what it all came to, also after Ctrl-C."""

    def tell(self, job: Job[Result]) -> None:
        """One file: its result, or the error that it could not be read with."""

    def finish(self, summary: Summary) -> None:
        """There will be no more."""


class TextTeller:
    """Plain lines, the same whatever the terminal."""

    def __init__(self, width: int, *, quiet: bool = False) -> None:
        self._width = width
        """Characters that names are padded to."""
        self._hints = Hints(quiet=quiet)

    def tell(self, job: Job[Result]) -> None:
        """One line for each match, or the verdict."""
        if job.value is None:
            emit(not_checked_line(job.name, without_path(job.failure.message, job.path), self._width))
            self._hints.give(job.failure.hint)
            return
        for line in result_lines(job.name, job.value, self._width):
            emit(line)
        if job.value.verdict == "insufficient":
            self._hints.give(what_to_do(job.value))

    def finish(self, summary: Summary) -> None:
        """One line."""
        files = tally({WORDS[verdict]: number for verdict, number in summary.verdicts.items()}, summary.skipped, summary.older)
        emit(f"{files} · {database_text(summary)} · exit {told(summary.code)}")


class JsonTeller:
    """One object a line, as `docs/json.md` has it."""

    def __init__(self, effort: str) -> None:
        self._effort = effort

    def tell(self, job: Job[Result]) -> None:
        """The ``file`` line and its ``match`` lines, or its ``error`` line."""
        if job.value is not None:
            emit_json(with_part(with_path(job.value.to_json(""), job.path), job.part))
            for match in job.value.matches:
                emit_json(with_part(with_path(match.to_json(""), job.path), job.part))
            return
        emit_json(with_part(with_path(self._unreadable(without_path(job.failure.message, job.path)), job.path), job.part))
        emit_json(with_part(error_json(job.failure, job.path), job.part))

    def finish(self, summary: Summary) -> None:
        """The ``skipped`` lines and the ``summary`` line."""
        emit_skipped(summary.skipped)
        emit_json(
            {
                "type": "summary",
                "files": summary.files,
                "verdicts": dict(summary.verdicts),
                "matches": summary.matches,
                "skipped": len(summary.skipped),
                "skipped_because": dict(summary.skipped.reasons),
                "older": summary.older,
                "database": decoded(summary.database),
                "records": summary.records,
                "effort": summary.effort,
                "elapsed_s": round(summary.elapsed_s, 3),
                "interrupted": summary.code is ExitCode.INTERRUPTED,
                "exit_code": told(summary.code),
            }
        )

    def _unreadable(self, reason: str) -> dict[str, Any]:
        """The ``file`` line of a file that could not be read: the same fields as any other."""
        from vhashdb import Effort, Result, Verdict

        return Result(Verdict.UNREADABLE, decoded(reason), effort=Effort(self._effort)).to_json("")
