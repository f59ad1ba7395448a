"""Returns that were worked out by hand, as they stand in expected.txt, read as nine tables."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from tests.end_to_end.sen2_from_exports import MODULES, columns

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds" / "sen2"
ORDINARY = "Surname=Example Forename=C{} PersonBirthDate=2012-05-01 Sex=F Ethnicity=WBRI PostCode=AA11AA UPNunknown=UN3"
NO_FLAGS = {  # flags=0
    "requests": "RequestMediation=0 RequestTribunal=0",
    "assessment": "AssessmentMediation=0 AssessmentTribunal=0 OtherMediation=0 OtherTribunal=0",
}


def tables(path: Path) -> dict[str, list[dict[str, Any]]]:
    """The nine tables (but the header) of a file: a person a line, and below it, indented, what hangs below."""
    with open(SEEDS / "sen2_elements.csv", encoding="utf-8", newline="") as file:
        elements = {(row["module"], row["tag"]): row for row in csv.DictReader(file)}
    by_tag = {row["tag"]: row["column_name"] for row in elements.values() if row["data_type"] == "module"}
    made: dict[str, list[dict[str, Any]]] = {module: [] for module, _ in MODULES}
    parents, orders = dict(MODULES), defaultdict[Any, int](int)
    who = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        name, *words = line.split()
        module = by_tag[name] if line.startswith(" ") else "person"
        if module == "person":
            who, words = name, " ".join(words).replace("ordinary", ORDINARY.format(name)).split()
        words = " ".join(words).replace("flags=0", NO_FLAGS.get(module, "flags=0")).split()
        row = dict.fromkeys(columns(module)) | _values(module, words, elements)
        number = len(made[module]) + 1
        above = len(made[parents[module]]) if parents[module] else 1
        orders[module, above] += 1
        keys = {f"{module}_table_id": number, f"{parents[module] or 'sen2'}_table_id": above}
        made[module].append({"unique_id": who, "order_seq": orders[module, above]} | keys | row)
    return made


def _values(module: str, words: list[str], elements: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        tag, text = word.split("=")
        element = elements[module, tag]
        kind = element["data_type"]
        value = date.fromisoformat(text) if kind == "date" else text == "1" if kind == "flag" else text
        found[element["column_name"]] = value
    return found
