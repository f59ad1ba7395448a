"""Errors as a log may hold them: their place and kind, and never a value.

Libraries quote what they stumble over: a name that is no date, a whole line of an export, a row that broke a key.
"""

import re
import sys
import traceback
from types import TracebackType

OURS = ("send_ready", "extract", "pickup", "expectations", "publish", "inspection", "operations", "sample")
# Errors about files, tables and SQL, whose first line names no value; with the text that DuckDB and dbt give the kind.
ABOUT_NO_ROW = ("IO", "Out of Memory", "Catalog", "Binder", "Parser", "Compilation", "Dependency", "Not implemented")
_KIND = re.compile(r"^\s*([A-Z][\w ]* Error)( in [^\n]*)?(:[^\n]*)?", re.MULTILINE)


def traceback_without_values(error: BaseException) -> str:
    """The traceback of an error and its causes, without values. The text of our own errors is kept."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lead = f"{traceback_without_values(before)}\nThen:\n" if before else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{lead}{frames}{type(error).__name__}{_text(error)}"


def kinds(text: str) -> str:
    """The kinds of error in a message of DuckDB or dbt, and the first line of those that are not about a row."""
    found = []
    for kind, where, what in _KIND.findall(text):
        found.append(f"{kind}{where}{what if kind.removesuffix(' Error') in ABOUT_NO_ROW else ''}")
    return " > ".join(found) or "an error"


def hook(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Replaces sys.excepthook."""
    said = "Stopped." if issubclass(kind, KeyboardInterrupt) else traceback_without_values(error)
    print(said, file=sys.stderr, flush=True)


def _text(error: BaseException) -> str:
    module = type(error).__module__
    if module.split(".")[0] in OURS or isinstance(error, OSError | ImportError):
        return f": {error}"
    return f": {kinds(str(error))}" if module in ("duckdb", "_duckdb") else ""
