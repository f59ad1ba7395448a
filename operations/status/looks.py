"""The parts of the status, each made on its own from records and names, never from exports."""

from operations.status.calls import inspections, releases, returns
from operations.status.configured import configured
from operations.status.fetched import picked_up
from operations.status.machine import airflow, backups, disk, retained
from operations.status.night import feeds, last_run, newest_pack
from operations.status.readers import published

LOOKS = (
    last_run,
    newest_pack,
    feeds,
    picked_up,
    published,
    inspections,
    returns,
    releases,
    disk,
    backups,
    retained,
    configured,
    airflow,
)
