"""What a database makes of feeds: over HTTP and folders, with attacks on the bytes, and killed at every statement."""

import datetime
import json
import shutil
import subprocess
import sys
import time

import pytest

import vhashdb
from tests.conftest import ROOT
from tests.examples import LONG, long
from vhashdb import errors
from vhashdb.exchange import events as e
from vhashdb.exchange.incoming import record_id
from vhashdb.exchange.listing import Policy
from vhashdb.exchange.sync import Outcome
from vhashdb.store import State
from vhashdb.store.reviews import Decision
from vhashdb.store.settings import Rules
from vhashdb.store.staging import Staging

from .companies import Company, film, pictures
from .feeds import NOW, put, retract, rid, served


@pytest.fixture
def acme(tmp_path):
    """Publishes, and allows the others to block."""
    company = Company(tmp_path, "acme")
    company.begins_to_publish().publish(policy=Policy("amber", "block", "safety desk"))
    yield company
    company.close()


@pytest.fixture
def bold(tmp_path):
    """Publishes as well, and trusts acme."""
    company = Company(tmp_path, "bold")
    company.begins_to_publish().publish(policy=Policy("amber", "block"))
    yield company
    company.close()


@pytest.fixture
def follower(tmp_path, acme):
    """Trusts acme, over HTTP."""
    company = Company(tmp_path, "follower")
    company.moderation.reviews.set_rules(Rules(quorum=1, seen_here=False))
    with served(acme.feed.folder) as server:
        company.server = server
        company.trusts(acme, server.url)
        yield company
    company.close()


def outcome(company, feed="acme-feed"):
    return company.syncs()[feed].outcome


# -- what is published matches ---------------------------------------------------------------------


def test_a_published_record_matches_after_the_next_sync(acme, follower):
    record = acme.adds(1)
    assert acme.publishes() == 1
    done = follower.syncs()["acme-feed"]
    assert (done.outcome, done.changes.added, done.seq, done.error) == (Outcome.UPDATED, 1, 1, None)
    match = follower.asks(1)["acme-feed"]
    assert match.record.id == record_id("acme-feed", record)
    assert (match.action_cap.action, match.action_cap.agree) == ("block", 1)
    assert match.record.labels == ("tvec",)
    assert not match.record.details.reshare


def test_nothing_new_costs_one_small_request(acme, follower):
    acme.adds(1)
    acme.publishes()
    follower.syncs()
    follower.server.asked.clear()
    assert outcome(follower) is Outcome.UNCHANGED
    assert [path for path, _ in follower.server.asked] == ["/metadata/timestamp.json"]


def test_retraction_stops_matching_at_next_sync(acme, follower):
    record = acme.adds(1)
    acme.adds(2)
    acme.publishes()
    follower.syncs()
    assert "acme-feed" in follower.asks(1)
    acme.db.retract(record, reason="an appeal", code="appeal")
    assert acme.publishes() == 1
    assert "acme-feed" in follower.asks(1)
    assert follower.syncs()["acme-feed"].changes.retracted == 1
    assert follower.asks(1) == {}
    follower.reopen()
    assert follower.asks(1) == {}
    assert "acme-feed" in follower.asks(2)
    log = follower.db.audit(record=record_id("acme-feed", record))
    assert [(entry.action, entry.details["reason"]) for entry in log if entry.action == "retract"] == [("retract", "appeal")]


def test_a_changed_record_has_its_new_labels(acme, follower):
    record = acme.adds(1)
    acme.publishes()
    follower.syncs()
    acme.db.label(record, add=["graphic-violence"], remove=["tvec"])
    assert acme.publishes() == 1
    assert follower.syncs()["acme-feed"].changes.changed == 1
    assert follower.asks(1)["acme-feed"].record.labels == ("graphic-violence",)


