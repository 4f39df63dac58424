"""`vhashdb stats` on a terminal, in lines, as JSON and drawn."""

import json
import re
from pathlib import Path

import pytest

import vhashdb
from tests.busy import HOSTILE_SOURCE, LONG_LABEL, a_year

from .driver import run
from .terminal import assert_golden, on_terminal

YEAR = ("--from", "2024-01-01", "--to", "2024-12-31")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    return a_year().written(tmp_path_factory.mktemp("stats") / "year.vhdb")


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty.vhdb"
    vhashdb.create(path).close()
    return path


@pytest.mark.parametrize("width", [80, 120])
def test_on_a_terminal(busy, width):
    screen = on_terminal("stats", "--db", busy, *YEAR, width=width)
    assert screen.code == 0
    assert screen.widest <= width
    assert screen.coloured
    assert_golden(f"stats-{width}", screen.normalised())


def test_on_a_terminal_without_colour_and_without_utf8(busy):
    screen = on_terminal("stats", "--db", busy, *YEAR, "--by", "month", width=80, locale="C", no_colour=True)
    assert not screen.coloured
    assert screen.raw.isascii()
    assert screen.widest <= 80
    assert_golden("stats-ascii", screen.normalised())


def test_an_empty_database_is_said_in_words(empty):
    screen = on_terminal("stats", "--db", empty, width=80)
    assert screen.code == 0
    assert_golden("stats-empty", screen.normalised())


def test_more_days_than_columns_are_put_together(busy):
    screen = on_terminal("stats", "--db", busy, *YEAR, "--by", "day", width=80)
    assert screen.widest <= 80
    assert "Each column is 6 days." in screen.text


def test_lines_and_json_have_the_same_numbers(busy):
    lines = [line.split("\t") for line in run("stats", "--db", busy, *YEAR).lines]
    head, *figures = run("stats", "--db", busy, *YEAR, "--json").json
    assert lines[0] == ["figure", "name", "part", "number"]
    totals = {name: number for figure, name, _, number in lines[1:] if figure == "total"}
    assert {"type": "stats", "database": "year.vhdb", "from": "2024-01-01", "to": "2024-12-31", "by": "week"}.items() <= head.items()
    assert totals == {name: str(head[name]) for name in totals}
    numbers = [
        [line["figure"], row["name"], part, str(number)]
        for line in figures
        for row in line["rows"]
        for part, number in row.items()
        if part != "name"
    ]
    named = [["\\x1b" in name, *rest] for _, name, *rest in lines[1 + len(totals) :]]
    assert [[name == HOSTILE_SOURCE, *rest] for _, name, *rest in numbers] == named
    assert LONG_LABEL in [row["name"] for line in figures for row in line["rows"]]


def test_the_numbers_are_those_of_the_transparency_report(busy):
    report = json.loads(run("report", "transparency", "--db", busy, *YEAR, "--format", "json").out)
    head, *figures = run("stats", "--db", busy, *YEAR, "--json").json
    rows = {line["figure"]: {row["name"]: row for row in line["rows"]} for line in figures}
    assert head["matches"] == report["matches"] > 0
    for ours, theirs in (("records_by_label", "by_label"), ("records_by_source", "by_source"), ("records_by_state", "by_state")):
        assert {name: row["records"] for name, row in rows[ours].items() if name} == report[theirs]
    for source in filter(lambda source: source["matched_records"], report["sources"]):
        row = rows["precision"][source["source"]]
        assert row["right"] / (row["right"] + row["wrong"]) == pytest.approx(source["precision"])


def test_what_a_question_leaves_behind_is_counted(own, samples):
    def counted():
        head, *figures = run("stats", "--db", own, "--json").json
        days = next(line["rows"] for line in figures if line["figure"] == "matches")
        found = round((head["found_share"] or 0) * head["questions"])
        assert head["hashes"] > 100
        return head["questions"], head["matches"], found, sum(day["match"] for day in days)

    before = counted()
    assert run("match", "--db", own, samples / "edited" / "valley__mirror.mp4").code == 10
    assert counted() == tuple(number + 1 for number in before)


def test_every_figure_and_number_is_documented(busy):
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    section = re.search(r"## `vhashdb stats`\n(.*?)\n## ", text, re.DOTALL)[1]
    head, *figures = run("stats", "--db", busy, *YEAR, "--json").json
    words = {*head, *(line["figure"] for line in figures), *(key for line in figures for row in line["rows"] for key in row)} - {"type"}
    assert words <= set(re.findall(r"`([^`]+)`", section))


@pytest.mark.parametrize("name", ["out.html", "out.SVG"])
def test_a_drawing_is_written_whole_and_said(busy, clean, name):
    done = run("stats", "--db", busy, *YEAR, "--plot", name)
    assert (done.code, done.out, done.err) == (0, "", f"{name} is written\n")
    assert "Records by label" in (clean / name).read_text(encoding="utf-8")
    assert [path.name for path in clean.iterdir()] == [name]


def test_a_drawing_and_json_at_once(busy, clean):
    assert run("stats", "--db", busy, "--plot", "out.html", "--json").json[0]["type"] == "stats"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--plot", "out.png"], ".html and .svg"),
        (["--plot", "nowhere/out.html"], "there is no folder"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], "before it begins"),
        (["--from", "2020-01-01", "--to", "2026-01-01", "--by", "day"], "--by week or --by month"),
        (["--by", "year"], "day, week, month"),
    ],
)
def test_mistakes_say_what_to_do_and_write_nothing(busy, clean, arguments, said):
    done = run("stats", "--db", busy, *arguments)
    assert done.code == 2
    assert said in done.err
    assert not list(clean.iterdir())
