"""Settings: what is set, what is not, and what a mistake is told."""

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest

from commands import airflow_home
from send_ready import settings
from send_ready.settings import SettingsError
from tests.steps import SEND_READY


def test_defaults_work_from_a_fresh_clone() -> None:
    found = settings.load({})
    assert found.home == Path("data").resolve() and found.inbox == found.home / "inbox"
    assert (found.la_code, found.code_style, found.config) == ("999", "lettered", None)
    assert abs((found.as_at - dt.datetime.now(settings.LONDON).date()).days) <= 1


def test_what_is_set(tmp_path: Path) -> None:
    found = settings.load(
        {
            "SEND_HOME": str(tmp_path / "home"),
            "SEND_INBOX": str(tmp_path / "in box"),
            "SEND_LA_CODE": "888",
            "SEND_CODE_STYLE": "plain",
            "SEND_CONFIG": str(tmp_path),
            "AS_AT": "2024-02-29",
        }
    )
    assert found.inbox == tmp_path / "in box"
    assert (found.la_code, found.code_style, found.as_at) == ("888", "plain", dt.date(2024, 2, 29))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AS_AT", "16/11/2026"),
        ("AS_AT", "2026-02-29"),
        ("SEND_LA_CODE", "88"),
        ("SEND_LA_CODE", "88a"),
        ("SEND_CODE_STYLE", "fancy"),
        ("SEND_CONFIG", "/no/such/folder"),
        ("SEND_SUPPRESS_BELOW", "1"),
        ("SEND_SUPPRESS_BELOW", "101"),
        ("SEND_SUPPRESS_BELOW", "five"),
    ],
)
def test_a_mistake_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}={value}"):
        settings.load({name: value})


@pytest.mark.parametrize(
    ("given", "port", "says"),
    [
        ({"SEND_LA_CODE": "88"}, "8080", "SEND_LA_CODE=88 is not a three-digit DfE number, such as 888.\n"),
        ({}, "web", "PORT=web is not a number, such as 8080.\n"),
        (
            {"SEND_APPROVERS": "amina"},
            "8080",
            "SEND_APPROVERS names amina, who cannot answer here. Name users of "
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS with the role user, op or admin; it has admin:admin.\n",
        ),
        (
            {"SEND_APPROVERS": "raj,lin", "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "raj:user,lin:viewer"},
            "8080",
            "SEND_APPROVERS names lin, who cannot answer here. Name users of "
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS with the role user, op or admin; it has raj:user,lin:viewer.\n",
        ),
    ],
)
def test_a_mistake_is_named_where_airflow_is_started(given: dict[str, str], port: str, says: str) -> None:
    command = [SEND_READY, "airflow", port]
    ended = subprocess.run(command, env=os.environ | given, cwd=settings.PROJECT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (2, says)


@pytest.mark.parametrize(
    ("named", "users", "may"),
    [
        ((), None, ("admin",)),
        ((), "amina:admin,raj:op, ada:ADMIN", ("amina", "ada")),
        (("raj",), "amina:admin,raj:op", ("raj",)),
        ((), "raj:op,lin:viewer", ()),
    ],
)
def test_on_one_machine_admins_approve_unless_somebody_is_named(
    monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...], users: str | None, may: tuple[str, ...]
) -> None:
    monkeypatch.delenv(airflow_home.USERS, raising=False)
    if users:
        monkeypatch.setenv(airflow_home.USERS, users)
    assert airflow_home.approvers(settings.load({"SEND_APPROVERS": ",".join(named)})) == may


def test_a_run_has_a_name_that_a_folder_can_have() -> None:
    assert settings.load({"SEND_RUN_ID": "a" * 200}).run_id == "a" * 200
    with pytest.raises(SettingsError, match=r"SEND_RUN_ID=a{20}… has 201 characters, and may have 200"):
        settings.load({"SEND_RUN_ID": "a" * 201})


def test_small_numbers_are_those_below_five_unless_said_otherwise() -> None:
    assert [settings.load({"SEND_SUPPRESS_BELOW": value}).suppress_below for value in ("", "2", "10")] == [5, 2, 10]


def test_a_councils_own_file_comes_first(tmp_path: Path) -> None:
    own = tmp_path / "contracts" / "x.yml"
    own.parent.mkdir()
    own.write_text("mine")
    found = settings.load({"SEND_CONFIG": str(tmp_path)})
    assert found.config_file("contracts", "x.yml", shipped=Path("shipped")) == own
    assert found.config_file("contracts", "y.yml", shipped=Path("shipped")) == Path("shipped")
