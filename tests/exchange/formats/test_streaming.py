"""JSON that is made to end the process that reads it: long numbers, endless nesting, text that is none."""

import io
import itertools
import json
import subprocess
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.exchange.formats.samples import SHA256
from vhashdb.exchange.formats import streaming

HOSTILE = {
    "integer of 4301 digits": b"1" * 4301,
    "integer of a million digits": b"-" + b"7" * 1_000_000,
    "integer of 65 bits": b"18446744073709551616",
    "number past all numbers": b"1e999",
    "number of many digits": b"0." + b"1" * 100_000,
    "no number": b"NaN",
    "nested lists": b"[" * 100_000,
    "nested objects": b'{"a":' * 100_000,
    "nested and closed": b"[" * 50_000 + b"]" * 50_000,
    "half a character": b'"\\ud800"',
    "halves the wrong way round": b'"\\udc00\\ud800"',
    "bytes of half a character": b'"\xed\xa0\x80"',
    "NUL": b'"\\u0000"',
    "a name twice": b'{"a":1,"a":2}',
    "text without end": b'"aaaa',
}
PLACES = (
    b"%b",
    b"[%b]",
    b'{"x":%b}',
    b'[{"sha256":"%b","x":%%b}]' % SHA256.encode(),
    b'{"sha256":"%b","labels":%%b}' % SHA256.encode(),
    b'{"format":"vhashdb-fingerprint","version":%b}',
    b'{"Event":{"Attribute":[%b]}}',
    b'{"type":"bundle","objects":[{"type":"indicator","x":%b}]}',
    b'<queryResult xmlns="x"><videos><video><a>%b</a></video></videos></queryResult>',
    b"md5,reason\n%b,%b\n",
    b"vpdq %b",
)
READ_ALL = """
import resource, sys
from vhashdb.errors import FormatError, LimitExceeded
from vhashdb.exchange.formats import READ, opened

resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for path in sys.argv[1:]:
    for name in ("", *READ):
        try:
            with open(path, "rb") as file:
                form, source = opened(file, name=name)
                for entry in form.read(source):
                    str(entry).encode()
        except (FormatError, LimitExceeded):
            pass
    print(path)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_no_importer_is_ended_by_a_hostile_value(tmp_path, name):
    paths = []
    for number, place in enumerate(PLACES):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(place.replace(b"%b", HOSTILE[name]))
    done = subprocess.run([sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == [str(path) for path in paths]


def items(data, depth=64):
    """The values, and what ended them."""
    found = []
    try:
        found.extend(streaming.items(io.BytesIO(data), "item", depth))
    except (streaming.JSONError, UnicodeDecodeError, ValueError, OverflowError) as error:
        return found, error
    return found, None


@pytest.mark.parametrize("name", ["integer of 4301 digits", "integer of 65 bits", "nested lists", "nested objects", "no number"])
def test_what_is_before_a_hostile_value_is_read(name):
    found, error = items(b'["a","b",' + HOSTILE[name])
    assert error
    assert found == ["a", "b"]


def nested(depth):
    return json.loads("[" * (depth - 1) + "1" + "]" * (depth - 1))


@pytest.mark.parametrize("spare", ["", "x" * 65_000, "x" * 65_530, "x" * 65_535, "\\" * 32_767, '"' * 32_760])
def test_depth_is_counted_across_blocks_and_not_within_texts(spare):
    texts = [spare, "[[[[[[", '"]]]]', '\\"[[[', "\\", ""]
    whole = [*texts, nested(6), *texts, {"[": nested(5)}, *texts]
    assert items(json.dumps(whole).encode(), depth=6) == (whole, None)
    found, error = items(json.dumps([*whole, nested(7), *texts]).encode(), depth=6)
    assert found == whole
    assert "nests deeper than 6" in str(error)


VALUES = st.recursive(
    st.none() | st.text(st.sampled_from('a"\\[]{}\n ')),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.sampled_from('a"\\[]{}')), inner),
)


def depth_of(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


class InPieces(io.BytesIO):
    """A stream that gives one to a few bytes at a time."""

    def __init__(self, data, sizes):
        super().__init__(data)
        self._sizes = itertools.cycle(sizes)

    def read(self, size=-1):
        return super().read(min(size, next(self._sizes)))


@given(VALUES, st.integers(1, 6), st.lists(st.integers(1, 7), min_size=1))
@example(['\\"[[', ["]"]], 2, [1])
def test_a_document_is_read_if_it_nests_as_deep_as_it_may(value, depth, sizes):
    pipe = InPieces(json.dumps(value).encode(), sizes)
    if depth_of(value) <= depth:
        assert list(streaming.items(pipe, "", depth)) == [value]
    else:
        with pytest.raises((ValueError, streaming.JSONError)):
            list(streaming.items(pipe, "", depth))
