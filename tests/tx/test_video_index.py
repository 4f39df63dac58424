"""The index finds what the library finds, keeps what it is given through serialising, and is not stopped by a bad signal."""

import io
import json
import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.footage import fingerprint_of, flipped, random_hashes
from vhashdb.errors import FingerprintError
from vhashdb.index import MEMTABLE_ROWS
from vhashdb.tx import VhashdbSignal, VhashdbVpdqSignal, VideoIndex, VpdqBankIndex, to_signal


def again(index):
    """The same index after it was serialised."""
    file = io.BytesIO()
    index.serialize(file)
    file.seek(0)
    return type(index).deserialize(file)


def answers(index, signal):
    return [(match.metadata, match.similarity_info.pretty_str()) for match in index.query(signal)]


def video(seed, count=30):
    """The signal of a video of random pictures."""
    return to_signal(fingerprint_of(random_hashes(seed, count)))


def test_edited_samples_are_found_with_their_segments_and_unknown_ones_are_not(known_index, signals, truth):
    for row in truth:
        (match,) = known_index.query(signals[row["query"]])
        assert match.metadata == row["source"]
        info = match.similarity_info
        assert info.verdict is vhashdb.Verdict.MATCH and info.distance == 1 - info.score <= 0.5
        (segment,) = info.segments
        told = (segment.query_start_s, segment.query_end_s, segment.reference_start_s, segment.reference_end_s)
        meant = [float(row[name]) for name in ("query_start_s", "query_end_s", "reference_start_s", "reference_end_s")]
        assert told == pytest.approx(meant, abs=0.6)
        assert segment.speed == pytest.approx(float(row["speed"]), abs=0.03)
    for name in ("unknown/balloons.mp4", "unknown/train.mp4"):
        assert known_index.query(signals[name]) == []
    assert signals["unknown/dark_room.mp4"] == ""  # in which nothing can be seen


def test_two_signals_are_compared_alike_from_either_side(signals, truth):
    for row in truth:
        query, source = signals[row["query"]], signals[row["source"]]
        there, back = VhashdbSignal.compare_hash(query, source), VhashdbSignal.compare_hash(source, query)
        assert there.match and back.match and there.distance.score == back.distance.score
        (one,), (other,) = there.distance.segments, back.distance.segments
        assert one.query_start_s == pytest.approx(other.reference_start_s, abs=0.3)
        assert one.reference_end_s == pytest.approx(other.query_end_s, abs=0.3)
        assert one.speed * other.speed == pytest.approx(1, abs=0.03)
    apart = VhashdbSignal.compare_hash(signals["unknown/train.mp4"], signals["known/valley.mp4"])
    assert not apart.match and apart.distance.score == 0 and apart.distance.pretty_str() == "no-match/0.000"


@given(st.lists(st.tuples(st.integers(0, 6), st.integers() | st.text() | st.tuples(st.text())), max_size=12), st.integers(0, 12))
@settings(max_examples=examples(40))
def test_serialising_and_adding_later_change_nothing(added, before):
    pairs = [(video(seed), entry) for seed, entry in added]
    whole = VideoIndex.build(pairs)
    late = again(VideoIndex.build(pairs[:before]))
    for signal, entry in pairs[before:]:
        late.add(signal, entry)
    assert len(whole) == len(late) == len({seed for seed, _ in added})
    for seed in range(7):
        query = to_signal(fingerprint_of(flipped(random_hashes(seed, 30), 10)))
        assert answers(whole, query) == answers(late, query) == answers(again(whole), query)
        assert [entry for entry, _ in answers(whole, query)] == [entry for chosen, entry in added if chosen == seed]


def test_every_entry_of_one_signal_is_returned_however_many_they_are():
    index = VideoIndex.build((video(1), number) for number in range(100))
    index.add(video(2), "other")
    assert [match.metadata for match in again(index).query(video(1))] == list(range(100))


def test_many_videos_become_segments_and_all_are_found():
    count, rows = 350, 150
    assert count * rows > 6 * MEMTABLE_ROWS
    index = VideoIndex.build((video(seed, rows), seed) for seed in range(count))
    frames = index._frames
    assert 1 <= len(frames.layers) <= 4 and frames.memtable_rows < MEMTABLE_ROWS and len(frames) == count * rows
    for seed in range(0, count, 25):
        assert [match.metadata for match in index.query(video(seed, rows))] == [seed]


def test_a_bad_signal_is_logged_and_does_not_stop_the_others(caplog):
    with caplog.at_level(logging.WARNING, "vhashdb"):
        index = VideoIndex.build([(video(1), "a"), ("vh1.AAAA", "b"), ("", "c"), (video(2), "d")])
    assert len(index) == 2
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        f"signal {number} is left out of the index" for number in (2, 3)
    ]
    for call in (lambda: index.add("vh1.AAAA", "b"), lambda: index.query("vh1.AAAA"), lambda: index.query("")):
        with pytest.raises(FingerprintError):
            call()
    assert len(index) == 2


def test_what_is_possible_is_returned_only_by_an_index_that_says_so():
    class Wider(VideoIndex):
        reported = frozenset({vhashdb.Verdict.MATCH, vhashdb.Verdict.POSSIBLE})

    still = to_signal(fingerprint_of(random_hashes(1, 1), step_s=0.04))
    assert VideoIndex.build([(still, "a")]).query(still) == []
    (match,) = Wider.build([(still, "a")]).query(still)
    assert match.similarity_info.verdict is vhashdb.Verdict.POSSIBLE and match.similarity_info.distance > 0.5


def test_distances_order_matches_as_the_tools_expect(known_index, signals):
    (near,) = known_index.query(signals["edited/valley__mirror.mp4"])
    far = VhashdbSignal.compare_hash(signals["unknown/train.mp4"], signals["known/valley.mp4"]).distance
    assert near.similarity_info < far and not far <= near.similarity_info


def test_an_empty_index_answers():
    assert again(VideoIndex.build([])).query(video(1)) == []


def test_a_state_of_another_version_is_refused():
    index = VideoIndex.build([(video(1), 1)])
    with pytest.raises(FingerprintError, match="another version"):
        VideoIndex().__setstate__({**index.__getstate__(), "form": 2})


def test_a_bank_of_vpdq_hashes_is_searched_with_the_views_of_a_query(samples, signals):
    def vpdq(name):
        frames = vhashdb.every_frame(samples / name)
        chosen = [int(np.argmin(np.abs(frames.start_s - second))) for second in range(int(frames.duration_s))]
        return json.dumps([f"{frames.hash[i].tobytes().hex()},{frames.quality[i]},{frames.start_s[i]:.3}" for i in chosen])

    bank = [(vpdq("known/valley.mp4"), "valley"), (vpdq("known/night_city.mp4"), "night_city")]
    index = again(VhashdbVpdqSignal.get_index_cls().build(bank))
    assert type(index) is VpdqBankIndex and len(index) == 2
    for name in ("edited/valley__mirror.mp4", "edited/valley__clip.mp4", "edited/night_city__letterbox.mp4"):
        ((entry, _),) = answers(index, signals[name])
        assert entry in name
        assert VhashdbVpdqSignal.compare_hash(signals[name], {entry: text for text, entry in bank}[entry]).match
    ((entry, said),) = answers(index, vpdq("known/night_city.mp4"))
    assert entry == "night_city" and said.startswith("match/1.000/0.0-10.0=0.0-10.0")
    for name in ("unknown/train.mp4", "unknown/balloons.mp4", "known/harbour.mp4"):
        assert answers(index, signals[name]) == []
