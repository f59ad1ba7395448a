"""A feed prepared from a council's own files, night after night: what is in use, and what is told."""

import pytest

from tests.extract.own.council import NAME, SELECT, SOURCE, Council

NORTH = [("S1", "Ann", "01/09/2026", ""), ("S2", "Bob", "2 Sept 2026", "")]
SOUTH = [("S3", "Cyd", "01/10/2026", "02/10/2026"), ("S4", "Dee", 46000, "")]


def test_rows_of_two_districts_are_one_feed(council: Council) -> None:
    council.register()
    council.drop("EHE register North 16-11-2026.xlsx", NORTH)
    council.drop("EHE register South 16 Nov 2026.xlsx", SOUTH)
    night = council.night()
    assert night.result["status"] == "fresh"
    assert night.rows("student_id, start_date::VARCHAR, end_date::VARCHAR, _file, _line_no") == [
        ("S1", "2026-09-01", None, "EHE register North 16-11-2026.xlsx", 5),
        ("S2", "2026-09-02", None, "EHE register North 16-11-2026.xlsx", 6),
        ("S3", "2026-10-01", "2026-10-02", "EHE register South 16 Nov 2026.xlsx", 5),
        ("S4", "2025-12-09", None, "EHE register South 16 Nov 2026.xlsx", 6),
    ]
    assert night.result["prepared"]["rows_in"] == {"register": 4}
    assert night.sources()["register"]["rows_set_aside"] == 2
    assert not night.told("F-48")


def test_a_part_that_does_not_come_stays_in_use_and_is_told(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261101.xlsx", NORTH)
    council.drop("EHE register South 20261101.xlsx", SOUTH)
    council.night("2026-11-01")
    council.drop("EHE register North 20261116.xlsx", [*NORTH, ("S9", "Eve", "01/11/2026", "")])
    night = council.night()
    assert night.students() == {"S1", "S2", "S3", "S4", "S9"}
    assert (night.result["status"], night.result["data_date"]) == ("stale", "2026-11-01")
    assert [each["status"] for each in night.result["files"]] == ["accepted", "accepted"]
    assert [said for said in night.told("F-49") if "part south is of 2026-11-01" in said]
    assert [said for said in night.told("F-16") if "register, part south is 15 days" in said]


@pytest.mark.parametrize(
    ("together", "day", "status"),
    [("newest", "2026-10-20", "stale"), ("all", "2026-11-10", "fresh")],
)
def test_the_data_is_as_old_as_the_source_that_is_oldest(
    council: Council, together: str, day: str, status: str
) -> None:
    """A list of the 16th that is joined to one of before is not of the 16th; of `all` the newest file says the age."""
    council.register(select=SELECT.replace("FROM register", 'FROM register JOIN (SELECT DISTINCT "Name" FROM roll) '
                                           'USING ("Name")'))  # fmt: skip
    council.configure("sources/roll.yml", SOURCE.replace("EHE register {part}", "Roll of {part}").replace(
        "parts: [north, south]", f"together: {together}"))  # fmt: skip
    council.drop("Roll of North 20261020.csv", NORTH)
    if together == "all":
        council.drop("Roll of North 20261110.csv", SOUTH)
    council.drop("EHE register North 20261116.xlsx", NORTH)
    night = council.night()
    assert night.students() == {"S1", "S2"}
    assert (night.result["data_date"], night.result["status"]) == (day, status)
    roll = [each for each in night.told("F-16") if "roll" in each]
    assert bool(roll) == (status == "stale")


def test_a_part_that_never_came_is_told(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261116.xlsx", NORTH)
    night = council.night()
    assert night.students() == {"S1", "S2"}
    assert night.told("F-48") == ["No file of part south has ever been accepted: its children are missing."]


def test_a_change_of_the_select_counts_at_once_and_a_past_day_is_built_again(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261101.xlsx", NORTH)
    before = council.night("2026-11-01").rows("*")
    council.drop("EHE register North 20261116.xlsx", SOUTH)
    council.night()
    assert council.night("2026-11-01").rows("*") == before
    council.configure(f"prepare/{NAME}.sql", SELECT.replace('"Pupil No"', "concat('X', \"Pupil No\")"))
    assert council.night().students() == {"XS3", "XS4"}


def test_a_file_by_the_feeds_own_name_is_told_and_left(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261116.xlsx", NORTH)
    (council.given.inbox / "capita_one_home_education_20261116.csv").write_text(
        "Student ID,Start Date\nS7,01/09/2026\n"
    )
    night = council.night()
    assert night.students() == {"S1", "S2"}
    assert len(night.told("F-46")) == 1


BROKEN = [
    (f"prepare/{NAME}.sql", SELECT.replace('"EHE from"', '"Since"')),  # fails on every file
    (f"prepare/{NAME}.sql", f"{SELECT} WHERE false"),  # gives nobody
    ("sources/register.yml", f"{SOURCE}header: {{row: 40}}\n"),  # finds no header
]


@pytest.mark.parametrize(("name", "text"), BROKEN)
def test_a_change_that_works_on_no_file_leaves_the_last_that_did_in_use(council: Council, name: str, text: str) -> None:
    council.register()
    council.drop("EHE register North 20261114.xlsx", NORTH)
    council.night("2026-11-14").keep()
    council.configure(name, text)
    council.drop("EHE register North 20261115.xlsx", [*NORTH, ("S5", "Flo", "01/11/2026", "")])
    night = council.night("2026-11-15")
    assert night.students() == {"S1", "S2", "S5"}
    assert (night.result["status"], night.result["data_date"]) == ("fresh", "2026-11-15")
    assert night.result["prepared"]["is_as_before"]
    (said,) = night.told("F-60")
    assert said.startswith(f"prepare/{NAME}.sql as it is now cannot use the newest files: ")
    night.keep()  # which must not make the broken one what last worked
    council.drop("EHE register North 20261116.xlsx", [*SOUTH, NORTH[0]])
    assert council.night().students() == {"S1", "S3", "S4"}
    council.register()
    mended = council.night()
    assert mended.students() == {"S1", "S3", "S4"}
    assert not (mended.told("F-60") or mended.result["prepared"]["is_as_before"])


def test_a_change_that_works_on_an_old_file_alone_does_not_make_the_data_old(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261114.xlsx", NORTH)
    council.night("2026-11-14").keep()
    council.configure(f"prepare/{NAME}.sql", f"{SELECT} WHERE _data_date < '2026-11-15'")
    council.drop("EHE register North 20261116.xlsx", [*NORTH, ("S5", "Flo", "01/11/2026", "")])
    assert council.night().students() == {"S1", "S2", "S5"}
