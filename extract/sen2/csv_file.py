"""One table of a return as a CSV: a blade of COLLECT, or one of the five of the D2I tool, known by its headings."""

import re
from pathlib import Path, PurePosixPath

import duckdb

from extract.contract import Column, Contract
from extract.inbox import names
from extract.refusal import NOT_AN_EXPORT, Refusal
from extract.sen2 import tabular
from extract.sen2.found import Came, Found
from extract.sen2.shape import Shape
from extract.text.load import load_text
from send_ready.database import literal
from send_ready.sen2 import ROOT

BLADES, D2I = "blades of COLLECT", "CSVs of the D2I tool"
_OF_D2I = re.compile(r"persons?|requests?|assessments?|named_?plans?|active_?plans?|(?:m|module)_?[1-5]|_[1-5]$")


def read(con: duckdb.DuckDBPyConnection, shape: Shape, path: Path, came: Came, work: Path) -> Found:
    """A CSV as the rows of its module; lines that do not fit are in `set_aside`. Raises Refusal."""
    table = load_text(con, path, came.suffix, _contract(shape), work)
    columns = tabular.best_table(shape, table.header)
    if columns is None:
        raise Refusal(
            NOT_AN_EXPORT,
            "By its headings it is no table of a SEN2 return.",
            "Drop the blades as COLLECT gives them, or the CSVs of the D2I tool, with their headings.",
        )
    form = BLADES if columns.is_linked else D2I
    found = Found(form, set_name(came.file_name, columns.table.blade, form), notes=list(table.notes))
    con.execute("CREATE OR REPLACE VIEW given AS SELECT *, NULL::VARCHAR AS sheet FROM text")
    at = columns.id_of(tabular.LA)
    if at is not None:
        found.la_codes = {str(la) for (la,) in con.execute(f"SELECT DISTINCT c{at} FROM text").fetchall() if la}
    if columns.table.name == ROOT:
        found.has_header = True
        cells = [f"c{place}" for place in columns.data.values()]
        row = con.execute(f"SELECT {', '.join(cells)} FROM text ORDER BY line_no LIMIT 1").fetchone() or ()
        found.header = {name: value for name, value in zip(columns.data, row, strict=True) if value}
    else:
        query = tabular.query(columns, "given", is_linked=columns.is_linked, is_paired=True)
        found.queries = {columns.table.name: query}
    found.told = tabular.told(columns, "")
    con.execute(f"""
        INSERT INTO set_aside SELECT {literal(came.file_name)}, line_no::BIGINT, kind, NULL, reason, record, NULL
        FROM misfit""")
    found.misfits = con.execute("SELECT line_no::BIGINT, reason FROM misfit ORDER BY 1").fetchall()
    return found


def set_name(file_name: str, blade: str, form: str) -> str:
    """What the names of files that belong together have alike: all but the table."""
    path = PurePosixPath(file_name)
    stem = names.stem_and_suffix(path.name)[0]
    head, found, tail = stem.rpartition(blade)
    bare = f"{head}{tail}" if form == BLADES and found else _OF_D2I.sub("", stem)
    return f"{path.parent.as_posix().casefold()}/{bare.strip('_')} ({form})"


def _contract(shape: Shape) -> Contract:
    """Every heading of every module, as what a header is known by; none is needed, and none is a key."""
    known: dict[str, None] = dict.fromkeys([*tabular.PERSON, *tabular.REQUEST, *tabular.OTHERS])
    for table in shape.tables.values():
        known |= dict.fromkeys([f"{table.blade}tableid", f"{table.blade}orderseqcolumn", *table.spelt])
    columns = tuple(Column(f"h{at}", "text", False, None, (heading,)) for at, heading in enumerate(known))
    return Contract(
        source="sen2", feed="return", title="SEN2 return", grain="", owner="", is_optional=True, file_name="",
        undated_file="", key=(), latest_by=None, max_row_drop_pct=100, stale_after_days=0, columns=columns,
        fingerprint="",
    )  # fmt: skip
