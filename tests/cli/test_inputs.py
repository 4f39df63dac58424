"""What the command line is given instead of a plain video: pipes, devices, folders in disorder, odd names and lists."""

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import threading
import zlib
from pathlib import Path

import av
import pytest
from vhashdb_cli.files import InputFiles

import vhashdb
from tests.examples import some
from vhashdb.errors import FingerprintError
from vhashdb.fingerprints.binary import MAX_UNPACKED

from .driver import PROGRAM, Done, run, start
from .test_watching import lines_until

PATIENCE_S = 120
"""Only what hangs takes so long."""
NO_RIGHTS = ["setpriv", *(f"--{kind}=-dac_override,-dac_read_search" for kind in ("bounding-set", "inh-caps"))]


@contextlib.contextmanager
def patience():
    """Fail in what hangs, also if it waits for a pipe."""

    def lost(*_):
        pytest.fail(f"it hangs: not done after {PATIENCE_S} s")

    before = signal.signal(signal.SIGALRM, lost)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def piped(*arguments, stdin=b""):
    """The command in this process, which must not hang, with a pipe as its standard input: ``/dev/stdin`` is this pipe."""
    kept, (reading, writing) = os.dup(0), os.pipe()
    writer = threading.Thread(target=_write, args=(writing, stdin))
    writer.start()
    os.dup2(reading, 0)
    os.close(reading)
    try:
        with patience():
            return run(*arguments, stdin=stdin)
    finally:
        os.dup2(kept, 0)  # nobody reads the pipe any more, so its writer ends
        os.close(kept)
        writer.join()


def _write(descriptor, data):
    with contextlib.suppress(BrokenPipeError), open(descriptor, "wb") as pipe:
        pipe.write(data)


def finished(*arguments, stdin=b"", prefix=(), **options):
    """The command as a program of its own, which must not hang."""
    done = subprocess.run(
        [*prefix, *PROGRAM, *map(os.fspath, arguments)], input=stdin, capture_output=True, timeout=PATIENCE_S, check=False, **options
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def valley(samples):
    return samples / "known" / "valley.mp4"


@pytest.fixture
def uploads(clean, valley):
    """A folder with a pipe, a device, and a known film after them."""
    folder = clean / "uploads"
    folder.mkdir()
    os.mkfifo(folder / "a.mp4")
    (folder / "b.mp4").symlink_to("/dev/zero")
    shutil.copy(valley, folder / "z.mp4")
    return folder


# -- what is no file -----------------------------------------------------------------------------------


def test_a_folder_with_a_pipe_and_a_device_is_answered(known, uploads):
    done = piped("match", "--db", known, "--json", uploads)
    assert [(os.path.basename(line["path"]), line["verdict"]) for line in done.of_type("file")] == [
        ("a.mp4", "unreadable"),
        ("b.mp4", "unreadable"),
        ("z.mp4", "match"),
    ]
    assert done.code == 10
    assert ["is a pipe" in line["message"] or "is a device" in line["message"] for line in done.of_type("error")] == [True, True]


def test_a_pipe_in_a_watched_folder_keeps_nobody_waiting(known, uploads):
    with start("match", "--db", str(known), "--json", "--workers", "1", "--watch", str(uploads)) as process:
        guard = threading.Timer(PATIENCE_S, process.kill)
        guard.start()
        lines = lines_until(process, 3)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        guard.cancel()
    assert {(os.path.basename(line["path"]), line["verdict"]) for line in lines if line["type"] == "file"} == {
        ("a.mp4", "unreadable"),
        ("b.mp4", "unreadable"),
        ("z.mp4", "match"),
    }
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (3, "match /dev/zero"),
        (3, "match --list /dev/stdin"),
        (2, "match --list /dev/zero"),
        (2, "match --list ."),
        (3, "add /dev/zero"),
        (3, "add {uploads}"),
        (3, "hash /dev/zero {uploads}"),
        (3, "compare /dev/zero {valley}"),
        (3, "compare {valley} /dev/zero"),
        (3, "explain /dev/zero {valley}"),
        (3, "unmatch /dev/zero {record}"),
        (3, "allow add /dev/zero --reason x"),
        (3, "import /dev/zero"),
        (3, "review --matches /dev/zero"),
        (2, "trust add feed --root /dev/zero"),
        (2, "feed init feed --id feed --passphrase-file /dev/zero"),
        (2, "info --db own.vhdb/../none"),
    ],
)
def test_a_device_is_refused_wherever_it_is_named(own, uploads, valley, ids, monkeypatch, code, line):
    monkeypatch.setenv("VHASHDB_DB", str(own))
    arguments = line.format(uploads=uploads, valley=valley, record=ids["valley"]).split()
    done = piped(*arguments, stdin=b"/dev/zero\n")
    assert done.code == (4 if "none" in line else code), done
    assert "Traceback" not in done.err and "internal error" not in done.err
    assert "hint: " in done.err or "hint: " in done.out


