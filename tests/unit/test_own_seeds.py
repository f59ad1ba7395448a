"""A council's own crosswalks and targets, laid over the shipped ones."""

from pathlib import Path

import pytest
from publish_run import AS_AT, settings

from send_ready import build
from send_ready.runs import Run


def laid_over(home: Path, name: str, text: bytes, folder_name: str = "crosswalks") -> Path:
    folder = home / "config" / folder_name
    folder.mkdir(parents=True)
    (folder / name).write_bytes(text)
    return build._seeds(Run(home, "one", AS_AT, "999"), settings(home, config=home / "config"))


@pytest.mark.parametrize(
    "text",
    [b"value,code\nM,M\r\nMale,M\r\n", b"\xef\xbb\xbfvalue,code\r\nM,M\r\nMale,M\n", b"value,code\rM,M\rMale,M\r"],
)
def test_rows_added_on_another_system_are_rows(tmp_path: Path, text: bytes) -> None:
    seeds = laid_over(tmp_path, "xwalk_sex.csv", text)
    assert (seeds / "xwalk" / "xwalk_sex.csv").read_bytes() == b"value,code\nM,M\nMale,M\n"
    assert (seeds / "xwalk" / "xwalk_ethnicity.csv").exists()  # the others are as shipped


def test_a_name_that_no_seed_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(build.BuildError, match="is not the name of a seed, so it would have no effect"):
        laid_over(tmp_path, "xwalk_gender.csv", b"value,code\n")


def test_a_councils_targets_stand_in_for_the_shipped_ones(tmp_path: Path) -> None:
    own = b"kpi_id,target_value,amber_margin,basis\nK01,60,10,Agreed by the SEND board\n"
    seeds = laid_over(tmp_path, "kpi_targets.csv", own, "targets")
    assert (seeds / "kpi" / "kpi_targets.csv").read_bytes() == own
    assert (seeds / "kpi" / "kpi_catalogue.csv").exists()  # the others are as shipped


def test_without_files_of_its_own_a_council_has_the_shipped_seeds(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", AS_AT, "999")
    (tmp_path / "config" / "targets").mkdir(parents=True)
    assert build._seeds(run, settings(tmp_path, config=tmp_path / "config")) == build.SEEDS
    assert build._seeds(run, settings(tmp_path)) == build.SEEDS


def test_rules_look_things_up_in_the_councils_own_seeds(tmp_path: Path) -> None:
    ours = settings(tmp_path, config=tmp_path / "config")
    assert {row["kpi_id"] for row in build.seed("kpi_catalogue", ours)} == {f"K{number:02}" for number in range(1, 68)}
    laid_over(tmp_path, "xwalk_action_status.csv", b"\xef\xbb\xbflocal_value,code\r\nAmber,in_progress\r\n")
    assert build.seed("xwalk_action_status", ours) == [{"local_value": "Amber", "code": "in_progress"}]
    assert len(build.seed("xwalk_action_status")) > 10
