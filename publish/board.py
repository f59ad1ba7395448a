"""The edition of the figures that may be published, as the board's papers are: the report and the workbook."""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish import kpi_book, readiness, suppression
from send_ready.layout import council
from send_ready.runs import Run
from send_ready.settings import Settings


def write_public(folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings) -> list[Path]:
    """Write readiness.html and kpi.xlsx without small numbers, actions, errors or data dates, and say where.

    The run's warehouse is attached as `built` (publish.findings.opened). What is small: settings.suppress_below.
    """
    folder.mkdir(parents=True, exist_ok=True)
    values = suppression.public(con, settings.suppress_below)
    about: dict[str, Any] = {"council": council(run.la_code), "rows": {}, "issues": {}}
    paths = [folder / readiness.NAME, folder / kpi_book.NAME]
    readiness.write(paths[0], con, run, about, None, values, settings.suppress_below)
    kpi_book.write(paths[1], con, run, values, settings.suppress_below)
    return paths
