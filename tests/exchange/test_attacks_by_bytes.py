"""Whatever bytes a feed consists of, what comes of it is a head or an error of this library."""

import base64
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from vhashdb import errors
from vhashdb.exchange import events as e
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.roster import from_bytes
from vhashdb.exchange.trust import check_root
from vhashdb.moderation.organisations import keys_of

from .attacks import replace_history
from .companies import Company
from .feeds import Consumer, Feed, put

DEEP = b'{"a":' * 900 + b"1" + b"}" * 900
NASTY = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    DEEP,
    b"9" * 5_000,
    b"9" * 4_000,
    b'"\\ud800"',
    b'{"signed":{}}',
    b"1e999",
]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud800", "a\x00b", "9" * 3_000, 10**4_000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ROLES = ("root", "timestamp", "snapshot", "targets")


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    feed = Feed(tmp_path_factory.mktemp("published"))
    feed.publish(put(1), taxonomy=json.dumps({"members": []}).encode())
    return feed


def places(document, at=()):
    """The ways to every value of a JSON document."""
    yield at
    for key, inner in document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ():
        yield from places(inner, (*at, key))


def replaced(document, at, value):
    if not at:
        return value
    copy = json.loads(json.dumps(document))
    inner = copy
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = value
    return copy


def file_of(feed, role):
    snapshot, targets = feed.current()
    names = {"root": "1.root", "timestamp": "timestamp", "snapshot": snapshot, "targets": targets}
    return feed.metadata / f"{names[role]}.json"


def asked(place, root, state):
    """A head and its events, or an error of the library's tree; nothing else."""
    try:
        Consumer(place, root, state).sync()
    except errors.VhashdbError as error:
        assert str(error).encode()


slow = settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@slow
@given(role=st.sampled_from(ROLES), data=st.binary(max_size=300) | st.sampled_from(NASTY))
def test_any_bytes_as_metadata(published, tmp_path_factory, role, data):
    path = file_of(published, role)
    before = path.read_bytes()
    state = tmp_path_factory.mktemp("state")
    try:
        path.write_bytes(data)
        asked(published.folder, data if role == "root" else published.first_root, state)
        assert isinstance(keys_of(data), frozenset)
    finally:
        path.write_bytes(before)


@slow
@given(role=st.sampled_from(ROLES[1:]), value=values, data=st.data())
def test_any_value_anywhere_in_signed_metadata(published, tmp_path_factory, role, value, data):
    """By a publisher, or a thief of its keys: signed as it should be."""
    path = file_of(published, role)
    document = json.loads(path.read_bytes())
    changed = replaced(document["signed"], data.draw(st.sampled_from(sorted(places(document["signed"]), key=repr))), value)
    before, state = path.read_bytes(), tmp_path_factory.mktemp("state")
    try:
        path.write_bytes(json.dumps({"signatures": document["signatures"], "signed": changed}).encode())
        asked(published.folder, published.first_root, state)
    finally:
        path.write_bytes(before)


@slow
@given(at=st.integers(0, 10**6), value=values)
def test_any_value_anywhere_in_the_signed_list_of_files(published, at, value):
    """The same past the signature, where this project's own reader is."""
    from tuf.api.metadata import Metadata

    from vhashdb.exchange.limits import FeedLimits
    from vhashdb.exchange.listing import from_targets
    from vhashdb.exchange.trust import in_our_words

    document = json.loads(file_of(published, "targets").read_bytes())
    every = sorted(places(document), key=repr)
    changed = json.dumps(replaced(document, every[at % len(every)], value)).encode()
    try:
        with in_our_words():
            from_targets(Metadata.from_bytes(changed).signed, FeedLimits())
    except errors.VhashdbError as error:
        assert str(error).encode()


