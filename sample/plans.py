"""SEN provision and needs, the way to a plan, the plans, and their reviews."""

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import DAY, NO_DATE, Dates, Flags, Ints, Scene, Texts, day, days, delays, pick, quota
from sample.establishments import NEIGHBOURS
from sample.people import NO_SCHOOL
from sample.years import YEAR, calendar
from warehouse import seeds

FIRST_PLANS = np.datetime64("2014-09-01")  # the Children and Families Act 2014 came into force
SETTINGS = ("OLA", "OPA", "EHE", "EYP", "OTH", "NEET", "NIEC", "NIEO")
BOARDING = ("special_independent", "nmss", "spi")
ASSESSED_YEARS = 3  # older assessments are not in the export
DAYS = {row["limit_name"]: int(row["days"]) for row in seeds.rows("statutory_limits")}
SECOND_NEEDS = {"ASD": "SLCN", "SLCN": "ASD", "SEMH": "SLCN", "MLD": "SLCN", "SLD": "ASD", "PMLD": "PD", "PD": "MLD",
                "SPLD": "SEMH", "HI": "SLCN", "VI": "PD", "MSI": "HI", "OTH": "SEMH", "DS": "SLD"}  # fmt: skip
HAD_PLAN = ("plan", "hub_plan", "hub_only", "visitor")  # and whoever has a date on which it ended


def first_plans(scene: Scene, people: pd.DataFrame) -> Dates:
    """When each person's plan was first issued; none for who never had one."""
    rng, size = scene.rng, len(people)
    births = day(people["birth"])
    on = np.where(people["ceased"].isna(), scene.today, day(people["ceased"]))
    years = people["years"].fillna(1).to_numpy(float)
    # Years in place and age at start agree only when the part of a year is chosen with them.
    part, lot, later = (on - births).astype(np.int64) / YEAR % 1, rng.random(size), people["started_later"]
    within = np.select([later == 1, later == 0], [lot * part, part + lot * (1 - part)], lot)
    held = np.where(years >= 12, 11 + rng.random(size) * 3, years - 1 + within)
    first = on - np.maximum(held * YEAR, 1).astype("timedelta64[D]")
    first = np.minimum(np.maximum(first, np.maximum(FIRST_PLANS, births + 400 * DAY)), on - DAY)
    return np.where(people["role"].isin(HAD_PLAN) | people["ceased"].notna(), first, NO_DATE)


def plans(scene: Scene, people: pd.DataFrame, main_urn: Texts) -> pd.DataFrame:
    """One row a plan in Capita One: open (a few end soon), ended, and a few people's plan before the one they have."""
    rng = scene.rng
    who = np.flatnonzero((people["role"] == "plan") | people["ceased"].notna())
    some, size = people.iloc[who], len(who)
    placement, is_open = some["placement"].to_numpy(object), some["ceased"].isna().to_numpy()
    is_ending = is_open & (some["age"] >= 18).to_numpy() & (rng.random(size) < 0.02)
    is_residential = is_open & np.isin(placement, BOARDING) & (rng.random(size) < _residential_rate(people))
    moved_in = is_open & (rng.random(size) < 0.035)
    has_budget = rng.random(size) < figures.figure("personal_budget") / figures.figure("ehcplans")
    due, final = _phase_transfer(scene, some, is_open)
    held = pd.DataFrame({
        "person": who,
        "student_id": some["student_id"].to_numpy(object),
        "initial_plan_date": day(some["first_plan"]),
        "named_urn": np.where(is_open, main_urn[who], ""),
        "setting_type": np.where(is_open & np.isin(placement, SETTINGS), placement, ""),
        "residential": np.where(is_residential, pick(rng, ["A", "B"], size, _residential_bands()), ""),
        "personal_budget": np.where(has_budget, "Y", "N"),
        "transferred_in_from_la": np.where(moved_in, pick(rng, NEIGHBOURS, size), ""),
        "cease_date": np.where(is_ending, scene.today + days(rng, 1, 60, size), day(some["ceased"])),
        "cease_reason": np.where(is_ending, pick(rng, ["6", "3", "4"], size), some["cease_reason"].fillna("")),
        "phase_transfer_due_date": due,
        "phase_transfer_final_date": final,
    })  # fmt: skip
    held = pd.concat([held, _plans_before(scene, held[is_open])], ignore_index=True)
    return held.assign(plan_id=identity.numbers(rng, 200_000, len(held)))


