"""The page as text: what it says, in which order, how large it gets, and that it is written whole."""

import datetime
import os
import re
from dataclasses import replace

import pytest

import vhashdb
from vhashdb.report import Report, require_page
from vhashdb.report.budget import MOST_BYTES
from vhashdb.report.match_report import common_folder
from vhashdb.store import CaseDecision, CaseState, Details, Selection

from .conftest import tell

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e'


def rows(page):
    """The summary: file, verdict and whatever else, as text."""
    body = re.search(r'<table class="stack summary".*?<tbody[^>]*>(.*?)</tbody>', page, re.DOTALL)[1]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    ]


def words(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))


def test_the_head_says_what_was_asked_of_what(told, known_db):
    text = words(told.page())
    assert "What 15 files matched" in text
    for part in ("10 MATCH", "1 POSSIBLE", "2 NO MATCH", "1 INSUFFICIENT", "1 NOT CHECKED"):
        assert part in text
    assert f"vhashdb {vhashdb.__version__}, effort balanced" in text
    assert f"{known_db.path}: 4 records, last changed {known_db.store.updated_at():%Y-%m-%d %H:%M} UTC" in text
    assert f"algorithm {known_db.algorithm}" in text
    assert "Never take a match for a judgement on a person." in text
    assert "That is no clearance" in text
    assert "Stopped early" not in text


def test_which_records_counted_is_said(known_db):
    page = Report(known_db, where=Selection(("terrorism",), severities=("high", "extreme"))).page()
    assert "label terrorism; severity high or extreme" in words(page)


def test_a_run_that_was_interrupted_says_so(told):
    assert "The checking was interrupted. Only the 15 files checked until then are in this page" in words(told.page(interrupted=True))


def test_every_file_is_in_the_summary_and_what_presses_most_comes_first(told, asked):
    found = rows(told.page())
    assert sorted(row[0].split()[0] for row in found) == sorted(path.name for path in asked)
    verdicts = [row[1].split(None, 1)[1] for row in found]
    assert verdicts == ["MATCH"] * 10 + ["POSSIBLE"] + ["NO MATCH"] * 2 + ["INSUFFICIENT", "NOT CHECKED"]
    by_name = {row[0].split()[0]: row for row in found}
    assert by_name["harbour__insert.mp4"][6] == "4 of 12 s"
    assert by_name["still.jpg"][6] == "one picture"
    assert by_name["balloons.mp4"][2] == "8 of 8 s could be compared"


def test_a_section_for_all_but_no_match(told):
    page = told.page()
    for row in rows(page):
        assert (f"><bdi>{row[0].split()[0]}</bdi></h3>" in page) is ("NO MATCH" not in row[1])


def test_stretches_are_a_table_and_a_sentence(told):
    text = words(told.page())
    assert re.search(r"0:0[34]\.\d – 0:0[78]\.\d of the file shows 0:0[12]\.\d – 0:0[56]\.\d of the known video\.", text)
    assert "of the known video, mirrored." in text
    assert re.search(r"of the known video, (about )?1\.2\d × as fast", text)
    assert "The very same file, byte for byte." in text
    assert "Same picture; no motion to confirm it." in text


def test_conditions_are_in_plain_words_with_value_and_threshold(told):
    text = words(told.page())
    assert "6 of 6 conditions for a match are met" in text
    assert re.search(r"how alike they change, from 0 to 1 ?0\.\d+ ?at least 0\.15 ?yes", text)
    assert re.search(r"changes that do not follow from each other ?\d+(\.\d+)? ?more than 2 ?yes", text)
    assert re.search(r"total evidence ?\d+(\.\d+)? ?at least 1\.25 ?yes", text)


def test_what_strangers_wrote_is_text(known_db, asked, samples):
    path = samples / "edited" / "valley__mirror.mp4"
    result = asked[path]
    match = result.matches[0]
    hostile = replace(match, record=replace(match.record, details=Details(reason=HOSTILE, policy=HOSTILE, source=HOSTILE)))
    with Report(known_db) as report:
        report.add(os.fsdecode(b"\xff<b>bold</b>\n.mp4"), replace(result, matches=(hostile,), damage=(HOSTILE,)))
        report.add_error(f"{HOSTILE}.mp4", vhashdb.NotMedia(f"{HOSTILE}.mp4: {HOSTILE}"))
        page = report.page()
    body = page.split("</style>")[1].rsplit("<script>", 1)[0]
    assert "<script" not in body
    assert "<img" not in body
    assert "<b>" not in body
    assert "\u202e" not in page
    assert "\\xff&lt;b&gt;bold&lt;" in body
    assert body.count("\\u202e") >= 5