@given(st.binary(max_size=300) | st.sampled_from(NASTY) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_as_an_event_a_roster_and_a_root(data):
    for reads, kind in ((e.decode, errors.FeedMalformed), (from_bytes, errors.FeedMalformed), (check_root, errors.FeedError)):
        try:
            reads(data)
        except kind as error:
            assert str(error).encode()


@given(values, st.sampled_from(["member", "feed", "url", "root"]))
def test_any_value_in_a_roster(value, name):
    good = {"member": "acme", "feed": "acme-tvec", "url": "https://a.example", "root": base64.b64encode(b"{}").decode()}
    try:
        from_bytes(json.dumps({"members": [good | {name: value}]}).encode())
    except errors.FeedMalformed as error:
        assert str(error).encode()


EVENTS = (
    put(1, reason=e.Reason("code", "text")),
    e.Retract(f"{1:032x}", 2, "error", at=put(1).at),
    e.Opinion(e.Subject("acme-tvec", f"{1:032x}", 1), "agree", reason="text", at=put(1).at),
    e.Allow(f"{2:032x}", put(1).signals, reason=e.Reason("code", "text"), at=put(1).at),
    e.RevokeAllow(f"{2:032x}", at=put(1).at),
    e.Note("text", at=put(1).at),
)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(event=st.sampled_from(EVENTS), value=values, data=st.data())
def test_any_value_in_a_signed_event_is_taken_in_or_refused_and_the_database_goes_on(taker, event, value, data):
    company, feed = taker
    line = json.loads(e.encode(1, event))
    if isinstance(event, e.Put):
        line["first_seen"] = "2026-11"
    at = data.draw(st.sampled_from([at for at in sorted(places(line), key=repr) if at and at != ("seq",)]))
    replace_history(feed, [json.dumps(replaced(line, at, value)).encode()])
    for done in company.exchange.sync(["acme-tvec"]):
        assert done.error is None or "internal error" not in done.error.message
    list(company.db.records())
    company.exchange.feeds.get("acme-tvec")
    company.moderation.allow_list()
    if company.exchange.feeds.get("acme-tvec").status == "quarantined":
        company.exchange.feeds.release("acme-tvec", "on to the next")


@pytest.fixture
def taker(tmp_path):
    feed, company = Feed(tmp_path), Company(tmp_path, "taker")
    company.exchange.trust(str(feed.folder), feed.first_root)
    feed.publish(put(1))
    yield company, feed
    company.close()


@pytest.mark.parametrize("where", ["reason", "text", "label", "note", "policy"])
def test_half_a_character_in_signed_words_is_skipped_and_counted(taker, where):
    company, feed = taker
    good, half = json.loads(e.encode(1, put(1))), "a\ud800"
    bad = {
        "reason": good | {"reason": {"code": "", "text": half}},
        "label": good | {"labels": [half]},
        "policy": good | {"basis": {"origin": "own_review", "policy": half}},
        "text": json.loads(e.encode(1, EVENTS[2])) | {"reason": half},
        "note": json.loads(e.encode(1, EVENTS[5])) | {"text": half},
    }[where]
    replace_history(feed, [json.dumps(bad | {"seq": 1}).encode(), e.encode(2, put(2))])
    (done,) = company.exchange.sync()
    assert (done.error, done.skipped, done.changes.added) == (None, 1, 1)


def test_a_year_that_no_calendar_has_is_skipped(taker):
    """It would make the whole list of records unreadable."""
    company, feed = taker
    line = json.loads(e.encode(1, put(1))) | {"first_seen": "0000-01"}
    replace_history(feed, [json.dumps(line).encode()])
    (done,) = company.exchange.sync()
    assert (done.error, done.skipped) == (None, 1)
    assert list(company.db.records()) == []


def test_the_head_of_a_feed_with_numbers_that_no_database_holds_is_refused(taker, tmp_path):
    company, feed = taker

    def change(targets):
        targets.unrecognized_fields["vhashdb"]["head"]["seq"] = 10**4_000

    feed.forge(change)
    with pytest.raises(errors.FeedMalformed):
        FeedClient(feed.folder, feed.first_root, tmp_path / "m").refresh()
    (done,) = company.exchange.sync()
    assert isinstance(done.error, errors.FeedMalformed)
