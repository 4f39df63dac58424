"""`vhashdb review`: what waits for a person, walked through case by case, listed, decided, handed over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from vhashdb.errors import UsageError

from ..common import db_option, opened, player_option
from ..help import Group
from ..settings import OneOf
from .options import filters
from .verbs import accept, list_cases, reject, show


@click.group(cls=Group, short_help="Work through what waits for a person.", invoke_without_command=True)
@click.option("--matches", metavar="FILE", help="Go through what `vhashdb match --json` printed instead; - for standard input.")
@click.option(
    "--export", "export", metavar="FILE", help="Hand over: write what is open and what was decided, as .md, .html, .csv or .jsonl."
)
@click.option(
    "--by",
    type=OneOf("vhashdb.review", "By"),
    default="video",
    show_default=True,
    help="With --matches: one answer for all files of a video, or for all that a file shows.",
)
@filters
@player_option
@db_option
def command(matches: str | None, export: str | None, by: str, player: str | None, db: Path, **given: Any) -> None:
    """Work through what waits for a person: held, disputed, overdue and expired records, and those that matched recently.

    Each case is shown with all that speaks for and against it; one key answers it, and another one chooses a reason. What was
    decided is kept at once: q, Ctrl-C or the end of the input lose nothing, and the next run goes on with the rest.
    With --matches, the files of one run are gone through, all those that show one video at once, and what was decided about a
    file is shown by `vhashdb match` and not asked again. --export alone asks nothing; with --matches it is written at the end,
    and is the only place where names of files are kept. Answers that are piped in are lines, such as y, and then the reason.

    \b
    Example:
      vhashdb review
      vhashdb review --cause disputed --label terrorism
      vhashdb match --json uploads/ > verdicts.jsonl
      vhashdb review --matches verdicts.jsonl
      vhashdb review --export handover.md
    """
    ctx = click.get_current_context()
    if ctx.invoked_subcommand is not None:
        _refuse_options_before(ctx)
        return
    from .options import Asked
    from .running import run

    with opened(db) as database:
        run(database, Asked(matches=matches, export=export, by=by, player=player, **given))


def _refuse_options_before(ctx: click.Context) -> None:
    """Options before `list` and the like would be lost in silence."""
    lost = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    if lost:
        flags = ", ".join(parameter.opts[0] for parameter in ctx.command.params if parameter.name in lost)
        raise UsageError(f"{flags} before {ctx.invoked_subcommand} has no effect", hint=f"give it after {ctx.invoked_subcommand}")


for _verb in (list_cases, show, accept, reject):
    command.add_command(_verb)
