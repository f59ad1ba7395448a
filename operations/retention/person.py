"""Finds every landed export, run, published version, pack and edition that holds a person, to remove them.

A person is a set of records: students, hub cases, social care persons, as the warehouses of the runs link them. A
landed export is never rewritten, so that the way is: put it right in the source system, let the next night's export
come without the person, and then remove the older files. What inspectors were given stays on record.
"""

import mmap
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection
from duckdb import Error as DuckDBError

from extract import contract as contracts
from extract import landing, read_file
from extract.contract import Contract
from extract.landing import Landed
from extract.own import editions, source_file
from extract.own import source as sources
from extract.own.source import Source
from extract.refusal import Refusal
from extract.text import TEXT_SUFFIXES
from operations.retention.overdue import Item, damaged, item, landed_item, was_accepted
from send_ready import database, home, runs
from send_ready.database import identifier, literal
from send_ready.home import INBOX, LANDING, PUBLISHED, RUNS, SERVING, TYPED, Holds
from send_ready.runs import RunError
from send_ready.settings import Settings

RETURN = "sen2"  # its persons are numbered afresh each year: a file is searched for their UPN and ULN, not for a number
SOURCES = ("capita_one", "census", "ehc_hub", "social_care", RETURN)
# Of a Unique ID that is no student's.
PREFIXES = {"HUB-": "ehc_hub", "CENSUS-": "census", "SC-": "social_care", "SEN2-": RETURN}
# Columns of the contracts that say whose row it is, and what they hold.
HOLDS = {
    "student_id": "capita_one",
    "migrated_student_id": "capita_one",
    "case_reference": "ehc_hub",
    "person_id": "social_care",
    "child_id": "social_care",
    "plan_id": "plan",
    "upn": "upn",
    "former_upn": "upn",
    "child_upn": "upn",
    "unique_learner_number": "uln",
    "other_id": "other system",  # whose it is, the bridge says
}
ENCODINGS = ("ascii", "utf-16-le", "utf-16-be")
FOUND_OTHERWISE = {
    LANDING,
    TYPED,
    RUNS,
    PUBLISHED,
    INBOX,
}  # by contracts and records; `purge` names what is in the inbox


@dataclass
class Found:
    """What holds a person and can be removed, why it must not be removed yet, and what else to know."""

    items: list[Item] = field(default_factory=list)
    blockers: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


Ids = dict[str, set[str]]  # by what HOLDS names


def find_person(settings: Settings, asked: Sequence[str], today: date) -> Found:
    """Everything that holds a person. It says nothing about them but the numbers of records and files."""
    ids = _ids(settings, asked)
    needles = sorted(set().union(*(words for kind, words in ids.items() if kind != RETURN)))
    held = Found()
    hashes = set()
    for contract in contracts.load_all(settings):
        columns = _columns(contract)
        if not columns:
            continue
        history = landing.history(settings.home, contract)
        holding = [each for each in history if _in_landed(settings, each, contract, ids)]
        for each in holding:
            accepted = was_accepted(settings.home, each, contract)
            held.items.append(landed_item(settings.home, each, accepted, today))
            hashes.add(each.sha256)
        for each_damaged, _ in damaged(settings.home, contract):
            path = settings.home / each_damaged.path
            if path.suffix not in TEXT_SUFFIXES or _in_bytes(path, needles):
                held.items.append(each_damaged)
        newest = next((each for each in reversed(history) if was_accepted(settings.home, each, contract)), None)
        if newest and newest in holding:
            held.blockers.append(
                f"{contract.id}: the newest export, of {newest.data_date}, still holds them. Put it right in the "
                f"source system ({contract.owner}), let the next export come, and run this again."
            )
    hashes |= _of_sources(settings, needles, held, today)
    _cached(settings, needles, held)
    _runs(settings, hashes, held)
    _published(settings, ids, held)
    _other_places(settings, needles, held)
    held.told = [_ids_in_words(ids), *held.told, *_elsewhere(settings, needles)]
    if ids[RETURN] and not ids["upn"] | ids["uln"]:
        held.told.append("A SEN2 return has them without UPN and ULN: look for the file yourself, by name.")
    return held


