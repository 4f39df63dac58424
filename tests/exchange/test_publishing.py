"""What is published is what a member reads: over HTTP and from a folder, for as little as possible."""

import dataclasses
import datetime
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from vhashdb.errors import EventInvalid, FeedBusy, FeedUnreachable, KeyUnusable, UsageError
from vhashdb.exchange import events as e
from vhashdb.exchange import files
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.keys import Keyring
from vhashdb.exchange.listing import Policy
from vhashdb.exchange.publisher import Publisher
from vhashdb.exchange.repository import Lifetimes
from vhashdb.exchange.state import replay
from vhashdb.writing import TEMPORARY

from . import strategies as some
from .feeds import Consumer, Feed, passphrase, put, retract, rid, served


def test_a_member_reads_what_was_published(feed, member):
    head = member.sync()
    assert (head.feed, head.epoch, head.seq) == ("acme-tvec", 1, 0)
    feed.publish(put(1), put(2))
    feed.publish(put(2, rev=2, labels=("tvec",)), retract(1))
    head = member.sync()
    assert head.seq == 4
    assert member.rids == {2}
    assert member.said_of(rid(2)).labels == ("tvec",)


def test_a_folder_is_as_good_as_a_server(feed, tmp_path):
    feed.publish(put(1), put(2))
    member = Consumer(feed.folder, feed.first_root, tmp_path / "member")
    assert member.sync().seq == 2
    assert member.rids == {1, 2}


def test_an_unchanged_feed_costs_one_small_request(feed, member, server):
    feed.publish(put(1))
    member.sync()
    server.asked.clear()
    assert member.sync().unchanged
    assert [path for path, _ in server.asked] == ["/metadata/timestamp.json"]


def test_only_what_is_new_is_fetched(feed, member, server):
    feed.publish(put(1))
    member.sync()
    feed.publish(put(2))
    server.asked.clear()
    member.sync()
    assert [path.partition(".")[2] for path, _ in server.asked if "segments" in path] == ["0000000002-0000000002.jsonl.zst"]
    assert member.applied == 2


def test_ten_thousand_events_in_one_second(feed, member):
    """Order and completeness come from numbers: all of these have the same time."""
    feed.publish(*(put(n) for n in range(10_000)))
    member.sync()
    assert len(member.rids) == 10_000
    feed.publish(*(retract(n) for n in range(0, 10_000, 2)))
    member.sync()
    assert member.rids == set(range(1, 10_000, 2))


def test_policy_and_taxonomy_travel_signed(feed, member):
    feed.publish(policy=Policy("green", "block", "trust and safety desk"), taxonomy=b'{"labels":["tvec"]}')
    assert member.sync().policy == Policy("green", "block", "trust and safety desk")
    assert member.client.taxonomy() == b'{"labels":["tvec"]}'
    feed.publish(taxonomy=b'{"labels":["tvec","other"]}')
    member.sync()
    assert member.client.taxonomy() == b'{"labels":["tvec","other"]}'
    with pytest.raises(UsageError, match="JSON"):
        feed.publish(taxonomy=b"labels")
    with pytest.raises(EventInvalid, match="e-mail"):
        feed.publish(policy=Policy(contact="desk@acme.example"))


def test_a_refused_event_publishes_nothing(feed, member):
    feed.publish(put(1))
    for bad in (e.Note("see www.site"), e.Redacted(rid(1), "0" * 64)):
        with pytest.raises(EventInvalid):
            feed.publish(put(2), bad)
    with pytest.raises(EventInvalid, match="erased"):
        feed.publish(retract(1, erase=True), put(1, rev=9))
    assert member.sync().seq == 1
    assert not list(feed.targets.glob(f"{TEMPORARY}*"))


def test_publishing_nothing_changes_nothing(feed):
    feed.publish(put(1))
    before = sorted(p.name for p in feed.metadata.iterdir())
    feed.publish()
    assert sorted(p.name for p in feed.metadata.iterdir()) == before


