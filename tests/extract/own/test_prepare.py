"""What a preparation may be, and that it reaches nothing but its sources."""

from pathlib import Path

import duckdb
import pytest

from extract import contract
from extract.own import prepare, source
from extract.own.prepare import Prepared, PrepareError
from extract.refusal import Refusal
from send_ready import disk, settings


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "tracker.parquet"
    duckdb.execute(f"""
        COPY (SELECT 'A' || range AS "UPN", 'Secret' AS "Full name", '' AS "Need 1", 'ASD' AS "Need 2",
            'tracker.csv' AS _file, range + 2 AS _line, '2026-11-16' AS _data_date FROM range(5)) TO '{path}'""")
    return path


@pytest.fixture
def ask(tmp_path: Path, rows: Path):
    def ask(select: str, *, memory: int | None = None) -> Prepared:
        path = tmp_path / "capita_one__students.sql"
        path.write_text(select)
        found = prepare.parse(path, ["tracker"])
        return prepare.run(found, {name: [rows] for name in found.sources}, tmp_path / "work", memory)

    return ask


@pytest.mark.parametrize(
    ("select", "columns", "count"),
    [
        ("SELECT upn, _file, _line FROM tracker", ("UPN",), 5),
        ('FROM tracker SELECT "UPN" AS student_id;  -- and a comment', ("student_id",), 5),
        ("WITH t AS (SELECT upn FROM tracker) SELECT * FROM t", ("UPN",), 5),
        ('SELECT upn, unnest(side_by_side(["Need 1", "Need 2"])).value AS need FROM tracker', ("UPN", "need"), 5),
        ('UNPIVOT tracker ON "Need 1", "Need 2" INTO NAME place VALUE need', None, 10),
        ("SELECT upn, urn_of('888/4001', NULL) AS urn FROM tracker", ("UPN", "urn"), 5),
        ("SELECT count(*) AS n, any_date('16/11/2026')::DATE AS d, true AS b FROM tracker", ("n", "d", "b"), 1),
        ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT upn, i FROM tracker, n",
         ("UPN", "i"), 15),
    ],
)  # fmt: skip
def test_a_select_gives_rows(ask, select: str, columns: tuple[str, ...] | None, count: int) -> None:
    found = ask(select)
    assert columns is None or found.columns == columns
    assert (found.rows_out, found.rows_in) == (count, {"tracker": 5})


@pytest.mark.parametrize(
    "select",
    [
        "",
        "SELECT 1; SELECT 2",
        "SELECT upn FROM tracker; DROP TABLE tracker",
        "SELECT 1 AS upn",
        "FROM '/etc/passwd'",
        "SELECT upn FROM tracker, '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT upn, (SELECT content FROM read_text('/etc/passwd')) AS c FROM tracker",
        "SELECT upn FROM tracker WHERE upn IN (FROM read_csv('https://example.org/x.csv'))",
        "SELECT upn FROM tracker, glob('/*')",
        "SELECT upn FROM tracker, query('SELECT 1')",
        "SELECT upn FROM tracker, query_table('tracker')",
        "SELECT upn FROM tracker, duckdb_settings()",
        "SELECT upn FROM tracker, information_schema.tables",
        "SELECT upn FROM tracker, pg_catalog.pg_class",
        "SELECT getenv('HOME') AS upn FROM tracker",
        "SELECT upn, current_setting('allowed_paths') AS c FROM tracker",
        "ATTACH '/tmp/x.db'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA version", "SET threads = 8",
        "COPY tracker TO '/tmp/x.csv'", "COPY (SELECT 1) TO '/tmp/x.csv'", "EXPORT DATABASE '/tmp/x'",
        "CREATE TABLE x AS SELECT 1", "CREATE MACRO f() AS 1", "INSERT INTO tracker VALUES (1)", "DELETE FROM tracker",
        "UPDATE tracker SET upn = 'x'", "CALL pragma_version()", "EXPLAIN SELECT upn FROM tracker", "CHECKPOINT",
        "DESCRIBE tracker", "SHOW TABLES", "SUMMARIZE tracker",
        "SELECT upn, random() AS r FROM tracker", "SELECT upn, now() AS r FROM tracker",
        "SELECT upn, current_date AS r FROM tracker", "SELECT upn, uuid() AS r FROM tracker",
        "SELECT upn FROM tracker USING SAMPLE 3", "SELECT upn FROM tracker TABLESAMPLE 3 ROWS",
        "SELECT upn FROM other",
        "SELECT upn,\n FROM FROM tracker",
        "not SQL at all",
    ],
)  # fmt: skip
def test_what_is_no_select_over_sources_is_refused_before_it_is_run(tmp_path: Path, select: str) -> None:
    path = tmp_path / "capita_one__students.sql"
    path.write_text(select)
    with pytest.raises(PrepareError, match=r"capita_one__students\.sql"):
        prepare.parse(path, ["tracker"])


