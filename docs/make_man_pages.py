"""Write a man page for every command from its own help, into man/ or the folder given.

python docs/make_man_pages.py [FOLDER]
MANPATH=man: man vhashdb-match
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
from vhashdb_cli.main import cli
from vhashdb_cli.topics import TOPICS

import vhashdb

TARGET: Final = Path(__file__).parents[1] / "man"


class ManPage(click.HelpFormatter):
    """Help, in the language of man pages."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:  # noqa: ARG002  # click's signature
        """The synopsis; the description follows it."""
        self.write(f".SH SYNOPSIS\n.B {_escaped(prog)}\n{_escaped(args)}\n.SH DESCRIPTION\n")

    def write_heading(self, heading: str) -> None:
        """A section."""
        self.write(f".SH {_escaped(heading.upper())}\n")

    def write_paragraph(self) -> None:
        """Nothing: what begins something new says so itself."""

    def write_text(self, text: str) -> None:
        """Paragraphs; those that click is told to leave alone are sections of lines."""
        for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
            if "\b" not in paragraph:
                self.write(f".PP\n{_escaped(' '.join(paragraph.split()))}\n")
                continue
            title, *lines = [line for line in paragraph.splitlines() if line.strip() not in ("", "\b")]
            self.write_heading(title.strip().removesuffix(":"))
            self.write(".nf\n" + "".join(f"{_escaped(line.strip())}\n" for line in lines) + ".fi\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:  # noqa: ARG002  # click's signature
        """Options or commands, each with what it does."""
        for term, text in rows:
            self.write(f".TP\n.B {_escaped(term)}\n{_escaped(' '.join(text.split()))}\n")


def pages() -> Iterator[tuple[str, str]]:
    """The name of every page, and what is in it."""
    yield from _pages(click.Context(cli, info_name="vhashdb", **cli.context_settings))


def _pages(context: click.Context) -> Iterator[tuple[str, str]]:
    command, name = context.command, context.command_path.replace(" ", "-")
    page = ManPage()
    page.write(f'.TH "{_escaped(name.upper())}" 1 "" "vhashdb {vhashdb.__version__}" "vhashdb"\n')
    page.write(f".SH NAME\n{_escaped(name)} \\- {_escaped(command.get_short_help_str(200))}\n")
    if context.parent is None:
        _write_main(context, page)
    else:
        command.format_help(context, page)
    yield name, page.getvalue()
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None  # it was listed
            yield from _pages(click.Context(found, info_name=child, parent=context))


def _write_main(context: click.Context, page: ManPage) -> None:
    """The page of `vhashdb` itself, which has room for what its help leaves to `vhashdb help`."""
    command = context.command
    command.format_usage(context, page)
    command.format_help_text(context, page)
    click.Command.format_options(command, context, page)
    for write, _ in TOPICS.values():
        write(context, page)


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text


def main(folder: Path) -> None:
    """Write them all."""
    target = folder / "man1"
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages():
        (target / f"{name}.1").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
