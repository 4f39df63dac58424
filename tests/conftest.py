"""What the tests share: where the footage is, a database of the sample films, and how much Hypothesis tries."""

import contextlib
import os
import signal
import sys
from pathlib import Path

# Before NumPy is imported: threads of several processes that wait for each other's turns take three times the processor.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

import vhashdb

pytest_plugins = ["tests.browser", "tests.postgres", "tests.ray"]

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ROOT / "data" / "samples"

# A shell without job control starts what it runs in the background with Ctrl-C ignored, and every child inherits that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Hundreds of tests start the program: where nothing compiled is kept, each of them would compile all of it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Examples are drawn the same way each time: a failure on one machine is a failure on all.
settings.register_profile("vhashdb", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vhashdb")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The films that come with the repository."""
    return SAMPLES


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Real footage, which is not in the repository."""
    path = Path(os.environ.get("VHASHDB_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not path.is_dir():
        pytest.skip("no corpus of real footage: set VHASHDB_CORPUS to its folder")
    return path


@pytest.fixture(scope="session")
def known_db(samples, tmp_path_factory):
    """A database of `samples/known`, only to be read; ``known_db.names`` has the film's name by record id."""
    path = tmp_path_factory.mktemp("known") / "known.vhdb"
    with vhashdb.create(path) as db:
        db.names = {db.add(film, labels=["sample"]).id: film.stem for film in sorted((samples / "known").glob("*.mp4"))}
        yield db


@pytest.fixture(scope="session")
def reference_prints(samples):
    """Reference fingerprints of `samples/known`, by the film's name."""
    return {film.stem: vhashdb.fingerprint(film) for film in sorted((samples / "known").glob("*.mp4"))}


@pytest.fixture(scope="session")
def query_prints(samples):
    """Query fingerprints of `samples/edited` and `samples/unknown`, by the path in ``truth.csv``."""
    films = [*sorted((samples / "edited").glob("*.mp4")), *sorted((samples / "unknown").glob("*.mp4"))]
    return {film.relative_to(samples).as_posix(): vhashdb.fingerprint(film, views="query") for film in films}


@pytest.fixture
def company(tmp_path):
    """A company with an empty database, which shares with nobody yet."""
    from tests.exchange.companies import Company

    with contextlib.closing(Company(tmp_path, "acme")) as company:
        yield company


@pytest.fixture
def new_db(tmp_path):
    """An empty database of one's own."""
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        yield db
