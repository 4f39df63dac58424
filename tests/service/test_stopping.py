import shutil
import socket
import threading
import time
from urllib.parse import urlsplit

from tests.examples import long
from tests.service.program import program
from tests.service.serving import eventually

LATER = {"Prefer": "respond-async"}


@long
def test_a_signal_ends_the_service_when_what_runs_is_done(known_folder, tmp_path, samples):
    folder = shutil.copytree(known_folder, tmp_path / "db.vhdb")
    film = (samples / "edited/harbour__insert.mp4").read_bytes()
    with program(folder, "--workers", "1") as running, running.client() as client:
        place, answers = urlsplit(running.address), []
        with socket.create_connection((place.hostname, place.port)) as slow:
            head = f"POST /v1/questions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: {len(film)}\r\nConnection: close\r\n\r\n"
            slow.sendall(head.encode() + film[:1000])
            eventually(running.uploads, lambda files: len(files) == 1)
            taken = [client.post("/v1/questions", content=film, headers=LATER) for _ in range(3)]
            before = set(running.uploads())
            asking = threading.Thread(target=lambda: answers.append(client.post("/v1/questions", content=film)))
            asking.start()
            eventually(running.uploads, lambda files: answers or set(files) - before)
            running.process.terminate()
            time.sleep(0.3)  # what it does about that is not seen from here; the rest comes after it in any case
            slow.sendall(film[1000:])
            said = b"".join(iter(lambda: slow.recv(1 << 16), b""))
        asking.join()
        assert running.process.wait(60) == 0
    assert said.startswith(b"HTTP/1.1 200")
    assert b'"verdict":"match"' in said
    assert answers[0].json()["file"]["verdict"] == "match"
    with program(folder) as again, again.client() as client:  # what waited has waited
        for each in taken:
            said = eventually(lambda at=each.headers["Location"]: client.get(at).json(), lambda said: said["state"] == "answered")
            assert said["answer"]["file"]["verdict"] == "match"
