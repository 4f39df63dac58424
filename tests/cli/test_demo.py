"""`vhashdb demo`, also from a folder laid out as a wheel installs it."""

import os
import shlex
import shutil
import subprocess
import sys

from .driver import run


def test_tour(clean):
    done = run("demo")
    assert done.code == 0
    assert done.err == ""
    assert done.out.count("  ADDED  rec ") == 4
    assert done.out.count("  MATCH  ") >= 9
    assert done.out.count("  NO MATCH") == 2
    assert "INSUFFICIENT" in done.out
    assert "Conditions for a match" in done.out
    assert not list(clean.iterdir())


def test_the_database_can_be_kept_and_the_command_that_is_named_works(clean):
    done = run("demo", "--keep", "tour")
    assert done.code == 0
    assert "valley__mirror.mp4" in (clean / "tour" / "report.html").read_text(encoding="utf-8")
    program, *arguments = shlex.split(done.out.splitlines()[-1])
    assert program == "vhashdb" or arguments[:2] == ["-m", "vhashdb"]
    assert run(*arguments[arguments.index("match") :]).code == 10
    again = run("demo", "--keep", "tour")
    assert again.code == 4
    assert "exists already" in again.err


def test_samples_are_found_in_an_installed_wheel(tmp_path, samples):
    root = samples.parents[1]
    site = tmp_path / "site"
    shutil.copytree(root / "cli", site / "vhashdb_cli", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(samples, site / "vhashdb_cli" / "samples")
    code = "import vhashdb_cli.demo as d; print(d.__file__); print(d.samples_folder())"
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(site / "vhashdb_cli" / "demo.py"), str(site / "vhashdb_cli" / "samples")]
