"""The exports of an invented council in another layout that holds the same: each function rewrites one file in place.

Students by UPN, schools by DfE number, needs side by side, attendance by half-term and mark, reviews without an ID.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

Row = dict[str, str]
DAYS = ("2025-09-01", "2025-11-03", "2026-01-05", "2026-02-23", "2026-04-13", "2026-06-01", "2026-09-01", "2026-11-02")
HALF_TERMS = tuple(map(date.fromisoformat, DAYS))


def read(path: Path, encoding: str = "cp1252") -> list[Row]:
    """The rows of a CSV, by header."""
    with open(path, encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: Sequence[Row], encoding: str = "cp1252") -> None:
    """Write rows in place of a CSV, in the columns of the first."""
    with open(path, "w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)


def file_of(inbox: Path, feed: str) -> Path:
    """The one file of a feed in a folder."""
    (path,) = inbox.glob(f"{feed}_2*.csv")
    return path


def upns(inbox: Path) -> dict[str, str]:
    """By Student ID the UPN of every student who alone has it."""
    rows = read(file_of(inbox, "capita_one_students"))
    held = defaultdict(list)
    for row in rows:
        held[row["UPN"].upper()].append(row["Student ID"])
    return {row["Student ID"]: row["UPN"] for row in rows if row["UPN"] and len(held[row["UPN"].upper()]) == 1}


def students_by_upn(inbox: Path, feed: str) -> None:
    """A feed whose students are named by UPN: by Student ID only where the student has none of their own."""
    path, names = file_of(inbox, feed), upns(inbox)
    rows = []
    for row in read(path):
        student = row.pop("Student ID")
        rows.append({"Student ID": "" if student in names else student, "UPN": names.get(student, "")} | row)
    write(path, rows)


def dfe_numbers(inbox: Path) -> dict[str, str]:
    """By URN its DfE number of seven digits, of establishments that alone have theirs."""
    (path,) = inbox.glob("edubasealldata*.csv")
    found = {row["URN"]: f"{row['LA (code)']}{row['EstablishmentNumber'].zfill(4)}" for row in read(path)}
    return {urn: number for urn, number in found.items() if list(found.values()).count(number) == 1}


def schools_by_dfe_number(
    inbox: Path, feed: str, column: str, header: str, numbers: dict[str, str], spelt: Callable[[str], str] = str
) -> None:
    """A feed whose schools are named by DfE number; by URN only what GIAS does not hold."""
    path = file_of(inbox, feed)
    rows = []
    for row in read(path):
        number = numbers.get(row[column], "")
        rows.append(row | {column: "" if number else row[column], header: spelt(number) if number else ""})
    write(path, rows)


def needs_side_by_side(inbox: Path) -> None:
    """SEN needs: one row a student and dates, with `SEN Type 1`, `SEN Type 2` and so on by rank."""
    path = file_of(inbox, "capita_one_sen_needs")
    wide: dict[tuple[str, ...], Row] = {}
    for row in read(path):
        key = (row["Student ID"], row["Start Date"], row["End Date"])
        held = wide.setdefault(key, {"Student ID": key[0], "Start Date": key[1], "End Date": key[2]})
        held[f"SEN Type {row['Rank']}"] = row["SEN Type"]
    most = sorted({name for row in wide.values() for name in row if name.startswith("SEN Type")})
    write(path, [dict.fromkeys(["Student ID", *most, "Start Date", "End Date"], "") | row for row in wide.values()])


def attendance_by_half_term_and_mark(inbox: Path, cut: Iterable[date]) -> None:
    """Attendance: a row a student, school, period and mark, with its sessions; a period begins on each day of `cut`."""
    path = file_of(inbox, "capita_one_attendance")
    starts = sorted(cut)
    totals: dict[tuple[str, str, date], list[int]] = {}
    for row in read(path):
        week = date(*reversed([int(part) for part in row["Week Commencing"].split("/")]))
        start = max(day for day in starts if day <= week)
        held = totals.setdefault((row["Student ID"], row["URN"], start), [0, 0, 0])
        for at, name in enumerate(("Sessions Possible", "Authorised Absence", "Unauthorised Absence")):
            held[at] += int(row[name] or 0)
    rows = []
    for (student, urn, start), (possible, authorised, unauthorised) in totals.items():
        end = min([day for day in starts if day > start] or [start + timedelta(days=49)]) - timedelta(days=1)
        present = possible - authorised - unauthorised
        marks = {"/": present - present // 2, "\\": present // 2, "I": authorised, "O": unauthorised, "#": 4}
        rows += [
            {
                "Student ID": student,
                "URN": urn,
                "Period Start": start.strftime("%d/%m/%Y"),
                "Period End": end.strftime("%d/%m/%Y"),
                "Mark": mark,
                "Sessions": str(sessions),
            }
            for mark, sessions in marks.items()
            if sessions
        ]
    write(path, rows)


def reviews_without_ids(inbox: Path) -> None:
    """Annual reviews by plan, without the ID of a review."""
    path = file_of(inbox, "capita_one_annual_reviews")
    write(path, [{name: value for name, value in row.items() if name != "Review ID"} for row in read(path)])


def exclusions_without_ids(inbox: Path) -> None:
    """Suspensions and permanent exclusions without their ID."""
    path = file_of(inbox, "capita_one_exclusions")
    write(path, [{name: value for name, value in row.items() if name != "Exclusion ID"} for row in read(path)])


def home_la_by_name(inbox: Path, names: dict[str, str]) -> None:
    """Students whose home authority is named in words."""
    path = file_of(inbox, "capita_one_students")
    write(path, [row | {"Home LA": names.get(row["Home LA"], row["Home LA"])} for row in read(path)])


NAMED_BY_UPN = (
    "capita_one_enrolments",
    "capita_one_sen_provision",
    "capita_one_sen_needs",
    "capita_one_ehcp_assessments",
    "capita_one_ehc_plans",
    "capita_one_attendance",
    "capita_one_exclusions",
    "capita_one_home_education",
)


def another_layout(inbox: Path, d: date) -> None:
    """All of it: the exports of a council in a folder, rewritten so that they hold the same in another layout."""
    numbers = dfe_numbers(inbox)
    # So that none lies across the beginning of the lists' six months, in which the weeks would tell more.
    window = date(d.year - (d.month <= 6), (d.month - 7) % 12 + 1, d.day) + timedelta(days=1)
    needs_side_by_side(inbox)
    attendance_by_half_term_and_mark(inbox, [date(1990, 1, 1), *HALF_TERMS, window])
    reviews_without_ids(inbox)
    exclusions_without_ids(inbox)
    home_la_by_name(inbox, {"202": "London Borough of Camden"})
    for feed in NAMED_BY_UPN:
        students_by_upn(inbox, feed)
    for feed, column, header in (
        ("capita_one_enrolments", "URN", "LAESTAB"),
        ("capita_one_attendance", "URN", "DfE Number"),
        ("capita_one_exclusions", "URN", "DfE Number"),
        ("capita_one_ehc_plans", "Named URN", "Named DfE Number"),
    ):
        schools_by_dfe_number(inbox, feed, column, header, numbers, lambda number: f"{number[:3]}/{number[3:]}")
