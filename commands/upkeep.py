"""What keeps the warehouse running: status, backup, retention, the published copies and the catalogue."""

import json
import sys
from argparse import Namespace

from send_ready import runs, settings
from send_ready.settings import Settings


def status(given: Settings, options: Namespace) -> int:
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


def backup(given: Settings, options: Namespace) -> None:
    from operations.backup.backup import backup

    print(backup(given, options.folder, settings.now()))


def restore(given: Settings, options: Namespace) -> None:
    from operations.backup.restore import restore

    print(*restore(given, options.file), sep="\n")


def purge(given: Settings, options: Namespace) -> None:
    from operations.retention.purge import purge

    choices = {"person": options.person, "force": options.force, "do": options.do, "by": options.by, "why": options.why}
    print(*purge(given, settings.now(), **choices), sep="\n")


def rollback(given: Settings, _: Namespace) -> int:
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


def install_service(given: Settings, options: Namespace) -> None:
    from operations import services

    environ = settings.given()
    if options.cron:
        lines = services.install_cron(given, environ, remove=options.remove)
    elif options.remove:
        lines = services.remove(given)
    else:
        lines = services.install(given, environ, with_airflow=options.airflow)
    for line in lines:
        print(line, flush=True)


def postgres_roles(_: Settings, __: Namespace) -> None:
    print((settings.PROJECT / "warehouse" / "postgres" / "roles.sql").read_text(encoding="utf-8"), end="")


def catalogue(given: Settings, _: Namespace) -> None:
    from warehouse.catalogue import write_docs

    print(write_docs(given))
