"""The shape of the SEN2 return, read from its seeds: as shipped, and as a council changes it."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from send_ready import sen2, settings
from send_ready.settings import Settings
from send_ready.tables import TableError
from tests.unit.test_configuration import House

ELEMENTS = "sen2/sen2_elements.csv"


def own(folder: Path, seed: str, text: str) -> Settings:
    """Settings of a council with a seed of its own."""
    path = folder / "sen2" / f"{seed}.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return replace(settings.load({"SEND_HOME": str(folder)}), config=folder)


def tags(year: int, module: str) -> list[str]:
    return [element.tag for element in sen2.modules(year)[module].elements]


def test_modules_stand_as_they_nest() -> None:
    found = sen2.modules(2027)
    assert {name: each.parent for name, each in found.items()} == {
        "sen2": None,
        "person": "sen2",
        "requests": "person",
        "assessment": "requests",
        "named_plan": "assessment",
        "plan_detail": "named_plan",
        "active_plans": "requests",
        "placement_detail": "active_plans",
        "sen_need": "active_plans",
    }
    assert found["active_plans"].parent_key == "requests_table_id" and found["person"].parent_key is None
    assert [found["requests"].children, found["sen2"].table, found["named_plan"].blade] == [
        ("assessment", "active_plans"),
        "sen2_header",
        "namedplan",
    ]
    assert found["person"].parent == sen2.ROOT and found["sen2"].elements[-1].path == ("Persons",)


def test_each_year_has_its_own_shape() -> None:
    assert tags(2023, "person")[3] == "GenderCurrent" and tags(2024, "person")[3] == "Sex"
    assert tags(2023, "active_plans")[:4] == ["TransferLA", "Res", "WBP", "AttendancePattern"]
    assert tags(2025, "active_plans")[:4] == ["TransferLA", "ReviewMeeting", "ReviewOutcome", "LastReview"]
    new = {"DSCO", "RequestSource", "ReviewDraft", "PhaseTransferDueDate", "PhaseTransferFinalDate"}
    held = {year: {tag for module in sen2.modules(year) for tag in tags(year, module)} for year in (2025, 2026, 2031)}
    assert held[2026] - held[2025] == new and held[2031] == held[2026]
    assert "DS" in sen2.codes(2026)["sen_type"] and "DS" not in sen2.codes(2025)["sen_type"]
    with pytest.raises(TableError, match="no layout of a SEN2 return of 2022"):
        sen2.modules(2022)


def test_a_table_has_the_columns_of_every_year_once() -> None:
    columns = [element.column_name for element in sen2.every_column("person")]
    assert columns.count("sex") == 1 and "requests" not in columns


def test_survey_days_by_the_seed_or_else_by_the_calendar(tmp_path: Path) -> None:
    assert sen2.survey(2025) == sen2.Survey(2025, date(2025, 1, 16), date(2025, 3, 14))
    assert sen2.survey(2028) == sen2.Survey(2028, date(2028, 1, 20), date(2028, 3, 9))
    ours = own(tmp_path, "sen2_surveys", "survey_year,survey_day,due_day\n2027,2027-01-28,2027-03-18\n")
    assert sen2.survey(2027, ours).survey_day == date(2027, 1, 28)
    assert sen2.survey(2026, ours) == sen2.survey(2026)


def test_what_a_council_says_in_the_header(tmp_path: Path) -> None:
    ours = own(tmp_path, "sen2_return_items", "column_name,value\ndmo, Yes \n")
    assert sen2.return_items(ours) == {**sen2.return_items(), "dmo": "Yes"}


def test_a_council_moves_an_element(tmp_path: Path) -> None:
    text = (sen2.SEEDS / "sen2_elements.csv").read_text(encoding="utf-8")
    for tag, here, there in (("PlanDetail", 9, 1), ("StartDate", 1, 9)):
        text = text.replace(f"named_plan,{here},2023,,,{tag}", f"named_plan,{there},2023,,,{tag}")
    found = sen2.modules(2027, own(tmp_path, "sen2_elements", text))["named_plan"]
    assert found.elements[0].tag == "PlanDetail" and found.elements[-1].tag == "StartDate"


BAD: list[tuple[Callable[[str], str], str]] = [
    (lambda text: text.replace("sen_need,2,2023,,,SENtypeRank", "sen_need,2,2023,,,SENtype"), "SENtype twice in 2023"),
    (lambda text: text.replace(",sen_type_rank,", ",sen_rank,"), "sen_rank is no column of sen_need"),
    (lambda text: text.replace("entry_date,date", "entry_date,text"), "its data_type must be date"),
    (lambda text: text.replace(",active_plans,module", ",assessment,module"), "has assessment twice"),
    (lambda text: text.replace("12,2023,,,SENneed", "12,2023,2026,,SENneed"), "sen_need stands below no other in 2027"),
    (
        lambda text: "".join(line for line in text.splitlines(True) if not line.startswith("sen_need")),
        "no element in 2",
    ),
    (lambda text: text.replace(",WBP,", ",W BP,"), "tag is 'W BP', and must be a name that XML allows"),
    (lambda text: text.replace(",Header/Source,", ",Header//Source,"), "must be names that XML allows, with /"),
    (lambda text: text.replace("person,8,", "person,7,"), "stands in line"),
]


@pytest.mark.parametrize(("change", "said"), BAD)
def test_a_seed_that_makes_no_return_is_set_aside(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    house = House(tmp_path)
    text = (sen2.SEEDS / "sen2_elements.csv").read_text(encoding="utf-8")
    assert change(text) != text
    house.write(ELEMENTS, change(text))
    _, in_force, held = house.settle()
    assert re.search(re.escape(said), held[ELEMENTS].reason or "")
    assert sen2.modules(2027, in_force) == sen2.modules(2027)
