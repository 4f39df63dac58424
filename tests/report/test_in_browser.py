"""The page in a real Chromium: it draws what it says, needs nothing else, and can be used by everybody."""

import re
import time
import unicodedata
from dataclasses import replace

import pypdf
import pytest

import vhashdb
from tests.browser import LAPTOP, PAPER, PHONE
from tests.examples import long
from vhashdb.report import Report
from vhashdb.report.entries import RecordLookup, file_entry
from vhashdb.store import Details

from .conftest import tell

HOSTILE = '"><script>document.title = "taken"</script><img src="http://example.invalid/x.png">'
LONG = "W" * 240


@pytest.fixture(scope="module")
def page(known_db, asked, tmp_path_factory):
    """One answer of each kind, and what else the tests below look at."""
    kinds = "valley__clip valley__mirror harbour__speed125 harbour__insert train dark_room still notes".split()
    path = tmp_path_factory.mktemp("page") / "report.html"
    with Report(known_db) as report:
        for film, found in asked.items():
            if film.stem in kinds:
                tell(report, film, found)
        report.write(path)
    return path


@pytest.fixture(scope="module")
def hard_page(known_db, answer, tmp_path_factory):
    """Hostile and very long texts, several stretches, several matches, long videos, pictures, and an interruption."""
    result = answer("valley__mirror.mp4")
    (match,) = result.matches
    details = Details(labels=("a" * 64, "b" * 64), reason=LONG, policy=HOSTILE, law=LONG, source=LONG)
    segments = tuple(
        replace(match.segments[0], query_start_s=at, query_end_s=at + 1, reference_start_s=at, reference_end_s=at + 1.5, speed=1.5)
        for at in (1, 4, 8)
    )
    several = replace(match, record=replace(match.record, details=details), judgement=replace(match.judgement, segments=segments))
    far = replace(several, record=replace(several.record, duration_s=7200.0))
    lookup = RecordLookup(lambda identifier: known_db.fingerprint(match.record.id), known_db.moderation.opinions.about, lambda feed: LONG)
    path = tmp_path_factory.mktemp("hard") / "hard.html"
    with Report(known_db) as report:
        report.add_entry(file_entry(f"{LONG}.mp4", replace(result, matches=(several, far), damage=(LONG,)), lookup))
        report.add_entry(file_entry(f"folder/{HOSTILE}.mp4", replace(result, matches=(several,)), lookup))
        report.add_error(f"{LONG}/{HOSTILE}.mp4", vhashdb.NotMedia(HOSTILE, hint=LONG))
        report.write(path, interrupted=True)
    return path


def shown_everywhere(visit):
    """Lay out also what is far down, which a browser leaves until it is near."""
    visit.page.evaluate("for (const file of document.querySelectorAll('.file')) file.style.contentVisibility = 'visible'")
    return visit


def box(locator):
    return locator.evaluate("element => { const box = element.getBoundingClientRect(); return [box.left, box.right, box.top, box.bottom] }")


def timeline_of(visit, name):
    return visit.page.locator("section.file", has=visit.page.locator("h3", has_text=name)).locator("figure.timeline")


def test_there_are_no_errors_and_no_outside_requests(page, hard_page, chromium):
    for path in (page, hard_page):
        visit = shown_everywhere(chromium.open(path))
        assert visit.problems == []
        assert visit.outside == []
        assert visit.page.title().startswith("Report on ")


def test_everything_can_be_read_without_a_script(page, chromium):
    visit = shown_everywhere(chromium.open(page, script=False))
    text = visit.page.locator("body").inner_text()
    for name in ("valley__clip.mp4", "train.mp4", "dark_room.mp4", "notes.mp4"):
        assert name in text
    assert text.count("Why it is here") == 5
    assert visit.page.locator("figure.timeline svg[role=img]:visible").count() == 6
    assert visit.page.locator("figure.map svg:visible").count() == 4
    assert not visit.page.locator("#find").is_visible()
    visit.page.locator("#files a").first.click()
    assert visit.page.locator("section.file:target h3").is_visible()


# -- drawings ----------------------------------------------------------------------------------------


def test_shapes_of_the_timeline_are_where_their_seconds_are(page, answer, chromium):
    visit = shown_everywhere(chromium.open(page))
    for name in ("valley__clip.mp4", "harbour__speed125.mp4", "harbour__insert.mp4"):
        check_shapes(visit, name, answer(name))


