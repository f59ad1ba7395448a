"""Removes what is older than its period, or holds a person, and records what was removed, by whom and why.

records/purges.jsonl is a chain of hashes like the release log (inspection.release_log). Of a removal it has a line
before anything goes, with the path, size and hash of each thing, and one after: a removal that was killed in between
is finished by the next. There is nothing of any child in it, but for a hash of the ID that was asked for.
"""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from extract import landing, removed
from extract.inbox import takers
from inspection import release_log, verify
from operations.retention import periods
from operations.retention import person as persons
from operations.retention.overdue import Item, due, is_linked, placed, was_accepted
from operations.turns import one_at_a_time
from publish import pack
from send_ready import confined, files
from send_ready.folders import point
from send_ready.home import INSPECTIONS, LATEST, OUT, PURGES, REHEARSALS, SEN2, TYPED, kinds
from send_ready.runs import RunError
from send_ready.settings import LONDON, Settings

SHOWN = 12  # of one kind, on the screen


def purge(
    settings: Settings,
    now: datetime,
    *,
    by: str = "",
    why: str = "",
    do: bool = False,
    person: Sequence[str] = (),
    force: bool = False,
) -> list[str]:
    """Lines that say what would be removed and what is impossible afterwards; with `do`, what was removed.

    What goes is what is older than its period (retention.yml), or, for a `person` (Unique ID, or records as
    `source:id`), every file that holds them: files go whole. Raises RunError when nobody is named, no reason is given,
    or the newest export of a feed still holds the person, unless `force` is set.
    """
    if do and not (by.strip() and why.strip()):
        raise RunError(
            'Say who removes, and why: send-ready purge --do --by "NAME" --why "REASON". Nothing was removed.'
        )
    today = now.astimezone(LONDON).date()
    with one_at_a_time(settings.home):
        finished = list(_finish(settings, now)) if do else list(_unfinished(settings.home))
        found = persons.find_person(settings, person, today) if person else None
        looked_at = found.items if found else due(settings, periods.load(settings), today)
        items = [each for each in looked_at if not is_linked(settings.home, each)]
        links = [_left_alone(settings.home, each.path) for each in looked_at if is_linked(settings.home, each)]
        told = [*finished, *_listed(items), *links, *_impossible(settings, items), *(found.told if found else [])]
        if not items:
            nothing = (
                "No file that can be removed holds this person." if person else "Nothing is older than its period."
            )
            return [*told, nothing]
        if found and found.blockers and not force:
            if do:
                raise RunError("\n".join([*found.blockers, "Nothing was removed."]))
            told += found.blockers
        if not do:
            return [*told, "", "Nothing was removed. To remove it: add --do --by NAME --why REASON."]
        about = {"by": by.strip(), "why": why.strip(), "person": _sealed(person) if person else None}
        begun = _begin(settings, items, about, now)
        told += _remove_all(settings, begun, now)
        return [*told, "", f"Removed. On record as line {begun['sequence']} of {settings.home / PURGES}."]


def record(home: Path) -> Path:
    """The path of the log of everything that was ever removed."""
    return home / PURGES


# On record


def _begin(settings: Settings, items: Iterable[Item], about: dict[str, Any], now: datetime) -> dict[str, Any]:
    line = {"event": "begun", "at": now.isoformat(timespec="seconds"), **about}
    return release_log.append(record(settings.home), {**line, "items": [each.on_record() for each in items]})


def _finish(settings: Settings, now: datetime) -> Iterator[str]:
    """Finish the removal that a killed process began."""
    for begun in _open(settings.home):
        yield from _remove_all(settings, begun, now)
        yield f"The removal of {begun['at']}, by {begun['by']}, had been cut off: it is finished now."


def _unfinished(home: Path) -> Iterator[str]:
    for begun in _open(home):
        yield f"The removal of {begun['at']}, by {begun['by']}, was cut off. The next one with --do finishes it first:"
        paths = [confined.printable_name(each.get("path")) for each in begun["items"]]
        yield from (f"         {path}" for path in paths[:SHOWN])
        if len(paths) > SHOWN:
            yield f"         … and {len(paths) - SHOWN:,} more"


