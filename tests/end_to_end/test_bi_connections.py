"""docs/users/bi.md tells the truth: every command on it is run as it stands, and what it says of tables is so."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg2
import pytest

from send_ready.settings import PROJECT
from tests import council
from tests.servers import Server, server
from tests.waiting import HANG
from warehouse import published, serve
from warehouse.postgres import publish

PAGE = (PROJECT / "docs" / "users" / "bi.md").read_text(encoding="utf-8")
DATABASE, LOGIN, PASSWORD = "send", "analyst", "your-password"  # as the page has them
ANALYST = PROJECT / ".venv-analyst" / "bin" / "python"  # the group `analyst` of pyproject.toml
ASKS = {"psql": r"\bpsql\b", "odbc": r"\bisql\b|pyodbc"}  # the part of Debian that a command needs
PROGRAMS = {"python": [str(ANALYST), "-c"], "sh": ["bash", "-euo", "pipefail", "-c"]}


@dataclass(frozen=True)
class Snippet:
    """A fenced block of the page, the line at which it begins, and the block under it, which shows what it prints."""

    line: int
    language: str
    code: str
    shown: str


def snippets() -> list[Snippet]:
    found = re.finditer(r"^```(\w+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", PAGE, re.MULTILINE | re.DOTALL)
    return [Snippet(PAGE[: each.start()].count("\n") + 1, each[1], each[2], each[3] or "") for each in found]


def named(snippet: Snippet) -> str:
    return f"line {snippet.line}, {snippet.language}"


@dataclass(frozen=True)
class Desk:
    """An analyst's: a folder with `data` in it, a home folder, and a PostgreSQL that answers as the page's does."""

    folder: Path
    server: Server

    def run(self, snippet: Snippet) -> list[str]:
        """The lines that a command of the page prints."""
        home = str(self.folder)  # unixODBC asks the system where that is, and not HOME
        done = subprocess.run(
            [*PROGRAMS[snippet.language], self.here(snippet.code)],
            cwd=self.folder,
            env={"HOME": home, "ODBCINI": f"{home}/.odbc.ini", "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=HANG,
        )
        assert done.returncode == 0, f"{named(snippet)}\n{done.stdout}{done.stderr}"
        return done.stdout.splitlines()

    def here(self, code: str) -> str:
        return code.replace("db.council.example", "127.0.0.1").replace("5432", str(self.server.port))


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Server]:
    with server() as found:
        yield found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, postgresql: Server) -> Desk:
    """A small council is published to files and to PostgreSQL; what the page says is to be set up, is."""
    folder = tmp_path_factory.mktemp("desk")
    run, settings = council.copied(folder / "data", tmp_path_factory)
    postgresql.run(f"CREATE DATABASE {DATABASE}")
    postgresql.run((PROJECT / "warehouse" / "postgres" / "roles.sql").read_text(), DATABASE)
    postgresql.login(LOGIN, ["send_bi"], PASSWORD)
    loader = postgresql.login("nightly", ["send_loader"])
    serve.serve(run, settings)
    publish.serve(run, replace(settings, publish_url=postgresql.url(DATABASE, loader, f"{loader}-secret")))
    desk = Desk(folder, postgresql)
    for snippet in snippets():
        if snippet.language == "ini":
            (folder / ".odbc.ini").write_text(desk.here(snippet.code))
        elif ".pgpass" in snippet.code:
            desk.run(snippet)
    return desk


def rows(printed: list[str]) -> list[str]:
    """The lines that hold something: without borders, and without psql's count of rows."""
    return [line for line in printed if re.search(r"\w", line) and not re.fullmatch(r"\(\d+ rows?\)", line)]


def heading(printed: list[str]) -> list[str]:
    """The names in the first line, however it is drawn."""
    return re.findall(r"[^\s│|]+", rows(printed)[0])


COMMANDS = [
    pytest.param(
        each,
        id=named(each),
        marks=[pytest.mark.debian(part) for part, word in ASKS.items() if re.search(word, each.code)],
    )
    for each in snippets()
    if each.language in PROGRAMS and each.shown
]


