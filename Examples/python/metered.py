"""A WSGI middleware that checks each request with metering-worker, in thirty lines.

METERING_URL and METERING_KEY name the worker. `clinic_of` returns the clinic of a request; None = not metered.
`on_outage`: whether a request goes through if there is no decision; otherwise the response is 503.
"""

import json
import os
import urllib.error
import urllib.request


class Metered:
    def __init__(self, application, clinic_of, on_outage=True, timeout=0.25):
        self.application, self.clinic_of = application, clinic_of
        self.on_outage, self.timeout = on_outage, timeout

    def __call__(self, environ, start_response):
        clinic = self.clinic_of(environ)
        status, fields, body = (200, {}, b"") if clinic is None else self.check(clinic, environ["REQUEST_METHOD"])
        if status == 200 or (status == 503 and self.on_outage):
            return self.application(environ, start_response)
        shown = ("content-type", "retry-after", "ratelimit", "ratelimit-policy")
        start_response(f"{status} Denied", [(name, value) for name, value in fields.items() if name.lower() in shown])
        return [body]

    def check(self, clinic, method):
        access = "read" if method in ("GET", "HEAD", "OPTIONS") else "write"
        request = urllib.request.Request(
            os.environ["METERING_URL"] + "/v1/check", json.dumps({"clinic_id": clinic, "access": access}).encode(),
            {"Authorization": "Bearer " + os.environ["METERING_KEY"]})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return response.status, {}, b""
        except urllib.error.HTTPError as response:
            # 402 and 429 are denials, 404 is no clinic; everything else is a failure between us and the worker.
            if response.code in (402, 404, 429):
                return response.code, dict(response.headers), response.read()
        except OSError:
            pass
        return 503, {"Content-Type": "text/plain"}, b"no decision\n"
