"""What can happen to the cells, rows and columns of an export before it is written."""

import random
from datetime import datetime

Rows = list[list[str]]  # the header first
Random = random.Random

VALUES = (
    # dates, and what looks like one
    "31/02/2026", "2026-02-29", "00/00/0000", "1/1/1", "31/12/9999", "9999-12-31 23:59:59.999999999", "12/31/2026",
    "2026-11-16T10:00:00+01:00", "-1/01/2026", "46342", "46342.5", "2958466", "16 November 2026", "10:30", "24:00:00",
    # numbers
    "-1", "1e400", "-1E-400", "NaN", "inf", "-Infinity", "8.01234E+12", "1_000", "0x1F", "٣", "½", "1,234", "£5",
    "50%", "%", "9" * 400, str(2**63), str(2**53 + 1), "-0", ".5", "1.", "000", "1.0", "1.00000000000000000001",
    # nothing, nearly
    "", " ", "\u00a0", "\u200b", "\ufeff", "\u3000", "NULL", "None", "\\N", "#N/A", "#REF!", "-", "n/a",
    # characters
    "\u202eabc\u202c", "👩‍👧‍👦", "e\u0301" * 50, "\U0010ffff", "\ufffd", "\ud800", "ﷺ" * 20, "İı", "ß", "Ａ１",
    "\x00", "\x01", "\x1a", "\x1b[31mred", "\x7f", "\x85", "\u2028", "\x0b", "\x0c",
    # delimiters, quotes, lines
    '"', '""', '"""', 'O"Brien', '"x" y', "'", ",", ";", "\t", "|", "\\", "a\nb", "a\r\nb", "a\rb", "\n", '",\n"',
    # things that some program would run
    "=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1", "'; DROP TABLE text; --", "$(rm -rf /)", "`id`", "${jndi:x}",
    "../../etc/passwd", "{{ 7*7 }}", "%s%n", "<script>1</script>", "&amp;", "]]>", "x" * 40_000, "a b " * 9_000,
)  # fmt: skip
LOOK_ALIKES = str.maketrans({"a": "а", "e": "е", "o": "о", "S": "Ѕ", "D": "Ⅾ", " ": "\u2007"})


def one_value(r: Random, rows: Rows) -> Rows:
    """One cell holds something odd."""
    row = r.choice(rows[1:] or rows)
    if row:
        row[r.randrange(len(row))] = r.choice(VALUES)
    return rows


def many_values(r: Random, rows: Rows) -> Rows:
    """A tenth of the cells hold something odd."""
    for row in rows[1:]:
        for at in range(len(row)):
            if r.random() < 0.1:
                row[at] = r.choice(VALUES)
    return rows


def whole_column(r: Random, rows: Rows) -> Rows:
    """Every cell of a column holds the same odd thing."""
    at, value = r.randrange(max(1, len(rows[0]))), r.choice(VALUES)
    for row in rows[1:]:
        if at < len(row):
            row[at] = value
    return rows


