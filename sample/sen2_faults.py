"""Faults for each check of the SEN2 return that what councils record can break, planted after all others.

`S2-...` in the answer key is a check of the return; what else is expected is as in fault_list.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from sample import sen2
from sample.chance import Scene
from sample.fault_list import ASS, NEE, NOBODY, ON_1, PLA, REV, STU
from sample.faults import Plot

PLC = sen2.PLACEMENTS
Record = dict[str, str]


def _moved(text: str, days: int) -> str:
    return f"{date(int(text[6:]), int(text[3:5]), int(text[:2])) + timedelta(days):%d/%m/%Y}"


@dataclass(frozen=True)
class Change:
    """A fault in the cells of one record: which records can have it, and what becomes of them.

    `where` may ask for @year, the year that the return is about, @latest, the reviews that are a plan's latest, and
    @alone, the students at one placement.
    """

    name: str
    feed: str
    column: str  # that the answer key names
    changes: Callable[[Record], Record]
    expected: str
    where: str


NONE = dict.fromkeys(("mediation", "tribunal", *sen2.FLAGS), "N")
OPEN = f"{ON_1} and cease_date == ''"
CEASED = "p_role == 'ceased' and not p_case and cease_date.str.slice(6) == @year"
ISSUED = f"{ON_1} and final_issued_date.str.slice(6) == @year and final_issued_date.str.slice(3, 5) > '02'"
REFUSED = ("not p_case and decision_to_assess == 'N' and decision_notified_date.str.slice(6) == @year"
           " and received_date.str.slice(6) == @year and received_date.str.slice(3, 5) > '01'")  # fmt: skip
HERE = f"{ON_1} and section_i == 'N' and leaving_date == ''"
AT_SCHOOL = f"{HERE} and urn != ''"


def _other_letter(upn: str) -> str:
    return ("B" if upn[0] == "A" else "A") + upn[1:]


def _set(**values: str) -> Callable[[Record], Record]:
    return lambda record: values


CHANGES = (
    # Requests and assessments, those first that few can have.
    Change("SEN2: refusal of a plan without its day", ASS, "no_plan_notified_date", _set(decision_to_issue="N"),
           "S2-301", "not p_case and decision_to_assess == 'Y' and decision_to_issue == '' and inactive_date == ''"
           " and decision_notified_date.str.slice(6) == @year"),
    Change("SEN2: issued before it was decided to assess", ASS, "decision_notified_date",
           lambda held: {"decision_notified_date": _moved(held["final_issued_date"], 3)}, "S2-302",
           f"{ISSUED} and final_issued_date.str.slice(3, 5) < '09'"),
    Change("SEN2: refused before it was asked for", ASS, "decision_notified_date",
           lambda held: {"decision_notified_date": _moved(held["received_date"], -3)}, "S-ASS-04 S2-204", REFUSED),
    Change("SEN2: plan refused, and issued all the same", ASS, "decision_to_issue",
           lambda held: {"decision_to_issue": "N", "no_plan_notified_date": held["draft_issued_date"], **NONE},
           "S-ASS-10 S2-304", f"{ISSUED} and draft_issued_date.str.slice(6) == @year"),
    Change("SEN2: request without its day", ASS, "received_date", _set(received_date=""), "S-ASS-02 S2-201", ISSUED),
    Change("SEN2: request without its source", ASS, "request_source", _set(request_source=""), "S2-202",
           f"{ISSUED} and received_date.str.slice(6) == @year"),
    Change("SEN2: refusal without its day", ASS, "decision_notified_date", _set(decision_notified_date=""),
           "S-ASS-09 S2-203", REFUSED),
    Change("SEN2: refused to assess, and a plan", ASS, "decision_to_assess", _set(decision_to_assess="N", **NONE),
           "S2-205", ISSUED),
    Change("SEN2: moved to an authority that is none", ASS, "exported_to_la", _set(exported_to_la="Y"), "S-ASS-13",
           "not p_case and inactive_reason == 'AWI'"),
    # Persons.
    Change("SEN2: over 25 with an open plan", STU, "date_of_birth",
           lambda held: {"date_of_birth": _moved(held["date_of_birth"], -(27 - int(held["p_age"])) * 365)}, "S2-101",
           f"{ON_1} and p_age < 20 and date_of_birth != ''"),
    Change("SEN2: UPN with a wrong check letter", STU, "upn", lambda held: {"upn": _other_letter(held["upn"])},
           "L-113 S2-102", f"{ON_1} and upn != ''"),
    Change("SEN2: neither UPN nor ULN, and no reason", STU, "upn", _set(upn="", uln="", upn_unknown_reason=""),
           "L-115 S2-104", f"{ON_1} and upn != '' and p_age >= 7"),
    Change("SEN2: too old for the reason", STU, "upn_unknown_reason", _set(upn="", uln="", upn_unknown_reason="UN1"),
           "S2-105", f"{ON_1} and upn != '' and p_age >= 8"),
    Change("SEN2: sex not known", STU, "sex", _set(sex="U"), "S2-106", ON_1),
    Change("SEN2: postcode a word", STU, "postcode", _set(postcode="nope"), "S-STU-09 S2-106",
           f"{ON_1} and not p_care"),
    # Plans.
    Change("SEN2: plan without any date", PLA, "initial_plan_date",
           _set(initial_plan_date="", current_plan_date="", plan_start_date=""), "S-PLA-02 S2-402", OPEN),
    Change("SEN2: plan from before there were any", PLA, "plan_start_date", _set(plan_start_date="01/06/2013"),
           "S2-402", OPEN),
    Change("SEN2: ceased without a reason", PLA, "cease_reason", _set(cease_reason=""), "S-PLA-06 S2-403", CEASED),
    Change("SEN2: ceased for another reason", PLA, "cease_reason", _set(cease_reason="9"), "S2-404", CEASED),
    Change("SEN2: ceased for an age not reached", PLA, "cease_reason", _set(cease_reason="1"), "S2-405",
           f"{CEASED} and p_age < 18"),
    Change("SEN2: arrangements without a budget", PLA, "organised_arrangements", _set(organised_arrangements="Y"),
           "S2-406", f"{OPEN} and personal_budget == 'N'"),
    Change("SEN2: phase transfer finished late", PLA, "phase_transfer_final_date",
           lambda held: {"phase_transfer_final_date": _moved(held["phase_transfer_due_date"], 20)}, "S2-511",
           f"{OPEN} and phase_transfer_due_date.str.slice(6) == @year"
           " and phase_transfer_due_date.str.slice(3, 5) < '04'"),
    Change("SEN2: direct payment in words", PLA, "direct_payment", _set(direct_payment="Education only"), "unmapped",
           f"{OPEN} and personal_budget == 'Y'"),
    Change("SEN2: came from nowhere", PLA, "transferred_in_date", _set(transferred_in_date="01/02/2020"), "S-PLA-10",
           f"{OPEN} and transferred_in_from_la == ''"),
    # Reviews.
    Change("SEN2: decided before the review", REV, "decision_date",
           lambda held: {"decision_date": _moved(held["meeting_date"], -4)}, "S-REV-01 S2-509",
           "p_list == '1' and not p_case and review_id in @latest and decision_date != ''"),
    Change("SEN2: draft before the review", REV, "draft_amended_plan_date",
           lambda held: {"draft_amended_plan_date": _moved(held["meeting_date"], -30)}, "S-REV-07",
           "not p_case and meeting_date != '' and draft_amended_plan_date != ''"),
    # Placements.
    Change("SEN2: placement nowhere", PLC, "urn", _set(urn="", ukprn="", setting_type=""), "S2-502", AT_SCHOOL),
    Change("SEN2: no primary placement", PLC, "rank", _set(rank="2"), "S2-504",
           f"{AT_SCHOOL} and student_id in @alone"),
    Change("SEN2: two primary placements", PLC, "rank", _set(rank="1"), "S2-504", f"{AT_SCHOOL} and rank == '2'"),
    Change("SEN2: placement at a school that nobody has", PLC, "urn", _set(urn=NOBODY), "S2-505", AT_SCHOOL),
    Change("SEN2: neither unit nor resourced provision said", PLC, "sen_unit",
           _set(sen_unit="", resourced_provision=""), "S2-506", AT_SCHOOL),
    Change("SEN2: another setting", PLC, "setting_type", _set(urn="", setting_type="OTH", setting_other="Farm"),
           "S2-507", AT_SCHOOL),
    Change("SEN2: not in education under 16", PLC, "setting_type", _set(urn="", setting_type="NEET"), "S2-507",
           f"{AT_SCHOOL} and 8 <= p_age <= 13"),
    Change("SEN2: left before it came", PLC, "leaving_date",
           lambda held: {"leaving_date": _moved(held["entry_date"], -9)}, "S-PLC-03 S2-508",
           f"{AT_SCHOOL} and entry_date.str.slice(6) == @year and entry_date.str.slice(3, 5) > '01'"),
    Change("SEN2: named or attended not said", PLC, "section_i", _set(section_i=""), "S-PLC-01",
           f"{ON_1} and section_i == 'Y'"),
    Change("SEN2: rank in words", PLC, "rank", _set(rank="First"), "unreadable S-PLC-02",
           f"{ON_1} and section_i == 'Y'"),
    Change("SEN2: UKPRN too short", PLC, "ukprn", _set(ukprn="1234567"), "S-PLC-05", f"{ON_1} and section_i == 'Y'"),
    Change("SEN2: since when not said", PLC, "entry_date", _set(entry_date=""), "S-PLC-06", HERE),
    Change("SEN2: work based learning in words", PLC, "work_based_learning",
           _set(work_based_learning="Supported internship"), "unmapped", f"{HERE} and p_age >= 17"),
    Change("SEN2: unknown kind of setting", PLC, "setting_type", _set(setting_type="Castle"), "unmapped",
           f"{ON_1} and section_i == 'Y' and setting_type != ''"),
)  # fmt: skip


def plant(plot: Plot, scene: Scene, share: float) -> None:
    """Plant every fault, as many of each as fault_list.py does, by the lots of `scene`."""
    plot.rng = scene.rng
    listed = int((plot.people["p_list"] != "").sum())
    count = max(1, round(share * listed / (8 * len(CHANGES))))
    for structural in STRUCTURAL:
        structural(plot, count)
    scope = _scope(plot)
    for change in CHANGES:
        for row in plot.choose(change.feed, change.where, count, **scope):
            about = plot.people.iloc[plot.person(change.feed, row)]
            for column, value in change.changes(plot.record(change.feed, row) | {"p_age": str(about["p_age"])}).items():
                plot.change(change.feed, row, column, value)
            _note(plot, change.name, change.feed, row, change.column, change.expected)


def _scope(plot: Plot) -> dict[str, object]:
    reviews = plot.frames[REV]
    met = reviews[reviews["meeting_date"] != ""].assign(
        met=lambda rows: pd.to_datetime(rows["meeting_date"], format="%d/%m/%Y", errors="coerce")
    )
    latest = met.sort_values("met", kind="stable").drop_duplicates("plan_id", keep="last")
    here = plot.frames[PLC].query("section_i == 'N' and leaving_date == ''")["student_id"].value_counts()
    year = str(sen2.survey_year(plot.as_at) - 1)
    recent = latest[latest["met"] >= pd.Timestamp(plot.as_at) - pd.Timedelta(days=500)]
    return {"year": year, "latest": set(recent["review_id"]), "alone": set(here[here == 1].index)}


def _note(plot: Plot, name: str, feed: str, row: int | None, column: str, expected: str, **more: str) -> None:
    person = plot.person(feed, row) if row is not None else int(more.pop("person"))
    plot.note(name, feed, row, column, expected, person, **more)
    # The return has children who are on no list.
    plot.planted[-1].unique_id = str(plot.people["p_unique_id"].iat[person])


def _same_upn(plot: Plot, count: int) -> None:
    for row in plot.choose(STU, f"{ON_1} and upn != ''", count):
        for other in plot.choose(STU, f"{ON_1} and upn != ''", 1):
            plot.change(STU, row, "upn", plot.value(STU, other, "upn"))
            for one in (row, other):
                _note(plot, "SEN2: UPN of another child", STU, one, "upn", "P-01 109 S2-103")


def _no_need(plot: Plot, count: int) -> None:
    for row in plot.choose(NEE, f"{ON_1} and p_needs == 1", count):
        student, person = plot.value(NEE, row, "student_id"), plot.person(NEE, row)
        plot.drop(NEE, [row])
        _note(plot, "SEN2: no need", NEE, None, "sen_type", "101d S2-503", person=str(person),
              record=f"student_id={student}")  # fmt: skip


def _nowhere(plot: Plot, count: int) -> None:
    """No placement at all of a child whose plan is open: what section I names is left."""
    frame = plot.frames[PLC]
    for row in plot.choose(PLC, AT_SCHOOL, count):
        student, person = plot.value(PLC, row, "student_id"), plot.person(PLC, row)
        plot.drop(PLC, frame.index[(frame["student_id"] == student) & (frame["section_i"] == "N")])
        _note(plot, "SEN2: no placement", PLC, None, "urn", "S2-501", person=str(person),
              record=f"student_id={student}")  # fmt: skip


def _never_reviewed(plot: Plot, count: int) -> None:
    year = sen2.survey_year(plot.as_at) - 3
    for row in plot.choose(PLA, f"{OPEN} and p_reviewed and initial_plan_date.str.slice(6) < '{year}'", count):
        reviews = plot.frames[REV]
        plot.drop(REV, reviews.index[reviews["plan_id"] == plot.value(PLA, row, "plan_id")])
        _note(plot, "SEN2: plan without a review", PLA, row, "plan_id", "S2-510")


def _second_plan(plot: Plot, count: int) -> None:
    for number, row in enumerate(plot.choose(PLA, OPEN, count)):
        earlier = _moved(plot.value(PLA, row, "initial_plan_date"), -60)
        dates = dict.fromkeys(("initial_plan_date", "current_plan_date", "plan_start_date"), earlier)
        second = {"plan_id": f"81{number:05d}", **dates, "involvement_id": ""}
        added = plot.add(PLA, plot.record(PLA, row) | second)
        person = plot.person(PLA, row)
        plot.note("SEN2: second open plan", PLA, added, "plan_id", "L-110 S2-512", person)


def _rows_of_placements(plot: Plot, count: int) -> None:
    """What every feed may have: a row twice, two of one key, a blank key, and rows that belong to nobody."""
    for row in plot.choose(PLC, "p_list == ''", count):
        plot.add(PLC, plot.record(PLC, row) | {"rank": "2", "setting_other": "Moved"})
        plot.note("same key twice with different content", PLC, row, "", "same-key")
    for row in plot.choose(PLC, "", count):
        plot.add(PLC, plot.record(PLC, row))
        plot.note("exact repeat of a row", PLC, row, "", "duplicate")
    for row in plot.choose(PLC, "", count):
        added = plot.add(PLC, plot.record(PLC, row) | {"placement_id": " "})
        plot.note("key blank", PLC, added, "placement_id", "quarantine", record="blank")
    for column, start in (("student_id", 985), ("plan_id", 986)):
        for number, row in enumerate(plot.choose(PLC, "p_list == '' and leaving_date != ''", count)):
            record = plot.record(PLC, row)
            other = {column: f"{start}{number:04d}", "placement_id": f"{record['placement_id']}{start}"}
            plot.note("belongs to nobody", PLC, plot.add(PLC, record | other), column, "orphan")


STRUCTURAL: tuple[Callable[[Plot, int], None], ...] = (
    _same_upn, _no_need, _nowhere, _never_reviewed, _second_plan, _rows_of_placements,
)  # fmt: skip
