"""A return that was released here is read as one that was made elsewhere: it lands, for next year's to look back on."""

from pathlib import Path
from typing import Any

from extract import choose, landing
from extract.inbox import arrivals
from extract.own import source, source_file
from extract.own.source import Source
from inspection.verify import ReleaseError, changed_files
from send_ready import files
from send_ready.home import Lock
from send_ready.runs import RunError
from send_ready.settings import Settings


def land(settings: Settings, released: Path, receipt: dict[str, Any]) -> str:
    """What became of a released return as an export, in a sentence; landed, it is the bytes that are on record.

    It goes into the landing from where it was released, not by the inbox, which others fill. A step that is tried again
    lands nothing twice. What hinders it is told: the release stands, and the file may be put into the inbox by hand.
    """
    names = [name for name in receipt["files"] if Path(name).suffix == ".xml"]
    try:
        for name in names:
            _land(settings, released / name, receipt["files"][name]["sha256"])
    except (RunError, OSError) as error:
        return f"It is not read as last year's return yet: {error} Put {', '.join(names)} into the inbox."
    return f"From the next night on it is read as a return that came: {', '.join(names)}"


def _land(settings: Settings, path: Path, sha256: str) -> None:
    """Land a released file as one of the source that takes it by its name. Raises RunError."""
    if wrong := list(changed_files(path.parent, {path.name: sha256})):
        raise ReleaseError(" ".join(wrong))
    one = _source(settings, path)
    found = arrivals.recognise(path, path.parent, one)
    if not found:
        raise RunError(f"no source takes {path.name}.")
    with files.locked(settings.home / Lock.feed(one.name)):
        for left in choose.land_all(one, settings, [(found, path.stat())], [], source_file.latest_date):
            raise RunError(left.reason)
        if sha256 not in {each.sha256 for each in landing.history(settings.home, one)}:
            raise RunError(f"{path.name} was removed from the landing for good.")


def _source(settings: Settings, path: Path) -> Source:
    takers = [one for one in source.load_all(settings) if arrivals.named(path.name, one)]
    if not takers:
        raise RunError(f"no source takes {path.name}.")
    return next((one for one in takers if one.feed.startswith("sen2")), takers[0])
