"""A small council with files of its own, night after night."""

import datetime as dt
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter

from extract.choose import extract
from extract.own.land import land_sources
from operations.settle import settle
from send_ready import configuration, files, runs, settings
from send_ready.runs import Run
from send_ready.settings import Settings

FEED = "capita_one.home_education"
NAME = "capita_one__home_education"
SOURCE = """
title: Home educated children, by district
owner: EHE officers
file_names: ["EHE register {part} {date}"]
parts: [north, south]
stale_after_days: 8
"""
SELECT = """
SELECT "Pupil No" AS student_id, any_date("EHE from") AS start_date, any_date("EHE to") AS "End Date", _file, _line
FROM register
"""
HEADER = ("Pupil No", "Name", "EHE from", "EHE to")


@dataclass
class Council:
    """A home, an inbox and a configuration, to play nights with."""

    given: Settings

    def configure(self, name: str, text: str) -> None:
        assert self.given.config
        path = self.given.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def register(self, source: str = SOURCE, select: str = SELECT) -> None:
        self.configure("sources/register.yml", source)
        self.configure(f"prepare/{NAME}.sql", select)

    def drop(self, name: str, rows: Sequence[Sequence[object]], *, age: float = 60, banner: bool = True) -> Path:
        """A workbook with a banner, a header, rows and a total; or a CSV without the banner."""
        path = self.given.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".csv":
            lines = [HEADER, *rows] if banner else list(rows)
            path.write_text("\n".join(",".join(map(str, line)) for line in lines) + "\n", encoding="utf-8")
        else:
            with xlsxwriter.Workbook(path) as book:
                sheet = book.add_worksheet("Register")
                above = [["Elective home education register"], ["Run on", "16/11/2026"], []] if banner else []
                below = [["Total", len(rows)]] if banner else []
                for at, line in enumerate([*above, HEADER, *rows, *below]):
                    sheet.write_row(at, 0, line)
        os.utime(path, (time.time() - age, time.time() - age))
        return path

    def night(self, as_at: str = "2026-11-16", feed: str = FEED) -> "Night":
        given = replace(self.given, as_at=dt.date.fromisoformat(as_at), run_id=f"run-{as_at}-{time.time_ns()}")
        run = runs.begin(given)
        given = settle(run, given)
        land_sources(run, given)
        return Night(given, run, extract(run, given, feed))


@dataclass
class Night:
    """What one night came to."""

    given: Settings
    run: Run
    result: dict[str, Any]

    def rows(self, columns: str = "student_id", order: str = "ALL") -> list[tuple[Any, ...]]:
        path = self.given.home / str(self.result["typed_path"])
        return duckdb.execute(f"SELECT {columns} FROM '{path}' ORDER BY {order}").fetchall()

    def students(self) -> set[str]:
        return {row[0] for row in self.rows()}

    def issues(self) -> list[tuple[str, str, str | None, int | None]]:
        """Rule, message, file and line of every issue."""
        paths = [str(path) for path in (self.run.folder / "issues").glob("*.parquet")]
        query = f"SELECT rule, message, file_name, line_no FROM read_parquet({paths}) ORDER BY ALL"
        return duckdb.execute(query).fetchall()

    def told(self, rule: str) -> list[str]:
        return [message for code, message, *_ in self.issues() if code == rule]

    def sources(self) -> dict[str, Any]:
        found: list[dict[str, Any]] = files.read_json(self.run.folder / runs.SOURCES)
        return {each["source"]: each for each in found}

    def keep(self) -> None:
        """Keep the configuration, as a night that ended well does."""
        configuration.keep(self.run)

    def set_aside(self) -> dict[str, str]:
        """The files of SEND_CONFIG that cannot be used, with the reason."""
        return {each.name: str(each.reason) for each in configuration.settled_for(self.run).set_aside}


def made(home: Path) -> Council:
    given = settings.load({"SEND_HOME": str(home / "home"), "AS_AT": "2026-11-16", "SEND_CONFIG": str(_made(home))})
    given.inbox.mkdir(parents=True)
    return Council(given)


def _made(home: Path) -> Path:
    folder = home / "config"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
