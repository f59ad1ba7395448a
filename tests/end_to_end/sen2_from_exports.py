"""The nine tables of the SEN2 return once more, from the raw exports: the second opinion on schema `sen2`.

Plain Python, slow and literal, written from the definitions alone. It shares no code with the pipeline: only the
shipped crosswalks, the seeds that say which elements a survey has, and how a value is read with the second reading of
the KPIs. It knows the default layout: no aliases, no decisions on the review queue, no census.

    python -m tests.end_to_end.sen2_from_exports FOLDER 2026-11-16 [2027]
"""

import csv
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from tests.end_to_end.kpis_from_exports import READERS, SEEDS, ended, has_valid_upn, ident

Row = dict[str, Any]
MODULES = (  # each with its parent
    ("person", ""),
    ("requests", "person"),
    ("assessment", "requests"),
    ("named_plan", "assessment"),
    ("plan_detail", "named_plan"),
    ("active_plans", "requests"),
    ("placement_detail", "active_plans"),
    ("sen_need", "active_plans"),
)
REQUEST_FLAGS = ("Request Mediation", "Request Tribunal")
SIX = (*REQUEST_FLAGS, "Issue Mediation", "Issue Tribunal", "Other Mediation", "Other Tribunal")

# feed: file name before the date, key, start and end of what the row is about, columns and how each is read
FEEDS = {
    "students": (
        "capita_one_students",
        "Student ID",
        "Date of Birth, Date of Death",
        "Student ID:id, UPN:id, Former UPN:id, UPN Unknown Reason:upn_unknown_reason, ULN:id, Surname:text, "
        "Forename:text, Date of Birth:day, Sex:sex, Ethnicity:ethnicity, Postcode:text, Date of Death:day, "
        "Last Updated:day",
    ),
    "enrolments": (
        "capita_one_enrolments",
        "Student ID, URN, Entry Date",
        "Entry Date, Leaving Date",
        "Student ID:id, URN:id, Enrolment Status:enrolment_status, Entry Date:day, Leaving Date:day",
    ),
    "provision": ("capita_one_sen_provision", "Student ID, Start Date", "", "Student ID:id, Start Date:day"),
    "attendance": ("capita_one_attendance", "Student ID", "", "Student ID:id"),
    "exclusions": ("capita_one_exclusions", "Exclusion ID", "", "Exclusion ID:id, Student ID:id"),
    "needs": (
        "capita_one_sen_needs",
        "Student ID, SEN Type",
        "Start Date, End Date",
        "Student ID:id, SEN Type:text, *SEN Type:sen_type, Rank:rank, Start Date:day, End Date:day",
    ),
    "home": (
        "capita_one_home_education",
        "Student ID, Start Date",
        "Start Date, End Date",
        "Student ID:id, Start Date:day, End Date:day",
    ),
    "assessments": (
        "capita_one_ehcp_assessments",
        "Involvement ID",
        "Received Date, Inactive Date",
        "Involvement ID:id, Student ID:id, Assessment Type:assessment_type, Request Source:request_source, "
        "Received Date:day, Decision To Assess:yes, Decision Notified Date:day, Decision To Issue:yes, "
        "No Plan Notified Date:day, Date Final Issued:day, 20 Week Exception:yes, Inactive Date:day, Mediation:yes, "
        "Tribunal:yes, Relevant Youth Accommodation:yes, Exported To LA:id, Request Mediation:yes, "
        "Request Tribunal:yes, Issue Mediation:yes, Issue Tribunal:yes, Other Mediation:yes, Other Tribunal:yes",
    ),
    "plans": (
        "capita_one_ehc_plans",
        "Plan ID",
        "Initial Plan Date, Cease Date",
        "Plan ID:id, Student ID:id, Involvement ID:id, Initial Plan Date:day, Current Plan Date:day, Named URN:id, "
        "Setting Type:setting_type, Residential:residential, Personal Budget:yes, Transferred In From LA:id, "
        "Cease Date:day, Cease Reason:cease_reason, Phase Transfer Due Date:day, Phase Transfer Final Date:day, "
        "Plan Start Date:day, Transferred In Date:day, Work Based Learning:work_based_learning, "
        "Organised Arrangements:yes, Direct Payment:direct_payment",
    ),
    "reviews": (
        "capita_one_annual_reviews",
        "Review ID",
        "",
        "Review ID:id, Plan ID:id, Meeting Date:day, LA Outcome:review_outcome, Decision Date:day, "
        "Draft Amended Plan Date:day",
    ),
    "placements": (
        "capita_one_placements",
        "Placement ID",
        "",
        "Placement ID:id, Student ID:id, Plan ID:id, Section I:yes, URN:id, UKPRN:id, Setting Type:setting_type, "
        "Setting Other:text, Rank:rank, Entry Date:day, Leaving Date:day, SEN Unit:yes, Resourced Provision:yes, "
        "Residential:residential, Work Based Learning:work_based_learning",
    ),
    "cases": (
        "ehc_hub_cases",
        "Case Reference",
        "",
        "Case Reference:id, Child UPN:id, Child First Name:text, Child Last Name:text, Child DOB:day, Gender:sex, "
        "Postcode:text, Primary Need:sen_type, Request Received:day, Requested By:request_source, "
        "Decision To Assess:hub_decision, Decision To Assess Date:day, Decision To Issue:hub_decision, "
        "Decision To Issue Date:day, Final Plan Issued:day, *Final Plan Issued:garbled, Plan Last Amended:day, "
        "Named Placement URN:id, Case Closed:day, Migrated Student ID:id",
    ),
    "hub_reviews": (
        "ehc_hub_reviews",
        "Review Reference",
        "",
        "Review Reference:id, Case Reference:id, Meeting Date:day, Outcome:review_outcome, Decision Sent:day",
    ),
    "care": (
        "social_care_involvements",
        "Person ID, Status, Start Date",
        "",
        "Person ID:id, UPN:id, First Name:text, Last Name:text, DOB:day, Postcode:text, Status:text, Start Date:day",
    ),
}


