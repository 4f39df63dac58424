"""What decides has one place, and every number there says what it rests on."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest

import vhashdb.matching
from tests.conftest import ROOT
from vhashdb.hashing.algorithms import AlgorithmId, Pdq
from vhashdb.matching.config import Basis, MatchingConfig, SoundConfig, describe

FOLDER = Path(vhashdb.matching.__file__).parent
MODULES = sorted(path for path in FOLDER.glob("*.py") if path.name != "config.py")
PLAIN = {0, 1, 2, -1}
"""Numbers that are arithmetic: nothing, one, half of it, the other sign."""


@pytest.mark.parametrize("field", [*describe(MatchingConfig), *describe(SoundConfig)], ids=lambda field: field.name)
def test_every_field_says_what_it_rests_on(field):
    assert field.metadata["basis"] in Basis
    assert len(field.metadata["source"].split()) >= 2
    if field.metadata["basis"] is Basis.CALIBRATED:
        (command,) = re.findall(r"bench\.(\w+)", field.metadata["source"])
        assert (ROOT / "bench" / f"{command}.py").is_file()


def test_distances_follow_the_length_of_the_hash():
    short, config = MatchingConfig.of(AlgorithmId("phash", 64, 1)), MatchingConfig.of(Pdq.id)
    assert config == MatchingConfig()
    for field in describe(MatchingConfig):
        values = getattr(short, field.name), getattr(config, field.name)
        assert values[0] == (values[1] / 4 if field.metadata["distance"] or field.name == "bits" else values[1])


def test_normal_speed_is_among_the_speeds():
    assert 1.0 in MatchingConfig().speeds
    assert 1.0 in replace(MatchingConfig(), speed_steps=21).speeds


def decides(tree):
    """Numbers that something is compared with, or that are chosen between by `min` and `max`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in ("min", "max", "clip"):
            parts = node.args
        else:
            continue
        for part in parts:
            for leaf in ast.walk(part):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, int | float) and not isinstance(leaf.value, bool):
                    yield leaf


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_other_module_decides_by_a_number_of_its_own(path):
    bare = [f"line {leaf.lineno}: {leaf.value}" for leaf in decides(ast.parse(path.read_text())) if leaf.value not in PLAIN | {1e-9, 1e-6}]
    assert bare == []
