"""Every error of the framework below becomes one of ours."""

import inspect

import pytest
from tuf.api import exceptions
from tuf.api.serialization import DeserializationError

from vhashdb import errors
from vhashdb.exchange import trust

THEIRS = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass) if issubclass(kind, Exception)] + [
    DeserializationError,
    OSError,
]


@pytest.mark.parametrize("kind", THEIRS, ids=lambda kind: kind.__name__)
def test_each_error_of_tuf_is_mapped(kind):
    with pytest.raises(errors.FeedError) as caught, trust.in_our_words():
        raise kind("what happened", 404) if kind is exceptions.DownloadHTTPError else kind("what happened")
    assert "what happened" in caught.value.message


def test_our_own_errors_pass_and_what_metadata_make_a_parser_raise_is_of_the_feed():
    with pytest.raises(errors.FeedBusy), trust.in_our_words():
        raise errors.FeedBusy("x")
    for kind in (RecursionError, OverflowError, TypeError, UnicodeError):
        with pytest.raises(errors.FeedMalformed, match=kind.__name__), trust.in_our_words():
            raise kind
    with pytest.raises(KeyboardInterrupt), trust.in_our_words():
        raise KeyboardInterrupt
