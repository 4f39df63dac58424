"""Periods are cut into days, weeks and months without a gap and without an overlap."""

import datetime
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.errors import UsageError
from vhashdb.store.periods import MAX_SPANS, By, Period

DAY = datetime.timedelta(days=1)


@st.composite
def periods(draw):
    since = draw(st.dates(max_value=datetime.date.max - 900 * DAY))
    return Period.of(since, since + draw(st.integers(0, 900)) * DAY, draw(st.sampled_from(By)))


@given(periods())
def test_spans_are_the_period_and_nothing_else(period):
    assert period.spans[0].first == period.since
    assert period.spans[-1].last == period.until
    for one, next_one in itertools.pairwise(period.spans):
        assert one.first <= one.last == next_one.first - DAY


@given(periods())
def test_whole_spans_are_what_they_are_called(period):
    for span in period.spans[1:-1]:
        days = (span.last - span.first).days + 1
        if period.by is By.DAY:
            assert days == 1
        elif period.by is By.WEEK:
            assert (days, span.first.weekday()) == (7, 0)
        else:
            assert span.first.day == 1
            assert (span.last + DAY).day == 1


@given(periods(), st.data())
def test_every_day_is_counted_in_its_span_and_no_other_day_at_all(period, data):
    anywhere = st.dates(max(datetime.date.min + 9 * DAY, period.since) - 9 * DAY, min(datetime.date.max - 9 * DAY, period.until) + 9 * DAY)
    daily = data.draw(st.dictionaries(anywhere, st.integers(0, 9)))
    expected = tuple(sum(n for day, n in daily.items() if span.first <= day <= span.last) for span in period.spans)
    assert period.counted(daily) == expected


@pytest.mark.parametrize(("days", "by"), [(1, By.DAY), (31, By.DAY), (32, By.WEEK), (366, By.WEEK), (367, By.MONTH), (9000, By.MONTH)])
def test_spans_suit_the_length_unless_others_are_asked_for(days, by):
    since = datetime.date(2001, 1, 1)
    assert Period.of(since, since + (days - 1) * DAY).by is by


def test_a_period_to_the_last_of_all_days():
    last = datetime.date.max
    for by in By:
        assert Period.of(last - 20 * DAY, last, by).spans[-1].last == last


@pytest.mark.parametrize("by", By)
def test_more_spans_than_can_be_read_are_refused_before_they_are_made(by):
    with pytest.raises(UsageError, match=f"{MAX_SPANS:,}") as error:
        Period.of(datetime.date.min, datetime.date.max, by)
    assert error.value.hint


def test_a_period_that_ends_before_it_begins():
    with pytest.raises(UsageError, match="before it begins"):
        Period.of(datetime.date(2026, 2, 1), datetime.date(2026, 1, 1))


def test_spans_of_another_kind():
    with pytest.raises(UsageError, match="fortnight") as error:
        Period.of(datetime.date(2026, 1, 1), datetime.date(2026, 1, 2), "fortnight")
    assert error.value.hint == "known: day, week, month"
