"""The files of one version of a SEN2 return: the XML with its serial number, the modules, the issues and the brief."""

from datetime import datetime
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from inspection.call import Version
from inspection.sen2_return import Return
from publish import pack
from publish.sen2 import blades, brief, document
from send_ready import files, sen2
from send_ready.runs import Run, RunError
from send_ready.settings import LONDON, Settings


def write(
    folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings, version: Version, wanted: Return, name: str
) -> dict[str, Any]:
    """What the manifest will say of a version of a return, after its files and its brief, `name`, were written.

    The XML says the serial number of the next release, and when its version was asked for: a step that is tried again
    writes the same bytes. Raises RunError when the warehouse holds the return of another year.
    """
    asked_at = datetime.fromisoformat(version.triggered_at).astimezone(LONDON).replace(tzinfo=None)
    made = document.made(con, run, wanted.serial, asked_at)
    if made.survey.year != wanted.year:
        raise RunError(
            f"The warehouse of run {run.run_id} holds the return of {made.survey.year}, not of {wanted.year}. Build it "
            f"again with SEND_SEN2_YEAR={wanted.year}."
        )
    with files.created(folder / made.file_name) as file:
        file.writelines(part.encode() for part in document.document(con, made, settings).parts())
    for path in blades.write(folder / blades.FOLDER, con, made, settings):
        path.rename(folder / path.name)  # a version is one folder without any below it
    (folder / blades.FOLDER).rmdir()
    manifest = pack.about(con, run, settings, None)
    facts = {"serial": made.serial, "serial_no": made.serial_no, "is_draft": made.is_draft}
    manifest |= {
        "request": version.manifest_facts(),
        "return": facts,
        "rows": document.counts(con, sen2.modules(made.survey.year, settings)),
        "to_send": [made.file_name],
    }
    brief.write(folder / name, con, run, manifest)
    return manifest
