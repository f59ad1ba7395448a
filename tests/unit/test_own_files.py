"""A file of a council's own that nothing looks for is told."""

from pathlib import Path

import duckdb
import pytest

from extract.inbox import survey
from operations import settle
from send_ready import configuration, runs, settings


@pytest.mark.parametrize(
    "name",
    ["contracts/capita_one__students.yml", "column_maps/ehc_hub__cases.csv", "crosswalks/xwalk_sex.csv",
     "crosswalks/survivorship.csv", "targets/kpi_targets.csv", "expectations/feeds/capita_one__students.yml",
     "expectations/lists/both.yml", "decisions/person_links.csv", "retention.yml", "notes.txt",
     "crosswalks/xwalk_sex.csv.before", ".old.csv"],
)  # fmt: skip
def test_what_takes_the_place_of_a_shipped_file_and_what_may_be_a_note_is_not_told(tmp_path: Path, name: str) -> None:
    write(tmp_path / "config" / name)
    with settle.trial(given(tmp_path)) as (_, settled):
        assert not settled.unused


def test_a_name_slightly_off_is_told_with_what_to_do(tmp_path: Path) -> None:
    names = ["crosswalk/xwalk_sex.csv", "contracts/capita_one_students.yml", "xwalk_sex.csv", "retention.yaml",
             "crosswalks/xwalk_sex.CSV", "crosswalks/xwalk_sex.xlsx", "targets/xwalk_sex.csv"]  # fmt: skip
    for name in names:
        write(tmp_path / "config" / name)
    run = runs.begin(given(tmp_path))
    survey.survey(run, settle.settle(run, given(tmp_path)))
    told = duckdb.read_parquet(str(run.issues("inbox"))).project("rule, severity, file_name").fetchall()
    assert set(told) == {("F-19", "query", name) for name in names}


def test_without_a_folder_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with settle.trial(settings.load({"SEND_HOME": str(tmp_path)})) as (_, settled):
        assert settled == configuration.Settled()


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def given(folder: Path) -> settings.Settings:
    return settings.load(
        {"SEND_HOME": str(folder / "home"), "SEND_CONFIG": str(folder / "config"), "AS_AT": "2026-11-16"}
    )
