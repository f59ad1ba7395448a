"""`make check` without FILE: what the next night would make of configuration and inbox, as a table and as a page.

Takes seconds: of each export that has not landed, the name and the beginning are looked at. Nothing is landed or kept
but the page, out/check.html.
"""

import os
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from commands.check_own import own_files
from commands.new_codes import new_codes
from extract import contract as contracts
from extract import landing, read_file, removed
from extract.contract import Contract
from extract.inbox import arrivals, drive
from extract.inbox.arrivals import Arrival
from extract.inbox.drive import Unreadable, Unsettled
from extract.landing import Landed
from extract.own import source
from extract.read_file import Outcome
from extract.refusal import Refusal
from extract.text import TEXT_SUFFIXES
from inspection.alerts import receivers, send
from inspection.alerts.send import Alert
from operations import settle
from publish.report import check as page
from publish.report.check import BAD, CARE, OK, WORDS, Line, Section
from send_ready import settings as environment
from send_ready.configuration import COUNCIL, MENDED, Settled
from send_ready.home import CHECK
from send_ready.layout import council_or_number
from send_ready.settings import Settings
from send_ready.words import counted, first_few, long_date, short_date

HEAD = 1 << 18  # bytes of a text that are looked at for its header
LARGE_WORKBOOK = 1 << 20  # bytes; a larger one takes longer than a look
LOOKED_AT = 60  # exports; of more, the newest
NOON = 12  # from then on, the night to come makes the lists of the next day
ALERTED = 600  # characters of an alert


def check_all(given: Settings, *, alerts: bool = False) -> int:
    """The exit status after a report was printed and written: 0 when all can be used, else 1.

    With `alerts` somebody is told of what is to be put right, by SEND_ALERT_URL, once a night.
    """
    night = _night(given)
    with settle.trial(given) as (in_force, settled):
        sections = [_configuration(given, settled), *_inbox(in_force, night)]
    bad = sum(section.bad for section in sections)
    now = environment.now()
    for section in sections:
        _print(section)
    place = council_or_number(given.la_code)
    page.write(given.home / CHECK, place, night, f"on {long_date(now.date())} at {now:%H:%M}", sections)
    print(f"\nThe same as a page: {given.home / CHECK}")
    print(f"\nTo be put right: {bad}." if bad else "\nAll of it can be used.")
    if alerts and bad:
        said = [
            f"{section.title}: {' · '.join(filter(None, line.cells))}"
            for section in sections
            for line in section.lines
            if line.level == BAD
        ]
        text = textwrap.shorten(" ".join(said), ALERTED, placeholder=" …")
        title = f"{place}: {counted(bad, 'thing')} to be put right before the night of {short_date(night)}"
        told = Alert(f"check:{night}", "warning", title, text, now)
        send.raise_alert(told, [send.common_record(given.home)], receivers.configured(given))
    return 1 if bad else 0


def _night(given: Settings) -> date:
    """The as-at date of the night to come; of a past or future AS_AT, that day."""
    now = environment.now()
    return given.as_at + timedelta(days=1) if given.as_at == now.date() and now.hour >= NOON else given.as_at


def _print(section: Section) -> None:
    """A table as wide as its cells, the last of which wraps."""
    print(f"\n{section.title}")
    if section.note:
        print(f"  {section.note}")
    if not section.lines:
        print(f"  {section.otherwise}")
        return
    cells = [section.headers, *(line.cells for line in section.lines)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(section.headers) - 1)]
    for level, row in zip(["", *(line.level for line in section.lines)], cells, strict=True):
        start = f"  {WORDS.get(level, 'State'):<9}  " + "".join(
            f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False)
        )
        room = max(60, 160 - len(start))
        first, *more = textwrap.wrap(row[-1], room) or [""]
        print((start + first).rstrip())
        for line in more:
            print(" " * len(start) + line)


def _configuration(given: Settings, settled: Settled) -> Section:
    """The council's own files, and whether each has the effect that it should."""
    title, headers = "Configuration", ("File", "What became of it")
    if not given.config:
        return Section(title, headers, (), "As shipped. SEND_CONFIG names no folder of your own.")
    fine = sum(each.state == COUNCIL for each in settled.held)
    lines = [
        Line(CARE if each.state == MENDED else BAD, (each.name, each.in_words.removeprefix(f"{each.name}: ")))
        for each in settled.held
        if each.state != COUNCIL
    ]
    lines += [
        Line(BAD, (arrivals.printable(name), "has no effect. No file of this name and folder is looked for."))
        for name in settled.unused
    ]
    note = f"{given.config}: {fine} files of your own in force as they are"
    return Section(title, headers, tuple(lines), "Every one of them can be used.", note)