def _open(home: Path) -> list[dict[str, Any]]:
    entries = release_log.entries(record(home))
    ended = {entry.get("begun") for entry in entries if entry.get("event") == "ended"}
    return [entry for entry in entries if is_begun(entry) and entry["sequence"] not in ended]


def is_begun(entry: dict[str, Any]) -> bool:
    """Whether an entry of the record announces a removal."""
    items, said = entry.get("items"), (entry.get("by"), entry.get("why"), entry.get("at"))
    is_list = isinstance(items, list) and all(isinstance(each, dict) for each in items)
    return entry.get("event") == "begun" and is_list and all(isinstance(each, str) for each in said)


def unfinished(home: Path) -> bool:
    """Whether a removal was interrupted."""
    return bool(_open(home))


def _sealed(person: Sequence[str]) -> dict[str, str]:
    """A hash of the person's IDs, which proves whose they were to somebody who knows them. Slow, as IDs are short."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt("\n".join(sorted(person)).encode(), salt=salt, n=1 << 14, r=8, p=1)
    return {"salt": salt.hex(), "scrypt_16384_8_1": digest.hex()}


# Removing


def _remove_all(settings: Settings, begun: dict[str, Any], now: datetime) -> list[str]:
    """Sentences about what could not be removed, after all else that an entry names was removed.

    Raises RunError when the machine refused something, after all the rest: the next purge tries that again.
    """
    home, left, failed = settings.home, list[str](), list[str]()
    for each in begun["items"]:
        try:
            path = placed(home, each.get("kind"), each.get("path"), f"Line {begun['sequence']} of {record(home)}")
            with _locked(home, each):
                _remove(home, path, each)
            if path.parent in (home / INSPECTIONS, home / SEN2, home / REHEARSALS):
                _tell_release_log(path, begun)
        except RunError as refused:
            left.append(f"Left as it is: {refused}")
        except confined.NotRemovedError as error:
            failed.append(str(error))
    _turn_latest(home)
    if failed:
        raise RunError("\n".join([*left, *failed, "The rest is removed. Put that right, and purge again."]))
    line = {"event": "ended", "begun": begun["sequence"], "at": now.isoformat(timespec="seconds")}
    release_log.append(record(home), {**line, **({"left": len(left)} if left else {})})
    return left


def _left_alone(home: Path, path: str) -> str:
    link = confined.first_link(home, path)
    return (
        f"{link} is a link in the place of {path}: neither it nor what it leads to is touched. Remove the link "
        "yourself, and look after what it leads to."
    )


def _remove(home: Path, path: Path, each: dict[str, Any]) -> None:
    """Remove one thing, in an order that leaves no half of it even after a kill. Raises RunError."""
    if each["kind"] == "landing":
        _remove_landed(home, path, each)
        return
    going = f".{path.name}.removed"
    digest, manifest = each.get("sha256"), path / pack.MANIFEST
    is_another = digest and manifest.is_file() and files.sha256(manifest) != digest
    if path.is_dir() and not is_another:  # was it made anew since this was begun, it stays
        confined.remove(home, _name(home, path.with_name(going)))
        confined.rename(home, _name(home, path), going)
    elif not path.is_dir():
        confined.remove(home, _name(home, path))
    confined.remove(home, _name(home, path.with_name(going)))


def _remove_landed(home: Path, path: Path, each: dict[str, Any]) -> None:
    try:
        landed = removed.from_record(each["landed"])
        if str(landed.landed.path) != each["path"]:
            raise ValueError
    except (ValueError, TypeError, LookupError):
        raise RunError(f"Of {path} it is not on record how it came, so it is not removed. {confined.MEND}") from None
    removed.add(home, [landed])
    digest, day = landed.landed.sha256, path.parent
    for one in sorted(day.glob(f"{digest}*"), key=lambda found: found.name != f"{digest}.json"):
        confined.remove(home, _name(home, one))  # its record first: what has none has not landed
    if day.is_dir() and not any(day.iterdir()):
        confined.remove(home, _name(home, day))
    for typed in home.glob(f"{TYPED}/{'/'.join(day.parts[-3:])}/{digest[:16]}-*"):
        confined.remove(home, _name(home, typed))


def _name(home: Path, path: Path) -> str:
    return path.relative_to(home).as_posix()


def _turn_latest(home: Path) -> None:
    """Turn out/latest to the newest pack that is left; nothing is done when `out` is a link."""
    if (home / OUT).is_symlink():
        return
    latest, newest = home / LATEST, pack.newest(home / OUT)
    if newest:
        point(latest, newest)
    elif latest.is_symlink():
        latest.unlink()


@contextmanager
def _locked(home: Path, each: dict[str, Any]) -> Iterator[None]:
    """Hold the locks of the processes that write there."""
    place, _ = kinds()[each["kind"]]
    with ExitStack() as held:
        for lock in place.held_by(PurePosixPath(each["path"])):  # placed has seen it
            held.enter_context(files.locked(home / lock))
        yield


def _tell_release_log(call: Path, begun: dict[str, Any]) -> None:
    """Note removed calls and returns in the release log, so that the proof does not miss them."""
    log = call.parent / release_log.NAME
    told = [entry for entry in release_log.decisions(log) if entry["notification"] == call.name]
    if told and not any(verify.is_removal(entry) for entry in told):
        decision = {"option": verify.REMOVE, "by": begun["by"], "at": begun["at"], "comment": begun["why"]}
        about = {"notification": call.name, "version": 0, "is_rehearsal": call.parent.match(REHEARSALS)}
        release_log.append(log, {**about, "decision": decision, "later_files": [], "purge": begun["sequence"]})


# Telling


def _listed(items: Sequence[Item]) -> Iterator[str]:
    by_kind: dict[str, list[Item]] = {}
    for each in items:
        by_kind.setdefault(each.kind, []).append(each)
    for kind, several in by_kind.items():
        size = sum(each.bytes for each in several) / 1e6
        yield f"{len(several):>6,} {kinds()[kind][1].title}, {size:,.1f} MB"
        places = (
            Counter(str(Path(each.path).parent.parent) for each in several) if kind in ("landing", "typed") else None
        )
        lines = [f"{place}: {n:,}" for place, n in places.items()] if places else [each.path for each in several]
        yield from (f"         {line}" for line in lines[:SHOWN])
        if len(lines) > SHOWN:
            yield f"         … and {len(lines) - SHOWN:,} more"


def _impossible(settings: Settings, items: Sequence[Item]) -> Iterator[str]:
    """Sentences about what is impossible after the removal."""
    gone = [each.landed for each in items if each.landed and each.landed.was_accepted]
    if gone:
        first = _first_day(settings, gone)
        kept = f"{first} is the first day that can" if first else "No day that is over can"
        yield f"After that {kept} be built again as it was; packs made of earlier days stay until they go themselves."
    if any(each.kind in ("inspections", "sen2") for each in items):
        yield "After that make verify-release proves of these calls and returns only what the release log says."
    if any(kinds()[each.kind][0].is_backed_up for each in items):
        yield "Backups made before still hold all of it, until you delete them."
    if waiting := list(_in_the_inbox(settings, [each.landed for each in items if each.landed])):
        yield f"The inbox still has {len(waiting):,} of these files, and they will not land again. Delete them there:"
        yield from (f"         {name}" for name in waiting[:SHOWN])


def _first_day(settings: Settings, gone: Sequence[removed.Removed]) -> date | None:
    """The first day on which every feed still has a file; None when a feed has none left."""
    days = []
    for contract in takers.load_all(settings):
        orders = [
            each.landed.order
            for each in gone
            if (each.landed.source, each.landed.feed) == (contract.source, contract.feed)
        ]
        if orders:
            kept = [
                each
                for each in landing.history(settings.home, contract)
                if each.order > max(orders) and was_accepted(settings.home, each, contract)
            ]
            if not kept or kept[0].data_date is None:
                return None
            days.append(kept[0].data_date)
    return max(days)


def _in_the_inbox(settings: Settings, gone: Sequence[removed.Removed]) -> Iterator[str]:
    sizes = {(each.landed.file_name, each.landed.size) for each in gone}
    for name, size in sorted(sizes):
        if not confined.is_plain(name):
            continue  # of another place than the inbox, or with signs that stand for others
        path = settings.inbox / name
        if path.is_file() and path.stat().st_size == size:
            yield name
