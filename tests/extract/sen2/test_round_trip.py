"""What is written of a return, read back: the same nine tables, by the XML and by the modules as CSV."""

from datetime import date
from pathlib import Path

import pytest

from publish.sen2 import blades, document
from send_ready import sen2
from send_ready.runs import Run
from tests.extract.sen2.reads import read_all
from tests.unit import sen2_tables

RUN = Run(Path("home"), "a-run", date(2026, 2, 20), "999")
SAID = {"true": "1", "false": "0"}  # a blade's flags
AWKWARD = 'O\'Neil & <Sön>, "Jo"; ,x'


@pytest.mark.parametrize("year", [2025, 2026])
@pytest.mark.parametrize("form", ["xml", "blades"])
def test_what_is_written_and_read_back_is_the_same_nine_tables(tmp_path: Path, year: int, form: str) -> None:
    con = sen2_tables.many(7)
    survey = sen2.survey(year)
    con.execute(f"""
        UPDATE built.int.int_sen2__return SET survey_year = {year}, survey_day = '{survey.survey_day}';
        UPDATE built.sen2.sen2_header SET year = '{year}', reference_date = '{survey.survey_day}';
        UPDATE built.sen2.sen2_person SET surname = '{AWKWARD.replace("'", "''")}' WHERE person_table_id = 3;
        UPDATE built.sen2.sen2_requests SET received_date = NULL, rya = NULL WHERE requests_table_id = 4;
        DELETE FROM built.sen2.sen2_sen_need WHERE active_plans_table_id = 7""")
    what = document.made(con, RUN)
    if form == "blades":
        paths = blades.write(tmp_path / "blades", con, what)
    else:
        paths = [tmp_path / what.file_name]
        paths[0].write_text("".join(document.document(con, what).parts()), encoding="utf-8")
    found, told = read_all(paths)
    assert {each.severity for each in told} <= {"note"}, told
    assert [row["serial_no"] for row in found["sen2"]] == ["001"]
    for module in list(sen2.modules(year).values())[1:]:
        held = [{name: row.get(name) for name in _ids(module)} for row in found[module.name]]
        assert held == _numbers(con, module)
        values = [
            {name: SAID.get(value, value) for name, value in row.items() if value and name not in _ids(module)}
            for row in found[module.name]
        ]
        assert values == sen2_tables.texts(con, module)


def _ids(module: sen2.Module) -> tuple[str, ...]:
    return tuple(filter(None, (module.key, module.parent_key, "order_seq")))


def _numbers(con: object, module: sen2.Module) -> list[dict[str, object]]:
    rows = con.execute(  # type: ignore[attr-defined]
        f"SELECT {', '.join(_ids(module))} FROM built.sen2.{module.table} ORDER BY 1"
    ).fetchall()
    return [dict(zip(_ids(module), row, strict=True)) for row in rows]
