"""The return that the council made last January, and the five kinds of files in which a return may come.

Written from the facts about SEN2 by another hand than the one that makes the council's own return: neither its shape
nor its code is used here. XML is what case systems make; blades are what COLLECT gives back; the template is the DfE's
workbook, the pre-submission workbook a report of a case system, and five CSVs the D2I tool's.
"""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd
import xlsxwriter

from sample import sen2
from warehouse import seeds

Value = str | date | bool | None
Record = dict[str, Any]
NEW_2024, NEW_2026 = 2024, 2026
HEADER = ("Collection", "Year", "ReferenceDate")
SOURCE = ("SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime")
PLACE = ("URN", "UKPRN", "SENsetting", "SENsettingOther", "PlacementRank")
UNIT = ("SENunitIndicator", "ResourcedProvisionIndicator")
TAGS = {
    "sen2": (*HEADER, *SOURCE),
    "person": (
        "Surname", "Forename", "PersonBirthDate", "Sex", "Ethnicity", "PostCode", "UPN", "UniqueLearnerNumber",
        "UPNunknown",
    ),
    "requests": (
        "ReceivedDate", "RequestSource", "RYA", "RequestOutcomeDate", "RequestOutcome", "RequestMediation",
        "RequestTribunal", "Exported",
    ),
    "assessment": (
        "AssessmentOutcome", "AssessmentOutcomeDate", "AssessmentMediation", "AssessmentTribunal", "OtherMediation",
        "OtherTribunal", "Week20",
    ),
    "namedplan": ("StartDate", "PlanRes", "PlanWBP", "PB", "OA", "DP", "CeaseDate", "CeaseReason"),
    "plandetail": (*PLACE, *UNIT),
    "activeplans": (
        "TransferLA", "ReviewMeeting", "ReviewOutcome", "ReviewDraft", "PhaseTransferDueDate",
        "PhaseTransferFinalDate", "LastReview",
    ),
    "placementdetail": (*PLACE, "EntryDate", "LeavingDate", *UNIT, "Res", "WBP"),
    "senneed": ("SENtype", "SENtypeRank"),
}  # fmt: skip
PARENTS = {
    "person": "sen2", "requests": "person", "assessment": "requests", "namedplan": "assessment",
    "plandetail": "namedplan", "activeplans": "requests", "placementdetail": "activeplans", "senneed": "activeplans",
}  # fmt: skip
ELEMENTS = {
    "person": "Person", "requests": "Requests", "assessment": "Assessment", "namedplan": "NamedPlan",
    "plandetail": "PlanDetail", "activeplans": "ActivePlans", "placementdetail": "PlacementDetail",
    "senneed": "SENneed",
}  # fmt: skip
SINCE = {
    "RequestSource": NEW_2026, "ReviewDraft": NEW_2026, "PhaseTransferDueDate": NEW_2026,
    "PhaseTransferFinalDate": NEW_2026, "ReviewMeeting": NEW_2024, "ReviewOutcome": NEW_2024, "Res": NEW_2024,
    "WBP": NEW_2024,
}  # fmt: skip


@dataclass
class Row:
    """A row of a table of the return: its number there, its parent's, and its elements by tag."""

    number: int
    parent: int
    values: dict[str, Value]


@dataclass
class Returned:
    """A return: nine tables of rows, in the order of the persons' Student IDs."""

    year: int
    day: date
    la_code: str
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TAGS})

    def add(self, table: str, parent: int, values: dict[str, Value]) -> int:
        """Put a row at the end of a table; its number."""
        rows = self.tables[table]
        rows.append(Row(len(rows) + 1, parent, values))
        return len(rows)

    def children(self) -> dict[str, dict[int, list[Row]]]:
        """By table and number of the parent, the rows below it."""
        found: dict[str, dict[int, list[Row]]] = {}
        for name, rows in self.tables.items():
            below = found.setdefault(name, defaultdict(list))
            for row in rows:
                below[row.parent].append(row)
        return found


