"""The command line: one command a step, each its own process, in the order of the DAG.

    send-ready begin                 a run for AS_AT, and what the inbox holds that no feed knows
    send-ready extract SOURCE.FEED   land, read and choose one feed
    send-ready validate-feeds        raw rules on every feed
    send-ready verdict SOURCE.FEED   0 fresh or not used, 99 stale or missing, 1 refused
    send-ready build                 the warehouse, by dbt
    send-ready validate-lists        the rules on both finished lists
    send-ready publish               workbooks and manifest
    send-ready serve                 the warehouse that BI tools read
    send-ready serve-postgres        the same on the council's PostgreSQL, where SEND_PUBLISH_URL names one
    send-ready summary               what came of it
    send-ready run                   all of it through Airflow, as `make run` does

For an inspection, in the order of its DAG; between freeze and release somebody approves:

    send-ready request               the call: its deadlines, its timetable, and a run with a version of its own
    send-ready freeze                the pack of this version, and what its approver reads
    send-ready question              what the approver is asked, and who may answer
    send-ready release               approved: copied, encrypted and put on record; rejected: put on record
    send-ready deadline WHICH        tells people when the lists are late, or about to be
    send-ready watch                 looks whether anything should have been told and was not; for cron or systemd
    send-ready verify-release        whether anything released was changed since
    send-ready chronology ID …       what happened to these children, as a workbook
    send-ready drill                 plays the whole day, as `make drill` does

For the SEND board, once a month, in place of publish and serve:

    send-ready chosen-day DAY        0 when the board's edition is made on that day, else 99
    send-ready board                 the edition of the month, internal and public (--public FOLDER: that alone)
    send-ready edition [YYYY-MM]     all of it through Airflow, as `make board` does

To keep it running:

    send-ready status                how it stands, and what to do
    send-ready backup FOLDER         what cannot be built again, as one archive
    send-ready restore FILE          such an archive into an empty SEND_HOME
    send-ready purge                 what is older than its period, or holds a person; --do removes it
    send-ready rollback              back to the published warehouse before this one
    send-ready postgres-roles        what a database administrator runs once
    send-ready catalogue             every table and column of the warehouse, as one page

Beside all:

    send-ready check [FILE]          what the pipeline makes of one export, without landing it; without FILE, whether
                                     the configuration and each export in the inbox can be used
    send-ready sample                the synthetic council, into the inbox

Rooms are imported where they are used: Great Expectations and dbt take seconds to import.
"""

import argparse
import json
import os
import re
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from send_ready import configuration, files, machine, ownership, private, runs, settings
from send_ready.runs import Run
from send_ready.settings import Settings

if TYPE_CHECKING:
    from inspection.call import Asked, Wanted

EXIT_REFUSED = 1
EXIT_AMBER = 99  # Airflow shows a task that exits with it as skipped


def main(arguments: list[str] | None = None) -> int:
    """Run one command. The exit status is 0, or what the command's docstring says."""
    os.umask(files.PRIVATE_UMASK)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold the children's data
    sys.excepthook = private.hook
    options = _parser().parse_args(arguments)
    try:
        given = settings.load()
    except settings.SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        ownership.check(given.home)
        return int(options.command(given, options) or 0)
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


def _found(given: Settings) -> tuple[Run, Settings]:
    """The run that a step is of, and settings that read the configuration which is in force in it."""
    run = runs.find(given)
    if found := configuration.settled_settings(run, given):
        return run, found
    from operations.settle import in_force

    return run, in_force(run, given)


def _begin(given: Settings, _: argparse.Namespace) -> None:
    from extract.inbox.survey import survey
    from operations.settle import settle

    run = runs.begin(given)
    survey(run, settle(run, given))
    print(run.run_id)


def _extract(given: Settings, options: argparse.Namespace) -> None:
    from extract.choose import extract

    extract(*_found(given), options.feed)


def _validate_feeds(given: Settings, _: argparse.Namespace) -> None:
    from expectations.feeds import validate_feeds
    from extract.choose import fill_gaps

    run, in_force = _found(given)
    for feed in fill_gaps(run, in_force):
        print(f"{feed}: reading it failed, see its task; the last accepted file is in use")
    validate_feeds(run, in_force)


