"""The verbs in the groups of the main help, each loaded when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Final

import click

from .help import Group, completed

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "Everyday": ("demo", "init", "add", "match", "explain", "compare", "review"),
    "Records": ("list", "show", "video", "label", "hash", "retract", "unmatch", "allow", "audit", "jobs"),
    "Sharing": ("import", "export", "migrate", "feed", "trust", "sync", "opinion", "canary", "serve", "key"),
    "Upkeep": ("info", "stats", "report", "doctor", "backup", "cluster", "config", "completion", "help"),
}
"""Every verb, in the order of the help. Each is a module here with a `command`, which imports what is heavy only when it runs."""
VERBS: Final = tuple(verb for verbs in GROUPS.values() for verb in verbs)

MODULES: Final = {"import": "import_", "help": "topics"}
"""Modules that cannot be called what their verb is called."""
_INDENT: Final = 9
_EXPLAINED: Final = "Everyday"
"""The group whose verbs the main help explains; for all of them its 24 lines are too few."""


class LazyGroup(Group):
    """The command `vhashdb` itself; it loads a verb's module when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return all verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        """Return the verb's command, or None."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f".{MODULES.get(cmd_name, cmd_name)}", __package__).command
        return completed(command, cmd_name)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups of verbs, which are what most readers look for, and then the options."""
        self._explain(ctx, formatter, GROUPS[_EXPLAINED], _EXPLAINED)
        formatter.write_paragraph()
        for title, verbs in GROUPS.items():
            if title != _EXPLAINED:  # to the last column, which a list of definitions leaves free
                line = f"{title + ':':<{_INDENT}}{', '.join(verbs)}"
                formatter.write(click.formatting.wrap_text(line, formatter.width + 2, subsequent_indent=" " * _INDENT) + "\n")
        click.Command.format_options(self, ctx, formatter)

    def format_all_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every verb with a sentence, group by group."""
        for title, verbs in GROUPS.items():
            self._explain(ctx, formatter, verbs, title)

    def _explain(self, ctx: click.Context, formatter: click.HelpFormatter, verbs: Iterable[str], title: str) -> None:
        found = [(verb, self.get_command(ctx, verb)) for verb in verbs]
        with formatter.section(title):
            formatter.write_dl([(verb, command.get_short_help_str(200)) for verb, command in found if command is not None])
