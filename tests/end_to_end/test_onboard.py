"""`make onboard` with its trial: the lists of the draft are built, and what they lack is told with the reasons."""

from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest

from commands.onboard import onboard
from tests.onboarding import odd


def test_what_stands_between_files_of_any_layout_and_right_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd.write(tmp_path / "inbox")
    given = odd.given(tmp_path)
    for name, value in {"SEND_HOME": given.home, "SEND_INBOX": given.inbox, "AS_AT": given.as_at}.items():
        monkeypatch.setenv(name, str(value))
    assert onboard(given, adopts=False, tries=True) == 0
    said = capsys.readouterr().out
    assert "List 1: 12 children on it" in said  # whoever of the sixteen in the tracker has a plan
    assert "List 2, (the whole list): empty." in said  # nobody knows what the word of the registers means
    assert "capita_one.enrolments, enrolment_status: filled in 16 of 16 rows, of which 16 hold a word that no" in said
    assert "List 1, ULN: blank for 12 of 12. for most children rightly blank; capita_one.students has no column" in said
    assert "List 1, Ethnicity: blank for 12 of 12. capita_one.students has no column for ethnicity" in said
    assert "Suspensions: blank for 12 of 12. no file gives capita_one.exclusions" in said
    sheet = openpyxl.load_workbook(given.home / "onboard" / "onboarding.xlsx")["What is missing"]
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert ("List 1", "Pupil Premium", 12, 12, "capita_one.students has no column for pupil_premium") in rows
    assert not (given.home / "onboard" / "trial").exists() and not (given.home / "landing").exists()
    assert given.config and not list(given.config.iterdir())
