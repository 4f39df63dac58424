"""A PostgreSQL server of the tests' own, on a socket in a folder of its own, and schemas in it as databases are asked for."""

import contextlib
import importlib.util
import itertools
import os
import shutil
import signal
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
    """One server of PostgreSQL in a folder, on a socket there; run as another user than root, as whom it refuses to run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._programs = programs()
        self._numbers = itertools.count(1)

    def run(self, *command: object) -> None:
        as_user = {"user": "postgres"} if os.getuid() == 0 else {}
        program, *arguments = map(str, command)
        subprocess.run([self._programs / program, *arguments], check=True, capture_output=True, cwd=self.folder, **as_user)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> None:
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "--encoding=UTF8", "--no-locale", "--no-sync")

    def start(self, *settings: str, how: tuple[str, ...] = ("start",)) -> None:
        self._settings = settings
        options = " ".join(f"-c {setting}" for setting in settings)
        where = f"-k {self.folder} -c listen_addresses='' -c max_connections=200"
        self.run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-o", f"{where} {options}", *how)

    def stop(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def restart(self) -> None:
        """End it as a crash does, and start it again."""
        self.start(*self._settings, how=("restart", "-m", "immediate"))

    def kill(self) -> None:
        """End it without a word, as a machine that loses power does; what it started ends by itself."""
        note = self.data / "postmaster.pid"
        os.kill(int(note.read_text().split()[0]), signal.SIGKILL)
        note.unlink()

    def standby(self, folder: Path) -> "Server":
        """Make another server that follows this one; it is not started."""
        made = Server(folder)
        made.run("pg_basebackup", "-D", made.data, "-h", self.folder, "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
        return made

    def promote(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-w", "promote")

    def connect(self):
        import psycopg

        return psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True)

    def url(self, schema: str | None = None) -> str:
        """The URL of an empty schema, or of one of this name."""
        name = schema or f"of_test_{os.getpid()}_{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
        return url_of([self], name)


def url_of(servers: list[Server], schema: str, **more: str) -> str:
    """The URL of a schema on one of several servers: the first that takes a connection and is as it has to be."""
    hosts = quote(",".join(str(server.folder) for server in servers), safe="")
    options = "".join(f"&{name}={value}" for name, value in more.items())
    return f"postgresql+psycopg://postgres@/postgres?host={hosts}&options=-csearch_path%3D{schema}{options}"


@contextlib.contextmanager
def folders():
    """Gives new folders of servers, and deletes them."""
    with contextlib.ExitStack() as stack:

        def folder() -> Path:
            made = Path(tempfile.mkdtemp(prefix="vhashdb-postgres-"))
            stack.callback(shutil.rmtree, made, ignore_errors=True)
            if os.getuid() == 0:
                shutil.chown(made, "postgres")
            return made

        yield folder


@contextlib.contextmanager
def running(*, durable=False):
    """Make a server, and end it.

    ``durable``: what was committed is there after it was restarted.
    """
    programs()
    with folders() as folder:
        server = Server(folder())
        server.make()
        try:
            # Nothing has to survive the machine, so nothing is waited for.
            server.start("fsync=off", "full_page_writes=off", f"synchronous_commit={'on' if durable else 'off'}")
            yield server
        finally:
            server.stop()


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
