"""The check before every command that SEND_HOME is closed to everybody but its owner."""

import os
import shlex
import stat
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from send_ready.home import Readers, readers
from send_ready.settings import SettingsError

OWN = 0o700
READ, WRITE, PASS = 4, 2, 1
# What an access list may give people by name: the way through SEND_HOME, and reading of what goes out.
ALLOWED = {Readers.NAMED: READ | PASS}
_LIST, _ENTRY = "system.posix_acl_access", "<HHI"  # version, then tag, permissions and number of each entry
_NAMED_USER, _GROUP, _NAMED_GROUP, _MASK, _OTHER = 0x02, 0x04, 0x08, 0x10, 0x20


def check(home: Path) -> None:
    """Raise SettingsError when others can read or change SEND_HOME; the text has the command that mends it.

    One without anything but an inbox is new, and is closed here. One that is not there yet will be made so: every
    command runs with umask 077. Looks at the folder, at those in it and, for whoever could put another one in its
    place, at those above it; deeper ones cannot be reached by others then.
    """
    if not home.is_dir():
        return
    if any(others(home)) and home.stat().st_uid == os.geteuid() and _is_new(home):
        home.chmod(OWN)
        print(f"{home} is new, and closed to others now: chmod 700.", file=sys.stderr)
    by_folder = readers()
    for path in (home, *_folders(home)):
        everybody, named = others(path)
        if everybody or named & ~(PASS if path == home else ALLOWED.get(by_folder.get(path.name, Readers.NOBODY), 0)):
            raise SettingsError(_how_to_mend(home, path))
    for parent in home.parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            raise SettingsError(
                f"Anybody can put another folder in the place of SEND_HOME, {home}: {parent} can be changed by all. "
                f"Mend it: chmod o-w {shlex.quote(str(parent))}, or move SEND_HOME elsewhere."
            )


def others(path: Path) -> tuple[int, int]:
    """The permissions of group and others on a path, and of people named in its access list, as bits (rwx is 7)."""
    try:
        mode = stat.S_IMODE(path.lstat().st_mode)
    except FileNotFoundError:  # another process has just taken it away
        return 0, 0
    try:
        data = os.getxattr(path, _LIST, follow_symlinks=False)
    except OSError:  # no access list, or a file system without any
        return (mode >> 3 | mode) & 7, 0
    entries = [(tag, allowed) for tag, allowed, _ in struct.iter_unpack(_ENTRY, data[4:])]
    mask = next((allowed for tag, allowed in entries if tag == _MASK), 7)
    everybody = named = 0
    for tag, allowed in entries:
        everybody |= {_OTHER: allowed, _GROUP: allowed & mask}.get(tag, 0)
        named |= allowed & mask if tag in (_NAMED_USER, _NAMED_GROUP) else 0
    return everybody, named


def _how_to_mend(home: Path, path: Path) -> str:
    by_list = ", and setfacl -R -b where an access list gives it" if others(path)[1] else ""
    return (
        f"{path} can be read or changed by others, and SEND_HOME holds children's records. Make it yours alone: "
        f"chmod -R go-rwx {shlex.quote(str(home))}{by_list}. Where that changes nothing, its file system keeps no "
        "modes: mount it with uid=…,dir_mode=0700,file_mode=0600 (CIFS) or uid=…,umask=077 (exFAT, NTFS). If exports "
        "are dropped below it, give them a folder elsewhere: SEND_INBOX."
    )


def _folders(home: Path) -> Iterator[Path]:
    with os.scandir(home) as entries:
        found = [entry for entry in entries if entry.is_dir(follow_symlinks=False) and not _is_for_others(entry.name)]
    yield from (Path(entry.path) for entry in sorted(found, key=lambda entry: entry.name))


def _is_new(home: Path) -> bool:
    with os.scandir(home) as entries:
        return all(_is_for_others(entry.name) for entry in entries)


def _is_for_others(name: str) -> bool:
    """Whether a folder of SEND_HOME is one in which others may put exports."""
    return readers().get(name) == Readers.DROPPERS
