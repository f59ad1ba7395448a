"""The section of readiness.html about the SEN2 return: how far it is, what stops it, what DfE would publish."""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.sen2 import figures
from publish.sen2.figures import Measure
from send_ready.runs import Run

FOLDER = "sen2"  # of the pack, beside the page
RULES = 12  # so many at most on the page; the workbook has them all


def section(con: DuckDBPyConnection, run: Run, pack: Path) -> dict[str, Any] | None:
    """What the page says of the return in a run's warehouse; None where there is none.

    `pack` is the folder that the page is written into: it leads to the files of the return that are there.
    """
    if not figures.is_there(con):
        return None
    found, measures = figures.found(con, run), figures.measures(con)
    days = figures.days(con, run)
    errors, queries = (figures.number(found or (), each) for each in (figures.ERROR, figures.QUERY))
    has_last = any(each.last_year for each in measures)
    return {
        "days": days,
        "is_checked": found is not None,
        "errors": errors,
        "queries": queries,
        "error_rows": _rules(found, figures.ERROR),
        "query_rows": _rules(found, figures.QUERY),
        "rules": RULES,
        "plans": next((each.value for each in measures if each.measure == "plans"), ""),
        "requests": next((each.value for each in measures if each.measure == "requests"), ""),
        "has_last": has_last,
        "headers": ["Measure", "This return", "Number", *([days.year - 1] if has_last else []), "England"],
        "headline_rows": [_row(each, has_last) for each in figures.headlines(measures)],
        "part_rows": [_row(each, has_last) for each in measures if each.part],
        "definitions": [[each.title, each.definition, each.note] for each in figures.headlines(measures)],
        "unknown": figures.not_known(measures),
        "links": [f"{FOLDER}/{path.name}" for path in sorted((pack / FOLDER).glob("*")) if path.is_file()],
    }


def _rules(found: list[figures.Found] | None, severity: str) -> list[list[str]]:
    """Rule, what is wrong, how many, what to do: of the rules of a severity, those that found most first."""
    of_it = sorted(
        (each for each in found or () if each.severity == severity), key=lambda each: (-each.number, each.rule)
    )
    return [[each.rule, each.message, f"{each.number:,}", each.fix] for each in of_it]


def _row(each: Measure, has_last: bool) -> list[str]:
    name = f"{each.title}: {each.part}" if each.part else each.title
    england = f"{each.england} ({each.england_period})" if each.england else ""
    return [name, each.value, each.counted, *([each.last_year] if has_last else []), england]
