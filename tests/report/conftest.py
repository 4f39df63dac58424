"""What the tests of the page share: real answers about the sample films, and the page of them."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import vhashdb
from vhashdb.report import Report
from vhashdb.report.entries import RecordLookup, file_entry
from vhashdb.store import Details


@pytest.fixture(scope="session")
def asked(known_db, samples, tmp_path_factory):
    """Real answers by file: edited copies, films that nobody knows, a still, and one that is no film."""
    folder = tmp_path_factory.mktemp("asked")
    with Image.open(samples / "still.png") as image:
        image.convert("RGB").save(folder / "still.jpg", quality=60)
    (folder / "notes.mp4").write_text("this is no video\n" * 50)
    films = [*sorted((samples / "edited").glob("*.mp4")), *sorted((samples / "unknown").glob("*.mp4")), samples / "known" / "harbour.mp4"]
    answers = {}
    for path in [*films, folder / "still.jpg", folder / "notes.mp4"]:
        try:
            answers[path] = known_db.match(path)
        except vhashdb.MediaError as error:
            answers[path] = error
    return answers


@pytest.fixture(scope="session")
def answer(asked):
    """The answer about a file, by its name."""
    return {path.name: found for path, found in asked.items()}.__getitem__


@pytest.fixture(scope="session")
def told(known_db, asked):
    """A report of all these answers."""
    with Report(known_db) as report:
        for path, found in asked.items():
            tell(report, path, found)
    return report


@pytest.fixture(scope="session")
def page(told, tmp_path_factory) -> Path:
    """Its page."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    told.write(path)
    return path


def tell(report, path, found):
    if isinstance(found, vhashdb.VhashdbError):
        report.add_error(path, found)
    else:
        report.add(path, found)


@pytest.fixture(scope="session")
def thousand(known_db, asked, tmp_path_factory):
    """A page about 1,000 files, most of which match several records; every text is as long as texts get."""
    lookup = RecordLookup(known_db.fingerprint, known_db.moderation.opinions.about, lambda feed: "")
    long = Details(labels=("graphic-violence", "terrorism"), reason="why " * 70, policy="T&S 4", law="(EU) 2021/784", reviewers=2)
    entries = []
    for found in asked.values():
        if not isinstance(found, vhashdb.Result):
            continue
        some = tuple(replace(m, record=replace(m.record, details=long)) for m in 4 * found.matches if m.segments)[:4]
        entries.append(file_entry("x.mp4", replace(found, matches=(*found.matches, *some)), lookup))
    report = Report(known_db)
    for number in range(1000):
        report.add_entry(
            replace(entries[number % len(entries)], name=f"upload-{number:04d}-with-a-rather-long-name.mp4", folder="/uploads")
        )
    path = tmp_path_factory.mktemp("thousand") / "report.html"
    report.write(path)
    return path


COPIES, VIDEOS, INNOCENT, DAMAGED = 150, 26, 30, 20
"""A day with 200 uploads."""


@pytest.fixture(scope="session")
def day(known_db, asked, tmp_path_factory):
    """A page about 200 uploads: copies of 26 known videos, innocent ones, and damaged ones; made from a few real answers."""
    found = {path.name: result for path, result in asked.items()}
    copies = [result for result in found.values() if isinstance(result, vhashdb.Result) and result.matches]
    lookup = RecordLookup(known_db.fingerprint, known_db.moderation.opinions.about, lambda feed: "")
    report = Report(known_db)
    for number in range(COPIES):
        result, video = copies[number % len(copies)], number % VIDEOS
        severity, reason = ("high", "medium", "unspecified")[video % 3], f"report {video} of May: shown on a march"
        entry = file_entry(f"/uploads/upload-{number:04d}.mp4", result, lookup)
        facts = {"id": f"{video:032x}", "short_id": f"{video:08x}", "severity": severity, "reason": reason}
        best = replace(entry.matches[0], record=replace(entry.matches[0].record, **facts), video=f"{video:032x}")
        report.add_entry(replace(entry, matches=(best,)))
    for number in range(INNOCENT):
        report.add(f"/uploads/holiday-{number:04d}.mp4", found["train.mp4"])
    for number in range(DAMAGED):
        report.add_error(f"/uploads/damaged-{number:04d}.mp4", found["notes.mp4"])
    path = tmp_path_factory.mktemp("day") / "report.html"
    report.write(path)
    return path
