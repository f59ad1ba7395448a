"""Alerts on their way: a mail server and a webhook of this machine's own, which are down, refuse, and come back."""

import base64
import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_string, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from inspection.alerts import receivers, send
from inspection.alerts.receivers import Receivers
from inspection.alerts.send import Alert
from send_ready import settings
from send_ready.settings import LONDON, PROJECT
from tests.steps import SEND_READY
from tests.waiting import HANG

NOW = datetime(2026, 11, 17, 9, 30, tzinfo=LONDON)
ALERT = Alert("warned:2026-11-16_full_inspection", "warning", "The lists are due – soon", "Version 1 is frozen.", NOW)
SECRET = "s3cret/pass:word@x"  # of no account; with what must be quoted


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it gets, and the login that it was shown."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Conversation)
        self.mails: list[Any] = []
        self.receivers: list[str] = []
        self.logins: list[str] = []
        self.answer_to_login = "235 come in"
        self.unknown: set[str] = set()  # addresses that are refused

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.say("220 here")
        for line in iter(self.line, ""):
            word = line.upper().split(" ")[0].strip()
            if word == "EHLO":
                self.say("250-here\r\n250 AUTH PLAIN")
            elif word == "AUTH":
                self.server.logins.append(base64.b64decode(line.split(" ")[2]).decode())
                self.say(self.server.answer_to_login)
            elif word == "RCPT":
                address = line.split("<")[1].split(">")[0]
                self.say(f"550 no {address}" if address in self.server.unknown else "250 yes")
                if address not in self.server.unknown:
                    self.server.receivers.append(address)
            elif word == "DATA":
                self.say("354 go on")
                body = "".join(iter(self.line, ".\r\n"))
                self.server.mails.append(message_from_string(body, policy=policy.default))
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                break
            else:
                self.say("250 yes" if word in ("MAIL", "RSET", "NOOP") else "502 no")

    def line(self) -> str:
        return self.rfile.readline().decode()

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Webhook(HTTPServer):
    """A webhook that keeps what is posted, and answers with `status`."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Post)
        self.posts: list[tuple[str, Any]] = []
        self.status = 200

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Post(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.path, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


Serve = Callable[[Any], Any]


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[Any] = []

    def start(server: Any) -> Any:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def mail(port: int, options: str = "", secret: str = SECRET) -> str:
    account = f"mailto://us%40er:{quote(secret, safe='')}@127.0.0.1:{port}?from=send@council.example"
    return " ".join(f"{account}&to={name}@council.example{options}" for name in ("a", "b"))


def given(urls: str) -> Receivers:
    return receivers.configured(settings.load({"SEND_ALERT_URL": urls}))


def in_clear(port: int) -> Receivers:
    return given(mail(port, "&mode=insecure"))


def sent_to(to: Receivers) -> dict[str, str]:
    return to.send(ALERT.level, ALERT.title, ALERT.text)


def test_a_mail_reaches_everybody(serve: Serve) -> None:
    box = serve(Mailbox())

    assert sent_to(in_clear(box.port)) == {"E-Mail": "", "E-Mail 2": ""}
    assert box.receivers == ["a@council.example", "b@council.example"]
    assert set(box.logins) == {f"\0us@er\0{SECRET}"}
    for found in box.mails:
        assert found["Subject"] == ALERT.title
        assert found["From"].addresses[0].addr_spec == "send@council.example"
        assert found.get_content_type() == "text/plain"
        assert ALERT.text in found.get_content()


def test_a_mail_server_without_tls_is_shown_no_password(serve: Serve) -> None:
    box = serve(Mailbox())
    outcome = sent_to(given(mail(box.port)))
    assert all(outcome.values()) and len(outcome) == 2
    assert (box.logins, box.mails) == ([], [])


def test_a_mail_server_that_refuses_is_told_with_its_status(serve: Serve) -> None:
    box = serve(Mailbox())
    box.answer_to_login = "535 5.7.8 no"
    assert sent_to(in_clear(box.port)) == dict.fromkeys(("E-Mail", "E-Mail 2"), "refused with status 535")


def test_an_unknown_address_keeps_nobody_else_waiting_and_nobody_gets_it_twice(serve: Serve, tmp_path: Path) -> None:
    box, record = serve(Mailbox()), tmp_path / "alerts.jsonl"
    box.unknown = {"a@council.example"}
    line = send.raise_alert(ALERT, [record], in_clear(box.port))
    assert line and line["not_had"] == {"E-Mail": "refused with status 550"}
    box.unknown = set()
    assert send.resend([record], in_clear(box.port), NOW + timedelta(minutes=5))[0]["sent"]
    assert send.resend([record], in_clear(box.port), NOW + timedelta(minutes=10)) == []
    assert box.receivers == ["b@council.example", "a@council.example"]


def test_any_webhook_gets_the_alert_as_json(serve: Serve) -> None:
    hook = serve(Webhook())
    to = given(f"http://127.0.0.1:{hook.port}/a%20hook/x?sig=a%2Fb%2Bc&v=1")
    assert sent_to(to) == {"JSON": ""}
    [(path, body)] = hook.posts
    assert path == "/a%20hook/x?sig=a%2Fb%2Bc&v=1"
    assert (body["title"], body["message"], body["type"]) == (ALERT.title, ALERT.text, "warning")


SLACK = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
OF_A_FLOW = (
    "triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=fKJHT897_0987HK789687D-F8"
)
TEAMS = f"https://prod-08.uksouth.logic.azure.com:443/workflows/09870a09879087d987987b78/{OF_A_FLOW}"
NEWER_TEAMS = (
    "https://default9876a89769878976b9786d76.73.environment.api.powerplatform.com:443"
    f"/powerautomate/automations/direct/cu/08/workflows/09870a09879087d987987b78/{OF_A_FLOW}"
)


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (SLACK, "Slack"),
        (TEAMS, "Power Automate / Workflows (for MSTeams)"),
        (NEWER_TEAMS, "Power Automate / Workflows (for MSTeams)"),
    ],
)
def test_slack_and_teams_are_posted_to_in_their_own_form(
    monkeypatch: pytest.MonkeyPatch, address: str, name: str
) -> None:
    """The last step is cut off: those two cannot be played on this machine."""
    import requests

    posts: list[requests.PreparedRequest] = []

    def post(_: Any, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        posts.append(request)
        answer = requests.Response()
        answer.status_code, answer._content, answer.url = 200, b"ok", request.url or ""
        return answer

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", post)
    assert sent_to(given(address)) == {name: ""}
    [asked] = posts
    meant, came = urlsplit(address), urlsplit(asked.url or "")
    assert (came.hostname, came.path) == (meant.hostname, meant.path)
    assert parse_qs(meant.query).items() <= parse_qs(came.query).items()
    said = json.dumps(json.loads(asked.body or b""), ensure_ascii=False)
    assert ALERT.title in said and "Version 1 is frozen" in said
    assert "github" not in said  # where Apprise's pictures are


def test_a_receiver_that_was_down_gets_the_alert_once_it_is_up(serve: Serve, tmp_path: Path) -> None:
    own, common = tmp_path / "own" / "alerts.jsonl", tmp_path / "alerts.jsonl"
    hook = Webhook()  # the port is taken, and nobody answers there
    hook.server_close()
    address = f"http://127.0.0.1:{hook.port}/hook"

    line = send.raise_alert(ALERT, [own, common], given(address))
    assert line and not line["sent"] and line["not_had"] == {"JSON": "could not be reached"}
    for minutes in (5, 10):  # still down, which is no news
        [line] = send.resend([own, common], given(address), NOW + timedelta(minutes=minutes))
        assert not line["sent"]
    assert len(common.read_text().splitlines()) == 1

    up = serve(Webhook(hook.port))
    up.status = 503
    [line] = send.resend([own, common], given(address), NOW + timedelta(minutes=15))
    assert line["not_had"] == {"JSON": "refused with status 503"}
    up.status = 200
    [line] = send.resend([own, common], given(address), NOW + timedelta(minutes=20))
    assert (line["sent"], line["had"], line["tried_at"]) == (True, ["JSON"], "2026-11-17T09:50:00+00:00")
    assert send.resend([own, common], given(address), NOW + timedelta(minutes=25)) == []
    assert len(up.posts) == 2
    assert own.read_text() == common.read_text()
    assert [json.loads(each)["sent"] for each in common.read_text().splitlines()] == [False, False, True]


def test_of_two_receivers_only_the_one_that_was_down_is_tried_again(serve: Serve, tmp_path: Path) -> None:
    record, fine, broken = tmp_path / "alerts.jsonl", serve(Webhook()), serve(Webhook())
    broken.status = 500
    both = f"http://127.0.0.1:{fine.port}/a json://127.0.0.1:{broken.port}/b"
    line = send.raise_alert(ALERT, [record], given(both))
    assert line and (line["had"], line["not_had"]) == (["JSON"], {"JSON 2": "refused with status 500"})
    broken.status = 200
    send.resend([record], given(both), NOW)
    assert (len(fine.posts), len(broken.posts)) == (1, 2)
    assert send.latest_lines(record)[0]["had"] == ["JSON", "JSON 2"]


def test_a_receiver_that_is_down_is_tried_once_a_round(serve: Serve, tmp_path: Path) -> None:
    hook = serve(Webhook())
    hook.status = 500
    to = given(f"http://127.0.0.1:{hook.port}/")
    for key in ("one", "two"):
        line = send.raise_alert(Alert(key, "fault", "t", "x", NOW), [tmp_path / "alerts.jsonl"], to)
        assert line and line["not_had"] == {"JSON": "refused with status 500"}
    assert len(hook.posts) == 1


def test_no_secret_is_said_anywhere(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(1)
    box, hook = serve(Mailbox()), serve(Webhook())
    record = tmp_path / "alerts.jsonl"
    secret = "c0uncilSecret"
    web = f"http://us:{secret}@127.0.0.1:{hook.port}/{secret}?sig={secret}"
    unreachable = f"http://127.0.0.1:1/{secret} nothing://{secret} https://{secret}:port/x mailto://{secret}"
    secret_mail = mail(box.port, "&mode=insecure", secret)
    for number, status in enumerate((200, 500)):
        hook.status = status
        box.answer_to_login = "235 yes" if status == 200 else f"535 no {secret}"
        to = given(f"{web} {unreachable} {secret_mail}")
        assert send.raise_alert(Alert(str(number), "fault", "t", "x", NOW), [record], to)
    old = settings.load({"AIRFLOW_CONN_SEND_ALERTS": f"smtp://u:{secret}@h"})
    assert send.raise_alert(Alert("old", "fault", "t", "x", NOW), [record], receivers.configured(old))

    assert len(hook.posts) == 2 and box.logins  # it was used
    said = capfd.readouterr()
    assert "refused with status 535" in said.err
    for text in (record.read_text(), said.out, said.err, caplog.text):
        assert secret not in text


PROCESS = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from inspection.alerts import receivers, send
from send_ready import settings
sys.stdin.readline()
alert = send.Alert("missed:x", "missed", "t", "x", datetime(2026, 11, 17, 11, tzinfo=timezone.utc))
to = receivers.configured(settings.load({"SEND_ALERT_URL": sys.argv[3]}))
send.raise_alert(alert, [Path(sys.argv[1]), Path(sys.argv[2])], to)
"""


