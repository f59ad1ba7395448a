"""What a pack holds of the SEN2 return: the file for COLLECT, its modules as CSV, its issues, in the folder `sen2`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish.sen2 import blades, document, issues_book
from send_ready import files, issues, sen2
from send_ready.runs import Run
from send_ready.settings import Settings

FOLDER = "sen2"


def first(_: int) -> int:
    """1, the serial number of a year's return while none was released."""
    return 1


def write(
    folder: Path,
    con: DuckDBPyConnection,
    run: Run,
    settings: Settings,
    serial_of: Callable[[int], int] = first,
    made_at: datetime | None = None,
) -> dict[str, Any]:
    """What the manifest will say of the return of a run, whose files are written into a folder that is made.

    The run's warehouse is attached as `built`. `serial_of` gives the number of a year's next release, `made_at` is when
    it is made; without, the as-at day stands for it. Of a return of nobody no file is made. Raises RunError when a row
    of a table has no place in the document.
    """
    what = document.made(con, run, made_at=made_at)
    what = replace(what, serial=serial_of(what.survey.year))
    modules = sen2.modules(what.survey.year, settings)
    rows = document.counts(con, modules)
    about = {
        "survey_year": what.survey.year,
        "survey_day": what.survey.survey_day.isoformat(),
        "due_day": what.survey.due_day.isoformat(),
        "is_draft": what.is_draft,
        "serial_no": what.serial_no,
        "rows": rows,
        "file_name": None,
    }
    if not rows[modules["person"].table]:
        return about
    folder.mkdir(parents=True, exist_ok=True)
    with files.created(folder / what.file_name) as file:
        for part in document.document(con, what, settings).parts():
            file.write(part.encode())
    blades.write(folder / blades.FOLDER, con, what, settings)
    if run.issues(issues.SEN2).exists():  # else its checks were not run
        about["issues"] = issues_book.write(folder, con, run, settings)
    return about | {"file_name": what.file_name}


def in_words(about: dict[str, Any]) -> str:
    """The return in one line: its year, whether it is a draft, who and what is in it."""
    rows = about["rows"]
    if not about["file_name"]:
        return f"{about['survey_year']}: nobody is returned, so no file was made"
    state = "draft" if about["is_draft"] else f"return, serial number {about['serial_no']}"
    counted = {"sen2_person": "persons", "sen2_requests": "requests", "sen2_active_plans": "active plans"}
    return f"{about['survey_year']}, {state}: " + ", ".join(f"{rows[name]:,} {what}" for name, what in counted.items())
