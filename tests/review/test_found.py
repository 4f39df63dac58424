"""What `vhashdb match --json` printed, read back."""

import base64
import contextlib
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from vhashdb.review.found import Stretch, read_matches

RECORD, SHA256 = "ab" * 16, "cd" * 32
SEGMENT = {
    "query_start_s": 1.0, "query_end_s": 2.0, "reference_start_s": 3.5, "reference_end_s": 4.5, "speed": 1.0, "view": "mirrored"
}  # fmt: skip


def line(kind, path="a.mp4", **more):
    facts = {"file": {"verdict": "match", "sha256": SHA256}, "match": {"record": RECORD, "verdict": "match", "score": 0.9, "segments": []}}
    return json.dumps({"type": kind, "path": path, **facts.get(kind, {}), **more}).encode()


def test_a_match_knows_its_file():
    lines = [line("file"), line("match", segments=[SEGMENT], labels=["x"], source="acme", reason="why", identical=True), line("summary")]
    (found,) = read_matches(lines)
    assert (found.path, found.sha256, found.record, found.score, found.identical) == ("a.mp4", SHA256, RECORD, 0.9, True)
    assert found.segments == (Stretch(1.0, 2.0, 3.5, 4.5, 1.0, "mirrored"),)
    assert (found.labels, found.source, found.reason) == (("x",), "acme", "why")


def test_a_match_by_sound_alone_says_where_to_listen():
    sound = {name: value for name, value in SEGMENT.items() if name != "view"} | {"semitones": 2.0}
    (found,) = read_matches([line("file"), line("match", sounds=[sound], sound="the same")])
    assert (found.segments, found.said_of_sound) == ((), "the same")
    assert found.sounds == (Stretch(1.0, 2.0, 3.5, 4.5, 1.0, ""),)


def test_lines_of_a_version_that_did_not_listen_say_nothing_of_sound():
    (found,) = read_matches([line("file"), line("match", segments=[SEGMENT])])
    assert (found.sounds, found.said_of_sound) == ((), "")


def test_a_name_that_is_not_text_is_read_exactly():
    raw = b"caf\xe9.mp4"
    exact = {"path_base64": base64.b64encode(raw).decode()}
    (found,) = read_matches([line("file", "caf\ufffd.mp4", **exact), line("match", "caf\ufffd.mp4", **exact)])
    assert os.fsencode(found.path) == raw
    assert found.sha256 == SHA256


def test_a_file_without_a_hash_has_none():
    (found,) = read_matches([line("file", sha256=None), line("match")])
    assert found.sha256 is None


def test_what_nobody_knows_is_passed_over():
    assert list(read_matches([b"", line("summary"), line("novelty"), line("file", novelty=1)])) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([b"no json"], "line 1 is not JSON"),
        ([line("file"), b"[1]"], "line 2 is not a JSON object"),
        ([line("match", record="../../etc")], "line 1 is not a match line"),
        ([line("match", segments=[{}])], "line 1 is not a match line"),
        ([line("match", score="high")], "line 1 is not a match line"),
        ([line("match", score=float("inf"))], "line 1 is not a match line"),
        ([line("match", score=10**400)], "line 1 is not a match line"),
        ([line("match", path_base64="*")], "line 1 is not a match line"),
        ([line("record")], "none of the 1 lines is about a file"),
        ([], "there is nothing in it"),
        ([b"[" * 100_000], "line 1 is not JSON"),
    ],
)
def test_anything_else_is_refused_by_line(lines, message):
    with pytest.raises(vhashdb.FormatError, match=message) as caught:
        list(read_matches(lines))
    assert "JSON lines" in caught.value.hint


NAMES = st.sampled_from([*json.loads(line("match")), "path_base64"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=8)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6).map(lambda value: json.dumps(value | {"type": "match"}).encode())


@settings(max_examples=examples(50))
@given(st.lists(st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()) | OBJECTS))
def test_no_input_does_anything_but_be_read_or_refused(lines):
    with contextlib.suppress(vhashdb.FormatError):
        list(read_matches(lines))