@pytest.mark.sqlite
def test_erasure_leaves_no_byte_of_the_record(acme, follower):
    record = acme.adds(1, reason="a sentence that must go")
    acme.publishes()
    follower.syncs()
    needle = pictures(1)[0].tobytes()
    assert follower.db.fingerprint(record_id("acme-feed", record)).hash[0].tobytes() == needle
    acme.db.retract(record, reason="a court order", code="legal", erase=True)
    acme.publishes()
    assert follower.syncs()["acme-feed"].changes.erased == 1
    for company, identifier in ((follower, record_id("acme-feed", record)), (acme, record)):
        blank = company.db.get(identifier)
        assert (blank.state, blank.labels, blank.reason, blank.duration_s) == (State.RETRACTED, (), "", 0.0)
        with pytest.raises(vhashdb.RecordNotFound):
            company.db.fingerprint(identifier)
        company.close()
        files = [path for path in company.path.rglob("*") if path.is_file() and path.suffix != ".vhix"]
        assert files
        assert not any(b"a sentence that must go" in path.read_bytes() for path in files)
        company.db = vhashdb.open(company.path)
    assert not any(b"must go" in path.read_bytes() for path in acme.feed.targets.rglob("*.zst"))


def test_away_for_a_year_segments_pruned(acme, follower):
    gone, kept = acme.adds(1), acme.adds(2)
    acme.publishes()
    follower.syncs()
    acme.db.retract(gone, reason="x", code="error")
    acme.publishes()
    for seed in range(3, 9):
        acme.adds(seed)
        acme.publishes()
    acme.db.label(kept, add=["later"])
    acme.publishes()
    acme.feed.publisher.compact(keep_events=1)
    done = follower.syncs()["acme-feed"]
    assert (done.outcome, done.changes.added, done.changes.retracted, done.changes.changed) == (Outcome.UPDATED, 6, 1, 1)
    assert follower.asks(1) == {}
    assert follower.asks(2)["acme-feed"].record.labels == ("later", "tvec")
    assert all("acme-feed" in follower.asks(seed) for seed in range(3, 9))


@long
def test_ten_thousand_events_in_one_second(acme, follower):
    acme.feed.publish(*(put(n) for n in range(10_000)))
    assert follower.syncs()["acme-feed"].changes.added == 10_000
    acme.feed.publish(*(retract(n) for n in range(0, 10_000, 2)))
    follower.syncs()
    assert follower.db.store.counts()[State.RETRACTED] == 5_000


def test_a_bad_record_is_skipped_and_counted(acme, follower):
    broken = e.Put(rid(1), 1, (e.Signal("pdq", "AAAA"),), at=NOW)
    acme.feed.publish(broken, put(2), e.Note("hello", NOW))
    done = follower.syncs()["acme-feed"]
    assert (done.outcome, done.skipped, done.changes.added) == (Outcome.UPDATED, 1, 1)
    feed = follower.exchange.feeds.get("acme-feed")
    assert (feed.skipped, feed.note, feed.seq) == (1, "hello", 3)


def test_a_dry_run_reads_signatures_and_changes_nothing(acme, follower):
    acme.adds(1)
    acme.publishes()
    done = follower.syncs(dry_run=True)["acme-feed"]
    assert (done.outcome, done.since, done.seq) == (Outcome.WOULD_UPDATE, 0, 1)
    assert done.bytes > 0
    assert not [path for path, _ in follower.server.asked if "segments" in path]
    assert follower.exchange.feeds.get("acme-feed").checked_at is None
    assert len(follower.db) == 0


def test_imported_records_are_never_exported(acme, bold):
    acme.adds(1)
    acme.publishes()
    bold.trusts(acme)
    bold.syncs()
    mine = bold.adds(2)
    assert bold.publishes() == 1
    assert list(bold.feed.publisher.state().records) == [mine]


# -- whom it is about ------------------------------------------------------------------------------


