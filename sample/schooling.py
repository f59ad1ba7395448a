"""Where people learn: enrolments now and before, weekly attendance, suspensions and exclusions, home education."""

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import DAY, NO_DATE, Flags, Floats, Ints, Scene, Texts, between, day, days, pick
from sample.establishments import OPEN
from sample.people import NO_SCHOOL, groups
from sample.years import calendar, term_weeks, year_before, years_of

# By school age (on 31 August): the age at which the phase that a pupil is in began. Nursery, primary, secondary, 16+.
PHASE_START = np.array([0, 0, 2, 2, 4, 4, 4, 4, 4, 4, 4, 11, 11, 11, 11, 11] + [16] * 15)
STAYS_IN_COUNCIL = {"mainstream": 0.94, "special": 0.9, "fe": 0.75, "ap": 0.95, "independent": 0.7,
                    "special_independent": 0.5}  # fmt: skip
STATUS = {"fe": "F", "spi": "O"}
# GIAS types whose attendance the council does not get: colleges, independents, Wales, online; and half of special ones.
NO_ATTENDANCE = ("11", "18", "29", "30", "31", "32", "39", "45", "49")
YEAR_NAMES = np.array(["E1", "E2", "N1", "N2", "R", *map(str, range(1, 15))], dtype=object)
TERMS = 6  # of exclusions: two years


def enrolments(scene: Scene, people: pd.DataFrame, gias: pd.DataFrame) -> pd.DataFrame:
    """One row an enrolment: the feed's columns, `person` (row of people) and `type_code` of the establishment."""
    now = _current(scene, people, gias)
    second = _second(scene, people, now, gias)
    found = pd.concat([now, second, _previous(scene, people, now, gias)], ignore_index=True)
    found = found.drop_duplicates(["person", "urn", "entry_date"], ignore_index=True)
    found["student_id"] = people["student_id"].to_numpy(object)[found["person"]]
    found["type_code"] = found["urn"].map(gias.set_index("urn")["type_code"])
    return found


def main_urns(people: pd.DataFrame, enrolled: pd.DataFrame) -> Texts:
    """The URN where each person is enrolled now, as their main school; empty without one."""
    main = enrolled[enrolled["enrolment_status"].isin(["C", "M", "F", "O"]) & enrolled["leaving_date"].isna()]
    found = np.full(len(people), "", dtype=object)
    found[main["person"].to_numpy()] = main["urn"].to_numpy(object)
    return found


def _current(scene: Scene, people: pd.DataFrame, gias: pd.DataFrame) -> pd.DataFrame:
    rng = scene.rng
    learns = people["in_one"] & ~people["placement"].isin(NO_SCHOOL) & (people["role"] != "ceased")
    who = np.flatnonzero(learns)
    some = people.iloc[who]
    age, placement, role = some["school_age"].to_numpy(), some["placement"], some["role"]
    stays = np.where(role.isin(["support", "visitor"]), 1.0, placement.map(STAYS_IN_COUNCIL).fillna(0.0))
    is_home = (role != "away").to_numpy() & (rng.random(len(who)) < stays)
    start = PHASE_START[age]
    usual = calendar(scene.year - (age - start), 9, 1) + days(rng, 1, 5, len(who))
    today = np.full(len(who), scene.today)
    has_moved = rng.random(len(who)) < np.where(placement == "mainstream", 0.15, 0.5)
    status = placement.map(STATUS).fillna("C").to_numpy(object)
    is_part_time = (status == "C") & (rng.random(len(who)) < 0.02)
    hours = np.where(age < 4, 15.0, 32.5)
    return pd.DataFrame({
        "person": who,
        "urn": _schools(scene, gias, placement.to_numpy(object), age, is_home),
        "enrolment_status": status,
        "nc_year": _nc_years(age),
        "entry_date": np.minimum(np.where(has_moved, between(rng, usual, today), usual), today),
        "leaving_date": NO_DATE,
        "part_time_timetable": np.where(is_part_time, "Y", "N"),
        "weekly_hours": np.where(is_part_time, rng.choice([5.0, 10.0, 12.5, 15.0, 17.5], len(who)), hours),
        "has_moved": has_moved,
    })  # fmt: skip


