"""The page and the picture of the figures, in a real browser."""

import itertools
import re
import xml.etree.ElementTree as ET

import pytest

import vhashdb
from tests.browser import LAPTOP, PAPER, PHONE
from tests.busy import HOSTILE_SOURCE, LONG_LABEL, SINCE, UNTIL, a_year
from vhashdb.charts.drawing import MOST_COLUMNS
from vhashdb.charts.figures import Overview
from vhashdb.charts.model import Breakdown
from vhashdb.charts.pages import page, picture, transparency_page
from vhashdb.exchange.transparency import TITLES
from vhashdb.store.periods import Period
from vhashdb.store.statistics import read_statistics
from vhashdb.text import printable

SVG = "{http://www.w3.org/2000/svg}"
MEASURE = """chart => [...chart.querySelectorAll('svg .bar')].map(bar => {
    const box = bar.getBoundingClientRect(); return [box.x, box.bottom, box.width, box.height] })"""

PLACES = """[...document.querySelectorAll('g > title')].map(title => {
    const box = title.parentNode.getBoundingClientRect(); return [box.x, box.y, box.right, box.bottom] })"""


def overview_of(db, since=SINCE, until=UNTIL, name="year.vhdb"):
    return Overview(name, read_statistics(db.store, Period.of(since, until)), 123_456, 7_890_000)


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    folder = tmp_path_factory.mktemp("year")
    with vhashdb.open(a_year().written(folder / "year.vhdb")) as db:
        return overview_of(db, name="<b>&'\"]]>.vhdb")


@pytest.fixture(scope="module")
def files(year, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "year.html").write_text(page(year), encoding="utf-8")
    (folder / "year.svg").write_text(picture(year), encoding="utf-8")
    return folder


def charts_of(overview):
    return [chart for section in overview.sections for chart in section.charts]


@pytest.mark.parametrize(("width", "dark"), [(PHONE, False), (LAPTOP, True)])
def test_the_page_is_sound_on_every_screen(chromium, files, width, dark):
    visit = chromium.open(files / "year.html", width=width, dark=dark)
    for summary in visit.page.locator("summary").all()[::6]:
        summary.click()
    assert visit.violations() == []
    assert visit.sideways() == 0
    assert (visit.problems, visit.outside) == ([], [])


def test_without_a_script_all_of_it_is_there(chromium, files, year):
    visit = chromium.open(files / "year.html", script=False)
    for chart in charts_of(year):
        card = visit.page.locator(f"#chart-{chart.key}")
        assert card.locator("h3").inner_text() == chart.title
        assert card.locator("svg").is_visible()
        card.locator("summary").click()
        assert card.locator("table").is_visible()
    assert visit.problems == []


def test_the_tables_have_every_number(chromium, files, year):
    visit = chromium.open(files / "year.html")
    for chart in charts_of(year):
        rows = visit.page.locator(f"#chart-{chart.key} tbody tr").evaluate_all(
            "rows => rows.map(r => [...r.cells].map(c => c.textContent))"
        )
        said = [[row.said] if chart.said_head else [] for row in chart.rows]
        assert [cells[1:] for cells in rows] == [[f"{v:,}" for v in row.values] + more for row, more in zip(chart.rows, said, strict=True)]
    names = visit.page.locator("#chart-records_by_label tbody th").all_text_contents()
    assert LONG_LABEL in names
    assert len(names) > len(visit.page.locator("#chart-records_by_label svg .bar").all())


def test_bars_have_the_length_of_their_numbers(chromium, files, year):
    visit = chromium.open(files / "year.html")
    for chart in charts_of(year):
        card = visit.page.locator(f"#chart-{chart.key}")
        boxes, scale = card.evaluate(MEASURE), card.locator("svg").bounding_box()["width"] / 320
        if isinstance(chart, Breakdown):
            numbers = [value for row in chart.drawn for value in row.values if value]
            longest = max(width for _, _, width, _ in boxes)
            assert len({round(x) for x, *_ in boxes}) == 1
            assert [width for *_, width, _ in boxes] == pytest.approx([n / max(numbers) * longest for n in numbers], abs=1)
            if len(chart.parts) == 1:
                assert longest == pytest.approx(card.locator("svg").bounding_box()["width"], abs=1)
            continue
        for panel in chart.panels(MOST_COLUMNS):
            values = [column.value for column in panel.columns if column.value]
            mine, boxes = boxes[: len(values)], boxes[len(values) :]
            assert len({round(bottom, 1) for _, bottom, *_ in mine}) <= 1
            assert [height for *_, height in mine] == pytest.approx([v / panel.top * 54 * scale for v in values], abs=1)
        assert not boxes


def test_a_gap_in_time_is_a_gap_in_the_picture(chromium, files, year):
    visit = chromium.open(files / "year.html")
    card = visit.page.locator("#chart-found")
    edges = sorted((x, x + width) for x, _, width, _ in card.evaluate(MEASURE))
    widest = max(after[0] - before[1] for before, after in itertools.pairwise(edges))
    weeks = sum(not of for _, of in (row.values for row in charts_of(year)[10].rows))
    assert charts_of(year)[10].key == "found"
    assert weeks >= 7
    assert widest > weeks * (edges[0][1] - edges[0][0])
    assert card.locator("line.unknown").count() == weeks


