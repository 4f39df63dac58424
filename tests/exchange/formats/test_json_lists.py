"""JSON that is not one object a line: lists, pages that hold one, and an object over several lines."""

import json

import pytest

from tests.exchange.formats.reader import entries, items, refused, remarks
from tests.exchange.formats.samples import MD5, OTHER_PDQ, PDQ, SHA256
from vhashdb import FormatError

OBJECTS = [{"id": "0", "pdq": PDQ}, {"id": "1", "pdq": OTHER_PDQ}, {"id": "2", "md5": MD5}]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "whole",
    [OBJECTS, {"data": OBJECTS}, {"records": OBJECTS, "next": None}, {"id": "page 1", "labels": ["x"], "data": OBJECTS}],
    ids=["list", "data", "records", "page with an id"],
)
def test_lists_of_objects_and_pages(whole, indent):
    assert [i.external_id for i in items(json.dumps(whole, indent=indent))] == ["0", "1", "2"]


def test_one_object_over_several_lines():
    (item,) = items(json.dumps(OBJECTS[0], indent=4))
    assert item.external_id == "0"


def test_one_bad_object_is_refused_by_its_place():
    assert refused(json.dumps([OBJECTS[0], 7, {"pdq": "12"}, {"id": "x"}])) == {
        2: "it is not a JSON object",
        3: "a pdq hash has 64 hexadecimal digits, not '12'",
    }


def test_names_are_mapped_and_the_way_is_said():
    data = json.dumps([{"digest": SHA256, "kind": "x"}])
    with pytest.raises(FormatError, match="'digest', 'kind'") as caught:
        entries(data)
    assert "which name is which field" in caught.value.hint
    (item,) = items(data, mapping={"digest": "sha256"})
    assert item.sha256 == SHA256
    assert remarks(data, mapping={"digest": "sha256"}) == ["names that are no field were left out: kind"]
