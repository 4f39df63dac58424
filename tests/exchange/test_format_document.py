"""A reader written from docs/feed-format.md alone, with nothing of vhashdb, comes to the same state and the same chain.

It checks no signatures: that is The Update Framework's part, and written by others.
"""

import hashlib
import json
import re
from pathlib import Path

import zstandard

from vhashdb.exchange import events as e

from .feeds import NOW, Feed, put, retract, rid
from .test_events import RID


def read_feed(folder):
    """Chapters 1 to 5: the head, and what counts, as JSON objects."""

    def signed(name):
        return json.loads((folder / "metadata" / f"{name}.json").read_text())["signed"]

    snapshot = signed(f"{signed('timestamp')['meta']['snapshot.json']['version']}.snapshot")
    targets = signed(f"{snapshot['meta']['targets.json']['version']}.targets")
    head = targets["vhashdb"]["head"]
    segments = sorted(
        ((f["custom"], path, f["hashes"]["sha256"]) for path, f in targets["targets"].items() if f["custom"]["kind"] == "segment"),
        key=lambda part: part[0]["first"],
    )
    chain = hashlib.sha256(b"vhashdb-feed-v1\n" + targets["vhashdb"]["feed"].encode()).digest()
    seq, said, opinions, allowed, same, stubs = 0, {}, {}, {}, {}, set()
    for custom, path, sha256 in segments:
        assert re.fullmatch(r"(segments|snapshots|taxonomy)/[a-z0-9][a-z0-9.-]{0,80}", path)
        data = (folder / "targets" / path.replace("/", f"/{sha256}.")).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256
        raw = zstandard.ZstdDecompressor().stream_reader(data).read()
        assert len(raw) == custom["raw"]
        assert raw.endswith(b"\n")
        for line in raw[:-1].split(b"\n"):
            event = json.loads(line)
            seq += 1
            assert event["seq"] == seq
            leaf = bytes.fromhex(event["redacted"]) if "redacted" in event else hashlib.sha256(line).digest()
            chain = hashlib.sha256(chain + leaf).digest()
            before = said.get(event.get("rid"))
            closed = before is not None and before["op"] == "retract" and before["erase"]
            match event.get("op"):
                case None:
                    stubs.add(event["rid"])
                case "put" if not closed and (before is None or event["rev"] > before["rev"]):
                    said[event["rid"]] = event
                case "retract":
                    if event["erase"]:
                        stubs.discard(event["rid"])
                    if not closed and (before is None or event["erase"] or event["rev"] >= before["rev"]):
                        said[event["rid"]] = event
                case "opinion":
                    opinions[event["on"]["feed"], event["on"]["rid"]] = event
                case "allow":
                    allowed[event["rid"]] = event
                case "revoke_allow":
                    allowed.pop(event["rid"], None)
                case "same_video":
                    name = event["rid"], event["other"]["feed"], event["other"]["rid"]
                    same.pop(name, None)
                    if event["same"]:
                        same[name] = event
        assert custom["chain"] == chain.hex()
    assert (seq, chain.hex()) == (head["seq"], head["chain"])
    assert not stubs
    return said, opinions, allowed, same


def test_a_reader_written_from_the_document_agrees(tmp_path):
    feed = Feed(tmp_path)
    signal = (e.Signal("md5", "0" * 32, 128),)
    feed.publish(*(put(n, labels=("tvec",)) for n in range(12)))
    feed.publish(retract(1), put(1, rev=3), retract(2, erase=True), put(3, rev=1), retract(4, rev=1))
    feed.publish(e.Opinion(e.Subject("b", RID, 1), "agree"), e.Opinion(e.Subject("b", RID, 1), "outdated"), e.Note("hello"))
    feed.publish(e.Allow(rid(50), signal), e.Allow(rid(51), signal), e.RevokeAllow(rid(50)))
    feed.publish(*(e.SameVideo(rid(5), e.SharedId("b", rid(n)), same) for n, same in ((1, True), (2, True), (2, False))))
    for number in range(20, 40):
        feed.publish(put(number))
    ours = feed.publisher.state()
    said, opinions, allowed, same = read_feed(feed.folder)
    assert {key: (event["seq"], event["rev"], event["op"] == "retract", event.get("erase", False)) for key, event in said.items()} == {
        key: (said.seq, said.rev, said.retracted, said.erased) for key, said in ours.records.items()
    }
    assert {key: event["seq"] for key, event in opinions.items()} == ours.opinions
    assert {key: event["seq"] for key, event in allowed.items()} == ours.allowed
    assert {key: event["seq"] for key, event in same.items()} == ours.same_video
    assert len(said) == 32


def test_the_document_names_every_field_and_value():
    text = (Path(__file__).parents[2] / "docs" / "feed-format.md").read_text()
    full = e.Put(RID, 1, (e.Signal("md5", "0" * 32),), at=NOW)
    names = set(json.loads(e.encode(1, full))) | {
        "first_seen",
        "review_by",
        "expires",
        "jurisdiction",
        "saw_content",
        "exceptions",
        "other",
        "same",
    }
    values = {*e.RETRACTION_REASONS, *e.VERDICTS, *e.BASES, *e.EXCEPTIONS, *e.OPERATIONS, *e.FILE_HASHES}
    assert [word for word in sorted(names | values) if not re.search(rf"\b{word}\b", text)] == []
