"""What other services and the improvement team send for the board: a year of supplied figures, and the plan.

Drawn from a generator of their own, so that the other exports are the same with and without them. The figures are
invented, of plausible size; the plan answers to them and to what the council's own records show.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sample.chance import Dates, Floats, Scene

MONTHS = 12
THERAPIES = {"Speech and language therapy": 0.62, "Occupational therapy": 0.27, "Physiotherapy": 0.11}


@dataclass(frozen=True)
class Supply:
    """A KPI that a service supplies: how often, of how many for each plan, and the share at first and at last."""

    kpi_id: str
    period_type: str
    source: str
    supplied_by: str
    size: float  # denominator for each plan; of a count, its mean
    first: float = 0.0
    last: float = 0.0
    every: int = 1  # months between two figures


SUPPLIES = (
    Supply("K29", "Month", "Mediation log", "SEND resolution officer", 0.02, 0.12, 0.16),
    Supply("K51", "Snapshot", "Personal budgets register", "Commissioning team", 1.0, 0.028, 0.034),
    Supply("K56", "Rolling 12 months", "GP registers", "Integrated care board", 0.16, 0.61, 0.72),
    Supply("K57", "Snapshot", "Mental health trust's waiting list", "Integrated care board", 0.19, 0.31, 0.24),
    Supply("K58", "Snapshot", "Community trust's waiting list", "Integrated care board", 0.24, 0.42, 0.33),
    Supply("K59", "Snapshot", "Neurodevelopmental pathway", "Integrated care board", 0.31, 0.71, 0.74),
    Supply("K62", "Snapshot", "Transport system", "Transport service", 1.0, 0.31, 0.33),
    Supply("K65", "Quarter", "Families' survey", "Parent carer forum", 0.03, 0.48, 0.55, every=3),
    Supply("K66", "Month", "Plan audits", "Quality assurance lead", 0.007, 0.42, 0.68),
)
APPEALS_A_PLAN = 0.0033  # registered in a month
# area; action; owner; start and due in days from the as-at date; percent complete; status; evidence; impact measure
PLAN = (
    ("Timeliness of plans", "Recruit four plan writers and two case officers", "Head of SEND",
     -300, -120, 100, "Complete", "Posts filled; establishment list of the service", "K01"),
    ("Timeliness of plans", "Weekly panel with a clock for every open assessment", "Assessment team manager",
     -240, -180, 100, "Complete", "Panel minutes", "K07"),
    ("Timeliness of plans", "Clear assessments that are open beyond 30 weeks", "Assessment team manager",
     -210, -16, 70, "In progress", "", "K05"),
    ("Timeliness of plans", "Quality check of every draft within three working days", "Quality assurance lead",
     -120, 90, 55, "In progress", "", "K66"),
    ("Timeliness of plans", "Duty line for parents and schools on where a request stands", "Head of SEND",
     -20, 150, 0, "Not started", "", "K65"),
    ("Annual reviews", "Agree with every school a calendar of reviews for the year", "Review team manager",
     -330, -200, 100, "Complete", "Calendars of 112 schools", "K19"),
    ("Annual reviews", "Decide on reviews that wait for a decision", "Review team manager",
     -150, 20, 80, "In progress", "", "K21"),
    ("Annual reviews", "Amend plans within eight weeks of the notice", "Review team manager",
     -150, 75, 40, "In progress", "", "K22"),
    ("Annual reviews", "Phase transfers: first drafts by the end of November", "Transfer lead",
     -60, 15, 35, "In progress", "", "K24"),
    ("Health advice", "Standard advice form agreed with the trust", "Designated clinical officer",
     -270, -90, 100, "Complete", "Form signed by both partners", "K13"),
    ("Health advice", "Advice clinics for children who wait for a first appointment", "Designated clinical officer",
     -90, 60, 30, "In progress", "", "K13"),
    ("Health advice", "Shorter waits for speech and language therapy", "Therapies commissioner",
     -180, 120, 45, "In progress", "", "K58"),
    ("Health advice", "Health checks from the age of 14 for everybody on a register", "Primary care lead",
     -200, -5, 85, "In progress", "", "K56"),
    ("Health advice", "Second neurodevelopmental assessment team", "Integrated care board",
     -45, 200, 0, "On hold", "", "K59"),
    ("Attendance and part-time timetables", "Register of every part-time timetable, seen monthly", "Inclusion manager",
     -250, -150, 100, "Complete", "Register; report to the attendance board", "K49"),
    ("Attendance and part-time timetables", "Review each part-time timetable after six weeks", "Inclusion manager",
     -130, 110, 50, "In progress", "", "K49"),
    ("Attendance and part-time timetables", "Attendance mentors in the ten schools with most absence", "Virtual head",
     -100, 240, 25, "In progress", "", "K47"),
    ("Attendance and part-time timetables", "Alternative provision: one contract, one quality mark", "Commissioner",
     -190, -30, 0, "Cancelled", "", "K50"),
    ("Preparing for adulthood", "Supported internships with five local employers", "Post-16 lead",
     -80, 180, 20, "In progress", "", "K42"),
    ("Preparing for adulthood", "Transition meeting in Year 9 for every young person with a plan", "Post-16 lead",
     -160, 28, 60, "In progress", "", "K19"),
)  # fmt: skip


def measures(scene: Scene, plans: int, seed: int) -> pd.DataFrame:
    """One row a supplied figure: the feed's columns, for the last twelve whole months."""
    rng = np.random.default_rng([seed, 1])
    ends = _month_ends(scene)
    parts = [_counted(ends, rng.poisson(APPEALS_A_PLAN * plans, MONTHS))]
    parts += [_shares(rng, ends, plans, supply) for supply in SUPPLIES]
    return pd.concat(parts, ignore_index=True)


