"""Fingerprints of every shape, for Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from vhashdb.fingerprints.model import Fingerprint, milliseconds
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.views import Orientation, Region, View

ALGORITHMS = [AlgorithmId("pdq", 256, 1), AlgorithmId("phash", 64, 1), AlgorithmId("dhash", 1024, 3)]
VIEWS = [View(region, orientation).code for region in Region for orientation in Orientation]
DAY_MS = 86_400_000


@st.composite
def fingerprints(draw, algorithms=tuple(ALGORITHMS), max_entries=30):
    """Times in whole milliseconds, as every fingerprint has them; entries by view, then by start."""
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
    )
