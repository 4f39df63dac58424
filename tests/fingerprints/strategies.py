"""Fingerprints of every shape, for Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.views import Orientation, Region, View
from vhashdb.sound import SoundFingerprint

ALGORITHMS = [AlgorithmId("pdq", 256, 1), AlgorithmId("phash", 64, 1), AlgorithmId("dhash", 1024, 3)]
VIEWS = [View(region, orientation).code for region in Region for orientation in Orientation]
DAY_MS = 86_400_000


def landmarks_of(words):
    """Landmarks from any 64-bit numbers: each once, by frame, then by value."""
    by_frame = np.unique(np.asarray(words, np.uint64) << np.uint64(40) | np.asarray(words, np.uint64) >> np.uint64(24))
    return by_frame << np.uint64(24) | by_frame >> np.uint64(40)


def random_sound(seed, count, duration_s=60.0, **fields):
    """Landmarks as random as they can be, evenly over some seconds."""
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, max(1, int(duration_s * 31.25)), count, np.uint64)
    return SoundFingerprint(landmarks_of(rng.integers(0, 1 << 40, count, np.uint64) << np.uint64(24) | frame), duration_s, **fields)


@st.composite
def sounds(draw, max_landmarks=60):
    """Landmarks anywhere on the timeline, some at the very ends of their range; specs that are known and others."""
    words = draw(st.lists(st.integers(0, (1 << 64) - 1), max_size=max_landmarks // 2))
    crowded = draw(st.integers(0, max_landmarks // 2))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    near = rng.integers(0, 1 << 40, crowded, np.uint64) << np.uint64(24) | rng.integers(0, 50, crowded, np.uint64)
    landmarks = landmarks_of(np.concatenate((np.array(words, np.uint64), near)))
    return SoundFingerprint(landmarks, draw(st.integers(0, DAY_MS)) / 1000, draw(st.sampled_from([1, 1, 1, 2, 10_000])))


@st.composite
def fingerprints(draw, algorithms=tuple(ALGORITHMS), max_entries=30, sound=None):
    """Times in whole milliseconds, as every fingerprint has them; entries by view, then by start. With sound or without, unless said."""
    algorithm = draw(st.sampled_from(algorithms))
    count = draw(st.integers(0, max_entries))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    start = rng.integers(0, draw(st.sampled_from([1000, 60_000, DAY_MS])), count)
    length = rng.integers(0, 20_000, count)
    view = rng.choice(np.array(VIEWS, np.uint16), count)
    order = np.lexsort((start, view))
    return Fingerprint(
        algorithm=algorithm,
        start_s=milliseconds(start[order] / 1000),
        end_s=milliseconds((start + length)[order] / 1000),
        hash=rng.integers(0, 256, (count, algorithm.bytes), dtype=np.uint8),
        quality=rng.integers(0, 101, count).astype(np.uint8),
        view=view[order],
        duration_s=draw(st.integers(0, DAY_MS)) / 1000,
        width=draw(st.integers(0, 8192)),
        height=draw(st.integers(0, 8192)),
        damage=tuple(draw(st.lists(st.text(max_size=40), max_size=3))),
        sound=draw(sound if sound is not None else st.none() | sounds()),
    )