def _schools(scene: Scene, gias: pd.DataFrame, kinds: Texts, ages: Ints, is_home: Flags) -> Texts:
    """The URN of an open establishment of each kind, for each school age, inside the council or outside."""
    usable = gias[gias["status_code"].isin(OPEN)]
    urns, sizes = usable["urn"].to_numpy(object), usable["size"].to_numpy(float)
    kind_of, in_council = usable["kind"].to_numpy(object), (usable["la_code"] == scene.la_code).to_numpy()
    low, high = usable["statutory_low_age"].fillna(3).to_numpy(), usable["statutory_high_age"].fillna(19).to_numpy()
    chosen = np.full(len(kinds), "", dtype=object)
    wanted = pd.DataFrame({"kind": kinds, "age": ages, "home": is_home})
    for members in wanted.groupby(["kind", "age", "home"]).indices.values():
        kind, age, home = kinds[members[0]], ages[members[0]], is_home[members[0]]
        pool = (kind_of == kind) & (in_council == home)
        pool = pool if pool.any() else kind_of == kind
        age = np.clip(age, low[pool].min(), high[pool].max() - 1)
        pool &= (low <= age) & (age < high)
        weights = sizes[pool] / sizes[pool].sum()
        chosen[members] = scene.rng.choice(urns[pool], len(members), p=weights)
    return chosen


def _nc_years(ages: Ints) -> Texts:
    return YEAR_NAMES[np.clip(ages, 0, len(YEAR_NAMES) - 1)]


def _second(scene: Scene, people: pd.DataFrame, now: pd.DataFrame, gias: pd.DataFrame) -> pd.DataFrame:
    """Dual registration: one of two enrolments becomes M, the other S; and a few guests (G)."""
    rng, who = scene.rng, now["person"].to_numpy()
    age, placement = people["school_age"].to_numpy()[who], people["placement"].to_numpy(object)[who]
    at_school = (now["enrolment_status"] == "C").to_numpy() & (age >= 5) & (age <= 15)
    chance = np.select([placement == "ap", placement == "mainstream", placement == "special"], [0.5, 0.008, 0.01], 0.0)
    lot = rng.random(len(now))
    is_dual, is_guest = at_school & (lot < chance), at_school & (lot > 0.998)
    # Who is placed in alternative provision usually stays on the roll of a school, and that one is the main one.
    from_ap = is_dual & (placement == "ap")
    to_ap = is_dual & ~from_ap & (rng.random(len(now)) < 0.7)
    both = is_dual | is_guest
    urns = _schools(
        scene, gias, np.where(to_ap, "ap", "mainstream").astype(object)[both], age[both], np.full(both.sum(), True)
    )
    status = np.select([is_guest, from_ap], ["G", "M"], "S")[both]
    entry = between(rng, day(now["entry_date"][both]), np.full(both.sum(), scene.today))
    second = now[both].assign(urn=urns, enrolment_status=status, entry_date=entry, has_moved=False)
    differs = urns != now["urn"].to_numpy(object)[both]
    split: Ints = np.flatnonzero(both)[differs & is_dual[both]]
    now.loc[split, "enrolment_status"] = np.where(from_ap[split], "S", "M")
    kept: pd.DataFrame = second[differs]
    return kept


