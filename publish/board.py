"""The SEND board's edition of a month, frozen in out/board/<month>/: its own, and in public/ the one to publish."""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from publish import pack
from publish.issues import compare
from publish.kpi import kpi_book, public_record, suppression
from publish.report import readiness
from send_ready import files
from send_ready.folders import replaced
from send_ready.home import BOARD, Lock
from send_ready.layout import council
from send_ready.runs import Run, RunError, read_record, step
from send_ready.settings import Settings
from warehouse import run_data

PUBLIC = "public"


def freeze(run: Run, settings: Settings) -> Path:
    """Write the edition of the month in which the run's as-at date lies, and say where it is.

    It is compared with the edition before. Frozen once, it stays: a step that is tried again finds its own. Raises
    RunError when another run froze one for this month, and when nobody is on either list.
    """
    folder = run.home / BOARD / f"{run.as_at:%Y-%m}"
    with files.locked(run.home / Lock.BOARD), step(run, "board") as doing:
        doing.note = f"the edition of {run.as_at:%B %Y}"
        if folder.exists():
            return _own(run, folder)
        previous = max((path for path in folder.parent.glob("[0-9]*") if path.name < folder.name), default=None)
        with run_data.opened(run) as con:
            manifest = pack.about(con, run, settings, previous)
            _must_hold_somebody(run, manifest)
            with replaced(folder) as partial:
                readiness.write(partial / readiness.NAME, con, run, manifest, previous)
                kpi_book.write(partial / kpi_book.NAME, con, run)
                compare.write_issues(partial / compare.NAME, con, run.as_at)
                write_public(partial / PUBLIC, con, run, settings, folder.name)
                pack.seal(partial, manifest)
                for path in partial.rglob("*.*"):
                    path.chmod(files.READ_ONLY)
    return folder


def publish(folder: Path, run: Run, settings: Settings) -> list[Path]:
    """Write the public edition alone into a folder, from the run as it stands, and say where. It freezes nothing.

    What it gives is written down like that of the month's edition. Raises RunError as freeze does.
    """
    with files.locked(run.home / Lock.BOARD), run_data.opened(run) as con:
        return write_public(folder, con, run, settings)


def write_public(
    folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings, edition: str | None = None
) -> list[Path]:
    """Write readiness.html and kpi.xlsx without small numbers, actions, errors or data dates, and say where.

    The run's warehouse is attached as `built` (warehouse.run_data.opened). What is small: settings.suppress_below. What
    earlier editions gave and withheld stays so (publish/kpi/public_record.py); `edition` is the month of this one.
    Raises RunError when the record of them cannot be read.
    """
    past = public_record.load(run)
    values = suppression.public(con, settings.suppress_below, past=past)
    public_record.save(run, con, past, edition)
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {"council": council(run.la_code), "rows": {}, "issues": {}}
    paths = [folder / readiness.NAME, folder / kpi_book.NAME]
    readiness.write(paths[0], con, run, about, None, values, settings.suppress_below)
    kpi_book.write(paths[1], con, run, values, settings.suppress_below)
    return paths


def _must_hold_somebody(run: Run, manifest: dict[str, Any]) -> None:
    """An edition of a month from before the first exports would be empty, and stay."""
    if not any(manifest["rows"].values()):
        without = sum(not feed["data_date"] for feed in manifest["inputs"])
        raise RunError(
            f"As at {run.as_at:%-d %B %Y} nobody is on either list: {without} of {len(manifest['inputs'])} feeds have "
            "no export of a day up to then. An edition stays as it is frozen, so no empty one was made. Put such "
            "exports into the inbox, or make that of another month: make board MONTH=YYYY-MM."
        )


def _own(run: Run, folder: Path) -> Path:
    made_by = (read_record(folder / pack.MANIFEST) or {}).get("run_id", "unknown")
    if made_by != run.run_id:
        raise RunError(
            f"The edition of {run.as_at:%B %Y} was frozen by run {made_by} and stays. To make it anew, move {folder} "
            "away."
        )
    return folder
