"""Frame hashes travel exactly; nothing else of a fingerprint travels at all."""

import base64
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fingerprints.strategies import fingerprints
from vhashdb.errors import FingerprintError
from vhashdb.exchange.events import Signal
from vhashdb.exchange.signals import file_signals, fingerprint_of, frames_signal
from vhashdb.fingerprints import without_squares


@given(fingerprints(sound=st.none()))
def test_frame_hashes_survive_the_journey(fingerprint):
    signal = frames_signal(fingerprint)
    fingerprint = without_squares(fingerprint)  # which are a signal of their own
    if signal is None:
        assert len(fingerprint) == 0
        return
    assert fingerprint_of(signal, round(fingerprint.duration_s * 1000)) == dataclasses.replace(fingerprint, width=0, height=0, damage=())


@pytest.mark.parametrize(
    "signal",
    [
        Signal("pdq", "AAAA"),
        Signal("pdq", "====", 256),
        Signal("pdq", base64.b64encode(bytes(43)).decode(), 0),
        Signal("pdq", base64.b64encode(bytes(43)).decode(), 255),
        Signal("pdq", base64.b64encode(b"\xff" * 43).decode()),  # a quality of 255, a view that is none
        Signal("md5", "0" * 32, 128),
    ],
)
def test_what_is_no_fingerprint_is_refused(signal):
    with pytest.raises(FingerprintError):
        fingerprint_of(signal, 1000)


def test_only_the_hashes_that_are_known_are_told():
    assert file_signals(None, None) == ()
    assert file_signals("a" * 64, "b" * 32) == (Signal("sha256", "a" * 64, 256), Signal("md5", "b" * 32, 128))
