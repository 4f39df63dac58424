"""Every command explains itself, quickly."""

import inspect
import re
import subprocess
import sys

import click
import pytest
from vhashdb_cli.help import SEE_ALSO, exit_codes
from vhashdb_cli.main import cli
from vhashdb_cli.settings import Setting
from vhashdb_cli.verbs import VERBS

from .driver import run

HEAVY = {"numpy", "av", "faiss", "sqlalchemy", "PIL", "scipy", "imagehash", "rich", "tuf", "cryptography", "urllib3", "zstandard"}


def commands(group=cli, path=()):
    """All commands, with the words that call them."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in commands()]


@pytest.mark.parametrize(("path", "command"), ALL)
def test_help_has_a_sentence_options_and_an_example(path, command):
    done = run(*path, "--help")
    assert done.code == 0
    assert not done.err
    assert f"Example:\n    vhashdb {path[0]}" in done.out
    sentence, *behaviour, examples = inspect.cleandoc(command.help).split("\n\n")
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert behaviour, "a paragraph on what it does"
    assert examples.startswith("\b\nExample:")
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, f"{option.name} has no help"


@pytest.mark.parametrize(("path", "command"), ALL)
def test_help_has_two_examples_where_there_is_much_to_choose(path, command):
    own = [parameter for parameter in command.params if parameter.name not in ("db", "as_json", "quiet", "places", "passphrase_file")]
    examples = [line for line in command.help.splitlines() if f"vhashdb {' '.join(path)}" in line]
    assert len(examples) >= (2 if len(own) > 2 else 1)


@pytest.mark.parametrize(("path", "command"), ALL)
def test_help_ends_with_exit_codes_variables_and_what_goes_with_it(path, command):
    done = run(*path, "--help")
    assert "See also:\n    vhashdb " in done.out
    if isinstance(command, click.Group) and not command.invoke_without_command:
        return
    codes = done.out.partition("Exit codes:\n")[2].partition("\n\n")[0]
    listed = {int(number) for number in re.findall(r"\b\d+\b(?= {2}|[, ] ?(?:\d|and|as))", codes)}
    assert listed == set(exit_codes(command, " ".join(path))), codes
    for parameter in command.params:
        if isinstance(parameter, Setting):
            assert f"    {parameter.envvar} " in done.out.partition("Environment:")[2]


def test_what_goes_with_a_command_exists():
    known = {" ".join(path) for path, _ in commands()}
    assert set(SEE_ALSO) <= known
    assert {name for names in SEE_ALSO.values() for name in names.split(", ")} <= known


@pytest.mark.parametrize(("path", "command"), ALL)
def test_help_fits_80_columns(path, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = run(*path, "--help").out
    examples = command.help.partition("Example:")[2]
    assert [line for line in text.splitlines() if len(line) > 80 and line.strip() not in examples and not line.startswith("  --")] == []


@pytest.mark.parametrize(("path", "command"), ALL)
def test_example_uses_only_options_that_exist(path, command):
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    examples = [line for line in command.help.splitlines() if f"vhashdb {' '.join(path)} " in line]
    used = {word for line in examples for word in line.partition("vhashdb")[2].split() if word.startswith("--")}
    assert used <= options


def test_verbs_of_the_design_are_there():
    wanted = "init info doctor add match explain compare hash list show label retract unmatch".split()
    assert set(wanted) <= set(VERBS)
    assert {"trust", "sync", "opinion", "review", "allow", "audit", "report", "config", "completion", "demo"} <= set(VERBS)
    assert set(cli.list_commands(click.Context(cli))) == set(VERBS)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["help", "commands"], ["match", "nothing", "--db", "none"], ["match", "--help"]]
)
def test_nothing_heavy_is_imported_before_it_is_needed(arguments):
    code = "import sys; from vhashdb_cli.main import main; main(sys.argv[1:]); print('|' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=True, text=True)
    modules = done.stdout.rpartition("|")[2].split()
    late = {"av", "faiss", "scipy", "imagehash", "sqlalchemy.dialects.postgresql"}
    heavy = HEAVY | late if arguments[0].startswith("--") or arguments[0] == "help" or arguments[-1] == "--help" else late
    assert not heavy & set(modules)


def test_a_verb_loads_only_its_own_module():
    code = "import sys; from vhashdb_cli.main import main; main(['compare', '--help']); print('|' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name.removeprefix("vhashdb_cli.") for name in done.stdout.rpartition("|")[2].split() if name.startswith("vhashdb_cli.")}
    assert loaded & ({*VERBS, "topics"} - {"help"}) == {"compare"}  # `help` here is the ends of all help; the verb is in `topics`


def test_version():
    import vhashdb

    assert run("--version").out.split()[-1] == vhashdb.__version__


def test_without_a_verb_the_help_is_shown():
    done = run()
    assert done.code == 2
    assert "Everyday:" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell):
    done = run("completion", shell)
    assert done.code == 0
    assert "_VHASHDB_COMPLETE" in done.out
