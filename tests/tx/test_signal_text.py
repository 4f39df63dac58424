"""A signal holds both fingerprints of a video, nothing but hashes and times, and nothing else passes for one."""

import base64
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.fingerprints.strategies import fingerprints
from tests.footage import fingerprint_of, random_hashes
from vhashdb.errors import AlgorithmMismatch, FingerprintError
from vhashdb.exchange.formats import FormatLimits
from vhashdb.fingerprinting import fingerprints_of_one_pass
from vhashdb.fingerprints import QUERY_PROFILE, SIGNAL_PROFILE, Fingerprint, to_stored
from vhashdb.fingerprints.model import bare, ordered
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.tx import VhashdbSignal, from_signal, to_signal
from vhashdb.tx.signal_text import turned_like

SHORT = fingerprint_of(random_hashes(1, 3))
SIGNAL = to_signal(SHORT, fingerprint_of(random_hashes(2, 4)))


def encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@given(fingerprints((Pdq.id,)), st.none() | fingerprints((Pdq.id,)))
@settings(max_examples=examples(60))
def test_hashes_and_times_survive_and_nothing_else_is_passed_on(reference, query):
    signal = to_signal(reference, query)
    assert signal.isascii() and signal.isprintable() and not set(signal) & set(' ,;:"&%+/=')
    sides = from_signal(f" {signal}\n")
    assert sides.reference == replace(bare(reference), sound=None)
    assert sides.query == (None if query is None else replace(bare(query), sound=None))
    if sides.reference.usable.any():
        assert VhashdbSignal.validate_signal_str(f" {signal}\n") == signal


@given(st.integers(0, len(SIGNAL) - 1), st.characters(codec="ascii", exclude_categories=["Cc"]))
@settings(max_examples=examples(200))
def test_a_changed_character_is_noticed(place, character):
    changed = SIGNAL[:place] + character + SIGNAL[place + 1 :]
    if changed.strip() != SIGNAL:
        with pytest.raises(FingerprintError):
            from_signal(changed)


def test_a_signal_that_is_cut_short_is_refused_or_has_no_query():
    for count in range(len(SIGNAL)):
        if count == SIGNAL.rindex("."):
            sides = from_signal(SIGNAL[:count])
            assert sides.query is None and sides.reference == from_signal(SIGNAL).reference
        else:
            with pytest.raises(FingerprintError):
                from_signal(SIGNAL[:count])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("vh1", "one or two fingerprints behind 'vh1', not 0"),
        ("vh1.", "the reference of the signal is empty"),
        (f"{SIGNAL}.AAAA", "one or two fingerprints behind 'vh1', not 3"),
        (SIGNAL.replace("vh1", "vh2"), "of version 'vh2'; this program knows 'vh1'"),
        ("d8f8f0cec0f4a84f0637022a278f67f0", "begins with 'vh1.', unlike 'd8f8"),
        ('["d8f8,100,0.0"]', "begins with 'vh1.', unlike"),
        ("vh1.AB+D", r"the reference of the signal has '\+', which is no character of base64url"),
        ("vh1.AAAAA", "the reference of the signal is cut short"),
        (f"vh1.{encoded(b'no fingerprint, but long enough')}", "the reference of the signal: not a vhashdb fingerprint"),
        (f"{SIGNAL[: SIGNAL.rindex('.')]}.{encoded(vhashdb.to_bytes(SHORT)[:-1])}", "the query of the signal: .* is cut short"),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(FingerprintError, match=message):
        VhashdbSignal.validate_signal_str(text)


def test_only_pdq_is_a_signal():
    other = fingerprint_of(random_hashes(1, 3, size=8), algorithm=replace(Pdq.id, name="phash", bits=64))
    with pytest.raises(AlgorithmMismatch):
        to_signal(other)
    with pytest.raises(FingerprintError, match="the reference of the signal: "):
        from_signal(f"vh1.{encoded(vhashdb.to_bytes(other))}")


def test_a_signal_in_the_stored_form_is_read_as_well():
    assert from_signal(f"vh1.{encoded(to_stored(SHORT))}").reference == bare(SHORT)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (FormatLimits(item_bytes=100), "characters; at most 100 are allowed"),
        (FormatLimits(hashes_free=1, hashes_per_s=1), "it has 3 hashes for 0.8 s, and a video has at most 1 a second"),
        (FormatLimits(duration_s=0.5), "it claims to last 1 s; at most 0 are believed"),
        (FormatLimits(unpacked_bytes=100), "unpacks to"),
    ],
    ids=["characters", "hashes", "seconds", "bytes"],
)
def test_limits_hold(limits, message):
    with pytest.raises(FingerprintError, match=message):
        from_signal(SIGNAL, limits=limits)


def test_entries_of_strangers_are_put_in_order():
    order = [2, 0, 1]
    mixed = replace(SHORT, start_s=SHORT.start_s[order], end_s=SHORT.end_s[order], hash=SHORT.hash[order])
    assert from_signal(f"vh1.{encoded(vhashdb.to_bytes(mixed))}").reference == bare(SHORT)


def test_a_query_is_asked_in_all_orientations_as_a_video_itself_would_be(samples, signals):
    name = "edited/night_city__letterbox.mp4"
    asked = from_signal(signals[name]).asked
    orientations = replace(SIGNAL_PROFILE, views=QUERY_PROFILE.views)
    itself = ordered(bare(fingerprints_of_one_pass(samples / name, [orientations])[0]))
    assert np.array_equal(asked.view, itself.view) and np.array_equal(asked.start_s, itself.start_s)
    apart = np.unpackbits(asked.hash ^ itself.hash, axis=1).sum(axis=1)
    upright = np.isin(asked.view, [View(region).code for region in Region])
    assert not apart[upright].any() and apart[~upright].any()
    assert np.median(apart) <= 4 and np.quantile(apart, 0.99) <= 20  # turned bits are right but for a few


def test_an_orientation_that_is_there_is_not_made_again():
    both = Fingerprint(
        Pdq.id, np.zeros(2), np.ones(2), random_hashes(1, 2), np.full(2, 90, np.uint8),
        np.array([View(Region.WHOLE).code, View(Region.WHOLE, Orientation.MIRRORED).code], np.uint16), 1.0,
    )  # fmt: skip
    asked = turned_like(both)
    assert len(asked) == len(QUERY_PROFILE.views[Region.WHOLE])
    assert np.array_equal(asked.hash[asked.view == both.view[1]], both.hash[1:])


def test_signals_are_written_and_read_without_the_tools():
    code = "import sys; from vhashdb.tx import from_signal, from_vpdq_signal, to_signal; print('threatexchange' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
