"""Serves an application behind Examples/python/metered.py on a free port, which it prints.

usage: serve_metered.py pass|stop
"""

import sys
from wsgiref.simple_server import make_server

sys.path.insert(0, "Examples/python")
from metered import Metered  # noqa: E402


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"application\n"]


# A test waits longer than an application would: its machine may also build.
metered = Metered(
    application, lambda environ: environ.get("HTTP_X_CLINIC"), on_outage=sys.argv[1] == "pass", timeout=30)
with make_server("127.0.0.1", 0, metered) as server:
    print(f"port {server.server_port}", flush=True)
    server.serve_forever()
