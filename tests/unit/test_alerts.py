"""Alerts on record, each once, whatever happens to the files; and addresses as the guide writes them."""

import hashlib
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection.alerts import send
from inspection.alerts.receivers import Receivers, _service, configured
from inspection.alerts.send import Alert
from send_ready import files, settings
from send_ready.settings import LONDON, PROJECT

NOW = datetime(2026, 11, 17, 11, 0, tzinfo=LONDON)
ALERT = Alert("missed:2026-11-16_full_inspection", "missed", "The lists are late", "Version 1 is frozen.", NOW)
NOBODY = Receivers()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_alert_is_on_every_record_and_in_the_log_though_nobody_gets_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, common = tmp_path / "inspections" / "x" / "alerts.jsonl", tmp_path / "alerts.jsonl"
    assert send.raise_alert(ALERT, [own, common], NOBODY)
    expected = {
        "key": "missed:2026-11-16_full_inspection",
        "level": "missed",
        "title": "The lists are late",
        "text": "Version 1 is frozen.",
        "at": "2026-11-17T11:00:00+00:00",
        "tried_at": "2026-11-17T11:00:00+00:00",
        "sent": False,
        "had": [],
        "not_had": {"nobody": "no receiver is configured"},
        "after": hashlib.sha256(b"").hexdigest(),
    }
    assert lines(own) == lines(common) == [expected]
    assert "MISSED The lists are late. Version 1 is frozen. NOT SENT: nobody: no receiver" in capsys.readouterr().err


def test_a_key_is_raised_once_whichever_record_has_it(tmp_path: Path) -> None:
    own, common = tmp_path / "own.jsonl", tmp_path / "alerts.jsonl"
    assert send.raise_alert(ALERT, [own, common], NOBODY)
    assert send.raise_alert(ALERT, [own, common], NOBODY) is None
    common.unlink()
    assert send.raise_alert(ALERT, [own, common], NOBODY) is None
    own.unlink()
    assert send.raise_alert(ALERT, [own, common], NOBODY)
    assert len(lines(own)) == len(lines(common)) == 1


def test_a_torn_last_line_stays_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send.raise_alert(ALERT, [path], NOBODY)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"key": "warned:2026-11-')
    later = Alert("other", "fault", "Another", "Text", NOW)
    assert send.raise_alert(ALERT, [path], NOBODY) is None
    assert send.raise_alert(later, [path], NOBODY)
    assert path.read_bytes().startswith(whole + b'{"key": "warned:2026-11-\n{"key": "other"')
    assert [line["key"] for line in send.latest_lines(path)] == [ALERT.key, "other"]


def test_a_record_that_cannot_be_written_hinders_neither_the_other_nor_the_sending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").write_text("a file where a folder should be")
    broken, common = tmp_path / "full" / "alerts.jsonl", tmp_path / "alerts.jsonl"
    assert send.raise_alert(ALERT, [broken, common], NOBODY)
    assert len(lines(common)) == 1
    assert f"This alert is not on record: {broken}" in capsys.readouterr().err
    assert send.raise_alert(ALERT, [broken, common], NOBODY) is None


def test_with_no_record_at_all_it_is_told_again_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")
    for _ in range(2):
        assert send.raise_alert(ALERT, [tmp_path / "out" / "alerts.jsonl"], NOBODY)
        said = capsys.readouterr().err
        assert "MISSED The lists are late" in said
        assert "Alerts cannot be locked" in said and "not on record" in said


def test_nothing_is_sent_again_while_nobody_is_configured_or_after_a_day(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send.raise_alert(ALERT, [path], NOBODY)
    unusable = Receivers(problem="cannot be read")
    assert send.resend([path], NOBODY, NOW) == []
    assert send.resend([path], unusable, NOW, {ALERT.key}) == []
    assert send.resend([path], unusable, NOW + timedelta(days=1, seconds=1)) == []
    [line] = send.resend([path], unusable, NOW + timedelta(hours=23))
    assert line["not_had"] == {"configuration": "cannot be read"}
    assert [each["not_had"] for each in lines(path)] == [{"nobody": "no receiver is configured"}, line["not_had"]]


def test_a_record_is_private(tmp_path: Path) -> None:
    before = os.umask(files.PRIVATE_UMASK)
    try:
        send.raise_alert(ALERT, [tmp_path / "new" / "alerts.jsonl"], NOBODY)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "alerts.jsonl").stat().st_mode & 0o777 == 0o600


HOOK = "https://hooks.slack.com/services/T0/B0/Xx0"


def test_receivers_are_the_addresses_of_the_setting() -> None:
    assert configured(settings.load({"SEND_ALERT_URL": f" {HOOK}\n json://localhost "})).urls == (
        HOOK,
        "json://localhost",
    )
    assert configured(settings.load({})) == configured(settings.load({"SEND_ALERT_URL": ""})) == Receivers()


def test_the_setting_of_older_versions_is_told_and_never_quoted() -> None:
    given = configured(settings.load({"SEND_ALERT_URL": HOOK, "AIRFLOW_CONN_SEND_ALERTS": "smtp://u:S3CRET@host"}))
    assert given.urls == (HOOK,)
    assert "write SEND_ALERT_URL" in given.problem and "S3CRET" not in repr(given)
    assert configured(settings.load({"AIRFLOW_CONN_SEND_ALERTS": "x"})).send("fault", "t", "x").keys() == {
        "configuration"
    }


@pytest.mark.parametrize(
    ("options", "mode"),
    [("", "starttls"), ("&mode=ssl", "ssl"), ("&mode=insecure", "insecure"), ("&MODE=starttls", "starttls")],
)
def test_mail_goes_with_tls_unless_it_is_told_otherwise(options: str, mode: str) -> None:
    service = _service(f"mailto://us%40er:p%2Fw@mail.example:25?from=s@x.example&to=t@x.example{options}")
    assert (service.secure_mode, service.smtp_host, service.port) == (mode, "mail.example", 25)
    assert (service.user, service.password) == ("us@er", "p/w")


def test_what_the_guide_tells_people_to_write_is_understood() -> None:
    guide = (PROJECT / "docs" / "users" / "alerts.md").read_text(encoding="utf-8")
    given = re.findall(r"^SEND_ALERT_URL='(.+)'$", guide, re.MULTILINE)
    kinds = [type(_service(url)).__name__ for each in given for url in each.split()]
    assert kinds == ["NotifyWorkflows", "NotifySlack", "NotifyEmail", "NotifyEmail"]
