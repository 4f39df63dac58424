"""`vhashdb explain`: why a file is said to match, or not to match, a record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .common import cache_option, cached, db_option, effort_option, exit_zero_option, json_option, opened, sound_option
from .limits import limit_options
from .output import shown
from .pair import code_of, doubts, fingerprints_of, tell_all
from .sources import kind_option, source_of

if TYPE_CHECKING:
    from vhashdb import Explanation


@click.command(short_help="Show why a file does or does not match a record.")
@click.argument("a", type=click.Path())
@click.argument("b", metavar="ID|FILE")
@kind_option
@db_option
@effort_option
@sound_option
@cache_option
@json_option
@exit_zero_option
@limit_options
@click.option("--plot", metavar="FILE", type=click.Path(path_type=Path), help="Draw it: a .png or .svg; needs matplotlib.")
def command(
    a: str, b: str, kind: str, db: Path, effort: str, sound: bool, cache: str, as_json: bool, exit_zero: bool, plot: Path | None
) -> int:
    """Show why a file does or does not match a record: every condition with its value.

    A is a video, a sound, a picture or a fingerprint file. It is compared with the record whose id begins with ID or, if there
    is a file of that name, with that file; then no database is needed, and --effort has no effect.

    The lines say why it is not a match, in which views both sides were compared, and what each condition came to; under
    "Technical details", whether a search finds the record, and every stretch that was found, chosen or not. The plot has
    the file's time across and the known video's time up: squares where both are alike, thick lines for the stretches
    chosen, dotted ones where both sound alike.

    \b
    Example:
      vhashdb explain upload.mp4 9f3c2a
      vhashdb explain --plot why.png upload.mp4 9f3c2a
      vhashdb explain upload.mp4 original.mp4
    """
    if plot is not None:
        _require_target(plot)
    if os.path.exists(b):
        explanation, notes = _against_file(a, b, kind, sound=sound)
    else:
        explanation, notes, b = _against_record(a, b, kind, db, effort, cache, sound=sound)
    if plot is not None:
        _draw(explanation, plot, a, b)
    tell_all(a, b, explanation, notes, as_json=as_json)
    return code_of(explanation, explanation.query, explanation.reference, exit_zero=exit_zero)


def _require_target(path: Path) -> None:
    """End before anything is decoded if nothing could be drawn."""
    from vhashdb.plotting import require_target

    require_target(path)


def _draw(explanation: Explanation, path: Path, a: str, b: str) -> None:
    from vhashdb.plotting import plot

    plot(explanation, path, query_name=shown(os.path.basename(a)), reference_name=shown(os.path.basename(b)))


def _against_file(a: str, b: str, kind: str, *, sound: bool) -> tuple[Explanation, tuple[str, ...]]:
    from vhashdb.matching import MatchingConfig, SoundConfig, check_retrieval, explain
    from vhashdb.search import FULL_SEARCH, SOUND_SEARCH, check_sound_retrieval

    query, reference = fingerprints_of(a, b, kind, sound=sound)
    reference.algorithm.require(query.algorithm)
    config = MatchingConfig.of(query.algorithm)
    checks = [check_retrieval(FULL_SEARCH, query, reference, config.radius_bits, config)]
    if query.sound is not None and reference.sound is not None:
        checks.append(check_sound_retrieval(SOUND_SEARCH, query.sound, reference.sound, SoundConfig()))
    explanation = explain(query, reference, tuple(checks), listened=sound)
    return explanation, doubts((a, query), (b, reference))


def _against_record(
    a: str, identifier: str, kind: str, db: Path, effort: str, cache: str, *, sound: bool
) -> tuple[Explanation, tuple[str, ...], str]:
    with cached(cache) as kept, opened(db, kept) as database:
        record = database.get(identifier)
        explanation = database.explain(source_of(a, kind=kind), record.id, effort=effort, sound=sound)
    retracted = ("this record is retracted, so it never matches",) if record.state == "retracted" else ()
    notes = (*retracted, *(f"{shown(a)}: {words}" for words in explanation.query.coverage.unseen))
    return explanation, notes, f"rec {record.short_id}"
