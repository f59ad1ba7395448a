"""Metrics, traces and lineage of a night, sent by Airflow's own settings and received by collectors of the test's."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from commands import airflow_home
from send_ready import runs, settings
from tests.dags.conftest import PROJECT
from tests.waiting import HANG

STAND_IN = "#!/bin/sh\nexit 0\n"


@dataclass
class Collector:
    """What arrived: bodies by path over HTTP, lines over UDP."""

    url: str
    udp_port: int
    bodies: dict[str, list[bytes]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    @property
    def lineage(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies["/api/v1/lineage"]]

    @property
    def spans(self) -> set[str]:
        found = [ExportTraceServiceRequest.FromString(body) for body in self.bodies["/v1/traces"]]
        scopes = [scope for each in found for resource in each.resource_spans for scope in resource.scope_spans]
        return {span.name for scope in scopes for span in scope.spans}

    @property
    def metrics(self) -> set[str]:
        found = [ExportMetricsServiceRequest.FromString(body) for body in self.bodies["/v1/metrics"]]
        scopes = [scope for each in found for resource in each.resource_metrics for scope in resource.scope_metrics]
        return {metric.name for scope in scopes for metric in scope.metrics}


@pytest.fixture
def collector() -> Iterator[Collector]:
    """An OTLP and OpenLineage receiver over HTTP and a StatsD over UDP, on this machine only."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.bodies.setdefault(self.path, []).append(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server, socket.socket(type=socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        received = Collector(f"http://127.0.0.1:{server.server_port}", udp.getsockname()[1])
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def listen() -> None:
            while line := udp.recv(65536).decode():
                received.lines.append(line)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield received
        udp.sendto(b"", udp.getsockname())
        listener.join(timeout=HANG)
        server.shutdown()


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    """Plays the nightly DAG as `make run` does, with a stand-in for the pipeline and these variables set."""
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN)
    program.chmod(0o700)

    def run(variables: dict[str, str]) -> None:
        for key in [key for key in os.environ if key.startswith(("AIRFLOW", "SEND_", "OTEL_")) or key == "AS_AT"]:
            monkeypatch.delenv(key)
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        given = settings.load({"SEND_HOME": str(tmp_path / "home"), "AS_AT": "2026-11-16", "SEND_RUN_ID": "one"})
        runs.begin(given)
        env = airflow_home.environment(given, "run") | {"SEND_RUN_ID": "one", "SEND_COMMAND": str(program)}
        arguments = ["send_nightly", '{"as_at": "2026-11-16"}', str(tmp_path / "report.json")]
        command = [sys.executable, "-m", "commands.play_dag", *arguments]
        ours, parents = os.pipe()  # it ends when whoever plays it is gone
        done = subprocess.run(command, cwd=PROJECT, env=env, stdin=ours, capture_output=True, text=True, timeout=HANG)
        for end in (ours, parents):
            os.close(end)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]

    return run


def test_metrics_by_statsd_traces_and_lineage(collector: Collector, play: Callable[[dict[str, str]], None]) -> None:
    play(
        {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(collector.udp_port),
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "http", "url": collector.url}),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "send-ready",
        }
    )

    kinds = {name.partition(":")[0]: name.rpartition("|")[2] for name in collector.lines}
    assert kinds["airflow.dag.send_nightly.build.duration"] == "ms"
    assert kinds["airflow.ti.finish.send_nightly.publish.success"] == "c"

    assert {"task_run.build", "task_run.publish", "task_run.read.capita_one__students"} <= collector.spans

    ended = {event["job"]["name"]: event for event in collector.lineage if event["eventType"] == "COMPLETE"}
    assert {event["job"]["namespace"] for event in ended.values()} == {"send-ready"}

    def places(task: str, kind: str) -> set[str]:
        return {each["namespace"] + each["name"] for each in ended[f"send_nightly.{task}"][kind]}

    students = "file://SEND_HOME/landing/capita_one/students"
    assert places("read.capita_one__students", "outputs") == {students}
    assert students in places("build", "inputs")
    assert places("build", "outputs") == places("publish", "inputs") == places("serve", "inputs")
    assert places("publish", "outputs") == {"file://SEND_HOME/out/latest"}
    assert places("serve", "outputs") == {"file://SEND_HOME/serving"}


def test_metrics_by_opentelemetry(collector: Collector, play: Callable[[dict[str, str]], None]) -> None:
    play(
        {
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }
    )

    assert {"airflow.task.duration", "airflow.ti.finish", "airflow.operator_successes"} <= collector.metrics
