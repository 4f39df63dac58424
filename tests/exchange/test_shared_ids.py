"""One name of a record for all companies: FEED:RID."""

import pytest

from tests.exchange.companies import Company, film
from vhashdb import RecordNotFound
from vhashdb.store import Details


@pytest.fixture
def companies(tmp_path):
    made = [Company(tmp_path, name) for name in ("acme", "bold")]
    yield made
    for company in made:
        company.close()


def test_a_record_has_the_same_name_where_it_is_published_and_where_it_came(companies):
    acme, bold = companies
    before = acme.adds(1)
    assert acme.db.get(before).shared_id == ""
    acme.begins_to_publish()
    shared = f"acme-feed:{before}"
    assert acme.db.get(before).shared_id == shared
    acme.publishes()
    bold.trusts(acme)
    bold.syncs()
    (record,) = bold.db.records()
    assert (record.shared_id, record.id == before) == (shared, False)
    assert acme.db.get(shared).id == before
    assert bold.db.get(shared) == bold.db.get(shared.upper()) == bold.db.get(f"acme-feed:{before[:8]}") == record
    (match,) = bold.db.match(film(1)).matches
    assert match.record.shared_id == match.to_json("x")["shared_id"] == shared


def test_what_is_said_of_a_record_can_be_said_by_that_name(companies):
    acme, bold = companies
    acme.begins_to_publish()
    shared = f"acme-feed:{acme.adds(1)}"
    acme.publishes()
    bold.trusts(acme)
    bold.syncs()
    assert bold.db.label(shared, add=["seen"]).labels == ("seen", "tvec")
    assert bold.exchange.opinion(shared, "agree").on_rid == shared.partition(":")[2]
    assert bold.db.retract(shared, reason="not ours").state == "retracted"
    assert acme.db.retract(shared, reason="an error").state == "retracted"


@pytest.mark.parametrize("name", ["acme-feed:", "acme-feed:0123", "other:{0}", ":{0}", "local:{0}", "{0}:acme-feed", "acme-feed:%", ":"])
def test_a_name_of_nothing_names_nothing(companies, name):
    acme, bold = companies
    acme.begins_to_publish()
    identifiers = [acme.adds(seed) for seed in (1, 2)]
    acme.publishes()
    bold.trusts(acme)
    bold.syncs()
    for company in companies:
        with pytest.raises(RecordNotFound):
            company.db.get(name.format(identifiers[0]))


def test_records_that_came_from_elsewhere_have_no_name_in_ones_own_feed(companies):
    acme, _ = companies
    acme.begins_to_publish()
    (one, two) = acme.db.add_many([(film(1), Details()), (film(2), Details(source="acme"))])
    assert [acme.db.get(each.id).shared_id for each in (one, two)] == [f"acme-feed:{one.id}", ""]
    assert [each.record for each in (one, two)] == [acme.db.get(one.id), acme.db.get(two.id)]
    with pytest.raises(RecordNotFound):
        acme.db.get(f"acme-feed:{two.id}")