def _verdict(given: Settings, options: argparse.Namespace) -> int:
    result = runs.feed_result(runs.find(given), options.feed)
    if not result:
        raise runs.RunError(f"Nothing is known of {options.feed} yet. Run `send-ready extract {options.feed}` first.")
    if result["status"] == runs.UNUSED:
        print(f"{options.feed}: not used. A council may do without it.")
        return 0
    print(f"{options.feed}: {result['status']}" + (f", data date {day}" if (day := result["data_date"]) else ""))
    for file in result["files"]:
        if file["status"] in ("refused", "deferred"):
            print(f"  {file['file_name']}: {file['status']}. {file['reason']}")
    return {"fresh": 0, "refused": EXIT_REFUSED}.get(result["status"], EXIT_AMBER)


def _build(given: Settings, _: argparse.Namespace) -> None:
    from warehouse.build import build

    build(*_found(given))


def _validate_lists(given: Settings, _: argparse.Namespace) -> None:
    from expectations.lists import validate_lists

    validate_lists(*_found(given))


def _publish(given: Settings, _: argparse.Namespace) -> None:
    from publish.pack import publish

    run, in_force = _found(given)
    publish(run, in_force)
    configuration.keep(run)


def _serve(given: Settings, _: argparse.Namespace) -> None:
    from warehouse.serve import serve

    serve(*_found(given))


def _serve_postgres(given: Settings, _: argparse.Namespace) -> int:
    """Exit status 99 where SEND_PUBLISH_URL names no PostgreSQL."""
    if not given.publish_url:
        print("SEND_PUBLISH_URL names no PostgreSQL: nothing to do.")
        return EXIT_AMBER
    from warehouse.postgres import publish

    publish.serve(runs.find(given), given)
    return 0


def _rollback(given: Settings, _: argparse.Namespace) -> int:
    """Exit status 2 when one of the two has nothing to go back to; the other goes back all the same."""
    from warehouse import serve
    from warehouse.postgres import publish

    status = 0
    for rollback in (serve.rollback, *([publish.rollback] if given.publish_url else [])):
        try:
            print(rollback(given))
        except runs.RunError as error:
            print(error, file=sys.stderr)
            status = 2
    return status


def _postgres_roles(_: Settings, __: argparse.Namespace) -> None:
    print((settings.PROJECT / "warehouse" / "postgres" / "roles.sql").read_text(encoding="utf-8"), end="")


def _catalogue(given: Settings, _: argparse.Namespace) -> None:
    from warehouse.build import write_docs

    print(write_docs(given))


