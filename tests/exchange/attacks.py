"""How attacks are performed and what has to come of them."""

import copy
import hashlib

import pytest
import zstandard
from tuf.api.metadata import TargetFile

from vhashdb.errors import FeedError
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events as e


def refused(member, kind, words=None):
    """The member stops with this error, and nothing of it was accepted."""
    before = copy.deepcopy(member.state), member.content, member.position
    with pytest.raises(kind, match=words) as caught:
        member.sync()
    assert type(caught.value) is kind
    assert isinstance(caught.value, FeedError)
    assert (member.state, member.content, member.position) == before
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
