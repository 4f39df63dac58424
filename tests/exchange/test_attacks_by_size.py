"""Whatever arrives, it costs no more than the limits allow."""

import io
import itertools

import pytest
import zstandard
from tuf.api.metadata import TargetFile

from vhashdb import errors
from vhashdb.exchange import events as e
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.segments import read_lines

from .attacks import add_file, packed, refused, replace_history
from .feeds import Consumer, Feed, put


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
