"""The periods of retention, from retention.yml or the council's own file in SEND_CONFIG."""

from pathlib import Path

from send_ready import files
from send_ready.home import kinds
from send_ready.settings import Settings, SettingsError

NAME = "retention.yml"
SHIPPED = Path(__file__).resolve().parent / NAME
FOREVER = "forever"
Periods = dict[str, int | None]  # days; None: for good


def load(settings: Settings) -> Periods:
    """The days for each kind of thing; the shipped file's where the council's own names none.

    Raises SettingsError for a file that says anything else than the shipped one may.
    """
    path = settings.config_file(NAME, shipped=SHIPPED)
    shipped, known = files.read_yaml(SHIPPED), kinds()
    try:
        found = files.read_yaml(path)
    except ValueError as error:
        raise SettingsError(f"{error}\nCopy {SHIPPED} once more, and change days only.") from None
    if not isinstance(found, dict) or not set(found) <= set(known):
        raise SettingsError(f"{path} may name these, and nothing else: {', '.join(known)}.")
    return {kind: _days(path, kind, found[kind] if kind in found else shipped[kind]) for kind in known}


def _days(path: Path, kind: str, held: object) -> int | None:
    days = held.get("days") if isinstance(held, dict) else None
    if days == FOREVER:
        return None
    if isinstance(days, int) and not isinstance(days, bool) and days >= 1:
        return days
    raise SettingsError(f"{path}: {kind} needs `days:` with a whole number from 1, or {FOREVER}.")
