"""The documents as a site: built strictly, complete, and without a request to anywhere."""

import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vhashdb
from tests.conftest import ROOT
from tests.examples import long
from vhashdb.forms import json_schema

ELSEWHERE = ("about.md", "bench.md", "changelog.md", "contributing.md", "samples.md", "security.md")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


pytestmark = long


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return folder


def test_every_document_is_a_page_that_the_navigation_leads_to(site):
    home = (site / "index.html").read_text(encoding="utf-8")
    for path in [*(ROOT / "docs").glob("*.md"), *map(Path, ELSEWHERE)]:
        assert (site / path.with_suffix(".html").name).exists()
        assert f'href="{path.with_suffix(".html").name}"' in home


def test_nothing_that_is_no_document_is_published(site):
    assert [path.name for path in site.glob("*.py")] == ["three_members.py"]


class Loads(html.parser.HTMLParser):
    """Addresses that a browser fetches by itself."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        self.found += [values["src"]] if "src" in values else []
        self.found += [values["href"]] if tag == "link" and "href" in values else []


def test_no_page_fetches_anything_from_elsewhere(site):
    for page in site.glob("**/*.html"):
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        assert loads.found
        assert not [address for address in loads.found if re.match(r"[a-z]+:|//", address) and not address.startswith("data:")]
    for style in site.glob("**/*.css"):
        assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import", style.read_text(encoding="utf-8"))


def test_links_of_the_repository_lead_to_pages_of_the_site(site):
    about = (site / "about.html").read_text(encoding="utf-8")
    assert 'href="tutorial.html"' in about
    assert 'href="bench.html"' in about
    assert ".md" not in re.sub(r"<code>.*?</code>", "", "".join(re.findall(r'href="[^"]*"', about)))


def test_the_reference_has_everything_that_is_public(site):
    text = (site / "api.html").read_text(encoding="utf-8")
    described = set(re.findall(r'id="(vhashdb\.[\w.]+)"', text))
    for name in set(vhashdb.__all__) - {"__version__"}:
        assert {f"vhashdb.{name}", f"vhashdb.errors.{name}"} & described, name
    assert {"vhashdb.Database.match", "vhashdb.Result.verdict", "vhashdb.Exchange.sync", "vhashdb.report.Report.write"} <= described
    assert "::</p>" not in text


def test_the_reference_describes_what_the_exchange_offers(site, new_db):
    text, db = (site / "api.html").read_text(encoding="utf-8"), new_db
    attributes = [db.exchange.feeds, db.exchange.federations, db.moderation.opinions, db.moderation.reviews, db.moderation.assessments]
    for offered in (*attributes, db.moderation.allow_list(), db.moderation.canaries(), db.exchange.pending_events([])):
        kind = type(offered)
        package = ".".join(kind.__module__.split(".")[:2])  # whose public name it is
        assert f'id="{package}.{kind.__qualname__}"' in text, kind


def test_the_schema_is_published_beside_the_page_that_is_made_from_it(site):
    assert 'href="json-schema.json"' in (site / "json.html").read_text(encoding="utf-8")
    assert json.loads((site / "json-schema.json").read_text(encoding="utf-8")) == json_schema()


def test_the_search_knows_the_guides(site):
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].partition("#")[0] for entry in index["docs"] if "INSUFFICIENT" in entry["text"]}
    assert {"moderators.html", "integrators.html"} <= found


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_search_works_from_a_disk(site, tmp_path):
    address = f"{(site / 'index.html').as_uri()}?q=quorum"
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--virtual-time-budget=10000", "--dump-dom"]
    done = subprocess.run([CHROMIUM, *options, address], capture_output=True, text=True, timeout=60)
    found = re.findall(r"<a href=\"([^\"]*)\" class=\"md-search-result__link", done.stdout)
    assert any("/sharing.html" in address for address in found), found
