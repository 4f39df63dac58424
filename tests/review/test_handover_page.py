"""The handover as a page, in a real browser."""

import pytest

from tests.browser import LAPTOP, PAPER, PHONE
from vhashdb.review.handover import as_html

from .test_handover import HANDOVER, hostile


@pytest.mark.parametrize(("width", "paper"), [(PHONE, False), (LAPTOP, False), (PAPER, True)])
def test_the_page_is_readable_on_a_phone_on_a_laptop_and_on_paper(chromium, tmp_path, width, paper):
    path = tmp_path / "handover.html"
    path.write_text(as_html(hostile()))
    visit = chromium.open(path, width=width, paper=paper)
    assert visit.problems == visit.outside == []
    assert visit.sideways() == 0
    assert visit.page.locator("tbody td").first.inner_text() == "2026-11-25"
    assert visit.page.locator("h2").all_inner_texts() == ["Open", "Decided since 2026-11-25 17:05 UTC", "Matches looked at"]


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_is_accessible_without_a_script_in_the_light_and_in_the_dark(chromium, tmp_path, dark):
    path = tmp_path / "handover.html"
    path.write_text(as_html(HANDOVER))
    visit = chromium.open(path, dark=dark)
    assert visit.violations() == []
    assert "poor pictures" in chromium.open(path, dark=dark, script=False).page.locator("main").inner_text()
