"""The text forms: JSON holds everything, vPDQ text the frames of the whole picture."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.fingerprints.strategies import ALGORITHMS, fingerprints
from tests.footage import fingerprint_of, random_hashes
from vhashdb.hashing.views import Region


def changed(**changes):
    """The JSON of a good fingerprint with something changed; ``entry`` changes its first entry."""
    data = json.loads(vhashdb.to_json(fingerprint_of(random_hashes(1, 2))))
    data["entries"][0] |= changes.pop("entry", {})
    return json.dumps(data | changes)


@given(fingerprints())
@settings(max_examples=examples(150))
def test_every_fingerprint_survives_json(fingerprint):
    again = vhashdb.from_json(vhashdb.to_json(fingerprint))
    assert again == fingerprint
    assert vhashdb.to_bytes(again) == vhashdb.to_bytes(fingerprint)


def test_json_is_the_documented_form():
    fingerprint = fingerprint_of(random_hashes(1, 1), step_s=0.5, damage=["cut"])
    assert json.loads(vhashdb.to_json(fingerprint)) == {
        "format": "vhashdb-fingerprint",
        "version": 1,
        "algorithm": {"name": "pdq", "bits": 256, "spec": 1},
        "duration_s": 0.5,
        "width": 320,
        "height": 180,
        "damage": ["cut"],
        "entries": [{"start_s": 0.0, "end_s": 0.5, "view": 0, "quality": 100, "hash": fingerprint.hash.tobytes().hex()}],
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"format": "other"}',
        '{"format": "vhashdb-fingerprint"}',
        changed(version=2),
        changed(version=None),
        changed(algorithm=None),
        changed(algorithm={"name": "pdq"}),
        changed(entries=None),
        changed(entries={}) + "x",
        changed(entries=[7]),
        changed(damage=5),
        changed(width="wide"),
        changed(entry={"hash": "abc"}),
        changed(entry={"hash": "ab" * 31}),
        changed(entry={"hash": "ab" * 33}),
        changed(entry={"hash": "zz" * 32}),
        changed(entry={"start_s": None}),
        changed(entry={"start_s": 5.0, "end_s": 1.0}),
        changed(entry={"start_s": -1.0}),
        changed(entry={"start_s": float("nan")}),
    ],
)
def test_other_json_is_refused(text):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(changed(entry={"quality": 300}), id="quality over a byte"),
        pytest.param(changed(entry={"quality": -1}), id="quality under 0"),
        pytest.param(changed(entry={"view": 1 << 16}), id="view over two bytes"),
        pytest.param(changed(entry={"view": 8 * len(Region)}), id="view unknown"),
        pytest.param(changed(width=float("inf")), id="endless width"),
        pytest.param(changed(duration_s=float("nan")), id="duration no number"),
        pytest.param(changed(duration_s=-1.0), id="duration under 0"),
        pytest.param(changed(entry={"end_s": float("inf")}), id="endless entry"),
        pytest.param("[" * 100_000, id="deep nesting"),
    ],
)
def test_json_that_makes_no_usable_fingerprint_is_refused(text):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_json(text)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-300, 300), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(st.sampled_from(["version", "algorithm", "duration_s", "width", "height", "damage", "entries"]), JSON)
@settings(max_examples=examples(200))
def test_any_value_in_any_place_is_read_or_refused(place, value):
    try:
        vhashdb.from_json(changed(**{place: value}))
    except vhashdb.FingerprintError:
        return


@given(fingerprints(algorithms=(ALGORITHMS[0],)))
@settings(max_examples=examples(80))
def test_frames_of_the_whole_picture_survive_vpdq_text(fingerprint):
    whole = fingerprint.only(fingerprint.view == 0)
    text = vhashdb.to_vpdq(fingerprint)
    assert len(text.splitlines()) == len(whole)
    if not len(whole):
        return
    again = vhashdb.from_vpdq(text)
    assert np.array_equal(again.start_s, whole.start_s)
    assert np.array_equal(again.hash, whole.hash)
    assert np.array_equal(again.quality, whole.quality)
    assert vhashdb.to_vpdq(again) == text


def test_vpdq_text_is_one_line_a_frame(samples):
    fingerprint = vhashdb.every_frame(samples / "edited" / "valley__clip.mp4")
    lines = vhashdb.to_vpdq(fingerprint).splitlines()
    assert len(lines) == 96
    number, quality, value, seconds = lines[24].split(",")
    assert (number, quality, seconds) == ("24", "100", "1.000")
    assert value == fingerprint.hash[24].tobytes().hex()


def test_published_vpdq_text_is_read(corpus):
    text = (corpus / "reference" / "vpdq" / "chair-19-sd-bar.txt").read_text()
    assert vhashdb.to_vpdq(vhashdb.from_vpdq(text)).split() == text.split()


def test_only_pdq_becomes_vpdq_text():
    with pytest.raises(vhashdb.AlgorithmMismatch):
        vhashdb.to_vpdq(fingerprint_of(random_hashes(1, 2, 8), algorithm=ALGORITHMS[1]))


@pytest.mark.parametrize(
    "line", ["x", "0,100", "0,100,abcd,0", f"0,101,{'a' * 64},0", f"0,-1,{'a' * 64},0", f"0,100,{'g' * 64},0", f"0,100,{'a' * 64},late"]
)
def test_a_malformed_line_of_vpdq_text_is_named(line):
    good = f"0,100,{'a' * 64},0.000\n"
    with pytest.raises(vhashdb.FingerprintError, match="line 2"):
        vhashdb.from_vpdq(good + line)


@pytest.mark.parametrize("text", ["", "\n\n", f"0,100,{'a' * 64},nan", f"0,100,{'a' * 64},-5", f"0,100,{'a' * 64},inf"])
def test_vpdq_text_without_frames_or_times_is_refused(text):
    with pytest.raises(vhashdb.FingerprintError):
        vhashdb.from_vpdq(text)


@given(st.text(max_size=200))
@settings(max_examples=examples(150))
def test_any_text_is_read_or_refused(text):
    for read in (vhashdb.from_vpdq, vhashdb.from_json):
        try:
            read(text)
        except vhashdb.FingerprintError:
            continue
