"""Sampleshire: a council that does not exist, in the fifteen exports that a council's systems would write.

Seeded: the same arguments give the same bytes. Everything is drawn so that the published figures in
calibration.csv come out; nothing in it is anybody's data.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from sample import care, hub, layout, plans, schooling
from sample.chance import NO_DATE
from sample.establishments import establishments
from sample.people import people

GIAS_AGE = 4  # days by which the public extract is older than the rest


@dataclass(frozen=True)
class Council:
    """Everything that is known of the council, before it becomes text: people, and a frame for each feed."""

    as_at: date
    la_code: str
    people: pd.DataFrame
    feeds: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Summary:
    """What was written: rows by file name, and how many faults are in the answer key."""

    folder: Path
    rows: dict[str, int]
    faults: int
    answer_key: Path | None


def build(as_at: date, la_code: str, n_plans: int, sen_support: int, seed: int) -> Council:
    """Draw the council."""
    rng = np.random.default_rng(seed)
    gias = establishments(rng, as_at, la_code, n_plans + sen_support)
    folk = people(rng, as_at, la_code, n_plans, sen_support)
    folk["first_plan"] = plans.plan_dates(rng, as_at, folk)
    enrolled = schooling.enrolments(rng, as_at, la_code, folk, gias)
    held = plans.plans(rng, as_at, folk, schooling.open_enrolment(folk, enrolled))
    reviews = plans.reviews(rng, as_at, held)
    amended = plans.latest_amended(len(held), reviews)
    held["current_plan_date"] = np.where(
        np.isnat(amended), held["initial_plan_date"].to_numpy("datetime64[D]"), amended
    )
    assessed = plans.assessments(rng, as_at, la_code, folk, held)
    cases = hub.cases(rng, as_at, folk, assessed)
    in_hub = cases[folk["role"].isin(["hub_plan", "hub_only"]).to_numpy()[cases["person"]]]
    hub_reviews = hub.reviews(rng, as_at, in_hub)
    # The hub's own plans were assessed in the hub alone.
    assessed = assessed[~folk["role"].isin(["hub_plan", "hub_only"]).to_numpy()[assessed["person"]]]
    led = assessed[assessed["final_issued_date"].notna()].set_index("person")["involvement_id"]
    held["involvement_id"] = held["person"].map(led).fillna("")
    reviews["review_id"] = np.char.mod("%d", np.arange(len(reviews)) + 700_001).astype(object)
    students = folk[folk["in_one"]].rename(
        columns={"birth": "date_of_birth", "death": "date_of_death", "updated": "last_updated"}
    )
    feeds = {
        "capita_one.students": students.sort_values("student_id"),
        "capita_one.enrolments": enrolled.sort_values(["student_id", "entry_date", "urn"], kind="stable"),
        "capita_one.sen_provision": plans.provision(rng, as_at, folk).sort_values(
            ["student_id", "start_date"], kind="stable"
        ),
        "capita_one.sen_needs": plans.needs(rng, as_at, folk).sort_values(["student_id", "rank"], kind="stable"),
        "capita_one.ehcp_assessments": assessed.sort_values("involvement_id"),
        "capita_one.ehc_plans": held.sort_values("plan_id"),
        "capita_one.annual_reviews": reviews,
        "capita_one.attendance": schooling.attendance(rng, as_at, folk, enrolled),
        "capita_one.exclusions": schooling.exclusions(rng, as_at, folk, enrolled),
        "capita_one.home_education": schooling.home_education(rng, as_at, folk, enrolled),
        "ehc_hub.cases": cases,
        "ehc_hub.advice": hub.advice(rng, as_at, cases),
        "ehc_hub.reviews": hub_reviews,
        "social_care.involvements": care.involvements(rng, as_at, folk),
        "gias.establishments": gias.sort_values("urn"),
    }
    return Council(as_at, la_code, folk, feeds)


def write(
    folder: Path, *, as_at: date, la_code: str = "999", plans: int = 3700, sen_support: int = 7000,
    seed: int = 2026, faults: float = 0.01, answer_key: Path | None = None,
) -> Summary:  # fmt: skip
    """Write the fifteen exports of data date `as_at` into `folder` (GIAS a few days older)."""
    council = build(as_at, la_code, plans, sen_support, seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for feed, frame in council.feeds.items():
        name = layout.file_name(feed, as_at - timedelta(days=GIAS_AGE) if feed.startswith("gias") else as_at)
        layout.write(folder / name, feed, layout.as_text(feed, frame))
        rows[name] = len(frame)
    return Summary(folder, rows, 0, answer_key)


__all__ = ["NO_DATE", "Council", "Summary", "build", "write"]
