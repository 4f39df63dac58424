"""Pages in a real browser: a headless Chromium of this machine, driven by Playwright; never a downloaded one.

Where there is none, tests that need it are skipped, unless ``VHASHDB_TEST_BROWSER=required``.
"""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PHONE, LAPTOP = 360, 1280
"""Widths in CSS pixels."""
PAPER = 718
"""Width of an A4 page within its margins, in CSS pixels."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",  # root has none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class Visit:
    """One page that is open, and what went wrong on it."""

    page: object
    problems: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and exceptions of scripts."""
    outside: list[str] = field(default_factory=list)
    """Addresses that the page asked for, other than its own; none was let through."""

    def violations(self, **options):
        """What axe-core finds, one line for each rule and element; ``options`` are its own."""
        from axe_playwright_python.sync_playwright import Axe  # its axe-core is a file in the package

        found = Axe().run(self.page, options=options).response["violations"]
        return [f"{rule['id']}: {node['target']} {node['html'][:200]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]

    def sideways(self):
        """CSS pixels that one would have to scroll sideways to see all of it."""
        return self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    def screenshot(self, path):
        self.page.screenshot(path=path, full_page=True)


class Chromium:
    """The browser of one test process."""

    def __init__(self, browser):
        self._browser = browser

    def open(self, path, *, width=LAPTOP, height=800, dark=False, script=True, paper=False, **options):
        """A page of its own. ``paper`` shows it as it is printed."""
        own = Path(path).resolve().as_uri()
        return self._visit(own, lambda url: url == own, width=width, height=height, dark=dark, script=script, paper=paper, **options)

    def at(self, address, path="/", *, width=LAPTOP, height=800, dark=False, script=True, **options):
        """The page of a service, which may ask that service for more."""
        within = f"{address}/"
        shown = {"width": width, "height": height, "dark": dark, "script": script}
        return self._visit(f"{address}{path}", lambda url: url.startswith(within), **shown, **options)

    def _visit(self, own, allowed, *, width, height, dark, script, paper=False, **options):
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            service_workers="block",
            **options,
        )
        context.set_default_timeout(10_000)
        visit = Visit(context.new_page())
        visit.page.on("console", lambda said: visit.problems.append(said.text) if said.type in ("error", "warning") else None)
        visit.page.on("pageerror", lambda error: visit.problems.append(str(error)))

        def route(route):
            if allowed(route.request.url):
                route.continue_()
            else:
                visit.outside.append(route.request.url)
                route.abort()

        context.route("**/*", route)
        if paper:
            visit.page.emulate_media(media="print")
        visit.page.goto(own)
        return visit

    def close_pages(self):
        for context in self._browser.contexts:
            context.close()


@pytest.fixture(scope="session")
def _chromium():
    """Started once for each test process that needs it."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        missing = f"no browser: none of {', '.join(NAMES)} is installed"
        if os.environ.get("VHASHDB_TEST_BROWSER") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS), handle_sigint=False)
        yield Chromium(browser)
        browser.close()


@pytest.fixture
def chromium(_chromium):
    """A real browser: ``chromium.open(path)`` gives a `Visit`."""
    yield _chromium
    _chromium.close_pages()
