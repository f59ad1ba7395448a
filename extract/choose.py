"""One feed of one run: land what is new, read it, and choose the file that speaks for the as-at date."""

import datetime as dt
import os
from bisect import bisect_left
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import duckdb

from extract import contract as contracts
from extract import landing, read_file, removed
from extract.contract import FILE_TIME, Contract
from extract.inbox import arrivals, survey
from extract.inbox.arrivals import Arrival, named
from extract.inbox.drive import Unreadable, Unsettled
from extract.landing import Damage, Landed, LatestDate, Taker, Unlandable
from extract.own import feed as own
from extract.own import prepare, source
from extract.own.editions import Edition
from extract.own.prepare import Preparation
from extract.read_file import Reading
from extract.refusal import DAMAGED, FAILED_RULE, HEADER_ONLY, UNLANDABLE
from send_ready import database, files, issues, runs
from send_ready.home import Lock
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import LONDON, Settings

Readings = dict[tuple[dt.date, str], Reading]  # by Landed.order
TO_COME, WORKS_NO_MORE = "F-24", "F-60"
RESTORE = "Restore it from the backup, or drop the export into the inbox again; then run again."

PARTS = (
    "If each is a part, such as a district, declare them as a source with {part} in its file_names, and prepare the "
    "feed from it. If one is right, take the other away; if the newest always is, write `same_date: newest` in the "
    "contract."
)
SMALLER = (
    "Look whether it is an export at all, and take it away if not. If it is, make room, or raise SEND_MAX_FILE_MB, or "
    "max_file_mb of its contract alone; the next run takes it."
)


@dataclass(frozen=True)
class Choice:
    """The file in use at the as-at date, and the newer ones that were refused."""

    chosen: tuple[Landed, Reading] | None
    refused: tuple[tuple[Landed, Reading], ...]
    damaged: tuple[Damage, ...] = ()  # of the landing, and perhaps newer than the one in use

    def status(self, run: Run, contract: Contract) -> str:
        """One of runs.STATUSES."""
        if self.refused or self.damaged:
            return "refused"
        if not self.chosen:
            return runs.ABSENT if contract.absence else runs.UNUSED if contract.is_optional else "missing"
        return "stale" if self.chosen[0].is_stale_on(run.as_at, contract.stale_after_days) else "fresh"


class Why(Enum):
    """Why something was not landed."""

    FAULT = "of the inbox, or the leave to read it"
    IN_MOTION = "it is still being written, or went away"
    TOO_LARGE = "it is too large"
    PREPARED = "the feed is prepared from sources"
    CONTESTED = "a source would take it too"
    SIBLING = "another of its date would take its place"


REFUSED = (Why.CONTESTED, Why.SIBLING)


@dataclass(frozen=True)
class NotLanded:
    """What was not landed in this run: a file, or without a name whatever the inbox holds for the feed."""

    file_name: str | None
    reason: str
    why: Why


class InboxError(runs.RunError):
    """The inbox, or a file in it, cannot be read. What had landed before is in use, and the next try goes on."""


