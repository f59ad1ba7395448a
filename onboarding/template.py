"""Ofsted's template of the lists, as a council has it, beside the layout in force: what is new, gone, renamed or moved.

Nothing is decided here: what comes of it is a draft of annex_a_layout.csv, which a person confirms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz

from extract.contract import normalise
from extract.refusal import Refusal
from extract.text import drop_downs, workbooks
from extract.text.workbooks import Sheet
from send_ready import layout
from send_ready.layout import BETWEEN, MEANS, OWN_COLUMNS, Layout, ListColumn, ListLayout

HEADER_ROWS = 30  # guidance may stand above the header
LEAST = 0.4  # of the headers of a list, in the row of a sheet that is taken for its header
ALIKE = 75  # of two headers, from which on one may be the other's new name; of 100
_KINDS = (("date", "date"), ("percentage", "percentage"), ("%", "percentage"), ("number of", "count"))
NO_LIST = "F-80"


@dataclass(frozen=True)
class TemplateColumn:
    """One column of a sheet of the template: its header, the values of its drop-down and the guidance with it."""

    header: str
    values: tuple[str, ...] = ()
    guidance: str = ""


@dataclass(frozen=True)
class TemplateList:
    """The sheet of one list."""

    name: str  # List 1 or List 2
    tab: str
    columns: tuple[TemplateColumn, ...]


@dataclass(frozen=True)
class Change:
    """One difference between the template and the layout in force, for a person to look at."""

    list_name: str
    what: str  # new | gone | renamed | moved | new value | value gone
    header: str  # as the template has it; of what is gone, as the layout in force has it
    said: str


def read(path: Path, shape: Layout, folder: Path) -> list[TemplateList]:
    """The lists that a template has a sheet for. `folder` is for scratch files. Raises Refusal."""
    sheets = workbooks.sheets(path, folder)
    offered = drop_downs.drop_downs(path, sheets)
    found, taken = [], set[int]()
    for listed in shape.lists:
        likely = [(sheet, *best) for sheet in sheets if sheet.number not in taken and (best := _header(sheet, listed))]
        named = [each for each in likely if normalise(listed.name) in normalise(each[0].name)]
        if not likely:
            continue
        sheet, _, at = max(named or likely, key=lambda each: each[1])
        taken.add(sheet.number)
        found.append(TemplateList(listed.name, sheet.name, tuple(_columns(sheet, at, offered.get(sheet.number, {})))))
    if not found:
        wanted = ", ".join(column.header for column in shape.lists[0].columns[:5])
        raise Refusal(
            NO_LIST,
            "No sheet of it has a row that looks like the headers of List 1 or List 2.",
            f"Look whether it is the template of the person-level lists, whose headers are such as: {wanted}.",
        )
    return found


def _header(sheet: Sheet, listed: ListLayout) -> tuple[float, int] | None:
    """How much of a list's headers the best row of a sheet has, and the row's number."""
    wanted = {normalise(column.header) for column in listed.columns}
    first = (row for _, row in zip(range(HEADER_ROWS), sheet.rows(), strict=False))
    shares = [(len(wanted & set(map(normalise, _lines(row[1:])))) / len(wanted), int(row[0])) for row in first]
    best = max(shares, default=(0.0, 0), key=lambda each: each[0])
    return best if best[0] >= LEAST else None


def _lines(cells: Sequence[str]) -> list[str]:
    """Each cell's first line: notes may stand below a header."""
    return [cell.strip().split("\n", 1)[0].strip() for cell in cells]


def _columns(sheet: Sheet, at: int, offered: dict[int, tuple[str, ...]]) -> Iterator[TemplateColumn]:
    rows = {int(number): cells for number, *cells in sheet.rows() if int(number) <= at + HEADER_ROWS}
    for index, header in enumerate(_lines(rows[at])):
        if not header:
            continue
        notes = [rows[at][index].strip().removeprefix(header).strip()]
        notes += [cells[index].strip() for number, cells in rows.items() if number != at and index < len(cells)]
        guidance = "; ".join(dict.fromkeys(" ".join(note.split()) for note in notes if note))
        yield TemplateColumn(header, offered.get(index + 1, ()), guidance)


