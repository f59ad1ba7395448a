"""Social care involvements of people in the other files, and of some whom nobody else knows."""

import numpy as np
import pandas as pd

from sample import figures, identity
from sample.chance import NO_DATE, Scene, Texts, day, days, pick
from sample.people import groups

TEAMS = {
    "Child looked after": ["Children in Care Team North", "Children in Care Team South"],
    "Child protection plan": ["Child Protection Team 1", "Child Protection Team 2"],
    "Child in need": ["Family Support Team East", "Family Support Team West", "Children with Disabilities Team"],
    "Care leaver": ["Leaving Care Team"],
    "Early help": ["Targeted Early Help", "Family Hub"],
}


def involvements(scene: Scene, people: pd.DataFrame) -> pd.DataFrame:
    """One row an involvement: open ones at the assumed rates, and as many that have ended."""
    known = _persons(scene, people)
    parts = [_of_status(scene, known, status, is_open) for status in TEAMS for is_open in (True, False)]
    found = pd.concat(parts, ignore_index=True)
    return found.drop_duplicates(["person_id", "status", "start_date"], ignore_index=True)


def _persons(scene: Scene, people: pd.DataFrame) -> pd.DataFrame:
    """Everybody as social care would hold them: half without UPN, some in capitals; and strangers."""
    rng = scene.rng
    count = len(people) // 10
    sexes = pick(rng, ["M", "F"], count)
    age = rng.integers(0, 20, count)
    strangers = pd.DataFrame({
        "forename": identity.forenames(rng, sexes), "surname": identity.surnames(rng, count),
        "birth": scene.today - (age * 365 + rng.integers(10, 360, count)).astype("timedelta64[D]"),
        "postcode": identity.postcodes(rng, count), "upn": "", "age": age, "group": "support",
    })  # fmt: skip
    known = pd.concat(
        [people[["forename", "surname", "birth", "postcode", "upn", "age"]].assign(group=groups(people)), strangers]
    )
    size = len(known)
    surname = known["surname"].to_numpy(object)
    return pd.DataFrame({
        "person": np.where(np.arange(size) < len(people), np.arange(size), -1),
        "person_id": identity.numbers(rng, 1_000_000, size, "P"),
        "upn": np.where(rng.random(size) < 0.55, known["upn"].to_numpy(object), ""),
        "first_name": known["forename"].to_numpy(object),
        "last_name": np.where(rng.random(size) < 0.3, known["surname"].str.upper().to_numpy(object), surname),
        "date_of_birth": day(known["birth"]),
        "postcode": known["postcode"].to_numpy(object),
        "is_adult": (known["age"] >= 18).to_numpy(),
        "group": known["group"].to_numpy(object),
    })  # fmt: skip


def _of_status(scene: Scene, known: pd.DataFrame, status: str, is_open: bool) -> pd.DataFrame:
    rng = scene.rng
    rates = figures.table("social_care")[status] / 100
    group: Texts = np.where(known["group"] == "plan", "plan", "support")
    chance = np.where(group == "plan", rates["plan"], rates["support"])
    # The rates are of everybody; only young adults leave care, and everything else is for children.
    leaves_care = status == "Care leaver"
    suits = (known["is_adult"] == leaves_care).to_numpy()
    chance = np.where(suits, chance * (5 if leaves_care else 1.2), 0.0)
    some = known[rng.random(len(known)) < chance]
    size = len(some)
    start = scene.today - days(rng, 20, 1000, size) if is_open else scene.today - days(rng, 700, 2500, size)
    start = np.maximum(start, day(some["date_of_birth"]))
    end = np.minimum(start + days(rng, 60, 690, size), scene.today)
    return some.drop(columns=["is_adult", "group"]).assign(
        status=status, team=pick(rng, TEAMS[status], size), start_date=start, end_date=NO_DATE if is_open else end
    )
