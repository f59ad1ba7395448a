"""What a file holds, whatever its kind, and which children can be found in it."""

import re
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from duckdb import DuckDBPyConnection
from python_calamine import CalamineWorkbook

from send_ready import database
from send_ready.database import identifier, literal
from tests.security.council import Children, words

ISO, BRITISH = re.compile(r"\b(\d{4})-?(\d\d)-?(\d\d)(?!\d)"), re.compile(r"\b(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\b")


def children_in(text: str, children: Children) -> set[str]:
    """Names, numbers and birthdays of the children that stand in a text, however they are written."""
    found = words(text) & (children.names | children.numbers)
    dates = [(match[1], match[2], match[3]) for match in ISO.finditer(text)]
    dates += [(match[3], match[2], match[1]) for match in BRITISH.finditer(text)]
    return found | {"-".join(parts) for parts in dates if _day(parts) in children.birthdays}


def _day(parts: tuple[str, str, str]) -> date | None:
    try:
        return date(*map(int, parts))
    except ValueError:
        return None


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """What a file holds, by the part of it: tables of databases, members of archives, else its bytes as text."""
    with open(path, "rb") as file:
        head = file.read(16)
    if head[:4] == b"PAR1":
        with database.scratch() as con:
            yield "", _values(con, f"read_parquet({literal(path)})")
    elif head[8:12] == b"DUCK":
        with database.reader(path) as con:
            tables = con.execute("SELECT database_name, schema_name, table_name FROM duckdb_tables()").fetchall()
            views = "SELECT database_name, schema_name, view_name FROM duckdb_views() WHERE NOT internal"
            for _, schema, table in tables + con.execute(views).fetchall():
                yield f"{schema}.{table}", _values(con, f'"{schema}"."{table}"')
    elif head[:15] == b"SQLite format 3":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as con:
            for line in con.iterdump():
                yield (re.match(r'INSERT INTO "(\w+)"', line) or [""])[0], line
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, as_text(archive.read(name))
        if path.suffix == ".xlsx":
            with CalamineWorkbook.from_path(str(path)) as book:  # in which a date is a number until it is read
                for sheet in book.sheet_names:
                    rows = book.get_sheet_by_name(sheet).to_python()
                    yield sheet, "\n".join(str(cell) for row in rows for cell in row)
    else:
        yield "", as_text(path.read_bytes())


def as_text(data: bytes) -> str:
    """Bytes as text in any of the ways in which a value may be written down."""
    text = data.replace(b"\x00", b"").decode("utf-8", errors="replace")
    return text + unescape(text) if "&" in text else text + unquote(text) if "%" in text else text


def _values(con: DuckDBPyConnection, source: str) -> str:
    """Every value of a table, each once a column."""
    columns = [identifier(row[0]) for row in con.execute(f"DESCRIBE FROM {source}").fetchall()]
    each = ", ".join(f"list(DISTINCT {column}::VARCHAR)" for column in columns)
    (held,) = con.execute(f"SELECT {each} FROM {source}").fetchall()
    return "\n".join(value for values in held for value in values or () if value)
