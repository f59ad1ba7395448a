"""A night, an inspection and a board's edition of a council that attacks; then a night on which all goes wrong.

What is tried: formulas, links, scripts and markup in every cell, header and file name; children and secrets in logs;
files that others could read; calls to any network. tests/security/night.py has the night itself.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import pytest
import yaml

from extract import contract as contracts
from send_ready import database, files, settings
from send_ready.database import literal
from send_ready.home import (
    ALERTS,
    ANSWER_KEY,
    CATALOGUE,
    CHECK,
    CHRONOLOGIES,
    CONFIG,
    INBOX,
    LEFTOVERS,
    ONBOARDING,
    OUT,
    PICKED_UP,
    PLACES,
    RECORDS,
    REHEARSALS,
    RESTORING,
    SEN2,
    SERVING,
    Holds,
    holds,
    place_of,
)
from tests import servers
from tests.security import council, night, scan, workbooks
from tests.security.night import NOTIFIED_ON, PROJECT, RUN, Night
from tests.waiting import HANG

# How to make each step fail: the command that it is part of. One in Airflow's process has none.
COMMANDS = {
    "begin": ["begin"],
    "extract": ["extract", "capita_one.students"],
    "validate-feeds": ["validate-feeds"],
    "validate-lists": ["validate-lists"],
    "validate-sen2": ["validate-sen2"],
    "publish": ["publish"],
    "serve": ["serve"],
    "load": ["build"],  # last, as it takes the warehouse away
}
BESIDE = {
    "dbt",
    "night",
    "freeze",
    "board",
    "serve-postgres",
}  # broken below each in a way of its own; the night is Airflow's


QUERIES = (  # whose answers hold attacks
    "SELECT action_id, area, action, action_owner, evidence FROM kpi.improvement_plan",
    "SELECT rule, message, column_name, file_name FROM quality.issues",
    "SELECT person_id, surname, forename FROM person_identifiable.persons",
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The night, and then the day of an inspection and the board's edition on what it built."""
    made = night.begin(tmp_path_factory.mktemp("security"))
    assert made.send_ready("run") == 0, made.said
    name = min(made.children.names)
    assert made.send_ready("request", "--notified-on", NOTIFIED_ON) == 0, made.said
    made.broken("freeze", name, "freeze")
    made.broken("board", name, "board")
    for command in (["freeze"], ["question"], ["release", "--approve", "--by", "A. Director"], ["board"], ["summary"]):
        assert made.send_ready(*command, SEND_APPROVERS="a.director") == 0, made.said
    assert made.send_ready("chronology", *_ids(made), "--notified-on", NOTIFIED_ON) in (0, 1), made.said
    made.watched = made.calls
    with servers.server() as postgres:
        name = postgres.database()
        made.secrets["database"] = servers.PASSWORD
        url = postgres.url(name)
        assert made.send_ready("serve-postgres", is_cut_off=False, SEND_PUBLISH_URL=url) == 0, made.said
        made.in_postgres = {query: postgres.run(query, name) for query in QUERIES}
    with database.reader(made.home / "serving" / "warehouse.duckdb") as con:
        made.in_duckdb = {query: con.execute(query).fetchall() for query in QUERIES}
    assert made.send_ready("watch", "--test") == 1  # nobody can be told
    return made


def _ids(made: Night) -> list[str]:
    with database.reader(made.home / "serving" / "warehouse.duckdb") as con:
        return [row[0] for row in con.execute("SELECT unique_id FROM annex_a.rpt_annex_a__list_1 LIMIT 20").fetchall()]


@pytest.fixture(scope="module")
def afterwards(done: Night) -> Night:
    """After every step was run once more and stopped on a child that it could not take."""
    name = min(done.children.names)
    done.send_ready("serve-postgres", SEND_PUBLISH_URL=done.urls["SEND_PUBLISH_URL"].replace("127.0.0.1", "no.invalid"))
    for step, command in COMMANDS.items():
        assert done.broken(step, name, *command) == 1 or "validate" in step, step  # which go on with the next feed
    _spoil(done, "capita_one__enrolments", "weekly_hours", name)
    assert done.send_ready("build") != 0
    return done


def _spoil(made: Night, feed: str, column: str, value: str) -> None:
    """Put a text where the typed rows of a feed have a number."""
    path = made.home / files.read_json(made.home / "runs" / RUN / "feeds" / f"{feed}.json")["typed_path"]
    with database.scratch() as con:
        con.execute(f"""
            CREATE TABLE typed AS SELECT * REPLACE ({literal(value)} AS {column}) FROM read_parquet({literal(path)});
            COPY typed TO {literal(path)} (FORMAT parquet)""")
    path.chmod(0o600)


def test_every_step_is_broken(done: Night) -> None:
    progress = (done.home / "runs" / RUN / "progress.jsonl").read_text().splitlines()
    steps = {yaml.safe_load(line)["step"] for line in progress}
    assert steps == COMMANDS.keys() | BESIDE


