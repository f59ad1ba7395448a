"""Everybody the systems know: who they are, how old, what they need and where they learn.

Roles (column `role`):
  plan         an open plan in Capita One
  hub_plan     in Capita One, but the plan is still in the EHC Hub
  hub_only     plan and child in the EHC Hub only
  hub_open     a request in the EHC Hub only, no plan yet
  support      SEN support at a school of the council; some had a plan before
  away         SEN support at a school of another council
  visitor      at a school here with a plan that another council keeps
  ceased       had a plan, which has ended, and nothing since
  ordinary     neither: brothers, sisters, and pupils whose SEN support has ended
The first three are on list 1, `support` is on list 2.
"""

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import NO_DATE, Dates, Flags, Floats, Ints, Scene, Texts, day, days, pick, quota, quota_by, rake
from sample.establishments import NEIGHBOURS
from sample.years import YEAR, age_at, calendar, school_age, years_of

# Where somebody of that age can be placed: the published tables cross placement with need, not with age.
AGES_OF_PLACEMENT = {
    "mainstream": (3, 18), "independent": (4, 18), "ap": (6, 16), "special": (3, 19), "special_independent": (6, 19),
    "nmss": (4, 19), "fe": (16, 25), "spi": (16, 25), "OTH": (16, 25), "EYP": (2, 4), "EHE": (5, 17), "NEET": (16, 25),
    "NIEC": (16, 25), "NIEO": (5, 25), "OLA": (5, 25), "OPA": (5, 17), "welsh": (5, 18), "online": (11, 17),
    "unknown": (3, 25),
}  # fmt: skip
COLLEGES = ("fe", "spi")
NO_SCHOOL = ("OTH", "EYP", "EHE", "NEET", "NIEC", "NIEO", "OLA", "OPA", "unknown")
ON_LIST_1, ON_LIST_2 = ("plan", "hub_plan", "hub_only"), ("support",)
YEARS_OF_CEASED = 3
# By reason 1 to 9: the youngest and oldest somebody is whose plan ends for it.
AGES_OF_REASON = {"1": (20, 99), "2": (3, 20), "3": (18, 99), "4": (16, 99), "5": (2, 99), "6": (16, 99), "7": (2, 99),
                  "8": (2, 99), "9": (4, 99)}  # fmt: skip
ETHNICITIES = {
    "White - White British": "WBRI", "White - Irish": "WIRI", "White - Traveller of Irish heritage": "WIRT",
    "White - Any other White background": "WOTH", "White - Gypsy/Roma": "WROM",
    "Mixed - White and Black Caribbean": "MWBC", "Mixed - White and Black African": "MWBA",
    "Mixed - White and Asian": "MWAS", "Mixed - Any other Mixed background": "MOTH", "Asian - Indian": "AIND",
    "Asian - Pakistani": "APKN", "Asian - Bangladeshi": "ABAN", "Asian - Any other Asian background": "AOTH",
    "Black - Black Caribbean": "BCRB", "Black - Black African": "BAFR", "Black - Any other Black background": "BOTH",
    "Asian - Chinese": "CHNE", "Any other ethnic group": "OOTH", "Unclassified": "NOBT",
}  # fmt: skip
EXTENDED = {"WBRI": "WENG", "WOTH": "WEEU", "APKN": "AMPK", "NOBT": "REFU"}  # some schools use the longer code list


def people(scene: Scene, plans: int, support: int) -> pd.DataFrame:
    """One row a person. Exactly `plans` of them belong on list 1 and `support` on list 2."""
    rng = scene.rng
    hub_only, hub_plan = round(plans * 0.02), round(plans * 0.01)
    turnover = figures.figure("total_ceased") / figures.figure("ehcplans")
    ceased = _ceased(scene, min(round(plans * YEARS_OF_CEASED * turnover), plans + support))
    on_support_now = int((ceased["role"] == "support").sum())
    parts = [
        _with_plan(rng, plans - hub_only - hub_plan, "plan"),
        _new_to_plan(rng, hub_plan, "hub_plan"),
        _new_to_plan(rng, hub_only, "hub_only"),
        _supported(rng, support - on_support_now, "support"),
        _supported(rng, round(support * 0.02), "away"),
        _visitors(rng, round(plans * 0.02)),
        ceased,
        _requested(rng, round(plans * 0.02)),
        _supported(rng, round((plans + support) * 0.07), "ordinary"),
    ]
    found = pd.concat(parts, ignore_index=True)
    found["birth"] = _births(scene, found)
    _families(rng, found)
    found["age"] = age_at(day(found["birth"]), scene.today)
    found["school_age"] = school_age(day(found["birth"]), scene.year)
    _names(rng, found)
    _numbers(scene, found)
    _details(scene, found)
    return found


