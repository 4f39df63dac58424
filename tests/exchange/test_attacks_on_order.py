"""Old states, other histories, numbers out of order: what a mirror, a thief of keys or the publisher may try."""

import datetime
import hashlib
import json
from types import SimpleNamespace

import pytest
from tuf.ngclient._internal import trusted_metadata_set

from vhashdb import errors
from vhashdb.exchange import chain as chains
from vhashdb.exchange.position import Course, Position, course

from .attacks import lines_of, refused, replace_history
from .feeds import Consumer, put, retract

YESTERDAY = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=1)


def test_rollback(feed, member, tmp_path):
    """A mirror goes back to an older state, whole."""
    feed.publish(put(1))
    older = feed.copy(tmp_path / "older")
    feed.publish(retract(1))
    member.sync()
    feed.become(older)
    refused(member, errors.FeedRollback)


def test_rollback_by_the_keys_themselves(feed, member):
    """Newer metadata with an older head: what was accepted is remembered by number, too."""
    feed.publish(put(1), put(2))
    member.sync()
    replace_history(feed, lines_of(put(1)))
    refused(member, errors.FeedRollback, "ends at event 1; 2 was seen")


def test_rollback_is_noticed_without_the_state_folder(feed, member, tmp_path):
    """The state folder was lost; the position, in the database, was not."""
    feed.publish(put(1))
    older = feed.copy(tmp_path / "older")
    feed.publish(retract(1))
    member.sync()
    again = Consumer(older, feed.first_root, tmp_path / "empty")
    again.state, again.position = member.state, member.position
    refused(again, errors.FeedRollback)


def test_freeze_expired(feed, member):
    """A mirror keeps showing what was true once; it may do so until the timestamp runs out."""
    feed.publish(put(1))
    member.sync()
    feed.forge(timestamp=lambda stamp: setattr(stamp, "expires", YESTERDAY))
    refused(member, errors.FeedExpired)
    refused(member, errors.FeedExpired)  # also when it is unchanged
    feed.publisher.heartbeat()
    member.sync()


