"""The nine modules as CSV, in the shape in which COLLECT gives a return out again (a blade)."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from publish.sen2 import document
from publish.sen2.document import Made
from send_ready import sen2
from send_ready.database import identifier, literal
from send_ready.sen2 import ROOT, Element, Module
from send_ready.settings import Settings

FOLDER = "sen2_modules"


def write(folder: Path, con: DuckDBPyConnection, made: Made, settings: Settings | None = None) -> list[Path]:
    """The files of the nine modules, which are written, one row a row of the table in the order of its key.

    The return's warehouse is attached as `built`. Dates are such as 2022-Sep-28 00:00:00; flags true and false, as
    tools that read blades expect.
    """
    folder.mkdir(parents=True)
    paths = []
    for module in sen2.modules(made.survey.year, settings).values():
        path = folder / f"Blade-Export_{made.as_at:%d-%m-%Y}_{module.blade}.csv"
        source = document.header(made) if module.name == ROOT else document.table(module)
        con.execute(
            f"COPY (SELECT {', '.join(_columns(module, made))} FROM {source} ORDER BY {identifier(module.key)}) "
            f"TO {literal(path)} (FORMAT csv, HEADER, DELIMITER ',', QUOTE '\"', ESCAPE '\"')"
        )
        paths.append(path)
    return paths


def _columns(module: Module, made: Made) -> list[str]:
    """Keys and values of a module's rows, as expressions of SQL under the headers of its blade."""
    # What COLLECT calls the source's ID is whose row it is: so a person is found, who has no number in the file.
    order, source_id = ("1", "NULL") if module.name == ROOT else ("order_seq", "unique_id")
    keys = {
        f"{module.blade}tableid": identifier(module.key),
        "NativeId": literal(made.la_code),
        f"{module.blade}orderseqcolumn": order,
        "sourceid": source_id,
    }
    if module.parent == ROOT:
        keys["sen2tableid"] = f"(SELECT any_value(sen2_table_id) FROM {document.header(made)})"
    elif module.parent_key:
        keys[module.parent_key.replace("_", "")] = identifier(module.parent_key)
    values = {element.tag.lower(): _value(element) for element in module.columns}
    return [f"{expression} AS {identifier(name)}" for name, expression in (keys | values).items()]


def _value(element: Element) -> str:
    name = identifier(element.column_name)
    if element.data_type == "flag":
        return f"CAST({name}::BOOLEAN AS VARCHAR)"
    if element.data_type in ("date", "time"):
        return f"strftime({name}::TIMESTAMP, '%Y-%b-%d %H:%M:%S')"
    return document.value(element)
