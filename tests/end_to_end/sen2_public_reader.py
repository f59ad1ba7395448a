"""A tolerant reader of SEN2 XML, as public tools walk it: by tags, in any order and spelling, nothing checked.

Written after the description of such a tool alone (Requests, in it Assessment, NamedPlan, PlanDetail; beside it
ActivePlans with PlacementDetail and SENneed). It shares no code with the pipeline, whose reader knows the writer.

    python -m tests.end_to_end.sen2_public_reader SEN2.xml FOLDER
"""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

BELOW = {  # a module's element, and those that hang below it
    "person": ("requests",),
    "requests": ("assessment", "activeplans"),
    "assessment": ("namedplan",),
    "namedplan": ("plandetail",),
    "activeplans": ("placementdetail", "senneed"),
    "plandetail": (),
    "placementdetail": (),
    "senneed": (),
}
Tables = dict[
    str, list[dict[str, str]]
]  # by module in lower case: tags in lower case, and the keys of the row and above


def read(path: Path) -> Tables:
    """What each module's elements hold, a row each in the order of the document; the header's as `header`."""
    root = ElementTree.parse(path).getroot()  # noqa: S314 — of our own making
    header = {_bare(each): each.text or "" for part in root if _bare(part) != "persons" for each in part.iter()}
    made: Tables = {"header": [header], **{module: [] for module in BELOW}}
    for person in _named(root, "person"):
        _read(made, person, "person", {})
    return made


def _read(made: Tables, element: Element, module: str, keys: dict[str, str]) -> None:
    keys = {**keys, f"{module}id": str(len(made[module]) + 1)}
    values = {_bare(each): (each.text or "").strip() for each in element if _bare(each) not in BELOW}
    made[module].append({**keys, **values})
    for below in BELOW[module]:
        for each in _named(element, below):
            _read(made, each, below, keys)


def _named(element: Element, tag: str) -> Iterator[Element]:
    return (each for each in element.iter() if _bare(each) == tag)


def _bare(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def write(tables: Tables, folder: Path) -> None:
    """A CSV a module."""
    folder.mkdir(parents=True, exist_ok=True)
    for module, rows in tables.items():
        with open(folder / f"{module}.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    write(read(Path(sys.argv[1])), Path(sys.argv[2]))
