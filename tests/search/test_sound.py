"""Sound in questions to a database: what it confirms, what it finds by itself, and what it must not accuse."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.footage import film, picture, scene, sounding
from tests.search.test_place_search import frames, turned
from tests.tunes import notes, play
from vhashdb import Verdict
from vhashdb.live_index import LiveSearcher
from vhashdb.matching.config import SoundConfig
from vhashdb.matching.evidence import GateName

RATE = 44100


def tune(seed, tempo=1.0, semitones=0.0, seconds=12.0):
    return {"samples": play(notes(seed, 30.0), tempo, semitones, seconds, RATE)[None] / np.float32(32768), "rate": RATE}


def video(path, pictures, *sounds):
    return sounding(path, *sounds, frames=pictures)


def still(seed, seconds=12):
    return [picture(seed, 120, 160)] * (seconds * 10)


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A database of a moving video and a still one, each with a tune."""
    folder = tmp_path_factory.mktemp("known")
    with vhashdb.create(folder / "db") as db:
        moving = db.add(video(folder / "moving.mp4", scene(1, 120), tune(1))).id
        unmoved = db.add(video(folder / "still.mp4", still(2), tune(2))).id
        yield db, {"moving": moving, "still": unmoved}


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """A database of four videos with one tune, only to be asked, and a file that has nothing else."""
    folder = tmp_path_factory.mktemp("templates")
    with vhashdb.create(folder / "db") as db:
        for number in range(4):
            db.add(video(folder / f"template{number}.mp4", scene(40 + number, 120), tune(5)))
        yield db, sounding(folder / "alone.m4a", tune(5))


def only(result):
    (match,) = result.matches
    return match


def test_a_copy_is_found_with_its_sound(known, tmp_path):
    db, ids = known
    match = only(db.match(video(tmp_path / "copy.mp4", scene(1, 120)[20:], tune(1))))
    assert (match.record.id, match.verdict) == (ids["moving"], Verdict.MATCH)
    assert match.judgement.segments and not match.judgement.by_sound


def test_a_copy_with_its_sound_is_recorded_once_beside_what_it_shows(tmp_path):
    """What relates the two by their pictures and what is heard are one near duplicate, not two."""
    with vhashdb.create(tmp_path / "db") as db:
        first = db.add(video(tmp_path / "first.mp4", scene(1, 120), tune(1)))
        again = db.add(video(tmp_path / "again.mp4", scene(1, 120)[10:], tune(1)))
        assert [near.record for near in again.near] == [first.id]


def test_the_same_sound_under_other_pictures_is_possible_and_said_so(known, tmp_path):
    db, ids = known
    result = db.match(video(tmp_path / "other.mp4", scene(7, 120), tune(1, tempo=1.1, semitones=1)))
    match = only(result)
    assert (match.record.id, match.verdict, match.judgement.by_sound) == (ids["moving"], Verdict.POSSIBLE, True)
    assert "sound of the known video under other pictures" in result.reason
    (heard,) = match.judgement.sounds
    assert heard.speed == pytest.approx(1.1, rel=0.01) and heard.semitones == pytest.approx(1, abs=0.5)
    assert match.judgement.matched_query_s > 8
    assert db.match(tmp_path / "other.mp4", sound=False).verdict is Verdict.NO_MATCH


def test_a_still_picture_is_confirmed_by_its_sound(known, tmp_path):
    db, ids = known
    silent, heard = video(tmp_path / "silent.mp4", still(2)), video(tmp_path / "heard.mp4", still(2, 11), tune(2))
    assert only(db.match(silent)).verdict is Verdict.POSSIBLE
    match = only(db.match(heard))
    assert (match.record.id, match.verdict) == (ids["still"], Verdict.MATCH)
    assert any(gate.name is GateName.SOUND and gate.passed for gate in match.judgement.gates)
    assert only(db.match(heard, sound=False)).verdict is Verdict.POSSIBLE


