"""Why not, in words: one sentence for each condition that can fail, and one word for each stretch that is set aside."""

from functools import partial

import numpy as np
import pytest

import vhashdb
from tests.footage import fingerprint_of, flipped, random_hashes
from tests.matching import segments
from vhashdb.matching import explain
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.explanation import MAX_POINTS, alike_points
from vhashdb.matching.reasons import Fate, fates, near_miss
from vhashdb.matching.verdict import Verdict, held_back, judge, strongest, without_overlaps

RULES = MatchingConfig()
FINGERPRINT = fingerprint_of(random_hashes(1, 80))


segment = partial(segments.segment, median_bits=26.0)


def told(*found):
    best = strongest(without_overlaps(found, RULES))
    return near_miss(judge(found, FINGERPRINT, FINGERPRINT, RULES), best, alike_somewhere=True)


NEEDED = f"at least {RULES.match_evidence:g} is needed"
SENTENCES = [
    ({"entries": 1}, f"the frames are alike in only 1 picture of the file; at least {RULES.min_entries} are needed"),
    ({"entries": 3}, f"the frames are alike in only 3 different pictures of the file; at least {RULES.min_entries} are needed"),
    ({"matched_s": 0.5}, f"the frames are alike for only 0.50 s; at least {RULES.min_matched_s:.2f} s are needed"),
    (
        {"median_bits": 80.0},
        "some frames are alike, but on the whole the two are too different: "
        f"the median over 5.0 s is 80 of 256 bits, at most {RULES.far_bits:.0f} are allowed",
    ),
    (
        {"correlation": 0.11},
        "the frames are alike (median 26 of 256 bits over 5.0 s) but do not change alike: "
        f"correlation 0.11, at least {RULES.min_correlation:.2f} is needed",
    ),
    (
        {"correlation": 0.0, "change": 0.0},
        "the frames are alike (median 26 of 256 bits over 5.0 s), but the picture does not move, "
        "so nothing shows whether they change alike",
    ),
    (
        {"changes": 1.4, "median_bits": 40.0},
        "the frames are alike (median 40 of 256 bits over 5.0 s) and change alike, but so little changes that it may be chance: 1.4 "
        f"independent changes, more than {RULES.min_changes:g} are needed",
    ),
    (
        {"correlation": 0.3, "median_bits": 40.0},
        f"the frames are alike (median 40 of 256 bits over 5.0 s) and change alike, but not clearly enough: evidence 0.38, {NEEDED}",
    ),
    (
        {"correlation": 0.4, "median_bits": 20.0, "quality": RULES.full_quality - 1},
        f"the frames are alike (median 20 of 256 bits over 5.0 s) and change alike, but not clearly enough: evidence 0.70, {NEEDED} "
        "(how close they are does not count, because the picture shows little)",
    ),
    (
        {"correlation": 0.45, "median_bits": 40.0, "speed": 1.25},
        f"the frames are alike (median 40 of 256 bits over 5.0 s) and change alike, but not clearly enough: evidence 0.41, {NEEDED} "
        f"({RULES.speed_cost:g} was taken off because the speed, × 1.25, was one of many tried)",
    ),
]


@pytest.mark.parametrize(("weak", "sentence"), SENTENCES)
def test_the_first_condition_that_fails_is_told_with_what_it_lacks(weak, sentence):
    assert told(segment(**weak)) == sentence


def test_a_match_that_is_held_back_is_possible_and_says_why():
    match = judge([segment()], FINGERPRINT, FINGERPRINT, RULES)
    possible = held_back(match, 8, RULES)
    assert possible.verdict is Verdict.POSSIBLE
    assert possible.score < 0.5 <= match.score
    assert possible.segments == match.segments
    assert near_miss(possible, segment(), alike_somewhere=True).startswith("8 different known videos share the passage")


@pytest.mark.parametrize(
    ("quality", "bits", "verdict"), [(100, 28, "possible"), (50, 28, "no-match"), (50, 20, "possible"), (20, 4, "no-match")]
)
def test_the_flatter_pictures_are_the_nearer_they_must_be_to_be_possible_without_motion(quality, bits, verdict):
    unmoved = segment(correlation=0.0, median_bits=float(bits), quality=quality)
    assert judge([unmoved], FINGERPRINT, FINGERPRINT, RULES).verdict == verdict


