"""Every command explains itself, quickly."""

import os
import subprocess
import sys

import click
import pytest
from vhashdb_cli.main import VERBS, cli

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
    sentence = command.help.split("\n\n")[0]
    assert sentence.endswith(".")
    assert "\n" not in sentence
    for option in command.params:
        assert isinstance(option, click.Argument) or option.help, f"{option.name} has no help"


@pytest.mark.parametrize(("path", "command"), ALL)
def test_example_uses_only_options_that_exist(path, command):
    options = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    examples = [line for line in command.help.splitlines() if f"vhashdb {' '.join(path)} " in line]
    used = {word for line in examples for word in line.partition("vhashdb")[2].split() if word.startswith("--")}
    assert used <= options


def test_verbs_of_the_design_are_there():
    wanted = "init info doctor add match explain compare hash list show label retract unmatch".split()
    assert list(VERBS)[: len(wanted)] == wanted
    assert {"trust", "sync", "opinion", "review", "allow", "audit", "report", "config", "completion", "demo"} <= set(VERBS)
    assert set(cli.list_commands(click.Context(cli))) == set(VERBS)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["match", "nothing", "--db", "none"], ["compare", "--help"]])
def test_nothing_heavy_is_imported_before_it_is_needed(arguments):
    code = "import sys; from vhashdb_cli.main import main; main(sys.argv[1:]); print('|' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=True, text=True)
    modules = done.stdout.rpartition("|")[2].split()
    heavy = HEAVY if arguments[0].startswith("--") or arguments[-1] == "--help" else {"av", "scipy", "imagehash"}
    assert not heavy & set(modules)


def test_a_verb_loads_only_its_own_module():
    code = "import sys; from vhashdb_cli.main import main; main(['compare', '--help']); print('|' + ' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = {name.removeprefix("vhashdb_cli.") for name in done.stdout.rpartition("|")[2].split() if name.startswith("vhashdb_cli.")}
    assert loaded & set(VERBS) == {"compare"}


def test_version():
    import vhashdb

    assert run("--version").out.split()[-1] == vhashdb.__version__


def test_without_a_verb_the_help_is_shown():
    done = run()
    assert done.code == 2
    assert "Commands:" in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell):
    done = run("completion", shell)
    assert done.code == 0
    assert "_VHASHDB_COMPLETE" in done.out


def test_completion_knows_verbs_and_values():
    def complete(words, index):
        environment = {**os.environ, "_VHASHDB_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(index)}
        return subprocess.run(
            [sys.executable, "-c", "import sys; sys.argv[0] = 'vhashdb'; from vhashdb_cli.main import run; run()"],
            env=environment,
            capture_output=True,
            text=True,
        ).stdout.split()

    assert "plain,match" in complete("vhashdb ma", 1)
    assert "plain,thorough" in complete("vhashdb match --effort t", 3)
