"""What is handed to the next shift, in every form."""

import csv
import dataclasses
import datetime
import io
import json

import pytest

from vhashdb.escaping import unescape_formula
from vhashdb.review.handover import FORMS, Handover, ReviewedMatch, as_csv, as_html, as_json_lines, as_markdown
from vhashdb.store.history import DECIDING, Decided
from vhashdb.store.queue import Case, Cause

NOW = datetime.datetime(2026, 11, 25, 17, 5)
RECORD = "ab" * 16
HOSTILE = "=cmd|'x'!A1 | <script>alert(1)</script> [here](http://x) \x1b[2J"
CASE = Case(RECORD, Cause.HELD, "poor pictures", NOW, ("tvec", "x"), "acme-feed", "accepted", "ann")
OPINION = Decided(NOW, "ann", "opinion", RECORD, ("tvec",), "acme-feed", "a trailer", "false_positive", "saw_content", taken_back=True)
HANDOVER = Handover(NOW, "ann", NOW, NOW, (CASE,), (OPINION,))
JUDGED = ReviewedMatch("@evil/clip.mp4", RECORD, "match", 0.98, "wrong", "another film")


def test_a_page_for_people_says_what_is_open_and_who_decided_what():
    text = as_markdown(HANDOVER)
    assert text.startswith(
        "# Handover, 2026-11-25 17:05 UTC, by ann\n\n1 case open; 1 decision since 2026-11-25 17:05 UTC, 1 of them taken back."
    )
    assert "| 2026-11-25 | held | abababab | tvec, x | acme-feed | poor pictures; ann proposed that it be accepted |" in text
    assert "opinion: says that it shows nothing harmful (saw the video itself); taken back" in text
    assert "No name of an uploaded file is in here" in text


def test_nothing_to_hand_over_is_said():
    text = as_markdown(Handover(NOW, "ann", NOW, NOW, (), ()))
    assert "0 cases open; 0 decisions" in text
    assert "Nothing waits." in text
    assert "Nothing was decided." in text


@pytest.mark.parametrize("action", DECIDING)
def test_every_decision_has_words(action):
    text = as_markdown(dataclasses.replace(HANDOVER, decided=(dataclasses.replace(OPINION, action=action),)))
    assert f"| {action} |" not in text


def test_names_of_files_are_there_only_after_a_list_of_matches_was_walked_and_then_it_is_said():
    for form in FORMS.values():
        assert "clip.mp4" not in form(HANDOVER)
        assert "clip.mp4" in form(dataclasses.replace(HANDOVER, matches=(JUDGED,)))
    assert "treat this file accordingly" in as_markdown(dataclasses.replace(HANDOVER, matches=()))
    assert "There was none to look at." in as_markdown(dataclasses.replace(HANDOVER, matches=()))


def hostile():
    case, opinion = dataclasses.replace(CASE, why=HOSTILE, source=HOSTILE), dataclasses.replace(OPINION, reason=HOSTILE, actor=HOSTILE)
    return Handover(NOW, HOSTILE, NOW, NOW, (case,), (opinion,), (dataclasses.replace(JUDGED, file=HOSTILE, reason=HOSTILE),))


def test_no_cell_is_a_formula_and_every_cell_comes_back():
    rows = list(csv.DictReader(io.StringIO(as_csv(hostile()))))
    assert [row["section"] for row in rows] == ["open", "decided", "match"]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert unescape_formula(rows[2]["file"]) == HOSTILE
    assert unescape_formula(rows[1]["reason"]) == HOSTILE


def test_a_page_runs_and_links_nothing_that_somebody_wrote():
    text, page = as_markdown(hostile()), as_html(hostile())
    for made in (text, page):
        assert "<script>alert" not in made
        assert "&lt;script&gt;alert" in made
    assert "[here](" not in text
    assert "\x1b" not in text


def test_json_lines_give_back_every_fact():
    handover = dataclasses.replace(hostile(), matches=(JUDGED,))
    head, case, decision, judged = map(json.loads, as_json_lines(handover).splitlines())
    assert (head["type"], head["by"], head["open"], head["decided"], head["matches"]) == ("handover", HOSTILE, 1, 1, 1)

    def moment(text):
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None)

    def value(kind, line, **changed):
        assert line.pop("type") == {Case: "case", Decided: "decision", ReviewedMatch: "judged"}[kind]
        return kind(**{name: tuple(content) if isinstance(content, list) else content for name, content in line.items()} | changed)

    assert value(Case, case, cause=Cause(case["cause"]), since=moment(case["since"])) == handover.open[0]
    assert value(Decided, decision, at=moment(decision["at"])) == handover.decided[0]
    assert value(ReviewedMatch, judged) == JUDGED
    assert moment(head["since"]) == NOW
