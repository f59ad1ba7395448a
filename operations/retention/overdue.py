"""What is older than its period: each thing that `purge` would remove, found by names, records and times."""

import calendar
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from extract import contract as contracts
from extract import landing, read_file, removed
from extract.contract import Contract
from extract.landing import Landed
from extract.removed import Removed
from operations.retention.periods import Periods
from publish import pack
from send_ready import confined, files, runs
from send_ready.home import BOARD, INSPECTIONS, OUT, PUBLISHED, REHEARSALS, RUNS, SERVING
from send_ready.settings import LONDON, Settings

LEFTOVERS = (
    "landing/*/*/.*.partial",
    "landing/*/*/.reading",
    "typed/*/*/.reading",
    "out/.*.p*",
    "out/*/.*.partial",
    "runs/.*.old",
    "runs/*/tmp*",
    ".sample.partial",
)
_DAY, _FEED, _SHOWN = "[0-9]{4}-[0-9]{2}-[0-9]{2}", "[a-z0-9_]+/[a-z0-9_]+", "[^./][^/]*"
_BYTES = rf"landing/{_FEED}/(?:{_DAY}|{landing.NO_DATE})/[0-9a-f]{{64}}\.[^/]+"
PLACES = {  # where a thing of each kind lies: nothing else is ever removed, whatever a record says
    "landing": _BYTES,
    "packs": f"out/{_DAY}",
    "board": "out/board/[0-9]{4}-[0-9]{2}",
    "inspections": f"out/inspections/{_DAY}_[^/]+",
    "inspections_unreleased": f"out/inspections/{_DAY}_[^/]+",
    "rehearsals": f"out/rehearsals/{_DAY}_[^/]+",
    "runs": f"runs/{_SHOWN}",
    "published": f"published/{_SHOWN}",
    "typed": f"typed/{_FEED}/[^/]+/{_SHOWN}",
    "leftovers": "|".join(
        [_BYTES, *(re.escape(each).replace(r"\*", "[^/]*").replace("/[^/]*/", f"/{_SHOWN}/") for each in LEFTOVERS)]
    ),
}
NOWHERE = re.compile(r"(?!)")


@dataclass(frozen=True)
class Item:
    """One thing to remove. `path` is relative to SEND_HOME; `sha256` is of the bytes, or of the folder's manifest."""

    kind: str  # as in retention.yml
    path: str
    files: int
    bytes: int
    sha256: str | None = None
    landed: Removed | None = None  # of the landing only

    def on_record(self) -> dict[str, Any]:
        """For the log: nothing in it is about a child."""
        record = {name: value for name, value in asdict(self).items() if name != "landed"}
        return record | ({"landed": removed.plain(self.landed)} if self.landed else {})


def placed(home: Path, kind: object, path: object, record: object) -> Path:
    """The path of something to remove, as a record names it. Raises RunError when nothing of this kind lies there."""
    place = re.compile(PLACES[kind]) if isinstance(kind, str) and kind in PLACES else NOWHERE
    return confined.below(home, path, record, place)


def item(home: Path, kind: str, path: Path, sha256: str | None = None) -> Item:
    """A file or folder as it stands. Of a link, nothing is looked at but the link."""
    if confined.first_link(home, path.relative_to(home).as_posix()):
        return Item(kind, path.relative_to(home).as_posix(), 0, 0, sha256)
    held = [each for each in (path.rglob("*") if path.is_dir() else [path]) if each.is_file() and not each.is_symlink()]
    manifest = path / pack.MANIFEST
    digest = sha256 or (files.sha256(manifest) if manifest.is_file() else None)
    return Item(kind, path.relative_to(home).as_posix(), len(held), sum(each.stat().st_size for each in held), digest)


def landed_item(home: Path, each: Landed, was_accepted: bool, today: date) -> Item:
    """One landed file, with what stands beside it."""
    beside = list((home / each.folder).glob(f"{each.sha256}*"))
    size = sum(path.stat().st_size for path in beside)
    return Item("landing", str(each.path), len(beside), size, each.sha256, Removed(each, was_accepted, today))


def due(settings: Settings, periods: Periods, today: date) -> list[Item]:
    """Everything older than its period, but for what stays whatever its age; links in the place of such things too."""
    home, found = settings.home, list[Item]()
    for kind, days in periods.items():
        if days is not None:
            found += FINDERS[kind](settings, today - timedelta(days=days), today)
    return [each for each in found if os.path.lexists(home / each.path) or each.landed]


def is_linked(home: Path, each: Item) -> bool:
    """Whether a link stands in the place of something to remove, or on the way to it: then it is left alone."""
    return confined.first_link(home, each.path) is not None


def counts(settings: Settings, periods: Periods, today: date) -> dict[str, int]:
    """How many things of each kind are older than their period: for exports roughly, by the names of their folders."""
    found: dict[str, int] = {}
    for kind, days in periods.items():
        if days is not None:
            before = today - timedelta(days=days)
            by_name = kind == "landing"
            n = _old_folders(settings.home, before) if by_name else _count(settings, kind, before, today)
            found |= {kind: n} if n else {}
    return found


