"""From a web server with a certificate: whole files, of the host that was named; and what each trouble says."""

import base64
import socket
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from pickup import https, store
from pickup.trouble import REFUSED
from tests.pickup.conftest import House, WebServer, free_port, said, web_server

PATH = "/students_20261116.csv"
BODY = b"Student ID,Sex\r\n600001,F\r\n"
NOON = "Mon, 16 Nov 2026 12:00:00 GMT"


def test_a_file_comes_once_by_its_tag(house: House, web: WebServer) -> None:
    web.gives(PATH, BODY, ETag='"1"', Last_Modified=NOON)
    assert house.pick_up(**web.entry()).taken == ["exports/students_20261116.csv"]
    assert house.held() == {"exports/students_20261116.csv": BODY}
    assert (house.inbox / "exports/students_20261116.csv").stat().st_mtime == 1_794_830_400.0
    web.asked.clear()
    assert house.pick_up(**web.entry()).known == 1
    assert [method for method, _, _ in web.asked] == ["HEAD"]  # nothing was fetched
    web.gives(PATH, BODY * 2, ETag='"2"', Last_Modified=NOON)
    assert house.pick_up(**web.entry()).taken == ["exports/students_20261116.csv"]
    assert house.held() == {"exports/students_20261116.csv": BODY * 2}


def test_without_a_tag_the_bytes_tell(house: House, web: WebServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:  # nor a length, nor HEAD
        handler.send_response(405 if handler.command == "HEAD" else 200)
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(BODY)
        handler.close_connection = True

    web.answers[PATH] = answer
    assert house.pick_up(**web.entry()).taken
    assert house.pick_up(**web.entry()).known == 1


def test_the_date_stands_in_address_and_name(house: House, web: WebServer) -> None:
    web.gives("/edubasealldata20261116.csv", BODY)
    assert house.pick_up(**web.entry("/edubasealldata{date}.csv")).taken == ["exports/edubasealldata20261116.csv"]
    web.gives("/download", BODY)
    came = house.pick_up(**web.entry("/download", save_as="students_{date}.csv"))
    assert came.taken == ["exports/students_20261116.csv"]


def test_who_signs_in(house: House, web: WebServer) -> None:
    web.gives(PATH, BODY)
    house.secrets = {"SEND_PICKUP_EXPORTS_USER": "send", "SEND_PICKUP_EXPORTS_PASSWORD": "a:b"}
    assert house.pick_up(**web.entry()).taken
    assert web.asked[-1][2]["Authorization"] == f"Basic {base64.b64encode(b'send:a:b').decode()}"
    house.secrets = {"SEND_PICKUP_EXPORTS_TOKEN": "t0ken"}
    house.pick_up(again=True, **web.entry())
    assert web.asked[-1][2]["Authorization"] == "Bearer t0ken"
    house.secrets = {"SEND_PICKUP_EXPORTS_URL": web.url(f"{PATH}?sig=secret")}
    house.pick_up(again=True, **(web.entry() | {"url": None}))
    assert web.asked[-1][1] == f"{PATH}?sig=secret"
    assert "secret" not in (house.settings.home / "picked_up" / "exports.jsonl").read_text()


def test_another_host_is_not_gone_to(house: House, web: WebServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with web_server(tmp_path / "other") as other:
        other.gives(PATH, b"from elsewhere")
        for target in (other.url(), f"http://127.0.0.1:{web.port}{PATH}", "https://council.example/x.csv"):
            web.gives("/moved.csv", b"", status=302, Location=target)
            house.secrets = {"SEND_PICKUP_EXPORTS_TOKEN": "t0ken"}
            came = house.pick_up(**web.entry("/moved.csv"))
            assert "leads to another place" in said(came) and came.status == REFUSED
        assert other.asked == []
    web.gives("/moved.csv", b"", status=307, Location=PATH)  # within the host it is followed
    web.gives(PATH, BODY)
    assert house.pick_up(**web.entry("/moved.csv")).taken == ["exports/moved.csv"]
    web.gives("/round.csv", b"", status=302, Location="/round.csv")
    assert "leads round in a circle" in said(house.pick_up(**web.entry("/round.csv")))
    assert list(house.held()) == ["exports/moved.csv"]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<!DOCTYPE html><title>Sign in</title>", {"Content_Type": "text/html; charset=utf-8"}),
        (b"\xef\xbb\xbf \r\n<HTML><body>Sign in", {"Content_Type": "text/csv"}),  # whatever it calls itself
    ],
)
def test_a_web_page_is_no_file(house: House, web: WebServer, body: bytes, headers: dict[str, str]) -> None:
    web.gives(PATH, body, **headers)
    came = house.pick_up(**web.entry())
    assert "sent a web page in place of the file" in said(came) and came.status == REFUSED
    assert house.held() == {}


