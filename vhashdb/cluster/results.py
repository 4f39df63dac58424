"""Write what a job of questions came to into one file, each answer once: all of it, or nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from vhashdb.cluster.worker import unread_lines
from vhashdb.errors import UsageError, VhashdbError
from vhashdb.forms.about_files import with_path
from vhashdb.moderation.policy import Action
from vhashdb.store.job_values import Finding, ItemState, Job
from vhashdb.store.jobs import Jobs
from vhashdb.writing import replacing

PARQUET: Final = ".parquet"
_AT_ONCE: Final = 1000
"""Files that are a group of rows in Parquet. Engineering bound."""
_COLUMNS: Final = {
    "path": "string", "verdict": "string", "reason": "string", "sha256": "string", "duration_s": "double", "effort": "string",
    "matches": "int64", "records": "strings", "scores": "doubles", "action": "string", "lines": "string",
}  # fmt: skip


def write_results(jobs: Jobs, job: Job, path: Path) -> int:
    """Write the answers of a job, in the order of the names of its files, and return for how many files.

    A name that ends in ``.parquet`` has one row a file; else there are the lines of ``vhashdb match --json``, a ``file`` line for each
    file and those of its matches after it. What is at the path is replaced at the end.

    Raises:
        UsageError: the file cannot be written, or Parquet is asked for and pyarrow is not installed.
    """
    found = jobs.findings(job.id, ItemState.DONE, ItemState.FAILED)
    answers = (lines_of(each, job) for each in found)
    write = _write_parquet if path.suffix == PARQUET else _write_lines
    with replacing(path) as aside:
        return write(answers, aside)


def lines_of(finding: Finding, job: Job) -> list[dict[str, Any]]:
    """Return the lines about one file: its answer, that it could not be had, or that it was passed over."""
    if finding.state is ItemState.FAILED:
        return unread_lines(finding.path, VhashdbError(finding.reason, hint="`Jobs.retry` lets it be tried again"), job.options["effort"])
    if finding.outcome == "skipped":
        return [with_path({"type": "skipped", "path": "", "reason": finding.reason}, finding.path)]
    return [json.loads(line) for line in finding.result.splitlines()]


def _write_lines(answers: Iterable[list[dict[str, Any]]], path: Path) -> int:
    count = 0
    with open(path, "w", encoding="utf-8") as file:
        for lines in answers:
            count += 1
            file.writelines(json.dumps(line) + "\n" for line in lines)
    return count


def _write_parquet(answers: Iterable[list[dict[str, Any]]], path: Path) -> int:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow, which is not installed", hint='pip install "vhashdb[parquet]"') from error
    kinds = {"string": pa.string(), "double": pa.float64(), "int64": pa.int64()}
    kinds |= {"strings": pa.list_(pa.string()), "doubles": pa.list_(pa.float64())}
    schema = pa.schema([(name, kinds[kind]) for name, kind in _COLUMNS.items()])
    count = 0
    with pq.ParquetWriter(path, schema) as file:
        for rows in _batches(map(_row, answers)):
            count += len(rows)
            file.write_table(pa.Table.from_pylist(rows, schema))
    return count


def _row(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """One file as a row: what is asked for most often, and all of it in ``lines``, as JSON."""
    first, matches = lines[0], [line for line in lines if line["type"] == "match"]
    own = {name: first.get(name) for name in ("path", "reason", "sha256", "duration_s", "effort")}
    verdict = first.get("verdict", first["type"])
    found = {"records": [each["record"] for each in matches], "scores": [each["score"] for each in matches]}
    action = max((Action(each["action"]) for each in matches), key=lambda action: action.rank, default=Action.NONE).value
    return own | found | {"verdict": verdict, "matches": len(matches), "action": action, "lines": "\n".join(map(json.dumps, lines))}


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := list(itertools.islice(rows, _AT_ONCE)):
        yield some