def test_a_member_cannot_touch_anothers_record(acme, bold, follower):
    record = acme.adds(1)
    acme.publishes()
    follower.trusts(bold)
    bold.feed.publish(e.Retract(record, 99, "error", at=NOW), bold.put(bold.adds(3), rid=record, rev=100))
    follower.syncs()
    assert "bold-feed" in follower.asks(3)
    bold.feed.publish(e.Retract(record, 101, "error", erase=True, at=NOW))
    follower.syncs()
    assert follower.asks(3) == {}
    victim = follower.db.get(record_id("acme-feed", record))
    assert (victim.state, victim.labels) == (State.ACTIVE, ("tvec",))
    assert "acme-feed" in follower.asks(1)
    assert "bold-feed" not in follower.asks(1)


def test_a_feed_that_takes_anothers_name_is_refused(acme, follower, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    other = Company(tmp_path / "elsewhere", "acme")
    other.begins_to_publish()
    with pytest.raises(errors.UsageError, match="trusted already"):
        follower.trusts(other)
    other.close()


def test_trust_begins_with_the_right_root(acme, bold, tmp_path):
    company = Company(tmp_path, "careful")
    with pytest.raises(errors.FeedError):
        company.exchange.trust(str(acme.feed.folder), bold.feed.first_root)
    assert company.exchange.feeds.all() == []
    company.close()


def test_trust_removed_takes_the_records_along(acme, follower):
    acme.adds(1)
    acme.publishes()
    follower.syncs()
    assert follower.exchange.distrust("acme-feed") == 1
    assert len(follower.db) == 0
    assert not (follower.path / "feeds" / "acme-feed").exists()
    follower.trusts(acme)
    assert follower.syncs()["acme-feed"].changes.changed == 1
    assert "acme-feed" in follower.asks(1)


# -- attacks ---------------------------------------------------------------------------------------


def tamper(feed, name="segments"):
    """Somebody with the web server, but no keys, changes the files of the events."""
    for path in (feed.targets / name).iterdir():
        path.write_bytes(path.read_bytes()[:-4] + b"evil")


def test_an_attacker_with_the_web_host_but_not_the_keys_changes_nothing(acme, follower, tmp_path):
    acme.adds(1)
    acme.publishes()
    old = acme.feed.copy(tmp_path / "old")
    acme.adds(2)
    acme.publishes()
    follower.syncs()
    acme.adds(3)
    acme.publishes()
    now = acme.feed.copy(tmp_path / "now")
    tamper(acme.feed)
    assert isinstance(follower.syncs()["acme-feed"].error, errors.FeedDigest)
    acme.feed.become(old)
    assert isinstance(follower.syncs()["acme-feed"].error, errors.FeedRollback)
    shutil.rmtree(acme.feed.metadata)
    assert isinstance(follower.syncs()["acme-feed"].error, errors.FeedUnreachable)
    assert follower.exchange.feeds.get("acme-feed").status == "synced"
    assert follower.allowed(1) == follower.allowed(2) == {"acme-feed": "block"}
    assert follower.asks(3) == {}
    shutil.copytree(now, acme.feed.folder, dirs_exist_ok=True)
    for path in (now / "targets" / "segments").iterdir():
        shutil.copy(path, acme.feed.targets / "segments")
    assert outcome(follower) is Outcome.UPDATED
    assert follower.exchange.feeds.get("acme-feed").trouble == ""
    assert "acme-feed" in follower.asks(3)


def forked(acme, follower, tmp_path):
    """The publisher's own keys sign another past than the follower has seen."""
    acme.adds(1)
    acme.publishes()
    before = acme.feed.copy(tmp_path / "before")
    acme.adds(2)
    acme.publishes()
    follower.syncs()
    true = acme.feed.copy(tmp_path / "true")
    acme.feed.become(before)
    acme.feed.publish(put(70))
    acme.feed.publish(put(71))
    return true


def test_fork_quarantines_and_the_last_good_state_matches_up_to_review(acme, follower, tmp_path):
    forked(acme, follower, tmp_path)
    done = follower.syncs()["acme-feed"]
    assert done.outcome is Outcome.QUARANTINED
    assert isinstance(done.error, errors.FeedFork)
    feed = follower.exchange.feeds.get("acme-feed")
    assert (feed.status, feed.seq) == ("quarantined", 2)
    evidence = json.loads(feed.evidence)
    assert (evidence["rule"], evidence["known_seq"], evidence["shown_seq"]) == ("FeedFork", 2, 3)
    assert evidence["known_chain"] != evidence["shown_chain"]
    signed = follower.path / "feeds" / "acme-feed" / "evidence" / "targets.json"
    assert json.loads(signed.read_bytes())["signed"]["vhashdb"]["head"]["seq"] == 3  # proves the fork to others
    match = follower.asks(2)["acme-feed"]
    assert match.action_cap.action == "review"
    assert match.action_cap.reasons[0].startswith("feed acme-feed is quarantined: the history up to event")
    follower.server.asked.clear()
    assert outcome(follower) is Outcome.QUARANTINED
    assert follower.server.asked == []  # a person has to release it


def test_release_reads_the_feed_from_its_beginning(acme, follower, tmp_path):
    forked(acme, follower, tmp_path)
    follower.syncs()
    follower.exchange.feeds.release("acme-feed", "restored from a backup; confirmed by phone")
    done = follower.syncs()["acme-feed"]
    assert (done.outcome, done.changes.added, done.changes.retracted) == (Outcome.UPDATED, 2, 1)
    assert follower.allowed(1) == {"acme-feed": "block"}
    assert follower.asks(2) == {}


def test_one_failing_feed_never_stops_another(acme, bold, follower):
    acme.adds(1)
    acme.publishes()
    bold.adds(2)
    bold.publishes()
    follower.trusts(bold)
    tamper(acme.feed)
    done = follower.syncs()
    assert {feed: one.outcome for feed, one in done.items()} == {"acme-feed": Outcome.FAILED, "bold-feed": Outcome.UPDATED}
    assert "bold-feed" in follower.asks(2)
    assert "acme-feed" not in follower.asks(1)


def test_nothing_unverified_ever_matches(acme, follower):
    """Most of the events arrive and are staged; the last file is not the one that was signed."""
    acme.feed.publish(*(acme.put(acme.adds(seed)) for seed in range(1, 8)))
    acme.feed.publish(put(99))
    last = max((acme.feed.targets / "segments").iterdir(), key=lambda path: path.name.partition(".")[2])
    last.write_bytes(last.read_bytes()[:-4] + b"evil")
    assert outcome(follower) is Outcome.FAILED
    assert len(follower.db) == 0
    follower.adds(50)
    assert all(follower.asks(seed) == {} for seed in range(1, 8))


def test_expired_feed_is_capped_at_review(acme, follower):
    acme.adds(1)
    acme.publishes()
    moment = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=3)
    acme.feed.forge(timestamp=lambda stamp: setattr(stamp, "expires", moment))
    assert outcome(follower) is Outcome.UPDATED
    assert follower.allowed(1) == {"acme-feed": "block"}
    time.sleep(max(0.0, (moment - datetime.datetime.now(datetime.UTC)).total_seconds()) + 1.1)
    match = follower.asks(1)["acme-feed"]
    assert match.action_cap.action == "review"
    assert "a retraction may be missing" in match.action_cap.reasons[0]
    done = follower.syncs()["acme-feed"]
    assert isinstance(done.error, errors.FeedExpired)
    acme.feed.publisher.heartbeat()
    assert outcome(follower) is Outcome.UNCHANGED
    assert follower.allowed(1) == {"acme-feed": "block"}