def survey_day(year: int) -> date:
    """The survey day of a year: as the DfE said, else the third Thursday of January."""
    for row in seeds.rows("sen2_surveys"):
        if int(row["survey_year"]) == year:
            return date.fromisoformat(row["survey_day"])
    return date(year, 1, 15 + (3 - date(year, 1, 15).weekday()) % 7)


def build(frames: dict[str, pd.DataFrame], people: pd.DataFrame, as_at: date, la_code: str) -> Returned:
    """The return of the survey before the one that is next at a day, of what the exports' frames hold."""
    year = sen2.survey_year(as_at) - 1
    made = Returned(year, survey_day(year), la_code)
    at = datetime.combine(made.day + timedelta(days=20), time(9))
    made.add("sen2", 0, {
        "Collection": "SEN2", "Year": str(year), "ReferenceDate": made.day, "SourceLevel": "L", "LEA": la_code,
        "SoftwareCode": "Sample case system", "Release": "1.0", "SerialNo": "001", "DateTime": at.isoformat(),
    })  # fmt: skip
    _Maker(frames, people, made).persons()
    return made


class _Maker:
    """What goes into the return: cases and plans as they stood on the survey day, after which nothing is seen."""

    def __init__(self, frames: dict[str, pd.DataFrame], people: pd.DataFrame, made: Returned):
        self.made, self.day = made, made.day
        self.first, self.last = date(made.year - 1, 1, 1), date(made.year - 1, 12, 31)
        self.people = _records(people[people["in_one"]].assign(person=people.index[people["in_one"]]))
        self.cases = _by(_records(frames["capita_one.ehcp_assessments"]), "person")
        self.plans = _by(_records(frames["capita_one.ehc_plans"]), "person")
        self.reviews = _by(_records(frames["capita_one.annual_reviews"]), "plan_id")
        self.needs = _by(_records(frames["capita_one.sen_needs"]), "student_id")
        self.placed = _by(_records(frames[sen2.PLACEMENTS]), "plan_id")

    def seen(self, day: date | None) -> date | None:
        """A date, unless it is after the survey day."""
        return day if day and day <= self.day else None

    def persons(self) -> None:
        for person in sorted(self.people, key=lambda each: str(each["student_id"])):
            chains = list(self._chains(person))
            if not chains:
                continue
            upn, uln = person["upn"], person["uln"]
            number = self.made.add("person", 1, {
                "Surname": person["surname"], "Forename": person["forename"], "PersonBirthDate": person["birth"],
                "Sex": person["sex"] if person["sex"] in ("M", "F") else None,
                "Ethnicity": _ethnicities().get(person["ethnicity"]), "PostCode": person["postcode"], "UPN": upn,
                "UniqueLearnerNumber": uln, "UPNunknown": None if upn or uln else person["upn_unknown_reason"],
            })  # fmt: skip
            for case, plan in chains:
                self._chain(number, person, case, plan)

    def _chains(self, person: Record) -> Iterator[tuple[Record | None, Record | None]]:
        """Cases and plans that matter, oldest first."""
        plans = [plan for plan in self.plans[person["person"]] if self.seen(plan["initial_plan_date"])]
        of_case: set[str] = set()
        found: list[tuple[date, Record | None, Record | None]] = []
        for case in self.cases[person["person"]]:
            if not self.seen(case["received_date"]):
                continue
            issued = self.seen(case["final_issued_date"])
            led_to = next((each for each in plans if issued and each["initial_plan_date"] == issued), None)
            if led_to:
                of_case.add(led_to["plan_id"])
            if self._matters(case, issued, led_to):
                found.append((case["received_date"], case, led_to))
        for plan in plans:
            if plan["plan_id"] not in of_case and self._is_of_now(plan):
                found.append((plan["initial_plan_date"], None, plan))
        for _, its_case, its_plan in sorted(found, key=lambda each: each[0]):
            yield its_case, its_plan

    def _is_of_now(self, plan: Record) -> bool:
        ceased = self.seen(plan["cease_date"])
        return not ceased or ceased >= self.first

    def _matters(self, case: Record, issued: date | None, plan: Record | None) -> bool:
        if issued:
            return issued >= self.first or (plan is not None and self._is_of_now(plan))
        if case["received_date"] > self.last:
            return False
        ends = [case["inactive_date"], case["no_plan_notified_date"]]
        if case["decision_to_assess"] == "N":
            ends.append(case["decision_notified_date"])
        ended = min((each for each in map(self.seen, ends) if each), default=None)
        return not ended or ended >= self.first

    def _chain(self, person: int, of: Record, case: Record | None, plan: Record | None) -> None:
        requests = self.made.add("requests", person, self._request(case))
        outcome = self._outcome(case)
        if not outcome:
            return
        code, on = outcome
        flags = {} if not case else {
            "AssessmentMediation": _flag(case["issue_mediation"]), "AssessmentTribunal": _flag(case["issue_tribunal"]),
            "OtherMediation": _flag(case["other_mediation"]), "OtherTribunal": _flag(case["other_tribunal"]),
        }  # fmt: skip
        none = dict.fromkeys(("AssessmentMediation", "AssessmentTribunal", "OtherMediation", "OtherTribunal"), False)
        week = bool(case and case["twenty_week_exception"] == "Y")
        values = {"AssessmentOutcome": code, "AssessmentOutcomeDate": on, **none, **flags, "Week20": week}
        assessment = self.made.add("assessment", requests, values)
        if plan:
            self._plan(requests, assessment, plan)

    def _request(self, case: Record | None) -> dict[str, Value]:
        if not case:
            return {"RYA": False, "RequestOutcome": "H", "RequestMediation": False, "RequestTribunal": False}
        decided = self.seen(case["decision_notified_date"])
        code: str = "A"
        if decided and case["decision_to_assess"] == "N":
            code = "N"
        elif decided:
            code = "Y" if decided >= self.first else "H"
        elif self.seen(case["inactive_date"]):
            code = "W"
        return {
            "ReceivedDate": case["received_date"], "RequestSource": case["request_source"],
            "RYA": _flag(case["relevant_youth_accommodation"]),
            "RequestOutcomeDate": decided if code in "YN" else None, "RequestOutcome": code,
            "RequestMediation": _flag(case["request_mediation"]), "RequestTribunal": _flag(case["request_tribunal"]),
            "Exported": case["exported_to_la"] if self.seen(case["inactive_date"]) else None,
        }  # fmt: skip

    def _outcome(self, case: Record | None) -> tuple[str, date | None] | None:
        """Outcome of the assessment and its day; nothing where it has not come so far."""
        if not case:
            return "H", None
        decided, issued = self.seen(case["decision_notified_date"]), self.seen(case["final_issued_date"])
        refused = self.seen(case["no_plan_notified_date"])
        if not decided or case["decision_to_assess"] == "N":
            return None
        if issued:
            return ("Y", issued) if issued >= self.first else ("H", None)
        if refused:
            return "N", refused
        return ("W" if self.seen(case["inactive_date"]) else "A"), None

    def _plan(self, requests: int, assessment: int, plan: Record) -> None:
        ceased, first = self.seen(plan["cease_date"]), plan["initial_plan_date"]
        reviews = self.reviews[plan["plan_id"]]
        amended = [each["final_amended_plan_date"] for each in reviews if self.seen(each["final_amended_plan_date"])]
        budget = plan["personal_budget"] == "Y"
        named = self.made.add("namedplan", assessment, {
            "StartDate": max([first, *amended]), "PlanRes": plan["residential"], "PB": budget,
            "OA": _flag(plan["organised_arrangements"]) if budget else None, "CeaseDate": ceased,
            "CeaseReason": plan["cease_reason"] if ceased else None,
        })  # fmt: skip
        rows = self.placed[plan["plan_id"]]
        for row in [each for each in rows if each["section_i"] == "Y"] or rows[:1]:
            self.made.add("plandetail", named, _place(row))
        if ceased:
            return
        met = [each for each in reviews if self.seen(each["meeting_date"])]
        last = max(met, key=lambda each: each["meeting_date"], default=None)
        due = plan["phase_transfer_due_date"]
        is_due = due and self.first <= due <= date(self.made.year, 3, 31)
        moved = plan["transferred_in_date"]
        decided = self.seen(last["decision_date"]) if last else None
        active = self.made.add("activeplans", requests, {
            "TransferLA": plan["transferred_in_from_la"] if moved and self.first <= moved <= self.last else None,
            "ReviewMeeting": last["meeting_date"] if last else None,
            "ReviewOutcome": last["la_outcome"] if last and decided else None,
            "ReviewDraft": self.seen(last["draft_amended_plan_date"]) if last else None,
            "PhaseTransferDueDate": due if is_due else None,
            "PhaseTransferFinalDate": self.seen(plan["phase_transfer_final_date"]) if is_due else None,
            "LastReview": decided,
        })  # fmt: skip
        for row in rows:
            # Where somebody is who is at no school is known since the plan is as it is.
            entry = row["entry_date"] if row["urn"] else min(filter(None, (row["entry_date"], first)), default=first)
            left = self.seen(row["leaving_date"])
            if row["section_i"] == "N" and entry and entry <= self.day and not (left and left < self.first):
                values = {"EntryDate": entry, "LeavingDate": left, "Res": row["residential"]}
                self.made.add("placementdetail", active, _place(row) | values)
        for rank, need in enumerate(self._needs(plan["student_id"]), start=1):
            self.made.add("senneed", active, {"SENtype": need, "SENtypeRank": str(rank)})

    def _needs(self, student: str) -> list[str]:
        """The first two types of need that were open, of whom none was the first that came."""
        rows = [each for each in self.needs[student] if each["rank"] in (1, 2)]
        on = [each for each in rows if self.seen(each["start_date"])]
        on = [each for each in on if not self.seen(each["end_date"])] or [each for each in rows if not each["end_date"]]
        return list(dict.fromkeys(each["sen_type"] for each in sorted(on, key=lambda each: each["rank"])))[:2]


