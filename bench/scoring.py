"""How good a table of scores is: pure functions of arrays.

Everywhere, ``scores`` is a float array of shape (queries, references), 0…1, where 0 says that the system has no answer
for the pair. ``truth`` is an int8 array of the same shape holding `TRUE`, `FALSE` or `NEITHER`; pairs that are neither
are left out of every figure. ``called`` is a bool array of the same shape: the pairs that a system calls alike.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Truth = NDArray[np.int8]
Called = NDArray[np.bool_]

TRUE: Final = 1
FALSE: Final = 0
NEITHER: Final = -1


def recall(called: Called, truth: Truth) -> float:
    """Share of the true pairs that are called; NaN if there is no true pair."""
    true = truth == TRUE
    return float(called[true].mean()) if true.any() else float("nan")


def false_matches(called: Called, truth: Truth) -> int:
    """How many false pairs are called."""
    return int(called[truth == FALSE].sum())


def precision(called: Called, truth: Truth) -> float:
    """Share of the called pairs that are true; NaN if nothing is called."""
    right, wrong = int(called[truth == TRUE].sum()), false_matches(called, truth)
    return right / (right + wrong) if right + wrong else float("nan")


def highest_false(scores: Scores, truth: Truth) -> float:
    """The best score of a false pair; 0, no answer, if there is none."""
    return float(scores[truth == FALSE].max(initial=0.0))


def above_every_false(scores: Scores, truth: Truth) -> Called:
    """What is called with the threshold just above the highest-scoring false pair, shape of ``scores``."""
    return scores > highest_false(scores, truth)


def recall_at_zero_false(scores: Scores, truth: Truth) -> float:
    """The best recall any threshold gives without calling one false pair."""
    return recall(above_every_false(scores, truth), truth)


def micro_ap(scores: Scores, truth: Truth) -> float:
    """Micro average precision over all pairs, as in VSC2022; NaN if there is no true pair.

    All answers of all queries are ranked in one list by score; precision is averaged over the true pairs, and a true pair
    without an answer counts as precision 0. Pairs of one score stand at one rank, so their order cannot matter.
    """
    judged = truth != NEITHER
    total = int((truth == TRUE).sum())
    if not total:
        return float("nan")
    answered = judged & (scores > 0)
    ranked, right = scores[answered], truth[answered] == TRUE
    order = np.argsort(-ranked, kind="stable")
    ranked, right = ranked[order], right[order]
    last_of_rank = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
    found = np.cumsum(right)[last_of_rank]
    called = np.flatnonzero(last_of_rank) + 1
    return float((found / called * np.diff(found, prepend=0)).sum() / total)
