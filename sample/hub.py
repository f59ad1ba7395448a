"""The EHC Hub, half of it migrated to Capita One: cases, advice and reviews."""

from datetime import date

import numpy as np
import pandas as pd

from sample import identity, plans
from sample.chance import NO_DATE, Texts, days
from sample.years import YEAR

HUB_YEARS = 2.3  # how long the hub has been in use
WORDS = {
    "": "", "SPLD": "Specific Learning Difficulty", "MLD": "Moderate Learning Difficulty",
    "SLD": "Severe Learning Difficulty", "PMLD": "Profound and Multiple Learning Difficulty",
    "SEMH": "Social, Emotional and Mental Health", "SLCN": "Speech, Language and Communication Needs",
    "HI": "Hearing Impairment", "VI": "Vision Impairment", "MSI": "Multi-Sensory Impairment",
    "PD": "Physical Disability", "ASD": "Autistic Spectrum Disorder", "DS": "Down Syndrome",
    "OTH": "Other Difficulty/Disability",
}  # fmt: skip
REQUESTERS = {"1": "Parent or young person", "2": "School or other education setting", "3": "Health professional",
              "4": "Social care professional", "5": "Other"}  # fmt: skip
OUTCOMES = {"A": "Amend", "M": "Maintain", "C": "Cease", "": ""}
DECISIONS = {"Y": "Agreed", "N": "Refused", "": ""}
ADVICE = {
    "Education": 0.97,
    "Health": 0.95,
    "Educational Psychology": 0.97,
    "Social Care": 0.8,
    "Parent": 0.7,
    "Other": 0.15,
}
PROVIDERS = {"Education": "School or setting", "Health": "Sampleshire Community Health NHS Trust",
             "Educational Psychology": "Educational Psychology Service", "Social Care": "Children's Social Care",
             "Parent": "Parent or carer", "Other": "Youth Justice Service"}  # fmt: skip


def cases(rng: np.random.Generator, as_at: date, people: pd.DataFrame, assessed: pd.DataFrame) -> pd.DataFrame:
    """One row a case: the feed's columns, `person`, and `link` (how a reader can know whose case it is).

    link: migrated (the hub says so), upn, names (names, date of birth and postcode), none (not in Capita One).
    """
    start = np.datetime64(as_at) - np.timedelta64(int(HUB_YEARS * YEAR), "D")
    in_one = people["in_one"].to_numpy()[assessed["person"]]
    must = people["role"].isin(["hub_plan", "hub_only"]).to_numpy()[assessed["person"]]
    taken = must | ((assessed["received_date"] >= pd.Timestamp(start)).to_numpy() & (rng.random(len(assessed)) < 0.85))
    open_only = plans._ended(rng, np.datetime64(as_at), np.flatnonzero(people["role"] == "hub_open"), "open")
    rows = pd.concat([assessed[taken], open_only.assign(request_source="1")], ignore_index=True)
    rows = rows.sort_values(["received_date", "person"], kind="stable", ignore_index=True)
    person = people.iloc[rows["person"]].reset_index(drop=True)
    link = _links(rng, person, rows)
    return _case_rows(rng, as_at, rows, person, link)


def _links(rng: np.random.Generator, person: pd.DataFrame, rows: pd.DataFrame) -> Texts:
    has_upn = (person["upn"] != "").to_numpy()
    lot = rng.random(len(rows))
    is_open = rows["final_issued_date"].isna().to_numpy() & (rows["decision_to_assess"] != "N").to_numpy()
    link = np.where(lot < np.where(is_open, 0.4, 0.8), "migrated", np.where(has_upn & (lot < 0.93), "upn", "names"))
    link = np.where((person["role"] == "hub_plan") & (link == "migrated"), np.where(has_upn, "upn", "names"), link)
    return np.where(person["in_one"], link, "none").astype(object)