def test_the_common_folder_is_said_once():
    assert common_folder(["/a/b/c", "/a/b/d", "/a/b"]) == "/a/b"
    assert common_folder(["a/b", "a/c"]) == "a"
    assert common_folder(["/a", "/b"]) == ""
    assert common_folder(["", "a"]) == ""
    assert common_folder(["/a"]) == ""
    assert common_folder(["/a", "b"]) == ""
    assert common_folder([]) == ""


def test_without_files_there_is_a_page_that_says_so(known_db):
    assert "There was no file to check." in words(Report(known_db).page())


def test_a_page_is_written_whole_or_not_at_all(told, tmp_path):
    target = tmp_path / "page.html"
    target.write_text("before")
    told.write(target)
    assert target.read_text(encoding="utf-8").endswith("</html>")
    assert list(tmp_path.iterdir()) == [target]
    for wrong in (tmp_path / "no" / "page.html", tmp_path / "video.mp4"):
        with pytest.raises(vhashdb.UsageError):
            require_page(wrong)
        with pytest.raises(vhashdb.UsageError):
            told.write(wrong)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(vhashdb.UsageError, match="is a folder"):
        require_page(tmp_path / "folder.html")


def test_of_a_thousand_files_with_several_matches_the_page_stays_under_10_mb(thousand):
    page = thousand.read_text(encoding="utf-8")
    assert 0.9 * MOST_BYTES < thousand.stat().st_size <= MOST_BYTES < 10_000_000
    assert len(rows(page)) == 1000
    # What was left out is said, and not of the best match of a file.
    brief = re.findall(r'id="(f\d+m\d+)"[^>]*>(?:(?!</article>).)*?Said in brief', page, re.DOTALL)
    assert brief
    assert not [name for name in brief if name.endswith("m0")]


def test_a_small_page_has_all_of_every_match(told):
    page = told.page()
    assert "Said in brief" not in page
    assert page.count('class="timeline"') == 12  # eleven matches and a file that shows too little
    assert page.count('class="map"') == 10  # not of a still


def test_a_report_keeps_the_order_of_what_is_alike_in_verdict_and_score(known_db, asked, samples):
    path = samples / "unknown" / "train.mp4"
    with Report(known_db) as report:
        for name in ("b.mp4", "a.mp4", "c.mp4"):
            tell(report, name, asked[path])
    assert [row[0] for row in rows(report.page())] == ["b.mp4", "a.mp4", "c.mp4"]
    assert len(report) == 3


def test_what_was_decided_is_in_the_page(known_db, asked, samples):
    path = samples / "edited" / "valley__mirror.mp4"
    by_ann = CaseDecision("", CaseState.CONFIRMED, "ann", datetime.datetime(2026, 11, 25), "a re-upload")
    passed_on = CaseDecision("", CaseState.ESCALATED, "ben", datetime.datetime(2026, 11, 25), "")
    result = asked[path]
    decided = replace(result, matches=tuple(replace(match, decision=by_ann) for match in result.matches))
    with Report(known_db) as report:
        report.add("open.mp4", result)
        report.add("decided.mp4", decided)
        report.add_error("broken.mp4", vhashdb.UnreadableMedia("broken.mp4: no frame"), (passed_on,))
        page = report.page()
    text = words(page)
    assert "2 files to decide." in text
    assert text.count("Decided: confirmed by ann on 2026-11-25 (a re-upload).") == 1
    found = {row[0]: row[-1] for row in rows(page)}
    assert found == {
        "open.mp4": "open",
        "decided.mp4": "confirmed by ann on 2026-11-25 (a re-upload)",
        "broken.mp4": "passed on to somebody else by ben on 2026-11-25",
    }


def test_files_of_one_video_are_one_row(told):
    page = told.page()
    table = page[page.index('<table class="stack videos"') :].split("</table>")[0]
    names = [re.findall(r"<bdi>([^<]*\.(?:mp4|jpg))</bdi>", row) for row in table.split("<tr ")[2:]]
    assert sum(map(len, names)) == 11
    assert len(names) < 5
    assert any(len(some) > 1 for some in names)


def test_the_order_is_by_severity_label_and_share(known_db, asked, samples):
    result = asked[samples / "edited" / "valley__mirror.mp4"]

    def graded(severity, *labels):
        record = result.matches[0].record
        details = replace(record.details, severity=severity, labels=labels)
        return replace(result, matches=(replace(result.matches[0], record=replace(record, details=details)),))

    with Report(known_db) as report:
        for name, one in {
            "none.mp4": graded("unspecified"), "b.mp4": graded("high", "b"), "a.mp4": graded("high", "a"), "worst.mp4": graded("extreme")
        }.items():  # fmt: skip
            report.add(name, one)
        page = report.page()
    assert [row[0] for row in rows(page)] == ["worst.mp4", "a.mp4", "b.mp4", "none.mp4"]
    assert "Order: by verdict, then severity, label, share of the file that matched, and time of checking." in words(page)
    assert "severity extreme" in words(page)
