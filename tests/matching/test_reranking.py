"""Records against each other: common stretches, variants, and the nearer of two."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import vhashdb
from tests.examples import long
from tests.footage import film, scene
from vhashdb.hashing.outline import Outline
from vhashdb.hashing.views import Box
from vhashdb.matching import Comparison, MatchingConfig
from vhashdb.matching.reranking import Compared, rerank
from vhashdb.matching.verdict import Judgement, Verdict

RATE = 10
CORNER = Outline.from_box(Box(0.0, 0.0, 0.5, 0.5))
CONFIG = MatchingConfig()


def compared(reference, comparison):
    return Compared(reference, comparison, comparison.judgement)


INTRO = scene(1, 5 * RATE)


def with_intro(seed, seconds=12):
    return INTRO + scene(seed, seconds * RATE)


def found(db, path):
    return {match.record.details.reason: match for match in db.match(path).matches}


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    """The intro, and something nobody knows."""
    return film(tmp_path_factory.mktemp("query") / "query.mp4", INTRO + scene(900, 3 * RATE), options={"crf": "30"})


@pytest.fixture(scope="module")
def prints(tmp_path_factory):
    """Reference fingerprints of films by the number and the length of what follows the intro, each made once."""
    path = tmp_path_factory.mktemp("prints") / "film.mp4"
    return functools.cache(lambda seed, seconds: vhashdb.fingerprint(film(path, with_intro(seed, seconds))))


def database(folder, films):
    """A database of films, which are fingerprints or frames."""
    db = vhashdb.create(folder / "known.vhdb")
    for number, one in enumerate(films):
        db.add(film(folder / f"{number}.mp4", one) if isinstance(one, list) else one, reason=str(number))
    return db


def test_an_intro_that_two_videos_share_is_reported_for_both(tmp_path, query, prints):
    with database(tmp_path, [prints(10, 12), prints(11, 12)]) as db:
        matches = found(db, query)
    assert {m.verdict for m in matches.values()} == {Verdict.MATCH}
    assert len(matches) == 2


@pytest.mark.parametrize(("videos", "seconds"), [(3, 12), (6, 4), pytest.param(6, 12, marks=long)])
def test_an_intro_that_more_videos_share_is_possible_at_most(tmp_path, query, prints, videos, seconds):
    with database(tmp_path, [prints(10 + n, seconds) for n in range(videos)]) as db:
        result = db.match(query)
    assert result.verdict is Verdict.POSSIBLE
    assert result.reason == f"nothing but a passage that {videos} known videos share"
    assert {match.verdict for match in result.matches} == {Verdict.POSSIBLE}
    assert len(result.matches) == videos
    gates = {gate.name: gate for match in result.matches for gate in match.judgement.gates}
    assert gates["videos that show it"].value == videos


def test_what_follows_the_intro_speaks_for_the_video_that_has_it_too(tmp_path, prints):
    copy = film(tmp_path / "copy.mp4", with_intro(10)[: 8 * RATE], options={"crf": "32"})
    with database(tmp_path, [prints(10 + n, 12) for n in range(6)]) as db:
        matches = found(db, copy)
    assert {reason for reason, match in matches.items() if match.verdict is Verdict.MATCH} == {"0"}
    assert len(matches) == 6


def test_copies_of_one_video_do_not_hold_back_each_other_where_others_share_a_passage(tmp_path, query, prints):
    """Four copies of one, and two others that have its beginning: it is taken for a piece of the one."""
    copied = [np.clip(f.astype(int) + 15, 0, 255).astype(np.uint8) for f in with_intro(20)]
    with database(tmp_path, [prints(20, 12), copied, prints(21, 12), copied[:120], prints(22, 12), copied[:100]]) as db:
        matches = found(db, query)
    named = [match for match in matches.values() if match.verdict is Verdict.MATCH]
    assert sum(match.copies for match in named) == 4
    assert not {match.record.reason for match in named} & {"2", "4"}


def test_variants_of_one_video_are_no_crowd(tmp_path):
    frames = with_intro(20)
    films = [frames, *([np.clip(f.astype(int) + step, 0, 255).astype(np.uint8) for f in frames] for step in (-30, -15, 15, 30))]
    clip = film(tmp_path / "clip.mp4", frames[40:90])
    with database(tmp_path, films) as db:
        matches = found(db, clip)
    assert sum(match.copies for match in matches.values()) == 5
    assert all(gate.name != "videos that show it" for match in matches.values() for gate in match.judgement.gates)


def test_a_video_of_which_the_intro_is_only_a_part_keeps_its_evidence(tmp_path, prints):
    copy = film(tmp_path / "copy.mp4", with_intro(10), options={"crf": "32"})
    with database(tmp_path, [prints(10 + n, 12) for n in range(5)]) as db:
        best = db.match(copy).matches[0]
    assert best.record.details.reason == "0"
    assert best.verdict is Verdict.MATCH
    assert best.score > 0.99


def test_what_is_only_possible_is_set_aside_for_a_nearer_record(tmp_path):
    """A film of a still picture, and records of nearly the same one."""
    picture = scene(5, 1)[0]
    like = picture.copy()
    like[20:50, 30:60] //= 2
    near, asked = (film(tmp_path / name, [picture] * 40) for name in ("near.mp4", "asked.mp4"))
    other = film(tmp_path / "other.mp4", [like] * 40)
    query = vhashdb.fingerprint(asked, views="query")
    pairs = [compared(reference, vhashdb.compare(query, reference)) for reference in map(vhashdb.fingerprint, (near, other))]
    assert [pair.judgement.verdict for pair in pairs] == [Verdict.POSSIBLE, Verdict.POSSIBLE]
    assert [judgement.verdict for judgement in rerank(query, pairs, CONFIG)] == [Verdict.POSSIBLE, Verdict.NO_MATCH]
    assert rerank(query, pairs[1:], CONFIG)[0].verdict is Verdict.POSSIBLE


@pytest.mark.parametrize(("videos", "verdict"), [(2, Verdict.POSSIBLE), (3, Verdict.NO_MATCH)])
def test_a_picture_that_many_videos_show_as_near_speaks_for_none(tmp_path, videos, verdict):
    """A title that stays for four seconds, and films that go on with something of their own after it."""
    title = [scene(5, 1)[0]] * (4 * RATE)
    known = [film(tmp_path / f"{n}.mp4", title + scene(10 + n, 8 * RATE)) for n in range(videos)]
    query = vhashdb.fingerprint(film(tmp_path / "asked.mp4", title + scene(900, 4 * RATE)), views="query")
    pairs = [compared(reference, vhashdb.compare(query, reference)) for reference in map(vhashdb.fingerprint, known)]
    assert {pair.judgement.verdict for pair in pairs} == {Verdict.POSSIBLE}
    judgements = rerank(query, pairs, CONFIG)
    assert {(judgement.verdict, judgement.common) for judgement in judgements} == {(verdict, verdict is Verdict.NO_MATCH)}


@pytest.mark.parametrize(("wordings", "verdict"), [(2, Verdict.POSSIBLE), (3, Verdict.NO_MATCH)])
def test_cards_of_one_design_that_are_shown_whole_are_different_videos(tmp_path, wordings, verdict):
    """Nothing of them is beyond what the file shows, and looking alike does not make them one video."""

    def card(number):
        worded = scene(5, 1)[0].copy()
        word = worded[13:19, 10 + 18 * number : 20 + 18 * number]
        word[:] = word / 1.5
        return film(tmp_path / f"{number}.mp4", [worded] * 40, options={"crf": "14"})

    query = vhashdb.fingerprint(card(3), views="query")
    pairs = [compared(known, vhashdb.compare(query, known)) for known in (vhashdb.fingerprint(card(n)) for n in range(wordings))]
    assert {pair.judgement.verdict for pair in pairs} == {Verdict.POSSIBLE}
    assert {(judgement.verdict, judgement.common) for judgement in rerank(query, pairs, CONFIG)} == {(verdict, wordings > 2)}
    together = [replace(pair, videos=frozenset({1})) for pair in pairs]
    assert {judgement.verdict for judgement in rerank(query, together, CONFIG)} == {Verdict.POSSIBLE}


def test_a_match_that_a_nearer_video_outshines_is_possible(tmp_path):
    """A film, and one that moves alike with something else in a corner: a template that both are made with."""
    frames = scene(5, 4 * RATE)
    other = [frame.copy() for frame in frames]
    for frame in other:
        frame[: frame.shape[0] // 4, : frame.shape[1] // 3] = 230
    query = vhashdb.fingerprint(film(tmp_path / "asked.mp4", frames, options={"crf": "30"}), views="query")
    known = [vhashdb.fingerprint(film(tmp_path / f"{n}.mp4", each)) for n, each in enumerate((frames, other))]
    pairs = [compared(reference, vhashdb.compare(query, reference)) for reference in known]
    assert [pair.judgement.verdict for pair in pairs] == [Verdict.MATCH] * 2
    near, far = rerank(query, pairs, CONFIG)
    assert (near.verdict, far.verdict) == (Verdict.MATCH, Verdict.POSSIBLE)
    assert far.reason == "another known video explains the same seconds better"
    assert not far.gates[-1].passed
    of_one = [replace(pair, videos=frozenset({1})) for pair in pairs]
    assert {judgement.verdict for judgement in rerank(query, of_one, CONFIG)} == {Verdict.MATCH}
    beside = replace(pairs[1].judgement, segments=tuple(replace(s, outline=CORNER) for s in pairs[1].judgement.segments))
    elsewhere = [pairs[0], replace(pairs[1], judgement=beside)]
    assert {judgement.verdict for judgement in rerank(query, elsewhere, CONFIG)} == {Verdict.MATCH}


def test_a_file_that_shows_only_what_many_share_is_not_said_to_be_like_nothing(tmp_path):
    title = [scene(5, 1)[0]] * (4 * RATE)
    asked = film(tmp_path / "asked.mp4", title + scene(900, 4 * RATE))
    with database(tmp_path, [title + scene(10 + n, 8 * RATE) for n in range(3)]) as db:
        result = db.match(asked)
    assert result.verdict is Verdict.NO_MATCH
    assert result.reason == "alike only in what several different known videos show"


def test_what_is_no_match_stays_none():
    nothing = Judgement(Verdict.NO_MATCH, 0.0, (), (), "no frames are alike")
    fingerprint = vhashdb.fingerprint(scene(7, 1)[0], views="query")
    pair = compared(fingerprint, Comparison(nothing, (), (), CONFIG))
    assert rerank(fingerprint, [pair] * 2, CONFIG) == [nothing, nothing]