def extract(
    run: Run, settings: Settings, feed: str, without: Collection[str] = (), *, from_inbox: bool = True
) -> dict[str, object]:
    """Land, read and choose for one feed (`source.feed`); writes and gives run.feed_result(feed).

    `without` holds hashes of files that a stop rule has refused in this run. Files are taken from the
    inbox and left there. A bad file is refused. Raises InboxError when the inbox, or a file in it, cannot be read, but
    only when all that can be done has been done: whoever tries again loses nothing, and neither does who does not.
    """
    contract = contracts.load(feed, settings)
    preparation = prepare.load(contract.name, settings)
    if preparation:
        contract = own.prepared_contract(contract, preparation, settings)
    looks = from_inbox and not without
    arrivals = _arrivals(run, settings, contract) if looks else ([], [])
    lock = run.home / Lock.feed(contract.name)  # the night and an inspection may meet
    with files.locked(lock), runs.step(run, "extract", feed) as step:
        history: list[Landed]
        if preparation:
            left = [NotLanded(seen.file_name, preparation.file_name, Why.PREPARED) for seen, _ in arrivals[0]]
            editions, damaged = own.history(settings, contract, preparation, run.as_at)
            history = [*editions]
        else:
            landing.sweep(run.home, contract)
            mine, left = _not_contested(settings, arrivals[0])
            mine, beside = _without_siblings(settings, contract, mine)
            left += beside
            left += land_all(contract, settings, mine, arrivals[1], read_file.latest_date)
            history, damaged = landing.history_and_damage(run.home, contract)
        with database.scratch(read_file.scratch_folder(run.home, contract), threads=1) as con:
            readings, choice = _read_and_choose(run, contract, history, damaged, without, con)
            found: list[Issue] = []
            is_as_before = False
            if preparation and (choice.refused or not choice.chosen):
                worked = _as_it_worked(run, settings, contract, without, con)
                if worked and _is_newer(worked[-1], choice):
                    is_as_before, found = True, [_works_no_more(contract, preparation, choice)]
                    contract, preparation, history, damaged, readings, choice = worked
            found += [
                *_issues(run, contract, history, readings, choice, left, without, preparation),
                *_damage_issues(contract, damaged),
            ]
            issues.write(run.issues(f"extract__{contract.name}"), found, con)
        result = _result(run, contract, history, readings, choice, left, without, preparation, is_as_before)
        if choice.chosen:
            _add_file_issues(run, contract, choice.chosen[0])
        files.write_json(run.feed_result(feed), result)
        step.rows = int(str(result["rows_in_file"])) if choice.chosen else None
        step.note = f"{result['status']}, data date {result['data_date']}" if choice.chosen else str(result["status"])
        if faults := [f"{each.file_name or settings.inbox}: {each.reason}" for each in left if each.why == Why.FAULT]:
            raise InboxError("\n".join([*faults, f"What had landed before is in use. {survey.MEND}"]))
    return result


def _as_it_worked(
    run: Run, settings: Settings, contract: Contract, without: Collection[str], con: duckdb.DuckDBPyConnection
) -> tuple[Contract, Preparation, list[Landed], list[Damage], Readings, Choice] | None:
    """What the council's sources and SELECTs that last gave rows give now; None where there are none, or no others."""
    before = own.as_it_worked(run, settings, contract.name)
    try:
        preparation = prepare.load(contract.name, before) if before else None
    except prepare.PrepareError:  # what is allowed may have changed since
        return None
    if not (before and preparation):
        return None
    contract = own.prepared_contract(contracts.load(contract.id, before), preparation, before)
    editions, damaged = own.history(before, contract, preparation, run.as_at)
    history: list[Landed] = [*editions]
    readings, choice = _read_and_choose(run, contract, history, damaged, without, con)
    return contract, preparation, history, damaged, readings, choice


def _is_newer(one: Choice, other: Choice) -> bool:
    """Whether one choice uses newer files than another, or files where the other has none."""
    return bool(one.chosen and (not other.chosen or one.chosen[0].order > other.chosen[0].order))


def _works_no_more(contract: Contract, preparation: Preparation, choice: Choice) -> Issue:
    """The issue of a preparation that gives no row, while the one of before does."""
    refusal = choice.refused[0][1] if choice.refused else None
    reason = refusal.reason if refusal else "its sources, as they are declared now, give no file that can be used."
    return Issue("File", WORKS_NO_MORE, "error",
                 f"{preparation.file_name} as it is now cannot use the newest files: {reason} In use instead: the "
                 "sources and SELECTs with which the feed last had rows.",
                 (refusal and refusal.fix) or f"Put {', '.join(f'sources/{name}.yml' for name in preparation.sources)} "
                 "right; make check tries them.", contract.owner, feed=contract.id)  # fmt: skip


