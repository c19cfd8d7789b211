"""What the benchmarks scripts/bench-* share: a private PostgreSQL, measuring, and how a figure is printed.

A benchmark compares ours with the raw store in one run, so that the machine matters little, and prints a
line for each figure:

    name                                       ours        raw   ratio   bound
    COPY of 100,000 patients, clinics: 1      813.5 ms   808.3 ms   1.01   1.25  met

Figures are medians of at least three rounds; in every second round the two sides change places. The ratio is
the median of the rounds' own ratios, so that a machine which slows down meanwhile slows both sides. A bound is
what we wish for; a figure without one is for information. A benchmark ends with 1 when a bound was missed. It
starts its own servers on a Unix socket in a temporary directory, and touches no other.
"""

import os
import platform
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
POSTGRES = Path("/usr/lib/postgresql/15/bin")
ROUNDS = max(3, int(os.environ.get("BENCH_ROUNDS", "5")))


def program(name):
    """The path of a program of ours, from the release build or another one in BENCH_BUILD."""
    path = ROOT / os.environ.get("BENCH_BUILD", ".build/release") / name
    if not path.exists():
        sys.exit(f"{path} is not there: run make release")
    return str(path)


def heading():
    """Prints the machine, the versions, and the command that repeats the measurement."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text())
    print(f"command:  {' '.join(map(shlex.quote, sys.argv))}, {ROUNDS} rounds")
    print(f"machine:  {os.cpu_count()} cores, {cpu[1] if cpu else platform.machine()}, "
          f"{int(memory[1]) // 1048576} GiB; {platform.system()} {platform.release()}")
    print(f"versions: {run([POSTGRES / 'postgres', '--version']).strip()}, "
          f"psql, {run([program('metering-worker'), '--version']).strip()}")
    print(f"\n{'name':<52}{'ours':>12}{'raw':>12}{'ratio':>8}{'bound':>8}")


def run(command, text=None, **more):
    """Runs a program to its end and returns what it printed; a failure ends the benchmark."""
    done = subprocess.run([str(word) for word in command], input=text, text=True, timeout=600,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr[-2000:]}")
    return done.stdout


class PostgreSQL:
    """A server of this run's own: `with PostgreSQL() as server:`. Default settings but these three."""

    SETTINGS = {"shared_buffers": "256MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h"}

    def __enter__(self):
        # So that a run which is ended takes its server along.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        self.home = Path(tempfile.mkdtemp(prefix="bench-"))
        # PostgreSQL refuses to run as root; the server's package has made a user for it.
        self.user = []
        if os.geteuid() == 0:
            shutil.chown(self.home, "postgres", "postgres")
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        try:
            data = self.home / "data"
            self._as_server([POSTGRES / "initdb", "-D", data, "-U", "bench", "-A", "trust"])
            options = {**self.SETTINGS, "listen_addresses": "", "unix_socket_directories": self.home}
            flags = " ".join(f"-c {name}='{value}'" for name, value in options.items())
            self._as_server([POSTGRES / "pg_ctl", "-D", data, "-w", "-l", self.home / "log",
                             "-o", flags, "start"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.home / "data" / "postmaster.pid").exists():
            self._as_server([POSTGRES / "pg_ctl", "-D", self.home / "data", "-m", "immediate", "stop"])
        shutil.rmtree(self.home, ignore_errors=True)

    def _as_server(self, command):
        run(self.user + command, cwd="/")

    def url(self, database):
        return f"postgresql://bench@/{database}?host={self.home}"

    def new_database(self, name):
        """An empty database after `metering-worker migrate`."""
        self.psql(f'CREATE DATABASE "{name}"', "postgres")
        run([program("metering-worker"), "migrate"],
            env={**os.environ, "DATABASE_OWNER_URL": self.url(name)})

    def psql(self, text, database):
        """Runs a script and returns what psql printed."""
        return run([POSTGRES / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.url(database)], text)

    def milliseconds(self, text, database):
        """How long the statements of a script took, as psql sees them, all together."""
        printed = self.psql("\\timing on\n" + text, database)
        return sum(float(time) for time in re.findall(r"^Time: ([0-9.]+) ms", printed, re.MULTILINE))


class Redis:
    """A server of this run's own, on a Unix socket and, on request, on a port: `with Redis() as redis:`."""

    def __init__(self, *options, port=0):
        self.options, self.port = options, port

    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="bench-redis-"))
        self.socket = str(self.home / "socket")
        self.log = open(self.home / "log", "w", encoding="utf-8")
        # It ends with this run, however that ends.
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
             "--unixsocket", self.socket, "--dir", str(self.home), "--save", "", "--maxmemory-policy", "noeviction",
             *self.options], stdout=self.log, stderr=self.log)
        give_up = time.monotonic() + 30
        while subprocess.run(["redis-cli", "-s", self.socket, "ping"], capture_output=True).stdout != b"PONG\n":
            if self.process.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"Redis does not start: {(self.home / 'log').read_text()[-1000:]}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def cli(self, *words, text=None):
        return run(["redis-cli", "-s", self.socket, *words], text).strip()

    @property
    def memory(self):
        """Bytes that all keys and values take."""
        return int(re.search(r"used_memory_dataset:(\d+)", self.cli("info", "memory"))[1])


