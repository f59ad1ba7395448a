"""Whatever a council writes in SEND_CONFIG, a run begins with a configuration that every step can read."""

import os
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from expectations import feeds, lists
from expectations import sen2 as sen2_checks
from extract import contract as contracts
from extract.inbox import survey
from extract.own import prepare, source
from operations import settle
from operations.retention import periods
from send_ready import configuration, files, layout, runs, settings, tables
from send_ready.configuration import ASIDE, COUNCIL, LAST_GOOD, MENDED, NOTHING, SHIPPED, Held
from send_ready.runs import Run
from send_ready.settings import PROJECT, Settings
from tests.contract.test_walls import FILES
from warehouse import council_files, own_seeds, seeds

STUDENTS = "contracts/capita_one__students.yml"
HEADERS = "column_maps/capita_one__students.csv"
SURVIVES = "crosswalks/survivorship.csv"
SEX = "crosswalks/xwalk_sex.csv"
DECISIONS = "decisions/person_links.csv"
# Names that no file of ours stands behind.
SHIPPED_NONE = {DECISIONS, council_files.PICKUP, council_files.SYSTEMS, layout.OWN}


class House:
    """A SEND_HOME and a SEND_CONFIG."""

    def __init__(self, folder: Path):
        self.folder, self.config = folder, folder / "config"
        self.config.mkdir()
        self.night = 0

    @property
    def given(self) -> Settings:
        return settings.load({"SEND_HOME": str(self.folder / "home"), "SEND_CONFIG": str(self.config)})

    def write(self, name: str, data: bytes | str | None = None) -> Path:
        """A file of the council's; without data a copy of the shipped one."""
        path = self.config / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(shipped(name) if data is None else data.encode() if isinstance(data, str) else data)
        return path

    def change(self, name: str, old: str, new: str) -> Path:
        text = shipped(name).decode()
        assert old in text
        return self.write(name, text.replace(old, new, 1))

    def settle(self) -> tuple[Run, Settings, dict[str, Held]]:
        self.night += 1
        run = Run(self.folder / "home", f"n{self.night}", date(2026, 11, 16), "999")
        in_force = settle.settle(run, self.given)
        return run, in_force, {each.name: each for each in configuration.settled_for(run).held}


def shipped(name: str) -> bytes:
    path = council_files.shipped_file(name, council_files.kind_by_name()[name])
    return path.read_bytes() if path else b"record_1,record_2,decision\ncapita_one:1,ehc_hub:2,same\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def use(run: Run, in_force: Settings) -> None:
    """Read all of the configuration as the steps do."""
    for contract in contracts.load_all(in_force):
        feeds.rules_of(contract.id, in_force)
        prepare.load(contract.name, in_force)
    source.load_all(in_force)
    for listed in layout.lists():
        lists.rules_of(listed, in_force)
    for suite in sen2_checks.SUITES:
        sen2_checks.rules_of(suite, in_force)
    for path in seeds.folder_in_force(run, in_force).rglob("*.csv"):
        assert seeds.rows(path.stem, in_force)
    assert in_force.config
    if (decisions := in_force.config / DECISIONS).exists():
        tables.read_rows(decisions, *tables.DECISIONS)


def test_every_file_of_configuration_that_the_code_asks_for_is_of_a_kind_that_is_checked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: set[str] = set()
    whole = Settings.config_file

    def config_file(self: Settings, *parts: str, shipped: Path) -> Path:
        asked.add("/".join(parts))
        return whole(self, *parts, shipped=shipped)

    monkeypatch.setattr(Settings, "config_file", config_file)
    use(*house.settle()[:2])
    periods.load(house.given)
    for name in own_seeds.seed_names():
        seeds.rows(name, house.given)
    kinds = council_files.kind_by_name(house.config)
    assert {name for name, kind in kinds.items() if kind.shipped is None} == SHIPPED_NONE
    assert asked == set(kinds) - SHIPPED_NONE
    asking = {str(path.relative_to(PROJECT)) for path in FILES if ".config_file(" in path.read_text(encoding="utf-8")}
    assert asking == {"extract/contract.py", "extract/own/prepare.py", "extract/own/source.py",
                      "expectations/feeds.py", "expectations/lists.py", "expectations/sen2.py",
                      "operations/retention/periods.py", "send_ready/sen2.py", "warehouse/seeds.py"}  # fmt: skip
    may_ship_none = ("expectations/feeds", "prepare")
    for name, kind in council_files.kind_by_name().items():
        assert council_files.shipped_file(name, kind) or kind.folder in may_ship_none or name in SHIPPED_NONE