def test_of_many_processes_one_sends(serve: Serve, tmp_path: Path) -> None:
    hook = serve(Webhook())
    paths = [tmp_path / "own" / "alerts.jsonl", tmp_path / "alerts.jsonl"]
    command = [sys.executable, "-c", PROCESS, *map(str, paths), f"http://127.0.0.1:{hook.port}/"]
    crowd = [subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, text=True) for _ in range(4)]
    for process in crowd:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.wait(timeout=HANG) for process in crowd] == [0] * 4
    for process in crowd:
        assert process.stdin
        process.stdin.close()
    assert len(hook.posts) == 1
    assert all(len(path.read_text().splitlines()) == 1 for path in paths)


def test_what_a_scheduler_with_no_way_out_could_not_send_the_watchdog_sends(serve: Serve, tmp_path: Path) -> None:
    """Through the command line, as Airflow's callback and cron do; the call is of long ago, so it is late."""
    hook = Webhook()
    hook.server_close()
    env = {"SEND_HOME": str(tmp_path), "SEND_ALERT_URL": f"http://127.0.0.1:{hook.port}/hook"}
    env["SEND_REQUEST"] = json.dumps({"notified_on": "2026-01-05"})

    def send_ready(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [SEND_READY, *arguments]
        return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)

    trial = send_ready("watch", "--test")
    assert (trial.returncode, trial.stdout) == (1, "JSON: could not be reached\n")
    fired = send_ready("deadline", "missed")
    assert fired.returncode == 0, fired.stderr
    assert fired.stdout.startswith("Raised: The lists are late: they were due at 11:00 on Tuesday 6 January 2026.")
    assert "NOT SENT: JSON: could not be reached" in fired.stderr

    up = serve(Webhook(hook.port))
    rounds = [send_ready("watch") for _ in range(2)]
    assert [each.returncode for each in rounds] == [0, 0], rounds[0].stderr
    assert "Sent to: JSON." in rounds[0].stderr
    assert rounds[1].stdout == rounds[1].stderr == ""
    [(_, body)] = up.posts
    assert body["title"].startswith("The lists are late") and body["type"] == "failure"
    trial = send_ready("watch", "--test")
    assert (trial.returncode, trial.stdout) == (0, "JSON: sent\n")
