"""Write docs/cli.md from the help of every command and the pages of `vhashdb help`; with --check, only compare it."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from vhashdb_cli.main import cli
from vhashdb_cli.topics import TOPICS, page

TARGET = Path(__file__).with_name("cli.md")
WIDTH = 100


def main() -> int:
    """Write the page, or compare it."""
    text = reference()
    if "--check" not in sys.argv[1:]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(TARGET.read_text(encoding="utf-8") != text)


def reference() -> str:
    """The whole page."""
    parts = ["# Command line\n\nMade from the commands' own help by `make docs`.\n"]
    root = click.Context(cli, info_name="vhashdb", max_content_width=WIDTH, terminal_width=WIDTH, **cli.context_settings)
    pages = [f"## vhashdb help {topic}\n\n```text\n{page(topic, root)}\n```\n" for topic in TOPICS]
    main_help, *others = section(root)
    return "\n".join([*parts, main_help, *pages, *others])


def section(context: click.Context) -> list[str]:
    """One command, and those below it."""
    parts = [f"## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"]
    command = context.command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None  # it was listed
            parts += section(click.Context(child, info_name=name, parent=context, max_content_width=WIDTH, terminal_width=WIDTH))
    return parts


if __name__ == "__main__":
    sys.exit(main())
