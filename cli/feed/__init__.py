"""`vhashdb feed`: one's own feed, which others pull."""

from __future__ import annotations

import click

from . import compact, heartbeat, init, publish, rotate_key, verify


@click.group(short_help="Publish records to others: a signed feed of static files.")
def command() -> None:
    """Publish records to others, as a signed feed of static files that they pull.

    \b
    Example:
      vhashdb feed publish acme-tvec
      vhashdb feed verify acme-tvec
    """


for _verb in (init, publish, heartbeat, rotate_key, compact, verify):
    command.add_command(_verb.command)