def test_a_still_picture_under_another_sound_stays_possible(known, tmp_path):
    db, _ = known
    assert only(db.match(video(tmp_path / "replaced.mp4", still(2), tune(9)))).verdict is Verdict.POSSIBLE


def test_an_innocent_video_with_a_tune_of_its_own_is_no_match(known, tmp_path):
    db, _ = known
    result = db.match(video(tmp_path / "innocent.mp4", scene(30, 120), tune(31)))
    assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
def test_a_file_of_sound_alone_is_an_input(known, tmp_path, effort):
    db, ids = known
    result = db.match(sounding(tmp_path / "only.m4a", tune(1)), effort=effort)
    match = only(result)
    assert (match.record.id, match.verdict) == (ids["moving"], Verdict.POSSIBLE)
    assert "without its pictures" in result.reason
    other = db.match(sounding(tmp_path / "other.m4a", tune(55)), effort=effort)
    assert other.verdict is Verdict.NO_MATCH and "there are no pictures" in other.reason
    quiet = db.match(sounding(tmp_path / "quiet.m4a", {"samples": np.zeros((1, 5 * RATE), np.float32)}), effort=effort)
    assert quiet.verdict is Verdict.INSUFFICIENT


def test_two_files_of_sound_alone_can_match(tmp_path):
    with vhashdb.create(tmp_path / "db") as db:
        added = db.add(sounding(tmp_path / "speech.m4a", tune(4, seconds=20.0)))
        assert not any("too little" in line for line in added.damage)
        match = only(db.match(sounding(tmp_path / "again.mka", tune(4, seconds=18.0))))
        assert (match.record.id, match.verdict, match.identical) == (added.id, Verdict.MATCH, False)
        again = db.match(tmp_path / "speech.m4a")
        assert only(again).identical
        explained = db.explain(tmp_path / "again.mka", added.id)
        assert explained.judgement.verdict is Verdict.MATCH and explained.judgement.sounds


def test_a_tune_that_many_videos_have_accuses_none_of_them(templates, tmp_path):
    with vhashdb.open(shutil.copytree(templates[0].path, tmp_path / "db")) as db:
        result = db.match(video(tmp_path / "innocent.mp4", scene(60, 120), tune(5)))
        assert (result.verdict, result.matches) == (Verdict.NO_MATCH, ())
        # A recording of the tune itself is about the tune.
        itself = db.add(sounding(tmp_path / "tune.m4a", tune(5))).id
        assert only(db.match(tmp_path / "innocent.mp4")).record.id == itself
        # Nor does it make a match of a picture that is only possible.
        unmoved = db.add(video(tmp_path / "still.mp4", still(70), tune(5))).id
        verdicts = {match.record.id: match.verdict for match in db.match(video(tmp_path / "asked.mp4", still(70, 11), tune(5))).matches}
        assert verdicts[unmoved] is Verdict.POSSIBLE


def test_what_sounds_alike_and_could_not_be_compared_is_said(templates, monkeypatch, tmp_path):
    db, alone = templates
    result = db.match(alone)
    assert (result.verdict, result.not_compared, result.damage) == (Verdict.NO_MATCH, 0, ())
    monkeypatch.setattr(db._matcher._sounds, "config", replace(SoundConfig(), max_candidates=3))
    result = db.match(alone)
    assert (result.verdict, result.not_compared) == (Verdict.INSUFFICIENT, 1)
    assert result.damage == ("1 known recording that sounds alike could not be compared: too many do",)
    assert "not everything could be" in result.reason
    # Pictures decide without it.
    assert db.match(video(tmp_path / "innocent.mp4", scene(60, 120), tune(5))).verdict is Verdict.NO_MATCH


def test_a_sound_that_was_mostly_not_looked_up_is_not_called_unknown(templates, monkeypatch):
    db, alone = templates
    monkeypatch.setitem(LiveSearcher.landmarks.__kwdefaults__, "budget", 100)
    result = db.match(alone)
    assert result.verdict is Verdict.INSUFFICIENT
    (said,) = result.damage
    assert said.startswith("only ") and "could be looked up" in said


