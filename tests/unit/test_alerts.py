"""Alerts on record, each once, whatever happens to the files; and connections as Airflow writes them."""

import hashlib
import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from inspection.alerts import send
from inspection.alerts.receivers import ReceiverError, Receivers, _service, configured, urls_of_connection
from inspection.alerts.send import Alert
from send_ready import files
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
FLOW = "https://prod-08.uksouth.logic.azure.com:443/workflows/0a/triggers/manual/paths/invoke?api-version=1&sig=Ab_c-D"
MAIL = {"from_email": "send@council.example", "to_email": "a@council.example,b+c@council.example"}


def connection(**fields: Any) -> str:
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (HOOK, HOOK),
        (FLOW, FLOW),
        (f"https://{FLOW[8:].replace(':443', '')}", FLOW.replace(":443", "")),
        ("http://user:p%40ss@host.example:8443/hook", "http://user:p%40ss@host.example:8443/hook"),
        (connection(conn_type="http", password=FLOW), FLOW),
        (connection(conn_type="generic", host=FLOW), FLOW),
        (connection(conn_type="HTTP", host="h.example", schema="https", port=8443), "https://h.example:8443"),
        ("http://:https%3A%2F%2Fhooks.slack.com%2Fservices%2FT0%2FB0%2FXx0@/", HOOK),
        ("http://https%3A%2F%2Fhooks.slack.com%2Fservices%2FT0%2FB0%2FXx0", HOOK),
        ("http://https://hooks.slack.com%2Fservices%2FT0%2FB0%2FXx0", HOOK),
        ("slackwebhook://:T0%2FB0%2FXx0@", HOOK),
        (
            "slackwebhook://:T0%2FB0%2FXx0@https%3A%2F%2Fhooks.slack-gov.com%2Fservices",
            HOOK.replace(".com", "-gov.com"),
        ),
        (connection(conn_type="slackwebhook", password=HOOK), HOOK),
        (connection(conn_type="slack_incoming_webhook", password="T0/B0/Xx0"), HOOK),
        (connection(conn_type="apprise", password="json://localhost/x"), "json://localhost/x"),
    ],
)
def test_webhooks_of_an_airflow_connection(given: str, expected: str) -> None:
    assert urls_of_connection(given) == [expected]


@pytest.mark.parametrize(
    ("port", "extra", "mode"),
    [
        (None, {}, "ssl"),
        (465, {}, "ssl"),
        (587, {}, "starttls"),
        (25, {"disable_tls": True}, "insecure"),
        (25, {"disable_tls": "true", "disable_ssl": "True"}, "insecure"),
        (587, {"disable_ssl": True}, "starttls"),
        (2465, {"disable_ssl": False}, "ssl"),
    ],
)
def test_mail_of_an_airflow_connection(port: int | None, extra: dict[str, Any], mode: str) -> None:
    given = connection(
        conn_type="smtp", host="mail.example", port=port, login="u@x", password="p/w:@", extra={**MAIL, **extra}
    )
    at = f"mail.example:{port}" if port else "mail.example"
    account = f"mailto://u%40x:p%2Fw%3A%40@{at}?from=send%40council.example&smtp=mail.example&mode={mode}&format=text"
    assert urls_of_connection(given) == [f"{account}&to=a%40council.example", f"{account}&to=b%2Bc%40council.example"]


def test_mail_may_come_as_a_uri_with_its_extra_in_json_or_without_a_login() -> None:
    extra = urlencode({"__extra__": json.dumps({"from_email": "s@x.example", "to_email": ["t@x.example"]})})
    end = "from=s%40x.example&smtp=mail.example&mode=starttls&format=text&to=t%40x.example"
    assert urls_of_connection(f"smtp://mail.example:25/?{extra}") == [f"mailto://mail.example:25?{end}"]
    plain = "email://mail.example:25/?from_email=s%40x.example&to_email=t%40x.example"
    assert urls_of_connection(plain) == [f"mailto://mail.example:25?{end}"]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("{not json", "cannot be read"),
        ('{"conn_type": 7}', "cannot be read"),
        ('{"conn_type": "smtp", "extra": "S3CRET"}', "cannot be read"),
        ("smtp://u:S3CRET@host:port", "cannot be read"),
        ("smtp://u:S3CRET@host", "from_email and to_email"),
        (connection(conn_type="smtp", host="mail.example", extra={"from_email": "S3CRET"}), "from_email and to_email"),
        (connection(conn_type="smtp", extra=MAIL), "needs a Host"),
        ("slackwebhook://host", "webhook's URL as Password"),
        (connection(conn_type="generic", password="S3CRET"), "no address to post to"),
        (connection(conn_type="http", login="S3CRET"), "no address to post to"),
        ("S3CRET", "no address to post to"),
        # What an operator of Airflow might write: something else than posting an alert.
        (connection(conn_type="http", password="syslog://S3CRET"), "leads to no webhook"),
        (connection(conn_type="http", password="workflows://S3CRET:443/a/b?template=/send/lists.json"), "no webhook"),
        (connection(conn_type="http", password="https://hooks.example/S3CRET?Template=/send/lists.json"), "no webhook"),
        (connection(conn_type="slackwebhook", password="file:///S3CRET"), "leads to no webhook"),
        (connection(conn_type="smtp", host="mail.example/S3CRET?pgpkey=/x&", extra=MAIL), "needs a Host"),
    ],
)
def test_a_connection_that_leads_nowhere_is_refused_without_quoting_it(given: str, what: str) -> None:
    with pytest.raises(ReceiverError, match=what) as refused:
        urls_of_connection(given)
    assert "S3CRET" not in str(refused.value)
    assert refused.value.__cause__ is None and (refused.value.__suppress_context__ or not refused.value.__context__)


def test_a_connection_that_leads_nowhere_does_not_take_the_others_along() -> None:
    given = configured(f" {HOOK}\n json://localhost ", "slackwebhook://host")
    assert given.urls == (HOOK, "json://localhost")
    assert "Slack" in given.problem
    assert configured(None, None) == configured("", "") == Receivers()


def test_what_the_guide_tells_people_to_write_is_understood() -> None:
    guide = (PROJECT / "docs" / "users" / "alerts.md").read_text(encoding="utf-8")
    urls = re.findall(r"^SEND_ALERT_URL='(.+)'$", guide, re.MULTILINE)
    connections = re.findall(r"^AIRFLOW_CONN_SEND_ALERTS='(.+)'$", guide, re.MULTILINE)
    given = [configured(url, None) for url in urls] + [configured(None, text) for text in connections]
    kinds = [type(_service(url)).__name__ for each in given for url in each.urls]
    assert kinds == ["NotifyWorkflows", "NotifySlack", "NotifyEmail", "NotifyEmail", "NotifySlack", "NotifySlack"]
    assert not any(each.problem for each in given)
