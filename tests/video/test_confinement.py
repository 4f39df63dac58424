"""A decoder that was taken over, under the real confinement: it can lie about its own file, and nothing else."""

import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys

import numpy as np
import pytest

import vhashdb
from tests.conftest import ROOT
from tests.video import evil
from vhashdb.video import Decoder, DecoderPool, Mode, Sampling, confinement

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
SAMPLED = Sampling(Mode.SAMPLED, 3.0)


@pytest.fixture(scope="module")
def taken_over():
    with evil.decoder() as decoder:
        yield decoder


@pytest.fixture(scope="module")
def layers():
    with Decoder() as decoder:
        return decoder.confinement().layers


def descriptors():
    return {
        (number, os.readlink(f"/proc/self/fd/{number}"))
        for number in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{number}")
    }


def descendants(pid):
    """Processes that a process started, and those that they did, as they are now."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state not in "ZX":
                found += [int(entry), *descendants(int(entry))]
    return found


# -- what it may not do ----------------------------------------------------------------------------

ATTEMPTS = {
    "open a file": 'os.open("/etc/passwd", os.O_RDONLY)',
    "open its own folder": 'os.open(".", os.O_RDONLY)',
    "list a folder": 'os.listdir("/")',
    "look for a file": 'os.stat("/etc/passwd")',
    "make a file": 'os.open("/tmp/evil", os.O_WRONLY | os.O_CREAT)',
    "make a folder": 'os.mkdir("/tmp/evil")',
    "remove a file": 'os.unlink("/tmp/evil")',
    "rename a file": 'os.rename("/tmp/a", "/tmp/b")',
    "link a file": 'os.symlink("/etc/passwd", "/tmp/evil")',
    "write its memory by a file": 'os.open("/proc/self/mem", os.O_RDWR)',
    "read its parent's variables": 'os.open(f"/proc/{os.getppid()}/environ", os.O_RDONLY)',
    "write into the file": 'os.write(media, b"x")',
    "make the file shorter": "os.ftruncate(media, 0)",
    "change the file's mode": "os.fchmod(media, 0o777)",
    "a file without a name": 'os.memfd_create("x")',
    "TCP": "socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "UDP": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "a socket of this machine": "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
    "a raw socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "the kernel's sockets": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "a pair of sockets": "socket.socketpair()",
    "fork": "os.fork()",
    "a thread": "threading.Thread(target=int).start()",
    "exec": 'os.execv("/bin/sh", ["sh", "-c", "true"])',
    "signal its parent": "os.kill(os.getppid(), 0)",
    "kill its parent": "os.kill(os.getppid(), signal.SIGKILL)",
    "kill everybody": "os.kill(-1, signal.SIGKILL)",
    "kill its group": "os.killpg(0, signal.SIGKILL)",
    "the first process": "os.kill(1, 0)",
    "leave its session": "os.setsid()",
    "open its parent": "os.pidfd_open(os.getppid())",
    "more descriptors": "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))",
    "more memory": "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))",
    "larger files": "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))",
    "limits of its parent": "resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "another user": "os.setuid(65534)",
    "another descriptor": "os.dup(media)",
    "a pipe": "os.pipe()",
    "hand on the file": "socket.send_fds(channel, [b'x'], [media])",
    "speak to its parent in another way": "channel.send(b'x')",
    "stop its channel": "channel.shutdown(socket.SHUT_RDWR)",
    "set up its channel": "channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)",
    "another working folder": 'os.chdir("/tmp")',
    "another root": 'os.chroot("/tmp")',
    "be first in the queue": "os.nice(-20)",
    "map a file as code": "__import__('mmap').mmap(media, 16, prot=__import__('mmap').PROT_READ | __import__('mmap').PROT_EXEC)",
}
CALLS = {
    "ptrace its parent": "LIBC.ptrace(16, os.getppid(), None, None)",
    "be traced": "LIBC.ptrace(0, 0, None, None)",
    "read its parent's memory": "LIBC.process_vm_readv(os.getppid(), None, 0, None, 0, 0)",
    "write its parent's memory": "LIBC.process_vm_writev(os.getppid(), None, 0, None, 0, 0)",
    "memory with code": "LIBC.mprotect(ctypes.c_void_p(id(os) & ~4095), 4096, 7)",
    "a new namespace": "LIBC.unshare(0x10000000)",
    "mount": 'LIBC.mount(b"none", b"/tmp", b"tmpfs", 0, None)',
    "io_uring": "LIBC.syscall(425, 1, None)",
    "bpf": "LIBC.syscall(321, 0, None, 0)",
    "open by handle": "LIBC.open_by_handle_at(0, None, 0)",
    "a key of the kernel": 'LIBC.syscall(248, b"user", b"x", b"y", 1, -3)',
    "another filter": "LIBC.prctl(22, 2, None)",
    "be dumped": "LIBC.prctl(4, 1, 0, 0, 0)",
    "a clone": "LIBC.syscall(56, 17, None, None, None, None)",
    "numbers of another architecture": "LIBC.syscall(0x40000000 | 39)",
}
PROGRAM = """
def attempt(what):
    try:
        what()
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        return error.errno if isinstance(error, OSError) else type(error).__name__
    return "DONE"

