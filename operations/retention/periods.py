"""The periods of retention, from retention.yml or the council's own file in SEND_CONFIG."""

from pathlib import Path
from typing import Any

from send_ready import files, records
from send_ready.home import kinds
from send_ready.settings import Settings, SettingsError

NAME = "retention.yml"
SHIPPED = Path(__file__).resolve().parent / NAME
FOREVER = "forever"
Periods = dict[str, int | None]  # days; None: for good


def _are_days(held: Any) -> bool:
    days = held.get("days") if isinstance(held, dict) else None
    return days == FOREVER or (type(days) is int and days >= 1)


def load(settings: Settings) -> Periods:
    """The days for each kind of thing; the shipped file's where the council's own names none.

    Raises SettingsError for a file that says anything else than the shipped one may.
    """
    path = settings.config_file(NAME, shipped=SHIPPED)
    shipped, in_words = files.read_yaml(SHIPPED), f"a record whose `days` is a whole number from 1, or {FOREVER}"
    fields = {
        kind: records.Field(in_words, _are_days, is_needed=False, otherwise=shipped.get(kind)) for kind in kinds()
    }
    found = records.read_fields(path, fields, SettingsError, "thing")
    return {kind: None if (days := held["days"]) == FOREVER else days for kind, held in found.items()}
