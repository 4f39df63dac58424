"""Frames of others: how qualities and times are read, and that a bad one is left out, counted and named."""

import base64
import json

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.exchange.formats.reader import entries, items, refused
from tests.exchange.formats.samples import MD5, OTHER_PDQ, PDQ
from vhashdb.exchange.formats import Item, Refusal
from vhashdb.fingerprints.text import quality_of, seconds_of, to_lines


@pytest.mark.parametrize(
    ("given", "quality"), [("80", 80), ("80.0", 80), (80, 80), (80.0, 80), (" 79.6 ", 80), (0, 0), ("1", 1), ("1.0", 1), ("1e2", 100)]
)
def test_a_quality_is_a_number_up_to_100(given, quality):
    assert quality_of(given) == quality


@pytest.mark.parametrize(
    "given", ["", "good", "101", -1, 0.85, "0.85", "80%", True, None, [], float("nan"), "1_0", "８０", "9" * 5000, 10**400]
)
def test_what_is_no_quality_is_refused_in_plain_words(given):
    with pytest.raises(ValueError, match="quality") as caught:
        quality_of(given)
    assert len(str(caught.value)) < 150


def test_a_share_is_not_taken_for_a_quality():
    with pytest.raises(ValueError, match="multiply it by 100"):
        quality_of(0.85)


@pytest.mark.parametrize(("given", "seconds"), [("1e3", 1000.0), ("1.23e+03", 1230.0), (0, 0.0), ("0.041", 0.041), ("4.", 4.0)])
def test_times(given, seconds):
    assert seconds_of(given) == seconds


@pytest.mark.parametrize("given", ["-0.1", -1, "1e30", 1e12, "99999999999", "inf", "NaN", "", None, "1:02", float("inf"), "1e9999"])
def test_what_is_no_time_of_a_video_is_refused(given):
    with pytest.raises(ValueError, match="time"):
        seconds_of(given)


def lists(seconds):
    """A video of frames at these times, the last of which is bad, in each form that has lists of frames; what counts in it."""
    times = [*map(str, range(seconds)), "99999999999"]
    rows = [f"{PDQ},100,{time}" for time in times]
    dumped = json.dumps(rows)
    attribute = {"type": "text", "object_relation": "vpdq", "value": dumped}
    stix = {"type": "indicator", "id": "indicator--1", "pattern": "", "extensions": {EXTENSION: {"record": {"vpdq": rows}}}}
    good = vhashdb.from_vpdq("".join(f"{n},100,{PDQ},{n}\n" for n in range(seconds)))
    ours = json.loads(vhashdb.to_json(good))
    ours["entries"].append(ours["entries"][0] | {"quality": 500})
    return {
        "vpdq": "".join(f"{n},100,{PDQ},{time}\n" for n, time in enumerate(times)),
        "vpdq-json": dumped,
        "vpdq-json-old": json.dumps({n: {"quality": 100, "hash": PDQ, "timestamp": time} for n, time in enumerate(times)}),
        "text": to_lines(good) + f"0 99999999999 0 100 {PDQ}\n",
        "signals": f"vpdq {json.dumps(rows, separators=(',', ':'))}\n",
        "csv": "id,pdq,quality,seconds\n" + "".join(f"7,{PDQ},80.0,{time}\n" for time in times),
        "jsonl": json.dumps({"vpdq": rows}) + "\n",
        "json": json.dumps([{"vpdq": rows}]),
        "ours": json.dumps(ours),
        "misp": json.dumps({"Event": {"Object": [{"name": "x", "uuid": "1", "Attribute": [attribute]}]}}),
        "stix": json.dumps({"type": "bundle", "objects": [stix]}),
        "dataset": f'signal_type,signal_str,collab,category,tags\nvpdq,"{dumped.replace(chr(34), chr(34) * 2)}",a,POSITIVE_CLASS,\n',
    }


EXTENSION = "extension-definition--5f6f7b52-4d2c-5cc4-9a0b-8f1d6a3c2e70"
KINDS = ("vpdq", "vpdq-json", "vpdq-json-old", "text", "signals", "csv", "jsonl", "json", "ours", "misp", "stix", "dataset")


@pytest.mark.parametrize("kind", KINDS)
def test_one_bad_frame_of_many_is_left_out_and_named(kind):
    found = entries(lists(20)[kind])[1]
    (item,) = [e for e in found if isinstance(e, Item)]
    assert len(item.frames) == 20
    assert not item.unread
    (note,) = item.notes
    assert note.startswith("1 of 21 frames were left out: ")
    by_line = [e for e in found if isinstance(e, Refusal)]
    assert all(e.within for e in by_line)
    if kind in ("vpdq", "vpdq-json", "vpdq-json-old", "text"):
        assert [e.number for e in by_line] == [21]
    elif kind == "csv":
        assert [e.number for e in by_line] == [22]
    else:
        assert "frame 21: " in note


@pytest.mark.parametrize("kind", ["vpdq", "jsonl", "csv"])
def test_a_video_of_which_most_is_unreadable_says_so_and_one_of_which_all_is_is_refused(kind):
    data = lists(20)[kind]
    worse = data.replace(PDQ, "x", 15)
    (item,) = [e for e in entries(worse)[1] if isinstance(e, Item)]
    assert item.unread == "16 of its 21 frames cannot be read"
    assert not [e for e in entries(data.replace(PDQ, "x"), kind)[1] if isinstance(e, Item)]


def test_a_single_hash_is_a_still_picture_like_one_that_is_hashed_here():

    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (9, 16, 3), np.uint8)).resize((320, 180))
    hashed = vhashdb.fingerprint(picture)
    (item,) = items(f"pdq {PDQ}\n")
    assert (item.frames.start_s[0], item.frames.end_s[0], item.frames.duration_s) == (hashed.start_s[0], hashed.end_s[0], hashed.duration_s)
    assert item.frames.usable_s > 0


def test_several_videos_in_one_text():
    named = f"# a.mp4\n0,100,{PDQ},0\n1,100,{PDQ},1\n# b.mp4\n0,100,{OTHER_PDQ},0\n"
    assert [(i.title, i.number, len(i.frames)) for i in items(named)] == [("a.mp4", 1, 2), ("b.mp4", 4, 1)]
    joined = f"0,100,{PDQ},0\n1,100,{PDQ},1\n0,100,{OTHER_PDQ},0\n1,100,{OTHER_PDQ},1\n"
    assert [(i.title, i.number, len(i.frames)) for i in items(joined)] == [("", 1, 2), ("", 3, 2)]
    assert refused(f"0,100,{PDQ},0\n# empty.mp4\n") == {2: "no frame of 'empty.mp4' can be read"}


def test_frames_that_are_all_numbered_0_are_of_one_video():
    (item,) = items(f"0,100,{PDQ},0\n0,100,{OTHER_PDQ},1\n0,100,{PDQ},2\n")
    assert len(item.frames) == 3


def test_entries_are_put_in_their_order():
    good = vhashdb.from_vpdq(f"0,100,{PDQ},0\n1,100,{OTHER_PDQ},1\n")
    ours = json.loads(vhashdb.to_json(good))
    ours["entries"].reverse()
    (item,) = items(json.dumps(ours))
    assert item.frames == good
    (packed,) = items(json.dumps({"md5": MD5, "fingerprint": base64.b64encode(vhashdb.to_bytes(good)).decode()}))
    assert packed.frames == good
