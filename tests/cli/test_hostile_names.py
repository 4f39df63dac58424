"""Hostile file names, labels and reasons in everything that the command line shows or writes."""

import csv
import io
import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples

from .driver import run

PIECES = st.sampled_from(
    [
        "\x1b[2J",
        "\x1b]8;;http://x\x07",
        "\r",
        "\n",
        "\u202e",
        "\u2066",
        "\u200b",
        "\u3164",
        "=1+1",
        "@x",
        "<script>",
        "`]|*",
        "\\x0a",
        "\x85",
        "a",
    ]
)
TEXTS = st.lists(PIECES, min_size=1, max_size=6).map("".join)
NAMES = st.lists(PIECES | st.sampled_from(["\udcff", "\udc80"]), min_size=1, max_size=6).map("".join)
"""A byte that is no UTF-8 can be in a name, and not in a reason."""


def safe(done):
    """Every line that a person sees holds only what can be seen."""
    for line in (done.out + done.err).split("\n"):
        assert line.replace("\t", "").isprintable(), line  # tabs part the columns of lists
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("hostile")


# Each example is a dozen commands: one that fails is told as it is, and not made smaller.
@settings(
    max_examples=examples(8),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=NAMES, reason=TEXTS)
def test_whatever_is_in_names_and_reasons_is_shown_safely(place, untouched, samples, name, reason):
    own = shutil.copytree(untouched, place / "own.vhdb")
    folder = place / "uploads"
    folder.mkdir()
    try:
        upload = folder / f"{name.replace('/', '')}.mp4"
        shutil.copy(samples / "edited" / "valley__clip.mp4", upload)
        new = shutil.copy(samples / "unknown" / "train.mp4", folder / "new.mp4")
        added = safe(run("add", "--db", own, "--reason", reason, "--label", "x", new))
        assert added.code == 0
        identifier = run("list", "--db", own, "--json", "--label", "x").of_type("record")[0]["record"]
        assert safe(run("match", "--db", own, folder)).code == 10
        for arguments in (("list",), ("show", identifier), ("audit",), ("stats",), ("doctor",), ("label", identifier, "--add", "y")):
            safe(run(*arguments, "--db", own))
        safe(run("explain", "--db", own, upload, identifier))
        safe(run("compare", upload, new))
        safe(run("hash", upload, "--format", "json"))
        assert_json(own, upload)
        assert_table(own, reason)
        report = place / "report.html"
        assert safe(run("match", "--db", own, "--report", report, folder)).code == 10
        page = report.read_text()
        assert not any(c in page for c in "\x1b\u202e\u2066\u200b\u3164\x85")
        assert "<script>" not in page.replace("<script>\n", "") or page.count("<script>") <= 2
    finally:
        shutil.rmtree(own)
        shutil.rmtree(folder)


def assert_json(database, upload):
    """JSON is ASCII and one object a line; a name comes back byte for byte."""
    import base64

    done = run("match", "--db", database, "--json", upload)
    assert done.out.isascii()
    (line,) = done.of_type("file")
    raw = base64.b64decode(line["path_base64"]) if "path_base64" in line else line["path"].encode()
    assert raw == os.fsencode(upload)


def assert_table(database, reason):
    """No cell of an exported table is a formula, and the reason comes back."""
    done = run("export", "--db", database, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row.values())
    jsonl = safe(run("export", "--db", database, "--format", "jsonl"))
    assert reason in {json.loads(line).get("reason") for line in jsonl.lines} or "was not written: its reason contains" in jsonl.err


def test_a_reason_that_is_no_text_is_refused_in_words(own, samples):
    done = safe(run("add", "--db", own, "--reason", "a\udcff", samples / "unknown" / "train.mp4"))
    assert done.code == 2
    assert "not valid text" in done.err
