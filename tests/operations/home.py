"""A SEND_HOME for the tests of the operations: made by hand in a moment, or by the pipeline."""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from extract import contract as contracts
from extract import landing
from extract.landing import Landed
from inspection.release import Decision, release
from send_ready import files
from send_ready.settings import LONDON, Settings
from tests.steps import Step, shared

TODAY = date(2026, 11, 16)
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=LONDON)
COUNTS = {"rows_in_file": 1, "rows_accepted": 1, "rows_quarantined": 0, "rows_duplicate": 0}


def settings(home: Path, **changes: Any) -> Settings:
    """Settings of the sample council, but for the changes."""
    given = Settings(home, home / "inbox", "999", "lettered", None, TODAY, None)
    return replace(given, **changes)


def land(home: Path, feed: str, day: date | None, content: bytes, status: str = "accepted", name: str = "") -> Landed:
    """A landed file, with its record and what reading it came to, as extract/ leaves them."""
    contract = contracts.load(feed, settings(home))
    known = landing.history(home, contract)
    landed = Landed(
        source=contract.source,
        feed=contract.feed,
        file_name=name or f"{contract.file_name}_{day:%Y%m%d}.csv",
        suffix=".csv",
        size=len(content),
        mtime_ns=1_700_000_000_000_000_000 + len(known),
        sha256=files.hashlib.sha256(content).hexdigest(),
        data_date=day,
        landed_at=datetime.combine(day or TODAY, datetime.min.time(), LONDON)
        .replace(microsecond=len(known))
        .isoformat(),
        duplicate_of=None,
    )
    files.write_bytes(home / landed.path, content)
    beside = home / landed.folder / landed.sha256
    files.write_json(beside.with_suffix(".json"), {**asdict(landed), "data_date": day and day.isoformat()})
    refusal = dict.fromkeys(("code", "reason", "fix"), None if status == "accepted" else "F-02")
    reading = {"status": status, **refusal, **COUNTS, "columns_missing": [], "columns_extra": []}
    files.write_json(beside.with_name(f"{landed.sha256}.{contract.fingerprint}.json"), reading)
    return landed


def pack(home: Path, day: date, run_id: str = "run", **contents: bytes) -> Path:
    """A pack of a day that holds what is given, by name."""
    return _sealed(home / "out" / day.isoformat(), {"as_at": day.isoformat(), "run_id": run_id}, contents)


def version(home: Path, notified_on: date, number: int = 1, root: str = "inspections", **contents: bytes) -> Path:
    """A frozen version of a call."""
    key = f"{notified_on}_full_inspection"
    request = {"notified_on": f"{notified_on}", "kind": "full_inspection", "version": number, "is_rehearsal": False}
    about = {"as_at": f"{notified_on}", "run_id": f"run-{number}", "la_code": "999", "council": "Sampleshire"}
    folder = home / "out" / root / key
    record = {**request, "versions": [{"run_id": f"run-{number}", "version": number}], "deadlines": []}
    files.write_json(folder / "request.json", record)
    made = _sealed(folder / f"v{number}", {**about, "request": request}, contents or {"brief.md": b"Counts"})
    for path in made.iterdir():
        path.chmod(0o400)
    return made


def released(home: Path, notified_on: date, root: str = "inspections") -> Path:
    """A version that was approved and released on its day."""
    made = version(home, notified_on, root=root)
    at = datetime.combine(notified_on, datetime.min.time(), LONDON).replace(hour=10)
    log, decision = made.parents[1] / "release_log.jsonl", Decision("Approve", "amina", at)
    release(made, made.parent / "released", log, decision, at.replace(hour=11), None, [], at)
    return made.parent / "released" / made.name


def _sealed(folder: Path, about: dict[str, Any], contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        files.write_bytes(folder / name, content)
    outputs = {name: {"bytes": len(held), "sha256": files.sha256(folder / name)} for name, held in contents.items()}
    files.write_json(folder / "manifest.json", {**about, "inputs": [], "outputs": outputs})
    return folder


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder, with its bytes and mode; links and locks are left out."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def age(folder: Path, seconds: float = 60) -> None:
    """Make files look as if they had been dropped a while ago, so that nobody waits for them to settle."""
    then = time.time() - seconds
    for path in folder.rglob("*"):
        os.utime(path, (then, then))


def steps(home: Path, inbox: Path, as_at: date, run_id: str, *commands: Sequence[str], **environment: str) -> None:
    """Run commands of the pipeline, one after another."""
    env = {"SEND_HOME": str(home), "SEND_INBOX": str(inbox), "SEND_LA_CODE": "999", "SEND_CODE_STYLE": "lettered"}
    env |= {"AS_AT": as_at.isoformat(), "SEND_RUN_ID": run_id, **environment}
    said = str(home.parent / f"{home.name}.log")
    for command in commands:
        ended = Step(shared(), arguments=list(command), environment={**os.environ, **env}, said=said).wait()
        assert ended, f"{command} does not end"
        assert ended.status == 0, f"{command}: {ended.said[-4000:]}"


FEEDS = [("extract", feed) for feed in contracts.feeds()]
PACK = [("begin",), *FEEDS, ("build",), ("publish",)]
