"""Charts say what the figures say; what is drawn is as long as its number is great."""

import dataclasses
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.charts.drawing import MOST_COLUMNS, WIDTH, draw
from vhashdb.charts.model import MOST_BARS, Breakdown, Part, Row, Series, Share, share
from vhashdb.store.periods import Period

ONE, TWO = (Part("n", "n"),), (Part("agree", "agree"), Part("dispute", "dispute"))
NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 10**9))
FIRST = datetime.date(2026, 1, 1)


def breakdown(rows, parts=ONE):
    return Breakdown("key", "Title", "About.", "head", parts, tuple(Row(name, values) for name, values in rows), "Nothing.")


def series(rows, kind=Series, parts=ONE):
    period = Period.of(FIRST, FIRST + datetime.timedelta(days=len(rows) - 1), "day")
    return kind("key", "Title", "About.", "from – to", parts, tuple(Row(str(n), v) for n, v in enumerate(rows)), "Nothing.", period=period)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=2 * MOST_BARS).filter(lambda rows: any(map(any, rows[:MOST_BARS]))))
def test_bars_are_on_one_scale_from_zero_and_what_is_not_zero_is_seen(values):
    chart = breakdown([(str(n), row) for n, row in enumerate(values)], TWO)
    drawing = draw(chart)
    numbers = [value for row in values[:MOST_BARS] for value in row]
    bars = {round(bar.y, 3): bar for bar in drawing.bars}
    assert len(bars) == len(drawing.bars) == sum(value > 0 for value in numbers)
    longest = max(bar.width for bar in drawing.bars)
    for bar, value in zip(drawing.bars, filter(None, numbers), strict=True):
        assert bar.x == 0
        assert bar.width == pytest.approx(max(1.0, longest * value / max(numbers)))
    assert all(bar.y + bar.height <= drawing.height for bar in drawing.bars)
    said = [words.text for words in drawing.words]
    assert all(f"{agree:,} agree" in said and f"{dispute:,} dispute" in said for agree, dispute in values[:MOST_BARS])


@given(st.lists(NUMBERS, min_size=1, max_size=400).filter(any))
def test_columns_add_up_neighbours_and_lose_nothing(values):
    chart = series([(value,) for value in values])
    (panel,) = chart.panels(MOST_COLUMNS)
    assert len(panel.columns) <= MOST_COLUMNS
    assert sum(column.value for column in panel.columns) == sum(values)
    assert (panel.columns[0].span.first, panel.columns[-1].span.last) == (chart.period.since, chart.period.until)
    drawing = draw(chart)
    shown = [column.value for column in panel.columns if column.value]
    assert [bar.height for bar in drawing.bars] == pytest.approx([max(1.0, value / max(shown) * 54) for value in shown])
    assert len({round(bar.y + bar.height, 6) for bar in drawing.bars}) == 1
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH + 1e-6 for bar in drawing.bars)


def test_a_gap_is_as_wide_as_it_lasted():
    first, last = draw(series([(1,), (0,), (0,), (0,), (1,)])).bars
    assert last.x - first.x == pytest.approx((WIDTH - 13) / 5 * 4)


def test_shares_of_neighbours_are_weighed_and_none_is_made_up():
    chart = series([(1, 1), (0, 9), (0, 0), (0, 0)], Share, (Part("found", "found"), Part("asked", "asked")))
    (panel,) = chart.panels(2)
    assert [column.value for column in panel.columns] == [0.1, None]
    assert [column.said for column in panel.columns] == ["10.0 %", "–"]
    assert panel.total == "10.0 %"
    assert len([rule for rule in draw(chart).rules if rule.kind == "unknown"]) == 2


@pytest.mark.parametrize(
    ("some", "of", "said"),
    [(0, 0, "–"), (0, 5, "0.0 %"), (5, 5, "100.0 %"), (1, 10**6, "under 0.1 %"), (10**6 - 1, 10**6, "over 99.9 %"), (1, 8, "12.5 %")],
)
def test_a_small_share_is_not_called_none_nor_a_large_one_all(some, of, said):
    assert share(some, of) == said


def test_more_rows_than_bars_are_summed_up_in_words():
    chart = breakdown([(str(n), (100 - n, 1)) for n in range(MOST_BARS + 3)], TWO)
    assert chart.left_out == f"and 3 more, together {3 * (100 - MOST_BARS) - 3} agree, 3 dispute"
    assert chart.left_out in [words.text for words in draw(chart).words]
    assert dataclasses.replace(chart, rows=chart.drawn).left_out == ""


@pytest.mark.parametrize(("name", "shown"), [("x" * 60, 34), ("影" * 60, 17), ("a\u202eb", None), ("line\nbreak", None)])
def test_names_are_made_harmless_and_shortened(name, shown):
    text = draw(breakdown([(name, (1,))])).words[0].text
    assert text.isprintable()
    assert shown is None or (len(text), "…" in text) == (shown, True)
