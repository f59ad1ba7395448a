"""What is made in versions, approved and released: the lists of a notification, and a return. The paths of each."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar

from inspection import clock, release_log
from send_ready.home import INSPECTIONS, REHEARSALS
from send_ready.words import short_date, weekday_date

RECORD = "request.json"
FULL_INSPECTION = "full_inspection"


class Releasable(ABC):
    """One thing that is owed by a day, real or rehearsed: its folder, with every version of it, and its files."""

    home: Path
    is_rehearsal: bool
    DAG: ClassVar[str]  # makes its versions, and asks the approver
    ROOT: ClassVar[str]  # the folder of all of its kind, with their release log
    THESE: ClassVar[str]  # things are released
    WERE_DUE: ClassVar[str]  # a clause that says so of them
    AGAIN: ClassVar[str]  # how another version is made

    @property
    @abstractmethod
    def key(self) -> str:
        """The name of its folder, and in the release log."""

    @property
    @abstractmethod
    def due(self) -> datetime:
        """When it is due, in London."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in words for a heading."""

    @property
    @abstractmethod
    def sentence(self) -> str:
        """What it is, as a sentence."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What records and manifests say of it, whichever its version."""

    @property
    def root(self) -> Path:
        """The folder of all of its kind, with their release log."""
        return self.home / (REHEARSALS if self.is_rehearsal else self.ROOT)

    @property
    def folder(self) -> Path:
        return self.root / self.key

    @property
    def record(self) -> Path:
        return self.folder / RECORD

    @property
    def released(self) -> Path:
        return self.folder / "released"

    @property
    def alerts(self) -> Path:
        return self.folder / "alerts.jsonl"

    @property
    def log(self) -> Path:
        """The release log of all of its kind."""
        return self.root / release_log.NAME

    def version_folder(self, number: int) -> Path:
        return self.folder / f"v{number}"


@dataclass(frozen=True)
class Request(Releasable):
    """One notification of the inspectors. Raises clock.ClockError for an unknown kind."""

    DAG = "annex_a_request"
    ROOT = INSPECTIONS
    THESE = "these lists"
    WERE_DUE = "the lists were due"
    AGAIN = "trigger annex_a_request with the same day and kind."

    home: Path
    notified_on: date
    kind: str  # a slug of clock.KINDS
    is_rehearsal: bool = False

    def __post_init__(self) -> None:
        clock.check_kind(self.kind)

    @property
    def key(self) -> str:
        return f"{self.notified_on}_{self.kind}"

    @property
    def due(self) -> datetime:
        return clock.lists_due(self.notified_on)

    @property
    def title(self) -> str:
        return f"{clock.KINDS[self.kind]}, notified on {short_date(self.notified_on)}"

    @property
    def sentence(self) -> str:
        return f"{clock.KINDS[self.kind]}, notified on {weekday_date(self.notified_on)}."

    def facts(self) -> dict[str, Any]:
        """The day of the notification, and what was announced."""
        return {"notified_on": self.notified_on.isoformat(), "kind": self.kind}
