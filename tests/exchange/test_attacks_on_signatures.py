"""What a mirror or a thief of some keys may try, performed on the bytes of real feeds over real HTTP. Each ends with the rule
that was broken, and with the member's state as it was."""

import pytest

from vhashdb import errors
from vhashdb.exchange import events as e
from vhashdb.exchange import trust

from .attacks import lines_of, packed, refused
from .feeds import NOW, Consumer, Feed, alias, put, served


def test_arbitrary_file_swap(feed, member):
    """A mirror swaps a segment, the targets, the snapshot, the timestamp."""
    feed.publish(put(1))
    member.sync()
    feed.publish(put(2))
    (segment,) = feed.targets.glob("segments/*.0000000002-*")
    good = segment.read_bytes()
    segment.write_bytes(packed(*lines_of(e.Note(at=NOW), first=2)))
    refused(member, errors.FeedDigest, "not the file that was signed")
    segment.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    refused(member, errors.FeedDigest)
    segment.write_bytes(good[:-1])
    refused(member, errors.FeedDigest)
    segment.write_bytes(good)
    member.sync()
    assert member.rids == {1, 2}


@pytest.mark.parametrize("name", ["targets", "snapshot", "timestamp"])
def test_arbitrary_file_swap_of_metadata(feed, member, name):
    feed.publish(put(1))
    path = feed.metadata / (
        "timestamp.json" if name == "timestamp" else f"{dict(zip(('snapshot', 'targets'), feed.current(), strict=True))[name]}.json"
    )
    good = path.read_bytes()
    path.write_bytes(good.replace(b"acme-tvec", b"acme-evil").replace(b'"version":2', b'"version":9'))
    refused(member, errors.FeedSignature if name == "timestamp" else errors.FeedDigest)
    path.write_bytes(b"{}" if name == "timestamp" else good[:50])
    refused(member, errors.FeedMalformed if name == "timestamp" else errors.FeedDigest)
    path.write_bytes(b"[" * 10_000)
    refused(member, errors.FeedMalformed if name == "timestamp" else errors.FeedOversize)
    path.write_bytes(good)
    member.sync()
    assert member.rids == {1}


def test_another_feed_in_its_place(feed, member, tmp_path):
    other = Feed(tmp_path, "evil-feed")
    other.publish(put(666))
    member.sync()
    feed.become(other.folder)
    refused(member, errors.FeedSignature)


def test_threshold_not_met(tmp_path):
    feed = Feed(tmp_path, thresholds={"targets": 2}, keys={"targets": 3})
    with served(feed.folder) as server:
        member = Consumer(server.url, feed.first_root, tmp_path / "member")
        feed.publish(put(1))
        member.sync()
        feed.forge(lambda targets: targets.targets.clear(), targets_keys=feed.made["targets"][:1])
        refused(member, errors.FeedSignature, "1/2 keys")
        with pytest.raises(errors.KeyUnusable, match="takes 2"):
            for made in feed.made["targets"][1:]:
                made.path.unlink()
            feed.publish(put(2))


def test_one_key_counted_twice(tmp_path):
    """The same signature twice; and the same key under two ids, in a root that is signed as it should be."""
    feed = Feed(tmp_path, thresholds={"targets": 2}, keys={"targets": 2})
    with served(feed.folder) as server:
        member = Consumer(server.url, feed.first_root, tmp_path / "member")
        member.sync()
        mirror = feed.copy(tmp_path / "mirror")
        feed.forge(targets_keys=feed.made["targets"][:1])
        _, name = feed.current()
        path = feed.metadata / f"{name}.json"
        data = path.read_bytes()
        start = data.index(b'"signatures":[') + len(b'"signatures":[')
        end = data.index(b"]", start)
        path.write_bytes(data[:end] + b"," + data[start:end] + data[end:])
        _sign_listing_again(feed, name)
        refused(member, errors.FeedMalformed, "Multiple signatures")
        feed.become(mirror)
        member = Consumer(server.url, feed.first_root, tmp_path / "another")

        root = feed.read("1.root")
        key = feed.made["targets"][0].public
        root.signed.roles["targets"].keyids = []
        for same in (key, alias(key, "ab" * 32)):
            root.signed.add_key(same, "targets")
        root.signed.version = 2
        feed._sign(root, feed.made["root"])
        feed._put(root, "2.root")
        targets = feed.read(feed.current()[1])
        targets.signatures.clear()
        own = targets.sign(feed.made["targets"][0].unlock(lambda _: "correct horse battery staple"))
        twice = type(own)("ab" * 32, own.signature)
        targets.signatures["ab" * 32] = twice
        feed._put(targets, feed.current()[1])
        _sign_listing_again(feed, feed.current()[1])
        refused(member, errors.FeedSignature, "one key twice")
        with pytest.raises(errors.FeedSignature, match="one key twice"):
            trust.check_root((feed.metadata / "2.root.json").read_bytes())


def _sign_listing_again(feed, targets_name):
    """Have snapshot and timestamp name the targets file as it is now."""
    version = int(targets_name.split(".")[0])
    snapshot = feed.read(feed.current()[0])
    snapshot.signed.version += 1
    snapshot.signed.meta["targets.json"] = feed._meta(targets_name, version)
    feed._sign(snapshot, feed.made["online"])
    feed._put(snapshot, f"{snapshot.signed.version}.snapshot")
    stamp = feed.read("timestamp")
    stamp.signed.version += 1
    stamp.signed.snapshot_meta = feed._meta(f"{snapshot.signed.version}.snapshot", snapshot.signed.version)
    feed._sign(stamp, feed.made["online"])
    feed._put(stamp, "timestamp")


def test_a_root_from_elsewhere_is_refused(feed, tmp_path):
    other = Feed(tmp_path, "other")
    member = Consumer(feed.folder, other.first_root, tmp_path / "member")
    refused(member, errors.FeedSignature)
    for no_root in (b"", b"{}", (feed.metadata / "timestamp.json").read_bytes()):
        with pytest.raises(errors.FeedMalformed):
            trust.check_root(no_root)
    with pytest.raises(errors.FeedSignature):
        trust.check_root(feed.first_root.replace(b'"threshold":1', b'"threshold": 1').replace(b'"version":1', b'"version":7'))