def _previous(scene: Scene, people: pd.DataFrame, now: pd.DataFrame, gias: pd.DataFrame) -> pd.DataFrame:
    """The school before: of who moved up or moved school, and the last one of who is at none."""
    rng = scene.rng
    ages, starts = people["school_age"].to_numpy(), PHASE_START[people["school_age"].to_numpy()]
    has_moved = now["has_moved"].to_numpy()
    before = now[has_moved | ((starts[now["person"]] >= 11) & (rng.random(len(now)) < 0.8))]
    has_moved = before["has_moved"].to_numpy()
    who = before["person"].to_numpy()
    left = day(before["entry_date"]) - np.where(has_moved, 1, 44).astype("timedelta64[D]")
    age = np.where(has_moved, np.maximum(ages[who] - 1, 2), starts[who] - 1)
    none_now = people["in_one"] & ((people["role"] == "ceased") | people["placement"].isin(NO_SCHOOL))
    gone = np.flatnonzero(none_now & (people["placement"] != "EYP") & (people["school_age"] >= 5))
    gone = gone[rng.random(len(gone)) < 0.85]
    ended = np.where(people["ceased"].isna(), scene.today - days(rng, 30, 900, len(people)), day(people["ceased"]))[
        gone
    ]
    who, left = np.concatenate([who, gone]), np.concatenate([left, ended])
    age = np.concatenate([age, np.clip(ages[gone] - 1, 4, 18)])
    entry = calendar(years_of(left) - (age - PHASE_START[age]) - 1, 9, 4)
    kind = np.where(age >= 16, "fe", "mainstream").astype(object)
    return pd.DataFrame({
        "person": who,
        "urn": _schools(scene, gias, kind, age, rng.random(len(who)) < 0.93),
        "enrolment_status": np.where(kind == "fe", "F", "C"),
        "nc_year": _nc_years(age),
        "entry_date": np.minimum(np.maximum(entry, day(people["birth"])[who] + 700 * DAY), left),
        "leaving_date": left,
        "part_time_timetable": "N",
        "weekly_hours": 32.5,
    })  # fmt: skip


