"""Nobody speaks for people here or for another feed, and no organisation has two voices."""

import base64
import json

import pytest

from vhashdb import errors
from vhashdb.codes import LOCAL
from vhashdb.exchange import events as e
from vhashdb.exchange.events import RESERVED, check_feed_id
from vhashdb.exchange.roster import Member, from_bytes, to_bytes
from vhashdb.moderation.organisations import keys_of, organisation_of, skeleton

from .companies import Company, film
from .feeds import NOW, Feed, put, rid


@pytest.fixture
def here(tmp_path):
    company = Company(tmp_path, "here")
    yield company
    company.close()


def renamed(feed, name):
    """Its keys sign that it is called otherwise, as a publisher of a program without this rule can."""
    feed.forge(lambda targets: targets.unrecognized_fields["vhashdb"].update(feed=name))


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_feed_that_calls_itself_what_stands_for_people_here_is_refused_everywhere(here, tmp_path, name):
    feed = Feed(tmp_path, "honest")
    with pytest.raises(errors.EventInvalid, match="no feed may call itself"):
        check_feed_id(name)
    (tmp_path / "made").mkdir()
    with pytest.raises(errors.UsageError, match="no feed may call itself"):
        Feed(tmp_path / "made", name)
    renamed(feed, name)
    for level in ("none", "log", "review", "block"):
        with pytest.raises(errors.FeedMalformed, match="no feed may call itself"):
            here.exchange.trust(str(feed.folder), feed.first_root, level=level)
    with pytest.raises(errors.FeedMalformed, match="no feed may call itself"):
        here.exchange.join(str(feed.folder), feed.first_root)
    with pytest.raises(errors.FeedMalformed, match="no feed may call itself"):
        from_bytes(json.dumps({"members": [{"member": "m", "feed": name, "url": "https://a.example", "root": "YQ=="}]}).encode())
    assert here.exchange.feeds.all() == []


def test_the_database_itself_knows_no_feed_called_local(here):
    with pytest.raises(errors.UsageError, match="stands for the people here"):
        here.exchange.feeds.add(LOCAL, url="x", root=b"", trust="none")
    with pytest.raises(errors.UsageError, match="stands for the people here"):
        here.exchange.publishes(LOCAL)


def test_a_feed_called_local_that_an_older_version_trusted_is_read_no_more(here, tmp_path):
    feed = Feed(tmp_path, "honest")
    here.exchange.trust(str(feed.folder), feed.first_root, level="none")
    entry = here.moderation.opinions.allow(film(9), None, reason="ours")
    feed.publish(e.RevokeAllow(entry.rid, at=NOW), put(1))
    renamed(feed, LOCAL)
    with here.db.store.transactions.writing() as connection:
        connection.exec_driver_sql("UPDATE feed SET id = 'local'")
    (done,) = here.exchange.sync()
    assert isinstance(done.error, errors.FeedError)
    assert "no feed may call itself" in done.error.message
    assert not here.moderation.opinions.allowed(author=LOCAL)[0].revoked
    assert here.exchange.distrust(LOCAL) == 0  # the way out …
    assert [kept.rid for kept in here.moderation.opinions.allowed(author=LOCAL)] == [entry.rid]  # … which takes nothing of ours along