def _ids(settings: Settings, asked: Iterable[str]) -> Ids:
    """The given records, and those that any run's warehouse links with them."""
    ids: Ids = {kind: set() for kind in (*SOURCES, *HOLDS.values())}
    for each in asked:
        source, colon, own = each.partition(":")
        prefix = next((prefix for prefix in PREFIXES if each.startswith(prefix)), "")
        if colon and source not in SOURCES:
            raise RunError(f"Records are named source:id, with one of these sources: {', '.join(SOURCES)}.")
        ids[source if colon else PREFIXES.get(prefix, "capita_one")].add(own if colon else each.removeprefix(prefix))
    for path in sorted(settings.home.glob("runs/*/warehouse.duckdb")):
        try:
            with database.reader(path) as con:
                _add_linked(con, ids)
        except DuckDBError:
            continue  # of a run that did not come so far: it links nothing
    return ids


def _add_linked(con: DuckDBPyConnection, ids: Ids) -> None:
    records = " OR ".join(
        f"(source_system = {literal(source)} AND source_id IN {_list(ids[source])})" for source in SOURCES
    )
    con.execute(f"""
        CREATE TEMP TABLE wanted AS FROM int.int_person_records__linked
        WHERE person_id IN (SELECT person_id FROM int.int_person_records__linked WHERE {records})""")
    for source, own in con.execute("SELECT source_system, source_id FROM wanted").fetchall():
        ids[source].add(own)
    for (plan,) in con.execute(
        "SELECT plan_id FROM int.int_plans__unioned WHERE person_id IN (SELECT person_id FROM wanted)"
    ).fetchall():
        ids["plan"].add(plan)
    for row in con.execute(
        "SELECT valid_upn, valid_former_upn, valid_uln FROM int.int_person_records__unioned "
        "SEMI JOIN wanted USING (record_id)"
    ).fetchall():
        ids["upn"] |= set(filter(None, row[:2]))
        ids["uln"] |= set(filter(None, row[2:]))
    try:
        bridged = con.execute(f"""
            SELECT DISTINCT other_id FROM raw.local__person_bridge
            WHERE student_id IN {_list(ids["capita_one"])} OR upper(upn) IN {_list(map(str.upper, ids["upn"]))}""")
    except DuckDBError:
        return  # the bridge of that run is gone, or it had none: others may say whose an ID is
    ids["other system"] |= {own for (own,) in bridged.fetchall() if own}


def _columns(contract: Contract) -> dict[str, str]:
    """The columns of a feed that identify the person of a row, with the kind of ID in each."""
    return {column.name: HOLDS[column.name] for column in contract.columns if column.name in HOLDS}


def _in_landed(settings: Settings, each: Landed, contract: Contract, ids: Ids) -> bool:
    """Whether a landed file holds one of the records; an unused file that cannot be read counts as if it did."""
    path = settings.home / each.path
    if each.duplicate_of or not path.is_file():
        return False
    kinds = _columns(contract).values()
    is_text = each.suffix in TEXT_SUFFIXES
    if is_text and not _in_bytes(path, sorted(set().union(*(ids[kind] for kind in kinds)))):
        return False
    if not was_accepted(settings.home, each, contract):
        return True
    try:
        read_file.ensure_typed(settings.home, each, contract)
    except read_file.Spoilt:
        return True
    rows, quarantine, _ = (settings.home / part for part in read_file.typed_paths(each, contract))
    if not rows.exists():
        return True
    return _in_typed(rows, quarantine, contract, ids)


def _in_typed(rows: Path, quarantine: Path, contract: Contract, ids: Ids) -> bool:
    columns = _columns(contract)
    here = " OR ".join(
        f"upper({identifier(name)}) IN {_list(map(str.upper, ids[kind]))}" for name, kind in columns.items()
    )
    words = sorted(set().union(*(ids[kind] for kind in columns.values())))
    with database.scratch() as con:
        held = con.execute(f"SELECT count(*) FROM read_parquet({literal(rows)}) WHERE {here}").fetchall()
        aside = con.execute(
            f"SELECT count(*) FROM read_parquet({literal(quarantine)}) WHERE regexp_matches(record, ?, 'i')",
            [_pattern(words)],
        ).fetchall()
    return bool(held[0][0] or aside[0][0])


