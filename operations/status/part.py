"""One part of the status."""

from dataclasses import dataclass, field
from typing import Any

# What comes first in what to do.
CALL, PROOF, ROOM, NIGHT, SERVED, EXPORTS, UPKEEP = range(7)
NIGHTLY = "send_nightly"


@dataclass
class Part:
    """One part of the status: lines for people, facts for programs, and what to do as (urgency, sentence)."""

    title: str
    lines: list[str]
    facts: dict[str, Any] = field(default_factory=dict)
    todo: list[tuple[int, str]] = field(default_factory=list)
