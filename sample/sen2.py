"""What the SEN2 return asks besides the lists: columns of assessments, plans and reviews, and placements.

Drawn by lots of its own, so that the council is otherwise the one that it would be without.
"""

from datetime import date

import numpy as np
import pandas as pd

from sample.chance import DAY, NO_DATE, Flags, Scene, Texts, day, days, pick
from sample.establishments import NEIGHBOURS
from warehouse import seeds

PLACEMENTS = "capita_one.placements"
FLAGS = tuple(f"{stage}_{what}" for stage in ("request", "issue", "other") for what in ("mediation", "tribunal"))
COLUMNS = {  # quiet in their contracts, and yet written
    "capita_one.ehcp_assessments": ("relevant_youth_accommodation", "exported_to_la", *FLAGS),
    "capita_one.ehc_plans": (
        "plan_start_date", "transferred_in_date", "work_based_learning", "organised_arrangements", "direct_payment",
    ),
    "capita_one.annual_reviews": ("draft_amended_plan_date",),
}  # fmt: skip
OTHER_WORDS = {"OTH": "Personalised programme", "NIEO": "Too unwell to attend"}
UNITS = {"mainstream": 0.05}  # share of places in a unit, and as many in resourced provision


def survey_year(as_at: date) -> int:
    """The year of the survey whose return is the next one due, or due on the day."""
    due = {int(row["survey_year"]): date.fromisoformat(row["due_day"]) for row in seeds.rows("sen2_surveys")}
    return min((year for year, day in due.items() if day >= as_at), default=as_at.year + 1)


def assessments(scene: Scene, assessed: pd.DataFrame) -> pd.DataFrame:
    """The assessments with what the return asks of them: flags by stage agree with Mediation and Tribunal."""
    rng, size = scene.rng, len(assessed)
    is_issued = assessed["final_issued_date"].notna().to_numpy()
    stages = {
        "request": (assessed["decision_to_assess"] == "N").to_numpy(),
        "issue": (assessed["decision_to_issue"] == "N").to_numpy(),
        "other": np.full(size, False),
    }
    left = (assessed["inactive_reason"] == "AWI").to_numpy() & (rng.random(size) < 0.1)
    found = assessed.assign(
        relevant_youth_accommodation=_yes_no(rng.random(size) < 0.003),
        exported_to_la=np.where(left, pick(rng, NEIGHBOURS, size), ""),
    )
    for stage, is_stage in stages.items():
        for what, share in (("mediation", 0.02), ("tribunal", 0.015)):
            is_so = (assessed[what] == "Y").to_numpy() & is_stage
            if stage == "other":
                is_so = is_issued & (rng.random(size) < share)
            found[f"{stage}_{what}"] = _yes_no(is_so)
    return found


