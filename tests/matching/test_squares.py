"""Squares in comparisons: asked about only where a known picture was looked for, because backgrounds are shared."""

from types import SimpleNamespace

import numpy as np
import pytest

import vhashdb
from vhashdb.fingerprints import is_square, without_squares
from vhashdb.hashing.views import SQUARES, View
from vhashdb.matching.view_pairs import query_sequences, reference_sequences


@pytest.fixture(scope="module")
def known(samples):
    return vhashdb.fingerprint(samples / "known" / "harbour.mp4", views="squares")


def test_a_stored_square_is_compared_only_with_what_was_found_by_looking_for_it(known):
    asked = SimpleNamespace(view=np.array([0, View(SQUARES[-1]).code], np.uint16))
    assert not reference_sequences(known, asked).keys() & {View(region) for region in SQUARES}
    found = SimpleNamespace(view=np.array([0, (SQUARES[-1] + 5) << 3], np.uint16))
    assert reference_sequences(known, found).keys() >= {View(region) for region in SQUARES}


def test_a_known_video_is_asked_about_without_its_squares(known):
    assert is_square(known).any()
    assert query_sequences(known).keys() == query_sequences(without_squares(known)).keys()


def test_squares_change_no_answer(known, samples, tmp_path):
    answers = []
    for squares in (False, True):
        with vhashdb.create(tmp_path / f"{squares}.vhdb", squares=squares) as db:
            db.add(samples / "known" / "harbour.mp4")
            db.add(samples / "known" / "valley.mp4")
            asked = [samples / "edited" / "harbour__insert.mp4", samples / "unknown" / "train.mp4", known]
            answers.append([
                [(str(result.verdict), result.reason), *((m.record.sha256, m.score, m.segments) for m in result.matches)]
                for result in map(db.match, asked)
            ])  # fmt: skip
    assert answers[0] == answers[1]
