"""`vhashdb demo`: the tour, on the sample videos that come with the program."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vhashdb.errors import UsageError

from .add import addition_notes, addition_words
from .batch import Job
from .common import made, opened
from .output import emit, shown
from .pair import tell_all
from .result_writers import ResultWriter, TextWriter

if TYPE_CHECKING:
    from vhashdb import Database, Result

_LABELS: Final = {
    "harbour": "graphic-violence",
    "night_city": "terror-propaganda",
    "playground": "child-safety",
    "valley": "animal-cruelty",
}
"""Made up: the samples are drawings of a harbour, a city, a playground and a valley."""
_EXPLAINED: Final = "valley__mirror.mp4"
_WIDEST: Final = 118


@click.command(short_help="Take the tour with a database of sample videos.")
@click.option("--keep", metavar="DIR", type=click.Path(path_type=Path), help="Make the database in this folder and leave it there.")
def command(keep: Path | None) -> None:
    """Take the tour: a database of sample videos, and what matching says.

    Nothing is downloaded; the samples are small drawings that come with the program. Takes a few seconds.

    \b
    Example:
      vhashdb demo
      vhashdb demo --keep tour
    """
    samples = samples_folder()
    with _place(keep) as place:
        made(place)
        with opened(place) as database:
            _fill(database, samples)
            answers = _ask(database, samples)
            _explain(database, samples)
            if keep:
                _report(database, answers, keep / "report.html")
    if keep:
        # Made in a virtual environment, the command need not be on the PATH.
        program = "vhashdb" if shutil.which("vhashdb") else f"{shown(_from_here(sys.executable))} -m vhashdb"
        film = _from_here(samples / "edited" / _EXPLAINED)
        emit(f"\nThe database stays at {shown(place)}. Try:\n\n   {program} match --db {shown(place)} {shown(film)}")
    else:
        emit("\nThe database was temporary. To start your own:  vhashdb init, vhashdb add, vhashdb match")


def samples_folder() -> Path:
    """Return the folder of the samples, of an installed wheel as of a working copy."""
    spec = importlib.util.find_spec(f"{__package__}.samples")
    for location in (spec.submodule_search_locations if spec else None) or ():
        if Path(location, "known").is_dir():
            return Path(location)
    raise UsageError("the sample videos are not installed", hint="install vhashdb again, or run this in a copy of its repository")


def _from_here(path: str | Path) -> Path:
    """A path below the working folder without that, so that a command with it is short."""
    place, path = Path.cwd(), Path(path)
    return path.relative_to(place) if path.is_relative_to(place) else path


@contextlib.contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        yield keep / "demo.vhdb"
        return
    with tempfile.TemporaryDirectory(prefix="vhashdb-demo-") as folder:
        yield Path(folder, "demo.vhdb")


def _fill(database: Database, samples: Path) -> None:
    _chapter(
        "1. Four known videos are fingerprinted and recorded. The database keeps hashes and what you say about the video, "
        "never a picture of it."
    )
    for path in sorted((samples / "known").glob("*.mp4")):
        addition = database.add(path, labels=[_LABELS.get(path.stem, "sample")], reason="sample")
        for line in (f"{path.name}  {addition_words(addition)}", *addition_notes(addition)):
            emit(f"   {line}")


def _ask(database: Database, samples: Path) -> list[tuple[Path, Result]]:
    _chapter(
        "2. Edited copies of them are checked. Each has its verdict, the record, its labels, a score from 0 to 1, and the most that "
        "a match may lead to without a person; then which seconds of the file show which seconds of the known video, how the "
        "picture was changed, and how many bits of a hash typically differ."
    )
    edited = _show(database, sorted((samples / "edited").glob("*.mp4")))
    _chapter("3. Videos that are in no database. INSUFFICIENT is not NO MATCH: the picture shows too little to say anything.")
    return edited + _show(database, sorted((samples / "unknown").glob("*.mp4")))


def _report(database: Database, answers: list[tuple[Path, Result]], path: Path) -> None:
    from vhashdb.report import Report

    with Report(database, pictures="obscured") as report:
        for film, result in answers:
            report.add(film, result)
        report.write(path)
    _chapter("5. The same as a page to look at in a browser; `vhashdb match --report FILE.html` makes it for any files.")
    emit(f"   {shown(path)}")


def _show(database: Database, paths: list[Path]) -> list[tuple[Path, Result]]:
    writer, explain_signs = _writer(database, max((len(path.name) for path in paths), default=0))
    answers = []
    for path in paths:
        answers.append((path, database.match(path)))
        writer.write(Job(path.name, answers[-1][1]))
    explain_signs()
    return answers


def _writer(database: Database, width: int) -> tuple[ResultWriter, Callable[[], None]]:
    """Who tells the answers, and what explains the signs that were used."""
    if not sys.stdout.isatty():
        return TextWriter(width, quiet=True), lambda: None
    from .screen.answers import ScreenWriter

    writer = ScreenWriter(database)
    return writer, writer.explain_signs


def _chapter(text: str) -> None:
    """What comes next, in lines that fit the terminal."""
    columns = min(_WIDEST, shutil.get_terminal_size((_WIDEST, 24)).columns)
    emit("\n" + "\n".join(textwrap.wrap(text, columns, subsequent_indent="   ")) + "\n")


def _explain(database: Database, samples: Path) -> None:
    path = samples / "edited" / _EXPLAINED
    matches = database.match(path).matches
    if not matches:
        return
    record = matches[0].record
    _chapter(f"4. Why {path.name} is a match. Every condition must pass; `vhashdb explain FILE ID` shows this for any file.")
    tell_all(path.name, f"rec {record.short_id}", database.explain(path, record.id), (), as_json=False)
