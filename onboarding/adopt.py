"""What is confirmed into SEND_CONFIG: files are added; one that is there is never written over without saying so.

A file of the council's own that make onboard wrote, and nobody changed since, is written anew, as is a table that
only gets rows more. Any other stays as it is, and is told.
"""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from onboarding.draft import Draft
from send_ready import files, runs

RECORD = "adopted.json"  # by file, the SHA-256 of what was written
BEFORE = "before"  # what stood in the place of a file that was written anew


@dataclass(frozen=True)
class Adopted:
    """What became of each file: lines for people, and whether one was left as it is."""

    lines: tuple[str, ...]
    has_left_some: bool


def adopt(draft: Draft, config: Path, folder: Path, moment: str) -> Adopted:
    """Copy the files of a draft into SEND_CONFIG. `folder` is onboarding's, `moment` names what was there."""
    found = runs.read_record(folder / RECORD) or {}
    written: dict[str, str] = {name: known for name, known in found.items() if isinstance(known, str)}
    lines, has_left_some = [], False
    for name, data in sorted(draft.files.items()):
        path, said = config / name, draft.said[name]
        before = files.held(path)
        if path.is_symlink() or (path.exists() and not path.is_file()):
            lines.append(f"{name}: LEFT AS IT IS. It is a link or no file. Replace it by a file, and adopt again.")
            has_left_some = True
        elif before == data:
            lines.append(f"{name}: as it is already ({said})")
            written[name] = digest(data)
        elif not before or digest(before) == written.get(name) or _is_superset(data, before):
            if before:
                files.write_bytes(folder / BEFORE / moment / name, before)
            files.write_bytes(path, data)
            written[name] = digest(data)
            kept = f"; the one before is kept in {BEFORE}/{moment}" if before else ""
            lines.append(f"{name}: {'written anew' if before else 'written'} ({said}){kept}")
        else:
            files.write_bytes(folder / "not_adopted" / name, data)
            lines.append(
                f"{name}: LEFT AS IT IS, since somebody changed it. What is confirmed lies in "
                f"{folder / 'not_adopted' / name}: compare them, or take yours away and adopt again."
            )
            has_left_some = True
    files.write_json(folder / RECORD, written)
    return Adopted(tuple(lines), has_left_some)


def digest(data: bytes) -> str:
    """What a file is known by as it was written."""
    return hashlib.sha256(data).hexdigest()


def _is_superset(data: bytes, before: bytes) -> bool:
    """Whether a table has every row of the one before, as its first columns have them."""
    try:
        new, old = (
            [tuple(row) for row in csv.reader(io.StringIO(each.decode("utf-8-sig")))] for each in (data, before)
        )
    except (UnicodeDecodeError, csv.Error):
        return False
    return bool(old) and len(old[0]) > 1 and old[0] == new[0] and set(old) <= set(new)


def changed_by_hand(folder: Path, record: Mapping[str, str]) -> dict[str, bytes]:
    """Files of the draft that somebody changed since they were written, by name."""
    return {
        name: data for name, known in record.items() if (data := files.held(folder / name)) and digest(data) != known
    }
