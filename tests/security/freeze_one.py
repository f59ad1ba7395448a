"""Stands in for `send-ready freeze`: freezes a version of one child, with a brief of its own. For test_roles."""

import os
import sys
from pathlib import Path

from inspection import call
from send_ready import files, runs

child, brief = sys.argv[1:]
run_id = runs.tidy(os.environ["SEND_RUN_ID"])
wanted = call.version_of_run(Path(os.environ["SEND_HOME"]), run_id)
wanted.folder.mkdir()
written = {"annex_a_person_level_lists.xlsx": child, "brief.md": brief}
for name, text in written.items():
    files.write_bytes(wanted.folder / name, text.encode())
outputs = {name: {"bytes": len(text), "sha256": files.sha256(wanted.folder / name)} for name, text in written.items()}
about = {
    "as_at": "2026-11-16",
    "la_code": "999",
    "council": "Sampleshire",
    "run_id": runs.tidy(os.environ["SEND_RUN_ID"]),
}
files.write_json(
    wanted.folder / "manifest.json", {**about, "inputs": [], "request": wanted.manifest_facts(), "outputs": outputs}
)
print(wanted.folder / "brief.md")
