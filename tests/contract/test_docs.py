"""What the documents say exists, exists."""

import re
from pathlib import Path

import pytest

from send_ready.settings import PROJECT

PAGES = sorted(
    path
    for path in PROJECT.rglob("*.md")
    if not {".venv", ".uv", "data", ".git"} & set(path.relative_to(PROJECT).parts)
)


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_make_targets_that_are_named_exist() -> None:
    rules = re.findall(r"^([a-z- ]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    known = {target for rule in rules for target in rule.split()}
    named = {target for page in PAGES for target in re.findall(r"\bmake ([a-z]+)`", page.read_text(encoding="utf-8"))}
    assert named and named <= known


def test_settings_that_are_named_exist() -> None:
    code = "".join(path.read_text() for room in ("send_ready", "commands") for path in (PROJECT / room).glob("*.py"))
    code += (PROJECT / "docker-compose.yml").read_text() + (PROJECT / "dbt_project" / "profiles.yml").read_text()
    code += "".join(path.read_text() for path in (PROJECT / "dags").glob("*.py"))
    named = {name for page in PAGES for name in re.findall(r"`\$?(SEND_[A-Z_]+)", page.read_text(encoding="utf-8"))}
    assert named and {name for name in named if name not in code} == set()
