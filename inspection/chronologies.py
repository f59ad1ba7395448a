"""Chronologies of the children whom the inspectors chose for tracking (Annex A 7.2), from a warehouse that is built."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from publish.chronology import chronology
from publish.pack import MANIFEST
from send_ready.home import CHRONOLOGIES, INSPECTIONS, LATEST
from send_ready.runs import Run, RunError, read_record, tidy
from send_ready.settings import Settings


def write(settings: Settings, unique_ids: Sequence[str], notified_on: date) -> tuple[Path, list[str]]:
    """The path of a new workbook of the children's chronologies, and a sentence for each ID that has a problem.

    The workbook goes into the folder of the call, or into out/chronologies when no call of that day is on record. It
    never replaces one, which may hold a practitioner's words: it gets a number. Raises RunError without a warehouse.
    """
    run = _newest_run(settings.home, notified_on)
    calls = [path for path in _call_folders(settings.home, notified_on) if path.is_dir()]
    folder = calls[0] if calls else settings.home / CHRONOLOGIES
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / chronology.NAME
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{Path(chronology.NAME).stem}_{number}.xlsx"
    return path, chronology.chronology(run, unique_ids, notified_on, path)


def _newest_run(home: Path, notified_on: date) -> Run:
    """The run of the newest version of the call, so that lists and chronologies agree; else that of the newest pack."""
    for folder in _pack_folders(home, notified_on):
        if (run := _run_of_manifest(home, read_record(folder / MANIFEST) or {})) and run.warehouse.exists():
            return run
    raise RunError(f"No run with a warehouse is left in {home / 'runs'}. Build one with `make run`, and ask again.")


def _run_of_manifest(home: Path, made: dict[str, Any]) -> Run | None:
    """The run that a manifest names; None when the manifest is damaged, or what it names is not a run."""
    try:
        run = Run(home, str(made["run_id"]), date.fromisoformat(made["as_at"]), str(made["la_code"]))
    except (LookupError, TypeError, ValueError):
        return None
    return run if tidy(run.run_id) == run.run_id else None


def _pack_folders(home: Path, notified_on: date) -> Iterator[Path]:
    frozen = [path.parent for call in _call_folders(home, notified_on) for path in call.glob(f"v*/{MANIFEST}")]
    numbered = [folder for folder in frozen if folder.name[1:].isdecimal()]
    yield from sorted(numbered, key=lambda folder: int(folder.name[1:]), reverse=True)
    if (home / LATEST / MANIFEST).exists():
        yield home / LATEST


def _call_folders(home: Path, notified_on: date) -> list[Path]:
    return sorted((home / INSPECTIONS).glob(f"{notified_on}_*"))