def test_half_a_file_is_none(house: House, web: WebServer) -> None:
    web.gives(PATH, BODY, said=len(BODY) + 1000)
    came = house.pick_up(**web.entry())
    assert "sent a part of the file and broke off" in said(came) and came.status == 1
    assert house.held() == {}
    web.gives(PATH, b"")
    assert "It is empty" in said(house.pick_up(**web.entry()))
    web.gives("/students.xlsx", b"Student ID;Sex")
    assert "called a workbook and is none" in said(house.pick_up(**web.entry("/students.xlsx")))
    assert house.held() == {}
    web.gives(PATH, BODY)
    assert house.pick_up(**web.entry()).taken


def test_a_file_without_end_is_cut_off(house: House, web: WebServer) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        with suppress(OSError):
            while handler.command == "GET":
                handler.wfile.write(b"x" * 100_000)
        handler.close_connection = True

    web.answers[PATH] = answer
    came = house.pick_up(**web.entry(max_file_mb=1))
    assert "more than 1 MB" in said(came)
    web.gives(PATH, b"x" * 1_100_000)
    assert "It has 1.1 MB, and may have 1 MB. It was not fetched" in said(house.pick_up(**web.entry(max_file_mb=1)))
    assert house.held() == {}


def test_a_certificate_is_verified(house: House, web: WebServer, tmp_path: Path) -> None:
    web.gives(PATH, BODY)
    stranger = house.pick_up(**web.entry(ca_file=None))
    assert "is not to be trusted. Nothing was sent" in said(stranger) and stranger.status == REFUSED
    (tmp_path / "other").mkdir()
    with web_server(tmp_path / "other", host="127.0.0.2") as other:  # of another host
        other.gives(PATH, BODY)
        assert "is not to be trusted" in said(house.pick_up(**other.entry()))
        assert other.asked == []
    (tmp_path / "no.pem").write_text("nothing")
    assert "ca_file" in said(house.pick_up(**web.entry(ca_file=str(tmp_path / "no.pem"))))
    assert web.asked == []


def test_what_a_status_means(house: House, web: WebServer) -> None:
    for status, words, exit_status in (
        (401, "wants another sign-in (status 401). Check SEND_PICKUP_EXPORTS_USER", REFUSED),
        (403, "does not let this account have the file", REFUSED),
        (404, "has no such file (status 404)", 1),
        (500, "answered with status 500", 1),
        (418, "answered with status 418", REFUSED),
    ):
        web.gives(PATH, b"<html>no", status=status)
        came = house.pick_up(**web.entry())
        assert words in said(came) and came.status == exit_status, status
    assert house.held() == {}


def test_a_server_that_is_silent_or_not_there(house: House, web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        if handler.command == "HEAD":
            handler.send_response(200)
            handler.end_headers()
            handler.close_connection = True
            return
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(2)

    web.answers[PATH] = silent
    monkeypatch.setattr(https, "SILENCE", 0.3)
    came = house.pick_up(**web.entry())
    assert "has not answered" in said(came) and came.status == 1
    assert house.held() == {}
    away = house.pick_up(**(web.entry() | {"url": f"https://127.0.0.1:{free_port()}{PATH}"}))
    assert "could not be reached" in said(away) and away.status == 1
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        monkeypatch.setattr(https, "CONNECT", 0.3)
        assert "has not answered" in said(
            house.pick_up(**(web.entry() | {"url": f"https://127.0.0.1:{mute.getsockname()[1]}{PATH}"}))
        )
    assert store.SILENCE == 60