def other_days(r: Random, rows: Rows) -> Rows:
    """Dates in a form of another country or program."""
    form = r.choice(("%m/%d/%Y", "%d/%m/%y", "%Y%m%d", "%d.%m.%Y", "%b %d %Y", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%SZ"))
    for row in rows[1:]:
        for at, value in enumerate(row):
            for known in ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y"):
                try:
                    row[at] = datetime.strptime(value, known).strftime(form)  # noqa: DTZ007
                except ValueError:
                    continue
    return rows


def ids_as_numbers(r: Random, rows: Rows) -> Rows:
    """Excel has turned a column into numbers."""
    at, value = r.randrange(max(1, len(rows[0]))), r.choice(("1.23457E+12", "123456.0", "0", "1E+05"))
    for row in rows[1 :: r.choice((1, 2))]:
        if 0 < at < len(row):
            row[at] = value
    return rows


CELLS = (one_value, one_value, many_values, whole_column, other_days, ids_as_numbers)


def column_missing(r: Random, rows: Rows) -> Rows:
    """A column was taken out."""
    at = r.randrange(max(1, len(rows[0])))
    return [row[:at] + row[at + 1 :] for row in rows]


def column_twice(r: Random, rows: Rows) -> Rows:
    """A column stands in the file twice."""
    at = r.randrange(max(1, len(rows[0])))
    return [[*row, *row[at : at + 1]] for row in rows]


def heading_twice(r: Random, rows: Rows) -> Rows:
    """Two columns have one heading."""
    if len(rows[0]) > 1:
        one, other = r.sample(range(len(rows[0])), 2)
        rows[0][one] = rows[0][other]
    return rows


def columns_shuffled(r: Random, rows: Rows) -> Rows:
    """Columns in another order."""
    order = r.sample(range(len(rows[0])), len(rows[0]))
    return [[row[at] for at in order if at < len(row)] for row in rows]


def headings_shuffled(r: Random, rows: Rows) -> Rows:
    """Headings that do not belong to their columns."""
    r.shuffle(rows[0])
    return rows


def heading_changed(r: Random, rows: Rows) -> Rows:
    """A heading that is nearly the same, or not at all."""
    if rows[0]:
        at = r.randrange(len(rows[0]))
        cell = rows[0][at]
        others = (
            cell.upper(), cell.translate(LOOK_ALIKES), f" {cell}\u00a0", f"{cell}\n(new)", cell.replace(" ", "\u200b"),
            "", "Caseworker", f"'{cell}'", "\ufeff" + cell, cell.replace(" ", "  "), cell * 3000, '"', "=1+1", "1234",
        )  # fmt: skip
        rows[0][at] = r.choice(others)
    return rows


def columns_unknown(r: Random, rows: Rows) -> Rows:
    """More columns: a few, or more than any export has."""
    more = r.choice((1, 2, 30, 200, 1000, 20_000, 100_000))
    filling = r.choice(("", "x"))
    return [
        [*rows[0], *(f"New {n}" for n in range(more))],
        *([*row, *[filling] * more] for row in rows[1 : 2 + 60_000 // more]),
    ]


def rows_gone(r: Random, rows: Rows) -> Rows:
    """No rows, one, or a few."""
    return rows[: r.choice((0, 1, 2, 5))] or [[]]


def header_gone(r: Random, rows: Rows) -> Rows:
    """No header."""
    return rows[1:] or [[]]


def header_further_down(r: Random, rows: Rows) -> Rows:
    """Rows stand above the header."""
    at = r.choice((1, 3, 9, 10, 30))
    return [*rows[1 : at + 1], rows[0], *rows[at + 1 :]]


def header_again(r: Random, rows: Rows) -> Rows:
    """The header stands in the file more than once."""
    for _ in range(r.choice((1, 3))):
        rows.insert(r.randrange(1, len(rows) + 1), list(rows[0]))
    return rows


def header_of_two_rows(r: Random, rows: Rows) -> Rows:
    """A row of units or groups beside the header."""
    units = [r.choice(("", "text", "dd/mm/yyyy", "1")) for _ in rows[0]]
    rows.insert(r.choice((0, 1)), units)
    return rows


def titles_above(r: Random, rows: Rows) -> Rows:
    """The title of a report, and when it ran."""
    title = [["Report of students"], [], ["Run on", "16/11/2026"], ["", ""], ["Confidential", "", "", "Page 1 of 1"]]
    return [*(title * 3)[: r.choice((1, 2, 5, 9, 12))], *rows]


def totals_below(r: Random, rows: Rows) -> Rows:
    """A footer."""
    return [*rows, *r.choice(([["Total", str(len(rows))]], [[], ["End of report"]], [["Total"] * len(rows[0])]))]


def ragged(r: Random, rows: Rows) -> Rows:
    """Rows with values too few or too many."""
    for row in rows[1:]:
        if r.random() < r.choice((0.02, 0.5)):
            if r.random() < 0.5:
                del row[r.randrange(len(row) + 1) :]
            else:
                row.insert(r.randrange(len(row) + 1), r.choice(("", "x")))
    return rows


def blank_rows(r: Random, rows: Rows) -> Rows:
    """Rows with nothing in them."""
    for _ in range(r.choice((1, 20))):
        rows.insert(r.randrange(1, len(rows) + 1), r.choice(([], [""] * len(rows[0]), [" "])))
    return rows


def rows_twice(r: Random, rows: Rows) -> Rows:
    """The file twice over, with or without the second header; or rows of one key."""
    again = r.choice((rows, rows[1:], [[*row[:-1], "x"] for row in rows[1:]]))
    return [*rows, *[list(row) for row in again]]


def rows_shuffled(r: Random, rows: Rows) -> Rows:
    """Rows in another order."""
    body = rows[1:]
    r.shuffle(body)
    return [rows[0], *body]


ROWS = (
    column_missing, column_twice, heading_twice, columns_shuffled, headings_shuffled, heading_changed, heading_changed,
    columns_unknown, rows_gone, header_gone, header_further_down, header_again, header_of_two_rows, titles_above,
    totals_below, ragged, ragged, blank_rows, rows_twice, rows_shuffled,
)  # fmt: skip
