"""A few inputs of the fuzzer, and that it would notice."""

import os
import sys

import pytest

from tests.examples import long
from tests.fuzz import program as room
from tests.fuzz.mutations import mutate, mutate_text
from tests.fuzz.program import Program
from tests.fuzz.targets import Targets


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    return Targets(tmp_path_factory.mktemp("fuzz"), seed=20)


KINDS = [
    "media",
    "fingerprints",
    "lists",
    *(pytest.param(kind, marks=long) for kind in ("added", "feeds", "caches", "databases", "configuration")),
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_inputs_of_each_kind_are_survived(targets, kind):
    assert list(getattr(targets, kind)(4)) == []


@pytest.mark.parametrize("change", [mutate, mutate_text])
def test_mutations_are_the_same_for_a_seed(change):
    import random

    data = bytes(range(256)) * 20
    results = [change(data, [data, b"other" * 99], random.Random(seed)) for seed in (1, 1, 2)]
    assert results[0] == results[1] != results[2]


def faults_of(tmp_path, monkeypatch, script, codes=(0,)):
    monkeypatch.setattr(room, "_PROGRAM", (sys.executable, "-c", script))
    monkeypatch.setattr(room, "ENDING_S", 0.5)
    return Program(tmp_path).run(codes=codes).faults


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("raise ValueError", "exit code 1"),
        ("raise ValueError", "printed 'Traceback"),
        ("import os; os.abort()", "exit code -6"),
        ("import tempfile; tempfile.mkstemp()", "left temporary files"),
    ],
)
def test_what_no_input_may_cause_is_noticed(tmp_path, monkeypatch, script, fault):
    assert any(found.startswith(fault) for found in faults_of(tmp_path, monkeypatch, script))


@pytest.mark.skipif(not os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children"), reason="this system does not list children")
def test_a_process_left_behind_is_noticed_and_ended(tmp_path, monkeypatch):
    script = "import subprocess; subprocess.Popen(['sleep', '1000'], stdout=-3, stderr=-3)"
    assert "left a process running" in faults_of(tmp_path, monkeypatch, script)


def test_a_run_that_does_not_end_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(room, "TIMEOUT_S", 0.5)
    assert any("not finished" in fault for fault in faults_of(tmp_path, monkeypatch, "import time; time.sleep(1000)"))


def test_a_quiet_run_has_no_fault(tmp_path, monkeypatch):
    assert faults_of(tmp_path, monkeypatch, "print('well')") == ()