def call(what):
    ctypes.set_errno(0)
    return ctypes.get_errno() if what() < 0 else "DONE"

import threading
report(found={{{attempts}}} | {{{calls}}})
"""


@LINUX
def test_everything_outside_is_refused(taken_over, tmp_path, layers):
    if confinement.SYSTEM_CALLS not in layers:
        pytest.skip("this system filters no system calls")
    attempts = ", ".join(f"{what!r}: attempt(lambda: {code})" for what, code in ATTEMPTS.items())
    calls = ", ".join(f"{what!r}: call(lambda: {code})" for what, code in CALLS.items())
    found = run_printing(taken_over, tmp_path, PROGRAM.format(attempts=attempts, calls=calls))
    assert found.keys() == ATTEMPTS.keys() | CALLS.keys()
    assert {what for what, became in found.items() if became == "DONE"} == set()
    assert os.getppid()  # and this process is still here


def run_printing(decoder, folder, program):
    """As `evil.reported`, for reports longer than one line of damage may be: they come in pieces."""
    program = program.replace("report(found=", "PIECES = (").rstrip()
    program += """
text = json.dumps(PIECES)
wire.send(answers, wire.Kind.BATCH, frames())
good = VideoInfo(width=1, height=1, codec="x", duration_s=1.0, frames=1).to_json()
good["damage"] = [text[i : i + 290] for i in range(0, len(text), 290)]
wire.send(answers, wire.Kind.DONE, json.dumps({"info": good}).encode())
"""
    return json.loads("".join(evil.run(decoder, folder, program).info.damage))


@LINUX
def test_the_confinement_is_measured_by_a_confined_process(layers):
    with Decoder() as decoder:
        found = decoder.confinement()
    assert set(found.layers) | set(found.missing) == set(confinement.LAYERS)
    if confinement.SYSTEM_CALLS in layers:
        assert (found.possible, found.problem, found.complete) == ((), "", True)


WITHOUT = """
import json, socket, sys
sys.path.insert(0, sys.argv[1])
from vhashdb.limits import Limits
from vhashdb.video import confinement, probe, wire
from vhashdb.video.child import serve

def work(request, media, answers):
    confinement._FILTERS.clear()
    if sys.argv[2] == "nothing":
        confinement._LINUX = False
    wire.send(answers, wire.Kind.DONE, json.dumps(probe.tried(confinement.confine(Limits()))).encode())

serve(socket.socket(fileno=0), work)
"""


WITH_THREADS = """
import json, socket, sys, threading
sys.path.insert(0, sys.argv[1])
from vhashdb.limits import Limits
from vhashdb.video import confinement, probe, wire
from vhashdb.video.child import serve

def work(request, media, answers):
    layers = confinement.confine(Limits(), threads=True)
    found = []
    thread = threading.Thread(target=lambda: found.append(probe.tried(layers)))
    thread.start()
    thread.join()
    wire.send(answers, wire.Kind.DONE, json.dumps(found[0]).encode())