def test_rotated_keys_and_a_new_epoch_after_a_theft(acme, follower):
    kept = acme.adds(1)
    acme.publishes()
    thief = list(acme.feed.made["targets"]), list(acme.feed.made["online"])
    acme.feed.publish(put(66))  # by whoever stole the keys
    follower.syncs()
    fresh = {role: acme.feed.new_key(role) for role in ("targets", "online")}
    acme.feed.publish(e.Retract(rid(66), 2, "error", at=NOW))
    for role, stolen in zip(("targets", "online"), thief, strict=True):
        dropped, added = [key.public.keyid for key in stolen], [fresh[role].public]
        acme.feed.publisher.rotate(role, drop=dropped, add=added, new_epoch=role == "online")
    done = follower.syncs()["acme-feed"]
    assert done.outcome is Outcome.UPDATED
    assert follower.exchange.feeds.get("acme-feed").epoch == 2
    assert follower.allowed(1) == {"acme-feed": "block"}
    assert follower.db.get(record_id("acme-feed", rid(66))).state is State.RETRACTED
    assert kept in acme.feed.publisher.state().records
    assert follower.syncs()["acme-feed"].outcome is Outcome.UNCHANGED


def test_illegal_stub_quarantines(acme, follower):
    staging = Staging(follower.db.store)
    feed = staging.begin(follower.exchange.feeds.get("acme-feed"))
    staging.stage(feed, [], [{"feed": feed.number, "seq": 1, "rid": rid(1)}], [], [])
    assert staging.illegal_stubs(feed) == [rid(1)]
    staging.begin(feed)
    assert staging.illegal_stubs(feed) == []