def groups(found: pd.DataFrame) -> Texts:
    """plan, support or other: how the published figures group pupils."""
    role = found["role"]
    is_plan = role.isin([*ON_LIST_1, "visitor", "ceased"])
    return np.select([is_plan, role.isin(["support", "away"])], ["plan", "support"], "other").astype(object)


def _with_plan(rng: np.random.Generator, size: int, role: str) -> pd.DataFrame:
    """Age, need, placement, sex and years in place so that each published table is met."""
    ages, age_need = _age_need()
    place_need = figures.table("plan_placement_need")
    places, needs = list(place_need.index), list(place_need.columns)
    age, need, place = (grid.ravel() for grid in np.indices((len(ages), len(needs), len(places))))
    low, high = np.array([AGES_OF_PLACEMENT[name] for name in places]).T
    is_possible = (ages[age] >= low[place]) & (ages[age] <= high[place])
    margins = [
        (age * len(needs) + need, age_need.ravel()),
        (place * len(needs) + need, place_need.to_numpy(float).ravel()),
    ]
    drawn = quota(rng, rake(is_possible, margins), size)
    sexes = figures.table("plan_sex_need")
    sex = quota_by(rng, need[drawn], sexes[needs].to_numpy().T)
    years, later = _years_in_place(rng, age[drawn], ages)
    return pd.DataFrame({
        "role": role,
        "age": ages[age[drawn]],
        "need": np.array(needs, dtype=object)[need[drawn]],
        "placement": np.array(places, dtype=object)[place[drawn]],
        "sex": sexes.index.to_numpy(object)[sex],
        "years": years,
        "started_later": later,
    })  # fmt: skip


def _age_need() -> tuple[Ints, Floats]:
    counts = figures.table("plan_age_need")
    counts.index = counts.index.astype(int)
    counts = counts.sort_index()
    return counts.index.to_numpy(np.int64), counts.to_numpy(float)


