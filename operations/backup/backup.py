"""Backup of what cannot be built again: landed exports, packs, records and the configuration."""

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import send_ready
from inspection import release_log
from operations.backup import archive
from operations.backup.archive import Held
from operations.turns import one_at_a_time
from send_ready import files
from send_ready.home import BACKUPS, CONFIG, LANDING, OUT, contents, folders_backed_up
from send_ready.runs import RunError
from send_ready.settings import Settings

ABOUT = ("made_at", "la_code", "code_style", "code_version")


def folders() -> list[str]:
    """The names of the folders that an archive holds."""
    return [*folders_backed_up(), CONFIG]


def backup(settings: Settings, folder: Path, now: datetime) -> Path:
    """A sentence that names the new archive, send-ready_<LA>_<UTC>.tar.gz, after it was read back and put on record.

    Nothing has to stand still: names are listed under the locks of those who write there, and what is listed is never
    rewritten, or is replaced as one. Raises RunError when the folder is not there or lies in what is backed up, when
    there is nothing to back up, and when it cannot be written or read back; then there is no new archive.
    """
    target = _target(settings, folder, now)
    identity = hashlib.sha256(os.fsencode(settings.home)).hexdigest()[:8]  # two homes may share the folder
    partial = target.with_name(f".send-ready_{identity}.partial")
    made_at = now.isoformat(timespec="seconds")
    about = dict(zip(ABOUT, (made_at, settings.la_code, settings.code_style, send_ready.__version__), strict=True))
    with one_at_a_time(settings.home):
        try:
            listed = archive.write(partial, _everything(settings), about)
            archive.checked_list(partial, folders())
            os.replace(partial, target)
            files.sync(target.parent)
        except OSError as error:
            raise RunError(_failed(error, settings, target)) from error
        finally:
            partial.unlink(missing_ok=True)
        line = {"at": made_at, "file": target.name, "bytes": target.stat().st_size, "files": len(listed["files"])}
        release_log.append(settings.home / BACKUPS, line)
    return target


def _target(settings: Settings, folder: Path, now: datetime) -> Path:
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise RunError(f"There is no folder {folder} for the backup. Create it, or see that its disk is mounted.")
    for name, place in {
        "SEND_HOME": settings.home,
        "SEND_INBOX": settings.inbox,
        "SEND_CONFIG": settings.config,
    }.items():
        if place and folder.is_relative_to(place):
            raise RunError(f"{folder} lies in {name}. A backup belongs on another disk: name a folder elsewhere.")
    if not any((settings.home / name).exists() for name in (LANDING, OUT)):
        raise RunError(f"There is nothing to back up in {settings.home}. Is it the SEND_HOME that the nights use?")
    return folder / f"send-ready_{settings.la_code}_{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def _failed(error: OSError, settings: Settings, target: Path) -> str:
    return (
        f"There is no backup. {error.filename or target.parent}: {error.strerror or error}. In {target.parent} "
        f"{shutil.disk_usage(target.parent).free:,} bytes are free. Make room there, or name another folder. "
        f"Nothing in {settings.home} was changed."
    )


def _everything(settings: Settings) -> Iterator[Held]:
    """Every file of every place that is backed up, and the council's own files."""
    home = settings.home
    for place, path in contents(home):
        if not place.is_backed_up or (path.is_symlink() and not place.never_rewritten):
            continue
        with ExitStack() as locks:
            for lock in place.held_by(path.relative_to(home)):
                locks.enter_context(files.locked(home / lock))
            stays = re.compile(place.never_rewritten or "(?!)")
            later = list[Held]()
            for each in [path] if path.is_file() else files.visible(path):
                held = Held(each.relative_to(home).as_posix(), each)
                if stays.fullmatch(held.name):
                    later.append(held)
                else:
                    yield held
        yield from later
    if settings.config:
        for path in files.visible(settings.config):
            yield Held(f"{CONFIG}/{path.relative_to(settings.config).as_posix()}", path)
