"""Things older than their period, which `purge` would remove, found by names, records and times."""

import calendar
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from extract import contract as contracts
from extract import landing, read_file, removed
from extract.landing import Landed, Taker
from extract.own import editions, source
from extract.own.source import Source
from extract.removed import Removed
from operations.retention.periods import Periods
from publish import pack
from send_ready import confined, files, runs
from send_ready.home import LEFTOVERS, OUT, RUNS, SERVING, expression, found, kinds, pattern_of
from send_ready.settings import LONDON, Settings

NOWHERE = re.compile(r"(?!)")


@dataclass(frozen=True)
class Item:
    """One thing to remove. `path` is relative to SEND_HOME; `sha256` is of the file, or of the folder's manifest."""

    kind: str  # as in retention.yml
    path: str
    files: int
    bytes: int
    sha256: str | None = None
    landed: Removed | None = None  # of the landing only

    def on_record(self) -> dict[str, Any]:
        """The facts of an item for the record; none is about a child."""
        record = {name: value for name, value in asdict(self).items() if name != "landed"}
        return record | ({"landed": removed.to_record(self.landed)} if self.landed else {})


def placed(home: Path, kind: object, path: object, record: object) -> Path:
    """The path of an item that a record names. Raises RunError when no item of this kind can be there."""
    is_known = isinstance(kind, str) and kind in kinds()
    return confined.below(home, path, record, expression(pattern_of(str(kind))) if is_known else NOWHERE)


def item(home: Path, kind: str, path: Path, sha256: str | None = None) -> Item:
    """The item for a file or folder as it is now; a link is not followed."""
    if confined.first_link(home, path.relative_to(home).as_posix()):
        return Item(kind, path.relative_to(home).as_posix(), 0, 0, sha256)
    held = [each for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file() and not each.is_symlink()]
    manifest = path / pack.MANIFEST
    digest = sha256 or (files.sha256(manifest) if manifest.is_file() else None)
    return Item(kind, path.relative_to(home).as_posix(), len(held), sum(each.stat().st_size for each in held), digest)


def landed_item(home: Path, each: Landed, was_accepted: bool, today: date) -> Item:
    """The item for one landed file with its record."""
    beside = list((home / each.folder).glob(f"{each.sha256}*"))
    size = sum(path.stat().st_size for path in beside)
    return Item("landing", str(each.path), len(beside), size, each.sha256, Removed(each, was_accepted, today))


def due(settings: Settings, periods: Periods, today: date) -> list[Item]:
    """The items older than their period, links included, but for those that stay whatever their age."""
    home, older = settings.home, list[Item]()
    for kind, days in periods.items():
        if days is not None:
            older += _older(settings, kind, today - timedelta(days=days), today)
    return [each for each in older if os.path.lexists(home / each.path) or each.landed]


def is_linked(home: Path, each: Item) -> bool:
    """Whether an item is a link, or its path has one: then it is not removed."""
    return confined.first_link(home, each.path) is not None


def counts(settings: Settings, periods: Periods, today: date) -> dict[str, int]:
    """The number of overdue items of each kind; of exports an estimate, from the names of their folders."""
    counted: dict[str, int] = {}
    for kind, days in periods.items():
        if days is not None:
            before = today - timedelta(days=days)
            by_name = kind == "landing"
            n = _old_folders(settings.home, before) if by_name else _count(settings, kind, before, today)
            counted |= {kind: n} if n else {}
    return counted


def _count(settings: Settings, kind: str, before: date, today: date) -> int:
    return sum(not is_linked(settings.home, each) for each in _older(settings, kind, before, today))


def _old_folders(home: Path, before: date) -> int:
    """The folders of exports from before a day, without the last one of each feed, which is still needed."""
    old = 0
    for feed in home.glob("landing/*/*"):
        old += max(0, sum(day < before for path in feed.iterdir() if (day := _named(path.name))) - 1)
    return old


def was_accepted(home: Path, each: Landed, contract: Taker) -> bool:
    """Whether a landed file may have been the one in use on some day."""
    known = read_file.recorded_reading(home, each, contract)
    return bool(known and known[0].status == "accepted" and not each.duplicate_of)


