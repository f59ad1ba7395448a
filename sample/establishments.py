"""Schools, colleges and other settings of the council and its neighbours, as the DfE's register (GIAS) has them."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from sample import identity
from sample.chance import pick
from sample.years import YEAR

NEIGHBOURS = ("998", "997", "996")
WALES = "995"


@dataclass(frozen=True)
class Kind:
    """One sort of setting: GIAS codes, ages, how many in a hundred, and the share that lies in the council."""

    name: str
    types: dict[str, float]
    phase: str
    ages: dict[tuple[int, int] | None, float]
    number: float
    at_home: float
    size: float
    title: str


KINDS = (
    Kind("mainstream", {"15": 1}, "1", {(2, 5): 1}, 1.5, 0.6, 60, "Nursery School"),
    Kind("mainstream", {"1": 35, "2": 20, "3": 9, "5": 5, "34": 22, "28": 7, "35": 2}, "2",
         {(3, 11): 50, (4, 11): 30, (2, 11): 5, (5, 7): 3, (4, 7): 6, (7, 11): 6}, 52, 0.6, 220, "Primary School"),
    Kind("mainstream", {"1": 1, "34": 1}, "3", {(8, 12): 1}, 0.7, 0.7, 90, "Middle School"),
    Kind("mainstream", {"3": 1, "34": 1}, "5", {(9, 13): 1}, 0.7, 0.7, 90, "Middle School"),
    Kind("mainstream", {"1": 12, "2": 10, "5": 6, "34": 45, "28": 20, "35": 4, "40": 2, "41": 1}, "4",
         {(11, 16): 60, (11, 18): 40}, 11, 0.6, 900, "High School"),
    Kind("mainstream", {"34": 3, "35": 1}, "7", {(4, 16): 1, (3, 18): 1}, 1.5, 0.6, 900, "Academy"),
    Kind("independent", {"11": 1}, "0", {(2, 11): 3, (3, 18): 4, (11, 18): 2, (3, 5): 1, (3, 13): 1, None: 1},
         5, 0.5, 150, "Preparatory and Senior School"),
    Kind("special", {"7": 45, "44": 30, "12": 8, "33": 10, "36": 7}, "0",
         {(2, 19): 35, (3, 11): 15, (4, 11): 10, (11, 16): 20, (11, 19): 20}, 8, 0.6, 130, "Special School"),
    Kind("special_independent", {"10": 1}, "0", {(5, 19): 50, (8, 18): 20, (11, 18): 20, (5, 13): 10},
         6, 0.4, 50, "School"),
    Kind("nmss", {"8": 1}, "0", {(3, 19): 2, (5, 19): 1}, 1, 0.1, 60, "School for Deaf and Blind Children"),
    Kind("ap", {"14": 50, "42": 20, "43": 20, "38": 10}, "0", {(5, 16): 30, (11, 16): 60, (5, 11): 10},
         2.2, 0.6, 80, "Pupil Referral Service"),
    Kind("fe", {"18": 70, "31": 10, "45": 10, "39": 10}, "6", {(16, 99): 70, (16, 19): 30}, 2.6, 0.5, 2500, "College"),
    Kind("spi", {"32": 1}, "6", {(16, 25): 1}, 1.5, 0.4, 80, "Specialist College"),
    Kind("online", {"49": 1}, "0", {(11, 18): 1}, 0.3, 0.0, 100, "Online School"),
    Kind("welsh", {"30": 1}, "0", {(3, 18): 1}, 1.0, 0.0, 500, "School in Wales"),
    Kind("other", {"29": 2, "24": 1, "27": 1}, "0", {(18, 99): 1}, 0.8, 0.3, 100, "Centre"),
)  # fmt: skip

PLACES = [
    "Ashby",
    "Birchfield",
    "Calder",
    "Darrow",
    "Elmstead",
    "Fernley",
    "Garth",
    "Hollins",
    "Ingleby",
    "Jessop",
    "Kirkmoor",
    "Larkhill",
    "Mossbank",
    "Netherby",
    "Oakenshaw",
    "Pendle",
    "Quarry",
    "Ravensmoor",
    "Saltby",
    "Thornhill",
    "Upland",
    "Vale",
    "Westlea",
    "Yarrow",
    "Holme",
    "Marsh",
    "Stonebeck",
    "Whinfell",
    "Brackenridge",
    "Coldwell",
    "Drybrook",
    "Eastgate",
]
FIRST = [
    "St Mary's",
    "St Joseph's",
    "Holy Trinity",
    "All Saints",
    "Riverside",
    "Meadow",
    "Park",
    "Hill Top",
    "The Grove",
    "Bridge",
]


def establishments(rng: np.random.Generator, as_at: date, la_code: str, pupils: int) -> pd.DataFrame:
    """One row an establishment: the columns of the GIAS contract, and `kind`, `size` and `number` for whoever places pupils.

    250 to 700 of them, by the number of pupils; about one in twelve is closed.
    """
    total = int(np.clip(200 + pupils / 80, 250, 700))
    frames = []
    for kind in KINDS:
        count = max(3, round(total * kind.number / 96))
        ages = pick(rng, list(kind.ages), count, list(kind.ages.values()))
        # Every kind of school exists in the council when it is found there at all, and every kind outside.
        home = (np.arange(count) + 0.5) / count < kind.at_home
        away = WALES if kind.name == "welsh" else None
        frames.append(
            pd.DataFrame({
                "la_code": np.where(home, la_code, away or pick(rng, NEIGHBOURS, count)),
                "establishment_name": _names(rng, kind.title, count),
                "type_code": pick(rng, list(kind.types), count, list(kind.types.values())),
                "phase_code": kind.phase,
                "statutory_low_age": [age[0] if age else np.nan for age in ages],
                "statutory_high_age": [age[1] if age else np.nan for age in ages],
                "kind": kind.name,
                "size": kind.size * rng.lognormal(0, 0.4, count),
            })
        )  # fmt: skip
    return _register(rng, as_at, pd.concat(frames, ignore_index=True))


def _names(rng: np.random.Generator, title: str, count: int) -> np.ndarray:
    return pick(rng, PLACES, count) + " " + pick(rng, FIRST, count) + " " + title


def _register(rng: np.random.Generator, as_at: date, found: pd.DataFrame) -> pd.DataFrame:
    """Numbers, dates and status. The predecessors of some academies and other closed schools are still listed."""
    closed = found.iloc[rng.permutation(len(found))[: len(found) // 12]].copy()
    closed["type_code"] = np.where(closed["type_code"].isin(["34", "28", "44", "33"]), "1", closed["type_code"])
    closed["status_code"] = "2"
    found["status_code"] = "1"
    found.loc[rng.permutation(len(found))[: max(2, len(found) // 100)], "status_code"] = "3"
    both = pd.concat([found, closed], ignore_index=True)
    count = len(both)
    both["number"] = 2000 + rng.permutation(5000)[:count]
    both["urn"] = identity.text(np.sort(900_000 + rng.permutation(60_000)[:count]))
    both["ukprn"] = identity.text(99_000_000 + rng.permutation(90_000)[:count])
    both["postcode"] = identity.postcodes(rng, count)
    today = np.datetime64(as_at, "D")
    opened = today - (rng.integers(400, int(60 * YEAR), count)).astype("timedelta64[D]")
    both["open_date"] = np.where(rng.random(count) < 0.6, np.datetime64("NaT", "D"), opened)
    is_closed = (both["status_code"] == "2").to_numpy()
    shut = today - rng.integers(60, 3000, count).astype("timedelta64[D]")
    both["close_date"] = np.where(is_closed, shut, np.datetime64("NaT", "D"))
    both.loc[is_closed, "open_date"] = np.datetime64("NaT", "D")
    return both