def test_copies_of_all_that_ships_are_in_force(house: House) -> None:
    ships = [name for name, kind in council_files.kind_by_name().items() if council_files.shipped_file(name, kind)]
    for name in [*ships, DECISIONS]:
        house.write(name)
    run, in_force, held = house.settle()
    assert {each.state for each in held.values()} == {COUNCIL} and held.keys() == {*ships, DECISIONS}
    assert {name: each.sha256 for name, each in held.items()} == {
        name: files.sha256(house.config / name) for name in held
    }
    use(run, in_force)


BAD: list[tuple[str, Callable[[House], object], str]] = [
    (STUDENTS, lambda h: h.change(STUDENTS, "key: [student_id]", "key: [pupil]"), "pupil is not a column"),
    (STUDENTS, lambda h: h.change(STUDENTS, "key: [student_id]", "key: [student_id, upn]"), "key is [student_id, upn]"),
    (STUDENTS, lambda h: h.change(STUDENTS, "student_id:         {type: id", "student_id: {type: text"), "has type"),
    (STUDENTS, lambda h: h.write(STUDENTS, ""), "there is none"),
    (STUDENTS, lambda h: h.write(STUDENTS, b"\xff\xfe\x00"), "not YAML"),
    (STUDENTS, lambda h: h.write(STUDENTS, "a: &a [x, x]\nb: [*a, *a]\n"), "is not taken here"),
    (STUDENTS, lambda h: h.write(STUDENTS, shipped(STUDENTS) + b"\nowner: Another\n"), "owner stands twice"),
    (STUDENTS, lambda h: h.write(STUDENTS, "[" * 100_000), "not YAML"),
    (STUDENTS, lambda h: h.write(STUDENTS, b"#" * 300_000), "has more than 262,144 bytes"),
    (STUDENTS, lambda h: h.change(STUDENTS, "capita_one_students", "capita one attendance"), "is that of feed"),
    (STUDENTS, lambda h: (h.config / STUDENTS).mkdir(parents=True), "is a folder, and must be a file"),
    (HEADERS, lambda h: h.write(HEADERS, "column;header\nsurname;Name\n"), "It has semicolons between its values"),
    (HEADERS, lambda h: h.write(HEADERS, shipped(HEADERS) + b"forename,-\n"), "there is no header. Write `forename,"),
    (SEX, lambda h: h.write(SEX, shipped(SEX) + b"male,F\n"), "its value stands in line 3 already"),
    (SEX, lambda h: h.write(SEX, shipped(SEX) + b"lad,boy\n"), "code is 'boy'"),
    (SEX, lambda h: h.write(SEX, "code,local_value\nM,M\n,\n,U\n".replace(",U", "U,")), "there is no local_value"),
    (SEX, lambda h: h.write(SEX, os.urandom(5_000)), "xwalk_sex.csv"),
    (SEX, lambda h: (h.config / SEX).parent.mkdir() or (h.config / SEX).symlink_to("nowhere"), "cannot be read"),
    (SEX, lambda h: (h.config / SEX).parent.mkdir() or (h.config / SEX).symlink_to("/dev/zero"), "is no file"),
    (SEX, lambda h: (h.config / SEX).parent.mkdir() or os.mkfifo(h.config / SEX), "is no file"),
    ("crosswalks/", lambda h: (h.config / "crosswalks").write_text("x"), "cannot be read: Not a directory"),
    (SURVIVES, lambda h: h.change(SURVIVES, "upn,", "uln,"), "fact is 'uln'"),
    ("targets/kpi_targets.csv", lambda h: h.change("targets/kpi_targets.csv", "K01,100", "K01,all"), "target_value"),
    (
        "expectations/feeds/capita_one__students.yml",
        lambda h: h.change("expectations/feeds/capita_one__students.yml", "column: ", "column: no_such_"),
        "no_such_",
    ),
    (
        "expectations/lists/both.yml",
        lambda h: h.change("expectations/lists/both.yml", "expect: expect_", "expect: hope_"),
        "Great Expectations refuses it",
    ),
    (
        "expectations/lists/both.yml",
        lambda h: h.change("expectations/lists/both.yml", "severity: error", "severity: grave"),
        "severity is grave, and must be one of: stop",
    ),
    (DECISIONS, lambda h: h.write(DECISIONS, "record_1,record_2\na,b\n"), "there is no column decision"),
    ("none_dates.yml", lambda h: h.write("none_dates.yml", "none_dates: [tomorrow]"), "none_dates"),
    ("none_dates.yml", lambda h: h.write("none_dates.yml", ""), "none_dates.yml"),
    ("retention.yml", lambda h: h.write("retention.yml", "exports: {days: 0}\n"), "unknown thing exports. Known: "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "said"), BAD, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(BAD)])
