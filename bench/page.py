"""The report of many files: its size, what it costs to make, and how long a browser takes to open it.

    python -m bench.page [--files 1000] [--matching 1.0]

The answers are those about the samples that come with the repository, told again and again under other names, so that such
a share of the files matches. The browser is a Chromium of this machine, driven by Playwright (the `test` extra); without one
that row is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import vhashdb
from bench.common import table
from vhashdb.report import Report

SAMPLES = Path(__file__).resolve().parents[1] / "data" / "samples"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--files", type=int, default=1000)
    options.add_argument("--matching", type=float, default=1.0, help="share of the files that match")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "known.vhdb")) as database:
        for path in sorted((SAMPLES / "known").glob("*.mp4")):
            database.add(path, labels=["sample"], reason="a sample")
        page = Path(folder, "report.html")
        matching = round(args.files * args.matching)
        names = [*answers(database, "edited", matching), *answers(database, "unknown", args.files - matching)]
        with Report(database) as report:
            start = time.perf_counter()
            for name, result in names:
                report.add(name, result)
            told = time.perf_counter()
            report.write(page)
            written = time.perf_counter()
        rows = [
            ("size", f"{page.stat().st_size / 1e6:.1f} MB"),
            ("telling it one answer", f"{1e3 * (told - start) / len(names):.1f} ms"),
            ("writing", f"{written - told:.1f} s"),
        ]
        with contextlib.suppress(ImportError, FileNotFoundError):
            loaded_s, jumped_s = opened_s(page)
            rows += [
                ("opening in Chromium, until it is laid out", f"{loaded_s:.1f} s"),
                ("then going to the last match", f"{jumped_s:.1f} s"),
            ]
    print(f"{args.files:,} files, {matching:,} of which match\n")
    print(table(("what", "figure"), rows))


def answers(database: vhashdb.Database, folder: str, count: int) -> Iterator[tuple[str, vhashdb.Result]]:
    """So many answers about the samples of a folder, each under a name of its own."""
    results = [database.match(path) for path in sorted((SAMPLES / folder).glob("*.mp4"))]
    for number, result in zip(range(count), itertools.cycle(results)):  # the cycle has no end
        yield f"uploads/{folder}-{number:05d}.mp4", result


def opened_s(page: Path) -> tuple[float, float]:
    """Seconds until a browser has laid a page out, and until it shows the last match after that.

    Raises:
        ImportError: Playwright is not installed.
        FileNotFoundError: there is no browser.
    """
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise FileNotFoundError("no browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        start = time.perf_counter()
        tab.goto(page.as_uri())
        tab.evaluate("document.body.offsetHeight")
        loaded = time.perf_counter()
        tab.locator("article").last.scroll_into_view_if_needed()
        tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        jumped = time.perf_counter()
        browser.close()
    return loaded - start, jumped - loaded


if __name__ == "__main__":
    main()
