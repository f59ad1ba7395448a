"""Archives: an ordinary `.tar.gz` of regular files that ends with a list of them.

The list, `send-ready-backup.json`, is the last member, with the size and the SHA-256 of every other: an archive without
it was cut off. An archive may come from anywhere, so that nothing in it is believed before all of it was read: it
holds regular files under plain relative names and nothing else, and its headers cannot make reading take more memory.
"""

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from send_ready import confined, files
from send_ready.runs import RunError

LIST = "send-ready-backup.json"
FORMAT = 1
LEVEL = 1  # exports shrink to a fifth all the same, at the speed of a network share
CHUNK = 1 << 20
LARGEST_READ = 64 * CHUNK  # at once: the list is read whole, a file never is
MOST_FILES = 300_000
MODES = 0o777  # no more bits: nothing in a backup runs as its owner
NOT_AN_ARCHIVE = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError, LookupError, OverflowError)


@dataclass(frozen=True)
class Held:
    """A file for the archive: its name there, and its path, or its bytes from when its folder was locked."""

    name: str
    source: Path | bytes


class Readable(Protocol):
    """A file of an archive that can be read until the next one is."""

    def read(self, size: int = -1, /) -> bytes: ...


def write(path: Path, contents: Iterable[Held], about: dict[str, Any]) -> dict[str, Any]:
    """The list of a new archive (`about`, and `files` with their hashes), after it was written and is on the disk."""
    written: dict[str, dict[str, Any]] = {}
    path.unlink(missing_ok=True)  # what a killed backup left, or a link that somebody put there
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as raw:
        with (
            gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|", bufsize=CHUNK, format=tarfile.PAX_FORMAT) as tar,
        ):
            for held in contents:
                written[held.name] = _add(tar, held)
            listed = {**about, "format": FORMAT, "files": written}
            _add(tar, Held(LIST, json.dumps(listed, sort_keys=True).encode()))
        raw.flush()
        os.fsync(raw.fileno())
    return listed


def checked_list(path: Path, folders: Collection[str], room: int | None = None) -> dict[str, Any]:
    """The list of an archive that was read to its end and is as listed, below `folders`. Raises RunError.

    `room` is how many bytes it may come to, if that is limited: looked at before they are unpacked.
    """
    found: dict[str, tuple[int, str]] = {}
    text = b""
    with opened(path, folders, room) as members:
        for name, content in members:
            if text:
                raise RunError(_refused(path, "something follows its list of files"))
            if name == LIST:
                text = content.read(LARGEST_READ)
            else:
                found[name] = _measured(content)
    try:
        listed: dict[str, Any] = json.loads(text)
        wanted = {name: (each["bytes"], each["sha256"]) for name, each in listed["files"].items()}
        layout = listed["format"]
        if not all(type(each["mode"]) is int and 0 <= each["mode"] <= MODES for each in listed["files"].values()):
            raise ValueError("a mode that no file of a backup has")
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise RunError(
            _refused(path, "it has no list of its files, so it was cut off, or is something else")
        ) from error
    if layout != FORMAT:
        raise RunError(_refused(path, f"its layout is {layout}, and this version of SEND Ready reads {FORMAT}"))
    if wanted != found or any(str(parent) in found for name in found for parent in PurePosixPath(name).parents):
        raise RunError(_refused(path, "its files are not those on its list"))
    return listed


@contextmanager
def opened(path: Path, folders: Collection[str], room: int | None = None) -> Iterator[Iterator[tuple[str, Readable]]]:
    """The name and content of each file of an archive, in order, each to be read before the next. Raises RunError.

    When the block ends, its bytes have been read up to the checksum of the whole. What is raised in the block passes.
    """
    try:
        packed = gzip.open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise RunError(_unread(path, error)) from error
    with packed:
        forward = _Forward(path, packed)
        yield _members(forward, folders, room)
        while rest := forward.read(CHUNK):
            if rest.strip(b"\0"):
                raise RunError(_refused(path, "something follows its end"))


