"""Freezes one version: for an inspection the same pack as the night makes, for a return its files; with a brief."""

from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from inspection import clock, release, sealed, sen2_version, verify
from inspection.call import Version
from inspection.notification import Request
from inspection.sen2_return import Return
from publish import approver_brief, pack
from publish.chronology import chronology
from send_ready import files
from send_ready.folders import replaced
from send_ready.home import OUT
from send_ready.runs import Run, RunError, step
from send_ready.settings import Settings
from warehouse import run_data

BRIEF = "brief.md"


def freeze(run: Run, settings: Settings, version: Version) -> Path:
    """The path of the version's brief, after its folder was written, which nobody changes afterwards.

    A step that is tried again finds the version that it froze before. Raises RunError when the folder holds the version
    of another run, pack.AccountingError when rows are unaccounted for.
    """
    folder, request = version.folder, version.request
    if folder.exists():
        return _own_brief(run, folder)
    with step(run, "freeze") as doing:
        with replaced(folder) as partial, run_data.opened(run) as con:
            if isinstance(request, Return):
                manifest = sen2_version.write(partial, con, run, settings, version, request, BRIEF)
            else:
                manifest = _write_lists(partial, con, run, settings, version, request)
            seal_folder(partial, manifest, sealed.facts_of_call(folder.parent, version.number))
        doing.rows = sum(manifest["rows"].values())
        doing.note = f"version {version.number} of {version.request.key}"
    return folder / BRIEF


def _write_lists(
    folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings, version: Version, request: Request
) -> dict[str, Any]:
    """What the manifest will say of a version of the lists, after its files and its brief were written."""
    previous = version.earlier_folder or pack.newest(run.home / OUT, until=run.as_at)
    manifest = pack.write(folder, con, run, settings, previous, seed=version.seed)
    manifest["request"] = version.manifest_facts()
    said = []
    if version.unique_ids:
        said = chronology.write(folder / chronology.NAME, con, run, version.unique_ids, request.notified_on)
    about = clock.KINDS[request.kind], request.due
    approver_brief.write(folder / BRIEF, con, run, manifest, previous, said, *about)
    return manifest


def seal_folder(folder: Path, manifest: dict[str, Any], call: dict[str, Any]) -> None:
    """Write the manifest, which lists the folder's files and the files of the call, and make everything read-only."""
    for path in folder.iterdir():
        path.chmod(files.READ_ONLY)
    pack.seal(folder, {**manifest, "sealed": sealed.listing(folder), "call": call})
    (folder / pack.MANIFEST).chmod(files.READ_ONLY)
    folder.chmod(release.READ_ONLY_FOLDER)


def _own_brief(run: Run, folder: Path) -> Path:
    made_by = verify.frozen_at(folder).manifest["run_id"]
    if made_by != run.run_id:
        raise RunError(
            f"{folder} was frozen by run {made_by} and stays as it is. Begin another version: trigger again."
        )
    return folder / BRIEF
