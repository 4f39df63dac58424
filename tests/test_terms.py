"""Every code has its words: what the database may hold, a person can read."""

from vhashdb import terms
from vhashdb.store.opinions import BASES, VERDICTS
from vhashdb.store.records import ORIGINS


def test_every_code_of_an_opinion_and_of_a_record_has_words():
    assert set(terms.OPINIONS) == set(VERDICTS)
    assert set(terms.BASES) == set(BASES)
    assert set(terms.ORIGINS) == set(ORIGINS)
