"""The model of what an index needs is that of the figures that the pages show."""

import re

from bench import sizing
from tests.conftest import ROOT


def test_bytes_of_the_model_are_those_that_were_measured():
    compared = [(float(size), float(seen)) for size, seen in sizing._MEASURED.findall(sizing.BENCHMARKS.read_text())]
    assert [size for size, _ in compared] == [1, 10, 100]
    for size, seen in compared:
        assert abs(sizing.bytes_each(size * 1e6) / seen - 1) < 0.01


def test_the_page_shows_what_it_prints(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["sizing"])
    sizing.main()
    printed = re.findall(r"^\| [\d,]+ M \|.*GB.*$", capsys.readouterr().out, re.M)
    page = (ROOT / "docs" / "operating-cluster.md").read_text()
    assert len(printed) == 3
    assert all(line in page for line in printed)