@pytest.mark.parametrize("snippet", COMMANDS)
def test_a_command_runs_as_it_stands_and_prints_what_is_shown(desk: Desk, snippet: Snippet) -> None:
    printed = desk.run(snippet)
    assert heading(printed) == heading(snippet.shown.splitlines())
    assert len(rows(printed)) > 1, "nothing but a heading"


@pytest.mark.parametrize("snippet", [each for each in snippets() if each.language == "sql"], ids=named)
def test_a_query_answers_the_same_in_duckdb_and_in_postgresql(desk: Desk, snippet: Snippet) -> None:
    with duckdb.connect(str(desk.folder / "data" / "serving" / "bi.duckdb"), read_only=True) as con:
        result = con.execute(snippet.code)
        assert [column[0] for column in result.description or ()] == heading(snippet.shown.splitlines())
        rows = result.fetchall()
    assert rows
    assert [tuple(map(plain, row)) for row in rows] == [
        tuple(map(plain, row)) for row in desk.server.run(snippet.code, DATABASE, LOGIN, PASSWORD)
    ]


def plain(value: object) -> object:
    return float(value) if isinstance(value, Decimal) else value


@pytest.fixture(scope="module")
def described(desk: Desk) -> dict[str, list[str]]:
    """The columns of every table of core and kpi."""
    with duckdb.connect(str(desk.folder / "data" / "serving" / "bi.duckdb"), read_only=True) as con:
        found = con.execute("SELECT table_name, list(column_name) FROM duckdb_columns() GROUP BY ALL").fetchall()
    return dict(found)


def test_the_table_of_facts_has_every_fact_and_columns_that_it_has(described: dict[str, list[str]]) -> None:
    told = re.findall(r"^\| `(fct_\w+)` \|(.*)$", PAGE, re.MULTILINE)
    assert {table for table, _ in told} == {table for table in described if table.startswith("fct_")}
    for table, cells in told:
        assert set(re.findall(r"`(\w+)`", cells)) <= set(described[table]), table


def test_columns_that_the_page_joins_by_are_there(described: dict[str, list[str]]) -> None:
    joined = re.findall(r"^(dim_\w+)\.(\w+|\(\w+, \w+\)) ", PAGE, re.MULTILINE)
    assert {table for table, _ in joined} == {table for table in described if table.startswith("dim_")}
    for table, names in joined:
        assert set(re.findall(r"\w+", names)) <= set(described[table])
    facts = {table: held for table, held in described.items() if table.startswith("fct_")}
    assert [table for table, held in facts.items() if "person_id" not in held] == []


def test_a_copy_for_a_colleague_holds_no_names_and_no_lists(desk: Desk) -> None:
    (copying,) = [each for each in snippets() if each.language == "sh" and "shared" in each.code]
    for _ in ("the first time", "over the one before"):
        desk.run(copying)
    copy = desk.folder / "shared" / "bi.duckdb"
    assert copy.stat().st_mode & 0o777 == 0o440
    assert [path.name for path in copy.parent.iterdir()] == ["bi.duckdb"]
    with duckdb.connect(str(copy), read_only=True) as con:
        schemas = con.execute("SELECT DISTINCT schema_name FROM duckdb_tables() ORDER BY 1").fetchall()
    assert schemas == [("core",), ("kpi",), ("quality",)]


def test_who_sees_what_is_so(desk: Desk) -> None:
    """The line of the table for each role, tried."""
    desk.server.login("lists", ["send_lists"])
    tables = {
        f"{schema}.{table}": schema
        for schema, table in desk.server.run("SELECT schemaname, tablename FROM pg_tables", DATABASE)
        if schema in published.SCHEMAS
    }
    assert readable(desk, LOGIN, PASSWORD, tables) == {table for table in tables if tables[table] in published.FOR_ALL}
    assert readable(desk, "lists", "lists-secret", tables) == {
        "core.dim_establishment",
        "quality.runs",
        *(table for table in tables if tables[table] == "annex_a"),
    }


def readable(desk: Desk, login: str, password: str, tables: Iterable[str]) -> set[str]:
    """The tables from which somebody gets an answer, and not a refusal."""
    found = set()
    with closing(desk.server.connect(DATABASE, login, password)) as con, con.cursor() as cursor:
        for table in tables:
            schema, name = table.split(".")
            with suppress(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(f'SELECT count(*) FROM {schema}."{name}"')
                found.add(table)
    return found