def test_a_pipe_is_read_once_wherever_it_is_named(own, valley, ids, clean, monkeypatch):
    film = valley.read_bytes()
    monkeypatch.setenv("VHASHDB_DB", str(own))
    done = piped("match", "/dev/stdin", stdin=film)
    assert done.code == 10 and "byte for byte" in done.out
    assert piped("compare", "/dev/stdin", valley, stdin=film).code == 10
    assert piped("explain", "/dev/stdin", ids["valley"], stdin=film).code == 10
    assert piped("hash", "/dev/stdin", stdin=film).out == piped("hash", valley).out
    assert "DUPLICATE" in piped("add", "/dev/stdin", stdin=film).out
    assert piped("allow", "add", "/dev/stdin", "--reason", "x", stdin=film).code == 0
    assert piped("unmatch", "/dev/stdin", ids["valley"], stdin=film).code == 0
    assert piped("match", valley).code == 0, "the mark is on this very file"
    assert piped("import", "/dev/stdin", stdin=f"md5 {'1' * 32}\n".encode()).code == 0
    empty = piped("match", "/dev/stdin")
    assert empty.code == 3 and "nothing came through" in empty.out


def test_a_named_pipe_is_waited_for(known, valley, clean):
    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_bytes(valley.read_bytes()), daemon=True)
    writer.start()
    done = piped("match", "--db", known, "pipe")
    assert done.code == 10 and "waiting for whoever writes to it" in done.err
    writer.join(PATIENCE_S)


def test_a_list_may_come_through_a_named_pipe(known, valley, clean):
    os.mkfifo("list")
    threading.Thread(target=lambda: Path("list").write_bytes(os.fsencode(valley)), daemon=True).start()
    assert piped("match", "--db", known, "--list", "list").code == 10


# -- folders -------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_named(known, samples, clean):
    (clean / "u" / "sub").mkdir(parents=True)
    shutil.copy(samples / "unknown" / "train.mp4", "u")
    (clean / "u" / "sub").chmod(0)
    done = finished("match", "--db", known, "u", prefix=NO_RIGHTS if os.geteuid() == 0 else ())
    (clean / "u" / "sub").chmod(0o700)
    assert done.code == 3
    assert any(line.startswith("u/sub ") and "NOT CHECKED  the folder cannot be read" in line for line in done.lines)
    assert any(line.startswith("u/train.mp4") and "NO MATCH" in line for line in done.lines)


def test_uploads_named_by_a_hash_are_looked_at(known, valley, samples, clean):
    folder = clean / "u"
    folder.mkdir()
    for name in ("3f2a9c", "IMG_1.3gpp", ".hidden", "x.txt"):
        shutil.copy(valley, folder / name)
    (folder / "README").write_text("words")
    done = run("match", "--db", known, "--json", folder)
    assert [line["verdict"] for line in done.of_type("file")] == ["match"] * 4
    assert [(line["path"], line["reason"]) for line in done.of_type("skipped")] == [(str(folder / "README"), "not media")]
    assert done.json[-1]["skipped_because"] == {"not media": 1}


@pytest.mark.parametrize("verb", ["match", "add"])
def test_a_folder_of_which_nothing_is_looked_at_is_no_success(own, clean, verb):
    (clean / "u").mkdir()
    assert run(verb, "--db", own, "u").code == 0, "there was nothing"
    (clean / "u" / "README").write_text("words")
    (clean / "u" / "empty").touch()
    done = run(verb, "--db", own, "u")
    assert done.code == 3
    assert "2 skipped (1 empty, 1 not media)" in done.lines[-1] or "2 skipped (1 not media, 1 empty)" in done.lines[-1]
    assert "warning: there was nothing to" in done.err and "name a file itself" in done.err