def actions(scene: Scene) -> pd.DataFrame:
    """One row an action of the improvement plan: the feed's columns, dated from the as-at date."""
    areas, titles, owners, starts, dues, done, statuses, evidence, kpis = zip(*PLAN, strict=True)
    return pd.DataFrame({
        "action_id": [f"IP{number:02}" for number in range(1, len(PLAN) + 1)],
        "area": areas,
        "action": titles,
        "owner": owners,
        "start_date": scene.today + np.array(starts, dtype="timedelta64[D]"),
        "due_date": scene.today + np.array(dues, dtype="timedelta64[D]"),
        "percent_complete": done,
        "status": statuses,
        "evidence": evidence,
        "impact_measure": kpis,
    })  # fmt: skip


def _month_ends(scene: Scene) -> Dates:
    """The last days of the twelve whole months before the as-at date, the earliest first."""
    following = (scene.today + np.timedelta64(1, "D")).astype("datetime64[M]")
    firsts = following - np.arange(MONTHS)[::-1].astype("timedelta64[M]")
    ends: Dates = firsts.astype("datetime64[D]") - np.timedelta64(1, "D")
    return ends


def _counted(ends: Dates, counts: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "kpi_id": "K25", "period_type": "Month", "period_end": ends, "breakdown_type": "", "breakdown_value": "",
        "numerator": counts, "denominator": np.nan, "source": "Tribunal log",
        "supplied_by": "SEND resolution officer", "note": "",
    })  # fmt: skip


def _shares(rng: np.random.Generator, ends: Dates, plans: int, supply: Supply) -> pd.DataFrame:
    chosen = ends[(ends.astype("datetime64[M]").astype(int) + 1) % supply.every == 0]  # quarters of the calendar year
    share = np.linspace(supply.first, supply.last, len(chosen))
    whole = np.maximum(np.rint(supply.size * plans * rng.uniform(0.97, 1.03, len(chosen))), 1).astype(np.int64)
    parts = {"": 1.0} if supply.kpi_id != "K58" else THERAPIES
    rows = [_part(rng, supply, chosen, name, whole, share, weight) for name, weight in parts.items()]
    if len(rows) > 1:
        total = sum(row[["numerator", "denominator"]].to_numpy() for row in rows)
        everybody = rows[0].assign(breakdown_type="", breakdown_value="")
        everybody[["numerator", "denominator"]] = total
        rows = [everybody, *rows]
    return pd.concat(rows, ignore_index=True)


def _part(
    rng: np.random.Generator, supply: Supply, ends: Dates, name: str, whole: np.ndarray, share: Floats, weight: float
) -> pd.DataFrame:
    denominator = np.rint(whole * weight).astype(np.int64)
    return pd.DataFrame({
        "kpi_id": supply.kpi_id, "period_type": supply.period_type, "period_end": ends,
        "breakdown_type": "Therapy" if name else "", "breakdown_value": name,
        "numerator": rng.binomial(denominator, share), "denominator": denominator,
        "source": supply.source, "supplied_by": supply.supplied_by, "note": "",
    })  # fmt: skip
