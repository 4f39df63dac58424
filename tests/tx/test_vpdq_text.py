"""vPDQ hashes are read as ThreatExchange's tools write them, and what is wrong with one is said."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.footage import random_hashes
from vhashdb.errors import FingerprintError
from vhashdb.exchange.formats import FormatLimits
from vhashdb.tx import VhashdbSignal, VhashdbVpdqSignal, from_vpdq_signal

PDQ = "f8f8f0cce0f4e84f0e370a22028f67f0b36e2ed596621e1d33e6b39c4e9c9b22"


def written(seconds, hashes, quality=100):
    """A hash as py-tx's vPDQ extension writes it: times with three significant digits."""
    return json.dumps([f"{row.tobytes().hex()},{quality},{second:.3}" for second, row in zip(seconds, hashes, strict=True)])


@given(st.integers(1, 60), st.integers(0, 1000), st.integers(0, 100))
@settings(max_examples=examples(40))
def test_both_forms_say_the_same(count, seed, quality):
    seconds, hashes = [float(second) for second in range(count)], random_hashes(seed, count)
    members = {
        str(30 * number): {"quality": quality, "hash": row.tobytes().hex(), "timestamp": second}
        for number, (second, row) in enumerate(zip(seconds, hashes, strict=True))
    }
    found = from_vpdq_signal(written(seconds, hashes, quality))
    assert found == from_vpdq_signal(json.dumps(members))
    assert found.start_s.tolist() == seconds and np.array_equal(found.hash, hashes) and set(found.quality.tolist()) == {quality}


@pytest.mark.parametrize(("count", "step_s"), [(1500, 1.0), (4000, 1.001), (12_000, 1.0)])
def test_frames_whose_times_are_told_as_one_are_spread(count, step_s):
    truth = np.arange(count) * step_s
    found = from_vpdq_signal(written(truth.tolist(), random_hashes(1, count)))
    assert (np.diff(found.start_s) > 0).all()
    assert np.abs(found.start_s - truth).max() <= 0.006 * truth[-1]


def test_times_that_no_even_frames_have_are_left_as_they_are():
    told = [0.0, 0.0, 1.0, 500.0, 900.0]
    assert from_vpdq_signal(written(told, random_hashes(1, 5))).start_s.tolist() == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the vPDQ hash is empty"),
        ("[]", "has no frame"),
        ("{}", "has no frame"),
        ("7", "is a JSON list"),
        (PDQ, "is a JSON list, unlike 'f8f8"),
        (f'["{PDQ},100,0.0"', "is a JSON list, unlike"),
        (f'{{"0": {{"hash": "{PDQ}"', "cut short, or is no JSON"),
        (f'["{PDQ},100,0.0", "{PDQ[:-1]},100,1.0"]', "frame 2: a pdq hash has 64 hexadecimal digits"),
        (f'["{PDQ},101,0.0"]', "frame 1: the quality '101' is not within 0 … 100"),
        (f'["{PDQ},100,-1.0"]', "frame 1: the time '-1.0' is before the beginning"),
        (f'["{PDQ},100"]', "frame 1: not `pdq,quality,seconds`"),
        (f'[["{PDQ}", 100, 0.0]]', "frame 1: not `pdq,quality,seconds`"),
        (f'{{"0": {{"hash": "{PDQ}", "quality": 100}}}}', "frame 1: it has not all of hash, quality and timestamp"),
        ('{"0": 7}', "frame 1: it has not all of"),
        ("[" * 100_000, "is a JSON list, unlike"),
    ],
    ids=range(15),
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(FingerprintError, match=message):
        VhashdbVpdqSignal.validate_signal_str(text)


@pytest.mark.parametrize(
    "limits", [FormatLimits(item_bytes=50), FormatLimits(duration_s=1), FormatLimits(hashes_free=1, hashes_per_s=1)], ids=range(3)
)
def test_limits_hold(limits):
    text = written([0.0, 0.25, 0.5, 1.5], random_hashes(1, 4))
    assert len(from_vpdq_signal(text)) == 4
    with pytest.raises(FingerprintError, match=r"allowed|more than|at most"):
        from_vpdq_signal(text, limits=limits)


def test_a_signal_of_vhashdb_is_valid_in_such_a_bank_and_not_the_other_way_round():
    (signal,), (vpdq,) = VhashdbSignal.get_examples(), VhashdbVpdqSignal.get_examples()
    assert VhashdbVpdqSignal.validate_signal_str(signal) == signal
    assert VhashdbVpdqSignal.validate_signal_str(vpdq) == vpdq
    with pytest.raises(FingerprintError, match=r"begins with 'vh1\.'"):
        VhashdbSignal.validate_signal_str(vpdq)
