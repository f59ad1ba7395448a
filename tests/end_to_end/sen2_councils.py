"""Small councils on the edges of the SEN2 return: drawn from a seed, in the rows of the feeds and as exports.

Each child has a story in which every date is drawn near a boundary of some survey (1 January, 31 December, the survey
day, the due day, the day of the run) or between them. Rows are as extract lands them: a column of a contract each,
dates as dates, codes as in the file. `write` makes the exports of them in the default layout.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.dbt.harness import build, make_raw
from tests.end_to_end.kpis_from_exports import READERS, day, garbled
from tests.end_to_end.sen2_from_exports import SIX, survey
from warehouse.own_seeds import SEEDS

Row = dict[str, Any]
EXTRACT = Path(__file__).resolve().parents[2] / "extract"
PLACEMENTS = "capita_one.placements"
ASSESSMENTS = "capita_one.ehcp_assessments"
BY_STAGE = tuple(name.lower().replace(" ", "_") for name in SIX)
NEW = {  # what councils have besides since SEN2 asks for it
    ASSESSMENTS: ("relevant_youth_accommodation", "exported_to_la", *BY_STAGE),
    "capita_one.ehc_plans": (
        "plan_start_date",
        "transferred_in_date",
        "work_based_learning",
        "organised_arrangements",
        "direct_payment",
    ),
    "capita_one.annual_reviews": ("draft_amended_plan_date",),
}
FEEDS = (
    "capita_one.students",
    "capita_one.enrolments",
    "capita_one.sen_needs",
    ASSESSMENTS,
    "capita_one.ehc_plans",
    "capita_one.annual_reviews",
    "capita_one.home_education",
    PLACEMENTS,
    "ehc_hub.cases",
    "ehc_hub.reviews",
)
NEEDS = ("SLCN", "ASD", "Autism", "SEMH", "MLD", "DS", "PD", "OTH", "NSA", "Not in any crosswalk")
SETTINGS = ("OLA", "OPA", "EHE", "EYP", "OTH", "NEET", "NIEC", "NIEO", "EOTAS")
SENTINELS = ("01/01/1900", "31/12/9999")


@dataclass
class Council:
    """What a council's files hold, and which of its columns and feeds never came."""

    as_at: date
    rows: dict[str, list[Row]] = field(default_factory=lambda: {feed: [] for feed in FEEDS})
    absent: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, feed: str, **row: Any) -> Row:
        self.rows[feed].append(row)
        return row

    def loaded(self) -> dict[str, list[Row]]:
        """The rows as extract gives them: without what never came, and with the columns that could not be read."""
        return {
            feed: [_loaded(row, self.absent.get(feed, ())) for row in rows]
            for feed, rows in self.rows.items()
            if rows and self.absent.get(feed) != ("*",)
        }

    def build(self, path: Path, year: int | None = None, seeds: Path = SEEDS) -> Path:
        """The warehouse that the models make of it. Which flags count is settled by what the file has, not by rows."""
        make_raw(path, self.loaded(), never_received=[feed for feed in FEEDS if feed not in self.loaded()])
        has_six = not set(self.absent.get(ASSESSMENTS, ())).issuperset(BY_STAGE)
        return build(path, as_at=self.as_at, is_generous=has_six, sen2_year=year, seeds=seeds, of="sen2")

    def write(self, folder: Path) -> Path:
        """The exports in the default layout, of the day of the run."""
        folder.mkdir(parents=True, exist_ok=True)
        for feed, rows in self.rows.items():
            if not rows or self.absent.get(feed) == ("*",):
                continue
            columns = [name for name in _headers(feed) if name not in self.absent.get(feed, ())]
            path = folder / f"{feed.replace('.', '_')}_{self.as_at:%Y%m%d}.csv"
            with open(path, "w", encoding="utf-8-sig" if feed.startswith("ehc") else "cp1252", newline="") as file:
                writer = csv.writer(file)
                writer.writerow([_headers(feed)[name] for name in columns])
                writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
        return folder


