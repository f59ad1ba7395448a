"""Of any return each form gives the same tables; a damaged file is refused or read, and never half read."""

import datetime as dt
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extract.refusal import Refusal
from tests.extract.sen2.forms import blades, pre_submission, template, xml
from tests.extract.sen2.reads import read, read_all
from tests.extract.sen2.test_forms import renumbered
from tests.extract.sen2.truth import CHILDREN, COLUMNS, Row, tables

SIGNS = st.characters(codec="utf-8", categories=("L", "Nd", "Pd", "Sm", "Po"), exclude_characters="\\")
TEXT = st.text(SIGNS, min_size=1, max_size=12).map(lambda text: f"A{text}z")
DAYS = st.dates(dt.date(1960, 1, 1), dt.date(2025, 12, 31))
VALUES = {"text": TEXT, "date": DAYS.map(str), "flag": st.sampled_from("01"),
          "number": st.integers(1, 99_999_999).map(str)}  # fmt: skip


@st.composite
def rows(draw: Any, module: str = "person") -> Row:
    """A row with some of its values and, below it, rows as the forms can hold them: one a request but for details."""
    made: Row = {}
    for _, column, kind in COLUMNS[module]:
        if draw(st.booleans()):
            made[column] = draw(VALUES[kind])
    made[COLUMNS[module][0][1]] = draw(VALUES[COLUMNS[module][0][2]])
    for child in CHILDREN.get(module, ()):
        often = child in ("requests", "plan_detail", "placement_detail", "sen_need")
        made[child] = draw(st.lists(rows(child), min_size=module == "person", max_size=2 if often else 1))
    return made


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(persons=st.lists(rows(), min_size=1, max_size=3), chance=st.randoms(use_true_random=False))
def test_every_form_gives_the_same_tables(persons: list[Row], chance: random.Random) -> None:
    expected = tables(persons)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "sen2.xml").write_text(xml(persons, lines=chance.choice(["\n", ""])), encoding="utf-8")
        forms = {
            "xml": [place / "sen2.xml"],
            "template": [template(place / "sen2 2026 template.xlsx", persons, notes=chance.random() < 0.5)],
            "sheets": [pre_submission(place / "sen2 2026 sheets.xlsx", persons)],
            "blades": [path for path in blades(place, persons) if len(path.read_text().splitlines()) > 1],
        }
        for name, paths in forms.items():
            found, told = read_all(paths)
            found.pop("sen2")
            assert renumbered(found) == expected, name
            assert {each.rule for each in told} <= {"F-66"}  # meetings and decisions are any two days


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_a_damaged_xml_is_refused_or_read(chance: random.Random) -> None:
    data = bytearray(xml().encode())
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(4):
            case 0:
                del data[at : at + chance.randint(1, 40)]
            case 1:
                data[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 6)))
            case 2:
                data[at] = chance.randrange(256)
            case _:
                data = data[: at + 1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sen2 2026.xml")
        path.write_bytes(bytes(data))
        try:
            found, _ = read(path)
        except Refusal as refusal:
            assert refusal.reason and refusal.fix
        else:
            assert found["person"]