def test_the_database_is_closed_even_to_what_a_check_of_the_text_would_miss(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall stands behind the door."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a\nhidden\n")
    known = prepare.Preparation("capita_one__students", tmp_path / "x.sql", "", ("tracker",), False, False, "x")
    for at, attack in enumerate((
        f"SELECT a AS upn FROM read_csv('{secret}')", f"SELECT content AS upn FROM read_text('{secret}')",
        f"SELECT a AS upn FROM '{secret}'", f"SELECT file AS upn FROM glob('{tmp_path}/*')",
        f"SELECT 1 AS upn FROM read_parquet('{rows}')", "SELECT getenv('HOME') AS upn FROM tracker",
        "SELECT 1 AS upn FROM read_csv('https://example.org/x.csv')", "SELECT * FROM json_execute_serialized_sql('x')",
        "SELECT 1 AS upn FROM job", "SELECT name AS upn FROM duckdb_secrets()",
    )):  # fmt: skip
        found = prepare.Preparation(**{**known.__dict__, "select": attack})
        with pytest.raises(Refusal):
            prepare.run(found, {"tracker": [rows]}, tmp_path / f"work{at}")


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("SELECT upn,\n\n foo AS need FROM tracker", "line 3, at foo"),
        ("SELECT upn,\n CAST(\"Full name\" AS INTEGER) AS n FROM tracker", "line 2, at CAST"),
        ("SELECT upn, \"Full name\"::DATE AS n FROM tracker", "line 1"),
        ("SELECT upn, strptime(\"Full name\", '%d') AS n FROM tracker", "a value cannot be made"),
        ("SELECT upn, * FROM tracker", "gives column UPN twice"),
        ("SELECT [upn] AS x FROM tracker", "not x (VARCHAR[])"),
        ("SELECT _file, _line FROM tracker", "gives no column of the feed"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_no_value(ask, select: str, said: str) -> None:
    with pytest.raises(Refusal) as error:
        ask(select)
    assert said in error.value.reason and error.value.reason.startswith("prepare/capita_one__students.sql")
    assert "Secret" not in str(error.value)


@pytest.mark.parametrize(
    "select",
    [
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) AS upn FROM n, tracker",
        "SELECT count(*) AS upn FROM range(1000000000000), tracker",
    ],
)
def test_one_that_never_ends_is_ended(ask, select: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "SECONDS", 1)
    with pytest.raises(Refusal, match="F-45"):
        ask(select)


def test_one_that_takes_too_much_memory_is_ended(ask) -> None:
    with pytest.raises(Refusal, match="F-45"):
        ask("SELECT a.upn FROM tracker AS a, range(100000000)", memory=100 * disk.MB)


def test_everything_that_ships_can_be_used() -> None:
    given = settings.load({})
    sources = source.load_all(given)
    for at, each in enumerate(sources):
        source.check_alone(each, sources[:at], Path(f"{each.feed}.yml"))
    feeds = {each.replace(".", "__", 1) for each in contract.feeds()}
    assert {each.feed for each in prepare.load_all(given)} <= feeds


def write_shared(folder: Path, shared: str, select: str) -> tuple[Path, dict[str, Path]]:
    (folder / "pupils.sql").write_text(shared)
    path = folder / "capita_one__students.sql"
    path.write_text(select)
    return path, {"pupils": folder / "pupils.sql"}


