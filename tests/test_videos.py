"""Records that show the same, grouped by a database: whatever the order, and whatever happens to the records later."""

import itertools
import random

import numpy as np
import pytest

import vhashdb
from tests.footage import film, picture, scene
from vhashdb import Details, State
from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.grouping import Role
from vhashdb.store import NewRecord

RATE = 10
X, Y = scene(41, 12 * RATE), scene(42, 12 * RATE)
INTRO = scene(43, 4 * RATE)


def brighter(frames, step=15):
    return [np.clip(frame.astype(int) + step, 0, 255).astype(np.uint8) for frame in frames]


def cropped(frames):
    """Their centres of 0.85, in which nothing lies where it does in what is stored of the whole."""
    height, width = frames[0].shape[:2]
    top, left = round(0.075 * height), round(0.075 * width)
    return [np.ascontiguousarray(frame[top : top + 102, left : left + 136]) for frame in frames]


def from_a_fixed_camera(seed):
    """A picture in which nothing moves, for four seconds."""
    return [picture(seed, 120, 160, points=24)] * (4 * RATE)


def beside(left, right):
    return [np.concatenate(both, axis=1) for both in zip(left, right, strict=True)]


FILMS = {
    "x": X, "x copy": brighter(X, 8), "x clip": X[30:80], "x another clip": X[85:], "y": Y, "y copy": brighter(Y, -15),
    "compilation": X[20:60] + Y[50:90], "with intro": INTRO + scene(44, 80), "another with intro": INTRO + scene(45, 80),
}  # fmt: skip
SAME = ({"x", "x copy", "x clip", "x another clip", "compilation"}, {"y", "y copy", "compilation"}, {"with intro"}, {"another with intro"})


LATE_S = 0.5


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """What is recorded of each film."""
    folder = tmp_path_factory.mktemp("films")
    with vhashdb.create(folder / "scratch.vhdb") as db:
        framed = {"x cropped": cropped(X), "x clip cropped": cropped(X[30:80]), "x beside y": beside(X, Y)}
        still = {
            "still": from_a_fixed_camera(51),
            "still cropped": cropped(from_a_fixed_camera(51)),
            "another still": from_a_fixed_camera(52),
        }
        films = FILMS | framed | still | {"x late": X[int(LATE_S * RATE) :]}
        return {name: db.prepare(film(folder / f"{number}.mp4", frames)) for number, (name, frames) in enumerate(films.items())}


def recorded(db, prepared, names, **details):
    return {name: db.record(prepared[name], Details(reason=name, **details)).id for name in names}


def groups_in(db):
    return {frozenset(each.record.reason for each in video.records) for video in db.videos.all()}


@pytest.mark.parametrize("seed", range(4))
def test_the_same_videos_come_of_the_same_records_in_any_order(new_db, prepared, seed):
    names = sorted(FILMS)
    random.Random(seed).shuffle(names)
    recorded(new_db, prepared, names)
    assert groups_in(new_db) == set(map(frozenset, SAME))
    roles = {each.record.reason: each.role for video in new_db.videos.all() for each in video.records}
    assert roles["x"] == roles["x copy"] == Role.WHOLE
    assert roles["x clip"] == Role.CLIP
    assert roles["compilation"] == Role.PART


def test_records_that_came_otherwise_are_grouped_by_catching_up(new_db, prepared):
    for name in FILMS:
        new_db.store.add(NewRecord(12.0, details=Details(reason=name)), prepared[name].reference)
    assert new_db.videos.ungrouped() == len(FILMS)
    assert new_db.grouper.catch_up() == len(FILMS)
    assert groups_in(new_db) == set(map(frozenset, SAME))
    assert new_db.check().left == ()


@pytest.mark.parametrize("names", list(itertools.permutations(["x copy", "x cropped", "x clip cropped"])))
def test_a_crop_is_of_the_video_that_it_was_cut_out_of_if_frames_are_at_hand(new_db, prepared, names):
    recorded(new_db, prepared, names)
    assert groups_in(new_db) == {frozenset(names)}
    roles = {each.record.reason: each.role for video in new_db.videos.all() for each in video.records}
    assert roles == {"x copy": Role.WHOLE, "x cropped": Role.WHOLE, "x clip cropped": Role.CLIP}
    assert new_db.check().left == ()


