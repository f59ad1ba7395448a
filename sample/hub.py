"""The EHC Hub, half of it migrated to Capita One: cases, advice and reviews."""

import numpy as np
import pandas as pd

from sample import identity, plans
from sample.chance import DAY, NO_DATE, Dates, Scene, Texts, day, days, delays
from sample.years import YEAR

HUB_YEARS = 2.3  # how long the hub has been in use
WORDS = {
    "": "", "SPLD": "Specific learning difficulty", "MLD": "Moderate learning difficulty",
    "SLD": "Severe learning difficulty", "PMLD": "Profound and multiple learning difficulty",
    "SEMH": "Social, emotional and mental health", "SLCN": "Speech, language and communication needs",
    "HI": "Hearing impairment", "VI": "Vision impairment", "MSI": "Multi-sensory impairment",
    "PD": "Physical disability", "ASD": "Autistic spectrum disorder", "DS": "Down syndrome",
    "OTH": "Other difficulty/disability",
}  # fmt: skip
GENDERS = {"M": "Male", "F": "Female", "U": "Unknown"}
REQUESTERS = {"1": "Parent or young person", "2": "School or other education setting", "3": "Health professional",
              "4": "Social care professional", "5": "Other"}  # fmt: skip
DECISIONS = {"Y": "Agreed", "N": "Refused", "": ""}
OUTCOMES = {"A": "Amend", "M": "Maintain", "C": "Cease", "": ""}
ADVICE = {  # who is asked, how often, and who answers
    "Education": (0.97, "School or setting"),
    "Health": (0.95, "Sampleshire Community Health NHS Trust"),
    "Educational Psychology": (0.97, "Educational Psychology Service"),
    "Social Care": (0.8, "Children's Social Care"),
    "Parent": (0.7, "Parent or carer"),
    "Other": (0.15, "Youth Justice Service"),
}


def cases(
    scene: Scene, people: pd.DataFrame, assessed: pd.DataFrame, held: pd.DataFrame, main_urn: Texts
) -> pd.DataFrame:
    """One row a case: the feed's columns, `person`, and `link`: how a reader can know whose case it is.

    link: migrated (the hub names the student), upn, names (with date of birth and postcode), none (not in Capita One).
    """
    rng = scene.rng
    start = scene.today - np.timedelta64(int(HUB_YEARS * YEAR), "D")
    role = people["role"].to_numpy(object)
    in_hub = np.isin(role[assessed["person"]], ["hub_plan", "hub_only"])
    in_hub |= (day(assessed["received_date"]) >= start) & (rng.random(len(assessed)) < 0.85)
    waiting = plans.ended(scene, np.flatnonzero(role == "hub_open"), "open").assign(request_source="1")
    rows = pd.concat([assessed[in_hub], waiting], ignore_index=True)
    rows = rows.sort_values(["received_date", "person"], kind="stable", ignore_index=True)
    person = people.iloc[rows["person"]].reset_index(drop=True)
    link = _links(rng, person, rows)
    # Where Capita One holds the plan, the hub names the same placement; otherwise the school where the child is.
    named = main_urn.copy()
    named[held["person"]] = held["named_urn"]
    return _rows(scene, rows, person, link, named)


def _links(rng: np.random.Generator, person: pd.DataFrame, rows: pd.DataFrame) -> Texts:
    has_upn, lot = (person["upn"] != "").to_numpy(), rng.random(len(rows))
    is_over = rows["final_issued_date"].notna() | (rows["decision_to_assess"] == "N") | (rows["inactive_reason"] != "")
    is_migrated = (lot < np.where(is_over, 0.8, 0.4)) & (person["role"] != "hub_plan")
    unmarked = np.where(has_upn & (rng.random(len(rows)) < 0.65), "upn", "names")
    return np.where(person["in_one"], np.where(is_migrated, "migrated", unmarked), "none").astype(object)


def _rows(scene: Scene, rows: pd.DataFrame, person: pd.DataFrame, link: Texts, named: Texts) -> pd.DataFrame:
    rng, size, is_migrated = scene.rng, len(rows), link == "migrated"
    final = day(rows["final_issued_date"])
    closed, reason = _closing(scene, rows, person)
    # A parent's request often comes without a UPN, and an unmarked case may show an old one.
    upn, former = person["upn"].to_numpy(object), person["former_upn"].to_numpy(object)
    upn = np.where((former != "") & (link == "upn") & (rng.random(size) < 0.5), former, upn)
    shows_upn = (link == "upn") | ((link != "names") & (rng.random(size) < np.where(is_migrated, 0.7, 0.4)))
    moved_over = np.minimum(day(rows["received_date"]) + days(rng, 150, 400, size), scene.today)
    return pd.DataFrame({
        "person": rows["person"].to_numpy(),
        "link": link,
        "case_reference": identity.text(np.arange(size) + 104_001, "EHC-"),
        "child_upn": np.where(shows_upn, upn, ""),
        "child_first_name": person["forename"].to_numpy(object),
        "child_last_name": person["surname"].to_numpy(object),
        "child_dob": day(person["birth"]),
        "gender": person["sex"].map(GENDERS),
        "postcode": person["postcode"].to_numpy(object),
        "primary_need": person["need"].map(WORDS),
        "request_received": day(rows["received_date"]),
        "requested_by": rows["request_source"].map(REQUESTERS),
        "decision_to_assess": rows["decision_to_assess"].map(DECISIONS),
        "decision_to_assess_date": day(rows["decision_notified_date"]),
        "draft_plan_sent": day(rows["draft_issued_date"]),
        "decision_to_issue": rows["decision_to_issue"].map(DECISIONS),
        "decision_to_issue_date": np.where(np.isnat(final), day(rows["no_plan_notified_date"]), final),
        "final_plan_issued": final,
        "plan_last_amended": NO_DATE,
        "named_placement_urn": np.where(np.isnat(final), "", named[rows["person"]]),
        "case_closed": closed,
        "close_reason": reason,
        "migrated_student_id": np.where(is_migrated, person["student_id"].to_numpy(object), ""),
        "migrated_on": np.where(is_migrated, moved_over, NO_DATE),
    })  # fmt: skip


