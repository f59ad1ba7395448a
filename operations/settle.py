"""Checks a council's files in SEND_CONFIG when a run begins, and keeps those in force with the run.

Each file is read once and tried as the steps will read it. One that cannot be used is set aside with the reason, and
nothing stops: the file that was in force in the last good run takes its place, else the shipped one. What came of it is
on record with the run (send_ready/configuration.py).
"""

import hashlib
import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from expectations import feeds, lists
from expectations import sen2 as sen2_checks
from extract import absent, contract
from extract.inbox import arrivals, names
from extract.own import prepare, source
from operations.retention import periods
from pickup import sources as pickup_sources
from publish.sen2 import xsd
from send_ready import confined, files, layout, sen2, systems, tables
from send_ready.configuration import (
    ASIDE,
    COUNCIL,
    FOLDER,
    LAST_GOOD,
    MENDED,
    NOTHING,
    RECORD,
    SHIPPED,
    Held,
    Settled,
    kept_bytes,
    last_good,
    settled_settings,
)
from send_ready.home import Lock
from send_ready.runs import Run, RunError
from send_ready.settings import PROJECT, Settings, SettingsError
from warehouse import own_seeds
from warehouse.council_files import (
    ABSENT_FEEDS,
    COLUMN_MAPS,
    CONTRACTS,
    DECISIONS,
    FEED_RULES,
    KINDS,
    LIST_RULES,
    NONE_DATES,
    PICKUP,
    PREPARE,
    RETENTION,
    SEN2_RULES,
    SEN2_SCHEMA,
    SOURCES,
    SYSTEMS,
    Kind,
    kind_by_name,
    shipped_file,
)

FIRST = (SYSTEMS, NONE_DATES, ABSENT_FEEDS)  # files that contracts are read with
SUFFIXES = (".sql", ".yml", ".yaml", ".csv", ".xlsx", ".xls", ".xsd")  # other files may be notes, or copies of before
FAULTS = (RunError, SettingsError, ValueError)  # what reading a file raises, with a text for people
MISSHAPEN = (LookupError, TypeError, AttributeError, RecursionError)  # and where it is of another make altogether


def _check_feed(name: str, trial: Settings) -> None:
    contract.load(Path(name).stem.replace("__", ".", 1), trial)


def _check_systems(_: str, trial: Settings) -> None:
    systems.names(trial.config)


def _check_source(name: str, trial: Settings) -> None:
    path, its = _place(trial) / name, Path(name).stem
    found = source.parse(its, path)
    others = [each for each in source.load_all(trial) if each.feed != its]
    if not found.reader_name:  # to whose files a source with a reader gives way, see takers.rivals
        others = [each for each in others if not each.reader]
    source.check_alone(found, others, path)
    for each in contract.load_all(trial):
        stem = arrivals.stem_of(each)
        for pattern in found.file_names:
            if found.named(f"{stem}_20261116", ".csv") or arrivals.named(f"{names.example(pattern)}.csv", each):
                raise ValueError(
                    f"{path}: {pattern} takes the files of feed {each.id} too, {each.file_name}_<YYYYMMDD>.csv. Name "
                    "them so that only one fits."
                )


def _check_prepare(name: str, trial: Settings) -> None:
    sources, stem, shared = source.source_names(trial), Path(name).stem, prepare.shared_files(trial)
    if prepare.SHARED.fullmatch(Path(name).name):
        if stem in sources:
            raise ValueError(f"{_place(trial) / name}: {stem} is the name of a source already.")
        prepare.parse(_place(trial) / name, sources, beside=shared, tables=source.tables_by_name(trial))
    else:
        prepare.parse(_place(trial) / name, sources, shared, tables=source.tables_by_name(trial))


def _check_none_dates(name: str, trial: Settings) -> None:
    contract.read_none_dates(_place(trial) / name)


def _check_absent_feeds(name: str, trial: Settings) -> None:
    absent.read(_place(trial) / name, contract.feeds())


def _check_seed(name: str, trial: Settings) -> None:
    own_seeds.rows_of(_place(trial) / name)


def _check_sen2(name: str, trial: Settings) -> None:
    if SEN2_SCHEMA.fullmatch(Path(name).name):
        xsd.load(_place(trial) / name)
        return
    _check_seed(name, trial)
    if Path(name).stem == sen2.ELEMENTS:
        sen2.check(trial)
    elif Path(name).stem == sen2.THRESHOLDS:
        sen2_checks.check_thresholds(trial)


def _check_feed_rules(name: str, trial: Settings) -> None:
    feed = Path(name).stem.replace("__", ".", 1)
    feeds.check_rules(contract.load(feed, trial), trial)