def _count(settings: Settings, kind: str, before: date, today: date) -> int:
    return sum(not is_linked(settings.home, each) for each in FINDERS[kind](settings, before, today))


def _old_folders(home: Path, before: date) -> int:
    """Days of exports from before a day, but for the last one of each feed, which is still needed."""
    old = 0
    for feed in home.glob("landing/*/*"):
        old += max(0, sum(day < before for path in feed.iterdir() if (day := _named(path.name))) - 1)
    return old


def was_accepted(home: Path, each: Landed, contract: Contract) -> bool:
    """Whether the file may have spoken for a day."""
    known = read_file.recorded(home, each, contract)
    return bool(known and known[0].status == "accepted" and not each.duplicate_of)


def _landing(settings: Settings, before: date, today: date) -> Iterator[Item]:
    """Files from before a day that no later day needs: all up to the one that speaks for that day."""
    for contract in contracts.load_all(settings):
        old = [each for each in landing.history(settings.home, contract) if _day(each) < before]
        needed = [each.order for each in old if was_accepted(settings.home, each, contract)]
        for each in old:
            if not needed or each.order < needed[-1]:
                yield landed_item(settings.home, each, was_accepted(settings.home, each, contract), today)
        yield from (each for each, day in damaged(settings.home, contract) if day and day < before)


def damaged(home: Path, contract: Contract) -> Iterator[tuple[Item, date | None]]:
    """What of a feed's landing is no export any more, as a record without bytes or bytes without one, and its day."""
    for each in landing.survey(home, contract)[1]:
        digest = each.path.name.partition(".")[0]
        for path in sorted((home / each.path).parent.glob(f"{digest}*")):
            yield item(home, "leftovers", path), each.data_date


def _day(each: Landed) -> date:
    return each.data_date or datetime.fromisoformat(each.landed_at).date()


def _packs(settings: Settings, before: date, _: date) -> Iterator[Item]:
    out = settings.home / OUT
    newest = pack.newest(out)
    for path in sorted(out.glob("[0-9]*-[0-9]*-[0-9]*")):
        if path != newest and (day := _named(path.name)) and day < before:
            yield item(settings.home, "packs", path)


def _board(settings: Settings, before: date, _: date) -> Iterator[Item]:
    editions = [path for path in sorted((settings.home / BOARD).glob("*-*")) if _named(f"{path.name}-01")]
    for path in editions[:-1]:
        first = date.fromisoformat(f"{path.name}-01")
        if first.replace(day=calendar.monthrange(first.year, first.month)[1]) < before:
            yield item(settings.home, "board", path)


def _calls(root: Path) -> Iterator[tuple[Path, date, bool]]:
    """Folders of calls, the day of each, and whether anything was released."""
    for path in sorted(root.glob("[0-9]*_*")):
        if path.is_dir() and (day := _named(path.name.partition("_")[0])):
            yield path, day, any(path.glob("released/v*"))


def _inspections(settings: Settings, before: date, _: date) -> Iterator[Item]:
    for path, day, is_released in _calls(settings.home / INSPECTIONS):
        if is_released and day < before:
            yield item(settings.home, "inspections", path)


def _unreleased(settings: Settings, before: date, _: date) -> Iterator[Item]:
    for path, day, is_released in _calls(settings.home / INSPECTIONS):
        if not is_released and day < before:
            yield item(settings.home, "inspections_unreleased", path)


def _rehearsals(settings: Settings, before: date, _: date) -> Iterator[Item]:
    for path, day, _is_released in _calls(settings.home / REHEARSALS):
        if day < before:
            yield item(settings.home, "rehearsals", path)


def _runs(settings: Settings, before: date, _: date) -> Iterator[Item]:
    folders = sorted((settings.home / RUNS).glob("[!.]*"), key=_touched)
    for path in folders[:-1]:
        if _touched(path) < before:
            yield item(settings.home, "runs", path)


def _published(settings: Settings, before: date, _: date) -> Iterator[Item]:
    served = (settings.home / SERVING).resolve()
    for path in sorted((settings.home / PUBLISHED).glob("[!.]*")):
        if path != served and _touched(path) < before:
            yield item(settings.home, "published", path)


def _typed(settings: Settings, before: date, _: date) -> Iterator[Item]:
    home = settings.home
    used = {
        str(Path(typed).parent)
        for path in home.glob("runs/*/feeds/*.json")
        if (typed := (runs.read(path) or {}).get("typed_path"))
    }
    for path in sorted(home.glob("typed/*/*/*/*")):
        if path.relative_to(home).as_posix() not in used and _touched(path) < before:
            yield item(home, "typed", path)


def _leftovers(settings: Settings, before: date, _: date) -> Iterator[Item]:
    for pattern in LEFTOVERS:
        for path in sorted(settings.home.glob(pattern)):
            if _touched(path) < before:
                yield item(settings.home, "leftovers", path)


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


FINDERS = {
    "landing": _landing,
    "packs": _packs,
    "board": _board,
    "inspections": _inspections,
    "inspections_unreleased": _unreleased,
    "rehearsals": _rehearsals,
    "runs": _runs,
    "published": _published,
    "typed": _typed,
    "leftovers": _leftovers,
}
