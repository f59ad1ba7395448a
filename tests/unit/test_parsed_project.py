"""dbt's parsed project: what was kept is used of the very same files and versions alone, never when it is damaged."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from send_ready.settings import PROJECT
from warehouse import dbt


@pytest.fixture(scope="module")
def parsed() -> bytes:
    """The project as a process keeps it."""
    made = "from warehouse.dbt import parsed_project; assert parsed_project().nodes"
    subprocess.run([sys.executable, "-c", made], cwd=PROJECT, check=True)
    return dbt.KEPT.read_bytes()


@pytest.fixture
def kept(parsed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which this process takes for the one."""
    place = tmp_path / "kept"
    place.write_bytes(parsed)
    monkeypatch.setattr(dbt, "KEPT", place)
    return place


def test_what_was_kept_is_used_while_nothing_has_changed(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = dbt.kept_project.__wrapped__()
    assert "model.send_ready.rpt_annex_a__list_1" in project.nodes
    monkeypatch.setattr(dbt, "version", lambda name: "1.0")
    assert dbt.kept_project.__wrapped__() is None


def test_what_was_kept_is_not_used_after_a_change_of_the_project(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "DBT_PROJECT", kept.parent)  # other files, elsewhere
    assert dbt.kept_project.__wrapped__() is None
    before = dbt._sources()
    (kept.parent / "dim.sql").write_text("select 1 as a", encoding="utf-8")
    between = dbt._sources()
    (kept.parent / "dim.sql").write_text("select 2 as a", encoding="utf-8")
    assert len({before, between, dbt._sources()}) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: dbt.HASH],
        lambda data: data[:-1],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[: dbt.HASH] + data[2 * dbt.HASH :],
    ],
)
def test_what_is_damaged_is_parsed_anew(kept: Path, damage: Callable[[bytes], bytes]) -> None:
    kept.write_bytes(damage(kept.read_bytes()))
    assert dbt.kept_project.__wrapped__() is None


def test_what_is_missing_or_closed_is_parsed_anew(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert dbt.kept_project.__wrapped__() is None
    monkeypatch.undo()
    monkeypatch.setattr(dbt, "KEPT", kept.parent / "nowhere")
    assert dbt.kept_project.__wrapped__() is None