def check_shapes(visit, name, result):
    (match,) = result.matches
    (segment,) = match.segments
    figure = timeline_of(visit, name)
    for width in (PHONE, LAPTOP):
        visit.page.set_viewport_size({"width": width, "height": 800})
        left, right, *_ = box(figure.locator("svg").first)
        scale = (right - left) / max(result.duration_s, match.record.duration_s)
        query, known = box(figure.locator("rect.bar.query")), box(figure.locator("rect.bar.known"))
        assert query[1] - query[0] == pytest.approx(scale * result.duration_s, abs=1)
        assert known[1] - known[0] == pytest.approx(scale * match.record.duration_s, abs=1)
        here = [query[0] + scale * segment.query_start_s, query[0] + scale * segment.query_end_s]
        there = [known[0] + scale * segment.reference_start_s, known[0] + scale * segment.reference_end_s]
        assert box(figure.locator("rect.matched.query"))[:2] == pytest.approx(here, abs=1)
        assert box(figure.locator("rect.matched.known"))[:2] == pytest.approx(there, abs=1)
        (a, top), (b, _), (c, bottom), (d, _) = figure.locator("polygon.band").evaluate(
            "band => [...band.points].map(one => one.matrixTransform(band.getScreenCTM())).map(at => [at.x, at.y])"
        )
        assert [a, b, d, c] == pytest.approx([*here, *there], abs=1)
        assert (top, bottom) == pytest.approx((query[3], known[2]), abs=1)  # from one bar to the other
        assert (c - d) / (b - a) == pytest.approx(segment.speed, rel=0.03)
        ticks = figure.locator("line.tick").all()
        assert len(ticks) >= 3
        for tick in ticks:
            minutes, seconds = tick.evaluate("line => line.nextElementSibling.textContent").split(":")
            x, _, y, _ = box(tick)
            bar = query if y < query[3] else known
            assert x == pytest.approx(bar[0] + scale * (60 * int(minutes) + float(seconds)), abs=1)


def test_what_shows_too_little_is_hatched_where_it_is(page, chromium):
    figure = timeline_of(shown_everywhere(chromium.open(page)), "dark_room.mp4")
    assert box(figure.locator("rect.unusable"))[:2] == pytest.approx(box(figure.locator("rect.bar"))[:2], abs=1)
    assert figure.locator("rect.unusable").evaluate("rect => getComputedStyle(rect).fill") == 'url("#hatch")'


def test_drawings_have_names_that_say_what_they_show(page, chromium):
    visit = shown_everywhere(chromium.open(page))
    names = visit.page.locator("svg[role=img]").evaluate_all(
        "all => all.map(svg => svg.ariaLabelledByElements.map(name => name.textContent).join(' '))"
    )
    assert len(names) == 10 + visit.page.locator(".outlines svg").count()  # five timelines, four maps, one lone bar
    assert all(len(name) > 30 for name in names)
    assert any("of the known video, mirrored" in name for name in names)


# -- for everybody -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [pytest.param(False, id="light"), pytest.param(True, id="dark", marks=long)])
def test_the_accessibility_check_finds_nothing(dark, page, chromium):
    visit = shown_everywhere(chromium.open(page, dark=dark))
    visit.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    for width in (PHONE, LAPTOP):
        visit.page.set_viewport_size({"width": width, "height": 800})
        assert visit.violations() == []
    assert visit.outside == []  # the check comes from its package


def test_the_accessibility_check_finds_nothing_among_hard_texts_nor_in_the_list_of_keys(hard_page, chromium):
    visit = shown_everywhere(chromium.open(hard_page, width=PHONE))
    visit.page.locator("#keys-button").click()
    assert visit.violations() == []


def test_nothing_has_to_be_scrolled_sideways(page, hard_page, chromium):
    for path, script in ((page, False), (hard_page, True)):
        visit = shown_everywhere(chromium.open(path, script=script))
        for width in (320, PHONE, 800, LAPTOP, 2200):
            visit.page.set_viewport_size({"width": width, "height": 800})
            assert visit.sideways() == 0, (path, width)


def test_forced_colours_keep_the_drawing(page, chromium):
    visit = shown_everywhere(chromium.open(page, forced_colors="active", dark=True))
    figure = timeline_of(visit, "valley__clip.mp4")
    ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    shapes = {"text.time": "fill", "rect.matched.known": "fill", "rect.bar.known": "stroke", "polygon.band": "stroke"}
    for shape, colour in shapes.items():
        assert figure.locator(shape).first.evaluate("(one, colour) => getComputedStyle(one)[colour]", colour) != ground


def test_nothing_moves_or_plays_by_itself(page, chromium):
    visit = chromium.open(page, reduced_motion="no-preference")
    visit.page.keyboard.press("j")
    assert visit.page.evaluate("document.getAnimations().length") == 0
    assert visit.page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert visit.page.locator("video, audio, marquee, animate, [autoplay], [autofocus]").count() == 0


