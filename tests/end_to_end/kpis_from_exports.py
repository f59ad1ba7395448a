"""Every KPI once more, worked out from the raw exports a child and a day at a time: the second opinion on kpi.values.

Plain Python, slow and literal, and it shares no code with the pipeline: only the shipped crosswalks, and who is who
between the systems, which it takes from the floor (tools/bench/floor.sql, itself independent of the pipeline). For each
end of a period the floor is run as if that day were D, and has to agree on who is on which list.

Result: {(kpi_id, period_type, breakdown_type, breakdown_value): (numerator, denominator)} at one period's end;
the denominator is None for a count. Weeks (K06) are not rounded.
"""

import csv
import re
from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tools.bench import floor

Row = dict[str, Any]
Figures = dict[tuple[str, str, str, str], tuple[float, int | None]]
SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
FORMATS = (
    "%d/%m/%Y",
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%b-%d %H:%M:%S",
    "%d-%m-%Y",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
)
MAINSTREAM = {
    "Nursery",
    "Primary",
    "Middle (deemed primary)",
    "Middle (deemed secondary)",
    "Secondary",
    "All-through",
}
AP = "Pupil referral unit/Alternative provision"
CARE = ("CLA", "CPP", "CIN", "CL", "EH")
ETHNICITY = {
    "White": "WBRI WIRI WIRT WROM WOTH",
    "Mixed": "MWBC MWBA MWAS MOTH",
    "Asian": "AIND APKN ABAN AOTH",
    "Black": "BCRB BAFR BOTH",
    "Other": "CHNE OOTH",
}


def text(value: str | None) -> str | None:
    value = (value or "").strip(" \t\r\n\xa0\ufeff")
    return None if not value or value.startswith("#") else value


def ident(value: str | None) -> str | None:
    value = text(value)
    return value[:-2] if value and value.endswith(".0") else value


def day(value: str | None) -> date | None:
    value = text(value)
    for form in FORMATS if value else ():
        try:
            found = datetime.strptime(value or "", form).date()  # noqa: DTZ007
        except ValueError:
            continue
        return found if 1900 <= found.year <= 2100 and found != date(1900, 1, 1) else None
    return None


def garbled(value: str | None) -> bool:
    """Whether something stands where a date should, and cannot be read: what systems write for none can be."""
    said = text(value)
    return bool(said) and not day(value) and not re.search("1900-01-01|01/01/1900|1753|0001|9999", said or "")


def ended(start: date | None, end: date | None) -> date | None:
    """An end before its start is none."""
    return None if start and end and end < start else end


def yes(value: str | None) -> bool | None:
    value = (ident(value) or "").lower()
    return (
        True if value in ("y", "yes", "1", "true", "t") else False if value in ("n", "no", "0", "false", "f") else None
    )


def number(value: str | None) -> int:
    value = ident(value) or ""
    return int(value) if re.fullmatch(r"-?\d+", value) else 0


def crosswalk(name: str) -> Callable[[str | None], str | None]:
    with open(SEEDS / "xwalk" / f"xwalk_{name}.csv", encoding="utf-8", newline="") as file:
        codes = {row["local_value"].strip().lower(): row["code"] or None for row in csv.DictReader(file)}
    return lambda value: codes.get((ident(value) or "").lower())


