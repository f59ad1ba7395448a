"""What there is to say about an accepted file: its columns, the rows set aside, the values that were not read."""

from collections.abc import Callable, Iterator

import duckdb

from extract import quarantine
from extract.contract import Contract
from extract.text.load import TextTable
from extract.types import DETAIL_LIMIT, QUOTED, Typed, expected
from send_ready.issues import Issue

NO_UPN = "F-59"  # the code of values of a column of UPNs that are none


def file_issues(
    con: duckdb.DuckDBPyConnection, file_name: str, contract: Contract, table: TextTable, typed: Typed
) -> list[Issue]:
    """The issues of an accepted file: notes, columns, rows set aside, values not read."""
    column_map = f"the column map {contract.name}.csv"

    def issue(rule: str, severity: str, message: str, fix: str, **where: object) -> Issue:
        return Issue(
            "File",
            rule,
            severity,
            message,
            fix,
            contract.owner,
            feed=contract.id,
            file_name=file_name,
            **where,  # type: ignore[arg-type]
        )

    found = [issue("F-20", "note", note, "Nothing, if that is right.") for note in table.notes]
    headers = {column.name: column.headers[0] for column in contract.columns if column.headers}
    for name in typed.match.missing:
        found.append(
            issue("F-21", "query", f"Column {headers[name]} is not in the file; its values are blank.",
                  f"Add it to the report, or its other name to {column_map}.", column_name=headers[name])
        )  # fmt: skip
    for header in typed.match.repeated:
        found.append(
            issue("F-22", "query", f"Column {header} means the same as another column of the file and was not used.",
                  "Take one of the two out of the report.", column_name=header)
        )  # fmt: skip
    if extra := typed.match.extra:
        others = f" and {len(extra) - QUOTED:,} more" if len(extra) > QUOTED else ""
        message = f"Columns that are not known were not used: {', '.join(extra[:QUOTED])}{others}."
        found.append(issue("F-23", "note", message, f"Nothing, or add them to {column_map}.", count=len(extra)))
    found += _of_layout(issue, typed)
    found += _of_values(issue, typed)
    for name, nobody in typed.nameless.items():
        header = typed.match.headers[name]
        one = len(nobody) == 1
        message = (
            f"{_lines(nobody)}: no UPN in {header} in {len(nobody):,} row{'s' * (not one)}, so nobody can be found "
        )
        message += f"by {'it' if one else 'them'}."
        fix = f"Put the UPN right, or name the {'child' if one else 'children'} by Student ID or the key of a system."
        found.append(issue(NO_UPN, "error", message, fix, column_name=header, line_no=nobody[0], count=len(nobody)))
    for unreadable in typed.unreadable:
        column = next(column for column in typed.fitted.contract.columns if column.name == unreadable.column)
        header = typed.match.headers[unreadable.column]
        message = f"{header} cannot be read: expected {expected(column)}. It counts as blank."
        fix = "Put it right in the source system."
        for line in unreadable.lines:
            found.append(issue("F-31", "error", message, fix, column_name=header, line_no=line))
        if (more := unreadable.count - DETAIL_LIMIT) > 0:
            found.append(
                issue("F-31", "error", f"{message} (And {more:,} more lines.)", fix, column_name=header, count=more)
            )
    others = f"FROM quarantine WHERE kind <> '{quarantine.FURNITURE}' ORDER BY line_no LIMIT {DETAIL_LIMIT}"
    rows = con.execute(f"SELECT line_no, column_name, reason {others}")
    for line, header, reason in rows.fetchall():
        fix = "Put the row right in the source system; until then it is in quarantine."
        found.append(issue("F-30", "error", reason, fix, column_name=header, line_no=line))
    if (more := typed.rows_quarantined - len(typed.furniture) - DETAIL_LIMIT) > 0:
        found.append(
            issue("F-30", "error", f"{more:,} more rows are in quarantine.", "See the quarantine.", count=more)
        )
    records = typed.rows_in_file - len(typed.furniture) - typed.rows_duplicate
    if typed.rows_accepted < records / 2:
        message = f"Only {typed.rows_accepted:,} of {records:,} rows could be used."
        found.append(issue("F-38", "error", message, "See the quarantine for the reasons, and export again.",
                           count=records - typed.rows_accepted))  # fmt: skip
    if typed.rows_duplicate:
        message = f"{typed.rows_duplicate:,} rows stand in the file more than once; one of each was kept."
        found.append(
            issue("F-32", "note", message, "Nothing, or ask why the report repeats them.", count=typed.rows_duplicate)
        )
    return found


