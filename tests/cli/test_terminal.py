"""What a person sees on a terminal of a given width."""

from .terminal import Terminal, on_terminal


def test_help_in_a_pseudo_terminal():
    screen = on_terminal("--help", width=80)
    assert screen.code == 0
    assert screen.lines[0].startswith("Usage: vhashdb")
    assert screen.widest <= 80
    assert screen.cursor_shown
    assert not screen.coloured


def test_what_is_typed_arrives(clean):
    with Terminal("match", "--db", "missing.vhdb", "-") as terminal:
        terminal.send("\x04")
        screen = terminal.end()
        assert terminal.as_before
    assert screen.code == 4
    assert any(line.startswith("error: ") for line in screen.lines)


def test_a_line_that_is_too_long_is_noticed():
    assert on_terminal("--help", width=40).widest > 40


def test_colour_and_wide_characters_are_drawn(known, samples, clean):
    (clean / "映画.mp4").symlink_to(samples / "edited" / "valley__mirror.mp4")
    screen = on_terminal("match", "--db", known, "映画.mp4")
    assert screen.code == 10
    assert screen.coloured
    assert screen.lines[0] == "MATCH         映画.mp4"