def read(
    inbox: Path, feed: str, as_at: date, coded: Callable[[str], Callable[[Any], Any]]
) -> tuple[list[Row], set[str]]:
    """The rows of the newest export as at a day, and the columns that it has: none without a file."""
    name, keys, spell, asked = FEEDS[feed]
    found = {path.stem.removeprefix(name).strip("_"): path for path in inbox.glob(f"{name}_*.csv")}
    usable = [stamp for stamp in found if stamp.isdecimal() and stamp <= f"{as_at:%Y%m%d}"]
    if not usable:
        return [], set()
    data = found[max(usable)].read_bytes()
    try:
        content = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = data.decode("cp1252")
    header, *lines = csv.reader(content.splitlines(keepends=True))
    places = {re.sub(r"[^a-z0-9]", "", title.lower()): place for place, title in enumerate(header)}
    readers = {}
    for column in asked.split(", "):
        title, kind = column.rsplit(":", 1)
        at = places.get(re.sub(r"[^a-z0-9]", "", title.lower()))
        if at is not None:
            readers[title] = (at, READERS.get(kind) or coded(kind))
    kept: dict[tuple[Any, ...], Row] = {}
    for line in lines:
        if not any(cell.strip() for cell in line):
            continue
        line += [""] * (len(header) - len(line))
        row: Row = defaultdict(lambda: None) | {title: reader(line[at]) for title, (at, reader) in readers.items()}
        key = tuple(row[title] for title in keys.split(", "))
        if None in key:
            continue
        if spell:
            start, end = spell.split(", ")
            row[end] = ended(row[start], row[end])
        if feed == "students" and key in kept and _updated(kept[key]) > _updated(row):
            continue
        kept.pop(key, None)
        kept[key] = row
    return list(kept.values()), set(readers)


def _updated(row: Row) -> date:
    found: date | None = row["Last Updated"]
    return found or date.min


def crosswalk(seeds: Path, name: str, year: int) -> Callable[[Any], Any]:
    """What a local value means, None for one that is not mapped; where rows say years, those of the survey's year."""
    with open(seeds / "xwalk" / f"xwalk_{name}.csv", encoding="utf-8", newline="") as file:
        codes = {
            row["local_value"].strip().lower(): row["code"] or None
            for row in csv.DictReader(file)
            if int(row.get("first_year") or 0) <= year <= int(row.get("last_year") or 9999)
        }
    return lambda value: codes.get((ident(value) or "").lower())


# The survey ------------------------------------------------------------------------------------------------------