def _residential_bands() -> list[float]:
    return [figures.figure("res_3851"), figures.figure("res_52")]


def _residential_rate(people: pd.DataFrame) -> float:
    open_plans = people[people["role"] == "plan"]
    could = int(open_plans["placement"].isin(BOARDING).sum())
    return sum(_residential_bands()) / figures.figure("ehcplans") * len(open_plans) / max(could, 1)


def _plans_before(scene: Scene, held: pd.DataFrame) -> pd.DataFrame:
    """An earlier plan of one in a hundred: it ended, and a new one began months later."""
    first = day(held["initial_plan_date"])
    could = held[(first > FIRST_PLANS + 1500 * DAY) & (scene.rng.random(len(held)) < 0.01)]
    ended = day(could["initial_plan_date"]) - days(scene.rng, 100, 500, len(could))
    return pd.DataFrame({
        "person": could["person"],
        "student_id": could["student_id"],
        "initial_plan_date": ended - days(scene.rng, 200, 700, len(could)),
        "named_urn": "",
        "setting_type": "",
        "residential": "",
        "personal_budget": "N",
        "transferred_in_from_la": "",
        "cease_date": ended,
        "cease_reason": "2",
        "phase_transfer_due_date": NO_DATE,
        "phase_transfer_final_date": NO_DATE,
    })  # fmt: skip


def _phase_transfer(scene: Scene, some: pd.DataFrame, is_open: Flags) -> tuple[Dates, Dates]:
    """Due on 15 February (31 March into post-16) before the move: of those who move next, and who moved last."""
    age, size = some["school_age"].to_numpy(), len(some)
    moves_next, moved_last = np.isin(age, [3, 10, 15]), np.isin(age, [4, 11, 16])
    year = np.where(moves_next, scene.year + 1, scene.year)
    due = np.where(age >= 15, calendar(year, 3, 31), calendar(year, 2, 15))
    applies = is_open & (moves_next | moved_last) & (day(some["first_plan"]) < due) & ~some["placement"].isin(NO_SCHOOL)
    final = due - 60 * DAY + delays(scene.rng, 0.7, 60, 40, size)
    return np.where(applies, due, NO_DATE), np.where(applies & (final <= scene.today), final, NO_DATE)


def reviews(scene: Scene, held: pd.DataFrame) -> pd.DataFrame:
    """One row a review: due each year from the first plan; most are held, some late, some never; the next one is due.

    `held` has `plan_id`, `initial_plan_date` and `cease_date`; `of` in the result is its row.
    """
    rng = scene.rng
    first, ceased = day(held["initial_plan_date"]), day(held["cease_date"])
    is_open = np.isnat(ceased) | (ceased > scene.today)
    last = np.where(is_open, scene.today, ceased)
    count = ((last - first).astype(np.int64) / YEAR).astype(np.int64) + is_open
    of = np.repeat(np.arange(len(held)), count)
    number = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) + 1
    due = first[of] + (number * YEAR).astype("timedelta64[D]")
    meeting = due - 45 * DAY + delays(rng, 0.62, 45, 40, len(of))
    is_held = rng.random(len(of)) < figures.figure("total_review_meeting") / figures.figure("review_expected")
    meeting = np.where(is_held & (meeting <= last[of]) & (meeting > first[of]), meeting, NO_DATE)
    decisions = _decisions(scene, meeting)
    return pd.DataFrame({"of": of, "plan_id": held["plan_id"].to_numpy(object)[of], "due_date": due, **decisions})


