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
from sample.chance import Scene
from sample.establishments import establishments
from sample.people import people

GIAS_AGE = timedelta(days=4)  # the public extract is older than the rest


@dataclass(frozen=True)
class Council:
    """Everything that is known of the council before it becomes text: people, and a frame for each feed."""

    scene: Scene
    people: pd.DataFrame
    feeds: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Summary:
    """What was written: rows by file name, and how many faults the answer key lists."""

    folder: Path
    rows: dict[str, int]
    faults: int


def build(as_at: date, la_code: str, n_plans: int, sen_support: int, seed: int) -> Council:
    """Draw the council, without faults."""
    scene = Scene(np.random.default_rng(seed), as_at, la_code)
    gias = establishments(scene, n_plans + sen_support)
    folk = people(scene, n_plans, sen_support)
    folk["first_plan"] = plans.first_plans(scene, folk)
    enrolled = schooling.enrolments(scene, folk, gias)
    main_urn = schooling.main_urns(folk, enrolled)
    held = plans.plans(scene, folk, main_urn)
    reviewed = plans.reviews(scene, held)
    held["current_plan_date"] = plans.current_dates(held, reviewed)
    assessed = plans.assessments(scene, folk, held)
    cases = hub.cases(scene, folk, assessed, held, main_urn)
    hub_reviews = hub.reviews(scene, cases, held, reviewed, folk)
    # What was assessed for a plan that is still in the hub stands in the hub alone.
    assessed = assessed[~folk["role"].isin(["hub_plan", "hub_only"]).to_numpy()[assessed["person"]]]
    led_to = assessed[assessed["final_issued_date"].notna()].set_index(["person", "final_issued_date"])[
        "involvement_id"
    ]
    held["involvement_id"] = pd.MultiIndex.from_frame(held[["person", "initial_plan_date"]]).map(led_to.to_dict())
    feeds = {
        "capita_one.students": folk[folk["in_one"]].rename(
            columns={"birth": "date_of_birth", "death": "date_of_death", "updated": "last_updated"}
        ),
        "capita_one.enrolments": enrolled,
        "capita_one.sen_provision": plans.provision(scene, folk),
        "capita_one.sen_needs": plans.needs(scene, folk),
        "capita_one.ehcp_assessments": assessed,
        "capita_one.ehc_plans": held,
        "capita_one.annual_reviews": reviewed.assign(review_id=np.arange(len(reviewed)) + 700_001),
        "capita_one.attendance": schooling.attendance(scene, folk, enrolled),
        "capita_one.exclusions": schooling.exclusions(scene, folk, enrolled),
        "capita_one.home_education": schooling.home_education(scene, folk, enrolled),
        "ehc_hub.cases": cases,
        "ehc_hub.advice": hub.advice(scene, cases),
        "ehc_hub.reviews": hub_reviews,
        "social_care.involvements": care.involvements(scene, folk),
        "gias.establishments": gias,
    }
    return Council(scene, folk, feeds)


def write(
    folder: Path,
    *,
    as_at: date,
    la_code: str = "999",
    plans: int = 3700,
    sen_support: int = 7000,
    seed: int = 2026,
    faults: float = 0.01,
    answer_key: Path | None = None,
) -> Summary:
    """Write the fifteen exports of data date `as_at` into `folder` (GIAS a few days older)."""
    council = build(as_at, la_code, plans, sen_support, seed)
    folder.mkdir(parents=True, exist_ok=True)
    rows = {}
    for feed, frame in council.feeds.items():
        name = layout.file_name(feed, as_at - GIAS_AGE if feed.startswith("gias") else as_at)
        layout.write(folder / name, feed, layout.as_text(feed, frame))
        rows[name] = len(frame)
    return Summary(folder, rows, 0)
