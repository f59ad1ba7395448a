"""The lists of values that a workbook offers in its cells, as in Ofsted's template: of .xlsx, .xlsm and .ods."""

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from extract.refusal import CANNOT_BE_READ, Refusal
from extract.text.workbooks import Sheet, sheet_parts

if TYPE_CHECKING:
    from lxml import etree

LARGEST = 64 << 20  # bytes of one part, unpacked
LONGEST = 1000  # values of one list
_AREA = re.compile(r"(?:'((?:[^']|'')+)'|([^'!.\[\]$]+))?[!.]?\$?([A-Z]{1,3})\$?(\d+)(?::\.?\$?([A-Z]{1,3})\$?(\d+))?")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
Values = dict[int, dict[int, tuple[str, ...]]]


def drop_downs(path: Path, sheets: list[Sheet]) -> Values:
    """By sheet and column, each from 1, the values of its drop-down; of several in a column the first. Raises Refusal.

    `sheets` are those of the workbook as `workbooks.sheets` gives them: a list may stand in cells of another sheet.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as archive:
        if "content.xml" in archive.namelist():
            return _of_ods(_root(archive, "content.xml"), sheets)
        if "xl/workbook.xml" not in archive.namelist():
            return {}
        names = _defined_names(_root(archive, "xl/workbook.xml"))
        return {
            number: found
            for number, part in sheet_parts(archive).items()
            if (found := _of_sheet(_root(archive, part), number, names, sheets))
        }


def _root(archive: zipfile.ZipFile, part: str) -> "etree._Element":
    """The XML of a part, of which nothing else is fetched and no entity resolved. Raises Refusal."""
    from lxml import etree

    damaged = Refusal(CANNOT_BE_READ, f"Its part {part} is too large, or no XML.", "Save it again as .xlsx, in Excel.")
    if archive.getinfo(part).file_size > LARGEST:
        raise damaged
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(archive.read(part), parser)
    except etree.XMLSyntaxError:
        raise damaged from None
    if root.getroottree().docinfo.doctype:
        raise Refusal(CANNOT_BE_READ, f"Its part {part} has a DTD, which no workbook needs.", "Ask where it is from.")
    return root


def _local(element: "etree._Element") -> str:
    return str(element.tag).rpartition("}")[2]


def _text(element: "etree._Element") -> str:
    return "".join(str(text) for text in element.itertext()).strip()


def _defined_names(root: "etree._Element") -> dict[str, str]:
    return {str(each.get("name")): _text(each) for each in root.iter("{*}definedName")}


def _of_sheet(
    root: "etree._Element", number: int, names: dict[str, str], sheets: list[Sheet]
) -> dict[int, tuple[str, ...]]:
    """By column, of one sheet of an .xlsx: plain rules, and those of an extension, whose lists are on other sheets."""
    found: dict[int, tuple[str, ...]] = {}
    for each in root.iter("{*}dataValidation"):
        if each.get("type") != "list":
            continue
        parts = {_local(part): _text(part) for part in each.iter() if part is not each}
        formula, cells = parts.get("formula1") or parts.get("f") or "", each.get("sqref") or parts.get("sqref") or ""
        values = _resolved(names.get(formula.lstrip("="), formula), number, sheets)
        for column in _columns(str(cells)) if values else ():
            found.setdefault(column, values)
    return found


def _columns(cells: str) -> Iterator[int]:
    """The columns of areas such as `E2:F1000 H2`."""
    for area in cells.split():
        if match := _AREA.fullmatch(area):
            first, last = _number(match[3]), _number(match[5] or match[3])
            yield from range(first, min(last, first + LONGEST) + 1)


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _resolved(formula: str, number: int, sheets: list[Sheet]) -> tuple[str, ...]:
    """The values that a formula lists in quotation marks, or that stand in the cells that it names."""
    formula = formula.lstrip("=").strip()
    if formula.startswith('"') and formula.endswith('"'):
        return tuple(value.strip() for value in formula[1:-1].replace('""', '"').split(",") if value.strip())[:LONGEST]
    match = _AREA.fullmatch(formula)
    if not match:
        return ()
    tab = (match[1] or match[2] or "").replace("''", "'")
    sheet = next((each for each in sheets if (each.name == tab if tab else each.number == number)), None)
    if not sheet:
        return ()
    rows, columns = (int(match[4]), int(match[6] or match[4])), (_number(match[3]), _number(match[5] or match[3]))
    cells = (
        value.strip()
        for row, *values in sheet.rows()
        if rows[0] <= int(row) <= rows[1]
        for value in values[columns[0] - 1 : columns[1]]
    )
    return tuple(value for value in cells if value)[:LONGEST]


def _of_ods(root: "etree._Element", sheets: list[Sheet]) -> Values:
    """Of the sheets of an .ods, whose rules stand together and are named by the cells."""
    rules = {_attribute(each, "name"): _attribute(each, "condition") for each in root.iter("{*}content-validation")}
    found: Values = {}
    for number, table in enumerate(root.iter("{*}table"), start=1):
        for row in table.iter("{*}table-row"):
            column = 1
            for cell in row:
                rule = rules.get(_attribute(cell, "content-validation-name"))
                repeated = int(_attribute(cell, "number-columns-repeated") or 1)
                values = _of_condition(rule, number, sheets) if rule else ()
                for each in range(column, column + min(repeated, LONGEST)) if values else ():
                    found.setdefault(number, {}).setdefault(each, values)
                column += repeated
    return found


def _attribute(element: "etree._Element", name: str) -> str:
    return next((str(value) for key, value in element.items() if str(key).rpartition("}")[2] == name), "")


def _of_condition(condition: str, number: int, sheets: list[Sheet]) -> tuple[str, ...]:
    """The values of a condition such as `of:cell-content-is-in-list("a";"b")`, or of an area in its brackets."""
    inner = re.fullmatch(r"(?:\w+:)?cell-content-is-in-list\((.*)\)", condition, re.DOTALL)
    if not inner:
        return ()
    if quoted := _QUOTED.findall(inner[1]):
        return tuple(value.replace('""', '"').strip() for value in quoted if value.strip())[:LONGEST]
    area = inner[1].strip().removeprefix("[").removesuffix("]").removeprefix("$")
    return _resolved(area.removeprefix("."), number, sheets)