class Worker:
    """`metering-worker serve` on a free port, and a key of its own that may check."""

    CHECKS = """
local clinics, count = {{ {clinics} }}, 0
function request()
    count = count + 1
    return wrk.format("POST", "/v1/check", {{Authorization = "Bearer {key}"}},
        '{{"clinic_id":"' .. clinics[1 + count % #clinics] .. '"}}')
end
function done(summary, latency)
    print(string.format("p50=%d p99=%d max=%d rate=%d", latency:percentile(50), latency:percentile(99),
        latency.max, summary.requests * 1000000 / summary.duration))
end
"""

    def __init__(self, environment, clinics):
        """clinics -- the ids to check"""
        self.home = tempfile.TemporaryDirectory()
        environment = {**os.environ, **environment, "HTTP_PORT": "0", "LOG_LEVEL": "error"}
        key = run([program("metering-worker"), "keys", "create", "--name", "bench", "--scope", "check"],
                  env=environment).strip()
        self.script = Path(self.home.name) / "checks.lua"
        self.script.write_text(self.CHECKS.format(key=key, clinics=", ".join(f'"{clinic}"' for clinic in clinics)))
        self.process = subprocess.Popen([program("metering-worker"), "serve"], text=True,
                                        env=environment, stderr=subprocess.PIPE)
        for line in self.process.stderr:
            found = re.search(r"listening on http://127.0.0.1:(\d+)", line)
            if found:
                self.port = int(found[1])
                return
        sys.exit("the worker did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        if self.process.wait(30) != 0:
            sys.exit("the worker did not end in order")
        self.home.cleanup()

    def resident(self):
        """KiB of memory."""
        return int(re.search(r"VmRSS:\s*(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1])

    def check(self, seconds):
        """Checks of 32 connections, one clinic after the other: p50, p99 and longest in us, and checks a second."""
        printed = run(["wrk", "-t1", "-c32", f"-d{seconds}", "-s", self.script, f"http://127.0.0.1:{self.port}"])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", printed)
        if bad:
            sys.exit(f"checks failed: {bad[0]}")
        found = re.search(r"p50=(\d+) p99=(\d+) max=(\d+) rate=(\d+)", printed)
        return [int(number) for number in found.groups()]


def cpu_seconds(pid):
    """What a process has used of the processor, user and system, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """Prints figures as they come and remembers whether a bound was missed."""

    def __init__(self):
        self.missed = False

    def compare(self, name, ours, raw, bound=None, unit="ms"):
        """Measures both sides in turns and prints the medians.

        ours, raw -- functions that prepare, measure and return one number; less is better
        bound     -- the highest ratio that we wish for
        """
        measured = {ours: [], raw: []}
        for turn in range(ROUNDS):
            for side in (ours, raw) if turn % 2 else (raw, ours):
                measured[side].append(side())
        mine, other = (statistics.median(measured[side]) for side in (ours, raw))
        ratio = statistics.median(a / b for a, b in zip(measured[ours], measured[raw]))
        verdict = ""
        if bound is not None:
            self.missed |= ratio > bound
            verdict = f"{bound:>8.2f}  {'missed' if ratio > bound else 'met'}"
        print(f"{name:<52}{mine:>9.1f} {unit}{other:>9.1f} {unit}{ratio:>8.2f}{verdict}", flush=True)

    def note(self, name, value, bound=None):
        """Prints a figure that is compared with nothing but its bound; less is better."""
        verdict = ""
        if bound is not None:
            self.missed |= value > bound
            verdict = f"{bound:>20g}  {'missed' if value > bound else 'met'}"
        print(f"{name:<52}{value:>12.1f}{'':>8}{verdict}", flush=True)

    def end(self):
        sys.exit(1 if self.missed else 0)
