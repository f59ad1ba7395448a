"""One case in a process of its own, and what must hold whatever came."""

import csv
import functools
import hashlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from commands.check import check
from extract import contract as contracts
from extract import landing, read_file, refusal
from extract.choose import extract
from extract.contract import TYPES, Contract, normalise
from extract.inbox import arrivals
from extract.inbox.survey import survey
from extract.landing import Landed
from extract.refusal import Refusal
from send_ready import database, files, runs, settings
from send_ready.settings import Settings
from tests.fuzz import cells, texts
from tests.fuzz.cases import Case
from tests.fuzz.exports import MARKER, PERSONAL, Export, council

SECONDS = 120.0  # for one file, on a busy machine
MEMORY_MB = 1200  # of the process and of what it starts, for a file of at most 50 MB
BACKSTOP = 6 << 30  # bytes of address space: the machine must not suffer when the bound above is broken
YESTERDAY = date(2026, 11, 15)
CODES = {value for name, value in vars(refusal).items() if name.isupper()}
REASON = re.compile(r"(F-\d\d) \S.*[.)] \S.*\.", re.DOTALL)
OTHER = ("capita_one.exclusions", "capita_one.home_education")  # a feed beside the one that is tried
# What may happen to a file without its records becoming others, so that each must come to rows or to quarantine.
HARMLESS = {change.__name__ for change in texts.TEXTS} | {
    cells.ragged.__name__, cells.rows_shuffled.__name__, cells.header_again.__name__, cells.titles_above.__name__,
    cells.totals_below.__name__, cells.blank_rows.__name__, texts.two_in_one.__name__, "mixed encodings",
}  # fmt: skip
DEEP = 4  # every so many cases the inbox is looked through and the file checked, too


@dataclass
class Outcome:
    """What came of one case. `problems` is empty when all that must hold did."""

    status: str = ""
    code: str = ""
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    peak_mb: float = 0.0


_parse = functools.cache(contracts.parse)  # the same files, thousands of times


class Bench:
    """A folder with the good exports of the day before, landed and read, from which every case starts."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.given = settings.load({"SEND_HOME": str(folder / "template"), "AS_AT": "2026-11-16"})
        self.exports = council(folder, self.given)
        with mock.patch.object(contracts, "parse", _parse):
            contracts.load_all(self.given)
        _in_child(self._settle, folder / "settle.log")

    def _settle(self) -> None:
        """Yesterday: every feed came and was read."""
        self.given.inbox.mkdir(parents=True)
        for export in self.exports:
            text = io.StringIO()
            csv.writer(text).writerows([*export.rows, []])  # no file of tonight has the same bytes
            (self.given.inbox / f"{export.contract.file_name}_20261115.csv").write_text(text.getvalue())
        run = runs.begin(replace(self.given, run_id="yesterday", as_at=YESTERDAY))
        for export in self.exports:
            assert extract(run, self.given, export.contract.id)["status"] == "fresh"

    def try_one(self, export: Export, case: Case, number: int) -> Outcome:
        """Land and read one file in a child process, and judge."""
        home = self.folder / "case"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        answer, log = home / "answer.json", self.folder / "case.log"
        began = time.monotonic()

        def child() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (BACKSTOP, BACKSTOP))
            found = _tried(self.given, home / "home", export, case, number)
            answer.write_text(json.dumps(found))

        ended, peak_mb = _in_child(child, log)
        outcome = Outcome(seconds=time.monotonic() - began, peak_mb=peak_mb)
        if ended:
            outcome.problems.append(f"{ended}\n{log.read_text(errors='replace')[-3000:]}")
        else:
            outcome.status, outcome.code, outcome.problems = json.loads(answer.read_text())
        if len(case.data) <= 50 << 20 and peak_mb > MEMORY_MB:
            outcome.problems.append(f"{peak_mb:.0f} MB of memory for a file of {len(case.data):,} bytes")
        if found := PERSONAL.search(log.read_bytes()):
            outcome.problems.append(f"the log holds {found[0]!r}")
        return outcome


def _in_child(work: Any, log: Path) -> tuple[str, float]:
    """Run in a forked child; how it ended when not well, and its peak memory in MB."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        code = 70
        try:
            into = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(into, 1)
            os.dup2(into, 2)
            sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8", line_buffering=True)
            sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace", "\n", True)
            os.umask(files.PRIVATE_UMASK)
            arrivals.SETTLE_SECONDS, contracts.parse = 0.0, _parse
            work()
            code = 0
        except BaseException:  # whatever it is, the parent is to hear of it
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    deadline = time.monotonic() + SECONDS
    while True:
        found, status, usage = os.wait4(pid, os.WNOHANG)
        if found:
            break
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            _, _, usage = os.wait4(pid, 0)
            return f"HANG: not done after {SECONDS:.0f} s", usage.ru_maxrss / 1024
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(status)
    ended = "" if code == 0 else f"DIED of signal {-code}" if code < 0 else "UNHANDLED"
    return ended, usage.ru_maxrss / 1024


