"""Fits for the calibration of scores: pure functions of arrays, NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE: Final = 1e-3
"""Penalty on the squared slope. It matters only when copies and others do not overlap, where no slope would be steep enough."""
_NEWTON_STEPS: Final = 100
_RESAMPLES: Final = 1000


@dataclass(frozen=True)
class Tail:
    """An exponential upper tail: of all pairs, ``share · exp(−(e − start) / scale)`` reach evidence ``e``."""

    start: float
    """Nats from which the tail is fitted."""
    share: float
    """Share of all pairs that reach the start."""
    scale: float
    """Nats in which the tail falls to 1/e."""
    pairs: int
    """Pairs the fit rests on."""

    def reaching(self, evidence: float) -> float:
        """Share of all pairs that reach an evidence in the tail."""
        return self.share * float(np.exp(-max(0.0, evidence - self.start) / self.scale))

    def evidence_at(self, per_million: float) -> float:
        """Nats that so many of a million pairs reach; never less than the start, below which nothing was fitted."""
        return self.start + self.scale * max(0.0, float(np.log(1e6 * self.share / per_million)))


def fit_tail(evidence: Floats, upper: float = 0.5) -> Tail | None:
    """The maximum-likelihood tail of the upper share of what is above zero; None if that is fewer than three pairs."""
    positive = evidence[evidence > 0]
    if not len(positive):
        return None
    start = float(np.quantile(positive, 1 - upper))
    above = positive[positive > start]
    if len(above) < 3:
        return None
    return Tail(start, len(above) / len(evidence), float(above.mean() - start), len(above))


def evidence_interval(evidence: Floats, clusters: NDArray[np.int64], per_million: float, upper: float = 0.5) -> tuple[float, float]:
    """The 95 % interval of `Tail.evidence_at`, from samples of whole clusters with replacement; NaN if none can be fitted.

    Pairs of one source and one record are not independent, so what is drawn is all or none of them.
    """
    random = np.random.default_rng(1)
    names = np.unique(clusters)
    rows = [np.flatnonzero(clusters == name) for name in names]
    drawn = []
    for _ in range(_RESAMPLES):
        sample = np.concatenate([rows[i] for i in random.integers(0, len(rows), len(rows))])
        if tail := fit_tail(evidence[sample], upper):
            drawn.append(tail.evidence_at(per_million))
    if not drawn:
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    return low, high


@dataclass(frozen=True)
class Logistic:
    """``P(copy | evidence) = 1 / (1 + exp(−slope · (evidence − midpoint)))``."""

    slope: float
    """Per nat."""
    midpoint: float
    """Nats at which half of the pairs are copies."""

    def probability(self, evidence: Floats) -> Floats:
        """Of each pair, that it is a copy."""
        return np.asarray(1 / (1 + np.exp(-self.slope * (evidence - self.midpoint))))

    def at_odds(self, fitted_odds: float, odds: float) -> Logistic:
        """The same where there are ``odds`` copies to one other pair, instead of the odds it was fitted at."""
        return Logistic(self.slope, self.midpoint + float(np.log(fitted_odds / odds)) / self.slope)


def fit_logistic(evidence: Floats, copy: Bools) -> Logistic:
    """The most likely logistic curve, by Newton steps that are halved while they make it worse."""
    rows = np.stack([np.ones(len(evidence)), evidence], axis=1)
    weights, penalty = np.zeros(2), np.diag([0.0, RIDGE])
    cost = _cost(rows, copy, weights)
    for _ in range(_NEWTON_STEPS):
        said = 1 / (1 + np.exp(-rows @ weights))
        gradient = rows.T @ (said - copy) + penalty @ weights
        hessian = (rows * (said * (1 - said))[:, None]).T @ rows + penalty + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while (new := _cost(rows, copy, weights - step)) > cost and float(np.abs(step).max()) > 1e-9:
            step = step / 2
        weights, better, cost = weights - step, cost - new, new
        if better < 1e-10:
            break
    intercept, slope = weights.tolist()
    return Logistic(slope, -intercept / slope)


def _cost(rows: Floats, copy: Bools, weights: Floats) -> float:
    """Penalised negative log-likelihood."""
    signed = np.where(copy, -1.0, 1.0) * (rows @ weights)
    return float(np.logaddexp(0, signed).sum() + RIDGE * weights[1] ** 2 / 2)


@dataclass(frozen=True)
class Bin:
    """Pairs of about one score."""

    low: float
    high: float
    pairs: int
    said: float
    """Mean score."""
    true: float
    """Share of copies."""


def reliability(score: Floats, copy: Bools, edges: Floats, odds: float | None = None) -> list[Bin]:
    """Bins with anything in them; a score on an edge belongs to the bin above.

    With ``odds``, pairs are weighed so that there are so many copies to one other pair.
    """
    weight = np.ones(len(copy))
    if odds is not None and copy.any() and not copy.all():
        weight[copy] = odds * (~copy).sum() / copy.sum()
    which = np.clip(np.searchsorted(edges, score, side="right") - 1, 0, len(edges) - 2)
    bins = []
    for number in np.unique(which).tolist():
        here = which == number
        bins.append(
            Bin(
                float(edges[number]),
                float(edges[number + 1]),
                int(here.sum()),
                float(np.average(score[here], weights=weight[here])),
                float(np.average(copy[here], weights=weight[here])),
            )
        )
    return bins
