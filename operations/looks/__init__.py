"""The parts of the status, each found by itself: what stands in records and names, never in exports."""

from operations.looks.calls import inspections, releases
from operations.looks.configured import configured
from operations.looks.machine import airflow, backups, disk, retained
from operations.looks.night import feeds, last_run, newest_pack
from operations.looks.readers import published

LOOKS = (last_run, newest_pack, feeds, published, inspections, releases, disk, backups, retained, configured, airflow)
