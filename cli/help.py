"""What the help of every command ends with: its exit codes, the variables it reads, and which commands go with it.

Most of it follows from the command's own options; the rest stands in the tables here, once. `vhashdb COMMAND --help`,
`docs/cli.md` and the man pages are made from the same text.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click

from .codes import ExitCode
from .completing import let_complete
from .settings import VARIABLES, Setting

_ALWAYS: Final = (ExitCode.USAGE, ExitCode.INTERNAL, ExitCode.INTERRUPTED, ExitCode.OUTPUT_CLOSED)
_WIDTH: Final = 76

_READ_FILES: Final = frozenset(
    "add,match,explain,compare,hash,unmatch,review,import,export,allow add,canary add,feed publish,demo".split(",")
)
_READ_FEEDS: Final = frozenset("sync,trust add,trust federation,trust release,feed status,review list".split(","))
"""Besides those that are given keys or a feed's folder."""
_DATABASE_UNNAMED: Final = frozenset(["demo"])

SEE_ALSO: Final[Mapping[str, str]] = {
    "init": "add, info",
    "info": "list, stats, doctor",
    "doctor": "info, backup",
    "backup": "doctor, info",
    "migrate": "backup, init",
    "add": "match, list, label, retract, import",
    "match": "explain, unmatch, show, compare",
    "explain": "match, compare, unmatch",
    "compare": "explain, hash",
    "hash": "compare, match, add",
    "list": "show, label, export",
    "show": "list, video show, label, retract, audit",
    "serve": "key, match, review, cluster start",
    "jobs": "add, match",
    "jobs list": "jobs show",
    "jobs show": "jobs retry, jobs cancel",
    "jobs retry": "jobs show",
    "jobs cancel": "jobs forget, jobs show",
    "jobs forget": "jobs cancel, jobs list",
    "cluster": "info, serve, doctor",
    "cluster start": "cluster status, cluster stop",
    "cluster status": "cluster start, cluster reshard",
    "cluster reshard": "cluster status, cluster upgrade",
    "cluster upgrade": "cluster status, cluster reshard",
    "cluster stop": "cluster start, cluster status",
    "key": "serve, audit",
    "key add": "key list, serve",
    "key list": "key add, key revoke",
    "key revoke": "key list, key add",
    "video": "list, match",
    "video list": "video show, video merge, list",
    "video show": "video list, video split, show",
    "video merge": "video list, video split",
    "video split": "video show, video merge",
    "video update": "video list, doctor",
    "label": "show, list",
    "retract": "unmatch, show, review reject",
    "unmatch": "match, explain, retract, allow add",
    "import": "add, export, review list",
    "export": "import, feed publish",
    "trust": "sync, feed status",
    "trust add": "sync, feed status, trust level",
    "trust federation": "sync, trust list",
    "trust level": "trust list, trust rules",
    "trust list": "feed status, trust level",
    "trust move": "trust list, sync",
    "trust release": "feed status, sync",
    "trust remove": "trust list",
    "trust rules": "trust level, review list",
    "sync": "trust add, feed status, review list",
    "opinion": "review show, unmatch",
    "review": "opinion, audit",
    "review list": "review show, review accept, review reject",
    "review show": "review accept, review reject, opinion",
    "review accept": "review list, review reject",
    "review reject": "review list, opinion, retract",
    "allow": "unmatch, opinion",
    "allow add": "allow list, unmatch",
    "allow list": "allow add, allow revoke",
    "allow revoke": "allow list",
    "canary": "allow, sync, import",
    "canary add": "canary stats, sync, import",
    "canary list": "canary add, canary remove",
    "canary stats": "canary list",
    "canary remove": "canary list",
    "audit": "show, report transparency",
    "stats": "info, report transparency, audit",
    "report": "stats, audit",
    "report transparency": "audit, info",
    "config": "completion",
    "config show": "config path, config example",
    "config path": "config show, config example",
    "config example": "config show, config path",
    "completion": "config show, help",
    "help": "demo, config show, completion",
    "demo": "init, add, match, explain",
    "feed": "trust, sync",
    "feed init": "feed publish, feed rotate-key",
    "feed publish": "feed heartbeat, feed verify, export",
    "feed heartbeat": "feed publish, feed status",
    "feed policy": "feed init, feed publish",
    "feed roster": "trust federation, feed init",
    "feed roster add": "feed roster check, trust federation",
    "feed roster remove": "feed roster check, feed roster add",
    "feed roster check": "feed roster add, feed verify",
    "feed rotate-key": "feed init, feed publish",
    "feed compact": "feed publish, feed verify",
    "feed verify": "feed status, trust add",
    "feed status": "sync, trust list, trust release",
}


