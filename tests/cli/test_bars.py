"""Bars and columns of characters are as long as their numbers are great, and never hide a small one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vhashdb_cli.screen.charts import ASCII, BLOCKS, bar, columns

GLYPHS = pytest.mark.parametrize("glyphs", [BLOCKS, ASCII], ids=["blocks", "ascii"])


def length(drawn, steps):
    """A drawing's length in cells; all but its last cell are full."""
    assert set(drawn[:-1]) <= {steps[-1]}
    return sum((steps.index(character) + 1) / len(steps) for character in drawn)


@GLYPHS
@given(st.integers(1, 10**9), st.integers(1, 100), st.data())
def test_a_bar_is_as_long_as_its_number_is_great(glyphs, top, width, data):
    value = data.draw(st.integers(1, top))
    step = 1 / len(glyphs.across)
    drawn = length(bar(value, top, width, glyphs), glyphs.across)
    assert step <= drawn <= width
    assert drawn == pytest.approx(max(step, value / top * width), abs=step / 2 + 1e-6)


@GLYPHS
def test_nothing_is_drawn_for_nothing(glyphs):
    assert bar(0, 5, 10, glyphs) == ""
    assert bar(0, 0, 10, glyphs) == ""
    assert columns([0, 0], 0, 2, glyphs) == ["  ", "  "]


@GLYPHS
@given(st.lists(st.one_of(st.none(), st.integers(0, 10**6)), min_size=1, max_size=60).filter(lambda values: any(values)), st.integers(1, 5))
def test_columns_are_as_high_as_their_numbers_are_great(glyphs, values, rows):
    top, step = max(filter(None, values)), 1 / len(glyphs.upwards)
    lines = columns(values, top, rows, glyphs)
    assert {len(line) for line in lines} == {len(values)}
    for value, upwards in zip(values, map("".join, zip(*reversed(lines), strict=True)), strict=True):
        if value is None:
            assert upwards.strip() == glyphs.unknown
        else:
            height = length(upwards.rstrip(), glyphs.upwards)
            assert height == pytest.approx(max(step, value / top * rows) if value else 0, abs=step / 2 + 1e-6)