# -- names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a" * 300 + ".mp4", "b" * 5000, "c/" * 2500 + "d.mp4"])
def test_a_name_that_is_too_long_is_an_error_of_that_file(known, valley, name):
    assert run("match", "--db", known, name, valley).code == 10
    for arguments in (["compare", name, valley], ["compare", valley, name], ["hash", name], ["match", "--db", known, name]):
        done = run(*arguments)
        assert done.code == 3 and "internal error" not in done.err + done.out


def named(data, null=False):
    Path("list").write_bytes(data)
    return list(InputFiles([], lists=["list"], null=null))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_lists_as_other_systems_write_them(clean, encoding):
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    names = ["plain.mp4", "žluťoučký.mp4", "\U0001f600.mp4", "with space.mp4"]
    assert named((mark + "\r\n".join(names) + "\r\n").encode(encoding)) == names
    assert named((mark + "\n\n".join(names)).encode(encoding)) == names
    assert named((mark + "\0".join(names)).encode(encoding), null=True) == names


def test_short_and_empty_lists(clean):
    assert named(b"") == named(b"\n\r\n\n") == named(b"\xef\xbb\xbf") == named(b"\xff\xfe") == []
    assert named(b"a") == ["a"]
    assert named(b"\xef") == [os.fsdecode(b"\xef")]
    assert named(b"\xff\n") == [os.fsdecode(b"\xff")]


def test_a_carriage_return_belongs_to_a_name_only_if_there_is_such_a_file(clean):
    assert named(b"a\r\nb\n") == ["a", "b"]
    Path("a\r").touch()
    assert named(b"a\r\nb\n") == ["a\r", "b"]
    Path("a").touch()
    assert named(b"a\r\nb\n") == ["a", "a\r", "b"], "either may be meant, so both are looked at"


def test_names_that_are_not_utf8(clean):
    assert [os.fsencode(name) for name in named(b"\xe9t\xe9.mp4\n")] == [b"\xe9t\xe9.mp4"]


def test_a_line_without_end_is_no_name(known, clean):
    Path("list").write_bytes(b"x" * 200_000)
    done = run("match", "--db", known, "--list", "list")
    assert done.code == 2 and "has a line of more than" in done.err


# -- a video that begins as a fingerprint does -----------------------------------------------------------


@pytest.fixture
def stream(valley):
    """The known film as MPEG, which players find behind anything."""
    with av.open(str(valley)) as source, av.open("known.mpg", "w", format="mpeg") as out:
        video = source.streams.video[0]
        to = out.add_stream("mpeg2video", rate=video.average_rate)
        to.width, to.height, to.pix_fmt, to.bit_rate = video.width, video.height, "yuv420p", 2_000_000
        for frame in source.decode(video):
            again = av.VideoFrame.from_ndarray(frame.to_ndarray(format="rgb24"), format="rgb24")  # without the times of the other
            out.mux(to.encode(again.reformat(format="yuv420p")))
        out.mux(to.encode())
    return Path("known.mpg").read_bytes()


def disguised(innocent, stream):
    """The ways to put a stream behind, or into, the binary fingerprint of an innocent video."""
    from vhashdb.fingerprints.binary import _DIGEST, _HEAD, MAGIC, VERSION

    packed = vhashdb.to_bytes(innocent)
    body = packed[_HEAD.size : -_DIGEST]

    def signed(body):
        import hashlib

        head = struct.pack("<4sBI", MAGIC, VERSION, len(body)) + body
        return head + hashlib.blake2b(head, digest_size=_DIGEST).digest()

    stored = zlib.compressobj(0)
    return {
        "behind": packed + stream,
        "in the body": signed(body + stream),
        "in the entries": signed(stored.compress(zlib.decompress(body) + stream) + stored.flush()),
        "text": vhashdb.to_json(innocent).encode() + stream,
        "vpdq": vhashdb.to_vpdq(innocent).encode() + stream,
    }


