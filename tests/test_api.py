"""The public API: what is promised is there, what is there is promised, and importing it costs nothing."""

import subprocess
import sys
import time
import types

import pytest

import vhashdb
from tests.conftest import ROOT

HEAVY = (
    "numpy",
    "av",
    "faiss",
    "sqlalchemy",
    "PIL",
    "imagehash",
    "scipy",
    "matplotlib",
    "tuf",
    "cryptography",
    "urllib3",
    "zstandard",
    "jinja2",
)


def test_all_agrees_with_what_is_there():
    lazy = set(vhashdb._LAZY)
    loaded = {
        name
        for name, value in vars(vhashdb).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType) and getattr(value, "__module__", "").startswith("vhashdb")
    }
    assert set(vhashdb.__all__) == lazy | loaded | {"__version__"}
    assert list(vhashdb.__all__) == sorted(vhashdb.__all__)
    assert len(set(vhashdb.__all__)) == len(vhashdb.__all__)


@pytest.mark.parametrize("name", vhashdb.__all__)
def test_each_public_name_can_be_had_and_is_described(name):
    value = getattr(vhashdb, name)
    if name != "__version__":
        assert value.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        vhashdb.nothing_of_the_kind  # noqa: B018


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def test_importing_the_library_loads_nothing_heavy():
    assert run(f"import sys, vhashdb; print(sorted(set(sys.modules) & set({HEAVY})))") == "[]"


def test_importing_the_library_is_quick():
    started = time.perf_counter()
    run("import vhashdb")
    assert time.perf_counter() - started < 2  # 0.1 s on an idle machine


@pytest.mark.parametrize(
    "package", ["vhashdb.video", "vhashdb.hashing.pdq", "vhashdb.fingerprints", "vhashdb.matching", "vhashdb.fingerprinting"]
)
def test_the_parent_process_loads_no_decoder(package):
    """`av` is loaded in the decoder process only, FAISS in the index only."""
    assert run(f"import sys, {package}; print(sorted(set(sys.modules) & {{'av', 'faiss', 'imagehash', 'scipy'}}))") == "[]"


def test_only_its_own_room_imports_a_heavy_library():
    exchange = "tuf", "securesystemslib", "cryptography", "urllib3", "zstandard"
    importers = {name: set() for name in ("av", "faiss", "sqlalchemy", "matplotlib", "jinja2", *exchange)}
    for path in (ROOT / "vhashdb").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["import"], ["from"]) and words[1].split(".")[0] in importers:
                importers[words[1].split(".")[0]].add(path.relative_to(ROOT / "vhashdb").as_posix())
    assert importers["av"] <= {"video/decode.py", "video/clock.py", "video/child.py"}
    assert importers["faiss"] == {"index/memtable.py", "index/segment.py"}
    assert importers["matplotlib"] == {"plotting.py"}
    assert importers["jinja2"] == {"report/page.py"}
    assert all(path.startswith("exchange/") for name in exchange for path in importers[name])
    assert all(importers[name] for name in exchange)
    assert {name.split("/")[0] for name in importers["sqlalchemy"]} == {"store"}


def test_matplotlib_is_loaded_only_to_draw():
    assert run("import sys, vhashdb.plotting; print('matplotlib' in sys.modules)") == "False"


def test_no_module_unpickles():
    for path in (ROOT / "vhashdb").rglob("*.py"):
        assert "import pickle" not in path.read_text(), path


def test_the_example_of_the_package_runs(samples, tmp_path):
    vhashdb.create(tmp_path / "industry.vhdb").close()
    with vhashdb.open(tmp_path / "industry.vhdb") as db:
        db.add(samples / "known" / "valley.mp4", labels=["graphic-violence"], reason="perpetrator-produced")
        found = [
            (match.record.reason, match.score > 0.5, len(match.segments))
            for match in db.match(samples / "edited" / "valley__clip.mp4").matches
        ]
    assert found == [("perpetrator-produced", True, 1)]
