"""The watchdog's units: sound in systemd's eyes, shut off from what they do not need, and starting what there is."""

import shutil
import subprocess
from pathlib import Path

import pytest

from send_ready.settings import PROJECT

UNITS = PROJECT / "deploy" / "systemd"
SERVICE, TIMER = UNITS / "send-ready-watch.service", UNITS / "send-ready-watch.timer"
ANALYZE = shutil.which("systemd-analyze")
EXPOSURE = 20  # of 100, in tenths of what `systemd-analyze security` shows


def settings_of(unit: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        name, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_it_starts_the_watchdog_as_a_user_who_may_do_little() -> None:
    service = settings_of(SERVICE)
    assert service["ExecStart"] == ["/opt/send-ready/.venv/bin/send-ready watch"]
    assert service["Type"] == ["oneshot"]
    assert service["User"] == ["send"]
    assert service["UMask"] == ["0077"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["NoNewPrivileges"] == ["yes"]
    assert service["CapabilityBoundingSet"] == [""]
    assert service["ReadWritePaths"] == ["-/srv/send/out -/srv/send/airflow"]
    hidden = service["InaccessiblePaths"][0].replace("-", "").split()
    assert {Path(each).name for each in hidden} == {"inbox", "landing", "runs", "published"}
    assert "EnvironmentFile" in service  # where secrets are, and not in a unit that everybody may read
    assert not any("ALERT" in value or "CONN" in value for value in service["Environment"])


def test_a_round_ends_before_the_next_begins() -> None:
    assert settings_of(TIMER)["OnCalendar"] == ["*:0/5"]
    assert settings_of(SERVICE)["TimeoutStartSec"] == ["4min"]


@pytest.mark.skipif(not ANALYZE, reason="no systemd here")
def test_systemd_finds_nothing_wrong_and_little_exposed(tmp_path: Path) -> None:
    program = tmp_path / ".venv" / "bin" / "send-ready"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
    for unit in (SERVICE, TIMER):
        text = unit.read_text(encoding="utf-8").replace("/opt/send-ready", str(tmp_path))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    service = str(tmp_path / SERVICE.name)
    for check in (
        ["verify", "--man=no", service, str(tmp_path / TIMER.name)],
        ["security", "--offline=true", f"--threshold={EXPOSURE}", service],
    ):
        done = subprocess.run([str(ANALYZE), *check], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert SERVICE.name not in done.stderr, done.stderr
