"""What the synthetic council sends for the board is plausible, and clean by the rules of its feeds."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sample import board, council
from sample.chance import Scene
from warehouse import seeds

AS_AT = date(2026, 11, 16)
CATALOGUE = {row["kpi_id"]: row for row in seeds.rows("kpi_catalogue")}


def scene(as_at: date = AS_AT) -> Scene:
    return Scene(np.random.default_rng(1), as_at, "999")


@pytest.mark.parametrize("as_at", [AS_AT, date(2024, 2, 29), date(2026, 12, 31), date(2027, 1, 1)])
def test_a_year_of_figures_of_kpis_that_are_supplied(as_at: date) -> None:
    found = board.measures(scene(as_at), 3700, 2026)
    assert {CATALOGUE[kpi]["is_built"] for kpi in found["kpi_id"]} == {"supplied"}
    assert set(found["kpi_id"]) == {"K25", "K29", "K51", "K56", "K57", "K58", "K59", "K62", "K65", "K66"}
    ends = pd.to_datetime(found["period_end"])
    assert ends.dt.is_month_end.all()
    assert ends.max() <= pd.Timestamp(as_at) < ends.max() + pd.Timedelta(days=32)
    assert (found.groupby("kpi_id")["period_end"].nunique() == 12).sum() == 9
    assert ends[found["kpi_id"] == "K65"].dt.is_quarter_end.all()
    keys = ["kpi_id", "period_type", "period_end", "breakdown_type", "breakdown_value"]
    assert not found.duplicated(keys).any()


def test_shares_are_shares_and_therapies_add_up() -> None:
    found = board.measures(scene(), 3700, 2026)
    counts = found["kpi_id"] == "K25"
    assert found.loc[counts, "denominator"].isna().all()
    assert (found.loc[~counts, "numerator"] <= found.loc[~counts, "denominator"]).all()
    waits = found[found["kpi_id"] == "K58"]
    by_therapy = waits["breakdown_type"] == "Therapy"
    parts, whole = (
        waits[chosen].groupby("period_end")[["numerator", "denominator"]].sum() for chosen in (by_therapy, ~by_therapy)
    )
    assert parts.equals(whole)
    assert waits.loc[by_therapy, "breakdown_value"].nunique() == 3


def test_other_exports_are_drawn_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def written(folder: Path) -> dict[str, bytes]:
        council.write(folder, as_at=AS_AT, plans=60, sen_support=60, answer_key=tmp_path / f"{folder.name}.csv")
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    first = written(tmp_path / "a")
    monkeypatch.setattr(board, "MONTHS", 3)
    second = written(tmp_path / "b")
    assert {name for name, content in first.items() if second[name] != content} == {"board_measures_20261116.csv"}
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_plan_of_twenty_actions_with_every_colour() -> None:
    plan = board.actions(scene())
    assert len(plan) == 20 and plan["area"].nunique() == 5
    assert set(plan["impact_measure"]) <= set(CATALOGUE)
    known = {row["local_value"]: row["code"] for row in seeds.rows("xwalk_action_status")}
    codes = plan["status"].str.lower().map({value.lower(): code for value, code in known.items()})
    assert set(codes) == set(known.values())
    is_done = codes == "complete"
    assert (plan.loc[is_done, "percent_complete"] == 100).all() and (plan.loc[is_done, "evidence"] != "").all()
    assert (plan["start_date"] <= plan["due_date"]).all()
    is_overdue = (plan["due_date"] < pd.Timestamp(AS_AT)) & codes.isin(["in_progress", "not_started"])
    assert is_overdue.sum() == 2
