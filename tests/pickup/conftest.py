"""Where files come from, as councils have it: a real SFTP server, a web server that can misbehave, a store, a database.

Each listens on 127.0.0.1 alone, for the length of a file of tests.
"""

import datetime as dt
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from pickup import sources, transfer
from pickup.sources import Source
from pickup.transfer import PickedUp
from send_ready import settings as setting
from send_ready.settings import Settings
from tests.debian import sshd
from tests.servers import postgres

__all__ = ["postgres"]


@dataclass
class House:
    """A SEND_HOME with an inbox and a pickup.yml."""

    folder: Path
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        env = {"SEND_HOME": str(self.folder / "home"), "SEND_CONFIG": str(self.folder / "config")}
        return setting.load({**env, "AS_AT": "2026-11-16", **self.secrets})

    @property
    def inbox(self) -> Path:
        return self.settings.inbox

    def source(self, **entry: Any) -> Source:
        """The source `exports`, as pickup.yml has it."""
        (self.folder / "config" / sources.FILE).write_text(yaml.safe_dump({"exports": entry}), encoding="utf-8")
        return sources.load(self.settings)[0]

    def pick_up(self, again: bool = False, **entry: Any) -> PickedUp:
        return transfer.pick_up(self.source(**entry), self.settings, again=again)

    def held(self) -> dict[str, bytes]:
        """All that lies in the inbox, hidden files too."""
        return {
            path.relative_to(self.inbox).as_posix(): path.read_bytes()
            for path in self.inbox.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("home", "config"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(transfer, "SETTLE_SECONDS", 0.05)
    return House(tmp_path)


def said(came: PickedUp) -> str:
    """The troubles of a pickup, as one text."""
    return "\n".join(map(str, came.troubles))


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


# SFTP


@dataclass
class SftpServer:
    """Debian's sshd, for one user, with one key."""

    folder: Path
    port: int
    user: str
    process: subprocess.Popen[bytes] | None = None

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def secrets(self) -> dict[str, str]:
        return {"SEND_PICKUP_EXPORTS_USER": self.user, "SEND_PICKUP_EXPORTS_KEY_FILE": str(self.folder / "login")}

    def fingerprint(self, name: str = "host") -> str:
        said = subprocess.run(["ssh-keygen", "-lf", self.folder / f"{name}.pub"], capture_output=True, text=True)
        return said.stdout.split()[1]

    def entry(self, **more: Any) -> dict[str, Any]:
        place = {"from": "sftp", "host": "127.0.0.1", "port": self.port, "folder": str(self.files)}
        return place | {"files": ["*.csv"], "host_key": self.fingerprint()} | more

    def start(self, host_key: str = "host") -> None:
        config = self.folder / "config"
        config.write_text(
            f"ListenAddress 127.0.0.1\nPort {self.port}\nHostKey {self.folder / host_key}\nPidFile none\n"
            f"AuthorizedKeysFile {self.folder / 'login.pub'}\nStrictModes no\nUsePAM no\nPasswordAuthentication yes\n"
            "Subsystem sftp internal-sftp\nForceCommand internal-sftp\nMaxAuthTries 3\n"
        )
        command = [sshd(), "-D", "-e", "-f", str(config)]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, stderr=log, start_new_session=True)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise RuntimeError((self.folder / "log").read_text())

    def stop(self) -> None:
        """All of it at once, sessions too, as when its machine goes away."""
        if not self.process:
            return
        family = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None


@pytest.fixture
def sftp_server() -> Iterator[SftpServer]:
    folder = Path(tempfile.mkdtemp(prefix="sftp_", dir="/tmp"))
    folder.chmod(0o755)  # the login is not ours where we are root
    found = SftpServer(folder, free_port(), "nobody" if os.geteuid() == 0 else os.environ.get("USER", ""))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "other", "login"):
        key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(key, check=True)
        (folder / f"{name}.pub").chmod(0o644)
    found.files.mkdir(mode=0o755)
    found.files.chmod(0o755)
    try:
        found.start()
        yield found
    finally:
        found.stop()
        shutil.rmtree(folder)


# HTTPS


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class WebServer:
    """A server with a certificate of an authority of our own; `answers` by path."""

    port: int
    ca_file: Path
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/students_20261116.csv") -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def entry(self, path: str = "/students_20261116.csv", **more: Any) -> dict[str, Any]:
        return {"from": "https", "url": self.url(path), "ca_file": str(self.ca_file)} | more

    def gives(self, path: str, body: bytes, status: int = 200, said: int | None = None, **headers: str) -> None:
        """Answer a path; `said` is a length that is not that of the body."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(body) if said is None else said))
            handler.end_headers()
            if handler.command != "HEAD":
                with suppress(OSError):
                    handler.wfile.write(body)
            handler.close_connection = True

        self.answers[path] = answer


@contextmanager
def web_server(folder: Path, host: str = "127.0.0.1") -> Iterator[WebServer]:
    """A web server whose certificate is for `host`."""
    ca_file, certificate = _certificates(folder, host)
    found = WebServer(0, ca_file)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found.asked.append((self.command, self.path, dict(self.headers)))
            if answer := found.answers.get(path):
                answer(self)
            else:
                self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebServer]:
    with web_server(tmp_path) as found:
        yield found


def _certificates(folder: Path, host: str) -> tuple[Path, Path]:
    """The certificate of an authority, and one that it gave to a host, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def made(subject: str, key: Any, by: Any, is_authority: bool) -> x509.Certificate:
        today = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("Authority"))
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(today - dt.timedelta(1)).not_valid_after(today + dt.timedelta(1))
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        return builder.sign(by, hashes.SHA256())

    def pem(*parts: Any) -> bytes:
        plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return b"".join(
            part.public_bytes(serialization.Encoding.PEM)
            if isinstance(part, x509.Certificate)
            else part.private_bytes(*plain)
            for part in parts
        )

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_file, certificate = folder / "authority.pem", folder / "server.pem"
    ca_file.write_bytes(pem(made("Authority", authority, authority, True)))
    certificate.write_bytes(pem(made(host, own, authority, False), own))
    return ca_file, certificate


# A store


@dataclass
class ObjectStore:
    """moto's S3 server in a process of its own, and a client for the test."""

    endpoint: str
    client: Any

    def entry(self, **more: Any) -> dict[str, Any]:
        return {
            "from": "s3",
            "bucket": "council",
            "prefix": "send/",
            "files": ["*.csv"],
            "endpoint": self.endpoint,
        } | more

    def put(self, key: str, body: bytes, **more: Any) -> None:
        self.client.put_object(Bucket="council", Key=key, Body=body, **more)


STORE = (
    "import sys; from moto.server import ThreadedMotoServer as S; "
    "s = S('127.0.0.1', int(sys.argv[1]), verbose=False); s.start(); s._thread.join()"
)


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    import boto3
    from botocore.config import Config

    port = free_port()
    command = [sys.executable, "-c", STORE, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    quick = Config(retries={"total_max_attempts": 20, "mode": "standard"}, connect_timeout=5)
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="x",
        aws_secret_access_key="y",
        region_name="eu-west-2",
        config=quick,
    )
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        client.create_bucket(Bucket="council", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        yield ObjectStore(endpoint, client)
    finally:
        process.kill()
        process.wait()