def _status(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when somebody should act."""
    from operations.status.status import status, status_json

    now = settings.now()
    if options.json:
        facts, act = status_json(given, now)
        print(json.dumps(facts, indent=2, ensure_ascii=False, default=str))
    else:
        lines, act = status(given, now)
        print(*lines, sep="\n")
    return act


def _backup(given: Settings, options: argparse.Namespace) -> None:
    from operations.backup.backup import backup

    print(backup(given, options.folder, settings.now()))


def _restore(given: Settings, options: argparse.Namespace) -> None:
    from operations.backup.restore import restore

    print(*restore(given, options.file), sep="\n")


def _purge(given: Settings, options: argparse.Namespace) -> None:
    from operations.retention.purge import purge

    asked = {"person": options.person, "force": options.force, "do": options.do, "by": options.by, "why": options.why}
    print(*purge(given, settings.now(), **asked), sep="\n")


def _summary(given: Settings, _: argparse.Namespace) -> None:
    from publish.summary import summary

    print(summary(runs.find(given), given))


def _run(given: Settings, _: argparse.Namespace) -> int:
    from commands.night import run

    return run(given)


def _request(given: Settings, options: argparse.Namespace) -> None:
    from extract.inbox.survey import survey
    from inspection import approvers, clock, encryption
    from inspection.call import register
    from operations.settle import settle

    wish = _asked(given, options)
    if not (options.notified_on or wish.is_rehearsal):
        approvers.approvers(given)  # that nobody may release should show now, not at 10:55
    clock.check_notified(wish.notified_on, settings.now().date())
    if given.release_password_file:
        encryption.read_password(given.release_password_file)  # a mistake there should show now, not at 10:55
    run = runs.begin(given)
    survey(run, settle(run, given))
    wanted = register(run, wish, settings.now())
    print(f"Version {wanted.version} of {wanted.request.key}, as at {run.as_at}: {wanted.folder}")
    print(f"The lists are due at {wanted.request.due:%H:%M on %A %-d %B %Y}.")
    for line in (*clock.oddities(wish.notified_on), run.run_id):
        print(line)


def _asked(given: Settings, options: argparse.Namespace) -> "Asked":
    """From the command line, else as Airflow hands it over."""
    from inspection.call import Asked, asked

    if not options.notified_on:
        return asked(given.request or "")
    return Asked(options.notified_on, options.kind, tuple(options.chronology), options.tracking_seed, options.rehearsal)


def _freeze(given: Settings, _: argparse.Namespace) -> None:
    from inspection.call import of
    from inspection.freeze import freeze

    run, in_force = _found(given)
    print(freeze(run, in_force, of(given.home, run.run_id)))
    configuration.keep(run)


def _wanted(given: Settings) -> "Wanted":
    """By its name: the run's folder may have been tidied away while the approver thought it over."""
    from inspection.call import of

    return of(given.home, runs.tidy(given.run_id) if given.run_id else runs.find(given).run_id)


def _question(given: Settings, _: argparse.Namespace) -> None:
    """In JSON, for the task of Airflow that asks: subject, body, comment, and the users who may answer."""
    from inspection import approval, approvers

    asked = approval.question(_wanted(given))
    print(json.dumps({**asdict(asked), "assigned_users": approvers.approvers(given)}))


def _release(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 0 when released, 99 when rejected. Without --approve or --reject Airflow knows who answered what."""
    from inspection import approval, sign_off
    from inspection.verify import REJECT
    from operations.settle import trial

    now = settings.now()
    wanted = _wanted(given)
    by_hand = options.option and approval.by_hand(options.option, options.by, options.comment, now)
    decision = by_hand or approval.answered(given, wanted)
    # What came too late is known by the contracts; a slip in one of them now must not keep the lists from going out.
    with trial(given) as (in_force, _):
        done = sign_off.sign_off(in_force, wanted, decision, now)
    print(*sign_off.told(wanted, done), sep="\n")
    return EXIT_AMBER if decision and decision.option == REJECT else 0


def _deadline(given: Settings, options: argparse.Namespace) -> None:
    from inspection.watch import deadline

    print(deadline(given, options.which, settings.now()))


def _watch(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when somebody should have been told something and was not."""
    from inspection import watch

    look = watch.trial if options.test else watch.run
    not_told = look(given, settings.now())
    for line in not_told:
        print(line)
    return 1 if not_told else 0


def _chosen_day(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 0 on the month's chosen working day, and when no day is given; else 99."""
    from inspection.clock import add_working_days, shown

    if not options.day:
        return 0
    day = date.fromisoformat(options.day)
    chosen = add_working_days(day.replace(day=1) - timedelta(days=1), given.board_working_day)
    print(f"The board's edition is made on {shown(chosen)}.")
    return 0 if day == chosen else EXIT_AMBER


def _board(given: Settings, options: argparse.Namespace) -> None:
    from publish import board

    run, in_force = _found(given)
    for path in board.publish(options.public, run, in_force) if options.public else [board.freeze(run, in_force)]:
        print(path)


def _edition(given: Settings, options: argparse.Namespace) -> int:
    from commands import edition

    return edition.run(given, options.month, settings.now().date())


def _verify_release(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when anything was changed."""
    from inspection.verify import describe, verify

    root = given.home / "out" / ("rehearsals" if options.rehearsal else "inspections")
    head = options.head.strip().lower()
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise runs.RunError("HEAD is the hash of a line of the release log as it was told: 64 digits from 0 to f.")
    problems = verify(root, head)
    print(*describe(root, head), *problems, sep="\n")
    return 1 if problems else 0


def _chronology(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when there is something to say about an ID."""
    from inspection import chronologies

    path, said = chronologies.write(given, options.ids, options.notified_on or given.as_at)
    for line in said:
        print(line)
    print(path)
    return 1 if said else 0


def _drill(given: Settings, _: argparse.Namespace) -> int:
    from commands.drill import drill

    return drill(given)


def _check(given: Settings, options: argparse.Namespace) -> int:
    """Exit status 1 when a file would be refused, or a file of the configuration set aside."""
    from commands import check

    if options.file:
        return check.check(given, options.file, options.feed)
    if options.feed:
        raise settings.SettingsError("FEED= says which feed a file is of: name the file too, with FILE=.")
    return check.check_all(given)


def _sample(given: Settings, options: argparse.Namespace) -> int:
    from sample.council import write

    try:
        written = write(
            options.out or given.inbox,
            as_at=given.as_at,
            la_code=options.la or given.la_code,
            plans=options.plans,
            sen_support=options.sen_support,
            seed=options.seed,
            faults=options.faults,
            answer_key=options.answer_key or given.home / "answer_key.csv",
        )
    except ValueError as error:  # a council too small to look like any
        print(error, file=sys.stderr)
        return 2
    print(written)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="send-ready", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, command: Callable[[Settings, argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        found = commands.add_parser(name, description=command.__doc__)
        found.set_defaults(command=command)
        return found

    add("begin", _begin)
    add("extract", _extract).add_argument("feed", metavar="SOURCE.FEED")
    add("validate-feeds", _validate_feeds)
    add("verdict", _verdict).add_argument("feed", metavar="SOURCE.FEED")
    add("build", _build)
    add("validate-lists", _validate_lists)
    add("publish", _publish)
    add("serve", _serve)
    add("serve-postgres", _serve_postgres)
    add("status", _status).add_argument("--json", action="store_true", help="as facts, for monitoring")
    add("backup", _backup).add_argument("folder", type=Path, metavar="FOLDER", help="on another disk")
    add("restore", _restore).add_argument("file", type=Path, metavar="FILE", help="what `backup` wrote")
    purge = add("purge", _purge)
    purge.add_argument("--do", action="store_true", help="remove it; without, only say what would go")
    purge.add_argument("--by", default="", metavar="NAME", help="who removes")
    purge.add_argument("--why", default="", metavar="REASON", help="for the record: no names of children")
    purge.add_argument("--person", nargs="+", default=[], metavar="ID", help="Unique ID, or records as source:id")
    purge.add_argument("--force", action="store_true", help="also while the newest export still holds the person")
    add("rollback", _rollback)
    add("postgres-roles", _postgres_roles)
    add("catalogue", _catalogue)
    add("summary", _summary)
    add("run", _run)
    request = add("request", _request)
    request.add_argument("--notified-on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the day of the call")
    request.add_argument(
        "--kind", default="full_inspection", help="full_inspection, monitoring_inspection, revisit_2019"
    )
    request.add_argument("--chronology", nargs="*", default=[], metavar="ID", help="children chosen for tracking")
    request.add_argument("--tracking-seed", default="", help="suggests another set of children (default: D)")
    request.add_argument("--rehearsal", action="store_true", help="into out/rehearsals; no alarm goes out")
    add("freeze", _freeze)
    add("question", _question)
    release = add("release", _release)
    decision = release.add_mutually_exclusive_group()
    for option in ("Approve", "Reject"):
        decision.add_argument(f"--{option.lower()}", action="store_const", const=option, dest="option")
    release.add_argument("--by", default="", metavar="NAME", help="who decided")
    release.add_argument("--comment", default="", help="a rejection needs one")
    add("chosen-day", _chosen_day).add_argument("day", metavar="DAY", help="YYYY-MM-DD; empty: any day will do")
    public = "only the edition to publish, into a folder of your choice, from the run as it stands"
    add("board", _board).add_argument("--public", type=Path, metavar="FOLDER", help=public)
    add("edition", _edition).add_argument("month", nargs="?", metavar="YYYY-MM", help="default: the month before this")
    add("deadline", _deadline).add_argument("which", choices=("warning", "missed"))
    add("watch", _watch).add_argument("--test", action="store_true", help="send everybody a trial message")
    verify = add("verify-release", _verify_release)
    verify.add_argument("--rehearsal", action="store_true", help="those of drills")
    verify.add_argument("--head", default="", metavar="HASH", help="of a line of the log, as it was told at the time")
    chronology = add("chronology", _chronology)
    chronology.add_argument("ids", nargs="+", metavar="ID", help="Unique IDs, as on the lists")
    chronology.add_argument(
        "--notified-on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="default: AS_AT, or today"
    )
    add("drill", _drill)
    check = add("check", _check)
    check.add_argument("file", type=Path, nargs="?", help="without: the whole configuration and the whole inbox")
    check.add_argument("--feed", metavar="SOURCE.FEED", help="when the name does not say")
    sample = add("sample", _sample)
    sample.add_argument("--out", type=Path, help="the folder to write to (default: the inbox)")
    sample.add_argument("--la", help="the council's three-digit number")
    sample.add_argument("--plans", type=int, default=3_700)
    sample.add_argument("--sen-support", type=int, default=7_000)
    sample.add_argument("--seed", type=int, default=2026)
    sample.add_argument("--faults", type=float, default=0.01, help="share of records with a planted fault")
    sample.add_argument("--answer-key", type=Path)
    return parser
