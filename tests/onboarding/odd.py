"""A tiny invented council whose exports are nothing like the default: one tracker, two registers, attendance."""

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import xlsxwriter

from send_ready import settings
from send_ready.settings import Settings

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
MARK = "Qzv"  # in every name: nobody is called so
SCHOOLS = ("9992001", "9992002", "9994003")
NEEDS = ("Autism", "Speech & language difficulties", "SEMH", "Moderate learning difficulty")
TRACKER = (
    "Case no", "UPN", "Surname", "First names", "D.O.B.", "Gender", "Date of request", "Agreed to assess",
    "Final EHCP issued", "Placement (DfE)", "Held on", "Review outcome", "Case officer",
)  # fmt: skip
REGISTER = (
    "UPN", "Child", "Date of birth", "Sex", "DfE number", "Joined", "Roll", "SEN status", "SEN since", "Need 1",
    "Need 2",
)  # fmt: skip


def upn(number: int) -> str:
    """A UPN of the invented authority 999, with the right check letter."""
    digits = [int(digit) for digit in f"999{number:09}"]
    return LETTERS[sum(weight * digit for weight, digit in zip(range(2, 14), digits, strict=True)) % 23] + "".join(
        map(str, digits)
    )


def born(number: int) -> date:
    """The day on which a child was born."""
    return date(2010, 1, 1) + timedelta(days=61 * number)


def write(inbox: Path, children: int = 32) -> None:
    """Write the council's files into a folder."""
    inbox.mkdir(parents=True, exist_ok=True)
    half = children // 2
    tracker: list[Sequence[Any]] = [
        (
            f"C{number:05}", upn(number), f"{MARK}name{number}", f"{MARK}first{number}", born(number), "FM"[number % 2],
            date(2025, 1, 6) + timedelta(days=number), "Yes" if number % 4 else "No",
            date(2025, 6, 2) + timedelta(days=number) if number % 4 else None, SCHOOLS[number % 3],
            date(2026, 5, 4) + timedelta(days=number) if number % 4 else None, ("Maintain", "Amend")[number % 2],
            "J Officer",
        )
        for number in range(half)
    ]  # fmt: skip
    write_book(
        inbox / "EHCP tracker 16-11-2026.xlsx",
        {
            "Tracker": [("SEND team",), ("Run on 16/11/2026",), (), TRACKER, *tracker, ("Total", half)],
            "Notes": [("Hi",)],
        },
    )
    for part, numbers in (("North", range(half, half + half // 2)), ("South", range(half + half // 2, children))):
        rows = [
            (
                upn(number), f"{MARK}name{number}, {MARK}first{number}", f"{born(number):%d/%m/%Y}", "FM"[number % 2],
                SCHOOLS[number % 3], "04/09/2023", "On roll", "SEN Support",
                f"{born(number).replace(year=2024):%d/%m/%Y}", NEEDS[number % 4],
                NEEDS[(number + 1) % 4] if number % 2 else "",
            )
            for number in numbers
        ]  # fmt: skip
        write_csv(
            inbox / f"SEN register {part} Nov26.csv", [["SEN register"], [], REGISTER, *rows, ["Total", len(rows)]]
        )
    weeks = [f"{date(2026, 9, 7) + timedelta(weeks=week):%d/%m/%Y}" for week in range(3)]
    attended = [
        (upn(number), f"{MARK}name{number}", SCHOOLS[number % 3], week, 10, number % 3, number % 2)
        for number in range(children)
        for week in weeks
    ]
    header = (
        "UPN",
        "Pupil",
        "School DfE Number",
        "Week beginning",
        "Possible sessions",
        "Auth absence",
        "Unauth absence",
    )
    write_csv(inbox / "Attendance 20261116T0200.csv", [header, *attended])
    gias = ("URN", "LA (code)", "EstablishmentNumber", "EstablishmentName", "TypeOfEstablishment (code)",
            "EstablishmentStatus (code)", "PhaseOfEducation (code)", "StatutoryLowAge", "StatutoryHighAge")  # fmt: skip
    schools = [(900000 + at, 999, each[3:], f"School {at}", 1, 1, 2, 4, 11) for at, each in enumerate(SCHOOLS)]
    write_csv(inbox / "edubasealldata20261112.csv", [gias, *schools])


def write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    """Write rows as CSV, in Windows-1252."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="cp1252", newline="") as file:
        csv.writer(file).writerows(rows)


def write_book(path: Path, sheets: dict[str, Iterable[Sequence[Any]]]) -> None:
    """Write sheets as a workbook, days as days."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"}) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)


def given(folder: Path) -> Settings:
    """Settings for a home and a configuration in a folder."""
    (folder / "config").mkdir(exist_ok=True)
    env = {"SEND_HOME": str(folder / "home"), "SEND_CONFIG": str(folder / "config"), "AS_AT": "2026-11-16"}
    return settings.load(env | {"SEND_INBOX": str(folder / "inbox")})
