"""Bears steps of the pipeline as forks of a process that has imported every room, so that a kill meets their work.

A line of JSON on stdin asks for one thing, and one line on stdout answers it:
    {"arguments": [...], "environment": {...}, "said": path, "kill_at": n}   the step's process id
        the arguments are those of send-ready, or "dbt", where its results are to go, and those of dbt
    {"wait": process id}                                                      its exit status, -9 when it was killed

With `kill_at` the step is killed before the nth thing that it does to a file of its SEND_HOME, as Python's audit events
tell them.

dbt's project is read once for all steps that build, as it was kept.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import Any

from send_ready.settings import PROJECT

ROOMS = ("send_ready", "extract", "warehouse", "expectations", "publish", "inspection", "operations", "commands")
ALONE = ("commands.play_dag",)  # a process of its own, in which Airflow is
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
DOINGS = ("os.rename", "os.mkdir", "os.remove", "os.symlink", "os.rmdir", "shutil.rmtree", "os.chmod", "os.utime")


def import_rooms() -> None:
    """Everything that a step imports where it uses it."""
    import great_expectations  # noqa: F401
    import pandas  # noqa: F401
    from dbt.adapters.duckdb import Plugin  # noqa: F401
    from dbt.cli.main import dbtRunner  # noqa: F401
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer  # noqa: F401

    for room in ROOMS:
        for module in pkgutil.walk_packages([str(PROJECT / room)], f"{room}."):
            if module.name not in ALONE:
                importlib.import_module(module.name)


@cache
def parse() -> None:
    """Have dbt's project parsed for every step: by a child, as dbt leaves threads behind, then read as it was kept."""
    from warehouse.dbt import parsed_project

    if not (child := os.fork()):
        parsed_project()
        os._exit(0)
    os.waitpid(child, 0)
    parsed_project()


def bear(asked: dict[str, Any]) -> int:
    """Fork a step and give its process id."""
    if asked["arguments"][0] in ("build", "dbt"):
        parse()
    gc.freeze()  # or the first collection in each step would copy every page that it shares with this process
    if child := os.fork():
        return child
    status = 1  # as Python ends when nobody has caught anything
    try:
        os.setsid()
        os.environ.clear()
        os.environ.update(asked["environment"])
        said = os.open(asked["said"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for standard in (1, 2):
            os.dup2(said, standard)
        status = _work(asked)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _work(asked: dict[str, Any]) -> int:
    from commands import cli

    if moment := asked.get("kill_at"):
        _kill_at(moment, asked["environment"]["SEND_HOME"])
    if asked["arguments"][0] == "dbt":
        return _dbt(*asked["arguments"][1:])
    return cli.main(asked["arguments"])


def _dbt(results: str, *arguments: str) -> int:
    """dbt by itself: the status and message of each node, by its unique id, go into a file."""
    from warehouse.dbt import call

    invoked = call(list(arguments))
    if invoked.exception:
        raise invoked.exception
    nodes = {
        result.node.unique_id: (str(result.status), str(result.message or ""))
        for result in getattr(invoked.result, "results", ())
    }
    Path(results).write_text(json.dumps([invoked.success, nodes]), encoding="utf-8")
    return 0


def _kill_at(moment: int, home: str) -> None:
    done = 0

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal done
        if _changes_a_file(event, arguments, home):
            done += 1
            if done == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(look)


def _changes_a_file(event: str, arguments: tuple[Any, ...], home: str) -> bool:
    if event == "ctypes.dlsym":
        return bool(arguments[1] == "renameat2")
    is_write = event in DOINGS or (event == "open" and arguments[2] & WRITING)
    return bool(is_write) and home in str(arguments[0])


def main() -> None:
    """Answer until stdin ends."""
    import_rooms()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
        else:
            print(bear(asked), flush=True)


if __name__ == "__main__":
    main()
