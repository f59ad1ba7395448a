"""Freezes one version for an inspection: the pack as the nightly makes it, and what its approver reads."""

from pathlib import Path
from typing import Any

from inspection import clock, release, sealed, verify
from inspection.call import Wanted
from publish import approver_brief, pack
from publish.chronology import chronology
from send_ready import files
from send_ready.folders import replaced
from send_ready.home import OUT
from send_ready.runs import Run, RunError, step
from send_ready.settings import Settings
from warehouse import run_data

BRIEF = "brief.md"


def freeze(run: Run, settings: Settings, wanted: Wanted) -> Path:
    """Write the version's folder, which nobody changes afterwards, and say where its brief is.

    Frozen once, it stays: a step that is tried again finds its own version. Raises RunError when the folder holds
    the version of another run, pack.AccountingError when rows are unaccounted for.
    """
    folder = wanted.folder
    if folder.exists():
        return _own(run, folder)
    with step(run, "freeze") as doing:
        previous = wanted.earlier or pack.newest(run.home / OUT, until=run.as_at)
        with replaced(folder) as partial, run_data.opened(run) as con:
            manifest = pack.write(partial, con, run, settings, previous, seed=wanted.seed)
            manifest["request"] = wanted.about()
            said = []
            if wanted.unique_ids:
                book = partial / chronology.NAME
                said = chronology.write(book, con, run, wanted.unique_ids, wanted.request.notified_on)
            about = clock.KINDS[wanted.request.kind], wanted.request.due
            approver_brief.write(partial / BRIEF, con, run, manifest, previous, said, *about)
            close(partial, manifest, sealed.of_call(folder.parent, wanted.version))
        doing.rows = sum(manifest["rows"].values())
        doing.note = f"version {wanted.version} of {wanted.request.key}"
    return folder / BRIEF


def close(folder: Path, manifest: dict[str, Any], call: dict[str, Any]) -> None:
    """Write the manifest, with all that the folder holds and what stands beside it; then nobody can write there."""
    for path in folder.iterdir():
        path.chmod(files.READ_ONLY)
    pack.seal(folder, {**manifest, "sealed": sealed.listing(folder), "call": call})
    (folder / pack.MANIFEST).chmod(files.READ_ONLY)
    folder.chmod(release.READ_ONLY_FOLDER)


def _own(run: Run, folder: Path) -> Path:
    made_by = verify.frozen_at(folder).manifest["run_id"]
    if made_by != run.run_id:
        raise RunError(
            f"{folder} was frozen by run {made_by} and stays as it is. Begin another version: trigger again."
        )
    return folder / BRIEF
