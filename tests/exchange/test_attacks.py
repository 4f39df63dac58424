"""What others may try, performed on the bytes of real feeds over real HTTP. Each ends with the rule that was broken, and
with the member's state as it was."""

import datetime
import hashlib
import io
import itertools
import time

import pytest
import zstandard
from tuf.api.metadata import TargetFile

from vhashdb import errors
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events as e
from vhashdb.exchange import trust
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.position import Course, Position, course
from vhashdb.exchange.segments import read_lines

from .feeds import NOW, Consumer, Feed, alias, plain, put, retract, rid, served

YESTERDAY = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(days=1)


def refused(member, kind, words=None):
    """The member stops with this error, and nothing of it was accepted."""
    before = plain(member.state), member.position
    with pytest.raises(kind, match=words) as caught:
        member.sync()
    assert type(caught.value) is kind
    assert caught.value.exit_code == 5
    assert (plain(member.state), member.position) == before
    return caught.value


def packed(*lines):
    return zstandard.ZstdCompressor().compress(b"".join(line + b"\n" for line in lines))


def lines_of(*events, first=1):
    return [e.encode(seq, event) for seq, event in enumerate(events, first)]


def chain_of(feed_id, lines):
    value = chains.start(feed_id)
    for line in lines:
        value = chains.extend(value, chains.leaf(line, e.decode(line)[1]))
    return value


def replace_history(feed, *parts, raw=None, head=None, chain=None, lines=None):
    """A publisher, or a thief of its targets keys, publishes these files of lines as its whole history."""
    history = [line for part in parts for line in part]

    def change(targets):
        targets.targets.clear()
        first, done = 1, []
        for part in parts:
            last, done = first + len(part) - 1, done + part
            data = packed(*part)
            custom = {
                "kind": "segment", "first": first, "last": last, "lines": len(part), "raw": raw or sum(len(line) + 1 for line in part),
                "chain": chain_of("acme-tvec", done).hex() if chain is None else chain.hex(),
            }  # fmt: skip
            add_file(feed, targets, f"segments/{first:010d}-{last:010d}.jsonl.zst", data, custom)
            first = last + 1
        value = chain_of("acme-tvec", history) if chain is None else chain
        targets.unrecognized_fields["vhashdb"]["head"] = {"seq": head or len(history), "chain": value.hex()}

    feed.forge(change)


def add_file(feed, targets, path, data, custom):
    digest = hashlib.sha256(data).hexdigest()
    folder, name = path.split("/")
    (feed.targets / folder).mkdir(parents=True, exist_ok=True)
    (feed.targets / folder / f"{digest}.{name}").write_bytes(data)
    targets.targets[path] = TargetFile(len(data), {"sha256": digest}, path, {"custom": custom})


# -- bytes and signatures --------------------------------------------------------------------------


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


# -- time and order --------------------------------------------------------------------------------


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
    feed.forge(
        timestamp=lambda stamp: setattr(
            stamp, "expires", datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=1)
        )
    )
    member.sync()
    time.sleep(1.1)
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
    replace_history(feed, lines_of(put(1), put(3), put(4)))
    refused(member, errors.FeedFork, "not the one that was seen before")
    replace_history(feed, lines_of(put(1), put(2)), lines_of(put(5), first=3))
    member.sync()
    assert member.rids == {1, 2, 5}


def test_fork_by_a_new_epoch_without_a_new_root(feed, member):
    feed.publish(put(1))
    member.sync()
    feed.publisher.new_epoch()
    refused(member, errors.FeedFork, "without a new root")


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
        (Position("a", 3, 1, b"y" * 32, 3), errors.FeedFork),
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


# -- size ------------------------------------------------------------------------------------------


def endless(handler):
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    try:
        for _ in itertools.count():
            handler.wfile.write(b"10000\r\n" + b"a" * 0x10000 + b"\r\n")
    except OSError:
        handler.close_connection = True


@pytest.mark.parametrize("name", ["timestamp.json", "root.json", "snapshot.json", "targets.json", "segments/"])
def test_endless_file(feed, member, server, name):
    feed.publish(put(1))
    if name == "root.json":
        member.sync()
        feed.publisher.heartbeat()
    server.tricks[name] = endless
    refused(member, errors.FeedOversize)
    server.tricks.clear()
    member.sync()
    assert member.rids == {1}


