"""The run over peers, with a peer whose hash of a file is the number written in it."""

import json

import numpy as np
import pytest

from bench.peers import Answers, Asked, Row, ask_peer, by_edit, lines
from bench.queries import Query
from bench.scoring import FALSE, TRUE
from bench.systems import Pairwise


class Numbers(Pairwise):
    name = "numbers"
    distribution = "numpy"
    rule = "half as near"
    default = 0.5

    def __init__(self):
        self.hashed = []

    def hash(self, path):
        self.hashed.append(path.name)
        text = path.read_text()
        return float(text) if text else None

    def score(self, query, reference):
        return 1 / (1 + abs(query - reference))


@pytest.fixture
def files(tmp_path):
    for name, text in {"one": "1", "two": "2", "nine": "9", "blank": "", "damaged": "?"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def queries(folder, *names):
    return [Query(folder / name, "copy", "one", None) for name in names]


def test_scores_stand_in_the_order_of_the_references(files):
    answers = ask_peer(Numbers(), queries(files, "one", "nine"), [files / "nine", files / "blank", files / "one"], None)
    assert answers.scores.tolist() == [[1 / 9, 0, 1], [1, 0, 1 / 9]]
    assert answers.rules["half as near"].tolist() == [[False, False, True], [True, False, False]]
    assert answers.records == 2


def test_a_file_that_the_peer_fails_on_has_no_answer(files, capsys):
    answers = ask_peer(Numbers(), queries(files, "damaged"), [files / "one"], None)
    assert answers.scores.tolist() == [[0]]
    assert "/damaged: ValueError" in capsys.readouterr().err


def test_a_second_run_takes_everything_from_the_cache(files, tmp_path):
    references = [files / "one", files / "blank"]
    first = ask_peer(Numbers(), queries(files, "one", "two"), references, tmp_path / "cache")
    again = Numbers()
    second = ask_peer(again, queries(files, "two", "one"), references, tmp_path / "cache")
    assert again.hashed == []
    assert second.scores.tolist() == first.scores[::-1].tolist()
    assert (second.records, second.cpu_s.tolist()) == (first.records, first.cpu_s[::-1].tolist())


def test_only_new_queries_are_asked(files, tmp_path):
    ask_peer(Numbers(), queries(files, "one"), [files / "nine"], tmp_path / "cache")
    again = Numbers()
    ask_peer(again, queries(files, "one", "two"), [files / "nine"], tmp_path / "cache")
    assert again.hashed == ["nine", "two"]


@pytest.mark.parametrize("change", ["version", "references"])
def test_rows_that_depend_on_something_else_are_dropped(files, tmp_path, change):
    file = tmp_path / "numbers.jsonl"
    Asked("numbers 1", [files / "one"], file).add(files / "two", Row([0.5], 0.1))
    title, references = ("numbers 2", ["one"]) if change == "version" else ("numbers 1", ["one", "nine"])
    assert Asked("numbers 1", [files / "one"], file).row(files / "two") == Row([0.5], 0.1)
    assert Asked(title, [files / name for name in references], file).row(files / "two") is None
    assert len([json.loads(line) for line in file.read_text().splitlines()]) == 1


def test_tables_by_hand():
    scores = np.array([[0.9, 0.2], [0.3, 0.4], [0.1, 0.0]])
    truth = np.array([[TRUE, FALSE], [FALSE, TRUE], [TRUE, FALSE]], np.int8)
    given = Answers("x 1", scores, {"half": scores >= 0.5, "any": scores > 0}, np.array([0.1, 0.2, 0.6]), 2)
    assert list(lines(given, truth)) == [
        ["x 1", "0.667", f"{(1 + 1 + 3 / 5) / 3:.3f}", "half", "0.333", "0", "1.000", "0.200", "2"],
        ["", "", "", "any", "1.000", "2", "0.600", "", ""],
    ]
    asked = [Query(None, "blur", "a", None), Query(None, "blur", "b", None), Query(None, "crop", "a", None)]
    assert list(by_edit([given], asked, truth)) == [["blur", "2", "1.000"], ["crop", "1", "0.000"]]
