"""What the SEN2 returns that were read are to a run: the source of who has a plan, or beside Capita One."""

from datetime import date

from duckdb import DuckDBPyConnection

from send_ready import runs
from send_ready.database import literal
from send_ready.runs import Run

SOURCE, BESIDE = "source", "beside"
PERSONS = "sen2.persons"
# Capita One's feeds that say who has a plan and who asked for one. Where either ever came, a refused file included, it
# alone speaks: a return is of one day long past, and nobody can merge the two.
ONE = ("capita_one.ehc_plans", "capita_one.ehcp_assessments")


def role(run: Run) -> str:
    """What the returns are to a run, as `sen2` of the dbt project says it: source, beside, or blank without any."""
    found = {f"{result['source']}.{result['feed']}": result for result in runs.feed_results(run)}
    if not (found.get(PERSONS) or {}).get("typed_path"):
        return ""
    never = ("missing", runs.ABSENT)
    return SOURCE if all(feed not in found or found[feed]["status"] in never for feed in ONE) else BESIDE


def reference_date(con: DuckDBPyConnection, as_at: date) -> date | None:
    """The reference date of the newest return up to a day, of the warehouse attached as `built`; None without one."""
    found = con.execute(
        f"SELECT max(reference_date) FROM built.raw.sen2__persons WHERE reference_date <= {literal(as_at)}"
    ).fetchone()
    return found[0] if found else None