def _not_contested(
    settings: Settings, seen: list[tuple[Arrival, os.stat_result]]
) -> tuple[list[tuple[Arrival, os.stat_result]], list[NotLanded]]:
    """Files that are of no source of the council's too, and the others: whose they are is for people to say."""
    if not seen:
        return [], []
    sources = [source.load(name, settings) for name in source.source_names(settings) if source.is_own(name, settings)]
    others = {file.path: [each.id for each in sources if named(file.path.name, each)] for file, _ in seen}
    left = [
        NotLanded(file.file_name, f"By its name it is also of {', '.join(others[file.path])}.", Why.CONTESTED)
        for file, _ in seen
        if others[file.path]
    ]
    return [(file, about) for file, about in seen if not others[file.path]], left


def _kind(file: Arrival, contract: Contract) -> str:
    """What a name says beside feed and date, as it is written on record, where odd signs are letters and digits."""
    on_record = named(arrivals.printable(file.path.name), contract)
    return on_record.rest if on_record else file.rest


def _without_siblings(
    settings: Settings, contract: Contract, seen: list[tuple[Arrival, os.stat_result]]
) -> tuple[list[tuple[Arrival, os.stat_result]], list[NotLanded]]:
    """Files that can land, and new ones beside which another of the same date stands that is not the same once more.

    Such are parts, as of a district, of which each would take the place of the other.
    """
    if contract.is_newest_of_date or not seen:
        return seen, []
    history = landing.history(settings.home, contract)
    known = landing.LandedBefore(history, removed.removed_records(settings.home, contract))
    of_date: dict[dt.date | None, dict[str, str]] = {}  # by date and kind of name, a file
    for each in history:
        if each.data_date and (its := named(Path(each.file_name).name, contract)) and its.date:
            of_date.setdefault(each.data_date, {})[its.rest] = each.file_name
    folders: dict[str, set[tuple[Path, int]]] = {}
    for file, about in seen:
        if file.data_date:
            of_date.setdefault(file.data_date, {}).setdefault(_kind(file, contract), file.file_name)
        folders.setdefault(file.path.name, set()).add((file.path.parent, about.st_size))
    left = []
    for file, about in seen:
        if known.holds(file, about) or not file.data_date:
            continue
        kinds = of_date[file.data_date]
        others = sorted(name for kind, name in kinds.items() if kind != _kind(file, contract))
        others += [
            arrivals.name_in_inbox(folder / file.path.name, settings.inbox)
            for folder, size in sorted(folders[file.path.name])
            if folder != file.path.parent and size != about.st_size
        ]
        if others:
            reason = f"It has the data date of {', '.join(others[:3])}, and one would take the place of the other."
            left.append(NotLanded(file.file_name, reason, Why.SIBLING))
    names = {each.file_name for each in left}
    return [each for each in seen if each[0].file_name not in names], left


def _arrivals(
    run: Run, settings: Settings, contract: Contract
) -> tuple[list[tuple[Arrival, os.stat_result]], list[Unreadable]]:
    known = landing.LandedBefore(
        landing.history(settings.home, contract), removed.removed_records(settings.home, contract)
    )
    return arrivals.find_arrivals(settings.inbox, contract, known.holds, survey.first_snapshot(run))


def fill_gaps(run: Run, settings: Settings) -> list[str]:
    """Feeds whose extract never came to an end, settled from what had landed before. Gives their names."""
    gaps = [feed for feed in contracts.feeds() if not runs.feed_result(run, feed)]
    for feed in gaps:
        extract(run, settings, feed, from_inbox=False)
    return gaps


