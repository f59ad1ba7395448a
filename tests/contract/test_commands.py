"""The command table, and what is made of it."""

import re
from importlib import import_module
from inspect import signature

import pytest

from commands.table import COMMANDS, GROUPS, MODULES, page
from send_ready.settings import PROJECT

MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_its_function(name: str) -> None:
    command = getattr(import_module(MODULES[name]), name.replace("-", "_"))
    assert len(signature(command).parameters) == 2  # settings and arguments


def test_no_two_commands_have_one_name() -> None:
    assert len(COMMANDS) == sum(len(group.commands) for group in GROUPS)


def test_the_page_of_commands_is_what_the_table_makes() -> None:
    """Write it anew: .venv/bin/python -c 'from commands.table import page; print(page(), end="")' > the page."""
    assert (PROJECT / "docs" / "users" / "commands.md").read_text(encoding="utf-8") == page()


def test_each_target_of_make_that_runs_a_command_is_the_tables() -> None:
    """`make help` asks the table about them: a target that has a sentence of its own as well would be there twice."""
    rules = re.findall(r"^([a-z0-9- ]+): \$\(READY\)(.*)\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    run = {}
    for targets, own_help, recipe in rules:
        if called := re.search(r"\$\(BIN\)/send-ready (\S+)", recipe):
            assert "##" not in own_help
            run |= {target: target if called[1] == "$@" else called[1] for target in targets.split()}
    assert run == {command.make: command.name for command in COMMANDS.values() if command.make}


def test_the_steps_of_the_architecture_are_commands() -> None:
    text = (PROJECT / "docs" / "developers" / "architecture.md").read_text(encoding="utf-8")
    steps = re.findall(r"^\| ((?:`[a-z0-9-]+`(?:, | a feed)?)+) \|", text, re.MULTILINE)
    named = [name for step in steps for name in re.findall(r"`([a-z0-9-]+)`", step)]
    night, inspection = (list(group.commands) for group in GROUPS[:2])
    assert named[:11] == [command.name for command in night if command.name not in ("summary", "run")]
    assert named[11:] == ["request", "freeze", "question", "release", "deadline", "watch"]
    assert set(named[11:]) <= {command.name for command in inspection}
