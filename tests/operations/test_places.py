"""A folder on the list of SEND_HOME is backed up, restored, purged, counted and looked through for a person."""

import os
import re
import tarfile
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest

from operations.backup.backup import backup
from operations.backup.restore import restore
from operations.retention import periods
from operations.retention.purge import purge
from operations.status.machine import disk
from send_ready import files, home, ownership
from send_ready.home import FILES, PLACES, Holds, Kept, Place, Readers
from send_ready.settings import PROJECT, SettingsError
from tests.operations.home import NOW, TODAY, pack, settings, snapshot

LETTERS = Place("letters/{day}", "letters to parents", Holds.IDENTIFIES, True, locks=("locks/letters",),
                kept=(Kept("letters", "letters to parents"),), readers=Readers.NAMED)  # fmt: skip
NOTES = Place("notes", "notes that stay", Holds.BY_ID, of_a_person="These notes name them")
DONE = {"do": True, "by": "amina", "why": "Old"}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with two folders that this version of SEND Ready does not have, and their places on the list."""
    made = tmp_path / "home"
    pack(made, TODAY)
    for days in (0, 9):
        path = made / "letters" / f"{TODAY - timedelta(days=days)}" / "letter.txt"
        files.write_bytes(path, f"letter about 4711 of {days}".encode())
    files.write_bytes(made / "notes" / "of_4711.txt", b"see 4711")
    files.write_bytes(tmp_path / "config" / "retention.yml", b"letters:\n  days: 7\n")
    monkeypatch.setattr(home, "PLACES", (LETTERS, NOTES, *PLACES))
    return made


def test_a_new_folder_is_backed_up_and_restored_and_one_that_is_made_again_is_not(house: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    made = backup(settings(house), tmp_path / "to", NOW)
    assert (house / "locks" / "letters").exists()
    with tarfile.open(made) as tar:
        assert not [name for name in tar.getnames() if name.startswith("notes")]
    there = tmp_path / "restored"
    told = restore(settings(there), made)
    assert snapshot(there / "letters") == snapshot(house / "letters")
    assert any(line.startswith(f"{there / 'letters'}: 2 files") for line in told)


def test_it_is_purged_by_its_period(house: Path) -> None:
    given = settings(house, config=house.parent / "config")
    assert "     1 letters to parents, 0.0 MB" in purge(given, NOW)
    purge(given, NOW, **DONE)
    assert [path.name for path in sorted((house / "letters").iterdir())] == [f"{TODAY}"]


def test_a_person_goes_from_it_or_is_told(house: Path) -> None:
    given = settings(house, config=house.parent / "config")
    told = purge(given, NOW, person=["4711"], **DONE)
    assert not list((house / "letters").iterdir())
    assert "These notes name them: notes." in told
    assert (house / "notes" / "of_4711.txt").exists()


def test_status_counts_its_room_and_other_folders_together(house: Path) -> None:
    files.write_bytes(house / "letters" / f"{TODAY}" / "long.txt", b"x" * 5000)
    for name in ("mine", "yours"):
        files.write_bytes(house / name / "x", b"x" * 100)
    sizes = disk(settings(house), NOW).facts["sizes"]
    assert sizes["letters"] >= 5000
    assert sizes["other folders"] == 200


def test_who_may_read_it_is_looked_at(house: Path) -> None:
    ownership.check(house)
    (house / "notes").chmod(0o755)
    with pytest.raises(SettingsError, match="notes can be read or changed by others"):
        ownership.check(house)


def test_every_place_says_what_becomes_of_a_person_and_every_kind_has_a_period() -> None:
    shipped = periods.load(settings(Path("/none")))
    assert list(shipped) == list(home.kinds())
    assert set(files.read_yaml(periods.SHIPPED)) == shipped.keys()
    for place in PLACES:
        assert place.holds == Holds.NONE or place.kept or place.of_a_person, place.pattern
        assert re.fullmatch(r"[\w./{} -]+", place.pattern)


def test_chronologies_that_were_asked_for_without_a_call_go_too(tmp_path: Path) -> None:
    made = tmp_path / "home"
    pack(made, TODAY)
    old, new = (made / home.CHRONOLOGIES / name for name in ("chronology.xlsx", "chronology_2.xlsx"))
    for path in (old, new):
        files.write_bytes(path, b"about 4711")
    then = datetime(2026, 1, 1).timestamp()
    os.utime(old, (then, then))
    purge(settings(made), NOW, **DONE)
    assert (old.exists(), new.exists()) == (False, True)
    purge(settings(made), NOW, person=["4711"], **DONE)
    assert not new.exists()


def test_a_lock_has_the_place_of_what_it_locks() -> None:
    for path in (home.ALERTS, f"{home.INSPECTIONS}/release_log.jsonl", home.PURGES):
        lock = PurePosixPath(path).with_name(f".{PurePosixPath(path).name}.lock")
        assert home.place_of(lock) is home.place_of(PurePosixPath(path)) is not None
    assert home.place_of(PurePosixPath("elsewhere/x")) is None
    assert home.place_of(PurePosixPath("outside")) is None


# The page on data protection


def rows() -> list[str]:
    """The table of docs/users/data-protection.md, of what the list says."""
    found, shown = list[str](), set[str]()
    for place in PLACES:
        if place.folder not in shown:
            of_folder = [each for each in FILES if each[0].split("/")[0] == place.folder]
            found += [f"| `{path}` | {what} | {most} | | |" for path, what, most in of_folder]
            shown.add(place.folder)
        paths = " ".join(f"`{re.sub(r'[{](any|rest)[}]', '*', path)}`" for path in place.pattern.split())
        paths = re.sub(r"\{(\w+)\}", r"<\1>", paths).replace("<feed>", "<source>/<feed>")
        kept = ", ".join(f"`{each.kind}`" for each in place.kept)
        found.append(f"| {paths} | {place.what} | {place.holds} | {'yes' * place.is_backed_up} | {kept} |")
    return [re.sub(r"\|  \|", "| |", re.sub(r"\|  \|", "| |", row)) for row in found]


def test_the_page_on_data_protection_has_what_the_list_says() -> None:
    text = (PROJECT / "docs" / "users" / "data-protection.md").read_text("utf-8")
    assert "\n".join(rows()) in text, "put this table there:\n" + "\n".join(rows())
