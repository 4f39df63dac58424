"""Fingerprints that others made, one entry a frame, reduced to what is stored of a video of our own."""

from __future__ import annotations

import numpy as np

from vhashdb.fingerprints.build import REFERENCE_VIEWS, kept_entries
from vhashdb.fingerprints.model import Fingerprint


def thinned(fingerprint: Fingerprint) -> Fingerprint:
    """The fingerprint with entries by change, as a reference has them.

    As many frames a second are looked at, and no more are kept than tell it apart. Times and qualities are those of the
    frames kept. One in several views was made here, or by a program that knows what it keeps, and stays as it is.
    """
    if len(fingerprint) < 2 or (fingerprint.view != fingerprint.view[0]).any():
        return fingerprint
    f = fingerprint
    looks = np.unique(np.floor(f.start_s * REFERENCE_VIEWS.sampling.rate), return_index=True)[1]
    ends = np.append(f.end_s[looks[1:] - 1], f.end_s[-1])
    chosen = kept_entries(REFERENCE_VIEWS.keep, f.hash[looks], f.start_s[looks], ends, f.duration_s)
    kept = looks[chosen]
    last = np.append(kept[1:], len(f)) - 1
    return Fingerprint(
        algorithm=f.algorithm,
        start_s=f.start_s[kept],
        end_s=f.end_s[last],
        hash=f.hash[kept],
        quality=f.quality[kept],
        view=f.view[kept],
        duration_s=f.duration_s,
        width=f.width,
        height=f.height,
        damage=f.damage,
        coverage=f.coverage,
    )
