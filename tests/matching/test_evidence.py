"""What the segments of a pair are worth, and which of several that claim the same seconds is chosen."""

import pytest

from tests.matching.segments import segment
from vhashdb.matching import MatchingConfig
from vhashdb.matching.verdict import without_overlaps


def test_of_two_views_of_a_flat_picture_that_hardly_moves_the_nearer_is_chosen():
    """What little motion there is, is noise, and says nothing about which view is right."""
    near, moving = segment(median_bits=4.0, changes=1.4, quality=60), segment(median_bits=36.0, changes=2.4, correlation=0.4, quality=60)
    assert near.motion_evidence == 0.0 < moving.motion_evidence
    assert without_overlaps([moving, near], MatchingConfig()) == [near]


def test_of_two_views_the_one_that_moves_alike_is_chosen_where_much_moves():
    near, moving = segment(median_bits=10.0, changes=2.1, correlation=0.2), segment(median_bits=30.0)
    assert without_overlaps([near, moving], MatchingConfig()) == [moving]


@pytest.mark.parametrize(("changes", "nats"), [(1.0, 0.0), (2.0, 0.0), (2.5, 1.0), (9.0, 4.0)])
def test_closeness_counts_for_changes_that_do_not_coincide_by_chance(changes, nats):
    """A bar that slides in and out over a picture that stays is two changes, whatever name is on it."""
    assert segment(median_bits=0.0, changes=changes).closeness == pytest.approx(nats)
