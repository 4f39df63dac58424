"""Which files are read: as few bytes as possible, always a way that leads to the head; and how files grow."""

import datetime
import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tuf.api.metadata import TargetFile, Targets

from vhashdb.errors import FeedError, FeedGap, FeedOversize, VhashdbError
from vhashdb.exchange.fetch_plan import cheapest_plan
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import FIELD, Custom, File, Listing, from_targets, path_of, to_targets
from vhashdb.exchange.segments import FANOUT, JOINED_BYTES, check_sizes, to_join

CHAIN = "0" * 64


def file(kind, first, last, length):
    custom = Custom(kind, first, last, 10, last - first + 1 if kind == "segment" else min(1, last), CHAIN)
    return File(path_of(custom), "0" * 64, length, custom)


segments = st.tuples(st.integers(1, 8), st.integers(0, 4), st.integers(1, 9)).map(
    lambda t: file("segment", t[0], min(8, t[0] + t[1]), t[2])
)
snapshots = st.tuples(st.integers(1, 8), st.integers(1, 9)).map(lambda t: file("snapshot", 0, *t))


def leads(files, since, head):
    """Whether files, in some order of their ends, lead from an event to the head."""
    at = since
    for part in sorted(files, key=lambda f: f.custom.last):
        if part.custom.first > at + 1 or part.custom.last <= at:
            return False
        at = part.custom.last
    return at == head


@given(st.lists(segments, max_size=6), st.lists(snapshots, max_size=2), st.integers(0, 8))
def test_the_cover_is_the_cheapest_of_all(parts, states, since):
    listing = Listing("a", 1, 8, b"", files=(*parts, *states))
    ways = [
        sum(f.length for f in some) + (begin.length if begin else 0)
        for begin in (None, *states)
        for count in range(len(parts) + 1)
        for some in combinations(parts, count)
        if leads(some, begin.custom.last if begin else since, 8)
    ]
    if not ways:
        with pytest.raises(FeedGap):
            cheapest_plan(listing, since)
        return
    plan = cheapest_plan(listing, since)
    assert plan.length == min(ways)
    assert leads(plan.segments, plan.snapshot.custom.last if plan.snapshot else since, 8)


def test_twenty_thousand_files_are_weighed_at_once():
    parts = [file("segment", n, n, 5) for n in range(1, 10_001)] + [file("snapshot", 0, n, 5) for n in range(1, 10_001)]
    plan = cheapest_plan(Listing("a", 1, 10_000, b"", files=tuple(parts)), 0)
    assert plan.length == 5


@given(st.lists(st.integers(1, 200_000), max_size=150))
def test_however_often_one_publishes_there_are_few_files(sizes):
    there, written = [], 0
    for size in sizes:
        there.append(size)
        count = to_join(there)
        assert count == 0 or count >= FANOUT
        if count:
            joined = sum(there[-count:])
            written += joined
            there[-count:] = [joined]
    assert sum(there) == sum(sizes)
    assert len(there) <= 7 * 8
    assert written <= 8 * sum(sizes)


def test_large_segments_are_left_alone():
    assert to_join([JOINED_BYTES] * 20) == 0
    assert to_join([JOINED_BYTES, *[100] * 8]) == 8
    assert to_join([]) == 0


def test_sizes_are_checked_before_reading():
    limits = FeedLimits(file_bytes=1000, raw_bytes=50_000, ratio=10, ratio_floor_bytes=100)
    check_sizes(1000, 10_000, limits)
    for length, raw in ((1001, 0), (1000, 50_001), (10, 201)):
        with pytest.raises(FeedOversize):
            check_sizes(length, raw, limits)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["segment", "snapshot", CHAIN, "a", 1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "first", "last", "raw", "lines", "chain", "x"]), inner, max_size=6)
    ),
    max_leaves=8,
)


@given(st.sampled_from(["format", "feed", "epoch", "head", "policy", "", "custom"]), values)
def test_whatever_is_signed_is_a_listing_or_a_named_error(name, value):
    """A publisher may sign anything."""
    good = to_targets(
        Listing("a", 1, 1, bytes(32), files=(file("segment", 1, 1, 5),)), 1, datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    )
    fields = json.loads(json.dumps(good.unrecognized_fields))
    if name == "":
        fields[FIELD] = value
    elif name == "custom":
        path = next(iter(good.targets))
        good.targets[path] = TargetFile(5, {"sha256": "0" * 64}, path, {"custom": value})
    else:
        fields[FIELD][name] = value
    changed = Targets(version=1, expires=good.expires, targets=good.targets, unrecognized_fields=fields)
    try:
        listing = from_targets(changed, FeedLimits())
        cheapest_plan(listing, 0)
    except FeedError as error:
        assert isinstance(error, VhashdbError)