def test_what_just_fails_does_not_look_as_if_it_passed():
    assert f"correlation {RULES.min_correlation - 0.0001:.4f}, at least" in told(segment(correlation=RULES.min_correlation - 0.0001))


def test_what_is_told_is_about_the_stretch_that_the_gates_are_about():
    few, overlapping = segment(entries=3, correlation=0.99), segment(correlation=0.3, median_bits=40.0)
    assert judge([few, overlapping], FINGERPRINT, FINGERPRINT, RULES).gates[0].value == 3
    assert "in only 3 different pictures" in told(few, overlapping)


def test_a_match_is_no_near_miss():
    assert told(segment()) == ""


def test_no_stretch_at_all():
    judgement = judge([], FINGERPRINT, FINGERPRINT, RULES)
    assert near_miss(judgement, None, alike_somewhere=True).startswith("single frames are alike")
    assert near_miss(judgement, None, alike_somewhere=True, compared=False).startswith("only pictures that unrelated videos share")
    assert near_miss(judgement, None, alike_somewhere=False).startswith("at none of the moments tried")


@pytest.mark.parametrize(
    ("weak", "fate"),
    [
        ({"entries": RULES.min_entries - 1}, Fate.FRAMES),
        ({"matched_s": 0.5, "median_bits": 60.0, "correlation": 0.1}, Fate.SECONDS),
        ({"median_bits": 80.0}, Fate.DISTANCE),
        ({"correlation": 0.1, "median_bits": 40.0}, Fate.MOTION),
        ({"changes": 1.0, "correlation": 0.3, "median_bits": 40.0, "entries": 8}, Fate.CHANGES),
        ({"correlation": 0.16, "median_bits": 40.0, "entries": 6}, Fate.EVIDENCE),
    ],
    ids=lambda value: value.name if isinstance(value, Fate) else None,
)
def test_each_stretch_that_is_set_aside_says_why(weak, fate):
    found = [segment(**{"median_bits": 30.0} | weak)]
    judgement = judge(found, FINGERPRINT, FINGERPRINT, RULES)
    assert fates(found, judgement, RULES) == [fate]
    assert judgement.segments == ()


def test_of_two_that_claim_the_same_seconds_the_weaker_says_so():
    strong, weak, later = segment(), segment(correlation=0.5), segment(start_s=8.0, end_s=13.0)
    found = [weak, strong, later]
    assert fates(found, judge(found, FINGERPRINT, FINGERPRINT, RULES), RULES) == [Fate.OVERLAPS, Fate.CHOSEN, Fate.CHOSEN]


# -- the pair in full ------------------------------------------------------------------------------


def test_what_was_compared_in_full_is_there():
    known = random_hashes(3, 60)
    comparison = vhashdb.compare(fingerprint_of(flipped(known[20:44], 10)), fingerprint_of(known))
    (look,) = comparison.view_comparisons
    assert (len(look.query), len(look.reference), look.alignment.alike) == (24, 60, 24)
    weight = (1 - 10 / 61) ** 2
    assert look.alignment.votes == pytest.approx(24 * weight)
    assert look.alignment.most_votes == pytest.approx(24 * weight)
    assert [fate for _, fate in comparison.found] == [Fate.CHOSEN]
    assert comparison.near_miss == ""


def test_alike_points_are_where_the_copy_is():
    known = random_hashes(3, 60)
    query, reference = fingerprint_of(flipped(known[20:44], 10)), fingerprint_of(known)
    points = alike_points(query, reference, vhashdb.compare(query, reference).views_compared)
    assert len(points) == 24
    assert np.allclose(points.reference_s - points.query_s, 5.0)
    assert set(points.bits.tolist()) == {10}
    assert set(points.view_comparison.tolist()) == {0}


def test_a_long_entry_is_several_points():
    query = fingerprint_of(random_hashes(4, 1), step_s=3.0)
    points = alike_points(query, query, vhashdb.compare(query, query).views_compared)
    assert len(points) == 36
    assert (points.query_s.min(), points.query_s.max()) == (0.25, 2.75)


