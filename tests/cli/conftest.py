"""What the tests of the command line share: a clean environment, and a database of the sample films."""

import os
import shutil

import pytest

from . import driver

FILMS = 16
"""In the folder of `many`."""


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No setting of the person who runs the tests; an empty working folder."""
    for name in [name for name in os.environ if name.startswith("VHASHDB_") or name in ("NO_COLOR", "COLUMNS")]:
        monkeypatch.delenv(name)
    for kind in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="session")
def built(samples, tmp_path_factory):
    """How the database of the known sample films was built, and where it is."""
    path = tmp_path_factory.mktemp("cli") / "known.vhdb"
    assert driver.run("init", path).code == 0
    done = driver.run("add", "--db", path, "--json", "--label", "graphic-violence", "--reason", "sample", samples / "known")
    assert done.code == 0, done
    return path, done


@pytest.fixture(scope="session")
def untouched(built, tmp_path_factory):
    """The same before any test asked it anything: questions are counted in a database, too."""
    return shutil.copytree(built[0], tmp_path_factory.mktemp("untouched") / "known.vhdb")


@pytest.fixture(scope="session")
def known(untouched, built):
    """A database of the known sample films, only to be asked; what was asked before is in its log."""
    return built[0]


@pytest.fixture
def own(untouched, tmp_path):
    """A copy of it to write to, which nobody asked anything."""
    return shutil.copytree(untouched, tmp_path / "own.vhdb")


@pytest.fixture
def ids(built):
    """Record ids by the film's name."""
    return {os.path.basename(line["path"]).removesuffix(".mp4"): line["record"] for line in built[1].of_type("record")}


@pytest.fixture
def video_ids(untouched, ids):
    """Ids of videos by the film's name; each has one record."""
    found = {line["records"][0]["record"]: line["video"] for line in driver.run("video", "list", "--db", untouched, "--json").json}
    return {name: found[record] for name, record in ids.items()}


@pytest.fixture
def not_media(clean):
    """A text that calls itself a video."""
    path = clean / "notes.mp4"
    path.write_text("this is no video\n" * 50)
    return path


@pytest.fixture
def many(clean, samples):
    """Films that differ in their bytes, and hardly in what they show: a box that players skip is appended."""
    folder = clean / "many"
    folder.mkdir()
    data = (samples / "unknown" / "balloons.mp4").read_bytes()
    for number in range(FILMS):
        (folder / f"{number:02d}.mp4").write_bytes(data + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big"))
    return folder
