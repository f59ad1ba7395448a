"""Contracts and column maps: what ships is sound, and a council's own file takes its place."""

import shutil
from pathlib import Path

import pytest

from extract import contract as contracts
from extract.contract import CONTRACTS, ContractError, normalise
from send_ready import settings

SHIPPED = settings.load({})


def test_every_feed_of_the_sources_ships() -> None:
    assert [contract.id for contract in contracts.load_all(SHIPPED)] == [
        "board.actions",
        "board.measures",
        "capita_one.annual_reviews",
        "capita_one.attendance",
        "capita_one.ehc_plans",
        "capita_one.ehcp_assessments",
        "capita_one.enrolments",
        "capita_one.exclusions",
        "capita_one.home_education",
        "capita_one.placements",
        "capita_one.sen_needs",
        "capita_one.sen_provision",
        "capita_one.students",
        "census.alternative_provision",
        "census.exclusions",
        "census.pupils",
        "census.sessions",
        "dfe.pupil_premium",
        "ehc_hub.advice",
        "ehc_hub.cases",
        "ehc_hub.reviews",
        "gias.establishments",
        "ilacs.involvements",
        "local.person_bridge",
        "sen2.active_plans",
        "sen2.assessments",
        "sen2.named_plans",
        "sen2.persons",
        "sen2.placement_details",
        "sen2.plan_details",
        "sen2.requests",
        "sen2.sen_needs",
        "social_care.involvements",
    ]


def test_a_council_may_do_without_the_board_the_bridge_the_national_files_and_placements_alone() -> None:
    optional = [contract.id for contract in contracts.load_all(SHIPPED) if contract.is_optional]
    national = {"board", "census", "dfe", "ilacs", "local", "sen2"}
    assert {contract for contract in optional if contract.split(".")[0] not in national} == {"capita_one.placements"}
    assert not [c.id for c in contracts.load_all(SHIPPED) if c.source in ("census", "ilacs") and not c.is_optional]


@pytest.mark.parametrize("contract", contracts.load_all(SHIPPED), ids=lambda contract: contract.id)
def test_no_header_means_two_columns_of_one_feed(contract: contracts.Contract) -> None:
    headers = [normalise(header) for column in contract.columns for header in column.headers]
    assert len(headers) == len(set(headers))


@pytest.mark.parametrize("contract", contracts.load_all(SHIPPED), ids=lambda contract: contract.id)
def test_every_code_has_a_crosswalk_that_ships(contract: contracts.Contract) -> None:
    folder = settings.PROJECT / "dbt_project" / "seeds" / "xwalk"
    for column in contract.columns:
        assert (column.type == "code") == bool(column.crosswalk)
        if column.crosswalk:
            assert (folder / f"xwalk_{column.crosswalk}.csv").is_file()


def test_file_names_are_told_apart() -> None:
    names = [contract.file_name for contract in contracts.load_all(SHIPPED)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "header",
    [
        "Date of Birth",
        "date-of-birth",
        "DATE_OF_BIRTH",
        "\ufeffDate of\nBirth",
        "“Date of Birth”",
        "\u200eDate\u200b of Birth\xad",
    ],
)
def test_headers_are_compared_without_what_exports_change(header: str) -> None:
    assert normalise(header) == "dateofbirth"


