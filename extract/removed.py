"""What was taken out of the landing on purpose: it does not land again, and a day that needs it is not built.

landing/<source>/<feed>/removed.jsonl has one JSON line a file: its record (landing.Landed), whether it was accepted,
and the day on which it was removed. There is nothing of any child in it. operations/ writes it before a file goes.
"""

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from extract import contract as contracts
from extract import landing, read_file
from extract.contract import Contract
from extract.landing import Landed, Taker
from extract.own import editions, source
from extract.own.source import Source
from send_ready import confined, files
from send_ready.runs import RunError
from send_ready.settings import Settings

NAME = "removed.jsonl"


@dataclass(frozen=True)
class Removed:
    """A file that was there. `was_accepted`: it may have spoken for a day; `removed_on` is in London."""

    landed: Landed
    was_accepted: bool
    removed_on: dt.date


def removed_files(home: Path, contract: Taker) -> list[Removed]:
    """Every file of the feed that was removed, in order of data date and landing. Raises RunError for damaged notes."""
    path = _notes(home, contract.source, contract.feed)
    try:
        found = [from_record(json.loads(line)) for line in _lines(path)]
        if any((each.landed.source, each.landed.feed) != (contract.source, contract.feed) for each in found):
            raise ValueError
        return sorted(found, key=lambda each: each.landed.order)
    except (ValueError, TypeError, LookupError, files.NoRegularFileError):
        raise RunError(
            f"{path} is damaged, and without it exports that were removed would land again. Put it back as the last "
            "backup has it; then run this step again."
        ) from None


def removed_records(home: Path, contract: Taker) -> list[Landed]:
    """The records of the files of the feed that were removed."""
    return [each.landed for each in removed_files(home, contract)]


def add(home: Path, gone: Iterable[Removed]) -> None:
    """Add files to the notes of their feeds, once each. The caller holds the feed's lock."""
    by_path: dict[Path, list[Removed]] = {}
    for each in gone:
        by_path.setdefault(_notes(home, each.landed.source, each.landed.feed), []).append(each)
    for path, several in by_path.items():
        before = _lines(path)
        lines = dict.fromkeys([*before, *(json.dumps(to_record(each), sort_keys=True) for each in several)])
        files.write_bytes(path, ("\n".join(lines) + "\n").encode())


def _notes(home: Path, source: str, feed: str) -> Path:
    return confined.below(home, f"landing/{source}/{feed}/{NAME}", f"The feed {source}.{feed}")


def _lines(path: Path) -> list[str]:
    try:
        with files.regular(path) as file:
            return file.read().decode("utf-8").splitlines()
    except FileNotFoundError:
        return []


def check_day(settings: Settings, as_at: dt.date) -> None:
    """Raise RunError for a past day whose lists cannot be what they were, because a file that it needs was removed.

    From the day of the removal on, a feed without its file is stale or missing, like any other.
    """
    check_sources(settings, as_at)
    for contract in contracts.load_all(settings):
        gone = [
            each
            for each in removed_files(settings.home, contract)
            if each.was_accepted and (each.landed.data_date or dt.date.max) <= as_at < each.removed_on
        ]
        if gone and gone[-1].landed.order > _newest_kept(settings.home, contract, as_at):
            raise RunError(
                f"{as_at} cannot be built again: the file of {contract.id} that it needs, with data date "
                f"{gone[-1].landed.data_date}, was removed on {gone[-1].removed_on}. The pack made then stays. "
                "What was removed, by whom and why: records/purges.jsonl in SEND_HOME."
            )


def check_sources(settings: Settings, as_at: dt.date) -> None:
    """Raise RunError for a past day whose lists cannot be what they were, because a file of a source was removed."""
    for one in source.load_all(settings):
        gone = [each for each in removed_files(settings.home, one) if each.was_accepted and as_at < each.removed_on]
        if not gone:
            continue
        history = landing.history(settings.home, one)
        held = [each for each in history if each.duplicate_of or _is_accepted(settings, each, one)]
        held += [each.landed for each in gone]
        table = editions.Accepted(one.feed, held, one, lambda landed, _: landed.path)
        hashes = {each.landed.sha256: each for each in gone}
        for member in editions.in_use_at(table, as_at):
            if found := hashes.get(member.landed.sha256):
                raise RunError(
                    f"{as_at} cannot be built again: {member.file_name} of {one.id} that it needs was removed on "
                    f"{found.removed_on}. The pack made then stays. What was removed, by whom and why: "
                    "records/purges.jsonl in SEND_HOME."
                )


def _is_accepted(settings: Settings, landed: Landed, one: Source) -> bool:
    known = read_file.recorded_reading(settings.home, landed, one)
    return bool(known and known[0].status == "accepted")


def _newest_kept(home: Path, contract: Contract, as_at: dt.date) -> tuple[dt.date, str]:
    for landed in reversed(landing.history(home, contract)):
        if landed.data_date and landed.data_date <= as_at and not landed.duplicate_of:
            known = read_file.recorded_reading(home, landed, contract)
            if known and known[0].status == "accepted":
                return landed.order
    return (dt.date.min, "")


def to_record(removed: Removed) -> dict[str, Any]:
    """As it is kept."""
    landed = {**asdict(removed.landed), "data_date": str(removed.landed.data_date or "")}
    return {**landed, "was_accepted": removed.was_accepted, "removed_on": str(removed.removed_on)}


def from_record(line: dict[str, Any]) -> Removed:
    """From what is kept. Raises ValueError, TypeError or LookupError."""
    return Removed(landing.from_record(line), bool(line["was_accepted"]), dt.date.fromisoformat(line["removed_on"]))
