"""The public API: what is promised is there, what is there is promised, and importing it costs nothing."""

import ast
import functools
import importlib
import inspect
import itertools
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

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


def public_modules():
    """Modules at the top of the library that say what of them is public, and `vhashdb.exchange.formats`."""
    names = [f"vhashdb.{found.name}" for found in pkgutil.iter_modules(vhashdb.__path__)]
    modules = [importlib.import_module(name) for name in ("vhashdb", *names, "vhashdb.exchange.formats") if name != "vhashdb.__main__"]
    return [module for module in modules if hasattr(module, "__all__")]


REFERENCE = ("charts", "exchange", "exchange.formats", "forms", "json_values", "moderation", "plotting", "report", "review", "store", "tx")
"""Packages that docs/api.md shows in full."""
PUBLIC = [(module, name) for module in public_modules() for name in module.__all__]
PARAMETERS = pytest.mark.parametrize(("module", "name"), [pytest.param(*each, id=f"{each[0].__name__}.{each[1]}") for each in PUBLIC])


@pytest.mark.parametrize("module", public_modules(), ids=lambda module: module.__name__)
def test_all_agrees_with_what_is_there(module):
    """What a type checker sees, what is loaded when asked for, and `__all__` are three lists of the same names."""
    tree = ast.parse(Path(module.__file__).read_text())
    assert len(set(module.__all__)) == len(module.__all__)
    tables = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "lazy_names"]
    if not tables:
        return
    table = [name for names in ast.literal_eval(tables[0].args[1]).values() for name in names.split()]
    branch = next(node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING")
    checked = [alias.name for node in branch.body for alias in node.names]
    here = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    here |= {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names if alias.name in module.__all__}
    assert sorted(table) == sorted(checked)
    assert set(module.__all__) == set(table) | here


@PARAMETERS
def test_each_public_name_can_be_had_and_is_described(module, name):
    value = getattr(module, name)
    if isinstance(value, type) or callable(value):
        doc = inspect.getdoc(value) or ""
        assert doc and not doc.startswith(f"{name}("), "a dataclass that nobody described"
    elif name != "__version__":
        assert name in described_constants(), "a constant without a docstring"


@functools.cache
def described_constants():
    """Names of module level that are followed by a docstring."""
    found = set()
    for path in (ROOT / "vhashdb").rglob("*.py"):
        for node, after in itertools.pairwise(ast.parse(path.read_text()).body):
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(target, ast.Name) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                found.add(target.id)
    return found


@pytest.mark.parametrize("module", ["vhashdb", *(f"vhashdb.{name}" for name in REFERENCE)])
def test_the_reference_shows_what_programs_need(module):
    shown = re.findall(r"^::: (\S+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    assert len(set(shown)) == len(shown)
    names = set(importlib.import_module(module).__all__) - {"__version__", *vhashdb.errors.__all__}
    if module != "vhashdb":
        names -= set(vhashdb.__all__)  # shown once, under the shorter name
    assert names <= {name.removeprefix(f"{module}.") for name in shown if name.rpartition(".")[0] == module}


def test_the_command_line_uses_public_names_alone():
    """`lint-imports` holds which modules it imports; this holds what of them."""
    public = {(module.__name__, name) for module, name in PUBLIC}
    modules, named = {module.__name__ for module in public_modules()}, set()
    for path in (ROOT / "cli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "vhashdb":
                for alias in node.names:
                    assert (node.module, alias.name) in public or f"{node.module}.{alias.name}" in modules, path
            if isinstance(node, ast.Constant) and str(node.value) in modules - {"vhashdb"}:  # choices, looked up late
                named.add(node.value)
    assert {"vhashdb.store", "vhashdb.hashing"} <= named <= modules


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        vhashdb.nothing_of_the_kind  # noqa: B018


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip()


def test_importing_the_library_loads_nothing_heavy():
    assert run(f"import sys, vhashdb; print(sorted(set(sys.modules) & set({HEAVY})))") == "[]"


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
    assert importers["av"] <= {f"video/{name}.py" for name in ("child", "clock", "decode", "demuxing", "sound")}
    assert importers["faiss"] == {"index/memtable.py", "index/probing.py", "index/segment.py"}
    assert importers["matplotlib"] == {"plotting.py"}
    assert importers["jinja2"] == {"report/page.py"}
    importers["zstandard"].remove("fingerprints/binary.py")  # the stored form
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