@pytest.mark.parametrize("names", [("still", "still cropped"), ("still cropped", "still")])
def test_a_crop_in_which_nothing_moves_is_of_the_video_in_whichever_order_they_come(new_db, prepared, names):
    recorded(new_db, prepared, ["another still", *names])
    assert groups_in(new_db) == {frozenset(names), frozenset({"another still"})}


def test_many_that_are_recorded_at_once_are_grouped_by_their_frames_too(new_db, prepared):
    names = ["x copy", "y copy", "x cropped", "x clip cropped"]
    list(new_db.add_many((prepared[name], Details(reason=name)) for name in names))
    assert groups_in(new_db) == {frozenset(names) - {"y copy"}, frozenset({"y copy"})}


def test_videos_that_a_screen_shows_side_by_side_stay_two(new_db, prepared):
    recorded(new_db, prepared, ["x copy", "y copy"])
    both = new_db.record(prepared["x beside y"], Details(reason="x beside y"))
    assert {near.verdict for near in both.near} == {"match"} and len(both.near) == 2
    assert groups_in(new_db) == {frozenset({name}) for name in ("x copy", "y copy", "x beside y")}


def test_a_copy_that_hardly_differs_is_found_through_the_other(new_db, prepared):
    ids = recorded(new_db, prepared, ["x", "x copy"])
    (video,) = new_db.videos.all()
    assert {each.record.reason: each.shown_by for each in video.records} == {"x": None, "x copy": ids["x"]}
    assert len(new_db.index) == len(prepared["x"].reference.hash[prepared["x"].reference.usable])
    (match,) = new_db.match(prepared["x copy"].query).matches
    assert (match.copies, match.videos) == (2, (video.id,))
    assert match.to_json("")["video"] == video.id


def test_what_is_said_of_every_copy_counts(new_db, prepared):
    recorded(new_db, prepared, ["x"])
    recorded(new_db, prepared, ["x copy"], max_action="block", labels=("terrorism",))
    matches = new_db.match(prepared["x"].query).matches
    assert {(match.record.reason, match.record.details.max_action) for match in matches} == {("x", "review"), ("x copy", "block")}
    only = new_db.match(prepared["x"].query, where=vhashdb.Selection(labels=("terrorism",))).matches
    assert [match.record.reason for match in only] == ["x copy"]


def test_times_of_a_copy_that_was_not_compared_are_its_own(new_db, prepared):
    ids = recorded(new_db, prepared, ["x"])
    ids |= recorded(new_db, prepared, ["x late"], max_action="block")
    (video,) = new_db.videos.all()
    assert [each.shown_by for each in video.records] == [None, ids["x"]]
    matches = {match.record.reason: match.segments[0] for match in new_db.match(prepared["x clip"].query).matches}
    assert matches["x"].reference_start_s == pytest.approx(3, abs=0.2)
    assert matches["x"].reference_end_s == pytest.approx(8, abs=0.2)
    assert matches["x late"].reference_start_s == pytest.approx(matches["x"].reference_start_s - LATE_S, abs=0.15)
    assert matches["x late"].reference_end_s == pytest.approx(matches["x"].reference_end_s - LATE_S, abs=0.15)


@pytest.mark.parametrize("erase", [False, True])
def test_a_copy_is_found_by_itself_once_the_other_is_withdrawn(new_db, prepared, erase):
    ids = recorded(new_db, prepared, ["x", "x copy"])
    new_db.retract(ids["x"], reason="by mistake", erase=erase)
    (match,) = new_db.match(prepared["x"].query).matches
    assert (match.record.reason, match.copies) == ("x copy", 1)
    assert new_db.check().left == ()
    again = new_db.record(prepared["x"], Details(reason="again"))
    assert len(new_db.videos.of(again.id)) == 1
    assert {each.record.reason for each in new_db.videos.of(again.id)[0].records} >= {"x copy", "again"}


