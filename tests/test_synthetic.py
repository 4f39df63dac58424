"""The made-up records that `bench.scale` fills a database with."""

from itertools import islice

import numpy as np
import pytest

from bench.synthetic import FILMS, FRAMES, HASHES, RUN_BITS, changed, fingerprint_of, records
from vhashdb import from_bytes, to_bytes
from vhashdb.hashing.bits import paired_distances


@pytest.fixture(scope="module")
def films():
    return [fingerprint_of(film(np.random.default_rng(1)), np.random.default_rng(2)) for film in FILMS]


def made_up(donors, films, number=12):
    return list(islice(records(donors, films, np.random.default_rng(3)), number))


def test_records_are_whole_fingerprints_and_come_out_the_same_again(reference_prints, films):
    donors = list(reference_prints.values())
    made = made_up(donors, films)
    for record in made:
        assert from_bytes(to_bytes(record)) == record
        assert list(zip(record.view, record.start_s, strict=True)) == sorted(zip(record.view, record.start_s, strict=True))
        assert record.end_s.max() <= record.duration_s + 0.001
    assert made == made_up(donors, films)
    assert np.median([np.count_nonzero(r.usable) for r in made]) >= HASHES[0]


def test_a_run_keeps_its_order_and_how_it_changes(reference_prints):
    hashes = reference_prints["valley"].hash[:15]
    run = changed(hashes, np.random.default_rng(4))
    assert RUN_BITS[0] - 6 <= np.median(paired_distances(run, hashes)) <= RUN_BITS[1] + 6
    steps, before = paired_distances(run[1:], run[:-1]), paired_distances(hashes[1:], hashes[:-1])
    assert np.abs(steps - before).max() <= 12  # what each entry has of its own


def test_drawn_films_are_as_usable_as_they_look(films):
    for fingerprint in films:
        assert fingerprint.duration_s == pytest.approx(FRAMES / 8, abs=0.5)
    usable = {film.__name__: fingerprint.usable.any() for film, fingerprint in zip(FILMS, films, strict=True)}
    assert not usable["flat"]
    assert usable["scroll"] and usable["cards"] and usable["slow_fades"]
