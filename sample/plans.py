"""SEN provision and needs, the way to a plan, the plans, and their reviews."""

from datetime import date

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import NO_DATE, Dates, Flags, Ints, Texts, days, pick, quota
from sample.establishments import NEIGHBOURS
from sample.years import YEAR, calendar, school_year

FIRST_PLANS = np.datetime64("2014-09-01")  # the Children and Families Act 2014 came into force
SETTINGS = ("OLA", "OPA", "EHE", "EYP", "OTH", "NEET", "NIEC", "NIEO")
ASSESSED_YEARS = 3  # assessments of older plans are not in the export
SECOND_NEEDS = {"ASD": "SLCN", "SLCN": "ASD", "SEMH": "SLCN", "MLD": "SLCN", "SLD": "ASD", "PMLD": "PD", "PD": "MLD",
                "SPLD": "SEMH", "HI": "SLCN", "VI": "PD", "MSI": "HI", "OTH": "SEMH", "DS": "SLD"}  # fmt: skip


def plan_dates(rng: np.random.Generator, as_at: date, people: pd.DataFrame) -> Dates:
    """When each person's first plan was issued; none for who never had one."""
    today = np.datetime64(as_at)
    ceased = people["ceased"].to_numpy("datetime64[D]")
    on = np.where(np.isnat(ceased), today, ceased)
    years = people["years"].fillna(0).to_numpy()
    births = people["birth"].to_numpy("datetime64[D]")
    part = ((on - births).astype(np.int64) / YEAR) % 1
    # Years in place and age at start fit together only when the part of a year is chosen with them.
    later = people["is_later_start"].fillna(False).to_numpy(bool)
    within = rng.random(len(people))
    within = np.where(
        people["is_later_start"].isna(), within, np.where(later, within * part, part + within * (1 - part))
    )
    held = years - 1 + within
    held = np.where(years >= 12, 11 + rng.random(len(people)) * 3, held)
    first = on - np.maximum(held * YEAR, 1).astype("timedelta64[D]")
    first = np.maximum(first, np.maximum(FIRST_PLANS, births + np.timedelta64(400, "D")))
    first = np.where(first >= on, on - np.timedelta64(1, "D"), first)
    return np.where(people["role"].isin(["plan", "hub_plan", "hub_only", "ceased", "visitor"]), first, NO_DATE)


def plans(rng: np.random.Generator, as_at: date, people: pd.DataFrame, main_urn: Texts) -> pd.DataFrame:
    """One row a plan in Capita One: open ones, those that ended, and a few that end soon."""
    who = np.flatnonzero(people["role"].isin(["plan", "ceased"]))
    some = people.iloc[who]
    size, today = len(who), np.datetime64(as_at)
    placement = some["placement"].to_numpy(object)
    is_open = some["ceased"].isna().to_numpy()
    cease_date, reason = some["ceased"].to_numpy("datetime64[D]"), some["cease_reason"].fillna("").to_numpy(object)
    ending = is_open & (some["age"] >= 18).to_numpy() & (rng.random(size) < 0.02)
    cease_date = np.where(ending, today + days(rng, 1, 60, size), cease_date)
    reason = np.where(ending, pick(rng, ["6", "3", "4"], size), reason)
    moved_in = rng.random(size) < 0.035
    residential = np.isin(placement, ["special_independent", "nmss", "spi"]) & (
        rng.random(size) < _residential_rate(people)
    )
    due, final = _phase_transfer(rng, as_at, some, is_open)
    return pd.DataFrame({
        "person": who,
        "plan_id": identity.text(200_000 + rng.permutation(size * 2)[:size]),
        "student_id": some["student_id"].to_numpy(object),
        "initial_plan_date": some["first_plan"].to_numpy("datetime64[D]"),
        "named_urn": np.where(is_open, main_urn[who], ""),
        "setting_type": np.where(is_open & np.isin(placement, SETTINGS), placement, ""),
        "residential": np.where(residential, pick(rng, ["A", "B"], size, [1396, 825]), ""),
        "personal_budget": np.where(rng.random(size) < figures.figure("personal_budget") / figures.figure("ehcplans"), "Y", "N"),
        "transferred_in_from_la": np.where(moved_in, pick(rng, NEIGHBOURS, size), ""),
        "cease_date": cease_date,
        "cease_reason": reason,
        "phase_transfer_due_date": due,
        "phase_transfer_final_date": final,
    })  # fmt: skip


def _residential_rate(people: pd.DataFrame) -> float:
    national = (figures.figure("res_3851") + figures.figure("res_52")) / figures.figure("ehcplans")
    open_plans = people[people["role"] == "plan"]
    could = open_plans["placement"].isin(["special_independent", "nmss", "spi"]).sum()
    return float(national * len(open_plans) / max(could, 1))