def _years_in_place(rng: np.random.Generator, age: Ints, ages: Ints) -> tuple[Ints, Floats]:
    """How long each plan has been in place, so that years and age at start are both as published.

    Somebody `a` years old whose plan is in its y-th year was a-y or a-y+1 when it started; the second
    array is 1 for the later.
    """
    years, year_shares = figures.by_year("plan_years")
    starts, start_shares = figures.by_year("plan_start_age")
    _, age_shares = figures.by_year("plan_age")
    age_cell, year_cell, later = (grid.ravel() for grid in np.indices((len(ages), len(years), 2)))
    start = ages[age_cell] - years[year_cell] + later
    start_cell = np.clip(start, starts[0], starts[-1]) - starts[0]
    margins = [(start_cell, start_shares), (year_cell, year_shares), (age_cell, age_shares)]
    weights = rake(start >= 1, margins).reshape(len(ages), -1)
    drawn = quota_by(rng, age, weights)
    return years[drawn // 2], (drawn % 2).astype(float)


def _new_to_plan(rng: np.random.Generator, size: int, role: str) -> pd.DataFrame:
    """Plans that are still in the hub: none is older than the hub."""
    found = _with_plan(rng, size, role)
    return found.assign(years=rng.integers(1, 3, size), started_later=np.nan)


def _supported(rng: np.random.Generator, size: int, role: str) -> pd.DataFrame:
    ages, weights = figures.by_year("support_age")
    needs = figures.shares("support_need")
    is_boy = rng.random(size) < figures.rate("support_male")
    return pd.DataFrame({
        "role": role,
        "age": ages[quota(rng, weights, size)],
        "need": pick(rng, list(needs.index), size, needs.to_numpy()),
        "placement": "mainstream",
        "sex": np.where(is_boy, "M", "F"),
    })  # fmt: skip


def _visitors(rng: np.random.Generator, size: int) -> pd.DataFrame:
    found = _with_plan(rng, size * 3, "visitor")
    return found[found["placement"].isin(["mainstream", "special"])].head(size)


def _requested(rng: np.random.Generator, size: int) -> pd.DataFrame:
    """Children under assessment whom the hub knows and Capita One does not: many are not at school yet."""
    ages, weights = figures.by_year("request_age")
    return _supported(rng, size, "hub_open").assign(age=ages[quota(rng, np.where(ages < 16, weights, 0), size)])


def _ceased(scene: Scene, size: int) -> pd.DataFrame:
    """Plans that ended in the last three years, by age, reason and years held as published."""
    rng = scene.rng
    ages, age_shares = figures.by_year("cease_age")
    years, year_shares = figures.by_year("cease_years")
    reasons = figures.shares("cease_reason")
    age, year, reason = (grid.ravel() for grid in np.indices((len(ages), len(years), len(reasons))))
    low, high = np.array([AGES_OF_REASON[code] for code in reasons.index]).T
    is_possible = (ages[age] > years[year]) & (ages[age] >= low[reason]) & (ages[age] <= high[reason])
    drawn = quota(
        rng, rake(is_possible, [(year, year_shares), (reason, reasons.to_numpy(float)), (age, age_shares)]), size
    )
    code = reasons.index.to_numpy(object)[reason[drawn]]
    at_end = ages[age[drawn]]
    at_end = np.where(at_end == 20, rng.integers(20, 26, size), at_end)  # published as 20 and over
    at_end = np.where(code == "1", 25, at_end)
    since = rng.integers(0, int(YEARS_OF_CEASED * YEAR), size)
    known, age_need = _age_need()
    needs = figures.table("plan_age_need").columns.to_numpy(object)
    # Whose needs are met without a plan usually stays at school, on SEN support.
    stays = (code == "2") & (at_end >= 4) & (at_end + since / YEAR < 15)
    return pd.DataFrame({
        "role": np.where(stays, "support", "ceased"),
        "age": at_end,
        "need": needs[quota_by(rng, np.clip(at_end, known[0], known[-1]) - known[0], age_need)],
        "placement": np.select([stays, at_end >= 18, at_end >= 4], ["mainstream", "fe", "mainstream"], "EYP"),
        "sex": pick(rng, ["M", "F"], size, [0.7, 0.3]),
        "years": years[year[drawn]] + 1,
        "cease_reason": code,
        "ceased": scene.today - since.astype("timedelta64[D]"),
    })  # fmt: skip


def _births(scene: Scene, found: pd.DataFrame) -> Dates:
    """A date of birth that gives the age: today, or on the day the plan ended."""
    on = np.where(found["ceased"].isna(), scene.today, day(found["ceased"]))
    part = scene.rng.uniform(0.004, 0.996, len(found))
    births = on - ((found["age"].to_numpy(float) + part) * YEAR).astype("timedelta64[D]")
    # Nobody is at college before year 12.
    autumn = calendar(scene.year, 8, 31)
    too_young = found["placement"].isin(COLLEGES) & found["ceased"].isna() & (age_at(births, autumn) < 16)
    sixteen = autumn - (16 * YEAR + 1 + scene.rng.random(len(found)) * 60).astype("timedelta64[D]")
    settled: Dates = np.where(too_young, sixteen, births)
    return settled


def _families(rng: np.random.Generator, found: pd.DataFrame) -> None:
    """Surnames and addresses. Most ordinary pupils are there because of a brother or sister; some are twins."""
    size = len(found)
    surname, postcode, birth = identity.surnames(rng, size), identity.postcodes(rng, size), day(found["birth"])
    role = found["role"].to_numpy(object)
    others = np.flatnonzero(np.isin(role, ["plan", "support"]))
    chance = np.where(role == "ordinary", 0.7, np.where(np.isin(role, ["plan", "support"]), 0.04, 0.0))
    siblings = np.flatnonzero(rng.random(size) < chance)
    of = rng.choice(others, len(siblings)) if len(others) else siblings
    surname[siblings], postcode[siblings] = surname[of], postcode[of]
    is_twin = (role[siblings] == "support") & (role[of] == "support") & (rng.random(len(of)) < 0.15)
    is_twin &= found["ceased"].isna().to_numpy()[siblings]
    birth[siblings[is_twin]] = birth[of[is_twin]]
    found["surname"], found["postcode"], found["birth"] = surname, postcode, birth


def _names(rng: np.random.Generator, found: pd.DataFrame) -> None:
    found["forename"] = identity.forenames(rng, found["sex"].to_numpy(object))
    foreign = (found["role"] == "hub_only").to_numpy() & (rng.random(len(found)) < 0.3)
    unicode = identity.UNICODE_SURNAMES[rng.integers(0, len(identity.UNICODE_SURNAMES), len(found))]
    found["surname"] = np.where(foreign, unicode, found["surname"].to_numpy(object))
    # No two people share names, date of birth and address.
    while (same := found.duplicated(["surname", "forename", "birth", "postcode"]).to_numpy()).any():
        found.loc[same, "postcode"] = identity.postcodes(rng, int(same.sum()))


def _numbers(scene: Scene, found: pd.DataFrame) -> None:
    """Student IDs, UPNs (a few children rightly have none, and a reason), former UPNs, and ULNs from 14."""
    rng, size, age = scene.rng, len(found), found["age"].to_numpy()
    found["in_one"] = ~found["role"].isin(["hub_only", "hub_open"])
    found["student_id"] = identity.numbers(rng, 600_000, size)
    entered = np.minimum(years_of(day(found["birth"])) + 4, scene.year)
    issued = identity.upns(rng, np.concatenate([entered, entered]))
    private = found["placement"].isin(["EYP", "special_independent", "independent", "welsh"]).to_numpy()
    chance = np.select([age < 5, private & (age < 16), age > 18], [0.3, 0.06, 0.01], 0.001)
    has_none = rng.random(size) < chance
    reason = np.select([age < 6, age > 18], ["UN1", "UN9"], pick(rng, ["UN2", "UN3", "UN8"], size))
    found["upn"] = np.where(has_none, "", issued[:size])
    found["upn_unknown_reason"] = np.where(has_none, reason, "")
    found["former_upn"] = np.where(~has_none & (rng.random(size) < 0.02), issued[size:], "")
    found["uln"] = np.where((age >= 14) & (rng.random(size) < 0.97), identity.ulns(rng, size), "")


def _details(scene: Scene, found: pd.DataFrame) -> None:
    """Ethnicity, home council, pupil premium, disability, death and when the record last changed."""
    rng, size, group = scene.rng, len(found), groups(found)
    shares = figures.shares("plan_ethnicity")
    main = pick(rng, [ETHNICITIES[name] for name in shares.index], size, shares.to_numpy())
    longer = pd.Series(main).map(EXTENDED).fillna(pd.Series(main)).to_numpy(object)
    found["ethnicity"] = np.where(rng.random(size) < 0.1, longer, main)
    lives_away = _chance(rng, found["role"], {"plan": 0.015, "support": 0.05, "visitor": 1.0})
    lives_away |= (found["cease_reason"] == "5").to_numpy()
    found["home_la"] = np.where(lives_away, pick(rng, NEIGHBOURS, size), scene.la_code)
    has_premium = rng.random(size) < figures.rates("{}_pupil_premium", group)
    of_age = found["school_age"].between(4, 15).to_numpy()
    found["pupil_premium"] = np.where(of_age, np.where(has_premium, "Y", "N"), "")
    is_disabled = rng.random(size) < figures.rates("{}_disability", group)
    is_unknown = rng.random(size) < figures.rate("disability_not_recorded")
    found["disability"] = np.where(is_unknown, "", np.where(is_disabled, "Y", "N"))
    found["sex"] = np.where(rng.random(size) < 0.0005, "U", found["sex"].to_numpy(object))
    found["death"] = np.where(found["cease_reason"] == "8", day(found["ceased"]), NO_DATE)
    found["updated"] = scene.today - days(rng, 0, 700, size)


def _chance(rng: np.random.Generator, role: pd.Series, chances: dict[str, float]) -> Flags:
    return rng.random(len(role)) < role.map(chances).fillna(0.0).to_numpy(float)
