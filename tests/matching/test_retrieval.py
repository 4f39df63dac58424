"""Whose records are compared: nobody who publishes a thousand of them takes another's place."""

from dataclasses import dataclass

import numpy as np
import pytest

from tests.exchange.companies import pictures
from tests.footage import fingerprint_of
from vhashdb.hashing.algorithms import Pdq
from vhashdb.index import FrameIndex
from vhashdb.index.kinds import RecordRows
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import ComparisonBudget, retrieve

CONFIG = MatchingConfig()
FILM = pictures(1, 24)


@dataclass(frozen=True)
class Whose:
    name: str
    rank: int


HERE, PEER, LOGGED = Whose("here", 0), Whose("peer", 2), Whose("logged", 3)


def found_in(*records):
    """What a search comes upon in records of (number, source, how many pictures of the film each has)."""
    index = FrameIndex(Pdq.id)
    for number, _, near in records:
        index.add(RecordRows(number, number, FILM[:near]))
    whose = {number: source for number, source, _ in records}
    return retrieve(fingerprint_of(FILM), index, 40, CONFIG, sources=lambda numbers: {n: whose[n] for n in numbers})


def of(found, source):
    return [candidate.record for candidate in found if candidate.source == source]


@pytest.mark.parametrize(("source", "places"), [(PEER, CONFIG.max_candidates - 2), (LOGGED, CONFIG.max_log_only)])
def test_decoys_that_are_near_everywhere_displace_no_record_of_others(source, places):
    found = found_in((1, HERE, 3), (2, HERE, 2), *((n, source, 24) for n in range(10, 100)))
    assert of(found, HERE) == [1, 2]
    assert len(of(found, source)) == places
    assert found[0].record == 1
    assert found.left_out == 90 - places


def test_places_are_dealt_out_in_turn():
    sources = [HERE, PEER, Whose("other", 2)]
    found = found_in(*((100 * s + n, source, 24 - n % 20) for s, source in enumerate(sources) for n in range(60)))
    assert [c.source for c in found][:6] == sources * 2
    assert len(found) == CONFIG.max_candidates
    assert [len(of(found, source)) for source in sources] == [14, 13, 13]


def test_of_one_source_the_nearest_are_taken_as_ever():
    records = [(n, LOGGED, 3 + n % 20) for n in range(1, 60)]
    found = found_in(*records)
    assert len(found) == CONFIG.max_candidates
    assert [c.times for c in found] == sorted((near for _, _, near in records), reverse=True)[: CONFIG.max_candidates]


def test_what_is_left_out_and_far_from_the_whole_is_not_missed():
    assert found_in(*((n, HERE, 3) for n in range(1, 60))).left_out == 0


def test_huge_records_cost_their_source_its_budget_and_nobody_else():
    query = fingerprint_of(FILM)
    huge = fingerprint_of(np.repeat(FILM, 12_000, axis=0), step_s=0.01)
    budget = ComparisonBudget(query, CONFIG)
    probes = len(FILM) * 10  # of the whole picture in eight orientations, and two of them as negatives
    fit = CONFIG.source_hash_pairs // (probes * len(huge))
    assert [budget.allows(PEER, huge) for _ in range(fit + 2)] == [True] * fit + [False] * 2
    assert budget.allows(LOGGED, huge)
    assert all(budget.allows(HERE, huge) for _ in range(fit + 2))
