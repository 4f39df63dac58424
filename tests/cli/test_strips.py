"""A video's length as a strip of characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vhashdb_cli.screen.drawing import EDGE, OTHER, SAME, UNUSABLE, strip

SPANS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)).map(sorted).map(tuple), max_size=4)


@pytest.mark.parametrize(("duration_s", "matched", "unusable", "drawn"), [
    (10, [(0, 10)], [], "██████████"),
    (10, [(2, 5)], [], "──███─────"),
    (10, [], [(2, 5)], "──░░░─────"),
    (10, [(2, 8)], [(4, 6)], "──██░░██──"),
    (10, [(0.1, 9.9)], [], "██████████"),  # a tenth of a second is no character's worth
    (1000, [(500, 501)], [], "─────█────"),  # and yet nothing that matched is lost
    (1000, [(999, 1000)], [], "─────────█"),
    (10, [(0, 5), (5, 10)], [], "██1████2██"),
    (10, [(5, 10), (0, 5)], [], "██2████1██"),
    (10, [(0, 1), (5, 10)], [], "█────██2██"),
    (0, [], [], "──────────"),
])  # fmt: skip
def test_strips(duration_s, matched, unusable, drawn):
    assert strip(duration_s, matched, unusable, 10) == drawn


@given(st.floats(0, 100), SPANS, SPANS, st.integers(1, 80))
def test_it_has_its_width_and_only_its_signs(duration_s, matched, unusable, width):
    drawn = strip(duration_s, matched, unusable, width)
    assert len(drawn) == width
    assert set(drawn) <= {SAME, OTHER, UNUSABLE, *"1234"}
    assert EDGE not in drawn


@given(st.floats(1, 100), SPANS.filter(bool), st.integers(1, 80))
def test_whatever_matched_is_seen(duration_s, matched, width):
    assert set(strip(duration_s, matched, [], width)) & {SAME, *"1234"}
