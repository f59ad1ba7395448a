"""What a council calls the systems that its exports come from, in every text of ours that names one.

SEND_CONFIG/systems.csv says it once: `system,name` with capita_one, ehc_hub or social_care. Names of feeds
(`capita_one.students`), IDs (`HUB-104002`) and codes stay: they are the same for every council. Nothing that came in an
export is ever changed: a school may well be called The Hub.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from send_ready import tables
from send_ready.configuration import FOLDER
from send_ready.runs import Run

FILE = "systems.csv"
COLUMNS = ("system", "name")
# As our texts name each system: the words that a name takes the place of.
WORDS = {
    "capita_one": r"\bCapita One\b",
    "ehc_hub": r"\b(?:[Tt]he )?(?:EHC Hub|hub)\b(?![-_]|\.[a-z])",
    "social_care": r"\b[Tt]he social care system\b",
}
SHIPPED = {"capita_one": "Capita One", "ehc_hub": "EHC Hub", "social_care": "social care"}
# What neither SQL, a page, a workbook nor a pattern takes for its own.
ALLOWED = re.compile(r"[^\W\d_][\w .&+()/-]{0,39}")


@dataclass(frozen=True)
class Names:
    """The names that a council gave, by system; of the others ours stay."""

    given: Mapping[str, str]

    def of(self, system: str) -> str:
        """What a system is called."""
        return self.given.get(system) or SHIPPED[system]

    def said(self, text: str) -> str:
        """A text of ours, with the systems under the council's names."""
        for words, name in self.replaced():
            text = re.sub(words, name, text)
        return text

    def replaced(self) -> Iterator[tuple[str, str]]:
        """Each pattern with what takes its place, as `re.sub` takes them: for whoever cannot call `said`."""
        return ((WORDS[system], name) for system, name in self.given.items())


def names(config: Path | None) -> Names:
    """The names in a folder of configuration. Raises TableError, whose text names the file and the line."""
    path = config / FILE if config else None
    if not path or not path.is_file():
        return Names({})
    found: dict[str, str] = {}
    for line, row in tables.read_rows(path, COLUMNS):
        system, name = (row[column].strip() for column in COLUMNS)
        where = f"{path}, line {line}"
        if system not in WORDS:
            raise tables.TableError(f"{where}: system is {system[:40]}, and must be one of: {', '.join(WORDS)}.")
        if not ALLOWED.fullmatch(name):
            raise tables.TableError(
                f"{where}: the name of {system} begins with a letter and has at most 40 letters, figures, blanks and "
                "signs of . & + ( ) / - in it."
            )
        if found.setdefault(system, name) != name:
            raise tables.TableError(f"{where}: {system} has two names. Keep one of them.")
    return Names({system: name for system, name in found.items() if name != SHIPPED[system]})


def names_of_run(run: Run) -> Names:
    """The names that were in force when a run began."""
    return names(run.folder / FOLDER)
