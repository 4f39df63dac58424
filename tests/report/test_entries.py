"""From an answer to what the page shows: complete, small, and harmless whatever strangers wrote."""

import datetime
import os
import pickle
from dataclasses import replace

import pytest

import vhashdb
from vhashdb.fingerprints import Fingerprint
from vhashdb.moderation.policy import Action, ActionCap
from vhashdb.report.entries import MOST_MATCHES, MOST_NAME, MOST_OPINIONS, MOST_TEXT, RecordLookup, error_entry, file_entry
from vhashdb.store import Details
from vhashdb.store.opinions import Opinion

HOSTILE = "<script>alert(1)</script>\u202egpj.\x1b[31m\x00\u2066"
HARMLESS = "<script>alert(1)</script>\\u202egpj.\\x1b[31m\\x00\\u2066"


@pytest.fixture
def lookup(known_db):
    """As a report asks the database."""
    return RecordLookup(known_db.fingerprint, known_db.moderation.opinions.about, lambda feed: "")


def with_record(result, details=None, **changes):
    """The same answer about a record of which something else is said."""
    match = result.matches[0]
    record = replace(match.record, details=details or match.record.details)
    return replace(result, matches=(replace(match, record=record, **changes),))


def test_a_match_has_everything_a_moderator_asks_for(answer, lookup):
    result = with_record(
        answer("valley__mirror.mp4"),
        Details(
            labels=("terrorism", "graphic-violence"),
            severity="extreme",
            reason="perpetrator-produced",
            reason_code="tvec-1",
            policy="T&S 4",
            law="(EU) 2021/784",
            origin="court_order",
            review_method="human",
            reviewers=2,
            first_seen=datetime.date(2026, 1, 2),
            review_by=datetime.date(2027, 1, 2),
        ),
        action_cap=ActionCap(Action.REVIEW, ("held: looks like a test card",), 2, 1, ("news",)),
    )
    entry = file_entry("uploads/valley.mp4", result, lookup)
    assert (entry.name, entry.folder, entry.word) == ("valley.mp4", "uploads", "MATCH")
    (match,) = entry.matches
    record = match.record
    assert match.score == result.matches[0].score
    assert record.labels == ("graphic-violence", "terrorism")
    assert (record.severity, record.reason, record.source) == ("extreme", "perpetrator-produced", "this database")
    assert record.basis == "a court order (tvec-1 · T&S 4 · (EU) 2021/784)"
    assert record.reviewed == "by 2 people"
    assert dict(record.dates)["first seen"] == "2026-01-02"
    assert dict(record.dates)["to be reviewed by"] == "2027-01-02"
    assert "added here" in dict(record.dates)
    assert "expires" not in dict(record.dates)
    assert (match.agree, match.dispute, match.exceptions) == (2, 1, ("news",))
    assert match.action == "review: a person decides"
    assert match.limits == ("held: looks like a test card",)
    assert [condition.met for condition in match.conditions] == [gate.passed for gate in result.matches[0].judgement.gates]
    assert match.stretches[0].change == "mirrored"
    assert match.timeline is not None
    assert match.matrix is not None


def test_opinions_say_who_and_why_and_only_the_latest_are_told(answer, lookup):
    at = datetime.datetime(2026, 2, 3, 4, 5)
    said = [
        Opinion("local", "f", "r", 1, "agree", "saw_content", "", at),
        *[Opinion("acme.example", "f", "r", 1, "disagree_label", "saw_match", HOSTILE, at)] * MOST_OPINIONS,
    ]
    asked = replace(lookup, opinions=lambda record: said[1:], member=lambda feed: "Acme Inc.")
    record = file_entry("a.mp4", answer("valley__mirror.mp4"), asked).matches[0].record
    assert {(o.author, o.says, o.basis, o.reason, str(o.on)) for o in record.opinions} == {
        ("Acme Inc. (feed acme.example)", "says that another label fits", "saw what it matched", HARMLESS, "2026-02-03")
    }
    assert record.more_opinions == 0
    record = file_entry("a.mp4", answer("valley__mirror.mp4"), replace(asked, opinions=lambda record: said)).matches[0].record
    assert (len(record.opinions), record.more_opinions) == (MOST_OPINIONS, 1)