def _place(row: Record) -> dict[str, Value]:
    is_school = bool(row["urn"])
    return {
        "URN": row["urn"], "SENsetting": None if is_school else row["setting_type"],
        "SENsettingOther": None if is_school else row["setting_other"], "PlacementRank": str(row["rank"]),
        "SENunitIndicator": _flag(row["sen_unit"]), "ResourcedProvisionIndicator": _flag(row["resourced_provision"]),
    }  # fmt: skip


def _flag(text: str) -> bool | None:
    return {"Y": True, "N": False}.get(text)


@cache
def _ethnicities() -> dict[str, str]:
    """The main code of each extended one; none for who is not known."""
    return {row["local_value"]: row["code"] for row in seeds.rows("xwalk_ethnicity") if row["code"] != "UNKNOWN"}


def _records(frame: pd.DataFrame) -> list[Record]:
    """Rows as dictionaries, dates as days; what is blank is None or empty."""
    plain = {
        name: [None if pd.isna(each) else each.date() for each in frame[name]]
        for name in frame.columns
        if frame[name].dtype.kind == "M"
    }
    held = {name: plain[name] if name in plain else frame[name].tolist() for name in map(str, frame.columns)}
    return [dict(zip(held, row, strict=True)) for row in zip(*held.values(), strict=True)]


