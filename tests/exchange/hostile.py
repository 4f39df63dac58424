"""Web servers that mean harm: each a function of one connection, on the loopback interface."""

import contextlib
import socket
import threading


@contextlib.contextmanager
def hostile(behave):
    """A server that does this with every connection, until it or the connection ends; its URL, and what it was asked."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()
        asked = []

        def talk(connection):
            with connection, contextlib.suppress(OSError):
                behave(connection, ended, asked)

        def serve():
            while not ended.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)


def heard(connection):
    """The head of one request; empty if the other side went away."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = connection.recv(4096)
        if not more:
            return ""
        head += more
    return head.decode("latin-1")


def says(*parts, then_waits=False, for_ever=False, pause_s=0.0):
    """A server that sends these bytes to each request; the last of them again and again, if ``for_ever``."""

    def behave(connection, ended, asked):
        while head := heard(connection):
            asked.append(head)
            for part in parts:
                connection.sendall(part)
            while for_ever and not ended.is_set():
                connection.sendall(parts[-1])
                ended.wait(pause_s)
            if then_waits:
                ended.wait()

    return behave


def silent(connection, ended, asked):
    """Takes connections, and says nothing."""
    asked.append("")
    ended.wait()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def redirect(location):
    """A redirect to there."""
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"


ATTACKS = {
    "silence": silent,
    "status by the byte": says(b"H", for_ever=True, pause_s=0.01),
    "headers by the byte": says(OK + b"X: ", b"a", for_ever=True, pause_s=0.01),
    "header lines without end": says(OK, b"X: y\r\n", for_ever=True),
    "one header without end": says(OK + b"X: ", b"a" * 4096, for_ever=True),
    "100 Continue without end": says(b"HTTP/1.1 100 Continue\r\n\r\n", for_ever=True),
    "100 Continue now and then": says(b"HTTP/1.1 100 Continue\r\n\r\n", for_ever=True, pause_s=0.01),
    "a body that never comes": says(OK + b"Content-Length: 10\r\n\r\n", then_waits=True),
    "a body by the byte": says(OK + b"Content-Length: 16000\r\n\r\n", b"a", for_ever=True, pause_s=0.01),
    "a body without end": says(CHUNKED, b"10000\r\n" + b"a" * 0x10000 + b"\r\n", for_ever=True),
    "a chunk's head without end": says(CHUNKED, b"0" * 4096, for_ever=True),
    "trailers without end": says(CHUNKED + b"0\r\n", b"X: y\r\n", for_ever=True),
    "trailers now and then": says(CHUNKED + b"0\r\n", b"X: y\r\n", for_ever=True, pause_s=0.01),
    "a length that is a lie": says(OK + b"Content-Length: 100\r\nConnection: close\r\n\r\n{}", for_ever=False),
    "a length below nothing": says(OK + b"Content-Length: -5\r\n\r\n{}"),
    "two lengths": says(OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
    "a length of thousands of digits": says(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"),
    "a malformed status": says(b"HTTP/1.1 \xff\xff NO\r\n\r\n"),
    "a status of thousands of digits": says(b"HTTP/1.1 " + b"2" * 5000 + b" OK\r\n\r\n"),
    "a malformed header": says(OK + b": \xff\x00\r\n \r\n:::\r\n\r\n"),
    "no HTTP": says(b"220 mail.example ESMTP\r\n"),
    "a packed body": says(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"),
    "busy for ever": says(b"HTTP/1.1 503 Busy\r\nRetry-After: 100000\r\nContent-Length: 0\r\n\r\n"),
    "redirect to no address": says(redirect(b"http://[::1")),
    "redirect to half a character": says(redirect(b"http://\xed\xa0\x80/")),
    "redirect to a port of thousands of digits": says(redirect(b"http://127.0.0.1:" + b"9" * 5000 + b"/")),
    "redirect to nothing": says(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"),
    "redirect to a file": says(redirect(b"file:///etc/passwd")),
    "redirect to another scheme": says(redirect(b"gopher://127.0.0.1/x")),
    "redirect inside": says(redirect(b"http://169.254.169.254/latest/meta-data")),
    "redirect in a circle": says(redirect(b"/metadata/timestamp.json")),
    "deep JSON": says(OK + b"Content-Length: 16000\r\n\r\n" + b"[" * 16000),
    "half a character": says(OK + b'Content-Length: 30\r\n\r\n{"signed": {"_type": "\\ud800"}}'[:30]),
    "integers of thousands of digits": says(OK + b"Content-Length: 5002\r\n\r\n[" + b"9" * 5000 + b"]"),
}
"""What a host without any key can do, by name."""
