"""What two fingerprints have in common, where no motion tells."""

from dataclasses import replace

import numpy as np
import pytest

from vhashdb import Fingerprint
from vhashdb.grouping import Moments, likeness, relate
from vhashdb.hashing.algorithms import Pdq
from vhashdb.hashing.views import Region, View

REGIONS = (Region.WHOLE, Region.WITHIN_BARS, Region.CROP_WIDE, Region.CROP_CLOSE)
ENTRIES, LENGTH_S = 6, 12.0


def changed(hashes, bits, rng):
    """Hashes with so many bits of each changed."""
    flipped = np.zeros((len(hashes), 256), np.uint8)
    for row in flipped:
        row[rng.choice(256, bits, replace=False)] = 1
    return hashes ^ np.packbits(flipped, axis=1)


def still(bits_of, seed):
    """A video in which nothing moves, seen through all views that are stored, with some bits changed in each."""
    rng = np.random.default_rng(seed)
    place = np.random.default_rng(7).integers(0, 256, (len(REGIONS), 32), np.uint8)
    hashes = np.concatenate([changed(np.repeat(place[[n]], ENTRIES, axis=0), bits, rng) for n, bits in enumerate(bits_of)])
    start_s = np.tile(np.arange(ENTRIES) * LENGTH_S / ENTRIES, len(REGIONS))
    view = np.repeat(np.array([View(region).code for region in REGIONS], np.uint16), ENTRIES)
    return Fingerprint(
        Pdq.id, start_s, start_s + LENGTH_S / ENTRIES, hashes, np.full(len(start_s), 100, np.uint8), view, LENGTH_S, 320, 180
    )


@pytest.mark.parametrize(
    ("bits_of_other", "copies"),
    [((7, 7, 7, 7), True), ((7, 7, 10, 60), False), ((14, 14, 30, 40), False)],
    ids=["re-encoded", "other words in the middle", "another moment"],
)
def test_videos_in_which_nothing_moves_are_copies_where_every_part_of_the_picture_is_alike(bits_of_other, copies):
    relation = relate(still((7, 7, 7, 7), 1), still(bits_of_other, 2))
    assert (relation is not None and relation.copies) is copies


def test_of_a_still_picture_no_more_is_shown_than_the_shorter_of_two_shows():
    long, other = still((7, 7, 7, 7), 1), still((7, 7, 7, 7), 2)
    short = replace(other.only(other.start_s < LENGTH_S / 3), duration_s=LENGTH_S / 3)
    relation = relate(long, short)
    assert relation.other.whole
    assert relation.one.length_s == relation.other.length_s == pytest.approx(LENGTH_S / 3)


def test_a_picture_that_stays_is_as_many_moments_as_it_lasts_seconds():
    lasting = still((7, 7, 7, 7), 1)
    one = lasting.only(lasting.start_s == 0)
    assert likeness(Moments.of(one), still((7, 7, 7, 7), 2), 52) > 0


def test_what_nobody_stored_in_several_views_must_hardly_differ():
    """One view, as in records of others, does not tell other words on a card of one design."""
    one, other = (each.only(each.view == View(Region.WHOLE).code) for each in (still((7,) * 4, 1), still((7,) * 4, 2)))
    assert relate(one, other) is None
