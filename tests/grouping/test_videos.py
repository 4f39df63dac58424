"""From relations of editions to videos."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.grouping import EditionRelation, Relation, Role, Side, group

LONG, OTHER, COMPILED = 1, 2, 3


def side(start_s, end_s, length_s, *, goes_on=True, chance=0.05):
    """What an edition shows of another: some seconds of it, with a cut at each edge unless it goes on."""
    at_start, at_end = start_s == 0, end_s == length_s
    inner = not (at_start and at_end)
    return Side(((start_s, end_s),), (end_s - start_s) / length_s, at_start, at_end, goes_on and inner, 1.0 if goes_on else chance)


def related(one, one_side, other, other_side):
    return EditionRelation(one, other, Relation(one_side, other_side))


def clip_of(clip, length_s, container, start_s, container_s):
    """A clip that begins at a second of a longer edition, which goes on before and after it."""
    return related(clip, side(0, length_s, length_s), container, side(start_s, start_s + length_s, container_s))


def part(compilation, at_s, compilation_s, video, start_s, video_s, length_s, chance=0.05):
    """A part of a video in a compilation, which changes to something else at its edges."""
    here = side(at_s, at_s + length_s, compilation_s, goes_on=False, chance=chance)
    return related(compilation, here, video, side(start_s, start_s + length_s, video_s))


def members(groups):
    return {frozenset(each.roles) for each in groups}


def test_two_clips_of_one_video_belong_to_it():
    relations = [clip_of(2, 4, 1, 0, 20), clip_of(3, 4, 1, 10, 20)]
    (video,) = group([1, 2, 3], relations)
    assert video.roles == {1: Role.WHOLE, 2: Role.CLIP, 3: Role.CLIP}


def test_a_compilation_belongs_to_each_video_that_it_shows_a_part_of():
    relations = [part(COMPILED, 0, 8, LONG, 5, 20, 4), part(COMPILED, 4, 8, OTHER, 10, 20, 4)]
    groups = group([LONG, OTHER, COMPILED], relations)
    assert members(groups) == {frozenset({LONG, COMPILED}), frozenset({OTHER, COMPILED})}
    assert all(each.roles[COMPILED] is Role.PART for each in groups)


def test_what_lies_in_a_part_of_a_video_is_of_that_video():
    """The third lies in the second, which is put together, and shows of the first just what that has of it."""
    relations = [part(2, 0, 10, LONG, 4, 20, 5), clip_of(3, 4, 2, 1, 10)]
    first = next(each for each in group([LONG, 2, 3], relations) if LONG in each.roles)
    assert first.roles == {LONG: Role.WHOLE, 2: Role.PART, 3: Role.PART}


def test_a_video_that_two_compilations_show_parts_of_is_none():
    relations = [
        part(COMPILED, 0, 8, LONG, 2, 20, 4), part(COMPILED, 4, 8, OTHER, 10, 20, 4),
        part(4, 0, 8, LONG, 12, 20, 4), part(4, 4, 8, 5, 3, 20, 4),
    ]  # fmt: skip
    groups = group([LONG, OTHER, COMPILED, 4, 5], relations)
    assert members(groups) == {frozenset({LONG, COMPILED, 4}), frozenset({OTHER, COMPILED}), frozenset({5, 4})}


def test_whole_videos_that_were_put_one_after_the_other_are_a_compilation():
    """Nothing of them is beyond it, but it changes to another picture where each of them ends."""
    relations = [part(COMPILED, 0, 20, LONG, 0, 10, 10), part(COMPILED, 10, 20, OTHER, 0, 10, 10)]
    assert members(group([LONG, OTHER, COMPILED], relations)) == {frozenset({LONG, COMPILED}), frozenset({OTHER, COMPILED})}


@pytest.mark.parametrize(("length_s", "apart"), [(10, True), (4, False)])
def test_where_cuts_are_frequent_only_parts_that_explain_all_make_a_compilation(length_s, apart):
    relations = [part(COMPILED, at_s, 20, video, 0, length_s, length_s, chance=0.5) for video, at_s in ((LONG, 0), (OTHER, 10))]
    groups = group([LONG, OTHER, COMPILED], relations)
    assert members(groups) == ({frozenset({LONG, COMPILED}), frozenset({OTHER, COMPILED})} if apart else {frozenset({1, 2, 3})})


def test_clips_of_what_most_people_have_make_it_no_compilation_however_frequent_cuts_are():
    relations = [part(COMPILED, at_s, 20, video, 0, 10, 10, chance=0.5) for video, at_s in ((LONG, 0), (OTHER, 10))]
    assert members(group([LONG, OTHER, COMPILED], relations, copies={COMPILED: 3})) == {frozenset({LONG, OTHER, COMPILED})}


def test_a_clip_of_what_a_compilation_shows_is_of_its_video_alone():
    relations = [
        part(COMPILED, 0, 8, LONG, 5, 20, 4), part(COMPILED, 4, 8, OTHER, 10, 20, 4),
        clip_of(4, 2, LONG, 6, 20), clip_of(4, 2, COMPILED, 1, 8),
    ]  # fmt: skip
    assert members(group([LONG, OTHER, COMPILED, 4], relations)) == {frozenset({LONG, COMPILED, 4}), frozenset({OTHER, COMPILED})}


def test_an_intro_that_two_videos_share_makes_them_none():
    shared = related(1, side(0, 5, 12), 2, side(0, 5, 12))
    assert members(group([1, 2], [shared])) == {frozenset({1}), frozenset({2})}


def test_clips_that_overlap_are_of_one_video_though_nobody_has_it():
    overlap = related(1, side(6, 10, 10), 2, side(0, 4, 10))
    assert members(group([1, 2], [overlap])) == {frozenset({1, 2})}


def test_two_compilations_that_share_a_part_are_of_no_video_of_their_own():
    """The one ends with it, the other begins with it, and at its edges both change to something else."""
    overlap = related(1, side(6, 10, 10, goes_on=False), 2, side(0, 4, 10, goes_on=False))
    assert frozenset({1, 2}) not in members([each for each in group([1, 2], [overlap]) if Role.PART not in each.roles.values()])


def test_what_people_say_counts():
    assert members(group([1, 2], [], together=[(1, 2)])) == {frozenset({1, 2})}
    assert members(group([1, 2], [clip_of(2, 4, 1, 0, 20)], apart=[(1, 2)])) == {frozenset({1}), frozenset({2})}


def test_a_compilation_is_of_a_video_that_people_put_it_into():
    relations = [part(1, 0, 8, 3, 5, 20, 4), part(1, 4, 8, 4, 10, 20, 4)]
    groups = group([1, 2, 3, 4], relations, together=[(1, 2)])
    assert members(groups) == {frozenset({1, 2}), frozenset({1, 3}), frozenset({1, 4})}


@pytest.mark.parametrize("seed", range(5))
def test_a_circle_of_clips_is_a_video(seed):
    relations = [clip_of(2, 10, 1, 0, 10.5), clip_of(1, 10, 3, 0, 10.5), clip_of(3, 10, 2, 0, 10.5)]
    random.Random(seed).shuffle(relations)
    assert {edition for each in group([1, 2, 3], relations) for edition in each.roles} == {1, 2, 3}


_SPAN = st.tuples(st.integers(0, 9), st.integers(1, 10)).filter(lambda span: span[0] < span[1])
_RELATION = st.tuples(st.integers(1, 6), st.integers(1, 6), _SPAN, _SPAN, st.booleans(), st.booleans()).filter(lambda r: r[0] < r[1])


@given(st.lists(_RELATION, unique_by=lambda r: (r[0], r[1])), st.randoms(use_true_random=False))
def test_the_same_relations_give_the_same_videos_in_any_order_and_every_edition_has_one(drawn, rng):
    relations = [related(a, side(*one, 10, goes_on=on), b, side(*two, 10, goes_on=off)) for a, b, one, two, on, off in drawn]
    shuffled = [
        each if rng.random() < 0.5 else EditionRelation(each.other, each.one, each.relation.turned())
        for each in rng.sample(relations, len(relations))
    ]
    groups = group(range(1, 7), relations)
    assert groups == group(sorted(range(1, 7), key=lambda _: rng.random()), shuffled)
    assert {edition for each in groups for edition in each.roles} == set(range(1, 7))