def _landing(settings: Settings, before: date, today: date) -> Iterator[Item]:
    """The landed files from before a day that no later day needs: all before the one in use on that day."""
    for one in source.load_all(settings):
        yield from _landing_of_source(settings, one, before, today)
    for contract in contracts.load_all(settings):
        old = [each for each in landing.history(settings.home, contract) if _day(each) < before]
        needed = [each.order for each in old if was_accepted(settings.home, each, contract)]
        for each in old:
            if not needed or each.order < needed[-1]:
                yield landed_item(settings.home, each, was_accepted(settings.home, each, contract), today)
        yield from (each for each, day in damaged(settings.home, contract) if day and day < before)


def _landing_of_source(settings: Settings, one: Source, before: date, today: date) -> Iterator[Item]:
    """The files of a source from before a day that were not in use on that day: parts and all others stay."""
    history = landing.history(settings.home, one)
    accepted = [each for each in history if each.duplicate_of or was_accepted(settings.home, each, one)]
    table = editions.Accepted(one.feed, accepted, one, lambda landed, home: home)
    needed = {each.landed.sha256 for each in editions.in_use_at(table, before)}
    for each in history:
        if _day(each) < before and each.sha256 not in needed:
            yield landed_item(settings.home, each, was_accepted(settings.home, each, one), today)
    yield from (each for each, day in damaged(settings.home, one) if day and day < before)


def damaged(home: Path, contract: Taker) -> Iterator[tuple[Item, date | None]]:
    """What of a feed's landing is no export any more, as a record without bytes or bytes without one, and its day."""
    for each in landing.history_and_damage(home, contract)[1]:
        digest = each.path.name.partition(".")[0]
        for path in sorted((home / each.path).parent.glob(f"{digest}*")):
            yield item(home, "leftovers", path), each.data_date


def _day(each: Landed) -> date:
    return each.data_date or datetime.fromisoformat(each.landed_at).date()


def _older(settings: Settings, kind: str, before: date, today: date) -> Iterator[Item]:
    """The things of a kind from before a day, but for those that stay whatever their age."""
    if kind == "landing":
        yield from _landing(settings, before, today)
        return
    pattern = LEFTOVERS if kind == "leftovers" else pattern_of(kind)  # bytes without their record: see `_landing`
    there = list(found(settings.home, pattern))
    stays = STAYS[kind](settings, there) if kind in STAYS else set()
    for path in there:
        if path not in stays and (day := _age(pattern, path)) and day < before:
            yield item(settings.home, kind, path)


def _age(pattern: str, path: Path) -> date | None:
    """The day that a name begins with, or the last day of the month or year it names; else that of the last change."""
    for last in (one.rpartition("/")[2] for one in pattern.split()):
        if last == "{year}" and re.fullmatch(r"\d{4}", path.name):
            return _named(f"{path.name}-12-31")
        if last.startswith("{day}") and "-" in path.name:
            return _named(path.name.partition("_")[0])
        if last == "{month}":
            first = _named(f"{path.name}-01")
            return first and first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return _touched(path)


def _in_use(settings: Settings, _: list[Path]) -> set[Path]:
    """The cached exports that a run refers to."""
    results = (runs.read_record(path) or {} for path in settings.home.glob(f"{RUNS}/*/feeds/*.json"))
    return {settings.home / Path(str(typed)).parent for each in results if (typed := each.get("typed_path"))}


def _released(calls: list[Path]) -> set[Path]:
    return {path for path in calls if any(path.glob("released/v*"))}


# What stays of a kind, whatever its age.
STAYS: dict[str, Callable[[Settings, list[Path]], set[Path]]] = {
    "packs": lambda settings, _: {newest} if (newest := pack.newest(settings.home / OUT)) else set(),
    "board": lambda _, editions: set(editions[-1:]),
    "inspections": lambda _, calls: {*calls} - _released(calls),
    "inspections_unreleased": lambda _, calls: _released(calls),
    "sen2": lambda _, returns: {*returns} - _released(returns),
    "sen2_unreleased": lambda _, returns: _released(returns),
    "runs": lambda _, folders: set(sorted(folders, key=_touched)[-1:]),
    "published": lambda settings, _: {(settings.home / SERVING).resolve()},
    "typed": _in_use,
}


def _touched(path: Path) -> date:
    record = path / "run.json"
    is_run = not path.is_symlink() and record.exists()
    return datetime.fromtimestamp((record if is_run else path).lstat().st_mtime, LONDON).date()


def _named(text: str) -> date | None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
