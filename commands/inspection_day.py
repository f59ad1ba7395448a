"""The day of an inspection and the release of a return, one command a step, and what stands beside them."""

import json
import re
from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from commands.steps import AMBER, run_in_force
from send_ready import configuration, runs, settings
from send_ready.home import INSPECTIONS, REHEARSALS, SEN2
from send_ready.settings import Settings

if TYPE_CHECKING:
    from inspection.call import CallParameters, Version


def request(given: Settings, options: Namespace) -> None:
    from extract.inbox.survey import survey
    from inspection import approvers, clock, encryption
    from inspection.call import register
    from operations.settle import settle

    parameters = _parameters(given, options)
    if not (options.notified_on or parameters.is_rehearsal):
        approvers.approvers(given)  # that nobody may release should show now, not at 10:55
    clock.check_notified(parameters.notified_on, settings.now().date())
    if given.release_password_file:
        encryption.read_password(given.release_password_file)  # a mistake there should show now, not at 10:55
    run = runs.begin(given)
    survey(run, settle(run, given))
    version = register(run, parameters, settings.now())
    print(f"Version {version.number} of {version.request.key}, as at {run.as_at}: {version.folder}")
    print(f"The lists are due at {version.request.due:%H:%M on %A %-d %B %Y}.")
    for line in (*clock.oddities(parameters.notified_on), run.run_id):
        print(line)


def _parameters(given: Settings, options: Namespace) -> "CallParameters":
    """From the command line, else as Airflow hands it over."""
    from inspection.call import CallParameters, parameters_from_json

    if not options.notified_on:
        return parameters_from_json(given.request or "")
    return CallParameters(
        options.notified_on, options.kind, tuple(options.chronology), options.tracking_seed, options.rehearsal
    )


def request_return(given: Settings, options: Namespace) -> None:
    from extract.inbox.survey import survey
    from inspection import approvers, encryption, sen2_return
    from inspection.call import register_return
    from operations.settle import settle

    parameters = (
        sen2_return.ReturnParameters(options.year, options.rehearsal)
        if options.year or options.rehearsal or not given.request
        else sen2_return.parameters_from_json(given.request)
    )
    if given.request and not parameters.is_rehearsal:
        approvers.approvers(given)  # that nobody may release should show now, not on the due day
    if given.release_password_file:
        encryption.read_password(given.release_password_file)
    run = runs.begin(given)
    in_force = settle(run, given)
    wanted = parameters.of(in_force, run.as_at)
    version = register_return(run, wanted, settings.now())
    survey(run, in_force)
    print(f"Version {version.number} of SEN2 {wanted.key}, as at {run.as_at}: {version.folder}")
    print(
        f"Survey day {wanted.survey_day}, due on {wanted.due_day}; the next release has serial number {wanted.serial}."
    )
    print(run.run_id)


def freeze(given: Settings, _: Namespace) -> None:
    from inspection.call import version_of_run
    from inspection.freeze import freeze

    run, in_force = run_in_force(given)
    print(freeze(run, in_force, version_of_run(given.home, run.run_id)))
    configuration.keep(run)


def _version(given: Settings) -> "Version":
    """By its name: the run's folder may have been tidied away while the approver thought it over."""
    from inspection.call import version_of_run

    return version_of_run(given.home, runs.tidy(given.run_id) if given.run_id else runs.find(given).run_id)


def question(given: Settings, _: Namespace) -> None:
    """In JSON, for the task of Airflow that asks: subject, body, comment, and the users who may answer."""
    from inspection import approval, approvers

    question = approval.question_about(_version(given))
    print(json.dumps({**asdict(question), "assigned_users": approvers.approvers(given)}))


def release(given: Settings, options: Namespace) -> int:
    """Exit status 0 when released, 99 when rejected. Without --approve or --reject Airflow knows who answered what."""
    from inspection import approval, sign_off
    from inspection.verify import REJECT
    from operations.settle import trial

    now = settings.now()
    version = _version(given)
    by_hand = options.option and approval.decision_on_command_line(options.option, options.by, options.comment, now)
    decision = by_hand or approval.decision_in_airflow(given, version)
    # What came too late is known by the contracts; a slip in one of them now must not keep the lists from going out.
    with trial(given) as (in_force, _):
        done = sign_off.sign_off(in_force, version, decision, now)
        print(*sign_off.outcome_lines(version, done), sep="\n")
        if done and "released_at" in done and "return" in done and not version.request.is_rehearsal:
            from inspection import sen2_landed

            print(sen2_landed.land(in_force, version.request.released / version.folder.name, done))
    return AMBER if decision and decision.option == REJECT else 0


def deadline(given: Settings, options: Namespace) -> None:
    from inspection.watch import deadline

    print(deadline(given, options.which, settings.now()))


def watch(given: Settings, options: Namespace) -> int:
    """Exit status 1 when somebody should have been told something and was not."""
    from inspection import watch

    look = watch.send_trial if options.test else watch.watch_round
    not_told = look(given, settings.now())
    for line in not_told:
        print(line)
    return 1 if not_told else 0


def verify_release(given: Settings, options: Namespace) -> int:
    """Exit status 1 when anything was changed."""
    from inspection.verify import describe, has_line, verify

    head = options.head.strip().lower()
    if head and not re.fullmatch("[0-9a-f]{64}", head):
        raise runs.RunError("HEAD is the hash of a line of the release log as it was told: 64 digits from 0 to f.")
    roots = [given.home / (REHEARSALS if options.rehearsal else INSPECTIONS)]
    if not options.rehearsal and (given.home / SEN2).is_dir():
        roots.append(given.home / SEN2)
    with_line = [root for root in roots if head and has_line(root, head)] or roots[:1]
    problems = []
    for root in roots:
        here = head if root in with_line else ""
        found = verify(root, here)
        problems += found
        print(*describe(root, here), *found, sep="\n")
    return 1 if problems else 0


def chronology(given: Settings, options: Namespace) -> int:
    """Exit status 1 when there is something to say about an ID."""
    from inspection import chronologies

    path, said = chronologies.write(given, options.ids, options.notified_on or given.as_at)
    for line in said:
        print(line)
    print(path)
    return 1 if said else 0


def drill(given: Settings, _: Namespace) -> int:
    from commands.drill import drill

    return drill(given)
