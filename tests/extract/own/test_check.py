"""`make check` of a council's own files: what the night would make of them, and nothing is kept."""

from datetime import date
from pathlib import Path

from commands.check_own import own_files
from operations import settle
from publish.report.check import BAD, OK
from tests.extract.own.council import FEED, SELECT, Council

NORTH = [("S1", "Ann", "01/09/2026", ""), ("S2", "Bob", "02/09/2026", "")]


def tree(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*")) if folder.exists() else []


def test_it_is_the_night_played_aside(council: Council) -> None:
    council.register()
    council.drop("EHE register North 20261116.xlsx", NORTH)
    before = tree(council.given.home)
    with settle.trial(council.given) as (given, _):
        (sources, feeds, told), prepared, _ = own_files(given, date(2026, 11, 16))
    assert prepared == {FEED}
    assert [(line.level, line.cells[:2]) for line in sources.lines] == [(OK, ("register", "Fresh"))]
    assert [(line.level, line.cells[1], line.cells[4][:27]) for line in feeds.lines] == [
        (OK, "Fresh", "2 rows out of 2 of register")
    ]
    assert [line.cells[2][:4] for line in told.lines] == ["F-48"]  # the south
    assert tree(council.given.home) == before


def test_a_column_that_is_called_otherwise_is_told_before_the_night(council: Council) -> None:
    council.register(select=SELECT.replace("Pupil No", "Pupil Number"))
    council.drop("EHE register North 20261116.xlsx", NORTH)
    with settle.trial(council.given) as (given, _):
        (_, feeds, told), _, _ = own_files(given, date(2026, 11, 16))
    assert [(line.level, line.cells[1]) for line in feeds.lines] == [(BAD, "Refused")]
    assert any(
        "prepare/capita_one__home_education.sql, line 2" in line.cells[2] and "Pupil Number" in line.cells[2]
        for line in told.lines
    )


def test_without_sources_there_is_nothing_to_say(council: Council) -> None:
    assert own_files(council.given, date(2026, 11, 16)) == ([], set(), [])
