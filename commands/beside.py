"""What can be done beside the night: an export looked at, an invented council, Airflow's web page."""

import sys
import tempfile
from argparse import Namespace
from contextlib import nullcontext
from pathlib import Path

from send_ready.home import ANSWER_KEY
from send_ready.settings import Settings, SettingsError


def check(given: Settings, options: Namespace) -> int:
    """Exit status 1 when something is to be put right."""
    from commands import check, check_all

    if options.file:
        return check.check(given, options.file, options.feed)
    if options.feed:
        raise SettingsError("FEED= says which feed a file is of: name the file too, with FILE=.")
    return check_all.check_all(given, alerts=options.alert)


def pickup(given: Settings, options: Namespace) -> int:
    """Exit status 1 when something was not fetched and may be at another try, 3 when it will not be."""
    import json

    from operations import settle
    from pickup import sources, transfer
    from pickup.trouble import MAY_PASS, REFUSED

    with settle.trial(given, sources.FILE) as (in_force, settled):
        for aside in settled.set_aside:
            print(aside.in_words, file=sys.stderr)
        found = sources.load(in_force)
        if options.names:
            print(json.dumps([each.name for each in found]))
            return 0
        named = [each for each in found if options.source in (None, each.name)]
        if options.source and not named:
            known = ", ".join(each.name for each in found) or "none"
            raise SettingsError(f"pickup.yml names no source {options.source[:60]}. It names: {known}.")
        if not named and not settled.set_aside:
            print("There is no pickup.yml in SEND_CONFIG: nothing to fetch. See docs/users/pickup.md.")
        statuses = [REFUSED if settled.set_aside and not options.source else 0]
        for each in named:
            came = transfer.pick_up(each, in_force, again=options.again)
            print("\n".join(transfer.told(came)), flush=True)
            statuses.append(came.status)
    return MAY_PASS if MAY_PASS in statuses else max(statuses)


def onboard(given: Settings, options: Namespace) -> int:
    """Exit status 1 when an answer cannot be used, or a file of SEND_CONFIG was left as it is."""
    from commands.onboard import onboard

    return onboard(given, adopts=options.adopt, tries=not options.no_trial)


def layout(given: Settings, options: Namespace) -> int:
    """Exit status 1 when the template, or the draft, cannot be used."""
    from commands.draft_layout import draft_layout
    from operations import settle
    from send_ready.layout import OWN

    with settle.trial(given, OWN) as (in_force, settled):
        for aside in settled.set_aside:
            print(aside.in_words, file=sys.stderr)
        return draft_layout(in_force, options.template, options.name, adopts=options.adopt, config=given.config)


def sen2(given: Settings, options: Namespace) -> int:
    """Exit status 1 without a run to make the return from, 130 when it was stopped."""
    from commands.sen2_year import make

    return make(given, options.year)


def sample(given: Settings, options: Namespace) -> int:
    """Exit status 2 when the council would be too small to look like any."""
    from sample import national, own_layout
    from sample.council import write

    inbox: Path = options.out or given.inbox
    is_own = options.layout != "default"
    key = options.answer_key or given.home / ANSWER_KEY
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
                answer_key=key,
                has_last_return=True,
            )
        except ValueError as error:  # a council too small to look like any
            print(error, file=sys.stderr)
            return 2
        if is_own:
            if options.layout == "national":
                rows = national.rewrite(Path(folder), inbox, given.as_at, key if options.faults else None)
            else:
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
