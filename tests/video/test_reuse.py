"""One confined process decodes several files: the answers are those of a process of its own, and after anything unclean it is ended."""

import os
import select
from pathlib import Path

import pytest
from PIL import Image

import vhashdb
from tests.examples import long
from tests.video import evil
from tests.video.test_confinement import LINUX, descendants
from vhashdb.video import Decoder, Mode, Sampling, confinement

SAMPLINGS = (Sampling(Mode.SAMPLED, 3.0), Sampling(Mode.KEYFRAMES, exact=False), Sampling(Mode.FULL))
ONE_SHORT = [SAMPLINGS[1], *(pytest.param(sampling, marks=long) for sampling in SAMPLINGS[::2])]


@pytest.fixture(scope="module", autouse=True)
def _filtered():
    with Decoder() as decoder:
        if confinement.SYSTEM_CALLS not in decoder.confinement().layers:
            pytest.skip("this system filters no system calls, so each file has a process of its own")


def answer(decoder, path, sampling=SAMPLINGS[0]):
    """All that is said of a file: the bytes of its frames, and facts or the error."""
    stream = decoder.read(path, sampling)
    try:
        batches = [batch.tobytes() for batch in stream]
    except vhashdb.MediaError as error:
        return type(error).__name__, str(error)
    return b"".join(batches), stream.info.to_json()


def decoding(decoder):
    """The process that waits for another file; None if there is none."""
    waiting = decoder._process._process.pid
    found = [pid for pid in descendants(os.getpid()) if pid in descendants(waiting)]
    return found[0] if found else None


