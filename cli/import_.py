"""`vhashdb import`: take records from files of other exchanges."""

from __future__ import annotations

import contextlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from vhashdb.errors import DatabaseError, UsageError, VhashdbError
from vhashdb.forms import with_path

from .batch import trace
from .codes import ExitCode
from .common import db_option, json_option, opened, quiet_option
from .hints import with_options
from .output import Hints, counted, decoded, emit_json, error_json, printable, say, shown, told, without_path
from .progress import Progress
from .screen import emit_words
from .settings import OneOf

if TYPE_CHECKING:
    from vhashdb import Database
    from vhashdb.exchange import Attribution, ImportOutcome
    from vhashdb.exchange.formats import Options, Remark

_QUIETLY: Final = frozenset({"added", "updated"})
"""What is only counted if there is no more to say of it."""


def _mapping(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    from vhashdb.exchange.formats import FIELDS

    found = {}
    for value in values:
        header, _, field = value.rpartition("=")
        if not header or field not in FIELDS:
            raise click.BadParameter(f"{value!r} is not HEADER=FIELD; fields: {', '.join(sorted(FIELDS))}")
        found[header.strip()] = field
    return found


def _label_map(path: str) -> dict[str, str]:
    from vhashdb.exchange import read_label_map

    try:
        return read_label_map(Path(path).read_text("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not text in UTF-8", hint="save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions") from error


@dataclass(frozen=True)
class _How:
    form: str
    said: Attribution
    options: Options
    dry_run: bool
    as_json: bool
    verbose: bool


@click.command("import", short_help="Take records from files of other exchanges.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--format", "form", type=OneOf("vhashdb.exchange.formats", "READ"), help="Their format, if their first bytes do not tell.")
@click.option("--source", default="", metavar="NAME", help="Where they come from; by default the format, and the organisation it names.")
@click.option(
    "--map",
    "mapping",
    multiple=True,
    metavar="HEADER=FIELD",
    callback=_mapping,
    help="For CSV and JSON: which field a column or a name is.",
)
@click.option("--signal-type", default="", metavar="KIND", help="For lines that hold a hash alone: its kind, such as pdq or video_md5.")
@click.option(
    "--encoding",
    metavar="NAME",
    type=OneOf("vhashdb.exchange.formats", "ENCODINGS"),
    help="Encoding of text that is neither UTF-8 nor UTF-16.",
)
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="A label for all of them; can be given several times.")
@click.option(
    "--label-map",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="What labels of theirs are called here: a file of lines such as Terrorism and Violence=tvec.",
)
@click.option("--reason", default="", metavar="TEXT", help="Why they are recorded, instead of what the file says.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Also show each item that was taken or known.")
@db_option
@json_option
@quiet_option
def command(
    files: tuple[str, ...],
    form: str | None,
    source: str,
    mapping: dict[str, str],
    signal_type: str,
    encoding: str | None,
    labels: tuple[str, ...],
    label_map: str | None,
    reason: str,
    dry_run: bool,
    verbose: bool,
    db: Path,
    as_json: bool,
    quiet: bool,
) -> int:
    """Take records from files of other exchanges; - is standard input.

    The format is recognised by the first bytes. What is malformed, such as one frame of a video, is refused with its line
    and stops nothing else; what looks wrong, or could mostly not be read, is held for a person. The same file can be given
    again: nothing is taken twice. An item that its source withdrew is withdrawn here, if it came from the same source.
    Nothing that was imported is ever passed on, or leads to more than a review.

    A label of several words stays one: Terrorism and Violence becomes terrorism-and-violence, or what --label-map says.
    Several labels in one cell stand between commas, semicolons or bars. What was renamed or left out is said at the end.

    \b
    Example:
      vhashdb import --dry-run page.json
      vhashdb import --source acme --map "Hash=sha256" --map "Kind=labels" list.csv
      vhashdb import --label graphic-violence known.vpdq.txt
      vhashdb import --source acme --label-map labels.txt list.csv
    """
    from vhashdb.exchange import Attribution
    from vhashdb.exchange.formats import Options
    from vhashdb.store import check_label

    said = Attribution(source, tuple(map(check_label, labels)), reason, _label_map(label_map) if label_map else {})
    how = _How(form or "", said, Options(mapping=mapping, signal_type=signal_type, encoding=encoding or ""), dry_run, as_json, verbose)
    with opened(db) as database:
        return _Importing(database, how, quiet).run(files)


class _Importing:
    """One run over several files."""

    def __init__(self, database: Database, how: _How, quiet: bool) -> None:
        self._database, self._how, self._quiet = database, how, quiet
        self._counts: Counter[str] = Counter()
        self._hints = Hints(quiet=quiet)
        self._failed = 0

    def run(self, files: tuple[str, ...]) -> int:
        with Progress(_bytes(files), quiet=self._quiet, unit="byte") as progress:
            for path in files:
                try:
                    with _opened(path) as stream:
                        self._file(path, stream, progress)
                except DatabaseError:
                    raise
                except VhashdbError as error:
                    self._failed += 1
                    self._tell_error(path, error)
        code = ExitCode.INCOMPLETE if self._failed or self._counts["refused"] else ExitCode.FINISHED
        self._summary(len(files), code)
        return code

    def _file(self, path: str, stream: BinaryIO, progress: Progress) -> None:
        from vhashdb.exchange.formats import Remark

        how, counts = self._how, Counter[str]()
        importer = self._database.exchange.import_from(stream, how.said, form=how.form, options=how.options, dry_run=how.dry_run)
        form, read = importer.format, 0
        progress.begin(path)
        try:
            for outcome in importer.run():
                read, before = _position(stream, read), read
                progress.advance(read - before)
                if isinstance(outcome, Remark):
                    self._remark(path, outcome)
                    continue
                counts[outcome.status.value] += 1
                counts["opinions"] += len(outcome.opinions)
                if how.as_json:
                    value = outcome.to_json("", form.counts)
                    emit_json(with_path(value | {"reason": with_options(outcome.reason)}, path))
                elif how.verbose or worth_saying(outcome):
                    for line in outcome_lines(path, outcome, form.counts):
                        emit_words(line)
        finally:
            progress.end(path)
            self._counts += counts
            if not how.as_json:
                emit_words(f"{shown(path)}  {form.name}: {tally(counts)}")

    def _remark(self, path: str, remark: Remark) -> None:
        if self._how.as_json:
            emit_json(with_path({"type": "remark", "message": remark.text}, path))
        elif not self._quiet:
            say(f"{shown(path)}: {printable(remark.text)}")

    def _tell_error(self, path: str, error: VhashdbError) -> None:
        if self._how.as_json:
            emit_json(error_json(error, path))
        else:
            emit_words(f"{shown(path)}  NOT IMPORTED  {printable(without_path(error.message, path))}")
            self._hints.give(error.hint)
        trace(error)

    def _summary(self, files: int, code: ExitCode) -> None:
        path, records = self._database.place, len(self._database)
        if not self._how.as_json:
            dry = "nothing was changed, as asked · " if self._how.dry_run else ""
            found, base = f"{counted(files, 'file')}: {tally(self._counts)}", f"{shown(path)}, {counted(records, 'record')}"
            emit_words(f"{found} · {dry}database {base} · exit {told(code)}")
            return
        from vhashdb.exchange import Status

        emit_json(
            {"type": "summary", "files": files, "unreadable": self._failed}
            | {status.value: self._counts[status.value] for status in Status}
            | {"opinions": self._counts["opinions"], "dry_run": self._how.dry_run}
            | {"database": decoded(path), "records": records, "exit_code": told(code)}
        )


def _bytes(paths: tuple[str, ...]) -> int | None:
    """How much there is to read, if that can be known."""
    if "-" in paths:
        return None
    return sum(os.path.getsize(path) for path in paths if os.path.isfile(path))


def _position(stream: BinaryIO, before: int) -> int:
    """How much of it was read."""
    try:
        return stream.tell()
    except OSError:  # a pipe
        return before


@contextlib.contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    from vhashdb.opening import stream_of

    with stream_of(path) as file:
        yield file


def worth_saying(outcome: ImportOutcome) -> bool:
    """Return whether somebody should read of an item, as opposed to it being counted."""
    return outcome.status != "known" and (outcome.status not in _QUIETLY or bool(outcome.reason) or bool(outcome.notes))


def outcome_lines(path: str, outcome: ImportOutcome, counts: str) -> list[str]:
    """Return what came of one item."""
    record = f"  rec {outcome.record[:8]}" if outcome.record else ""
    reason = f"  {printable(with_options(outcome.reason))}" if outcome.reason else ""
    lines = [f"{shown(path)}  {counts} {outcome.number}  {outcome.status.value.upper()}{record}{reason}"]
    return lines + [f"  {printable(note)}" for note in (*outcome.notes, *outcome.shortcomings)]


def tally(counts: Counter[str]) -> str:
    """``2 added, 1 held``."""
    words = {"opinion": "opinions without a record", "opinions": "opinions"}
    parts = [f"{number:,} {words.get(name, name)}" for name, number in sorted(counts.items()) if number]
    return ", ".join(parts) or "nothing in it"
