"""The report counts what happened, in three forms that say the same."""

import csv
import datetime
import io
import json

import pytest

from vhashdb.exchange import transparency
from vhashdb.exchange.incoming import record_id
from vhashdb.exchange.transparency import TRANSPARENCY_FORMATS
from vhashdb.store import now_utc
from vhashdb.store.figures import read_figures
from vhashdb.store.reviews import Decision

from .companies import Company, film

DAY = datetime.timedelta(days=1)


def of_now(company):
    """The figures of a period in which everything happened, also if midnight passed meanwhile."""
    today = now_utc().date()
    return read_figures(company.db.store, today - DAY, today)


@pytest.fixture
def company(tmp_path):
    company, other = Company(tmp_path, "acme"), Company(tmp_path, "bold")
    other.begins_to_publish()
    wrong, _ = [other.adds(seed, origin="court_order") for seed in (1, 2)]
    other.publishes()
    company.trusts(other)
    company.syncs()
    local = [company.adds(seed) for seed in (3, 4, 5)]
    for query in (film(1), film(2), film(3), film(1, 20), film(1)):  # the last one is a file that was asked about
        company.db.match(query)
    company.asks(99)
    company.exchange.opinion(local[0], "disagree_label", reason="x")
    company.moderation.reviews.decide(company.db.get(local[0]), Decision.ACCEPTED, reason="x")
    company.db.retract(local[1], reason="in words", code="legal")
    other.db.retract(wrong, reason="x", code="appeal")
    other.publishes()
    company.syncs()
    company.reopen()  # the number of questions is written when a database is closed
    company.wrong = record_id("bold-feed", wrong)
    yield company
    company.close()
    other.close()


def test_every_figure_is_counted(company):
    found = of_now(company)
    assert found.by_label == {"tvec": 3}
    assert found.by_origin == {"court_order": 1, "own_review": 2}
    assert found.by_source == {"bold-feed": 1, "local": 2}
    assert found.by_state == {"active": 2, "disputed": 1, "retracted": 2}
    assert found.added == {"bold-feed": 2, "local": 3}
    assert found.questions == {"match": 5, "no-match": 1}
    assert (found.matches, found.appeals_upheld, found.not_this) == (4, 1, 0)
    assert found.opinions == {"disagree_label": 1}
    assert found.retractions == {"appeal": 1, "legal": 1}
    assert found.reviews == {"accepted": 1}
    bold, local = found.sources
    assert (bold.source, bold.records, bold.matches, bold.matched_records, bold.wrong_records) == ("bold-feed", 1, 3, 2, 1)
    assert (bold.precision, local.precision) == (0.5, 1.0)


def test_another_period_has_none_of_it(company):
    today = now_utc().date()
    found = read_figures(company.db.store, today - 9 * DAY, today - 2 * DAY)
    assert (found.matches, found.added, found.retractions, found.questions, found.opinions) == (0, {}, {}, {}, {})
    assert found.by_state == {"active": 2, "disputed": 1, "retracted": 2}
    assert {source.precision for source in found.sources} == {None}


def test_the_three_forms_say_the_same(company):
    found = of_now(company)
    value = json.loads(transparency.as_json(found))
    rows = list(csv.reader(io.StringIO(transparency.as_csv(found))))
    page = transparency.as_markdown(found)
    assert value["retractions"] == {"appeal": 1, "legal": 1}
    assert ["retractions", "appeal", "1"] in rows
    assert "| appeal | 1 |" in page
    assert value["sources"][0]["precision"] == 0.5
    assert ["source_precision", "bold-feed", "0.5"] in rows
    assert "| bold-feed | 1 | 3 | 2 | 1 | 50.0% |" in page
    assert set(TRANSPARENCY_FORMATS) == {"markdown", "json", "csv"}


def test_nothing_of_a_film_is_in_it(company):
    found = of_now(company)
    for form in TRANSPARENCY_FORMATS.values():
        text = form(found)
        assert company.wrong not in text
        assert film(1).hash[0].tobytes().hex() not in text


def test_no_cell_is_a_formula_or_breaks_the_table(company):
    company.adds(6, source="=cmd|' /C calc'!A0")
    found = of_now(company)
    assert "'=cmd|' /C calc'!A0" in {row[1] for row in csv.reader(io.StringIO(transparency.as_csv(found)))}
    assert "=cmd\\|" in transparency.as_markdown(found)
