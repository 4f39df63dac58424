"""Man pages are made from the same help as everything else."""

import re
import shutil
import subprocess
import sys

import pytest
from vhashdb_cli.codes import ExitCode
from vhashdb_cli.settings import VARIABLES
from vhashdb_cli.verbs import GROUPS, VERBS

from tests.cli.test_help import ALL
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def man(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, ROOT / "docs" / "make_man_pages.py", folder], check=True)
    return folder / "man1"


def test_every_command_has_one(man):
    names = {"vhashdb", *("-".join(["vhashdb", *parameter.values[0]]) for parameter in ALL)}
    assert {path.stem for path in man.iterdir()} == names


def test_it_has_the_sections_that_readers_look_for(man):
    text = (man / "vhashdb-match.1").read_text(encoding="utf-8")
    sections = [line[4:] for line in text.splitlines() if line.startswith(".SH ")]
    assert sections == ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLE", "OPTIONS", "EXIT CODES", "ENVIRONMENT", "SEE ALSO"]
    assert "vhashdb\\-match \\- Check whether" in text
    assert ".TP\n.B \\-\\-exit\\-zero\n" in text


def test_the_first_one_has_every_command_code_and_variable(man):
    text = (man / "vhashdb.1").read_text(encoding="utf-8")
    sections = [line[4:] for line in text.splitlines() if line.startswith(".SH ")]
    groups = [title.upper() for title in GROUPS]
    assert sections == ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", *groups, "ENVIRONMENT", "EXIT CODES"]
    for verb in VERBS:
        assert f".TP\n.B {verb}\n" in text
    for name in VARIABLES:
        assert f"\n{name} " in text
    for code in ExitCode:
        assert re.search(rf"^{code.value} +\S", text, re.MULTILINE)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_groff_understands_them(man):
    done = subprocess.run(["groff", "-man", "-Tutf8", "-Kutf8", "-ww", *sorted(man.iterdir())], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "VHASHDB-FEED-ROTATE-KEY(1)" in done.stdout
