"""Where people learn: enrolments now and before, weekly attendance, suspensions and exclusions, home education."""

from datetime import date

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import NO_DATE, Flags, Ints, Texts, between, days, pick
from sample.people import NO_SCHOOL
from sample.years import calendar, school_year, term_weeks

# School ages (on 31 August) at which a pupil usually starts at a new school.
PHASE_STARTS = (2, 4, 11, 16)
STAYS_HOME = {
    "mainstream": 0.94,
    "special": 0.9,
    "fe": 0.75,
    "ap": 0.95,
    "independent": 0.7,
    "special_independent": 0.5,
}
# Schools of these GIAS types send no weekly attendance to the council: colleges, most independents, Wales, online.
NO_ATTENDANCE = ("18", "31", "32", "45", "39", "11", "30", "49", "29")
REPORTS_ATTENDANCE = {"10": 0.5}


def enrolments(
    rng: np.random.Generator, as_at: date, la_code: str, people: pd.DataFrame, gias: pd.DataFrame
) -> pd.DataFrame:
    """One row an enrolment: the feed's columns, `person` (row of people) and `type_code` of the establishment."""
    here = _current(rng, as_at, la_code, people, gias)
    before = _previous(rng, as_at, la_code, people, here, gias)
    found = pd.concat([here, before, _second(rng, as_at, la_code, people, here, gias)], ignore_index=True)
    found = found.drop_duplicates(["person", "urn", "entry_date"]).reset_index(drop=True)
    found["student_id"] = people["student_id"].to_numpy()[found["person"]]
    found["type_code"] = found["urn"].map(gias.set_index("urn")["type_code"])
    return found


def _current(
    rng: np.random.Generator, as_at: date, la_code: str, people: pd.DataFrame, gias: pd.DataFrame
) -> pd.DataFrame:
    learns = people["in_one"] & ~people["placement"].isin(NO_SCHOOL) & people["death"].isna()
    learns &= people["ceased"].isna()
    who = np.flatnonzero(learns)
    some = people.iloc[who]
    age = some["school_age"].to_numpy()
    away = (some["role"] == "away").to_numpy()
    stays = np.where(some["role"].isin(["support", "visitor"]), 1.0, some["placement"].map(STAYS_HOME).fillna(0.0))
    at_home = ~away & (rng.random(len(who)) < stays)
    urns = schools(rng, gias, some["placement"].to_numpy(object), age, at_home, la_code)
    start = np.array([max([first for first in PHASE_STARTS if first <= a], default=a) for a in range(30)])
    phase_start = start[np.clip(age, 0, 29)]
    year = school_year(as_at)
    natural = calendar(year - (age - phase_start), 9, 1) + days(rng, 1, 5, len(who))
    today = np.datetime64(as_at)
    moved = rng.random(len(who)) < np.where(some["placement"] == "mainstream", 0.15, 0.5)
    entry = np.where(moved, between(rng, natural, np.full(len(who), today)), natural)
    entry = np.minimum(entry, today)
    status = some["placement"].map({"fe": "F", "spi": "O"}).fillna("C").to_numpy(object)
    part_time = (rng.random(len(who)) < 0.02) & (status == "C")
    return pd.DataFrame({
        "person": who,
        "urn": urns,
        "enrolment_status": status,
        "nc_year": nc_years(age),
        "entry_date": entry,
        "leaving_date": NO_DATE,
        "part_time_timetable": np.where(part_time, "Y", "N"),
        "weekly_hours": np.where(part_time, rng.choice([5.0, 10, 12.5, 15, 17.5], len(who)), np.where(age < 4, 15, 32.5)),
        "moved": moved,
        "phase_start": phase_start,
    })  # fmt: skip


def schools(
    rng: np.random.Generator, gias: pd.DataFrame, kinds: Texts, ages: Ints, at_home: Flags, la_code: str
) -> Texts:
    """The URN of an open establishment of each kind, for each school age, inside the council or outside."""
    chosen = np.full(len(kinds), "", dtype=object)
    is_open = gias["status_code"].isin(["1", "3"]).to_numpy()
    low = gias["statutory_low_age"].fillna(3).to_numpy()
    high = gias["statutory_high_age"].fillna(19).to_numpy()
    home = (gias["la_code"] == la_code).to_numpy()
    groups = pd.DataFrame({"kind": kinds, "age": ages, "home": at_home}).groupby(["kind", "age", "home"]).indices
    for (kind, age, inside), members in groups.items():
        right_kind = is_open & (gias["kind"] == kind).to_numpy()
        for pool in (
            right_kind & (low <= age) & (age < high) & (home == inside),
            right_kind & (home == inside),
            right_kind,
        ):
            if pool.any():
                weights = gias["size"].to_numpy()[pool]
                picked = rng.choice(pool.sum(), len(members), p=weights / weights.sum())
                chosen[members] = gias["urn"].to_numpy(object)[pool][picked]
                break
    return chosen


