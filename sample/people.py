"""Everybody the three systems know: who they are, how old, what they need and where they learn.

Roles (column `role`):
  plan         an open plan in Capita One
  hub_plan     in Capita One, but the plan is still in the EHC Hub
  hub_only     plan and child in the EHC Hub only
  hub_open     a request in the EHC Hub only, no plan yet
  support      SEN support at a school of the council: list 2
  away         SEN support at a school of another council
  visitor      at a school here with a plan that another council keeps
  ceased       had a plan, which has ended
  ordinary     neither: brothers, sisters, and pupils whose SEN support has ended
"""

from datetime import date

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import Dates, Flags, Ints, Texts, days, pick, quota, quota_by, rake
from sample.establishments import NEIGHBOURS
from sample.years import YEAR, age_at, calendar, school_age, school_year

# Where a placement can be, by whole years of age: the published tables cross placement with need, not with age.
AGES_OF_PLACEMENT = {
    "mainstream": (3, 18), "independent": (4, 18), "ap": (6, 16), "special": (3, 19), "special_independent": (6, 19),
    "nmss": (4, 19), "fe": (17, 25), "spi": (17, 25), "OTH": (16, 25), "EYP": (2, 4), "EHE": (5, 17), "NEET": (17, 25),
    "NIEC": (17, 25), "NIEO": (5, 25), "OLA": (5, 25), "OPA": (5, 17), "welsh": (5, 18), "online": (11, 17),
    "unknown": (3, 25),
}  # fmt: skip
COLLEGES = ("fe", "spi")
NO_SCHOOL = ("OTH", "EYP", "EHE", "NEET", "NIEC", "NIEO", "OLA", "OPA", "unknown")
YEARS_OF_CEASED = 3
ETHNICITIES = {
    "White - White British": "WBRI", "White - Irish": "WIRI", "White - Traveller of Irish heritage": "WIRT",
    "White - Any other White background": "WOTH", "White - Gypsy/Roma": "WROM",
    "Mixed - White and Black Caribbean": "MWBC", "Mixed - White and Black African": "MWBA",
    "Mixed - White and Asian": "MWAS", "Mixed - Any other Mixed background": "MOTH", "Asian - Indian": "AIND",
    "Asian - Pakistani": "APKN", "Asian - Bangladeshi": "ABAN", "Asian - Any other Asian background": "AOTH",
    "Black - Black Caribbean": "BCRB", "Black - Black African": "BAFR", "Black - Any other Black background": "BOTH",
    "Asian - Chinese": "CHNE", "Any other ethnic group": "OOTH", "Unclassified": "NOBT",
}  # fmt: skip
EXTENDED = {"WBRI": "WENG", "WOTH": "WEEU", "APKN": "AMPK", "BAFR": "BSOM", "AOTH": "ATML"}


def people(rng: np.random.Generator, as_at: date, la_code: str, plans: int, support: int) -> pd.DataFrame:
    """One row a person. `plans` people have a plan of this council open on the day, `support` belong on list 2."""
    hub_only, hub_plan = round(plans * 0.02), round(plans * 0.01)
    parts = [
        _with_plan(rng, plans - hub_only - hub_plan, "plan"),
        _with_plan(rng, hub_plan, "hub_plan"),
        _with_plan(rng, hub_only, "hub_only"),
        _supported(rng, support, "support"),
        _supported(rng, round(support * 0.02), "away"),
        _visitors(rng, round(plans * 0.02)),
        _ceased(rng, as_at, round(plans * YEARS_OF_CEASED * _turnover())),
        _requested(rng, round(plans * 0.02)),
        _supported(rng, round((plans + support) * 0.07), "ordinary"),
    ]
    found = pd.concat(parts, ignore_index=True)
    found["birth"] = _births(rng, as_at, found)
    found["age"] = age_at(found["birth"].to_numpy("datetime64[D]"), np.datetime64(as_at))
    found["school_age"] = school_age(found["birth"].to_numpy("datetime64[D]"), school_year(as_at))
    return _identify(rng, as_at, la_code, found)


