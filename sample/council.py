"""Sampleshire: a council that does not exist, in the eighteen exports that a council would send.

Seeded: the same arguments give the same bytes. Everything is drawn so that the published figures in
calibration.csv come out; nothing in it is anybody's data.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from sample import board, care, fault_list, hub, layout, plans, schooling, sen2, sen2_faults, sen2_return
from sample.chance import Ints, Scene
from sample.establishments import establishments
from sample.faults import Plot, write_key
from sample.people import ON_LIST_1, ON_LIST_2, people

GIAS_AGE = timedelta(days=4)  # the public extract is older than the rest

SMALLEST = 50
OF_SEN2 = 2027  # beside the seed
BOARD = ("board.measures", "board.actions")  # no faults are planted there


@dataclass(frozen=True)
class Council:
    """Everything that is known of the council before it becomes text: people, and a frame for each feed."""

    own: Scene  # with lots of their own, for what only the SEN2 return asks
    scene: Scene
    people: pd.DataFrame
    feeds: dict[str, pd.DataFrame]


@dataclass(frozen=True)
class Summary:
    """What was written: rows by file name, and how many faults the answer key lists."""

    folder: Path
    rows: dict[str, int]
    faults: int
    answer_key: Path

    def __str__(self) -> str:
        return (
            f"{len(self.rows)} exports, {sum(self.rows.values()):,} rows, in {self.folder}\n"
            f"{self.faults:,} planted faults, listed in {self.answer_key}"
        )


def build(as_at: date, la_code: str, n_plans: int, sen_support: int, seed: int) -> Council:
    """Draw the council, without faults. Raises ValueError for one that is too small to look like any."""
    if min(n_plans, sen_support) < SMALLEST:
        raise ValueError(f"A council needs at least {SMALLEST} plans and {SMALLEST} children on SEN support.")
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
        "board.measures": board.measures(scene, n_plans, seed),
        "board.actions": board.actions(scene),
    }
    own = Scene(np.random.default_rng([seed, OF_SEN2]), as_at, la_code)
    feeds["capita_one.ehcp_assessments"] = sen2.assessments(own, assessed)
    feeds["capita_one.ehc_plans"] = sen2.plans(own, folk, held)
    feeds["capita_one.annual_reviews"] = sen2.reviews(own, feeds["capita_one.annual_reviews"])
    feeds[sen2.PLACEMENTS] = sen2.placements(own, folk, feeds["capita_one.ehc_plans"], enrolled)
    return Council(own, scene, folk, feeds)


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
    has_last_return: bool = False,
) -> Summary:
    """Write the eighteen exports of data date `as_at` into `folder` (GIAS a few days older), and the answer key.

    With `has_last_return` also the SEN2 return of the last survey, as the XML that was sent to the DfE.
    The key goes beside the folder, never into it, unless `answer_key` says where. `faults` is the share of the
    people on the lists who have one; 0 plants none. Raises ValueError for a council of under 50 plans or pupils.
    """
    council = build(as_at, la_code, plans, sen_support, seed)
    # What only the return asks has lots and faults of its own, after all others, which are what they would be without.
    plot = _plot(council, {feed: frame for feed, frame in council.feeds.items() if feed != sen2.PLACEMENTS})
    if faults:
        fault_list.plant(plot, faults)
    others = _plot(council, {sen2.PLACEMENTS: council.feeds[sen2.PLACEMENTS]})
    plot.frames |= others.frames
    plot.owners |= others.owners
    plot.keys |= others.keys
    if faults:
        sen2_faults.plant(plot, council.own, faults)
    plot.finish()
    folder.mkdir(parents=True, exist_ok=True)
    names, header_lines = {}, {}
    frames = plot.frames | {feed: layout.as_text(feed, council.feeds[feed]) for feed in BOARD}
    for feed, frame in frames.items():
        headings = layout.headers(feed) | plot.headers.get(feed, {})
        header_lines[feed] = 1 + "".join(headings.values()).count("\n")
        names[feed] = layout.file_name(feed, as_at - GIAS_AGE if feed.startswith("gias") else as_at)
        layout.write(folder / names[feed], feed, frame, headings)
    rows = {names[feed]: len(frame) for feed, frame in frames.items()}
    if has_last_return:
        returned = sen2_return.build(council.feeds, council.people, as_at, la_code)
        path = folder / sen2_return.xml_name(returned)
        sen2_return.write_xml(path, returned, returned.year)
        rows[path.name] = len(returned.tables["person"])
    key = answer_key or folder.parent / "answer_key.csv"
    count = write_key(key, plot, names, header_lines)
    return Summary(folder, rows, count, key)


def _plot(council: Council, feeds: dict[str, pd.DataFrame]) -> Plot:
    """The exports about people as text, and what a fault may ask about whoever a row is about."""
    feeds = {feed: frame for feed, frame in feeds.items() if feed not in BOARD}
    return Plot(
        rng=council.scene.rng,
        as_at=council.scene.as_at,
        frames={feed: layout.as_text(feed, frame) for feed, frame in feeds.items()},
        owners={feed: _owners(council, frame) for feed, frame in feeds.items()},
        people=_about(council),
        keys={feed: layout.keys(feed) for feed in feeds},
    )


def _owners(council: Council, frame: pd.DataFrame) -> Ints:
    """Whom each row is about: a row of `people`, or -1."""
    if "person" in frame:
        return frame["person"].to_numpy(np.int64)
    held, cases = council.feeds["capita_one.ehc_plans"], council.feeds["ehc_hub.cases"]
    known = {
        "student_id": dict(zip(council.people["student_id"], council.people.index, strict=True)),
        "plan_id": dict(zip(held["plan_id"], held["person"], strict=True)),
        "case_reference": dict(zip(cases["case_reference"], cases["person"], strict=True)),
    }
    for column, owner in known.items():
        if column in frame:
            return frame[column].map(owner).to_numpy(np.int64)
    return np.full(len(frame), -1)


def _about(council: Council) -> pd.DataFrame:
    """What the `where` clauses of faults can ask of each person. The last row, which -1 finds, is nobody."""
    folk, feeds = council.people, council.feeds
    cases, held, reviewed = feeds["ehc_hub.cases"], feeds["capita_one.ehc_plans"], feeds["capita_one.annual_reviews"]
    ids = folk["student_id"]
    on_list = np.select([folk["role"].isin(ON_LIST_1), folk["role"].isin(ON_LIST_2)], ["1", "2"], "")
    case = folk.index.map(dict(zip(cases["person"], cases["case_reference"], strict=True))).fillna("")
    met = reviewed[reviewed["meeting_date"] < pd.Timestamp(council.scene.as_at) - pd.Timedelta(days=1)]
    about = pd.DataFrame({
        "p_list": on_list,
        "p_unique_id": np.where(folk["in_one"], ids, "HUB-" + case),
        "p_role": folk["role"],
        "p_age": folk["age"],
        "p_need": folk["need"],
        "p_placement": folk["placement"],
        "p_has_former_upn": folk["former_upn"] != "",
        "p_case": case != "",
        "p_link": folk.index.map(dict(zip(cases["person"], cases["link"], strict=True))).fillna(""),
        "p_care": folk.index.isin(feeds["social_care.involvements"]["person"]),
        "p_needs": ids.map(feeds["capita_one.sen_needs"]["student_id"].value_counts()).fillna(0),
        "p_home_educated": ids.isin(feeds["capita_one.home_education"]["student_id"]),
        "p_reviewed": folk.index.isin(held["person"].to_numpy()[met["of"]]),
    })  # fmt: skip
    blanks = {"b": False, "i": 0, "f": 0.0}
    nobody = pd.DataFrame({name: [blanks.get(values.dtype.kind, "")] for name, values in about.items()})
    return pd.concat([about, nobody], ignore_index=True)
