"""`make check`: what the pipeline makes of configuration and exports, before the night. Nothing is landed or kept.

With FILE all of one export is read; without, the whole configuration is checked, and the beginning of each export that
has not landed is looked at.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import duckdb

from extract import contract as contracts
from extract import landing, read_file, removed
from extract.contract import FILE_TIME, Contract, ContractError, normalise
from extract.file_issues import file_issues
from extract.inbox import arrivals, drive
from extract.inbox.arrivals import Arrival
from extract.inbox.drive import Unreadable, Unsettled
from extract.read_file import Outcome
from extract.refusal import Refusal
from extract.text import TEXT_SUFFIXES
from operations import settle
from send_ready.configuration import COUNCIL, Settled
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
SAID = ("F-20", *(f"F-{number}" for number in range(30, 39)))  # of rows and values
AT_LEAST = 3  # rows, for a value to be listed
HEAD = 1 << 18  # bytes of a text that are looked at for its header
LARGE_WORKBOOK = 1 << 20  # bytes; a larger one takes longer than a look
LOOKED_AT = 60  # exports; of more, the newest
WITHHELD = f"each in fewer than {AT_LEAST} rows or one of more than {SHOWN}: perhaps not codes, so not listed"


def check(settings: Settings, path: Path, feed: str | None) -> int:
    """The exit status after a report on one file was printed: 0 when it would be accepted, else 1.

    A file of the configuration that would be set aside is named, and what is in force in its place is used.
    """
    with settle.trial(settings) as (in_force, settled):
        for each in settled.set_aside:
            print(f"SEND_CONFIG: {each.in_words}\n")
        return _check(in_force, path, feed)


def check_all(settings: Settings) -> int:
    """The exit status after a report on configuration and inbox was printed: 0 when all can be used, else 1.

    Takes seconds: of each export that has not landed, the name and the beginning are looked at.
    """
    with settle.trial(settings) as (in_force, settled):
        bad = _print_configuration(settings, settled)
        print()
        bad += _print_inbox(in_force)
    print("\nAll of it can be used." if not bad else f"\nTo be put right: {bad}.")
    return 1 if bad else 0


def _print_configuration(settings: Settings, settled: Settled) -> int:
    """The number of the council's files that do not have the effect that they should."""
    if not settings.config:
        print("Configuration: as shipped. SEND_CONFIG names no folder of your own.")
        return 0
    fine = sum(each.state == COUNCIL for each in settled.held)
    print(f"Configuration in {settings.config}: {fine} files of your own in force as they are")
    for each in settled.held:
        if each.state != COUNCIL:
            print(f"  {each.in_words}")
    for name in settled.unused:
        print(f"  {arrivals.printable(name)}: has no effect. No file of this name and folder is looked for.")
    return len(settled.held) - fine + len(settled.unused)


def _print_inbox(settings: Settings) -> int:
    """The number of exports that could not be used, or not be read."""
    exports, unreadable = arrivals.list_exports(settings.inbox)
    print(f"Inbox {settings.inbox}: {len(exports)} files")
    for each in unreadable:
        print(f"  {arrivals.name_in_inbox(each.path, settings.inbox)}: cannot be read ({each.reason})")
    bad = len(unreadable)
    new: list[tuple[Arrival, os.stat_result, Contract]] = []
    unknown = {path for path, _ in exports}
    for contract in contracts.load_all(settings):
        landed = [*landing.history(settings.home, contract), *removed.removed_records(settings.home, contract)]
        of_names = {each.file_name: each for each in landed}
        for path, about in exports:
            if seen := arrivals.recognise(path, settings.inbox, contract):
                unknown.discard(path)
                before = of_names.get(seen.file_name)
                if not (before and before.is_still(seen, about)):
                    new.append((seen, about, contract))
    if count := len(exports) - len(unknown) - len(new):
        print(f"  {count} have landed already")
    for path in sorted(unknown):
        name = arrivals.name_in_inbox(path, settings.inbox)
        print(f"  {name}: BELONGS TO NO FEED. Its name is not one that a contract has.")
    new.sort(key=lambda each: (-each[1].st_mtime_ns, each[0].file_name))
    for seen, about, contract in sorted(new[:LOOKED_AT], key=lambda each: (each[2].id, each[0].file_name)):
        is_fine, said = _glance(settings, seen, about, contract)
        bad += not is_fine
        print(f"  {seen.file_name}: {contract.id}, {said}")
    if more := len(new) - LOOKED_AT:
        print(f"  and {more} more that were not looked into" if more > 0 else "", end="\n" if more > 0 else "")
    return bad + len(unknown)


def _glance(settings: Settings, seen: Arrival, about: os.stat_result, contract: Contract) -> tuple[bool, str]:
    """Whether an export looks usable, and a line about it."""
    if seen.has_bad_date:
        return False, "WOULD BE REFUSED: the date in its name does not exist."
    day = f"of {seen.data_date:%d/%m/%Y}" if seen.data_date else "without a date in its name"
    suffix = arrivals.stem_and_suffix(seen.path.name)[1]
    if suffix not in TEXT_SUFFIXES and about.st_size > LARGE_WORKBOOK:
        return True, f"{day}, a large workbook: look into it with `make check FILE=`."
    try:
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder, "export")
            share = _copy_head(seen.path, export, HEAD if suffix in TEXT_SUFFIXES else LARGE_WORKBOOK, about.st_size)
            # Of a part, nobody can say what share of it is usable.
            with read_file.opened_export(export, suffix, contract, Path(folder)) as (_, outcome):
                return _glanced(day, contract, outcome, share)
    except Unsettled:
        return True, f"{day}, still being written."
    except Unreadable as error:
        return False, f"{day}, CANNOT BE READ: {error.reason}."


def _copy_head(source: Path, target: Path, most: int, size: int) -> float:
    """The share of a file that was copied: its beginning, up to the end of a line."""
    pieces = drive.read_pieces(source)
    next(pieces)
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= most:
            break
    if len(head) < size:
        end = head.rfind(b"\n", 0, most) + 1 or most
        is_wide = b"\0" in head[:4]  # two bytes a letter
        head = head[: end + (end % 2 if is_wide else 0)]
    target.write_bytes(head)
    return len(head) / size if size else 1.0


def _glanced(day: str, contract: Contract, outcome: Outcome, share: float) -> tuple[bool, str]:
    if isinstance(outcome, Refusal):
        return False, f"{day}, WOULD BE REFUSED ({outcome.code}). {outcome.reason} {outcome.fix}"
    _, typed = outcome
    whole = share >= 1
    rows = f"{typed.rows_in_file:,} rows" if whole else f"about {round(typed.rows_in_file / share, -2):,.0f} rows"
    headers = {column.name: column.headers[0] for column in contract.columns if column.headers}
    said = [f"{day}, header found, {rows}"]
    if typed.rows_quarantined:
        said.append(
            f"{typed.rows_quarantined:,} of the {'' if whole else f'first {typed.rows_in_file:,} '}rows set aside"
        )
    if typed.match.missing:
        said.append(f"without {', '.join(headers[name] for name in typed.match.missing)}")
    if typed.match.extra:
        said.append(f"{len(typed.match.extra)} columns not known")
    return True, "; ".join(said) + "."


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
    if contract is None:
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
