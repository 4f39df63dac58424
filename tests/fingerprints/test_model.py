"""The fingerprint value: what it says of itself."""

import numpy as np

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from vhashdb.fingerprints import unusable_spans


def test_unusable_spans():
    def spans(*used, duration_s=10.0):
        starts, ends = np.array(used, float).reshape(-1, 2).T
        count = len(used)
        fingerprint = fingerprint_of(random_hashes(1, count))
        columns = fingerprint.hash, fingerprint.quality, fingerprint.view
        return unusable_spans(vhashdb.Fingerprint(fingerprint.algorithm, starts, ends, *columns, duration_s))

    assert spans() == [(0.0, 10.0)]
    assert spans((0, 10)) == []
    assert spans((1, 4), (2, 3), (4.2, 6)) == [(0.0, 1.0), (6.0, 10.0)]
    assert spans((0, 9.7)) == []
