"""Whose warehouse the chronologies of named children come from, and that nobody's edited workbook is overwritten."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from publish_run import settings

from inspection import chronologies
from send_ready import files
from send_ready.runs import Run, RunError

MONDAY = date(2026, 11, 16)
CALL = "out/inspections/2026-11-16_full_inspection"


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were read; the workbook itself has tests of its own."""
    runs: list[str] = []

    def chronology(run: Run, unique_ids: Sequence[str], notified_on: date, path: Path) -> list[str]:
        runs.append(run.run_id)
        path.write_bytes(b"a workbook")
        return [f"ID number {len(unique_ids)} is on no list."]

    monkeypatch.setattr("publish.chronology.chronology.chronology", chronology)
    return runs


def pack(home: Path, folder: str, run_id: str, *, is_built: bool = True) -> None:
    """A pack, and the run behind it, which may have been tidied away since."""
    files.write_json(home / folder / "manifest.json", {"run_id": run_id, "as_at": "2026-11-16", "la_code": "999"})
    if is_built:
        files.write_bytes(home / "runs" / run_id / "warehouse.duckdb", b"a warehouse")


def test_the_newest_version_of_the_call_comes_first(tmp_path: Path, written: list[str]) -> None:
    pack(tmp_path, "out/latest", "night")
    pack(tmp_path, f"{CALL}/v2", "two")
    pack(tmp_path, f"{CALL}/v10", "ten")
    path, said = chronologies.write(settings(tmp_path), ["S1", "S2"], MONDAY)
    assert written == ["ten"]
    assert path == tmp_path / CALL / "chronology.xlsx"
    assert said == ["ID number 2 is on no list."]


def test_a_version_whose_run_is_tidied_away_is_passed_over(tmp_path: Path, written: list[str]) -> None:
    pack(tmp_path, "out/latest", "night")
    pack(tmp_path, f"{CALL}/v1", "one")
    pack(tmp_path, f"{CALL}/v2", "two", is_built=False)
    chronologies.write(settings(tmp_path), ["S1"], MONDAY)
    assert written == ["one"]


def test_without_a_call_the_nights_pack_speaks(tmp_path: Path, written: list[str]) -> None:
    pack(tmp_path, "out/latest", "night")
    path, _ = chronologies.write(settings(tmp_path), ["S1"], MONDAY)
    assert written == ["night"]
    assert path == tmp_path / "out" / "chronologies" / "chronology.xlsx"


def test_a_workbook_that_somebody_may_have_edited_stays(tmp_path: Path) -> None:
    pack(tmp_path, f"{CALL}/v1", "one")
    first, _ = chronologies.write(settings(tmp_path), ["S1"], MONDAY)
    first.write_bytes(b"a practitioner's words")
    second, _ = chronologies.write(settings(tmp_path), ["S1"], MONDAY)
    third, _ = chronologies.write(settings(tmp_path), ["S1"], MONDAY)
    assert first.read_bytes() == b"a practitioner's words"
    assert [path.name for path in (second, third)] == ["chronology_2.xlsx", "chronology_3.xlsx"]


def test_nothing_is_built(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Build one with `make run`"):
        chronologies.write(settings(tmp_path), ["S1"], MONDAY)
