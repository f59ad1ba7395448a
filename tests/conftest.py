"""Which tests run first, which need a part of Debian, and what was not tried.

With --dist loadfile each file is one worker's, and workers are to end together: so the longest files go first, as the
last `make test` here measured them. Where there was none, the folders whose tests play whole nights go first.
"""

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests import debian

os.umask(0o077)  # as every command's: a SEND_HOME that others can read is refused
TESTS = Path(__file__).parent
LONGEST_FIRST = ("faults", "end_to_end", "security", "dbt", "dags", "golden", "operations", "postgres", "attacks")
SECONDS = "send_ready/seconds"  # of each file, in pytest's cache
measured: Counter[str] = Counter()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker what is known: all of them have to come to one order."""
    node.workerinput["seconds"] = node.config.cache.get(SECONDS, {})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    known: dict[str, float] = getattr(config, "workerinput", {}).get("seconds", {})

    def place(item: pytest.Item) -> tuple[float, int]:
        name = item.path.relative_to(TESTS)
        folder = LONGEST_FIRST.index(name.parts[0]) if name.parts[0] in LONGEST_FIRST else len(LONGEST_FIRST)
        return -known.get(name.as_posix(), math.inf), folder

    items.sort(key=place)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    measured[report.nodeid.partition("::")[0].removeprefix(f"{TESTS.name}/")] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep what each file took, of a run by several workers."""
    if session.config.pluginmanager.hasplugin("dsession"):
        known = session.config.cache.get(SECONDS, {}) if session.config.cache else {}
        if session.config.cache:
            session.config.cache.set(SECONDS, {**known, **measured})


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