serve(socket.socket(fileno=0), work)
"""


@LINUX
def test_where_a_decoder_needs_threads_they_are_as_confined_and_no_process_can_be_begun(layers):
    with Decoder(_command=[sys.executable, "-c", WITH_THREADS, str(ROOT)]) as decoder:
        found = decoder.confinement()
    assert found.layers == layers
    assert (found.possible, found.problem) == ((), "")


@LINUX
@pytest.mark.parametrize("which", ["no filter", "nothing"])
def test_where_a_layer_is_missing_it_is_said_what_is_possible(layers, which):
    with Decoder(_command=[sys.executable, "-c", WITHOUT, str(ROOT), which]) as decoder:
        found = decoder.confinement()
    assert confinement.SYSTEM_CALLS in found.missing
    assert not found.complete
    assert "run programs" in found.possible
    if which == "nothing":
        assert "signal other processes" in found.possible
    elif confinement.LANDLOCK in layers:
        assert confinement.LANDLOCK in found.layers
        assert not {"read files", "write files"} & set(found.possible)


def test_a_decoder_that_cannot_be_tried_is_a_problem_that_is_told(caplog):
    with Decoder(_command=[sys.executable, "-c", ""]) as decoder:
        found = decoder.confinement()
    assert found.problem
    assert not found.complete
    assert "could not be tested" in caplog.text


def test_a_decoder_that_ended_by_itself_is_replaced_and_that_is_logged(caplog):
    with Decoder() as decoder:
        decoder.warm()
        first = decoder._process._process
        first.kill()
        first.wait()
        decoder.warm()
        assert decoder._process._process.pid != first.pid
    assert "ended by itself" in caplog.text


@LINUX
def test_it_inherits_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", "secret")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", f".{os.pathsep}{tmp_path}{os.pathsep}")
    read, write = os.pipe()
    os.set_inheritable(write, True)
    program = """
    def is_open(number):
        try:
            return os.lseek(number, 0, 1) >= 0
        except OSError as error:
            return error.errno == 29  # a pipe or a socket has no position

    report(variables=dict(os.environ), open=sum(map(is_open, range(256))))
    """
    try:
        with evil.decoder() as decoder:
            found = evil.reported(decoder, tmp_path, program)
    finally:
        os.close(read)
        os.close(write)
    assert set(found["variables"]) <= {"LD_LIBRARY_PATH", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "LC_CTYPE"}
    assert found["variables"]["LD_LIBRARY_PATH"] == str(tmp_path)
    assert found["open"] == 5  # two that lead nowhere, the file, the channel, and what says that it lives


# -- what it says ----------------------------------------------------------------------------------

MALFORMED = {
    "nothing": "",
    "dies": "os._exit(3)",
    "is killed": "LIBC.abort()",
    "text": 'answers.write(b"HTTP/1.1 200 OK\\r\\n\\r\\n" * 100); answers.flush()',
    "a length of 4 GB": 'answers.write(struct.pack("<BI", 1, 2**32 - 1) + b"x" * 100_000); answers.flush()',
    "cut short": 'answers.write(struct.pack("<BI", 1, FRAME_DTYPE.itemsize) + b"x" * 100); answers.flush()',
    "times that are no numbers": "wire.send(answers, 1, frames(3, time_s=float('nan')))",
    "coefficients that are no numbers": "wire.send(answers, 1, frames(3, coefficients=float('nan')))",
    "coefficients without end": "wire.send(answers, 1, frames(3, coefficients=float('inf')))",
    "negative times": "wire.send(answers, 1, frames(2, time_s=[-5, -3]))",
    "times past all": "wire.send(answers, 1, frames(2, time_s=[0, 1e300]))",
    "times out of order": "wire.send(answers, 1, frames(2, time_s=[5, 3]))",
    "pictures without a size": "wire.send(answers, 1, frames(1, width=0))",
    "no frames": 'wire.send(answers, 1, b"")',
    "an integer of many digits": 'wire.send(answers, 2, b\'{"info": {"width": \' + b"1" * 5000 + b"}}")',
    "a large integer": 'wire.send(answers, 2, b\'{"info": {"width": \' + b"1" * 4000 + b"}}")',
    "NaN": "wire.send(answers, 2, b'{\"info\": NaN}')",
    "nested": 'wire.send(answers, 2, b"[" * 60_000)',
    "nested less": 'wire.send(answers, 2, b\'{"a":\' * 500 + b"1" + b"}" * 500)',
    "no object": "wire.send(answers, 2, b'[1]')",
}


@pytest.fixture(scope="module")
def good(samples):
    with Decoder() as decoder:
        return np.concatenate(list(decoder.read(samples / "edited" / "valley__clip.mp4", SAMPLED)))


@pytest.mark.parametrize("name", MALFORMED)
def test_whatever_it_sends_is_an_error_of_its_own_file(taken_over, tmp_path, name):
    with pytest.raises(vhashdb.DecoderFailed):
        stream = evil.run(taken_over, tmp_path, MALFORMED[name])
        raise AssertionError(stream.info)
    assert evil.reported(taken_over, tmp_path, "report(well=1)") == {"well": 1}


def test_what_it_said_before_is_kept_and_said_to_be_incomplete(taken_over, tmp_path):
    stream = evil.run(taken_over, tmp_path, "wire.send(answers, 1, frames(3)); wire.send(answers, 1, frames(3))")
    assert stream.info.frames == 3
    assert "out of order" in stream.info.damage[0]


def test_half_characters_in_what_it_says_can_be_written(taken_over, tmp_path):
    stream = evil.run(
        taken_over, tmp_path,
        'wire.send(answers, 1, frames()); good = VideoInfo(1, 1, "x", 0, 1.0, 1).to_json() | {"damage": ["\\ud800"], "codec": "\\udfff"};'
        'wire.send(answers, 2, json.dumps({"info": good}).encode())',
    )  # fmt: skip
    assert [*stream.info.damage, stream.info.codec] == ["\\ud800", "\\udfff"]
    with pytest.raises(vhashdb.MediaError) as caught:
        evil.run(
            taken_over,
            tmp_path,
            'wire.send(answers, 3, json.dumps({"error": "NotMedia", "message": "\\udcff", "hint": "\\ud800"}).encode())',
        )
    assert f"{caught.value} {caught.value.hint}".encode()


@pytest.mark.parametrize("program", ["wire.send(answers, 1, frames(64))", 'answers.write(b"\\1"); answers.flush()', "time.sleep(0.01)"])
@pytest.mark.parametrize("limits", [vhashdb.Limits(time_s=1.0), vhashdb.Limits(silence_s=1.0, frames=1000)], ids=["in all", "silent"])
def test_it_cannot_go_on_for_ever(tmp_path, program, limits):
    with evil.decoder(limits) as decoder:
        try:
            stream = evil.run(decoder, tmp_path, f"while True:\n    {program}")
        except vhashdb.MediaError:
            return
        assert stream.info.damage


def test_a_process_that_it_left_behind_does_not_hold_the_parent(tmp_path):
    """Where nothing keeps it from forking: the other process keeps the pipe, and says nothing."""
    limits = vhashdb.Limits(silence_s=2.0)
    command = [part.replace("confinement.confine(LIMITS, others=True)", "()") for part in evil.command(limits)]
    alive, hold = os.pipe()
    (tmp_path / "hold").symlink_to(f"/proc/{os.getpid()}/fd/{hold}")
    with Decoder(limits, _command=command) as decoder:
        with pytest.raises(vhashdb.LimitExceeded):
            evil.run(decoder, tmp_path, f"os.open({str(tmp_path / 'hold')!r}, os.O_WRONLY)\nos.fork() or signal.pause()")
        os.close(hold)
        assert os.read(alive, 1) == b""  # nobody holds it any more
        assert evil.reported(decoder, tmp_path, "report(well=1)") == {"well": 1}
    os.close(alive)


# -- one file, and no other ------------------------------------------------------------------------


def test_a_file_has_no_say_in_the_answer_for_the_next(taken_over, tmp_path):
    """What it changes in its process is gone with it: each file has one of its own."""
    evil.reported(taken_over, tmp_path, "import builtins\nbuiltins.stayed = True\nreport()")
    assert evil.reported(taken_over, tmp_path, "import builtins\nreport(stayed=hasattr(builtins, 'stayed'))") == {"stayed": False}


def test_an_error_in_the_parent_does_not_give_a_file_the_frames_of_another(samples, good):
    """The pass is left open by an error while its frames are used; the decoder goes back to the pool."""
    pool = DecoderPool()
    kept = []
    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError), pool.decoder() as decoder:
            kept.append(iter(decoder.read(samples / "known" / "harbour.mp4", Sampling(Mode.FULL))))
            next(kept[-1])
            raise ZeroDivisionError
        with pool.decoder() as decoder:
            assert np.array_equal(np.concatenate(list(decoder.read(samples / "edited" / "valley__clip.mp4", SAMPLED))), good)
    for left in kept:
        left.close()
    with pool.decoder() as decoder:
        assert np.array_equal(np.concatenate(list(decoder.read(samples / "edited" / "valley__clip.mp4", SAMPLED))), good)
    pool.close()


@LINUX
def test_nothing_is_left_of_errors_kills_and_abandoned_passes(samples, tmp_path):
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "folder.mp4").mkdir()
    before, processes = descriptors(), set(descendants(os.getpid()))
    with Decoder() as decoder:
        for _ in range(3):
            for name in ("text.mp4", "folder.mp4", "missing.mp4"):
                with pytest.raises(vhashdb.MediaError):
                    list(decoder.read(tmp_path / name, SAMPLED))
            for _ in decoder.read(samples / "known" / "valley.mp4", Sampling(Mode.FULL)):
                break
            (process,) = set(descendants(os.getpid())) - processes  # the one that waits: no file's
        for batch in decoder.read(samples / "known" / "valley.mp4", Sampling(Mode.FULL)):
            assert len(batch)
            os.kill(process, signal.SIGKILL)
        list(decoder.read(samples / "known" / "valley.mp4", SAMPLED))
    gc.collect()
    assert descriptors() <= before  # what others left may be collected meanwhile
    assert set(descendants(os.getpid())) == processes


@LINUX
def test_processes_end_with_a_parent_that_is_killed(samples, tmp_path):
    code = """
