"""What happened to each child, read from the raw exports with nothing but the standard library.

Written from the definitions, independently of the pipeline: a second opinion on core.fct_event. It knows the
layouts that ship and tidy exports, and links records by the hub's Migrated Student ID, by UPN and by names.
"""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

Event = tuple[str, date, str, str, int | None]  # person, day, event type, source record, days late
Row = dict[str, str]
SPELLS = {  # feed: start, and the end that counts as blank when it comes before
    "capita_one_students": ("Date of Birth", "Date of Death"),
    "capita_one_enrolments": ("Entry Date", "Leaving Date"),
    "capita_one_sen_provision": ("Start Date", "End Date"),
    "capita_one_sen_needs": ("Start Date", "End Date"),
    "capita_one_ehcp_assessments": ("Received Date", "Inactive Date"),
    "capita_one_ehc_plans": ("Initial Plan Date", "Cease Date"),
    "capita_one_home_education": ("Start Date", "End Date"),
    "social_care_involvements": ("Start Date", "End Date"),
}
FORMATS = ("%d/%m/%Y", "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%b-%d %H:%M:%S")


def rows(folder: Path, feed: str, *key: str) -> list[Row]:
    """The rows of a feed's export; of rows that share a key, the last."""
    found: dict[object, Row] = {}
    for path in sorted(folder.glob(f"{feed}_[0-9]*.csv")):
        encoding = "cp1252" if feed.startswith("capita_one") else "utf-8-sig"
        for number, row in enumerate(csv.DictReader(path.read_text(encoding).splitlines())):
            tidy = {name: (value or "").strip() for name, value in row.items()}
            if feed in SPELLS:
                start, end = SPELLS[feed]
                tidy[end] = ended(tidy.get(start, ""), tidy.get(end, ""))
            found[tuple(ident(tidy[name]) for name in key) if key else number] = tidy
    return list(found.values())


def ident(text: str) -> str:
    return re.sub(r"\.0$", "", text)


def when(text: str) -> date | None:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    return None


def ended(start: str, end: str) -> str:
    begun, over = when(start), when(end)
    return "" if begun and over and over < begun else end


def is_undated(case: Row) -> bool:
    """Whether a plan was agreed and issued on a day that cannot be read."""
    return (
        case["Decision To Issue"] == "Agreed"
        and bool(case["Final Plan Issued"])
        and not when(case["Final Plan Issued"])
    )


def iso(text: str) -> str:
    """A date as a record reference shows it."""
    return str(when(text))


def plain(*words: str) -> str:
    letters = unicodedata.normalize("NFKD", " ".join(words).lower())
    return "".join(letter for letter in letters if letter.isalnum())


