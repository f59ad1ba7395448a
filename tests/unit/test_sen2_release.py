"""A SEN2 return is released as the lists are: by serial number, never a draft, with the same proof."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pyzipper
from publish_run import settings

from extract import landing
from extract.own import source
from inspection import approval, release_log, sealed, sen2_landed, sen2_return, sign_off, state, watch
from inspection.alerts import send
from inspection.alerts.receivers import Receivers
from inspection.call import Version, register_return, version_of_run
from inspection.freeze import seal_folder
from inspection.release import Decision
from inspection.sen2_return import Return, ReturnParameters
from inspection.verify import ReleaseError, describe, verify
from operations.retention.purge import purge
from operations.status import calls
from send_ready import confined, files
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON

NOW = datetime(2027, 2, 1, 10, tzinfo=LONDON)
APPROVED, REJECTED = Decision("Approve", "amina", NOW), Decision("Reject", "raj", NOW, "A school lacks")
XML = "SEN2_2027_999_001.xml"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    confined.remove_tree(tmp_path / "out")  # its folders are closed


def asked(home: Path, year: int | None = None, as_at: date = date(2027, 2, 1), **about: Any) -> Return:
    return ReturnParameters(year, **about).of(settings(home), as_at)


def frozen(
    home: Path, name: str, as_at: date = date(2027, 2, 1), is_rehearsal: bool = False, text: str = ""
) -> Version:
    """A frozen version of the return of 2027 by a run of that name, as inspection.freeze leaves it."""
    wanted = asked(home, 2027, as_at, is_rehearsal=is_rehearsal)
    made = register_return(Run(home, name, as_at, "999"), wanted, NOW)
    made.folder.mkdir()
    files.write_bytes(made.folder / XML, (text or f"<Message>{name}</Message>").encode())
    files.write_bytes(made.folder / "brief.md", b"1 plan")
    manifest = {
        "as_at": as_at.isoformat(),
        "la_code": "999",
        "council": "Sampleshire",
        "run_id": name,
        "inputs": [],
        "request": made.manifest_facts(),
        "return": {"serial": wanted.serial, "is_draft": wanted.is_draft(as_at)},
        "to_send": [XML],
    }
    seal_folder(made.folder, manifest, sealed.facts_of_call(made.folder.parent, made.number))
    return made


def decide(home: Path, version: Version, decision: Decision = APPROVED, **changes: Any) -> dict[str, Any]:
    done = sign_off.sign_off(settings(home, **changes), version, decision, NOW)
    assert done
    return done


def serial(version: Version) -> int:
    return int(files.read_json(version.folder / "manifest.json")["return"]["serial"])


@pytest.mark.parametrize(
    ("as_at", "year"),
    [("2026-03-12", 2026), ("2026-03-13", 2027), ("2026-11-30", 2027), ("2027-01-21", 2027), ("2027-03-12", 2028)],
)
def test_without_a_year_it_is_the_survey_whose_due_day_comes_next(tmp_path: Path, as_at: str, year: int) -> None:
    assert asked(tmp_path, as_at=date.fromisoformat(as_at)).year == year


def test_what_was_typed_is_read_and_nothing_else(tmp_path: Path) -> None:
    read = sen2_return.parameters_from_json
    assert read('{"year": 2027, "as_at": null, "rehearsal": true}') == ReturnParameters(2027, is_rehearsal=True)
    assert read('{"year": null}') == ReturnParameters(None)
    for text in ("", "[]", '{"year": "next"}', '{"year": [2027]}'):
        with pytest.raises(RunError, match="is not what a return needs"):
            read(text)
    for year in (2019, 20270):
        with pytest.raises(RunError, match="Give a year from 2023 to 2099"):
            asked(tmp_path, year)


def test_a_run_finds_its_version_again_with_the_days_of_the_survey(home: Path) -> None:
    made = frozen(home, "one")
    found = version_of_run(home, "one")
    assert found == made
    assert found.folder == home / "out" / "sen2" / "2027" / "v1"
    assert isinstance(found.request, Return)
    assert (found.request.survey_day, found.request.due) == (
        date(2027, 1, 21),
        datetime(2027, 3, 11, 23, 59, tzinfo=LONDON),
    )


def test_an_approved_return_is_copied_with_its_serial_on_record_and_the_proof_knows_it(home: Path) -> None:
    version = frozen(home, "one")
    receipt = decide(home, version)
    assert receipt["to_send"] == [XML]
    assert (receipt["survey_year"], receipt["return"]["serial"], receipt["is_late"]) == (2027, 1, False)
    assert (home / "out/sen2/2027/released/v1" / XML).read_bytes() == (version.folder / XML).read_bytes()
    root = home / "out" / "sen2"
    assert verify(root) == []
    assert describe(root)[0].startswith("2027 v1: approved by amina at 01 Feb 2027 10:00")
    assert state.state_in_words(version.request).startswith("SEN2 2027, survey day 21 January 2027. Released at")
    confined_file = root / "2027" / "released" / "v1" / XML
    confined_file.parent.chmod(0o700)
    confined_file.chmod(0o600)
    confined_file.write_bytes(b"<Message/>")
    assert any(f"{confined_file} has changed." in said for said in verify(root))


def test_the_serial_number_counts_releases_and_a_rejected_one_is_used_again(home: Path) -> None:
    first = frozen(home, "one")
    decide(home, first, REJECTED)
    second = frozen(home, "two")
    assert (serial(first), serial(second), second.number) == (1, 1, 2)
    decide(home, second)
    third = frozen(home, "three")
    assert serial(third) == 2
    assert decide(home, third)["return"]["serial"] == 2
    assert [each["decision"]["option"] for each in release_log.entries(home / "out/sen2/release_log.jsonl")] == [
        "Reject",
        "Approve",
        "Approve",
    ]


def test_of_two_versions_with_one_serial_number_the_second_is_not_released(home: Path) -> None:
    first, second = frozen(home, "one"), frozen(home, "two")
    assert serial(first) == serial(second) == 1
    decide(home, first)
    with pytest.raises(ReleaseError, match="has the serial number 001, and the next release of the year is 002"):
        decide(home, second)
    assert not (home / "out/sen2/2027/released/v2").exists()


def test_before_the_survey_day_there_is_nothing_but_a_rehearsal(home: Path) -> None:
    day_before = date(2027, 1, 20)
    with pytest.raises(RunError, match="this is a draft: the survey day of SEN2 2027 is 21 January 2027"):
        frozen(home, "one", day_before)
    assert not (home / "out" / "sen2" / "2027").exists()
    assert frozen(home, "two", date(2027, 1, 21)).number == 1
    rehearsed = frozen(home, "three", day_before, is_rehearsal=True)
    assert rehearsed.folder == home / "out" / "rehearsals" / "2027" / "v1"
    receipt = sign_off.sign_off(settings(home), rehearsed, None, NOW)
    assert receipt and receipt["is_rehearsal"]
    assert verify(home / "out" / "rehearsals") == []


def test_a_frozen_draft_is_not_released_whatever_the_clock_said_when_it_was_asked_for(home: Path) -> None:
    version = frozen(home, "one")
    path = version.folder / "manifest.json"
    version.folder.chmod(0o700)
    path.chmod(0o600)
    made = files.read_json(path)
    files.write_json(path, {**made, "return": {**made["return"], "is_draft": True}})
    with pytest.raises(ReleaseError, match="is a draft, made as at a day before the survey day"):
        decide(home, version)


def test_the_question_is_about_the_return_and_says_so(home: Path) -> None:
    asked_about = approval.question_about(frozen(home, "one"))
    assert asked_about.subject == "Release this return? Version 1, SEN2 2027, due on 11/03/2027"
    assert approval.question_about(frozen(home, "two", is_rehearsal=True)).subject.startswith("Rehearsal. Release this")


def test_a_password_makes_an_encrypted_archive_of_the_return(home: Path) -> None:
    password = home / "password"
    files.write_bytes(password, b"four words that differ\n")
    password.chmod(0o600)
    receipt = decide(home, frozen(home, "one"), release_password_file=password)
    assert receipt["to_send"] == ["SEN2_2027_999_001_encrypted.zip"]
    with pyzipper.AESZipFile(home / "out/sen2/2027/released/v1/SEN2_2027_999_001_encrypted.zip") as archive:
        assert archive.read(XML, b"four words that differ") == b"<Message>one</Message>"


def test_a_run_begun_for_one_thing_is_not_begun_for_another(home: Path) -> None:
    version = frozen(home, "one")
    other = replace(version.request, is_rehearsal=True)
    assert isinstance(other, Return)
    with pytest.raises(RunError, match="is not begun again for 2027"):
        register_return(Run(home, "one", date(2027, 2, 1), "999"), other, NOW)


def test_a_released_return_after_its_due_day_is_late_on_record(home: Path) -> None:
    version = frozen(home, "one")
    at = datetime(2027, 3, 12, 9, tzinfo=LONDON)
    receipt = sign_off.sign_off(settings(home), version, replace(APPROVED, at=at), at)
    assert receipt and receipt["late_by_seconds"] == timedelta(hours=9, minutes=1).total_seconds()
    assert "after the return was due" in "\n".join(sign_off.outcome_lines(version, receipt))


def test_whoever_was_told_the_hash_of_its_log_finds_that_it_was_written_anew(home: Path) -> None:
    decide(home, frozen(home, "one"))
    told = home / "out" / send.NAME
    for alert, paths in watch._log_alerts(home, NOW):
        assert alert.title == "The release log of SEN2 returns has 1 line: keep this message"
        send.raise_alert(alert, paths, Receivers())
    assert told.exists() and verify(home / "out" / "sen2") == []
    log = home / "out" / "sen2" / release_log.NAME
    entry = release_log.entries(log)[0]
    log.unlink()
    release_log.append(log, {**{k: v for k, v in entry.items() if k not in ("sequence", "sha256")}, "by": "raj"})
    assert any("when people were told, and has it no more" in said for said in verify(home / "out" / "sen2"))
    changed = next(alert.title for alert, _ in watch._log_alerts(home, NOW))
    assert changed == "The release log of SEN2 returns was changed"


RETURN = """<?xml version="1.0" encoding="UTF-8"?>
<Message><Header><CollectionDetails><Collection>SEN2</Collection><Year>2027</Year>
<ReferenceDate>2027-01-21</ReferenceDate></CollectionDetails><Source><SourceLevel>L</SourceLevel><LEA>999</LEA>
<SerialNo>001</SerialNo></Source></Header><Persons><Person><Surname>Example</Surname><Requests>
<ReceivedDate>2026-02-10</ReceivedDate><RequestOutcome>A</RequestOutcome></Requests></Person></Persons></Message>
"""


def test_a_released_return_lands_as_one_that_came_once_and_as_it_is_on_record(home: Path) -> None:
    version = frozen(home, "one", text=RETURN)
    receipt, folder, given = decide(home, version), version.request.released / "v1", settings(home)
    said = sen2_landed.land(given, folder, receipt)
    assert said == f"From the next night on it is read as a return that came: {XML}"
    assert sen2_landed.land(given, folder, receipt) == said  # as when the step is tried again
    (one,) = (one for one in source.load_all(given) if one.feed == "sen2_returns")
    (landed,) = landing.history(home, one)
    assert landed.sha256 == receipt["files"][XML]["sha256"] and landed.data_date == date(2027, 1, 21)
    assert (home / landed.path).read_bytes() == RETURN.encode()


def test_what_was_changed_since_it_was_released_does_not_land(home: Path) -> None:
    version = frozen(home, "one", text=RETURN)
    receipt, folder = decide(home, version), version.request.released / "v1"
    folder.chmod(0o700)
    (folder / XML).chmod(0o600)
    (folder / XML).write_bytes(b"<Message/>")
    said = sen2_landed.land(settings(home), folder, receipt)
    assert said.startswith(f"It is not read as last year's return yet: {folder / XML} has changed.")
    assert not (home / "landing").exists()


def test_status_says_that_a_return_is_to_be_released_and_whether_it_still_is_what_was_released(home: Path) -> None:
    assert (calls.returns(settings(home), NOW), calls.releases(settings(home), NOW)) == (None, None)
    version = frozen(home, "one")
    part = calls.returns(settings(home), NOW)
    assert part and part.todo[0][1] == "Release SEN2 2027, due on Thursday 11 March 2027: sen2_return in Airflow."
    assert part.lines[1] == "It is due on Thursday 11 March 2027"
    decide(home, version)
    part, released = calls.returns(settings(home), NOW), calls.releases(settings(home), NOW)
    assert part and not part.todo and part.facts["2027"]["releases"] == 1
    assert released and released.facts == {"kept": 1, "problems": []}
    (home / "out/sen2/2027/released/v1").chmod(0o700)
    (home / "out/sen2/2027/released/v1" / XML).unlink()
    assert (found := calls.releases(settings(home), NOW)) and "is not what was released" in found.facts["problems"][0]
    after = calls.returns(settings(home), datetime(2027, 6, 1, tzinfo=LONDON))
    assert after is None  # it is history


def test_a_return_goes_after_its_period_and_its_releases_still_count(home: Path) -> None:
    version = frozen(home, "one")
    decide(home, version)
    six_years_on = datetime(2034, 1, 3, tzinfo=LONDON)
    assert "Nothing is older" in "\n".join(purge(settings(home), datetime(2033, 12, 31, tzinfo=LONDON)))
    told = "\n".join(purge(settings(home), six_years_on, do=True, by="amina", why="Old"))
    assert "1 SEN2 returns with something released" in told and not (home / "out/sen2/2027").exists()
    assert verify(home / "out" / "sen2") == []
    assert version.request.root.name == "sen2" and sen2_return.next_serial(version.request.log, "2027") == 2