def land_all(
    contract: Taker,
    settings: Settings,
    seen: list[tuple[Arrival, os.stat_result]],
    unreadable: list[Unreadable],
    latest_date: LatestDate,
) -> Iterator[NotLanded]:
    """Land what the inbox holds for a feed or a source; gives what is left for the next run."""
    for each in unreadable:
        if each.path == settings.inbox:
            yield NotLanded(None, f"The inbox cannot be read: {each.reason}.", Why.FAULT)
        elif each.is_no_file:
            continue  # `begin` tells of it
        elif (name := arrivals.recognise(each.path, settings.inbox, contract)) and arrivals.is_export(each.path):
            yield _not_read(name.file_name, each)
    known = landing.LandedBefore(
        landing.history(settings.home, contract), removed.removed_records(settings.home, contract)
    )
    for file, about in seen:
        try:
            if landed := landing.land(file, about, contract, settings, known, latest_date):
                known.add(landed)
        except Unsettled:
            yield NotLanded(
                file.file_name, "It is still being written, or was replaced while it was read.", Why.IN_MOTION
            )
        except Unlandable as error:
            yield NotLanded(file.file_name, str(error), Why.TOO_LARGE)
        except Unreadable as error:
            yield _not_read(file.file_name, error)


def _not_read(file_name: str, error: Unreadable) -> NotLanded:
    if error.is_gone:
        return NotLanded(file_name, "It went away before it was read.", Why.IN_MOTION)
    return NotLanded(file_name, f"It cannot be read: {error.reason}.", Why.FAULT)


def _read_and_choose(
    run: Run,
    contract: Contract,
    history: list[Landed],
    damaged: list[Damage],
    without: Collection[str],
    con: duckdb.DuckDBPyConnection,
) -> tuple[Readings, Choice]:
    """What every file came to, and which is in use. A file that proves damaged moves from `history` to `damaged`."""
    readings: Readings = {}
    records = read_file.record_paths(run.home, contract)
    while True:
        try:
            _read_all(run, contract, history, readings, records, con)
            choice = _choose(run, contract, history, readings, without, records, con)
            if choice.chosen:
                read_file.ensure_typed(run.home, choice.chosen[0], contract, con)
        except read_file.Spoilt as error:
            spoilt = [each for each in history if each == error.landed or _is_of(each, error.landed)]
            for each in spoilt:
                history.remove(each)
                readings.pop(each.order, None)
            damaged.append(landing.damage_of(error.landed, str(error)))
            continue
        used = (choice.chosen and choice.chosen[0].newest_date) or dt.date.min
        missed = (each for each in damaged if each.data_date is None or used <= each.data_date <= run.as_at)
        return readings, replace(choice, damaged=tuple(missed))


def _is_of(landed: Landed, member: Landed) -> bool:
    """Whether an edition has a file."""
    return isinstance(landed, Edition) and any(each.landed == member for each in landed.members)


