"""The return held against DfE's schema, which a council downloads and puts into SEND_CONFIG/sen2 as SEN2_<year>.xsd.

Nothing is fetched for it: a schema that names further files is refused. Findings say line, element and what is allowed,
never what a child's record holds.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from duckdb import DuckDBPyConnection

from publish.sen2 import document
from publish.sen2.document import Made, Share
from send_ready import files, sen2
from send_ready.settings import Settings

if TYPE_CHECKING:
    from lxml import etree

PERSONS_AT_ONCE, ALL = 500, 1_000_000_000  # lxml has a document as a tree, ten times as large as its text
LAST_LINE = 65_534  # that libxml2 keeps of an element
XS = "{http://www.w3.org/2001/XMLSchema}"
ELSEWHERE = ("import", "include", "redefine", "override")
OVER_ALL = ("unique", "key", "keyref")  # what holds of all persons together
# How libxml2 goes on after a value that it quotes.
_AFTER_VALUE = (
    " is not an element of the set ",
    " is not accepted by the pattern ",
    " is not a valid value of ",
    " is less than the minimum value allowed ",
    " is greater than the maximum value allowed ",
    " must be less than the maximum value allowed ",
    " must be greater than the minimum value allowed ",
    " has more digits than are allowed ",
    " has more fractional digits than are allowed ",
    " does not match the fixed value constraint ",
)
_AFTER_KEY = re.compile(r".* (?:in|of) (?:unique identity-constraint|key identity-constraint|keyref) ('[^']*')\.", re.S)
_NO_VALUE = re.compile(r"\d+|element-only|simple|empty")  # what stands in quotes where no value is quoted
_NO_FINDING = "No precomputed value available"  # of a value that another finding is about


@dataclass(frozen=True)
class Finding:
    """What the schema does not allow: the line of the file, the element's tag, the person, and why in words."""

    line: int
    tag: str
    unique_id: str | None
    said: str


def path_of(year: int, settings: Settings) -> Path | None:
    """The schema in force for a survey year; None when the council has none."""
    path = settings.config / sen2.FOLDER / f"SEN2_{year}.xsd" if settings.config else None
    return path if path and path.is_file() else None


def load(path: Path) -> "etree.XMLSchema":
    """The schema of a file. Raises ValueError, with a text for people, when it cannot be one of a SEN2 return."""
    from lxml import etree

    root = _root(path)
    try:
        return etree.XMLSchema(root)
    except etree.LxmlError as error:
        raise ValueError(f"{path} is no XML schema that can be used: {error}") from None


def findings(con: DuckDBPyConnection, what: Made, settings: Settings, schema: Path) -> Iterator[Finding]:
    """What a schema does not allow in the return that the warehouse attached as `built` holds, in the file's order.

    Raises ValueError as `load` does.
    """
    from lxml import etree

    held, root = load(schema), _root(schema)
    is_over_all = any(root.find(f".//{XS}{name}") is not None for name in OVER_ALL)
    whole = document.document(con, what, settings, ALL if is_over_all else PERSONS_AT_ONCE)
    before, persons, lines = whole.before.count("\n"), 0, 0  # of earlier shares
    for share in whole.shares if whole.persons else [Share([], [], "")]:
        begins = [before + 1 + at for at in accumulate(share.lines, initial=0)]
        is_first, is_last = not persons, persons + len(share.lines) == whole.persons
        if not held.validate(etree.fromstring((whole.before + share.text + whole.after).encode(), _parser())):
            for error in held.error_log:
                line = begins[_person(error.path)] if error.line > LAST_LINE else error.line
                at = bisect_right(begins, line) - 1
                is_told = is_first if at < 0 else is_last or at < len(share.lines)  # what is around stands in each
                if is_told and _NO_FINDING not in error.message:
                    unique_id = share.unique_ids[at] if 0 <= at < len(share.lines) else None
                    yield Finding(line + lines, _tag(error.path), unique_id, said(error.message))
        persons, lines = persons + len(share.lines), lines + sum(share.lines)


def said(message: str) -> str:
    """A message of libxml2 about an element without what the element holds."""
    text = re.sub(r"^Element '[^']*'(?:, attribute '[^']*')?: ", "", message)
    text = re.sub(r"^\[facet '(\w+)'\] ", "", text)
    for tail in _AFTER_VALUE:
        if tail in text:
            return f"The value{tail}{text.rpartition(tail)[2]}"
    if found := _AFTER_KEY.fullmatch(text):
        return f"The same stands elsewhere, or what it leads to does not ({found[1]})."
    quoted = re.findall("'([^']*)'", text)
    return text if all(map(_NO_VALUE.fullmatch, quoted)) else "It is not of the form that is asked for."


def _tag(path: str | None) -> str:
    return re.sub(r"\[\d+\]$", "", (path or "").rpartition("/")[2]) or sen2.MESSAGE


def _person(path: str | None) -> int:
    """Which person of the document a path leads to, from 0: the first repeated element on the way."""
    found = re.search(r"\[(\d+)\]", path or "")
    return int(found[1]) - 1 if found else 0


def _root(path: Path) -> "etree._Element":
    """The root of a schema. Raises ValueError."""
    from lxml import etree

    try:
        with files.regular(path) as file:
            root = etree.fromstring(file.read(), _parser())
    except etree.LxmlError as error:
        raise ValueError(f"{path} is no XML that can be read: {error}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise ValueError(f"{path} has a DOCTYPE, and none is read here. Take it out.")
    if others := [each for name in ELSEWHERE for each in root.iter(XS + name)]:
        raise ValueError(
            f"{path}, line {others[0].sourceline}: it takes in another file, and nothing is read but this one. Put "
            "what that holds into it."
        )
    if root.find(f"{XS}element[@name='{sen2.MESSAGE}']") is None:
        raise ValueError(
            f"{path} is no schema of a SEN2 return: it declares no element {sen2.MESSAGE}. Download it again from "
            "DfE's page of the collection."
        )
    return root


def _parser() -> "etree.XMLParser":
    """A parser that reads nothing but what it is given: no DTD, no entities, no network."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, load_dtd=False, dtd_validation=False, no_network=True)
