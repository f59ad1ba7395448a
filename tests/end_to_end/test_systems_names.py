"""A night of a council that calls its systems otherwise: nothing that it makes says our names for them."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from sample import council
from send_ready.database import identifier
from tests.golden.pipeline import Pipeline
from tests.nights import AS_AT, once

NAMES = "system,name\ncapita_one,Synergy\nehc_hub,Liquidlogic EHM\nsocial_care,Mosaic\n"
# Not the end of an ID that two systems claim.
OURS = re.compile(
    r"Capita One|(?<!\()EHC Hub|\b[Tt]he hub\b|\bhub (case|plan|review|fills|record|only)|the social care system"
)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    def play(folder: Path) -> None:
        council.write(
            folder / "inbox",
            as_at=AS_AT,
            plans=400,
            sen_support=800,
            seed=13,
            faults=0.05,
            answer_key=folder / "key.csv",
        )
        (folder / "config").mkdir()
        (folder / "config" / "systems.csv").write_text(NAMES)
        made = pipeline(folder)
        made.night()
        made._send_ready("board")
        made._send_ready("summary")
        made._send_ready("chronology", str(made.lists()["List_1"][1][0]))

    return pipeline(once(tmp_path_factory, "night_of_other_names", play))


def pipeline(folder: Path) -> Pipeline:
    made = Pipeline(folder / "home", folder / "inbox", AS_AT)
    made.environment |= {"SEND_CONFIG": str(folder / "config")}
    return made


def texts(path: Path) -> Iterator[str]:
    """What people read in a file: a cell, a line, a value or a description at a time."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            for name in book.namelist():
                if name.endswith(".xml"):
                    yield from re.split(r"<[^>]*>", book.read(name).decode())
    elif path.suffix in (".duckdb", ".parquet"):
        yield from tables(path)
    else:
        yield from path.read_text("utf-8").splitlines()


def tables(path: Path) -> Iterator[str]:
    with duckdb.connect(str(path), read_only=True) if path.suffix == ".duckdb" else duckdb.connect() as con:
        if path.suffix == ".parquet":
            con.execute(f"CREATE VIEW held AS FROM '{path}'")
        for comment, *_ in con.execute(
            "SELECT comment FROM duckdb_columns() WHERE comment IS NOT NULL UNION "
            "SELECT comment FROM duckdb_tables() WHERE comment IS NOT NULL UNION "
            "SELECT comment FROM duckdb_views() WHERE comment IS NOT NULL"
        ).fetchall():
            yield comment
        columns = con.execute(
            "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE data_type = 'VARCHAR'"
        ).fetchall()
        for schema, table, column in columns:
            source = ".".join(map(identifier, (schema, table)))
            found = con.execute(f"SELECT DISTINCT {identifier(column)} FROM {source}").fetchall()
            yield from (f"{table}.{column}: {value}" for (value,) in found if value)


def test_nothing_says_our_names(night: Pipeline) -> None:
    said = night.home.with_name(f"{night.home.name}.said")
    places = [night.home / "out", (night.home / "serving").resolve(), said]
    files = sorted({path.resolve() for place in places for path in place.rglob("*") if path.is_file()})
    assert {".xlsx", ".html", ".duckdb", ".parquet", ".json"} <= {path.suffix for path in files}
    found: dict[str, set[str]] = {}
    theirs = set()
    for path in files:
        for text in texts(path):
            if path.suffix == ".html":  # its lines are long
                text = "\n".join(
                    match[0] for match in re.finditer(r".{0,60}(Capita|[Hh]ub\b|Synergy|Mosaic).{0,60}", text)
                )
            if OURS.search(text):
                found.setdefault(path.name, set()).add(text[:200])
            theirs |= set(re.findall("Synergy|Liquidlogic EHM|Mosaic", text))
    assert found == {}
    assert theirs == {"Synergy", "Liquidlogic EHM", "Mosaic"}
