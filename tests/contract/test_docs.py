"""What the documents say exists, exists."""

import fnmatch
import re
import subprocess
from pathlib import Path

import pytest

from pickup.sources import CREDENTIALS
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


def tracked() -> list[str]:
    """The paths of the project's files and folders, from its root."""
    named = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(named, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    return sorted({*files, *(str(folder) for file in files for folder in Path(file).parents)})


OF_TODAY = [page for page in PAGES if page.name != "CHANGELOG.md"]  # which names what was


@pytest.mark.parametrize("page", OF_TODAY, ids=lambda page: str(page.relative_to(PROJECT)))
def test_paths_that_are_named_exist(page: Path) -> None:
    """From the project's root; on pages for developers also the end of a path. `<feed>` stands for any name."""
    paths = tracked()
    rooms = {path for path in paths if "/" not in path and path != "." and (PROJECT / path).is_dir()}
    for_developers = page.name == "CONTRIBUTING.md" or page.parent.name in ("developers", "adr")
    words = [word for text in re.findall(r"`([^`\n]+)`", page.read_text(encoding="utf-8")) for word in text.split()]
    for word in words:
        if not re.fullmatch(r"[\w.<>*/-]+", word):
            continue
        pattern = re.sub(r"<\w+>", "*", word).rstrip("/")
        if "/" in word and word.split("/")[0] in rooms:
            assert fnmatch.filter(paths, pattern), word
        elif for_developers and re.fullmatch(r"[\w<>*/-]+\.(py|sql)", word):
            assert fnmatch.filter(paths, f"*/{pattern}"), word


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
    of_sources = {name for name in named if re.fullmatch(r"SEND_PICKUP_[A-Z]+_.+", name)}
    assert of_sources and all(name.endswith(tuple(f"_{each}" for each in CREDENTIALS)) for name in of_sources)
    assert named and {name for name in named - of_sources if name not in code} == set()
