"""Signals of the samples, made once."""

import csv

import pytest

from vhashdb.tx import VhashdbSignal, VideoIndex


@pytest.fixture(scope="session")
def signals(samples):
    """The signal of every sample, by the path in ``truth.csv``."""
    films = sorted(samples.glob("*/*.mp4"))
    return {film.relative_to(samples).as_posix(): VhashdbSignal.hash_from_file(film) for film in films}


@pytest.fixture(scope="session")
def truth(samples):
    """The rows of ``truth.csv`` that are about videos."""
    with open(samples / "truth.csv", newline="") as file:
        return [row for row in csv.DictReader(file) if row["query"].endswith(".mp4")]


@pytest.fixture(scope="session")
def known_index(signals):
    """An index of the known samples, only to be read."""
    return VideoIndex.build((signal, name) for name, signal in signals.items() if name.startswith("known/"))