def _tried(template: Settings, home: Path, export: Export, case: Case, number: int) -> tuple[str, str, list[str]]:
    """Status, code and problems of one file, landed and read in a home of its own."""
    contract = export.contract
    given = replace(template, home=home, inbox=home / "inbox", run_id="tonight")
    given.inbox.mkdir(parents=True)
    other = OTHER[contract.id == OTHER[0]]
    has_before = number % 2 == 0
    for feed in [other] + [contract.id] * has_before:
        for folder in ("landing", "typed"):
            part = Path(folder, *feed.split("."))
            shutil.copytree(template.home / part, home / part)
    path = given.inbox / case.name
    path.write_bytes(case.data)
    run = runs.begin(given)
    if number % DEEP == 0:
        survey(run, given)
    result: dict[str, Any] = extract(run, given, contract.id)
    beside = extract(run, given, other)
    problems = [] if (beside["status"], beside["data_date"]) == ("fresh", str(YESTERDAY)) else ["another feed suffered"]
    sha256 = hashlib.sha256(case.data).hexdigest()
    landed = [each for each in landing.history(home, contract) if each.sha256 == sha256]
    status, code, day = "left alone", "", landed[0].data_date or date.min if landed else date.max
    if not landed and arrivals.is_export(path) and arrivals.recognise(path, given.inbox, contract):
        problems.append("it is a file of the feed, and did not land")
    if day <= given.as_at:
        (entry,) = (file for file in result["files"] if file.get("sha256") == sha256)
        problems += _judged(given, contract, case, landed[0], entry)
        status = entry["status"]
        code = (entry["reason"] or "")[:4] if status == "refused" else ""
    in_use = ("refused" if day > YESTERDAY else "fresh", str(YESTERDAY))
    if has_before and status == "refused" and (result["status"], result["data_date"]) != in_use:
        problems.append("the file of the day before is not in use")
    if number % DEEP == 0:
        problems += _checked(given, path, contract, status, code)
    problems += _leaks(run, home)
    if left := [each.name for each in home.rglob("*") if re.search(r"\.partial$|\.ndjson$|^\.reading", each.name)]:
        problems.append(f"left over: {left}")
    return status, code, problems


def _checked(given: Settings, path: Path, contract: Contract, status: str, code: str) -> list[str]:
    """Whether `check` says what the night says. It knows nothing of files before, nor minds the date in the name."""
    with redirect_stdout(io.StringIO()) as said:
        exit_status = check(given, path, contract.id)
    print(said.getvalue())
    expected = {"accepted": {0}, "refused": {0, 1} if code in ("F-09", "F-10") else {1}}
    return [] if exit_status in expected.get(status, {0, 1}) else [f"`check` says {exit_status}, the night {status}"]


def _judged(given: Settings, contract: Contract, case: Case, landed: Landed, entry: dict[str, Any]) -> Iterator[str]:
    """What does not hold of one file that landed."""
    if (given.home / landed.path).read_bytes() != case.data:
        yield "the bytes in landing are not those that came"
    rows = entry["rows_in_file"], entry["rows_accepted"], entry["rows_quarantined"], entry["rows_duplicate"]
    if rows[0] != sum(rows[1:]):
        yield f"rows: {rows}"
    if entry["status"] == "refused":
        found = REASON.fullmatch(entry["reason"] or "")
        if not found or found[1] not in CODES:
            yield f"refused without a code, a reason and a remedy: {entry['reason']!r}"
        return
    if entry["status"] != "accepted":
        yield f"status {entry['status']}"
        return
    count = records(case.data, contract)
    if count and not count[0] <= rows[0] <= count[1]:
        yield f"{rows[0]} rows in the file, where {count} can be counted"
    yield from _same_again(given, contract, case, landed, rows)


def records(data: bytes, contract: Contract) -> tuple[int, int] | None:
    """The least and most records that a text can be said to hold under its header; None where that can be argued.

    A line of nothing but delimiters may be one or none, a CR alone may end a line or stand in a value, and lines
    between two quotation marks may be a value or, when nobody meant the marks, a row each.
    """
    if b"\x00" in data or data[:2] in (b"PK", b"\xd0\xcf", b"\xff\xfe", b"\xfe\xff"):
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    text = text.replace("\r\n", "\n")
    counts = [_counted(text.replace("\r", other), contract) for other in "\n "[: 1 + ("\r" in text)]]
    found = [count for each in counts if each for count in each]
    return (min(found), max(found)) if all(counts) else None


