import pytest

from bench.queries import Query, read_queries, second_clip, truth_of
from bench.scoring import FALSE, NEITHER, TRUE

CLIPS = ["a.mp4", "b.mp4", "c.mp4", "d.mp4"]


@pytest.fixture
def folder(tmp_path):
    rows = [f"{edit}/{name},{name},{edit},1" for name in CLIPS for edit in ("blur", "pip")]
    (tmp_path / "truth.csv").write_text("\n".join(["query,source,edit,strength", *rows]) + "\n")
    return tmp_path


def test_second_clip_follows_from_the_name():
    # The numbers of SHA-256 of these names, modulo 3, are 1, 0, 0 and 1.
    assert [second_clip(name, CLIPS) for name in CLIPS] == ["c.mp4", "a.mp4", "a.mp4", "b.mp4"]


def test_every_nth_source_keeps_the_second_clip_of_the_whole_corpus(folder):
    queries = read_queries(folder, [folder / name for name in CLIPS], every=2, withheld=())
    assert [(q.source, q.edit) for q in queries] == [("a.mp4", "blur"), ("a.mp4", "pip"), ("c.mp4", "blur"), ("c.mp4", "pip")]
    assert [q.second for q in queries] == [None, second_clip("a.mp4", CLIPS), None, second_clip("c.mp4", CLIPS)]


def test_withheld_clips_count_in_the_choice(folder):
    queries = read_queries(folder, [folder / name for name in CLIPS[:3]], edits=["pip"], withheld=CLIPS[3:])
    assert [q.second for q in queries] == [second_clip(name, CLIPS) for name in CLIPS[:3]]


def test_edits_are_selected(folder):
    assert {q.edit for q in read_queries(folder, [folder / name for name in CLIPS], edits=["blur"])} == {"blur"}


def test_second_clip_is_neither_true_nor_false(tmp_path):
    queries = [Query(tmp_path, "pip", "a.mp4", "c.mp4"), Query(tmp_path, "blur", "b.mp4", None)]
    assert truth_of(queries, ["a.mp4", "b.mp4", "c.mp4"]).tolist() == [[TRUE, FALSE, NEITHER], [FALSE, TRUE, FALSE]]
