"""tools/same_outputs.py tells of everything that differs, and of nothing that is of the moment."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tools import same_outputs

DAY = "out/2026-11-16"
WAREHOUSE = "published/same_outputs_abcd1234/warehouse.duckdb"
PARQUET = "published/same_outputs_abcd1234/parquet/core/dim_person.parquet"
PAGE, BOOK, MANIFEST = f"{DAY}/readiness.html", f"{DAY}/kpi.xlsx", f"{DAY}/manifest.json"


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)


def pack(path: Path, **parts: str) -> None:
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)


def rows(path: Path, values: str) -> None:
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {values}) AS t (person, age)) TO '{path}' (FORMAT parquet)")


def write(home: Path) -> Path:
    for folder in (DAY, "published/same_outputs_abcd1234/parquet/core", "runs/same_outputs/gx"):
        (home / folder).mkdir(parents=True)
    (home / PAGE).write_text("<p>\n<b>120</b> children\n")
    (home / MANIFEST).write_text(json.dumps({"built_at": "2026-11-16T01:02:03+00:00", "as_at": "2026-11-16"}, indent=2))
    (home / "runs/same_outputs/progress.jsonl").write_text("0.1 s")
    (home / "serving").symlink_to("published/same_outputs_abcd1234")
    pack(home / BOOK, sheet="<c>1</c>", styles="<s/>")
    read = home / "typed" / f"{'ab' * 8}-{'0' * 12}"
    read.mkdir(parents=True)
    (read / "rows.csv").touch()
    rows(home / PARQUET, "('P1', 7), ('P2', 8), ('P2', 8)")
    change(
        home / WAREHOUSE,
        "CREATE SCHEMA core",
        "CREATE TABLE core.dim_person (person VARCHAR, age INTEGER)",
        "INSERT INTO core.dim_person VALUES ('P1', 7), ('P2', 8), ('P2', 8)",
        "COMMENT ON COLUMN core.dim_person.age IS 'In whole years.'",
        f"CREATE VIEW core.page AS SELECT '{home}' AS place",
    )
    return home


@pytest.fixture
def homes(tmp_path: Path) -> tuple[Path, Path]:
    return write(tmp_path / "one"), write(tmp_path / "other")


def told(homes: tuple[Path, Path]) -> list[str]:
    return list(same_outputs.differences(*homes))


def test_what_is_of_the_moment_or_in_no_order_is_no_difference(homes: tuple[Path, Path]) -> None:
    other = homes[1]
    (other / MANIFEST).write_text((other / MANIFEST).read_text().replace("01:02:03", "09:08:07"))
    (other / "runs/same_outputs/progress.jsonl").write_text("0.2 s")
    rows(other / PARQUET, "('P2', 8), ('P1', 7), ('P2', 8)")
    change(
        other / WAREHOUSE,
        "DELETE FROM core.dim_person",
        "INSERT INTO core.dim_person VALUES ('P2', 8), ('P2', 8), ('P1', 7)",
    )
    (other / "published/same_outputs_abcd1234").rename(other / "published/same_outputs_zyxw9876")
    (other / "typed" / f"{'ab' * 8}-{'0' * 12}").rename(other / "typed" / f"{'ab' * 8}-{'1' * 12}")
    (other / "serving").unlink()
    (other / "serving").symlink_to("published/same_outputs_zyxw9876")
    assert told(homes) == []


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda home: (home / PAGE).write_text("<p>\n<b>121</b> children\n"), f"{PAGE}: other bytes from line 2 on"),
        (lambda home: (home / PAGE).write_text("<p>\n<b>120</b> children"), f"{PAGE}: other bytes from line 2 on"),
        (lambda home: (home / MANIFEST).write_text('{"as_at": "2026-11-17"}'), f"{MANIFEST}: other bytes from line 1"),
        (lambda home: (home / PAGE).unlink(), f"{PAGE}: no longer there"),
        (lambda home: (home / DAY / "more.csv").touch(), f"{DAY}/more.csv: new"),
        (lambda home: shutil.rmtree(home / DAY) or (home / DAY).symlink_to("x"), f"{PAGE}: no longer there"),
        (lambda home: pack(home / BOOK, sheet="<c>2</c>", styles="<s/>"), f"{BOOK}: other bytes in its part sheet"),
        (lambda home: pack(home / BOOK, styles="<s/>", sheet="<c>1</c>"), f"{BOOK}: other parts"),
        (
            lambda home: rows(home / PARQUET, "('P1', 7), ('P2', 8), ('P2', 9)"),
            "parquet: 1 rows no longer there, 1 new; values differ in age",
        ),
        (lambda home: rows(home / PARQUET, "('P1', 7), ('P2', 8)"), "1 rows no longer there, 0 new"),
        (lambda home: rows(home / PARQUET, "('P1', 8), ('P2', 7), ('P2', 8)"), "in how they go together"),
        (lambda home: rows(home / PARQUET, "('P1', 7.0), ('P2', 8.0), ('P2', 8.0)"), "other columns"),
        (
            lambda home: change(home / WAREHOUSE, "UPDATE core.dim_person SET age = 6 WHERE person = 'P1'"),
            "core.dim_person: 1 rows no longer there, 1 new; values differ in age",
        ),
        (
            lambda home: change(home / WAREHOUSE, "COMMENT ON COLUMN core.dim_person.age IS 'In years.'"),
            "column new: ('core', 'dim_person', 2, 'age', 'INTEGER', True, None, 'In years.')",
        ),
        (lambda home: change(home / WAREHOUSE, "CREATE TABLE core.more (a INTEGER)"), "table new: ('core', 'more'"),
        (
            lambda home: change(home / WAREHOUSE, "CREATE OR REPLACE VIEW core.page AS SELECT 'other' AS place"),
            "view no longer there: ('core', 'page'",
        ),
        (lambda home: (home / "serving").unlink() or (home / "serving").symlink_to("x"), "serving: leads elsewhere"),
    ],
)
def test_each_difference_is_told(homes: tuple[Path, Path], break_it: Callable[[Path], object], said: str) -> None:
    break_it(homes[1])
    assert said in "\n".join(told(homes))


def test_the_command_fails_when_anything_differs(
    homes: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(same_outputs, "_played", lambda side, *_: side)
    asked = ["--before", str(homes[0]), "--after", str(homes[1]), "--exports", str(homes[0])]
    assert same_outputs.main(asked) == 0
    assert "The same: 7 files" in capsys.readouterr().out
    (homes[1] / PAGE).write_text("another")
    assert same_outputs.main(asked) == 1
    assert "Differences: 1," in capsys.readouterr().out