def _by(records: Iterable[Record], key: str) -> dict[Any, list[Record]]:
    found: dict[Any, list[Record]] = defaultdict(list)
    for record in records:
        found[record[key]].append(record)
    return found


def xml_name(returned: Returned) -> str:
    """The name of its XML."""
    return f"SEN2_{returned.year}_{returned.la_code}.xml"


def write_xml(path: Path, returned: Returned, shape: int = NEW_2026) -> None:
    """Write it as XML: of the shape of a survey year, which has other elements up to 2023 and up to 2025."""
    below = returned.children()

    def lines(table: str, row: Row, depth: int) -> Iterator[str]:
        pad = " " * depth
        yield f"{pad}<{ELEMENTS[table]}>"
        values = {tag: row.values.get(tag) for tag in TAGS[table]}
        if shape < NEW_2024 and table == "activeplans":
            first = next(iter(below["placementdetail"][row.number]), None)
            values = {"TransferLA": values["TransferLA"], "RES": first.values.get("Res") if first else None, **values}
        for tag, value in values.items():
            if value not in (None, "") and shape >= SINCE.get(tag, 0):
                name = "GenderCurrent" if tag == "Sex" and shape < NEW_2024 else tag
                yield f"{pad} <{name}>{escape(_xml(value))}</{name}>"
        for child, parent in PARENTS.items():
            if parent == table:
                for each in below[child][row.number]:
                    yield from lines(child, each, depth + 1)
        yield f"{pad}</{ELEMENTS[table]}>"

    header = {tag: escape(_xml(value)) for tag, value in returned.tables["sen2"][0].values.items()}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?>\n<Message>\n <Header>\n')
        for name, tags in (("CollectionDetails", HEADER), ("Source", SOURCE)):
            file.write(
                f"  <{name}>\n" + "".join(f"   <{tag}>{header[tag]}</{tag}>\n" for tag in tags) + f"  </{name}>\n"
            )
        file.write(" </Header>\n <Persons>\n")
        for person in returned.tables["person"]:
            file.writelines(f"{line}\n" for line in lines("person", person, 2))
        file.write(" </Persons>\n</Message>\n")