def test_every_kind_of_event_touches_only_what_its_own_feed_said(here, tmp_path):
    """Records, retractions, opinions, allow-lists and their revocation, erasure and a whole new state."""
    from vhashdb.exchange.incoming import record_id

    good, bad = Company(tmp_path, "good"), Company(tmp_path, "bad")
    good.begins_to_publish()
    bad.begins_to_publish()
    record = good.adds(1)
    good.publishes()
    allowed = e.Allow(rid(7), put(1).signals, at=NOW)
    good.feed.publish(allowed, e.Opinion(e.Subject("bad-feed", rid(1), 1), "agree", reason="good says so", at=NOW))
    own = here.adds(3)
    entry = here.moderation.opinions.allow(film(9), None, reason="ours")
    here.exchange.trust(str(good.feed.folder), good.feed.first_root)
    here.exchange.trust(str(bad.feed.folder), bad.feed.first_root)
    here.syncs()

    def seen():
        opinions = {(said.author, said.on_feed, said.on_rid, said.verdict, said.reason) for said in everything()}
        entries = {(one.author, one.rid, one.revoked) for one in here.moderation.opinions.allowed(revoked=True)}
        records = {(one.id, one.state, one.labels, one.reason) for one in here.db.records() if one.details.source != "bad-feed"}
        return {one for one in opinions if one[0] != "bad-feed"}, {one for one in entries if one[0] != "bad-feed"}, records

    def everything():
        from vhashdb.store import feed_schema as tables

        with here.db.store.transactions.reading() as connection:
            return list(connection.execute(tables.opinion.select()))

    before = seen()
    assert before[0]
    assert before[1] == {(LOCAL, entry.rid, False), ("good-feed", rid(7), False)}
    targets = (record, own, rid(7), entry.rid, record_id("good-feed", record))
    events = []
    for target in targets:
        events += [put(int(target, 16), rev=9), e.Allow(target, put(1).signals, at=NOW), e.RevokeAllow(target, at=NOW)]
        events += [e.Opinion(e.Subject(feed, target, 1), "withdrawn", at=NOW) for feed in ("good-feed", "bad-feed")]
        events += [e.Retract(target, 99, "error", erase=True, at=NOW)]
    bad.feed.publish(*events)
    assert here.syncs()["bad-feed"].error is None
    assert seen() == before
    bad.feed.publisher.compact(keep_events=1)
    here.exchange.feeds.release("bad-feed", "read it from its beginning")
    assert here.syncs()["bad-feed"].error is None
    assert seen() == before
    here.exchange.distrust("bad-feed")
    assert seen() == before
    good.close()
    bad.close()


def test_an_opinion_on_what_only_people_here_have_cannot_be_addressed(here, tmp_path):
    line = json.loads(e.encode(1, e.Opinion(e.Subject("acme-tvec", rid(1), 1), "false_positive", at=NOW)))
    line["on"]["feed"] = LOCAL
    assert isinstance(e.decode(json.dumps(line).encode())[1], e.Malformed)


# -- one voice -------------------------------------------------------------------------------------

ALIKE = [
    "acme.example",
    "ACME.example",
    "ａｃｍｅ.example",
    "аcme.example",
    "acmе.example",
    "acme\u200b.example",
    "αcme.example",
    "acmé.example",
]


def test_names_that_look_alike_are_one():
    assert len({skeleton(name) for name in ALIKE}) == 1
    assert len({skeleton(name) for name in ("acme", "bold", "acme.example", "acme2", "日本", "日木")}) == 6


@pytest.mark.parametrize("name", ALIKE[1:])
def test_a_name_that_looks_like_anothers_is_no_second_voice(here, tmp_path, name):
    first, second = Feed(tmp_path, "first"), Feed(tmp_path, "second")
    here.exchange.trust(str(first.folder), first.first_root, member="acme.example")
    assert here.exchange.trust(str(second.folder), second.first_root, member=name).member == "acme.example"


def test_feeds_of_the_same_root_keys_are_one_voice(here, tmp_path):
    first = Feed(tmp_path, "first")
    (tmp_path / "more").mkdir()
    second = Feed(tmp_path / "more", "second")
    other = Feed(tmp_path / "more", "other")
    assert keys_of(first.first_root).isdisjoint(keys_of(other.first_root))
    second.publisher.rotate("root", add=[key.public for key in first.made["root"]], drop=[])
    shared = (second.metadata / "2.root.json").read_bytes()
    assert not keys_of(first.first_root).isdisjoint(keys_of(shared))
    here.exchange.trust(str(first.folder), first.first_root, member="acme")
    known = here.exchange.feeds.all()
    assert organisation_of("bold", shared, known) == "acme"
    assert organisation_of("bold", other.first_root, known) == "bold"