def _turnover() -> float:
    return figures.figure("total_ceased") / figures.figure("ehcplans")


def _with_plan(rng: np.random.Generator, size: int, role: str) -> pd.DataFrame:
    """Age, need, placement, sex and years in place so that each published table is met (raked)."""
    ages, age_need = _age_need()
    place_need = figures.table("plan_placement_need")
    places, needs = list(place_need.index), list(place_need.columns)
    shape = (len(ages), len(needs), len(places))
    age, need, place = (grid.ravel() for grid in np.indices(shape))
    low, high = np.array([AGES_OF_PLACEMENT[name] for name in places]).T
    possible = (ages[age] >= low[place]) & (ages[age] <= high[place])
    need_place = np.ascontiguousarray(place_need.to_numpy().T)
    weights = rake(
        possible.astype(float),
        [(age * len(needs) + need, age_need.ravel()), (need * len(places) + place, need_place.ravel())],
    )
    drawn = quota(rng, weights, size)
    sexes = figures.table("plan_sex_need").T.reindex(needs)
    years, starts = _years_in_place(rng, age[drawn], ages)
    return pd.DataFrame({
        "role": role,
        "age": ages[age[drawn]],
        "need": np.array(needs, dtype=object)[need[drawn]],
        "placement": np.array(places, dtype=object)[place[drawn]],
        "sex": np.array(list(sexes.columns), dtype=object)[quota_by(rng, need[drawn], sexes.to_numpy())],
        "years": years,
        "is_later_start": starts,
    })  # fmt: skip


def _age_need() -> tuple[Ints, np.ndarray]:
    counts = figures.table("plan_age_need")
    counts.index = counts.index.astype(int)
    counts = counts.sort_index()
    return counts.index.to_numpy(), counts.to_numpy()