def test_a_council_overrides_one_file_and_the_fingerprint_changes(tmp_path: Path) -> None:
    own = tmp_path / "column_maps" / "capita_one__students.csv"
    own.parent.mkdir()
    shutil.copy(contracts.COLUMN_MAPS / own.name, own)
    with own.open("a") as file:
        file.write("surname,Childs Last Name\n")
    found = contracts.load("capita_one.students", settings.load({"SEND_CONFIG": str(tmp_path)}))
    assert "Childs Last Name" in next(column.headers for column in found.columns if column.name == "surname")
    assert found.fingerprint != contracts.load("capita_one.students", SHIPPED).fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("type: date,", "type: day,"), "type is day, and must be one of: id, "),
        (("key: [student_id]", "key: [pupil]"), "key: pupil is not a column of the contract"),
        (("limits:", "limit:"), "unknown key limit. Known: "),
        (("  surname: ", "  maiden_name: "), "no header for column maiden_name. Add a row"),
        (("owner: ", "# owner: "), "'owner' is missing"),
        (("columns:", "columns: ["), "is not YAML that can be read"),
        (
            ("title: Students", "title: 2026-13-45"),
            "is not YAML that can be read",
        ),  # a date for PyYAML, no error of its
        (("title: Students", "title: [a]"), "title is ['a'], and must be text"),
        (("key: [student_id]", "key: student_id"), "and must be a list"),
        (("key: [student_id]", "key: []"), "and must be a list"),
        (("key: [student_id]", "key: [upn]"), "no column of the key is required"),
        (("key: [student_id]", "key: [[student_id]]"), "['student_id'] is not a column of the contract"),
        (("file_name: capita_one_students", "file_name: _"), "or any file would do"),
        (("undated_file: file_time", "undated_file: surname"), "or a column of type date"),
        (("max_row_drop_pct: 20", "max_row_drop_pct: .nan"), "must be a number from 0 to 100"),
        (("stale_after_days: 1 ", "stale_after_days: a day "), "must be a number from 0 to"),
        (("  surname: ", "  Surname: "), "must be named with small letters"),
        (("  surname: ", "  1: "), "must be named with small letters"),
        (("  surname: ", "  surname: [] #"), "column surname: where a setting should be, there is none"),
        (("crosswalk: sex", "crosswalk: ../sex"), "crosswalk is ../sex, and must be one of: action_status, "),
        (("required: true", "required: 'no'"), "required is no, and must be true or false"),
        (("{type: boolean}", "{type: boolean, yes: []}"), "yes is [], and must be a list of words"),
        (("{type: boolean}", "{type: boolean, yes: [[Y]]}"), "yes is [['Y']], and must be a list of words"),
        (("{type: boolean}", "{type: boolean, yes: [Y, No]}"), "'no', 'false' means yes and no"),
        (("{type: boolean}", "{type: boolean, yes: ['N']}"), "'n' means yes and no. Give both lists, 'yes' and 'no'"),
        (("{type: boolean}", "{type: boolean, yes: [' P '], no: ['p']}"), "'p' means yes and no"),
        (("{type: text}", "{type: text, no: ['N']}"), "it has words for yes or no, and is no boolean"),
        (("{type: text}", "{type: text, generated: true}"), "only an id can be generated"),
        (("{type: text}", "{type: text, instead_of: student_id}"), "'instead_of' and 'as' go together"),
        (("{type: text}", "{type: text, instead_of: pupil, as: upn}"), "instead_of is pupil, which is not a column"),
        (("{type: text}", "{type: text, instead_of: [upn, 1], as: upn}"), "and must be a column, or a list of columns"),
        (("{type: text}", "{type: text, instead_of: uln, as: name}"), "as is name, and must be one of: upn, "),
        (("{type: text}", "{type: text, beside: uln}"), "it needs 'instead_of'"),
        (("{type: text}", "{type: text, required: true, instead_of: uln, as: upn}"), "cannot be required"),
        (
            ("latest_by: ", "side_by_side: {sex: surname}\nlatest_by: "),
            "side_by_side must name one column and the integer",
        ),
        (("latest_by: ", "side_by_side: [sex]\nlatest_by: "), "side_by_side is ['sex'], and must be settings by name"),
    ],
)
def test_a_contract_with_a_mistake_is_named_with_what_to_change(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    shipped = CONTRACTS / "capita_one__students.yml"
    own = tmp_path / shipped.name
    text = shipped.read_text()
    assert change[0] in text
    own.write_text(text.replace(*change))
    with pytest.raises(ContractError) as error:
        contracts.parse("capita_one__students", own, contracts.COLUMN_MAPS / "capita_one__students.csv")
    assert message in str(error.value) and own.stem in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  surname: ", "  # surname: "), "column surname of the shipped contract is missing. Add it"),
        (("type: date,", "type: text,"), "column date_of_birth has type text, and the warehouse takes date"),
        (("student_id:         {type: id,", "student_id: {type: text,"), "column student_id has type text"),
        (("key: [student_id]", "key: [student_id, upn]"), r"key is \[student_id, upn\], and the warehouse is made by"),
    ],
)
def test_a_councils_contract_has_what_the_warehouse_is_made_of(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    for folder, shipped in (("contracts", CONTRACTS), ("column_maps", contracts.COLUMN_MAPS)):
        (tmp_path / folder).mkdir()
        for path in shipped.glob("capita_one__students.*"):
            shutil.copy(path, tmp_path / folder)
    own, headers = tmp_path / "contracts/capita_one__students.yml", tmp_path / "column_maps/capita_one__students.csv"
    own.write_text(own.read_text().replace(*change))
    if "# surname" in change[1]:
        headers.write_text("".join(line for line in headers.open() if not line.startswith("surname,")))
    with pytest.raises(ContractError, match=message) as error:
        contracts.load("capita_one.students", settings.load({"SEND_CONFIG": str(tmp_path)}))
    assert str(own) in str(error.value)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        (b"surname\n", "there is no header"),
        (b"surname,' -\n", "there is no header"),
        (b"maiden_name,Maiden Name\n", "maiden_name is not a column of the contract"),
        (b"forename,surname\n", ""),  # one header may feed two columns
        (b"surname,Name, of the child\n", "it has 3 values, and the first line 2"),
        (b'surname,"' + b"x" * 3_000_000, "it is no CSV that can be read"),
        (b",\n", ""),
        (b"surname,Pr\xe9nom\n", ""),
        ("surname, Childs\u200b Name ,\r\n".encode(), ""),
    ],
)
def test_a_column_map_with_a_mistake_is_named_with_its_line(tmp_path: Path, added: bytes, message: str) -> None:
    name = "capita_one__students"
    own = tmp_path / f"{name}.csv"
    own.write_bytes((contracts.COLUMN_MAPS / own.name).read_bytes() + added)
    if not message:
        assert contracts.parse(name, CONTRACTS / f"{name}.yml", own).columns
        return
    with pytest.raises(ContractError, match=message) as error:
        contracts.parse(name, CONTRACTS / f"{name}.yml", own)
    assert own.name in str(error.value)


def test_an_unknown_feed_is_told_with_the_known_ones() -> None:
    with pytest.raises(
        ContractError, match=r"There is no feed capita_one\.toys\. Feeds: board\.actions, board\.measures, "
    ):
        contracts.load("capita_one.toys", SHIPPED)