def _decisions(scene: Scene, meeting: Dates) -> dict[str, Dates | Texts]:
    """What the council decided after each meeting and when: within four weeks as often as published."""
    rng, size = scene.rng, len(meeting)
    counts = [figures.figure(name) for name in ("outcome_amend", "outcome_maintain", "outcome_cease", "no_outcome")]
    outcome = pick(rng, ["A", "M", "C", ""], size, counts)
    # What the figures lack an outcome for is mostly waiting for one: few of the older ones still do.
    is_old = meeting < scene.today - 500 * DAY
    outcome = np.where(is_old & (outcome == "") & (rng.random(size) < 0.9), "M", outcome)
    decided = meeting + delays(rng, figures.rate("pc_decision_4weeks"), DAYS["review_decision"], 40, size)
    is_decided = (outcome != "") & (decided <= scene.today)
    amends = is_decided & (outcome == "A")
    issued = decided + days(rng, 28, 120, size)
    return {
        "meeting_date": meeting,
        "la_outcome": np.where(is_decided, outcome, ""),
        "decision_date": np.where(is_decided, decided, NO_DATE),
        "amendment_notice_date": np.where(amends & (rng.random(size) < 0.9), decided, NO_DATE),
        "final_amended_plan_date": np.where(
            amends & (issued <= scene.today) & (rng.random(size) < 0.85), issued, NO_DATE
        ),
    }


def latest(of: Ints, dates: Dates, size: int) -> Dates:
    """The latest date of each of `size` things; `of` says whose each date is."""
    known = ~np.isnat(dates)
    found = np.full(size, np.iinfo(np.int64).min)  # which is how NumPy holds "no date"
    np.maximum.at(found, of[known], dates[known].astype(np.int64))
    return found.astype("datetime64[D]")


def current_dates(held: pd.DataFrame, reviewed: pd.DataFrame) -> Dates:
    """The date of each plan as it stands: when last amended, else when first issued."""
    amended = latest(reviewed["of"].to_numpy(), day(reviewed["final_amended_plan_date"]), len(held))
    ceased = day(held["cease_date"])
    return np.where(np.isnat(amended) | (amended > ceased), day(held["initial_plan_date"]), amended)


