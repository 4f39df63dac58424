"""`vhashdb config`: the settings and where they come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from .common import cache_option, db_option, effort_option, json_option, quiet_option, workers_option
from .output import decoded, emit, emit_json, printable
from .settings import config_path

_SOURCES: Final = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "config file",
    ParameterSource.DEFAULT: "default",
}


@click.group(short_help="Show the settings and where each comes from.")
def command() -> None:
    """Show the settings and where each comes from.

    A flag wins over an environment variable, that over the configuration file, that over the default.

    \b
    Example:
      vhashdb config show
    """


@command.command("show", short_help="Print each setting and where it comes from.")
@db_option
@effort_option
@workers_option
@quiet_option
@cache_option
@json_option
@click.pass_context
def show(ctx: click.Context, /, as_json: bool, **values: Any) -> None:
    """Print each setting and where it comes from.

    \b
    Example:
      vhashdb config show --json
    """
    for name, value in values.items():
        source = ctx.get_parameter_source(name)
        word = _SOURCES[source or ParameterSource.DEFAULT]
        detail = {"flag": f"--{name}", "environment": f"VHASHDB_{name.upper()}", "config file": decoded(config_path())}.get(word)
        plain = decoded(value) if isinstance(value, Path) else value
        if as_json:
            emit_json({"type": "setting", "name": name, "value": plain, "from": word, "detail": detail})
        else:
            text = str(plain).lower() if isinstance(plain, bool) else printable(str(plain))
            emit(f"{name:<9}{text:<24}{word}{f' ({printable(detail)})' if detail else ''}")
    if not as_json:
        path = config_path()
        emit(f"The configuration file is {printable(decoded(path))}{'' if path.exists() else ', which does not exist'}.")
