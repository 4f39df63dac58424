from pathlib import Path

import pytest

import vhashdb
from bench.calibrate import CONFIG, COPY, SERIES, UNRELATED, Question, hard, natural, originals, pairs_of, print_possible, share
from tests.conftest import SAMPLES
from vhashdb import Verdict


def kinds(questions):
    """What each file is to each, by name."""
    names = [q.path.name for q in questions]
    return {q.path.name: [q.kind(name) for name in names] for q in questions}


def test_files_of_one_series_are_not_copies(tmp_path):
    for name in ("roof__crane.mp4", "roof__church.mp4", "signs__bird.mp4"):
        (tmp_path / name).touch()
    assert kinds(hard(tmp_path))["roof__crane.mp4"] == [SERIES, None, UNRELATED]


def test_copies_made_by_others_are_known_by_their_group(tmp_path):
    groups = {"dog.mp4": "dog", "dog__v1.mp4": "dog", "earth.mp4": "earth"}
    for name in groups:
        (tmp_path / name).touch()
    (tmp_path / "truth.csv").write_text("\n".join(["file,group", *(f"{name},{group}" for name, group in groups.items())]) + "\n")
    assert kinds(natural(tmp_path))["dog.mp4"] == [None, COPY, UNRELATED]


def test_originals_are_of_one_series_by_name():
    assert kinds(originals([Path("walk_1.mp4"), Path("walk_2.mp4"), Path("street.mp4")]))["walk_1.mp4"] == [None, SERIES, UNRELATED]


@pytest.fixture(scope="module")
def pairs():
    """One edited sample against the known ones."""
    known = sorted((SAMPLES / "known").glob("*.mp4"))
    query = sorted((SAMPLES / "edited").glob("*.mp4"))[0]
    return list(pairs_of([Question(query, "sample", lambda name: COPY)], known))


def test_a_pair_judged_again_gets_the_verdict_it_got(pairs):
    assert pairs
    for pair in pairs:
        assert pair.verdict(CONFIG) is vhashdb.compare(pair.query_print, pair.reference_print).judgement.verdict
    assert any(pair.verdict(CONFIG) is Verdict.MATCH and pair.evidence > 0 for pair in pairs)


def test_a_stricter_threshold_finds_no_more(pairs, capsys):
    print_possible(pairs, "A")
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if line.startswith("| possible_motion")]
    found = [int(row[-1].split()[0]) for row in rows]
    assert len(found) > 3
    assert found == sorted(found, reverse=True)


def test_share_counts_one_kind():
    said = [(COPY, Verdict.MATCH), (COPY, Verdict.POSSIBLE), (SERIES, Verdict.POSSIBLE)]
    assert share(said, COPY, Verdict.MATCH, Verdict.POSSIBLE) == "2 of 2 (100.00%)"
    assert share(said, UNRELATED, Verdict.MATCH) == "0 of 0 (0.00%)"
