"""What was fetched before, so that nothing is fetched twice; and how each source's last pickup went.

picked_up/<source>.jsonl    one line a file: its name there, size, version, SHA-256, name in the inbox, when
picked_up/<source>.json     the last pickup: when, whether it went well, what was said, since when it fails
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from pickup.sources import NAME
from pickup.store import RemoteFile
from send_ready import files
from send_ready.home import PICKED_UP

# What became of a file.
TAKEN, SAME = "taken", "same bytes"


@dataclass(frozen=True)
class Line:
    """One file that was fetched."""

    name: str  # there
    size: int
    version: str
    sha256: str
    file_name: str  # in the inbox
    at: str
    outcome: str


@dataclass(frozen=True)
class LastPickup:
    """How the last pickup of a source went."""

    source: str
    at: str
    is_done: bool
    taken: int
    said: tuple[str, ...]  # troubles
    fails_since: str | None = None

    @property
    def since(self) -> datetime | None:
        """Since when it fails (aware); None when the last one went well."""
        return datetime.fromisoformat(self.fails_since) if self.fails_since else None


class Record:
    """The files of one source that were fetched before."""

    def __init__(self, home: Path, source: str):
        self._path = home / PICKED_UP / f"{source}.jsonl"
        self._versions: set[tuple[str, str, int | None]] = set()
        self._bytes: set[tuple[str, str]] = set()
        self._ours: set[tuple[str, str]] = set()
        for line in _lines(self._path):
            self._add(line)

    def _add(self, line: Line) -> None:
        self._versions.add((line.name, line.version, line.size))
        self._bytes.add((line.name, line.sha256))
        self._ours.add((line.file_name, line.sha256))

    def has(self, file: RemoteFile) -> bool:
        """Whether this version of a file was fetched, as far as the other side tells versions apart."""
        return bool(file.version) and (file.name, file.version, file.size) in self._versions

    def has_bytes(self, file: RemoteFile, sha256: str) -> bool:
        """Whether a file of this name was fetched with the same bytes."""
        return (file.name, sha256) in self._bytes

    def is_ours(self, file_name: str, sha256: str) -> bool:
        """Whether a file of the inbox is one that was put there from here."""
        return (file_name, sha256) in self._ours

    def add(self, line: Line) -> None:
        """One more."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with files.appended(self._path) as log:
            log.write(json.dumps(asdict(line), ensure_ascii=False).encode() + b"\n")
        self._add(line)


def _lines(path: Path) -> Iterator[Line]:
    """The whole lines of a record. A damaged one is passed over: that file is then fetched once more."""
    names = {field.name for field in fields(Line)}
    for text in files.held(path).splitlines():
        try:
            held: Any = json.loads(text)
        except ValueError:
            continue
        if isinstance(held, dict) and held.keys() >= names and all(isinstance(held[n], (str, int)) for n in names):
            yield Line(**{name: held[name] for name in names})


def put_last(home: Path, last: LastPickup) -> None:
    """Put on record how a pickup went."""
    files.write_json(home / PICKED_UP / f"{last.source}.json", asdict(last))


def last(home: Path, source: str) -> LastPickup | None:
    """How the last pickup of a source went; None where there was none, or its record is damaged."""
    try:
        held = files.read_json(home / PICKED_UP / f"{source}.json")
        found = LastPickup(**{**held, "said": tuple(map(str, held["said"]))})
        if found.since:
            found.since.utcoffset()
        return found if found.source == source and isinstance(found.is_done, bool) else None
    except (OSError, ValueError, TypeError, LookupError):
        return None


def all_last(home: Path) -> list[LastPickup]:
    """How the last pickup of each source went, by name, of whichever sources there ever were."""
    names = sorted(path.stem for path in (home / PICKED_UP).glob("*.json") if NAME.fullmatch(path.stem))
    return [found for name in names if (found := last(home, name))]