def attendance(scene: Scene, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row a pupil of school age, school and week of term, over the twelve months to the day."""
    rng = scene.rng
    mondays, sessions = term_weeks(year_before(scene.as_at), scene.as_at)
    rows = _reporting(rng, people, enrolled)
    left = day(rows["leaving_date"])
    first = np.searchsorted(mondays, day(rows["entry_date"]))
    last = np.searchsorted(mondays, np.where(np.isnat(left), scene.today + DAY, left))
    weeks = np.maximum(last - first, 0)
    spell = np.repeat(np.arange(len(rows)), weeks)
    week = np.arange(len(spell)) - np.repeat(np.cumsum(weeks) - weeks, weeks) + np.repeat(first, weeks)
    person = rows["person"].to_numpy()[spell]
    order = np.lexsort((week, person))
    spell, week, person = spell[order], week[order], person[order]
    possible = np.round(sessions[week] * _share_of_week(rows)[spell]).astype(np.int64)
    absent, excused = _absence(rng, people), rng.beta(4, 2, len(people))
    missed = rng.binomial(possible, absent[person])
    authorised = rng.binomial(missed, excused[person])
    return pd.DataFrame({
        "student_id": people["student_id"].to_numpy(object)[person],
        "urn": rows["urn"].to_numpy(object)[spell],
        "week_commencing": mondays[week],
        "sessions_possible": possible,
        "authorised_absence": authorised,
        "unauthorised_absence": missed - authorised,
    })  # fmt: skip


def _reporting(rng: np.random.Generator, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """Enrolments of school age at schools that send attendance."""
    age = people["school_age"].to_numpy()[enrolled["person"]]
    lots = dict(zip(enrolled["urn"].unique(), rng.random(enrolled["urn"].nunique()), strict=True))
    silent = enrolled["type_code"].isin(NO_ATTENDANCE) | (
        (enrolled["type_code"] == "10") & (enrolled["urn"].map(lots) < 0.5)
    )
    return enrolled[enrolled["enrolment_status"].isin(["C", "M", "S"]) & ~silent & (age >= 4) & (age <= 17)]


def _share_of_week(rows: pd.DataFrame) -> Floats:
    """Two schools share the week of a pupil who is on both rolls; a part-time timetable has half of it."""
    share = rows["enrolment_status"].map({"M": 0.6, "S": 0.4}).fillna(1.0).to_numpy(float)
    return np.where(rows["part_time_timetable"] == "Y", share / 2, share)


def _absence(rng: np.random.Generator, people: pd.DataFrame) -> Floats:
    """Each pupil's share of sessions missed.

    Some miss most of the time (severe absence). The others' is exponential, which meets the published
    share of persistent absence as well as the published mean.
    """
    group, size = groups(people), len(people)
    severe = figures.rates("{}_severe_absence", group)
    usual = (figures.rates("{}_absence", group) - severe * 0.7) / (1 - severe)
    is_severe = rng.random(size) < severe
    return np.where(is_severe, rng.uniform(0.5, 0.9, size), np.minimum(rng.exponential(usual), 0.48))


def exclusions(scene: Scene, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row a suspension or permanent exclusion of the last two years, at the published rates a term."""
    rng = scene.rng
    rows = enrolled[enrolled["enrolment_status"].isin(["C", "M"]) & enrolled["leaving_date"].isna()]
    age = people["school_age"].to_numpy()[rows["person"]]
    rows, age = rows[(age >= 5) & (age <= 15)], age[(age >= 5) & (age <= 15)]
    group = groups(people)[rows["person"]]
    # Most are at secondary school, and a few pupils have most of them; neither changes the rate of the group.
    share = np.where(age >= 11, 1.7, 0.35)
    share = share / pd.Series(share).groupby(group).transform("mean").to_numpy()
    often = rng.gamma(0.2, 5.0, len(rows))
    suspended = rng.poisson(figures.rates("{}_suspensions_a_term", group) * TERMS * share * often)
    expelled = rng.random(len(rows)) < figures.rates("{}_permanent_exclusions_a_term", group) * TERMS * share
    of = np.concatenate([np.repeat(np.arange(len(rows)), suspended), np.flatnonzero(expelled)])
    is_permanent = np.arange(len(of)) >= suspended.sum()
    mondays, sessions = term_weeks(year_before(year_before(scene.as_at)), scene.as_at)
    week = rng.integers(0, len(mondays), len(of))
    start = mondays[week] + (rng.random(len(of)) * sessions[week] / 2).astype("timedelta64[D]")
    reasons = figures.shares("exclusion_reason")
    lengths = rng.choice([1.0, 2.0, 4.0, 6.0, 10.0], len(of), p=[0.15, 0.4, 0.2, 0.15, 0.1])
    found = pd.DataFrame({
        "student_id": rows["student_id"].to_numpy(object)[of],
        "category": np.where(is_permanent, "PERM", "SUSP"),
        "start_date": start,
        "sessions": np.where(is_permanent, np.nan, lengths),
        "reason": pick(rng, list(reasons.index), len(of), reasons.to_numpy()),
        # Somebody who was at another school then: the export does not say which.
        "urn": np.where(start < day(rows["entry_date"])[of], "", rows["urn"].to_numpy(object)[of]),
    })  # fmt: skip
    found = found.sort_values(["start_date", "student_id"], kind="stable", ignore_index=True)
    return found.assign(exclusion_id=identity.text(np.arange(len(found)) + 40_001))


def home_education(scene: Scene, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row an episode: of who is placed so now, and a few of the past."""
    rng, size = scene.rng, len(people)
    left = enrolled.groupby("person")["leaving_date"].max().reindex(range(size))
    since = np.where(left.isna(), scene.today - days(rng, 20, 900, size), day(left) + DAY)
    is_now = (people["in_one"] & (people["placement"] == "EHE")).to_numpy()
    could = people["role"].isin(["plan", "support", "ordinary"]) & people["age"].between(9, 15)
    is_past = could.to_numpy() & ~is_now & (rng.random(size) < 0.01)
    ended = scene.today - days(rng, 300, 900, size)
    who = np.flatnonzero(is_now | is_past)
    return pd.DataFrame({
        "student_id": people["student_id"].to_numpy(object)[who],
        "start_date": np.where(is_now, since, ended - days(rng, 60, 600, size))[who],
        "end_date": np.where(is_now, NO_DATE, ended)[who],
    })  # fmt: skip