def _xml(value: Value) -> str:
    return "01"[value] if isinstance(value, bool) else value.isoformat() if isinstance(value, date) else str(value)


def write_blades(folder: Path, returned: Returned) -> list[Path]:
    """Write the nine CSVs of a COLLECT blade, one a table."""
    paths = []
    for table, rows in returned.tables.items():
        parent = PARENTS.get(table)
        head = [f"{table}tableid", "NativeId", f"{table}orderseqcolumn", "sourceid"] + [f"{parent}tableid"] * bool(
            parent
        )
        seen: dict[int, int] = defaultdict(int)
        path = folder / f"Blade-Export_{returned.day:%d-%m-%Y}_{table}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(head + [tag.lower() for tag in TAGS[table]])
            for row in rows:
                seen[row.parent] += 1
                keys = [row.number, returned.la_code, seen[row.parent], row.number, *([row.parent] if parent else [])]
                out.writerow(keys + [_blade(row.values.get(tag)) for tag in TAGS[table]])
        paths.append(path)
    return paths


def _blade(value: Value) -> str:
    if isinstance(value, date):
        return f"{value:%Y-%b-%d} 00:00:00"
    return "" if value is None else _xml(value)


# Title of each table, and its headings in the order of the tags above unless the second part says otherwise.
_PLACE_HEADINGS = (
    "URN - Unique Reference Number", "UKPRN - UK Provider Reference Number", "SEN Setting – Establishment type",
    "SEN Setting - Other", "Placement Rank (1=Primary, 2=Secondary)",
)  # fmt: skip
_UNIT_HEADINGS = ("SEN Unit Indicator", "Resourced Provision Indicator")
_HOME, _WORK = "Residential Settings", "Work Based Learning Activity"
TEMPLATE = {
    "sen2": ("Header Record", (
        "Collection Name", "Year", "Reference Date", "Source Level", "LA Number", "Software Code", "Release",
        "Serial Number", "Date & Time", "Designated Medical Officer", "Designated Clinical Officer",
        "Designated Social Care Officer",
    )),
    "person": ("Person Record", (
        "Surname", "Forename", "Date of Birth", "Sex", "Ethnicity", "Post Code", "UPN - Unique Pupil Number",
        "ULN - Young Persons Unique Learner Number", "UPN and ULN unavailable – Reason",
    )),
    "requests": ("Requests Records", (
        "Date request was received", "Source of request for an EHC needs assessment", "Initial Request Whilst In RYA",
        "Request Outcome Date", "Request Outcome", "Request Mediation", "Request Tribunal",
        "Exported - Child or young person moves out of LA before assessment is completed",
    )),
    "assessment": ("Assessments Records", (
        "Assessment Outcome - Decision to issue EHC plan", "Assessment Outcome Date", "Assessment Mediation",
        "Assessment Tribunal", "Other Mediation", "Other Tribunal", "Twenty week time limit exceptions apply",
    )),
    "namedplan": ("Named Plan Records", (
        "EHC Plan Start Date", _HOME, _WORK, "Personal Budget taken up", "Personal Budget - Organised Arrangements",
        "Personal Budget - Direct Payments", "Date EHC plan ceased", "Reason EHC plan ceased",
    )),
    "plandetail": ("Plan Detail Records", (*_PLACE_HEADINGS, *_UNIT_HEADINGS)),
    "activeplans": ("Active Plan Records", (
        "EHC Plan transferred in from another LA during calendar year", "Annual Review Meeting Date",
        "Annual Review Decision", "Annual review – date draft amended EHC plan issued",
        "Phase transfer review - due date for any amended plan", "Phase transfer review - final plan date",
        "EHC Plan Review Decisions Date",
    )),
    "placementdetail": ("Placement Detail Records", (
        *_PLACE_HEADINGS, "Placement Start Date", "Placement Leaving Date", *_UNIT_HEADINGS, _HOME, _WORK,
    )),
    "senneed": ("SEN Need Records", ("SEN Type of Need", "SEN Type of Need rank  (1=Primary, 2=Secondary)")),
}  # fmt: skip
NOTE = "\n(see the guide)"  # below some headings of the template stands a note