# -- by keyboard -------------------------------------------------------------------------------------


def focused(visit):
    return visit.page.evaluate(
        """(() => {
            const element = document.activeElement;
            return element.closest('article.hit')?.id ?? (element.id || element.value || element.textContent.trim());
        })()"""
    )


def test_the_first_tab_offers_to_skip_to_the_summary(page, chromium):
    visit = chromium.open(page)
    visit.page.keyboard.press("Tab")
    assert focused(visit) == "Skip to the summary"
    assert box(visit.page.locator("a.skip"))[2] >= 0
    assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    visit.page.keyboard.press("Enter")
    assert focused(visit) == "summary"
    verdicts = ["match", "possible", "no-match", "insufficient", "unreadable"]
    for expected in ("find", *verdicts, "print-details", "keys-button", "File", "Verdict"):
        visit.page.keyboard.press("Tab")
        assert focused(visit) == expected
        assert visit.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_keys_step_from_match_to_match(page, chromium):
    visit = chromium.open(page)
    ids = visit.page.locator("article.hit").evaluate_all("all => all.map(match => match.id)")
    assert len(ids) == 5
    for key, place in zip("jnjkp", (0, 1, 2, 1, 0), strict=True):
        visit.page.keyboard.press(key)
        assert focused(visit) == ids[place]
        assert 0 <= box(visit.page.locator(f"#{ids[place]}"))[2] < 40
    for _ in range(7):
        visit.page.keyboard.press("j")
    assert focused(visit) == ids[-1]
    visit.page.keyboard.press("s")
    assert focused(visit) == "summary"


def test_links_step_from_match_to_match_too(page, chromium):
    for script in (True, False):
        visit = chromium.open(page, script=script)
        for place, link, lands in ((1, "Next match", 2), (2, "Previous match", 1)):
            visit.page.locator("article.hit").nth(place).get_by_role("link", name=link).click()
            assert abs(box(visit.page.locator("article.hit").nth(lands))[2]) < 40, (script, link)


def test_keys_are_shown_and_can_be_switched_off(page, chromium):
    visit = chromium.open(page)
    dialog = visit.page.locator("#keys")
    visit.page.keyboard.press("?")
    assert dialog.is_visible()
    assert "next match" in dialog.inner_text()
    visit.page.locator("#keys-on").uncheck()
    visit.page.keyboard.press("Escape")
    assert not dialog.is_visible()
    visit.page.keyboard.press("j")
    assert visit.page.locator("article.hit:focus-within").count() == 0


def test_letters_typed_into_the_search_field_are_not_keys(page, chromium):
    visit = chromium.open(page)
    visit.page.keyboard.press("/")
    visit.page.keyboard.type("jumps?")
    assert visit.page.locator("#find").input_value() == "jumps?"
    assert not visit.page.locator("#keys").is_visible()


# -- filter and sort ---------------------------------------------------------------------------------


def visible_files(visit):
    rows = visit.page.locator("#files tbody tr:visible th")
    return rows.evaluate_all("all => all.map(row => row.querySelector('bdi').textContent)")


def test_files_are_found_by_text_and_verdict_and_the_number_is_announced(page, chromium):
    visit = chromium.open(page)
    status = visit.page.locator("#shown")
    assert status.get_attribute("aria-live") == "polite"
    assert status.inner_text() == "All 8 files are shown."
    visit.page.locator("#find").fill("VALLEY")
    assert set(visible_files(visit)) == {"valley__clip.mp4", "valley__mirror.mp4"}
    assert status.inner_text() == "2 of 8 files shown, here and below."
    assert visit.page.locator("section.file:visible").count() == 2
    visit.page.locator("#find").fill("")
    visit.page.get_by_role("checkbox", name="NO MATCH").focus()
    visit.page.keyboard.press("Space")
    assert "train.mp4" not in visible_files(visit)
    for name in ("INSUFFICIENT", "NOT CHECKED", "POSSIBLE"):
        visit.page.get_by_role("checkbox", name=name).uncheck()
    assert status.inner_text() == "4 of 8 files shown, here and below."


def test_what_is_filtered_out_is_passed_over(page, chromium):
    visit = chromium.open(page)
    visit.page.locator("#find").fill("valley")
    visit.page.locator("#find").blur()
    seen = []
    for _ in range(3):
        visit.page.keyboard.press("j")
        seen.append(visit.page.evaluate("document.activeElement.closest('section').querySelector('h3').textContent"))
    assert set(seen) == {"valley__clip.mp4", "valley__mirror.mp4"}
    assert seen[1] == seen[2]