def _read_all(
    run: Run,
    contract: Contract,
    history: list[Landed],
    readings: Readings,
    records: read_file.RecordPaths,
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Add to `readings` what each landed file came to; files that were never read are read now."""
    baseline: int | None = None  # usable rows of the last accepted file so far: history is in order
    for landed in list(history):
        if landed.duplicate_of:
            continue
        if landed.order not in readings:
            known = read_file.recorded_reading(run.home, landed, contract, records)
            readings[landed.order] = (
                known[0] if known else read_file.read_landed(run.home, landed, contract, baseline, con)
            )
        if readings[landed.order].status == "accepted":
            baseline = readings[landed.order].rows_accepted
        elif isinstance(landed, Edition) and landed.may_be_empty and readings[landed.order].code == HEADER_ONLY:
            history.remove(landed)  # its files say nothing of this feed


def _choose(
    run: Run,
    contract: Contract,
    history: list[Landed],
    readings: Readings,
    without: Collection[str],
    records: read_file.RecordPaths,
    con: duckdb.DuckDBPyConnection,
) -> Choice:
    """The newest accepted file with data date ≤ D; a later landing of one date supersedes an earlier.

    A file last read with another contract is read again, so that a change of contract counts at once.
    """
    refused: list[tuple[Landed, Reading]] = []
    accepted = sorted(order for order, reading in readings.items() if reading.status == "accepted")
    for landed in reversed(_of_days_until(run, history)):
        if landed.duplicate_of:
            continue
        known = read_file.recorded_reading(run.home, landed, contract, records)
        if not (known and known[1]):
            # From the newest to the oldest: what is read again here was never before one that is read later.
            at = bisect_left(accepted, landed.order)
            baseline = readings[accepted[at - 1]].rows_accepted if at else None
            readings[landed.order] = read_file.read_landed(run.home, landed, contract, baseline, con)
        reading = readings[landed.order]
        if reading.status == "accepted" and landed.sha256 not in without:
            return Choice((landed, reading), tuple(refused))
        refused.append((landed, reading))
    return Choice(None, tuple(refused))


def _of_days_until(run: Run, history: list[Landed]) -> list[Landed]:
    """Files with data date ≤ D, and those whose date cannot be read: they are always reported."""
    return [landed for landed in history if landed.data_date is None or landed.data_date <= run.as_at]


def files_to_come(
    run: Run, history: list[Landed], taker: Taker, *, is_in_use: bool
) -> Iterator[tuple[Landed, str, str]]:
    """Files that had landed by D under a date still to come, but those whose date was put right; why, and what to do.

    Where no file is in use, those too whose name has no date and that landed since: they alone would say nothing.
    """
    used = {landed.sha256 for landed in _of_days_until(run, history)}
    for landed in history:
        if not landed.data_date or landed.data_date <= run.as_at or landed.sha256 in used:
            continue
        says = named(Path(landed.file_name).name, taker)
        is_undated = bool(says) and not (says and says.date)
        has_landed = dt.datetime.fromisoformat(landed.landed_at).astimezone(LONDON).date() <= run.as_at
        if not has_landed and (is_in_use or not is_undated):
            continue
        if not is_undated:
            message = f"Its data date, {landed.data_date}, is still to come, so it is not used before that day."
            yield landed, message, "If the date is a slip, drop it again with the right one in its name."
        elif taker.undated_file == FILE_TIME:
            message = f"Its file time, {landed.data_date}, is after the as-at date, so it is not used before that day."
            yield (
                landed,
                message,
                "Set undated_file to the column whose latest date counts, or put the date in its name.",
            )
        else:
            message = f"The latest date in its column {taker.undated_file}, {landed.data_date}, is after the as-at date"
            fix = "Set undated_file to a column without days to come, or put the date in its name."
            yield landed, f"{message}, so it is not used before that day.", fix


def _result(
    run: Run,
    contract: Contract,
    history: list[Landed],
    readings: Readings,
    choice: Choice,
    left: list[NotLanded],
    without: Collection[str],
    preparation: Preparation | None = None,
    is_as_before: bool = False,
) -> dict[str, object]:
    status = "refused" if any(each.why in REFUSED for each in left) else choice.status(run, contract)
    result: dict[str, object] = {
        "source": contract.source,
        "feed": contract.feed,
        "title": contract.title,
        "owner": contract.owner,
        "stale_after_days": contract.stale_after_days,
        "status": status,
        "is_stale": status not in ("fresh", runs.UNUSED, runs.ABSENT),
        "absent_reason": str(contract.absence) if status == runs.ABSENT else None,
        "data_date": None,
        "file_name": None,
        "sha256": None,
        "landed_at": None,
        "landing_path": None,
        "typed_path": None,
        "quarantine_path": None,
        "rows_in_file": 0,
        "rows_accepted": 0,
        "rows_quarantined": 0,
        "rows_duplicate": 0,
        "columns_missing": [],
        "columns_besides": [],
        "columns_derived": [],
        "columns_extra": [],
        "files": [_file(landed, readings.get(landed.order), choice, without) for landed in _of_days_until(run, history)]
        + [_damaged_file(each) for each in choice.damaged]
        + [_file_not_landed(each) for each in left if each.file_name],
    }
    if choice.chosen:
        landed, reading = choice.chosen
        typed, quarantine, _ = read_file.typed_paths(landed, contract)
        result |= {
            "data_date": str(landed.data_date),
            "file_name": landed.file_name,
            "sha256": landed.sha256,
            "landed_at": landed.landed_at,
            "landing_path": None if isinstance(landed, Edition) else str(landed.path),
            "typed_path": str(typed),
            "quarantine_path": str(quarantine),
            **_rows(reading),
            **_columns(reading, contract),
            "columns_extra": list(reading.columns_extra),
        }
    if preparation:
        result["prepared"] = _prepared(preparation, choice) | {"is_as_before": is_as_before}
    return result


def _columns(reading: Reading, contract: Contract) -> dict[str, list[str]]:
    """What of the feed's columns the file in use has.

    `columns_missing`: those that are blank and that nobody can tell; `columns_derived`: those that the models make of
    others that stand in; `columns_besides`: the quiet ones that it has.
    """
    absent = set(reading.columns_missing)
    derived = {
        column.name
        for column in contract.columns
        if column.name in absent and any(each.name not in absent for each in contract.stand_ins(column.name))
    }
    quiet = [column.name for column in contract.columns if column.is_quiet]
    return {
        "columns_missing": [name for name in reading.columns_missing if name not in {*quiet, *derived}],
        "columns_besides": [name for name in quiet if name not in absent],
        "columns_derived": [name for name in reading.columns_missing if name in derived and name not in quiet],
    }


def _prepared(preparation: Preparation, choice: Choice) -> dict[str, object]:
    """What a prepared feed is made of: the SELECT, the files of its sources, rows in and out."""
    landed, reading = choice.chosen or (None, None)
    members = landed.members if isinstance(landed, Edition) else ()
    return {
        "select": preparation.file_name,
        "sources": list(preparation.sources),
        "merges": list(preparation.merges),
        "files": [
            {
                "source": each.table,
                "part": each.part or None,
                "file_name": each.file_name,
                "data_date": str(each.data_date),
                "sha256": each.landed.sha256,
                "landing_path": str(each.landed.path),
            }
            for each in members
        ],
        "rows_in": reading.rows_in if reading else None,
        "rows_out": reading.rows_in_file if reading else 0,
        "rows_used": reading.rows_used if reading else None,
    }


def _rows(reading: Reading | None) -> dict[str, int]:
    names = ("rows_in_file", "rows_accepted", "rows_quarantined", "rows_duplicate")
    return {name: getattr(reading, name) if reading else 0 for name in names}


def _file(landed: Landed, reading: Reading | None, choice: Choice, without: Collection[str]) -> dict[str, object]:
    """One line of the manifest: a file, what became of it and of its rows."""
    rows = _rows(reading)
    reason: str | None
    if landed.duplicate_of:
        status, reason = "duplicate", f"The same bytes came before, with data date {landed.duplicate_of}."
    elif reading is None or reading.status == "refused":
        status, reason = "refused", f"{reading.code} {reading.reason} {reading.fix}" if reading else None
    elif landed.sha256 in without:
        status, reason = "refused", f"{FAILED_RULE} A stop rule failed: see the issues."
        rows |= {"rows_accepted": 0, "rows_quarantined": rows["rows_in_file"], "rows_duplicate": 0}
    elif (
        choice.chosen
        and landed.newest_date == choice.chosen[0].newest_date
        and landed.sha256 != choice.chosen[0].sha256
    ):
        status, reason = "superseded", "A later file with the same data date took its place."
    else:
        status, reason = "accepted", None
    return {
        "file_name": landed.file_name,
        "data_date": str(landed.data_date) if landed.data_date else None,
        "sha256": landed.sha256,
        "landed_at": landed.landed_at,
        "status": status,
        "is_in_use": bool(choice.chosen and choice.chosen[0].order == landed.order),
        "reason": reason,
        "lines": reading.lines if reading else None,
        **rows,
    }


def _damaged_file(damage: Damage) -> dict[str, object]:
    return {
        "file_name": damage.file_name or damage.path.name,
        "data_date": str(damage.data_date) if damage.data_date else None,
        "sha256": damage.sha256,
        "status": "refused",
        "is_in_use": False,
        "reason": f"{DAMAGED} {damage.path}: {damage.reason} {RESTORE}",
        **_rows(None),
    }


def _file_not_landed(left: NotLanded) -> dict[str, object]:
    if left.why == Why.PREPARED:
        reason = f"{left.reason} makes the rows of this feed."
        return {"file_name": left.file_name, "status": "unused", "reason": reason, "is_in_use": False, **_rows(None)}
    if left.why in REFUSED:
        return {
            "file_name": left.file_name,
            "status": "refused",
            "reason": left.reason,
            "is_in_use": False,
            **_rows(None),
        }
    reason = f"{left.reason} The next run tries again."
    return {"file_name": left.file_name, "status": "deferred", "reason": reason, "is_in_use": False, **_rows(None)}


def _issues(
    run: Run,
    contract: Contract,
    history: list[Landed],
    readings: Readings,
    choice: Choice,
    left: list[NotLanded],
    without: Collection[str],
    preparation: Preparation | None = None,
) -> Iterator[Issue]:
    """What there is to say about the files of the feed, other than the rows of the one in use."""

    def issue(rule: str, severity: str, message: str, fix: str, file_name: str | None = None) -> Issue:
        return Issue("File", rule, severity, message, fix, contract.owner, feed=contract.id, file_name=file_name)

    in_use = choice.chosen[0] if choice.chosen else None
    standing = f"The file of {in_use.data_date} stays in use." if in_use else "No file of this feed is in use."
    undated = [
        (landed, readings[landed.order])
        for landed in history
        if not (landed.data_date or landed.duplicate_of) and in_use and landed.landed_at > in_use.landed_at
    ]
    for landed, reading in (*choice.refused, *undated):
        if landed.sha256 not in without and reading.code and reading.reason and reading.fix:
            yield issue(reading.code, "error", f"Refused: {reading.reason} {standing}", reading.fix, landed.file_name)
    for landed in _of_days_until(run, history):
        if landed.duplicate_of and (not in_use or landed.order > in_use.order):
            message = f"The same bytes as the file of {landed.duplicate_of}; not used again, so the data date stays."
            yield issue("F-13", "query", message, "Check that the export ran.", landed.file_name)
    for landed, message, fix in files_to_come(run, history, contract, is_in_use=in_use is not None):
        yield issue(TO_COME, "query", f"{message} {standing}", fix, landed.file_name)
    for each in left:
        if each.why == Why.PREPARED:
            message = f"Left alone: {each.reason} makes the rows of this feed, and it takes no file by its own name."
            yield issue("F-46", "query", message, f"Take the file out of the inbox; or, if it should count, take "
                        f"{each.reason} out of SEND_CONFIG.", each.file_name)  # fmt: skip
        elif each.why == Why.SIBLING:
            yield issue("F-54", "error", f"Not landed. {each.reason} {standing}", PARTS, each.file_name)
        elif each.why == Why.CONTESTED:
            yield issue("F-47", "error", f"Not landed. {each.reason} {standing}",
                        "Put file_names of the source so that it does not take files of this feed.",
                        each.file_name)  # fmt: skip
        elif each.why == Why.FAULT:
            yield issue("F-18", "error", f"{each.reason} {standing}", survey.MEND, each.file_name)
        elif each.why == Why.TOO_LARGE:
            yield issue(UNLANDABLE, "error", f"Too large, and left in the inbox. {each.reason} {standing}", SMALLER,
                        each.file_name)  # fmt: skip
        else:
            yield issue("F-14", "query", f"{each.reason} NotLanded for the next run. {standing}",
                        "Copy under another name and rename when done, or run again.", each.file_name)  # fmt: skip
    if preparation:
        yield from (issue(*told) for told in _of_preparation(preparation, history, readings, choice))
    status = choice.status(run, contract)
    if contract.absence and in_use:
        message = f"It is used, though absent_feeds.csv says that the council has no such feed: {contract.absence}."
        yield issue("F-58", "query", message, "Take the line out of absent_feeds.csv, or the file out of the inbox.",
                    in_use.file_name)  # fmt: skip
    if status == "missing" and preparation:
        yield issue("F-15", "error", f"No row of {contract.title} has ever been made.",
                    f"Drop a file of each source into the inbox: {', '.join(preparation.sources)}.")  # fmt: skip
    elif status == "stale" and isinstance(in_use, Edition):
        for member in in_use.members:
            if member.is_stale(run.as_at):
                days = (run.as_at - member.data_date).days
                yield issue("F-16", "query", f"Stale: the newest file of {member.slot} is {days} days older than the "
                            "as-at date, and stays in use.", "Check that the report ran and reached the inbox.",
                            member.file_name)  # fmt: skip
    elif status == "missing":
        yield issue("F-15", "error", f"No file of {contract.title} has ever been accepted.",
                    f"Drop {contract.file_name}_<YYYYMMDD>.csv into the inbox.")  # fmt: skip
    elif status == "stale" and in_use:
        days = in_use.days_before(run.as_at)
        yield issue("F-16", "query", f"Stale: the newest file is {days} days older than the as-at date.",
                    "Check that the export ran and reached the inbox.", in_use.file_name)  # fmt: skip


def _of_preparation(
    preparation: Preparation, history: list[Landed], readings: Readings, choice: Choice
) -> Iterator[tuple[str, str, str, str]]:
    """What there is to say about rows that a SELECT multiplied or dropped: rule, severity, message, fix."""
    if not choice.chosen or not (now := choice.chosen[1]).rows_in:
        return
    rows_in = {name: count for name, count in now.rows_in.items() if name != prepare.GIAS}
    listed = " and ".join(f"{count:,} of {name}" for name, count in rows_in.items())
    if now.rows_in_file > sum(rows_in.values()):
        severity = "note" if preparation.makes_rows_of_columns else "query"
        message = f"{preparation.file_name} gives {now.rows_in_file:,} rows, of {listed}: more than there are."
        fix = "Nothing, where columns that stand side by side become rows. Otherwise look at its joins: one of them "
        yield "F-50", severity, message, f"{fix}meets several rows."
    before = [
        reading
        for each in history
        if each.order < choice.chosen[0].order and (reading := readings.get(each.order)) and reading.rows_in
        and reading.status == "accepted"
    ]  # fmt: skip
    if not before or now.rows_used is None or before[-1].rows_used is None or not before[-1].rows_in:
        return
    left = sum(rows_in.values()) - now.rows_used
    left_before = sum(n for name, n in before[-1].rows_in.items() if name != prepare.GIAS) - before[-1].rows_used
    if now.rows_used < before[-1].rows_used and left > left_before:
        message = f"{preparation.file_name} uses {now.rows_used:,} rows of its sources, and used "
        message += f"{before[-1].rows_used:,} before; {left:,} are left out now, and {left_before:,} were."
        yield "F-51", "query", message, "Look whether a code or a key that it asks for is written otherwise now."


def _damage_issues(contract: Contract, damaged: list[Damage]) -> Iterator[Issue]:
    for each in damaged:
        message = f"Damaged in the landing, and not used: {each.path}. {each.reason}"
        yield Issue("File", DAMAGED, "error", message, RESTORE, "Data team", feed=contract.id, file_name=each.file_name)


def _add_file_issues(run: Run, contract: Contract, landed: Landed) -> None:
    """The issues of the file in use stand beside its typed rows; the run keeps a copy."""
    source = run.home / read_file.typed_paths(landed, contract)[2]
    files.write_bytes(run.issues(f"file__{contract.name}"), source.read_bytes())