# feed: file name before the date, key, start and end, and how each column is read
FEEDS: dict[str, tuple[str, str, str, str]] = {
    "students": (
        "capita_one_students",
        "Student ID",
        "Date of Birth, Date of Death",
        "Student ID:id, UPN:id, Date of Birth:day, Sex:sex, Ethnicity:ethnicity, Date of Death:day, Last Updated:text",
    ),
    "enrolments": (
        "capita_one_enrolments",
        "Student ID, URN, Entry Date",
        "Entry Date, Leaving Date",
        "Student ID:id, URN:id, Enrolment Status:enrolment_status, Entry Date:day, Leaving Date:day, "
        "Part Time Timetable:yes",
    ),
    "provision": (
        "capita_one_sen_provision",
        "Student ID, Start Date",
        "Start Date, End Date",
        "Student ID:id, SEN Provision:sen_provision, Start Date:day, End Date:day",
    ),
    "needs": (
        "capita_one_sen_needs",
        "Student ID, SEN Type",
        "Start Date, End Date",
        "Student ID:id, SEN Type:text, Rank:rank, Start Date:day, End Date:day",
    ),
    "assessments": (
        "capita_one_ehcp_assessments",
        "Involvement ID",
        "Received Date, Inactive Date",
        "Involvement ID:id, Student ID:id, Assessment Type:assessment_type, Request Source:request_source, "
        "Received Date:day, Decision To Assess:yes, Decision Notified Date:day, No Plan Notified Date:day, "
        "Date Final Issued:day, 20 Week Exception:yes, Inactive Date:day",
    ),
    "plans": (
        "capita_one_ehc_plans",
        "Plan ID",
        "Initial Plan Date, Cease Date",
        "Plan ID:id, Student ID:id, Involvement ID:id, Initial Plan Date:day, Current Plan Date:day, Named URN:id, "
        "Setting Type:setting_type, Residential:residential, Cease Date:day, Cease Reason:cease_reason, "
        "Phase Transfer Due Date:day, Phase Transfer Final Date:day",
    ),
    "reviews": (
        "capita_one_annual_reviews",
        "Review ID",
        "",
        "Review ID:id, Plan ID:id, Meeting Date:day, LA Outcome:review_outcome, Decision Date:day, "
        "Final Amended Plan Date:day",
    ),
    "attendance": (
        "capita_one_attendance",
        "Student ID, URN, Week Commencing",
        "",
        "Student ID:id, URN:id, Week Commencing:day, Sessions Possible:number, Authorised Absence:number, "
        "Unauthorised Absence:number",
    ),
    "exclusions": (
        "capita_one_exclusions",
        "Exclusion ID",
        "",
        "Exclusion ID:id, Student ID:id, Category:exclusion_category, Start Date:day",
    ),
    "home": (
        "capita_one_home_education",
        "Student ID, Start Date",
        "Start Date, End Date",
        "Student ID:id, Start Date:day, End Date:day",
    ),
    "cases": (
        "ehc_hub_cases",
        "Case Reference",
        "",
        "Case Reference:id, Child UPN:id, Child DOB:day, Gender:sex, Primary Need:sen_type, Request Received:day, "
        "Requested By:request_source, Decision To Assess:hub_decision, Decision To Assess Date:day, "
        "Decision To Issue:hub_decision, Decision To Issue Date:day, Final Plan Issued:day, Plan Last Amended:day, "
        "Named Placement URN:id, Case Closed:day, *Final Plan Issued:garbled",
    ),
    "advice": (
        "ehc_hub_advice",
        "Case Reference, Advice Type, Requested",
        "",
        "Case Reference:id, Advice Type:text, Provider:text, Requested:day, Received:day",
    ),
    "hub_reviews": (
        "ehc_hub_reviews",
        "Review Reference",
        "",
        "Review Reference:id, Case Reference:id, Meeting Date:day, Outcome:review_outcome, Decision Sent:day, "
        "Amended Plan Issued:day",
    ),
    "establishments": (
        "edubasealldata",
        "URN",
        "",
        "URN:id, LA (code):id, TypeOfEstablishment (code):number",
    ),
}
OPTIONAL_KEYS = {("attendance", "URN")}
READERS: dict[str, Callable[[str | None], Any]] = {
    "garbled": garbled,
    "text": text,
    "id": ident,
    "day": day,
    "yes": yes,
    "number": number,
    "rank": lambda value: int(ident(value) or "") if re.fullmatch(r"\d+", ident(value) or "") else None,
}


def read(inbox: Path, feed: str, as_at: date) -> list[Row]:
    """The newest export as at a day. Rows without a key are left out; of rows that share one the last stays."""
    name, key_columns, spell, columns = FEEDS[feed]
    found = {path.stem.removeprefix(name).strip("_"): path for path in inbox.glob(f"{name}*.csv")}
    usable = [stamp for stamp in found if stamp.isdecimal() and stamp <= f"{as_at:%Y%m%d}"]
    if not usable:
        return []
    data = found[max(usable)].read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = data.decode("cp1252")
    header, *lines = csv.reader(content.splitlines(keepends=True))
    places = {re.sub(r"[^a-z0-9]", "", title.lower()): place for place, title in enumerate(header)}
    readers = {}
    for column in columns.split(", "):
        title, kind = column.rsplit(":", 1)
        readers[title] = (places.get(re.sub(r"[^a-z0-9]", "", title.lower())), READERS.get(kind) or crosswalk(kind))
    kept: dict[tuple[Any, ...], Row] = {}
    for line in lines:
        if len(line) < len(header) or any(line[len(header) :]):
            continue
        raw = {title: line[place] if place is not None else None for title, (place, _) in readers.items()}
        row = {title: reader(raw[title]) for title, (_, reader) in readers.items()}
        key = tuple(row[title] for title in key_columns.split(", "))
        missing = [t for t in key_columns.split(", ") if row[t] is None and (feed, t) not in OPTIONAL_KEYS]
        if missing:
            continue
        if spell:
            start, end = spell.split(", ")
            row[end] = ended(row[start], row[end])
        if feed == "students" and key in kept and _stamp(kept[key]) > _stamp(row):
            continue
        kept[key] = row
    return list(kept.values())


def _stamp(row: Row) -> date:
    return day(row["Last Updated"]) or date.min


