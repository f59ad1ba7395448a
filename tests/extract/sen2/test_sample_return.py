"""The return that the sample writes in five forms, by a hand that knows nothing of the reader, read value by value."""

from datetime import date
from pathlib import Path

import pytest

from sample import council, sen2_return
from sample.sen2_return import FORMS, PARENTS, TAGS, Returned
from tests.extract.sen2.forms import D2I
from tests.extract.sen2.reads import read_all
from tests.extract.sen2.truth import COLUMNS, Row

AS_AT = date(2026, 11, 16)
OF = {name.replace("_", ""): name for name in COLUMNS}


@pytest.fixture(scope="module")
def returned() -> Returned:
    built = council.build(AS_AT, "999", 120, 120, seed=5)
    return sen2_return.build(built.feeds, built.people, AS_AT, "999")


def _text(value: object) -> str | None:
    """A value as an XML of the return has it."""
    if value is None or value == "":
        return None
    return str(int(value)) if isinstance(value, bool) else str(value)


def _expected(returned: Returned, module: str, columns: list[str]) -> list[list[str | None]]:
    tags = {column: tag for tag, column, _ in COLUMNS[OF[module]]}
    return [[_text(row.values.get(tags[column])) for column in columns] for row in returned.tables[module]]


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_the_sample_is_read_value_by_value(form: str, returned: Returned, tmp_path: Path) -> None:
    FORMS[form](tmp_path, returned)
    found, told = read_all(sorted(tmp_path.iterdir()))
    assert told == []
    for module in (name for name in TAGS if name != "sen2"):
        name = OF[module]
        columns = [column for _, column, _ in COLUMNS[name]]
        if form == "d2i":
            columns = [column for column in columns if column in D2I.get(name, {})]
            if not columns:
                continue
        rows = found[name]
        held = [[row[column] for column in columns] for row in rows]
        expected = _expected(returned, module, columns)
        if form in ("xml", "blades"):
            assert held == expected, module
        else:  # whose numbers are those of requests, so that the order may be another
            assert sorted(map(str, held)) == sorted(map(str, expected)), module
        assert not _astray(found, name), module


def _astray(found: dict[str, list[Row]], name: str) -> list[Row]:
    """Rows whose parent is not there."""
    parent = OF.get(PARENTS[name.replace("_", "")])
    if parent is None:
        return []
    keys = {row[f"{parent}_table_id"] for row in found[parent]}
    return [row for row in found[name] if row[f"{parent}_table_id"] not in keys]
