"""Hooks for Schemathesis: what a schema of the API cannot say.

usage: SCHEMATHESIS_HOOKS=schemathesis_hooks METERING_CLINIC=ID PYTHONPATH=Tests/Python schemathesis run
http://127.0.0.1:8080/openapi.json --header "Authorization: Bearer mk_…" (a key of scope admin)

METERING_CLINIC is a clinic that there is, whose plan has a limit `default` and nothing else. Give the worker a high
METERING_UNKNOWN_PER_SECOND: beyond it, an id that is no clinic is answered 503, which is a bound and no failure.
"""

import os
import re

import schemathesis

CLINIC = os.environ["METERING_CLINIC"]
FORM = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def known(text):
    """Half of the generated ids become the clinic that there is: others get 404 and no further."""
    if isinstance(text, str) and FORM.fullmatch(text) and text[-1] in "01234567":
        return CLINIC
    return text


def cut(text):
    """Names are bounded in bytes of UTF-8, and a schema counts characters."""
    return text.encode()[:200].decode(errors="ignore") if isinstance(text, str) and len(text) <= 200 else text


def stored(value):
    """PostgreSQL stores no character U+0000, so no body may hold one."""
    if isinstance(value, str):
        return value.replace("\0", "0")
    if isinstance(value, list):
        return [stored(part) for part in value]
    if isinstance(value, dict):
        return {stored(name): stored(part) for name, part in value.items()}
    return value


def mend(body):
    if "clinic_id" in body:
        body["clinic_id"] = known(body["clinic_id"])
    # 310.0 is an integer to a schema; the worker takes whole numbers without a fraction only.
    for name, value in body.items():
        if isinstance(value, float) and value.is_integer():
            body[name] = int(value)
    for name in ("request_id", "refund_id"):
        if name in body:
            body[name] = cut(body[name])
    # A plan names its limits; of the names that are possible the clinic's has this one.
    if isinstance(body.get("limit"), str) and 1 <= len(body["limit"]) <= 40:
        if body["limit"] not in ("users", "patients", "storage"):
            body["limit"] = "default"
    # The most units of a call; only bytes of storage are more.
    if type(body.get("cost")) is int and body["cost"] <= 2**53 - 1 and body.get("limit") != "storage":
        body["cost"] = min(body["cost"], 1_000_000)
    # More cannot be given back than was used.
    if type(body.get("credited")) is int and type(body.get("used")) is int and body["credited"] <= 2**53 - 1:
        body["credited"] = min(body["credited"], max(body["used"], 0))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Of every request, whichever phase made it."""
    if case.path_parameters and "id" in case.path_parameters:
        case.path_parameters["id"] = known(case.path_parameters["id"])
    if case.headers and "X-Clinic-Id" in case.headers:
        case.headers["X-Clinic-Id"] = known(case.headers["X-Clinic-Id"])
    if isinstance(case.body, dict):
        case.body = stored(case.body)
        mend(case.body)
        # A reservation is found under the clinic that it was made for.
        clinic = case.body.get("clinic_id")
        if case.path.startswith("/v1/reservations/") and isinstance(clinic, str) and FORM.fullmatch(clinic):
            case.body["clinic_id"] = CLINIC
        marks = case.body.get("marks")
        for mark in marks if isinstance(marks, list) else []:
            if isinstance(mark, dict):
                mend(mark)
