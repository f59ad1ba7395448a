"""What is shipped to be deployed: every Compose file, and passwords that somebody might have left anywhere."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = [PROJECT / "docker-compose.yml", *sorted((PROJECT / "deploy" / "docker").glob("*.yml"))]
SECRET = re.compile(r"PASSWORD$|SECRET|FERNET|TOKEN|SQL_ALCHEMY_CONN|PUBLISH_URL|ALERT_URL|CONN_")
# A password in a line of code or configuration that is neither a place, a question nor a stand-in of a document.
LEFT = re.compile(
    r"""(?i)\b\w*(?:password|passwd|secret|token)\w*["']?\s*[:=]\s*["']?(?:admin|airflow|postgres|send|pass|1234|changeme)\b"""
)


def tracked() -> list[Path]:
    """What is in the repository, but for tests and the lock."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True).stdout.decode()
    paths = [PROJECT / name for name in names.split("\0") if name and not name.startswith(("tests/", "uv.lock"))]
    return [
        path for path in paths if path.suffix in (".py", ".yml", ".yaml", ".toml", ".sh", ".md", ".cfg", ".example")
    ]


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_deployment_is_reached_from_its_machine_only_and_has_no_secret_of_its_own(path: Path) -> None:
    for name, service in (yaml.safe_load(path.read_text("utf-8")).get("services") or {}).items():
        assert all(re.match(r"127\.0\.0\.1:", port) for port in service.get("ports", ())), name
        assert "network_mode" not in service and not service.get("privileged"), name
        assert not [volume for volume in service.get("volumes", ()) if "docker.sock" in str(volume)], name
        for key, value in (service.get("environment") or {}).items():
            if SECRET.search(key) and value:
                assert re.search(r"\$\{\w+:[?-]", str(value)), f"{name}: {key}"
        if "image" in service:
            assert service["user"].split(":")[0] not in ("", "0", "root"), name
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


def test_no_password_was_left_anywhere() -> None:
    paths = tracked()
    assert len(paths) > 100
    lines = ((path, line) for path in paths for line in path.read_text("utf-8").splitlines())
    assert [f"{path.name}: {line.strip()}" for path, line in lines if LEFT.search(line)] == []
