"""One notification of the inspectors, real or rehearsed, and the paths of its folder and files."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from inspection import clock, release_log
from send_ready.home import INSPECTIONS, REHEARSALS

RECORD = "request.json"
FULL_INSPECTION = "full_inspection"


@dataclass(frozen=True)
class Request:
    """One notification, real or rehearsed. Raises clock.ClockError for an unknown kind."""

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
    def root(self) -> Path:
        """The folder of all notifications, with their release log."""
        return self.home / (REHEARSALS if self.is_rehearsal else INSPECTIONS)

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
        """The release log of all notifications."""
        return self.root / release_log.NAME

    @property
    def due(self) -> datetime:
        """When the lists are due, in London."""
        return clock.lists_due(self.notified_on)

    def version_folder(self, number: int) -> Path:
        return self.folder / f"v{number}"
