"""The library's JSON forms: what the schema says, ready for any writer, and the same that the command line prints."""

import datetime
import enum
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from tests.cli.driver import run
from tests.exchange.companies import Company, film
from vhashdb import errors, forms
from vhashdb.charts import read_overview
from vhashdb.json_values import dumps, json_value
from vhashdb.matching import explain
from vhashdb.store import CANARY, Period, now_utc

SCHEMA = forms.json_schema()


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A company that follows the feed of another, whose record it disputes."""
    place = tmp_path_factory.mktemp("forms")
    acme, here = Company(place, "acme"), Company(place, "here")
    acme.begins_to_publish()
    acme.adds(1, expires=datetime.date(2099, 1, 1))
    acme.publishes()
    here.trusts(acme)
    here.syncs()
    here.given = here.exchange.opinion(the_record(here).id, "false_positive", reason="a trailer")
    here.allowed_entry = here.moderation.opinions.allow(film(2), "0" * 64, reason="an intro")
    here.canary = here.moderation.opinions.allow(film(3), None, reason="", author=CANARY)
    yield here
    here.close()
    acme.close()


def the_record(company):
    (record,) = company.db.records()
    return record


def made(here):
    """Forms by the name of what they are in the schema."""
    db, record = here.db, the_record(here)
    feed, (case,), (opinion,) = here.exchange.feeds.all()[0], here.moderation.reviews.queue(), here.moderation.opinions.about(record)
    (video,), overview = db.videos.all(), read_overview(db, Period.of(now_utc().date(), now_utc().date()))
    explanation = explain(film(1), film(1))
    yield "record", record.to_json()
    yield "record-with-history", forms.record_with_history_json(db, record)
    yield "record-under-review", forms.record_under_review_json(db, record)
    yield "video", video.to_json()
    yield "case", case.to_json()
    yield "opinion-of-one", opinion.to_json()
    yield "opinion", forms.given_opinion_json(record, here.given)
    yield "allowed", here.allowed_entry.to_json()
    yield "canary", here.canary.to_json()
    yield "rules", here.moderation.reviews.rules.to_json()
    yield "followed", feed.to_json()
    yield "followed-in-detail", forms.followed_json(feed, here.moderation.feed_trust(feed))
    yield "info", forms.info_json(db)
    yield "stats", overview.to_json()
    yield "comparison", forms.comparison_json("a", "b", explanation, [], explanation.query.coverage)
    yield "explanation", forms.explanation_json("a", "b", explanation, ["a note"])
    yield "error", forms.error_json(errors.NotMedia("x: no video"), "x")
    yield "unmatch", forms.unmatch_json("x", record.id, "why")
    yield from (("audit", entry.to_json()) for entry in db.audit())
    yield from (("figure", chart.to_json()) for section in overview.sections for chart in section.charts)
    yield from (("sync", done.to_json()) for done in here.syncs().values())


def test_every_form_is_of_the_schema_and_ready_for_any_writer(here):
    for kind, value in made(here):
        schema = {"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{kind}"}
        found = list(Draft202012Validator(schema).iter_errors(json.loads(json.dumps(value))))
        assert not found, (kind, value)
        assert dumps(value) == json.dumps(value), kind  # nothing is left to be converted


def test_the_command_line_prints_the_same(here):
    db, record = here.db, the_record(here)
    feed = here.exchange.feeds.all()[0]
    for words, expected in (
        (["list"], [record.to_json()]),
        (["show", record.id], [forms.record_with_history_json(db, record)]),
        (["review", "show", record.id], [forms.record_under_review_json(db, record)]),
        (["review", "list"], [case.to_json() for case in here.moderation.reviews.queue()]),
        (["video", "list"], [video.to_json() for video in db.videos.all()]),
        (["feed", "status"], [forms.followed_json(feed, here.moderation.feed_trust(feed))]),
    ):
        assert run(*words, "--json", "--db", here.path).lines == [dumps(value) for value in expected], words


def test_hints_are_those_of_the_library_and_the_command_line_says_its_own(here, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing that anybody exchanges\n" * 9)
    (line,) = run("import", "--json", "--db", here.path, tmp_path / "notes.txt").of_type("error")
    form = forms.error_json(errors.FormatError(line["message"]), str(tmp_path / "notes.txt"))
    assert line == form | {"hint": line["hint"]}
    assert "--" in line["hint"]
    assert "--" not in form["hint"]


def test_an_error_about_no_file_has_an_empty_path():
    assert forms.error_json(errors.RecordNotFound("there is no record x"))["path"] == ""


def test_the_schema_can_be_changed_by_whoever_asked_for_it():
    forms.json_schema()["$defs"].clear()
    assert forms.json_schema() == SCHEMA


class Colour(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (datetime.datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05Z"),
        (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), "2026-01-02T03:00:00+00:00"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (Colour.RED, "red"),
        (Path("a/b"), "a/b"),
        ({"a": (Colour.RED, [datetime.date(2026, 1, 2)])}, {"a": ["red", ["2026-01-02"]]}),
        (None, None),
        (1.5, 1.5),
    ],
)
def test_values_as_json_has_them(value, expected):
    assert json_value(value) == expected
    assert json.loads(dumps({"value": value})) == {"value": expected}


def test_what_has_no_json_form_is_refused():
    with pytest.raises(TypeError):
        dumps({"value": object()})
