"""A night as far as its lists, in one process: for make onboard, in a SEND_HOME of its own that is thrown away.

usage: python -m commands.trial HOME CONFIG     The other settings are those of the environment.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

from extract import contract as contracts
from extract.choose import extract
from extract.inbox.survey import survey
from extract.own.land import land_sources
from operations.settle import settle
from send_ready import files, private, runs, settings
from send_ready.runs import RunError
from warehouse.dbt import build


def main(home: Path, config: Path) -> None:
    """Build the lists of what lies in the inbox, with a draft as the configuration. Raises RunError."""
    os.umask(files.PRIVATE_UMASK)
    sys.excepthook = private.hook
    given = settings.load()
    given = replace(given, home=home, config=config, run_id="trial", publish_url=None)
    run = runs.begin(given)
    in_force = settle(run, given)
    survey(run, in_force)
    land_sources(run, in_force)
    for feed in contracts.feeds():
        try:
            extract(run, in_force, feed)
        except RunError as error:  # one feed stops no other
            print(f"{feed}: {error}", file=sys.stderr)
    build(run, in_force)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except RunError as error:
        sys.exit(str(error))