def test_every_column_about_a_person_is_known_here() -> None:
    """A column that a contract gains is looked for in logs too."""
    told = re.compile(r"name|upn|uln|birth|dob|email|phone|address")
    columns = {column.name for each in contracts.load_all(settings.load({})) for column in each.columns}
    known = council.NAMES | council.BIRTHDAYS | council.NUMBERS | council.OF_OTHERS
    assert {column for column in columns if told.search(column)} <= known


# Formulas, links, scripts


def test_no_workbook_holds_anything_but_text_and_numbers(done: Night) -> None:
    books = _books(done)
    assert {path.name for path in books} >= {
        "annex_a_person_level_lists.xlsx",
        "annex_a_further_items.xlsx",
        "issues.xlsx",
        "kpi.xlsx",
        "timetable.xlsx",
        "chronology.xlsx",
    }
    assert [what for path in books for what in workbooks.active(path)] == []


def test_the_attacks_did_arrive(done: Night) -> None:
    """Else the other tests would find nothing wherever they look."""
    said = {path.name: "".join(text for _, text in scan.texts(path)) for path in _books(done)}
    for name, attack in {
        "annex_a_person_level_lists.xlsx": "=1+1",
        "issues.xlsx": "DROP TABLE",
        "annex_a_further_items.xlsx": "cmd|",
        "kpi.xlsx": "@SUM(",
    }.items():
        assert attack in said[name], name


@pytest.mark.debian("office")
def test_nor_after_libreoffice_opened_and_saved_it(done: Night, tmp_path: Path) -> None:
    different = {files.sha256(path): path for path in _books(done)}.values()  # what is released is a copy
    books = [tmp_path / f"{at}_{path.name}" for at, path in enumerate(different)]
    for book, path in zip(books, different, strict=True):
        shutil.copyfile(path, book)
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", tmp_path / "saved", *books], check=True, capture_output=True, timeout=HANG)
    saved = sorted((tmp_path / "saved").iterdir())
    assert len(saved) == len(books)
    assert [what for path in saved for what in workbooks.active(path)] == []


class _Page(HTMLParser):
    """Elements and attributes that could run, fetch, or lead away from the pack that the page is in."""

    def __init__(self, pack: Path) -> None:
        super().__init__()
        self.pack = pack
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "img", "link", "base", "form", "foreignobject", "animate"):
            self.found.append(tag)
        for name, value in attrs:
            leads_away = name in ("href", "src", "action", "xlink:href") and not (value or "").startswith("#")
            leads_away &= not (
                tag == "a" and re.fullmatch(r"\w+/[\w.]+", value or "") and (self.pack / str(value)).is_file()
            )
            if name.startswith("on") or leads_away or (name == "style" and "url(" in (value or "")):
                self.found.append(f"{tag} {name}={value}")


def test_no_page_runs_fetches_or_leads_anywhere(done: Night) -> None:
    pages = [path for path in night.kept_by(done.home / "out") if path.suffix == ".html"]
    assert {path.parent.name for path in pages} >= {done.out.name, "public"}
    for path in pages:
        page = _Page(path.parent)
        text = path.read_text("utf-8")
        page.feed(text)
        assert page.found == [], path
        assert "default-src 'none'" in unescape(text)
    assert "&lt;script&gt;alert(" in (done.out / "readiness.html").read_text("utf-8")  # an attack that did arrive


def test_nothing_from_an_export_is_in_what_an_approver_or_a_diary_reads(done: Night) -> None:
    paths = [path for path in night.kept_by(done.home / "out") if path.suffix in (".md", ".ics")]
    assert {path.name for path in paths} == {"brief.md", "timetable.ics"}
    for path in paths:
        text = path.read_text("utf-8")
        assert not [sign for sign in ("evil.example", "alert(", "DROP TABLE", "pwned", "SUM(") if sign in text], path


def test_no_attack_was_carried_out(done: Night) -> None:
    places = (PROJECT, done.folder, done.home, done.inbox, Path("/tmp"), done.home / "runs" / RUN)
    assert not [place for place in places if (place / "pwned").exists()]
    assert done.urls["SEND_PUBLISH_URL"] not in "".join(text for path in _books(done) for _, text in scan.texts(path))
    with database.reader(done.home / "serving" / "warehouse.duckdb") as con:
        assert con.execute("SELECT count(*) FROM annex_a.rpt_annex_a__list_1").fetchall()[0][0] >= 60


def test_attacks_go_through_the_warehouse_and_postgresql_as_text(done: Night) -> None:
    for query in QUERIES:
        assert sorted(map(str, done.in_postgres[query])) == sorted(map(str, done.in_duckdb[query]))
    held = str([row for rows in done.in_postgres.values() for row in rows])
    assert all(sign in held for sign in ("DROP TABLE", "=HYPERLINK(", "<script>", "{{ env_var("))