def test_a_shared_select_is_a_table_for_others(tmp_path: Path, rows: Path) -> None:
    path, shared = write_shared(
        tmp_path, "SELECT *, 'S' || upn AS id FROM tracker", "SELECT id, _file, _line FROM pupils"
    )
    found = prepare.parse(path, ["tracker"], shared)
    assert found.sources == ("tracker",) and [one.feed for one in found.shared] == ["pupils"]
    made = prepare.run(found, {"tracker": [rows]}, tmp_path / "work")
    assert (made.columns, made.rows_out, made.rows_in, made.carries_place) == (("id",), 5, {"tracker": 5}, True)
    before = found.fingerprint
    shared["pupils"].write_text("SELECT *, 'T' || upn AS id FROM tracker")
    assert prepare.parse(path, ["tracker"], shared).fingerprint != before


@pytest.mark.parametrize(
    ("shared", "select", "said"),
    [
        ("FROM pupils", "FROM pupils", "pupils.sql, line 1: pupils is a shared SELECT, and so is this one. .* only"),
        ("FROM tracker", "FROM others", "students.sql, line 1: others is no source"),
        ("FROM read_csv('/etc/passwd')", "FROM pupils", "pupils.sql, line 1: read_csv may not be"),
        ("SELECT 1 AS x", "FROM pupils", "pupils.sql: it names no source"),
        ("FROM tracker; FROM tracker", "FROM pupils", "pupils.sql: it must be one SELECT, and has 2"),
    ],
)
def test_a_shared_select_is_held_to_the_same(tmp_path: Path, shared: str, select: str, said: str) -> None:
    path, files = write_shared(tmp_path, shared, select)
    with pytest.raises(PrepareError, match=said):
        prepare.parse(path, ["tracker"], files)


@pytest.mark.parametrize(
    ("select", "merged"),
    [
        ("SELECT upn FROM tracker", ()), ("SELECT DISTINCT upn FROM tracker", ("tracker",)),
        ("SELECT upn, max(day) AS d FROM tracker GROUP BY upn", ("tracker",)),
        ("SELECT upn, max(day) AS d FROM tracker GROUP BY ALL", ("tracker",)),
        ("SELECT upn FROM tracker JOIN (SELECT DISTINCT upn FROM roll) USING (upn)", ("roll",)),
        ("WITH r AS (FROM roll), s AS (FROM r) SELECT upn FROM tracker WHERE upn IN (SELECT DISTINCT upn FROM s)",
         ("roll",)),
        ("SELECT upn FROM tracker QUALIFY row_number() OVER (PARTITION BY upn) = 1", ("tracker",)),
        ("SELECT upn FROM tracker UNION ALL SELECT upn FROM roll", ()),
        ("SELECT upn FROM tracker UNION SELECT upn FROM roll", ("tracker", "roll")),
        ("SELECT upn FROM tracker JOIN pupils USING (upn)", ("roll",)),
        ("SELECT upn FROM plain", ()), ("SELECT DISTINCT upn FROM plain", ("tracker",)),
    ],
)  # fmt: skip
def test_it_is_known_of_which_sources_one_row_may_stand_for_others(
    tmp_path: Path, select: str, merged: tuple[str, ...]
) -> None:
    (tmp_path / "plain.sql").write_text("FROM tracker")
    path, shared = write_shared(tmp_path, "SELECT upn FROM roll GROUP BY upn", select)
    found = prepare.parse(path, ["roll", "tracker"], {**shared, "plain": tmp_path / "plain.sql"})
    assert set(found.merges) == set(merged)


def test_an_error_of_a_shared_select_names_its_file_and_line(tmp_path: Path, rows: Path) -> None:
    path, shared = write_shared(tmp_path, "SELECT\n  upn,\n  nobody\nFROM tracker", "SELECT upn FROM pupils")
    with pytest.raises(Refusal, match=r"prepare/pupils\.sql, line 3, at nobody: .*") as found:
        prepare.run(prepare.parse(path, ["tracker"], shared), {"tracker": [rows]}, tmp_path / "work")
    assert "capita_one__students" not in found.value.reason
