"""The night of the council that attacks, through Airflow, with no network, every secret set, and watched for calls."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from tests.security import council
from tests.security.council import Children
from tests.steps import SEND_READY
from tests.waiting import HANG

PROJECT = Path(__file__).resolve().parents[2]
AS_AT, NOTIFIED_ON = date(2026, 11, 16), "2025-11-17"
RUN = "night"

# Loaded by every Python process of the night: writes down whom it calls, also when nobody would hear that it failed.
WATCHER = """
import os, sys
OURS = {"localhost", os.uname().nodename, "", None}

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        called = arguments[1][0]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        called = arguments[0]
    else:
        return
    if called not in OURS:
        with open(os.environ["SECURITY_CALLS"], "a") as calls:
            calls.write(f"{event} {called} {' '.join(sys.argv)}\\n")

sys.addaudithook(watch)
"""

# Runs a command whose step ends in an exception of the kind that quotes what it met: a child.
BROKEN_STEP = """
import contextlib, sys
import duckdb
from send_ready import runs

whole = runs.step

@contextlib.contextmanager
def broken(run, name, *rest):
    with whole(run, name, *rest) as doing:
        yield doing
        if name == sys.argv[1]:
            try:
                duckdb.sql(f"SELECT CAST('{sys.argv[2]}' AS DATE)").fetchall()
            except duckdb.Error as error:
                raise KeyError(f"Original Line: 1,{sys.argv[2]}\\nDETAIL:  ({sys.argv[2]})") from error

runs.step = broken
from commands import cli
sys.exit(cli.main(sys.argv[3:]))
"""


@dataclass
class Night:
    """A SEND_HOME after its night, and what was said meanwhile."""

    folder: Path
    children: Children
    said: str = ""
    secrets: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    watched: str = ""  # the calls up to the first that was asked for
    in_postgres: dict[str, list[Any]] = field(default_factory=dict)  # rows, by the query that got them
    in_duckdb: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def inbox(self) -> Path:
        return self.folder / "inbox"

    @property
    def out(self) -> Path:
        return self.home / "out" / AS_AT.isoformat()

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "PG"))}
        return kept | {
            "SEND_HOME": str(self.home),
            "SEND_INBOX": str(self.inbox),
            "SEND_CONFIG": str(self.folder / "config"),
            "SEND_RUN_ID": RUN,
            "AS_AT": AS_AT.isoformat(),
            "SEND_RELEASE_PASSWORD_FILE": str(self.folder / "release_password"),
            "TMPDIR": str(self.folder / "temporary"),
            "SECURITY_CALLS": str(self.folder / "calls"),
            "PYTHONPATH": str(self.folder / "watcher"),
            **self.urls,
        }

    def send_ready(self, *arguments: str, is_cut_off: bool = True, **environment: str) -> int:
        """Run a command as a step does; what it says is kept."""
        return self.run([SEND_READY, *arguments], is_cut_off, **environment)

    def broken(self, step: str, value: str, *arguments: str) -> int:
        """Run a command one of whose steps meets a value that it cannot take, and stops with it."""
        return self.run([sys.executable, "-c", BROKEN_STEP, step, value, *arguments])

    def run(self, command: list[str], is_cut_off: bool = True, **environment: str) -> int:
        done = subprocess.run(
            [*(_without_network() if is_cut_off else ()), *command],
            cwd=PROJECT,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            umask=0o000,  # the worst there is
            timeout=HANG,
        )
        said = done.stdout.decode(errors="replace")
        self.said += said
        (self.folder / "said").write_text(self.said)
        return done.returncode

    @property
    def calls(self) -> str:
        path = self.folder / "calls"
        return path.read_text() if path.exists() else ""


def begin(folder: Path) -> Night:
    """A council that attacks, and secrets that no other place has; nothing has run."""
    night = Night(folder, council.write(folder / "inbox", AS_AT))
    council.write_config(folder / "config")
    for name in ("publish", "alert", "token", "mail", "release"):
        night.secrets[name] = f"s3cret-{secrets.token_hex(8)}"
    word = night.secrets
    night.urls = {  # nobody listens there, nor would it be reached
        "SEND_PUBLISH_URL": f"postgresql://send_loader:{word['publish']}@127.0.0.1:1/send",
        "SEND_ALERT_URL": f"json://bot:{word['alert']}@127.0.0.1:1/{word['token']} "
        f"mailto://bot:{word['mail']}@127.0.0.1:1?from=a@b.example&to=c@d.example",
    }
    (folder / "release_password").write_text(word["release"])
    (folder / "release_password").chmod(0o600)
    (folder / "temporary").mkdir()
    (folder / "watcher").mkdir()
    (folder / "watcher" / "sitecustomize.py").write_text(WATCHER)
    return night


def _without_network() -> list[str]:
    """What to put before a command for a network of its own in which there is nothing, where one can be had."""
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return command
    return []


def kept_by(home: Path) -> Iterator[Path]:
    """Every file of a SEND_HOME, each once."""
    yield from (path for path in sorted(home.rglob("*")) if path.is_file() and not path.is_symlink())
