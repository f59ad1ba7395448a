"""One source: what is new there comes into the inbox, whole or not at all.

A file is written under a hidden name, which no feed looks at, and renamed when all of it is there, on the disk and as
the other side said it would be. It lies in a folder of the inbox that has the source's name, so that two sources never
meet, nor what somebody drops by hand.
"""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from extract.inbox.arrivals import SETTLE_SECONDS, is_export, printable
from extract.text import WORKBOOK_SUFFIXES
from pickup import database, folder, https, record, s3, sftp
from pickup.record import SAME, TAKEN, LastPickup, Line, Record
from pickup.sources import Source
from pickup.store import RemoteFile, Store
from pickup.trouble import MAY_PASS, REFUSED, Trouble
from send_ready import confined, disk, files
from send_ready.home import Lock
from send_ready.settings import Settings, now

ROOM = 2  # times its size that should be free: the inbox, and what else the night writes there
LONGEST_NAME = 200  # bytes of a file's name; a name of a folder has 255, and ours is hidden with more around it
FIRST = 1024  # bytes that tell a web page from a file
PAGE = (b"<!doctype html", b"<html", b"<head", b"<script", b"<body")
PARTIAL = ".pickup.partial"
WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # ZIP; the older kind, and an encrypted one


@dataclass
class PickedUp:
    """What came of a pickup of one source."""

    source: str
    taken: list[str] = field(default_factory=list)  # names in the inbox
    known: int = 0  # files that had come before
    notes: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: 0, or whether another try may help."""
        if not self.troubles:
            return 0
        return MAY_PASS if any(each.may_pass for each in self.troubles) else REFUSED


def opened(source: Source, day: date) -> AbstractContextManager[Store]:
    """A connection to a source. Raises Trouble."""
    match source.kind:
        case "sftp":
            return sftp.opened(source)
        case "https":
            return https.opened(source, day)
        case "s3":
            return s3.opened(source)
        case "folder":
            return folder.opened(source)
        case _:
            return database.opened(source, day)


def pick_up(source: Source, settings: Settings, *, again: bool = False) -> PickedUp:
    """What came of fetching what is new at a source; with `again` also what came before. Nothing is raised."""
    came = PickedUp(source.name)
    with files.locked(settings.home / Lock.pickup(source.name)):
        try:
            with opened(source, settings.as_at) as store:
                _fetch_all(store, source, settings, came, again)
        except Trouble as trouble:
            came.troubles.append(trouble)
        except OSError as error:
            came.troubles.append(_of_our_disk(error, settings.inbox))
        _put_on_record(came, settings)
    return came


def _put_on_record(came: PickedUp, settings: Settings) -> None:
    at = now().isoformat(timespec="seconds")
    before = record.last(settings.home, came.source)
    since = (before and before.fails_since) or at
    said = tuple(str(each) for each in came.troubles)
    record.put_last(
        settings.home,
        LastPickup(came.source, at, not said, len(came.taken), said, since if said else None),
    )


def _of_our_disk(error: OSError, inbox: Path) -> Trouble:
    if error.errno in disk.NUMBERS:
        return Trouble(f"The disk of the inbox {inbox} is full. Make room; it is tried again.", may_pass=True)
    return Trouble(
        f"Nothing can be written into the inbox {inbox} ({error.strerror}). Let the account that runs the pickup write "
        "there.",
        may_pass=error.errno in (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT),
    )


def _fetch_all(store: Store, source: Source, settings: Settings, came: PickedUp, again: bool) -> None:
    known = Record(settings.home, source.name)
    wanted = list(_wanted(store.listing(), source, came))
    new = [each for each in wanted if again or not known.has(each)]
    came.known = len(wanted) - len(new)
    if len(new) > source.max_files:
        raise Trouble(
            f"{len(new):,} files are wanted, and {source.max_files:,} may come at once. Nothing was fetched. Narrow "
            "`files`, leave old ones with `newest_days`, or raise `max_files`."
        )
    if new and store.settles:
        time.sleep(SETTLE_SECONDS)
        then = {each.name: each for each in store.listing()}
        for each in [each for each in new if then.get(each.name) != each]:
            new.remove(each)
            came.notes.append(f"{printable(each.name)} is still being written, and left for the next pickup.")
    with _own_folder(settings.inbox, source.name) as into:
        for each in sorted(new, key=lambda file: (file.modified or 0, file.name)):
            try:
                _fetch(store, each, source, into, known, came, again, settings)
            except Trouble as trouble:
                what = f"{printable(each.name)[:LONGEST_NAME]}: {trouble}"
                came.troubles.append(Trouble(what, may_pass=trouble.may_pass))


def _wanted(found: Iterable[RemoteFile], source: Source, came: PickedUp) -> Iterator[RemoteFile]:
    """The files that the source's patterns name, are new enough, and may have that name here."""
    oldest = None if source.newest_days is None else now() - timedelta(days=source.newest_days)
    for file in found:
        if "files" in source.options and not source.wants(file.name):
            continue
        if oldest and file.modified is not None and file.modified < oldest.timestamp():
            continue
        if fault := _bad_name(file.name):
            came.troubles.append(Trouble(f"A file called {confined.printable_name(file.name)} {fault}"))
            continue
        if file.name.casefold().endswith((".part", ".partial", ".tmp", ".crdownload", ".filepart")):
            came.notes.append(f"{printable(file.name)} is half a file by its name, and left.")
            continue
        yield file


