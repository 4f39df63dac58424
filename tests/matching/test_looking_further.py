"""When a query is settled by what some views show, and which views those are."""

from dataclasses import replace

import numpy as np
import pytest

from tests.footage import fingerprint_of, flipped, random_hashes
from tests.matching.segments import segment
from vhashdb.fingerprints import COARSE_PROFILE, KEYFRAME_PROFILE, QUERY_PROFILE, closer
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.index.frames import FrameIndex
from vhashdb.index.kinds import FrameHashes, RecordRows
from vhashdb.index.layers import Layer
from vhashdb.index.segment import build
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import retrieve
from vhashdb.matching.verdict import Judgement, Verdict
from vhashdb.search.sufficiency import settled

CONFIG = MatchingConfig()
SEEN = fingerprint_of(random_hashes(1, 40))
"""10 s."""


def match(*spans, score=1.0, share=1.0, verdict=Verdict.MATCH):
    """A judgement of segments that are alike in a share of them."""
    found = tuple(segment(start_s=start, end_s=end, matched_s=share * (end - start)) for start, end in spans)
    return Judgement(verdict, score, found, (), "")


NOTHING = Judgement(Verdict.NO_MATCH, 0.0, (), (), "")


@pytest.mark.parametrize(
    ("why", "judgements", "expected"),
    [
        ("all of it is explained", [match((0, 10))], True),
        ("and by two records", [match((0, 6)), match((5, 10))], True),
        ("a record that is near and no match does not matter", [match((0, 10)), NOTHING], True),
        ("less than a second is left", [match((0.5, 4), (4.9, 9.5))], True),
        ("a second is left at the start", [match((1, 10))], False),
        ("a second is left between", [match((0, 4), (5, 10))], False),
        ("the end is left", [match((0, 8))], False),
        ("nothing was found", [NOTHING], False),
        ("nothing is near", [], False),
        ("the match is not clear", [match((0, 10), score=0.98)], False),
        ("another match is not clear", [match((0, 10)), match((2, 4), score=0.6)], False),
        ("another may be a match", [match((0, 10)), match((2, 4), score=0.4, verdict=Verdict.POSSIBLE)], False),
        ("much of it is unlike", [match((0, 10), share=0.7)], False),
    ],
)
def test_a_query_is_settled_when_clear_matches_explain_it(why, judgements, expected):
    assert settled(SEEN, 10.0, judgements, CONFIG) is expected, why


def test_what_shows_too_little_needs_no_explanation():
    dark = replace(SEEN, quality=np.where(np.arange(40) < 12, 0, 100).astype(np.uint8))  # the first three seconds
    assert settled(dark, 10.0, [match((3, 10))], CONFIG)
    assert not settled(dark, 10.0, [match((5, 10))], CONFIG)


def test_a_closer_look_has_some_views_and_the_whole_picture():
    views = {View(Region.TILT_LEFT), View(Region.WHOLE, Orientation.TURNED_LEFT), View(Region.LEFT_HALF, Orientation.MIRRORED)}
    assert closer(QUERY_PROFILE, views).views == {
        Region.WHOLE: (Orientation.UPRIGHT, Orientation.MIRRORED, Orientation.TURNED_LEFT),
        Region.TILT_LEFT: (Orientation.UPRIGHT,),
        Region.LEFT_HALF: (Orientation.MIRRORED,),
    }


def test_a_closer_look_has_no_view_that_its_profile_does_not_have():
    left_out = View(Region.INSET_2)
    assert left_out.region not in closer(KEYFRAME_PROFILE, {left_out}).views
    turned = View(Region.TILT_LEFT, Orientation.TURNED_LEFT)
    assert Region.TILT_LEFT not in closer(QUERY_PROFILE, {turned}).views


def test_a_closer_look_is_as_dense_as_its_profile():
    made = closer(QUERY_PROFILE, {View(Region.TILT_LEFT)})
    assert made == replace(QUERY_PROFILE, views=made.views)
    assert made.text != closer(COARSE_PROFILE, {View(Region.TILT_LEFT)}).text


def in_views(hashes_of):
    """A fingerprint of some hashes in several views."""
    parts = [fingerprint_of(hashes, view=view.code) for view, hashes in hashes_of.items()]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("start_s", "end_s", "hash", "quality", "view")}
    return replace(parts[0], **columns)


def index_of(*records):
    hashes = [RecordRows(number, number, each) for number, each in enumerate(records)]
    algorithm = fingerprint_of(records[0]).algorithm
    return FrameIndex(algorithm, [Layer.whole(build(hashes, FrameHashes(algorithm)))])


def test_the_views_in_which_each_record_is_nearest_are_told():
    one, other = random_hashes(1, 20), random_hashes(2, 20)
    bits = {
        View(Region.WHOLE): (12, one),
        View(Region.WITHIN_BARS): (6, one),
        View(Region.INSET_4): (9, one),
        View(Region.TILT_LEFT): (15, one),  # the fourth
        View(Region.TILT_RIGHT): (3, other),
        View(Region.LEFT_HALF): (0, random_hashes(3, 20)),
    }
    query = in_views({view: flipped(hashes, count) for view, (count, hashes) in bits.items()})
    found = retrieve(query, index_of(one, other), 52, CONFIG)
    assert {each.record for each in found} == {0, 1}
    assert found.views == set(bits) - {View(Region.TILT_LEFT), View(Region.LEFT_HALF)}


def test_a_view_counts_by_all_of_its_hashes_not_by_a_few():
    """A view that is near at one moment by chance is not among the nearest."""
    known, others = random_hashes(1, 20), random_hashes(2, 20)
    seldom = np.concatenate([known[:1], others[1:]])
    often = {View(region): flipped(known, 20) for region in (Region.WHOLE, Region.INSET_4, Region.TILT_LEFT)}
    assert retrieve(in_views(often | {View(Region.TILT_RIGHT): seldom}), index_of(known), 52, CONFIG).views == set(often)


def test_a_view_that_is_far_less_near_than_the_nearest_is_not_told():
    known = random_hashes(1, 20)
    query = in_views({View(Region.WHOLE): flipped(known, 6), View(Region.INSET_4): flipped(known, 30)})
    assert retrieve(query, index_of(known), 52, CONFIG).views == {View(Region.WHOLE)}


def test_nothing_near_has_no_views():
    assert retrieve(fingerprint_of(random_hashes(1, 20)), index_of(random_hashes(2, 20)), 52, CONFIG).views == frozenset()