def test_a_bad_file_is_set_aside_by_name_and_the_shipped_one_is_in_force(
    house: House, name: str, spoil: Callable[[House], object], said: str
) -> None:
    house.write("targets/kpi_action_rag.csv")
    spoil(house)
    run, in_force, held = house.settle()
    found = held[name]
    assert found.state == ASIDE and found.reason and said in found.reason and "\n" not in found.reason
    assert found.instead in (SHIPPED, NOTHING) or name.endswith("/")
    assert str(house.folder) not in found.reason  # the name in SEND_CONFIG says where
    assert held["targets/kpi_action_rag.csv"].state == COUNCIL  # the others stay in force
    assert in_force.config and not (in_force.config / name).is_file()
    use(run, in_force)
    issues = configuration.issues(configuration.settled_for(run))
    (issue,) = (each for each in issues if each.rule == configuration.SET_ASIDE)
    assert (issue.severity, issue.file_name, issue.owner) == ("error", name, "Data team")
    assert issue.message.endswith(f"In force instead: {found.instead}.")


@pytest.mark.parametrize(("name", "spoil", "said"), BAD, ids=[f"{n}-{i}" for i, (n, *_) in enumerate(BAD)])
def test_what_was_in_force_in_the_last_good_run_is_in_force_first(
    house: House, name: str, spoil: Callable[[House], object], said: str
) -> None:
    place = SEX if name == "crosswalks/" else name
    house.write(place, b"local_value,code\nboy,M\ngirl,F\n" if place == SEX else None)
    before = (house.config / place).read_bytes()
    run, _, held = house.settle()
    assert held[place].state == COUNCIL
    configuration.keep(run)
    shutil.rmtree(house.config)
    house.config.mkdir()
    spoil(house)
    run, in_force, held = house.settle()
    assert held[place].state == ASIDE and held[place].instead == LAST_GOOD
    assert in_force.config and (in_force.config / place).read_bytes() == before
    use(run, in_force)
    configuration.keep(run)  # this one came to its end well, with what had been good: that is not forgotten
    assert house.settle()[2][place].instead == LAST_GOOD
    (house.config / "..").resolve()
    shutil.rmtree(house.config)
    house.config.mkdir()
    run, in_force, held = house.settle()  # taken away on purpose
    assert not held and in_force.config and not list(in_force.config.rglob("*.*"))
    use(run, in_force)


