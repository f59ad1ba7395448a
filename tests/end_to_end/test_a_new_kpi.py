"""A KPI added as CONTRIBUTING says, a row of a seed and its flags in one model, comes out wherever the others do.

In a copy of the code, on the hand-made council of the KPIs: tables, workbook, director's page, public edition, and
withheld there when it is small.
"""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from send_ready.settings import PROJECT
from tests import nights

TITLE = "Requests by parents"
# Builds the run's warehouse again by the code it stands beside, and publishes what is made of it.
SCRIPT = """
import json, sys
from pathlib import Path
from typing import Any
from publish import board, pack
from publish.kpi import suppression
from send_ready import runs, settings
from warehouse import dbt, run_data
folder = Path(sys.argv[1])
dbt.KEPT = folder / "parsed"
here = settings.load()
run = runs.find(here)
dbt.build(run, here)
print(json.dumps({"pack": str(pack.publish(run, here)), "given": suppression.GIVEN["K99"]}))
board.publish(folder / "public", run, here)
"""
ROOMS = ("dbt_project", "expectations", "extract", "publish", "send_ready", "warehouse")


def test_a_row_and_its_flags_are_a_kpi(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    night = nights.of_kpis(tmp_path_factory)
    home = tmp_path / "home"
    shutil.copytree(night.home, home, symlinks=True)
    shutil.rmtree(night_pack := home / "out" / nights.AS_AT.isoformat())
    code = tmp_path / "code"
    for room in ROOMS:
        shutil.copytree(PROJECT / room, code / room, ignore=shutil.ignore_patterns("__pycache__", "target", "logs"))
    shutil.copy(PROJECT / "pyproject.toml", code)
    _add_kpi(code / "dbt_project")

    made = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=code,
        env={**night.environment, "SEND_HOME": str(home), "PYTHONPATH": str(code)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-4000:]
    said = json.loads(made.stdout.splitlines()[-1])
    assert said == {"pack": str(night_pack), "given": ["rolling_12_months", [12]]}

    rows = _sheet(night_pack / "kpi.xlsx", "Latest")
    row = next(row for row in rows if row[0] == "K99")
    requests = next(row for row in rows if row[0] == "K08")
    assert row[1] == TITLE
    assert row[6] == requests[5] > 0  # of the requests of the same 12 months
    assert any(row[:2] == ("K99", TITLE) for row in _sheet(night_pack / "kpi.xlsx", "Definitions"))
    assert {row[4] for row in _sheet(night_pack / "kpi.xlsx", "Breakdowns") if row[0] == "K99"} >= {"Sex", "Age"}
    assert TITLE in (night_pack / "readiness.html").read_text(encoding="utf-8")

    public = [row for row in _sheet(tmp_path / "public" / "kpi.xlsx", "Over time") if row[0] == "K99"]
    assert {row[3].strftime("%d %B") for row in public} == {"31 December"}  # calendar years alone
    # So small a council gives no number: of two years they are withheld, and of the first there is nothing to give.
    assert [row[7] for row in public] == ["[c]", "[c]", "[z]"]
    assert TITLE in (tmp_path / "public" / "readiness.html").read_text(encoding="utf-8")


def _add_kpi(project: Path) -> None:
    """A KPI with everything that the recipe asks for, and nothing else."""
    catalogue = project / "seeds" / "kpi" / "kpi_catalogue.csv"
    with catalogue.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    like = next(row for row in rows if row["kpi_id"] == "K10")
    new = {
        "kpi_id": "K99",
        "title": TITLE,
        "is_headline": "Y",
        "windows": "month; rolling_12_months",
        "breakdowns": "sex; ethnicity_group; primary_need; phase; age_band",
        "public_breakdowns": "",
    }
    with catalogue.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(like), lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, like | new])
    model = project / "models" / "intermediate" / "int_kpi__cases_counted.sql"
    text = model.read_text(encoding="utf-8")
    flags = (
        "    placed.is_received as k99_denominator,\n"
        "    placed.is_received and placed.request_source = '1' as k99_numerator,\n"
    )
    place = "    placed.is_received as k10_denominator,\n"
    assert text.count(place) == 1
    model.write_text(text.replace(place, flags + place), encoding="utf-8")


def _sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(path)[name].iter_rows(values_only=True))
