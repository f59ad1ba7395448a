"""A council whose pupils on SEN support stand in the school census alone: List 2 is that of the same council in One."""

import csv
from pathlib import Path
from typing import Any

import pytest

from sample import national
from send_ready import database
from tests.golden.pipeline import Pipeline
from tests.nights import AS_AT, Drawn

DRAWN = Drawn(60, 150, seed=5, faults=0.0)
SAME = ("upn", "birth_date", "gender", "main_urn", "main_phase", "subsidiary_phase", "pupil_premium",
        "known_to_social_care", "social_care_team")  # fmt: skip
CARRIED = ("ethnicity", "primary_need")  # from the return of spring, by those who were in it


class WithSources(Pipeline):
    """The night as it goes with sources, which land before the feeds are read."""

    def _read(self) -> None:
        self._send_ready("begin")
        self._send_ready("land-sources")
        super()._read()


def list_2(warehouse: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows of List 2 by UPN and date of birth, which no two pupils of the council share."""
    with database.reader(warehouse) as con:
        result = con.execute("SELECT * FROM annex_a.rpt_annex_a__list_2")
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return {(row["upn"], row["birth_date"]): row for row in rows}


@pytest.fixture(scope="module")
def councils(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    folder = tmp_path_factory.mktemp("national")
    exports, inbox = folder / "exports", folder / "inbox"
    DRAWN.write(exports, folder / "key.csv")
    national.rewrite(exports, inbox, AS_AT)
    both = Pipeline(folder / "one", exports, AS_AT), WithSources(folder / "census", inbox, AS_AT)
    return inbox, *(list_2(each.build()) for each in both)


def test_nobody_is_lost_or_added_and_what_both_know_is_the_same(councils: tuple[Path, Any, Any]) -> None:
    inbox, in_one, in_census = councils
    assert in_census.keys() == in_one.keys()
    of_census = {key for key, row in in_census.items() if row["unique_id"].startswith("CENSUS-")}
    assert len(of_census) > 50
    assert {row["unique_id"] for key, row in in_census.items() if key not in of_census} <= {
        row["unique_id"] for row in in_one.values()
    }
    for key, row in in_census.items():
        assert {name: row[name] for name in SAME} == {name: in_one[key][name] for name in SAME}

    carried = set()
    for path in inbox.glob("2026_spring_*pupilonroll.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            carried |= {each["upn"] for each in csv.DictReader(file) if each["upn"] and each["senprovision"] == "K"}
    checked = [key for key in of_census if key[0] in carried]
    assert len(checked) > 25
    for key in checked:
        assert {name: in_census[key][name] for name in CARRIED} == {name: in_one[key][name] for name in CARRIED}