def plans(scene: Scene, people: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """The plans with what the return asks of them. Whoever moved in has a plan from before."""
    rng, size = scene.rng, len(held)
    first, current = day(held["initial_plan_date"]), day(held["current_plan_date"])
    moved_in = (held["transferred_in_from_la"] != "").to_numpy()
    came = np.minimum(first + days(rng, 20, 400, size), scene.today)
    has_budget = (held["personal_budget"] == "Y").to_numpy()
    return held.assign(
        plan_start_date=np.fmax(first, current),
        transferred_in_date=np.where(moved_in, came, NO_DATE),
        work_based_learning=_at_work(people, held),
        organised_arrangements=np.where(has_budget, _yes_no(rng.random(size) < 0.3), ""),
        direct_payment=np.where(has_budget, "None", ""),
    )


def reviews(scene: Scene, reviewed: pd.DataFrame) -> pd.DataFrame:
    """The reviews with the day on which the draft of an amended plan went out: with the notice, or days after."""
    notice, final = day(reviewed["amendment_notice_date"]), day(reviewed["final_amended_plan_date"])
    draft = notice + days(scene.rng, 0, 14, len(reviewed))
    is_out = (draft <= scene.today) & ~(draft > final)
    return reviewed.assign(draft_amended_plan_date=np.where(is_out, draft, NO_DATE))


def placements(scene: Scene, people: pd.DataFrame, held: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row a placement of a plan: what section I names, and where the child is or was while it was in force."""
    ceased = day(held["cease_date"])
    is_open = np.isnat(ceased) | (ceased > scene.today)
    named = held[is_open & ((held["named_urn"] != "") | (held["setting_type"] != ""))]
    parts = [
        pd.DataFrame({
            "person": named["person"], "plan_id": named["plan_id"], "section_i": "Y", "urn": named["named_urn"],
            "setting_type": np.where(named["named_urn"] == "", named["setting_type"], ""), "rank": 1,
            "entry_date": NO_DATE, "leaving_date": NO_DATE, "residential": named["residential"],
        }),
        _at_schools(scene, held, enrolled),
        _elsewhere(scene, held, enrolled),
    ]  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    kind = people["placement"].to_numpy(object)[found["person"]]
    is_school = (found["urn"] != "").to_numpy()
    share = pd.Series(kind).map(UNITS).fillna(0.0).to_numpy(float)
    # What section I names, and where the child is, is in the same unit.
    lots = scene.rng.random(len(people))[found["person"]]
    return found.assign(
        placement_id=[str(number) for number in 300_001 + np.arange(len(found))],
        student_id=people["student_id"].to_numpy(object)[found["person"]],
        ukprn="",
        setting_other=found["setting_type"].map(OTHER_WORDS).fillna(""),
        sen_unit=np.where(is_school, _yes_no(lots < share), ""),
        resourced_provision=np.where(is_school, _yes_no((lots >= share) & (lots < 2 * share)), ""),
        work_based_learning=_at_work(people, found),
    )


def _at_work(people: pd.DataFrame, rows: pd.DataFrame) -> Texts:
    """Nobody learns at work, since the letters of the return are not known; of who might it is said."""
    return np.where(people["placement"].to_numpy(object)[rows["person"]] == "fe", "None", "").astype(object)


def _at_schools(scene: Scene, held: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """Enrolments while the plan was in force, begun and not left three years ago: of those open now one is rank 1."""
    joined = enrolled[enrolled["enrolment_status"] != "G"].merge(
        held[["person", "plan_id", "initial_plan_date", "cease_date", "residential"]], on="person"
    )
    entry, left = day(joined["entry_date"]), day(joined["leaving_date"])
    first, ceased = day(joined["initial_plan_date"]), day(joined["cease_date"])
    ends = np.fmin(left, np.where(ceased <= scene.today, ceased, NO_DATE))
    entry = np.maximum(entry, first)
    is_in = (entry <= scene.today) & ~(ends <= entry) & ~(ends < scene.today - 1000 * DAY)
    found = pd.DataFrame({
        "person": joined["person"], "plan_id": joined["plan_id"], "section_i": "N", "urn": joined["urn"],
        "setting_type": "", "rank": np.where(joined["enrolment_status"] == "S", 2, 1), "entry_date": entry,
        "leaving_date": ends, "residential": joined["residential"],
    })[is_in]  # fmt: skip
    found = found.sort_values(["person", "rank", "entry_date"], kind="stable")
    is_now = found["leaving_date"].isna()
    nth = found[is_now].groupby("person").cumcount()
    found["rank"] = nth.clip(upper=1).add(1).reindex(found.index).fillna(found["rank"]).astype(int)
    found["residential"] = np.where(is_now & (found["rank"] == 1), found["residential"], "")
    return found[~is_now | (nth.reindex(found.index).fillna(0) < 2)]


def _elsewhere(scene: Scene, held: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """Where a child with an open plan is who is at no school: the kind of setting, since the plan is as it is."""
    ceased = day(held["cease_date"])
    is_open = np.isnat(ceased) | (ceased > scene.today)
    at_school = enrolled.loc[enrolled["leaving_date"].isna() & (enrolled["enrolment_status"] != "G"), "person"]
    some = held[is_open & (held["setting_type"] != "") & ~held["person"].isin(at_school)]
    return pd.DataFrame({
        "person": some["person"], "plan_id": some["plan_id"], "section_i": "N", "urn": "",
        "setting_type": some["setting_type"], "rank": 1, "entry_date": day(some["plan_start_date"]),
        "leaving_date": NO_DATE, "residential": "",
    })  # fmt: skip


def _yes_no(is_so: Flags) -> Texts:
    return np.where(is_so, "Y", "N").astype(object)
