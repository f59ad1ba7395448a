"""A council's own crosswalks and targets, laid over the shipped ones."""

import re
from pathlib import Path

import pytest
import yaml
from publish_run import AS_AT, settings

from operations import settle
from send_ready import database, tables
from send_ready.runs import Run
from warehouse import dbt, load, own_seeds, seeds


def laid_over(home: Path, name: str, text: bytes, folder_name: str = "crosswalks") -> Path:
    folder = home / "config" / folder_name
    folder.mkdir(parents=True)
    (folder / name).write_bytes(text)
    return seeds.folder_in_force(Run(home, "one", AS_AT, "999"), settings(home, config=home / "config"))


@pytest.mark.parametrize(
    "text",
    [
        b"local_value,code\nM,M\r\nMale,M\r\n",
        b"\xef\xbb\xbflocal_value,code\r\nM,M\r\nMale,M\n",
        b"local_value,code\rM,M\rMale,M\r",
        b"code,local_value,,\nM,M,,\nM,Male\n,,,\n\n",
        "local_value,code\nM,M\nMale,M\n".encode("utf-16"),
    ],
)
def test_rows_added_on_another_system_are_rows(tmp_path: Path, text: bytes) -> None:
    seeds = laid_over(tmp_path, "xwalk_sex.csv", text)
    assert (seeds / "xwalk" / "xwalk_sex.csv").read_bytes() == b"local_value,code\nM,M\nMale,M\n"
    assert (seeds / "xwalk" / "xwalk_ethnicity.csv").exists()  # the others are as shipped


@pytest.mark.parametrize("name", ["xwalk_gender", "annex_a_columns", "kpi_catalogue"])
def test_what_is_not_a_councils_to_change_has_no_effect_and_is_told(tmp_path: Path, name: str) -> None:
    assert laid_over(tmp_path, f"{name}.csv", b"local_value,code\n") == own_seeds.SEEDS
    with settle.trial(settings(tmp_path, config=tmp_path / "config")) as (_, settled):
        assert settled.unused == (f"crosswalks/{name}.csv",)


def test_a_councils_targets_stand_in_for_the_shipped_ones(tmp_path: Path) -> None:
    own = b"kpi_id,target_value,amber_margin,basis\nK01,60,10,Agreed by the SEND board\n"
    seeds = laid_over(tmp_path, "kpi_targets.csv", own, "targets")
    assert (seeds / "kpi" / "kpi_targets.csv").read_bytes() == own
    assert (seeds / "kpi" / "kpi_catalogue.csv").exists()  # the others are as shipped


def test_without_files_of_its_own_a_council_has_the_shipped_seeds(tmp_path: Path) -> None:
    run = Run(tmp_path, "one", AS_AT, "999")
    (tmp_path / "config" / "targets").mkdir(parents=True)
    assert seeds.folder_in_force(run, settings(tmp_path, config=tmp_path / "config")) == own_seeds.SEEDS
    assert seeds.folder_in_force(run, settings(tmp_path)) == own_seeds.SEEDS


def test_rules_look_things_up_in_the_councils_own_seeds(tmp_path: Path) -> None:
    ours = settings(tmp_path, config=tmp_path / "config")
    assert {row["kpi_id"] for row in seeds.rows("kpi_catalogue", ours)} == {f"K{number:02}" for number in range(1, 68)}
    laid_over(tmp_path, "xwalk_action_status.csv", b"\xef\xbb\xbflocal_value,code\r\nAmber,in_progress\r\n")
    assert seeds.rows("xwalk_action_status", ours) == [{"local_value": "Amber", "code": "in_progress"}]
    assert len(seeds.rows("xwalk_action_status")) > 10


