"""A line may only go with the retraction that allows it."""

from vhashdb import errors
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events as e

from .attacks import add_file, chain_of, lines_of, packed, refused, replace_history
from .feeds import put, retract, rid


def test_illegal_stub_quarantines(feed, member):
    """A line may only go with the retraction that allows it; otherwise history would be editable."""
    lines = lines_of(put(1), put(2), retract(3, erase=True), retract(1))
    stub = e.encode(1, e.Redacted(rid(1), chains.leaf(lines[0], put(1)).hex()))
    replace_history(feed, [stub, *lines[1:]])
    refused(member, errors.FeedIllegalStub, "event 1 about")
    lines = lines_of(put(1), put(2), retract(1, erase=True))
    replace_history(feed, [stub, *lines[1:]])
    member.sync()
    assert member.rids == {2}


def test_a_stub_with_another_leaf_is_a_fork(feed, member):
    feed.publish(put(1))
    member.sync()
    lines = lines_of(put(1), put(2), retract(2, erase=True))
    true_chain = chain_of("acme-tvec", lines)
    forged = [lines[0], e.encode(2, e.Redacted(rid(2), "0" * 64)), lines[2]]
    replace_history(feed, forged, chain=true_chain)
    refused(member, errors.FeedFork)


def test_a_stub_in_a_snapshot_is_refused(feed, member):
    feed.publish(put(1), put(2))
    feed.publisher.compact(keep_events=0)
    stub = e.encode(1, e.Redacted(rid(1), "0" * 64))

    def change(targets):
        (path,) = targets.targets
        custom = dict(targets.targets[path].custom, lines=1, raw=len(stub) + 1)
        add_file(feed, targets, path, packed(stub), custom)

    feed.forge(change)
    refused(member, errors.FeedIllegalStub, "no place for it")
