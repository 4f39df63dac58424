"""The `threatexchange` command itself: enable, hash, share through a file, fetch, match."""

import os
import subprocess
import sys

import pytest

from tests.footage import fingerprint_of, random_hashes
from vhashdb.tx import VhashdbVpdqSignal, to_signal


@pytest.fixture(scope="module")
def tx(tmp_path_factory):
    """Runs the command with a state of its own, in which the extension is enabled."""
    state = tmp_path_factory.mktemp("tx")

    def run(*arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "threatexchange", *map(str, arguments)],
            env={**os.environ, "TX_STATEDIR": str(state / "state")}, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    run("config", "extensions", "add", "vhashdb.tx")
    return run


def test_edited_copies_are_found_with_segments_and_others_are_not(tx, samples, signals, tmp_path):
    """Hashes of one company, in a file, are fetched by another, beside a vPDQ bank and a line that is no signal."""
    known = sorted((samples / "known").glob("*.mp4"))
    hashed = tx("hash", "-S", "vhashdb", "video", *known).stdout
    assert hashed.splitlines() == [f"vhashdb {signals[f'known/{film.name}']}" for film in known]
    (tmp_path / "shared.txt").write_text(hashed + "vhashdb vh1.AAAA\n")
    (tmp_path / "bank.txt").write_text(VhashdbVpdqSignal.get_examples()[0])
    tx("config", "collab", "edit", "local_file", "--create", "friends", "--filename", tmp_path / "shared.txt")
    tx("config", "collab", "edit", "local_file", "--create", "bank", "--filename", tmp_path / "bank.txt", "--signal-type", "vhashdb_vpdq")
    tx("fetch")
    assert tx("dataset").stdout.splitlines()[:2] == ["vhashdb: 4", "vhashdb_vpdq: 1"]  # the tools leave out what is not valid

    edited = sorted((samples / "edited").glob("valley*.mp4"))
    found = tx("match", "-S", "vhashdb", "video", *edited, samples / "unknown" / "train.mp4").stdout.splitlines()
    assert [line.split()[:1] + line.split()[2:3] for line in found] == [["vhashdb", "(friends)"]] * len(edited)
    assert [line.split()[1] for line in found] == ["match/1.000/0.0-4.0=3.5-7.5", "match/1.000/0.0-12.0=0.0-12.0"]

    (tmp_path / "asked.txt").write_text(VhashdbVpdqSignal.get_examples()[0])
    (line,) = tx("match", "-S", "vhashdb_vpdq", "-H", "video", tmp_path / "asked.txt").stdout.splitlines()
    assert line.startswith("vhashdb_vpdq match/") and "(bank)" in line


def test_a_hash_that_is_none_is_named(tx, tmp_path):
    signal = to_signal(fingerprint_of(random_hashes(1, 3)))
    (tmp_path / "asked.txt").write_text(f"{signal[:-5]}\n")
    done = tx("match", "-S", "vhashdb", "-H", "video", tmp_path / "asked.txt", code=2)
    assert "is not a valid hash for vhashdb" in done.stderr
