"""Where samples lie: no time runs backwards, none is used twice, and what containers say is believed as far as it makes sense."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video.clock import ANEW_S, MOST_IN_GAPS_S
from vhashdb.video.sound_timeline import BLOCK_SAMPLES, FILLED_S, SLACK_S, SoundClock, SoundTimeline

FRAME_S = 0.02


def runs(*stamps, seconds=FRAME_S):
    """Where runs begin for frames of one length with these times."""
    clock = SoundClock()
    return [start for stamp in stamps if (start := clock.tick(stamp, seconds)) is not None]


def steady(first, count):
    return [first + FRAME_S * number for number in range(count)]


# -- the clock -------------------------------------------------------------------------------------


def test_what_follows_on_is_one_run():
    assert runs(*steady(3.0, 100)) == [3.0]


def test_rounded_and_jittering_times_follow_on():
    random = np.random.default_rng(1)
    assert len(runs(*(time_s + random.uniform(-0.03, 0.03) for time_s in steady(0.0, 500)))) == 1
    assert len(runs(*(round(time_s, 1) for time_s in steady(0.0, 500)))) == 1


def test_missing_times_follow_on():
    assert runs(None, None, None) == [0.0]
    assert runs(5.0, None, None, 5.06) == [5.0]


def test_a_gap_begins_a_run():
    assert runs(*steady(0.0, 10), *steady(0.5, 10)) == [0.0, 0.5]


def test_a_slow_count_is_put_right_now_and_then():
    """A rate that is said 1 % too high."""
    starts = runs(*(1.01 * time_s for time_s in steady(0.0, 2000)))
    assert len(starts) == pytest.approx(0.4 / SLACK_S, abs=2)


def test_sound_that_overlaps_is_put_where_it_says():
    assert runs(*steady(0.0, 50), *steady(0.7, 50)) == pytest.approx([0.0, 0.72])  # the first of it only goes back


def test_times_that_stand_still_say_nothing():
    assert runs(*[1.0] * 200) == [1.0]


def test_a_count_that_begins_anew_follows_on():
    clock = SoundClock()
    starts = [clock.tick(stamp, FRAME_S) for stamp in (*steady(90.0, 100), *steady(0.0, 100), *steady(50.0, 10))]
    assert starts[0] == 90.0
    assert starts[1:200] == [None] * 199
    assert starts[200] == pytest.approx(92.0 + 50.0)  # a gap counts from there
    assert clock.end_s == pytest.approx(142.2)


def test_half_a_day_without_sound_is_moved_up():
    clock = SoundClock()
    for stamp in (*steady(0.0, 10), *steady(MOST_IN_GAPS_S + 100, 10), *steady(2 * MOST_IN_GAPS_S, 10)):
        clock.tick(stamp, FRAME_S)
    assert clock.moved_up_s > MOST_IN_GAPS_S
    assert clock.end_s < MOST_IN_GAPS_S + 3


# -- the timeline ----------------------------------------------------------------------------------


def placed(*parts, zero_s=0.0, longest_s=1000.0, hold=0):
    """Blocks of the parts, each ``(run_s, offset, samples)``; ``hold`` of them come before it is known where the timeline begins."""
    blocks = []
    timeline = SoundTimeline(7, longest_s, blocks.append)
    for number, part in enumerate(parts):
        if number == hold:
            timeline.begin(zero_s)
        timeline.put(*part)
    if hold >= len(parts):
        timeline.begin(zero_s)
    timeline.finish()
    return blocks, timeline


def ones(count, value=1):
    return np.full(count, value, np.int16)


def test_samples_are_cut_into_blocks():
    blocks, timeline = placed((2.0, 0, ones(100_000)))
    assert [len(block.samples) for block in blocks] == [BLOCK_SAMPLES] * 3 + [100_000 - 3 * BLOCK_SAMPLES]
    assert [block.start_s for block in blocks] == [2.0 + number * BLOCK_SAMPLES / SAMPLE_RATE for number in range(4)]
    assert {block.track for block in blocks} == {7}
    assert (timeline.start_s, timeline.taken_s) == (2.0, 12.5)


@pytest.mark.parametrize("hold", [0, 1, 2])
def test_what_lies_before_the_beginning_is_cut_off(hold):
    blocks, timeline = placed((8.0, 0, ones(8000)), (8.0, 8000, ones(16_000, 2)), zero_s=10.0, hold=hold)
    (block,) = blocks
    assert (block.start_s, len(block.samples), set(block.samples)) == (0.0, 8000, {2})
    assert timeline.before_s == 2.0


def test_short_gaps_are_silence_and_long_ones_are_none():
    blocks, timeline = placed((0.0, 0, ones(80)), (1.0, 0, ones(80)), (2.0 + FILLED_S, 0, ones(80)))
    first, second = blocks
    assert (first.start_s, len(first.samples), first.samples.sum()) == (0.0, 8080, 160)
    assert (second.start_s, len(second.samples)) == (2.0 + FILLED_S, 80)
    assert timeline.taken_s == pytest.approx(0.03)


def test_what_is_there_already_is_not_taken_again():
    (block,), _ = placed((0.0, 0, ones(8000)), (0.5, 0, ones(8000, 2)))
    assert block.samples.tolist() == [1] * 8000 + [2] * 4000


def test_no_more_is_taken_than_the_limit():
    blocks, timeline = placed((0.0, 0, ones(8000)), (1.0, 0, ones(8000)), (2.0, 0, ones(8000)), longest_s=1.5)
    assert sum(len(block.samples) for block in blocks) == 12_000
    assert timeline.limited


@given(
    st.lists(st.tuples(st.floats(-5, 200), st.integers(0, 100), st.integers(0, 70_000)), max_size=12),
    st.integers(0, 12),
    st.floats(0, 20),
)
@settings(max_examples=examples(100))
def test_blocks_are_in_order_and_bounded_whatever_comes(parts, hold, longest_s):
    blocks, timeline = placed(*((run_s, offset, ones(count)) for run_s, offset, count in parts), longest_s=longest_s, hold=hold)
    end_s = 0.0
    for block in blocks:
        assert block.start_s >= end_s - 1e-9
        assert 0 < len(block.samples) <= BLOCK_SAMPLES
        end_s = block.end_s
    assert sum(len(block.samples) for block in blocks) <= round(longest_s * SAMPLE_RATE)
    assert timeline.end_s == pytest.approx(end_s)


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(0, 1e6)), st.floats(0, 2)), max_size=50))
@settings(max_examples=examples(200))
def test_no_times_make_a_timeline_without_end(frames):
    clock = SoundClock()
    for stamp, seconds in frames:
        clock.tick(stamp, seconds)
    there_s = sum(seconds for _, seconds in frames)
    assert clock.end_s <= (clock.first_s or 0.0) + there_s + MOST_IN_GAPS_S + len(frames) * (ANEW_S + SLACK_S) + 1e-6