def test_a_spreadsheets_own_encoding_is_read(tmp_path: Path) -> None:
    seeds = laid_over(tmp_path, "xwalk_sex.csv", "local_value,code\nMâle – boy,M\n".encode("cp1252"))
    assert (seeds / "xwalk" / "xwalk_sex.csv").read_text("utf-8") == "local_value,code\nMâle – boy,M\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"local_value;code\nM;M\n", "there is no column local_value, code. The first line must be `local_value,code`"),
        (b"local_value,code\nM,M\n m ,F\n", "line 3: its value stands in line 2 already"),
        (b"local_value,code\nM,M\n,F\n", "line 3: there is no local_value"),
        (b"local_value,code\nM,a,b\n", "line 2: it has 3 values, and the first line 2"),
        (b'local_value,code\nM,"a', "it is no CSV that can be read"),
        (b"local_value,code\nM,M\nboy,X\n", "line 3: code is 'X', and must be one of: M, F, U, or blank"),
        (b"local_value,code,code\nM,M,M\n", "a column stands twice in the first line"),
        (b"local_value,code\n" + b"M" * 2_001 + b",M\n", "line 2: local_value has 2,001 characters"),
        (b"local_value,code\n", "has no row"),
        (b"", "there is no column"),
    ],
)
def test_a_seed_with_a_mistake_is_named_with_its_line(tmp_path: Path, text: bytes, said: str) -> None:
    with pytest.raises(tables.TableError, match=said) as error:
        laid_over(tmp_path, "xwalk_sex.csv", text)
    assert "xwalk_sex.csv" in str(error.value)


def decided(home: Path, text: bytes) -> list[tuple[str, ...]]:
    """What the build reads of person_links.csv."""
    (home / "config" / "decisions").mkdir(parents=True)
    (home / "config" / "decisions" / "person_links.csv").write_bytes(text)
    with database.scratch() as con:
        con.execute("CREATE SCHEMA raw")
        load._create_decisions(con, settings(home, config=home / "config"))
        return con.execute("FROM raw.person_decisions").fetchall()


def test_decisions_as_a_spreadsheet_saves_them(tmp_path: Path) -> None:
    """A line that was cut short or left blank would else have stopped the whole build."""
    text = "record_1,record_2,decision,note\na:1,b:2,same,Zoë\na:1,b:3\n,,,\n".encode("cp1252")
    assert decided(tmp_path, text) == [("a:1", "b:2", "same", "", "", "Zoë"), ("a:1", "b:3", "", "", "", "")]


def test_decisions_that_would_have_no_effect_are_told(tmp_path: Path) -> None:
    with pytest.raises(tables.TableError, match=r"person_links\.csv: there is no column record_1"):
        decided(tmp_path, b"record_1;record_2;decision\na:1;b:2;same\n")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "survivorship",
            ("upn,capita_one", "upn,hub"),
            "line 2: first_source is 'hub', and must be one of: capita_one",
        ),
        ("survivorship", ("upn,", "uln,"), "line 2: fact is 'uln', and must be one of: upn"),
        ("survivorship", ("sex,capita_one,ehc_hub,census\n", "upn,ehc_hub,,\n"), "its fact stands in line 2 already"),
        (
            "census_terms",
            ("2026,autumn,2026-04-06", "2026,autumn,2026-04-31"),
            "start is '2026-04-31', and must be a date",
        ),
        ("attendance_codes", ("I,Illness,Y,Y,Y", "I,Illness,Y,yes,Y"), "is_absence is 'yes', and must be one of: Y, N"),
        ("gias_phase", ("\n1,14", "\none,14"), "line 2: priority is 'one', and must be a whole number"),
        ("gias_phase", (",All-through", ",Through"), "annex_a_phase is 'Through', and must be one of: Nursery"),
        ("kpi_targets", ("K01,100", "K99,100"), "line 2: kpi_id is 'K99', and must be one of: K01"),
        ("kpi_targets", ("K01,100", "K01,a hundred"), "target_value is 'a hundred', and must be a number"),
        ("kpi_targets", ("K01,100,54", "K01,100,-54"), "amber_margin is '-54', and must be a number from 0"),
        ("kpi_comparators", ("46.4", "nan"), "value is 'nan', and must be a number"),
        ("kpi_action_rag", ("due_soon,amber", "due_soon,orange"), "rag is 'orange', and must be one of: blue"),
    ],
)
def test_a_table_says_of_each_column_what_it_may_hold(
    tmp_path: Path, name: str, change: tuple[str, str], said: str
) -> None:
    text = own_seeds.shipped_path(name).read_text()
    assert change[0] in text
    (tmp_path / f"{name}.csv").write_text(text.replace(change[0], change[1], 1))
    with pytest.raises(tables.TableError, match=re.escape(said)):
        own_seeds.rows_of(tmp_path / f"{name}.csv")


