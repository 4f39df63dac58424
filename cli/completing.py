"""What a shell offers for the values that are in a database: ids, labels, sources, feeds, videos.

What a parameter takes is said by the word in its help (``ID``, ``LABEL`` …), and the same word decides what completes it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from vhashdb import completion_queries
from vhashdb.errors import UsageError

from .output import printable
from .settings import DEFAULT_DATABASE, config_path, read_config

Glance = Callable[[Path, str], completion_queries.Seen]

_BY_WORD: Final[Mapping[str, Glance]] = {
    "ID": completion_queries.ids,
    "LABEL": completion_queries.labels,
    "FEED": completion_queries.feeds,
    "ENTRY": completion_queries.allowed,
    "VIDEO": completion_queries.videos,
    "OTHER": completion_queries.videos,
}
_BY_NAME: Final[Mapping[str, Glance]] = {
    "source": completion_queries.sources,
    "sources": completion_queries.sources,
    "member": completion_queries.members,
}
"""Parameters whose word in the help is only ``NAME``."""


class Known(click.types.StringParamType):
    """Text, for which a shell offers what the database knows; anything else may be given as well."""

    def __init__(self, look: Glance, or_file: bool) -> None:
        self._look, self._or_file = look, or_file

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002  # click's signature
        """Return the values that begin so, each with a word on what it is."""
        # click's script for fish cuts at a comma, all of them at a line break
        told = str.maketrans({",": ";", "\n": " "})
        found = [CompletionItem(value, help=printable(text.translate(told))) for value, text in self._look(_database(ctx), incomplete)]
        # First, because click's script for bash forgets what came before it.
        return [CompletionItem(incomplete, type="file"), *found] if self._or_file else found


def let_complete(command: click.Command) -> None:
    """Let a shell complete a command's parameters from the database."""
    for parameter in command.params:
        words = (parameter.metavar or "").strip("[].").split("|")
        look = _BY_NAME.get(parameter.name or "") or next((_BY_WORD[word] for word in words if word in _BY_WORD), None)
        if look and parameter.type is click.STRING:
            parameter.type = Known(look, or_file="FILE" in words)


def _database(ctx: click.Context) -> Path:
    """The database that the command would open. While a shell completes, click does not read the configuration file."""
    named: Any = ctx.params.get("db")
    if named is not None and ctx.get_parameter_source("db") is not ParameterSource.DEFAULT:
        return Path(named)
    with contextlib.suppress(UsageError):
        return Path(os.path.expanduser(read_config(config_path()).get("db", DEFAULT_DATABASE)))
    return Path(DEFAULT_DATABASE)
