import numpy as np
import pytest

from bench.fits import Logistic, evidence_interval, fit_logistic, fit_tail, reliability


def test_an_exponential_tail_is_found_again():
    random = np.random.default_rng(3)
    evidence = np.concatenate([np.zeros(6000), random.exponential(0.8, 4000)])
    tail = fit_tail(evidence)
    assert tail.scale == pytest.approx(0.8, rel=0.06)
    # 0.4 · exp(−e / 0.8) = 1e-6
    assert tail.evidence_at(1.0) == pytest.approx(0.8 * np.log(0.4e6), rel=0.06)
    assert tail.reaching(tail.evidence_at(1.0)) == pytest.approx(1e-6)


def test_the_interval_holds_the_truth_and_widens_when_pairs_depend_on_each_other():
    random = np.random.default_rng(4)
    evidence, alone = random.exponential(0.8, 400), np.arange(400)
    low, high = evidence_interval(evidence, alone, 1.0)
    assert low < 0.8 * np.log(1e6) < high
    many, together = np.repeat(evidence[:100], 4), np.repeat(np.arange(100), 4)
    low_together, high_together = evidence_interval(many, together, 1.0)
    assert high_together - low_together > 1.5 * (high - low)


def test_nothing_is_said_below_where_the_tail_begins():
    tail = fit_tail(np.array([0.0] * 100 + [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]))
    assert tail.evidence_at(1e6) == tail.start


def test_without_evidence_there_is_no_tail():
    assert fit_tail(np.zeros(50)) is None
    assert fit_tail(np.array([0.0, 1.0, 2.0])) is None
    assert np.isnan(evidence_interval(np.zeros(5), np.arange(5), 1.0)).all()


def drawn(curve, number, seed=5):
    """Pairs whose chance of being copies is what the curve says."""
    random = np.random.default_rng(seed)
    evidence = random.uniform(0, 12, number)
    return evidence, random.random(number) < curve.probability(evidence)


def test_a_logistic_curve_is_found_again():
    truth = Logistic(1.3, 4.5)
    fitted = fit_logistic(*drawn(truth, 20_000))
    assert fitted.slope == pytest.approx(1.3, rel=0.05)
    assert fitted.midpoint == pytest.approx(4.5, abs=0.1)


def test_copies_that_are_set_apart_have_a_finite_slope_with_the_midpoint_between():
    curve = fit_logistic(np.array([0.0, 1.0, 2.0, 8.0, 9.0, 10.0]), np.array([False] * 3 + [True] * 3))
    assert np.isfinite(curve.slope)
    assert 2 < curve.midpoint < 8


def test_rarer_copies_need_more_evidence():
    curve = Logistic(2.0, 5.0)
    assert curve.at_odds(1.0, 0.1).midpoint == pytest.approx(5.0 + np.log(10) / 2)
    assert curve.at_odds(0.3, 0.3) == curve


def test_a_fitted_curve_means_what_it_says():
    truth = Logistic(1.0, 5.0)
    evidence, copy = drawn(truth, 20_000, seed=6)
    bins = reliability(truth.probability(evidence), copy, np.linspace(0, 1, 6))
    assert sum(b.pairs for b in bins) == len(copy)
    assert all(abs(b.said - b.true) < 0.05 for b in bins)


def test_scores_on_edges_are_counted_once():
    bins = reliability(np.array([0.0, 0.5, 1.0]), np.array([False, True, True]), np.array([0.0, 0.5, 1.0]))
    assert [(b.pairs, b.true) for b in bins] == [(1, 0.0), (2, 1.0)]


def test_a_curve_fitted_at_some_odds_means_what_it_says_at_others():
    random = np.random.default_rng(7)
    evidence = np.concatenate([random.normal(7, 1, 20_000), random.normal(5, 1, 4_000)])
    copy = np.arange(len(evidence)) < 20_000
    curve = fit_logistic(evidence, copy).at_odds(5.0, 0.1)
    bins = reliability(curve.probability(evidence), copy, np.linspace(0, 1, 6), 0.1)
    assert all(abs(b.said - b.true) < 0.05 for b in bins)