def test_the_keyboard_reaches_every_part_and_opens_a_table(chromium, files, year):
    visit = chromium.open(files / "year.html")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(len(year.sections) + len(charts_of(year))):
        visit.page.keyboard.press("Tab")
        reached.append(visit.page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
    assert [place for place in reached if place.startswith("#")] == [f"#{section.key}" for section in year.sections]
    assert reached.count("SUMMARY") == len(charts_of(year))
    visit.page.locator("#chart-matches summary").focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.locator("#chart-matches table").is_visible()


def test_on_paper_there_is_nothing_to_click_and_an_open_table_is_printed(chromium, files):
    visit = chromium.open(files / "year.html", width=PAPER, paper=True)
    assert not visit.page.locator("summary").first.is_visible()
    assert not visit.page.locator("#chart-matches table").is_visible()
    visit.page.locator("#chart-matches details").evaluate("details => details.open = true")
    assert visit.page.locator("#chart-matches table").is_visible()
    assert visit.sideways() == 0


def test_text_from_outside_stays_text(chromium, files):
    visit = chromium.open(files / "year.html")
    assert visit.page.locator("h1").inner_text() == "What <b>&'\"]]>.vhdb holds and what it catches"
    source = visit.page.locator("#chart-records_by_source tbody th").all_text_contents()[-1]
    assert source == "<script>alert(1)</script>\\x1b[31m\\u202egnp.elif"
    for name in ("year.html", "year.svg"):
        text = (files / name).read_text(encoding="utf-8")
        assert HOSTILE_SOURCE not in text
        assert "\x1b" not in text


def test_an_empty_database_is_said_in_words(chromium, new_db, tmp_path):
    overview = overview_of(new_db)
    (tmp_path / "empty.html").write_text(page(overview), encoding="utf-8")
    visit = chromium.open(tmp_path / "empty.html", width=PHONE)
    assert visit.page.locator("article svg").count() == 0
    assert visit.page.locator("article .nothing").all_inner_texts() == [chart.empty for chart in charts_of(overview)]
    assert visit.violations() == []
    words = "".join(ET.fromstring(picture(overview)).itertext())
    assert all(chart.empty in words for chart in charts_of(overview))


def test_a_transparency_report_as_a_page(chromium, year, tmp_path):
    figures = year.statistics.figures
    (tmp_path / "report.html").write_text(transparency_page(figures), encoding="utf-8")
    visit = chromium.open(tmp_path / "report.html", width=PHONE)
    assert visit.violations() == []
    assert (visit.sideways(), visit.problems, visit.outside) == (0, [], [])
    for name, (title, _) in TITLES.items():
        card = visit.page.locator(f"#chart-{name}")
        assert card.locator("h3").inner_text() == title
        numbers = dict(zip(card.locator("tbody th").all_text_contents(), card.locator("tbody td").all_text_contents(), strict=True))
        expected = {printable(key).replace("_", " "): f"{number:,}" for key, number in getattr(figures, name).items()}
        assert numbers == expected
    assert visit.page.locator("#chart-precision tbody tr").count() == sum(source.matched_records > 0 for source in figures.sources)


def test_the_picture_is_well_formed_and_has_every_chart(files, year):
    root = ET.parse(files / "year.svg").getroot()
    assert root.tag == f"{SVG}svg"
    groups = {group.find(f"{SVG}title").text: group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None}
    assert list(groups) == [chart.title for chart in charts_of(year)]
    for chart in charts_of(year):
        assert groups[chart.title].find(f"{SVG}desc").text == chart.about
    height, width = float(root.get("height")), float(root.get("width"))
    for group in groups.values():
        x, y = map(float, re.findall(r"[\d.]+", group.get("transform")))
        assert 0 <= x <= width - 320
        assert y < height
    assert not [element for element in root.iter() if element.tag.endswith(("script", "image", "foreignObject"))]
    assert not [value for element in root.iter() for name, value in element.items() if name.endswith("href")]


def test_the_picture_opens_by_itself_and_nothing_lies_on_something_else(chromium, files):
    visit = chromium.open(files / "year.svg", width=LAPTOP)
    assert (visit.problems, visit.outside) == ([], [])
    boxes = visit.page.evaluate(PLACES)
    assert len(boxes) == 19
    for n, (left, top, right, bottom) in enumerate(boxes):
        assert right <= 1104 + 1
        for other_left, other_top, other_right, other_bottom in boxes[n + 1 :]:
            assert right <= other_left or other_right <= left or bottom <= other_top or other_bottom <= top
    light = visit.page.evaluate("getComputedStyle(document.querySelector('.paper')).fill")
    dark = chromium.open(files / "year.svg", dark=True).page.evaluate("getComputedStyle(document.querySelector('.paper')).fill")
    assert light != dark
