"""Where things are drawn: places in percent of the width, against seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.report.stretches import Stretch
from vhashdb.report.timeline import TICK_ROOM, Side, lone_bar, timeline, windows


def length(span):
    return span[1] - span[0]


def test_both_bars_have_one_scale():
    drawn = timeline(Side(8), Side(10), [Stretch((0, 8), (0, 10), speed=1.25)])
    assert length(drawn.query.place) == pytest.approx(80)
    assert length(drawn.reference.place) == pytest.approx(100)


def test_a_band_is_as_wide_as_its_stretch_on_either_side_so_that_its_sides_show_the_speed():
    (band,) = timeline(Side(8), Side(20), [Stretch((2, 6), (5, 10), speed=1.25)]).bands
    assert length(band.reference) / length(band.query) == pytest.approx(1.25)


def test_the_shorter_video_is_moved_so_that_the_longest_stretch_begins_at_one_place():
    drawn = timeline(Side(4), Side(12), [Stretch((0, 4), (3.5, 7.5))])
    assert drawn.bands[0].query == pytest.approx(drawn.bands[0].reference)
    assert drawn.query.place == pytest.approx((100 * 3.5 / 12, 100 * 7.5 / 12))
    the_other_way = timeline(Side(12), Side(4), [Stretch((3.5, 7.5), (0, 4))])
    assert the_other_way.reference.place == pytest.approx(drawn.query.place)


def test_a_short_stretch_of_long_videos_is_shown_with_what_is_around_it_and_a_rail_of_the_whole():
    drawn = timeline(Side(3600, ((0, 60),)), Side(7200), [Stretch((1000, 1010), (5000, 5010))])
    assert drawn.query.shown_s == pytest.approx((990, 1020))
    assert drawn.reference.shown_s == pytest.approx((4990, 5020))
    assert length(drawn.query.matched[0]) == pytest.approx(100 / 3)
    assert drawn.query.rail.part == pytest.approx((27.5, 28.3333), abs=1e-3)
    assert drawn.query.rail.unusable == (pytest.approx((0, 100 / 60)),)
    assert drawn.query.unusable == ()
    assert drawn.reference.rail.matched == (pytest.approx((100 * 5000 / 7200, 100 * 5010 / 7200)),)


def test_the_whole_of_both_is_shown_where_the_stretches_can_be_seen():
    assert windows(100, 60, [(0, 10)], [(20, 30)]) == ((0, 100), (0, 60))
    assert timeline(Side(100), Side(60), [Stretch((0, 10), (20, 30))]).query.rail is None


def test_unusable_stretches_are_on_both_bars_and_cut_to_what_is_shown():
    drawn = timeline(Side(3600, ((995, 1005), (2000, 2010))), Side(3600, ((0, 5000),)), [Stretch((1000, 1010), (1000, 1010))])
    assert drawn.query.unusable == (pytest.approx((100 * 5 / 30, 100 * 15 / 30)),)
    assert drawn.reference.unusable == (pytest.approx((0, 100)),)


def test_a_still_picture_has_a_place():
    drawn = timeline(Side(0.04), Side(10), [Stretch((0, 0.04), (2.5, 2.5))])
    assert drawn.reference.shown_s == pytest.approx((0.5, 4.5))
    assert drawn.query.place == pytest.approx((50, 51))
    assert drawn.bands[0].reference == pytest.approx((50, 50))


def test_a_lone_bar_spans_the_width():
    bar = lone_bar(Side(6, ((1, 3),)))
    assert bar.place == pytest.approx((0, 100))
    assert bar.unusable == (pytest.approx((100 / 6, 50)),)


def test_ticks_tell_their_second():
    bar = lone_bar(Side(12))
    assert [(tick.label, round(tick.x, 2)) for tick in bar.ticks] == [("0:00", 0), ("0:05", 41.67), ("0:10", 83.33)]
    assert [tick.label for tick in lone_bar(Side(7000)).ticks] == ["0:00", "30:00", "1:00:00", "1:30:00"]
    assert [tick.label for tick in lone_bar(Side(1.2)).ticks][:2] == ["0:00.0", "0:00.5"]


seconds = st.floats(0.04, 50_000, allow_nan=False)


@st.composite
def pairs(draw):
    query_s, reference_s = draw(seconds), draw(seconds)
    stretches = []
    for _ in range(draw(st.integers(1, 4))):
        here, there = sorted(draw(st.tuples(*[st.floats(0, 1)] * 2))), sorted(draw(st.tuples(*[st.floats(0, 1)] * 2)))
        stretches.append(Stretch(tuple(query_s * x for x in here), tuple(reference_s * x for x in there)))
    return query_s, reference_s, stretches


@given(pairs())
def test_nothing_is_drawn_outside_and_every_stretch_is_inside(pair):
    query_s, reference_s, stretches = pair
    drawn = timeline(Side(query_s, ((0, query_s),)), Side(reference_s), stretches)
    for bar, spans in ((drawn.query, [b.query for b in drawn.bands]), (drawn.reference, [b.reference for b in drawn.bands])):
        inside = [*spans, *bar.unusable, *bar.matched, *((t.x, t.x) for t in bar.ticks)]
        assert -1e-6 <= bar.place[0] <= bar.place[1] <= 100 + 1e-6
        assert all(bar.place[0] - 1e-6 <= start <= end <= bar.place[1] + 1e-6 for start, end in inside)
        assert all(b.x - a.x >= TICK_ROOM - 1e-6 for a, b in zip(bar.ticks, bar.ticks[1:], strict=False))
