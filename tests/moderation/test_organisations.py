"""Who speaks with whose voice: names that only look different, and feeds with the same keys, count once."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.moderation.organisations import independent_organisations, keys_of, skeleton


def root(*keys):
    return json.dumps({"signed": {"keys": {str(n): {"keyval": {"public": key}} for n, key in enumerate(keys)}}}).encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("acme", "Acme"),
        ("acme", "аcmе"),
        ("acme", "acme\u200b"),
        ("acme", "ACME "),
        ("acme", "ａｃｍｅ"),
        ("acme", "acrne"),
        ("acme.example", "acme-example"),
        ("bold", "bo1d"),
        ("bold", "b0ld"),
        ("bold", "boId"),
        ("bold", "bόld"),
        ("bold", "bold\u202e"),
        ("calm", "cálm"),
    ],
)
def test_names_that_look_alike_are_one(one, other):
    assert one != other
    assert skeleton(one) == skeleton(other)
    assert set(independent_organisations([("a", one, b""), ("b", other, b"")]).values()) == {one}


@pytest.mark.parametrize(("one", "other"), [("acme", "acne"), ("bold", "bald"), ("acme", "acme two"), ("ァ", "ィ"), ("—", "!")])
def test_names_that_differ_are_two(one, other):
    assert len(set(independent_organisations([("a", one, b""), ("b", other, b"")]).values())) == 2


def test_feeds_with_a_key_in_common_are_one_voice_whatever_they_are_called():
    found = independent_organisations([("a", "acme", root("k1", "k2")), ("b", "bold", root("K2 \n")), ("c", "calm", root("k3"))])
    assert found == {"a": "acme", "b": "acme", "c": "calm"}


@given(st.binary(max_size=40))
def test_a_root_that_is_none_has_no_keys(data):
    assert keys_of(data) == frozenset()


@given(st.text(min_size=1, max_size=12))
def test_every_name_looks_like_something_and_like_itself(name):
    assert skeleton(name)
    assert skeleton(name) == skeleton(name.upper().lower()) or name != name.upper().lower()