def _closing(scene: Scene, rows: pd.DataFrame, person: pd.DataFrame) -> tuple[Dates, Texts]:
    """When and why a case was closed: it ended without a plan, or its plan ended."""
    refused = (rows["decision_to_assess"] == "N").to_numpy()
    no_plan = (rows["decision_to_issue"] == "N").to_numpy()
    withdrawn = (rows["inactive_reason"] == "AWI").to_numpy()
    had_plan = rows["final_issued_date"].notna().to_numpy() & person["ceased"].notna().to_numpy()
    choices = [refused, no_plan, withdrawn, had_plan]
    told, not_issued = day(rows["decision_notified_date"]), day(rows["no_plan_notified_date"])
    month = 30 * DAY
    dates = [told + month, not_issued + month, day(rows["inactive_date"]), day(person["ceased"])]
    closed = np.select(choices, dates, NO_DATE).astype("datetime64[D]")
    closed = np.where(closed > scene.today, NO_DATE, closed)
    why = np.select(choices, ["Request refused", "No plan to be issued", "Withdrawn", "Plan ceased"], "").astype(object)
    return closed, np.where(np.isnat(closed), "", why)


def reviews(
    scene: Scene, found: pd.DataFrame, held: pd.DataFrame, reviewed: pd.DataFrame, people: pd.DataFrame
) -> pd.DataFrame:
    """One row a review held in the hub: of the plans that are only there, and some of plans in Capita One.

    Of the latter, some stand in both systems and some, without an amendment, in the hub alone: those lose
    their meeting in `reviewed`. Sets `plan_last_amended` of the cases in `found`.
    """
    own = found[np.isin(people["role"].to_numpy(object)[found["person"]], ["hub_plan", "hub_only"])]
    own_plans = own.rename(
        columns={"case_reference": "plan_id", "final_plan_issued": "initial_plan_date", "case_closed": "cease_date"}
    )
    parts = [plans.reviews(scene, own_plans), _shared(scene, found, held, reviewed)]
    both = pd.concat(parts, ignore_index=True)
    both = both[both["meeting_date"].notna()].reset_index(drop=True)
    amended = both.groupby("plan_id")["final_amended_plan_date"].max()
    found["plan_last_amended"] = amended.reindex(found["case_reference"]).to_numpy("datetime64[D]")
    return pd.DataFrame({
        "review_reference": identity.text(np.arange(len(both)) + 30_001, "REV-"),
        "case_reference": both["plan_id"],
        "meeting_date": both["meeting_date"],
        "outcome": both["la_outcome"].map(OUTCOMES),
        "decision_sent_date": both["decision_date"],
        "amendment_notice_sent_date": both["amendment_notice_date"],
        "amended_plan_issued_date": both["final_amended_plan_date"],
    })  # fmt: skip


def _shared(scene: Scene, found: pd.DataFrame, held: pd.DataFrame, reviewed: pd.DataFrame) -> pd.DataFrame:
    """Reviews of plans in Capita One that were held in the hub, as rows of the hub's cases."""
    rng = scene.rng
    with_plan = found[found["final_plan_issued"].notna()]
    case_of = dict(
        zip(
            zip(with_plan["person"], with_plan["final_plan_issued"], strict=True),
            with_plan["case_reference"],
            strict=True,
        )
    )
    of_plan = [case_of.get(key, "") for key in zip(held["person"], held["initial_plan_date"], strict=True)]
    case = np.array(of_plan, dtype=object)[reviewed["of"]]
    could = (case != "") & reviewed["meeting_date"].notna().to_numpy()
    # Only a plan that was never amended since: so that both systems agree on when it was.
    is_alone = could & (reviewed["la_outcome"] == "M").to_numpy() & (rng.random(len(reviewed)) < 0.15)
    is_shared = could & ~is_alone & (reviewed["la_outcome"] != "A").to_numpy() & (rng.random(len(reviewed)) < 0.5)
    rows: pd.DataFrame = reviewed.assign(plan_id=case)[is_alone | is_shared].copy()
    for column in ("meeting_date", "decision_date"):
        reviewed.loc[is_alone, column] = NO_DATE
    reviewed.loc[is_alone, "la_outcome"] = ""
    return rows


def advice(scene: Scene, found: pd.DataFrame) -> pd.DataFrame:
    """One row a piece of advice asked for in a case that is to be assessed."""
    rng = scene.rng
    agreed = found[found["decision_to_assess"] == "Agreed"]
    parts = []
    for kind, (often, provider) in ADVICE.items():
        some = agreed[rng.random(len(agreed)) < often]
        asked = np.minimum(day(some["decision_to_assess_date"]) + days(rng, 0, 5, len(some)), scene.today)
        got = asked + delays(rng, 0.68, plans.DAYS["advice"], 25, len(some))
        got = np.fmin(got, day(some["final_plan_issued"]))
        parts.append(pd.DataFrame({
            "case_reference": some["case_reference"].to_numpy(object),
            "advice_type": kind,
            "provider": provider,
            "requested_date": asked,
            "received_date": np.where(got <= scene.today, np.maximum(got, asked), NO_DATE),
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)
