"""What comes by itself."""

from datetime import datetime

from operations import settle
from operations.status.part import EXPORTS, Part
from pickup import record, sources
from send_ready.settings import Settings


def picked_up(settings: Settings, _: datetime) -> Part | None:
    """How the last pickup of each source of pickup.yml went, if there is one."""
    with settle.trial(settings, sources.FILE) as (in_force, _settled):
        named = [each.name for each in sources.load(in_force)]
    if not named:
        return None
    last = {each.source: each for each in record.all_last(settings.home)}
    part = Part("Pickup", [])
    for name in named:
        found = last.get(name)
        part.facts[name] = {"last_at": found and found.at, "fails_since": found and found.fails_since}
        if not found:
            part.lines.append(f"{name}: never tried")
        elif found.is_done:
            part.lines.append(f"{name}: {found.at[:16].replace('T', ' ')}, {found.taken} new")
        else:
            part.lines.append(f"{name}: FAILS since {str(found.fails_since)[:16].replace('T', ' ')}")
            part.todo += [(EXPORTS, f"Of the pickup of {name}: {said}") for said in found.said[:3]]
    return part
