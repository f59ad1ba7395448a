"""Alerts: each is put on record once, beside its notification and in the common record, and sent.

`alerts.jsonl` has one JSON line for each alert, and a further one when a later try to send it had another outcome; the
last line of a key is the one in force. A line is the alert (key, level, title, text, at) with
    tried_at   when it was sent, or should have been
    sent       whether everybody configured has it; false when nobody is
    had        names of the receivers who have it
    not_had    name of each other receiver, with the reason
    after      the SHA-256 of the whole file before the line, so that none can be changed or removed unseen
Nothing in it is about a child: keys, times and counts only.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from inspection.alerts.receivers import Receivers
from send_ready import files
from send_ready.home import ALERTS

NAME = Path(ALERTS).name  # beside a call too
AFTER = "after"
HEAD = re.compile(r"([a-z0-9-]*log):([0-9]+):([0-9a-f]{64})")  # the key of an alert about a line of a release log
LOG, LOG_OF_RETURNS = "log", "sen2-log"  # what it begins with: of the lists, and of the returns
NOBODY = {"nobody": "no receiver is configured"}
RESEND = timedelta(days=1)  # how long sending is tried again: an alert of the day before yesterday helps nobody


@dataclass(frozen=True)
class Alert:
    """One alert. Whoever raises an alert with the same `key` raises the same alert; `at` is aware."""

    key: str
    level: str  # warning, missed or fault; record: nothing is wrong, and the message is to be kept
    title: str
    text: str
    at: datetime


Line = dict[str, Any]


def common_record(home: Path) -> Path:
    """The path of the record of all alerts, which the night's summary shows."""
    return home / ALERTS


def latest_lines(path: Path) -> list[Line]:
    """The last line of each alert of a record, in the order in which they were raised, without unfinished lines."""
    found: dict[str, Line] = {}
    for line in _lines(path):
        found[line["key"]] = line
    return list(found.values())


def raise_alert(alert: Alert, paths: Sequence[Path], receivers: Receivers) -> Line | None:
    """The line of an alert that was sent and put on every record; None, and nothing is done, when a record has its key.

    The last path is the one that all processes share. A record that cannot be written stops neither the others nor the
    sending; then the alert is raised again next time.
    """
    with _locked(paths[-1]):
        if any(line["key"] == alert.key for path in paths for line in _lines(path)):
            return None
        line = {**asdict(alert), "at": alert.at.isoformat(timespec="seconds")}
        line |= _delivery(line, receivers, alert.at, ())
        _put_on_record(line, paths)
    return line


def resend(paths: Sequence[Path], receivers: Receivers, now: datetime, but: Iterable[str] = ()) -> list[Line]:
    """The lines of alerts that were sent again to receivers who did not have them; `but` are keys to leave out."""
    if not (receivers.urls or receivers.problem):
        return []
    tried = []
    with _locked(paths[-1]):
        for line, places in _unsent(paths):
            if line["key"] in but or now - datetime.fromisoformat(line["at"]) > RESEND:
                continue
            again = line | _delivery(line, receivers, now, line["had"])
            if (again["had"], again["not_had"]) != (line["had"], line["not_had"]):
                _put_on_record(again, places)
            tried.append(again)
    return tried


def _unsent(paths: Iterable[Path]) -> list[tuple[Line, list[Path]]]:
    """The alerts that a receiver does not have, each with the records that hold it."""
    lines: dict[str, Line] = {}
    places: dict[str, list[Path]] = {}
    for path in paths:
        for line in latest_lines(path):
            places.setdefault(line["key"], []).append(path)
            if line["key"] not in lines or line["tried_at"] > lines[line["key"]]["tried_at"]:
                lines[line["key"]] = line
    return [(line, places[key]) for key, line in lines.items() if not line["sent"]]


def _delivery(line: Line, receivers: Receivers, now: datetime, had: Iterable[str]) -> Line:
    outcome = receivers.send(line["level"], line["title"], line["text"], list(had)) or ({} if had else NOBODY)
    not_had = {name: why for name, why in outcome.items() if why}
    return {
        "tried_at": now.isoformat(timespec="seconds"),
        "sent": not not_had,
        "had": [*had, *(name for name, why in outcome.items() if not why)],
        "not_had": not_had,
    }


def reasons(line: Line) -> str:
    """The receivers who do not have an alert, each with the reason."""
    return "; ".join(f"{name}: {why}" for name, why in line["not_had"].items())


def _log_line(line: Line) -> str:
    """An alert as a line for a program's log."""
    had = f" Sent to: {', '.join(line['had'])}." if line["had"] else ""
    not_had = f" NOT SENT: {reasons(line)}." if line["not_had"] else ""
    return f"{line['level'].upper()} {line['title']}. {line['text']}{had}{not_had}"


def _put_on_record(line: Line, paths: Iterable[Path]) -> None:
    """Put an alert into the program's log, which cannot fail, and then on every record."""
    print(_log_line(line), file=sys.stderr, flush=True)
    for path in paths:
        try:
            _append(path, line)
        except OSError as error:
            print(f"This alert is not on record: {path}: {error.strerror}.", file=sys.stderr, flush=True)


def _append(path: Path, line: Line) -> None:
    """Add a line in one write, below an unfinished line of a killed process; `after` is the hash of all before it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with files.appended(path) as file:
        file.seek(0)
        before = file.read()
        lead_in = b"\n" if before and not before.endswith(b"\n") else b""
        after = hashlib.sha256(before + lead_in).hexdigest()
        file.write(lead_in + json.dumps({**line, AFTER: after}, ensure_ascii=False).encode() + b"\n")


def check(path: Path) -> list[str]:
    """A sentence for each line of a record that does not follow from all before it. Old lines without `after` are not
    checked."""
    problems, before = [], hashlib.sha256()
    for number, text in enumerate(files.held(path).splitlines(keepends=True), 1):
        line = _parsed(text)
        if line and AFTER in line and line[AFTER] != before.hexdigest():
            problems.append(f"Line {number} of {path} does not follow from those before it: a line changed or went.")
        before.update(text)
    return problems


def heads(lines: Iterable[Line], log: str = LOG) -> Iterator[tuple[int, str]]:
    """The number and hash of each line of a release log that an alert was about."""
    for line in lines:
        if (found := HEAD.fullmatch(str(line["key"]))) and found[1] == log:
            yield int(found[2]), found[3]


def _lines(path: Path) -> Iterator[Line]:
    """The whole lines of a record; none when it does not exist or cannot be read."""
    for text in files.held(path).splitlines():
        if (line := _parsed(text)) and "key" in line:
            yield {name: value for name, value in line.items() if name != AFTER}


def _parsed(text: bytes) -> Line | None:
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time, if there can be a lock: an alert that is sent twice is better than none."""
    with ExitStack() as held:
        try:
            held.enter_context(files.locked(path.with_name(f".{path.name}.lock")))
        except OSError as error:
            print(f"Alerts cannot be locked: {path.parent}: {error.strerror}.", file=sys.stderr, flush=True)
        yield
