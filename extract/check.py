"""`make check FILE=…`: what the pipeline makes of one export, before the night. Nothing is landed or kept."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from extract import contract as contracts
from extract import landing, reader
from extract.contract import Contract, ContractError, normalise
from extract.reader import Outcome
from extract.refusal import Refusal
from send_ready.build import seed
from send_ready.issues import Issue
from send_ready.settings import Settings
from send_ready.warehouse import identifier

SHOWN = 20  # lines and values listed of each kind
# A value of a coded column may be a name or a date of birth, where columns are mixed up or a line has slipped.
SAID = ("F-20", "F-30", "F-31", "F-32", "F-40", "F-41", "F-42", "F-43", "F-44")  # of rows and values
AT_LEAST = 3  # rows, for a value to be listed
WITHHELD = f"each in fewer than {AT_LEAST} rows or one of more than {SHOWN}: perhaps not codes, so not listed"


def check(settings: Settings, path: Path, feed: str | None) -> int:
    """Print a report on one file. The exit status is 0 when it would be accepted, else 1."""
    name = landing.printable(path.name)
    if not os.path.isfile(path):  # which Path.is_file() would not say of a name that is too long
        print(f"There is no file {landing.printable(str(path))}.")
        return 1
    if not os.access(path, os.R_OK):
        print(f"{name} cannot be read by this account.")
        return 1
    try:
        contract = _recognise(settings, path, feed)
    except ContractError as error:
        print(error)
        return 1
    if contract is None:
        names = ", ".join(sorted(f"{contract.file_name}_<YYYYMMDD>.csv" for contract in contracts.load_all(settings)))
        print(f"No feed has files named like {name}. Rename it, or name the feed with FEED=.\nExpected: {names}.")
        return 1
    suffix = landing.stem_and_suffix(path.name)[1]
    print(f"{name}: {contract.id}, {contract.grain}")
    with _loaded(path, suffix, contract) as (con, outcome):
        if isinstance(outcome, Refusal):
            print(f"\nWould be REFUSED ({outcome.code}).\n  {outcome.reason}\n  {outcome.fix}")
            return 1
        table, typed = outcome
        print(
            f"\nRows: {typed.rows_in_file:,} in the file = {typed.rows_accepted:,} accepted + "
            f"{typed.rows_quarantined:,} quarantined + {typed.rows_duplicate:,} exact duplicates"
        )
        print("\nColumns")
        for column in contract.columns:
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
        issues = reader.file_issues(con, name, contract, table, typed)
        _print_rows([issue for issue in issues if issue.rule in SAID])
    print("\nWould be accepted.")
    return 0


@contextmanager
def _loaded(path: Path, suffix: str, contract: Contract) -> Iterator[tuple[duckdb.DuckDBPyConnection, Outcome]]:
    """What reader.loaded gives, of a file whose name DuckDB need not understand: it may be no text, or have a `*`."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder, "export")
        export.symlink_to(path.resolve())
        with reader.loaded(export, suffix, contract, Path(folder)) as loaded:
            yield loaded


def _recognise(settings: Settings, path: Path, feed: str | None) -> Contract | None:
    if feed:
        return contracts.load(feed, settings)
    every = contracts.load_all(settings)
    return next((contract for contract in every if landing.recognise(path, path.parent, contract)), None)


def _print_unmapped(con: duckdb.DuckDBPyConnection, settings: Settings, contract: Contract) -> None:
    lines = []
    for column in contract.columns:
        if not column.crosswalk:
            continue
        known = {row["local_value"].strip().lower() for row in seed(f"xwalk_{column.crosswalk}", settings)}
        values = con.execute(
            f"SELECT {identifier(column.name)}, count(*) FROM typed WHERE {identifier(column.name)} IS NOT NULL "
            "GROUP BY 1 ORDER BY 2 DESC, 1"
        ).fetchall()
        unmapped = [(value, count) for value, count in values if value.strip().lower() not in known]
        shown = [] if len(unmapped) > SHOWN else [(value, count) for value, count in unmapped if count >= AT_LEAST]
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
        where = f"line {issue.line_no:,}: " if issue.line_no else ""
        print(f"  {where}{issue.message} {issue.fix}")
    if len(issues) > SHOWN:
        print(f"  and {len(issues) - SHOWN:,} more")
