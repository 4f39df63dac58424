"""The architecture page names what is there, and its layers are those that `lint-imports` checks."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
CONTRACTS = {contract["name"]: contract for contract in LINTER["contracts"]}
OF_A_DATABASE = {"records.sqlite", "index/", "feeds/", "index/lock"}


def test_the_layers_of_the_page_are_those_that_are_checked():
    picture = PAGE.split("────\n")[1].split("```")[0]
    shown = [re.split(r"\s{2,}", line)[0] for line in picture.splitlines()]
    assert shown == CONTRACTS["The layers of the library"]["layers"]


def test_every_package_with_one_place_is_in_the_table():
    rows = re.findall(r"^\| (`.+`) \| (?:`vhashdb\.(\w+)`|the command line) \|$", PAGE, re.MULTILINE)
    shown = {(name, place or "cli") for names, place in rows for name in re.findall(r"`(\w+)`", names)}
    protected = [c for c in LINTER["contracts"] if c["type"] == "protected"]
    places = {name: {place.removeprefix("vhashdb.").replace("vhashdb_cli", "cli") for place in c["allowed_importers"]}
              for c in protected for name in c["protected_modules"]}  # fmt: skip
    assert {name for name, _ in shown} == set(places) - {"markupsafe"}  # which comes with jinja2
    assert all(place in places[name] for name, place in shown)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/]+(?:\.py|\.md|\.toml|/))`", PAGE)) - OF_A_DATABASE))
def test_every_file_that_is_named_is_there(name):
    assert (ROOT / name).exists() or (ROOT / "vhashdb" / name).exists()


def test_every_module_and_benchmark_that_is_named_is_there():
    names = set(re.findall(r"`((?:vhashdb|bench)(?:\.[a-z_]+)+)`", PAGE))
    assert names
    for name in names:
        path = ROOT.joinpath(*name.split("."))
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


@pytest.mark.skipif(not (linter := shutil.which("lint-imports", path=Path(sys.executable).parent)), reason="import-linter is not installed")
def test_the_contracts_hold_and_notice_an_import_upward(tmp_path):
    def broken():
        done = subprocess.run([linter, "--no-cache"], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
        return re.findall(r"^(.+?)\s*BROKEN", done.stdout, re.MULTILINE)

    shutil.copytree(ROOT / "vhashdb", tmp_path / "vhashdb")
    shutil.copytree(ROOT / "cli", tmp_path / "vhashdb_cli")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert broken() == []
    with (tmp_path / "vhashdb" / "text.py").open("a") as file:
        file.write("\nimport av\nimport vhashdb.report\n")
    assert set(broken()) == {"The layers of the library", "No circles, in any package", "Only vhashdb.video decodes"}
