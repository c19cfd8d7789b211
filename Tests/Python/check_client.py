"""Makes a client from openapi.json with openapi-python-client, and asks a worker with its types.

usage: check_client.py FILE DIRECTORY URL CLINIC, with METERING_KEY; CLINIC has two units left, and then none
"""

import os
import subprocess
import sys
from http import HTTPStatus
from uuid import UUID

description, directory, url, clinic = sys.argv[1:]
tools = os.path.dirname(sys.executable)
# Warnings are parts of the description that the generator leaves out.
subprocess.run(
    [f"{tools}/openapi-python-client", "generate", "--path", description, "--output-path", directory,
     "--fail-on-warning"],
    env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"}, check=True, timeout=120)
sys.path.insert(0, directory)

from metering_worker_client import AuthenticatedClient, Client  # noqa: E402
from metering_worker_client.api.checks import check  # noqa: E402
from metering_worker_client.api.service import health  # noqa: E402
from metering_worker_client.api.usage import usage  # noqa: E402
from metering_worker_client.models import Allowed, Check, CheckMode, Denied, Problem, UsageAnswer  # noqa: E402


def expect(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, not {wanted!r}")


with AuthenticatedClient(base_url=url, token=os.environ["METERING_KEY"], timeout=30) as client:
    body = Check(clinic_id=UUID(clinic), cost=2, mode=CheckMode.CONSUME)
    allowed = check.sync_detailed(client=client, body=body)
    expect("status", allowed.status_code, HTTPStatus.OK)
    expect("type", type(allowed.parsed), Allowed)
    expect("allowed", (allowed.parsed.allowed, str(allowed.parsed.clinic_id)), (True, clinic))
    expect("limit", [(limit.name, limit.remaining, limit.denied) for limit in allowed.parsed.limits],
           [("default", 0, False)])

    denied = check.sync_detailed(client=client, body=body)
    expect("status", denied.status_code, HTTPStatus.TOO_MANY_REQUESTS)
    expect("type", type(denied.parsed), Denied)
    expect("denied", (denied.parsed.allowed, denied.parsed.status, denied.parsed.limits[0].denied), (False, 429, True))

    used = usage.sync(client=client, id=UUID(clinic))
    expect("type", type(used), UsageAnswer)
    expect("used", used.usage.used, 2)

    unknown = check.sync(client=client, body=Check(clinic_id=UUID(int=1)))
    expect("unknown", (type(unknown), unknown.status), (Problem, 404))
with AuthenticatedClient(base_url=url, token="mk_none", timeout=30) as client:
    expect("no key", check.sync(client=client, body=body).status, 401)
with Client(base_url=url, timeout=30) as client:
    expect("alive", health.sync(client=client).status, "alive")
print("the client works")
