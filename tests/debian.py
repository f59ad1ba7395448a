"""The parts of Debian that some tests need, once: for `make test`, for the marker `debian` and for CONTRIBUTING.md.

usage: python -m tests.debian

Installs what is missing, where this user may (root, or sudo without a password) and says so; elsewhere it says what to
install, and the tests that need it are skipped. On a build server (CI=true) a missing part is an error.
"""

import ctypes
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from ctypes.util import find_library
from dataclasses import dataclass

import pytest

PYTHON = "/usr/bin/python3"  # Debian's own, for which Debian's python3-uno is


@dataclass(frozen=True)
class Part:
    """Packages that are wanted together, what for, and how to see that they work."""

    packages: tuple[str, ...]
    purpose: str
    works: Callable[[], bool]


def _runs(*command: str) -> bool:
    return shutil.which(command[0]) is not None and subprocess.run(command, capture_output=True).returncode == 0


def _loads(*names: str) -> bool:
    """Whether one of these libraries can be loaded, by its name as a linker has it or by that of its file."""
    for name in names:
        try:
            ctypes.CDLL(find_library(name) or name)
        except OSError:
            continue
        return True
    return False


def sshd() -> str | None:
    """The program of the SSH server, which no user has on the path."""
    return shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")


PARTS = {
    "browser": Part(
        ("chromium",), "read the pages in a browser", lambda: _runs("chromium", "--version")
    ),
    "office": Part(
        ("libreoffice-calc-nogui", "python3-uno"),
        "open workbooks as whoever receives them will",
        lambda: shutil.which("soffice") is not None and _runs(PYTHON, "-c", "import uno"),
    ),
    "psql": Part(
        ("postgresql-client",), "ask the published warehouse by psql", lambda: _runs("psql", "--version")
    ),
    "odbc": Part(
        ("unixodbc", "odbc-postgresql"),
        "ask the published warehouse by ODBC, as Excel and Power BI may",
        lambda: (
            _loads("libodbc.so.2")
            and shutil.which("isql") is not None
            and _runs("odbcinst", "-q", "-d", "-n", "PostgreSQL Unicode")
        ),
    ),
    "fuse": Part(
        ("fuse3",),
        "mount an inbox that is slow, or goes away",
        lambda: shutil.which("fusermount3") is not None and _loads("fuse", "fuse3"),
    ),
    "sftp": Part(
        ("openssh-server", "openssh-client"),
        "pick files up from a real SFTP server",
        lambda: sshd() is not None and shutil.which("ssh-keygen") is not None,
    ),
}  # fmt: skip


def missing() -> list[str]:
    """The names of the parts that do not work here."""
    return [name for name, part in PARTS.items() if not part.works()]


def command(names: Collection[str]) -> str:
    """What installs these parts."""
    packages = (package for name in names for package in PARTS[name].packages)
    return f"sudo apt-get install --no-install-recommends {' '.join(packages)}"


def sentence(name: str) -> str:
    """Why a test that needs a part is not run, and what to do."""
    return f"To {PARTS[name].purpose}: {command([name])}"


def is_build_server() -> bool:
    """Whether a part that is missing is an error."""
    return os.environ.get("CI") == "true"


def need(name: str) -> None:
    """Skip this test when a part is not here; on a build server, fail it."""
    if not _works(name):
        (pytest.fail if is_build_server() else pytest.skip)(sentence(name))


@functools.cache
def _works(name: str) -> bool:
    return PARTS[name].works()


def _install(names: list[str]) -> None:
    """Install what these parts are made of. Raises subprocess.CalledProcessError."""
    packages = [package for name in names for package in PARTS[name].packages]
    rights = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    quietly = [*rights, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    subprocess.run([*quietly, "update"], check=True, stdout=sys.stderr)
    subprocess.run([*quietly, "install", "--no-install-recommends", *packages], check=True, stdout=sys.stderr)


def main() -> int:
    """Install what is missing, or say what to install. Gives the exit status."""
    names = missing()
    if not names:
        return 0
    may = shutil.which("apt-get") and (os.geteuid() == 0 or _runs("sudo", "--non-interactive", "true"))
    if may:
        print(f"Installing what tests need from Debian: {command(names)}", file=sys.stderr)
        try:
            _install(names)
        except subprocess.CalledProcessError as error:
            print(f"That did not work: apt-get ended with {error.returncode}.", file=sys.stderr)
        names = missing()
    for name in names:
        print(f"Some tests are not tried. {sentence(name)}", file=sys.stderr)
    return 1 if names and is_build_server() else 0


if __name__ == "__main__":
    sys.exit(main())
