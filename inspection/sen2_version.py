"""The files of one version of a SEN2 return: those of a night's pack, with the serial number, and the brief."""

from datetime import datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from inspection.call import Version
from inspection.sen2_return import Return
from publish import pack
from publish.sen2 import brief
from publish.sen2 import pack as sen2_pack
from send_ready import confined
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON, Settings


def write(
    folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings, version: Version, wanted: Return, name: str
) -> dict[str, Any]:
    """What the manifest will say of a version of a return, after its files and its brief, `name`, were written.

    The XML says the serial number of the next release, and when its version was asked for: a step that is tried again
    writes the same bytes. Raises RunError when the warehouse holds the return of another year, or of nobody.
    """
    asked_at = datetime.fromisoformat(version.triggered_at).astimezone(LONDON).replace(tzinfo=None)
    made = sen2_pack.write(folder / sen2_pack.FOLDER, con, run, settings, lambda _: wanted.serial, asked_at)
    if made["survey_year"] != wanted.year:
        raise RunError(
            f"The warehouse of run {run.run_id} holds the return of {made['survey_year']}, not of {wanted.year}. Build "
            f"it again with SEND_SEN2_YEAR={wanted.year}."
        )
    if not made["file_name"]:
        raise RunError(f"Nobody is in the return of {wanted.year}, so there is nothing to release. See the feeds.")
    for path in [each for each in (folder / sen2_pack.FOLDER).rglob("*") if each.is_file()]:
        path.rename(folder / path.name)  # a version is one folder without any below it
    confined.remove_tree(folder / sen2_pack.FOLDER)
    manifest = {
        **pack.about(con, run, settings, None),
        "request": version.manifest_facts(),
        "return": {"serial": wanted.serial, "serial_no": made["serial_no"], "is_draft": made["is_draft"]},
        "rows": made["rows"],
        "to_send": [made["file_name"]],
    }
    brief.write(folder / name, con, run, manifest)
    return manifest