def months_before(end: date, months: int) -> date:
    year, month = divmod(end.year * 12 + end.month - 1 - months, 12)
    return date(year, month + 1, min(end.day, monthrange(year, month + 1)[1]))


def is_month_end(end: date) -> bool:
    return (end + timedelta(1)).day == 1


def windows(end: date) -> dict[str, date]:
    """First day of each kind of window that ends on a day."""
    first = end.replace(day=1)
    return {
        "month": first,
        "rolling_12_months": months_before(first, 11) if is_month_end(end) else months_before(end, 12) + timedelta(1),
        "academic_year_to_date": date(end.year - (end.month < 9), 9, 1),
    }


def age(birth: date | None, end: date) -> int | None:
    if birth is None:
        return None
    birthday = (birth.month, birth.day)
    if birthday == (2, 29) and monthrange(end.year, 2)[1] == 28:
        birthday = (2, 28)
    return end.year - birth.year - ((end.month, end.day) < birthday)


def age_band(years: int | None) -> str:
    if years is None or years < 0:
        return "Unknown"
    for last, band in ((4, "0–4"), (10, "5–10"), (15, "11–15"), (19, "16–19"), (25, "20–25")):
        if years <= last:
            return band
    return "over 25"


def has_valid_upn(upn: str | None) -> bool:
    letters, upn = "ABCDEFGHJKLMNPQRTUVWXYZ", re.sub(r"\s", "", upn or "").upper()
    if not upn or not re.fullmatch(f"[{letters}][0-9]{{11}}[0-9{letters}]", upn):
        return False
    values = [int(c) if c.isdigit() else letters.index(c) for c in upn[1:]]
    return letters[sum(place * value for place, value in enumerate(values, start=2)) % 23] == upn[0]


def is_open(start: date | None, end: date | None, when: date) -> bool:
    return start is not None and start <= when and (end is None or end > when)


@dataclass
class Links:
    """What the floor says at one period's end."""

    case_person: dict[str, str]
    care: dict[str, list[str | None]]  # person: statuses of the open involvements
    list_1: set[str]
    list_2: set[str]
    phase: dict[str, str | None]  # URN: Annex A phase


def links(inbox: Path, as_at: date, end: date, la_code: str) -> Links:
    with duckdb.connect() as con:
        received = {feed: floor._load(con, inbox, feed, as_at) for feed in floor.FEEDS}
        con.execute(
            f"CREATE TABLE xwalk AS SELECT parse_filename(filename)[7:-5] AS what, "
            f"lower(trim(local_value)) AS local_value, code "
            f"FROM read_csv('{SEEDS / 'xwalk' / '*.csv'}', all_varchar = true, filename = true)"
        )
        con.execute(f"SET VARIABLE as_at = DATE '{end}'")
        con.execute(f"SET VARIABLE known_at = DATE '{as_at}'")
        con.execute(f"SET VARIABLE la_code = '{la_code}'")
        floor.tell_what_came(con, received)
        con.execute(floor.SQL.read_text(encoding="utf-8"))
        care = defaultdict(list)
        for person, status in con.execute("SELECT person_id, status FROM care_person").fetchall():
            care[person].append(status)
        return Links(
            dict(con.execute("SELECT case_reference, person_id FROM hub_person").fetchall()),
            dict(care),
            {who for (who,) in con.execute("SELECT unique_id FROM list_1").fetchall()},
            {who for (who,) in con.execute("SELECT unique_id FROM list_2").fetchall()},
            dict(con.execute("SELECT urn, phase FROM establishment").fetchall()),
        )