def write_template(path: Path, returned: Returned) -> None:
    """Write it into the DfE's workbook: nine tables below one another in one sheet, numbers as Excel keeps them."""
    with xlsxwriter.Workbook(str(path)) as book:
        sheet, at = book.add_worksheet("Data Entry Template"), 0
        for table, (title, headings) in TEMPLATE.items():
            keys = (
                [] if table == "sen2" else ["Person ID"] if table == "person" else ["Person ID", "Requests record ID"]
            )
            sheet.write_string(at, 0, title)
            names = ["Record Type", "LA", *keys, *headings]
            sheet.write_row(at + 1, 0, [f"{name}{NOTE}" if name == "Post Code" else name for name in names])
            at += 2
            for row in returned.tables[table]:
                ids = _ids(returned, table, row) if keys else []
                cells = [title.split(" Rec")[0], float(returned.la_code), *map(float, ids)]
                sheet.write_row(at, 0, cells + [_cell(tag, row.values.get(tag)) for tag in TAGS[table]])
                at += 1
            at += 2


def _cell(tag: str, value: Value) -> str | float | None:
    """As the template holds it: flags as 0.0 and 1.0, days as text, the time as a serial, numbers for digits."""
    if tag == "DateTime":
        at = datetime.fromisoformat(str(value))
        return (at - datetime.combine(date(1899, 12, 30), time())) / timedelta(days=1)
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if tag in ("URN", "UKPRN", "PlacementRank", "SENtypeRank", "Year") and value else value or None


def _ids(returned: Returned, table: str, row: Row) -> list[int]:
    """The person and the request that a row belongs to."""
    while table not in ("person", "requests"):
        table, row = PARENTS[table], returned.tables[PARENTS[table]][row.parent - 1]
    return [row.number] if table == "person" else [row.parent, row.number]