def test_a_video_is_never_taken_for_the_fingerprint_that_it_begins_with(known, own, clean, samples, stream):
    """Whatever it is called: it is found, or said not to be checked, and never innocent."""
    innocent = vhashdb.every_frame(samples / "unknown" / "train.mp4")
    folder = clean / "u"
    folder.mkdir()
    assert run("match", "--db", known, "known.mpg").code == 10
    for way, data in disguised(innocent, stream).items():
        for name in some(["upload", "upload.mpg", "upload.vhfp", "upload.json", "upload.vpdq", "upload.txt"], 2):
            (folder / name).write_bytes(data)
            done = run("match", "--db", known, "--json", folder / name)
            assert {line["verdict"] for line in done.of_type("file")} <= {"match", "unreadable"}, (way, name)
            assert done.code in (3, 10), (way, name)
            added = run("add", "--db", own, "--json", folder / name)
            for line in added.of_type("record"):
                assert line["near"] or line["status"] == "duplicate", f"{way} as {name}: what is recorded is the video"
            (folder / name).unlink()
        (folder / "3f2a9c").write_bytes(data)
        done = run("match", "--db", known, "--json", folder)
        assert "no-match" not in {line["verdict"] for line in done.of_type("file")}, way
        (folder / "3f2a9c").unlink()


def test_a_fingerprint_is_read_by_its_ending_or_by_option(known, clean, samples):
    from vhashdb import fingerprint

    Path("a.vhfp").write_bytes(vhashdb.to_bytes(fingerprint(samples / "edited" / "valley__clip.mp4", views="query")))
    assert run("match", "--db", known, "a.vhfp").code == 10
    shutil.copy("a.vhfp", "a")
    assert run("match", "--db", known, "a").code == 3
    assert run("match", "--db", known, "--as", "fingerprint", "a").code == 10
    assert run("match", "--db", known, "--as", "media", "a.vhfp").code == 3
    assert run("match", "--db", known, "--as", "fingerprint", samples / "known" / "valley.mp4").code == 3


def test_a_small_fingerprint_does_not_unpack_to_a_large_one(known, clean):
    import hashlib
    import json

    entries = MAX_UNPACKED // 43 + 1
    header = {"algorithm": "pdq", "bits": 256, "spec": 1, "entries": entries, "duration_ms": 1, "width": 1, "height": 1, "damage": []}
    text = json.dumps(header).encode()
    body = zlib.compress(struct.pack("<H", len(text)) + text + bytes(1000))
    head = struct.pack("<4sBI", b"VHFP", 2, len(body)) + body
    Path("bomb.vhfp").write_bytes(head + hashlib.blake2b(head, digest_size=16).digest())
    with pytest.raises(FingerprintError, match="unpacks to"):
        vhashdb.from_bytes(Path("bomb.vhfp").read_bytes())
    done = run("match", "--db", known, "bomb.vhfp")
    assert done.code == 3 and "unpacks to" in done.out


# -- smaller ones --------------------------------------------------------------------------------------


def test_a_record_that_has_expired_is_added_with_a_word(own, samples, clean):
    done = run("add", "--db", own, samples / "unknown" / "train.mp4", "--expires", "2020-01-01")
    assert done.code == 0 and "note: it has expired, so it never matches" in done.out
    done = run("add", "--db", own, "--json", samples / "unknown" / "balloons.mp4", "--expires", "2999-01-01")
    assert done.of_type("record")[0]["damage"] == []


def test_a_passphrase_is_not_asked_for_where_nobody_can_answer(clean):
    env = {name: value for name, value in os.environ.items() if name != "VHASHDB_FEED_PASSPHRASE"}
    done = finished("feed", "init", "a", "--id", "a", env=env, start_new_session=True)
    assert done.code == 2
    assert "VHASHDB_FEED_PASSPHRASE" in done.err and "no terminal" in done.err and "--passphrase-file" in done.err


BROKEN = ['db = "a\0b"', "\0", "quiet = " + "[" * 100_000, "x = {a=" * 5000, 'db = "\\u0000"', "workers = 10e999999999", "= 1"]


@pytest.mark.parametrize("text", BROKEN, ids=[repr(text[:12]) for text in BROKEN])
def test_a_configuration_file_that_cannot_be_read_is_named(clean, monkeypatch, text):
    Path("config.toml").write_text(text)
    monkeypatch.setenv("VHASHDB_CONFIG", "config.toml")
    done = run("info")
    assert done.code == 2, done
    assert "config.toml" in done.err and "internal error" not in done.err


def test_a_configuration_file_that_is_a_device_is_named(clean):
    done = finished("info", env=os.environ | {"VHASHDB_CONFIG": "/dev/zero"})
    assert done.code == 2 and "is a device" in done.err