def _loaded(row: Mapping[str, Any], absent: Iterable[str]) -> Row:
    """What is no date in the file is none here; where it says nothing else, its column is one that cannot be read."""
    row = {name: value for name, value in row.items() if name not in absent}
    bad = [name for name, value in row.items() if isinstance(value, Garbled)]
    blank = [name for name, value in row.items() if isinstance(value, Garbled | Sentinel)]
    return row | dict.fromkeys(blank) | ({"_unreadable": ",".join(bad)} if bad else {})


class Garbled(str):
    """In place of a date, what cannot be read."""


class Sentinel(str):
    """In place of a date, what systems write for none."""


def read(folder: Path, as_at: date) -> Council:
    """The council whose exports of a day, in the default layout, lie in a folder."""
    made = Council(as_at)
    for feed in FEEDS:
        path = folder / f"{feed.replace('.', '_')}_{as_at:%Y%m%d}.csv"
        if not path.exists():
            made.absent[feed] = ("*",)
            continue
        with open(path, encoding="utf-8-sig" if feed.startswith("ehc") else "cp1252", newline="") as file:
            lines = list(csv.DictReader(file))
        made.absent[feed] = tuple(name for name, header in _headers(feed).items() if header not in lines[0])
        for line in lines:
            held = {name: line.get(header) for name, header in _headers(feed).items()}
            made.add(feed, **{name: _value(_types(feed)[name], text) for name, text in held.items()})
    return made


def _value(kind: str, text: str | None) -> Any:
    if kind in ("date", "datetime"):
        return day(text) or (Garbled(text) if garbled(text) else None)
    return READERS[{"id": "id", "boolean": "yes", "integer": "rank"}.get(kind, "text")](text)


@cache
def _types(feed: str) -> dict[str, str]:
    """The columns of a feed in the order of its contract, with their types; not those that stand in for others."""
    path = EXTRACT / "contracts" / f"{feed.replace('.', '__')}.yml"
    columns = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["columns"]
    others = {name for name, column in columns.items() if "instead_of" in column} | {"other_system", "dfe_la"}
    return {name: column["type"] for name, column in columns.items() if name not in others}


@cache
def _headers(feed: str) -> dict[str, str]:
    """Each column of a feed with its header in the default layout."""
    with open(EXTRACT / "column_maps" / f"{feed.replace('.', '__')}.csv", encoding="utf-8", newline="") as file:
        first = {row["column"]: row["header"] for row in reversed(list(csv.DictReader(file)))}
    return {name: first[name] for name in _types(feed)}


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "Y" if value else "N"
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else "" if value is None else str(value)


# Chance ------------------------------------------------------------------------------------------------------------