def matched(template: TemplateList, listed: ListLayout) -> list[tuple[TemplateColumn, ListColumn | None]]:
    """Each column of the template with the column in force that it is, by its header, or one much like it."""
    by_header = {normalise(column.header): column for column in listed.columns}
    sure = {
        each.header: by_header[normalise(each.header)]
        for each in template.columns
        if normalise(each.header) in by_header
    }
    left = [column for column in listed.columns if column not in sure.values()]
    alike = sorted(
        (
            (fuzz.token_set_ratio(each.header.casefold(), column.header.casefold()), at, column.header, each.header)
            for at, each in enumerate(template.columns)
            if each.header not in sure
            for column in left
        ),
        key=lambda found: (-found[0], found[1]),
    )
    for score, _, was, header in alike:
        column = next((each for each in left if each.header == was), None)
        if score >= ALIKE and column and header not in sure:
            sure[header] = column
            left.remove(column)
    return [(each, sure.get(each.header)) for each in template.columns]


def changes(templates: Sequence[TemplateList], shape: Layout) -> list[Change]:
    """What differs between a template and the layout in force, list by list, in the template's order."""
    found = []
    for template, listed in _pairs(templates, shape):
        name, pairs = template.name, matched(template, listed)
        order = [column for _, column in pairs if column]
        for each, column in pairs:
            if column is None:
                found.append(Change(name, "new", each.header, "Nothing that is held fills it: it comes out empty."))
                continue
            if normalise(each.header) != normalise(column.header):
                found.append(Change(name, "renamed", each.header, f"It is {column.header} in the layout in force."))
            at, before = order.index(column), [c for c in listed.columns if c in order].index(column)
            if at != before and (at == 0 or order[at - 1] not in listed.columns[: listed.columns.index(column)]):
                found.append(Change(name, "moved", each.header, "It stands elsewhere in the order."))
            found += _value_changes(name, each, column, shape)
        for column in listed.columns:
            if column not in order:
                found.append(Change(name, "gone", column.header, "It is left out of the list."))
    for listed in shape.lists:
        if listed.name not in {each.name for each in templates}:
            found.append(Change(listed.name, "gone", "", "The template has no sheet for it: it stays as it is."))
    return found


def _value_changes(name: str, each: TemplateColumn, column: ListColumn, shape: Layout) -> Iterator[Change]:
    known = shape.letters.get(column.code_set or "", {})
    if not (known and each.values):
        return
    given = _values(each, known)
    for ours, shown in given.items():
        if ours not in known:
            yield Change(name, "new value", each.header, f"“{shown}”: nothing that is held gives it.")
    for ours in known:
        if ours not in given:
            yield Change(name, "value gone", each.header, f"“{ours}”: children who have it are told by rule L-124.")


def _values(each: TemplateColumn, known: dict[str, str]) -> dict[str, str]:
    """By our value, what the template calls it; a value that is none of ours stands for itself."""
    ours = {normalise(said): value for value, shown in known.items() for said in (value, shown, layout.plain(shown))}
    found = {}
    for shown in each.values:
        found[ours.get(normalise(shown)) or ours.get(normalise(layout.plain(shown))) or layout.plain(shown)] = shown
    return found


def draft(templates: Sequence[TemplateList], shape: Layout, version: str) -> list[dict[str, str]]:
    """The rows of annex_a_layout.csv that a template comes to, for a person to confirm."""
    by_name = {template.name: (template, listed) for template, listed in _pairs(templates, shape)}
    rows = []
    for listed in shape.lists:
        if listed.name in by_name:
            rows += [_row(listed.name, at, each, column, shape) for at, (each, column) in
                     enumerate(matched(*by_name[listed.name]), start=1)]  # fmt: skip
        else:
            rows += [_row(listed.name, at, TemplateColumn(column.header), column, shape) for at, column in
                     enumerate(listed.columns, start=1)]  # fmt: skip
    return [dict(zip(OWN_COLUMNS, (version, *row), strict=True)) for row in rows]


def _row(
    name: str, at: int, each: TemplateColumn, column: ListColumn | None, shape: Layout
) -> tuple[str, str, str, str, str, str]:
    known = shape.letters.get(column.code_set or "", {}) if column else {}
    given = _values(each, known).items() if each.values else known.items()
    shown = [said if layout.plain(said) == ours else f"{ours}{MEANS}{said}" for ours, said in given]
    kind = column.kind if column else _kind(each)
    return name, str(at), each.header, column.column_name if column else "", kind, BETWEEN.join(shown)


def _kind(each: TemplateColumn) -> str:
    said = f"{each.header} {each.guidance}".casefold()
    return next((kind for word, kind in _KINDS if word in said), "text")


def _pairs(templates: Sequence[TemplateList], shape: Layout) -> Iterator[tuple[TemplateList, ListLayout]]:
    by_name = {listed.name: listed for listed in shape.lists}
    return ((template, by_name[template.name]) for template in templates)
