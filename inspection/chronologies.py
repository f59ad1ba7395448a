"""Chronologies of the children whom the inspectors chose for tracking (Annex A 7.2), from what is already built."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from publish.chronology import chronology
from publish.pack import MANIFEST
from send_ready.home import CHRONOLOGIES, INSPECTIONS, LATEST
from send_ready.runs import Run, RunError, read, tidy
from send_ready.settings import Settings


def write(settings: Settings, unique_ids: Sequence[str], notified_on: date) -> tuple[Path, list[str]]:
    """Write the workbook of some children; gives where it is, and what there is to say about the IDs.

    It lies beside the versions of the call, or in out/chronologies when no call of that day is on record. One that is
    there already may hold a practitioner's words: the new one has a number. Raises RunError when nothing is built.
    """
    run = _built(settings.home, notified_on)
    calls = [path for path in _calls(settings.home, notified_on) if path.is_dir()]
    folder = calls[0] if calls else settings.home / CHRONOLOGIES
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / chronology.NAME
    number = 1
    while path.exists():
        number += 1
        path = folder / f"{Path(chronology.NAME).stem}_{number}.xlsx"
    return path, chronology.chronology(run, unique_ids, notified_on, path)


def _built(home: Path, notified_on: date) -> Run:
    """The run behind the newest version of the call, so that lists and chronologies agree; else the newest pack's."""
    for folder in _packs(home, notified_on):
        if (run := _run(home, read(folder / MANIFEST) or {})) and run.warehouse.exists():
            return run
    raise RunError(f"No run with a warehouse is left in {home / 'runs'}. Build one with `make run`, and ask again.")


def _run(home: Path, made: dict[str, Any]) -> Run | None:
    """The run that a manifest names; None for a manifest that is none, or names something else than a run."""
    try:
        run = Run(home, str(made["run_id"]), date.fromisoformat(made["as_at"]), str(made["la_code"]))
    except (LookupError, TypeError, ValueError):
        return None
    return run if tidy(run.run_id) == run.run_id else None


def _packs(home: Path, notified_on: date) -> Iterator[Path]:
    frozen = [path.parent for call in _calls(home, notified_on) for path in call.glob(f"v*/{MANIFEST}")]
    numbered = [folder for folder in frozen if folder.name[1:].isdecimal()]
    yield from sorted(numbered, key=lambda folder: int(folder.name[1:]), reverse=True)
    if (home / LATEST / MANIFEST).exists():
        yield home / LATEST


def _calls(home: Path, notified_on: date) -> list[Path]:
    return sorted((home / INSPECTIONS).glob(f"{notified_on}_*"))
