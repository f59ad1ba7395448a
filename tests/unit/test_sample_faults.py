"""The answer key tells the truth: every fault is planted, on the line it names, and on nobody twice."""

import csv
import io
from collections import Counter
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from sample import council, fault_list, layout, sen2_faults
from sample.faults import KEY_COLUMNS, Cell, line_numbers

AS_AT = date(2026, 11, 16)
CELLS = {cell.name: cell for cell in fault_list.CELLS}
Key = list[dict[str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faulty")
    council.write(
        folder / "inbox", as_at=AS_AT, plans=1500, sen_support=2500, seed=3, faults=0.2, answer_key=folder / "key.csv"
    )
    council.write(folder / "clean", as_at=AS_AT, plans=1500, sen_support=2500, seed=3, faults=0)
    return folder


@pytest.fixture(scope="module")
def key(home: Path) -> Key:
    with (home / "key.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Export:
    """One export, by line as an editor counts them, and by key as it would be without faults."""

    def __init__(self, home: Path, feed: str, name: str) -> None:
        style, self.feed = layout.dialect(feed), feed
        text = (home / "inbox" / name).read_bytes().decode(style.encoding)
        self.lines = text.splitlines(keepends=True)
        columns = list(layout.headers(feed))
        clean = (home / "clean" / name).read_bytes().decode(style.encoding)
        rows = list(csv.reader(io.StringIO(clean, newline="")))[1:]
        self.clean = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
        self.columns = columns

    def record(self, line: int) -> dict[str, str]:
        """The record that begins on a line."""
        values = next(csv.reader(self.lines[line - 1 : line + 3]))
        return dict(zip(self.columns, values, strict=True))


@pytest.fixture(scope="module")
def exports(home: Path, key: Key) -> dict[str, Export]:
    return {name: Export(home, feed, name) for feed, name in {(row["feed"], row["file_name"]) for row in key}}


def test_the_key_has_its_columns_and_every_fault(key: Key) -> None:
    assert tuple(key[0]) == KEY_COLUMNS
    assert [row["fault_id"] for row in key] == [str(number + 1) for number in range(len(key))]
    assert {cell.name for cell in fault_list.CELLS} <= {row["fault"] for row in key}
    assert {change.name for change in sen2_faults.CHANGES} <= {row["fault"] for row in key}
    assert len({row["fault"] for row in key}) == len(CELLS) + 17 + len(sen2_faults.CHANGES) + 5
    assert all(row["expected_finding"] for row in key)


def test_no_two_faults_share_a_name() -> None:
    assert len(CELLS) == len(fault_list.CELLS)
    names = [change.name for change in sen2_faults.CHANGES]
    assert len({*names, *CELLS}) == len(names) + len(CELLS)


def test_every_line_is_where_the_key_says(key: Key, exports: dict[str, Export]) -> None:
    for row in key:
        if not row["line_no"] or row["record_id"] == "blank":
            continue
        record = exports[row["file_name"]].record(int(row["line_no"]))
        assert "; ".join(f"{name}={record[name]}" for name in layout.keys(row["feed"])) == row["record_id"], row
        assert not row["column_name"] or row["column_name"] in record, row


def test_the_cell_holds_the_fault_and_nothing_else_changed(key: Key, exports: dict[str, Export]) -> None:
    checked = 0
    for row in key:
        cell = CELLS.get(row["fault"])
        if not cell or cell.column in layout.keys(cell.feed) or len(layout.keys(cell.feed)) > 1:
            continue
        export = exports[row["file_name"]]
        record = export.record(int(row["line_no"]))
        clean = export.clean[record[layout.keys(cell.feed)[0]]]
        changed = [name for name, value in record.items() if value != clean[name]]
        assert changed in ([cell.column], []), row
        if callable(cell.value):
            assert record[cell.column] == cell.value(clean[cell.column]), row
        elif "{" not in cell.value:
            assert record[cell.column] == cell.value, row
        checked += 1
    assert checked > 200


def test_blank_keys_are_blank(key: Key, exports: dict[str, Export]) -> None:
    blank = [row for row in key if row["fault"] == "key blank"]
    assert {row["feed"] for row in blank} == set(layout.FEEDS) - set(council.BOARD)
    for row in blank:
        assert not exports[row["file_name"]].record(int(row["line_no"]))[row["column_name"]].strip()


def test_repeats_and_versions_are_there(key: Key, exports: dict[str, Export]) -> None:
    for row in key:
        export = exports[row["file_name"]]
        if row["fault"] == "exact repeat of a row":
            line = export.lines[int(row["line_no"]) - 1].rstrip("\r\n")
            assert sum(other.rstrip("\r\n") == line for other in export.lines) == 2, row
        if row["expected_finding"] == "same-key":
            record = export.record(int(row["line_no"]))
            names = layout.keys(row["feed"])
            of_key = [
                other
                for other in csv.DictReader(io.StringIO("".join(export.lines)), fieldnames=export.columns)
                if all(other[name] == record[name] for name in names)
            ]
            assert len(of_key) == 2 and of_key[0] != of_key[1], row


def test_nobody_has_two_faults(key: Key) -> None:
    counts = Counter(row["unique_id"] for row in key if row["unique_id"])
    assert max(counts.values()) == 1


def test_a_fault_names_the_list_of_the_person(key: Key) -> None:
    codes = [code for row in key for code in row["expected_finding"].split()]
    assert not any("{" in code for code in codes)
    assert {"101a", "201a", "109", "209", "L-110", "L-113", "L-126", "P-01", "quarantine", "tolerated"} <= set(codes)


def test_more_faults_at_a_higher_rate(tmp_path: Path) -> None:
    counts = [
        council.write(
            tmp_path / "inbox", as_at=AS_AT, plans=800, sen_support=1200, faults=rate, answer_key=tmp_path / "key.csv"
        ).faults
        for rate in (0.0, 0.001, 0.2)
    ]
    assert counts[0] == 0
    assert 100 < counts[1] < counts[2] / 1.5


def test_line_numbers_count_newlines_inside_values() -> None:
    frame = pd.DataFrame({"a": ["x", "y\nz", "w"], "b": ["", "p\nq", ""]})
    assert line_numbers(frame, header_lines=2).tolist() == [3, 4, 7]


def test_a_cell_fault_is_about_a_column_of_its_feed() -> None:
    for cell in fault_list.CELLS:
        assert isinstance(cell, Cell) and cell.column in layout.headers(cell.feed), cell.name
    for change in sen2_faults.CHANGES:
        assert change.column in layout.headers(change.feed), change.name