def test_text_from_outside_is_harmless(answer, lookup):
    result = with_record(answer("valley__mirror.mp4"), Details(reason=HOSTILE, policy=HOSTILE))
    entry = file_entry(f"{HOSTILE.replace(chr(0), '').replace('/', '')}.mp4", replace(result, damage=(HOSTILE,)), lookup)
    record = entry.matches[0].record
    assert record.reason == HARMLESS
    assert HARMLESS in record.basis
    assert entry.damage == (HARMLESS,)
    shown = [entry.name, record.reason, record.basis, *entry.damage]
    assert all(text.isprintable() for text in shown)


def test_a_name_that_is_not_utf8_and_one_that_is_very_long(answer, lookup):
    result = answer("train.mp4")
    assert file_entry(os.fsdecode(b"caf\xe9.mp4"), result, lookup).name == "caf\\xe9.mp4"
    entry = file_entry(f"{'d' * 3000}/{'n' * 2990}end.mp4", result, lookup)
    assert len(entry.name) == len(entry.folder) == MOST_NAME
    assert entry.name.endswith("end.mp4")


def test_an_error_says_what_to_do_and_not_the_path_again():
    entry = error_entry("up/a.mp4", vhashdb.UnreadableMedia(f"{os.path.abspath('up/a.mp4')}: it is damaged", hint="ask for another copy"))
    assert (entry.name, entry.folder, entry.word, entry.reason, entry.hint) == (
        "a.mp4",
        "up",
        "NOT CHECKED",
        "it is damaged",
        "ask for another copy",
    )
    assert len(error_entry("a", vhashdb.UnreadableMedia("x" * 5000)).reason) == MOST_TEXT


def test_the_very_same_file_is_joined_to_all_of_the_record(answer, lookup):
    result = answer("harbour.mp4")
    bare = with_record(result, judgement=replace(result.matches[0].judgement, segments=()))
    match = file_entry("harbour.mp4", bare, lookup).matches[0]
    assert match.identical
    assert match.stretches[0].query_s == match.stretches[0].reference_s == (0.0, pytest.approx(10, abs=0.2))
    assert match.timeline is not None
    assert match.matrix is None


def test_a_record_without_fingerprint_or_length_has_no_drawing_of_what_is_not_known(answer, lookup):
    def erased(identifier):
        raise vhashdb.RecordNotFound("erased")

    match = file_entry("a.mp4", answer("valley__mirror.mp4"), replace(lookup, fingerprint=erased)).matches[0]
    assert match.timeline is not None
    assert match.timeline.reference.unusable == ()
    assert match.matrix is None
    result = answer("valley__mirror.mp4")
    unknown_length = replace(result.matches[0], record=replace(result.matches[0].record, duration_s=0.0))
    assert file_entry("a.mp4", replace(result, matches=(unknown_length,)), lookup).matches[0].timeline is None


def test_a_file_that_shows_too_little_has_a_bar_with_what_is_missing(answer, lookup):
    entry = file_entry("dark.mp4", answer("dark_room.mp4"), lookup)
    assert entry.word == "INSUFFICIENT"
    assert sum(end - start for start, end in entry.bar.unusable) == pytest.approx(100)


def test_no_fingerprint_and_no_array_stays_behind(answer, lookup):
    entry = file_entry("a.mp4", answer("valley__mirror.mp4"), lookup)
    kept = pickle.dumps(entry)
    assert b"numpy" not in kept
    assert Fingerprint.__qualname__.encode() not in kept
    assert len(kept) < 20_000


def test_of_a_file_with_very_many_matches_the_best_are_told(answer, lookup):
    result = answer("valley__mirror.mp4")
    entry = file_entry("a.mp4", replace(result, matches=result.matches * (MOST_MATCHES + 5)), lookup)
    assert len(entry.matches) == MOST_MATCHES
    assert entry.more_matches == 5
