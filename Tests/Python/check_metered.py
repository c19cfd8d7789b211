"""Checks Examples/python/metered.py against workers that misbehave, and counts its connections.

usage: check_metered.py; ends with 1 and a traceback when something is not as it should be
"""

import logging
import os
import select
import socket
import sys
import threading

sys.path.insert(0, "Examples/python")
from metered import Metered  # noqa: E402

YES = b'{"allowed":true}'


def response(status, body, more=b""):
    return b"HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s" % (status, len(body), more, body)


class Worker:
    """Sends one prepared response for each request; None in their place ends the connection after the one before."""

    def __init__(self, *responses):
        self.responses, self.connections, self.requests = list(responses), 0, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            with connection:
                self.serve(connection)

    def serve(self, connection):
        while self.read_request(connection):
            self.requests += 1
            connection.sendall(self.responses.pop(0))
            if self.responses and self.responses[0] is None:
                self.responses.pop(0)
                return

    @staticmethod
    def read_request(connection):
        data = b""
        while not (b"\r\n\r\n" in data and data.endswith(b"}")):
            part = connection.recv(65536)
            if not part:
                return False
            data += part
        return True


class Lines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def ask(metered):
    """The status of one request through the middleware."""
    got = []
    metered({"REQUEST_METHOD": "GET"}, lambda status, _: got.append(status))
    return int(got[0].split()[0])


def application(_, start_response):
    start_response("200 OK", [])
    return [b""]


def metered(worker, on_outage):
    port = worker.listener.getsockname()[1]
    os.environ.update(METERING_URL=f"http://127.0.0.1:{port}", METERING_KEY="mk_x")
    return Metered(application, lambda _: "clinic", on_outage=on_outage, timeout=30)


def wait_for_end(metered):
    """Until the end that the worker sent has arrived, unless the middleware closed first."""
    if metered.kept.connection is not None:
        ready, _, _ = select.select([metered.kept.connection.sock], [], [], 30)
        assert ready, "the worker does not end the connection"


def check(what, got, wanted):
    assert got == wanted, f"{what}: {got!r}, not {wanted!r}"


def main():
    lines = Lines()
    logging.getLogger("metered").addHandler(lines)

    worker = Worker(*[response(b"200 OK", YES)] * 5)
    asking = metered(worker, on_outage=False)
    check("five checks", [ask(asking) for _ in range(5)], [200] * 5)
    check("connections", worker.connections, 1)

    # The end of a connection between two checks costs neither of them.
    worker = Worker(response(b"200 OK", YES), None, response(b"200 OK", YES))
    asking = metered(worker, on_outage=False)
    check("the first", ask(asking), 200)
    wait_for_end(asking)
    check("after the end", ask(asking), 200)
    check("connections", worker.connections, 2)

    for name, broken in [
        ("no HTTP", b"no HTTP\r\n\r\n"), ("a status that is no number", b"HTTP/1.1 abc\r\n\r\n"),
        ("a body that is cut", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nx"), ("nothing", b""),
        ("503", response(b"503 Service Unavailable", b"")),
    ]:
        for on_outage, wanted in [(True, 200), (False, 503)]:
            worker = Worker(broken, None, response(b"200 OK", YES))
            asking = metered(worker, on_outage)
            check(name, ask(asking), wanted)
            wait_for_end(asking)
            check(f"after {name}", ask(asking), 200)
    check("lines about outages", lines.lines, [])

    for status in (b"400 Bad Request", b"401 Unauthorized", b"403 Forbidden", b"301 Moved", b"405 No", b"200 OK"):
        worker = Worker(*[response(status, b"\xff why")] * 3)
        asking = metered(worker, on_outage=True)
        check(status, [ask(asking) for _ in range(3)], [500] * 3)
        check(f"lines about {status}", len(lines.lines), 1)
        assert "why" in lines.lines.pop() and worker.connections == 1
    asking.logged -= 61
    worker.responses.append(response(b"401 Unauthorized", b""))
    check("a minute later", ask(asking), 500)
    assert "such line: 3;" in lines.lines[0], lines.lines

    for status in (402, 404, 409, 429):
        worker = Worker(response(b"%d No" % status, b"{}", b"Retry-After: 1\r\n"))
        check(status, ask(metered(worker, on_outage=True)), status)


main()