class Council:
    """One inbox as at a day; `figures` gives every KPI at the end of a period."""

    def __init__(self, inbox: Path, as_at: date, la_code: str = "999") -> None:
        self.inbox, self.as_at, self.la_code = inbox, as_at, la_code
        self.rows = {feed: read(inbox, feed, as_at) for feed in FEEDS}
        self.student = {row["Student ID"]: row for row in self.rows["students"]}
        self.establishment = {row["URN"]: row for row in self.rows["establishments"]}
        self.need_code, self.advice_code = crosswalk("sen_type"), crosswalk("advice_type")
        self.by_student: dict[str, dict[str, list[Row]]] = {}
        for feed in ("enrolments", "provision", "needs", "home", "attendance"):
            grouped: dict[str, list[Row]] = defaultdict(list)
            for row in self.rows[feed]:
                grouped[row["Student ID"]].append(row)
            self.by_student[feed] = grouped
        self.links = links(inbox, as_at, as_at, la_code)
        self.cases_of: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows["cases"]:
            self.cases_of[self.links.case_person[row["Case Reference"]]].append(row)
        self.plans = list(self._plans())
        for plan in self.plans:
            plan["from"] = plan["start"] or as_at
        self.plans_of: dict[str, list[Row]] = defaultdict(list)
        for plan in self.plans:
            if plan["person"]:
                self.plans_of[plan["person"]].append(plan)
        self.reviews = self._reviews()
        self._date_plans()
        self.cases = list(self._cases())

    def _plans(self) -> Iterator[Row]:
        held = {row["Student ID"] for row in self.rows["plans"]}
        for row in self.rows["plans"]:
            yield {
                "id": row["Plan ID"],
                "case": None,
                "person": row["Student ID"],
                "start": row["Initial Plan Date"],
                "request": row["Involvement ID"],
                "current": row["Current Plan Date"],
                "end": row["Cease Date"],
                "reason": row["Cease Reason"],
                "urn": row["Named URN"],
                "setting": row["Setting Type"],
                "residential": row["Residential"],
                "due": row["Phase Transfer Due Date"],
                "final": row["Phase Transfer Final Date"],
            }
        for row in self.rows["cases"]:
            person = self.links.case_person[row["Case Reference"]]
            if _hub_start(row, self.as_at) and person not in held:
                yield {
                    "id": f"HUB-{row['Case Reference']}",
                    "case": row["Case Reference"],
                    "person": person,
                    "start": row["Final Plan Issued"],
                    "request": None,
                    "current": row["Plan Last Amended"],
                    "end": _hub_end(row),
                    "reason": None,
                    "urn": row["Named Placement URN"],
                    "setting": None,
                    "residential": None,
                    "due": None,
                    "final": None,
                }

    def _date_plans(self) -> None:
        """A plan without an initial date counts from the first thing that tells of it, and at D in any case."""
        issued = {row["Involvement ID"]: row["Date Final Issued"] for row in self.rows["assessments"]}
        met: dict[str, list[date]] = defaultdict(list)
        for review in self.reviews:
            if review["plan"] and review["meeting"]:
                met[review["plan"]].append(review["meeting"])
        for plan in self.plans:
            if not plan["start"]:
                told = [plan["current"], issued.get(plan["request"]), *met[plan["id"]], self.as_at]
                plan["from"] = min(when for when in told if when)

    def _main_plan(self, person: str, when: date) -> Row | None:
        running = [plan for plan in self.plans_of[person] if is_open(plan["from"], plan["end"], when)]
        return max(running, key=_plan_order, default=None)

    def _reviews(self) -> list[Row]:
        """One a plan and meeting date, Capita One first; of the hub's on a One plan, the plan that stands at D."""
        person_of = {plan["id"]: plan["person"] for plan in self.plans}
        found: dict[Any, Row] = {}
        for row in sorted(self.rows["reviews"], key=lambda row: row["Review ID"]):
            review = {
                "plan": row["Plan ID"],
                "person": person_of.get(row["Plan ID"]),
                "meeting": row["Meeting Date"],
                "outcome": row["LA Outcome"],
                "decided": row["Decision Date"],
                "amended": row["Final Amended Plan Date"],
            }
            key = (row["Plan ID"], row["Meeting Date"]) if row["Meeting Date"] else ("One", row["Review ID"])
            found.setdefault(key, review)
        for row in sorted(self.rows["hub_reviews"], key=lambda row: row["Review Reference"]):
            person = self.links.case_person.get(row["Case Reference"])
            own = [plan for plan in self.plans_of[person or ""] if plan["case"] == row["Case Reference"]]
            ones = [plan for plan in self.plans_of[person or ""] if plan["case"] is None]
            main = self._main_plan(person or "", self.as_at) or max(
                ones, key=lambda plan: (plan["start"] or date.min, *_plan_order(plan)), default=None
            )
            plan = own[0] if own else main if ones else None
            review = {
                "plan": plan["id"] if plan else None,
                "person": person,
                "meeting": row["Meeting Date"],
                "outcome": row["Outcome"],
                "decided": row["Decision Sent"],
                "amended": row["Amended Plan Issued"],
            }
            told = plan and row["Meeting Date"]
            key = (review["plan"], row["Meeting Date"]) if told else ("hub", row["Review Reference"])
            found.setdefault(key, review)
        return list(found.values())

    def _cases(self) -> Iterator[Row]:
        """One a person and received date: Capita One first (the one that is ours, the lowest id), blanks filled."""
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows["assessments"]:
            assessed = row["Decision To Assess"]
            groups[(row["Student ID"], row["Received Date"])].append(
                {
                    "order": (0, row["Assessment Type"] == "AOL", row["Involvement ID"]),
                    "person": row["Student ID"],
                    "received": row["Received Date"],
                    "source": row["Request Source"],
                    "type": row["Assessment Type"],
                    "answer": None if assessed is None else "Y" if assessed else "N",
                    "decided": row["Decision Notified Date"],
                    "not_issued": row["No Plan Notified Date"],
                    "issued": row["Date Final Issued"],
                    "closed": row["Inactive Date"],
                    "exception": row["20 Week Exception"],
                }
            )
        for row in self.rows["cases"]:
            person = self.links.case_person[row["Case Reference"]]
            groups[(person, row["Request Received"])].append(
                {
                    "order": (1, False, row["Case Reference"]),
                    "person": person,
                    "received": row["Request Received"],
                    "source": row["Requested By"],
                    "type": None,
                    "answer": row["Decision To Assess"],
                    "decided": row["Decision To Assess Date"],
                    "not_issued": row["Decision To Issue Date"] if row["Decision To Issue"] == "N" else None,
                    "issued": row["Final Plan Issued"],
                    "closed": ended(row["Request Received"], row["Case Closed"]),
                    "exception": None,
                }
            )
        for (person, received), held in groups.items():
            held.sort(key=lambda case: case["order"])
            if person is None or received is None:
                yield from held
            else:
                yield {name: next((case[name] for case in held if case[name] is not None), None) for name in held[0]}

    # A person at a day --------------------------------------------------------------------------------

    def schools(self, person: str, end: date) -> tuple[Row | None, Row | None]:
        """Main and subsidiary enrolment."""
        running = [
            row
            for row in self.by_student["enrolments"].get(person, [])
            if is_open(row["Entry Date"], row["Leaving Date"], end)
        ]
        places = {"C": 1, "M": 1, "F": 2, "O": 3}
        mains = [row for row in running if row["Enrolment Status"] in places]
        subsidiaries = [row for row in running if row["Enrolment Status"] == "S"]

        def order(row: Row) -> tuple[Any, ...]:
            return (places.get(row["Enrolment Status"], 9), -row["Entry Date"].toordinal(), row["URN"])

        return min(mains, key=order, default=None), min(subsidiaries, key=order, default=None)

    def need(self, person: str, end: date) -> str | None:
        running = [
            row
            for row in self.by_student["needs"].get(person, [])
            if is_open(row["Start Date"] or end, row["End Date"], end)
        ]
        first = min(
            running,
            key=lambda row: (
                row["Rank"] is None,
                row["Rank"] or 0,
                -(row["Start Date"] or date.min).toordinal(),
                self.need_code(row["SEN Type"]) or "~",
                row["SEN Type"],
            ),
            default=None,
        )
        if first and self.need_code(first["SEN Type"]):
            return self.need_code(first["SEN Type"])
        seen = [row for row in self.cases_of.get(person, []) if not _after(row["Request Received"], end)]

        def order(row: Row) -> tuple[Any, ...]:
            final = row["Final Plan Issued"] if not _after(row["Final Plan Issued"], end) else None
            return (
                not is_open(_hub_start(row, end), _hub_end(row), end),
                -(final or date.min).toordinal(),
                -(row["Request Received"] or date.min).toordinal(),
                row["Case Reference"],
            )

        return next((row["Primary Need"] for row in sorted(seen, key=order) if row["Primary Need"]), None)

    def breakdowns(self, person: str | None, end: date) -> dict[str, str]:
        if person is None:
            return dict.fromkeys(("sex", "ethnicity_group", "primary_need", "phase", "age_band"), "Unknown")
        student, cases = self.student.get(person), self.cases_of.get(person, [])

        def order(row: Row) -> tuple[Any, ...]:
            return (
                not is_open(_hub_start(row, self.as_at), _hub_end(row), self.as_at),
                -(row["Final Plan Issued"] or date.min).toordinal(),
                -(row["Request Received"] or date.min).toordinal(),
                row["Case Reference"],
            )

        hub = sorted(cases, key=order)
        sex = (student or {}).get("Sex") or next((row["Gender"] for row in hub if row["Gender"]), None)
        birth = (student or {}).get("Date of Birth") or next(
            (row["Child DOB"] for row in hub if row["Child DOB"]), None
        )
        code = (student or {}).get("Ethnicity")
        main, _ = self.schools(person, end)
        return {
            "sex": {"M": "Male", "F": "Female"}.get(sex or "", "Unknown"),
            "ethnicity_group": next((group for group, codes in ETHNICITY.items() if code in codes.split()), "Unknown"),
            "primary_need": self.need(person, end) or "Unknown",
            "phase": (self.links.phase.get(main["URN"]) if main else None) or "Unknown",
            "age_band": age_band(age(birth, end)),
            "_birth": birth,
            "_upn": (student or {}).get("UPN") or next((row["Child UPN"] for row in hub if row["Child UPN"]), None),
        }

    def has_died(self, person: str, end: date) -> bool:
        died = self.student.get(person, {}).get("Date of Death")
        return died is not None and died <= end

    def had_plan(self, person: str, when: date) -> bool:
        return not self.has_died(person, when) and self._main_plan(person, when) is not None

    def on_sen_support(self, person: str, end: date) -> bool:
        if self.has_died(person, end) or self._main_plan(person, end):
            return False
        if not any(
            row["SEN Provision"] == "K" and is_open(row["Start Date"], row["End Date"], end)
            for row in self.by_student["provision"].get(person, [])
        ):
            return False
        return any(
            row["Enrolment Status"] in ("C", "M", "F", "O")
            and is_open(row["Entry Date"], row["Leaving Date"], end)
            and (not self.establishment or self.establishment.get(row["URN"], {}).get("LA (code)") == self.la_code)
            for row in self.by_student["enrolments"].get(person, [])
        )

    # The figures --------------------------------------------------------------------------------------

    def figures(self, end: date) -> Figures:
        """Every KPI at the end of a period."""
        known = links(self.inbox, self.as_at, end, self.la_code)
        everybody = set(self.student) | set(self.plans_of) | set(self.by_student["provision"])
        with_plan = {person for person in everybody if self.had_plan(person, end)}
        support = {person for person in everybody if self.on_sen_support(person, end)}
        assert with_plan == known.list_1, sorted(with_plan ^ known.list_1)[:5]
        assert support == known.list_2, sorted(support ^ known.list_2)[:5]
        return _Tally(self, end, known, with_plan, support).done()


