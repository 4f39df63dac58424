"""Every code has its words: what the database may hold, a person can read."""

from vhashdb import display_names
from vhashdb.codes import BASES, VERDICTS
from vhashdb.store.records import ORIGINS


def test_every_code_of_an_opinion_and_of_a_record_has_words():
    assert set(display_names.OPINIONS) == set(VERDICTS)
    assert set(display_names.BASES) == set(BASES)
    assert set(display_names.ORIGINS) == set(ORIGINS)