import os, sys
from vhashdb.video import Decoder, Mode, Sampling
decoder = Decoder()
for batch in decoder.read(sys.argv[1], Sampling(Mode.FULL)):
    print("reading", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, samples / "known" / "valley.mp4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout.readline() == b"reading\n"
        watched = [os.pidfd_open(pid) for pid in descendants(parent.pid)]
        parent.kill()
        parent.wait()
    assert len(watched) == 2
    for descriptor in watched:
        assert select.select([descriptor], [], [], 60)[0]  # readable when it has ended
        os.close(descriptor)


# -- what is imported ------------------------------------------------------------------------------

MODULES = (
    "json av numpy PIL vhashdb vhashdb_cli socket struct ctypes sitecustomize usercustomize encodings codecs site os io re enum "
    "subprocess select signal resource importlib ijson click rich zstandard faiss sqlalchemy platformdirs tuf urllib3 jinja2"
).split()


@pytest.mark.parametrize("command", [("match",), ("add",), ("hash",), ("compare",)], ids=" ".join)
def test_nothing_beside_the_uploads_is_executed(samples, tmp_path, command):
    folder = tmp_path / "uploads"
    folder.mkdir()
    with vhashdb.create(tmp_path / "k.vhdb") as database:
        database.add(samples / "known" / "harbour.mp4")
    (folder / "a.mp4").write_bytes((samples / "edited" / "valley__clip.mp4").read_bytes())
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'a').write({name!r} + '\\n')\n")
        (folder / f"{name}.pth").write_text(f"import os; open({str(tmp_path / 'executed')!r}, 'a').write('pth')\n")
    database = {"match": ("--db", "../k.vhdb"), "add": ("--db", "../k.vhdb")}.get(command[0], ())
    files = ("a.mp4", "a.mp4") if command == ("compare",) else ("a.mp4",)
    # As the installed command is started: the folder of the script comes first on the path, and not the working folder.
    script = tmp_path / "bin" / "vhashdb"
    script.parent.mkdir()
    script.write_text("from vhashdb_cli.main import run\nrun()\n")
    done = subprocess.run(
        [sys.executable, script, command[0], *database, *files],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "VHASHDB_CACHE": "off"},
    )  # fmt: skip
    assert done.stdout
    assert "NOT CHECKED" not in done.stdout
    assert done.returncode in (0, 10), done.stderr
    assert not (tmp_path / "executed").exists()


def test_the_decoder_imports_nothing_from_the_folder_though_the_program_does(samples, tmp_path):
    """`python -c` and `python -m` put the working folder first on the path; what the program has loaded is what it has."""
    (tmp_path / "av.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    code = "import sys, vhashdb; print(vhashdb.fingerprint(sys.argv[1]).duration_s)"
    path = os.pathsep.join(entry for entry in sys.path if entry)
    done = subprocess.run(
        [sys.executable, "-c", code, samples / "still.png"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "executed").exists()