@dataclass(frozen=True)
class _Glance:
    """What a look at the beginning of an export tells; `codes` are those that no crosswalk has."""

    is_fine: bool
    said: str
    rows: str = ""
    codes: tuple[Line, ...] = ()


def _inbox(given: Settings, night: date) -> Iterator[Section]:
    """Sections about the files of the inbox, new codes in them, and each feed in the night to come."""
    exports, unreadable = arrivals.list_exports(given.inbox)
    lines = [
        Line(BAD, (arrivals.name_in_inbox(each.path, given.inbox), "", "", f"cannot be read ({each.reason})"))
        for each in unreadable
    ]
    sections, prepared, of_own = own_files(given, night)
    every = [contract for contract in contracts.load_all(given) if contract.id not in prepared]
    new: list[tuple[Arrival, os.stat_result, Contract]] = []
    unknown = {path for path, _ in exports}
    histories: dict[str, list[Landed]] = {}
    for contract in every:
        histories[contract.id] = landing.history(given.home, contract)
        landed = [*histories[contract.id], *removed.removed_records(given.home, contract)]
        of_names = {each.file_name: each for each in landed}
        for path, about in exports:
            if seen := arrivals.recognise(path, given.inbox, contract):
                unknown.discard(path)
                before = of_names.get(seen.file_name)
                if not (before and before.is_still(seen, about)):
                    new.append((seen, about, contract))
    takers = source.load_all(given) if sections else []
    own = {path for path in unknown if any(arrivals.named(path.name, each) for each in takers)}
    unknown -= own | {path for path in unknown if any(_is_of(path, each, given) for each in prepared)}
    count = len(exports) - len(unknown) - len(new) - len(own)
    lines += [
        Line(BAD, (arrivals.name_in_inbox(path, given.inbox), "no feed", "", "belongs to no feed: its name is not one "
                   "that a contract has. make onboard says what it seems to be."))
        for path in sorted(unknown)
    ]  # fmt: skip
    new.sort(key=lambda each: (-each[1].st_mtime_ns, each[0].file_name))
    glances: list[tuple[Arrival, Contract, _Glance]] = []
    for seen, about, contract in sorted(new[:LOOKED_AT], key=lambda each: (each[2].id, each[0].file_name)):
        glance = _glance(given, seen, about, contract)
        glances.append((seen, contract, glance))
        day = short_date(seen.data_date) if seen.data_date else "none in its name"
        said = ", ".join(filter(None, (glance.rows, glance.said)))
        lines.append(Line(OK if glance.is_fine else BAD, (seen.file_name, contract.id, day, said)))
    if more := max(0, len(new) - LOOKED_AT):
        lines.append(Line(CARE, (f"{more} more", "", "", "not looked into: only the newest are")))
    note = f"{given.inbox}: {counted(len(exports), 'file')}, of which {count} have landed already"
    note += f", and {len(own)} are of your own sources" if own else ""
    yield Section("Inbox", ("File", "Feed", "Data date", "What it is"), tuple(lines), "Nothing new in it.", note)
    codes = (*(line for _, _, glance in glances for line in glance.codes), *of_own)
    yield Section("Codes that no crosswalk has", ("Of", "Column", "Value", "What to do"), codes, "None.")
    yield from sections
    yield _feeds(given, every, histories, glances, night)


def _is_of(path: Path, feed: str, given: Settings) -> bool:
    """Whether a file has a feed's own name: of one that is prepared, that is told with the sources."""
    return arrivals.named(path.name, contracts.load(feed, given)) is not None


