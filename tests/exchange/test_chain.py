"""The chain is the documented one, and an erased line does not change it."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from vhashdb.exchange import chain
from vhashdb.exchange.events import Redacted, Unknown


def test_the_chain_is_the_documented_one():
    first = hashlib.sha256(b"vhashdb-feed-v1\nacme-tvec").digest()
    assert chain.start("acme-tvec") == first
    leaf = hashlib.sha256(b'{"seq":1}').digest()
    assert chain.extend(first, chain.leaf(b'{"seq":1}', Unknown("x"))) == hashlib.sha256(first + leaf).digest()


@given(st.binary(max_size=50))
def test_an_erased_line_leaves_its_leaf(line):
    leaf = chain.leaf(line, Unknown("x"))
    assert chain.leaf(b"anything", Redacted("0" * 32, leaf.hex())) == leaf


@given(st.lists(st.binary(max_size=8), min_size=2, max_size=6, unique=True), st.randoms())
def test_order_and_number_matter(lines, random):
    def whole(some):
        value = chain.start("a")
        for line in some:
            value = chain.extend(value, chain.leaf(line, Unknown("x")))
        return value

    shuffled = random.sample(lines, len(lines))
    assert (whole(lines) == whole(shuffled)) == (lines == shuffled)
    assert whole(lines) != whole(lines[:-1])
