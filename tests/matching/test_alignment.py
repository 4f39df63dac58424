"""Alignment, motion and judgement on made-up tracks of which the truth is known."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.footage import fingerprint_of, flipped, random_hashes
from tests.matching.segments import segment
from vhashdb import Verdict
from vhashdb.hashing.bits import distances, paired_distances, unpack
from vhashdb.matching.alignment import TemporalTransform, align, samples_along
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.evidence import independent_changes, motion_of
from vhashdb.matching.verdict import judge
from vhashdb.matching.view_pairs import HashSequence

RULES = MatchingConfig()


def track(hashes, starts, ends):
    return HashSequence(np.asarray(starts, float), np.asarray(ends, float), hashes, np.full(len(hashes), 100, np.uint8))


def reference_track(seconds=60, rate=4, seed=1):
    count = int(seconds * rate)
    starts = np.arange(count) / rate
    return track(random_hashes(seed, count), starts, starts + 1 / rate)


def planted(reference, offset_s, speed, seconds, noise_bits, rate=4, before=0, after=0, seed=2):
    """A query of ``seconds`` that shows the reference from ``offset_s`` at ``speed``, between seconds of something else."""
    times = np.arange(int(seconds * rate)) / rate
    shown = np.searchsorted(reference.start_s, offset_s + speed * (times + 0.5 / rate), side="right") - 1
    strange, other = random_hashes(seed + 100, int(before * rate)), random_hashes(seed + 200, int(after * rate))
    hashes = np.concatenate([strange, flipped(reference.hash[shown], noise_bits, seed), other])
    starts = np.arange(len(hashes)) / rate
    return track(hashes, starts, starts + 1 / rate)


def strongest(query, reference):
    return align(query, reference, distances(query.hash, reference.hash), RULES).segments[0]


PLANTED = {
    "offset_s": st.floats(0, 30),
    "noise_bits": st.integers(0, 44),
    "before": st.sampled_from([0, 5, 12]),
    "after": st.sampled_from([0, 5, 12]),
    "seed": st.integers(0, 1000),
}


@given(seconds=st.integers(3, 25), **PLANTED)
@settings(max_examples=examples(40))
def test_a_planted_stretch_is_found_where_it_is(offset_s, seconds, noise_bits, before, after, seed):
    check_planted(offset_s, seconds, 1.0, noise_bits, before, after, seed)


@given(seconds=st.integers(15, 25), speed=st.sampled_from([0.5, 0.8, 0.9, 1.1, 1.25, 1.5, 2.0]), **PLANTED)
@settings(max_examples=examples(40))
def test_a_planted_stretch_at_another_speed_is_found_where_it_is(offset_s, seconds, speed, noise_bits, before, after, seed):
    """Shorter ones fit the line of normal speed too well to be told apart."""
    check_planted(offset_s, seconds, speed, noise_bits, before, after, seed)


def check_planted(offset_s, seconds, speed, noise_bits, before, after, seed):
    reference = reference_track(90, seed=seed)
    found = strongest(planted(reference, offset_s, speed, seconds, noise_bits, before=before, after=after, seed=seed), reference)
    assert found.start_s == pytest.approx(before, abs=0.3)
    assert found.end_s == pytest.approx(before + seconds, abs=0.3)
    assert found.reference_s == pytest.approx((offset_s, offset_s + speed * seconds), abs=0.5)
    assert abs(found.transform.speed - speed) * seconds <= 0.4  # seconds of drift over the whole stretch
    alike = found.samples.distance <= RULES.align_radius_bits
    assert len(np.unique(found.samples.query[alike])) >= 0.9 * seconds * 4
    assert (found.samples.reference[alike] >= 0).all()


@given(st.integers(0, 10_000))
@settings(max_examples=examples(25))
def test_unrelated_tracks_have_no_stretch(seed):
    query, reference = reference_track(20, seed=seed), reference_track(60, seed=seed + 20_000)
    assert align(query, reference, distances(query.hash, reference.hash), RULES).segments == ()


@given(st.permutations([0, 1, 2]), st.integers(0, 1000))
@settings(max_examples=examples(25))
def test_pieces_in_another_order_are_all_found(order, seed):
    reference = reference_track(60, seed=seed)
    pieces = [planted(reference, 20.0 * piece, 1.0, 8, 20, seed=piece).hash for piece in order]
    hashes = np.concatenate(pieces)
    starts = np.arange(len(hashes)) / 4
    query = track(hashes, starts, starts + 0.25)
    found = sorted(align(query, reference, distances(query.hash, reference.hash), RULES).segments, key=lambda s: s.start_s)
    assert len(found) == 3
    for place, (stretch, piece) in enumerate(zip(found, order, strict=True)):
        assert stretch.start_s == pytest.approx(8 * place, abs=0.3)
        assert stretch.end_s == pytest.approx(8 * place + 8, abs=0.3)
        assert stretch.reference_s[0] == pytest.approx(20 * piece, abs=0.5)


def with_something_else(query, first_s, last_s):
    """The query with other pictures from one time to another."""
    hashes = query.hash.copy()
    inside = (query.start_s >= first_s) & (query.end_s <= last_s)
    hashes[inside] = random_hashes(5_000, int(inside.sum()))  # no seed that a reference is drawn with
    return track(hashes, query.start_s, query.end_s)


@given(seconds=st.integers(3, 10), gap=st.integers(1, 40), noise_bits=st.integers(0, 25), seed=st.integers(0, 1000))
@settings(max_examples=examples(60))
def test_a_long_difference_parts_two_stretches_and_a_short_one_does_not(seconds, gap, noise_bits, seed):
    """An effect or a title is bridged, other footage is not, however long what is alike on both sides of it."""
    gap_s = gap / 4
    reference = reference_track(90, seed=seed)
    query = with_something_else(planted(reference, 10, 1.0, 2 * seconds + gap_s, noise_bits, seed=seed), seconds, seconds + gap_s)
    found = sorted(align(query, reference, distances(query.hash, reference.hash), RULES).segments, key=lambda s: s.start_s)
    if gap_s <= RULES.max_gap_s - 0.25:
        assert [(s.start_s, s.end_s) for s in found] == [pytest.approx((0, 2 * seconds + gap_s), abs=0.3)]
    elif gap_s >= RULES.max_gap_s + 0.75:
        ends = [(0, seconds), (seconds + gap_s, 2 * seconds + gap_s)]
        assert [(s.start_s, s.end_s) for s in found] == [pytest.approx(part, abs=0.3) for part in ends]


@given(seconds=st.integers(4, 20), hidden_s=st.sampled_from([0.5, 1.0, 1.5]), seed=st.integers(0, 1000))
@settings(max_examples=examples(25))
def test_seconds_that_one_side_does_not_show_part_nothing(seconds, hidden_s, seed):
    """Too dark to be usable, say."""
    reference = reference_track(60, seed=seed)
    query = planted(reference, 10, 1.0, seconds, 10, seed=seed)
    shown = (query.end_s <= seconds / 2) | (query.start_s >= seconds / 2 + hidden_s)
    query = track(query.hash[shown], query.start_s[shown], query.end_s[shown])
    (found,) = align(query, reference, distances(query.hash, reference.hash), RULES).segments
    assert (found.start_s, found.end_s) == pytest.approx((0, seconds), abs=0.3)


def test_stretches_of_one_query_do_not_overlap_by_more_than_a_moment():
    """Forwards and then backwards, where many short lines fit."""
    reference = reference_track(30)
    query = track(np.concatenate([reference.hash, reference.hash[::-1]]), np.arange(240) / 4, np.arange(1, 241) / 4)
    found = sorted(align(query, reference, distances(query.hash, reference.hash), RULES).segments, key=lambda s: s.start_s)
    assert len(found) > 1
    assert all(a.end_s <= b.start_s + 1 / RULES.samples_per_s for a, b in itertools.pairwise(found))


def test_both_sides_are_read_on_a_clock_however_long_their_entries_last():
    """One long entry on one side is many moments."""
    reference = reference_track(10)
    query = track(reference.hash[:1], [0.0], [5.0])
    moments = samples_along(TemporalTransform(1.0, 2.0), query, reference, 0.0, 5.0, RULES)
    assert len(moments.time_s) == 5 * RULES.samples_per_s
    assert np.allclose(np.diff(moments.time_s), 1 / RULES.samples_per_s)
    assert moments.seen.all()
    assert set(moments.query.tolist()) == {0}
    shown = np.floor((moments.time_s + 2.0) * 4)
    assert np.abs(moments.reference - shown).max() <= 1  # view_comparisons on both sides are not in step: the nearest neighbour counts
    beyond = samples_along(TemporalTransform(1.0, 20.0), query, reference, 0.0, 5.0, RULES)
    assert not beyond.seen.any()


# -- motion ----------------------------------------------------------------------------------------


def same_place(seed, count, change_bits, place=77):
    """Footage of one fixed camera: a place, and in every frame some other bits of it."""
    return flipped(np.repeat(random_hashes(place, 1), count, axis=0), change_bits, seed)


def test_a_copy_changes_alike_and_other_footage_of_the_place_does_not():
    reference = reference_track(20)
    filmed = track(same_place(1, 80, 25), reference.start_s, reference.end_s)
    copy = track(flipped(filmed.hash, 6), filmed.start_s, filmed.end_s)
    other = track(same_place(2, 80, 25), filmed.start_s, filmed.end_s)
    assert motion_of(copy, filmed, strongest(copy, filmed), RULES).correlation > 0.6
    assert motion_of(other, filmed, strongest(other, filmed), RULES).correlation < 0.3


def lasting(hashes, lengths_s):
    """A fingerprint whose entries last as long as given."""
    ends = np.cumsum(lengths_s)
    return replace(fingerprint_of(hashes), start_s=ends - lengths_s, end_s=ends, duration_s=float(ends[-1]))


@given(st.integers(0, 1000))
@settings(max_examples=examples(15))
def test_a_picture_that_stays_is_no_more_evidence_the_longer_it_stays(seed):
    """Eight pictures in two seconds, of which the last stays on."""
    known = random_hashes(seed, 8)
    asked = flipped(known, 10, seed)
    evidence = []
    for stays_s in (0.25, 4.0, 60.0):
        lengths = np.array([0.25] * 7 + [stays_s])
        (found,) = vhashdb.compare(lasting(asked, lengths), lasting(known, lengths)).segments
        assert found.query_end_s == pytest.approx(1.75 + stays_s, abs=0.3)
        assert found.motion.samples <= 2 * 8
        evidence.append(found.motion_evidence)
    assert evidence[2] <= 1.1 * evidence[1]
    assert evidence[1] <= 2.2 * evidence[0]  # moments double once entries last, and the correlation moves a little


def test_looking_more_often_is_no_more_evidence():
    """The same two copies of 10 s, looked at 4, 8 and 25 times a second."""
    moments = []
    for rate in (4, 8, 25):
        known = fingerprint_of(random_hashes(1, 10 * rate), step_s=1 / rate)
        (found,) = vhashdb.compare(known, known).segments
        moments.append(found.motion.samples)
    assert moments == pytest.approx([40, 40, 40], abs=2)


@pytest.mark.parametrize("seed", range(8))
def test_other_footage_of_one_place_is_never_a_match(seed):
    """A fixed camera: every frame is alike, 25 + 25 bits at most from any other, and none of it is a copy."""
    known, asked = fingerprint_of(same_place(seed, 80, 20)), fingerprint_of(same_place(seed + 50, 80, 20))
    assert vhashdb.compare(asked, known).judgement.verdict is not Verdict.MATCH


def test_a_copy_of_a_calm_film_is_a_match():
    known = fingerprint_of(same_place(1, 80, 20))
    asked = fingerprint_of(flipped(known.hash, 5))
    assert vhashdb.compare(asked, known).judgement.verdict is Verdict.MATCH


@pytest.mark.parametrize("noise_bits", [0, 4, 10])
def test_a_still_scene_is_possible_and_says_why(noise_bits):
    still = np.repeat(random_hashes(3, 1), 60, axis=0)
    judgement = vhashdb.compare(fingerprint_of(flipped(still, noise_bits)), fingerprint_of(still)).judgement
    assert judgement.verdict is Verdict.POSSIBLE
    assert 0 < judgement.score < 0.5
    assert "no motion" in judgement.reason


def test_one_frame_in_common_is_no_match():
    known, asked = random_hashes(1, 60), random_hashes(2, 60)
    asked[30] = known[10]
    assert vhashdb.compare(fingerprint_of(asked), fingerprint_of(known)).judgement.verdict is not Verdict.MATCH


def test_a_title_in_common_is_no_match():
    """Three seconds of one still card before two different films."""
    card = np.repeat(random_hashes(5, 1), 12, axis=0)
    known, asked = (np.concatenate([card, random_hashes(seed, 60)]) for seed in (1, 2))
    assert vhashdb.compare(fingerprint_of(asked), fingerprint_of(known)).judgement.verdict is not Verdict.MATCH


def test_frames_of_low_quality_are_not_compared():
    hashes = random_hashes(1, 40)
    dark = fingerprint_of(hashes, quality=10)
    for query, reference in ((dark, fingerprint_of(hashes)), (fingerprint_of(hashes), dark), (dark, dark)):
        judgement = vhashdb.compare(query, reference).judgement
        assert judgement.verdict in (Verdict.NO_MATCH, Verdict.INSUFFICIENT)
        assert (judgement.segments, judgement.score) == ((), 0.0)


def test_an_empty_fingerprint_matches_nothing():
    empty, full = fingerprint_of(random_hashes(1, 0)), fingerprint_of(random_hashes(1, 10))
    for query, reference in ((empty, full), (full, empty), (empty, empty)):
        assert vhashdb.compare(query, reference).judgement.verdict in (Verdict.NO_MATCH, Verdict.INSUFFICIENT)


# -- judgement -------------------------------------------------------------------------------------

FINGERPRINT = fingerprint_of(random_hashes(1, 80))


def judged(*segments):
    return judge(segments, FINGERPRINT, FINGERPRINT, RULES)


def test_a_strong_segment_is_a_match_with_every_gate_passed():
    judgement = judged(segment())
    assert judgement.verdict is Verdict.MATCH
    assert judgement.score > 0.9
    assert all(gate.passed for gate in judgement.gates)


@pytest.mark.parametrize(
    "weak",
    [
        {"entries": RULES.min_entries - 1},
        {"matched_s": RULES.min_matched_s - 0.01},
        {"correlation": RULES.min_correlation - 0.01, "median_bits": 40.0},
        {"median_bits": 73.0},
        {"changes": RULES.min_changes},
    ],
    ids=lambda weak: next(iter(weak)),
)
def test_each_gate_alone_prevents_a_match(weak):
    judgement = judged(segment(**weak))
    assert judgement.verdict is not Verdict.MATCH
    assert not all(gate.passed for gate in judgement.gates)


def test_the_gates_let_pass_what_just_reaches_them():
    just = segment(entries=RULES.min_entries, matched_s=RULES.min_matched_s, median_bits=RULES.far_bits, correlation=0.9)
    assert just.evidence == pytest.approx(-(6 - RULES.min_changes) * np.log(1 - 0.81))
    assert judged(just).verdict is Verdict.MATCH


@given(st.floats(0.3, 0.95), st.integers(4, 60), st.floats(0, 60), st.floats(0, 12))
@settings(max_examples=examples(100))
def test_the_score_separates_at_a_half(correlation, entries, median_bits, changes):
    only = segment(correlation=correlation, entries=entries, median_bits=median_bits, changes=changes)
    judgement = judged(only)
    assert (judgement.score >= 0.5) == (judgement.verdict is Verdict.MATCH) == (only.evidence >= RULES.match_evidence)
    assert 0 <= judgement.score <= 1


def test_more_correlation_and_more_changes_are_more_evidence():
    for changes in (3.0, 9.0):
        values = [segment(correlation=r, changes=changes, median_bits=40.0).evidence for r in (0.2, 0.5, 0.7, 0.9)]
        assert values == sorted(values)
    one_more, three_more = (segment(changes=RULES.min_changes + more, median_bits=40.0).evidence for more in (1, 3))
    assert three_more == pytest.approx(3 * one_more)
    assert segment(median_bits=4.0).evidence > segment(median_bits=20.0).evidence > segment(median_bits=40.0).evidence - 1e-9


def test_what_changes_alike_for_longer_is_more_evidence_up_to_a_bound():
    evidence = [segment(entries=entries, median_bits=40.0).evidence for entries in (8, 20, 40, 60, 600)]
    assert evidence[0] == evidence[1] < evidence[2] < evidence[3] == evidence[4]


def test_one_fade_however_long_is_one_change():
    before, after = np.random.default_rng(0).choice((-1.0, 1.0), (2, 256)).astype(np.float32)
    for moments in (6, 20, 200):
        fade = before + np.linspace(0, 1, moments, dtype=np.float32)[:, None] * (after - before)
        assert independent_changes(fade, 6) == pytest.approx(1, rel=1e-4)


def test_the_state_before_and_after_a_switch_is_no_change_within_windows():
    before, after = np.random.default_rng(0).choice((-1.0, 1.0), (2, 256)).astype(np.float32)
    states = np.repeat([before, after], 12, axis=0)
    assert independent_changes(states, 6) == 0


@given(st.integers(2, 12), st.integers(0, 1000))
@settings(max_examples=examples(50))
def test_so_many_patterns_as_come_and_go_are_independent_changes(patterns, seed):
    """A countdown of so many numerals, each shown for one window and blinking on and off within it."""
    numerals = np.random.default_rng(seed).choice((-1.0, 1.0), (patterns, 256)).astype(np.float32)
    shown = np.concatenate([np.outer((-1, 1, -1, 1, -1, 1), numeral) for numeral in numerals]).astype(np.float32)
    assert independent_changes(shown, 6) == pytest.approx(patterns, rel=0.1)


@given(st.integers(1, 40), st.integers(1, 400), st.integers(2, 8), st.integers(0, 1000))
@settings(max_examples=examples(50))
def test_independent_changes_are_at_most_moments_and_bits(moments, bits, window, seed):
    found = independent_changes(np.random.default_rng(seed).standard_normal((moments, bits)).astype(np.float32), window)
    assert 0 <= found <= min(moments, bits) + 1e-3


def test_another_speed_costs_evidence():
    assert segment(speed=1.2).evidence == pytest.approx(segment().evidence - RULES.speed_cost)
    assert segment(speed=1.01).evidence == segment().evidence


def test_segments_that_claim_one_stretch_do_not_add_up():
    strong, weak = segment(), segment(correlation=0.5)
    assert judged(strong, weak).score == judged(strong).score
    assert len(judged(strong, weak).segments) == 1


def test_segments_side_by_side_add_up_and_come_in_order():
    late, early = segment(correlation=0.6, start_s=8.0, end_s=12.0), segment(correlation=0.5, start_s=0.0, end_s=4.0)
    judgement = judged(late, early)
    assert [s.query_start_s for s in judgement.segments] == [0.0, 8.0]
    assert judgement.score >= judged(late).score
    assert judgement.matched_query_s == 8.0
    assert judgement.query_coverage == pytest.approx(8 / 20)


def test_no_segment_is_no_match_with_a_gate_to_show():
    judgement = judged()
    assert (judgement.verdict, judgement.score, judgement.segments) == (Verdict.NO_MATCH, 0.0, ())
    assert judgement.gates


def test_one_very_close_picture_is_worth_a_look_if_it_lasts():
    assert judged(segment(entries=1, correlation=0.0, median_bits=8.0, matched_s=0.3)).verdict is Verdict.POSSIBLE
    assert judged(segment(entries=1, correlation=0.0, median_bits=20.0, matched_s=0.3)).verdict is Verdict.NO_MATCH
    assert judged(segment(entries=1, correlation=0.0, median_bits=8.0, matched_s=0.2)).verdict is Verdict.NO_MATCH


# -- bits ------------------------------------------------------------------------------------------


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from([1, 2, 4, 8, 12, 32, 128]), st.integers(0, 1000))
@settings(max_examples=examples(60))
def test_distances_count_different_bits(left_count, right_count, size, seed):
    left, right = random_hashes(seed, left_count, size), random_hashes(seed + 1, right_count, size)
    expected = (np.unpackbits(left, axis=1)[:, None] != np.unpackbits(right, axis=1)[None]).sum(axis=2)
    assert np.array_equal(distances(left, right), expected)
    count = min(left_count, right_count)
    assert np.array_equal(paired_distances(left[:count], right[:count]), np.diagonal(expected)[:count])


def test_unpacked_bits_are_one_and_minus_one():
    assert unpack(np.array([[0b10000001]], np.uint8)).tolist() == [[1, -1, -1, -1, -1, -1, -1, 1]]
