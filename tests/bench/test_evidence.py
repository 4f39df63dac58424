import numpy as np
import pytest

from bench.calibrate import COPY, Question, pairs_of
from bench.evidence import WAYS, Changes, evidence, information, participation, rows, segments
from tests.conftest import SAMPLES
from tests.matching.segments import segment

MOMENTS = 40


def bits(rng, moments=MOMENTS):
    """Random bits, −1 and +1."""
    return rng.choice(np.float32([-1, 1]), (moments, 256))


def noisy(rng, sides, share=0.03):
    """The same bits, a share of them inverted."""
    return np.where(rng.random(sides.shape) < share, -sides, sides)


@pytest.fixture
def switch():
    """Two videos that switch from one picture to another at the same moment, and show nothing else alike."""
    rng = np.random.default_rng(1)
    two = np.repeat(bits(rng, 2), (20, 20), axis=0)
    return Changes(segment(), noisy(rng, two), noisy(rng, two))


@pytest.fixture
def copy():
    """Two videos that change alike at every moment."""
    rng = np.random.default_rng(2)
    shown = bits(rng)
    return Changes(segment(), shown, noisy(rng, shown))


def test_one_switch_is_about_one_change_and_a_lively_copy_many(switch, copy):
    assert participation(switch.centred) < 2
    assert participation(copy.centred) > 20


def test_a_shared_switch_is_nothing_once_its_mode_or_the_local_mean_is_taken_out(switch, copy):
    for name in ("beyond 1 mode", "beyond 2 modes", "beyond 3 modes", "(participation − 2) · information"):
        assert WAYS[name](switch) < 0.5 < WAYS[name](copy), name
    assert information(switch.within(8)) < information(switch.centred) / 2


def test_what_never_changes_is_no_evidence():
    still = np.ones((MOMENTS, 256), np.float32)
    for name, way in WAYS.items():
        if name != "as configured":
            assert way(Changes(segment(), still, still)) <= 0, name


def test_a_table_has_each_way_and_both_halves():
    known = sorted((SAMPLES / "known").glob("*.mp4"))
    query = sorted((SAMPLES / "edited").glob("*.mp4"))[0]
    pairs = list(pairs_of([Question(query, "sample", lambda name: COPY)], known))
    found = [evidence(list(segments(pair)), WAYS["beyond 1 mode"]) for pair in pairs]
    assert max(found) > 1
    assert [row[0] for row in rows(pairs, [], [])] == list(WAYS)
