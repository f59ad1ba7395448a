"""Social care involvements of children in the file, and of some whom nobody else knows."""

from datetime import date

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import NO_DATE, days, pick
from sample.schooling import groups

TEAMS = {
    "Child looked after": ["Children in Care Team North", "Children in Care Team South"],
    "Child protection plan": ["Child Protection Team 1", "Child Protection Team 2"],
    "Child in need": ["Family Support Team East", "Family Support Team West", "Children with Disabilities Team"],
    "Care leaver": ["Leaving Care Team"],
    "Early help": ["Targeted Early Help", "Family Hub"],
}


def involvements(rng: np.random.Generator, as_at: date, people: pd.DataFrame) -> pd.DataFrame:
    """One row an involvement: open ones at the assumed rates, and as many that have ended."""
    today = np.datetime64(as_at)
    rates, group = figures.table("social_care"), groups(people)
    birth = people["birth"].to_numpy("datetime64[D]")
    person_ids = identity.text(1_000_000 + rng.permutation(len(people) * 3)[: len(people)], "P")
    has_upn = rng.random(len(people)) < 0.55
    writes_capitals = rng.random(len(people)) < 0.3
    surname = people["surname"].to_numpy(object)
    surname = np.where(writes_capitals, np.array([name.upper() for name in surname], dtype=object), surname)
    parts = []
    for status, teams in TEAMS.items():
        chance = np.where(group == "plan", rates.loc["plan", status], rates.loc["support", status]) / 100
        adult = people["age"].to_numpy() >= 18
        suits = adult if status == "Care leaver" else ~adult
        chance = np.where(suits, chance * (4 if status == "Care leaver" else 1.15), 0.0)
        for is_open in (True, False):
            who = np.flatnonzero(rng.random(len(people)) < chance)
            start = (
                today
                - days(rng, 20, 1400, len(who))
                - days(rng, 0 if is_open else 900, 0 if is_open else 1500, len(who))
            )
            start = np.maximum(start, birth[who])
            end = np.minimum(start + days(rng, 60, 800, len(who)), today - np.timedelta64(5, "D"))
            parts.append(pd.DataFrame({
                "person": who,
                "person_id": person_ids[who],
                "upn": np.where(has_upn, people["upn"].to_numpy(object), "")[who],
                "first_name": people["forename"].to_numpy(object)[who],
                "last_name": surname[who],
                "date_of_birth": birth[who],
                "postcode": people["postcode"].to_numpy(object)[who],
                "status": status,
                "team": pick(rng, teams, len(who)),
                "start_date": start,
                "end_date": np.full(len(who), NO_DATE) if is_open else np.maximum(end, start),
            }))  # fmt: skip
    found = pd.concat(parts, ignore_index=True).drop_duplicates(["person_id", "status", "start_date"])
    return found.sort_values(["person_id", "start_date", "status"], kind="stable", ignore_index=True)
