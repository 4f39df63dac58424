"""Known pictures within videos: single frames, and slides."""

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.footage import decoded, film, fingerprint_of, picture
from vhashdb import Verdict

RATE = 12
EFFORTS = ["fast", "balanced", "thorough"]


def record_of_one_hash(db, frame):
    """As a list of signals has it: the hash of one picture, and nothing else."""
    text = str(vhashdb.hash_image(Image.fromarray(frame)))
    return db.add(fingerprint_of([np.frombuffer(bytes.fromhex(text), np.uint8)], step_s=0.0))


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("name", ["harbour", "valley", "playground"])
def test_the_video_that_one_known_frame_is_of_is_possible(new_db, samples, name, effort):
    path = samples / "known" / f"{name}.mp4"
    frame = next(decoded(path, limit=1))
    record = record_of_one_hash(new_db, frame)
    result = new_db.match(path, effort=effort)
    assert result.verdict is Verdict.POSSIBLE
    assert [match.record.id for match in result.matches] == [record.id]
    assert result.reason == "same picture; no motion to confirm it"
    assert new_db.match(samples / "unknown" / "train.mp4", effort=effort).verdict is Verdict.NO_MATCH


def slides(*seeds, seconds):
    return [frame for seed, lasts_s in zip(seeds, seconds, strict=True) for frame in [picture(seed, 180, 320)] * round(lasts_s * RATE)]


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize(("before_s", "shown_s", "after_s"), [(3, 3, 3), (0, 2, 5), (4, 6, 0)])
def test_a_known_picture_is_found_for_as_long_as_it_is_shown(new_db, tmp_path, effort, before_s, shown_s, after_s):
    new_db.add(Image.fromarray(picture(1, 180, 320)))
    path = film(tmp_path / "slides.mp4", slides(2, 1, 3, seconds=(before_s, shown_s, after_s)), rate=RATE, options={"g": "12"})
    (match,) = new_db.match(path, effort=effort).matches
    assert match.verdict is Verdict.POSSIBLE
    (segment,) = match.segments
    assert segment.query_start_s == pytest.approx(before_s, abs=0.4)
    assert segment.query_end_s == pytest.approx(before_s + shown_s, abs=0.4)
    assert (segment.reference_start_s, segment.reference_end_s) == (0.0, match.record.duration_s)


def test_a_known_picture_that_is_shown_twice_is_found_twice(new_db, tmp_path):
    new_db.add(Image.fromarray(picture(1, 180, 320)))
    frames = slides(1, 2, 1, 3, seconds=(2, 4, 3, 2))
    (match,) = new_db.match(film(tmp_path / "twice.mp4", frames, rate=RATE)).matches
    assert [(round(s.query_start_s), round(s.query_end_s)) for s in match.segments] == [(0, 2), (6, 9)]
