"""One's own feed is looked at as others will see it."""

import os

import pytest

from vhashdb import errors
from vhashdb.exchange.verify import verify_feed

from .attacks import add_file, lines_of, packed, replace_history
from .feeds import Feed, put, retract


def test_a_good_feed(feed):
    feed.publish(put(1), put(2), put(3))
    feed.publisher.compact()
    feed.publish(retract(1), retract(2, erase=True))
    report = verify_feed(feed.folder, feed.first_root)
    assert (report.records, report.retracted, report.malformed, report.whole, report.stray) == (1, 2, (), True, 0)
    feed.publisher.compact(keep_events=0)
    assert not verify_feed(feed.folder, feed.first_root).whole


def test_an_empty_feed(feed):
    assert verify_feed(feed.folder, feed.first_root).records == 0


def test_bad_records_and_strays_are_told(feed):
    lines = lines_of(put(1), put(2))
    replace_history(feed, [lines[0], lines[1].replace(b'"rev":1', b'"rev":0')])
    (feed.targets / "segments" / "left-over").write_bytes(b"x")
    report = verify_feed(feed.folder, feed.first_root)
    assert [seq for seq, _ in report.malformed] == [2]
    assert report.stray == 1


def test_a_file_that_a_new_member_does_not_need_is_checked_too(feed):
    for rev in range(1, 12):
        feed.publish(put(1, rev=rev))
    feed.publisher.compact()
    for segment in feed.targets.glob("segments/*"):
        segment.write_bytes(b"x")
    with pytest.raises(errors.FeedMalformed, match="damaged"):
        verify_feed(feed.folder, feed.first_root)


def test_a_snapshot_that_is_not_the_history_is_found(feed):
    feed.publish(put(1), put(2))
    feed.publisher.compact()
    lines = lines_of(put(1))

    def change(targets):
        (path,) = (path for path in targets.targets if path.startswith("snapshots"))
        add_file(feed, targets, path, packed(*lines), dict(targets.targets[path].custom, lines=1, raw=len(lines[0]) + 1))

    feed.forge(change)
    with pytest.raises(errors.FeedFork, match="adds up to"):
        verify_feed(feed.folder, feed.first_root)


def test_of_another_publisher(feed, tmp_path):
    with pytest.raises(errors.FeedSignature):
        verify_feed(feed.folder, Feed(tmp_path, "other").first_root)


def test_a_pipe_in_the_place_of_a_file_that_members_do_not_need_is_not_waited_for(feed):
    """What a member reads is bounded elsewhere; this is the rest."""
    for number in range(1, 4):
        feed.publish(put(number))
    feed.publisher.compact(keep_events=10)
    (snapshot,) = feed.publisher.listing().snapshots
    needed = feed.targets / snapshot.stored
    needed.unlink()
    os.mkfifo(needed)
    with pytest.raises(errors.FeedError, match="not a regular file"):
        verify_feed(feed.folder, feed.first_root)
