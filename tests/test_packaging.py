"""What is built has everything in it, and works where the repository is not."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.conftest import ROOT

NOT_SHIPPED = {"data/samples/README.md"}
"""In the wheel. The sdist has it."""
PACKAGES = {"vhashdb": "vhashdb", "cli": "vhashdb_cli", "data/samples": "vhashdb_cli/samples"}

pytest.importorskip("setuptools", "77", reason="building needs setuptools 77 or later")


def kept(folder):
    """The files of a folder of the repository, as paths from its root, without what is made."""
    files = (path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file())
    return {file for file in files if "__pycache__" not in file and not file.startswith("bench/results/")}


def build(kind, source, target):
    """Build as `pip` or `build` would, but with the setuptools that is here."""
    code = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, target], cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = target.glob("*.tar.gz" if kind == "sdist" else "*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    source = folder / "source"
    not_copied = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "man", "site", "results", "*.vhdb")
    shutil.copytree(ROOT, source, ignore=not_copied)
    (folder / "built").mkdir()
    with tarfile.open(build("sdist", source, folder / "built")) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python before 3.11.4 has none, and takes no such argument
        archive.extractall(folder / "unpacked")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Built from the sdist, as an index would have it built."""
    return build("wheel", sdist, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Run the installed program in an empty folder, where nothing of the repository is on the path."""
    site = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile", "--target", site, wheel]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("pip is not installed")
    subprocess.run(install, check=True, capture_output=True)
    place = tmp_path_factory.mktemp("elsewhere")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VHASHDB_")}
    # The target comes first, so before the working copy that the tests themselves use.
    environment |= {"PYTHONPATH": str(site), "HOME": str(place)}

    def run(*command):
        program, *arguments = command
        return subprocess.run([program, *map(str, arguments)], cwd=place, env=environment, capture_output=True, text=True, check=False)

    run.site = site
    return run


def test_the_sdist_is_the_repository(sdist):
    here = set().union(*map(kept, ("bench", "cli", "data", "deploy", "docs", "tests", "vhashdb")))
    here |= {path.name for path in ROOT.glob("*.md")} | {"LICENSE", "Makefile", "MANIFEST.in", "mkdocs.yml", "pyproject.toml"}
    there = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    assert here - there == set()
    assert {name for name in there - here if ".egg-info/" not in name} == {"PKG-INFO", "setup.cfg"}


def test_the_wheel_has_every_module_and_every_file_that_they_read(wheel):
    expected = {
        f"{package}{file.removeprefix(folder)}"
        for folder, package in PACKAGES.items()
        for file in kept(folder) - NOT_SHIPPED
    }  # fmt: skip
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_it_is_the_installed_one_that_runs(installed):
    where = installed(sys.executable, "-c", "import vhashdb, vhashdb_cli; print(vhashdb.__file__, vhashdb_cli.__file__)").stdout
    assert where.split() == [str(installed.site / name / "__init__.py") for name in ("vhashdb", "vhashdb_cli")]


def test_the_demo_runs_from_its_own_samples(installed):
    done = installed(installed.site / "bin" / "vhashdb", "demo", "--keep", "tour")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("  ADDED  rec ") == 4
    assert done.stdout.count("  MATCH  ") >= 9
    assert "tour/report.html" in done.stdout


def test_a_file_is_matched_and_reported(installed, samples):
    film = samples / "edited" / "harbour__insert.mp4"
    program = installed.site / "bin" / "vhashdb"
    assert installed(program, "init", "own.vhdb").returncode == 0
    assert installed(program, "add", "--db", "own.vhdb", "--label", "sample", samples / "known" / "harbour.mp4").returncode == 0
    done = installed(program, "match", "--db", "own.vhdb", "--report", "page.html", film)
    assert done.returncode == 10, done.stderr
    assert "MATCH" in done.stdout
    assert "page.html" in done.stderr