def _phase_transfer(rng: np.random.Generator, as_at: date, some: pd.DataFrame, is_open: Flags) -> tuple[Dates, Dates]:
    """Due on 15 February (31 March into post-16) before the move: of those who move next, and who moved last."""
    year, today = school_year(as_at), np.datetime64(as_at)
    age = some["school_age"].to_numpy()
    next_move, last_move = np.isin(age, [3, 10, 15]), np.isin(age, [4, 11, 16])
    due_year = np.where(next_move, year + 1, year)
    post_16 = (age == 15) | (age == 16)
    due = np.where(post_16, calendar(due_year, 3, 31), calendar(due_year, 2, 15))
    applies = is_open & (next_move | last_move) & (some["first_plan"].to_numpy("datetime64[D]") < due)
    lag = np.where(rng.random(len(age)) < 0.7, rng.integers(-60, 1, len(age)), rng.integers(1, 120, len(age)))
    final = due + lag.astype("timedelta64[D]")
    return np.where(applies, due, NO_DATE), np.where(applies & (final <= today), final, NO_DATE)


def reviews(rng: np.random.Generator, as_at: date, held: pd.DataFrame) -> pd.DataFrame:
    """One row a review: due each year from the first plan; most are held, some late, some never; the next one is due.

    `held` has `plan_id`, `initial_plan_date` and `cease_date`.
    """
    today = np.datetime64(as_at)
    first = held["initial_plan_date"].to_numpy("datetime64[D]")
    ceased = held["cease_date"].to_numpy("datetime64[D]")
    last = np.where(np.isnat(ceased) | (ceased > today), today, ceased)
    count = ((last - first).astype(np.int64) / YEAR).astype(np.int64) + (last == today)
    of = np.repeat(np.arange(len(held)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 1
    due = first[of] + (number * YEAR).astype("timedelta64[D]")
    late = np.where(
        rng.random(len(of)) < 0.62, rng.integers(-45, 1, len(of)), rng.exponential(45, len(of)).astype(int) + 1
    )
    meeting = due + late.astype("timedelta64[D]")
    was_held = rng.random(len(of)) < figures.figure("total_review_meeting") / figures.figure("review_expected")
    meeting = np.where(was_held & (meeting <= last[of]), meeting, NO_DATE)
    return pd.DataFrame({"of": of, "plan_id": held["plan_id"].to_numpy(object)[of], "due_date": due,
                         **_decisions(rng, today, meeting)})  # fmt: skip


def _decisions(rng: np.random.Generator, today: np.datetime64, meeting: Dates) -> dict[str, np.ndarray]:
    """What the council decided after each meeting, and when: within four weeks as often as published."""
    size = len(meeting)
    outcomes = ["A", "M", "C", ""]
    weights = [figures.figure(name) for name in ("outcome_amend", "outcome_maintain", "outcome_cease", "no_outcome")]
    outcome = np.where(np.isnat(meeting), "", pick(rng, outcomes, size, weights))
    in_time = rng.random(size) < figures.rate("pc_decision_4weeks")
    wait = np.where(in_time, rng.integers(5, 29, size), 29 + rng.exponential(40, size).astype(int))
    decided = meeting + wait.astype("timedelta64[D]")
    known = (outcome != "") & (decided <= today)
    decided = np.where(known, decided, NO_DATE)
    outcome = np.where(known, outcome, "")
    amends = outcome == "A"
    notice = np.where(amends & (rng.random(size) < 0.9), decided, NO_DATE)
    issued = decided + rng.integers(28, 120, size).astype("timedelta64[D]")
    issued = np.where(amends & (issued <= today) & (rng.random(size) < 0.85), issued, NO_DATE)
    return {"meeting_date": meeting, "la_outcome": outcome, "decision_date": decided,
            "amendment_notice_date": notice, "final_amended_plan_date": issued}  # fmt: skip


def latest_amended(size: int, held: pd.DataFrame) -> Dates:
    """The date of the newest amended plan of each plan, by its number in `of`."""
    amended = held["final_amended_plan_date"].to_numpy("datetime64[D]")
    known = ~np.isnat(amended)
    days_held = np.full(size, np.iinfo(np.int64).min)
    np.maximum.at(days_held, held["of"].to_numpy()[known], amended[known].astype(np.int64))
    return days_held.astype("datetime64[D]")


def assessments(
    rng: np.random.Generator, as_at: date, la_code: str, people: pd.DataFrame, held: pd.DataFrame
) -> pd.DataFrame:
    """One row an assessment of the last three years: those that led to a plan, refusals, withdrawals, open ones."""
    today = np.datetime64(as_at)
    since = today - np.timedelta64(int(ASSESSED_YEARS * YEAR), "D")
    led = held[(held["initial_plan_date"] >= pd.Timestamp(since)) & (held["transferred_in_from_la"] == "")]
    in_hub = np.flatnonzero(people["role"].isin(["hub_plan", "hub_only"]))
    parts = [_issued(rng, led["person"].to_numpy(), led["initial_plan_date"].to_numpy("datetime64[D]"))]
    parts.append(_issued(rng, in_hub, people["first_plan"].to_numpy("datetime64[D]")[in_hub]))
    parts += _without_plan(rng, today, people, len(led) + len(in_hub))
    found = pd.concat(parts, ignore_index=True)
    size = len(found)
    found["involvement_id"] = identity.text(500_000 + rng.permutation(size * 2)[:size])
    found["student_id"] = people["student_id"].to_numpy(object)[found["person"]]
    sources = figures.shares("request_source")
    found["request_source"] = pick(rng, list(sources.index), size, sources.to_numpy())
    found["assessment_type"] = np.where(rng.random(size) < 0.02, "MID", "INI")
    mediated, appealed = rng.random(size) < 0.07, rng.random(size) < 0.03
    refused = (found["decision_to_assess"] == "N") | (found["decision_to_issue"] == "N")
    found["mediation"] = np.where(refused & (rng.random(size) < 0.2) | (mediated & refused), "Y", "N")
    found["tribunal"] = np.where(refused & (appealed | (rng.random(size) < 0.08)), "Y", "N")
    return found


def _issued(rng: np.random.Generator, who: Ints, issued: Dates) -> pd.DataFrame:
    """Assessments that ended in a plan, with as many inside twenty weeks, after a year, and excepted as published."""
    size = len(who)
    in_time, a_year = figures.rate("pc_plans_issued_within_20_weeks"), figures.rate("pc_plans_issued_gt_1_year")
    band = quota(rng, [in_time, 1 - in_time - a_year, a_year], size)
    took = np.select(
        [band == 0, band == 1],
        [140 - rng.exponential(10, size).astype(int) % 60, 141 + rng.exponential(70, size).astype(int) % 224],
        366 + rng.exponential(90, size).astype(int),
    )
    excepted = figures.figure("plans_issued_den") - figures.figure("plans_issued_den_ex")
    late_exceptions = excepted / figures.figure("plans_issued_den") / (1 - in_time)
    received = issued - took.astype("timedelta64[D]")
    notified = received + _six_weeks(rng, took)
    draft = issued - np.minimum(rng.integers(15, 50, size), took // 3).astype("timedelta64[D]")
    return pd.DataFrame({
        "person": who, "received_date": received, "decision_to_assess": "Y", "decision_notified_date": notified,
        "decision_to_issue": "Y", "no_plan_notified_date": NO_DATE, "draft_issued_date": draft,
        "final_issued_date": issued,
        "twenty_week_exception": np.where((band > 0) & (rng.random(size) < late_exceptions), "Y", "N"),
        "inactive_date": NO_DATE, "inactive_reason": "",
    })  # fmt: skip


def _six_weeks(rng: np.random.Generator, longest: Ints) -> np.ndarray:
    in_time = rng.random(len(longest)) < figures.rate("request_outcome_six_weeks_pc")
    took = np.where(
        in_time,
        42 - rng.exponential(5, len(longest)).astype(int) % 30,
        43 + rng.exponential(20, len(longest)).astype(int),
    )
    return np.minimum(took, longest // 2 + 1).astype("timedelta64[D]")


def _without_plan(
    rng: np.random.Generator, today: np.datetime64, people: pd.DataFrame, issued: int
) -> list[pd.DataFrame]:
    """Requests refused, withdrawn or still open, and assessments that ended without a plan."""
    agreed = issued / (1 - figures.rate("assess_not_issued_pc"))
    requests = agreed / figures.rate("request_assess_pc")
    counts = {
        "refused": requests * figures.rate("request_not_assess_pc"),
        "withdrawn": requests * figures.rate("request_withdrawn_pc"),
        "no_plan": agreed - issued,
        "open": requests / ASSESSED_YEARS * 0.45,
    }
    could = np.flatnonzero(people["role"].isin(["support", "ordinary", "away"]))
    who = rng.permutation(could)[: sum(map(round, counts.values()))]
    parts, start = [], 0
    for outcome, count in counts.items():
        chosen = who[start : start + round(count)]
        start += round(count)
        parts.append(_ended(rng, today, chosen, outcome))
    return parts


def _ended(rng: np.random.Generator, today: np.datetime64, who: Ints, outcome: str) -> pd.DataFrame:
    size = len(who)
    none = np.full(size, NO_DATE)
    age = rng.integers(1, 280, size) if outcome == "open" else rng.integers(120, int(ASSESSED_YEARS * YEAR), size)
    received = today - age.astype("timedelta64[D]")
    notified = np.minimum(received + _six_weeks(rng, np.full(size, 200)), today)
    decided = np.full(size, True) if outcome in ("refused", "no_plan") else age > 50
    if outcome == "withdrawn":
        decided = np.full(size, False)
    told = np.minimum(received + days(rng, 90, 150, size), today)
    draft = np.where((age > 120) & (rng.random(size) < 0.6), received + days(rng, 105, 119, size), none)
    return pd.DataFrame({
        "person": who, "received_date": received,
        "decision_to_assess": np.where(decided, "N" if outcome == "refused" else "Y", ""),
        "decision_notified_date": np.where(decided, notified, none),
        "decision_to_issue": "N" if outcome == "no_plan" else "",
        "no_plan_notified_date": told if outcome == "no_plan" else none,
        "draft_issued_date": draft if outcome == "open" else none,
        "final_issued_date": none,
        "twenty_week_exception": "N",
        "inactive_date": {"refused": notified, "withdrawn": received + days(rng, 3, 30, size)}.get(outcome, none),
        "inactive_reason": {"refused": "REF", "withdrawn": "AWI"}.get(outcome, ""),
    })  # fmt: skip


def provision(rng: np.random.Generator, as_at: date, people: pd.DataFrame) -> pd.DataFrame:
    """One row a spell of E or K: support comes before most plans, and after some that ended."""
    today = np.datetime64(as_at)
    first, ceased = people["first_plan"].to_numpy("datetime64[D]"), people["ceased"].to_numpy("datetime64[D]")
    births = people["birth"].to_numpy("datetime64[D]")
    known = people["in_one"].to_numpy()
    role = people["role"]
    planned = np.flatnonzero(known & ~np.isnat(first))
    before = planned[rng.random(len(planned)) < 0.75]
    started = np.maximum(first[before] - days(rng, 200, 1500, len(before)), births[before] + np.timedelta64(900, "D"))
    before, started = before[started < first[before]], started[started < first[before]]
    now = np.flatnonzero(role.isin(["support", "away"]))
    since = np.maximum(today - days(rng, 10, 1800, len(now)), births[now] + np.timedelta64(700, "D"))
    once = np.flatnonzero((role == "ordinary") & (rng.random(len(people)) < 0.4))
    over = today - days(rng, 30, 1000, len(once))
    after = np.flatnonzero((role == "ceased") & (people["cease_reason"] == "2") & (people["age"] < 16))
    rows = [
        (planned, "E", first[planned], ceased[planned]),
        (before, "K", started, first[before]),
        (now, "K", since, np.full(len(now), NO_DATE)),
        (once, "K", over - days(rng, 200, 800, len(once)), over),
        (after, "K", ceased[after], np.minimum(ceased[after] + np.timedelta64(180, "D"), today)),
    ]
    return pd.concat(
        [
            pd.DataFrame({
                "student_id": people["student_id"].to_numpy(object)[who], "sen_provision": code,
                "start_date": start, "end_date": end,
            })
            for who, code, start, end in rows
        ],
        ignore_index=True,
    )  # fmt: skip


def needs(rng: np.random.Generator, as_at: date, people: pd.DataFrame) -> pd.DataFrame:
    """One row a person and type of need: the primary need, often a second, and a few that have ended."""
    has = (
        people["in_one"].to_numpy()
        & (people["need"].fillna("") != "").to_numpy()
        & (people["role"] != "ordinary").to_numpy()
    )
    who = np.flatnonzero(has)
    need = people["need"].to_numpy(object)[who]
    births = people["birth"].to_numpy("datetime64[D]")[who]
    today = np.datetime64(as_at)
    since = np.maximum(today - days(rng, 30, 1500, len(who)), births + np.timedelta64(365, "D"))
    second = pd.Series(need).map(SECOND_NEEDS).to_numpy(object)
    has_second = rng.random(len(who)) < 0.45
    third = np.where((need != "OTH") & (second != "OTH"), "OTH", "PD")
    has_third = has_second & (rng.random(len(who)) < 0.1) & (third != need) & (third != second)
    was = np.where((need != "MLD") & (second != "MLD"), "MLD", "SPLD")
    changed = (rng.random(len(who)) < 0.05) & (was != need) & (was != second)
    rows = [
        (np.full(len(who), True), need, 1, since, NO_DATE),
        (has_second, second, 2, since, NO_DATE),
        (has_third, third, 3, since, NO_DATE),
        (changed, was, 1, since - np.timedelta64(400, "D"), since),
    ]
    return pd.concat(
        [
            pd.DataFrame({
                "student_id": people["student_id"].to_numpy(object)[who][chosen], "sen_type": kind[chosen],
                "rank": rank, "start_date": start[chosen],
                "end_date": end[chosen] if np.ndim(end) else np.full(chosen.sum(), NO_DATE),
            })
            for chosen, kind, rank, start, end in rows
        ],
        ignore_index=True,
    )  # fmt: skip
