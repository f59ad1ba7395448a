"""The steps of the night, one command each, and `send-ready run`, which is all of them through Airflow."""

from argparse import Namespace

from send_ready import configuration, runs
from send_ready.runs import Run
from send_ready.settings import Settings

REFUSED = 1
AMBER = 99  # the exit status that Airflow shows as a skipped task


def run_in_force(given: Settings) -> tuple[Run, Settings]:
    """The run that a step is of, and settings that read the configuration which is in force in it."""
    run = runs.find(given)
    if settled := configuration.settled_settings(run, given):
        return run, settled
    from operations.settle import in_force

    return run, in_force(run, given)


def begin(given: Settings, _: Namespace) -> None:
    from extract.inbox.survey import survey
    from operations.settle import settle

    run = runs.begin(given)
    survey(run, settle(run, given))
    print(run.run_id)


def land_sources(given: Settings, _: Namespace) -> None:
    from extract.inbox.takers import active_sources

    run, in_force = run_in_force(given)
    if not active_sources(in_force):  # as in most nights of most councils: what lands them is not imported
        print("No source has a file: nothing to do.")
        return
    from extract.own.land import land_sources

    land_sources(run, in_force)


def extract(given: Settings, options: Namespace) -> None:
    from extract.choose import extract

    extract(*run_in_force(given), options.feed)


def validate_feeds(given: Settings, _: Namespace) -> None:
    from expectations.feeds import validate_feeds
    from extract.choose import fill_gaps
    from extract.own.accounting import account

    run, in_force = run_in_force(given)
    for feed in fill_gaps(run, in_force):
        print(f"{feed}: reading it failed, see its task; the last accepted file is in use")
    validate_feeds(run, in_force)
    account(run)


def verdict(given: Settings, options: Namespace) -> int:
    result = runs.feed_result(runs.find(given), options.feed)
    if not result:
        raise runs.RunError(f"Nothing is known of {options.feed} yet. Run `send-ready extract {options.feed}` first.")
    if result["status"] == runs.UNUSED:
        print(f"{options.feed}: not used. A council may do without it.")
        return 0
    if result["status"] == runs.ABSENT:
        print(f"{options.feed}: the council does not hold this. {result['absent_reason']}")
        return 0
    print(f"{options.feed}: {result['status']}" + (f", data date {day}" if (day := result["data_date"]) else ""))
    for file in result["files"]:
        if file["status"] in ("refused", "deferred"):
            print(f"  {file['file_name']}: {file['status']}. {file['reason']}")
    return {"fresh": 0, "refused": REFUSED}.get(result["status"], AMBER)


def build(given: Settings, _: Namespace) -> None:
    from warehouse.dbt import build

    build(*run_in_force(given))


def validate_lists(given: Settings, _: Namespace) -> None:
    from expectations.lists import validate_lists

    validate_lists(*run_in_force(given))


def validate_sen2(given: Settings, _: Namespace) -> None:
    from expectations.sen2 import validate_sen2
    from publish.sen2.file_issues import check_file

    run, in_force = run_in_force(given)
    validate_sen2(run, in_force)
    check_file(run, in_force)


def publish(given: Settings, _: Namespace) -> None:
    from inspection.sen2_return import next_serial_of
    from publish.pack import publish

    run, in_force = run_in_force(given)
    publish(run, in_force, next_serial_of(run.home))
    configuration.keep(run)


def serve(given: Settings, _: Namespace) -> None:
    from warehouse.serve import serve

    serve(*run_in_force(given))


def serve_postgres(given: Settings, _: Namespace) -> int:
    """Exit status 99 where SEND_PUBLISH_URL names no PostgreSQL."""
    if not given.publish_url:
        print("SEND_PUBLISH_URL names no PostgreSQL: nothing to do.")
        return AMBER
    from warehouse.postgres import publish

    publish.serve(runs.find(given), given)
    return 0


def summary(given: Settings, _: Namespace) -> None:
    from publish.summary import summary

    print(summary(runs.find(given), given))


def run(given: Settings, _: Namespace) -> int:
    from commands.night import run

    return run(given)