def test_a_damaged_copy_of_the_last_good_run_is_not_used(house: House) -> None:
    house.write(SEX, "local_value,code\nboy,M\n")
    configuration.keep(house.settle()[0])
    (kept,) = (path for path in (house.folder / "home" / "configuration").iterdir() if path.name != "good.json")
    kept.write_text("local_value,code\nboy,F\n")
    house.write(SEX, "x")
    assert house.settle()[2][SEX].instead == SHIPPED
    kept.with_name("good.json").write_text('{"files": {"crosswalks/xwalk_sex.csv": "../../x"}}')
    assert house.settle()[2][SEX].instead == SHIPPED
    kept.with_name("good.json").write_text("[")
    assert house.settle()[2][SEX].instead == SHIPPED


def test_a_folder_of_configuration_that_is_away_is_as_it_was_in_the_last_good_run(house: House) -> None:
    house.write(SEX, "local_value,code\nboy,M\n")
    house.write(HEADERS, shipped(HEADERS) + b"surname,Childs Surname\n")
    configuration.keep(house.settle()[0])
    shutil.rmtree(house.config)
    _, in_force, held = house.settle()
    assert {held[name].instead for name in (SEX, HEADERS)} == {LAST_GOOD}
    assert held["contracts/"].state == ASIDE and "No such file" in str(held["contracts/"].reason)
    assert seeds.rows("xwalk_sex", in_force) == [{"local_value": "boy", "code": "M"}]
    assert "Childs Surname" in str(contracts.load("capita_one.students", in_force).columns)


def test_a_contract_that_is_set_aside_takes_no_column_map_with_it(house: House) -> None:
    house.write(HEADERS, shipped(HEADERS) + b"surname,Childs Surname\nfoster_home,Foster\n")
    house.change(STUDENTS, "columns:", "columns:\n  foster_home: {type: text}\n  upn: {type: text}")
    run, in_force, held = house.settle()
    assert held[STUDENTS].state == ASIDE and "upn stands twice" in str(held[STUDENTS].reason)
    assert held[HEADERS].state == MENDED
    assert held[HEADERS].reason == f"{HEADERS}: foster_home is not a column of the contract, and was passed over."
    assert "Childs Surname" in str(contracts.load("capita_one.students", in_force).columns)
    assert {each.rule for each in configuration.issues(configuration.settled_for(run))} == {"F-40", "F-41"}


def test_a_column_map_without_a_column_has_the_shipped_headers_of_that(house: House) -> None:
    lines = shipped(HEADERS).decode().splitlines(keepends=True)
    house.write(HEADERS, "".join(line for line in lines if not line.startswith("surname,")) + "forename,Vorname\n")
    _, in_force, held = house.settle()
    assert held[HEADERS].state == MENDED and "no header for column surname" in str(held[HEADERS].reason)
    columns = {column.name: column.headers for column in contracts.load("capita_one.students", in_force).columns}
    assert columns["surname"][0] == "Surname" and "Vorname" in columns["forename"]


def test_a_header_may_be_that_of_two_columns(house: House) -> None:
    house.write(HEADERS, shipped(HEADERS) + b"forename,Surname\n")
    _, in_force, held = house.settle()
    assert held[HEADERS].state == COUNCIL and not held[HEADERS].reason
    columns = {column.name: column.headers for column in contracts.load("capita_one.students", in_force).columns}
    assert columns["surname"][0] == "Surname" and columns["forename"][-1] == "Surname"


def test_contract_and_column_map_are_taken_together(house: House) -> None:
    house.change(STUDENTS, "columns:", "columns:\n  foster_home: {type: text}")
    assert house.settle()[2][STUDENTS].state == ASIDE
    house.write(HEADERS, shipped(HEADERS) + b"foster_home,Foster\n")
    run, in_force, held = house.settle()
    assert {each.state for each in held.values()} == {COUNCIL}
    use(run, in_force)
    configuration.keep(run)
    house.write(HEADERS, "garbage")  # the contract needs a header that only the council's map has
    _, in_force, held = house.settle()
    assert (held[STUDENTS].state, held[HEADERS].instead) == (COUNCIL, LAST_GOOD)