def test_a_quiet_feed_is_signed_again_before_it_runs_out(tmp_path):
    feed = Feed(tmp_path, lifetimes=Lifetimes(targets=100))
    feed.publish(put(1))
    before = feed.read(feed.current()[1]).signed
    feed.forge(lambda targets: setattr(targets, "expires", before.expires - datetime.timedelta(days=76)))
    feed.publish()
    assert feed.read(feed.current()[1]).signed.expires >= before.expires


def test_a_heartbeat_needs_the_online_key_alone(feed, member):
    feed.publish(put(1))
    member.sync()
    online = Keyring.load([feed.made["online"][0].path], passphrase)
    Publisher(feed.folder, online).heartbeat()
    head = member.sync()
    assert not head.unchanged
    assert head.seq == 1
    with pytest.raises(KeyUnusable, match="targets"):
        Publisher(feed.folder, online).publish([put(2)])


def test_two_publishers_do_not_work_at_once(feed):
    with files.locked(feed.folder), pytest.raises(FeedBusy):
        feed.publish(put(1))


def test_a_folder_that_is_no_feed_is_named(tmp_path):
    with pytest.raises(FeedUnreachable, match="not a feed"):
        Publisher(tmp_path / "none", Keyring((), passphrase)).publish([put(1)])
    with pytest.raises(FeedUnreachable, match="no such file"):
        FeedClient(tmp_path, Feed(tmp_path).first_root, tmp_path / "state").refresh()


def test_a_feed_is_not_begun_twice(feed):
    keys = {role: [f.public for f in made] for role, made in feed.made.items()}
    with pytest.raises(UsageError, match="already"):
        feed.publisher.init("other", keys, {})


def test_a_feed_published_often_has_few_files(feed, member):
    for number in range(60):
        feed.publish(put(number))
    listing = feed.publisher.listing()
    assert len(listing.segments) < 16
    member.sync()
    assert member.rids == set(range(60))


def test_files_that_nothing_refers_to_go_after_a_day(feed, monkeypatch):
    for number in range(9):
        feed.publish(put(number))
    there = {p for p in feed.folder.rglob("*") if p.is_file()}
    feed.publisher.heartbeat()
    assert there <= set(feed.folder.rglob("*"))
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 25 * 3600)
    feed.publisher.heartbeat()
    listing = feed.publisher.listing()
    assert {p.name for p in feed.targets.rglob("*") if p.is_file()} == {f.stored.split("/")[1] for f in listing.files}
    assert len(list(feed.metadata.glob("*.targets.json"))) == 1
    assert (feed.metadata / "1.root.json").exists()


def test_away_for_a_year_segments_pruned(feed, member, server):
    feed.publish(put(1), put(2), put(3))
    member.sync()
    for number in range(4, 30):
        feed.publish(put(number))
    feed.publish(retract(1), retract(2, erase=True))
    feed.publisher.compact(keep_events=2)
    feed.publish(put(30), retract(4))
    assert min(f.custom.first for f in feed.publisher.listing().segments) > 4
    member.sync()
    assert member.rids == set(range(3, 31)) - {4}
    assert member.state == feed.publisher.state()


def test_a_new_member_starts_from_the_snapshot_if_that_is_cheaper(feed, member, server):
    for rev in range(1, 30):
        feed.publish(put(1, rev=rev, reason=e.Reason(text=f"words that make the line longer, {rev}" * 4)))
    feed.publisher.compact()
    feed.publish(put(2))
    member.sync()
    assert sum("snapshots/" in path for path, _ in server.asked) == 1
    assert member.applied == 2
    assert member.state == feed.publisher.state()


def test_redaction_keeps_the_chain(feed, member, server, tmp_path):
    feed.publish(put(1), put(2, reason=e.Reason(text="unmistakable words")), put(3))
    feed.publisher.compact()
    early = Consumer(server.url, feed.first_root, tmp_path / "early")
    early.sync()
    chain_before = feed.publisher.listing().segments[0].custom.chain
    feed.publish(put(4), retract(2, erase=True))
    early.sync()
    member.sync()
    assert early.rids == member.rids == {1, 3, 4}
    assert early.state == member.state
    assert feed.publisher.listing().segments[0].custom.chain == chain_before
    lines = [line for file in feed.publisher.listing().files for line in feed.publisher._archive.lines(file)]
    assert not any(b"unmistakable" in line for line in lines)
    assert sum(b"redacted" in line for line in lines) == 1
    named = {f.stored for f in feed.publisher.listing().files}
    assert {str(p.relative_to(feed.targets)) for p in feed.targets.rglob("*") if p.is_file()} == named  # the old files are gone at once


