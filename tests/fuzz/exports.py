"""Good exports to begin with: the sample council's, with values of names, UPNs and dates of birth that can be told."""

import csv
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from extract import contract as contracts
from extract.contract import Contract, normalise
from send_ready.settings import PROJECT, Settings
from tests.steps import SEND_READY

ROWS = 60  # of each feed
MARKER = re.compile(rb"KQ\d{6}Z")  # begins every record: the first column of each key is an id
# What no log, message or result may hold: nobody outside the exports has such a name, number or date of birth.
PERSONAL = re.compile(rb"Qzv[a-z]|A9339\d{7}|1933-\d\d-\d\d|\d{2}[/.-]\d{2}[/.-]1933|KQ\d{6}Z")
NAMES = ("surname", "forename", "child_first_name", "child_last_name", "first_name", "last_name")
NUMBERS = ("upn", "former_upn", "child_upn", "uln")
BIRTHDAYS = ("date_of_birth", "child_dob")
# How the sources write, when it is not UTF-8, LF and dd/mm/yyyy: encoding, line end, date.
CLASSIC, MODERN = ("cp1252", "\r\n", "{2}/{1}/{0}"), ("utf-8", "\n", "{2}/{1}/{0}")
DIALECTS = {"capita_one": CLASSIC, "gias": CLASSIC, "ehc_hub": ("utf-8-sig", "\n", "{0}-{1}-{2}")}


@dataclass(frozen=True)
class Export:
    """A feed's good export: header and rows as text, and how its source writes them."""

    contract: Contract
    rows: tuple[tuple[str, ...], ...]  # the header first
    newline: str
    encoding: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return f"{self.contract.file_name}_20261116"


def council(folder: Path, settings: Settings) -> list[Export]:
    """The exports of a small sample council, which is written into `folder` on the way."""
    size = ["--plans", "60", "--sen-support", "100", "--faults", "0"]
    subprocess.run(
        [SEND_READY, "sample", "--out", str(folder / "good"), "--answer-key", os.devnull, *size],
        cwd=PROJECT, env={**os.environ, "AS_AT": "2026-11-16"}, check=True, capture_output=True,
    )  # fmt: skip
    held = (each for each in contracts.load_all(settings) if any((folder / "good").glob(f"{each.file_name}*.csv")))
    return [_export(folder / "good", contract) for contract in held]  # of feeds that the sample does not write, none


def _export(folder: Path, contract: Contract) -> Export:
    encoding, newline, _ = DIALECTS.get(contract.source, MODERN)
    (path,) = folder.glob(f"{contract.file_name}*.csv")
    with open(path, encoding=encoding, newline="") as file:
        header, *rows = csv.reader(file)
    columns = [_column(contract, cell) for cell in header]
    told = [tuple(_told(contract, columns, row, number)) for number, row in enumerate(rows[:ROWS])]
    return Export(contract, (tuple(header), *told), newline, encoding)


def _column(contract: Contract, header: str) -> str:
    names = (column.name for column in contract.columns if normalise(header) in map(normalise, column.headers))
    return next(names, "")


def _told(contract: Contract, columns: list[str], row: list[str], number: int) -> Iterator[str]:
    for column, value in zip(columns, row, strict=True):
        if column == contract.key[0]:
            yield f"KQ{number:06}Z"
        elif column in NAMES:
            yield f"Qzv{chr(97 + number % 26)}{chr(97 + number // 26)}é"
        elif column in NUMBERS and value:
            yield f"A9339{number:07}"
        elif column in BIRTHDAYS:
            yield DIALECTS.get(contract.source, MODERN)[2].format(
                1933, f"{1 + number % 12:02}", f"{1 + number % 28:02}"
            )
        else:
            yield value
