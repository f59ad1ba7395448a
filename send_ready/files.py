"""Files that are whole or absent, and that only their owner can read."""

import ctypes
import errno
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO, cast

PRIVATE_UMASK = 0o077  # folders 0700, files 0600
READ_ONLY = 0o400
BY_UMASK = 0o666  # 0600 by our umask; what a default access list of out/ gives named people stays theirs
# A link in a file's place is not written through, nor a pipe waited for.
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD, RENAME_EXCHANGE: see renameat2(2), which Python does not offer


class NoRegularFileError(OSError):
    """A folder, a pipe or a device in the place of a file."""


def regular(path: Path, *, follow: bool = True) -> BufferedReader:
    """A regular file, open for reading. Raises OSError at once for anything else; without `follow` also for a link."""
    flags = os.O_NONBLOCK | os.O_CLOEXEC if follow else _SAFELY
    return cast(BufferedReader, _opened(path, flags | os.O_RDONLY, "rb"))


def held(path: Path) -> bytes:
    """The bytes of a file; empty when it is missing, cannot be read, or is a link or no regular file."""
    try:
        with regular(path, follow=False) as file:
            return file.read()
    except OSError:
        return b""


def visible(folder: Path) -> list[Path]:
    """The regular files below a folder, in order, without hidden ones (locks and unfinished files) and links."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            found += visible(path)
        elif path.is_file():
            found.append(path)
    return found


def created(path: Path) -> BinaryIO:
    """A new file, opened for writing in place of anything that an earlier process left, a link included."""
    path.unlink(missing_ok=True)
    return _opened(path, _SAFELY | os.O_WRONLY | os.O_CREAT | os.O_EXCL, "wb")


def appended(path: Path) -> BinaryIO:
    """A file opened for appending, created if needed. Raises OSError for a link or a pipe of that name."""
    return _opened(path, _SAFELY | os.O_RDWR | os.O_APPEND | os.O_CREAT, "ab+")


def _opened(path: Path, flags: int, mode: str) -> BinaryIO:
    descriptor = os.open(path, flags, BY_UMASK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NoRegularFileError(errno.EINVAL, "it is no regular file", str(path))
    return cast(BinaryIO, os.fdopen(descriptor, mode))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that a reader sees all of it or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with created(partial) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
        sync(path.parent)
    finally:
        partial.unlink(missing_ok=True)  # half a file helps nobody, least of all on a full disk


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that keeps no folders of its own, such as SMB's
            raise
    finally:
        os.close(descriptor)


def flush(folder: Path) -> None:
    """Flush everything in a folder to the disk, so that a link turned to it later is sound after a power cut."""
    for path in [*folder.rglob("*"), folder]:
        if not path.is_symlink():
            sync(path)


def exchange(one: Path, other: Path) -> bool:
    """Whether two paths were exchanged in one move; False where the file system cannot do that (NFS, SMB)."""
    swap = ctypes.CDLL(None, use_errno=True).renameat2
    if not swap(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE):
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def write_json(path: Path, value: Any) -> None:
    """Write JSON with sorted keys, so that equal values are equal bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """The contents of a JSON file. Raises OSError, and ValueError when it is not JSON."""
    with regular(path) as file:
        return json.loads(file.read().decode("utf-8"))


def read_yaml(path: Path) -> Any:
    """The contents of a YAML file. Raises ValueError, whose text names the file and what is wrong in it.

    What stands for something written elsewhere in the file (`*name`) is not taken, since a few lines of it may come to
    more than any memory holds; nor is a name that stands twice with different values.
    """
    import yaml

    is_plain, fast, telling = _readers()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise ValueError(f"{path} is not YAML that can be read: {error}") from None
    with suppress(yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError):
        if is_plain(text):
            return yaml.load(text, fast)  # noqa: S506  (both are safe_load's, with less)
    if fault := _fault(text):
        raise ValueError(f"{path} is not YAML that can be read: {fault}")
    return yaml.load(text, telling)  # noqa: S506


@lru_cache(maxsize=16)
def _fault(text: str) -> str:
    """What is wrong in a YAML text; empty when nothing is.

    Kept for the last texts: a night reads a bad file of SEND_CONFIG several times, and telling may take a tenth of a
    second.
    """
    import yaml

    try:
        yaml.load(text, _readers()[2])  # noqa: S506
    # Beside its own error, the library raises what converting a value came to, such as a date of the 45th.
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as error:
        return str(error) or type(error).__name__
    return ""


@cache
def _readers() -> tuple[Callable[[str], bool], Any, Any]:
    """Whether a text is plain, a loader that is ten times as fast, by libyaml, and one that says what is wrong."""
    import yaml

    def is_plain(text: str) -> bool:
        """False for what libyaml may not be given: depth crashes it, and it would take what is not taken here."""
        depth = 0
        for event in yaml.parse(text, yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > 20 or isinstance(event, yaml.AliasEvent):
                return False
        return True

    class Distinct(yaml.constructor.SafeConstructor):
        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            first: dict[str, Any] = {}
            for key, value in node.value:
                name = str(key.value)
                before = first.setdefault(name, value)
                if before is not value and yaml.serialize(before) != yaml.serialize(value):
                    raise yaml.constructor.ConstructorError(None, None, f"{name} stands twice", key.start_mark)
            return super().construct_mapping(node, deep)

    class Fast(Distinct, yaml.CSafeLoader):
        pass

    class Telling(Distinct, yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
                raise yaml.composer.ComposerError(None, None, "a `*name` is not taken here: write it out", mark)
            return super().compose_node(parent, index)

    return is_plain, Fast, Telling


def sha256(path: Path, *, follow: bool = True) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises OSError, without `follow` also for a link."""
    with regular(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock for a block; `waiting` is called first when another process holds it.

    The lock goes with the process, however that ends. The file stays, empty: to remove it would let two in.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with appended(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
