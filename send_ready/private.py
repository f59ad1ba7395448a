"""What a log may hold of an error: where it came about and of what kind, never a value that it met.

Libraries quote what they stumble over: a name that is no date, a whole line of an export, a row that broke a key.
"""

import re
import sys
import traceback
from types import TracebackType

OURS = ("send_ready", "extract", "expectations", "publish", "inspection", "operations", "sample")
# Errors about files, tables and SQL, whose first line names no value; with the text that DuckDB and dbt give the kind.
ABOUT_NO_ROW = ("IO", "Out of Memory", "Catalog", "Binder", "Parser", "Compilation", "Dependency", "Not implemented")
_KIND = re.compile(r"^\s*([A-Z][\w ]* Error)( in [^\n]*)?(:[^\n]*)?", re.MULTILINE)


def told(error: BaseException) -> str:
    """An error, and what led to it, as a traceback without values. The text of our own errors is kept."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lead = f"{told(before)}\nThen:\n" if before else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{lead}{frames}{type(error).__name__}{_text(error)}"


def kinds(text: str) -> str:
    """Of what DuckDB or dbt says of an error, the kinds, and the first line of those that are about no row."""
    found = []
    for kind, where, what in _KIND.findall(text):
        found.append(f"{kind}{where}{what if kind.removesuffix(' Error') in ABOUT_NO_ROW else ''}")
    return " > ".join(found) or "an error"


def hook(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    """Stands in for sys.excepthook."""
    print("Stopped." if issubclass(kind, KeyboardInterrupt) else told(error), file=sys.stderr, flush=True)


def _text(error: BaseException) -> str:
    module = type(error).__module__
    if module.split(".")[0] in OURS or isinstance(error, OSError | ImportError):
        return f": {error}"
    return f": {kinds(str(error))}" if module in ("duckdb", "_duckdb") else ""
