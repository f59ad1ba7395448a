"""Schools, colleges and other settings of the council and its neighbours, as the DfE's register (GIAS) has them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sample import identity
from sample.chance import NO_DATE, Scene, days, pick

NEIGHBOURS = ("998", "997", "996")
WALES = "995"
OPEN = ("1", "3")  # GIAS: open, and open but proposed to close


@dataclass(frozen=True)
class Kind:
    """One sort of setting: GIAS types and phase, statutory ages, its number in a hundred, the share in the council."""

    name: str
    title: str
    types: dict[str, float]
    phase: str
    ages: dict[tuple[int, int] | None, float]
    number: float
    at_home: float
    size: float  # pupils, about


PRIMARY_AGES: dict[tuple[int, int] | None, float] = {
    (3, 11): 50, (4, 11): 30, (2, 11): 5, (5, 7): 3, (4, 7): 6, (7, 11): 6,
}  # fmt: skip
PRIVATE_AGES: dict[tuple[int, int] | None, float] = {
    (2, 11): 3, (3, 18): 4, (11, 18): 2, (3, 5): 1, (3, 13): 1, None: 1,
}  # fmt: skip
KINDS = (
    Kind("mainstream", "Nursery School", {"15": 1}, "1", {(2, 5): 1}, 1.5, 0.6, 60),
    Kind("mainstream", "Primary School", {"1": 35, "2": 20, "3": 9, "5": 5, "34": 22, "28": 7, "35": 2}, "2",
         PRIMARY_AGES, 52, 0.6, 220),
    Kind("mainstream", "Middle School", {"1": 1, "34": 1}, "3", {(8, 12): 1}, 0.7, 0.7, 90),
    Kind("mainstream", "Middle School", {"3": 1, "34": 1}, "5", {(9, 13): 1}, 0.7, 0.7, 90),
    Kind("mainstream", "High School", {"1": 12, "2": 10, "5": 6, "34": 45, "28": 20, "35": 4, "40": 2, "41": 1}, "4",
         {(11, 16): 60, (11, 18): 40}, 11, 0.6, 900),
    Kind("mainstream", "Academy", {"34": 3, "35": 1}, "7", {(4, 16): 1, (3, 18): 1}, 1.5, 0.6, 900),
    Kind("independent", "Preparatory and Senior School", {"11": 1}, "0", PRIVATE_AGES, 5, 0.5, 150),
    Kind("special", "Special School", {"7": 45, "44": 30, "12": 8, "33": 10, "36": 7}, "0",
         {(2, 19): 35, (3, 11): 15, (4, 11): 10, (11, 16): 20, (11, 19): 20}, 8, 0.6, 130),
    Kind("special_independent", "Lodge School", {"10": 1}, "0",
         {(5, 19): 50, (8, 18): 20, (11, 18): 20, (5, 13): 10}, 6, 0.4, 50),
    Kind("nmss", "School for Deaf and Blind Children", {"8": 1}, "0", {(3, 19): 2, (5, 19): 1}, 1, 0.2, 60),
    Kind("ap", "Pupil Referral Service", {"14": 50, "42": 20, "43": 20, "38": 10}, "0",
         {(5, 16): 30, (11, 16): 60, (5, 11): 10}, 2.2, 0.6, 80),
    Kind("fe", "College", {"18": 70, "31": 10, "45": 10, "39": 10}, "6", {(16, 99): 70, (16, 19): 30}, 2.6, 0.5, 2500),
    Kind("spi", "Specialist College", {"32": 1}, "6", {(16, 25): 1}, 1.5, 0.4, 80),
    Kind("online", "Online School", {"49": 1}, "0", {(11, 18): 1}, 0.3, 0.0, 100),
    Kind("welsh", "School in Wales", {"30": 1}, "0", {(3, 18): 1}, 1.0, 0.0, 500),
    Kind("other", "Centre", {"29": 2, "24": 1, "27": 1}, "0", {(18, 99): 1}, 0.8, 0.4, 100),
)  # fmt: skip
TYPE_NAMES = {
    "1": "Community school", "2": "Voluntary aided school", "3": "Voluntary controlled school",
    "5": "Foundation school", "7": "Community special school", "8": "Non-maintained special school",
    "10": "Other independent special school", "11": "Other independent school", "12": "Foundation special school",
    "14": "Pupil referral unit", "15": "Local authority nursery school", "18": "Further education",
    "24": "Secure units", "27": "Miscellaneous", "28": "Academy sponsor led", "29": "Higher education institutions",
    "30": "Welsh establishment", "31": "Sixth form centres", "32": "Special post 16 institution",
    "33": "Academy special sponsor led", "34": "Academy converter", "35": "Free schools",
    "36": "Free schools special", "38": "Free schools alternative provision", "39": "Free schools 16 to 19",
    "40": "University technical college", "41": "Studio schools", "42": "Academy alternative provision converter",
    "43": "Academy alternative provision sponsor led", "44": "Academy special converter",
    "45": "Academy 16-19 converter", "49": "Online provider",
}  # fmt: skip
STATUS_NAMES = {"1": "Open", "2": "Closed", "3": "Open, but proposed to close"}
PHASE_NAMES = {
    "0": "Not applicable", "1": "Nursery", "2": "Primary", "3": "Middle deemed primary", "4": "Secondary",
    "5": "Middle deemed secondary", "6": "16 plus", "7": "All-through",
}  # fmt: skip
PLACES = [
    "Ashby", "Birchfield", "Calder", "Darrow", "Elmstead", "Fernley", "Garth", "Hollins", "Ingleby", "Jessop",
    "Kirkmoor", "Larkhill", "Mossbank", "Netherby", "Oakenshaw", "Quarry", "Ravensmoor", "Saltby", "Thornhill",
    "Upland", "Vale", "Westlea", "Yarrow", "Holme", "Marsh", "Stonebeck", "Whinfell", "Brackenridge", "Coldwell",
]  # fmt: skip
FIRST_WORDS = ["St Mary's", "St Joseph's", "Holy Trinity", "All Saints", "Riverside", "Meadow", "Park", "The Grove"]


def establishments(scene: Scene, pupils: int) -> pd.DataFrame:
    """One row an establishment: the GIAS columns, and its `kind` and `size` for whoever places pupils.

    250 to 700 open ones, by the number of pupils; about one in twelve more has closed.
    """
    total = int(np.clip(200 + pupils / 80, 250, 700))
    found = pd.concat([_of_kind(scene, kind, total) for kind in KINDS], ignore_index=True)
    return _register(scene, found)


def _of_kind(scene: Scene, kind: Kind, total: int) -> pd.DataFrame:
    rng = scene.rng
    count = max(3, round(total * kind.number / 100))
    ages = pick(rng, list(kind.ages), count, list(kind.ages.values()))
    is_home = (np.arange(count) + 0.5) / count < kind.at_home
    elsewhere = (WALES,) if kind.name == "welsh" else NEIGHBOURS
    return pd.DataFrame({
        "la_code": np.where(is_home, scene.la_code, pick(rng, elsewhere, count)),
        "establishment_name": pick(rng, PLACES, count) + " " + pick(rng, FIRST_WORDS, count) + " " + kind.title,
        "type_code": pick(rng, list(kind.types), count, list(kind.types.values())),
        "phase_code": kind.phase,
        "statutory_low_age": [age[0] if age else np.nan for age in ages],
        "statutory_high_age": [age[1] if age else np.nan for age in ages],
        "kind": kind.name,
        "size": kind.size * rng.lognormal(0, 0.4, count),
        "status_code": "1",
    })  # fmt: skip


def _register(scene: Scene, found: pd.DataFrame) -> pd.DataFrame:
    """Add numbers, dates, names of codes, and closed schools: most are what an academy was before it converted."""
    rng = scene.rng
    found.loc[rng.permutation(len(found))[: max(2, len(found) // 100)], "status_code"] = "3"
    closed = found.iloc[rng.permutation(len(found))[: len(found) // 12]].assign(status_code="2")
    closed["type_code"] = closed["type_code"].replace({"34": "1", "28": "1", "44": "7", "33": "7"})
    both = pd.concat([found, closed], ignore_index=True)
    count, is_closed = len(both), (both["status_code"] == "2").to_numpy()
    both["urn"] = identity.text(np.sort(900_000 + rng.permutation(60_000)[:count]))
    both["ukprn"] = identity.text(99_000_000 + rng.permutation(90_000)[:count])
    both["postcode"] = identity.postcodes(rng, count)
    close = np.where(is_closed, scene.today - days(rng, 60, 3000, count), NO_DATE)
    # GIAS has no opening date for many of the older schools.
    opened = np.where(is_closed, close, scene.today) - days(rng, 400, 20_000, count)
    both["open_date"] = np.where(rng.random(count) < 0.6, NO_DATE, opened)
    both["close_date"] = close
    both["number"] = 2000 + np.arange(count)
    both["la_name"] = np.where(both["la_code"] == scene.la_code, "Sampleshire", "Near " + both["la_code"])
    both["type_name"] = both["type_code"].map(TYPE_NAMES)
    both["status_name"] = both["status_code"].map(STATUS_NAMES)
    both["phase_name"] = both["phase_code"].map(PHASE_NAMES)
    return both
