"""The team server's deployment: its shape by the Compose schema, and what must hold for children's data."""

import json
import re
import shutil
import subprocess
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
TEXT = (PROJECT / "docker-compose.yml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
AIRFLOW = sorted(set(SERVICES) - {"postgres"})
LASTING = sorted(set(SERVICES) - {"init"})
DOCKERFILE = (PROJECT / "deploy" / "docker" / "Dockerfile").read_text("utf-8")
SECRETS = {
    "POSTGRES_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
    "AIRFLOW_FERNET_KEY",
    "AIRFLOW_ADMIN_PASSWORD",
}


def example() -> dict[str, str]:
    """The lines of .env.example that set something."""
    lines = (PROJECT / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def docker_compose() -> bool:
    docker = shutil.which("docker")
    return bool(docker) and subprocess.run([str(docker), "compose", "version"], capture_output=True).returncode == 0


def test_is_a_compose_file() -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(vendored.read_text("utf-8"))
    checker = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in checker.iter_errors(COMPOSE)] == []
    assert list(checker.iter_errors({"services": {"x": {"imagine": "this"}}}))  # the schema does refuse


@pytest.mark.skipif(not docker_compose(), reason="the Docker client here has no Compose; the schema is checked above")
def test_docker_compose_takes_it_with_every_value_and_refuses_it_with_one_missing(tmp_path: Path) -> None:
    def config(values: dict[str, str]) -> subprocess.CompletedProcess[str]:
        env = tmp_path / "env"
        env.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        command = ["docker", "compose", "--env-file", str(env), "--file", str(PROJECT / "docker-compose.yml"), "config"]
        return subprocess.run([*command, "--quiet"], capture_output=True, text=True)

    every = dict.fromkeys(example(), "/x")
    assert config(every).returncode == 0
    for key in every:
        refused = config(every | {key: ""})
        assert refused.returncode != 0
        assert key in refused.stderr


def test_the_services_of_a_server() -> None:
    assert set(SERVICES) == {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer"}
    assert [SERVICES[name]["command"] for name in ("api-server", "scheduler", "dag-processor", "triggerer")] == [
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
    ]


def test_every_secret_and_place_comes_from_env_and_has_no_default() -> None:
    used = re.findall(r"\$\{(\w+)(:?[?-])?([^}]*)\}", TEXT.replace("$${", ""))
    required = {name for name, sign, _ in used if sign == ":?"}
    assert {name for name, sign, _ in used if sign != ":?"} == {"SEND_CODE_STYLE", "SEND_RELEASE_PASSWORD_FILE"}
    assert all(message == f"set {name} in .env" for name, sign, message in used if sign == ":?")
    assert required == set(example())
    assert required >= SECRETS
    assert set(example().values()) == {""}


def test_no_password_is_written_down() -> None:
    for name, service in SERVICES.items():
        for key, value in service["environment"].items():
            if re.search(r"PASSWORD$|SECRET|FERNET|SQL_ALCHEMY_CONN|DATABASE$", key):
                assert re.search(r"\$\{\w+:\?", value), f"{name}: {key}"


def test_keys_are_shared_by_all_of_airflow() -> None:
    for key in ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__API__SECRET_KEY"):
        assert len({SERVICES[name]["environment"][key] for name in AIRFLOW}) == 1


def test_people_have_names_of_their_own() -> None:
    for name in AIRFLOW:
        environment = SERVICES[name]["environment"]
        assert environment["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")
        assert not any("ALL_ADMINS" in key for key in environment)


def test_who_may_release_is_named_and_looked_up_where_airflow_keeps_it() -> None:
    """And by the steps alone: no other service needs either."""
    environment = SERVICES["scheduler"]["environment"]
    assert environment["SEND_APPROVERS"] == "${SEND_APPROVERS:?set SEND_APPROVERS in .env}"
    assert environment["SEND_AIRFLOW_DATABASE"] == environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    for name in set(SERVICES) - {"scheduler"}:
        assert not {"SEND_APPROVERS", "SEND_AIRFLOW_DATABASE"} & set(SERVICES[name]["environment"])


@pytest.mark.parametrize("name", SERVICES)
def test_containers_can_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] not in ("", "root", "0", "0:0")
    assert not service["user"].startswith("0:")
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert not service.get("privileged")
    assert not any("docker.sock" in str(volume) for volume in service["volumes"])


def test_only_the_web_page_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080"]}
    assert all("network_mode" not in service for service in SERVICES.values())
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert {name for name, service in SERVICES.items() if service["networks"] != ["inside"]} == {"api-server"}


def test_only_the_scheduler_sees_records_and_it_cannot_change_exports() -> None:
    seen = {name: [str(volume) for volume in service["volumes"]] for name, service in SERVICES.items()}
    assert {name for name, volumes in seen.items() if any(":/send/" in volume for volume in volumes)} == {"scheduler"}
    by_place = {volume.split(":/send/")[1]: volume for volume in seen["scheduler"] if ":/send/" in volume}
    assert set(by_place) == {"home", "inbox:ro", "config:ro"}
    environment = SERVICES["scheduler"]["environment"]
    places = (environment["SEND_HOME"], environment["SEND_INBOX"], environment["SEND_CONFIG"])
    assert places == ("/send/home", "/send/inbox", "/send/config")


@pytest.mark.parametrize("name", LASTING)
def test_everything_that_lasts_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_things_start_in_order() -> None:
    def waits_for(name: str) -> dict[str, str]:
        return {other: what["condition"] for other, what in SERVICES[name]["depends_on"].items()}

    assert waits_for("init") == {"postgres": "service_healthy"}
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        assert waits_for(name)["init"] == "service_completed_successfully"
    assert waits_for("scheduler")["api-server"] == "service_healthy"  # tasks ask it for leave to start


def test_the_image_has_what_is_locked() -> None:
    lock = tomllib.loads((PROJECT / "uv.lock").read_text("utf-8"))
    airflow = next(package["version"] for package in lock["package"] if package["name"] == "apache-airflow")
    assert f"apache/airflow:{airflow}-python3.11" in DOCKERFILE
    wanted = re.search(r"^UV_VERSION := (\S+)$", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert wanted
    assert f"ARG UV_VERSION={wanted[1]}\n" in DOCKERFILE
    assert all("--locked" in line for line in DOCKERFILE.splitlines() if "uv sync" in line)
    assert SERVICES["postgres"]["image"] == "postgres:17"


def test_the_image_holds_every_room_and_nothing_else() -> None:
    rooms = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["tool"]["uv"]["build-backend"]["module-name"]
    ignore = (PROJECT / "deploy" / "docker" / "Dockerfile.dockerignore").read_text("utf-8").split()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    assert "*" in ignore
    assert kept == {*rooms, "dags", "plugins", "dbt_project", "pyproject.toml", "uv.lock", "README.md"}


def test_the_image_runs_as_nobody_special_and_knows_the_pipelines_program() -> None:
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "airflow"
    assert "SEND_COMMAND=/opt/send/.venv/bin/send-ready" in DOCKERFILE
    for what, place in (("DAGS", "/opt/send/dags"), ("PLUGINS", "/opt/send/plugins")):
        assert {SERVICES[name]["environment"][f"AIRFLOW__CORE__{what}_FOLDER"] for name in AIRFLOW} == {place}


def test_airflows_own_processes_can_tell_when_lists_are_due() -> None:
    assert "PYTHONPATH=/opt/send" in DOCKERFILE
    assert "grep '^holidays=='" in DOCKERFILE
    lock = tomllib.loads((PROJECT / "uv.lock").read_text("utf-8"))
    (holidays,) = (package for package in lock["package"] if package["name"] == "holidays")
    needed = {dependency["name"] for dependency in holidays["dependencies"]}
    assert needed == {"python-dateutil"}  # which Airflow has


def added(name: str) -> dict[str, Any]:
    """The services of a file that is laid over the server's; merged with it, it is a Compose file."""
    over: dict[str, Any] = yaml.safe_load((PROJECT / "deploy" / "docker" / f"{name}.yml").read_text("utf-8"))
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(COMPOSE | over | {"services": SERVICES | over["services"]}, json.loads(vendored.read_text()))
    return dict(over["services"])


def test_the_watchdog_is_added_by_choice_and_can_do_little() -> None:
    watchdog = added("alerts")
    assert set(watchdog) == {"watch"}
    watch = watchdog["watch"]
    for key in ("cap_drop", "security_opt", "read_only", "user", "image"):
        assert watch[key] == SERVICES["scheduler"][key], key
    (out,) = watch["volumes"]
    assert out.endswith("/out:/send/home/out")
    assert "ports" not in watch
    database = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    assert watch["environment"][database] == SERVICES["scheduler"]["environment"][database]
    assert "SEND_ALERT_URL" not in TEXT


def test_the_warehouse_for_bi_is_a_server_of_its_own_that_only_this_machine_reaches() -> None:
    services = added("warehouse")
    warehouse = services["warehouse"]
    for key in ("cap_drop", "security_opt", "read_only", "user", "image"):
        assert warehouse[key] == SERVICES["postgres"][key], key
    assert warehouse["ports"] == ["127.0.0.1:5433:5432"]
    assert warehouse["volumes"][0] == "warehouse:/var/lib/postgresql/data"
    assert all(re.match(r"\$\{\w+:\?", value) for key, value in warehouse["environment"].items() if "PASSWORD" in key)
    for volume in warehouse["volumes"][1:]:
        place, _, options = volume.partition(":")
        assert (PROJECT / place).is_file()
        assert options.startswith("/docker-entrypoint-initdb.d/")
        assert options.endswith(":ro")
    assert "networks" not in services["scheduler"]  # it stays inside
    assert set(services["scheduler"]["environment"]) == {"SEND_PUBLISH_URL"}


def test_only_where_files_come_by_themselves_is_the_inbox_written_to() -> None:
    (scheduler,) = added("pickup").values()
    inbox = "${SEND_INBOX_FOLDER:?set SEND_INBOX_FOLDER in .env}:/send/inbox"
    assert scheduler["volumes"] == [inbox]
    assert f"{inbox}:ro" in SERVICES["scheduler"]["volumes"]
    assert scheduler["networks"] == ["inside", "outside"]
    assert ".env.pickup" in (PROJECT / ".gitignore").read_text().split()  # secrets are nobody's to commit


def test_only_for_a_database_of_the_councils_own_may_the_scheduler_reach_out() -> None:
    assert added("own-postgres") == {
        "scheduler": {
            "networks": ["inside", "outside"],
            "environment": {"SEND_PUBLISH_URL": "${SEND_PUBLISH_URL:?set SEND_PUBLISH_URL in .env}"},
        }
    }
