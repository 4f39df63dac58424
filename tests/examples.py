"""What `make test` leaves to `make test-long`: most of the examples of property tests."""

import os

LONG = os.environ.get("VHASHDB_TEST_LONG", "") != ""
_PART = 4


def examples(count):
    """How many examples are drawn where ``count`` are wanted: a quarter of them, and three at least, unless there is time."""
    return count if LONG else max(3, count // _PART)