def _check_list_rules(name: str, trial: Settings) -> None:
    for listed in layout.lists():
        if Path(name).stem in ("both", listed.key):
            lists.check_rules(listed, trial)


def _check_sen2_rules(name: str, trial: Settings) -> None:
    for suite in sen2_checks.SUITES:
        if Path(name).stem == suite.name:
            sen2_checks.check_rules(suite, trial)


def _check_layout(name: str, trial: Settings) -> None:
    layout.read(_place(trial) / name)


def _check_decisions(name: str, trial: Settings) -> None:
    tables.read_rows(_place(trial) / name, *tables.DECISIONS)


def _check_retention(_: str, trial: Settings) -> None:
    periods.load(trial)


def _check_pickup(_: str, trial: Settings) -> None:
    pickup_sources.load(trial)


# By folder, or by the name of a file that stands in none. Each reads the file as the steps do, of settings whose
# configuration is a trial, and raises one of FAULTS or MISSHAPEN.
CHECKS: dict[str, Callable[[str, Settings], None]] = {
    SYSTEMS: _check_systems,
    SOURCES: _check_source,
    PREPARE: _check_prepare,
    NONE_DATES: _check_none_dates,
    ABSENT_FEEDS: _check_absent_feeds,
    CONTRACTS: _check_feed,
    COLUMN_MAPS: _check_feed,
    own_seeds.CROSSWALKS: _check_seed,
    own_seeds.TARGETS: _check_seed,
    own_seeds.SEN2: _check_sen2,
    FEED_RULES: _check_feed_rules,
    layout.OWN: _check_layout,
    LIST_RULES: _check_list_rules,
    SEN2_RULES: _check_sen2_rules,
    DECISIONS: _check_decisions,
    RETENTION: _check_retention,
    PICKUP: _check_pickup,
}


def settle(run: Run, settings: Settings) -> Settings:
    """Settings that read the configuration in force, after the council's files were checked and kept with the run."""
    with files.locked(run.home / Lock.CONFIGURATION):
        return _settle(run, settings)


def in_force(run: Run, settings: Settings) -> Settings:
    """Settings that read the configuration of a run, which is settled now if it never was."""
    if found := settled_settings(run, settings):
        return found
    with files.locked(run.home / Lock.CONFIGURATION):  # feeds are read side by side
        return settled_settings(run, settings) or _settle(run, settings)


def _settle(run: Run, settings: Settings) -> Settings:
    folder, partial = run.folder / FOLDER, run.folder / f".{FOLDER}.partial"
    confined.remove_tree(partial)
    partial.mkdir(parents=True)
    settled = _settled(settings, partial)
    (run.folder / RECORD).unlink(missing_ok=True)
    confined.remove_tree(folder)
    os.replace(partial, folder)
    files.write_json(run.folder / RECORD, asdict(settled))
    return replace(settings, config=folder)


@contextmanager
def trial(settings: Settings, *names: str) -> Iterator[tuple[Settings, Settled]]:
    """Settings and files as a run would settle them now, for the length of a block; no run is touched.

    With `names`, of these files alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        settled = _settled(settings, Path(folder), names)
        yield replace(settings, config=Path(folder)), settled


# Finding what there is


def _place(settings: Settings) -> Path:
    if not settings.config:
        raise ValueError("SEND_CONFIG names no folder.")
    return settings.config


def _settled(settings: Settings, into: Path, names: Collection[str] = ()) -> Settled:
    """The state of each of the council's files, after those in force were written into an empty folder."""
    if not settings.config:
        return Settled()
    good = _Good(settings.home)
    named = kind_by_name(settings.config, good.names)
    written = _written_files(settings.config, good, named)
    found = {name: held for name, held in written if not names or name in names}
    at = _Trial(replace(settings, config=into), settings.config, good)
    held = [at.folder(name, said) for name, said in found.items() if name not in named]
    feeds = {Path(name).stem for name in found if named.get(name) and named[name].folder in (CONTRACTS, COLUMN_MAPS)}
    alone = {
        name: kind for name, kind in named.items() if name in found and kind.folder not in (CONTRACTS, COLUMN_MAPS)
    }
    held += [at.one(name, kind, found.pop(name)) for name, kind in alone.items() if name in FIRST]
    for feed in sorted(feeds):
        held += at.feed(found, feed)
    held += [at.one(name, kind, found[name]) for name, kind in alone.items() if name in found]
    return Settled(tuple(sorted(held, key=lambda each: each.name)), tuple(_unused(settings.config, set(named))))


Given = bytes | str  # what a file holds, or why that cannot be told