def test_a_repeated_line_of_a_crosswalk_counts_once_and_is_told(house: House) -> None:
    house.write(SEX, shipped(SEX) + b"Male,M\n")
    run, in_force, held = house.settle()
    assert held[SEX].state == MENDED and "it says once more what an earlier line says" in str(held[SEX].reason)
    use(run, in_force)


def test_a_run_keeps_the_configuration_that_it_began_with(house: House) -> None:
    house.write(SEX, "local_value,code\nboy,M\n")
    run, _, _ = house.settle()
    house.write(SEX, "local_value,code\nboy,F\n")
    in_force = settle.in_force(run, house.given)
    assert seeds.rows("xwalk_sex", in_force) == [{"local_value": "boy", "code": "M"}]
    (run.folder / configuration.RECORD).unlink()  # of a version that kept none
    in_force = settle.in_force(run, house.given)
    assert seeds.rows("xwalk_sex", in_force) == [{"local_value": "boy", "code": "F"}]


def test_begin_tells_and_goes_on(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.write(SEX, "x")
    run = runs.begin(replace(house.given, as_at=date(2026, 11, 16)))
    survey.survey(run, settle.settle(run, house.given))
    assert f"{SEX}: set aside. {SEX}: there is no column" in capsys.readouterr().err
    told = duckdb.read_parquet(str(run.issues("inbox"))).project("rule, severity, file_name").fetchall()
    assert told == [("F-40", "error", SEX)]


MUTATIONS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "line away": lambda data, dice: _lines(data, lambda lines: lines.pop(dice.randrange(len(lines)))),
    "line twice": lambda data, dice: _lines(data, lambda lines: lines.insert(0, lines[dice.randrange(len(lines))])),
    "lines swapped": lambda data, dice: _lines(data, lambda lines: dice.shuffle(lines)),
    "byte": lambda data, dice: _at(data, dice, bytes([dice.randrange(256)])),
    "bytes": lambda data, dice: _at(data, dice, dice.randbytes(40)),
    "cut": lambda data, dice: data[: dice.randrange(len(data))],
    "empty": lambda data, dice: b"",
    "mark": lambda data, dice: _at(
        data, dice, dice.choice([b'"', b"'", b",", b";", b":", b"[", b"{", b"&a ", b"*a", b"\t"])
    ),
    "utf-16": lambda data, dice: data.decode().encode("utf-16"),
    "utf-16 without a mark": lambda data, dice: data.decode().encode("utf-16-le"),
    "with a mark": lambda data, dice: b"\xef\xbb\xbf" + data,
    "semicolons": lambda data, dice: data.replace(b",", b";"),
    "commas after": lambda data, dice: data.replace(b"\n", b",,\n"),
    "blank lines": lambda data, dice: data.replace(b"\n", b"\n\n"),
    "formula": lambda data, dice: data.replace(b",", b",=1+1", dice.randrange(3)),
    "columns swapped": lambda data, dice: b"\n".join(b",".join(reversed(x.split(b","))) for x in data.split(b"\n")),
    "null": lambda data, dice: data.replace(b": ", b": null #", 1 + dice.randrange(6)),
    "deep": lambda data, dice: data + b"\nx: " + b"[" * 5_000,
}


def _lines(data: bytes, change: Callable[[list[bytes]], object]) -> bytes:
    lines = data.splitlines(keepends=True)
    change(lines)
    return b"".join(lines)


def _at(data: bytes, dice: random.Random, given: bytes) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + given + data[at + dice.randrange(2) :]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_written_there_a_run_has_a_configuration_that_can_be_read(house: House, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    names = [name for name, kind in council_files.kind_by_name().items() if council_files.shipped_file(name, kind)] + [
        DECISIONS
    ]
    for _ in range(12):
        shutil.rmtree(house.config)
        house.config.mkdir()
        for name in dice.sample(names, 6):
            house.write(name, dice.choice(list(MUTATIONS.values()))(shipped(name), dice))
        run, in_force, held = house.settle()
        use(run, in_force)
        assert all(each.reason for each in held.values() if each.state != COUNCIL)