def test_a_sound_on_the_allow_list_finds_nothing(tmp_path):
    with vhashdb.create(tmp_path / "db") as db:
        db.add(video(tmp_path / "known.mp4", scene(1, 120), tune(1)))
        asked = video(tmp_path / "asked.mp4", scene(9, 120), tune(1))
        assert db.match(asked).verdict is Verdict.POSSIBLE
        song = db.prepare(sounding(tmp_path / "song.m4a", tune(1, seconds=20.0)))
        db.moderation.opinions.allow(song.reference, song.hashes.sha256, reason="a song that everybody plays")
        assert db.match(asked).verdict is Verdict.NO_MATCH
        # Pictures are not excused by it.
        assert only(db.match(video(tmp_path / "copy.mp4", scene(1, 120)[:110], tune(1)))).verdict is Verdict.MATCH


def test_a_database_without_sound_listens_to_nothing(tmp_path):
    with vhashdb.create(tmp_path / "db", sound=False) as db:
        added = db.add(video(tmp_path / "a.mp4", scene(1, 120), tune(1)))
        assert db.fingerprint(added.id).sound is None and not db.sound
        result = db.match(video(tmp_path / "b.mp4", scene(9, 120), tune(1)))
        assert result.verdict is Verdict.NO_MATCH and not result.coverage.sounds
        with pytest.raises(vhashdb.NotMedia):
            db.match(sounding(tmp_path / "only.m4a", tune(1)))


def test_a_retracted_record_is_not_heard_any_more(tmp_path):
    with vhashdb.create(tmp_path / "db") as db:
        added = db.add(video(tmp_path / "a.mp4", scene(1, 120), tune(1)))
        asked = video(tmp_path / "b.mp4", scene(9, 120), tune(1))
        assert db.match(asked).verdict is Verdict.POSSIBLE
        db.retract(added.id, reason="not harmful")
        db.add(film(tmp_path / "c.mp4", scene(3, 60)))
        assert db.match(asked).verdict is Verdict.NO_MATCH


def test_a_fingerprint_with_sound_asks_as_the_file_does(known, tmp_path):
    db, ids = known
    result = db.match(video(tmp_path / "other.mp4", scene(7, 120), tune(1)))
    assert result.fingerprint.sound is not None
    again = only(db.match(result.fingerprint))
    assert (again.record.id, again.judgement.sounds) == (ids["moving"], only(result).judgement.sounds)


def test_where_only_the_sound_is_near_the_picture_is_looked_for_in_that_record(samples, tmp_path):
    shown = frames(samples / "known" / "harbour.mp4")
    tilted = list(turned(shown, 17))
    with vhashdb.create(tmp_path / "db") as db:
        added = db.add(video(tmp_path / "known.mp4", shown, tune(8, seconds=9.0))).id
        assert db.match(video(tmp_path / "silent.mp4", tilted)).verdict is Verdict.NO_MATCH
        heard = video(tmp_path / "heard.mp4", tilted, tune(8, seconds=9.0))
        match = only(db.match(heard))
        assert (match.record.id, match.verdict) == (added, Verdict.MATCH)
        assert match.judgement.segments and match.judgement.sounds
        assert db.explain(heard, added).judgement.verdict is Verdict.MATCH


def test_explain_says_whether_the_look_up_of_sound_comes_upon_the_record(known, tmp_path):
    db, ids = known
    copy = sounding(tmp_path / "copy.m4a", tune(1, seconds=6.0))
    *_, check = db.explain(copy, ids["moving"]).retrieval
    assert (check.stage, check.place, check.candidates, check.near, check.nearest_bits) == ("sound", 1, 1, True, None)
    assert 6 <= check.needed <= check.times <= check.searched <= 12
    brief = sounding(tmp_path / "brief.m4a", tune(1, seconds=2.5))
    assert db.match(brief).matches == ()
    explained = db.explain(brief, ids["moving"])
    *_, check = explained.retrieval
    assert (check.place, check.near) == (None, False) and check.searched <= 5
    assert explained.judgement.by_sound  # compared with this record it sounds alike all the same