def _years_in_place(rng: np.random.Generator, age: Ints, ages: Ints) -> tuple[Ints, Flags]:
    """Years a plan has been in place (1: under one), by age, so that years and age at start are both as published.

    Who is `a` years old, with a plan for y-1 to y years, was a-y or a-y+1 when it started: the flag says the later.
    """
    years, year_shares = figures.by_year("plan_years")
    start_ages, start_shares = figures.by_year("plan_start_age")
    age_cell, year_cell, later = (grid.ravel() for grid in np.indices((len(ages), len(years), 2)))
    start = ages[age_cell] - years[year_cell] + later
    possible = start >= 1
    start_group = np.clip(start, start_ages[0], start_ages[-1]) - start_ages[0]
    _, age_shares = figures.by_year("plan_age")
    weights = rake(
        possible.astype(float), [(start_group, start_shares), (year_cell, year_shares), (age_cell, age_shares)]
    )
    drawn = quota_by(rng, age, weights.reshape(len(ages), -1))
    return years[drawn // 2], (drawn % 2).astype(bool)


def _supported(rng: np.random.Generator, size: int, role: str) -> pd.DataFrame:
    ages, weights = figures.by_year("support_age")
    needs = figures.shares("support_need")
    return pd.DataFrame({
        "role": role,
        "age": ages[quota(rng, weights, size)],
        "need": pick(rng, list(needs.index), size, needs.to_numpy()),
        "placement": "mainstream",
        "sex": np.where(rng.random(size) < figures.rate("support_male"), "M", "F"),
    })  # fmt: skip


def _visitors(rng: np.random.Generator, size: int) -> pd.DataFrame:
    found = _with_plan(rng, size * 3, "visitor")
    return found[found["placement"].isin(["mainstream", "special"])].head(size)


def _requested(rng: np.random.Generator, size: int) -> pd.DataFrame:
    """Children under assessment whom the hub knows and Capita One does not: many are not at school yet."""
    ages, weights = figures.by_year("request_age")
    chosen = ages < 16
    found = _supported(rng, size, "hub_open")
    return found.assign(age=ages[chosen][quota(rng, weights[chosen], size)])


def _ceased(rng: np.random.Generator, as_at: date, size: int) -> pd.DataFrame:
    """Plans that ended in the last three years, by age, reason and years held (raked)."""
    ages, age_shares = figures.by_year("cease_age")
    years, year_shares = figures.by_year("cease_years")
    reasons = figures.shares("cease_reason")
    age, year, reason = (grid.ravel() for grid in np.indices((len(ages), len(years), len(reasons))))
    youngest = np.array([20, 3, 18, 16, 2, 16, 2, 2, 4])  # by reason: maximum age, needs met, HE, work, moved, ...
    oldest = np.array([99, 20, 99, 99, 99, 99, 99, 99, 99])
    possible = (ages[age] - years[year] >= 1) & (ages[age] >= youngest[reason]) & (ages[age] <= oldest[reason])
    weights = rake(possible.astype(float), [(year, year_shares), (reason, reasons.to_numpy()), (age, age_shares)])
    drawn = quota(rng, weights, size)
    at_end = ages[age[drawn]]
    at_end = np.where(at_end == 20, rng.integers(20, 26, size), at_end)  # published as "20 and over"
    at_end = np.where(reasons.index[reason[drawn]] == "1", np.maximum(at_end, 25), at_end)
    since = rng.integers(1, int(YEARS_OF_CEASED * YEAR), size)
    needs = _need_by_age(rng, np.clip(at_end, 2, 25))
    return pd.DataFrame({
        "role": "ceased",
        "age": at_end,
        "need": needs,
        "placement": np.select([at_end >= 19, at_end >= 4], ["fe", "mainstream"], "EYP"),
        "sex": np.where(rng.random(size) < 31456 / 44862, "M", "F"),
        "years": years[year[drawn]] + 1,
        "cease_reason": np.array(reasons.index, dtype=object)[reason[drawn]],
        "ceased": np.datetime64(as_at) - since.astype("timedelta64[D]"),
    })  # fmt: skip


def _need_by_age(rng: np.random.Generator, ages: Ints) -> Texts:
    known, counts = _age_need()
    needs = np.array(figures.table("plan_age_need").columns, dtype=object)
    return needs[quota_by(rng, ages - known[0], counts)]


def _births(rng: np.random.Generator, as_at: date, found: pd.DataFrame) -> Dates:
    """A date of birth that gives the age on the day (of cease, for a plan that has ended), and a fitting school year."""
    today = np.datetime64(as_at)
    on = found["ceased"].to_numpy("datetime64[D]")
    on = np.where(np.isnat(on), today, on)
    age = found["age"].to_numpy(np.int64)
    births = on - (np.minimum(age + rng.random(len(age)), age + 0.995) * YEAR + 1).astype("timedelta64[D]")
    # Nobody is at college before year 12, and nobody stays at a mainstream school after year 14.
    start = calendar(school_year(as_at), 8, 31)
    is_open = found["ceased"].isna().to_numpy()
    young = is_open & found["placement"].isin(COLLEGES).to_numpy() & (age_at(births, start) < 16)
    births = np.where(young, start - (16 * YEAR + 1 + rng.random(len(age)) * 60).astype("timedelta64[D]"), births)
    return births


def _identify(rng: np.random.Generator, as_at: date, la_code: str, found: pd.DataFrame) -> pd.DataFrame:
    """Numbers, names, address, ethnicity and what else the student record holds."""
    size = len(found)
    found["in_one"] = ~found["role"].isin(["hub_only", "hub_open"])
    found["student_id"] = identity.text(600_000 + rng.permutation(size * 2)[:size])
    found["forename"] = identity.forenames(rng, found["sex"].to_numpy(object))
    found["surname"] = identity.surnames(rng, size)
    found["postcode"] = identity.postcodes(rng, size)
    _families(rng, found)
    _tell_apart(rng, found)
    ethnicity = figures.shares("plan_ethnicity")
    codes = pick(rng, [ETHNICITIES[name] for name in ethnicity.index], size, ethnicity.to_numpy())
    codes = np.where((codes == "NOBT") & (rng.random(size) < 0.2), "REFU", codes)
    extended = pd.Series(codes).map(EXTENDED).to_numpy(object)
    found["ethnicity"] = np.where((rng.random(size) < 0.08) & pd.notna(extended), extended, codes)
    found["home_la"] = np.where(
        rng.random(size) < _lives_elsewhere(found["role"]), pick(rng, NEIGHBOURS, size), la_code
    )
    _numbers(rng, as_at, found)
    group = (
        found["role"]
        .map({"ordinary": "other"})
        .fillna(pd.Series(np.where(found["role"].isin(["support", "away"]), "support", "plan"), index=found.index))
    )
    of_age = found["age"].between(4, 16).to_numpy()
    premium = rng.random(size) < group.map(lambda name: figures.rate(f"{name}_pupil_premium")).to_numpy(float)
    found["pupil_premium"] = np.where(of_age, np.where(premium, "Y", "N"), "")
    disabled = np.where(group == "plan", figures.rate("plan_disability"), figures.rate("support_disability"))
    said = np.where(rng.random(size) < disabled, "Y", "N")
    found["disability"] = np.where(rng.random(size) < figures.rate("disability_not_recorded"), "", said)
    found["sex"] = np.where(rng.random(size) < 0.0005, "U", found["sex"])
    died = (found["cease_reason"] == "8").to_numpy()
    found["death"] = np.where(died, found["ceased"].to_numpy("datetime64[D]"), np.datetime64("NaT", "D"))
    found["updated"] = np.datetime64(as_at) - days(rng, 0, 700, size)
    return found


def _lives_elsewhere(role: pd.Series) -> np.ndarray:
    return role.map({"plan": 0.015, "support": 0.05, "visitor": 1.0}).fillna(0.0).to_numpy()


def _families(rng: np.random.Generator, found: pd.DataFrame) -> None:
    """Most ordinary pupils in the file are there because of a brother or sister: same surname and address."""
    ordinary = np.flatnonzero((found["role"] == "ordinary").to_numpy())
    others = np.flatnonzero(found["role"].isin(["plan", "support"]).to_numpy())
    if not len(others):
        return
    siblings = ordinary[rng.random(len(ordinary)) < 0.7]
    pairs = others[rng.random(len(others)) < 0.04]
    for who in (siblings, pairs):
        of = rng.choice(others, len(who))
        for column in ("surname", "postcode"):
            values = found[column].to_numpy(object, copy=True)
            values[who] = values[of]
            found[column] = values


def _tell_apart(rng: np.random.Generator, found: pd.DataFrame) -> None:
    """No two people share names, date of birth and address."""
    while (same := found.duplicated(["surname", "forename", "birth", "postcode"]).to_numpy()).any():
        found.loc[same, "postcode"] = identity.postcodes(rng, int(same.sum()))


def _numbers(rng: np.random.Generator, as_at: date, found: pd.DataFrame) -> None:
    """UPNs (a few children rightly have none, and a reason), former UPNs, and ULNs from 14."""
    size, age = len(found), found["age"].to_numpy()
    births = found["birth"].to_numpy("datetime64[D]")
    entered = np.minimum(births.astype("datetime64[Y]").astype(np.int64) + 1970 + 4, school_year(as_at))
    schools = rng.integers(2000, 7000, size)
    both = identity.upns(np.concatenate([schools, rng.integers(2000, 7000, size)]), np.concatenate([entered, entered]))
    outside = found["placement"].isin(["EYP", "special_independent", "independent", "welsh"]).to_numpy()
    chance = np.where(age < 5, 0.3, np.where(outside & (age < 16), 0.06, np.where(age > 18, 0.01, 0.001)))
    has_none = rng.random(size) < chance
    found["upn"] = np.where(has_none, "", both[:size])
    reasons = np.where(age < 6, "UN1", np.where(age > 18, "UN9", pick(rng, ["UN2", "UN3", "UN8"], size)))
    found["upn_unknown_reason"] = np.where(has_none, reasons, "")
    found["former_upn"] = np.where(~has_none & (rng.random(size) < 0.02), both[size:], "")
    found["uln"] = np.where((age >= 14) & (rng.random(size) < 0.97), identity.ulns(rng, size), "")