def _thursday(year: int, month: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta((3 - first.weekday()) % 7 + 7 * (number - 1))


@dataclass(frozen=True)
class Survey:
    """Whose return a day's is: the survey day S, the reference day R, and the window W."""

    year: int
    day: date
    due: date
    reference: date
    first: date
    last: date
    is_draft: bool

    def in_window(self, when: date | None) -> bool:
        return when is not None and self.first <= when <= self.last

    def since_window(self, when: date | None) -> bool:
        """In W or up to R."""
        return when is not None and self.first <= when <= self.reference

    def seen(self, when: date | None) -> date | None:
        return when if when and when <= self.reference else None


def survey(as_at: date, year: int | None = None) -> Survey:
    """The survey of a day: the one whose due day is the first on or after it, or as asked."""
    with open(SEEDS / "sen2" / "sen2_surveys.csv", encoding="utf-8", newline="") as file:
        held = {
            int(row["survey_year"]): (date.fromisoformat(row["survey_day"]), date.fromisoformat(row["due_day"]))
            for row in csv.DictReader(file)
        }

    def days(of: int) -> tuple[date, date]:
        return held.get(of) or (_thursday(of, 1, 3), _thursday(of, 3, 2))

    chosen = year or next(of for of in (as_at.year, as_at.year + 1) if days(of)[1] >= as_at)
    day, due = days(chosen)
    first, last = date(chosen - 1, 1, 1), min(as_at, date(chosen - 1, 12, 31))
    return Survey(chosen, day, due, min(as_at, day), first, last, as_at < day)


@cache
def columns(module: str, year: int | None = None) -> tuple[str, ...]:
    """The columns of a module that a survey's shape has, or any, in the order of the return."""
    with open(SEEDS / "sen2" / "sen2_elements.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["module"] == module and row["data_type"] != "module"]
    held = [row for row in rows if year is None or int(row["first_year"]) <= year <= int(row["last_year"] or 9999)]
    return tuple(dict.fromkeys(row["column_name"] for row in held))


# Who is who --------------------------------------------------------------------------------------------------------


def _plain(name: str | None) -> str:
    letters = unicodedata.normalize("NFKD", (name or "").lower())
    return "".join(letter for letter in letters if letter.isalnum())


def _upn_key(upn: str | None, born: date | None) -> tuple[Any, ...] | None:
    return ("upn", re.sub(r"\s", "", upn).upper(), born) if born and upn and has_valid_upn(upn) else None


def _name_key(surname: str | None, forename: str | None, born: date | None, postcode: str | None) -> Any:
    words = (_plain(surname), _plain(forename), born, (postcode or "").replace(" ", "").upper())
    return ("name", *words) if all(words) else None


def persons_of_cases(rows: dict[str, list[Row]]) -> dict[str, str]:
    """Whose each case of the hub is, by its reference: the first rule that finds one student, else one another."""
    holders: dict[Any, set[str]] = defaultdict(set)
    for row in rows["students"]:
        for upn in (row["UPN"], row["Former UPN"]):
            holders[_upn_key(upn, row["Date of Birth"])].add(row["Student ID"])
        name = _name_key(row["Surname"], row["Forename"], row["Date of Birth"], row["Postcode"])
        holders[name].add(row["Student ID"])
    holders.pop(None, None)
    named = [rows[feed] for feed in FEEDS if "Student ID:id" in FEEDS[feed][3].split(", ")]
    known = {row["Student ID"] for feed in named for row in feed}
    keys: dict[str, list[Any]] = {}
    direct: dict[str, str | None] = {}
    for row in rows["cases"]:
        record = "C" + row["Case Reference"]
        name = _name_key(row["Child Last Name"], row["Child First Name"], row["Child DOB"], row["Postcode"])
        keys[record] = [_upn_key(row["Child UPN"], row["Child DOB"]), name]
        if row["Migrated Student ID"] in known:
            direct[record] = row["Migrated Student ID"]
    for row in rows["care"]:
        name = _name_key(row["Last Name"], row["First Name"], row["DOB"], row["Postcode"])
        keys["P" + row["Person ID"]] = [_upn_key(row["UPN"], row["DOB"]), name]
    sharing: dict[Any, set[str]] = defaultdict(set)
    for record, own in keys.items():
        found = next((holders[key] for key in own if key and key in holders), set())
        if found and record not in direct:
            direct[record] = min(found) if len(found) == 1 else None
        for key in own:
            if key:
                sharing[key].add(record)
    persons: dict[str, str] = {}
    circles: dict[str, str] = {}
    for row in rows["cases"]:
        record = "C" + row["Case Reference"]
        reached, ahead = {record}, [record] if record not in direct else []
        while ahead:
            for other in set().union(*(sharing[key] for key in keys[ahead.pop()] if key)) - reached:
                reached.add(other)
                if other not in direct:
                    ahead.append(other)
        students = {direct[other] for other in reached if direct.get(other)}
        if len(students) == 1:
            persons[row["Case Reference"]] = str(min(filter(None, students)))
        circles[row["Case Reference"]] = min(other for other in reached if other not in direct or other == record)
    firsts: dict[str, str] = {}
    for reference in sorted(circles):
        firsts.setdefault(circles[reference], reference)
    return {reference: persons.get(reference) or f"HUB-{firsts[circles[reference]]}" for reference in circles}


# The return --------------------------------------------------------------------------------------------------------


@dataclass
class Node:
    """One record of the return, with what hangs below it."""

    module: str
    unique_id: str
    values: Row
    children: list["Node"] = field(default_factory=list)
    plan_id: str | None = None

    def below(self, module: str) -> list["Node"]:
        return [child for child in self.children if child.module == module]

    def walk(self) -> Iterator["Node"]:
        yield self
        for child in self.children:
            yield from child.walk()


class Council:
    """One inbox as at a day, and the return that it makes."""

    def __init__(
        self, inbox: Path, as_at: date, year: int | None = None, la_code: str = "999", seeds: Path = SEEDS
    ) -> None:
        self.as_at, self.la_code = as_at, la_code
        self.survey = survey(as_at, year)
        self.rows: dict[str, list[Row]] = {}
        self.came: dict[str, set[str]] = {}
        for feed in FEEDS:
            coded = partial(crosswalk, seeds, year=self.survey.year)
            self.rows[feed], self.came[feed] = read(inbox, feed, as_at, coded)
        self.has_placements = bool(self.rows["placements"])
        self.has_six = not self.came["assessments"].isdisjoint(SIX)
        self.student = {row["Student ID"]: row for row in self.rows["students"]}
        self.case_person = persons_of_cases(self.rows)
        self.hub_cases: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows["cases"]:
            self.hub_cases[self.case_person[row["Case Reference"]]].append(row)
        self.of_student: dict[str, dict[str, list[Row]]] = {}
        for feed in ("enrolments", "needs", "home", "placements"):
            grouped: dict[str, list[Row]] = defaultdict(list)
            for row in self.rows[feed]:
                grouped[row["Student ID"]].append(row)
            self.of_student[feed] = grouped
        self.cases = list(self._cases())
        self.plans = [*self._one_plans(), *self._hub_plans()]
        self.plans_of: dict[str, list[Row]] = defaultdict(list)
        for plan in self.plans:
            self.plans_of[plan["person"]].append(plan)
        self.reviews = self._reviews()
        self.holder: dict[str, Any] = {}
        self._end_and_begin_plans()
        self._give_plans_their_cases()

    # What there is --------------------------------------------------------------------------------------------

    def _cases(self) -> Iterator[Row]:
        """One a person and received date: Capita One first (ours before another authority's), blanks filled."""
        groups: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows["assessments"]:
            if row["Student ID"] is None:
                continue
            assess, issue = ({True: "Y", False: "N", None: None}[row[f"Decision To {what}"]] for what in WHAT)
            case = {
                "order": (0, row["Assessment Type"] == "AOL", row["Involvement ID"]),
                "person": row["Student ID"],
                "id": row["Involvement ID"],
                "is_aol": row["Assessment Type"] == "AOL",
                "received": row["Received Date"],
                "source": row["Request Source"],
                "assess": assess,
                "decided": row["Decision Notified Date"],
                "issue": issue,
                "not_issued": row["No Plan Notified Date"],
                "issued": row["Date Final Issued"],
                "closed": row["Inactive Date"],
                "exception": row["20 Week Exception"],
                "rya": row["Relevant Youth Accommodation"],
                "exported": row["Exported To LA"],
                **{name: row[name] for name in (*SIX, "Mediation", "Tribunal")},
            }
            groups[(row["Student ID"], row["Received Date"] or row["Involvement ID"])].append(case)
        for row in self.rows["cases"]:
            person = self.case_person[row["Case Reference"]]
            is_no = row["Decision To Issue"] == "N"
            case = {
                "order": (1, False, row["Case Reference"]),
                "person": person,
                "reference": row["Case Reference"],
                "received": row["Request Received"],
                "source": row["Requested By"],
                "assess": row["Decision To Assess"],
                "decided": row["Decision To Assess Date"],
                "issue": row["Decision To Issue"],
                "not_issued": row["Decision To Issue Date"] if is_no else None,
                "issued": row["Final Plan Issued"],
                "closed": ended(row["Request Received"], row["Case Closed"]),
            }
            groups[(person, row["Request Received"] or row["Case Reference"])].append(case)
        for held in groups.values():
            held.sort(key=lambda case: case["order"])
            names = {name for case in held for name in case}
            merged = {name: next((c[name] for c in held if c.get(name) is not None), None) for name in names}
            merged["ids"] = {case["id"] for case in held if "id" in case}
            merged["references"] = {case["reference"] for case in held if "reference" in case}
            yield merged

    def _one_plans(self) -> Iterator[Row]:
        for row in self.rows["plans"]:
            if row["Student ID"] is None:
                continue
            yield {
                "id": row["Plan ID"],
                "person": row["Student ID"],
                "is_hub": False,
                "involvement": row["Involvement ID"],
                "initial": row["Initial Plan Date"],
                "current": row["Current Plan Date"],
                "start": row["Plan Start Date"],
                "from_la": row["Transferred In From LA"],
                "moved_in": row["Transferred In Date"],
                "cease": row["Cease Date"],
                "reason": row["Cease Reason"],
                "urn": row["Named URN"],
                "setting": row["Setting Type"],
                "plan_res": row["Residential"],
                "plan_wbp": row["Work Based Learning"],
                "pb": row["Personal Budget"],
                "oa": row["Organised Arrangements"],
                "dp": row["Direct Payment"],
                "due": row["Phase Transfer Due Date"],
                "final": row["Phase Transfer Final Date"],
            }

    def _hub_plans(self) -> Iterator[Row]:
        """Of children without any plan in Capita One."""
        held = {row["Student ID"] for row in self.rows["plans"]}
        for row in self.rows["cases"]:
            person = self.case_person[row["Case Reference"]]
            is_undated = row["*Final Plan Issued"] and row["Decision To Issue"] == "Y"
            if person in held or not (row["Final Plan Issued"] or is_undated):
                continue
            blank = ("involvement", "start", "from_la", "moved_in", "reason", "setting", "due", "final")
            yield {
                **dict.fromkeys((*blank, "plan_res", "plan_wbp", "pb", "oa", "dp")),
                "id": f"HUB-{row['Case Reference']}",
                "person": person,
                "is_hub": True,
                "reference": row["Case Reference"],
                "initial": row["Final Plan Issued"],
                "current": row["Plan Last Amended"],
                "cease": ended(row["Final Plan Issued"] or row["Request Received"], row["Case Closed"]),
                "urn": row["Named Placement URN"],
            }

    def _reviews(self) -> dict[str, list[Row]]:
        """By plan, one a meeting, One's first; the hub's of a child with plans in One are of the one that stands."""
        found: dict[Any, Row] = {}
        for row in sorted(self.rows["reviews"], key=lambda row: row["Review ID"]):
            found.setdefault(
                (row["Plan ID"], row["Meeting Date"] or row["Review ID"]),
                {
                    "plan": row["Plan ID"],
                    "meeting": row["Meeting Date"],
                    "outcome": row["LA Outcome"],
                    "decided": row["Decision Date"],
                    "draft": row["Draft Amended Plan Date"],
                },
            )
        for row in sorted(self.rows["hub_reviews"], key=lambda row: row["Review Reference"]):
            own = self.plans_of.get(self.case_person.get(row["Case Reference"], ""), [])
            ones = [plan for plan in own if not plan["is_hub"]]
            of_case = [plan for plan in own if plan["is_hub"] and plan["reference"] == row["Case Reference"]]
            for plan in [max(ones, key=self._stands)] if ones else of_case:
                found.setdefault(
                    (plan["id"], row["Meeting Date"] or row["Review Reference"]),
                    {
                        "plan": plan["id"],
                        "meeting": row["Meeting Date"],
                        "outcome": row["Outcome"],
                        "decided": row["Decision Sent"],
                        "draft": None,
                    },
                )
        grouped: dict[str, list[Row]] = defaultdict(list)
        for review in found.values():
            grouped[review["plan"]].append(review)
        return grouped

    def _stands(self, plan: Row) -> tuple[Any, ...]:
        """Order by which a plan stands for a child on the day of the run: open before ceased, then the latest."""
        is_open = (plan["initial"] or self.as_at) <= self.as_at and (not plan["cease"] or plan["cease"] > self.as_at)
        return (is_open, *_order(plan))

    def _end_and_begin_plans(self) -> None:
        """Since when each plan counts, and when it ceased: as far as is seen at R. A death ends it."""
        seen = self.survey.seen
        issued = {number: case["issued"] for case in self.cases for number in case["ids"]}
        for plan in self.plans:
            met = [review["meeting"] for review in self.reviews.get(plan["id"], ())]
            told = [plan["current"], issued.get(plan["involvement"]), *met]
            told = [when for when in told if when and when < self.as_at]  # else all that tells of it is that it is held
            is_today = self.as_at == self.survey.reference
            plan["from"] = plan["initial"] or min([*told, self.survey.reference] if is_today or not told else told)
            plan["current"] = seen(plan["current"])
            plan["cease"] = seen(plan["cease"])
            died = seen(self.student.get(plan["person"], {}).get("Date of Death"))
            if not plan["cease"]:
                plan["cease"], plan["reason"] = died, "8" if died else None
            begins = [plan["current"], seen(plan["initial"])]
            plan["start"] = seen(plan["start"]) or max(filter(None, begins), default=None)
            plan["is_open"] = bool(seen(plan["from"])) and not plan["cease"]
        self.main = {}
        for person, held in self.plans_of.items():
            running = [plan for plan in held if plan["is_open"]]
            if running:
                self.main[person] = max(running, key=_order)["id"]

    def _give_plans_their_cases(self) -> None:
        """A case has one plan: of several the one that stands at R, else the latest; the others have no case."""
        claims: dict[int, list[Row]] = defaultdict(list)
        cases_of: dict[str, list[Row]] = defaultdict(list)
        self.cases = [case for case in self.cases if self.survey.seen(case["received"] or date.min)]
        for case in self.cases:
            cases_of[case["person"]].append(case)
        for plan in self.plans:
            plan["case"] = None
            own = cases_of[plan["person"]] if self.survey.seen(plan["from"]) else []
            ways = (
                [case for case in own if plan["involvement"] and plan["involvement"] in case["ids"]],
                [case for case in own if plan["is_hub"] and plan["reference"] in case["references"]],
                [case for case in own if plan["initial"] and case["issued"] == plan["initial"]],
            )
            for case in next(([min(way, key=_age)] for way in ways if way), []):
                claims[id(case)].append(plan)
        for case in self.cases:
            held = claims[id(case)]
            standing = [plan for plan in held if plan["id"] == self.main.get(plan["person"])]
            case["plan"] = None
            for plan in standing or sorted(held, key=_order)[-1:]:
                case["plan"], plan["case"] = plan, case

    # Who is returned, and how deep -----------------------------------------------------------------------------

    def persons(self) -> list[Node]:
        """The return: a node a person, in the order of Unique ID, with the requests of each below, oldest first."""
        for _ in range(2):  # the rows of placements that name no plan are of one of those that are returned
            found: dict[str, list[tuple[Any, Node, Any]]] = defaultdict(list)
            for case in self.cases:
                node = self._request(case, case["plan"])
                if node:
                    found[case["person"]].append(((case["received"] or date.max, ""), node, id(case["plan"] or case)))
            for plan in self.plans:
                node = self._request(None, plan) if plan["case"] is None and self.survey.seen(plan["from"]) else None
                if node:
                    found[plan["person"]].append(((date.max, plan["id"]), node, id(plan)))
            self.holder = {who: self._holder(held) for who, held in found.items()}
        persons = []
        for unique_id in sorted(found):
            requests = [node for _, node, _ in sorted(found[unique_id], key=lambda each: each[0])]
            persons.append(Node("person", unique_id, self._person(unique_id), requests))
        for person in persons:
            for node in person.walk():
                shape = columns(node.module, self.survey.year)
                node.values = {name: node.values.get(name) if name in shape else None for name in columns(node.module)}
        for person in persons:
            for request in person.children:
                request.children = [
                    child
                    for child in request.children
                    if child.module != "active_plans" or child.children or any(child.values.values())
                ]
        return persons

    @staticmethod
    def _holder(held: list[tuple[Any, Node, Any]]) -> Any:
        """Of a child's requests with a plan the active one, else the last."""
        named = [each for each in held if any(node.module == "named_plan" for node in each[1].walk())]
        return max(named, key=lambda each: (bool(each[1].below("active_plans")), each[0]), default=(0, 0, 0))[2]

    def _person(self, unique_id: str) -> Row:
        one, hub = self.student.get(unique_id, {}), sorted(self.hub_cases.get(unique_id, []), key=self._hub_order)

        def first(own: str, theirs: str) -> Any:
            return one.get(own) or next((row[theirs] for row in hub if row[theirs]), None)

        sex, ethnicity, upn, uln = (
            first("Sex", "Gender"),
            one.get("Ethnicity"),
            first("UPN", "Child UPN"),
            one.get("ULN"),
        )
        return {
            "surname": first("Surname", "Child Last Name"),
            "forename": first("Forename", "Child First Name"),
            "person_birth_date": first("Date of Birth", "Child DOB"),
            "sex": sex if sex in ("M", "F") else None,
            "ethnicity": ethnicity if ethnicity != "UNKNOWN" else None,
            "post_code": first("Postcode", "Postcode"),
            "upn": upn,
            "unique_learner_number": uln,
            "upn_unknown": None if upn or uln else one.get("UPN Unknown Reason"),
        }

    def _hub_order(self, row: Row) -> tuple[Any, ...]:
        """Whose word counts: the case of the plan that stands, the latest plan, the latest request, the reference."""
        final, received = self.survey.seen(row["Final Plan Issued"]), row["Request Received"]
        return (
            f"HUB-{row['Case Reference']}" != self.main.get(self.case_person[row["Case Reference"]]),
            -(final or date.min).toordinal(),
            -(received or date.min).toordinal(),
            row["Case Reference"],
        )

    def _request(self, case: Row | None, plan: Row | None) -> Node | None:
        """A case as it stands at R, or a plan without one; None where it does not matter to W or R."""
        s, seen, since = self.survey, self.survey.seen, self.survey.since_window
        held: Row = defaultdict(lambda: None, case or {})
        first_of_window = s.first
        decided, not_issued, closed = seen(held["decided"]), seen(held["not_issued"]), seen(held["closed"])
        is_decided = decided or not held["decided"]  # without a date too
        is_refused, is_agreed = (held["assess"] == answer and bool(is_decided) for answer in "NY")
        is_no_plan = bool(not_issued) or (held["issue"] == "N" and not held["not_issued"])
        issued = seen(held["issued"]) or (seen(plan["initial"]) if plan else None)
        is_main = plan is not None and plan["id"] == self.main.get(plan["person"])

        # What becomes of the plan
        if plan is None:
            has_plan = since(issued)
        elif plan["is_open"]:
            has_plan = is_main or since(issued)
        else:
            has_plan = plan["cease"] >= first_of_window and (s.in_window(plan["cease"]) or since(issued))
        is_issued = bool(issued) or plan is not None

        # Whether it matters
        is_undated_no = not is_issued and ((is_refused and not decided) or (is_no_plan and not not_issued))
        is_withdrawn = closed is not None and not (is_issued or is_refused or is_no_plan)
        by_last = [when for when in (decided, not_issued, closed, issued) if when and when <= s.last]
        concluded = [when for when in (not_issued, closed, issued) if when and when <= s.last]
        is_old_plan = is_issued and not issued  # a plan whose beginning nobody knows
        matters = has_plan or (
            case is not None
            and not (held["received"] and held["received"] > s.last)
            and (
                (not by_last and not is_old_plan and not (is_agreed and not decided))
                or (is_agreed and not concluded and not is_old_plan)
                or s.in_window(decided)
                or s.in_window(not_issued)
                or ((is_withdrawn or is_undated_no) and s.in_window(closed))
            )
        )
        if not matters:
            return None

        # What is said
        is_elsewhere = bool(held["is_aol"]) or (plan is not None and bool(plan["from_la"]))
        asked: tuple[str, date | None]
        assessed: tuple[str, date | None] | None = None
        yes = ("Y", decided) if decided and decided >= first_of_window else ("H", None)
        if is_elsewhere or case is None:
            asked, assessed = ("H", None), ("H", None)
        elif is_issued:
            asked = ("N", decided) if is_refused else yes if since(issued) else ("H", None)
            assessed = ("N", not_issued) if is_no_plan else ("Y", issued) if since(issued) else ("H", None)
        elif is_refused:
            asked = ("N", decided)
        elif is_agreed or is_no_plan:
            asked = yes
            assessed = ("N", not_issued) if is_no_plan else ("W", None) if closed else ("A", None)
        else:
            asked = ("W", None) if closed else ("A", None)
        flags = self._flags(case, is_refused, is_no_plan)
        request = Node(
            "requests",
            plan["person"] if plan else held["person"],
            {
                "received_date": None if held["is_aol"] else seen(held["received"]),
                "request_source": held["source"],
                "rya": bool(held["rya"]),
                "request_outcome_date": asked[1],
                "request_outcome": asked[0],
                "request_mediation": flags["Request Mediation"],
                "request_tribunal": flags["Request Tribunal"],
                "exported": held["exported"],
            },
            plan_id=plan["id"] if plan and has_plan else None,
        )
        if assessed:
            request.children.append(
                Node(
                    "assessment",
                    request.unique_id,
                    {
                        "assessment_outcome": assessed[0],
                        "assessment_outcome_date": assessed[1],
                        "assessment_mediation": flags["Issue Mediation"],
                        "assessment_tribunal": flags["Issue Tribunal"],
                        "other_mediation": flags["Other Mediation"],
                        "other_tribunal": flags["Other Tribunal"],
                        "week20": held["exception"] if held["ids"] else False,
                    },
                    [self._named_plan(request.unique_id, plan, case, issued)] if has_plan else [],
                )
            )
        if plan and is_main:
            request.children.append(self._active_plan(plan))
        return request

    def _flags(self, case: Row | None, is_refused: bool, is_no_plan: bool) -> dict[str, bool | None]:
        if case is None or not case["ids"]:
            return dict.fromkeys(SIX, False)
        if self.has_six:
            return {name: case[name] for name in SIX}
        stage = "Request" if is_refused else "Issue" if is_no_plan else "Other"
        return {
            name: None if case[name.split()[1]] is None else name.startswith(stage) and case[name.split()[1]]
            for name in SIX
        }

    def _named_plan(self, unique_id: str, plan: Row | None, case: Row | None, issued: date | None) -> Node:
        names = ("plan_res", "plan_wbp", "pb", "oa", "dp")
        values: Row = {"start_date": issued}
        if plan:
            values = {"start_date": plan["start"], "cease_date": plan["cease"]} | {name: plan[name] for name in names}
            values["cease_reason"] = plan["reason"] if plan["cease"] else None
        details = []
        for row in self._placements(unique_id, plan or case or {}):
            has_date = row["Entry Date"] or row["Leaving Date"]
            if row["Section I"] and (not has_date or self._is_open(row["Entry Date"], row["Leaving Date"])):
                details.append(self._of_feed("plan_detail", row))
        if plan and (plan["is_hub"] or not self.has_placements):
            where = _where(plan["urn"], None, plan["setting"], None)
            if where and not details:
                details.append(Node("plan_detail", unique_id, where | {"placement_rank": "1"}))
        return Node("named_plan", unique_id, values, details)

    def _active_plan(self, plan: Row) -> Node:
        s, seen, person = self.survey, self.survey.seen, plan["person"]
        came_in = plan["moved_in"] or plan["start"]
        met = [review for review in self.reviews.get(plan["id"], ()) if seen(review["meeting"])]
        last = max(met, key=lambda review: review["meeting"], default=None)
        is_told = last is not None and (last["decided"] is None or bool(seen(last["decided"])))
        is_due = plan["due"] is not None and s.first <= plan["due"] <= date(s.year, 3, 31)
        placements = self._where_the_child_is(plan)
        primary = [node for node in placements if node.values["placement_rank"] == "1"]
        still = [node for node in primary if node.values.get("leaving_date") is None]
        values = {
            "transfer_la": plan["from_la"] if s.in_window(came_in) else None,
            "res": still[0].values.get("res") if still else None,
            "wbp": still[0].values.get("wbp") if still else None,
            "review_meeting": last["meeting"] if last else None,
            "review_outcome": last["outcome"] if last and is_told else None,
            "review_draft": seen(last["draft"]) if last else None,
            "last_review": seen(last["decided"]) if last else None,
            "phase_transfer_due_date": plan["due"] if is_due else None,
            "phase_transfer_final_date": seen(plan["final"]) if is_due else None,
        }
        needs = [
            Node("sen_need", person, {"sen_type": code, "sen_type_rank": str(rank)})
            for rank, code in enumerate(self._needs(person), start=1)
        ]
        return Node("active_plans", person, values, [*placements, *needs])

    def _where_the_child_is(self, plan: Row) -> list[Node]:
        person, found = plan["person"], []
        if self.has_placements:
            for row in self._placements(person, plan):
                has_left = self.survey.in_window(row["Leaving Date"]) and bool(
                    self.survey.seen(row["Entry Date"] or date.min)
                )
                if not row["Section I"] and (has_left or self._is_open(row["Entry Date"], row["Leaving Date"])):
                    found.append(self._of_feed("placement_detail", row))
        else:
            running = [
                row
                for row in self.of_student["enrolments"].get(person, [])
                if row["Enrolment Status"] in RANKS and self._is_open(row["Entry Date"], row["Leaving Date"])
            ]
            for row in running:
                rank = RANKS[row["Enrolment Status"]]
                values = {"urn": row["URN"], "placement_rank": rank, "entry_date": row["Entry Date"]}
                found.append(Node("placement_detail", person, values))
            if not any(RANKS[row["Enrolment Status"]] == "1" for row in running):
                home = [
                    row
                    for row in self.of_student["home"].get(person, [])
                    if self._is_open(row["Start Date"], row["End Date"])
                ]
                for row in sorted(home, key=lambda row: row["Start Date"])[-1:]:
                    values = {"sen_setting": "EHE", "placement_rank": "1", "entry_date": row["Start Date"]}
                    found.append(Node("placement_detail", person, values))
                if not home and plan["setting"]:
                    values = {"sen_setting": plan["setting"], "placement_rank": "1"}
                    found.append(Node("placement_detail", person, values))
        if plan["is_hub"] and plan["urn"] and not found:
            found.append(Node("placement_detail", person, {"urn": plan["urn"], "placement_rank": "1"}))
        return sorted(found, key=_place)

    def _placements(self, person: str, plan: Row) -> list[Row]:
        """The rows of the feed for a plan: those that name it, and in one of a child's those that name none of its."""
        known = {each["id"] for each in self.plans_of.get(person, ())}
        own = None if "ids" in plan else plan.get("id")  # a case has no plan row
        is_holder = self.holder.get(person) == id(plan)
        rows = self.of_student["placements"].get(person, [])
        return sorted(
            (row for row in rows if (row["Plan ID"] == own if row["Plan ID"] in known else is_holder)),
            key=lambda row: (row["Rank"] or 9, row["Entry Date"] or date.min, row["Placement ID"]),
        )

    def _of_feed(self, module: str, row: Row) -> Node:
        values = _where(row["URN"], row["UKPRN"], row["Setting Type"], row["Setting Other"]) | {
            "placement_rank": None if row["Rank"] is None else str(row["Rank"]),
            "sen_unit_indicator": row["SEN Unit"],
            "resourced_provision_indicator": row["Resourced Provision"],
        }
        if module == "placement_detail":
            values |= {
                "entry_date": row["Entry Date"],
                "leaving_date": self.survey.seen(row["Leaving Date"]),
                "res": row["Residential"],
                "wbp": row["Work Based Learning"],
            }
        return Node(module, row["Student ID"], values)

    def _is_open(self, start: date | None, end: date | None) -> bool:
        return bool(self.survey.seen(start or date.min)) and not self.survey.seen(ended(start, end))

    def _needs(self, person: str) -> list[str]:
        """The codes of at most two needs, the first first."""
        running = [
            row
            for row in self.of_student["needs"].get(person, [])
            if row["Rank"] in (1, 2) and self._is_open(row["Start Date"], row["End Date"])
        ]
        if not running:
            hub = [
                row for row in self.hub_cases.get(person, []) if self.survey.seen(row["Request Received"] or date.min)
            ]
            needs = [row["Primary Need"] for row in sorted(hub, key=self._hub_order)]
            return [need for need in needs if need][:1]
        coded = [row for row in running if row["*SEN Type"]]
        coded.sort(key=lambda row: (row["Rank"], -(row["Start Date"] or date.min).toordinal(), row["*SEN Type"]))
        return [row["*SEN Type"] for row in coded[:2]]


WHAT = ("Assess", "Issue")
RANKS = {"C": "1", "M": "1", "F": "1", "O": "1", "S": "2"}


def _order(plan: Row) -> tuple[Any, ...]:
    """Which of several plans is the later."""
    return (plan["initial"] or date.min, plan["current"] or date.min, plan["id"])


def _age(case: Row) -> tuple[Any, ...]:
    return (case["received"] or date.min, str(case["order"]))


def _place(node: Node) -> tuple[Any, ...]:
    values = node.values
    return (values["placement_rank"] or "9", values.get("entry_date") or date.min)


def _where(urn: str | None, ukprn: str | None, setting: str | None, other: str | None) -> Row:
    """The first that exists, alone."""
    if urn or ukprn:
        return {"urn": urn} if urn else {"ukprn": ukprn}
    return {"sen_setting": setting} | ({"sen_setting_other": other} if other else {}) if setting else {}


# As tables ---------------------------------------------------------------------------------------------------------


def tables(council: Council) -> dict[str, list[Row]]:
    """The nine tables: keys that count from 1 in the order of the return, and each element of the survey's shape."""
    s = council.survey
    header = {
        "collection": "SEN2",
        "year": s.year,
        "reference_date": s.day,
        "source_level": "L",
        "lea": council.la_code,
    }
    made: dict[str, list[Row]] = {"sen2": [header], **{module: [] for module, _ in MODULES}}

    def add(node: Node, parent: str, parent_id: int, order: int) -> None:
        number = len(made[node.module]) + 1
        keys = {f"{node.module}_table_id": number, f"{parent}_table_id": parent_id, "order_seq": order}
        made[node.module].append(keys | {"unique_id": node.unique_id} | node.values)
        counted: dict[str, int] = defaultdict(int)
        for child in node.children:
            counted[child.module] += 1
            add(child, node.module, number, counted[child.module])

    for order, person in enumerate(council.persons(), start=1):
        add(person, "sen2", 1, order)
    return made


if __name__ == "__main__":
    folder, day, *asked = sys.argv[1:]
    for name, rows in tables(Council(Path(folder), date.fromisoformat(day), int(asked[0]) if asked else None)).items():
        print(f"{name}: {len(rows)}")
        for row in rows[:3]:
            print("   ", {key: str(value) for key, value in row.items() if value is not None})
