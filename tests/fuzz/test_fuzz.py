"""The short run of forks.py, in a process of its own: each case is a fork, and tests that ran before leave threads."""

import os
import subprocess
import sys
from pathlib import Path

from send_ready.settings import PROJECT


def test_every_mutation_and_what_must_not_happen() -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, str(Path(__file__).with_name("forks.py"))], cwd=PROJECT, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-8000:]
