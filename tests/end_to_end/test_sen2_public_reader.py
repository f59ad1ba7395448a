"""The XML of the return, read by a tolerant reader that knows no seed, says what the nine tables say."""

import csv
from datetime import date, datetime
from pathlib import Path

import pytest

from publish.sen2 import document
from publish.sen2.document import Made
from send_ready import sen2
from tests.end_to_end import sen2_councils, sen2_from_exports, sen2_public_reader
from tests.end_to_end.sen2_from_exports import MODULES, Council
from tests.unit import sen2_tables

MADE_AT = datetime(2026, 11, 16)


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("year", [2023, 2024, 2026, 2027])
def test_a_public_reader_finds_every_row_and_value_of_the_return(tmp_path: Path, year: int) -> None:
    as_at = date(2026, 11, 16)
    inbox = sen2_councils.council(year, as_at, year).write(tmp_path / "inbox")
    tables = sen2_from_exports.tables(Council(inbox, as_at, year))
    for row in tables["person"]:
        del row["sen2_table_id"]
    con = sen2_tables.warehouse(tables, year)
    made = Made(sen2.survey(year), "999", as_at, False, 1, MADE_AT)
    path = tmp_path / made.file_name
    path.write_text("".join(document.document(con, made).parts()), encoding="utf-8")

    read = sen2_public_reader.read(path)
    sen2_public_reader.write(read, tmp_path / "csv")
    assert read["header"][0]["year"] == str(year)
    assert read["header"][0]["lea"] == "999"
    assert read["header"][0]["referencedate"] == str(sen2.survey(year).survey_day)
    assert tables["requests"]
    for module, parent in MODULES:
        name, above = module.replace("_", ""), parent.replace("_", "")
        tags = {each.column_name: each.tag.lower() for each in sen2.modules(year)[module].columns}
        keys = {f"{module}_table_id": f"{name}id"} | ({f"{parent}_table_id": f"{above}id"} if parent else {})
        wanted = [
            {named: _text(row[column]) for column, named in (keys | tags).items() if row[column] is not None}
            for row in tables[module]
        ]
        others = {f"{other.replace('_', '')}id" for other, _ in MODULES} - set(keys.values())
        found = [{tag: value for tag, value in row.items() if tag not in others} for row in read[name]]
        assert found == wanted
        with open(tmp_path / "csv" / f"{name}.csv", encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == len(wanted)
