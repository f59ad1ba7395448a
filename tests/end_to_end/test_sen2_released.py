"""A return that a night made is frozen, approved and released: its files, the number inside, the brief, the proof."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from lxml import etree

from inspection import approval, freeze, sign_off, verify
from inspection.call import Version, register_return
from inspection.sen2_return import ReturnParameters
from send_ready import confined, database, files, settings
from send_ready.runs import Run
from send_ready.settings import LONDON, Settings
from tests import nights

NOW = datetime(2026, 11, 30, 15, tzinfo=LONDON)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Run]]:
    """A home with the run of a night that other tests look at, and nothing else."""
    night, home = nights.of(nights.CLEAN, tmp_path_factory), tmp_path_factory.mktemp("released") / "home"
    (source,) = (path.parent for path in night.lettered.home.glob("runs/*/warehouse.duckdb"))
    shutil.copytree(source, home / "runs" / source.name, copy_function=os.link)
    made = settings.load({"SEND_HOME": str(home), "SEND_INBOX": str(night.inbox), "AS_AT": nights.AS_AT.isoformat()})
    yield made, Run(home, source.name, nights.AS_AT, "999")
    confined.remove_tree(home)


@pytest.fixture(scope="module")
def version(given: tuple[Settings, Run]) -> Version:
    """A frozen version of the draft, as a rehearsal: the survey day has not come."""
    made, run = given
    wanted = ReturnParameters(is_rehearsal=True).of(made, run.as_at)
    found = register_return(run, wanted, NOW)
    freeze.freeze(run, made, found)
    return found


def test_a_version_is_one_folder_with_the_return_its_modules_and_a_brief(version: Version) -> None:
    names = {path.name for path in version.folder.iterdir()}
    assert {"SEN2_2027_999_001_DRAFT.xml", "brief.md", "manifest.json"} <= names
    assert sum(name.startswith("Blade-Export_16-11-2026_") for name in names) == 9
    assert not [path for path in version.folder.iterdir() if path.is_dir()]
    assert verify.frozen_at(version.folder).differences() == []


def test_the_serial_number_and_the_moment_stand_in_what_is_approved(version: Version) -> None:
    root = etree.parse(version.folder / "SEN2_2027_999_001_DRAFT.xml").getroot()
    assert [root.findtext(f".//{tag}") for tag in ("SerialNo", "DateTime")] == ["001", "2026-11-30T15:00:00"]
    rows = files.read_json(version.folder / "manifest.json")["rows"]
    assert len(root.findall(".//Person")) == rows["sen2_person"] > 0


def test_what_the_approver_reads_names_nobody(version: Version, given: tuple[Settings, Run]) -> None:
    text = (version.folder / "brief.md").read_text(encoding="utf-8")
    assert "**A DRAFT: as at a day before the survey day. It cannot be released.**" in text and len(text) < 6_000
    with database.reader(given[1].warehouse) as con:
        found = con.execute("SELECT surname, upn, unique_id FROM sen2.sen2_person").fetchall()
    words = set(text.replace("|", " ").split())
    assert not words & {each for row in found for each in row if each}


def test_a_rehearsal_is_released_by_nobody_and_proved(version: Version, given: tuple[Settings, Run]) -> None:
    assert approval.question_about(version).subject.startswith("Rehearsal. Release this return? Version 1, SEN2 2027")
    receipt = sign_off.sign_off(given[0], version, None, NOW)
    assert receipt and receipt["to_send"] == ["SEN2_2027_999_001_DRAFT.xml"]
    released = version.request.released / "v1" / receipt["to_send"][0]
    assert released.read_bytes() == (version.folder / released.name).read_bytes()
    problems = verify.verify(given[0].home / "out" / "rehearsals")
    assert [said for said in problems if "read or changed by others" not in said] == []  # pytest's own folders
    assert not Path(given[0].home, "out", "sen2").exists()
