"""`make check FILE=`: what the pipeline makes of one export, read whole, before the night. Nothing is landed or kept.

Without FILE all is looked at: check_all.py.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import duckdb

from commands.check_lists import check_lists
from extract import contract as contracts
from extract import read_file
from extract.contract import FILE_TIME, Contract, ContractError, normalise
from extract.file_issues import NO_UPN, file_issues
from extract.inbox import arrivals
from extract.read_file import Outcome
from extract.refusal import Refusal
from extract.shown import AT_LEAST, may_be_shown
from operations import settle
from send_ready.database import identifier
from send_ready.issues import Issue
from send_ready.settings import Settings
from warehouse import seeds

LINES = {
    "header": "header",
    "titles": "titles above it",
    "blank": "blank",
    "rows": "in rows",
    "in_values": "more in values that span lines",
    "set_aside": "set aside",
}
SHOWN = 20  # lines and values listed of each kind
# A value of a coded column may be a name or a date of birth, where columns are mixed up or a line has slipped.
SAID = ("F-20", *(f"F-{number}" for number in range(30, 39)), NO_UPN)  # of rows and values
WITHHELD = f"each in fewer than {AT_LEAST} rows or one of more than {SHOWN}: perhaps not codes, so not listed"


def check(settings: Settings, path: Path, feed: str | None) -> int:
    """The exit status after a report on one file was printed: 0 when it would be accepted, else 1.

    A file of the configuration that would be set aside is named, and what is in force in its place is used.
    """
    with settle.trial(settings) as (in_force, settled):
        for each in settled.set_aside:
            print(f"SEND_CONFIG: {each.in_words}\n")
        return _check(in_force, path, feed)


def _check(settings: Settings, path: Path, feed: str | None) -> int:
    name = arrivals.printable(path.name)
    if not os.path.isfile(path):  # which Path.is_file() would not say of a name that is too long
        print(f"There is no file {arrivals.printable(str(path))}.")
        return 1
    if not os.access(path, os.R_OK):
        print(f"{name} cannot be read by this account.")
        return 1
    try:
        contract = _recognise(settings, path, feed)
    except ContractError as error:
        print(error)
        return 1
    if contract is None and (status := check_lists(settings, path)) is not None:
        return status
    if contract is None:
        from commands import check_return

        if one := check_return.takes(settings, path):
            return check_return.check_return(settings, path, one)
        names = ", ".join(sorted(f"{contract.file_name}_<YYYYMMDD>.csv" for contract in contracts.load_all(settings)))
        print(f"No feed has files named like {name}. Rename it, or name the feed with FEED=.\nExpected: {names}.")
        return 1
    suffix = arrivals.stem_and_suffix(path.name)[1]
    print(f"{name}: {contract.id}, {contract.grain}\n{_day(path, contract)}")
    with _loaded(path, suffix, contract) as (con, outcome):
        if isinstance(outcome, Refusal):
            print(f"\nWould be REFUSED ({outcome.code}).\n  {outcome.reason}\n  {outcome.fix}")
            return 1
        table, typed = outcome
        print(
            f"\nRows: {typed.rows_in_file:,} in the file = {typed.rows_accepted:,} accepted + "
            f"{typed.rows_quarantined:,} quarantined + {typed.rows_duplicate:,} exact duplicates"
        )
        total, *others = asdict(table.lines).items()
        print(f"Lines: {total[1]:,} = " + " + ".join(f"{count:,} {LINES[name]}" for name, count in others if count))
        print("\nColumns")
        for column in typed.fitted.contract.columns:
            header = typed.match.headers.get(column.name)
            star = "*" if column.is_required else " "
            if header is None:
                known = ", ".join(column.headers)
                print(f"  {star} {column.headers[0]:<28} MISSING: blank for every row. Known as: {known}")
            else:
                alias = "" if normalise(header) == normalise(column.headers[0]) else "  (alias)"
                print(f"  {star} {column.headers[0]:<28} from {header!r}{alias}")
        for header in typed.match.extra:
            print(f"    not used: {header!r} is not known")
        for header in typed.match.repeated:
            print(f"    not used: {header!r} repeats a column")
        _print_unmapped(con, settings, contract)
        issues = file_issues(con, name, contract, table, typed)
        _print_rows([issue for issue in issues if issue.rule in SAID])
    print("\nWould be accepted.")
    return 0


@contextmanager
def _loaded(path: Path, suffix: str, contract: Contract) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """read_file.loaded for a file of any name: DuckDB would read a `*` in it as a pattern."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "export")
        export.symlink_to(path.resolve())
        with read_file.opened_export(export, suffix, contract, Path(folder)) as loaded:
            yield loaded


def _day(path: Path, contract: Contract) -> str:
    """The line about the date of the file."""
    seen = arrivals.recognise(path, path.parent, contract)
    if seen and seen.data_date:
        time = f", {seen.time[:2]}:{seen.time[2:4]}" if seen.time else ""
        return f"Data date, by its name: {seen.data_date:%d/%m/%Y}{time}"
    if seen and seen.has_bad_date:
        return "Data date: none. The date in its name does not exist; name it with the date as YYYYMMDD."
    undated = contract.undated_file
    by = "the day it was last changed" if undated == FILE_TIME else f"the latest {undated}"
    return f"Data date: {by}, since there is none in its name"


def _recognise(settings: Settings, path: Path, feed: str | None) -> Contract | None:
    if feed:
        return contracts.load(feed, settings)
    every = contracts.load_all(settings)
    return next((contract for contract in every if arrivals.recognise(path, path.parent, contract)), None)


def _print_unmapped(con: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract) -> None:
    lines = []
    for column in contract.columns:
        if not column.crosswalk:
            continue
        known = {row["local_value"].strip().lower() for row in seeds.rows(f"xwalk_{column.crosswalk}", settings)}
        values = con.execute(
            f"SELECT {identifier(column.name)}, count(*) FROM typed WHERE {identifier(column.name)} IS NOT NULL "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        unmapped = [(value, count) for value, count in values if value.strip().lower() not in known]
        shown = (
            []
            if len(unmapped) > SHOWN
            else [(value, count) for value, count in unmapped if count >= AT_LEAST and may_be_shown(value)]
        )
        for value, count in shown:
            lines.append(f"  {column.headers[0]:<28} {value!r}: {count:,} rows")
        if others := len(unmapped) - len(shown):
            lines.append(f"  {column.headers[0]:<28} {others:,} {'others' if shown else 'values'}, {WITHHELD}")
    print("\nValues not mapped" + ("" if lines else ": none"))
    for line in lines:
        print(line)
    if lines:
        print("  Add each to its crosswalk (a row `value,code`) in SEND_CONFIG/crosswalks.")


def _print_rows(issues: list[Issue]) -> None:
    print("\nRows" + ("" if issues else ": nothing to say"))
    for issue in issues[:SHOWN]:
        where = f"line {issue.line_no:,}: " if issue.line_no and not issue.message.startswith("Line") else ""
        print(f"  {where}{issue.message} {issue.fix}")
    if len(issues) > SHOWN:
        print(f"  and {len(issues) - SHOWN:,} more")
