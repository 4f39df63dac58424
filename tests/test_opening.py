"""Opening what other people made: files alone, whole, and never waiting; a pipe once."""

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import vhashdb
from vhashdb.errors import LimitExceeded, MediaError, MediaNotFound, NotMedia, UnreadableMedia
from vhashdb.inputs import as_file, hash_file
from vhashdb.limits import Limits
from vhashdb.opening import BLOCK, Pipe, content_of, open_file, stream_of

PATIENCE_S = 120
"""Only what hangs takes so long."""

ASKED = """
import sys, vhashdb
from vhashdb.database import Database
with vhashdb.open(sys.argv[1]) as database:
    for path in sys.argv[2:]:
        for ask in (database.match, database.prepare, database.known_file, vhashdb.fingerprint, vhashdb.every_frame):
            try:
                ask(path)
            except vhashdb.MediaError as error:
                print(type(error).__name__, ascii(path[:40]), error.message[-60:])
"""


@pytest.fixture
def strange(tmp_path):
    """What is no file, or none that ends, by what it is."""
    made = {name: tmp_path / name for name in ("fifo.mp4", "socket.mp4", "folder.mp4", "zero.mp4", "nowhere.mp4", "loop.mp4")}
    os.mkfifo(made["fifo.mp4"])
    made["folder.mp4"].mkdir()
    made["zero.mp4"].symlink_to("/dev/zero")
    made["nowhere.mp4"].symlink_to(tmp_path / "gone")
    made["loop.mp4"].symlink_to(made["loop.mp4"])
    with socket.socket(socket.AF_UNIX) as listening:
        before = os.getcwd()
        os.chdir(tmp_path)  # the address of a socket is short
        try:
            listening.bind("socket.mp4")
        finally:
            os.chdir(before)
        yield [*map(str, made.values()), "/dev/zero", "/dev/null", "/dev/urandom", "a" * 300, "b" * 5000, f"{'c/' * 3000}d"]


