"""How long each thing is kept: retention.yml, or the council's own in SEND_CONFIG."""

from pathlib import Path

from send_ready import files
from send_ready.settings import Settings, SettingsError

NAME = "retention.yml"
SHIPPED = Path(__file__).resolve().parent / NAME
FOREVER = "forever"
Periods = dict[str, int | None]  # days; None: for good


def load(settings: Settings) -> Periods:
    """Days for each kind of thing. Raises SettingsError for a file that says anything else than the shipped one may."""
    path = settings.config_file(NAME, shipped=SHIPPED)
    wanted = files.read_yaml(SHIPPED)
    try:
        found = files.read_yaml(path)
    except ValueError as error:
        raise SettingsError(f"{error}\nCopy {SHIPPED} once more, and change days only.") from None
    if not isinstance(found, dict) or set(found) != set(wanted):
        raise SettingsError(f"{path} has to name each of these, and nothing else: {', '.join(wanted)}.")
    return {kind: _days(path, kind, held) for kind, held in found.items()}


def _days(path: Path, kind: str, held: object) -> int | None:
    days = held.get("days") if isinstance(held, dict) else None
    if days == FOREVER:
        return None
    if isinstance(days, int) and not isinstance(days, bool) and days >= 1:
        return days
    raise SettingsError(f"{path}: {kind} needs `days:` with a whole number from 1, or {FOREVER}.")
