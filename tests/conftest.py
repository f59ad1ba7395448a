"""Which tests run first, which need a part of Debian, what was not tried, and what the dearest files cost.

With --dist loadfile each file is one worker's, and workers are to end together: so the longest files go first, those
that wait for servers before all others, the rest as the last `make test` here measured them. Where there was none, the
folders whose tests play whole nights go first.
"""

import math
import os
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import debian

os.umask(0o077)  # as every command's: a SEND_HOME that others can read is refused
TESTS = Path(__file__).parent
# What waits more than it works, for Airflow above all, and would otherwise be what everybody else waits for in the end.
WAITING = (
    "security/test_roles.py",
    "end_to_end/test_inspection_day.py",
    "faults/test_airflow_database.py",
    "faults/test_kills.py",
)
LONGEST_FIRST = ("faults", "end_to_end", "security", "dbt", "dags", "golden", "operations", "postgres", "attacks")
SECONDS = "send_ready/seconds"  # of each file, in pytest's cache
measured: Counter[str] = Counter()
processor: Counter[str] = Counter()  # seconds of a processor, of each file
ended: dict[str, float] = {}  # when each worker had its last test done
taken = 0.0  # of a processor, by this process and its children, until the last report
WORKER_BYTES = 3 << 29  # the most that one holds with the steps that it starts, or with Airflow's server
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(process: int | str = "self") -> float:
    """What a process and all that it started have taken of a processor, but for what left it as a daemon does."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
        children = [path.read_text().split() for path in Path(f"/proc/{process}/task").glob("*/children")]
    except (FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        return 0.0
    own = sum(map(int, after_name.split()[11:15])) / TICKS
    return own + sum(processor_seconds(child) for some in children for child in some)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors, where there is room: a third of the time tests wait, for servers."""
    processors = len(os.sched_getaffinity(0))
    return max(processors, min(processors + 2, psutil.virtual_memory().available // WORKER_BYTES))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what is known: all of them have to come to one order."""
    cache = getattr(node.config, "cache", None)
    node.workerinput["seconds"] = cache.get(SECONDS, {}) if cache else {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known: dict[str, float] = getattr(config, "workerinput", {}).get("seconds", {})

    def place(item: pytest.Item) -> tuple[bool, float, int]:
        name = item.path.relative_to(TESTS)
        folder = LONGEST_FIRST.index(name.parts[0]) if name.parts[0] in LONGEST_FIRST else len(LONGEST_FIRST)
        return name.as_posix() not in WAITING, -known.get(name.as_posix(), math.inf), folder

    items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Write into each report what its part of the test took of a processor."""
    global taken
    report: Any = yield
    now = processor_seconds()
    report.processor, taken = max(now - taken, 0.0), now  # less than before where it killed a server's children
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = report.nodeid.partition("::")[0].removeprefix(f"{TESTS.name}/")
    measured[name] += report.duration
    processor[name] += report.processor
    if node := getattr(report, "node", None):
        ended[node.gateway.id] = time.monotonic()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what each file took, of a run by several workers."""
    if session.config.pluginmanager.hasplugin("dsession") and (cache := getattr(session.config, "cache", None)):
        cache.set(SECONDS, {**cache.get(SECONDS, {}), **measured})


@pytest.hookimpl(tryfirst=True)  # before any fixture, of a module or of the session, is made in vain
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("debian"):
        debian.need(*mark.args)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """At the end: what was not tried, and what each would take."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped")
    )
    if reasons:
        terminalreporter.section("not tried here")
        for reason, tests in sorted(reasons.items()):
            terminalreporter.line(f"{tests} {'test' if tests == 1 else 'tests'}: {reason}")

    terminalreporter.section("the ten dearest files: seconds of a processor, and by the clock")
    for name, seconds in processor.most_common(10):
        terminalreporter.line(f"{seconds:7.1f} {measured[name]:7.1f}  {name}")
    terminalreporter.line(f"{processor.total():7.1f} {measured.total():7.1f}  all {len(processor)}")
    for worker, when in sorted(ended.items()):
        terminalreporter.line(f"{max(ended.values()) - when:15.1f}  {worker} had nothing left to do")


@pytest.fixture(scope="session")
def airflow_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Settings of an Airflow of the tests' own, which it reads when it is first imported in a process, and then never.

    So whatever imports it in a process of the tests needs this, or the tests after it have another Airflow.
    """
    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith(("AIRFLOW", "SEND_")) or key == "AS_AT"]:
            patch.delenv(key)
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        patch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(TESTS.parent / "dags"))
        patch.setenv("AIRFLOW__CORE__PLUGINS_FOLDER", str(TESTS.parent / "plugins"))
        yield
