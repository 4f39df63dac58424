from pathlib import Path
from types import SimpleNamespace

from bench.accuracy import Answer, Tally, count, hard_pairs, natural_pairs, parts
from bench.queries import Query, read_other
from bench.truth import half_of
from vhashdb import Verdict

NAMES = ["walk_1.mp4", "walk_2.mp4", "lake.mp4", "street.mp4", "roof_1.mp4", "roof_2.mp4"]


def answer(source, second, *found):
    """An answer that names these files as matches."""
    matches = tuple(SimpleNamespace(record=SimpleNamespace(id=name), verdict=Verdict.MATCH, score=0.9) for name in found)
    return Answer(Query(Path("pip", source), "pip", source, second), SimpleNamespace(matches=matches), 0.1)


def counted(*answers):
    tally = Tally()
    for one in answers:
        count(tally, one, {name: name for name in NAMES})
    return tally


def test_what_is_in_the_query_is_not_wrong():
    tally = counted(answer("walk_1.mp4", "lake.mp4", "walk_1.mp4", "lake.mp4"))
    assert (tally.queries, tally.verdicts["match"], tally.second, tally.false, tally.missed) == (1, 1, 1, [], [])


def test_the_series_of_source_and_second_clip_is_counted_apart():
    tally = counted(answer("walk_1.mp4", "roof_1.mp4", "walk_1.mp4", "walk_2.mp4", "roof_2.mp4", "street.mp4"))
    assert (len(tally.series), len(tally.wrong), tally.second) == (2, 1, 0)
    assert len(tally.false) == 3


def test_a_source_that_is_not_named_is_missed_whatever_else_is():
    tally = counted(answer("walk_1.mp4", None, "walk_2.mp4"), answer("lake.mp4", None))
    assert tally.missed == ["walk_1.mp4", "lake.mp4"]
    assert tally.verdicts["no-match"] == 2


def test_halves_are_complete_disjoint_and_only_the_first_is_open_to_view():
    (_, a, a_open), (_, b, b_open), (_, every, all_open) = parts(NAMES, str, split=True)
    assert sorted(a + b) == sorted(every) == sorted(NAMES)
    assert all(half_of(name) == "A" for name in a)
    assert (a_open, b_open, all_open) == (True, False, False)


def test_without_split_there_is_one_part():
    assert list(parts(NAMES, str, split=False)) == [("", NAMES, True)]


def test_further_edits_name_their_second_clip(tmp_path):
    (tmp_path / "truth.csv").write_text("query,source,edit,second\nhue/a.mp4,a.mp4,hue,\nstacked/a.mp4,a.mp4,stacked,b.mp4\n")
    assert [(q.edit, q.second) for q in read_other(tmp_path)] == [("hue", None), ("stacked", "b.mp4")]
    assert [q.edit for q in read_other(tmp_path, edits=["hue"])] == ["hue"]


def test_a_series_of_hard_is_in_the_half_of_its_titles(tmp_path):
    pairs = hard_pairs(tmp_path)
    assert pairs.kind("roofs__roof_1.mp4", "roofs__church.mp4") == "same series"
    assert pairs.source("roofs__roof_1.mp4") == "roof_1.mp4"


def test_copies_of_natural_are_in_the_half_of_the_first_of_them(tmp_path):
    (tmp_path / "truth.csv").write_text("file,group\ndog.mp4,dog\ndog__v1.webm,dog\nearth.mp4,earth\n")
    pairs = natural_pairs(tmp_path)
    assert pairs.kind("dog.mp4", "dog__v1.webm") == "copies"
    assert pairs.kind("dog.mp4", "earth.mp4") == "other groups"
    assert pairs.source("dog__v1.webm") == "dog"