class _Tally:
    def __init__(self, council: Council, end: date, known: Links, with_plan: set[str], support: set[str]) -> None:
        self.council, self.end, self.known = council, end, known
        self.with_plan, self.support = with_plan, support
        self.sums: dict[tuple[str, str, str, str], list[float]] = defaultdict(lambda: [0, 0])
        self.start = windows(end)
        self._seen: dict[str | None, dict[str, Any]] = {}

    def about(self, person: str | None) -> dict[str, Any]:
        if person not in self._seen:
            self._seen[person] = self.council.breakdowns(person, self.end)
        return self._seen[person]

    def add(
        self,
        kpi: str,
        window: str,
        person: str | None,
        numerator: float,
        denominator: float,
        parts: dict[str, str] | None = None,
        shares: dict[str, str] | None = None,
        whole: bool = True,
    ) -> None:
        if whole:
            keys = [("all", "all"), *((kind, value) for kind, value in self.about(person).items() if kind[0] != "_")]
            for kind, value in keys:
                if (kpi, kind) != ("K33", "primary_need"):
                    self._add((kpi, window, kind, value), numerator, denominator)
        for kind, value in (parts or {}).items():
            self._add((kpi, window, kind, value), numerator, denominator)
        for kind, value in (shares or {}).items():
            self._add((kpi, window, kind, value), numerator, 0)

    def _add(self, key: tuple[str, str, str, str], numerator: float, denominator: float) -> None:
        self.sums[key][0] += numerator
        self.sums[key][1] += denominator

    def within(self, *names: str) -> Iterable[tuple[str, Callable[[date | None], bool]]]:
        for name in names:
            first = self.start[name]
            yield name, lambda when, first=first: when is not None and first <= when <= self.end

    def done(self) -> Figures:
        self._cases()
        self._advice()
        self._persons()
        self._plans()
        self._reviews()
        self._exclusions()
        self._attendance()
        return {key: value for key, value in self._figures() if value != (0, 0) and value != (0, None)}

    def _figures(self) -> Iterator[tuple[tuple[str, str, str, str], tuple[float, int | None]]]:
        shares = {
            "K10": "request_source",
            "K33": "primary_need",
            "K37": "setting_type",
            "K40": "setting_type",
            "K44": "cease_reason",
            "K53": "care_status",
        }
        for key, (numerator, denominator) in self.sums.items():
            kpi, window, kind, _ = key
            if kpi in ("K05", "K08", "K16", "K17", "K21", "K23", "K45"):
                yield key, (numerator, None)
                continue
            if shares.get(kpi) == kind:
                denominator = self.sums[(kpi, window, "all", "all")][1]
                if not numerator:
                    continue
            yield key, (numerator / 7 if kpi == "K06" else numerator, int(denominator))

    def _cases(self) -> None:
        for case in self.council.cases:
            person, received, issued, decided = (case[name] for name in ("person", "received", "issued", "decided"))
            not_issued, answer = case["not_issued"], case["answer"]
            is_ours = case["type"] != "AOL"

            def took(when: date | None, received: date | None = received) -> float:
                return (when - received).days if when and received else float("inf")

            for window, inside in self.within("month", "rolling_12_months"):
                if inside(issued) and is_ours:
                    if not case["exception"]:
                        self.add("K01", window, person, took(issued) <= 140, 1)
                    self.add("K02", window, person, took(issued) <= 140, 1)
                    self.add("K03", window, person, bool(case["exception"]), 1)
                    self.add("K04", window, person, took(issued) > 364 and received is not None, 1)
                    self.add("K06", window, person, took(issued) if received else 0, 1)
                if inside(decided) and answer:
                    if is_ours:
                        self.add("K07", window, person, took(decided) <= 42, 1)
                    self.add("K09", window, person, answer == "N", 1)
                if inside(received):
                    self.add("K08", window, person, 1, 0)
                    if window == "rolling_12_months":
                        self.add("K10", window, person, 1, 1, shares={"request_source": case["source"] or "Unknown"})
                if is_ours and (inside(issued) or inside(not_issued)):
                    self.add("K11", window, person, inside(not_issued), 1)
                if is_ours and inside(not_issued):
                    self.add("K12", window, person, took(not_issued) <= 112, 1)
            ends = [issued, not_issued, case["closed"], decided if answer == "N" else None]
            is_waiting = (
                received is not None and received <= self.end and all(_after(when, self.end) for when in ends if when)
            )
            if is_ours and is_waiting and (self.end - received).days > 210:
                self.add("K05", "point", person, 1, 0)

    def _advice(self) -> None:
        kpis = {"Health": "K13", "Educational Psychology": "K14", "Social Care": "K15"}
        for row in self.council.rows["advice"]:
            kpi = kpis.get(self.council.advice_code(row["Advice Type"]) or "")
            due = row["Requested"] + timedelta(42)
            person = self.council.links.case_person.get(row["Case Reference"])
            for window, inside in self.within("month", "rolling_12_months"):
                if kpi and inside(due):
                    came = row["Received"] is not None and row["Received"] <= due
                    self.add(kpi, window, person, came, 1, parts={"provider": row["Provider"] or "Unknown"})

    def _persons(self) -> None:
        year_before = months_before(self.end, 12)
        meetings: dict[str | None, list[date]] = defaultdict(list)
        for review in self.council.reviews:
            if review["meeting"]:
                meetings[review["plan"]].append(review["meeting"])
        for person in self.with_plan | self.support:
            about = self.about(person)
            statuses = [CARE.index(s) if s in CARE else 9 for s in self.known.care.get(person, [])]
            status = None if not statuses else (*CARE, *["Unknown"] * 5)[min(statuses)]
            group = "plan" if person in self.with_plan else "SEN support"
            self.add(
                "K53",
                "point",
                person,
                status is not None,
                1,
                parts={"sen_group": group},
                shares={"care_status": status} if status else None,
            )
            years = age(about["_birth"], self.end)
            if years is not None and years >= 6:
                self.add("K67", "point", person, has_valid_upn(about["_upn"]), 1, parts={"sen_group": group})
        self._care_by_group()
        for person in self.with_plan:
            about, plan = self.about(person), self.council._main_plan(person, self.end)
            assert plan
            years = age(about["_birth"], self.end)
            main, subsidiary = self.council.schools(person, self.end)
            urn = main["URN"] if main else None
            school = self.council.establishment.get(urn or "", {})
            phase = about["phase"]
            is_home = any(
                is_open(row["Start Date"], row["End Date"], self.end)
                for row in self.council.by_student["home"].get(person, [])
            )
            setting = plan["setting"]
            self.add("K16", "point", person, 1, 0)
            if plan["start"] and plan["start"] <= year_before:
                reviewed = any(year_before < when <= self.end for when in meetings[plan["id"]])
                self.add("K19", "point", person, reviewed, 1)
            if about["primary_need"] != "Unknown":
                self.add("K32", "point", person, about["primary_need"] == "MLD", 1)
            self.add("K33", "point", person, 1, 1, shares={"primary_need": about["primary_need"]})
            self.add("K34", "point", person, about["primary_need"] == "Unknown", 1)
            nowhere = urn is None and not is_home and not plan["urn"] and setting is None
            self.add("K35", "point", person, nowhere, 1)
            kind = school.get("TypeOfEstablishment (code)")
            self.add("K36", "point", person, phase in MAINSTREAM and kind != 11, 1)
            special = {10: "10", 8: "8"}.get(kind or 0, "other") if phase == "Special" else None
            self.add("K37", "point", person, special is not None, 1, shares=special and {"setting_type": special})
            if urn:
                elsewhere = school.get("LA (code)") not in (None, self.council.la_code)
                self.add("K38", "point", person, elsewhere, 1)
            self.add("K39", "point", person, plan["residential"] in ("A", "B"), 1)
            otherwise = "EHE" if is_home else setting if setting in ("OLA", "OPA") else None
            self.add("K40", "point", person, otherwise is not None, 1, shares=otherwise and {"setting_type": otherwise})
            if years is not None and 5 <= years <= 15:
                self.add("K41", "point", person, setting in ("NIEO", "NIEC") and urn is None, 1)
            if years is not None and 16 <= years <= 25:
                self.add("K42", "point", person, setting == "NEET" and urn is None, 1)
            if main:
                self.add("K46", "academic_year_to_date", person, 0, 1)
                self.add("K49", "point", person, bool(main["Part Time Timetable"]), 1)
            other_phase = self.known.phase.get(subsidiary["URN"]) if subsidiary else None
            self.add("K50", "point", person, AP in (phase, other_phase), 1)

    def _care_by_group(self) -> None:
        for group, members in (("plan", self.with_plan), ("SEN support", self.support)):
            counts: dict[str, int] = defaultdict(int)
            for person in members:
                statuses = [CARE.index(s) if s in CARE else 9 for s in self.known.care.get(person, [])]
                if statuses:
                    counts[(*CARE, *["Unknown"] * 5)[min(statuses)]] += 1
            for status, count in counts.items():
                self._add(("K53", "point", "sen_group_care_status", f"{group}, {status}"), count, len(members))

    def _plans(self) -> None:
        for window, inside in self.within("month", "rolling_12_months"):
            begun = {
                (plan["person"] or plan["id"], plan["start"]): plan["person"]
                for plan in self.council.plans
                if inside(plan["start"])
            }
            for person in begun.values():
                self.add("K17", window, person, 1, 0)
            if window == "month":
                continue
            for plan in self.council.plans:
                if inside(plan["due"]):
                    in_time = plan["final"] is not None and plan["final"] <= plan["due"]
                    self.add("K24", window, plan["person"], in_time, 1)
                if inside(plan["end"]):
                    self.add("K44", window, plan["person"], 1, 1, shares={"cease_reason": plan["reason"] or "Unknown"})

    def _reviews(self) -> None:
        running = {plan["id"] for plan in self.council.plans if is_open(plan["from"], plan["end"], self.end)}
        for review in self.council.reviews:
            person, meeting, decided, amended = (review[n] for n in ("person", "meeting", "decided", "amended"))
            for window, inside in self.within("month", "rolling_12_months"):
                if inside(decided):
                    self.add("K20", window, person, meeting is not None and (decided - meeting).days <= 28, 1)
                if review["outcome"] == "A" and meeting and inside(meeting + timedelta(84)):
                    self.add("K22", window, person, amended is not None and (amended - meeting).days <= 84, 1)
            if review["plan"] not in running or meeting is None or meeting > self.end:
                continue
            waited = (self.end - meeting).days
            if waited > 28 and (decided is None or decided > self.end):
                self.add("K21", "point", person, 1, 0)
            is_told = decided is not None and decided <= self.end
            if review["outcome"] == "A" and is_told and waited > 84 and (amended is None or amended > self.end):
                self.add("K23", "point", person, 1, 0)

    def _exclusions(self) -> None:
        for row in self.council.rows["exclusions"]:
            for window, inside in self.within("academic_year_to_date"):
                if inside(row["Start Date"]) and self.council.had_plan(row["Student ID"], row["Start Date"]):
                    if row["Category"] == "PERM":
                        self.add("K45", window, row["Student ID"], 1, 0)
                    if row["Category"] == "SUSP":
                        self.add("K46", window, row["Student ID"], 1, 0)

    def _attendance(self) -> None:
        for window, inside in self.within("month", "academic_year_to_date"):
            for person, weeks in self.council.by_student["attendance"].items():
                held = [row for row in weeks if inside(row["Week Commencing"])]
                possible = sum(row["Sessions Possible"] for row in held)
                missed = sum(row["Authorised Absence"] + row["Unauthorised Absence"] for row in held)
                has_plan = person in self.with_plan
                group = "plan" if has_plan else "SEN support" if person in self.support else "other"
                if held:
                    self.add("K47", window, person, missed, possible, parts={"sen_group": group}, whole=has_plan)
                if window == "month" or possible <= 0:
                    continue
                levels = {"persistent": 10 * missed >= possible, "severe": 2 * missed >= possible}
                persistent = levels["persistent"]
                self.add("K48", window, person, persistent, 1, parts={"sen_group": group}, whole=has_plan)
                for level, is_so in levels.items():
                    self._add(("K48", window, "sen_group_level", f"{group}, {level}"), is_so, 1)
                    if has_plan:
                        self._add(("K48", window, "level", level), is_so, 1)


def _hub_start(row: Row, when: date) -> date | None:
    """The day the case's plan was issued; where one was agreed and the day cannot be read, whatever day is asked."""
    is_undated = row["*Final Plan Issued"] and row["Decision To Issue"] == "Y"
    return when if is_undated else row["Final Plan Issued"]  # type: ignore[no-any-return]


def _hub_end(row: Row) -> date | None:
    return ended(row["Final Plan Issued"] or row["Request Received"], row["Case Closed"])


def _plan_order(plan: Row) -> tuple[Any, ...]:
    return (plan["start"] or date.min, plan["current"] or date.min, plan["id"])


def _after(when: date | None, end: date) -> bool:
    return when is not None and when > end
