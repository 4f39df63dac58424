"""On the sample films: every row of ``truth.csv`` is found where it is, and nothing else."""

import csv

import pytest

import vhashdb
from tests.conftest import SAMPLES
from tests.footage import fingerprint_of, flipped, random_hashes
from vhashdb import Verdict

WITHIN_S = 0.5
WITHIN_SPEED = 0.03

with open(SAMPLES / "truth.csv", newline="") as _file:
    TRUTH = list(csv.DictReader(_file))
FILMS = [row for row in TRUTH if row["edit"] != "still"]
UNKNOWN = ["balloons", "train", "dark_room"]


def stem(path):
    return path.rpartition("/")[2].rpartition(".")[0]


def source_of(row, db):
    (identifier,) = [identifier for identifier, name in db.names.items() if name == stem(row["source"])]
    return identifier


@pytest.mark.parametrize("row", FILMS, ids=lambda row: row["query"])
@pytest.mark.parametrize("effort", ["balanced", "thorough"])
def test_every_edited_copy_names_its_source_and_no_other(known_db, samples, row, effort):
    result = known_db.match(samples / row["query"], effort=effort)
    assert result.verdict is Verdict.MATCH
    assert [match.record.id for match in result.matches] == [source_of(row, known_db)]
    assert result.matches[0].score >= 0.5


@pytest.mark.parametrize("row", [r for r in FILMS if r["edit"] not in ("caption",)], ids=lambda row: row["query"])
def test_keyframes_are_enough_for_all_but_captions(known_db, samples, row):
    result = known_db.match(samples / row["query"], effort="fast")
    assert [match.record.id for match in result.matches] == [source_of(row, known_db)]
    assert result.verdict is Verdict.MATCH
    assert result.confirmed


def located(row, effort, db):
    segments = db.match(SAMPLES / row["query"], effort=effort).matches[0].segments
    best = max(segments, key=lambda s: s.matched_s)
    assert best.query_start_s == pytest.approx(float(row["query_start_s"]), abs=WITHIN_S)
    assert best.query_end_s == pytest.approx(float(row["query_end_s"]), abs=WITHIN_S)
    assert best.reference_start_s == pytest.approx(float(row["reference_start_s"]), abs=WITHIN_S)
    assert best.reference_end_s == pytest.approx(float(row["reference_end_s"]), abs=WITHIN_S)
    assert best.speed == pytest.approx(float(row["speed"]), rel=WITHIN_SPEED)


@pytest.mark.parametrize("row", FILMS, ids=lambda row: row["query"])
def test_segments_are_where_the_copy_is(known_db, row):
    located(row, "balanced", known_db)


@pytest.mark.parametrize("row", FILMS, ids=lambda row: row["query"])
def test_segments_are_where_the_copy_is_at_thorough_effort(known_db, row):
    located(row, "thorough", known_db)


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
def test_the_still_is_at_least_possible(known_db, samples, effort):
    row = next(row for row in TRUTH if row["edit"] == "still")
    result = known_db.match(samples / row["query"], effort=effort)
    assert result.verdict in (Verdict.POSSIBLE, Verdict.MATCH)
    assert [match.record.id for match in result.matches] == [source_of(row, known_db)]


@pytest.mark.parametrize("name", UNKNOWN)
@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
def test_innocent_films_match_nothing(known_db, samples, name, effort):
    result = known_db.match(samples / "unknown" / f"{name}.mp4", effort=effort)
    assert result.matches == ()
    assert result.verdict is (Verdict.INSUFFICIENT if name == "dark_room" else Verdict.NO_MATCH)
    assert result.reason


@pytest.mark.parametrize("name", ["harbour", "night_city", "playground", "valley"])
def test_a_known_film_matches_itself_and_no_other(known_db, samples, name):
    result = known_db.match(samples / "known" / f"{name}.mp4")
    assert [known_db.names[m.record.id] for m in result.matches] == [name]
    assert result.matches[0].identical


def test_comparing_is_right_both_ways_round(reference_prints, query_prints):
    """A whole in a part is as good as a part in a whole."""
    clip = query_prints["edited/valley__clip.mp4"]
    forth = vhashdb.compare(clip, reference_prints["valley"]).segments
    back = vhashdb.compare(reference_prints["valley"], clip).segments
    assert len(forth) == len(back) == 1
    assert back[0].query_start_s == pytest.approx(forth[0].reference_start_s, abs=WITHIN_S)
    assert back[0].query_end_s == pytest.approx(forth[0].reference_end_s, abs=WITHIN_S)


def test_comparing_different_films_finds_nothing_either_way(reference_prints):
    names = sorted(reference_prints)
    for left in names:
        for right in names:
            verdict = vhashdb.compare(reference_prints[left], reference_prints[right]).judgement.verdict
            assert verdict is (Verdict.MATCH if left == right else Verdict.NO_MATCH), (left, right)


def test_a_negative_is_found(reference_prints, query_prints):
    clip = query_prints["edited/valley__clip.mp4"]
    negative = fingerprint_of(~clip.hash[clip.view == 0], step_s=0.25)
    comparison = vhashdb.compare(negative, reference_prints["valley"])
    assert comparison.judgement.verdict is Verdict.MATCH
    assert comparison.segments[0].views.negated
    assert "as a negative" in str(comparison.segments[0].views)


def test_the_view_of_a_mirrored_copy_is_named(known_db, samples):
    segment = known_db.match(samples / "edited" / "valley__mirror.mp4").matches[0].segments[0]
    assert str(segment.views) == "mirrored"


def test_explaining_shows_every_gate_of_a_match_and_of_none(known_db, samples):
    ids = {name: identifier for identifier, name in known_db.names.items()}
    match = known_db.explain(samples / "edited" / "valley__clip.mp4", ids["valley"])
    assert match.judgement.verdict is Verdict.MATCH
    assert all(gate.passed for gate in match.judgement.gates)
    none = known_db.explain(samples / "edited" / "valley__clip.mp4", ids["harbour"])
    assert none.judgement.verdict is Verdict.NO_MATCH
    assert not all(gate.passed for gate in none.judgement.gates)


def test_what_happened_is_told_in_seconds(known_db, samples):
    match = known_db.match(samples / "edited" / "valley__clip.mp4").matches[0]
    assert match.judgement.matched_query_s == pytest.approx(4.0, abs=0.3)
    assert match.judgement.query_coverage == pytest.approx(1.0, abs=0.1)
    assert match.judgement.reference_coverage == pytest.approx(4 / 12, abs=0.05)
    line = match.to_json("clip.mp4")
    assert (line["type"], line["path"], line["verdict"], line["labels"]) == ("match", "clip.mp4", "match", ["sample"])
    assert line["segments"][0]["query_end_s"] == pytest.approx(4.0, abs=WITHIN_S)


def test_unrelated_hashes_match_nothing(known_db):
    for seed in range(20):
        assert known_db.match(fingerprint_of(random_hashes(seed, 60))).verdict is Verdict.NO_MATCH


def test_a_query_fingerprint_gives_what_its_film_gives(known_db, samples, query_prints):
    for name in ("edited/valley__clip.mp4", "edited/playground__logo.mp4"):
        assert known_db.match(query_prints[name]).matches[0].segments == known_db.match(samples / name).matches[0].segments


def test_bit_noise_on_every_frame_is_survived(known_db, query_prints):
    clip = query_prints["edited/valley__clip.mp4"]
    noisy = fingerprint_of(flipped(clip.hash[clip.view == 0], 20))
    result = known_db.match(noisy)
    assert [known_db.names[m.record.id] for m in result.matches] == ["valley"]
    assert result.verdict is Verdict.MATCH