def assessments(scene: Scene, people: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """One row an assessment of the last three years, in Capita One or the hub, with `person`.

    Those that led to a plan, requests refused or withdrawn, assessments without a plan, and open ones.
    """
    rng, size = scene.rng, len(people)
    since = scene.today - np.timedelta64(int(ASSESSED_YEARS * YEAR), "D")
    led = held[(day(held["initial_plan_date"]) >= since) & (held["transferred_in_from_la"] == "")]
    in_hub = np.flatnonzero(people["role"].isin(["hub_plan", "hub_only"]))
    issued = [(led["person"].to_numpy(), day(led["initial_plan_date"])), (in_hub, day(people["first_plan"])[in_hub])]
    parts = [_issued(rng, who, on) for who, on in issued]
    found = pd.concat([*parts, *_without_plan(scene, people, len(led) + len(in_hub))], ignore_index=True)
    found = found.drop_duplicates("person", ignore_index=True)
    size = len(found)
    sources = figures.shares("request_source")
    was_refused = (found["decision_to_assess"] == "N") | (found["decision_to_issue"] == "N")
    return found.assign(
        involvement_id=identity.numbers(rng, 500_000, size),
        student_id=people["student_id"].to_numpy(object)[found["person"]],
        request_source=pick(rng, list(sources.index), size, sources.to_numpy()),
        assessment_type=np.where(rng.random(size) < 0.02, "MID", "INI"),
        mediation=np.where(was_refused & (rng.random(size) < 0.25), "Y", "N"),
        tribunal=np.where(was_refused & (rng.random(size) < 0.11), "Y", "N"),
    )


def _issued(rng: np.random.Generator, who: Ints, issued: Dates) -> pd.DataFrame:
    """Assessments that ended in a plan: as many inside twenty weeks, after a year, and excepted, as published."""
    size = len(who)
    in_time, after_a_year = figures.rate("pc_plans_issued_within_20_weeks"), figures.rate("pc_plans_issued_gt_1_year")
    band = quota(rng, [in_time, 1 - in_time - after_a_year, after_a_year], size)
    took = np.select(
        [band == 0, band == 1],
        [
            DAYS["plan"] - np.minimum(rng.exponential(10, size), 50).astype(np.int64),
            DAYS["plan"] + 1 + rng.exponential(80, size).astype(np.int64) % (365 - DAYS["plan"]),
        ],
        366 + rng.exponential(90, size).astype(np.int64),
    )
    issued_count = figures.figure("plans_issued_den")
    excepted = 1 - figures.figure("plans_issued_den_ex") / issued_count
    received = issued - took.astype("timedelta64[D]")
    notified = received + delays(
        rng, figures.rate("request_outcome_six_weeks_pc"), DAYS["assessment_decision"], 15, size
    )
    return pd.DataFrame({
        "person": who,
        "received_date": received,
        "decision_to_assess": "Y",
        "decision_notified_date": np.minimum(notified, issued - 45 * DAY),
        "decision_to_issue": "Y",
        "no_plan_notified_date": NO_DATE,
        "draft_issued_date": issued - days(rng, 16, 40, size),
        "final_issued_date": issued,
        "twenty_week_exception": np.where((band > 0) & (rng.random(size) < excepted / (1 - in_time)), "Y", "N"),
        "inactive_date": NO_DATE,
        "inactive_reason": "",
    })  # fmt: skip


def _without_plan(scene: Scene, people: pd.DataFrame, issued: int) -> list[pd.DataFrame]:
    """Requests refused, withdrawn or still open, and assessments that ended without a plan: of pupils without one."""
    agreed = issued / (1 - figures.rate("assess_not_issued_pc"))
    requests = agreed / figures.rate("request_assess_pc")
    counts = {
        "refused": requests * figures.rate("request_not_assess_pc"),
        "withdrawn": requests * figures.rate("request_withdrawn_pc"),
        "no_plan": agreed - issued,
        "open": requests / ASSESSED_YEARS * 0.45,  # about 23 weeks of requests
    }
    could = np.flatnonzero(people["role"].isin(["support", "ordinary", "away"]) & people["ceased"].isna())
    ends = np.cumsum([0, *map(round, counts.values())])
    who = scene.rng.permutation(could)[: ends[-1]]
    return [ended(scene, who[start:end], how) for how, start, end in zip(counts, ends, ends[1:], strict=False)]


def ended(scene: Scene, who: Ints, how: str) -> pd.DataFrame:
    """Assessments without a plan: `refused`, `withdrawn`, `no_plan`, or `open`, which have not ended yet."""
    rng, size = scene.rng, len(who)
    none = np.full(size, NO_DATE)
    old = rng.integers(1, 260, size) if how == "open" else rng.integers(150, int(ASSESSED_YEARS * YEAR), size)
    received = scene.today - old.astype("timedelta64[D]")
    notified = received + delays(
        rng, figures.rate("request_outcome_six_weeks_pc"), DAYS["assessment_decision"], 15, size
    )
    is_decided = (notified <= scene.today) & (how != "withdrawn")
    notified = np.where(is_decided, notified, none)
    told = received + delays(rng, figures.rate("outcome_decision_within_time_pc"), DAYS["plan_refusal"], 30, size)
    told = np.minimum(np.maximum(told, notified + 10 * DAY), scene.today)
    draft = received + days(rng, 110, 160, size)
    has_draft = is_decided & (draft <= scene.today) & (draft > notified) & (rng.random(size) < 0.6)
    withdrawn = received + days(rng, 3, 40, size)
    return pd.DataFrame({
        "person": who,
        "received_date": received,
        "decision_to_assess": np.where(is_decided, "N" if how == "refused" else "Y", ""),
        "decision_notified_date": notified,
        "decision_to_issue": "N" if how == "no_plan" else "",
        "no_plan_notified_date": told if how == "no_plan" else none,
        "draft_issued_date": np.where(has_draft, draft, none) if how == "open" else none,
        "final_issued_date": none,
        "twenty_week_exception": "N",
        "inactive_date": {"refused": notified, "withdrawn": withdrawn}.get(how, none),
        "inactive_reason": {"refused": "REF", "withdrawn": "AWI"}.get(how, ""),
    })  # fmt: skip


def provision(scene: Scene, people: pd.DataFrame) -> pd.DataFrame:
    """One row a spell of E or K. Support comes before most plans, and after some that ended."""
    rng, births, role = scene.rng, day(people["birth"]), people["role"]
    first, ceased, size = day(people["first_plan"]), day(people["ceased"]), len(people)
    has_plan = people["in_one"].to_numpy() & ~np.isnat(first)
    before = np.maximum(first - days(rng, 200, 1500, size), births + 900 * DAY)
    now = np.where(np.isnat(ceased), np.maximum(scene.today - days(rng, 10, 1800, size), births + 700 * DAY), ceased)
    over = scene.today - days(rng, 30, 1000, size)
    is_supported = role.isin(["support", "away"]).to_numpy()
    since = np.maximum(over - days(rng, 200, 800, size), births + 600 * DAY)
    was_supported = (role == "ordinary").to_numpy() & (rng.random(size) < 0.4) & (since < over)
    spells = [
        (has_plan, "E", first, ceased),
        (has_plan & (rng.random(size) < 0.75) & (before < first), "K", before, first),
        (is_supported, "K", now, np.full(size, NO_DATE)),
        (was_supported, "K", since, over),
    ]
    return pd.concat(
        [
            pd.DataFrame({
                "student_id": people["student_id"].to_numpy(object)[who],
                "sen_provision": code,
                "start_date": start[who],
                "end_date": end[who],
            })
            for who, code, start, end in spells
        ],
        ignore_index=True,
    )  # fmt: skip


def needs(scene: Scene, people: pd.DataFrame) -> pd.DataFrame:
    """One row a person and type of need: the primary need, often a second, and a few that have ended."""
    rng = scene.rng
    some = people[people["in_one"] & (people["need"] != "") & (people["role"] != "ordinary")]
    need, size = some["need"].to_numpy(object), len(some)
    since = np.maximum(scene.today - days(rng, 30, 1500, size), day(some["birth"]) + 365 * DAY)
    second = some["need"].map(SECOND_NEEDS).to_numpy(object)
    has_second = rng.random(size) < 0.45
    is_free = (need != "OTH") & (second != "OTH")
    was = np.where((need == "MLD") | (second == "MLD"), "SPLD", "MLD").astype(object)
    has_changed = (rng.random(size) < 0.05) & (was != need) & (was != second)
    none = np.full(size, NO_DATE)
    rows = [
        (np.full(size, True), need, 1, since, none),
        (has_second, second, 2, since, none),
        (has_second & is_free & (rng.random(size) < 0.1), np.full(size, "OTH", dtype=object), 3, since, none),
        (has_changed, was, 1, np.maximum(since - 400 * DAY, day(some["birth"])), since),
    ]
    return pd.concat(
        [
            pd.DataFrame({
                "student_id": some["student_id"].to_numpy(object)[who],
                "sen_type": kind[who],
                "rank": rank,
                "start_date": start[who],
                "end_date": end[who],
            })
            for who, kind, rank, start, end in rows
        ],
        ignore_index=True,
    )  # fmt: skip
