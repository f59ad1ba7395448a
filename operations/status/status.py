"""The status: the last run, the pack, feeds, what is published, inspections, disk, and what to do.

Reads only, and nothing large: it takes less than a second. Nothing in it is about any child.
"""

import sys
import textwrap
from collections.abc import Callable
from datetime import datetime
from typing import Any

from operations.status.looks import LOOKS
from operations.status.part import NIGHT, Part
from send_ready import private
from send_ready.layout import council
from send_ready.runs import RunError
from send_ready.settings import LONDON, Settings, SettingsError

WIDTH, LABEL = 80, 13


def status(settings: Settings, now: datetime) -> tuple[list[str], int]:
    """Lines for a terminal of 80 columns, closed by what to do, most urgent first; and 1 when somebody should act.

    Raises RunError when SEND_HOME is not there.
    """
    parts = _parts(settings, now)
    local = now.astimezone(LONDON)
    place = council(settings.la_code) or ""
    lines = [f"SEND Ready, LA {settings.la_code} {place}".rstrip() + f": {local:%A %-d %B %Y, %H:%M}", ""]
    for part in parts:
        for number, line in enumerate(part.lines):
            lines += _wrapped(part.title if number == 0 else "", line)
    todo = _todo(parts)
    if not todo:
        return [*lines, "", "Nothing to do."], 0
    lines += ["", "What to do"]
    for number, text in enumerate(todo, 1):
        lines += textwrap.wrap(text, WIDTH, initial_indent=f"{number:>2}. ", subsequent_indent="    ", **WRAP)
    return lines, 1


def status_json(settings: Settings, now: datetime) -> tuple[dict[str, Any], int]:
    """The same as facts, for monitoring: an object for each part, and `todo`. Raises RunError like `status`."""
    parts = _parts(settings, now)
    todo = _todo(parts)
    about = {"at": now.astimezone(LONDON).isoformat(timespec="seconds"), "la_code": settings.la_code, "todo": todo}
    return about | {part.title.lower().replace(" ", "_"): part.facts for part in parts}, int(bool(todo))


def _parts(settings: Settings, now: datetime) -> list[Part]:
    if not settings.home.is_dir():
        raise RunError(
            f"There is no folder {settings.home}. Set SEND_HOME to the one that the nights use, or: make run"
        )
    found = (_looked(each, settings, now) for each in LOOKS)
    return [part for part in found if part]


def _looked(look: Callable[[Settings, datetime], Part | None], settings: Settings, now: datetime) -> Part | None:
    """A part of the status; or a part that says why it could not be made, so that the others still are."""
    try:
        return look(settings, now)
    except Exception as error:
        title = look.__name__.replace("_", " ").capitalize()
        kind = type(error).__name__
        print(private.traceback_without_values(error), file=sys.stderr)
        is_ours = isinstance(error, RunError | SettingsError)
        damaged = f"{title}: a record is damaged ({kind}, see above). Run again, or restore it from the backup."
        what = str(error) if is_ours else damaged
        return Part(title, ["CANNOT BE TOLD"], {"error": kind}, [(NIGHT, what)])


def _todo(parts: list[Part]) -> list[str]:
    """The things to do, the most urgent first, else in the order of the parts."""
    return [text for _, text in sorted((each for part in parts for each in part.todo), key=lambda each: each[0])]


WRAP: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def _wrapped(title: str, line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, initial_indent=f"{title:<{LABEL}}", subsequent_indent=" " * LABEL, **WRAP)