def completed(command: click.Command, path: str) -> click.Command:
    """Return a command, and those below it, with the end of its help and with what a shell completes."""
    let_complete(command)
    command.epilog = epilog(command, path)
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            completed(child, f"{path} {name}")
    return command


def exit_codes(command: click.Command, path: str) -> frozenset[ExitCode]:
    """Return the codes that a command may end with."""
    names = {parameter.name for parameter in command.params}
    codes = {ExitCode.FINISHED, *_ALWAYS}
    if "db" in names or path in _DATABASE_UNNAMED:
        codes.add(ExitCode.DATABASE)
    if "exit_zero" in names:
        codes.add(ExitCode.FOUND)
    if path in _READ_FILES:
        codes.add(ExitCode.INCOMPLETE)
    if path in _READ_FEEDS or path.startswith("feed "):
        codes.add(ExitCode.FEED)
    return frozenset(codes)


def epilog(command: click.Command, path: str) -> str:
    """Return the end of a command's help."""
    parts = []
    if not isinstance(command, click.Group) or command.invoke_without_command:
        parts = [_codes(exit_codes(command, path)), _variables(command)]
    if path in SEE_ALSO:
        names = [f"vhashdb {name}" for name in SEE_ALSO[path].split(", ")]
        parts.append(_block("See also", textwrap.wrap(", ".join(names), _WIDTH, break_on_hyphens=False)))
    return "\n\n".join(filter(None, parts))


def all_exit_codes() -> str:
    """Return the table of exit codes, as the help of the commands shows the part of it that is theirs."""
    return _block("Exit codes", [f"{code.value:<4} {code.meaning}" for code in ExitCode])


def all_variables() -> str:
    """Return the table of environment variables, in the same form."""
    return _block("Environment", _described(VARIABLES))


def _codes(codes: frozenset[ExitCode]) -> str:
    shown = [code for code in ExitCode if code in codes and code not in _ALWAYS]
    lines = [f"{code.value:<4} {_meaning(code, codes)}" for code in shown]
    return _block("Exit codes", [*lines, "2, 70, 130 and 141 as for every command; see `vhashdb help exit-codes`"])


def _meaning(code: ExitCode, codes: frozenset[ExitCode]) -> str:
    return "finished" if code is ExitCode.FINISHED and ExitCode.FOUND not in codes else code.meaning.removesuffix(" (10 wins over 3)")


def _variables(command: click.Command) -> str:
    names = {parameter.name for parameter in command.params}
    read = [str(parameter.envvar) for parameter in command.params if isinstance(parameter, Setting)]
    if read:
        read.append("VHASHDB_CONFIG")
    if "db" in names:
        read += ["VHASHDB_LOCK_TIMEOUT", "VHASHDB_INDEX", "VHASHDB_CLUSTER"]
    if "passphrase_file" in names:
        read.append("VHASHDB_FEED_PASSPHRASE")
    return _block("Environment", _described(name for name in VARIABLES if name in read)) if read else ""


def _described(names: Iterable[str]) -> list[str]:
    width = max(map(len, VARIABLES)) + 2
    return [f"{name:<{width}}{VARIABLES[name]}" for name in names]


def _block(title: str, lines: Iterable[str]) -> str:
    """Lines that click leaves as they are."""
    return "\b\n" + "\n".join([f"{title}:", *(f"  {line}" for line in lines)])


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