def test_alike_points_are_bounded_and_the_same_each_time():
    still = fingerprint_of(np.repeat(random_hashes(5, 1), 400, axis=0))
    views = vhashdb.compare(still, still).views_compared
    first, second = alike_points(still, still, views), alike_points(still, still, views)
    assert 0.9 * MAX_POINTS < len(first) <= MAX_POINTS
    assert np.array_equal(first.query_s, second.query_s)
    assert np.array_equal(first.reference_s, second.reference_s)


def test_nothing_alike_gives_no_points():
    query, reference = fingerprint_of(random_hashes(6, 20)), fingerprint_of(random_hashes(7, 20))
    explanation = explain(query, reference)
    assert len(alike_points(query, reference, explanation.views_compared)) == 0
    assert explanation.near_miss.startswith("at none of the moments tried")
    empty = fingerprint_of(random_hashes(6, 0))
    assert len(alike_points(empty, reference, vhashdb.compare(empty, reference).views_compared)) == 0
    assert vhashdb.compare(empty, reference).near_miss == ""


# -- whether a search comes upon it ----------------------------------------------------------------


def test_explain_says_whether_a_search_comes_upon_the_record(new_db):
    known = random_hashes(8, 40)
    record = new_db.add(fingerprint_of(known)).id
    new_db.add(fingerprint_of(random_hashes(9, 40)))
    (near,) = new_db.explain(fingerprint_of(flipped(known[:10], 50)), record).retrieval
    assert (near.stage, near.radius_bits, near.times, near.searched) == ("full look", 52, 10, 10)
    assert (near.nearest_bits, near.place, near.candidates) == (50, 1, 1)
    (far,) = new_db.explain(fingerprint_of(flipped(known[:10], 56)), record).retrieval
    assert (far.times, far.nearest_bits, far.place, far.candidates) == (0, 56, None, 0)
    (fast,) = new_db.explain(fingerprint_of(flipped(known[:10], 50)), record, effort="fast").retrieval
    assert (fast.radius_bits, fast.place) == (40, None)


def test_explain_says_when_another_record_is_nearer(new_db):
    known = random_hashes(8, 40)
    nearer = new_db.add(fingerprint_of(flipped(known, 2, seed=1))).id
    further = new_db.add(fingerprint_of(flipped(known[:2], 10, seed=2))).id
    query = fingerprint_of(known)
    assert [match.record.id for match in new_db.match(query).matches] == [nearer]
    explanation = new_db.explain(query, further)
    assert explanation.judgement.verdict is vhashdb.Verdict.POSSIBLE
    assert explanation.among_others.verdict is vhashdb.Verdict.NO_MATCH
    assert explanation.outweighed == "another record explains the same seconds better"
    assert new_db.explain(query, nearer).outweighed == ""


def test_explain_says_when_too_many_records_show_the_same(new_db):
    shared = random_hashes(8, 12)
    records = [new_db.add(fingerprint_of(np.concatenate([shared, random_hashes(20 + n, 60)]))).id for n in range(6)]
    explanation = new_db.explain(fingerprint_of(flipped(shared, 30)), records[0])
    assert explanation.judgement.verdict is vhashdb.Verdict.MATCH
    assert explanation.among_others.verdict is not vhashdb.Verdict.MATCH
    assert explanation.outweighed.startswith("6 different known videos share the passage")


def test_a_retracted_record_is_near_and_not_found(new_db):
    known = fingerprint_of(random_hashes(8, 40))
    record = new_db.add(known).id
    new_db.retract(record, reason="x")
    (only,) = new_db.explain(known, record).retrieval
    assert (only.times, only.nearest_bits, only.place, only.candidates) == (40, 0, None, 0)


@pytest.mark.parametrize(
    ("effort", "looks"),
    [("fast", ["first look", "closer look"]), ("balanced", ["first look", "closer look"]), ("thorough", ["full look"])],
)
def test_each_look_of_an_effort_is_accounted_for(known_db, samples, effort, looks):
    record = next(identifier for identifier, name in known_db.names.items() if name == "valley")
    explanation = known_db.explain(samples / "edited" / "valley__mirror.mp4", record, effort=effort)
    assert [c.stage for c in explanation.retrieval] == looks
    assert all(c.place == 1 and 0 < c.times <= c.searched and c.nearest_bits <= c.radius_bits for c in explanation.retrieval)
    assert explanation.query.duration_s == pytest.approx(12, abs=0.5)
