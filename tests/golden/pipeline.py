"""The pipeline as a team without Airflow would run it, a command a step; and its lists read back from Excel."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from tests.steps import PROJECT, Step, shared

FEEDS = sorted(path.stem.replace("__", ".") for path in (PROJECT / "extract" / "contracts").glob("*__*.yml"))
SHEETS = ("List_1", "List_2")


class Pipeline:
    """One council's home. `night` runs every step but Airflow's; `publish` only writes the pack again."""

    def __init__(self, home: Path, inbox: Path, as_at: date, la_code: str = "999") -> None:
        self.home = home
        self.out = home / "out" / as_at.isoformat()
        self.environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SEND_", "AIRFLOW")) and key != "AS_AT"
        } | {
            "SEND_HOME": str(home),
            "SEND_INBOX": str(inbox),
            "SEND_LA_CODE": la_code,
            "AS_AT": as_at.isoformat(),
            "SEND_RUN_ID": "test",
        }

    def night(self, code_style: str = "lettered") -> None:
        self._read()
        for step in ("validate-feeds", "build", "validate-lists", "validate-sen2"):
            self._send_ready(step)
        self.publish(code_style)
        self._send_ready("serve")

    def build(self) -> Path:
        """The night as far as the run's warehouse, in which nothing is checked yet; gives that."""
        self._read()
        self._send_ready("build")
        return self.home / "runs" / self.environment["SEND_RUN_ID"] / "warehouse.duckdb"

    def _read(self) -> None:
        self._send_ready("begin")
        self._send_ready("land-sources")
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda feed: self._send_ready("extract", feed), FEEDS))

    def publish(self, code_style: str) -> None:
        self._send_ready("publish", SEND_CODE_STYLE=code_style)

    def lists(self) -> dict[str, list[tuple[Any, ...]]]:
        """Both sheets as rows of values, headers first: dates as dates, empty cells as None."""
        book = openpyxl.load_workbook(self.out / "annex_a_person_level_lists.xlsx")
        return {sheet: [tuple(_value(cell) for cell in row) for row in book[sheet].iter_rows()] for sheet in SHEETS}

    def _send_ready(self, *arguments: str, **environment: str) -> None:
        said = self.home.with_name(f"{self.home.name}.said") / "_".join(arguments)
        said.parent.mkdir(parents=True, exist_ok=True)
        step = Step(shared(), arguments=arguments, environment=self.environment | environment, said=str(said))
        ended = step.wait()
        assert ended, f"send-ready {' '.join(arguments)} does not end"
        assert ended.status == 0, f"send-ready {' '.join(arguments)}\n{ended.said[-8000:]}"


def _value(cell: Any) -> Any:
    assert cell.data_type != "f", f"{cell.coordinate} is a formula"
    return cell.value.date() if isinstance(cell.value, datetime) else cell.value


def differences(expected: list[tuple[Any, ...]], found: list[tuple[Any, ...]], headers: tuple[str, ...]) -> list[str]:
    """What differs, cell by cell, under the children's Unique IDs; then their order. Empty when all is equal."""
    wanted, held = ({row[0]: row for row in rows} for rows in (expected, found))
    said = [f"{key} is missing" for key in wanted if key not in held]
    said += [f"{key} should not be there" for key in held if key not in wanted]
    said += [
        f"{key}, {header}: expected {want!r}, found {have!r}"
        for key in wanted.keys() & held.keys()
        for header, want, have in zip(headers, wanted[key], held[key], strict=True)
        if want != have or isinstance(want, str) != isinstance(have, str)
    ]
    if not said and expected != found:
        said = [f"order or number of rows: {[row[0] for row in found]}"]
    return sorted(said)