@pytest.mark.parametrize("name", own_seeds.seed_names())
def test_a_copy_of_what_ships_is_taken_whole(tmp_path: Path, name: str) -> None:
    text = own_seeds.shipped_path(name).read_text()
    (tmp_path / f"{name}.csv").write_text(text)
    rows = own_seeds.rows_of(tmp_path / f"{name}.csv")
    assert tables.write(rows, own_seeds.columns_of(name)).decode().count("\n") == text.count("\n")
    assert [{k: v.strip() for k, v in row.items()} for row in seeds.rows(name)] == rows


@pytest.mark.parametrize("name", own_seeds.seed_names())
def test_the_key_of_a_table_is_that_which_the_build_tests(name: str) -> None:
    written = yaml.safe_load((dbt.DBT_PROJECT / "models" / "seeds.yml").read_text())["seeds"]
    (seed,) = (each for each in written if each["name"] == name)
    if not name.startswith("xwalk_"):  # whose values one_code_a_value.sql compares without case
        assert list(own_seeds.table_rules(name).key) == seed["config"]["meta"]["primary_key"]
    assert own_seeds.table_rules(name).values.keys() <= seed["config"]["column_types"].keys()


def test_a_line_that_says_the_same_once_more_counts_once(tmp_path: Path) -> None:
    (tmp_path / "xwalk_sex.csv").write_text("local_value,code\nboy,M\ngirl,F\n BOY ,M\n")
    assert own_seeds.rows_of(tmp_path / "xwalk_sex.csv") == [
        {"local_value": "boy", "code": "M"},
        {"local_value": "girl", "code": "F"},
    ]
    assert own_seeds.repeated_lines(tmp_path / "xwalk_sex.csv") == [4]


def test_a_residential_value_may_have_a_code_up_to_a_year_and_another_after_it(tmp_path: Path) -> None:
    held = laid_over(tmp_path / "without", "xwalk_residential.csv", b"local_value,code\nTermly,B\n")
    assert tables.read_rows(held / "xwalk" / "xwalk_residential.csv", ["local_value", "code", "first_year"], ())
    both = b"local_value,code,first_year,last_year\nTermly,A,,2025\nTermly,B,2026,\n"
    held = laid_over(tmp_path / "with", "xwalk_residential.csv", both)
    assert (held / "xwalk" / "xwalk_residential.csv").read_bytes() == both
    for wrong, said in (
        (b"Termly,A,,\ntermly,B,,\n", "stands in line 2 already"),
        (b"Termly,A,26,\n", "a year of four"),
    ):
        path = tmp_path / "xwalk_residential.csv"
        path.write_bytes(b"local_value,code,first_year,last_year\n" + wrong)
        with pytest.raises(tables.TableError, match=said):
            own_seeds.rows_of(path)


def test_a_crosswalk_without_published_codes_takes_the_codes_of_a_councils_guide(tmp_path: Path) -> None:
    path = tmp_path / "xwalk_direct_payment.csv"
    path.write_text("local_value,code\nEducation only,E1\nNone,\n", encoding="utf-8")
    assert [row["code"] for row in own_seeds.rows_of(path)] == ["E1", ""]
    path.write_text("local_value,code\nEducation only,Education & more\n", encoding="utf-8")
    with pytest.raises(tables.TableError, match="a code of up to ten letters and digits, or blank"):
        own_seeds.rows_of(path)
