"""A server of PostgreSQL of its own for tests: in a temporary folder, at a free port, stopped and started as a test wants."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.ports import free_port
from tests.waiting import wait_until

PASSWORD: Final = "se@cret"
URL_PASSWORD: Final = "se%40cret"
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # the machine is not to fail in a test
    "shared_buffers": "32MB",
    "autovacuum": "off",
}


def find_programs() -> Path:
    """Return the folder of the programs of the newest release that is installed; none is on the PATH."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    assert found, "PostgreSQL is not installed"
    return max(found, key=lambda path: int(path.parts[-3])).parent


def _identity() -> dict[str, Any]:
    """Return as whom its programs are started: they refuse to be root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class PostgresqlServer:
    """A server, whose user `guard` has a password that needs escapes in a URL."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._programs, self._numbers = find_programs(), count()
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (folder / "log").open("ab")
        if identity := _identity():
            os.chown(folder, identity["user"], identity["group"])
        secret = folder / "password"
        secret.write_text(PASSWORD)
        command = [str(self._programs / "initdb"), "-D", str(folder / "data"), "--no-sync", "--encoding=UTF8"]
        command += ["--locale=C.UTF-8", "--username=guard", "--auth=scram-sha-256", f"--pwfile={secret}"]
        subprocess.run(command, check=True, stdout=self._log, stderr=self._log, cwd=folder, **_identity())

    def start(self) -> None:
        """Start it; it answers by then."""
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port)]
        command += ["-k", str(self.folder), *(f"-c{name}={value}" for name, value in SETTINGS.items())]
        process = self._process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, cwd=self.folder, **_identity()
        )

        def answers() -> bool:
            assert process.poll() is None, (self.folder / "log").read_text()
            with suppress(psycopg.OperationalError):
                self.run("SELECT 1")
                return True
            return False

        wait_until(answers)

    def stop(self, kind: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends what is asked, SIGQUIT lets it go as in a power cut."""
        if self._process is not None:
            self._process.send_signal(kind)
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Stop it for good."""
        self.stop()
        self._log.close()

    def url(self, database: str = "postgres", user: str = "guard", password: str = URL_PASSWORD) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def run(self, *statements: str) -> None:
        """Run statements as the user who may do everything."""
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def make_database(self, more: str = "") -> str:
        """Make an empty database and return its name."""
        name = f"records_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} {more}")
        return name


@contextmanager
def running_server() -> Iterator[PostgresqlServer]:
    """Run a server."""
    # Not a folder of pytest's, which are root's alone; and short, as the path of a socket has to be.
    folder = Path(tempfile.mkdtemp(prefix="guardrails-pg-"))
    try:
        server = PostgresqlServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder)