def _of_sources(settings: Settings, words: Sequence[str], held: Found, today: date) -> set[str]:
    """Add the files of sources that hold the person; gives their hashes. Any column may be the one that does.

    A workbook may be of several sources, a sheet for each: where one of them finds the person, all have its bytes.
    """
    found: list[tuple[Source, list[Landed], set[str]]] = []
    seen: set[str] = set()
    for one in sources.load_all(settings):
        history = landing.history(settings.home, one)
        told = {each.sha256: _in_source_file(settings, each, one, words) for each in history if not each.duplicate_of}
        seen |= {sha256 for sha256, is_there in told.items() if is_there}
        found.append((one, history, {sha256 for sha256, is_there in told.items() if is_there is None}))
    hashes: set[str] = set()
    for one, history, perhaps in found:
        holding = [each for each in history if each.sha256 in seen | perhaps and _is_there(settings, each)]
        hashes |= {each.sha256 for each in holding}
        _add_source(settings, one, history, holding, words, held, today)
    return hashes


def _add_source(
    settings: Settings,
    one: Source,
    history: list[Landed],
    holding: list[Landed],
    words: Sequence[str],
    held: Found,
    today: date,
) -> None:
    """Add the files of a source that hold the person, and say which of them are in use."""
    for each in holding:
        held.items.append(landed_item(settings.home, each, was_accepted(settings.home, each, one), today))
    for broken, _ in damaged(settings.home, one):
        path = settings.home / broken.path
        if path.suffix not in TEXT_SUFFIXES or _in_bytes(path, words):
            held.items.append(broken)
    accepted = [each for each in history if each.duplicate_of or was_accepted(settings.home, each, one)]
    table = editions.Accepted(one.feed, accepted, one, lambda landed, _: landed.path)
    hashes = {each.sha256 for each in holding}
    for member in editions.in_use_at(table, today):
        if member.landed.sha256 in hashes:
            held.blockers.append(
                f"{one.id}: {member.file_name}, which is in use, still holds them. Put it right in the source system "
                f"({one.owner}), let the next file come, and run this again."
            )


def _is_there(settings: Settings, each: Landed) -> bool:
    return not each.duplicate_of and (settings.home / each.path).is_file()


def _in_source_file(settings: Settings, each: Landed, one: Source, words: Sequence[str]) -> bool | None:
    """Whether a file of a source has one of the IDs; None for one that cannot be read, which counts as if it did."""
    path = settings.home / each.path
    if not _is_there(settings, each):
        return False
    if each.suffix in TEXT_SUFFIXES:
        return _in_bytes(path, words)
    if not was_accepted(settings.home, each, one):
        return None
    try:
        rows = source_file.ensure_rows(settings.home, each, one)
    except (read_file.Spoilt, Refusal):
        return None
    folder = (settings.home / rows).parent
    return any(_in_file(folder / name, words) for name in ("rows.parquet", "quarantine.parquet"))


def _cached(settings: Settings, words: Sequence[str], held: Found) -> None:
    """Add the cached rows of prepared feeds that hold the person: they are of no landed file, and go by themselves."""
    place, kept = home.kinds()["typed"]
    for folder in home.found(settings.home, kept.pattern or place.pattern):
        if (folder / read_file.PLACES).is_file() and any(_in_file(each, words) for each in _files(folder)):
            held.items.append(item(settings.home, "typed", folder))


def _list(values: Iterable[str]) -> str:
    return f"({', '.join(map(literal, sorted(values))) or 'NULL'})"


def _pattern(words: Sequence[str]) -> str:
    """A regular expression for the whole words, in the syntax that Python and DuckDB share."""
    return rf"(^|[^0-9A-Za-z])({'|'.join(map(re.escape, words))})($|[^0-9A-Za-z])"


