"""Serves the application behind a proxy on a free port, which it prints.

Each request is answered with its number and what the proxy left in X-Metering-Key; `/forbidden` is refused by the
application itself. `/asked` answers how many requests came before, and is not one of them.
"""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Lock


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Clients keep connections, and this is no part of what they wait for.
    disable_nagle_algorithm = True
    numbers, lock, asked = count(1), Lock(), 0

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/asked":
            return self.send(200, f"{Application.asked}\n")
        with self.lock:
            Application.asked = next(self.numbers)
        if self.path == "/forbidden":
            return self.send(403, "the application says no\n")
        return self.send(200, f"application {Application.asked} {self.headers.get('X-Metering-Key', '')}\n")

    def send(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text.encode())

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Application)
server.daemon_threads = True
print(f"port {server.server_port}", flush=True)
server.serve_forever()
