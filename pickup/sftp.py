"""SFTP, by paramiko. The key of the server is one that a person has written into pickup.yml, or nothing is sent.

fsspec has SFTP too, and takes the key of any server that answers, so it is not used here.
"""

import errno
import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pickup.sources import FILE, Source
from pickup.store import CONNECT, PIECE, SILENCE, RemoteFile, moment
from pickup.trouble import Trouble, gone, silent, wrong_login

if TYPE_CHECKING:
    import paramiko

PORT = 22


class Sftp:
    """The files of one folder of an SFTP server."""

    settles = True

    def __init__(self, client: "paramiko.SFTPClient", folder: str, where: str):
        self._client, self._folder, self._where = client, folder, where

    def listing(self) -> list[RemoteFile]:
        with _explained(self._where, f"its folder {self._folder}"):
            found = self._client.listdir_attr(self._folder)
        return [
            RemoteFile(each.filename, each.st_size, moment(each.st_mtime or 0), each.st_mtime)
            for each in found
            if each.st_mode is not None and stat.S_ISREG(each.st_mode)
        ]

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        path = f"{self._folder.rstrip('/')}/{file.name}"
        with _explained(self._where, file.name), self._client.open(path, "rb") as remote:
            before = remote.stat()
            remote.prefetch(before.st_size, max_concurrent_requests=64)
            while piece := remote.read(PIECE):
                yield piece
            after = self._client.stat(path)
            if (before.st_size, before.st_mtime) != (after.st_size, after.st_mtime) or before.st_size != file.size:
                raise Trouble("It was written to while it was read. The next pickup takes it.", may_pass=True)


@contextmanager
def opened(source: Source) -> Iterator[Sftp]:
    """A connection to the server of a source, whose key is known. Raises Trouble."""
    import paramiko

    logging.getLogger("paramiko").setLevel(logging.CRITICAL)  # it logs tracebacks of what is told here in words
    _quiet_reader()
    host, port = source.options["host"], int(source.options["port"] or PORT)
    where = f"{host}:{port}"
    user = source.secret("USER") or source.options["user"]
    if not user:
        raise Trouble(f"Nobody said as whom to sign in at {where}. Set {source.variable}USER.")
    with _explained(where, "the connection"):
        connection = socket.create_connection((host, port), timeout=CONNECT)
        transport = paramiko.Transport(connection)
        try:
            transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = CONNECT
            transport.start_client(timeout=CONNECT)
            _must_be_known(source, where, transport.get_remote_server_key())
            _sign_in(source, transport, user, where)
            client = paramiko.SFTPClient.from_transport(transport)
            if not (client and (channel := client.get_channel())):
                raise gone(where, "gives no SFTP")
            channel.settimeout(SILENCE)
            yield Sftp(client, source.options["folder"], where)
        finally:
            transport.close()


def _must_be_known(source: Source, where: str, key: Any) -> None:
    """Raise Trouble unless the server's key is one that pickup.yml names. No name or password was sent yet."""
    shown, kind = key.fingerprint, key.get_name()
    pinned = source.options["host_key"]
    if not pinned:
        raise Trouble(
            f"{where} showed the key {shown} ({kind}), and nobody has said that it is the right one. Ask whoever runs "
            f"the server for the fingerprint, by another way than this connection. If it is the same, write `host_key: "
            f"{shown}` below `{source.name}` in {FILE}. Nothing was sent."
        )
    if shown not in ([pinned] if isinstance(pinned, str) else pinned):
        raise Trouble(
            f"{where} showed another key than {FILE} names: {shown} ({kind}). Either the server was set up anew, or "
            f"somebody stands between it and this machine. Nothing was sent. Ask whoever runs it, by another way than "
            f"this connection; only if they name the same fingerprint, write it in place of `host_key` of "
            f"`{source.name}`, or beside it as a list while both are in use."
        )


def _sign_in(source: Source, transport: "paramiko.Transport", user: str, where: str) -> None:
    import paramiko

    try:
        if path := source.secret("KEY_FILE"):
            transport.auth_publickey(user, _key(source, Path(path)))
        elif password := source.secret("PASSWORD"):
            transport.auth_password(user, password)
        else:
            raise Trouble(
                f"There is neither a password nor a key for {where}. Set {source.variable}PASSWORD or "
                f"{source.variable}KEY_FILE."
            )
    except paramiko.AuthenticationException:
        raise wrong_login(where, source.name) from None


def _key(source: Source, path: Path) -> Any:
    import paramiko

    setting = f"{source.variable}KEY_FILE"
    try:
        if path.stat().st_mode & 0o077:
            raise Trouble(f"The key that {setting} names can be read by others. Run: chmod 600 {path}")
        return paramiko.PKey.from_path(path, source.secret("KEY_PASSPHRASE").encode() or None)
    except OSError as error:
        raise Trouble(f"The key that {setting} names cannot be read: {error.strerror}.") from None
    except (paramiko.SSHException, ValueError, TypeError):
        raise Trouble(
            f"The key that {setting} names is no private key that can be used, or has a passphrase that "
            f"{source.variable}KEY_PASSPHRASE does not give."
        ) from None


def _quiet_reader() -> None:
    """What reads ahead does so in a thread, which dies with the connection; `read` tells of that, in words."""
    before = threading.excepthook

    def hook(failed: threading.ExceptHookArgs) -> None:
        if not (failed.thread and "_prefetch_thread" in failed.thread.name):
            before(failed)

    threading.excepthook = hook


@contextmanager
def _explained(where: str, what: str) -> Iterator[None]:
    """What goes wrong, as Trouble."""
    import paramiko

    try:
        yield
    except Trouble:
        raise
    except TimeoutError:
        raise silent(where, SILENCE) from None
    except socket.gaierror:
        raise gone(where, "is not a name that this machine knows") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.ENOENT):
            said = "may not be read" if error.errno == errno.EACCES else "is not there"
            raise Trouble(f"{where}: {what} {said}. Ask whoever runs the server.") from None
        raise gone(where, f"gave no connection ({os.strerror(error.errno) if error.errno else 'lost'})") from None
    except (paramiko.SSHException, EOFError):
        raise gone(where) from None
