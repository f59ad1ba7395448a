"""What a prepared feed is made of at a day: its editions, of files of its sources that were accepted."""

import datetime as dt
import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from extract import contract as contracts
from extract import landing, read_file
from extract.contract import Contract
from extract.landing import Damage, Landed
from extract.own import editions, source, source_file
from extract.own.editions import Accepted, Edition
from extract.own.prepare import GIAS, Preparation
from extract.own.source import Source
from extract.read_file import Reading
from send_ready import configuration, confined, files
from send_ready.home import Lock
from send_ready.runs import Run
from send_ready.settings import Settings

GIAS_FEED = "gias.establishments"
Readings = dict[tuple[dt.date, str], Reading]  # by Landed.order


def prepared_contract(contract: Contract, preparation: Preparation, settings: Settings) -> Contract:
    """The contract with a fingerprint that also changes with the SELECT and with each source that it names."""
    found = [contract.fingerprint, preparation.fingerprint]
    found += [source.load(name, settings).fingerprint for name in preparation.sources]
    return replace(contract, fingerprint=hashlib.sha256("".join(found).encode()).hexdigest()[:12])


def as_it_worked(run: Run, settings: Settings, feed: str) -> Settings | None:
    """Settings with the council's sources and SELECTs that last gave a feed (`source__feed`) rows.

    None where there are none, or where they are those in force.
    """
    held = configuration.last_working(run.home, feed)
    folders = [settings.config / name for name in configuration.OF_PREPARATION] if settings.config else []
    now = {f"{folder.name}/{path.name}": path.read_bytes() for folder in folders for path in folder.glob("*")}
    if not (settings.config and held) or held == now:
        return None
    folder = run.folder / "config_as_it_worked" / feed
    confined.remove_tree(folder)
    shutil.copytree(settings.config, folder, ignore=shutil.ignore_patterns(*configuration.OF_PREPARATION))
    for name, data in held.items():
        files.write_bytes(folder / name, data)
    return replace(settings, config=folder)


def history(
    settings: Settings, contract: Contract, preparation: Preparation, until: dt.date
) -> tuple[list[Edition], list[Damage]]:
    """Every edition of a prepared feed up to a day, in order, and what of its sources' landing is damaged."""
    damaged: list[Damage] = []
    tables = [table_of(settings, source.load(name, settings), damaged) for name in preparation.sources]
    if preparation.uses_gias:
        tables.append(_gias(settings))
    return editions.editions(contract, preparation, tables, until), damaged


def table_of(settings: Settings, one: Source, damaged: list[Damage] | None = None) -> Accepted:
    """The accepted files of a source; those that were never read are read now."""
    with files.locked(settings.home / Lock.feed(one.name)):
        landed, broken = landing.history_and_damage(settings.home, one)
        readings = read_all(settings.home, one, landed, broken)
    if damaged is not None:
        damaged += broken
    accepted = [each for each in landed if each.duplicate_of or readings[each.order].status == "accepted"]
    return Accepted(one.feed, accepted, one, _ensured(settings, one))


def read_all(home: Path, one: Source, landed: list[Landed], damaged: list[Damage]) -> Readings:
    """What each file of a source came to. The caller holds its lock. One that proves damaged moves to `damaged`."""
    readings: Readings = {}
    records = read_file.record_paths(home, one)
    for each in list(landed):
        if each.duplicate_of:
            continue
        if known := read_file.reading_by(home, each, one, one.fingerprint[: source.DECLARED], records):
            readings[each.order] = known
            continue
        try:
            readings[each.order] = source_file.read_source_file(home, each, one)
        except read_file.Spoilt as error:
            landed.remove(each)
            damaged.append(landing.damage_of(each, str(error)))
    return readings


def _ensured(settings: Settings, one: Source) -> Callable[[Landed, Path], Path]:
    def ensure(landed: Landed, home: Path) -> Path:
        with files.locked(settings.home / Lock.feed(one.name)):
            return source_file.ensure_rows(home, landed, one)

    return ensure


def _gias(settings: Settings) -> Accepted:
    """The accepted files of GIAS, as its own step read them."""
    contract = contracts.load(GIAS_FEED, settings)
    accepted = []
    for each in landing.history(settings.home, contract):
        known = read_file.recorded_reading(settings.home, each, contract)
        if known and known[0].status == "accepted" and not each.duplicate_of:
            accepted.append(each)

    def ensure(landed: Landed, home: Path) -> Path:
        with files.locked(settings.home / Lock.feed(contract.name)):
            read_file.ensure_typed(home, landed, contract)
        return read_file.typed_paths(landed, contract)[0]

    return Accepted(GIAS, accepted, None, ensure)
