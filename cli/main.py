"""The command `vhashdb`: runs one verb, and turns every ending into an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, Final

import click

import vhashdb

from .codes import ExitCode, code_of_error
from .common import Stopped
from .help import did_you_mean
from .output import LibraryLog, complain, flush, told_code
from .settings import DEBUG_VARIABLE
from .verbs import LazyGroup

_EPILOG: Final = "More: `vhashdb help TOPIC` (commands, environment, exit-codes or a command)"


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=_EPILOG)
@click.version_option(vhashdb.__version__, prog_name="vhashdb")
@click.option("--debug", is_flag=True, envvar=DEBUG_VARIABLE, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Keep fingerprints of known harmful videos, and find edited copies of them."""
    ctx.meta["debug"] = debug
    if debug:
        _debugging.append(True)
        ctx.obj.show_all()


_debugging: list[bool] = []
"""Not empty once --debug was given: errors are reported when click's context is gone."""


def main(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. Never raises, never gives 1."""
    _debugging.clear()
    told_code()
    try:
        code = _ending(arguments)
        flush()
    except OSError:
        return ExitCode.OUTPUT_CLOSED
    told = told_code()
    return code if told is None or code == ExitCode.OUTPUT_CLOSED else told


def run() -> None:
    """The console script."""
    # Files are compared in parallel, and waking threads takes longer than products as small as these; read when NumPy is loaded.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal cannot show must not end a batch.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # text streams here
    code = main(sys.argv[1:])
    if code == ExitCode.OUTPUT_CLOSED:
        # Python flushes standard output once more as it ends, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if code == ExitCode.INTERRUPTED or "ray" in sys.modules:
        # Everything is saved and said; a thread in the middle of a long file must not delay the end, and those of Ray, which go on
        # asking its cluster while Python ends, must not crash there.
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _ending(arguments: Sequence[str]) -> int:
    try:
        with LibraryLog() as log:
            result: Any = cli.main(list(arguments), prog_name="vhashdb", standalone_mode=False, obj=log)
        return int(result or 0)
    except click.ClickException as error:
        _report_click(error)
        return ExitCode.USAGE if error.exit_code == 1 else error.exit_code
    except (click.Abort, KeyboardInterrupt) as error:
        return _interrupted(error)
    except vhashdb.VhashdbError as error:
        complain(error.message, error.hint)
        _trace()
        return code_of_error(error)
    except SystemExit as error:
        # click ends so, with 1, when the reader of the output went away.
        return ExitCode.OUTPUT_CLOSED if error.code == 1 else int(error.code or 0)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _internal(error)


def _report_click(error: click.ClickException) -> None:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):  # click's words differ between its releases, and from those about commands
        message = f"No such option {error.option_name!r}.{did_you_mean(error.possibilities or [])}"
    if context is not None and message == context.get_help():  # a group without a verb
        click.echo(message, err=True)
        return
    complain(message, f"see `{context.command_path if context is not None else 'vhashdb'} --help`")
    _trace()


def _interrupted(error: BaseException) -> int:
    cause = error.__cause__ or error
    if isinstance(cause, EOFError):
        return _internal(cause)
    complain(f"interrupted{': ' if str(cause) else ''}{cause}", cause.hint if isinstance(cause, Stopped) else "")
    return ExitCode.INTERRUPTED


def _internal(error: BaseException) -> int:
    complain(f"internal error: {type(error).__name__}: {error}", "this is a fault of vhashdb; `vhashdb --debug …` shows where")
    _trace()
    return ExitCode.INTERNAL


def _trace() -> None:
    if _debugging:
        traceback.print_exc(file=sys.stderr)
