import pytest

from bench.truth import WITH_PIECES, Piece, first_of, half_of, pieces_of, series_of, shown


def test_a_clip_is_the_middle_but_never_under_two_seconds():
    assert pieces_of("clip", 10.0) == (Piece(0.0, 4.0, 3.0, 7.0),)
    assert pieces_of("clip", 4.0) == (Piece(0.0, 2.0, 1.2, 3.2),)


def test_a_piece_ends_with_its_source():
    assert pieces_of("clip", 2.0)[0].reference_end_s == 2.0


def test_an_inserted_piece_is_not_longer_than_eight_seconds():
    (piece,) = pieces_of("insert", 25.0)
    assert (piece.query_start_s, piece.query_end_s, piece.reference_start_s, piece.reference_end_s) == (8.0, 16.0, 7.5, 15.5)


def test_reordered_halves_change_places():
    assert pieces_of("reorder", 10.0) == (Piece(0.0, 5.0, 5.0, 10.0), Piece(5.0, 10.0, 0.0, 5.0))


@pytest.mark.parametrize(("edit", "speed", "query_s"), [("speed125", 1.25, 8.0), ("slow80", 0.8, 12.5)])
def test_another_speed_is_one_piece(edit, speed, query_s):
    (piece,) = pieces_of(edit, 10.0)
    assert piece.speed == pytest.approx(speed)
    assert (piece.query_end_s, piece.reference_end_s) == (pytest.approx(query_s), 10.0)


def test_no_more_than_thirty_seconds_of_a_source_are_used():
    assert pieces_of("reorder", 100.0) == pieces_of("reorder", 30.0)
    assert pieces_of("slow80", 100.0)[0].reference_end_s == 30.0


@pytest.mark.parametrize("edit", WITH_PIECES)
@pytest.mark.parametrize("source_s", [3.0, 5.6, 14.0, 60.0])
def test_pieces_lie_within_the_source(edit, source_s):
    for piece in pieces_of(edit, source_s):
        assert 0 <= piece.reference_start_s < piece.reference_end_s <= source_s
        assert 0 <= piece.query_start_s < piece.query_end_s


def test_other_edits_have_no_pieces():
    assert pieces_of("blur", 10.0) == ()


def test_dark_ends_are_left_out_on_both_sides_at_any_speed():
    piece = Piece(10.0, 18.0, 0.0, 10.0)
    assert shown(piece, [(2.0, 4.0), (6.0, 9.0)]) == Piece(pytest.approx(11.6), pytest.approx(17.2), 2.0, 9.0)
    assert shown(piece, [(0.0, 30.0)]) == piece
    assert shown(piece, [(12.0, 30.0)]) is None


def test_versions_of_a_video_go_with_the_first():
    assert first_of("dog_vlog__v2.webm") == first_of("dog_vlog.mp4") == "dog_vlog"


def test_a_series_is_what_names_have_in_common():
    assert series_of("curtain_number_01.mp4") == series_of("curtain_number_08.mp4") == "curtain_number"
    assert series_of("tennis_clay_a.mp4") != series_of("tennis_purple_court.mp4")
    assert series_of("walk7.mp4") == "walk"
    assert series_of("7.mp4") == "7"


def test_halves_keep_series_together_and_are_about_as_large():
    assert half_of("curtain_number_01.mp4") == half_of("curtain_number_08.webm")
    halves = [half_of(f"name{chr(97 + a)}{chr(97 + b)}_1.mp4") for a in range(26) for b in range(26)]
    assert 0.45 < halves.count("A") / len(halves) < 0.55
