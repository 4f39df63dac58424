"""Several videos in one picture, one of them known."""

import itertools

import numpy as np
import pytest
from PIL import Image

from tests.footage import decoded, film, scene
from vhashdb import Verdict

RATE = 12


def cells(samples, known, place, across, down):
    """Frames of each picture of a grid, row by row: a known film at one place, others everywhere else."""
    others = [itertools.cycle(frames(samples / "unknown" / f"{name}.mp4")) for name in ("train", "balloons")]
    others += [itertools.cycle(scene(40 + n, 60, 180, 320, speed=1)) for n in range(across * down)]
    others.insert(place, frames(samples / "known" / f"{known}.mp4"))
    return others[: across * down]


def frames(path):
    return decoded(path, every=2, limit=6 * RATE)


def grid(pictures, across, *, gutter=0, bars=0):
    """The frames of a grid of 16:9 pictures on black."""
    for shown in itertools.islice(zip(*pictures, strict=False), 6 * RATE):
        small = [
            np.pad(np.asarray(Image.fromarray(frame).resize((160, 90))), ((gutter, gutter), (gutter, gutter), (0, 0))) for frame in shown
        ]
        rows = [np.concatenate(small[first : first + across], axis=1) for first in range(0, len(small), across)]
        whole = np.pad(np.concatenate(rows), ((bars, bars), (0, 0), (0, 0)))
        yield whole[: whole.shape[0] // 2 * 2, : whole.shape[1] // 2 * 2]


@pytest.mark.parametrize(
    ("across", "down", "place", "known", "look"),
    [
        (2, 2, 0, "harbour", {}),
        (2, 2, 3, "valley", {}),
        (2, 2, 2, "night_city", {"gutter": 1}),
        (2, 2, 1, "harbour", {"bars": 40}),
    ],
)
def test_a_known_video_in_a_grid_is_found(known_db, samples, tmp_path, across, down, place, known, look):
    pictures = cells(samples, known, place, across, down)
    path = film(tmp_path / "grid.mp4", list(grid(pictures, across, **look)), rate=RATE)
    for effort in ("balanced", "thorough"):
        result = known_db.match(path, effort=effort)
        assert [known_db.names[match.record.id] for match in result.matches] == [known], effort
        assert result.verdict is Verdict.MATCH, effort
        assert f"picture {place + 1} of a grid" in str(result.matches[0].segments[0].views), effort


def test_a_grid_of_unknown_videos_matches_nothing(known_db, samples, tmp_path):
    pictures = cells(samples, "harbour", 4, 2, 2)
    path = film(tmp_path / "grid.mp4", list(grid(pictures, 2)), rate=RATE)
    assert known_db.match(path).verdict is Verdict.NO_MATCH