def cut(path, to):
    whole = path.read_bytes()
    to.write_bytes(whole[: len(whole) * 2 // 3])
    return to


def broken(path, to):
    """A copy with a hole in the middle of its pictures."""
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2
    whole[middle : middle + 2000] = bytes(2000)
    to.write_bytes(whole)
    return to


@pytest.fixture(scope="module")
def files(samples, tmp_path_factory):
    """Footage of several kinds and sizes, and damaged files between them."""
    folder = tmp_path_factory.mktemp("damaged")
    found = sorted(path for path in samples.rglob("*") if path.suffix in {".mp4", ".png", ".jpg", ".gif", ".webm", ".mkv"})[:6]
    corpus = os.environ.get("VHASHDB_CORPUS")
    if corpus:
        by_ending = {}  # of each kind the smallest: the large ones take the time and teach nothing new
        for path in sorted(path for path in Path(corpus).rglob("*") if path.is_file()):
            by_ending.setdefault((path.relative_to(corpus).parts[0], path.suffix), []).append(path)
        found += [min(alike, key=lambda path: path.stat().st_size) for alike in by_ending.values()][:40]
    (folder / "text.mp4").write_text("no film")
    damaged = [cut(path, folder / f"{number}{path.suffix}") for number, path in enumerate(found[::3])]
    damaged += [broken(path, folder / f"broken{number}{path.suffix}") for number, path in enumerate(found[::4])]
    for number, path in enumerate([folder / "text.mp4", *damaged]):
        found.insert(number * 4 + 2, path)
    return found


@pytest.mark.parametrize(
    "sampling", [SAMPLINGS[1], *(pytest.param(each, marks=long) for each in SAMPLINGS[::2])], ids=lambda each: each.mode.value
)
def test_a_file_has_the_answer_that_it_has_in_a_process_of_its_own(files, sampling):
    with Decoder(vhashdb.Limits(files_per_process=1)) as alone, Decoder(vhashdb.Limits(files_per_process=1000)) as together:
        expected = [answer(alone, path, sampling) for path in files]
        assert any(isinstance(frames, bytes) for frames, _ in expected)
        for order in (files, files[::-1]):
            for path in order:
                assert answer(together, path, sampling) == expected[files.index(path)], path


def test_the_last_file_of_a_process_is_read_as_the_first(samples):
    clips = sorted(samples.rglob("*.mp4"))
    with Decoder() as decoder:
        first = [answer(decoder, clips[0])]
        pid = decoding(decoder)
        for number in range(14):
            answer(decoder, clips[number % len(clips)], SAMPLINGS[number % 2])
        assert decoding(decoder) == pid
        assert answer(decoder, clips[0]) == first[0]
        assert decoding(decoder) is None  # the sixteenth was its last


def test_both_passes_over_a_file_have_one_process_and_its_own_with_a_limit_of_one(samples):
    with Decoder() as decoder:
        pids = set()
        for sampling in SAMPLINGS:
            answer(decoder, samples / "known" / "valley.mp4", sampling)
            pids.add(decoding(decoder))
        assert len(pids) == 1
        assert None not in pids
    with Decoder(vhashdb.Limits(files_per_process=1)) as decoder:
        answer(decoder, samples / "known" / "valley.mp4")
        assert decoding(decoder) is None


@pytest.mark.parametrize("what", ["damage", "failure", "limit", "abandoned", "probe"])
def test_a_process_is_ended_after_whatever_was_not_clean(samples, tmp_path, what):
    with Decoder(vhashdb.Limits(pixels=50_000_000)) as decoder:
        answer(decoder, samples / "known" / "valley.mp4")
        pid = decoding(decoder)
        assert pid is not None
        if what == "damage":
            stream = decoder.read(broken(samples / "known" / "valley.mp4", tmp_path / "a.mp4"), SAMPLINGS[2])
            assert sum(map(len, stream))
            assert stream.info.damage
        elif what == "failure":
            (tmp_path / "a.mp4").write_text("no film")
            assert answer(decoder, tmp_path / "a.mp4")[0] in {"UnreadableMedia", "NotMedia"}
        elif what == "limit":
            Image.new("L", (10_000, 6000)).save(tmp_path / "a.png")
            assert answer(decoder, tmp_path / "a.png")[0] == "LimitExceeded"
        elif what == "abandoned":
            stream = iter(decoder.read(samples / "known" / "valley.mp4", SAMPLINGS[2]))
            next(stream)
            stream.close()
        else:
            assert decoder.confinement().complete
        assert decoding(decoder) is None
        answer(decoder, samples / "known" / "valley.mp4")
        assert decoding(decoder) not in (None, pid)


def test_a_file_whose_decoder_needs_threads_has_a_process_of_its_own(samples, tmp_path):
    """It begins as HEIC; whether it can be read does not matter here: a process that waited is not asked."""
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    with Decoder() as decoder:
        answer(decoder, samples / "known" / "valley.mp4")
        asked = decoder._process.files
        answer(decoder, tmp_path / "a.heic")
        assert decoder._process.files is None
        answer(decoder, samples / "known" / "valley.mp4")
        assert decoder._process.files.number > asked.number + 1


def test_the_processor_seconds_of_every_file_are_told(samples):
    with Decoder(vhashdb.Limits(files_per_process=3)) as decoder:
        for _ in range(3):
            stream = decoder.read(samples / "known" / "valley.mp4", SAMPLINGS[0])
            list(stream)
            assert 0 < stream.cpu_s < 60


# -- a process that was taken over and goes on -----------------------------------------------------

STAYS = """
good = json.dumps({{"info": VideoInfo(width=1, height=1, codec="x", duration_s=1.0, frames=1).to_json(), "waits": True}}).encode()
for number in range(1000):
    wire.send(answers, wire.Kind.BATCH, frames(height=number + 1))
    wire.send(answers, wire.Kind.DONE, good)
    {then}
    os.close(media)
    _, (media,) = wire.receive_request(channel, 1)
"""


def heights(decoder, folder, then, program=STAYS):
    (folder / "evil.mp4").write_text(program.format(then=then))
    return [int(batch["height"][0]) for batch in decoder.read(folder / "evil.mp4", SAMPLINGS[2])]


@LINUX
def test_it_can_lie_about_the_files_that_follow_in_its_process_and_no_other(tmp_path):
    with evil.decoder(vhashdb.Limits(files_per_process=3)) as decoder:
        assert [heights(decoder, tmp_path, "pass") for _ in range(7)] == [[1], [2], [3], [1], [2], [3], [1]]


@LINUX
@pytest.mark.parametrize("then", ["answers.write(b'x'); answers.flush()", "os._exit(0)", "LIBC.abort()"])
def test_one_that_says_something_unasked_or_ends_is_not_asked_again(tmp_path, then):
    with evil.decoder() as decoder:
        for _ in range(3):
            heights(decoder, tmp_path, then)
            if decoder._process.files is not None:  # it had said nothing yet when the answer was whole
                select.select([decoder._process.files.channel], [], [], 60)
        assert heights(decoder, tmp_path, "pass") == [1]


@LINUX
def test_one_that_does_not_ask_for_the_next_file_holds_nobody(tmp_path):
    with evil.decoder(vhashdb.Limits(silence_s=1.0)) as decoder:
        assert heights(decoder, tmp_path, "while True: time.sleep(1)") == [1]
        with pytest.raises(vhashdb.LimitExceeded):
            heights(decoder, tmp_path, "pass")
        assert heights(decoder, tmp_path, "pass") == [1]


@LINUX
def test_no_second_descriptor_can_be_had_beside_the_file(tmp_path):
    """What recvmsg and the limit on descriptors leave: the next file, once the last one is closed."""
    with evil.decoder() as decoder:
        found = evil.reported(decoder, tmp_path, "report(limit=resource.getrlimit(resource.RLIMIT_NOFILE)[1])")
    assert found["limit"] == 1  # the number of the first that is free, 0, and no further one
