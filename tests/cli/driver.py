"""How the tests run the command: within this process, which is quick, or as a program of its own."""

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from unittest import mock

import click
from vhashdb_cli.help import exit_codes
from vhashdb_cli.main import cli, main

PROGRAM = [sys.executable, "-c", "from vhashdb_cli.main import run; run()"]


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def json(self):
        """The JSON lines."""
        return [json.loads(line) for line in self.lines]

    def of_type(self, kind):
        return [line for line in self.json if line["type"] == kind]


def run(*arguments, stdin=b"", encoding="utf-8"):
    """The command, in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace") for _ in range(2)]
    with (
        contextlib.redirect_stdout(streams[0]),
        contextlib.redirect_stderr(streams[1]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
    ):
        code = main([os.fspath(a) for a in arguments])
        for stream in streams:
            stream.flush()
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams)
    assert code in declared(arguments), f"the help of {arguments} does not say that it may end with {code}"
    return Done(int(code), out, err)


def declared(arguments):
    """The exit codes that the help of the command says."""
    command, path = cli, []
    for word in (os.fspath(a) for a in arguments if not os.fspath(a).startswith("-")):
        child = command.get_command(click.Context(command), word) if isinstance(command, click.Group) else None
        if child is None:
            break
        command, path = child, [*path, word]
    return exit_codes(command, " ".join(path))


def start(*arguments, **options):
    """The command, as a program of its own, still running."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*PROGRAM, *arguments], **(pipes | options))


def spawn(*arguments, **options):
    """The command, as a program of its own, until it ends."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(timeout=60)
    return Done(process.returncode, (out or b"").decode(), (err or b"").decode())
