"""vhashdb as plainly installed, without imagehash and SciPy: PDQ does everything, and the other algorithms say what they need."""

import os
import subprocess
import sys

import pytest

import vhashdb
from tests.conftest import ROOT

SITECUSTOMIZE = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("imagehash", "scipy", "pywt"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused())
"""
"""Python imports it when it starts, in the decoder process as well."""
HINT = 'pip install "vhashdb[imagehash]"'


@pytest.fixture
def run(tmp_path):
    """Run Python, or the command line, as where these packages are not installed."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(SITECUSTOMIZE)
    environment = os.environ | {"PYTHONPATH": f"{tmp_path / 'without'}{os.pathsep}{ROOT}"}

    def run(*arguments):
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_they_are_refused_here(run):
    for name in ("imagehash", "scipy.fftpack", "pywt"):
        assert "ModuleNotFoundError" in run("-c", f"import {name}").stderr


def test_pdq_fingerprints_matches_and_hashes(run, samples):
    code = f"""
import pathlib, vhashdb
from PIL import Image
samples = pathlib.Path({str(samples)!r})
with vhashdb.create("own.vhdb") as db:
    db.add(samples / "known" / "valley.mp4", labels=["sample"])
    print(db.match(samples / "edited" / "valley__mirror.mp4").verdict)
known = vhashdb.fingerprint(samples / "known" / "valley.mp4")
print(vhashdb.compare(vhashdb.fingerprint(samples / "edited" / "valley__clip.mp4", views="query"), known).judgement.verdict)
print(vhashdb.hash_image(Image.open(samples / "still.png")))
"""
    done = run("-c", code)
    assert done.stderr == ""
    *verdicts, text = done.stdout.split()
    assert verdicts == ["match", "match"]
    assert len(bytes.fromhex(text)) == 32


@pytest.mark.parametrize(
    "call",
    [
        'vhashdb.fingerprint("no-such-file.mp4", algorithm="phash")',  # said before anything is decoded
        'vhashdb.hash_image(Image.new("RGB", (64, 64)), algorithm="phash")',
        'vhashdb.create("other.vhdb", algorithm="phash")',
    ],
)
def test_another_algorithm_says_its_name_and_the_way_out(run, call, tmp_path):
    code = f"""
import vhashdb
from PIL import Image
try:
    {call}
except vhashdb.UsageError as error:
    print(error.message, error.hint, sep="|")
"""
    assert run("-c", code).stdout == f"the algorithm phash needs imagehash, which is not installed|{HINT}, or use pdq\n"
    assert not (tmp_path / "other.vhdb").exists()


@pytest.mark.parametrize("arguments", [("hash", "--algorithm", "dhash", "FILM"), ("init", "--algorithm", "dhash", "other.vhdb")])
def test_the_command_line_says_it_too(run, arguments, samples, tmp_path):
    done = run("-m", "vhashdb", *(samples / "known" / "valley.mp4" if a == "FILM" else a for a in arguments))
    assert done.returncode == 2
    assert "the algorithm dhash needs imagehash, which is not installed" in done.stderr
    assert HINT in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "other.vhdb").exists()


def test_a_database_of_another_algorithm_is_still_read(run, samples, tmp_path):
    film = samples / "known" / "valley.mp4"
    with vhashdb.create(tmp_path / "other.vhdb", algorithm="phash") as db:
        db.add(film, labels=["sample"])
    assert "sample" in run("-m", "vhashdb", "list", "--db", "other.vhdb").stdout
    done = run("-m", "vhashdb", "match", "--db", "other.vhdb", samples / "edited" / "valley__mirror.mp4")
    assert done.returncode == 3  # the file could not be checked
    assert "the algorithm phash needs imagehash, which is not installed" in done.stdout
    assert HINT in done.stderr