def _case_rows(
    rng: np.random.Generator, as_at: date, rows: pd.DataFrame, person: pd.DataFrame, link: Texts
) -> pd.DataFrame:
    size, today = len(rows), np.datetime64(as_at)
    migrated = link == "migrated"
    final = rows["final_issued_date"].to_numpy("datetime64[D]")
    refused = ((rows["decision_to_assess"] == "N") | (rows["decision_to_issue"] == "N")).to_numpy()
    withdrawn = (rows["inactive_reason"] == "AWI").to_numpy()
    ended = np.where(
        refused,
        rows["decision_notified_date"].to_numpy("datetime64[D]"),
        rows["inactive_date"].to_numpy("datetime64[D]"),
    )
    ended = np.where(rows["decision_to_issue"] == "N", rows["no_plan_notified_date"].to_numpy("datetime64[D]"), ended)
    over = (refused | withdrawn) & ~np.isnat(ended)
    had_plan = np.where(person["ceased"].notna(), person["ceased"].to_numpy("datetime64[D]"), NO_DATE)
    closed = np.where(over, np.minimum(ended + np.timedelta64(30, "D"), today), had_plan)
    reason = np.where(
        refused, "Request refused", np.where(withdrawn, "Withdrawn", np.where(np.isnat(had_plan), "", "Plan ceased"))
    )
    shows_upn = np.isin(link, ["upn"]) | (
        rng.random(size) < np.where(link == "migrated", 0.7, np.where(link == "none", 0.4, 0.0))
    )
    last = rows["received_date"].to_numpy("datetime64[D]") + days(rng, 150, 400, size)
    gender = person["sex"].map({"M": "Male", "F": "Female"}).fillna("Unknown").to_numpy(object)
    need = person["need"].map(WORDS).fillna("").to_numpy(object)
    return pd.DataFrame({
        "person": rows["person"].to_numpy(),
        "link": link,
        "case_reference": identity.text(np.arange(size) + 104_001, "EHC-"),
        "child_upn": np.where(shows_upn, person["upn"].to_numpy(object), ""),
        "child_first_name": person["forename"].to_numpy(object),
        "child_last_name": person["surname"].to_numpy(object),
        "child_dob": person["birth"].to_numpy("datetime64[D]"),
        "gender": gender,
        "postcode": person["postcode"].to_numpy(object),
        "primary_need": need,
        "request_received": rows["received_date"].to_numpy("datetime64[D]"),
        "requested_by": rows["request_source"].map(REQUESTERS).to_numpy(object),
        "decision_to_assess": rows["decision_to_assess"].map(DECISIONS).to_numpy(object),
        "decision_to_assess_date": rows["decision_notified_date"].to_numpy("datetime64[D]"),
        "draft_plan_sent": rows["draft_issued_date"].to_numpy("datetime64[D]"),
        "decision_to_issue": rows["decision_to_issue"].map(DECISIONS).to_numpy(object),
        "decision_to_issue_date": np.where(np.isnat(final), rows["no_plan_notified_date"].to_numpy("datetime64[D]"), final),
        "final_plan_issued": final,
        "plan_last_amended": NO_DATE,
        "named_placement_urn": "",
        "case_closed": closed,
        "close_reason": np.where(np.isnat(closed), "", reason),
        "migrated_student_id": np.where(migrated, person["student_id"].to_numpy(object), ""),
        "migrated_on": np.where(migrated, np.minimum(last, today), NO_DATE),
    })  # fmt: skip


def reviews(rng: np.random.Generator, as_at: date, held: pd.DataFrame) -> pd.DataFrame:
    """One row a review of a plan that is in the hub only. `held` are its cases."""
    own = held.assign(
        plan_id=held["case_reference"], initial_plan_date=held["final_plan_issued"], cease_date=held["case_closed"]
    )
    found = plans.reviews(rng, as_at, own)
    found = found[found["meeting_date"].notna()].reset_index(drop=True)
    return pd.DataFrame({
        "of": found["of"],
        "review_reference": identity.text(np.arange(len(found)) + 30_001, "REV-"),
        "case_reference": found["plan_id"],
        "meeting_date": found["meeting_date"],
        "outcome": found["la_outcome"].map(OUTCOMES),
        "decision_sent_date": found["decision_date"],
        "amendment_notice_sent_date": found["amendment_notice_date"],
        "amended_plan_issued_date": found["final_amended_plan_date"],
    })  # fmt: skip


def advice(rng: np.random.Generator, as_at: date, held: pd.DataFrame) -> pd.DataFrame:
    """One row a piece of advice asked for in a case that is to be assessed."""
    agreed = held[held["decision_to_assess"] == "Agreed"]
    today = np.datetime64(as_at)
    parts = []
    for kind, chance in ADVICE.items():
        some = agreed[rng.random(len(agreed)) < chance]
        asked = some["decision_to_assess_date"].to_numpy("datetime64[D]") + days(rng, 0, 5, len(some))
        wait = np.where(
            rng.random(len(some)) < 0.68,
            rng.integers(7, 43, len(some)),
            43 + rng.exponential(25, len(some)).astype(int),
        )
        got = asked + wait.astype("timedelta64[D]")
        limit = some["final_plan_issued"].to_numpy("datetime64[D]")
        got = np.where(~np.isnat(limit), np.minimum(got, limit), got)
        parts.append(pd.DataFrame({
            "case_reference": some["case_reference"].to_numpy(object), "advice_type": kind, "provider": PROVIDERS[kind],
            "requested_date": np.minimum(asked, today), "received_date": np.where(got <= today, got, NO_DATE),
        }))  # fmt: skip
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values(["case_reference", "advice_type"], kind="stable", ignore_index=True)
