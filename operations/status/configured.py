"""The council's own files of configuration."""

from datetime import datetime

from operations import settle
from operations.status.part import NIGHT, UPKEEP, Part
from send_ready.configuration import ASIDE, COUNCIL
from send_ready.settings import Settings


def configured(settings: Settings, _: datetime) -> Part | None:
    """The files of SEND_CONFIG that would be in force in a run that begins now."""
    if not settings.config:
        return None
    with settle.trial(settings) as (in_force, settled):
        del in_force
    fine = sum(each.state == COUNCIL for each in settled.held)
    part = Part("Configured", [f"{fine} files of your own in force"])
    part.facts = {
        "in_force": [each.name for each in settled.held if each.state != ASIDE],
        "set_aside": {each.name: each.reason for each in settled.set_aside},
        "no_effect": list(settled.unused),
    }
    for each in settled.held:
        if each.state == ASIDE:
            part.lines.append(f"{each.name}: SET ASIDE, in force instead: {each.instead}")
            part.todo.append((NIGHT, f"Put right, of SEND_CONFIG, {each.name}: {each.reason}"))
        elif each.state != COUNCIL:
            part.todo.append((UPKEEP, f"Put right, of SEND_CONFIG, {each.reason}"))
    part.todo += [(UPKEEP, f"{name} of SEND_CONFIG has no effect: see make check") for name in settled.unused]
    return part