def write_pre_submission(path: Path, returned: Returned) -> None:
    """Write it as a case system's workbook: a sheet a table but the header, tags in small letters, real dates."""
    with xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"}) as book:
        for table, (title, _) in list(TEMPLATE.items())[1:]:
            sheet = book.add_worksheet(title.partition(" Record")[0])
            keys = ["persontableid", "requeststableid"][: 1 if table == "person" else 2]
            tags = [{"RequestSource": "rquestsource"}.get(tag, tag.lower()) for tag in TAGS[table]]
            sheet.write_row(0, 0, keys + tags)
            for at, row in enumerate(returned.tables[table], start=1):
                sheet.write_row(at, 0, _ids(returned, table, row))
                for column, tag in enumerate(TAGS[table], start=len(keys)):
                    value = row.values.get(tag)
                    if value not in (None, ""):
                        sheet.write(at, column, int(value) if isinstance(value, bool) else value)


D2I: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "m1": ("person", (
        ("Surname", "Surname"), ("Forename", "Forename"), ("Dob (ccyy-mm-dd)", "PersonBirthDate"), ("Gender", "Sex"),
        ("Ethnicity", "Ethnicity"), ("Postcode", "PostCode"), ("UPN - Unique Pupil Number", "UPN"),
        ("ULN - Young Persons Unique Learner Number", "UniqueLearnerNumber"),
        ("UPN and ULN unavailable reason", "UPNunknown"),
    )),
    "m2": ("requests", (
        ("Date Request Was Received", "ReceivedDate"), ("Initial Request Whilst In RYA", "RYA"),
        ("Request Outcome Date", "RequestOutcomeDate"), ("Request Outcome", "RequestOutcome"),
        ("Request Mediation", "RequestMediation"), ("Request Tribunal", "RequestTribunal"),
        ("Exported - Child Or Young Person Moves Out Of LA Before Assessment Is Completed", "Exported"),
        ("New start date", ""),
    )),
    "m3": ("assessment", (
        ("Assessment Outcome To Issue EHCP", "AssessmentOutcome"), ("Assessment Outcome Date", "AssessmentOutcomeDate"),
        ("Assessment Mediation", "AssessmentMediation"), ("Assessment Tribunal", "AssessmentTribunal"),
        ("Other Mediation", "OtherMediation"), ("Other Tribunal", "OtherTribunal"),
        ("Twenty Weeks Time Limit Exceptions Apply", "Week20"),
    )),
    "m4": ("namedplan", (
        ("EHC Plan Start Date", "StartDate"), ("Residential Settings", "PlanRes"),
        ("Worked based learning activity", "PlanWBP"), ("Personal budget taken up", "PB"),
        ("Personal budget - organised arrangements", "OA"), ("Personal budget - direct payments", "DP"),
        ("Date EHC Plan Ceased", "CeaseDate"), ("Reason EHC Plan Ceased", "CeaseReason"),
    )),
    "m5": ("activeplans", (
        ("EHC Plan (Transfer)", "TransferLA"), ("Residential Settings", ""), ("Worked based learning activity", ""),
        ("EHCP review decisions date", "LastReview"),
    )),
}  # fmt: skip


def write_d2i(folder: Path, returned: Returned) -> list[Path]:
    """Write the five CSVs of the D2I tool: no placements, no needs, and less of the rest."""
    paths = []
    for number, (table, columns) in D2I.items():
        path = folder / f"SEN2_{returned.year}_{number}.csv"
        keys = ["Person ID"] + [] * (table == "person")
        if table != "person":
            keys.append("Request Records ID" if number in ("m4", "m5") else "Requests Record ID")
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file)
            out.writerow(keys + [heading for heading, _ in columns])
            for row in returned.tables[table]:
                values = [row.values.get(tag) for _, tag in columns]
                out.writerow(_ids(returned, table, row) + ["" if each is None else _xml(each) for each in values])
        paths.append(path)
    return paths


FORMS: dict[str, Callable[[Path, Returned], object]] = {
    "xml": lambda folder, made: write_xml(folder / xml_name(made), made),
    "blades": write_blades,
    "template": lambda folder, made: write_template(folder / f"SEN2 {made.year} template.xlsx", made),
    "pre_submission": lambda folder, made: write_pre_submission(folder / f"SEN2 {made.year} pre-submission.xlsx", made),
    "d2i": write_d2i,
}