def test_put_and_erased_in_one_publication_is_never_readable(feed, member):
    feed.publish(put(1), put(1, rev=2), retract(1, rev=3, erase=True))
    member.sync()
    assert not member.rids
    lines = [line for file in feed.publisher.listing().files for line in feed.publisher._archive.lines(file)]
    assert [b"redacted" in line for line in lines] == [True, True, False]


def test_recut_segments_give_the_same_state(feed, member, tmp_path):
    """Joined or not, and wherever a member stands, the files lead to the same state and the same chain."""
    members = []
    for number in range(40):
        feed.publish(put(number % 7, rev=number + 1))
        if number % 6 == 0:
            members.append(Consumer(feed.folder, feed.first_root, tmp_path / f"m{number}"))
            members[-1].sync()
    member.sync()
    for other in members:
        other.sync()
        assert other.state == member.state
        assert other.position == member.position


def test_a_new_epoch_follows_a_rotation(feed, member):
    feed.publish(put(1), put(2), retract(2, erase=True))
    member.sync()
    new = feed.new_key("targets")
    feed.publisher.rotate("targets", drop=[feed.made["targets"][0].public.keyid], add=[new.public], new_epoch=True)
    head = member.sync()
    assert (head.epoch, head.seq) == (2, 2)
    assert member.rids == {1}
    feed.publish(put(3))
    member.sync()
    assert member.rids == {1, 3}


few = st.integers(0, 3).map(rid)
streams = st.lists(
    st.lists(
        st.one_of(
            some.puts(few, st.integers(1, 5)),
            some.retractions(few, st.integers(1, 6)),
            some.opinions(few),
            some.allows(few),
            some.same_videos(few),
        ),
        max_size=6,
    ),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=examples(25),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(streams, st.data())
def test_any_stream_any_segmentation_any_interruption_is_a_plain_replay(tmp_path_factory, streams, data):
    """Events published in any portions, compacted at any time, read by a member who is cut off at any line."""
    place = tmp_path_factory.mktemp("feed")
    feed = Feed(place)
    with served(feed.folder) as server:
        member = Consumer(server.url, feed.first_root, place / "member")
        history, closed = [], set()
        for portion in streams:
            allowed = []
            for event in portion:
                event = _publishable(event)
                if isinstance(event, e.Put) and event.rid in closed:
                    continue
                if isinstance(event, e.Retract) and event.erase:
                    closed.add(event.rid)
                allowed.append(event)
            history += allowed
            feed.publish(*allowed)
            match data.draw(st.sampled_from(["", "compact", "prune", "sync", "cut off"])):
                case "compact":
                    feed.publisher.compact()
                case "prune":
                    feed.publisher.compact(keep_events=data.draw(st.integers(0, 4)))
                case "sync":
                    member.sync()
                case "cut off":
                    cut = data.draw(st.integers(0, 4))
                    member.client.refresh()
                    since = (member.position.seq, member.position.chain) if member.position else ()
                    for _ in zip(range(cut), member.client.fetch(*since), strict=False):
                        pass
        member.sync()
        expected = replay((seq, e.encode(seq, event), event) for seq, event in enumerate(history, 1))
        assert member.state == expected
        assert member.content == {seq: event for seq, event in enumerate(history, 1) if seq in expected.counting()}
        assert feed.publisher.state() == expected
        fresh = Consumer(feed.folder, feed.first_root, place / "fresh")
        fresh.sync()
        assert (fresh.state, fresh.content) == (expected, member.content)
        assert fresh.position == member.position


def _publishable(event):
    """The event with words that may be published."""
    if isinstance(event, e.Put):
        return dataclasses.replace(event, reason=e.Reason(), basis=e.Basis())
    if isinstance(event, e.Allow):
        return dataclasses.replace(event, reason=e.Reason())
    return dataclasses.replace(event, reason="") if isinstance(event, e.Opinion) else event
