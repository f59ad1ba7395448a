"""Nights without Docker: units that systemd finds sound and shut off, put there by one command and taken away again."""

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from operations import services
from operations.services import Place
from send_ready import settings as setting
from send_ready.errors import RunError
from send_ready.settings import PROJECT, Settings

ANALYZE = shutil.which("systemd-analyze")
EXPOSURE = 20  # of 100, in tenths of what `systemd-analyze security` shows
STAND_IN = """#!/bin/sh
echo "$0 $*" | sed "s|.*/||" >> {log}
case "$0 $*" in
*crontab\\ -l) cat {folder}/crontab 2>/dev/null || exit 1 ;;
*crontab\\ -) cat > {folder}/crontab ;;
esac
exit {status}
"""


@pytest.fixture
def given(tmp_path: Path) -> Settings:
    home = tmp_path / "send"
    home.mkdir()
    return setting.load({"SEND_HOME": str(home), "SEND_LA_CODE": "888", "SEND_INBOX": str(tmp_path / "inbox")})


@pytest.fixture
def machine(given: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Stands in for systemctl, loginctl and crontab; gives what they were asked."""
    log, programs = tmp_path / "asked", tmp_path / "bin"
    programs.mkdir()

    def asked(status: int = 0) -> list[str]:
        for name in ("systemctl", "loginctl", "crontab"):
            (programs / name).write_text(STAND_IN.format(log=log, folder=tmp_path, status=status))
            (programs / name).chmod(0o755)
        found = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return found

    asked()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return asked


def at(monkeypatch: pytest.MonkeyPatch, folder: Path, is_of_machine: bool) -> Place:
    where = Place(folder / "units", folder / "etc" / "send-ready.env", "nobody", is_of_machine)
    monkeypatch.setattr(services, "place", lambda _: where)
    return where


@pytest.mark.parametrize("with_airflow", [False, True])
def test_one_command_installs_and_another_time_changes_nothing(
    given: Settings,
    machine: Callable[..., list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_airflow: bool,
) -> None:
    where = at(monkeypatch, tmp_path, True)
    environ = {"SEND_ALERT_URL": "https://hooks.example/x?a=1&b=2", "SEND_PICKUP_HUB_PASSWORD": "it's"}
    said = list(services.install(given, environ, with_airflow=with_airflow))
    timers = ["check", "watch"] if with_airflow else ["check", "night", "pickup", "watch"]
    started = [f"send-ready-{name}.timer" for name in timers] + ["send-ready-airflow.service"] * with_airflow
    asked = machine()
    assert asked[0] == "systemctl daemon-reload"
    assert sorted(asked[1:]) == sorted(f"systemctl enable --now {name}" for name in started)
    held = where.settings.read_text()
    assert stat.S_IMODE(where.settings.stat().st_mode) == 0o600
    assert "SEND_ALERT_URL='https://hooks.example/x?a=1&b=2'" in held and "SEND_LA_CODE='888'" in held
    assert "# SEND_PICKUP_HUB_PASSWORD: write it here by hand" in held and "it's" not in held
    shell = subprocess.run(["sh", "-c", f"set -a; . {where.settings}; env"], capture_output=True, text=True, check=True)
    assert "SEND_ALERT_URL=https://hooks.example/x?a=1&b=2" in shell.stdout.splitlines()
    before = {path: path.read_bytes() for path in where.units.iterdir()}
    assert list(services.install(given, {}, with_airflow=with_airflow))[1 : 1 + len(before)] == [
        f"{path} is as it should be." for path in sorted(before, key=lambda path: [*said].index(f"Wrote {path}"))
    ]
    assert {path: path.read_bytes() for path in where.units.iterdir()} == before
    assert where.settings.read_text() == held
    machine()
    gone = list(services.remove(given))
    assert list(where.units.iterdir()) == [] and where.settings.exists()
    assert {f"systemctl disable --now {name}" for name in started} <= set(machine())
    assert gone[-1].endswith("stays. Delete it yourself, if nobody needs it.")
    assert "There is no unit" in next(iter(services.remove(given)))


def test_airflow_takes_the_place_of_the_timers_and_gives_it_back(
    given: Settings, machine: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = at(monkeypatch, tmp_path, True)
    list(services.install(given, {}, with_airflow=False))
    list(services.install(given, {}, with_airflow=True))
    assert not (where.units / "send-ready-night.timer").exists()  # two would do every night twice
    assert "systemctl disable --now send-ready-night.timer" in machine()
    list(services.install(given, {}, with_airflow=False))
    assert not (where.units / "send-ready-airflow.service").exists()


def test_where_systemd_does_not_run_it_says_what_is_left_to_do(
    given: Settings, machine: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = at(monkeypatch, tmp_path, False)
    machine(1)
    said = list(services.install(given, {}, with_airflow=False))
    assert any(line.startswith("NOT DONE: systemctl --user enable --now send-ready-night.timer") for line in said)
    assert any("loginctl enable-linger nobody" in line and line.startswith("NOT DONE") for line in said)
    assert (where.units / "send-ready-night.service").exists()


@pytest.mark.skipif(not ANALYZE, reason="no systemd here")
@pytest.mark.parametrize("is_of_machine", [True, False])
def test_systemd_finds_nothing_wrong_and_little_exposed(given: Settings, tmp_path: Path, is_of_machine: bool) -> None:
    where = Place(tmp_path / "units", tmp_path / "send-ready.env", "daemon", is_of_machine)
    where.units.mkdir()
    texts = services.unit_texts(given, where, ["night", "pickup", "check", "watch", "airflow"])
    for name, text in texts.items():
        program = shutil.which("true") or "/bin/true"
        (where.units / name).write_text(text.replace(f"{PROJECT}/.venv/bin/send-ready", program))
    places = [str(where.units / name) for name in texts]
    checks = [["verify", "--man=no", *([] if is_of_machine else ["--user"]), *places]]
    services_only = [each for each in places if each.endswith(".service")]
    checks += [
        ["security", "--offline=true", f"--threshold={EXPOSURE}", each] for each in services_only if is_of_machine
    ]
    for check in checks:
        done = subprocess.run(
            [str(ANALYZE), *check], capture_output=True, text=True, env={**os.environ, "HOME": "/tmp"}
        )
        ours = [line for line in done.stderr.splitlines() if "send-ready" in line]
        assert done.returncode == 0 or (not is_of_machine and not ours), done.stdout + done.stderr
        assert ours == [], done.stderr


def test_units_name_this_machines_places(given: Settings, tmp_path: Path) -> None:
    where = Place(tmp_path, tmp_path / "send-ready.env", "nobody", True)
    texts = services.unit_texts(given, where, ["night", "pickup", "check", "watch", "airflow"])
    assert len(texts) == 9
    for name, text in texts.items():
        assert "/opt/send-ready" not in text.replace(str(PROJECT), "") and "/srv/send" not in text, name
        if name.endswith(".service"):
            assert f"ExecStart={PROJECT}/.venv/bin/send-ready " in text
            assert f"EnvironmentFile={where.settings}" in text and "User=nobody" in text
            assert "ProtectHome=yes" in text
    assert f"ReadWritePaths={given.home} -{given.inbox}" in texts["send-ready-pickup.service"]
    assert f"ReadWritePaths={given.home}\n" in texts["send-ready-night.service"]
    own = services.unit_texts(given, Place(tmp_path, where.settings, "amina", False), ["night"])
    assert "User=" not in own["send-ready-night.service"] and "Protect" not in own["send-ready-night.service"]
    with pytest.raises(RunError, match="has a sign in it"):
        services.unit_texts(setting.load({"SEND_HOME": str(tmp_path / "a b")}), where, ["night"])


def test_what_a_unit_starts_is_a_command_that_there_is() -> None:
    from commands.cli import parser

    for path in (PROJECT / "deploy" / "systemd").glob("*.service"):
        (started,) = [line for line in path.read_text().splitlines() if line.startswith("ExecStart=")]
        parser().parse_args(started.partition(".venv/bin/send-ready ")[2].split())


def test_a_crontab_keeps_what_else_stands_in_it(
    given: Settings, machine: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, tmp_path, False)
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: 0)
        with pytest.raises(RunError, match="would do the nights as root"):
            list(services.install_cron(given, {}))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    (tmp_path / "crontab").write_text("0 5 * * * /usr/local/bin/mine\n")
    list(services.install_cron(given, {}))
    text = (tmp_path / "crontab").read_text()
    assert text.startswith("0 5 * * * /usr/local/bin/mine\n") and text.count("send-ready run") == 1
    assert list(services.install_cron(given, {}))[-1] == "The crontab is as it should be."
    list(services.install_cron(given, {}, remove=True))
    assert (tmp_path / "crontab").read_text() == "0 5 * * * /usr/local/bin/mine\n"
    line = next(line for line in text.splitlines() if " run " in line)
    assert line.startswith("0 2 * * * cd ") and "%" not in line  # which cron takes for the end of a line


def test_root_is_told_whose_the_nights_are(given: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        assert services.place(given).is_of_machine is False
        return
    with pytest.raises(RunError, match="useradd --system"):
        services.place(given)
    os.chown(given.home, 65534, -1)
    assert services.place(given).account == "nobody"