def test_whatever_is_no_file_is_an_error_at_once(known_db, strange):
    done = subprocess.run(
        [sys.executable, "-c", ASKED, str(known_db.path), *strange], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 5 * len(strange)
    assert {line.split()[0] for line in lines} == {"MediaNotFound", "NotMedia"}
    assert sum("is a device" in line for line in lines) == 5 * 4
    assert sum("is a pipe" in line for line in lines) == sum("is a socket" in line for line in lines) == 5


@pytest.mark.parametrize("name", ["a" * 300, "a" * 5000, "nul\0byte", "half\ud800", "", "no/such/folder"])
def test_a_name_that_no_file_can_have_is_not_found(known_db, name):
    with pytest.raises(MediaNotFound):
        known_db.match(name)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs procfs")
def test_what_the_kernel_invents_as_it_is_read_is_no_media(known_db):
    with pytest.raises(MediaError, match="empty"):
        known_db.match("/proc/self/status")


def test_what_is_hashed_stays_the_same_file_whatever_its_name_leads_to(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode() * BLOCK)
    with open_file(tmp_path / "one") as file:
        os.replace(tmp_path / "two", tmp_path / "one")
        assert b"".join(file.blocks()) == b"one" * BLOCK
        assert file.unchanged


def test_a_file_that_grows_ends_where_it_ended_and_is_an_error(tmp_path):
    path = tmp_path / "growing"
    path.write_bytes(b"x" * BLOCK)
    with open_file(path) as file, path.open("ab") as more:
        blocks = file.blocks()
        assert len(next(blocks)) == BLOCK
        more.write(b"y" * BLOCK)
        more.flush()
        with pytest.raises(UnreadableMedia, match="changed while it was read"):
            next(blocks)


def test_a_file_that_shrinks_is_an_error(tmp_path):
    path = tmp_path / "shrinking"
    path.write_bytes(b"x" * 2 * BLOCK)
    with open_file(path) as file:
        os.truncate(path, BLOCK)
        with pytest.raises(UnreadableMedia, match="ends before"):
            list(file.blocks())


def test_a_file_without_end_is_read_for_as_long_as_is_allowed(tmp_path):
    path = tmp_path / "sparse"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(LimitExceeded, match="not read to its end"):
        hash_file(path, time_s=0.01)


def test_an_answer_about_a_file_that_was_changed_meanwhile_is_not_kept(known_db, samples, tmp_path, monkeypatch):
    """Between hashing and looking, one video is written over another: neither is answered for, and no cache learns of it."""
    from vhashdb.search import query_fingerprinter

    path = tmp_path / "upload.mp4"
    path.write_bytes((samples / "unknown" / "train.mp4").read_bytes())
    build = query_fingerprinter.build

    def swapping(*arguments):
        path.write_bytes((samples / "unknown" / "balloons.mp4").read_bytes())
        return build(*arguments)

    with vhashdb.FingerprintCache(tmp_path / "cache") as cache, vhashdb.open(known_db.path, cache=cache) as database:
        monkeypatch.setattr(query_fingerprinter, "build", swapping)
        with pytest.raises(UnreadableMedia, match="changed while it was read"):
            database.match(path)
        monkeypatch.setattr(query_fingerprinter, "build", build)
        path.write_bytes((samples / "unknown" / "train.mp4").read_bytes())
        assert database.match(path).decode_cpu_s > 0, "nothing was remembered of the first one"


def written(path, content):
    """Somebody who writes to a pipe, and does not mind if nobody reads on."""

    def write():
        with contextlib.suppress(BrokenPipeError):
            Path(path).write_bytes(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    return writer


# -- pipes -------------------------------------------------------------------------------------------


@pytest.fixture
def fifo(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return str(tmp_path / "pipe")


def test_a_named_pipe_is_waited_for_and_read_to_its_end(fifo):
    content = random.Random(1).randbytes(3 * BLOCK)
    written(fifo, content)
    with Pipe(fifo) as pipe:
        assert pipe.named
        assert b"".join(iter(lambda: pipe.read(BLOCK), b"")) == content
        assert pipe.read(BLOCK) == b""


def test_a_pipe_to_which_nobody_writes_is_given_up(fifo):
    with Pipe(fifo, silence_s=0.01) as pipe, pytest.raises(LimitExceeded, match="nobody wrote to this pipe"):
        pipe.read(1)


def test_a_pipe_is_given_up_when_all_the_time_is_used(fifo):
    writer = os.open(fifo, os.O_RDWR)
    os.write(writer, b"x")
    with Pipe(fifo, silence_s=PATIENCE_S, time_s=0.01) as pipe:
        assert pipe.read(1) == b"x"
        with pytest.raises(LimitExceeded):
            pipe.read(1)
    os.close(writer)


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="open files have no names here")
@pytest.mark.parametrize("content", [b"", b"short", b"long" * BLOCK], ids=["nothing", "short", "long"])
def test_an_open_pipe_ends_with_its_writers(content):
    reading, writing = os.pipe()

    def write():
        with open(writing, "wb") as file:
            file.write(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    if len(content) < 4096:
        writer.join()
    with Pipe(f"/dev/fd/{reading}") as pipe:
        assert not pipe.named
        assert b"".join(iter(lambda: pipe.read(BLOCK), b"")) == content
    os.close(reading)


def test_a_film_through_a_pipe_is_found_and_named_in_errors(known_db, samples, fifo):
    film = (samples / "known" / "valley.mp4").read_bytes()
    for content in (film, b"no film at all"):
        writer = written(fifo, content)
        with Pipe(fifo) as pipe:
            if content is film:
                assert known_db.match(pipe).matches[0].identical
            else:
                with pytest.raises(MediaError) as raised:
                    known_db.match(pipe)
                assert fifo in str(raised.value) and "vhashdb-" not in str(raised.value)
        writer.join(PATIENCE_S)


def test_a_pipe_brings_no_more_than_is_allowed(fifo):
    written(fifo, b"x" * 200_000)
    with Pipe(fifo) as pipe, pytest.raises(LimitExceeded, match="more than 100000 bytes"), as_file(pipe, Limits(upload_bytes=100_000)):
        pass


def test_small_files_and_streams_are_read_from_files_and_pipes_alone(fifo, tmp_path):
    (tmp_path / "words").write_bytes(b"0123456789")
    assert content_of(tmp_path / "words", 10) == b"0123456789"
    with stream_of(str(tmp_path / "words")) as stream:
        assert stream.read() == b"0123456789"
    for path, most in ((tmp_path / "words", 9), ("/dev/zero", 9), (tmp_path, 9), (tmp_path / "none", 9)):
        with pytest.raises(OSError) as raised:
            content_of(path, most)
        assert raised.value.strerror
    with pytest.raises(NotMedia):
        stream_of("/dev/zero")
    written(fifo, b"0123456789")
    assert content_of(fifo, 10) == b"0123456789"
