"""Files of SEND_CONFIG that nobody looks for: one by a name slightly off changes nothing, and nobody would notice."""

from pathlib import Path

from send_ready.settings import PROJECT, Settings

# Folder of SEND_CONFIG, and the shipped files whose place its own take.
OWN = {
    "contracts": "extract/contracts/*.yml",
    "column_maps": "extract/column_maps/*.csv",
    "crosswalks": "dbt_project/seeds/*/*.csv",
    "targets": "dbt_project/seeds/*/*.csv",
    "expectations/feeds": "expectations/feeds/*.yml",
    "expectations/lists": "expectations/lists/*.yml",
    ".": "operations/retention.yml",
}
NEW = {"decisions/person_links.csv"}  # of which none is shipped
SUFFIXES = (".yml", ".yaml", ".csv")  # other files may be notes, or copies of before


def unused(settings: Settings) -> list[str]:
    """Their paths below SEND_CONFIG, in order."""
    if not settings.config:
        return []
    known = {Path(folder, path.name) for folder, shipped in OWN.items() for path in PROJECT.glob(shipped)}
    known |= {Path(name) for name in NEW}
    held = {path.relative_to(settings.config) for path in settings.config.rglob("[!.]*") if path.suffix in SUFFIXES}
    return sorted(path.as_posix() for path in held - known)
