"""`vhashdb help`: the help of a command, and the pages that belong to no command in particular."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import click
from click.shell_completion import CompletionItem

from .help import all_exit_codes, all_variables, mistyped
from .output import emit
from .verbs import LazyGroup

Page = Callable[[click.Context, click.HelpFormatter], None]
"""Writes a page, given the context of `vhashdb` itself."""

_ABOUT_CODES: Final = """\
The help of each command says which of these it may end with. 1 is not used, so that a crash of the interpreter cannot
look like a verdict.
"""
_ABOUT_VARIABLES: Final = """\
An option on the command line wins over its variable, the variable over the configuration file, and that over the default.
`vhashdb config show` shows what applies and where it comes from.
"""


def _commands(ctx: click.Context, formatter: click.HelpFormatter) -> None:
    command = ctx.command
    assert isinstance(command, LazyGroup)  # it is what every context begins with
    command.format_all_commands(ctx, formatter)


def _environment(_: click.Context, formatter: click.HelpFormatter) -> None:
    formatter.write_text(f"{all_variables()}\n\n{_ABOUT_VARIABLES}")


def _exit_codes(_: click.Context, formatter: click.HelpFormatter) -> None:
    formatter.write_text(f"{all_exit_codes()}\n\n{_ABOUT_CODES}")


TOPICS: Final[Mapping[str, tuple[Page, str]]] = {
    "commands": (_commands, "every command with what it does"),
    "environment": (_environment, "the variables that are read"),
    "exit-codes": (_exit_codes, "how a command says what came out"),
}
"""The pages, each with what is on it."""


def page(topic: str, ctx: click.Context) -> str:
    """Return the text of a topic's page."""
    formatter = ctx.make_formatter()
    TOPICS[topic][0](ctx, formatter)
    return formatter.getvalue().strip("\n")


class _Topic(click.types.StringParamType):
    """A topic or a word of a command."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the words that may follow those that are there."""
        before = ctx.params.get(param.name or "") or ()
        try:
            found = _found(ctx.find_root(), before)
        except click.UsageError:
            return []
        items = [] if before else [CompletionItem(name, help=text) for name, (_, text) in TOPICS.items()]
        if isinstance(found.command, click.Group):
            below = ((name, found.command.get_command(found, name)) for name in found.command.list_commands(found))
            items += [CompletionItem(name, help=command.get_short_help_str(200)) for name, command in below if command]
        return [item for item in items if item.value.startswith(incomplete)]


@click.command("help", short_help="Show the help of a command, or a page about all of them.")
@click.argument("topic", nargs=-1, type=_Topic(), metavar="[TOPIC]...")
@click.pass_context
def command(ctx: click.Context, topic: tuple[str, ...]) -> None:
    """Show the help of a command, or a page about all of them.

    TOPIC is a command, such as `match` or `feed publish`, or one of these: commands (what each of them does), environment
    (the variables that are read), exit-codes (how a command says what came out). Without one, this is `vhashdb --help`.

    \b
    Example:
      vhashdb help exit-codes
      vhashdb help feed publish
    """
    root = ctx.find_root()
    emit(page(topic[0], root) if len(topic) == 1 and topic[0] in TOPICS else _found(root, topic).get_help())


def _found(ctx: click.Context, words: Sequence[str]) -> click.Context:
    """The context of the command that the words call, below the context of `vhashdb` itself.

    Raises:
        click.UsageError: there is no such command; the message suggests others.
    """
    pages = list(TOPICS) if len(words) == 1 else []
    for word in words:
        group = ctx.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"`{ctx.command_path}` has no commands of its own.", ctx)
        child = group.get_command(ctx, word)
        if child is None:
            raise mistyped("command or topic" if pages else "command", word, [*pages, *group.list_commands(ctx)], ctx)
        ctx = click.Context(child, info_name=word, parent=ctx, **child.context_settings)
    return ctx