# -- rosters ---------------------------------------------------------------------------------------


def roster(tmp_path, *members):
    federation = Feed(tmp_path, "federation")
    federation.publish(taxonomy=to_bytes(members))
    return federation


PLACES = [
    "/etc", "/", "..", "file:///etc/passwd", "ftp://a.example/x", "gopher://a.example", "http://127.0.0.1/x", "https://10.1.2.3/x", "http://[::1]/",
    "http://localhost:8080/x", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/", "https://u:p@a.example/", "http://[::1", "http://",
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_roster_on_the_web_names_no_place_inside(place):
    from vhashdb.exchange.reach import check_listed

    with pytest.raises(errors.FeedMalformed, match="the roster says"):
        check_listed(place, "https://federation.example/roster")
    check_listed("https://feeds.example/acme", "https://federation.example/roster")


@pytest.mark.parametrize("place", PLACES[:6])
def test_a_member_at_a_place_that_may_not_be_named_is_left_out_and_said(here, tmp_path, place):
    good, bad = Feed(tmp_path, "good"), Feed(tmp_path, "bad")
    federation = roster(tmp_path, Member("bad", "bad", place, bad.first_root), Member("good", "good", str(good.folder), good.first_root))
    here.exchange.join(str(federation.folder), federation.first_root)
    (done,) = here.exchange.refresh_rosters()
    assert done.joined == ("good",)
    assert isinstance(done.error, errors.FeedMalformed)
    assert here.exchange.federations.all()[0].trouble
    assert [feed.id for feed in here.exchange.feeds.all()] == ["good"]


def test_a_roster_that_lists_a_known_name_with_other_keys_is_not_followed_in_it(here, tmp_path):
    first = Feed(tmp_path, "first")
    (tmp_path / "more").mkdir()
    thief = Feed(tmp_path / "more", "first")
    here.exchange.trust(str(first.folder), first.first_root)
    federation = roster(tmp_path, Member("thief", "first", str(thief.folder), thief.first_root))
    here.exchange.join(str(federation.folder), federation.first_root)
    (done,) = here.exchange.refresh_rosters()
    assert isinstance(done.error, errors.FeedFork)
    assert here.exchange.feeds.get("first").url == str(first.folder)


@pytest.mark.parametrize("name", ["a\u202eb", "a\x1b[31mb", "a\nb", "a\ud800b", "a\u200bb"])
def test_names_that_cannot_be_shown_are_no_roster(name):
    member = {"member": name, "feed": "acme", "url": "https://a.example", "root": base64.b64encode(b"x").decode()}
    with pytest.raises(errors.FeedMalformed, match="cannot be shown"):
        from_bytes(json.dumps({"members": [member]}).encode())


def test_a_roster_that_fails_stops_no_other(here, tmp_path, monkeypatch):
    from vhashdb.exchange import following

    good = Feed(tmp_path, "good")
    federation = roster(tmp_path, Member("good", "good", str(good.folder), good.first_root))
    here.exchange.join(str(federation.folder), federation.first_root)
    here.exchange.federations.follow("another", url="http://127.0.0.1:1/", root=good.first_root, trust="log")
    real = following._members

    def faulty(client):
        if "faulty" in str(client._folder):
            raise RuntimeError("x")
        return real(client)

    monkeypatch.setattr(following, "_members", faulty)
    here.exchange.federations.follow("faulty", url=str(federation.folder), root=federation.first_root, trust="log")
    done = {one.federation: one for one in here.exchange.refresh_rosters()}
    assert done["federation"].joined == ("good",)
    assert isinstance(done["another"].error, errors.FeedUnreachable)
    assert isinstance(done["faulty"].error, errors.FeedError)
