import contextlib
import shutil

import pytest

import vhashdb
from tests.service.serving import service_with_keys


@pytest.fixture(scope="session")
def known_folder(samples, tmp_path_factory):
    """A database of the films of the repository, to be copied."""
    folder = tmp_path_factory.mktemp("service") / "known.vhdb"
    with vhashdb.create(folder) as db:
        for film in sorted((samples / "known").glob("*.mp4")):
            db.add(film, labels=["sample"], reason=f"known as {film.stem}")
    return folder


@pytest.fixture(scope="module")
def service(known_folder, tmp_path_factory):
    """A service of those films, for the tests of one module."""
    folder = tmp_path_factory.mktemp("served") / "db.vhdb"
    shutil.copytree(known_folder, folder)
    with service_with_keys(folder, upload_bytes=4 << 20, lookup_processes=1) as running:
        yield running


@pytest.fixture
def serve_copy(known_folder, tmp_path):
    """Serves a copy of those films with other settings, for one test."""

    @contextlib.contextmanager
    def serve(**changes):
        folder = tmp_path / "db.vhdb"
        if not folder.exists():
            shutil.copytree(known_folder, folder)
        with service_with_keys(folder, **changes) as running:
            yield running

    return serve
