"""A federation's roster decides which feeds are read; people here decide how far they are trusted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.errors import FeedMalformed, FeedSignature
from vhashdb.exchange.roster import Member, from_bytes, to_bytes

from .companies import Company
from .feeds import Feed

names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Z"]), min_size=1, max_size=20)
members = st.lists(
    st.builds(Member, names, st.from_regex(r"[a-z0-9]{1,10}(-[a-z0-9]{1,5})?", fullmatch=True), names, st.binary(max_size=50)),
    max_size=5,
    unique_by=lambda member: member.feed,
)


@given(members)
def test_a_roster_comes_back_as_it_was_written(listed):
    assert from_bytes(to_bytes(listed, {"tvec": "in words"})) == tuple(listed)


GOOD = {"member": "acme", "feed": "acme-tvec", "url": "https://a.example", "root": "YQ=="}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"members": {}}',
        b'{"members": [1]}',
        *(json.dumps({"members": [GOOD | change]}).encode() for change in ({"feed": "A B"}, {"root": "?"}, {"url": ""}, {"member": 1})),
        json.dumps({"members": [{k: v for k, v in GOOD.items() if k != "root"}]}).encode(),
        json.dumps({"members": [GOOD, GOOD]}).encode(),
    ],
)
def test_what_is_no_roster_is_refused(document):
    with pytest.raises(FeedMalformed):
        from_bytes(document)


@pytest.fixture
def companies(tmp_path):
    made = [Company(tmp_path, name) for name in ("acme", "bold", "calm")]
    for company in made:
        company.begins_to_publish()
    yield made
    for company in made:
        company.close()


def listed(*companies, **more):
    places = [more.get(company.name, str(company.feed.folder)) for company in companies]
    return to_bytes([Member(c.name, f"{c.name}-feed", place, c.feed.first_root) for c, place in zip(companies, places, strict=True)])


def test_members_come_move_and_go(companies, tmp_path):
    acme, bold, calm = companies
    federation = Feed(tmp_path, "federation")
    federation.publish(taxonomy=listed(acme, bold))
    assert calm.exchange.join(str(federation.folder), federation.first_root, level="log") == "federation"
    (done,) = calm.exchange.refresh_rosters()
    assert done.joined == ("acme-feed", "bold-feed")
    assert {(f.id, f.trust, f.member, f.federation) for f in calm.exchange.feeds.all()} == {
        ("acme-feed", "log", "acme", "federation"), ("bold-feed", "log", "bold", "federation"),
    }  # fmt: skip
    calm.exchange.feeds.set_level("acme-feed", "block")
    (done,) = calm.exchange.refresh_rosters()
    assert (done.joined, done.moved, done.left) == ((), (), ())
    assert calm.exchange.feeds.get("acme-feed").trust == "block"
    federation.publish(taxonomy=listed(acme, calm, acme="https://elsewhere.example"))
    (done,) = calm.exchange.refresh_rosters()
    assert (done.joined, done.moved, done.left) == ((), ("acme-feed",), ("bold-feed",))  # its own feed is not read
    assert calm.exchange.feeds.get("bold-feed").trust == "none"
    assert calm.exchange.feeds.get("acme-feed").url == "https://elsewhere.example"


def test_an_expelled_member_leads_to_nothing(companies, tmp_path):
    acme, bold, calm = companies
    federation = Feed(tmp_path, "federation")
    federation.publish(taxonomy=listed(acme, bold))
    calm.exchange.join(str(federation.folder), federation.first_root)
    bold.adds(1)
    bold.publishes()
    acme.adds(2)
    acme.publishes()
    list(calm.exchange.refresh_rosters())
    calm.syncs()
    assert calm.allowed(1) == {"bold-feed": "review"}
    acme.trusts(bold)
    federation.publish(taxonomy=listed(acme))
    list(calm.exchange.refresh_rosters())
    assert calm.allowed(1) == {"bold-feed": "none"}
    assert calm.allowed(2) == {"acme-feed": "review"}


def test_a_roster_of_somebody_else_changes_nothing(companies, tmp_path):
    acme, bold, calm = companies
    federation = Feed(tmp_path, "federation")
    federation.publish(taxonomy=listed(acme))
    calm.exchange.join(str(federation.folder), federation.first_root)
    list(calm.exchange.refresh_rosters())
    (tmp_path / "thief").mkdir()
    thief = Feed(tmp_path / "thief", "federation")
    thief.publish(taxonomy=listed(bold))
    federation.become(thief.folder)
    (done,) = calm.exchange.refresh_rosters()
    assert isinstance(done.error, FeedSignature)
    assert [feed.id for feed in calm.exchange.feeds.all()] == ["acme-feed"]
    assert calm.exchange.federations.all()[0].trouble == done.error.message
    with pytest.raises(FeedSignature):
        bold.exchange.join(str(federation.folder), federation.first_root)


def test_a_feed_without_a_roster_is_no_federation(companies):
    acme, bold, _ = companies
    with pytest.raises(FeedMalformed, match="no roster"):
        bold.exchange.join(str(acme.feed.folder), acme.feed.first_root)