class Council:
    """The exports of one inbox, and who is who in them."""

    def __init__(self, folder: Path, as_at: date) -> None:
        self.as_at = as_at
        self.events: list[Event] = []

        def read(feed: str, *key: str) -> list[Row]:
            return rows(folder, feed, *key)

        self.students = read("capita_one_students", "Student ID")
        self.enrolments = read("capita_one_enrolments", "Student ID", "URN", "Entry Date")
        self.provision = read("capita_one_sen_provision", "Student ID", "Start Date")
        self.needs = read("capita_one_sen_needs", "Student ID", "SEN Type")
        self.assessments = read("capita_one_ehcp_assessments", "Involvement ID")
        self.plans = read("capita_one_ehc_plans", "Plan ID")
        self.reviews = read("capita_one_annual_reviews", "Review ID")
        self.attendance = read("capita_one_attendance", "Student ID", "URN", "Week Commencing")
        self.exclusions = read("capita_one_exclusions", "Exclusion ID")
        self.home = read("capita_one_home_education", "Student ID", "Start Date")
        self.cases = read("ehc_hub_cases", "Case Reference")
        self.advice = read("ehc_hub_advice", "Case Reference", "Advice Type", "Requested")
        self.hub_reviews = read("ehc_hub_reviews", "Review Reference")
        self.care = read("social_care_involvements", "Person ID", "Status", "Start Date")
        self.case_person = self._case_persons()
        self.care_person = self._care_persons()

    def _students(self) -> tuple[dict[tuple[str, date | None], set[str]], dict[str, set[str]]]:
        by_upn: dict[tuple[str, date | None], set[str]] = defaultdict(set)
        by_name: dict[str, set[str]] = defaultdict(set)
        for row in self.students:
            born = when(row["Date of Birth"])
            for upn in filter(None, (row["UPN"].upper(), row["Former UPN"].upper())):
                by_upn[upn, born].add(ident(row["Student ID"]))
            if born and row["Surname"] and row["Forename"] and row["Postcode"]:
                by_name[f"{plain(row['Surname'], row['Forename'], row['Postcode'])} {born}"].add(
                    ident(row["Student ID"])
                )
        return by_upn, by_name

    def _case_persons(self) -> dict[str, str]:
        by_upn, by_name = self._students()
        all_ids = {ident(row["Student ID"]) for row in self.students}
        found: dict[str, str] = {}
        alone: dict[object, list[str]] = defaultdict(list)
        for row in self.cases:
            case, born = row["Case Reference"], when(row["Child DOB"])
            name = f"{plain(row['Child Last Name'], row['Child First Name'], row['Postcode'])} {born}"
            migrated = {ident(row["Migrated Student ID"])} & all_ids
            students = migrated or by_upn.get((row["Child UPN"].upper(), born)) or by_name.get(name) or set()
            if len(students) == 1:
                found[case] = min(students)
            else:
                alone[(row["Child UPN"].upper(), born) if row["Child UPN"] else name].append(case)
        for cases in alone.values():
            found |= dict.fromkeys(cases, f"HUB-{min(cases)}")
        return found

    def _care_persons(self) -> dict[str, str]:
        by_upn, by_name = self._students()
        of_case: dict[object, set[str]] = defaultdict(set)  # a case knows a child that the student record does not show
        for row in self.cases:
            born = when(row["Child DOB"])
            name = f"{plain(row['Child Last Name'], row['Child First Name'], row['Postcode'])} {born}"
            for key in ((row["Child UPN"].upper(), born), name):
                of_case[key].add(self.case_person[row["Case Reference"]])
        found = {}
        for row in self.care:
            born = when(row["DOB"])
            upn, name = row["UPN"].upper(), f"{plain(row['Last Name'], row['First Name'], row['Postcode'])} {born}"
            ways = (by_upn.get((upn, born)) if upn else None, by_name.get(name))
            ways += (of_case.get((upn, born)) if upn else None, of_case.get(name))
            persons = next(filter(None, ways), set())
            found[row["Person ID"]] = min(persons) if len(persons) == 1 else f"SC-{row['Person ID']}"
        return found

    def happened(self) -> set[Event]:
        """Every event up to the as-at date."""
        for tell in (
            self._requests,
            self._plans,
            self._reviews,
            self._advice,
            self._schools,
            self._spells,
            self._absence,
        ):
            tell()
        return set(self.events)

    def _add(self, person: str, day: date | None, kind: str, record: str, late: int | None = None) -> None:
        if person and day and day <= self.as_at:
            self.events.append((person, day, kind, record, late))

    def _all_requests(self) -> Iterator[dict[str, tuple[date | None, str]]]:
        """Requests of both systems, one a child and day: for each milestone its date and the record that holds it."""
        merged: dict[tuple[str, date | None], list[dict[str, object]]] = defaultdict(list)
        for row in sorted(self.assessments, key=lambda row: (row["Assessment Type"] == "AOL", row["Involvement ID"])):
            record = f"involvement_id={ident(row['Involvement ID'])}"
            milestones = {
                "received": row["Received Date"], "assess": row["Decision Notified Date"],
                "draft": row["Draft Issued Date"], "issue": row["No Plan Notified Date"],
                "refuse": row["No Plan Notified Date"], "final": row["Date Final Issued"],
                "closed": row["Inactive Date"],
            }  # fmt: skip
            key = ident(row["Student ID"]), when(row["Received Date"])
            about = {"aol": row["Assessment Type"] == "AOL", "assess_no": row["Decision To Assess"] == "N"}
            merged[key].append({"record": record, **about} | {name: when(day) for name, day in milestones.items()})
        for row in sorted(self.cases, key=lambda row: row["Case Reference"]):
            refused = row["Decision To Issue"] == "Refused"
            milestones = {
                "received": row["Request Received"], "assess": row["Decision To Assess Date"],
                "draft": row["Draft Plan Sent"], "issue": row["Decision To Issue Date"],
                "refuse": row["Decision To Issue Date"] if refused else "", "final": row["Final Plan Issued"],
                "closed": "" if is_undated(row) else ended(row["Request Received"], row["Case Closed"]),
            }  # fmt: skip
            key = self.case_person[row["Case Reference"]], when(row["Request Received"])
            about = {"aol": False, "assess_no": row["Decision To Assess"] == "Refused"}
            record = f"case_reference={row['Case Reference']}"
            merged[key].append({"record": record, **about} | {name: when(day) for name, day in milestones.items()})
        for (person, _), held in merged.items():
            first: dict[str, tuple[date | None, str]] = {"person": (None, person), "aol": (None, str(held[0]["aol"]))}
            for name in ("received", "assess", "draft", "issue", "refuse", "final", "closed"):
                holder = next((each for each in held if each[name]), None)
                first[name] = (holder[name], str(holder["record"])) if holder else (None, "")  # type: ignore[assignment]
            decided = next((each for each in held if each["assess_no"] or each["assess"]), {"assess_no": False})
            first["assess_no"] = (None, str(decided["assess_no"]))
            first["records"] = (None, " ".join(str(each["record"]) for each in held))
            yield first

    def _requests(self) -> None:
        for request in self._all_requests():
            person = request["person"][1]
            start = None if request["aol"][1] == "True" else request["received"][0]
            self._add(person, request["received"][0], "request_received", request["received"][1])
            self._add(
                person,
                request["assess"][0],
                "assess_decision",
                request["assess"][1],
                over(request["assess"][0], start, 42),
            )
            self._add(person, request["draft"][0], "draft_plan", request["draft"][1])
            if request["refuse"][0]:
                day, record = request["refuse"]
                self._add(person, day, "issue_refusal", record, over(day, start, 112))
            else:
                self._add(person, request["issue"][0], "issue_decision", request["issue"][1])
            day, record = request["closed"]
            told = {request["refuse"][0]} | ({request["assess"][0]} if request["assess_no"][1] == "True" else set())
            if not request["final"][0] and day not in told:
                self._add(person, day, "request_closed", record)

    def _plan_records(self) -> Iterator[Row]:
        """Plans of Capita One, and of the hub for a child without any there."""
        for row in self.plans:
            if row["Student ID"]:
                yield row | {
                    "person": ident(row["Student ID"]), "system": "one", "amended": row["Current Plan Date"],
                    "record": f"plan_id={ident(row['Plan ID'])}",
                    "of": f"involvement_id={ident(row['Involvement ID'])}",
                }  # fmt: skip
        held = {ident(row["Student ID"]) for row in self.plans}
        for row in self.cases:
            person = self.case_person[row["Case Reference"]]
            if (when(row["Final Plan Issued"]) or is_undated(row)) and person not in held:
                record = f"case_reference={row['Case Reference']}"
                yield {
                    "person": person, "system": "hub", "record": record, "of": record,
                    "Initial Plan Date": row["Final Plan Issued"], "amended": row["Plan Last Amended"],
                    "Cease Date": ended(row["Final Plan Issued"] if when(row["Final Plan Issued"])
                                        else row["Request Received"], row["Case Closed"]),
                    "Phase Transfer Final Date": "", "Phase Transfer Due Date": "",
                }  # fmt: skip

    def _plans(self) -> None:
        plans = sorted(
            self._plan_records(), key=lambda plan: (when(plan["Initial Plan Date"]) or date.max, plan["record"])
        )
        starts: dict[str, date] = {}
        for request in self._all_requests():
            final, holder = request["final"]
            if not final:
                continue
            person, start = request["person"][1], request["received"][0]
            own = [plan for plan in plans if plan["person"] == person and when(plan["Initial Plan Date"])]
            other = "one" if holder.startswith("case_") else "hub"
            last = request["closed"][0] or self.as_at
            ways: tuple[Callable[[Row], bool], ...] = (
                lambda plan, request=request: plan["of"] == request["received"][1],  # type: ignore[misc]
                lambda plan, final=final: when(plan["Initial Plan Date"]) == final,  # type: ignore[misc]
                lambda plan, request=request, other=other, start=start, last=last: (  # type: ignore[misc]
                    plan["of"] == request["closed"][1]
                    or (plan["system"] == other and start <= (when(plan["Initial Plan Date"]) or date.max) <= last)
                ),
            )
            led_to = next((plan for way in ways for plan in own if way(plan)), None)
            begun = None if request["aol"][1] == "True" else start
            if not led_to:
                self._add(person, final, "plan_issued", holder, over(final, begun, 140))
                self._add(person, request["closed"][0], "plan_ceased", request["closed"][1])
            elif begun:
                starts[led_to["record"]] = max(begun, starts.get(led_to["record"], begun))
        for plan in plans:
            first = when(plan["Initial Plan Date"])
            late = over(first, starts.get(plan["record"]), 140)
            self._add(plan["person"], first, "plan_issued", plan["record"], late)
            self._add(plan["person"], when(plan["Cease Date"]), "plan_ceased", plan["record"])
            moved, due = when(plan["Phase Transfer Final Date"]), when(plan["Phase Transfer Due Date"])
            self._add(plan["person"], moved, "phase_transfer_plan", plan["record"], over(moved, due, 0))

    def _all_reviews(self) -> Iterator[Row]:
        """Reviews of both systems, one a plan and meeting, Capita One's first."""
        plan_of = {ident(row["Plan ID"]): ident(row["Student ID"]) for row in self.plans}
        seen = set()
        for row in self.reviews:
            plan = ident(row["Plan ID"])
            if row["Meeting Date"]:
                seen.add((plan, when(row["Meeting Date"])))
            record = f"review_id={ident(row['Review ID'])}"
            yield row | {"person": plan_of.get(plan, ""), "record": record}
        for row in sorted(self.hub_reviews, key=lambda row: row["Review Reference"]):
            person = self.case_person[row["Case Reference"]]
            key = self._main_plan(person) or row["Case Reference"], when(row["Meeting Date"])
            if key not in seen:
                seen.add(key)
                yield {
                    "person": person, "record": f"review_reference={row['Review Reference']}", "Due Date": "",
                    "Meeting Date": row["Meeting Date"], "Decision Date": row["Decision Sent"],
                    "Amendment Notice Date": row["Amendment Notice Sent"],
                    "Final Amended Plan Date": row["Amended Plan Issued"],
                }  # fmt: skip

    def _main_plan(self, person: str) -> str | None:
        """The plan in Capita One that stands for a child: open before ceased, then the latest."""
        own = [row for row in self.plans if ident(row["Student ID"]) == person]

        def order(row: Row) -> tuple[bool, date, date, str]:
            first, end = when(row["Initial Plan Date"]) or date.min, when(row["Cease Date"])  # undated: open
            is_open = first <= self.as_at and (not end or end > self.as_at)
            return is_open, first, when(row["Current Plan Date"]) or date.min, ident(row["Plan ID"])

        return ident(max(own, key=order)["Plan ID"]) if own else None

    def _reviews(self) -> None:
        amended = set()
        for row in self._all_reviews():
            person, record, met = row["person"], row["record"], when(row["Meeting Date"])
            decided, notice = when(row["Decision Date"]), when(row["Amendment Notice Date"])
            self._add(person, met, "review_meeting", record, over(met, when(row["Due Date"]), 0))
            self._add(person, decided, "review_decision", record, over(decided, met, 28))
            self._add(person, notice, "amendment_notice", record, over(notice, met, 28))
            final = when(row["Final Amended Plan Date"])
            if final and person and (person, final) not in amended:
                amended.add((person, final))
                self._add(person, final, "plan_amended", record, over(final, met, 84))
        for plan in self._plan_records():
            day, first = when(plan["amended"]), when(plan["Initial Plan Date"])
            is_later = plan["system"] == "hub" or bool(day and first and day > first)
            if day and is_later and (plan["person"], day) not in amended:
                amended.add((plan["person"], day))
                self._add(plan["person"], day, "plan_amended", plan["record"])

    def _advice(self) -> None:
        for row in self.advice:
            person = self.case_person[row["Case Reference"]]
            asked, came = when(row["Requested"]), when(row["Received"])
            record = f"case_reference={row['Case Reference']}; advice_type={row['Advice Type']}; requested_date={asked}"
            if came and came <= self.as_at:
                self._add(person, asked, "advice_requested", record)
                self._add(person, came, "advice_received", record, over(came, asked, 42))
            else:
                self._add(person, asked, "advice_awaited", record, over(self.as_at, asked, 42))

    def _schools(self) -> None:
        for row in self.enrolments:
            person = ident(row["Student ID"])
            record = f"student_id={person}; urn={ident(row['URN'])}; entry_date={iso(row['Entry Date'])}"
            self._add(person, when(row["Entry Date"]), "school_joined", record)
            self._add(person, when(row["Leaving Date"]), "school_left", record)
        for row in self.exclusions:
            kind = {"SUSP": "suspension", "PERM": "permanent_exclusion"}[row["Category"]]
            record = f"exclusion_id={ident(row['Exclusion ID'])}"
            self._add(ident(row["Student ID"]), when(row["Start Date"]), kind, record)

    def _spells(self) -> None:
        for kind, spells in (("home_education", self.home), ("sen_provision", self.provision)):
            for row in spells:
                person = ident(row["Student ID"])
                record = f"student_id={person}; start_date={iso(row['Start Date'])}"
                self._add(person, when(row["Start Date"]), f"{kind}_started", record)
                self._add(person, when(row["End Date"]), f"{kind}_ended", record)
        for row in self.needs:
            person = ident(row["Student ID"])
            record = f"student_id={person}; sen_type={row['SEN Type']}"
            self._add(person, when(row["Start Date"]), "need_recorded", record)
            self._add(person, when(row["End Date"]), "need_ended", record)
        for row in self.care:
            person = self.care_person[row["Person ID"]]
            record = f"person_id={row['Person ID']}; status={row['Status']}; start_date={iso(row['Start Date'])}"
            self._add(person, when(row["Start Date"]), "social_care_started", record)
            self._add(person, when(row["End Date"]), "social_care_ended", record)
        for row in self.students:
            self._add(
                ident(row["Student ID"]), when(row["Date of Death"]), "died", f"student_id={ident(row['Student ID'])}"
            )

    def _absence(self) -> None:
        """Spells of weeks with half or more missed, over weeks with sessions."""
        weeks: dict[str, dict[date, list[float]]] = defaultdict(dict)
        begins: dict[tuple[str, date], date] = {}
        for row in self.attendance:
            day, possible = when(row["Week Commencing"]), float(row["Sessions Possible"])
            if not day or day > self.as_at or not possible:
                continue
            person, monday = ident(row["Student ID"]), day - timedelta(days=day.weekday())
            week = weeks[person].setdefault(monday, [0, 0])
            week[0] += possible
            week[1] += float(row["Authorised Absence"] or 0) + float(row["Unauthorised Absence"] or 0)
            begins[person, monday] = min(day, begins.get((person, monday), day))
        for person, held in weeks.items():
            was_severe = False
            for monday in sorted(held):
                is_severe = 2 * held[monday][1] >= held[monday][0]
                if is_severe and not was_severe:
                    first = begins[person, monday]
                    self._add(person, first, "severe_absence", f"student_id={person}; week_commencing={first}")
                was_severe = is_severe


def over(day: date | None, start: date | None, allowed: int) -> int | None:
    """Days beyond a limit, 0 in time; None when there is nothing to count."""
    return max((day - start).days - allowed, 0) if day and start else None