class Draw:
    """Chance near the boundaries of a survey."""

    def __init__(self, seed: int, as_at: date, year: int | None) -> None:
        self.random = Random(seed)  # noqa: S311
        s = survey(as_at, year)
        edges = (s.first, s.last, s.reference, s.day, s.due, as_at, date(s.year, 3, 31), date(s.year - 2, 1, 1))
        self.edges = sorted({edge + timedelta(off) for edge in edges for off in (-1, 0, 1)})
        self.first, self.last = s.first - timedelta(800), max(s.day, as_at) + timedelta(60)

    def is_so(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def day(self, after: date | None = None, within: int | None = None) -> date:
        """A day from `after` on: half of them at an edge."""
        low = max(after or self.first, self.first)
        high = max(min(self.last, low + timedelta(within)) if within else self.last, low)
        edges = [edge for edge in self.edges if low <= edge <= high]
        if edges and self.is_so(0.5):
            return self.random.choice(edges)
        return low + timedelta(self.random.randint(0, (high - low).days))

    def perhaps(self, share: float, after: date | None = None, within: int | None = None) -> Any:
        """A day, or nothing in one of the ways that files say it; now and then one before what it ends."""
        if not self.is_so(share):
            return Sentinel(self.one(*SENTINELS)) if self.is_so(0.03) else None
        if after and self.is_so(0.03):
            return after - timedelta(self.random.randint(1, 400))
        return self.day(after, within)

    def flag(self) -> bool | None:
        return self.random.choice((True, False, False, None))


def council(
    seed: int, as_at: date, year: int | None = None, children: int = 60, has_placements: bool = True
) -> Council:
    """A council of invented children."""
    draw = Draw(seed, as_at, year)
    made = Council(as_at)
    for number in range(children):
        _child(made, draw, f"{100_000 + seed % 1000 * 100 + number}" if children < 100 else f"{500_000 + number}")
    if not has_placements:
        made.absent[PLACEMENTS] = ("*",)
    for feed, names in NEW.items():
        if draw.is_so(0.4):
            made.absent[feed] = tuple(name for name in names if draw.is_so(0.5))
    if draw.is_so(0.25):
        made.absent[ASSESSMENTS] = NEW[ASSESSMENTS]
    return made


def _child(made: Council, draw: Draw, who: str) -> None:
    kind = draw.one("one", "one", "one", "one", "hub", "both", "both")
    birth = date(2026, 1, 1) - timedelta(draw.random.randint(1200, 9000))
    is_listed = kind != "hub" and not draw.is_so(0.05)
    upn = "A" + who if draw.is_so(0.8) else None
    name = {"surname": f"Example{who}", "forename": draw.one("Ada", "Alan"), "postcode": "ZZ1 1ZZ"}
    if is_listed:
        made.add(
            "capita_one.students",
            student_id=who,
            upn=upn,
            upn_unknown_reason=draw.one(None, "UN1", "UN3", "UN4"),
            uln=draw.one(None, None, "9990001112"),
            date_of_birth=birth,
            sex=draw.one("M", "F", "F", "Male", "U", None, "Martian"),
            ethnicity=draw.one("WBRI", "WENG", "UNKNOWN", "REFU", None, "Martian"),
            date_of_death=draw.perhaps(0.08, birth + timedelta(1000)),
            **{key: value if draw.is_so(0.95) else None for key, value in name.items()},
        )
    cases = []
    if kind in ("one", "both"):
        for number in range(draw.one(0, 1, 1, 1, 1, 2)):
            cases.append(_involvement(made, draw, who, f"I{who}{number}"))
        _one_plans(made, draw, who, cases)
    if kind in ("hub", "both"):
        for number in range(draw.one(1, 1, 1, 2)):
            same = draw.one(*cases)["received_date"] if cases and draw.is_so(0.6) else None
            _hub_case(made, draw, who, f"H{who}{number}", birth, name, same, kind == "both")
    _around(made, draw, who)


def _involvement(made: Council, draw: Draw, who: str, number: str) -> Row:
    received = draw.day(within=1500)
    row: Row = {
        "involvement_id": number,
        "student_id": who,
        "assessment_type": draw.one("INI", "INI", "INI", "INI", "MID", "OVR", "AOL", None),
        "request_source": draw.one("1", "2", "School", "5", None, "Martian"),
        "received_date": received if not draw.is_so(0.04) else Garbled("soon"),
        "twenty_week_exception": draw.flag(),
        "mediation": draw.flag(),
        "tribunal": draw.flag(),
        "relevant_youth_accommodation": draw.flag(),
        "exported_to_la": draw.one(None, None, None, "888"),
        **{name: draw.flag() for name in BY_STAGE},
    }
    last = received
    story = draw.one("wait", "refused", "agreed", "not issued", "issued", "issued", "issued")
    if story != "wait":
        row["decision_to_assess"] = story != "refused"
        row["decision_notified_date"] = draw.perhaps(0.88, last, 120)
        last = _latest(last, row["decision_notified_date"])
    if story == "not issued" or (story == "issued" and draw.is_so(0.12)):
        row["decision_to_issue"] = draw.one(False, False, False, None)
        row["no_plan_notified_date"] = draw.perhaps(0.88, last, 120)
        last = _latest(last, row["no_plan_notified_date"])
    elif story == "issued" or (story == "agreed" and draw.is_so(0.4)):
        row["decision_to_issue"] = draw.one(True, True, None)
    if story == "issued" or (story in ("refused", "not issued") and draw.is_so(0.35)):
        row["final_issued_date"] = draw.perhaps(0.92, last, 300)
        last = _latest(last, row["final_issued_date"])
    if draw.is_so(0.2):
        row["inactive_date"] = draw.perhaps(0.95, last, 200)
        row["inactive_reason"] = draw.one("REF", "MOV", "AWI", None)
    return made.add(ASSESSMENTS, **row)


def _latest(last: date, when: Any) -> date:
    return max(last, when) if isinstance(when, date) else last


def _one_plans(made: Council, draw: Draw, who: str, cases: list[Row]) -> None:
    begun = [case for case in cases if isinstance(case.get("final_issued_date"), date)]
    for number in range(draw.one(0, 1, 1, 1, 2) if begun or draw.is_so(0.4) else 0):
        case = draw.one(*begun) if begun and draw.is_so(0.85) else None
        initial: Any = case["final_issued_date"] if case and draw.is_so(0.9) else draw.day()
        if draw.is_so(0.06):
            initial = draw.one(None, Garbled("next week"))
        start = initial if isinstance(initial, date) else None
        plan = f"P{who}{number}"
        made.add(
            "capita_one.ehc_plans",
            plan_id=plan,
            student_id=who,
            involvement_id=case["involvement_id"] if case and draw.is_so(0.7) else None,
            initial_plan_date=initial,
            current_plan_date=draw.perhaps(0.4, start),
            named_urn=draw.one(None, "100001", "100002"),
            setting_type=draw.one(None, None, *SETTINGS, "Martian"),
            residential=draw.one(None, "A", "B", "52 weeks", "40 weeks", "38 to 51 weeks", "N"),
            personal_budget=draw.flag(),
            transferred_in_from_la=draw.one(*[None] * 8, "888"),
            cease_date=draw.perhaps(0.35, start),
            cease_reason=draw.one(None, "1", "5", "9"),
            phase_transfer_due_date=draw.perhaps(0.3),
            phase_transfer_final_date=draw.perhaps(0.3),
            plan_start_date=draw.perhaps(0.4, start),
            transferred_in_date=draw.perhaps(0.5, start),
            work_based_learning=draw.one(None, None, "Internship", "Martian"),
            organised_arrangements=draw.flag(),
            direct_payment=draw.one(None, None, "Education", "Martian"),
        )
        for meeting in range(draw.one(0, 0, 1, 2)):
            met = draw.perhaps(0.95, start)
            made.add(
                "capita_one.annual_reviews",
                review_id=f"R{plan}{meeting}",
                plan_id=plan,
                meeting_date=met,
                la_outcome=draw.one("A", "C", "M", "Maintain", None, "Martian"),
                decision_date=draw.perhaps(0.7, met if isinstance(met, date) else None, 120),
                draft_amended_plan_date=draw.perhaps(0.4, met if isinstance(met, date) else None, 120),
            )


def _hub_case(
    made: Council, draw: Draw, who: str, number: str, birth: date, name: Row, same: Any, is_linked: bool
) -> None:
    received = same if isinstance(same, date) else draw.day(within=1500)
    row: Row = {
        "case_reference": number,
        "child_first_name": name["forename"],
        "child_last_name": name["surname"],
        "child_dob": birth,
        "postcode": name["postcode"],
        "gender": draw.one("Male", "Female", "Not stated", None),
        "primary_need": draw.one("Autism", "Down syndrome", "Martian", None),
        "request_received": received if not draw.is_so(0.03) else Garbled("soon"),
        "requested_by": draw.one("Parent", "School", None),
        "named_placement_urn": draw.one(None, "100003"),
        "migrated_student_id": who if is_linked and draw.is_so(0.5) else None,
    }
    last = received
    story = draw.one("wait", "refused", "agreed", "not issued", "issued", "issued", "issued")
    if story != "wait":
        row["decision_to_assess"] = "Refused" if story == "refused" else "Agreed"
        row["decision_to_assess_date"] = draw.perhaps(0.9, last, 120)
        last = _latest(last, row["decision_to_assess_date"])
    if story in ("not issued", "issued"):
        row["decision_to_issue"] = "Refused" if story == "not issued" else "Agreed"
        row["decision_to_issue_date"] = draw.perhaps(0.9, last, 120)
        last = _latest(last, row["decision_to_issue_date"])
    if story == "issued":
        row["final_plan_issued"] = Garbled("soon") if draw.is_so(0.06) else draw.perhaps(0.92, last, 300)
        last = _latest(last, row["final_plan_issued"])
        row["plan_last_amended"] = draw.perhaps(0.3, last)
        for meeting in range(draw.one(0, 0, 1, 2)):
            met = draw.perhaps(0.95, last)
            made.add(
                "ehc_hub.reviews",
                review_reference=f"V{number}{meeting}",
                case_reference=number,
                meeting_date=met,
                outcome=draw.one("Maintain", "Amend", "Cease", None),
                decision_sent_date=draw.perhaps(0.7, met if isinstance(met, date) else None, 60),
            )
    row["case_closed"] = draw.perhaps(0.25, last)
    made.add("ehc_hub.cases", **row)


def _around(made: Council, draw: Draw, who: str) -> None:
    """Where the child is, its needs, home education and placements."""
    for number in range(draw.one(0, 1, 1, 2)):
        start = draw.day()
        made.add(
            "capita_one.enrolments",
            student_id=who,
            urn=f"10000{number}",
            enrolment_status=draw.one("C", "M", "F", "O", "S", "G"),
            entry_date=start,
            leaving_date=draw.perhaps(0.35, start),
        )
    for need in draw.random.sample(NEEDS, draw.one(0, 1, 2, 3)):
        begun = draw.perhaps(0.8)
        made.add(
            "capita_one.sen_needs",
            student_id=who,
            sen_type=need,
            rank=draw.one(1, 1, 2, 2, 3, None),
            start_date=begun,
            end_date=draw.perhaps(0.2, begun if isinstance(begun, date) else None),
        )
    if draw.is_so(0.25):
        start = draw.day()
        made.add("capita_one.home_education", student_id=who, start_date=start, end_date=draw.perhaps(0.3, start))
    plans = [row["plan_id"] for row in made.rows["capita_one.ehc_plans"] if row["student_id"] == who]
    for number in range(draw.one(0, 1, 2, 4)):
        begun = draw.perhaps(0.85)
        made.add(
            PLACEMENTS,
            placement_id=f"W{who}{number}",
            student_id=who,
            plan_id=draw.one(None, "P0", *plans, *plans, *plans),
            section_i=draw.one(True, False, False, None) if draw.is_so(0.2) else draw.one(True, False),
            urn=draw.one(None, None, "100004", "100005"),
            ukprn=draw.one(None, None, "10000006"),
            setting_type=draw.one(None, *SETTINGS, "Martian"),
            setting_other=draw.one(None, None, "A barge"),
            rank=draw.one(1, 1, 1, 2),
            entry_date=begun,
            leaving_date=draw.perhaps(0.35, begun if isinstance(begun, date) else None),
            sen_unit=draw.flag(),
            resourced_provision=draw.flag(),
            residential=draw.one(None, None, "A", "B", "40 weeks"),
            work_based_learning=draw.one(None, None, "Internship", "Martian"),
        )
