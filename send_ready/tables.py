"""A council's own tables: the CSVs of SEND_CONFIG, as a spreadsheet or an editor saves them."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from send_ready.runs import RunError

# What people decided about pairs of records: the columns that it cannot do without, and the others.
DECISIONS = (("record_1", "record_2", "decision"), ("decided_by", "decided_on", "note"))
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs"}


class TableError(RunError):
    """A table cannot be used. The text names the file, the line, and what to change."""


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[tuple[int, dict[str, str]]]:
    """The rows that are not blank, each with its line number and the named columns only.

    In UTF-8, UTF-16 by its mark, or else Windows-1252; lines end in any way. Raises TableError.
    """
    text = _text(path).replace("\r\n", "\n").replace("\r", "\n")
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if missing := [column for column in columns if column not in header]:
            expected = ",".join([*columns, *optional])
            other = next(
                (said for sign, said in _OTHER_SEPARATORS.items() if len(header) == 1 and sign in header[0]), ""
            )
            raise TableError(
                f"{path}: there is no column {', '.join(missing)}. The first line must be `{expected}`."
                + (f" It has {other} between its values: save it with commas (CSV UTF-8)." if other else "")
            )
        if len(set(header)) < len(list(filter(None, header))) + ("" in header):
            raise TableError(f"{path}: a column stands twice in the first line. Keep one of them.")
        line = reader.line_num
        for row in reader:
            line, at = reader.line_num, line + 1
            if any(cell.strip() for cell in row[len(header) :]):
                raise TableError(
                    f"{path}, line {at}: it has {len(row)} values, and the first line {len(header)}. Put a value "
                    "with a comma in quotation marks."
                )
            if any(cell.strip() for cell in row):
                held = dict(zip(header, row + [""] * (len(header) - len(row)), strict=False))
                rows.append((at, {column: held.get(column, "") for column in (*columns, *optional)}))
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: it is no CSV that can be read: {error}.") from None
    return rows


def write(rows: Sequence[dict[str, str]], columns: Sequence[str]) -> bytes:
    """As CSV in UTF-8, each value in its column, each line ended by LF."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}.") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
