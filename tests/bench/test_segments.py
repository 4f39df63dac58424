from types import SimpleNamespace

import numpy as np
import pytest

from bench.segments import HEADER, meetings, overlap_s, row, spurious_s, worst
from bench.truth import Piece, pieces_of

PIECE = Piece(8.0, 12.0, 3.0, 7.0)


def segment(query_start_s, query_end_s, reference_start_s, speed=1.0):
    """What the measurements read of a reported segment."""
    reference_end_s = reference_start_s + speed * (query_end_s - query_start_s)
    return SimpleNamespace(
        query_start_s=query_start_s,
        query_end_s=query_end_s,
        reference_start_s=reference_start_s,
        reference_end_s=reference_end_s,
        speed=speed,
        speed_range=None,
        speed_is_exact=True,
    )


def test_errors_of_the_four_ends_are_reported_less_true():
    (met,) = meetings("q", [PIECE], [segment(7.5, 12.25, 2.75)])
    assert np.allclose(met.ends_off_s, (-0.5, 0.25, -0.25, 0.5))
    assert met.worst_s == 0.5


def test_parts_of_a_piece_are_taken_together():
    (met,) = meetings("q", [PIECE], [segment(8.0, 9.0, 3.0), segment(10.0, 12.0, 5.0)])
    assert len(met.segments) == 2
    assert met.ends_off_s == (0, 0, 0, 0)


def test_reordered_halves_meet_their_own_segments():
    pieces = pieces_of("reorder", 10.0)
    first, second = meetings("q", pieces, [segment(0.0, 5.0, 5.0), segment(5.0, 10.0, 0.0)])
    assert first.ends_off_s == second.ends_off_s == (0, 0, 0, 0)


def test_a_segment_of_the_wrong_half_meets_nothing_and_is_spurious():
    pieces, claimed = pieces_of("reorder", 10.0), [segment(0.0, 5.0, 0.0)]
    assert not any(m.segments for m in meetings("q", pieces, claimed))
    assert spurious_s(pieces, claimed) == pytest.approx(5.0)


def test_a_segment_far_too_long_still_meets_its_piece_and_is_spurious_beyond():
    claimed = [segment(0.0, 20.0, -5.0)]
    (met,) = meetings("q", [PIECE], claimed)
    assert met.ends_off_s == (-8, 8, -8, 8)
    assert spurious_s([PIECE], claimed) == pytest.approx(20.0 - 4.0 - 2 * 1.0)


def test_overlap_is_in_query_seconds_at_any_speed():
    (piece,) = pieces_of("speed125", 10.0)
    assert overlap_s(segment(0.0, 8.0, 0.0, 1.25), piece) == pytest.approx(8.0)
    assert overlap_s(segment(0.0, 4.0, 7.5, 1.25), piece) == pytest.approx(2.0)


def test_speed_is_that_of_the_longest_segment():
    (piece,) = pieces_of("speed125", 10.0)
    (met,) = meetings("q", [piece], [segment(0.0, 2.0, 0.0, 1.0), segment(2.0, 8.0, 2.5, 1.2)])
    assert met.speed_off == pytest.approx(-0.04)


def test_rows_are_as_wide_as_the_header_and_count_what_was_missed():
    met = meetings("q", [PIECE], [segment(8.0, 12.0, 3.0)])
    missed = meetings("r", [PIECE], [])
    whole, nothing = row("insert", met + missed, 0.0), row("insert", missed, 0.0)
    assert len(whole) == len(nothing) == len(HEADER)
    assert (whole[2], nothing[2]) == ("0.500", "0.000")
    assert worst(met + missed, 1) == missed