def _in_bytes(path: Path, words: Sequence[str]) -> bool:
    """Whether a file has one of the words, in any encoding of exports; it is read in pieces."""
    if not words or not path.stat().st_size:
        return False
    pattern = b"|".join(re.escape(word.encode(code)) for word in words for code in ENCODINGS)
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return bool(re.search(pattern, data, re.IGNORECASE))


def _runs(settings: Settings, hashes: set[str], held: Found) -> None:
    """The runs that used one of these exports."""
    for folder in sorted((settings.home / RUNS).glob("[!.]*")):
        results = [runs.read_record(path) or {} for path in folder.glob("feeds/*.json")]
        prepared = [each.get("prepared") or {} for each in results]
        used = {each.get("sha256") for each in results}
        if hashes & {*used, *(file.get("sha256") for each in prepared for file in each.get("files", ()))}:
            held.items.append(item(settings.home, "runs", folder))


def _published(settings: Settings, ids: Ids, held: Found) -> None:
    """The versions of the published warehouse that hold the person; the one that is served stays until the next."""
    persons = {*ids["capita_one"]}
    for prefix, source in PREFIXES.items():
        persons |= {f"{prefix}{each}" for each in ids[source]}
    served = (settings.home / SERVING).resolve()
    for folder in sorted((settings.home / PUBLISHED).glob("[!.]*")):
        table = folder / "parquet" / "core" / "dim_person.parquet"
        if table.exists() and not _has_person(table, persons):
            continue
        if folder == served:
            held.blockers.append("The published warehouse still holds them: make run, and run this again.")
        else:
            held.items.append(item(settings.home, "published", folder))


def _has_person(table: Path, persons: set[str]) -> bool:
    with database.scratch() as con:
        query = f"SELECT count(*) FROM read_parquet({literal(table)}) WHERE person_id IN {_list(persons)}"
        return bool(con.execute(query).fetchall()[0][0])


def _other_places(settings: Settings, words: Sequence[str], held: Found) -> None:
    """Add the things of every other place that have one of the IDs, and name those that have to stay."""
    for place in home.PLACES:
        if place.holds == Holds.NONE or place.folder in FOUND_OTHERWISE:
            continue
        there = home.things(settings.home, place)
        holding = [path for path in there if any(_in_file(each, words) for each in _files(path))]
        if place.of_a_person and holding:
            names = ", ".join(path.relative_to(settings.home).as_posix() for path in holding)
            held.told.append(f"{place.of_a_person}: {names}.")
        elif not place.of_a_person:
            held.items += [item(settings.home, place.kept[0].kind, path) for path in holding]


def _files(folder: Path) -> Iterator[Path]:
    there = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    return (path for path in there if path.is_file() and not path.is_symlink())


def _in_file(path: Path, words: Sequence[str]) -> bool:
    """Whether a file made by SEND Ready has one of the words in its cells, rows or text."""
    if path.suffix == ".parquet":
        with database.scratch() as con:
            rows = f"read_parquet({literal(path)}) AS line"
            found = con.execute(
                f"SELECT count(*) FROM {rows} WHERE regexp_matches(line::VARCHAR, ?, 'i')", [_pattern(words)]
            )
            return bool(found.fetchall()[0][0])
    if zipfile.is_zipfile(path):
        pattern = re.compile(_pattern(words).encode(), re.IGNORECASE)
        with zipfile.ZipFile(path) as book:
            return any(pattern.search(book.read(name)) for name in book.namelist())
    return _in_bytes(path, words)


def _ids_in_words(ids: Ids) -> str:
    counts = ", ".join(f"{len(ids[source])} of {source}" for source in SOURCES if ids[source])
    return f"Looked for {counts}, with their plans and UPNs, as the runs that are kept link them."


def _elsewhere(settings: Settings, words: Sequence[str]) -> Iterator[str]:
    """Sentences about places that SEND Ready does not change."""
    if settings.config:
        for path in sorted((settings.config / "decisions").glob("*.csv")):
            if _in_bytes(path, words):
                yield f"{path} names them: take the line out."
    if settings.publish_url:
        yield "PostgreSQL keeps the run before the last: two nights from now nothing of them is there."
