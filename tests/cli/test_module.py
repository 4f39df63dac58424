"""`python -m vhashdb` is the command."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT

HIDDEN = """
import sys
from importlib.machinery import PathFinder

class Hidden:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == "vhashdb_cli":
            raise ModuleNotFoundError(f"No module named {name!r}", name="vhashdb_cli")

sys.meta_path.insert(0, Hidden)
"""


def module(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "vhashdb", *arguments], capture_output=True, text=True, timeout=60, **options)


@pytest.mark.parametrize("arguments", [("--version",), ("--help",), ("mtach",), ("info", "--db", "missing.vhdb")])
def test_it_answers_and_ends_as_the_command_does(arguments, tmp_path):
    from .driver import spawn

    expected = spawn(*arguments, cwd=tmp_path)
    done = module(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (expected.code, expected.out, expected.err)


def test_a_video_is_read(samples, tmp_path):
    done = module("compare", samples / "known" / "valley.mp4", samples / "edited" / "valley__clip.mp4", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (10, "")
    assert done.stdout


def test_nothing_in_the_working_folder_is_taken_for_a_module(tmp_path):
    for name in ("click", "platformdirs", "vhashdb_cli"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r})\n")
    done = module("config", "path", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "executed").exists()


def test_a_working_folder_that_was_removed_is_no_obstacle(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f"rmdir {gone}; exec {sys.executable} -m vhashdb --version"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, cwd=gone)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_computes_with_one_thread_unless_told_otherwise():
    told = "import atexit, os, sys; atexit.register(lambda: print(os.environ['OPENBLAS_NUM_THREADS'], 'numpy' in sys.modules))"
    code = f"{told}; from vhashdb_cli.main import run; run()"
    inherited = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    for env, expected in ((inherited, "1 False"), (inherited | {"OPENBLAS_NUM_THREADS": "3"}, "3 False")):
        done = subprocess.run([sys.executable, "-c", code, "--version"], capture_output=True, text=True, timeout=60, check=True, env=env)
        assert done.stdout.splitlines()[-1] == expected  # NumPy was not loaded before that was said


def test_without_the_command_line_it_says_so():
    code = f"{HIDDEN}\nimport runpy\nrunpy.run_module('vhashdb', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=ROOT)
    assert done.returncode == 2
    assert done.stderr == "error: the command line of vhashdb is not installed\nhint: install the whole vhashdb package with pip\n"


def test_the_library_does_not_load_the_command_line():
    code = "import sys, vhashdb, vhashdb.__main__; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not [name for name in done.stdout.split() if name.startswith(("vhashdb_cli", "click"))]