def _bad_name(name: str) -> str | None:
    """Why a file may not have a name here, whatever the other side calls it; None when it may."""
    mend = "It was not fetched. Have it renamed there."
    if not confined.is_name(name) or "\\" in name:
        return f"has a name that no file here may have. {mend}"
    if len(name.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
        return f"has a name of more than {LONGEST_NAME} bytes. {mend}"
    if not is_export(Path(f"{name}.csv")) or name.startswith("."):
        return f"has a name that hides it. {mend}"
    return None


@contextmanager
def _own_folder(inbox: Path, name: str) -> Iterator[int]:
    """A descriptor of the source's folder in the inbox, made where it is missing; halves of before are gone.

    It is opened without following a link: whoever drops files may have put one there.
    """
    if not inbox.is_dir():
        inbox.mkdir()  # not its parents: a drive that is away is not to be written behind
    with suppress(FileExistsError):
        os.mkdir(inbox / name)
    try:
        with confined.opened(inbox, [name]) as into:
            for each in os.listdir(into):
                if each.startswith(".") and each.endswith(PARTIAL):
                    os.unlink(each, dir_fd=into)
            yield into
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise Trouble(
                f"{inbox / name} is no folder but a link or a file. Take it away: files of {name} go there."
            ) from None
        raise


def _fetch(
    store: Store, file: RemoteFile, source: Source, into: int, known: Record, came: PickedUp, again: bool,
    settings: Settings,
) -> None:  # fmt: skip
    most = int(source.max_file_mb * disk.MB)
    if file.size is not None:
        if file.size > most:
            raise Trouble(
                f"It has {file.size / disk.MB:,.1f} MB, and may have {source.max_file_mb:,.0f} MB. It was not "
                "fetched. If it is an export, raise `max_file_mb`."
            )
        free = disk.free(settings.inbox)
        if free < ROOM * file.size:
            raise Trouble(
                f"It has {file.size / disk.MB:,.1f} MB, for which {ROOM * file.size / disk.MB:,.1f} MB should be "
                f"free, and {free / disk.MB:,.1f} MB are. Make room; it is tried again.",
                may_pass=True,
            )
    partial = f".{file.name}{PARTIAL}"
    try:
        size, sha256 = _write(store, file, into, partial, most, source.max_file_mb)
        if file.size is not None and size != file.size:
            raise Trouble(
                f"{size:,} bytes came of {file.size:,}. Nothing of it was kept; it is tried again.", may_pass=True
            )
        in_inbox = f"{source.name}/{file.name}"
        outcome = _put_in_place(into, partial, file, sha256, in_inbox, known, again)
        known.add(Line(file.name, size if file.size is None else file.size, file.version, sha256, in_inbox,
                       now().isoformat(timespec="seconds"), outcome))  # fmt: skip
        if outcome == TAKEN:
            came.taken.append(in_inbox)
        else:
            came.known += 1
    finally:
        with suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=into)


def _write(store: Store, file: RemoteFile, into: int, partial: str, most: int, most_mb: float) -> tuple[int, str]:
    """Write the bytes of a file to the disk. Gives their number and SHA-256."""
    digest, size, first = hashlib.sha256(), 0, b""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(partial, flags, 0o666, dir_fd=into), "wb") as target:
        for piece in store.read(file):
            size += len(piece)
            if size > most or (file.size is not None and size > file.size):
                said = f"more than {most_mb:,.0f} MB" if size > most else "more bytes than it was said to have"
                raise Trouble(f"It has {said}. Nothing of it was kept. If it is an export, raise `max_file_mb`.")
            if len(first) < FIRST:
                first += piece[: FIRST - len(first)]
            digest.update(piece)
            target.write(piece)
        _must_be_a_file(first, file.name)
        target.flush()
        os.fsync(target.fileno())
        if file.modified is not None:
            os.utime(target.fileno(), (file.modified, file.modified))  # the data date of a name without one
    return size, digest.hexdigest()


def _must_be_a_file(first: bytes, name: str) -> None:
    """Raise Trouble for nothing at all, a web page, or what is no workbook and is called one."""
    if not first:
        raise Trouble("It is empty. It was left, and is looked at again by the next pickup.", may_pass=True)
    suffix = Path(name).suffix.casefold()
    if first.removeprefix(b"\xef\xbb\xbf").lstrip().lower().startswith(PAGE) and suffix not in (".xls",):
        raise https.page("The other side")
    if suffix in WORKBOOK_SUFFIXES and suffix != ".xls" and not first.startswith(WORKBOOK):
        raise Trouble("It is called a workbook and is none. Nothing was kept. Open it there, and export it again.")


def _put_in_place(
    into: int, partial: str, file: RemoteFile, sha256: str, in_inbox: str, known: Record, again: bool
) -> str:
    """Rename a whole file to its name, unless it is there or was fetched before. Gives what became of it."""
    there = _sha256_there(into, file.name)
    if there == sha256 or (there is None and known.has_bytes(file, sha256) and not again):
        return SAME
    if there is not None and not known.is_ours(in_inbox, there):
        raise Trouble(
            f"The inbox has another file called {in_inbox}, which did not come from here. It was left as it is. Move "
            "it away; the next pickup puts the one from there in its place."
        )
    os.rename(partial, file.name, src_dir_fd=into, dst_dir_fd=into)
    try:
        os.fsync(into)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that keeps no folders of its own, such as SMB's
            raise
    return TAKEN


def _sha256_there(into: int, name: str) -> str | None:
    """The SHA-256 of a file of the folder; None when there is none. Something else of that name has one of no file."""
    try:
        about = os.stat(name, dir_fd=into, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(about.st_mode):
        return ""
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=into), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def told(came: PickedUp) -> list[str]:
    """What came of a pickup, as lines for a log."""
    lines = [f"{came.source}: {len(came.taken)} new, {came.known} had come before, {len(came.troubles)} not fetched"]
    lines += [f"  in the inbox: {name}" for name in came.taken]
    return [*lines, *(f"  {note}" for note in came.notes), *(f"  NOT FETCHED: {each}" for each in came.troubles)]
