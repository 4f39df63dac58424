"""A PostgreSQL server of the tests' own, on a socket in a folder of its own, and schemas in it as databases are asked for."""

import contextlib
import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

import vhashdb
from vhashdb.store import Store

_in_folders = False
WANTED = "VHASHDB_TEST_POSTGRES"
"""Environment variable: run tests on PostgreSQL. With ``required``, as `make test-cluster` has it, they fail where it is missing."""
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


def programs() -> Path:
    """The folder with the server's programs; skips the test where there is none."""
    if not os.environ.get(WANTED):
        pytest.skip(f"set {WANTED}=1 to run it on PostgreSQL, too")
    missing = pytest.fail if os.environ[WANTED] == "required" else pytest.skip
    if importlib.util.find_spec("psycopg") is None:
        missing("psycopg is not installed: vhashdb[postgres]")
    found = [Path(path) for pattern in _PLACES for path in sorted(Path("/").glob(pattern[1:]))]
    if (initdb := shutil.which("initdb")) and not found:
        found = [Path(initdb).resolve().parent]
    if not found:
        missing("PostgreSQL is not installed: Debian's package is called postgresql")
    return found[-1]


class Server:
    """One running server."""

    def __init__(self, folder: Path, control) -> None:
        self.folder = folder
        self._control = control
        self._numbers = itertools.count(1)

    def restart(self) -> None:
        """End it as a crash does, and start it again."""
        self._control("restart", "-m", "immediate")

    def url(self, schema: str | None = None) -> str:
        """The URL of an empty schema, or of one of this name."""
        import psycopg

        name = schema or f"of_test_{os.getpid()}_{next(self._numbers)}"
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        return f"postgresql+psycopg://postgres@/postgres?host={quote(str(self.folder), safe='')}&options=-csearch_path%3D{name}"


@contextlib.contextmanager
def running(*, durable=False):
    """Make a server, and end it; as another user than root, as whom it refuses to run.

    ``durable``: what was committed is there after it was restarted.
    """
    where = programs()
    folder = Path(tempfile.mkdtemp(prefix="vhashdb-postgres-"))
    as_user = {"user": "postgres"} if os.getuid() == 0 else {}
    if as_user:
        shutil.chown(folder, "postgres")

    def run(*command: str) -> None:
        subprocess.run([where / command[0], *command[1:]], check=True, capture_output=True, cwd=folder, **as_user)

    data, log = str(folder / "data"), str(folder / "log")
    # Nothing has to survive the machine, so nothing is waited for.
    settings = f"-c fsync=off -c full_page_writes=off -c synchronous_commit={'on' if durable else 'off'} -c max_connections=200"

    def control(*what: str) -> None:
        run("pg_ctl", "-D", data, "-l", log, "-w", "-o", f"-k {folder} -c listen_addresses='' {settings}", *what)

    try:
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        control("start")
        try:
            yield Server(folder, control)
        finally:
            control("stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres():
    """A server of the tests' own."""
    with running() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _records_on_postgresql(request):
    """Where PostgreSQL is wanted, have every database keep its records there; a folder has an empty file in their place."""
    if not os.environ.get(WANTED):
        yield
        return
    server, create, open_, urls = request.getfixturevalue("postgres"), Store.create.__func__, Store.open.__func__, {}

    def created(cls, path, *args, **kwargs):
        if isinstance(path, Path) and not _in_folders:
            if path.exists():
                raise vhashdb.DatabaseExists(f"{path} exists already")
            path.touch()
            urls[str(path)] = url = server.url()
            return create(cls, url, *args, **kwargs)
        return create(cls, path, *args, **kwargs)

    def opened(cls, path, *args, **kwargs):
        return open_(cls, urls.get(str(path), path), *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "create", classmethod(created))
        patch.setattr(Store, "open", classmethod(opened))
        yield


@pytest.fixture(autouse=True)
def _about_files(request, monkeypatch):
    if request.node.get_closest_marker("folders"):
        monkeypatch.setattr("tests.postgres._in_folders", True)
    if os.environ.get(WANTED) and request.node.get_closest_marker("sqlite"):
        pytest.skip("is about SQLite's files")
