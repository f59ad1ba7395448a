"""The longest files go first: with --dist loadfile each is one worker's, and workers are to end together."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests import debian

os.umask(0o077)  # as every command's: a SEND_HOME that others can read is refused
TESTS = Path(__file__).parent
# By their seconds of CPU. Files that look at one night (tests/nights.py) do not stand beside each other: the second to
# ask for it would wait for the first.
LONGEST = (
    "faults/test_kills.py",
    "end_to_end/test_inspection_day.py",
    "security/test_roles.py",
    "security/test_night.py",
    "unit/test_configuration.py",
    "dbt/test_build.py",
    "end_to_end/test_lists_agree.py",
    "dbt/test_kpis.py",
    "operations/test_person_and_round_trip.py",
    "end_to_end/test_readiness_in_a_browser.py",
    "end_to_end/test_drill.py",
    "faults/test_disk_full.py",
    "golden/test_golden.py",
    "end_to_end/test_what_to_fix.py",
    "faults/test_airflow_database.py",
    "dags/test_night.py",
    "end_to_end/test_bad_night.py",
    "end_to_end/test_board.py",
    "dbt/test_persons.py",
    "dbt/test_star.py",
    "dbt/test_unit_tests.py",
    "dbt/test_board.py",
    "end_to_end/test_readers.py",
    "end_to_end/test_kpis_come_back.py",
    "faults/test_found_at_start.py",
    "faults/test_at_once.py",
    "end_to_end/test_bi_connections.py",
    "end_to_end/test_kpis_agree.py",
    "faults/test_inbox_mounts.py",
    "security/test_roles.py",
    "unit/test_choose.py",
    "unit/test_lines.py",
    "fuzz/test_fuzz.py",
    "attacks/test_editions.py",
    "unit/test_chronology.py",
    "unit/test_serve.py",
)
PLACES = {TESTS / name: place for place, name in enumerate(LONGEST)}
assert all(path.exists() for path in PLACES), "a file of LONGEST has another name now"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: PLACES.get(item.path, len(PLACES)))


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
