"""What a council may set about supplied figures and the improvement plan, in its own seeds."""

import csv
import shutil
from datetime import date
from pathlib import Path

from tests.dbt.harness import AS_AT, PROJECT, build, make_raw, read

CHECKS = {
    "kpi_id": "K56", "period_type": "Rolling 12 months", "numerator": 71, "denominator": 100, "source": "Registers",
    "supplied_by": "ICB",
}  # fmt: skip
MEASURES = [
    CHECKS | {"period_end": date(2026, 3, 31), "numerator": 60},
    CHECKS | {"period_end": date(2026, 9, 30)},
    CHECKS | {"period_end": date(2026, 9, 30), "kpi_id": "L01"},
]
ACTIONS = [
    {
        "action_id": "1", "area": "Health", "action": "Checks", "start_date": date(2026, 4, 1),
        "due_date": date(2026, 12, 31), "status": "In progress", "impact_measure": "K56",
    }
]  # fmt: skip
PLAN = """
    SELECT rag, rag_reason, impact_start_value, impact_value, impact_change, impact_trend, impact_target_value,
        impact_rag
    FROM kpi.kpi_improvement_plan
"""


def test_targets_thresholds_and_kpis_of_its_own(tmp_path: Path) -> None:
    path = build(raw(tmp_path / "shipped"))
    (plan,) = read(path, PLAN)
    assert tuple(plan.values()) == ("green", "on_track", 60, 71, 11, "better", None, None)
    assert read(path, "SELECT kpi_id FROM kpi.kpi_supplied WHERE kpi_id = 'L01'") == []

    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    append(
        seeds / "kpi" / "kpi_targets.csv", {"kpi_id": "K56", "target_value": "75", "amber_margin": "5", "basis": "ICB"}
    )
    own = next(row for row in rows(seeds / "kpi" / "kpi_catalogue.csv") if row["kpi_id"] == "K56")
    append(seeds / "kpi" / "kpi_catalogue.csv", own | {"kpi_id": "L01", "title": "Checks at home"})
    rags = seeds / "kpi" / "kpi_action_rag.csv"
    rags.write_text(
        rags.read_text(encoding="utf-8").replace("due_soon,amber,30,", "due_soon,amber,45,"), encoding="utf-8"
    )
    path = build(raw(tmp_path / "own"), seeds=seeds)
    (plan,) = read(path, PLAN)
    assert tuple(plan.values()) == ("amber", "due_soon", 60, 71, 11, "better", 75, "amber")
    assert read(path, "SELECT kpi_id, value, rag FROM kpi.kpi_values WHERE period_end = DATE '2026-09-30' "
                      "AND kpi_id IN ('K56', 'L01') ORDER BY kpi_id") == [
        {"kpi_id": "K56", "value": 71, "rag": "amber"},
        {"kpi_id": "L01", "value": 71, "rag": None},
    ]  # fmt: skip


def raw(folder: Path) -> Path:
    assert (date(2026, 12, 31) - AS_AT).days == 45  # until the action is due
    folder.mkdir()
    return make_raw(folder / "warehouse.duckdb", {"board.measures": MEASURES, "board.actions": ACTIONS})


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def append(path: Path, row: dict[str, str]) -> None:
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, rows(path)[0], lineterminator="\n").writerow(row)