def test_configuration_is_text_to_dbt(done: Night) -> None:
    """What stands in a seed is not a template, nor a statement."""
    with database.reader(done.home / "runs" / RUN / "warehouse.duckdb") as con:
        held = {row[0] for row in con.execute("SELECT local_value FROM seeds.xwalk_sen_type").fetchall()}
        noted = {row[0] for row in con.execute("SELECT note FROM raw.person_decisions").fetchall()}
    assert set(council.in_config()) <= held
    assert set(council.in_config()) == noted


def _books(made: Night) -> list[Path]:
    """Every workbook but the encrypted copies of some of them."""
    books = [path for path in night.kept_by(made.home / "out") if path.suffix == ".xlsx"]
    return [path for path in books if not path.stem.endswith("_encrypted")]


# Children and secrets


def test_children_are_only_where_the_data_protection_page_says(afterwards: Night) -> None:
    looked_at = set()
    for path in night.kept_by(afterwards.home):
        name = PurePosixPath(path.relative_to(afterwards.home).as_posix())
        most = holds(name)
        assert most, f"no place of send_ready/home.py is meant for {name}"
        if most == Holds.IDENTIFIES:
            continue
        looked_at.add(path.suffix)
        for part, text in scan.texts(path):
            found = scan.children_in(text, afterwards.children)
            if "dim_date" in f"{path.name} {part}":  # a calendar, which has every day
                found &= afterwards.children.names | afterwards.children.numbers
            assert not found, f"{path.relative_to(afterwards.home)} {part} holds {len(found)} of them"
    assert looked_at >= {".log", ".jsonl", ".json", ".html", ".xlsx", ".parquet", ".db", ".sql", ".md"}


def test_every_path_below_send_home_has_a_place(afterwards: Night) -> None:
    """After a night, a call, a release, an edition, chronologies, and steps that were cut off."""
    paths = [PurePosixPath(path.relative_to(afterwards.home).as_posix()) for path in afterwards.home.rglob("*")
             if path.is_symlink() or not path.is_dir() or not any(path.iterdir())]  # fmt: skip
    assert [str(path) for path in paths if not place_of(path)] == []
    there = {place.pattern for path in paths if (place := place_of(path))}
    rare = {
        ALERTS,
        f"{OUT}/{{name}}",
        f"{SERVING}.copy",
        CONFIG,
        RECORDS,
        SEN2,
        CATALOGUE,
        RESTORING,
        ANSWER_KEY,
        CHECK,
        CHRONOLOGIES,
        ONBOARDING,
        f"{ONBOARDING}/trial",
        PICKED_UP,
    }
    assert {place.pattern for place in PLACES} - there <= rare | {INBOX, REHEARSALS, LEFTOVERS}


def test_what_identifies_children_is_found_where_it_belongs(afterwards: Night) -> None:
    """So that the test above would find them."""
    lists = afterwards.out / "annex_a_person_level_lists.xlsx"
    landed = next((afterwards.home / "landing" / "capita_one" / "students").rglob("*.csv"))
    for path in (lists, landed):
        assert len({word for _, text in scan.texts(path) for word in scan.children_in(text, afterwards.children)}) > 50


def test_no_step_says_anything_of_a_child(afterwards: Night) -> None:
    assert "ConversionException" in afterwards.said  # the steps did fail,
    assert "Runtime Error in model" in afterwards.said  # and dbt
    assert "> Conversion Error [by " in afterwards.said
    assert scan.children_in(afterwards.said, afterwards.children) == set()


def test_no_secret_is_written_anywhere_or_said(afterwards: Night) -> None:
    secrets = {form for word in afterwards.secrets.values() for form in (word, quote(word), word.encode().hex())}
    assert not [word for word in secrets if word in afterwards.said]
    for path in night.kept_by(afterwards.home):
        data = path.read_bytes()
        assert not [word for word in secrets if word.encode() in data], path.relative_to(afterwards.home)


# Who can read it, and whom it calls


def test_only_their_owner_can_read_any_of_it(afterwards: Night) -> None:
    assert list(_open_to_others(afterwards.home)) == []


def _open_to_others(home: Path) -> Iterator[str]:
    for path in [home, *home.rglob("*")]:
        mode = path.lstat().st_mode
        if not path.is_symlink() and mode & 0o077:
            yield f"{mode:o} {path.relative_to(home)}"


def test_nothing_of_it_lies_in_the_shared_temporary_folder(done: Night) -> None:
    assert not list((done.folder / "temporary").iterdir())


def test_a_night_calls_nobody(done: Night) -> None:
    """Whatever is sent, somebody has asked for: nothing asks for updates, or tells how it is used."""
    assert done.watched == ""
    assert "127.0.0.1 " in done.calls  # the trial message, so the watcher does see calls
