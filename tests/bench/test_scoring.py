import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from bench.scoring import (
    FALSE,
    NEITHER,
    TRUE,
    above_every_false,
    false_matches,
    highest_false,
    micro_ap,
    precision,
    recall,
    recall_at_zero_false,
)

SCORES = np.array([[0.9, 0.4, 0.0], [0.8, 0.7, 0.95], [0.0, 0.6, 0.5]])
TRUTH = np.array([[TRUE, FALSE, FALSE], [FALSE, TRUE, NEITHER], [TRUE, TRUE, FALSE]], np.int8)


def test_zero_false_threshold_is_above_the_best_false_pair():
    assert highest_false(SCORES, TRUTH) == 0.8
    assert np.argwhere(above_every_false(SCORES, TRUTH)).tolist() == [[0, 0], [1, 2]]
    assert recall_at_zero_false(SCORES, TRUTH) == 1 / 4


def test_a_tie_with_the_best_false_pair_does_not_count():
    assert recall_at_zero_false(np.array([[0.5, 0.5, 0.7]]), np.array([[TRUE, FALSE, TRUE]], np.int8)) == 1 / 2


def test_without_false_answers_everything_answered_counts():
    assert recall_at_zero_false(np.array([[0.1, 0.0, 0.0]]), np.array([[TRUE, TRUE, FALSE]], np.int8)) == 1 / 2


def test_figures_at_a_given_threshold():
    called = SCORES >= 0.55
    assert recall(called, TRUTH) == 3 / 4
    assert false_matches(called, TRUTH) == 1
    assert precision(called, TRUTH) == 3 / 4


def test_precision_of_silence_is_undefined():
    assert np.isnan(precision(np.zeros((3, 3), bool), TRUTH))


def test_micro_ap_by_hand():
    # Ranked: 0.9 true, 0.8 false, 0.7 true, 0.6 true, 0.5 and 0.4 false; one true pair has no answer.
    assert micro_ap(SCORES, TRUTH) == pytest.approx((1 / 1 + 2 / 3 + 3 / 4 + 0) / 4)


def test_micro_ap_puts_ties_at_one_rank():
    # One true pair alone at the top, then one true and two false pairs that share a score.
    scores, truth = np.array([[0.9, 0.5, 0.5, 0.5]]), np.array([[TRUE, FALSE, TRUE, FALSE]], np.int8)
    assert micro_ap(scores, truth) == pytest.approx((1 / 1 + 2 / 4) / 2)


def test_micro_ap_of_perfect_and_of_silent_systems():
    assert micro_ap((TRUTH == TRUE).astype(float), TRUTH) == 1
    assert micro_ap(np.zeros((3, 3)), TRUTH) == 0
    assert np.isnan(micro_ap(SCORES, np.zeros((3, 3), np.int8)))


@st.composite
def judged(draw):
    """Scores and truth of one shape, with ties and with at least one true pair."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, max_side=6))
    scores = draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 1.0])))
    truth = draw(arrays(np.int8, shape, elements=st.sampled_from([TRUE, FALSE, NEITHER])))
    truth[0, 0] = TRUE
    return scores, truth


@given(judged())
def test_recall_at_zero_false_is_the_best_of_all_thresholds(pair):
    scores, truth = pair
    calls = [scores > threshold for threshold in {0.0, *scores.flat}]
    assert recall_at_zero_false(scores, truth) == max(recall(c, truth) for c in calls if not false_matches(c, truth))


@given(judged())
def test_micro_ap_is_the_area_under_all_thresholds(pair):
    scores, truth = pair
    area, before = 0.0, 0.0
    for threshold in sorted({s for s in scores.flat if s > 0}, reverse=True):
        called = scores >= threshold
        now = recall(called, truth)
        if now > before:
            area, before = area + precision(called, truth) * (now - before), now
    assert micro_ap(scores, truth) == pytest.approx(area)
    assert recall_at_zero_false(scores, truth) - 1e-9 <= micro_ap(scores, truth) <= 1 + 1e-9


@given(judged(), st.randoms(use_true_random=False))
def test_only_the_order_of_the_scores_matters_to_micro_ap(pair, random):
    scores, truth = pair
    order = random.sample(range(len(scores)), len(scores))
    assert micro_ap(scores[order] ** 3, truth[order]) == pytest.approx(micro_ap(scores, truth))
