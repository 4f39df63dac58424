"""What the documents show is what the program does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
IDS = re.compile(r"\b[0-9a-f]{8}\b")


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


def sessions(text: str) -> list[tuple[str, str]]:
    """Commands of a console block, each with the output shown below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(part.split("\n", 1)[0], part.split("\n", 1)[1]) for part in parts]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """An empty folder that sees the samples where the tutorial does."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "samples").symlink_to(ROOT / "data" / "samples")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.toml").touch()
    monkeypatch.setenv("VHASHDB_CONFIG", str(tmp_path / "empty.toml"))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VHASHDB_DB", raising=False)
    return tmp_path


def test_the_command_line_reference_is_up_to_date():
    assert subprocess.run([sys.executable, DOCS / "make_reference.py", "--check"], check=False).returncode == 0, "run `make docs`"


def test_the_page_of_json_lines_is_up_to_date():
    assert subprocess.run([sys.executable, DOCS / "json_reference.py", "--check"], check=False).returncode == 0, "run `make docs`"


def test_the_tutorial_prints_what_it_shows(workplace):
    shown = [session for block in blocks(DOCS / "tutorial.md", "console") for session in sessions(block)]
    assert len(shown) >= 6
    known: dict[str, str] = {}
    for command, expected in shown:
        for there, here in known.items():
            command = command.replace(there, here)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 10), done.stderr
        if not expected.strip():
            continue
        there, here = IDS.findall(expected), IDS.findall(done.stdout)
        assert IDS.sub("ID", done.stdout).split() == IDS.sub("ID", expected).split(), command
        known |= dict(zip(there, here, strict=True))


def test_the_tutorials_python_runs(workplace, capsys):
    (code,) = blocks(DOCS / "tutorial.md", "python")
    exec(compile(code, "tutorial.md", "exec"), {})
    out = capsys.readouterr().out
    assert "0.0–4.0 s is 3.5–7.5 s" in out
    assert out.strip().endswith("match")


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / "README.md", *DOCS.glob("*.md"), ROOT / "bench" / "README.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_exit_code_is_in_the_table():
    from vhashdb_cli.codes import ExitCode

    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", (DOCS / "exit-codes.md").read_text(encoding="utf-8"), re.MULTILINE)}
    assert {int(code) for code in ExitCode} == listed


def test_every_region_of_a_fingerprint_is_in_the_table_of_codes():
    from vhashdb.hashing.views import Region

    table = re.search(r"^\| region \| code \|.*?\n\n", (DOCS / "formats.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    cells = re.findall(r"\| ([^|]+) \| (\d+) (?=\|)", table[0])
    assert {int(code): label for label, code in cells} == {int(region): region.label for region in Region}


def test_every_interchange_format_and_field_is_in_its_table():
    from vhashdb.exchange.formats import READ, WRITTEN
    from vhashdb.exchange.formats.fields import FIELDS

    text = (DOCS / "formats.md").read_text(encoding="utf-8")

    def rows(first):
        table = re.search(rf"^\| {first} \|.*?\n\n", text, re.DOTALL | re.MULTILINE)[0].strip()
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]
        return [(re.findall(r"`([^`]+)`", names), rest) for names, *rest in cells]

    formats = rows("`--format`")
    assert {name for names, (read, *_) in formats for name in names if read == "yes"} == set(READ)
    assert {name for names, (_, written, *_) in formats for name in names if written == "yes"} == set(WRITTEN)
    assert {name for names, _ in rows("field") for name in names} == set(FIELDS)
