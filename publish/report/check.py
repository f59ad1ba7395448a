"""The page of make check, check.html: what tomorrow's night would make of configuration and inbox, and what to do.

In the style of the director's page: no scripts, no network. It is made of the same tables as the terminal shows.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from publish.report.readiness import POLICY
from publish.templates import fill
from send_ready import files

NAME = "check.html"
TEMPLATE = Path(__file__).with_name("check.html.j2")
OK, CARE, BAD = "green", "amber", "red"  # as the icons of the director's page are called
WORDS = {OK: "Fine", CARE: "Look", BAD: "Put right"}


@dataclass(frozen=True)
class Line:
    """One thing that was looked at: how it stands, and the cells of its row."""

    level: str  # OK | CARE | BAD
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """One table: what it is about, its headers, its rows, and a sentence where there are none."""

    title: str
    headers: tuple[str, ...]
    lines: tuple[Line, ...]
    otherwise: str = ""
    note: str = ""

    @property
    def bad(self) -> int:
        """How many things of it are to be put right."""
        return sum(line.level == BAD for line in self.lines)


def write(path: Path, place: str, night: date, made_at: str, sections: Sequence[Section]) -> None:
    """Write the page: `night` is the day whose lists would be made, `made_at` when this was looked at, in words."""
    style = TEMPLATE.with_name("readiness.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    context = {
        "place": place,
        "night": night,
        "made_at": made_at,
        "sections": sections,
        "bad": sum(section.bad for section in sections),
        "to_do": [(section.title, line) for section in sections for line in section.lines if line.level == BAD],
        "words": WORDS,
        "style": style,
        "policy": POLICY.format(digest),
    }
    files.write_bytes(path, fill(TEMPLATE, context, is_html=True).encode())
