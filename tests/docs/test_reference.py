"""Tables and references in the documents are whole and up to date."""

import importlib.util
import re
import subprocess
import sys

from tests.conftest import ROOT

DOCS = ROOT / "docs"


def test_the_command_line_reference_is_up_to_date():
    assert subprocess.run([sys.executable, DOCS / "make_reference.py", "--check"], check=False).returncode == 0, "run `make docs`"


def test_the_page_of_json_lines_is_up_to_date():
    assert subprocess.run([sys.executable, DOCS / "json_reference.py", "--check"], check=False).returncode == 0, "run `make docs`"


def test_the_picture_of_the_readme_shows_what_is_found():
    assert subprocess.run([sys.executable, DOCS / "draw_copies.py", "--check"], check=False).returncode == 0, "run `make docs`"


def test_pictures_that_show_something_else_are_not_equal():
    spec = importlib.util.spec_from_file_location("draw_copies", DOCS / "draw_copies.py")
    script = sys.modules["draw_copies"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    picture = (DOCS / "copies.svg").read_text(encoding="utf-8")
    assert script.equal(picture, picture)
    assert not script.equal(picture, picture.replace("MATCH", "POSSIBLE"))
    first, *_, last = re.findall(r"base64,([^\"]+)", picture)
    assert not script.equal(picture, picture.replace(first, last))
    assert not re.search(r"href=\"(?!data:)", picture)  # complete in itself


def test_links_between_documents_lead_somewhere():
    pages = [ROOT / "README.md", *DOCS.glob("*.md"), ROOT / "bench" / "README.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_module_that_the_literature_names_is_there():
    names = set(re.findall(r"`((?:vhashdb|bench)\.[\w.]+)`", (DOCS / "literature.md").read_text(encoding="utf-8")))
    assert len(names) > 10
    for name in names:
        path = ROOT.joinpath(*name.split("."))
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


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
