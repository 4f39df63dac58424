"""A few of the trials that `make faults` runs a thousand of, at least one of each kind."""

import random

import pytest

from tests.examples import some
from tests.faults.trials import KINDS, Template, run


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return Template.made(tmp_path_factory.mktemp("template"))


@pytest.mark.parametrize("number", some(range(8)))
def test_a_trial(template, tmp_path, number):
    outcome = run(template, tmp_path, 12, number)
    assert not outcome.failure, f"trial {number} ({outcome.kind}): {outcome.failure}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_of_each_kind(template, tmp_path, kind):
    KINDS[kind][0](template, tmp_path, random.Random(7))