def _members(forward: "_Forward", folders: Collection[str], room: int | None) -> Iterator[tuple[str, Readable]]:
    seen: set[str] = set()
    size = 0
    with forward.explained():
        tar = tarfile.open(fileobj=forward, mode="r:")  # type: ignore[call-overload]  # noqa: SIM115  # nothing to close
    while True:
        with forward.explained():
            member = tar.next()
            if member is None:
                return
            tar.members.clear()  # it would keep them all
            is_regular = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
            is_plain = is_regular and not member.mode & ~MODES
            content = tar.extractfile(member) if is_plain and _is_expected(member.name, folders) else None
        if content is None or member.name in seen:
            raise RunError(_refused(forward.path, "it holds something that no backup holds"))
        if len(seen) == MOST_FILES:
            raise RunError(_refused(forward.path, f"it holds more than {MOST_FILES:,} files"))
        seen.add(member.name)
        size += member.size
        if room is not None and size > room:
            raise RunError(_refused(forward.path, f"it comes to more than the {room:,} bytes that are free"))
        yield member.name, _Content(forward, content)


def _is_expected(name: str, folders: Collection[str]) -> bool:
    """Whether a name is that of the list, or a plain relative path below one of the folders."""
    path = PurePosixPath(name)
    is_plain = str(path) == name and not any(sign < " " or sign == "\x7f" for sign in name)
    is_short = len(path.parts) <= confined.MOST_PARTS and all(
        len(os.fsencode(part)) <= confined.LONGEST_PART for part in path.parts
    )
    is_shown = not any(part.startswith(".") for part in path.parts)  # no backup holds what is hidden
    return is_plain and is_short and is_shown and (name == LIST or (len(path.parts) > 1 and path.parts[0] in folders))


def _add(tar: tarfile.TarFile, held: Held) -> dict[str, Any]:
    member = tarfile.TarInfo(held.name)
    member.mode = 0o600
    if isinstance(held.source, bytes):
        member.size = len(held.source)
        tar.addfile(member, io.BytesIO(held.source))
        return {"bytes": member.size, "sha256": hashlib.sha256(held.source).hexdigest(), "mode": member.mode}
    with files.regular(held.source, follow=False) as file:
        about = os.fstat(file.fileno())
        member.size, member.mtime, member.mode = about.st_size, int(about.st_mtime), about.st_mode & 0o700
        hashed = _Hashed(file)
        tar.addfile(member, hashed)  # type: ignore[arg-type]  # which only reads
    return {"bytes": member.size, "sha256": hashed.sha256, "mode": member.mode}


def _measured(content: Readable) -> tuple[int, str]:
    size, hashed = 0, _Hashed(content)
    while chunk := hashed.read(CHUNK):
        size += len(chunk)
    return size, hashed.sha256


def _refused(path: Path, why: str) -> str:
    return f"{path} is no backup that can be restored: {why}. Nothing was changed. Take another one."


def _unread(path: Path, error: OSError) -> str:
    return f"{path} cannot be read: {error.strerror or error}. Nothing was changed."


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: Readable | IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._digest.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Content:
    """A file of the archive whose read errors are explained."""

    def __init__(self, forward: "_Forward", content: IO[bytes]) -> None:
        self._forward, self._content = forward, content

    def read(self, size: int = -1, /) -> bytes:
        with self._forward.explained():
            return self._content.read(size)


class _Forward:
    """The unpacked bytes, from front to back, in pieces of limited size."""

    def __init__(self, path: Path, packed: gzip.GzipFile) -> None:
        self.path, self._packed = path, packed

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError("a header claims to be huge")
        with self.explained():
            return self._packed.read(size)

    def tell(self) -> int:
        return self._packed.tell()

    def seek(self, place: int) -> int:
        if place < self.tell():
            raise tarfile.ReadError("a header points backwards")
        while ahead := place - self.tell():
            if not self._packed.read(min(ahead, CHUNK)):
                break
        return self.tell()

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn any error of reading damaged bytes into one sentence."""
        try:
            yield
        except NOT_AN_ARCHIVE as error:
            raise RunError(_refused(self.path, "it is damaged or cut off")) from error
        except OSError as error:
            raise RunError(_unread(self.path, error)) from error