def test_columns_are_sorted_by_keyboard_and_it_is_announced(page, chromium):
    visit = chromium.open(page)
    visit.page.get_by_role("button", name="File").focus()
    header = visit.page.locator("#files thead th").first
    for order, word in ((sorted, "ascending"), (lambda names: sorted(names, reverse=True), "descending")):
        visit.page.keyboard.press("Enter")
        assert visible_files(visit) == order(visible_files(visit))
        assert header.get_attribute("aria-sort") == word
        assert visit.page.locator("#shown").inner_text() == f"Sorted by file, {word}."
    visit.page.get_by_role("button", name="Matched").click()
    seconds = visit.page.locator("#files tbody tr").evaluate_all("rows => rows.map(row => Number(row.cells[6]?.dataset.key ?? -1))")
    assert seconds == sorted(seconds)
    assert header.get_attribute("aria-sort") is None


# -- on paper ----------------------------------------------------------------------------------------


def test_paper_has_everything_open_that_is_to_be_printed(page, chromium, tmp_path):
    visit = chromium.open(page)
    visit.page.get_by_label("print the details, too").check()
    visit.page.locator("#find").fill("nothing of the kind")  # what the screen leaves out is printed
    visit.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    reader = pypdf.PdfReader(tmp_path / "page.pdf")
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595, abs=2)  # A4
    text = unicodedata.normalize("NFKC", re.sub(r"\s+", " ", " ".join(one.extract_text() for one in reader.pages)))  # without ligatures
    assert text.count("conditions for a match are met") == 5
    assert text.count("bits in which they typically differ") == 5  # in parts that are closed on the screen
    assert "That is no clearance" in text  # so is this
    assert text.count("Why it is here") == 5
    assert "Next match" not in text
    assert "Skip to" not in text


def test_nothing_is_cut_at_the_side_of_the_paper(page, hard_page, chromium):
    for path in (page, hard_page):
        visit = chromium.open(path, width=PAPER, paper=True)
        assert visit.sideways() == 0
        ends = visit.page.locator("main *:not(.hidden-word):not(svg *)").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().right)"
        )
        assert max(ends) <= PAPER + 1


# -- size --------------------------------------------------------------------------------------------


def test_a_page_of_a_thousand_files_opens(thousand, chromium, capsys):
    started = time.perf_counter()
    visit = chromium.open(thousand)
    loaded_s = time.perf_counter() - started
    visit.page.keyboard.press("j")
    assert focused(visit) == "f1m0"
    with capsys.disabled():
        print(f"\n1,000 files in Chromium: loaded in {loaded_s:.1f} s, at the first match after {time.perf_counter() - started:.1f} s")
    assert visit.problems == []


def pages(visit, path):
    """What is printed, page by page."""
    visit.page.pdf(path=path, prefer_css_page_size=True)
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in pypdf.PdfReader(path).pages]  # without ligatures


@long
def test_a_day_is_printed_as_a_summary_and_in_full_on_demand(day, chromium, tmp_path):
    visit = chromium.open(day)
    printed = pages(visit, tmp_path / "summary.pdf")
    text = " ".join(" ".join(printed).split())
    assert len(printed) <= 6
    assert all(text.count(f"{kind}-{number:04d}.mp4") for kind, count in (("upload", 150), ("damaged", 20)) for number in range(count))
    assert "170 files to decide" in text
    assert "26 known videos in 200 files. Order: by verdict, then severity, label, and number of files." in text
    assert "File by file" not in text
    visit.page.get_by_label("print the details, too").check()
    assert len(pages(visit, tmp_path / "all.pdf")) > 60


def test_a_page_of_a_run_that_goes_on_says_how_old_it_is_and_asks_nobody(told, chromium, tmp_path):
    told.write(tmp_path / "page.html", goes_on=True)
    visit = chromium.open(tmp_path / "page.html")
    assert re.search(r"This page is \d+ (seconds|minutes) old; reload it", visit.page.locator("#goes-on").inner_text())
    with visit.page.expect_navigation():
        visit.page.get_by_role("button", name="Reload").click()
    assert visit.problems == visit.outside == []
    plain = chromium.open(tmp_path / "page.html", script=False)
    assert "reload it to see them" in plain.page.locator("#goes-on").inner_text()


def test_a_file_is_linked_where_it_begins_to_match(told, chromium, samples, tmp_path):
    told.write(tmp_path / "page.html")
    links = chromium.open(tmp_path / "page.html").page.locator("a.play").evaluate_all("all => all.map(one => one.href)")
    assert f"{(samples / 'edited' / 'harbour__insert.mp4').resolve().as_uri()}#t=4.0" in links
