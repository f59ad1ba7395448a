"""The command line: runs one command of the table in table.py, and tells what went wrong in a sentence.

A command's module, and the rooms that it uses, are imported when it is run: Great Expectations and dbt take seconds.
"""

import argparse
import os
import resource
import sys
from functools import cache
from importlib import import_module
from itertools import groupby

from commands.table import COMMANDS, MODULES, overview
from send_ready import files, machine, ownership, private, runs, settings


def main(arguments: list[str] | None = None) -> int:
    """The exit status of one command, after it has run: 0, 2 when it was refused, or what the table says."""
    os.umask(files.PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the children's data
    sys.excepthook = private.hook
    options = parser().parse_args(arguments)
    try:
        given = settings.load()
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        ownership.check(given.home)
        command = getattr(import_module(MODULES[options.command]), options.command.replace("-", "_"))
        return int(command(given, options) or 0)
    except (settings.SettingsError, runs.RunError) as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has seen enough, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not (told := machine.refused(error, given.home)):
            raise
        print(told, file=sys.stderr)
        return 2


@cache
def parser() -> argparse.ArgumentParser:
    """The parser of every command line of `send-ready`: `command` is the name of the command."""
    made = argparse.ArgumentParser(
        prog="send-ready", description=overview(), formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        status = f" Exit status {command.status}." if command.status else ""
        of_command = commands.add_parser(name, description=f"{command.help}.{status}")
        for alternatives, arguments in groupby(command.arguments, lambda argument: argument.is_alternative):
            group = of_command.add_mutually_exclusive_group() if alternatives else of_command
            for argument in arguments:
                group.add_argument(argument.name, **argument.options)
    return made