def _of_layout(issue: Callable[..., Issue], typed: Typed) -> Iterator[Issue]:
    """What is told once a file of columns that stand in for others."""
    fitted, headers = typed.fitted, typed.match.headers
    mains = {column.name: column.headers[0] for column in fitted.whole.columns if column.headers}
    for name, columns in fitted.fills.items():
        said = " or ".join(headers[column.name] for column in columns)
        if name not in headers:
            message = f"The file has no {mains[name]}: {said} stands in for it."
        elif typed.filled.get(name):
            message = f"{headers[name]} is blank in {typed.filled[name]:,} rows: there {said} stands in for it."
        else:
            continue
        yield issue("F-55", "note", message, "Nothing, if that is right.", column_name=said)
    if fitted.generated:
        message = f"The file has no {mains[fitted.generated]}: each row is known by what it holds. A row that is "
        message += "corrected is another from then on, and two that are the same count once."
        yield issue("F-56", "note", message, "Nothing, or add it to the report.", column_name=mains[fitted.generated])
    if fitted.places:
        wide = fitted.whole.side_by_side
        columns_said = ", ".join(headers[f"{wide.column}_{place}"] for place in fitted.places if wide)
        message = f"{columns_said} stand side by side: each that is filled became a row, with its place as the rank."
        yield issue("F-57", "note", message, "Nothing, if that is right.")


def _of_values(issue: Callable[..., Issue], typed: Typed) -> Iterator[Issue]:
    """What is told once a column or file, of values and lines that were read otherwise than as they stand."""
    if lines := typed.furniture:
        message = f"{_lines(lines)}: a title, a total, a footer or the header again. Set aside; nobody is made of it."
        yield issue("F-33", "note", message, "Nothing, if that is right; if a child stands there, put its key right.",
                    count=len(lines))  # fmt: skip
    for column in typed.tidied:
        header = typed.match.headers[column.column]
        if column.unseen:
            message = f"{header}: characters that nobody can see were taken off {column.unseen:,} values."
            yield issue("F-34", "note", message, "Nothing, or clear them in the source system.", column_name=header,
                        count=column.unseen)  # fmt: skip
        if column.wrapped:
            message = f'{header}: {column.wrapped:,} values stood in Excel\'s wrapping, such as ="…"; it was taken off.'
            yield issue("F-34", "note", message, "Nothing, or export without opening the file in Excel.",
                        column_name=header, count=column.wrapped)  # fmt: skip
        if column.none and column.is_id:
            message = f"{header}: {column.none:,} values are words such as N/A or UN2, and no ID. They count as blank."
            yield issue("F-35", "query", message, "Leave the cell empty in the report, or put the right ID in.",
                        column_name=header, count=column.none)  # fmt: skip
        elif column.none:
            message = f"{header}: {column.none:,} values say NULL, and count as blank."
            yield issue("F-35", "note", message, "Nothing, or leave the cell empty in the report.",
                        column_name=header, count=column.none)  # fmt: skip
    for none in typed.none_dates:
        header = typed.match.headers[none.column]
        message = f"{header}: {none.count:,} dates are ones that systems write for none, and count as blank: "
        message += f"{', '.join(none.dates[:QUOTED])}."
        fix = "Nothing, if that is right; else give the column a list of its own (none_dates) in the contract."
        yield issue("F-36", "query", message, fix, column_name=header, count=none.count)
    if lines := typed.bare:
        message = f"{_lines(lines)}: nothing but a key. Kept as a record."
        yield issue("F-37", "query", message, "Fill it in, or take the line out, if it is a count or a title.",
                    count=len(lines))  # fmt: skip


def _lines(lines: list[int]) -> str:
    more = f" and {len(lines) - QUOTED:,} more" if len(lines) > QUOTED else ""
    return f"Line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:QUOTED]))}{more}"
