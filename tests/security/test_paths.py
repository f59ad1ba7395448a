"""Names and paths that lead elsewhere: from the inbox, the environment, the command line and configuration."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.steps import SEND_READY
from tests.waiting import HANG

PROJECT = Path(__file__).resolve().parents[2]
SECRET = "Student ID,Surname\n1,Outsider\n"
UPWARDS = (
    "../escaped",
    "../../escaped",
    "/tmp/escaped",
    "..",
    ".",
    "a/../../../escaped",
    "a\nb",
    "$(touch escaped)",
    "~root",
)


class House:
    """A SEND_HOME with a neighbour whose files are nobody's business."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.inbox = folder, folder / "a" / "b" / "home", folder / "inbox"
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "secret.csv").write_text(SECRET)
        self.before = self.elsewhere()

    def send_ready(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
        env = kept | {"SEND_HOME": str(self.home), "SEND_INBOX": str(self.inbox), "AS_AT": "2026-11-16"} | environment
        command = [SEND_READY, *arguments]
        return subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=HANG)

    def elsewhere(self) -> dict[str, bytes | None]:
        """What lies beside SEND_HOME and the inbox, where nothing may come, change or go."""
        found = (path for path in self.folder.rglob("*") if not path.is_relative_to(self.home))
        return {
            str(path): path.read_bytes() if path.is_file() else None
            for path in found
            if not path.is_relative_to(self.inbox) and path not in self.home.parents
        }

    def holds(self, text: str) -> list[str]:
        files = (path for path in self.home.rglob("*") if path.is_file())
        return [str(path) for path in files if text.encode() in path.read_bytes()]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_link_in_the_inbox_is_not_followed(house: House) -> None:
    """Whoever may drop a file may not make the pipeline read what only its own user can."""
    house.inbox.mkdir()
    (house.inbox / "capita_one_students_20261116.csv").symlink_to(house.outside / "secret.csv")
    (house.inbox / "more").symlink_to(house.outside)
    (house.outside / "capita_one_students_20261115.csv").write_text(SECRET)
    os.mkfifo(house.inbox / "capita_one_students_20261114.csv")  # nor does it wait for ever
    assert house.send_ready("begin").returncode == 0
    assert house.send_ready("extract", "capita_one.students").returncode == 0
    assert house.holds("Outsider") == []
    assert not list(house.home.rglob("landing/**/*.csv"))


@pytest.mark.parametrize("name", [*UPWARDS, "x" * 5_000])
def test_a_run_lies_below_runs_whatever_its_name(house: House, name: str) -> None:
    done = house.send_ready("begin", SEND_RUN_ID=name)
    assert house.elsewhere() == house.before
    assert not (PROJECT / "escaped").exists()
    if done.returncode == 0:
        assert len(list((house.home / "runs").glob("*/run.json"))) == 1
        assert not [path for path in house.folder.rglob("*escaped*") if path.parent != house.home / "runs"]


@pytest.mark.parametrize("code", ["../", "99", "9990", "99 9", "９９９", "٩٩٩", "9'9", ".9."])
def test_a_council_is_three_digits_and_nothing_else(house: House, code: str) -> None:
    done = house.send_ready("begin", SEND_LA_CODE=code)
    assert done.returncode == 2
    assert "three-digit" in done.stderr
    assert not house.home.exists()


@pytest.mark.parametrize(
    "feed", ["../../outside/secret", "capita_one.../../x", "/etc/passwd", "capita_one.students/..", ""]
)
@pytest.mark.parametrize("command", ["extract", "verdict"])
def test_a_feed_is_one_of_those_that_there_are(house: House, command: str, feed: str) -> None:
    house.send_ready("begin")
    assert house.send_ready(command, feed).returncode != 0
    assert house.elsewhere() == house.before
    assert house.holds("Outsider") == []


@pytest.mark.parametrize(
    "asked",
    [
        {"notified_on": "2025-11-17/../../../escaped"},
        {"notified_on": "../escaped"},
        {"notified_on": "2025-11-17", "kind": "../../escaped"},
        {"notified_on": "2025-11-17", "kind": "full_inspection/../x"},
        {"notified_on": "2025-11-17", "kind": "'; touch escaped; '"},
        {"notified_on": ["2025-11-17"]},
        ["2025-11-17"],
    ],
)
def test_a_call_lies_below_inspections_whatever_was_asked(house: House, asked: object) -> None:
    refused = house.send_ready("request", SEND_REQUEST=json.dumps(asked), SEND_APPROVERS="amina")
    assert refused.returncode == 2
    assert "SEND_APPROVERS" not in refused.stderr
    assert house.elsewhere() == house.before
    assert not list(house.home.rglob("escaped*"))


@pytest.mark.parametrize("run", ["../../outside", "night/../../../outside"])
def test_a_decision_is_about_a_run_of_this_house(house: House, run: str) -> None:
    assert house.send_ready("release", "--approve", "--by", "A", SEND_RUN_ID=run).returncode == 2
    assert house.elsewhere() == house.before


def test_old_runs_that_are_links_take_nothing_with_them(house: House) -> None:
    (house.outside / "run.json").write_text('{"run_id": "old", "as_at": "2026-01-01", "la_code": "999"}')
    before = house.elsewhere()
    (house.home / "runs").mkdir(parents=True)
    for number in range(20):
        (house.home / "runs" / f"old{number}").symlink_to(house.outside)
    house.send_ready("begin")
    assert house.elsewhere() == before


def test_configuration_is_data_and_never_code(house: House) -> None:
    config = house.folder / "config"
    contract = config / "contracts" / "capita_one__students.yml"
    contract.parent.mkdir(parents=True)
    contract.write_text(f"title: !!python/object/apply:os.system ['touch {house.outside}/run']\n")
    before = house.elsewhere()
    done = house.send_ready("begin", SEND_CONFIG=str(config))
    assert done.returncode == 0
    assert "contracts/capita_one__students.yml: set aside." in done.stderr
    assert "is not YAML that can be read" in done.stderr
    assert house.elsewhere() == before
