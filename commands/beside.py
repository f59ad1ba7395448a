"""What can be done beside the night: an export looked at, an invented council, Airflow's web page."""

import sys
import tempfile
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path

from send_ready.home import ANSWER_KEY
from send_ready.settings import Settings, SettingsError


def check(given: Settings, options: Namespace) -> int:
    """Exit status 1 when a file would be refused, or a file of the configuration set aside."""
    from commands import check

    if options.file:
        return check.check(given, options.file, options.feed)
    if options.feed:
        raise SettingsError("FEED= says which feed a file is of: name the file too, with FILE=.")
    return check.check_all(given)


def sample(given: Settings, options: Namespace) -> int:
    """Exit status 2 when the council would be too small to look like any."""
    from sample import own_layout
    from sample.council import write

    inbox: Path = options.out or given.inbox
    is_own = options.layout == "own"
    with tempfile.TemporaryDirectory() if is_own else nullcontext(inbox) as folder:
        try:
            written = write(
                Path(folder),
                as_at=given.as_at,
                la_code=options.la or given.la_code,
                plans=options.plans,
                sen_support=options.sen_support,
                seed=options.seed,
                faults=0 if is_own else options.faults,
                answer_key=options.answer_key or given.home / ANSWER_KEY,
            )
        except ValueError as error:  # a council too small to look like any
            print(error, file=sys.stderr)
            return 2
        if is_own:
            rows = own_layout.rewrite(Path(folder), inbox, given.as_at)
            print(f"{len(rows)} files in layouts of their own, {sum(rows.values()):,} rows, and GIAS, in {inbox}")
        else:
            print(written)
    return 0


def airflow(given: Settings, options: Namespace) -> None:
    """Becomes Airflow, and does not come back."""
    from commands import airflow_home

    try:
        port = int(options.port or airflow_home.PORT)
    except ValueError:
        raise SettingsError(f"PORT={options.port} is not a number, such as {airflow_home.PORT}.") from None
    airflow_home.serve(given, port)
