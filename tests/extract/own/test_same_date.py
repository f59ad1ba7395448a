"""Files of one feed and date under names of several kinds: none takes another's place unseen."""

import pytest

from tests.extract.own.council import FEED, Council

STEM = "capita_one_home_education"


def drop(council: Council, name: str, students: range) -> None:
    path = council.given.inbox / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(["Student ID,Start Date", *(f"{number},01/09/2026" for number in students), ""]))


@pytest.mark.parametrize(
    "names",
    [
        (f"{STEM}_20261116_north.csv", f"{STEM}_20261116_south.csv"),
        (f"{STEM} 16 Nov 2026.csv", f"{STEM} 16 Nov 2026 east.xlsx.csv"),
        (f"north/{STEM}_20261116.csv", f"south/{STEM}_20261116.csv"),
        (f"{STEM}_20261116.csv", f"{STEM}_2026-11-16 Year 7.csv"),
    ],
)
def test_parts_are_refused_and_what_had_landed_stays(council: Council, names: tuple[str, str]) -> None:
    drop(council, f"{STEM}_20261115.csv", range(10))
    council.night("2026-11-15")
    for at, name in enumerate(names):
        drop(council, name, range(100 * at, 100 * at + 10 + at))
    night = council.night()
    assert (night.result["status"], night.result["data_date"]) == ("refused", "2026-11-15")
    assert night.students() == {str(number) for number in range(10)}
    assert len(night.told("F-54")) == 2
    refused = [file["file_name"] for file in night.result["files"] if file["status"] == "refused"]
    assert sorted(refused) == sorted(names)


def test_a_part_that_comes_a_night_later_does_not_take_the_place_of_the_first(council: Council) -> None:
    drop(council, f"{STEM}_20261116_north.csv", range(10))
    assert council.night().result["status"] == "fresh"
    drop(council, f"{STEM}_20261116_south.csv", range(100, 111))
    night = council.night()
    assert (night.result["status"], night.students()) == ("refused", {str(number) for number in range(10)})


@pytest.mark.parametrize("again", ["_v2", " (1)", " final", " - Copy", "_corrected", "T0900", " final v3"])
def test_the_same_export_once_more_takes_its_place(council: Council, again: str) -> None:
    drop(council, f"{STEM}_20261116.csv", range(10))
    council.night()
    drop(council, f"{STEM}_20261116{again}.csv", range(20, 31))
    night = council.night()
    assert (night.result["status"], night.result["rows_accepted"]) == ("fresh", 11)


def test_the_contract_may_say_that_the_newest_counts(council: Council) -> None:
    from extract import contract

    shipped = (contract.CONTRACTS / f"{FEED.replace('.', '__')}.yml").read_text()
    council.configure(f"contracts/{FEED.replace('.', '__')}.yml", f"same_date: newest\n{shipped}")
    drop(council, f"{STEM}_20261116_monday.csv", range(10))
    council.night()
    drop(council, f"{STEM}_20261116_tuesday.csv", range(20, 31))
    assert council.night().result["rows_accepted"] == 11
