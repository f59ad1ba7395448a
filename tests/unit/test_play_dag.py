"""Which tasks `make run` need not run, as all they have to do is done."""

import os
import re
from pathlib import Path

from commands import play_dag
from send_ready import files, runs

BEGAN = 1_000_000.0


def test_only_feeds_that_this_run_found_unused_are_done(tmp_path: Path) -> None:
    for name, status, written in (
        ("board__actions", runs.UNUSED, BEGAN + 1),
        ("board__measures", "fresh", BEGAN + 1),
        ("ehc_hub__advice", runs.UNUSED, BEGAN - 1),  # by an earlier try, and a file may have come since
    ):
        path = tmp_path / "feeds" / f"{name}.json"
        files.write_json(path, {"status": status})
        os.utime(path, (written, written))
    (tmp_path / "feeds" / "gias__establishments.json").write_text("{")

    found = "|".join(play_dag._tasks_of_unused(tmp_path, BEGAN))
    tasks = [f"{group}.{path.stem}" for path in sorted((tmp_path / "feeds").iterdir()) for group in ("read", "verdict")]
    assert [task for task in tasks if re.fullmatch(found, task)] == ["read.board__actions", "verdict.board__actions"]
