"""A moderator's day in the console: 200 uploads, decided in a real browser by keys alone.

    python -m bench.console [CORPUS] [--copies 150] [--innocent 30] [--damaged 20]

What a person takes to look is not in it: it measures how long the console lets one wait between a decision and the next case, and how
many keys it asks for. Copies are of `edited`, innocent videos of `distractors`, damaged ones of `odd`; the clips are recorded.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
from playwright.sync_api import sync_playwright

import vhashdb
from bench.common import parser, table, videos
from bench.serving import serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ANSWERS = {"y": "y1", "l": "l1", "a": "a1"}
"""What is pressed where an act is available, the first that is: yes, looked at, accept."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--copies", type=int, default=150)
    options.add_argument("--innocent", type=int, default=30)
    options.add_argument("--damaged", type=int, default=20)
    args = options.parse_args()
    chance = random.Random(1)
    copies = chance.sample(sorted((args.corpus / "edited").glob("*/*.mp4")), args.copies)
    damaged = chance.sample(sorted((args.corpus / "odd").iterdir()), args.damaged)
    uploads = [*copies, *videos(args.corpus / "distractors")[: args.innocent], *damaged]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "known.vhdb")
        with vhashdb.create(path) as db:
            for clip in videos(args.corpus / "clips"):
                db.add(clip, labels=["graphic-violence"], reason=clip.stem)
        with serving(path) as (port, _):
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                statuses = Counter(threads.map(lambda upload: sent(port, upload), uploads))
            keys, waits_s = decided(f"http://127.0.0.1:{port}/")
    rows = [
        ("uploads answered", f"{statuses[200]} of {len(uploads)}"),
        ("cases", str(len(waits_s))),
        ("keys pressed, for all of them", str(keys)),
        ("from the last key of a decision to the next case: median, 95 %, longest", " / ".join(f"{s:.2f} s" for s in quantiles(waits_s))),
    ]
    print("\n### Uploads decided in the console by keys\n")
    print(table(("what", "seen"), rows), flush=True)


def sent(port: int, upload: Path) -> int:
    """Upload a file that people are to look at if something is found: the status."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    with upload.open("rb") as file:
        connection.request(
            "POST", f"/v1/questions?review=true&name={quote(upload.name)}", file, {"Content-Length": str(upload.stat().st_size)}
        )
    answer = connection.getresponse()
    answer.read()
    return answer.status


def decided(address: str) -> tuple[int, list[float]]:
    """Decide everything that waits: keys pressed, and after each decision the seconds until the next case is there."""
    browser = next(path for name in BROWSERS if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"]).new_page()
        page.goto(address)
        waits_s, keys = [], 1
        with page.expect_navigation():
            page.keyboard.press("b")
        while "/cases/" in page.url:
            pressed = next(ANSWERS[key] for key in ANSWERS if page.locator(f'[data-act="{key}"]').count())
            keys += len(pressed)
            page.keyboard.press(pressed[0])
            began_s = time.perf_counter()
            with page.expect_navigation():
                page.keyboard.press(pressed[1])
            waits_s.append(time.perf_counter() - began_s)
        return keys, waits_s


def quantiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    return float(np.median(seconds)), float(np.quantile(seconds, 0.95)), max(seconds)


if __name__ == "__main__":
    main()
