"""`vhashdb compare`: two files, no database."""

from __future__ import annotations

import click

from .common import exit_zero_option, json_option, sound_option
from .limits import limit_options
from .pair import code_of, doubts, fingerprints_of, tell
from .sources import kind_option


@click.command(short_help="Compare two files with each other; no database is needed.")
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@kind_option
@sound_option
@json_option
@exit_zero_option
@limit_options
def command(a: str, b: str, kind: str, sound: bool, as_json: bool, exit_zero: bool) -> int:
    """Compare two files with each other; no database is needed.

    Says whether A holds any part of B. Both are videos, sounds, pictures, or fingerprint files made by `vhashdb hash`.

    \b
    Example:
      vhashdb compare upload.mp4 original.mp4
      vhashdb compare --json upload.mp4 original.mp4
    """
    from vhashdb.matching import explain

    query, reference = fingerprints_of(a, b, kind, sound=sound)
    explanation = explain(query, reference, listened=sound)
    tell((a, query), (b, reference), explanation, doubts((a, query), (b, reference)), as_json=as_json)
    return code_of(explanation, query, reference, exit_zero=exit_zero)
