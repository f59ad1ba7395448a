"""What of a workbook Excel, or whatever opens it, could run, fetch or follow."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

# Parts that a workbook of text and numbers has no use for: macros, data from elsewhere, objects of other programs.
ACTIVE_PARTS = re.compile(
    r"externalLinks|connections\.xml|vbaProject|macrosheets|embeddings|activeX|queryTables|ctrlProps"
)
ACTIVE = {
    "a formula": re.compile(r"<(?:\w+:)?f[ >/]"),
    "a formula's result": re.compile(r'<(?:\w+:)?c [^>]*\bt="str"'),
    "a link out of the workbook": re.compile(r"<(?:\w+:)?hyperlink [^>]*\br:id="),
    "data from another program": re.compile(r"<(?:\w+:)?(?:ddeLink|oleLink|externalReference|oleObject|webPublish)"),
    "a part elsewhere": re.compile(r'TargetMode="External"'),
}
NAMES = re.compile(r'<(?:\w+:)?definedName [^>]*name="([^"]*)"')


def active(path: Path) -> Iterator[str]:
    """Everything in a workbook that is more than text, numbers and how they look."""
    with zipfile.ZipFile(path) as book:
        for name in book.namelist():
            text = book.read(name).decode("utf-8", errors="replace")
            if ACTIVE_PARTS.search(name):
                yield f"{path.name}: {name}"
            yield from (f"{path.name}: {what} in {name}" for what, sign in ACTIVE.items() if sign.search(text))
            for defined in NAMES.findall(text):
                if not defined.startswith("_xlnm."):
                    yield f"{path.name}: the name {defined}"
