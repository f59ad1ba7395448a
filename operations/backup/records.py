"""Checks the paths that records of a backup name before any is restored: an archive may come from anywhere.

Whatever reads a record later believes none of its paths either (send_ready.confined). Here a whole archive is refused
for one that leads elsewhere, for no SEND Ready ever wrote it; what is only damaged is said, and restored as it was.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from inspection import release_log
from operations.retention.overdue import placed
from send_ready import confined, files
from send_ready.home import INSPECTIONS, PURGES, REHEARSALS, SEN2
from send_ready.runs import RunError, tidy

LARGEST = 1 << 28  # bytes of one record, which is read whole
OF_LANDED = ("source", "feed", "suffix", "sha256", "duplicate_of", "data_date")
Record = Mapping[str, Any]


def check(folder: Path, names: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A sentence for each damaged record among unpacked files. `names`: their sizes and hashes in the archive.

    Raises RunError for a record that names what lies elsewhere, or that no memory could hold.
    """
    told: list[str] = []
    for name, about in sorted(names.items()):
        if look := next((look for pattern, look in LOOKS.items() if re.fullmatch(pattern, name)), None):
            if int(about["bytes"]) > LARGEST:
                raise RunError(f"The backup's {name} is larger than any such record. {REFUSED}")
            told += _looked_at(folder / name, name, look)
        elif (landed := re.fullmatch(LANDED, name)) and about["sha256"] != landed[1]:
            told.append(f"{name} does not hold what came under that name: the next night reports it.")
    for name in (PURGES, *(f"{root}/{release_log.NAME}" for root in (INSPECTIONS, SEN2, REHEARSALS))):
        if name in names:
            told += [each.replace(f"{folder}/", "") for each in release_log.check(folder / name)]
    return told


REFUSED = "Nothing was changed. Take another one."
LANDED = r"landing/[^/]+/[^/]+/[^/]+/([0-9a-f]{64})\.(?!json$|[0-9a-f]+\.json$)[^/]+"


def _looked_at(path: Path, name: str, look: Callable[[Record], Iterator[object]]) -> Iterator[str]:
    with files.regular(path, follow=False) as file:
        data = file.read()
    for number, text in enumerate(data.splitlines() if name.endswith(".jsonl") else [data], 1):
        try:
            record = json.loads(text)
            wrong = [value for value in look(record) if not _stays(value)] if isinstance(record, dict) else []
        except (ValueError, RecursionError):
            yield f"{name} is damaged, as it was when it was backed up."
            return
        except (TypeError, AttributeError, LookupError):
            wrong = ["something of another shape"]
        if wrong:
            where = f"line {number} of its {name}" if name.endswith(".jsonl") else f"its {name}"
            raise RunError(
                f"This is no backup that SEND Ready made: {where} names {confined.printable_name(wrong[0])}, and "
                f"nothing of the kind has such a name. {REFUSED}"
            )


def _stays(value: object) -> bool:
    """Whether a value is None or may become part of a path."""
    return value in (None, "") or isinstance(value, int) or confined.is_plain(value)


def _of_landed(record: Record) -> Iterator[object]:
    for name in OF_LANDED:
        value = record.get(name)
        yield value if value is None or confined.is_name(value) or value == "" else f"/{value}"


def _of_purge(record: Record) -> Iterator[object]:
    for each in record.get("items", []):
        try:
            placed(Path("/nowhere"), each["kind"], each["path"], "a record")
        except RunError:
            yield f"/{each['path']}"
        if each.get("landed"):
            yield from _of_landed(each["landed"])


def _of_release(record: Record) -> Iterator[object]:
    yield from _names(record, "notification", "version")
    yield from _files(record)


def _of_manifest(record: Record) -> Iterator[object]:
    run = record.get("run_id")
    yield run if run is None or tidy(str(run)) == run else f"/{run}"
    yield from _files(record)
    yield from _names(record.get("request") or {}, "version", "kind", "notified_on")


def _of_request(record: Record) -> Iterator[object]:
    yield from _names(record, "kind", "notified_on")
    for made in record.get("versions", []):
        yield from _names(made, "version", "run_id")


def _files(record: Record) -> Iterator[object]:
    for part in ("outputs", "sealed", "files"):
        yield from (record.get(part) or {}).keys()


def _names(record: Record, *parts: str) -> Iterator[object]:
    """Values that are one name each, or a number."""
    for part in parts:
        value = record.get(part)
        yield value if value is None or isinstance(value, int) or confined.is_name(value) else f"/{value}"


LOOKS: dict[str, Callable[[Record], Iterator[object]]] = {
    r"landing/[^/]+/[^/]+/[^/]+/[0-9a-f]{64}\.json": _of_landed,
    r"landing/[^/]+/[^/]+/removed\.jsonl": _of_landed,
    re.escape(PURGES): _of_purge,
    rf"out/[^/]+/{re.escape(release_log.NAME)}": _of_release,
    r"out/(?:[^/]+/)*manifest\.json": _of_manifest,
    r"out/(?:[^/]+/)*receipt\.json": _of_release,
    r"out/[^/]+/[^/]+/request\.json": _of_request,
}
