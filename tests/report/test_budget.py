"""What there is room for: the best matches before the others, a map only with its details."""

from vhashdb.report.budget import Part, Piece, affordable


def pieces(*files, details=100, cells=50):
    return [
        piece
        for file in files
        for rank in range(3)
        for piece in (Piece(f"{file}{rank}", rank, Part.DETAILS, details), Piece(f"{file}{rank}", rank, Part.MAP, cells))
    ]


def test_everything_that_fits_is_there():
    assert len(affordable(pieces("a", "b"), 900)) == 12


def test_the_best_match_of_every_file_comes_first_then_its_map_then_the_second_best():
    assert affordable(pieces("a", "b"), 200) == {("a0", Part.DETAILS), ("b0", Part.DETAILS)}
    assert affordable(pieces("a", "b"), 300) == {(key, part) for key in ("a0", "b0") for part in Part}
    assert affordable(pieces("a", "b"), 400) == {(key, part) for key in ("a0", "b0") for part in Part} | {("a1", Part.DETAILS)}


def test_there_is_no_map_without_details():
    assert affordable(pieces("a"), 60) == set()


def test_the_budget_is_kept():
    costs = {(piece.key, piece.part): piece.cost_bytes for piece in pieces("a", "b", "c", details=37, cells=11)}
    for budget in range(0, 450, 7):
        assert sum(costs[one] for one in affordable(pieces("a", "b", "c", details=37, cells=11), budget)) <= budget
