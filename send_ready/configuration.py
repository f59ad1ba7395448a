"""The council's configuration that is in force in a run, as it was settled when the run began.

What is in force lies in `runs/<run>/config`, which every step of the run reads, so that a file which is changed at
night counts from the next run on. What each file came to is `runs/<run>/configuration.json`. Settling is the work of
operations/settle.py.

    SEND_HOME/configuration/<sha256>     files that were in force in the last good run
                            good.json    by name, which; and of each prepared feed, those that last gave it rows
"""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from send_ready import confined, files, runs
from send_ready.home import CONFIGURATION, Lock
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import Settings

COUNCIL, MENDED, ASIDE = "council", "mended", "set aside"  # states of a file
LAST_GOOD, SHIPPED = "the one of the last good run", "the shipped one"
NOTHING = "none"  # where none ships
SET_ASIDE, REPEATED, NO_EFFECT = "F-40", "F-41", "F-19"  # rules
OWNER = "Data team"
RECORD, FOLDER, GOOD = "configuration.json", "config", "good.json"
OF_PREPARATION = ("prepare", "sources")  # folders of what makes a prepared feed


@dataclass(frozen=True)
class Held:
    """One file of SEND_CONFIG and its state. `sha256` is of the file that is in force in its place."""

    name: str
    state: str  # COUNCIL | MENDED | ASIDE
    reason: str | None = None
    instead: str | None = None  # of a file that was set aside: LAST_GOOD | SHIPPED | NOTHING
    sha256: str | None = None

    @property
    def in_words(self) -> str:
        """The state of the file, in one or two sentences."""
        if self.state == COUNCIL:
            return f"{self.name}: in force"
        after = f" In force instead: {self.instead}." if self.state == ASIDE else ""
        return f"{self.name}: {self.state}. {self.reason}{after}"


@dataclass(frozen=True)
class Settled:
    """The council's files in order of name, and the names of files that have no effect."""

    held: tuple[Held, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def set_aside(self) -> tuple[Held, ...]:
        return tuple(each for each in self.held if each.state == ASIDE)


def settled_settings(run: Run, settings: Settings) -> Settings | None:
    """Settings that read the configuration settled for a run; None when none was."""
    is_settled = (run.folder / FOLDER).is_dir() and runs.read_record(run.folder / RECORD)
    return replace(settings, config=run.folder / FOLDER) if is_settled else None


def settled_for(run: Run) -> Settled:
    """The configuration that was settled for a run; empty when it is not on record."""
    found = runs.read_record(run.folder / RECORD) or {}
    try:
        return Settled(tuple(Held(**each) for each in found["held"]), tuple(found["unused"]))
    except (LookupError, TypeError):
        return Settled()


def keep(run: Run) -> None:
    """Keep the configuration of a run that ended well, to be used in place of the next bad file."""
    store, folder = run.home / CONFIGURATION, run.folder / FOLDER
    with files.locked(run.home / Lock.CONFIGURATION):
        found: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                data = path.read_bytes()
                digest = hashlib.sha256(data).hexdigest()
                found[path.relative_to(folder).as_posix()] = digest
                if not (store / digest).exists():
                    files.write_bytes(store / digest, data)
        working = _working(run, found)
        if found or (store / GOOD).exists():
            files.write_json(store / GOOD, {"run_id": run.run_id, "files": found, "working": working})
        needed = {*found.values(), *(digest for of_feed in working.values() for digest in of_feed.values())}
        for path in store.glob("[0-9a-f]*"):
            if path.name not in needed and path.name != GOOD:
                path.unlink()


def _working(run: Run, found: dict[str, str]) -> dict[str, dict[str, str]]:
    """Of each prepared feed, the files that gave it rows: those of this run, or as before where it has none of them."""
    now = {name: digest for name, digest in found.items() if name.partition("/")[0] in OF_PREPARATION}
    before = _good(run.home, "working")
    working = {}
    for result in runs.feed_results(run):
        if prepared := result.get("prepared"):
            feed = f"{result['source']}__{result['feed']}"
            is_new = result["typed_path"] and not prepared.get("is_as_before")
            working[feed] = now if is_new else before.get(feed, {})
    return {feed: held for feed, held in working.items() if held}


def last_working(home: Path, feed: str) -> dict[str, bytes]:
    """By name, the council's sources and SELECTs that last gave a prepared feed (`source__feed`) rows; often none."""
    found = {}
    named = _good(home, "working").get(feed)
    for name, digest in named.items() if isinstance(named, dict) else ():
        data = kept_bytes(home, digest) if confined.is_plain(name) else None
        if data is None or name.partition("/")[0] not in OF_PREPARATION:
            return {}  # some of them would be another set
        found[name] = data
    return found


def last_good(home: Path) -> dict[str, str]:
    """By name, the SHA-256 of the files that were in force in the last good run."""
    return {name: digest for name, digest in _good(home, "files").items() if confined.is_plain(name)}


def kept_bytes(home: Path, digest: object) -> bytes | None:
    """The bytes of a file that is kept, by its SHA-256; None when it is not there, or not as it was."""
    digest = str(digest)
    if not (len(digest) == 64 and digest.isalnum()):
        return None
    with suppress(OSError):
        data = (home / CONFIGURATION / digest).read_bytes()
        return data if hashlib.sha256(data).hexdigest() == digest else None
    return None


def _good(home: Path, what: str) -> dict[str, Any]:
    found = (runs.read_record(home / CONFIGURATION / GOOD) or {}).get(what)
    return found if isinstance(found, dict) else {}


def issues(settled: Settled) -> Iterator[Issue]:
    """The issues of a council's files."""
    for each in settled.held:
        if each.state == ASIDE:
            yield Issue("File", SET_ASIDE, "error",
                        f"This file of SEND_CONFIG cannot be used, and was set aside: {each.reason} "
                        f"In force instead: {each.instead}.",
                        "Put it right, or take it away; then `make check`, and run again.", OWNER,
                        file_name=each.name)  # fmt: skip
        elif each.state == MENDED:
            yield Issue("File", REPEATED, "query", f"This file of SEND_CONFIG is in force, but: {each.reason}",
                        "Put it right.", OWNER, file_name=each.name)  # fmt: skip
    for name in settled.unused:
        yield Issue("File", NO_EFFECT, "query", "This file of SEND_CONFIG has no effect: nothing looks for it.",
                    "Name it as the shipped file whose place it takes, in the folder that the guide says.", OWNER,
                    file_name=name)  # fmt: skip


def set_aside_in(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The files that a pack's manifest names as set aside: file_name, reason, in_force. Old manifests have none."""
    return list(manifest.get("configuration", {}).get("set_aside", ()))
