"""`vhashdb completion`: the script that lets a shell complete the command."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from .output import emit


@click.command(short_help="Print the script that lets your shell complete this command.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets your shell complete this command.

    Commands, options and their values are completed, and from the database ids, labels, sources and feeds. Zsh and fish show
    beside an id what it is. The database is only read, and never made or locked by it.

    \b
    Example:
      vhashdb completion bash >> ~/.bashrc
      vhashdb completion fish > ~/.config/fish/completions/vhashdb.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click knows the three
    emit(kind(ctx.find_root().command, {}, "vhashdb", "_VHASHDB_COMPLETE").source())