def test_a_file_larger_than_allowed_is_not_begun(feed, tmp_path, server):
    feed.publish(put(1))
    small = Consumer(server.url, feed.first_root, tmp_path / "m1", FeedLimits(file_bytes=10))
    refused(small, errors.FeedOversize, "at most 10")
    small = Consumer(server.url, feed.first_root, tmp_path / "m2", FeedLimits(fetch_bytes=10))
    refused(small, errors.FeedOversize, "to be fetched")
    small = Consumer(server.url, feed.first_root, tmp_path / "m3", FeedLimits(files=0))
    refused(small, errors.FeedOversize, "lists 1 files")
    assert not [path for path, _ in server.asked if "segments" in path]


def bomb(size):
    return zstandard.ZstdCompressor().compress(bytes(size))


def test_decompression_bomb(feed, member, server):
    """Declared: refused before it is read. Undeclared: stopped at the signed size."""
    data = bomb(1 << 28)

    def change(raw):
        def add(targets):
            targets.targets.clear()
            custom = {"kind": "segment", "first": 1, "last": 1, "lines": 1, "raw": raw, "chain": "0" * 64}
            add_file(feed, targets, "segments/0000000001-0000000001.jsonl.zst", data, custom)
            targets.unrecognized_fields["vhashdb"]["head"] = {"seq": 1, "chain": "0" * 64}

        return add

    feed.forge(change(1 << 28))
    refused(member, errors.FeedOversize, "become 268435456")
    assert not [path for path, _ in server.asked if "segments" in path]
    feed.forge(change(1000))
    refused(member, errors.FeedOversize, "more than the 1000 bytes")


def test_a_frame_that_asks_for_too_much_memory():
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    data = zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(b"")
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    data = compressor.compress(b"x" * 100) + compressor.flush()
    with pytest.raises(errors.FeedMalformed, match="decompressed"):
        list(read_lines(io.BytesIO(data), 100, FeedLimits()))


def test_gigantic_line(feed, tmp_path, server):
    replace_history(feed, [e.encode(1, put(1)) + b" " * 200_000])
    member = Consumer(server.url, feed.first_root, tmp_path / "m", FeedLimits(line_bytes=100_000))
    refused(member, errors.FeedOversize, "line of more than 100000")
    small = Feed(tmp_path, "small", limits=FeedLimits(line_bytes=100))
    with pytest.raises(errors.FeedOversize, match="at most 100"):
        small.publish(put(1))


def test_a_gigantic_line_without_an_end_is_not_held(feed):
    limits = FeedLimits(line_bytes=1 << 20, raw_bytes=1 << 40, ratio=1 << 30)
    with pytest.raises(errors.FeedOversize, match="line of more than"):
        list(read_lines(io.BytesIO(bomb(1 << 26)), 1 << 26, limits))


@pytest.mark.parametrize("data", [b"", b"\0" * 50, packed(b"{}")[:-3], packed(b"{}") + b"more"], ids=["empty", "noise", "cut", "tail"])
def test_what_is_no_segment_is_refused(data):
    with pytest.raises(errors.FeedMalformed):
        for line in read_lines(io.BytesIO(data), 9 if data.endswith(b"more") else 3, FeedLimits()):
            assert line == b"{}"
    with pytest.raises(errors.FeedMalformed, match="middle of a line"):
        list(read_lines(io.BytesIO(zstandard.ZstdCompressor().compress(b"{}")), 2, FeedLimits()))


def test_a_path_that_leads_elsewhere_is_refused(feed, member):
    for path in ("../evil", "segments/../../evil", "/etc/evil", "segments/a/b", "segments/.a", "metadata/x"):
        feed.forge(
            lambda targets, path=path: targets.targets.update(
                {path: TargetFile(1, {"sha256": "0" * 64}, path, {"custom": {"kind": "other"}})}
            )
        )
        refused(member, errors.FeedMalformed, "path of a file")
        feed.forge(lambda targets, path=path: targets.targets.pop(path))
    member.sync()


# -- erasure ---------------------------------------------------------------------------------------


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
