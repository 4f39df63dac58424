"""What `make test` leaves to `make test-long`: most of the examples of property tests, and the longest of the others."""

import os

import pytest

LONG = os.environ.get("VHASHDB_TEST_LONG", "") != ""
_PART = 4

long = pytest.mark.skipif(not LONG, reason="takes long: `make test-long`")
"""Marks a test, or one of its parameters, that costs much and shows little that no other does."""


def examples(count):
    """How many examples are drawn where ``count`` are wanted: a quarter of them, and three at least, unless there is time."""
    return count if LONG else max(3, count // _PART)


def some(values, of=_PART):
    """Every ``of``-th of some values, the first and the last among them; all of them if there is time."""
    return values if LONG else [*values[:-1:of], *values[-1:]]
