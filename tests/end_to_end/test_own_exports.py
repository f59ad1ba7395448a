"""The guide `docs/users/own-exports.md`, done as it says: its files written, its commands run, its outputs met.

Both lists are then those of the same council in the default layout, cell by cell.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sample import council
from sample.own_layout import by_half_term
from send_ready.settings import PROJECT
from tests import nights
from tests.golden.pipeline import SHEETS, Pipeline

GUIDE = PROJECT / "docs" / "users" / "own-exports.md"
AS_AT = date(2026, 11, 16)
PLANS, SEN_SUPPORT = 300, 600
UNIQUE_ID, UPN, BORN = 0, 1, 3


@dataclass(frozen=True)
class Block:
    """One fenced block of the guide: its language, the file that it is if it is one, and its text."""

    language: str
    file: str | None
    text: str


def blocks() -> Iterator[Block]:
    for language, file, text in re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", GUIDE.read_text("utf-8"), re.M | re.S):
        yield Block(language, file or None, text)


@pytest.fixture(scope="module")
def default(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """The night of the council in the default layout, without a hub, its attendance by half-term."""

    def play(folder: Path) -> None:
        inbox = folder / "inbox"
        council.write(inbox, as_at=AS_AT, plans=PLANS, sen_support=SEN_SUPPORT, faults=0)
        for path in inbox.glob("ehc_hub*"):
            path.unlink()
        (weekly,) = inbox.glob("capita_one_attendance*")
        by_half_term(pd.read_csv(weekly, dtype=str, keep_default_na=False)).to_csv(weekly, index=False)
        Pipeline(folder / "home", inbox, AS_AT).night()

    folder = nights.once(tmp_path_factory, "night_of_own_exports", play)
    return Pipeline(folder / "home", folder / "inbox", AS_AT)


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """What comes of the guide."""
    folder = tmp_path_factory.mktemp("guided")
    home, inbox, config = folder / "home", folder / "home" / "inbox", folder / "config"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW", "AS_AT"))}
    env = kept | {"SEND_HOME": str(home), "SEND_INBOX": str(inbox), "SEND_CONFIG": str(config), "AS_AT": str(AS_AT)}
    said = ""
    for block in blocks():
        if block.file:
            path = config / block.file
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "bash":
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text], cwd=PROJECT, env=env, capture_output=True, text=True
            )
            said = done.stdout + done.stderr
            assert done.returncode == 0, f"{block.text}\n{said[-8000:]}"
        else:
            told = {" ".join(line.split()) for line in said.splitlines()}
            missing = [line for line in block.text.splitlines() if line.strip() and " ".join(line.split()) not in told]
            assert not missing, f"not said any more: {missing}\n{said[-8000:]}"
    return Pipeline(home, inbox, AS_AT)


def test_both_lists_are_those_of_the_default_layout(default: Pipeline, guided: Pipeline) -> None:
    """But for the Unique ID of who is in the register alone, which is their UPN, or the school's number."""
    wanted, found = default.lists(), guided.lists()
    for sheet in SHEETS:
        headers, *right = wanted[sheet]
        assert found[sheet][0] == headers and len(right) > PLANS / 2
        by_child: dict[Any, tuple[Any, ...]] = {_child(row): row for row in found[sheet][1:]}
        assert len(by_child) == len(found[sheet]) - 1 == len(right), sheet
        differing = []
        for row in right:
            own = by_child.get(_child(row))
            if own is None:
                differing.append(f"{sheet}: a child of the default layout is missing")
                continue
            assert own[UNIQUE_ID] in (row[UNIQUE_ID], row[UPN], f"P{row[UNIQUE_ID]}")
            differing += [
                f"{sheet} {row[UNIQUE_ID]} {name}: {there} and not {here}"
                for name, here, there in zip(headers[1:], row[1:], own[1:], strict=True)
                if here != there
            ]
        assert not differing, differing[:20]


def _child(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (row[UPN], row[BORN]) if row[UPN] else (row[BORN], row[UNIQUE_ID].lstrip("P"))


def test_no_file_of_the_guide_is_left_out() -> None:
    """Each source is read by a preparation, and each file has its place."""
    files = {block.file for block in blocks() if block.file}
    sources = {Path(file).stem for file in files if file.startswith("sources/")}
    selects = " ".join(block.text for block in blocks() if block.file and block.file.endswith(".sql"))
    assert sources and all(re.search(rf"\b{name}\b", selects) for name in sources)
    assert shutil.which("make") and shutil.which("bash")
