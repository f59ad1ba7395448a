"""One small council, drawn and built once for all tests of a session, whichever process they are in."""

import os
import shutil
from pathlib import Path

import pytest

from send_ready import files, runs
from send_ready.runs import Run
from send_ready.settings import Settings
from tools.bench.readers import AS_AT, LA_CODE, small_council


def copied(there: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Settings]:
    """A SEND_HOME of one's own: 60 plans, 100 children on SEN support, read and built, not checked and not published.

    The first test that asks builds it, which takes some fifteen seconds; the others wait for that and take a copy.
    """
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # of all workers of the session
    home = shared / "small_council"
    with files.locked(shared / "small_council.lock"):
        if not (home / "built").exists():
            shutil.rmtree(home, ignore_errors=True)
            small_council(home, plans=60, sen_support=100)
            (home / "built").touch()
    shutil.copytree(home, there, dirs_exist_ok=True)
    found = Settings(there, there / "inbox", LA_CODE, "lettered", None, AS_AT, None)
    return runs.find(found), found
