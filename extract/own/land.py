"""Land what the inbox holds for a council's sources, read it, and say how each source stands.

One source that cannot be landed or read stops no other, and no feed: what had landed before stays in use.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from extract import choose, landing, read_file, removed
from extract.choose import NotLanded, Why
from extract.inbox import arrivals, survey, takers
from extract.inbox.arrivals import Arrival, Taker
from extract.landing import Damage, Landed
from extract.own import editions, feed, prepare, source, source_file
from extract.own.source import Source
from extract.read_file import Reading
from extract.refusal import DAMAGED, UNLANDABLE, Refusal
from send_ready import database, files, issues, runs
from send_ready.home import Lock
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import Settings

TWO_TAKERS, MISSING_PART, PARTS_OF_TWO_DATES = "F-47", "F-48", "F-49"


@dataclass
class Looked:
    """What was found of one source."""

    source: Source
    history: list[Landed] = field(default_factory=list)
    readings: feed.Readings = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)
    left: list[NotLanded] = field(default_factory=list)
    contested: list[tuple[str, list[str]]] = field(default_factory=list)  # file, and who else takes it


def land_sources(run: Run, settings: Settings) -> list[str]:
    """Land every source; gives their names. Raises InboxError after all the rest, as `choose.extract` does."""
    sources = takers.active_sources(settings)
    if not sources:
        return []
    with runs.step(run, "land-sources") as step:
        every = takers.load_all(settings)
        looked = [_looked(run, settings, each, every) for each in sources]
        found = [each for one in looked for each in (*_issues(run, one), *_of_reader(run, one))]
        issues.write(run.issues("sources"), found)
        files.write_json(run.folder / runs.SOURCES, [_result(run, settings, one) for one in looked])
        landed = sum(len(one.history) for one in looked)
        step.note = f"{len(sources)} sources, {landed:,} files"
        if landed and any(each.uses_gias for each in prepare.load_all(settings)):
            with suppress(choose.InboxError):  # its own step tells of that
                choose.extract(run, settings, feed.GIAS_FEED)
        if faults := [f"{each.file_name or settings.inbox}: {each.reason}" for one in looked for each in one.left
                      if each.why == Why.FAULT]:  # fmt: skip
            raise choose.InboxError("\n".join([*faults, f"What had landed before is in use. {survey.MEND}"]))
    return [each.feed for each in sources]


def _looked(run: Run, settings: Settings, one: Source, every: list[Taker]) -> Looked:
    """Land and read the files of one source."""
    found = Looked(one)
    gone = removed.removed_records(settings.home, one)
    known = landing.LandedBefore(landing.history(settings.home, one), gone)
    seen, unreadable = arrivals.find_arrivals(settings.inbox, one, known.holds, survey.first_snapshot(run))
    mine: list[tuple[Arrival, os.stat_result]] = []
    for file, about in seen:
        others = [each.id for each in takers.rivals(file.path, one, every)]
        if others and one.reader:
            continue  # the other's, and told there
        if others:
            found.contested.append((file.file_name, others))
        else:
            mine.append((file, about))
    with files.locked(settings.home / Lock.feed(one.name)):
        landing.sweep(settings.home, one)
        found.left = list(choose.land_all(one, settings, mine, unreadable, source_file.latest_date))
        found.history, found.damaged = landing.history_and_damage(settings.home, one)
        found.readings = feed.read_all(settings.home, one, found.history, found.damaged)
    return found


def _members(run: Run, one: Looked) -> list[editions.Member]:
    accepted = [each for each in one.history if each.duplicate_of or one.readings[each.order].status == "accepted"]
    table = editions.Accepted(one.source.feed, accepted, one.source, lambda landed, home: Path())
    return editions.in_use_at(table, run.as_at)


def _until(run: Run, one: Looked) -> list[Landed]:
    return [each for each in one.history if each.data_date is None or each.data_date <= run.as_at]


def _refused(run: Run, one: Looked) -> Iterator[tuple[Landed, Reading]]:
    """The refused files that are newer than those in use of the same part."""
    in_use = {each.part: each.landed.landed_at for each in _members(run, one)}
    for landed in _until(run, one):
        reading = one.readings.get(landed.order)
        if reading and reading.status == "refused":
            named = arrivals.named(Path(landed.file_name).name, one.source)
            if landed.landed_at > in_use.get(named.part if named else "", ""):
                yield landed, reading


def _missing_parts(one: Looked, members: list[editions.Member]) -> list[str]:
    return sorted(set(one.source.parts) - {each.part for each in members})


def _issues(run: Run, one: Looked) -> Iterator[Issue]:
    """What there is to say about the files of a source, other than the rows of those in use."""
    its, members = one.source, _members(run, one)
    standing = "What had landed before stays in use." if members else "No file of this source is in use."
    yml = f"{source.FOLDER}/{its.feed}.yml"

    def issue(rule: str, severity: str, message: str, fix: str, file_name: str | None = None) -> Issue:
        return Issue("File", rule, severity, message, fix, its.owner, feed=its.id, file_name=file_name)

    for name, others in one.contested:
        yield issue(TWO_TAKERS, "error", f"Not landed: by its name it is also of {', '.join(others)}.",
                    f"Put file_names of {yml} so that no other takes these files.", name)  # fmt: skip
    for landed, reading in _refused(run, one):
        if reading.code and reading.reason and reading.fix:
            yield issue(reading.code, "error", f"Refused: {reading.reason} {standing}", reading.fix, landed.file_name)
    for landed, message, fix in choose.files_to_come(run, one.history, its, is_in_use=bool(members)):
        yield issue(choose.TO_COME, "query", f"{message} {standing}", fix, landed.file_name)
    for broken in one.damaged:
        message = f"Damaged in the landing, and not used: {broken.path}. {broken.reason}"
        yield issue(DAMAGED, "error", message, choose.RESTORE, broken.file_name)
    for left in one.left:
        if left.why == Why.FAULT:
            yield issue("F-18", "error", f"{left.reason} {standing}", survey.MEND, left.file_name)
        elif left.why == Why.TOO_LARGE:
            yield issue(UNLANDABLE, "error", f"Too large, and left in the inbox. {left.reason} {standing}",
                        choose.SMALLER, left.file_name)  # fmt: skip
        else:
            yield issue("F-14", "query", f"{left.reason} Left for the next run. {standing}",
                        "Copy under another name and rename when done, or run again.", left.file_name)  # fmt: skip
    for part in _missing_parts(one, members):
        yield issue(MISSING_PART, "error", f"No file of part {part} has ever been accepted: its children are missing.",
                    f"Drop it into the inbox, or take the part out of {yml}.")  # fmt: skip
    for each in members:
        if its.parts and each.part not in its.parts:
            message = f"Part {each.part or 'without a name'} is none of those that {yml} names. It is in use."
            fix = f"Add it to parts of {yml}, or take the file out."
            yield issue(MISSING_PART, "query", message, fix, each.file_name)
    days = {each.data_date for each in members}
    if its.has_parts and len(days) > 1 and its.together != source.ALL:
        newest = max(days)
        for each in members:
            if each.data_date < newest:
                yield issue(PARTS_OF_TWO_DATES, "query", f"The newest file of part {each.part} is of {each.data_date}, "
                            f"and others are of {newest}. It stays in use.", "Check that the report ran for this part.",
                            each.file_name)  # fmt: skip
    for each in members:
        if each.is_stale(run.as_at) and its.together != source.ALL:
            late = (run.as_at - each.data_date).days
            yield issue("F-16", "query", f"Stale: the newest file of {each.slot} is {late} days older than the as-at "
                        "date, and stays in use.", "Check that the report ran and reached the inbox.",
                        each.file_name)  # fmt: skip


def _of_reader(run: Run, one: Looked) -> Iterator[Issue]:
    """What a reader has to say of the files in use, of each by itself and of all together."""
    reader = one.source.reader
    members = _members(run, one) if reader else []
    if not (reader and members):
        return
    paths = [run.home / path for each in members for path in [_rows_of(run, one, each)] if path]
    told = [path.with_name("issues.parquet") for path in paths]
    with database.scratch(threads=1) as con:
        columns = ", ".join(issues.COLUMNS)
        listed = ", ".join(map(database.literal, told))
        for row in con.execute(f"SELECT {columns} FROM read_parquet([{listed}])").fetchall():
            yield Issue(*row)
        for file_name, each in reader.told_of_all(con, paths):
            yield Issue("File", each.rule, each.severity, each.message, each.fix, one.source.owner, feed=one.source.id,
                        file_name=file_name, line_no=each.line, count=each.count)  # fmt: skip


def _rows_of(run: Run, one: Looked, member: editions.Member) -> Path | None:
    """The rows of a file in use below SEND_HOME, made again where the cache lacks them; None where they cannot be."""
    with files.locked(run.home / Lock.feed(one.source.name)), suppress(read_file.Spoilt, Refusal):
        return source_file.ensure_rows(run.home, member.landed, one.source)
    return None


def _result(run: Run, settings: Settings, one: Looked) -> dict[str, Any]:
    """How a source stands, for the manifest: its files, those in use, and their rows."""
    members = _members(run, one)
    in_use = {(each.landed.sha256, each.part) for each in members}
    used = {sha256 for sha256, _ in in_use}
    rows = {landed.sha256: one.readings[landed.order] for landed in one.history if landed.order in one.readings}
    return {
        "source": one.source.feed,
        "title": one.source.title,
        "owner": one.source.owner,
        "together": one.source.together,
        "is_stale": any(each.is_stale(run.as_at) for each in members),
        "parts": {each.part: str(each.data_date) for each in members if each.part},
        "parts_missing": _missing_parts(one, members),
        "rows": sum(rows[sha256].rows_accepted for sha256, _ in in_use),
        "rows_set_aside": sum(rows[sha256].rows_quarantined for sha256, _ in in_use),
        "files": [_file(landed, rows.get(landed.sha256), landed.sha256 in used, one) for landed in _until(run, one)]
        + [
            {"file_name": name, "status": "refused", "is_in_use": False, "reason": f"Also of {', '.join(others)}."}
            for name, others in one.contested
        ],
    }


def _file(landed: Landed, reading: Reading | None, is_in_use: bool, one: Looked) -> dict[str, Any]:
    status, reason = "accepted", None
    if landed.duplicate_of:
        status, reason = "duplicate", f"The same bytes came before, with data date {landed.duplicate_of}."
        is_in_use = is_in_use and one.source.together == source.ALL_OF_NEWEST_DATE
    elif reading and reading.status == "refused":
        status, reason = "refused", f"{reading.code} {reading.reason} {reading.fix}"
    return {
        "file_name": landed.file_name,
        "data_date": str(landed.data_date) if landed.data_date else None,
        "sha256": landed.sha256,
        "landed_at": landed.landed_at,
        "landing_path": str(landed.path),
        "typed_path": str(read_file.typed_paths(landed, one.source)[0]),
        "status": status,
        "is_in_use": is_in_use,
        "reason": reason,
        "rows": reading.rows_accepted if reading else 0,
        "rows_set_aside": reading.rows_quarantined if reading else 0,
    }
