"""A private PostgreSQL on a Unix socket in a directory of its own, gone with the `with` block."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")


class PrivatePostgres:
    def __init__(self, *settings):
        self.settings = ("listen_addresses=", "fsync=off", "synchronous_commit=off") + settings
        self.directory = None

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="billing-postgres-", dir="/tmp")
        try:
            if os.geteuid() == 0:
                shutil.chown(self.directory, "postgres", "postgres")
            self._as_server([
                BIN / "initdb", "-D", f"{self.directory}/data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                "--locale=C.UTF-8", "--no-sync"])
            options = " ".join(f"-c {setting}" for setting in self._all_settings())
            self._as_server([
                BIN / "pg_ctl", "-D", f"{self.directory}/data", "-l", f"{self.directory}/log", "-w", "-o", options,
                "start"])
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise
        return self

    def __exit__(self, *_):
        try:
            self._as_server([BIN / "pg_ctl", "-D", f"{self.directory}/data", "-m", "immediate", "-w", "stop"])
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _all_settings(self):
        for setting in self.settings:
            name, value = setting.split("=", 1)
            yield f"{name}='{value}'"
        yield f"unix_socket_directories='{self.directory}'"

    def _as_server(self, command):
        """PostgreSQL refuses to run as root."""
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            command = [
                "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"] + command
        result = subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd="/tmp")
        if result.returncode != 0:
            raise RuntimeError(f"{command}: {result.stdout}")

    def url(self, database, user="postgres"):
        return f"postgresql://{user}@/{database}?host={self.directory}"

    def psql(self, database, text, user="postgres"):
        result = subprocess.run(
            ["psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", self.url(database, user)],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode != 0:
            raise RuntimeError(result.stderr)
        return result.stdout

    def migrated(self, database, build):
        """A database at the version of the programs in `build`, with a login `reports` for administrators."""
        self.psql("postgres", f"CREATE DATABASE {database}")
        environment = dict(os.environ, DATABASE_OWNER_URL=self.url(database), DATABASE_URL=self.url(database))
        subprocess.run(
            [f"{build}/metering-worker", "migrate"], env=environment, check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.psql(database, "DO $$ BEGIN CREATE ROLE reports LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                  " GRANT billing_admin TO reports;")
        return self.url(database, "reports")