def test_a_match_of_a_compilation_names_the_video_that_the_seconds_show(new_db, prepared):
    ids = recorded(new_db, prepared, ["y", "compilation", "x"])
    videos = {name: new_db.videos.of(ids[name])[0].id for name in ("x", "y")}
    matches = new_db.match(prepared["x clip"].query).matches
    assert {match.record.reason for match in matches} == {"x", "compilation"}
    assert {match.videos for match in matches} == {(videos["x"],)}


def test_an_id_survives_what_comes_later_and_leads_on_when_videos_turn_out_to_be_one(new_db, prepared):
    ids = recorded(new_db, prepared, ["x clip", "x another clip"])
    before = {name: new_db.videos.of(ids[name])[0].id for name in ids}
    assert len(set(before.values())) == 2
    recorded(new_db, prepared, ["x"])
    (video,) = new_db.videos.all()
    assert video.id == before["x clip"]
    assert new_db.videos.get(before["x another clip"]).id == video.id


def test_people_split_and_merge_videos_and_that_holds(new_db, prepared):
    ids = recorded(new_db, prepared, ["x", "x copy", "x clip"])
    (video,) = new_db.videos.all()
    rest, other = new_db.videos.split(video.id, [ids["x copy"]], reason="another one")
    assert {each.record.reason for each in other.records} >= {"x copy"}
    assert "x copy" not in {each.record.reason for each in rest.records}
    assert [match.record.reason for match in new_db.match(prepared["x"].query).matches].count("x copy") == 1
    assert new_db.check().left == ()
    merged = new_db.videos.merge(other.id, [rest.id], reason="they are one after all")
    assert merged.id == other.id
    assert {each.record.reason for each in merged.records} == {"x", "x copy", "x clip"}
    assert new_db.videos.get(rest.id).id == other.id
    assert [entry.action for entry in new_db.audit() if "video" in entry.action] == ["split-video", "merge-videos"]


def test_what_cannot_be_merged_or_split_is_said(new_db, prepared):
    ids = recorded(new_db, prepared, ["x", "y"])
    x, y = (new_db.videos.of(ids[name])[0].id for name in ("x", "y"))
    with pytest.raises(UsageError, match="already"):
        new_db.videos.merge(x, [x])
    with pytest.raises(UsageError, match="is not of the video"):
        new_db.videos.split(x, [ids["y"]])
    with pytest.raises(UsageError, match="no record of the video would be left"):
        new_db.videos.split(y, [ids["y"]])
    with pytest.raises(RecordNotFound, match="no video has the id"):
        new_db.videos.get("0" * 32)


def test_a_video_shows_the_gravest_of_its_records_and_what_they_disagree_about(new_db, prepared):
    recorded(new_db, prepared, ["x"], severity="high", labels=("terrorism",))
    copy = recorded(new_db, prepared, ["x copy"], severity="medium", max_action="block", labels=("news",))
    (video,) = new_db.videos.all()
    assert (video.severity, video.max_action, video.labels) == ("high", "block", ("news", "terrorism"))
    assert list(itertools.chain(*(each.split(":")[:1] for each in video.disagreements))) == ["severity", "greatest action", "labels"]
    new_db.retract(copy["x copy"], reason="wrong")
    (video,) = new_db.videos.all()
    assert (video.severity, video.max_action, video.labels, video.disagreements) == ("high", "review", ("terrorism",), ())
    assert [each.record.state for each in video.records] == [State.ACTIVE, State.RETRACTED]


def test_a_record_is_found_and_named_only_through_records_of_its_own_source(new_db, prepared):
    """Else a feed could hide a record here by one that hardly differs, or have it match what only the feed's record shows."""
    recorded(new_db, prepared, ["x copy"], source="acme")
    recorded(new_db, prepared, ["x"], max_action="block")
    (video,) = new_db.videos.all()
    assert [each.shown_by for each in video.records] == [None, None]
    assert {(match.record.reason, match.copies) for match in new_db.match(prepared["x"].query).matches} == {("x", 1), ("x copy", 1)}
