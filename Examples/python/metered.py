"""A WSGI middleware that checks each request with metering-worker.

METERING_URL and METERING_KEY name the worker. `clinic_of` returns the clinic of a request; None = not metered.

- allowed: the application is asked.
- denied (402, 404, 409, 429): the client gets the worker's response.
- no decision, because the worker or its stores are unavailable: the application is asked if `on_outage` is true,
  else the response is 503.
- the worker refuses the question: the key, its scope, the URL or the clinic's id is wrong. The response is 500 in any
  case, because otherwise a mistyped key would switch metering off; the reason is logged, at most once a minute.

Each thread keeps one connection to the worker.
"""

import http.client
import json
import logging
import os
import select
import threading
import time
from urllib.parse import urlsplit

log = logging.getLogger("metered")
SHOWN = ("content-type", "retry-after", "ratelimit", "ratelimit-policy")


class Metered:
    def __init__(self, application, clinic_of, on_outage=True, timeout=0.25):
        self.application, self.clinic_of, self.on_outage, self.timeout = application, clinic_of, on_outage, timeout
        self.url, self.key = urlsplit(os.environ["METERING_URL"]), os.environ["METERING_KEY"]
        self.kept, self.lock, self.logged, self.refused = threading.local(), threading.Lock(), None, 0

    def __call__(self, environ, start_response):
        clinic = self.clinic_of(environ)
        status, fields, body = (200, [], b"") if clinic is None else self.check(clinic, environ["REQUEST_METHOD"])
        if status == 200 or (status == 503 and self.on_outage):
            return self.application(environ, start_response)
        reason = http.client.responses.get(status, "Denied")
        start_response(f"{status} {reason}", [field for field in fields if field[0].lower() in SHOWN])
        return [body]

    def check(self, clinic, method):
        """Status, fields and body for the client: 200 allowed, 503 no decision, everything else refuses."""
        access = "read" if method in ("GET", "HEAD", "OPTIONS") else "write"
        try:
            response, body = self.ask(json.dumps({"clinic_id": clinic, "access": access}))
        except (OSError, http.client.HTTPException):
            self.close()
            return 503, [("Content-Type", "text/plain")], b"no decision\n"
        if response.status in (402, 404, 409, 429):
            return response.status, response.getheaders(), body
        if response.status >= 500:
            return 503, [("Content-Type", "text/plain")], b"no decision\n"
        if response.status == 200 and is_yes(body):
            return 200, [], b""
        self.complain(response.status, body)
        return 500, [("Content-Type", "text/plain")], b"refused: the metering of this server is set up wrongly\n"

    def ask(self, question):
        connection = self.connection()
        connection.request("POST", self.url.path.rstrip("/") + "/v1/check", question, {
            "Authorization": f"Bearer {self.key}", "Content-Type": "application/json"})
        response = connection.getresponse()
        return response, response.read()

    def connection(self):
        """This thread's connection; a new one after the worker has closed it."""
        kept = getattr(self.kept, "connection", None)
        if kept is None or (kept.sock is not None and has_ended(kept.sock)):
            self.close()
            kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
            self.kept.connection = kept = kind(self.url.hostname, self.url.port, timeout=self.timeout)
        return kept

    def close(self):
        if getattr(self.kept, "connection", None) is not None:
            self.kept.connection.close()
        self.kept.connection = None

    def complain(self, status, body):
        with self.lock:
            self.refused += 1
            if self.logged is not None and time.monotonic() - self.logged < 60:
                return
            count, self.refused, self.logged = self.refused, 0, time.monotonic()
        log.error("metering-worker at %s refuses the question (%d); requests refused since the last such line: %d; %s",
                  self.url.geturl(), status, count, body[:500].decode("utf-8", "replace"))


def is_yes(body):
    """Another server under METERING_URL may answer 200 to anything."""
    try:
        return json.loads(body)["allowed"] is True
    except (ValueError, KeyError, TypeError):
        return False


def has_ended(sock):
    """Between two responses nothing comes from the worker but the end of the connection."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