def _feeds(
    given: Settings,
    every: Sequence[Contract],
    histories: dict[str, list[Landed]],
    glances: Sequence[tuple[Arrival, Contract, _Glance]],
    night: date,
) -> Section:
    """Each feed as it would stand in the night to come, if nothing more arrives."""
    lines = []
    for contract in every:
        held = [
            (landed.data_date, landed.file_name, "landed")
            for landed in histories[contract.id]
            if landed.data_date and landed.data_date <= night and _was_accepted(given, landed, contract)
        ]
        new = [(seen, glance) for seen, each, glance in glances if each.id == contract.id]
        held += [
            (seen.data_date or night, seen.file_name, "in the inbox")
            for seen, glance in new
            if glance.is_fine and (seen.data_date or night) <= night
        ]
        bad = [seen.file_name for seen, glance in new if not glance.is_fine]
        if not held and contract.absence:
            lines.append(Line(OK, (contract.id, "Not held", "", contract.owner, str(contract.absence))))
            continue
        if not held:
            if contract.absence and not bad:
                lines.append(Line(OK, (contract.id, "Not held", "", contract.owner, str(contract.absence))))
                continue
            if contract.is_optional:
                continue
            lines.append(Line(BAD, (contract.id, "Missing", "", contract.owner, "No file of it can be used." + (
                f" {first_few(bad, 2)} would be refused." if bad else ""))))  # fmt: skip
            continue
        day, name, where = max(held)
        age = (night - day).days
        is_stale = age > contract.stale_after_days
        state = "Stale" if is_stale else "Refused" if bad else "Fresh"
        said = f"{name}, {where}"
        if is_stale:
            said += (
                f": {counted(age, 'day')} old then, and may be {contract.stale_after_days}, unless a newer one comes"
            )
        if bad:
            said += f"; {first_few(bad, 2)} would be refused"
        lines.append(Line(OK if state == "Fresh" else BAD, (contract.id, state, short_date(day), contract.owner, said)))
    title = f"Feeds in the night of {short_date(night)}, if nothing more arrives"
    return Section(title, ("Feed", "It would be", "Data date", "Owner", "Of what"), tuple(lines), "No feed.")


def _was_accepted(given: Settings, landed: Landed, contract: Contract) -> bool:
    """Whether a landed file was accepted, as far as it was read; one that nobody read yet may be."""
    if landed.duplicate_of:
        return False
    known = read_file.recorded_reading(given.home, landed, contract)
    return known is None or known[0].status == "accepted"


def _glance(given: Settings, seen: Arrival, about: os.stat_result, contract: Contract) -> _Glance:
    """What the name and the beginning of an export tell."""
    if seen.has_bad_date:
        return _Glance(False, "WOULD BE REFUSED: the date in its name does not exist.")
    suffix = arrivals.stem_and_suffix(seen.path.name)[1]
    if suffix not in TEXT_SUFFIXES and about.st_size > LARGE_WORKBOOK:
        return _Glance(True, "a large workbook: look into it with `make check FILE=`.")
    try:
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder, "export")
            share = _copy_head(seen.path, export, HEAD if suffix in TEXT_SUFFIXES else LARGE_WORKBOOK, about.st_size)
            # Of a part, nobody can say what share of it is usable.
            with read_file.opened_export(export, suffix, contract, Path(folder)) as (con, outcome):
                return _glanced(given, con, seen.file_name, contract, outcome, share)
    except Unsettled:
        return _Glance(True, "still being written.")
    except Unreadable as error:
        return _Glance(False, f"CANNOT BE READ: {error.reason}.")


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


def _glanced(
    given: Settings, con: duckdb.DuckDBPyConnection, name: str, contract: Contract, outcome: Outcome, share: float
) -> _Glance:
    if isinstance(outcome, Refusal):
        return _Glance(False, f"WOULD BE REFUSED ({outcome.code}). {outcome.reason} {outcome.fix}")
    _, typed = outcome
    whole = share >= 1
    rows = f"{typed.rows_in_file:,} rows" if whole else f"about {round(typed.rows_in_file / share, -2):,.0f} rows"
    headers = {column.name: column.headers[0] for column in contract.columns if column.headers}
    said = ["header found"]
    if typed.rows_quarantined:
        said.append(
            f"{typed.rows_quarantined:,} of the {'' if whole else f'first {typed.rows_in_file:,} '}rows set aside"
        )
    if typed.match.missing:
        said.append(f"without {', '.join(headers[name] for name in typed.match.missing)}")
    if typed.match.extra:
        said.append(f"{len(typed.match.extra)} columns not known")
    return _Glance(True, "; ".join(said) + ".", rows, tuple(new_codes(given, con, contract, name)))
