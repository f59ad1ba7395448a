"""The board's edition: frozen once, compared with the one before, and public without what is the council's own."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from publish_kpis import add_kpis, kpi_row
from publish_run import child, finished_run, settings

from commands import cli
from publish import board
from send_ready import files
from send_ready.runs import RunError

FILES = {
    "readiness.html",
    "kpi.xlsx",
    "issues.parquet",
    "manifest.json",
    "public/readiness.html",
    "public/kpi.xlsx",
}
OCTOBER, NOVEMBER = date(2026, 10, 31), date(2026, 11, 30)


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_edition_is_whole_and_read_only(tmp_path: Path) -> None:
    folder = board.freeze(finished_run(tmp_path, list_1=[child("S1")], as_at=OCTOBER), settings(tmp_path))
    assert folder == tmp_path / "out" / "board" / "2026-10"
    assert set(held(folder)) == FILES
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*.*")} == {0o400}
    manifest = files.read_json(folder / "manifest.json")
    assert set(manifest["outputs"]) == FILES - {"manifest.json"}
    assert manifest["outputs"]["public/kpi.xlsx"]["sha256"] == files.sha256(folder / "public" / "kpi.xlsx")
    assert manifest["compared_with"] is None


def test_frozen_it_stays(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], as_at=OCTOBER)
    before = held(board.freeze(run, settings(tmp_path)))
    assert held(board.freeze(run, settings(tmp_path))) == before  # a step that is tried again
    with pytest.raises(RunError, match=r"The edition of October 2026 was frozen by run .+ and stays"):
        board.freeze(finished_run(tmp_path, "another", list_1=[child("S2")], as_at=OCTOBER), settings(tmp_path))
    assert held(tmp_path / "out" / "board" / "2026-10") == before
    files.write_bytes(tmp_path / "out" / "board" / "2026-10" / "manifest.json", b"{")
    with pytest.raises(RunError, match=r"was frozen by run unknown and stays\. To make it anew, move "):
        board.freeze(run, settings(tmp_path))


def test_an_edition_without_a_child_is_not_frozen(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"As at 31 October 2026 nobody is on either list: \d+ of \d+ feeds have no"):
        board.freeze(finished_run(tmp_path, as_at=OCTOBER), settings(tmp_path))
    assert not (tmp_path / "out" / "board").exists()
    board.freeze(finished_run(tmp_path, "later", list_2=[child("S1")], as_at=OCTOBER), settings(tmp_path))


def test_it_is_compared_with_the_edition_before(tmp_path: Path) -> None:
    october = finished_run(tmp_path, "october", list_1=[child("S1")], as_at=OCTOBER)
    board.freeze(october, settings(tmp_path))
    november = finished_run(tmp_path, "november", list_1=[child("S1"), child("S2")], as_at=NOVEMBER)
    folder = board.freeze(november, settings(tmp_path))
    assert files.read_json(folder / "manifest.json")["compared_with"] == "2026-10"


def figures(*ends: date, children: int = 300) -> list[dict[str, Any]]:
    return [kpi_row("K16", "point", end, children, data_date=None) for end in ends]


def shown(folder: Path) -> list[list[Any]]:
    """When, and what number, of the sheet of all figures."""
    book = openpyxl.load_workbook(folder / "public" / "kpi.xlsx")
    rows = list(book["Over time"].iter_rows(values_only=True)) if "Over time" in book.sheetnames else []
    return [[row[3].date(), row[5]] for row in rows if row[0] == "K16"]


JUNE, SEPTEMBER, DECEMBER = date(2026, 6, 30), date(2026, 9, 30), date(2026, 12, 31)


def edition(home: Path, run_id: str, as_at: date, values: list[dict[str, Any]]) -> Path:
    return board.freeze(add_kpis(finished_run(home, run_id, [child("S1")], as_at=as_at), values), settings(home))


def test_a_figure_stays_as_the_first_public_edition_gave_it(tmp_path: Path) -> None:
    first = edition(tmp_path, "september", SEPTEMBER, figures(JUNE, SEPTEMBER))
    assert shown(first) == [[SEPTEMBER, 300], [JUNE, 300]]
    later = edition(tmp_path, "december", DECEMBER, figures(JUNE, SEPTEMBER, DECEMBER, children=303))
    assert shown(later) == [[DECEMBER, 303], [SEPTEMBER, 300], [JUNE, 300]]
    record = files.read_json(tmp_path / "out" / "board" / "published.json")
    assert (record["until"], record["editions"]) == ("2026-12-31", ["2026-09", "2026-12"])
    shutil.move(later, tmp_path / "away")  # to make it anew
    again = edition(tmp_path, "again", DECEMBER, figures(JUNE, SEPTEMBER, DECEMBER, children=305))
    assert shown(again) == [[DECEMBER, 303], [SEPTEMBER, 300], [JUNE, 300]]


def test_beside_editions_that_no_record_names_only_later_figures_are_given(tmp_path: Path) -> None:
    """As one of an earlier version is, or those of a record that is lost."""
    edition(tmp_path, "september", SEPTEMBER, figures(JUNE, SEPTEMBER))
    (tmp_path / "out" / "board" / "published.json").unlink()
    later = edition(tmp_path, "december", DECEMBER, figures(JUNE, SEPTEMBER, DECEMBER, children=303))
    assert shown(later) == [[DECEMBER, 303]]


def damaged(how: str, path: Path) -> None:
    record = files.read_json(path)
    if how == "torn":
        path.write_bytes(path.read_bytes()[:-40])
    elif how == "a link":
        path.rename(path.with_name("elsewhere.json"))
        path.symlink_to("elsewhere.json")
    else:
        changes: dict[str, Any] = {
            "version": {**record, "version": 2},
            "council": {**record, "la_code": "888"},
            "number": {**record, "rows": [{**record["rows"][0], "numerator": "300"}]},
            "symbol": {**record, "rows": [{**record["rows"][0], "symbol": "<b>"}]},
            "column": {**record, "rows": [{**record["rows"][0], "more": 1}]},
            "twice": {**record, "rows": [record["rows"][0]] * 2},
            "list": [record],
        }
        files.write_json(path, changes[how])


@pytest.mark.parametrize(
    "how", ["torn", "a link", "version", "council", "number", "symbol", "column", "twice", "list"]
)  # fmt: skip
def test_without_a_record_that_can_be_read_there_is_no_edition(tmp_path: Path, how: str) -> None:
    edition(tmp_path, "september", SEPTEMBER, figures(SEPTEMBER))
    damaged(how, tmp_path / "out" / "board" / "published.json")
    with pytest.raises(RunError, match=r"published\.json cannot be used .+ Put it back from a backup"):
        edition(tmp_path, "december", DECEMBER, figures(SEPTEMBER, DECEMBER))
    assert not (tmp_path / "out" / "board" / "2026-12").exists()


def test_the_public_page_says_nothing_of_errors_feeds_or_lists(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], as_at=OCTOBER)
    folder = board.freeze(run, replace(settings(tmp_path), suppress_below=10))
    own, public = ((folder / name).read_text() for name in ("readiness.html", "public/readiness.html"))
    assert "Are we ready today?" in own
    assert "Are we ready today?" not in public
    assert "List 1" not in public


def test_the_public_edition_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], as_at=OCTOBER)
    files.write_json(run.folder / "run.json", {"run_id": run.run_id, "as_at": run.as_at, "la_code": run.la_code})
    monkeypatch.setenv("SEND_HOME", str(tmp_path))
    assert cli.main(["board", "--public", str(tmp_path / "papers")]) == 0
    assert set(held(tmp_path / "papers")) == {"readiness.html", "kpi.xlsx"}
    assert [path.name for path in (tmp_path / "out" / "board").iterdir()] == ["published.json"]