# -- the gate --------------------------------------------------------------------------------------


def test_a_held_record_matches_up_to_review_until_a_person_accepts_it(acme, follower):
    follower.moderation.opinions.allow(film(9), None, reason="intro of the evening news")
    record = acme.adds(9)
    acme.publishes()
    assert follower.syncs()["acme-feed"].changes.held == 1
    here = follower.db.get(record_id("acme-feed", record))
    assert here.state is State.HELD
    assert follower.allowed(9) == {"acme-feed": "review"}
    follower.moderation.reviews.decide(here, Decision.ACCEPTED, reason="looked at it")
    acme.db.label(record, add=["more"])
    acme.publishes()
    assert follower.syncs()["acme-feed"].changes.held == 0  # for the same reason it is not held again
    assert follower.db.get(here.id).state is State.ACTIVE
    assert "on an allow-list: 100% of what matched" in follower.asks(9)["acme-feed"].action_cap.reasons


def test_sudden_volume_is_held(acme, follower):
    acme.feed.publish(put(1))
    follower.syncs()
    acme.feed.publish(*(put(n) for n in range(2, 2_100)))
    done = follower.syncs()["acme-feed"]
    assert done.held == "2,098 new records in one sync, from a feed that had 1"
    assert done.changes.held == 2_098
    assert follower.db.store.counts()[State.HELD] == 2_098


# -- killed ----------------------------------------------------------------------------------------


@pytest.mark.sqlite
def test_kill_between_any_two_steps(acme, follower, tmp_path):
    """SIGKILL before every statement of a sync: the database then has the old state or the new one, and a re-run ends it."""
    first, second = acme.adds(1), acme.adds(2)
    acme.publishes()
    follower.syncs()
    before = {record.id: (record.state, record.labels) for record in follower.db.records()}
    follower.close()
    acme.db.retract(first, reason="x", code="appeal", erase=True)
    acme.db.label(second, add=["later"])
    acme.adds(3)
    acme.publishes()
    script = ROOT / "tests" / "exchange" / "killing.py"
    done = subprocess.run(
        [sys.executable, script, follower.path, tmp_path / "attempts"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    attempts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(attempts) > (20 if LONG else 6)
    after = attempts[-1]["after"]
    plain = {identifier: [state.value, list(labels)] for identifier, (state, labels) in before.items()}
    for attempt in attempts:
        assert attempt["killed"] in (plain, after), attempt["step"]
        assert attempt["after"] == after, attempt["step"]
        assert attempt["hits"] == attempts[-1]["hits"]
    assert {tuple(attempt["killed"]) for attempt in attempts} >= {tuple(plain), tuple(after)}
    follower.db = vhashdb.open(follower.path)
