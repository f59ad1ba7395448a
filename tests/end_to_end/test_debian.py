"""A machine without one of the parts of Debian: tests that need it are skipped with the sentence that installs it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from send_ready.settings import PROJECT
from tests import debian

# What is taken away to be without a part: each alone is enough.
HIDDEN = {
    "browser": ["/usr/bin/chromium"],
    "office": ["/usr/bin/soffice", "/usr/lib/python3/dist-packages/uno.py"],
    "psql": ["/usr/bin/psql"],
    "odbc": ["/usr/bin/isql", "libodbc.so.2"],
    "fuse": ["/usr/bin/fusermount3", "libfuse3.so.3"],
    "sftp": ["/usr/sbin/sshd", "/usr/bin/ssh-keygen"],
}
# Real tests of every part that are skipped before they make anything: chosen by their marks, and by name.
MARKED = [
    "-m",
    "debian",
    "tests/end_to_end/test_readiness_in_a_browser.py",
    "tests/end_to_end/test_bi_connections.py",
    "tests/pickup/test_sftp.py",
]
NAMED = [
    "-k",
    "libreoffice or drive",
    "tests/end_to_end/test_encrypted_workbook.py",
    "tests/faults/test_inbox_mounts.py",
]
Bare = Callable[..., subprocess.CompletedProcess[str]]
can_hide = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True).returncode == 0


def places(name: str) -> list[Path]:
    """Where a file is that shall be hidden: itself, or a library of the system."""
    found = [Path(name)] if name.startswith("/") else sorted(Path("/usr/lib").rglob(name))
    return [path.resolve() for path in found if path.exists()]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    """Runs a command where these files are empty: not to be executed, loaded or imported."""
    empty = tmp_path / "empty"
    empty.write_text("raise ImportError\n")

    def run(hidden: list[str], *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        script = 'for at in $HIDDEN; do mount --bind "$EMPTY" "$at" || exit 99; done; exec "$@"'
        paths = " ".join(str(path) for name in hidden for path in places(name))
        env = {**os.environ, "CI": "", "HIDDEN": paths, "EMPTY": str(empty), **variables}
        return subprocess.run(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", *command],
            cwd=PROJECT, env=env, capture_output=True, text=True,
        )  # fmt: skip

    return run


@pytest.mark.parametrize(("part", "hidden"), [(part, each) for part, names in HIDDEN.items() for each in names])
@pytest.mark.skipif(not can_hide, reason="needs leave to mount a file, as root has it")
def test_a_part_that_is_hidden_is_missed(part: str, hidden: str, bare: Bare) -> None:
    debian.need(part)
    assert places(hidden), "there is nothing to hide"
    asked = bare([hidden], sys.executable, "-c", "from tests import debian; print(debian.missing())")
    assert asked.stdout.strip() == str([part]), asked.stderr


@pytest.mark.skipif(not can_hide, reason="needs leave to mount a file, as root has it")
def test_on_a_machine_with_none_of_them_tests_are_skipped_with_the_sentence_and_told_at_the_end(bare: Bare) -> None:
    everything = [name for names in HIDDEN.values() for name in names]
    pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    told = ""
    for chosen in (MARKED, NAMED):
        done = bare(everything, *pytest_, *chosen)
        assert " passed" not in done.stdout and done.returncode == 0, done.stdout
        told += done.stdout.partition("not tried here")[2]
    for part in debian.PARTS:
        assert debian.sentence(part) in told
    strict = bare(everything, *pytest_, *NAMED, CI="true")
    assert strict.returncode == 1 and " skipped" not in strict.stdout
    assert debian.sentence("fuse") in strict.stdout


def test_the_guide_for_contributors_names_every_part() -> None:
    guide = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for part in debian.PARTS.values():
        assert f"| `{' '.join(part.packages)}` | {part.purpose} |" in guide
