"""`vhashdb config`: the settings, where each comes from, and a file to begin with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from .common import (
    cache_option,
    cluster_address,
    db_option,
    effort_option,
    json_option,
    local_folder,
    lock_timeout_s,
    max_lag_s,
    player_option,
    quiet_option,
    sound_option,
    warn_of_variables,
    workers_option,
)
from .help import Group
from .limits import shown_limit_options
from .output import decoded, emit, emit_json, printable, shown
from .settings import (
    CLUSTER_VARIABLE,
    CONFIG_VARIABLE,
    DEBUG_VARIABLE,
    INDEX_VARIABLE,
    LOCK_TIMEOUT_VARIABLE,
    MAX_LAG_VARIABLE,
    PASSPHRASE_VARIABLE,
    SETTINGS,
    config_path,
)

PLAYER: Final = "mpv --start={seconds} {file}"
"""A player to begin with, where none is configured."""
_SOURCES: Final = {
    ParameterSource.COMMANDLINE: "flag",
    ParameterSource.ENVIRONMENT: "environment",
    ParameterSource.DEFAULT_MAP: "config file",
    ParameterSource.DEFAULT: "default",
}


@dataclass(frozen=True)
class _Origin:
    """A setting's value, and where it comes from."""

    name: str
    value: Any
    word: str
    detail: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {"type": "setting", "name": self.name, "value": self.value, "from": self.word, "detail": self.detail}

    def __str__(self) -> str:
        text = "not set" if self.value is None else str(self.value).lower() if isinstance(self.value, bool) else printable(str(self.value))
        return f"{self.name:<17}{text:<22}  {self.word}{f' ({printable(self.detail)})' if self.detail else ''}"


@click.group(cls=Group, short_help="Show the settings and where each comes from.")
def command() -> None:
    """Show the settings and where each comes from.

    A flag wins over an environment variable, that over the configuration file, that over the default.

    \b
    Example:
      vhashdb config show
      vhashdb config example
    """


@command.command("show", short_help="Print each setting and where it comes from.")
@db_option
@effort_option
@sound_option
@player_option
@workers_option
@quiet_option
@cache_option
@shown_limit_options
@click.option("--thresholds", "decides", is_flag=True, help="Instead, the numbers that decide what matches, and what each rests on.")
@json_option
@click.pass_context
def show(ctx: click.Context, /, as_json: bool, decides: bool, **values: Any) -> None:
    """Print each setting and where it comes from.

    Settings come first, then what only the environment can give. A passphrase is never shown. It warns of variables that
    look like a setting and are none. Thresholds, of pictures and of sound, cannot be set; bits are of hashes of PDQ.

    \b
    Example:
      vhashdb config show
      vhashdb config show --thresholds
      vhashdb config show --json
    """
    warn_of_variables()
    if decides:
        _show_thresholds(as_json=as_json)
        return
    for origin in (*_settings(ctx, values), *_of_the_environment()):
        emit_json(origin.to_json()) if as_json else emit(str(origin))
    if not as_json:
        path = config_path()
        emit(f"The configuration file is {shown(path)}{'' if path.exists() else ', which does not exist'}.")


@command.command("path", short_help="Print where the configuration file is.")
def path() -> None:
    """Print where the configuration file is, whether or not it exists.

    It is in the platform's folder for configuration, unless VHASHDB_CONFIG names another file.

    \b
    Example:
      vhashdb config path
      "$EDITOR" "$(vhashdb config path)"
    """
    emit(shown(config_path()))


@command.command("example", short_help="Print a configuration file to begin with.")
@db_option
@effort_option
@sound_option
@player_option
@workers_option
@quiet_option
@cache_option
@shown_limit_options
def example(**values: Any) -> None:
    """Print a configuration file to begin with: every setting, as it is now.

    The lines are comments; remove the # from those that are to stay as they are.

    \b
    Example:
      vhashdb config example
      vhashdb config example > config.toml
    """
    from vhashdb.review import REASONS

    emit("# Configuration of vhashdb. Flags and VHASHDB_… variables win over it.")
    for name, value in values.items():
        # A JSON text, number or truth value is also one of TOML.
        value = decoded(value) if isinstance(value, Path) else PLAYER if name == "player" and value is None else value
        plain = json.dumps(value, ensure_ascii=False)
        emit(f"\n# {SETTINGS[name][1]}\n# {name} = {plain}")
    emit("\n# reasons to choose from in a review, for each answer that has some")
    for act, texts in REASONS.items():
        key = str(act) if str(act).isalpha() else json.dumps(str(act))
        emit(f"# reasons.{key} = {json.dumps(texts, ensure_ascii=False)}")


def _show_thresholds(*, as_json: bool) -> None:
    from vhashdb.matching import MatchingConfig, SoundConfig, thresholds

    every = [*thresholds(MatchingConfig()), *thresholds(SoundConfig())]
    width = max(len(each.name) for each in every)
    for each in every:
        emit_json(each.to_json()) if as_json else emit(
            f"{each.name:<{width}}  {f'{each.value:g} {each.unit}'.strip():<14}  {each.basis}: {each.source}"
        )


def _settings(ctx: click.Context, values: dict[str, Any]) -> Iterator[_Origin]:
    for name, value in values.items():
        word = _SOURCES[ctx.get_parameter_source(name) or ParameterSource.DEFAULT]
        detail = {
            "flag": f"--{'no-' if name == 'sound' and not value else ''}{name.replace('_', '-')}",
            "environment": f"VHASHDB_{name.upper()}",
            "config file": decoded(config_path()),
        }.get(word)
        yield _Origin(name, decoded(value) if isinstance(value, Path) else value, word, detail)


def _of_the_environment() -> Iterator[_Origin]:
    """What no flag and no file can give."""
    for variable, value in (
        (CONFIG_VARIABLE, decoded(config_path())),
        (LOCK_TIMEOUT_VARIABLE, lock_timeout_s()),
        (PASSPHRASE_VARIABLE, "(hidden)" if os.environ.get(PASSPHRASE_VARIABLE) else None),
        (INDEX_VARIABLE, local_folder()),
        (CLUSTER_VARIABLE, cluster_address()),
        (MAX_LAG_VARIABLE, max_lag_s()),
        (DEBUG_VARIABLE, bool(os.environ.get(DEBUG_VARIABLE))),
    ):
        name = variable.removeprefix("VHASHDB_").lower()
        yield _Origin(name, value, "environment", variable) if variable in os.environ else _Origin(name, value, "default")
