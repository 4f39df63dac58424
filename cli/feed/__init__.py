"""`vhashdb feed`: one's own feed, which others pull, and how those of others stand."""

from __future__ import annotations

import click

from ..help import Group
from . import compact, heartbeat, init, policy, publish, roster, rotate_key, status, verify


@click.group(cls=Group, short_help="Publish records to others, and see how their feeds stand.")
def command() -> None:
    """Publish records to others, as a signed feed of static files that they pull, and see how their feeds stand.

    The folder of a feed can be put on any web server, bucket or shared disk. Somebody who controls that place but not the
    keys can keep news from the members for a while, and do nothing else.

    \b
    Example:
      vhashdb feed publish acme-tvec
      vhashdb feed verify acme-tvec
    """


for _verb in (init, publish, heartbeat, policy, roster, rotate_key, compact, verify, status):
    command.add_command(_verb.command)
