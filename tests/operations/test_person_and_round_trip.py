"""On a real council: a night, a release, its backup and restore; and a person who is removed."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract import contract as contracts
from extract import landing
from inspection import release_log, verify
from operations.backup.backup import backup
from operations.backup.restore import restore
from operations.retention.person import _in_file
from operations.retention.purge import purge, record
from sample import council
from send_ready import database, files, runs
from send_ready.runs import RunError
from send_ready.settings import Settings
from tests.operations.home import FEEDS, NOW, PACK, TODAY, age, settings, snapshot, steps
from warehouse import serve

BEFORE = TODAY - timedelta(days=1)
DONE = {"do": True, "by": "Raj Patel", "why": "Erasure request 17, agreed by the DPO"}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Two days landed, both chosen from, the second with its pack, its published warehouse and a release."""
    os.umask(files.PRIVATE_UMASK)
    folder = tmp_path_factory.mktemp("council")
    home, inbox = folder / "home", folder / "inbox"
    for day in (BEFORE, TODAY):
        council.write(inbox, as_at=day, plans=60, sen_support=90, seed=5, answer_key=folder / "key.csv")
    age(inbox)
    steps(home, inbox, BEFORE, "before", ("begin",), *FEEDS)
    steps(home, inbox, TODAY, "night", *PACK, ("serve",))
    steps(home, inbox, TODAY, "call", ("request", "--notified-on", str(TODAY)))
    for part in ("feeds", "issues"):
        shutil.copytree(home / "runs" / "night" / part, home / "runs" / "call" / part, dirs_exist_ok=True)
    shutil.copyfile(home / "runs" / "night" / "warehouse.duckdb", home / "runs" / "call" / "warehouse.duckdb")
    steps(home, inbox, TODAY, "call", ("freeze",), ("release", "--approve", "--by", "amina"))
    yield settings(home, inbox=inbox)
    for closed in home.glob("out/*/*/released/v*"):
        closed.chmod(0o700)


@pytest.fixture
def copy(night: Settings, tmp_path: Path) -> Settings:
    """The same, to spoil."""
    shutil.copytree(night.home, tmp_path / "home", symlinks=True)
    shutil.copytree(night.inbox, tmp_path / "inbox")
    return settings(tmp_path / "home", inbox=tmp_path / "inbox")


def chosen(home: Path, run_id: str) -> dict[str, Any]:
    """What a run chose for each feed, without when it landed."""
    results = [json.loads(path.read_text()) for path in sorted((home / "runs" / run_id / "feeds").glob("*.json"))]
    return {f"{each['source']}.{each['feed']}": each for each in results}


def test_after_a_restore_every_day_is_as_it_was(night: Settings, tmp_path: Path) -> None:
    """From the backup alone: of all exports the inbox has but one left."""
    (tmp_path / "backups").mkdir()
    path = backup(night, tmp_path / "backups", NOW)
    there, inbox = tmp_path / "home", tmp_path / "inbox"
    inbox.mkdir()
    shutil.copy2(next(night.inbox.glob(f"*home_education*{TODAY:%Y%m%d}*")), inbox)
    restore(settings(there, inbox=inbox), path)
    assert verify.verify(there / "out" / "inspections") == []
    assert snapshot(there / "out") == snapshot(night.home / "out")
    shutil.rmtree(there / "out" / TODAY.isoformat())
    steps(there, inbox, TODAY, "night", *PACK)
    steps(there, inbox, BEFORE, "before", ("begin",), *FEEDS)
    assert chosen(there, "night") == chosen(night.home, "night")
    assert chosen(there, "before") == chosen(night.home, "before")
    in_use = [each["data_date"] for each in chosen(there, "before").values() if each["status"] != runs.UNUSED]
    assert set(in_use) == {BEFORE.isoformat(), "2026-11-12"}
    packs = [snapshot(home / "out" / TODAY.isoformat()) for home in (there, night.home)]
    manifests = [json.loads(each.pop("manifest.json")[0]) for each in packs]
    assert packs[0] == packs[1]
    assert len(packs[0]) > 5
    for manifest in manifests:
        manifest.pop("built_at")
    assert manifests[0] == manifests[1]


# A person


def child(home: Path) -> tuple[str, str]:
    """Student ID and case of a child with a plan in both systems, who is on List 1."""
    with database.reader(home / "runs" / "night" / "warehouse.duckdb") as con:
        row = con.execute(
            """
            SELECT person_id, min(source_id) FROM int.int_person_records__linked
            SEMI JOIN annex_a.rpt_annex_a__list_1 ON person_id = unique_id
            WHERE source_system = 'ehc_hub' AND person_id NOT LIKE 'HUB-%' GROUP BY person_id ORDER BY 1
            """
        ).fetchone()
    assert row
    return str(row[0]), str(row[1])


def without(inbox: Path, day: date, words: list[str]) -> None:
    """The exports of a day, once the source systems no longer hold the child."""
    for path in inbox.glob(f"*_{TODAY:%Y%m%d}.csv"):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not any(word.encode() in line for word in words)]
        files.write_bytes(inbox / path.name.replace(f"{TODAY:%Y%m%d}", f"{day:%Y%m%d}"), b"".join(kept) + b"\r\n")
    age(inbox)


