"""Take the pictures of docs/console.md: the console as a browser shows it, of a database of the sample films.

It needs the packages of the extra `test`, and a Chromium on this machine. Times and ids differ each time, so it is run by hand when the
pages change.
"""

from __future__ import annotations

import contextlib
import io
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import sync_playwright

import vhashdb
from vhashdb.store import ApiKeys, Details

ROOT: Final = Path(__file__).parents[1]
TARGET: Final = ROOT / "docs" / "assets"
SAMPLES: Final = ROOT / "data" / "samples"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
KNOWN: Final = {"harbour": "extreme", "night_city": "high", "playground": "medium", "valley": "low"}
UPLOADS: Final = ("harbour__insert", "harbour__speed125", "night_city__crop", "night_city__letterbox", "playground__logo", "valley__mirror")
COLOURS: Final = 96
"""Of a picture: text stays sharp, and the file small."""


def main() -> int:
    """Take all pictures."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        print("there is no Chromium on this machine", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, served(Path(folder, "known.vhdb")) as (address, secret), sync_playwright() as playwright:
        for name in UPLOADS:
            ask(address, secret, SAMPLES / "edited" / f"{name}.mp4")
        ask(address, secret, SAMPLES / "unknown" / "dark_room.mp4")
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        for width, take in ((1080, on_a_laptop), (360, on_a_phone)):
            page = browser.new_context(viewport={"width": width, "height": 760}).new_page()
            page.goto(f"{address}/login")
            page.fill("#key", secret)
            page.click("button.main")
            take(page)
        browser.close()
    return 0


def on_a_laptop(page: Any) -> None:
    """The queue, and a case with an act open and the picture held clear."""
    page.wait_for_selector(".queue")
    keep(page, "console-queue", 760)
    page.keyboard.press("b")
    page.wait_for_selector("[data-player]")
    page.keyboard.press("s")
    page.wait_for_timeout(1500)
    page.keyboard.press("y")
    page.wait_for_timeout(200)
    page.evaluate("scrollTo(0, 0)")
    keep(page, "console-case", 1120)


def on_a_phone(page: Any) -> None:
    """A case with its picture held clear."""
    page.wait_for_selector(".queue")
    with page.expect_navigation():
        page.locator(".queue [data-main]", has_text="playground").click()
    page.keyboard.press("s")
    page.wait_for_timeout(1500)
    page.keyboard.down("v")
    page.wait_for_timeout(200)
    keep(page, "console-phone", 760)


def keep(page: Any, name: str, height: int) -> None:
    """Write what a page shows, from its top, with few colours."""
    width = page.viewport_size["width"]
    shot = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    few = Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    TARGET.mkdir(exist_ok=True)
    few.save(TARGET / f"{name}.png", optimize=True)


@contextlib.contextmanager
def served(database: Path) -> Iterator[tuple[str, str]]:
    """Serve a new database of the known samples meanwhile; give its address, and Ann's key."""
    with vhashdb.create(database) as db:
        for stem, severity in KNOWN.items():
            labels = ("graphic-violence",) if severity in ("extreme", "high") else ("spam",)
            db.add(SAMPLES / "known" / f"{stem}.mp4", details=Details(labels=labels, severity=severity, reason="reported in spring"))
        _, secret = ApiKeys(db.store).add("Ann", ["ask", "decide"])
    command = [sys.executable, "-m", "vhashdb", "serve", "--port", "0", "--db", str(database)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            address = next(found[0] for line in process.stderr if (found := re.search(r"http://[0-9.:]+", line)))
            yield address, secret
        finally:
            process.terminate()


def ask(address: str, secret: str, film: Path) -> None:
    """Ask about a file, so that people have to look at it."""
    query = urllib.parse.urlencode({"review": "true", "name": film.name})
    request = urllib.request.Request(f"{address}/v1/questions?{query}", film.read_bytes(), {"X-API-KEY": secret}, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  # of this machine
        answer.read()


if __name__ == "__main__":
    sys.exit(main())
