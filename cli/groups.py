"""A group of commands that answers a mistyped command with the ones that may have been meant.

Click does so itself since 8.4, but not for commands that are loaded when asked for, and older releases are supported.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

import click


class Group(click.Group):
    """A group that suggests."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named by the first argument."""
        name = args[0]
        # Click has its own word on what looks like an option; while a shell completes, nothing is an error.
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            raise mistyped("command", name, self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


def mistyped(kind: str, name: str, known: Iterable[str], ctx: click.Context) -> click.UsageError:
    """Make the error for a name that does not exist, with the known ones that resemble it."""
    # All names are lower case, and a shift key that stuck is a mistake like any other.
    return click.UsageError(f"No such {kind} {name!r}.{did_you_mean(difflib.get_close_matches(name.lower(), known))}", ctx)


def did_you_mean(names: Sequence[str]) -> str:
    """Say the question, with the space before it; nothing if there are no names."""
    *others, last = [repr(name) for name in names] or [""]
    return f" Did you mean {' or '.join(filter(None, (', '.join(others), last)))}?" if last else ""
