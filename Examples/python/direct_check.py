"""Checks by FCALL, without a worker in between: one round trip to Redis. docs/direct.md is the contract.

A program that can do this can also change counters, so it is for programs that you trust.

usage: python3 direct_check.py CLINIC [LIMIT], with REDIS_URL, METERING_URL and METERING_KEY
REDIS_TIMEOUT: how long a reply of Redis may take, in seconds (0.05)
WORKER_TIMEOUT: how long the worker may take to load a clinic, in seconds (5)
Prints the decision as JSON. Exit code 0 allowed, 3 denied, 1 no decision, 2 wrong usage.
"""

import json
import os
import struct
import sys
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

REQUEST = struct.Struct("<HBBIIq8sqq8sq")
# The head of a reply; the fields of each limit follow it.
REPLY = struct.Struct("<BBBBIIIIq8sqqqqqqqq")
CONSUME = 1
ALLOWED, DENIED, MISS, STALE, NO_SUCH_LIMIT = 1, 2, 3, 4, 7
NO_MARK = (0, bytes(8), 0, 0)


class NoDecision(Exception):
    """Neither Redis nor the worker can decide. Whether to continue without a decision is the caller's policy."""


@dataclass
class Decision:
    allowed: bool
    used: int
    quota: int | None
    """Units a month; None without a quota."""
    retry_after_us: int | None
    """None when all is allowed, and when waiting does not help."""


def limit_number(name):
    """`default` is 1; other names are hashed by FNV-1a in 32 bits."""
    if name == "default":
        return 1
    number = 2166136261
    for byte in name.encode():
        number = (number ^ byte) * 16777619 % 2**32
    return 2 + number % 16382


class DirectChecks:
    """Decides calls and remembers the latest counts, so that a Redis with older data is noticed."""

    def __init__(self, redis_url, worker_url, key, timeout=0.05, load_timeout=5):
        # Never retried automatically: if the reply is lost, the call may have been counted.
        self.redis = redis.Redis.from_url(
            redis_url, socket_timeout=timeout, socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0))
        self.worker_url, self.key, self.load_timeout = worker_url, key, load_timeout
        self.marks = {}

    def check(self, clinic, limit="default", cost=1, writes=False):
        """clinic -- 36 characters in lower case; cost -- 1 to 1,000,000 units"""
        # A second check after the worker has loaded the clinic; a third if the month turned meanwhile.
        for _ in range(3):
            (verdict, _, _, _, _, _, _, _, _, epoch, period, used, credited, _, wait, units, quota,
             _) = self._send(clinic, limit, cost, writes)
            if verdict in (ALLOWED, DENIED):
                self.marks[clinic] = (period, epoch, used, credited)
                return Decision(verdict == ALLOWED, units, None if quota < 0 else quota, wait if wait > 0 else None)
            if verdict == NO_SUCH_LIMIT:
                raise ValueError(f"the plan of clinic {clinic} has no limit {limit!r}")
            if verdict not in (MISS, STALE):
                raise NoDecision(f"verdict {verdict}")
            self._load(clinic)
        raise NoDecision("the clinic's configuration keeps changing")

    def _send(self, clinic, limit, cost, writes):
        mark = self.marks.get(clinic, NO_MARK)
        request = REQUEST.pack(limit_number(limit), CONSUME, writes, cost, 1, *mark, os.urandom(8), 0)
        try:
            replies = self.redis.execute_command("FCALL", "metering_check", 1, f"q:{{{clinic}}}", request)
        except redis.RedisError as error:
            raise NoDecision(str(error)) from error
        if len(replies) != 1 or len(replies[0]) < REPLY.size:
            raise NoDecision("the reply is not one of library version 3")
        return REPLY.unpack_from(replies[0])

    def _load(self, clinic):
        request = urllib.request.Request(
            f"{self.worker_url}/v1/clinics/{clinic}/load", method="POST",
            headers={"Authorization": f"Bearer {self.key}"})
        try:
            urllib.request.urlopen(request, timeout=self.load_timeout).close()
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise ValueError(f"there is no clinic {clinic}") from error
            raise NoDecision(f"the worker responded {error.code}") from error
        except OSError as error:
            raise NoDecision(f"the worker is unreachable: {error}") from error


def main():
    if len(sys.argv) not in (2, 3) or not {"REDIS_URL", "METERING_URL", "METERING_KEY"} <= os.environ.keys():
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    checks = DirectChecks(
        os.environ["REDIS_URL"], os.environ["METERING_URL"], os.environ["METERING_KEY"],
        float(os.environ.get("REDIS_TIMEOUT", "0.05")), float(os.environ.get("WORKER_TIMEOUT", "5")))
    try:
        decision = checks.check(*sys.argv[1:3])
    except (NoDecision, ValueError) as error:
        sys.exit(str(error))
    print(json.dumps(asdict(decision)))
    sys.exit(0 if decision.allowed else 3)


if __name__ == "__main__":
    main()