def test_freeze_expired_while_nothing_changes(feed, member, monkeypatch):
    """The unchanged timestamp costs one request, but it still has to be in date."""
    feed.publish(put(1))
    member.sync()
    soon = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(hours=1)
    feed.forge(timestamp=lambda stamp: setattr(stamp, "expires", soon))
    member.sync()

    class Later(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.now(tz) + datetime.timedelta(hours=2)

    monkeypatch.setattr(trusted_metadata_set, "datetime", SimpleNamespace(datetime=Later, timezone=datetime.timezone))
    refused(member, errors.FeedExpired)


def test_fast_forward_and_recovery_by_rotation(feed, member):
    """A thief of the online key raises the version so far that the true feed looks old; new keys end that."""
    feed.publish(put(1))
    member.sync()
    good = {p: p.read_bytes() for p in feed.metadata.iterdir()}
    feed.forge(timestamp=lambda stamp: setattr(stamp, "version", 2**31))
    member.sync()
    for path in feed.metadata.iterdir():
        path.unlink()
    for path, data in good.items():
        path.write_bytes(data)
    feed.publish(put(2))
    refused(member, errors.FeedRollback)
    new = feed.new_key("online")
    feed.publisher.rotate("online", drop=[feed.made["online"][0].public.keyid], add=[new.public])
    member.sync()
    assert member.rids == {1, 2}


def test_fork_of_history(feed, member, server, tmp_path):
    """The publisher, or who has its keys, shows different members different pasts."""
    feed.publish(put(1), put(2))
    member.sync()
    replace_history(feed, lines_of(put(1), put(3)))
    refused(member, errors.FeedFork, "history")
    forged = json.loads(member.client.evidence()["targets.json"])  # signed, so it proves the fork to others
    assert forged["signed"]["vhashdb"]["head"]["seq"] == 2
    assert forged["signatures"]
    replace_history(feed, lines_of(put(1), put(3), put(4)))
    refused(member, errors.FeedFork, "not the one that was seen before")
    replace_history(feed, lines_of(put(1), put(2)), lines_of(put(5), first=3))
    member.sync()
    assert member.rids == {1, 2, 5}


def test_fork_by_a_new_epoch_that_the_root_does_not_allow(feed, member):
    """A thief of the targets key begins history anew; only root keys may."""
    feed.publish(put(1))
    member.sync()
    replace_history(feed, lines_of(put(666)))
    feed.forge(lambda targets: targets.unrecognized_fields["vhashdb"].update(epoch=2))
    refused(member, errors.FeedFork, "allow 1 only")


def test_a_new_epoch_is_accepted_wherever_a_member_stood(feed, member, monkeypatch):
    """Also by one who came between the new root and the new history."""
    feed.publish(put(1), put(2), retract(2))
    member.sync()
    new = feed.new_key("targets").public
    publisher = feed.publisher
    monkeypatch.setattr(publisher, "_begin_anew", lambda listing: None)
    publisher.rotate("targets", drop=[feed.made["targets"][0].public.keyid], add=[new], new_epoch=True)
    assert member.sync().epoch == 1
    feed.publisher.rotate("targets", new_epoch=True)
    head = member.sync()
    assert (head.epoch, head.seq, member.rids) == (2, 2, {1})


def test_the_rules_of_positions():
    at = Position("a", 2, 5, b"x" * 32, 3)
    cases = [
        (Position("a", 2, 5, b"x" * 32, 3), Course.UNCHANGED),
        (Position("a", 2, 5, b"x" * 32, 4), Course.UNCHANGED),
        (Position("a", 2, 6, b"y" * 32, 3), Course.AHEAD),
        (Position("a", 3, 1, b"y" * 32, 4), Course.ANEW),
        (Position("a", 2, 4, b"x" * 32, 3), errors.FeedRollback),
        (Position("a", 1, 9, b"x" * 32, 3), errors.FeedRollback),
        (Position("a", 2, 6, b"x" * 32, 2), errors.FeedRollback),
        (Position("a", 2, 5, b"y" * 32, 3), errors.FeedFork),
        (Position("b", 2, 6, b"x" * 32, 3), errors.FeedFork),
    ]
    assert course(None, at) is Course.ANEW
    for head, expected in cases:
        if isinstance(expected, Course):
            assert course(at, head) is expected
        else:
            with pytest.raises(expected):
                course(at, head)


@pytest.mark.parametrize(
    "numbers",
    [[1, 3], [2, 3], [1, 1], [1, 2, 2], [2, 1], [1, 3, 2], [0, 1], [1, 2, 4]],
    ids=str,
)
def test_gap_repeat_and_reorder_of_seq(feed, member, numbers):
    feed.publish()
    good = lines_of(*(put(n) for n in range(1, 6)))
    lines = [good[n - 1] if n else b'{"at":"2026-11-25T16:00:00Z","op":"note","seq":0,"text":""}' for n in numbers]
    value = chains.start("acme-tvec")
    for line in lines:
        value = chains.extend(value, hashlib.sha256(line).digest())
    replace_history(feed, lines, chain=value)
    refused(
        member, errors.FeedMalformed if 0 in numbers else errors.FeedGap, "sequence number" if 0 in numbers else "stands where|follows on"
    )


def test_a_gap_between_files(feed, member):
    feed.publish(put(1))
    feed.publish(put(2))
    feed.publish(put(3))
    feed.forge(lambda targets: targets.targets.pop("segments/0000000002-0000000002.jsonl.zst"))
    refused(member, errors.FeedGap, "no files that lead")


def test_a_bad_record_is_skipped_and_counted_never_fatal(feed, member):
    lines = lines_of(put(1), put(2), put(3))
    lines[1] = lines[1].replace(b'"rev":1', b'"rev":"one"')
    replace_history(feed, lines)
    member.sync()
    assert member.rids == {1, 3}
    assert member.applied == 3