def _written_files(config: Path, good: "_Good", named: dict[str, Kind]) -> Iterator[tuple[str, Any]]:
    """Each of the council's files by name, with its bytes or why it cannot be read; also folders that cannot be."""
    is_there = config.is_dir()
    for folder in dict.fromkeys(kind.folder for kind in KINDS):
        entries, fault = set[str](), ""
        try:
            entries = {entry.name for entry in os.scandir(config / folder)}
        except FileNotFoundError as error:
            fault = "" if is_there else f"{config} cannot be read: {error.strerror}."
        except OSError as error:
            fault = f"{config / folder} cannot be read: {error.strerror}."
        if fault:
            yield f"{folder}/", fault
        for name, kind in named.items():
            if kind.folder == folder and Path(name).name in entries:
                yield name, _bytes_or_reason(config / name, kind.largest)
            elif kind.folder == folder and fault and name in good.names:
                yield name, fault


def _bytes_or_reason(path: Path, largest: int) -> Given:
    """The bytes of a regular file that is not too large; else the reason, without waiting for a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return f"{path} is no file."
            data = file.read(largest + 1)
    except IsADirectoryError:
        return f"{path} is a folder, and must be a file."
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}."
    return data if len(data) <= largest else f"{path} has more than {largest:,} bytes, which no such file needs."


def _unused(config: Path, named: set[str]) -> list[str]:
    """The files that have no effect, in order: one with a misspelt name would go unnoticed."""
    held = {path.relative_to(config) for path in config.rglob("[!.]*") if path.suffix.casefold() in SUFFIXES}
    return sorted(path.as_posix() for path in held if path.as_posix() not in named)


# Trying it


class _Good:
    """The configuration of the last good run: files whose bytes have not changed since."""

    def __init__(self, home: Path):
        self._home = home
        self.names = last_good(home)

    def get(self, name: str) -> bytes | None:
        return kept_bytes(self._home, self.names.get(name))


Way = tuple[str, bytes | None]  # what is tried: its state, or what is in its place; and its bytes


class _Trial:
    """A folder in which the council's files are tried one after the other; those that pass stay."""

    def __init__(self, settings: Settings, config: Path, good: _Good):
        self._settings, self._config, self._good = settings, config, good
        self._stems: dict[str, str] = {}

    def folder(self, name: str, fault: str) -> Held:
        """Settle a folder that cannot be read: the last good run says which files it had."""
        return Held(name, ASIDE, self._plain(fault), f"{LAST_GOOD}, else {SHIPPED}, of each file")

    def one(self, name: str, kind: Kind, given: Given) -> Held:
        """Try a file that stands by itself."""
        fault = given if isinstance(given, str) else ""
        for way, data in self._ways(name, given, kind.shipped if shipped_file(name, kind) else None):
            self._put(name, data)
            error = self._fault(kind, name) if data is not None else None
            if error is None:
                is_seed = way == COUNCIL and Path(name).stem in own_seeds.seed_names(kind.folder)
                return self._held(name, way, data, self._mended(name) if is_seed else None, fault)
            fault = fault or error
        raise AssertionError(name)  # the last way is what ships, which is not tried

    def feed(self, found: dict[str, Any], feed: str) -> list[Held]:
        """Try the contract and the column map of a feed, which have to fit one another."""
        contract, headers = f"{CONTRACTS}/{feed}.yml", f"{COLUMN_MAPS}/{feed}.csv"
        ours = [name for name in (contract, headers) if name in found]
        ways = {name: self._ways(name, found[name], "") for name in ours}
        if headers in ways and isinstance(found[headers], bytes):
            ways[headers].insert(1, (MENDED, found[headers]))
        tried = sorted(itertools.product(*(enumerate(ways[name]) for name in ours)), key=lambda t: sum(i for i, _ in t))
        kind = kind_by_name()[contract]
        for attempt in tried:
            chosen = {name: way for name, (_, way) in zip(ours, attempt, strict=True)}
            notes: dict[str, str | None] = dict.fromkeys(ours)
            for name, (state, data) in chosen.items():
                self._put(name, data)
                if state == MENDED:
                    notes[name] = self._complete(feed)
            if any(state == MENDED and not notes[name] for name, (state, _) in chosen.items()):
                continue  # nothing to mend: it was tried as it is
            if self._fault(kind, contract) is None:
                break
        faults = {name: self._alone(kind, contract, name, chosen, found[name]) for name in ours}
        return [
            self._held(name, state, self._bytes(name), notes[name], faults[name]) for name, (state, _) in chosen.items()
        ]

    def _alone(self, kind: Kind, contract: str, name: str, chosen: dict[str, Way], given: Given) -> str:
        """The reason why a file was not taken, on its own account."""
        if isinstance(given, str) or chosen[name][0] in (COUNCIL, MENDED):
            return given if isinstance(given, str) else ""
        kept = self._bytes(name)
        self._put(name, given)
        fault = self._fault(kind, contract) or ""
        self._put(name, kept)
        return fault

    def _ways(self, name: str, given: Given, shipped: str | None) -> list[Way]:
        """The candidates for a file, the best first; the last is the shipped file, or none."""
        ways: list[Way] = [(COUNCIL, given)] if isinstance(given, bytes) else []
        good = self._good.get(name)
        if good is not None and good != given:
            ways.append((LAST_GOOD, good))
        return [*ways, (NOTHING if shipped is None else SHIPPED, None)]

    def _put(self, name: str, data: bytes | None) -> None:
        path = _place(self._settings) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(data)

    def _bytes(self, name: str) -> bytes | None:
        path = _place(self._settings) / name
        return path.read_bytes() if path.exists() else None

    def _fault(self, kind: Kind, name: str) -> str | None:
        try:
            CHECKS[kind.folder if kind.folder != "." else name](name, self._settings)
            if kind.folder == CONTRACTS:
                self._check_stem(name)
        except FAULTS as error:
            return str(error)
        except MISSHAPEN as error:
            return f"{name} is not made as the shipped one is ({type(error).__name__}). Begin with a copy of that."
        return None

    def _check_stem(self, name: str) -> None:
        """Raise ValueError for a contract that would also claim the files of another feed."""
        shipped = replace(self._settings, config=None)
        if not self._stems:
            self._stems = {arrivals.stem_of(each): each.id for each in contract.load_all(shipped)}
        ours = contract.load(Path(name).stem.replace("__", ".", 1), self._settings)
        if (other := self._stems.setdefault(arrivals.stem_of(ours), ours.id)) != ours.id:
            raise ValueError(f"{self._config / name}: file_name {ours.file_name} is that of feed {other} too.")

    def _complete(self, feed: str) -> str | None:
        """A column map with the shipped headers of columns that it lacks, and without unknown columns.

        Says what was done; None when it can be read only as it is.
        """
        path = _place(self._settings) / COLUMN_MAPS / f"{feed}.csv"
        own_contract = _place(self._settings) / CONTRACTS / f"{feed}.yml"
        try:
            rows = [row for _, row in tables.read_rows(path, ("column", "header"))]
            given = files.read_yaml(own_contract if own_contract.exists() else contract.CONTRACTS / f"{feed}.yml")
            specs = given["columns"]
            columns = {name for name in specs if not (specs[name].get("quiet") or specs[name].get("instead_of"))}
            known = {
                *specs,
                *(
                    f"{name}_{place}"
                    for name in given.get("side_by_side") or ()
                    for place in range(1, contract.PLACES + 1)
                ),
            }
        except (*FAULTS, *MISSHAPEN):
            return None
        held = {row["column"].strip() for row in rows}
        meant = {contract.normalise(row["header"]) for row in rows}
        more = [
            row
            for _, row in tables.read_rows(contract.COLUMN_MAPS / path.name, ("column", "header"))
            if row["column"] in columns - held and contract.normalise(row["header"]) not in meant
        ]
        said = (
            [f"there is no header for column {', '.join(sorted(columns - held))}, so the shipped ones count."]
            if more
            else []
        )
        if unknown := sorted(held - known):
            said.append(f"{', '.join(unknown)} is not a column of the contract, and was passed over.")
        kept = [row for row in rows if row["column"].strip() in known]
        path.write_bytes(tables.write([*kept, *more], ["column", "header"]))
        return f"{COLUMN_MAPS}/{path.name}: {' '.join(said)}" if said else None

    def _mended(self, name: str) -> str | None:
        lines = own_seeds.repeated_lines(_place(self._settings) / name)
        if not lines:
            return None
        which = ", ".join(map(str, lines[:10])) + ("…" if len(lines) > 10 else "")
        return f"{name}, line {which}: it says once more what an earlier line says, and counts once."

    def _held(self, name: str, way: str, data: bytes | None, note: str | None, fault: str) -> Held:
        digest = hashlib.sha256(data).hexdigest() if data is not None else None
        if way in (COUNCIL, MENDED):
            return Held(name, MENDED if note else COUNCIL, note and self._plain(note), None, digest)
        return Held(name, ASIDE, self._plain(fault), way, digest)

    def _plain(self, said: str) -> str:
        """A reason on one line, with files named as in SEND_CONFIG."""
        for place in (_place(self._settings), self._config):
            said = said.replace(f"{place}/", "")
        said = " ".join(said.split()).replace(f"{PROJECT}/", "")
        return said if len(said) <= 1_000 else f"{said[:1_000]}…"
