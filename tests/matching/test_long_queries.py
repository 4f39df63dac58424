"""A short piece in a long video: it lies between the probes that are spread over the whole."""

import numpy as np
import pytest

import vhashdb
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.index import FrameIndex, RecordRows
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import retrieve

LOOKS_PER_S = 3
LONG_S = 1800
PIECE_S = 3
AT_S = 1000.0


def fingerprint(hashes, view):
    start = np.arange(len(hashes)) / LOOKS_PER_S
    return Fingerprint(
        algorithm=Pdq.id,
        start_s=np.round(start, 3),
        end_s=np.round(start + 1 / LOOKS_PER_S, 3),
        hash=hashes,
        quality=np.full(len(hashes), 100, np.uint8),
        view=np.full(len(hashes), view.code, np.uint16),
        duration_s=len(hashes) / LOOKS_PER_S,
    )


@pytest.fixture
def pair():
    """Half an hour of one view, three seconds of which show the known video's beginning in another view."""
    random = np.random.default_rng(11)
    known = random.integers(0, 256, (30, 32), dtype=np.uint8)
    asked = random.integers(0, 256, (LONG_S * LOOKS_PER_S, 32), dtype=np.uint8)
    first = round(AT_S * LOOKS_PER_S)
    asked[first : first + PIECE_S * LOOKS_PER_S] = known[: PIECE_S * LOOKS_PER_S]
    return asked, fingerprint(known, View(Region.WHOLE))


def test_in_an_unusual_view_the_search_says_where_to_look(pair):
    asked, reference = pair
    query = fingerprint(asked, View(Region.LEFT_HALF, Orientation.MIRRORED))
    index = FrameIndex(Pdq.id)
    index.add(RecordRows(0, 0, reference.hash))
    (candidate,) = retrieve(query, index, 52, MatchingConfig())
    assert all(AT_S - 0.01 <= second < AT_S + PIECE_S for second in candidate.anchors_s)
    judgement = vhashdb.compare(query, reference, anchors_s=candidate.anchors_s).judgement
    assert judgement.verdict == "match"
    (segment,) = judgement.segments
    assert segment.query_start_s == pytest.approx(AT_S, abs=0.3)
    assert segment.query_end_s == pytest.approx(AT_S + PIECE_S, abs=0.3)
    assert segment.reference_start_s == pytest.approx(0, abs=0.3)


def test_of_the_whole_picture_it_is_found_without_a_search(pair):
    asked, reference = pair
    assert vhashdb.compare(fingerprint(asked, View(Region.WHOLE)), reference).judgement.verdict == "match"