def nc_years(ages: Ints) -> Texts:
    """National curriculum years by school age: E2, N1, N2, R, 1 to 14; older is 14."""
    names = ["E1", "E2", "N1", "N2", "R", *map(str, range(1, 15))]
    return np.array(names, dtype=object)[np.clip(ages, 0, len(names) - 1)]


def _previous(
    rng: np.random.Generator, as_at: date, la_code: str, people: pd.DataFrame, here: pd.DataFrame, gias: pd.DataFrame
) -> pd.DataFrame:
    """The school before: of pupils who moved up or moved school, and of those who left for no school at all."""
    moved_up = (here["phase_start"] >= 11) & (rng.random(len(here)) < 0.8)
    rows = here[moved_up | (here["moved"] & (here["entry_date"] > calendar(school_year(as_at) - 6, 9, 1)))]
    stayed = rows["moved"].to_numpy()
    age = people["school_age"].to_numpy()[rows["person"]]
    age_then = np.where(stayed, np.maximum(age - 1, 2), rows["phase_start"].to_numpy() - 1)
    left = rows["entry_date"].to_numpy("datetime64[D]") - np.where(stayed, 1, 44).astype("timedelta64[D]")
    gone = np.flatnonzero(
        people["in_one"] & (people["placement"].isin(NO_SCHOOL) | people["ceased"].notna() | people["death"].notna())
        & (people["placement"] != "EYP") & (people["age"] >= 5)
    )  # fmt: skip
    gone = gone[rng.random(len(gone)) < 0.85]
    ended = people["ceased"].to_numpy("datetime64[D]")[gone]
    recent = np.datetime64(as_at) - days(rng, 30, 900, len(gone))
    ended = np.where(np.isnat(ended), recent, ended)
    then = np.clip(people["school_age"].to_numpy()[gone] - 1, 3, 15)
    who = np.concatenate([rows["person"].to_numpy(), gone])
    ages, leaving = np.concatenate([age_then, then]), np.concatenate([left, ended])
    first = np.array([4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 11, 11, 11, 11, 11, 16, 16, 16])[np.clip(ages, 0, 18)]
    entry = np.minimum(
        calendar(leaving.astype("datetime64[Y]").astype(np.int64) + 1970 - (ages - first) - 1, 9, 4), leaving
    )
    return pd.DataFrame({
        "person": who,
        "urn": schools(rng, gias, np.full(len(who), "mainstream", object), ages, rng.random(len(who)) < 0.93, la_code),
        "enrolment_status": "C",
        "nc_year": nc_years(ages),
        "entry_date": entry,
        "leaving_date": leaving,
        "part_time_timetable": "N",
        "weekly_hours": 32.5,
    })  # fmt: skip


def _second(
    rng: np.random.Generator, as_at: date, la_code: str, people: pd.DataFrame, here: pd.DataFrame, gias: pd.DataFrame
) -> pd.DataFrame:
    """Dual registration: the first row of who has two becomes M, the second is S; and a few guests (G)."""
    age = people["school_age"].to_numpy()[here["person"]]
    placement = people["placement"].to_numpy(object)[here["person"]]
    at_school = (here["enrolment_status"] == "C").to_numpy() & (age >= 5) & (age <= 15)
    chance = np.select([placement == "ap", placement == "mainstream", placement == "special"], [0.5, 0.008, 0.01], 0.0)
    dual = at_school & (rng.random(len(here)) < chance)
    guest = at_school & ~dual & (rng.random(len(here)) < 0.002)
    rows = here[dual | guest]
    is_dual = dual[dual | guest]
    own = placement[dual | guest]
    # Somebody placed in alternative provision is usually still on the roll of a school: that one is the main one.
    kinds = np.where(own == "ap", "mainstream", np.where(is_dual & (rng.random(len(rows)) < 0.7), "ap", "mainstream"))
    urns = schools(rng, gias, kinds, age[dual | guest], np.full(len(rows), True), la_code)
    other = rows.assign(
        urn=urns,
        enrolment_status=np.where(is_dual, np.where(own == "ap", "M", "S"), "G"),
        entry_date=between(rng, rows["entry_date"].to_numpy("datetime64[D]"), np.full(len(rows), np.datetime64(as_at))),
    )
    here.loc[rows.index[is_dual], "enrolment_status"] = np.where(own[is_dual] == "ap", "S", "M")
    return other[other["urn"].to_numpy() != rows["urn"].to_numpy()]


