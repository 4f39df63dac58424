"""Texts from strangers on their way to people: nothing moves the cursor, and different texts never look the same."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vhashdb.text import printable

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.characters(categories=["Cs", "Cf", "Cc", "Zl", "Zp"]),
        st.sampled_from("\\xuU0aé片\u202e\u3164\ufe0f\u0085\udcff"),
    )
)
_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})")


def read_back(shown):
    """What `printable` was given, as a reader takes it who knows the rule."""

    def character(found):
        code = found[1]
        if code == "\\":
            return code
        number = int(code[1:], 16)
        return chr(0xDC00 + number if code[0] == "x" and number >= 0x80 else number)

    return _ESCAPE.sub(character, shown)


@given(HOSTILE)
@example("a\\x0a")
@example("a\n")
@example("\\\n")
@example("\\\\x41")
@example("\udcff\xff")
def test_what_is_shown_can_be_read_back_so_different_texts_look_different(text):
    assert read_back(printable(text)) == text


@given(HOSTILE)
def test_what_is_shown_moves_nothing_and_can_be_encoded(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode("utf-8")
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize("hidden", ["\u3164", "\ufe0f", "\u034f", "\u115f", "\U000e0100", "\u200b", "\u200d", "\u2800"])
def test_characters_that_show_nothing_are_shown(hidden):
    assert printable(f"a{hidden}b") == f"a\\{'u' if ord(hidden) < 0x10000 else 'U000'}{ord(hidden):04x}b"


@pytest.mark.parametrize("text", ["movie.mp4", "影片.mp4", "vidéo à l’été.mp4", "فيديو.mp4", "C:\\films\\a.mp4", "a b", ""])
def test_harmless_names_stay_as_they_are(text):
    assert printable(text) == text