def held(home: Path, words: list[str]) -> set[str]:
    """The parts of SEND_HOME of which some file has one of the words in its text, cells or rows."""
    found: set[str] = set()
    for path in sorted(home.rglob("*")):
        part = path.relative_to(home).parts[0] + ("/inspections" if "inspections" in path.parts else "")
        is_one = path.is_file() and not path.is_symlink() and path.suffix != ".duckdb"
        if is_one and part not in found and _in_file(path, words):
            found.add(part)
    return found


def test_a_person_whom_the_newest_exports_hold_is_not_removed(copy: Settings) -> None:
    student, case = child(copy.home)
    told = "\n".join(purge(copy, NOW, person=[student]))
    assert "capita_one.students: the newest export, of 2026-11-16, still holds them" in told
    assert "ehc_hub.cases: the newest export, of 2026-11-16, still holds them" in told
    assert "The published warehouse still holds them" in told
    before = snapshot(copy.home / "landing")
    with pytest.raises(RunError, match=r"Put it right in the source system \(Capita One team\)"):
        purge(copy, NOW, person=[student], **DONE)
    assert snapshot(copy.home / "landing") == before
    by_case = "\n".join(purge(copy, NOW, person=[f"ehc_hub:{case}"]))
    assert by_case == told
    assert student not in told
    assert case not in told


def test_an_export_that_is_no_longer_what_came_is_taken_to_hold_them(copy: Settings) -> None:
    student, _ = child(copy.home)
    (path,) = copy.home.glob(f"landing/capita_one/students/{BEFORE}/*.csv")
    spoilt = path.read_bytes().replace(b"\n", b" ", 1)
    path.write_bytes(spoilt)
    shutil.rmtree(copy.home / "typed")
    assert "         landing/capita_one/students: 2" in purge(copy, NOW, person=[student])


def test_a_person_goes_from_everywhere_but_what_inspectors_were_given(copy: Settings, tmp_path: Path) -> None:
    """Put right at the source, a night with the new exports, and then the older files go."""
    student, case = child(copy.home)
    with database.reader(copy.home / "runs" / "night" / "warehouse.duckdb") as con:
        query = f"SELECT plan_id FROM int.int_plans__unioned WHERE person_id = '{student}'"
        plans = [plan for (plan,) in con.execute(query).fetchall()]
    words = [student, case, *plans]
    assert {"landing", "typed", "out", "out/inspections", "published"} <= held(copy.home, words)
    tomorrow = TODAY + timedelta(days=1)
    without(copy.inbox, tomorrow, words)
    steps(copy.home, copy.inbox, tomorrow, "clean", ("begin",), *FEEDS)
    orphan = copy.home / "landing" / "capita_one" / "students" / f"{BEFORE}" / f"{'ab' * 32}.csv"
    files.write_bytes(orphan, f"{student},".encode())
    # The next night publishes; here the version without them is simply no longer the one that is served.
    (copy.home / "serving").unlink()
    assert serve.served_version(copy) is None
    told = "\n".join(purge(copy, NOW + timedelta(days=1), person=[student], **DONE))
    assert held(copy.home, words) == {"out/inspections"}
    assert "These calls of the inspectors hold them, and stay until their period is over: out/inspections/2026" in told
    assert "The inbox still has" in told
    assert f"{tomorrow} is the first day that can be built again" in told
    assert verify.verify(copy.home / "out" / "inspections") == []
    for contract in contracts.load_all(copy):
        days = {each.data_date for each in landing.history(copy.home, contract)}
        assert tomorrow in days or len(days) == (2 if contract.source == "gias" else 0)
    (begun, _) = release_log.entries(record(copy.home))
    assert set(begun["person"]) == {"salt", "scrypt_16384_8_1"}
    assert not any(word in json.dumps(begun) for word in (student, case))
    again = [("extract", feed) for feed in ("capita_one.students", "ehc_hub.cases")]
    steps(copy.home, copy.inbox, tomorrow, "again", ("begin",), *again)
    assert held(copy.home, words) == {"out/inspections"}


def test_forced_the_newest_exports_go_too(copy: Settings) -> None:
    student, _ = child(copy.home)
    purge(copy, NOW, person=[student], force=True, **DONE)
    assert landing.history(copy.home, contracts.load("capita_one.students", copy)) == []
    assert landing.history(copy.home, contracts.load("gias.establishments", copy))
    steps(copy.home, copy.inbox, TODAY, "after", ("begin",), ("extract", "capita_one.students"))
    result = json.loads((copy.home / "runs" / "after" / "feeds" / "capita_one__students.json").read_text())
    assert result["status"] == "missing"


def test_somebody_nobody_knows_is_held_nowhere(copy: Settings) -> None:
    assert purge(copy, NOW, person=["no-such-id"], **DONE)[-1] == "No file that can be removed holds this person."
    with pytest.raises(RunError, match="Records are named source:id"):
        purge(copy, NOW, person=["hub:1"])