def _counted(text: str, contract: Contract) -> tuple[int, int] | None:
    required = {normalise(name) for column in contract.required for name in column.headers[:1]}
    for delimiter in ",;\t|":
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            header = next(rows, [])
            if not required <= set(map(normalise, header)):
                continue
            width, before, blank, full = len("\0".join(header).rstrip("\0 ").split("\0")), rows.line_num, 0, 0
            spanned = 0
            for row in rows:
                spans, before = rows.line_num - before, rows.line_num
                if not any(cell.strip() for cell in row):
                    blank += 1
                elif spans > 1 and len(row) != width:
                    return None  # a quotation that was not meant, perhaps
                else:
                    full += 1
                    spanned += spans - 1
            return full, full + blank + spanned
        except csv.Error:
            return None
    return None


def _same_again(
    given: Settings, contract: Contract, case: Case, landed: Landed, rows: tuple[int, ...]
) -> Iterator[str]:
    """Typed rows and quarantine are as counted and of the right types; the same bytes again give the same."""
    typed, quarantine, _ = (given.home / path for path in read_file.typed_paths(landed, contract))
    with database.scratch() as con:
        types = con.execute(f"DESCRIBE SELECT * FROM '{typed}'").fetchall()
        counts = [con.execute(f"SELECT count(*) FROM '{each}'").fetchall()[0][0] for each in (typed, quarantine)]
    wanted = [(column.name, TYPES[column.type]) for column in contract.columns] + [
        ("_line_no", "BIGINT"),
        ("_unreadable", "VARCHAR"),
    ]
    if [each[:2] for each in types] != wanted:
        yield "columns or types of the typed rows"
    if tuple(counts) != rows[1:3]:
        yield f"{counts} typed and in quarantine, {rows} counted"
    with read_file.opened_export(given.home / landed.path, landed.suffix, contract, given.home / "again") as (
        con,
        outcome,
    ):
        if isinstance(outcome, Refusal):
            yield f"read again, it is refused: {outcome.code}"
            return
        for one, other in (("typed", f"'{typed}'"), (f"'{typed}'", "typed")):
            if con.execute(f"SELECT count(*) FROM (FROM {one} EXCEPT ALL FROM {other})").fetchall()[0][0]:
                yield "read again, the rows are others"
        held = Counter(MARKER.findall(_all_text(con)))
        lost = _came(case) - held
        titles = re.search(r"passed over: (\d+)", " ".join(outcome[0].notes))
        if sum(lost.values()) > int(titles[1] if titles else 0):  # a row of next to nothing passes for a title
            yield f"records lost: {sum(lost.values())}, such as {min(lost)!r}"
        kept = con.execute(
            "SELECT to_json(typed)::VARCHAR FROM typed UNION ALL SELECT record FROM quarantine"
        ).fetchall()
        gone = set(_came(case)) - set(MARKER.findall("\n".join(row for (row,) in kept).encode()))
        if HARMLESS.issuperset(case.said) and len(gone) > int(titles[1] if titles else 0):
            yield f"neither in rows nor in quarantine: {len(gone)}, such as {min(gone)!r}"
    shutil.rmtree(given.home / "again")


def _all_text(con: duckdb.DuckDBPyConnection) -> bytes:
    """Every value as it was read, of rows and of lines that did not fit."""
    held = con.execute("SELECT to_json(text)::VARCHAR FROM text UNION ALL SELECT record FROM misfit").fetchall()
    return "\n".join(row for (row,) in held).encode()


def _came(case: Case) -> Counter[bytes]:
    """The records that came, told by their markers, with how often each did."""
    if case.markers is not None:
        return case.markers
    if case.data[:2] in (b"PK", b"\xd0\xcf"):
        return Counter()
    plain = case.data.replace(b"\x00", b"")
    is_wide = len(case.data) - len(plain) > len(case.data) // 4  # UTF-16, in which bytes can be out of step
    if is_wide and any(change.__name__ in case.said for change in texts.BYTES):
        return Counter()
    if max(map(len, re.split(rb"[\r\n]", plain))) > 1 << 19:
        return Counter()
    return Counter(MARKER.findall(plain))


def _leaks(run: runs.Run, home: Path) -> Iterator[str]:
    """Where something personal is written that is not a place for data."""
    for path in [*run.folder.rglob("*.json*"), *(home / "landing").rglob("*.json")]:
        if found := PERSONAL.search(path.read_bytes()):
            yield f"{path.relative_to(home)} holds {found[0]!r}"
    with database.scratch() as con:
        for path in run.folder.rglob("*.parquet"):
            said = con.execute(f"SELECT to_json(i)::VARCHAR FROM {database.literal(path)} AS i").fetchall()
            if found := PERSONAL.search("\n".join(row for (row,) in said).encode()):
                yield f"{path.relative_to(home)} holds {found[0]!r}"