def attendance(rng: np.random.Generator, as_at: date, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row a pupil of school age, school and week of term, over the twelve months to the day."""
    year_ago = date(as_at.year - 1, as_at.month, min(as_at.day, 28))
    mondays, sessions = term_weeks(year_ago, as_at)
    rows = enrolled[enrolled["enrolment_status"].isin(["C", "M", "S"])]
    age = people["school_age"].to_numpy()[rows["person"]]
    reports = rows["type_code"].map({**dict.fromkeys(NO_ATTENDANCE, 0.0), **REPORTS_ATTENDANCE}).fillna(1.0)
    by_school = rng.random(1000)[rows["urn"].astype(int).to_numpy() % 1000]
    rows = rows[(age >= 4) & (age <= 16) & (by_school < reports.to_numpy())]
    first = np.searchsorted(mondays, rows["entry_date"].to_numpy("datetime64[D]"))
    left = rows["leaving_date"].to_numpy("datetime64[D]")
    last = np.where(np.isnat(left), len(mondays), np.searchsorted(mondays, np.where(np.isnat(left), mondays[0], left)))
    weeks = np.maximum(last - first, 0)
    spell = np.repeat(np.arange(len(rows)), weeks)
    week = np.arange(len(spell)) - np.repeat(np.cumsum(weeks) - weeks, weeks) + np.repeat(first, weeks)
    person = rows["person"].to_numpy()[spell]
    possible = _possible(rng, rows, spell, sessions[week])
    absent, excused = _absence(rng, people)
    missed = rng.binomial(possible, absent[person])
    authorised = rng.binomial(missed, excused[person])
    order = np.lexsort((week, person))
    columns = {
        "student_id": people["student_id"].to_numpy(object)[person],
        "urn": rows["urn"].to_numpy(object)[spell],
        "week_commencing": mondays[week],
        "sessions_possible": possible,
        "authorised_absence": authorised,
        "unauthorised_absence": missed - authorised,
    }
    return pd.DataFrame({name: values[order] for name, values in columns.items()})


def _possible(rng: np.random.Generator, rows: pd.DataFrame, spell: Ints, sessions: Ints) -> Ints:
    """Sessions: a dual registered pupil's week is shared by both schools; a part-time timetable has fewer."""
    share = rows["enrolment_status"].map({"M": 0.6, "S": 0.4}).fillna(1.0).to_numpy()
    share = np.where(rows["part_time_timetable"] == "Y", share * 0.5, share)
    return np.round(sessions * share[spell]).astype(np.int64)


def _absence(rng: np.random.Generator, people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Each pupil's share of sessions missed, and how much of that is authorised.

    A few miss most of the time (severe absence); the rest is exponential, which gives the published share
    of persistent absence as well as the mean.
    """
    size = len(people)
    share = np.empty(size)
    group = groups(people)
    for name in ("plan", "support", "other"):
        members = np.flatnonzero(group == name)
        mean = figures.rate(f"{name}_absence")
        severe = figures.rate(f"{name}_severe_absence") if name != "other" else 0.015
        usual = (mean - severe * 0.7) / (1 - severe)
        rates = np.minimum(rng.exponential(usual, len(members)), 0.48)
        rates[rng.random(len(members)) < severe] = 0.0
        rates = np.where(rates == 0.0, rng.uniform(0.5, 0.9, len(members)), rates)
        share[members] = rates
    return share, rng.beta(4, 2, size)


def groups(people: pd.DataFrame) -> Texts:
    """plan, support or other: how the published figures group pupils."""
    role = people["role"]
    return np.select(
        [role.isin(["plan", "hub_plan", "visitor"]), role.isin(["support", "away"])], ["plan", "support"], "other"
    ).astype(object)


def exclusions(rng: np.random.Generator, as_at: date, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row a suspension or permanent exclusion of the last two years, at the published rates a term."""
    rows = enrolled[enrolled["enrolment_status"].isin(["C", "M"]) & enrolled["leaving_date"].isna()]
    age = people["school_age"].to_numpy()[rows["person"]]
    rows = rows[(age >= 5) & (age <= 15)]
    age = people["school_age"].to_numpy()[rows["person"]]
    group = groups(people)[rows["person"]]
    terms = 6
    older = np.where(age >= 11, 1.7, 0.35)  # most are at secondary school
    some = rng.gamma(0.15, 1 / 0.15, len(rows))  # few pupils have most of them
    rate = pd.Series(group).map(lambda name: figures.rate(f"{name}_suspensions_a_term")).to_numpy()
    suspended = rng.poisson(rate * terms * older * some)
    rate = pd.Series(group).map(lambda name: figures.rate(f"{name}_permanent_exclusions_a_term")).to_numpy()
    expelled = rng.random(len(rows)) < rate * terms * older
    where = np.concatenate([np.repeat(np.arange(len(rows)), suspended), np.flatnonzero(expelled)])
    mondays, _ = term_weeks(date(as_at.year - 2, as_at.month, min(as_at.day, 28)), as_at)
    entry = rows["entry_date"].to_numpy("datetime64[D]")[where]
    first = np.searchsorted(mondays, entry)
    week = first + (rng.random(len(where)) * (len(mondays) - first)).astype(np.int64)
    kept = first < len(mondays)
    start = mondays[np.minimum(week, len(mondays) - 1)] + days(rng, 0, 4, len(where))
    permanent = np.arange(len(where)) >= suspended.sum()
    reasons = figures.shares("exclusion_reason")
    found = pd.DataFrame({
        "student_id": rows["student_id"].to_numpy(object)[where],
        "category": np.where(permanent, "PERM", "SUSP"),
        "start_date": np.minimum(start, np.datetime64(as_at)),
        "sessions": np.where(permanent, np.nan, rng.choice([1, 2, 4, 6, 10], len(where), p=[0.15, 0.4, 0.2, 0.15, 0.1])),
        "reason": pick(rng, list(reasons.index), len(where), reasons.to_numpy()),
        "urn": rows["urn"].to_numpy(object)[where],
    })[kept]  # fmt: skip
    found = found.sort_values(["start_date", "student_id"], kind="stable", ignore_index=True)
    found.insert(0, "exclusion_id", identity.text(np.arange(len(found)) + 40_001))
    return found


def home_education(rng: np.random.Generator, as_at: date, people: pd.DataFrame, enrolled: pd.DataFrame) -> pd.DataFrame:
    """One row an episode: those placed so now, and a few of the past."""
    today = np.datetime64(as_at)
    now = np.flatnonzero(people["in_one"] & (people["placement"] == "EHE"))
    left = enrolled.groupby("person")["leaving_date"].max().reindex(now).to_numpy("datetime64[D]")
    start = np.where(np.isnat(left), today - days(rng, 20, 900, len(now)), left + np.timedelta64(1, "D"))
    past = np.flatnonzero(people["role"].isin(["plan", "support", "ordinary"]) & (people["age"].between(8, 15)))
    past = past[(rng.random(len(past)) < 0.01) & ~np.isin(past, now)]
    ended = today - days(rng, 300, 1500, len(past))
    who = np.concatenate([now, past])
    return pd.DataFrame({
        "student_id": people["student_id"].to_numpy(object)[who],
        "start_date": np.concatenate([start, ended - days(rng, 60, 600, len(past))]),
        "end_date": np.concatenate([np.full(len(now), NO_DATE), ended]),
    })  # fmt: skip


def open_enrolment(people: pd.DataFrame, enrolled: pd.DataFrame) -> Texts:
    """The main URN of each person now, empty without one."""
    main = enrolled[enrolled["enrolment_status"].isin(["C", "M", "F", "O"]) & enrolled["leaving_date"].isna()]
    found = np.full(len(people), "", dtype=object)
    found[main["person"].to_numpy()] = main["urn"].to_numpy(object)
    return found
