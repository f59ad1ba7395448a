"""The same return in each form in which councils have one, by writers of the tests' own."""

import csv
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

from tests.extract.sen2.truth import CHILDREN, COLUMNS, HEADER, PARENT, PERSONS, TAGS, Row, tables

OTHER_SPELLINGS = {"SENsetting": "SENSetting", "SENsettingOther": "SENSettingOther", "Res": "RES", "WBP": "WPB",
                   "PlanWBP": "PlanWPB", "PostCode": "Postcode", "SENtype": "SENType"}  # fmt: skip


def xml(
    persons: list[Row] | None = None,
    header: dict[str, str] | None = None,
    *,
    spelling: dict[str, str] | None = None,
    namespace: str = "",
    children_first: bool = False,
    version: int = 2026,
    lines: str = "\n",
    declaration: str = '<?xml version="1.0" encoding="UTF-8"?>',
) -> str:
    """A return as XML. `namespace` is a prefix, or `=` for the one without; before 2024 sex has another tag."""
    spelling = spelling or {}
    mark = f"{namespace}:" if namespace not in ("", "=") else ""
    given = HEADER | (header or {})

    def element(tag: str, inner: str) -> str:
        return f"<{mark}{tag}>{inner}</{mark}{tag}>{lines}"

    def module(name: str, row: Row) -> str:
        values = "".join(
            element(_tag(name, tag, version, spelling), escape(str(row[column])))
            for tag, column, _ in COLUMNS[name]
            if row.get(column) is not None
        )
        below = "".join(module(child, each) for child in CHILDREN.get(name, ()) for each in row.get(child, ()))
        return element(
            spelling.get(TAGS[name], TAGS[name]), lines + (below + values if children_first else values + below)
        )

    details = "".join(element(tag, given[tag]) for tag in ("Collection", "Year", "ReferenceDate") if given.get(tag))
    source = "".join(
        element(tag, given[tag])
        for tag in ("SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime")
        if given.get(tag)
    )
    everybody = "".join(module("person", each) for each in (PERSONS if persons is None else persons))
    head = element("Header", lines + element("CollectionDetails", lines + details) + element("Source", lines + source))
    whole = element("Message", lines + head + element("Persons", lines + everybody))
    if namespace:
        said = f'xmlns:{namespace}="urn:sen2"' if mark else 'xmlns="urn:sen2"'
        whole = whole.replace("Message>", f"Message {said}>", 1)
    return f"{declaration}{lines}{whole}"


def _tag(module: str, tag: str, version: int, spelling: dict[str, str]) -> str:
    return "GenderCurrent" if tag == "Sex" and version < 2024 else spelling.get(tag, tag)


def _blade(module: str) -> str:
    return module.replace("_", "")


def collect_date(day: str) -> str:
    """A day as COLLECT exports it."""
    return f"{dt.date.fromisoformat(day):%Y-%b-%d} 00:00:00"


def blades(
    folder: Path,
    persons: list[Row] | None = None,
    header: dict[str, str] | None = None,
    *,
    day: str = "14-03-2026",
    leave_out: Sequence[str] = (),
    la: str = "999",
) -> list[Path]:
    """The nine CSVs of a COLLECT blade. The numbers of its tables are those of COLLECT, and not from 1."""
    paths = []

    def write(module: str, headings: list[str], rows: list[list[Any]]) -> None:
        if module in leave_out:
            return
        paths.append(folder / f"Blade-Export_{day}_{_blade(module)}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([headings, *rows])

    given = HEADER | (header or {})
    write("sen2", ["sen2tableid", "NativeId", "sen2orderseqcolumn", "sourceid", *(tag.lower() for tag in given)],
          [["77", la, "1", "", *(collect_date(value) if tag == "ReferenceDate" else value
                                 for tag, value in given.items())]])  # fmt: skip
    for module, rows in tables(persons).items():
        parent = PARENT.get(module, "sen2")
        ids = [f"{_blade(module)}tableid", "NativeId", f"{_blade(module)}orderseqcolumn", "sourceid",
               f"{_blade(parent)}tableid"]  # fmt: skip
        values = [
            [
                1000 + row[f"{module}_table_id"], la, row["order_seq"], "x",
                1000 + row[f"{parent}_table_id"] if parent != "sen2" else 77,
                *(collect_date(row[column]) if kind == "date" and row[column] else row[column] or ""
                  for _, column, kind in COLUMNS[module]),
            ]
            for row in rows
        ]  # fmt: skip
        write(module, [*ids, *(tag.lower() for tag, _, _ in COLUMNS[module])], values)
    return paths


TITLES = {"sen2": "Header Record", "person": "Person Record", "requests": "Requests Records",
          "assessment": "Assessments Records", "named_plan": "Named Plan Records",
          "plan_detail": "Plan Detail Records", "active_plans": "Active Plan Records",
          "placement_detail": "Placement Detail Records", "sen_need": "SEN Need Records"}  # fmt: skip
HEADINGS = {
    "Collection": "Collection Name", "Year": "Year", "ReferenceDate": "Reference Date", "SourceLevel": "Source Level",
    "LEA": "LA Number", "SoftwareCode": "Software Code", "Release": "Release", "SerialNo": "Serial Number",
    "DateTime": "Date & Time",
    "Surname": "Surname", "Forename": "Forename", "PersonBirthDate": "Date of Birth", "Sex": "Sex",
    "Ethnicity": "Ethnicity", "PostCode": "Post Code", "UPN": "UPN - Unique Pupil Number",
    "UniqueLearnerNumber": "ULN - Young Persons Unique Learner Number",
    "UPNunknown": "UPN and ULN unavailable – Reason",
    "ReceivedDate": "Date request was received", "RequestSource": "Source of request for an EHC needs assessment",
    "RYA": "Initial Request Whilst In RYA", "RequestOutcomeDate": "Request Outcome Date",
    "RequestOutcome": "Request Outcome", "RequestMediation": "Request Mediation", "RequestTribunal": "Request Tribunal",
    "Exported": "Exported - Child or young person moves out of LA before assessment is completed",
    "AssessmentOutcome": "Assessment Outcome - Decision to issue EHC plan",
    "AssessmentOutcomeDate": "Assessment Outcome Date", "AssessmentMediation": "Assessment Mediation",
    "AssessmentTribunal": "Assessment Tribunal", "OtherMediation": "Other Mediation", "OtherTribunal": "Other Tribunal",
    "Week20": "Twenty week time limit exceptions apply",
    "StartDate": "EHC Plan Start Date", "PlanRes": "Residential Settings", "PlanWBP": "Work Based Learning Activity",
    "PB": "Personal Budget taken up", "OA": "Personal Budget - Organised Arrangements",
    "DP": "Personal Budget - Direct Payments", "CeaseDate": "Date EHC plan ceased",
    "CeaseReason": "Reason EHC plan ceased",
    "URN": "URN - Unique Reference Number", "UKPRN": "UKPRN - UK Provider Reference Number",
    "SENsetting": "SEN Setting – Establishment type", "SENsettingOther": "SEN Setting - Other",
    "PlacementRank": "Placement Rank (1=Primary, 2=Secondary)", "SENunitIndicator": "SEN Unit Indicator",
    "ResourcedProvisionIndicator": "Resourced Provision Indicator",
    "TransferLA": "EHC Plan transferred in from another LA during calendar year",
    "LastReview": "EHC Plan Review Decisions Date", "ReviewOutcome": "Annual Review Decision",
    "ReviewDraft": "Annual review – date draft amended EHC plan issued",
    "PhaseTransferDueDate": "Phase transfer review - due date for any amended plan",
    "PhaseTransferFinalDate": "Phase transfer review - final plan date",
    "ReviewMeeting": "Annual Review Meeting Date",
    "EntryDate": "Placement Start Date", "LeavingDate": "Placement Leaving Date", "Res": "Residential Settings",
    "WBP": "Work Based Learning Activity",
    "SENtype": "SEN Type of Need", "SENtypeRank": "SEN Type of Need rank  (1=Primary, 2=Secondary)",
}  # fmt: skip


def _requests_of(persons: list[Row] | None) -> tuple[dict[str, list[Row]], dict[str, dict[int, tuple[int, int]]]]:
    """The tables, and by module and number of a row its person and request as a workbook repeats them."""
    held = tables(persons)
    of: dict[str, dict[int, tuple[int, int]]] = {}
    for module, rows in held.items():
        of[module] = {}
        for row in rows:
            key = row[f"{module}_table_id"]
            if module == "person":
                of[module][key] = (key, 0)
            elif module == "requests":
                of[module][key] = (row["person_table_id"], key)
            else:
                of[module][key] = of[PARENT[module]][row[f"{PARENT[module]}_table_id"]]
    return held, of


def template(
    path: Path,
    persons: list[Row] | None = None,
    header: dict[str, str] | None = None,
    *,
    order: Sequence[str] = tuple(TITLES),
    swapped: bool = False,
    notes: bool = True,
) -> Path:
    """DfE's Excel template: nine tables below one another, numbers as floats, the time as a serial."""
    held, of = _requests_of(persons)
    given = HEADER | (header or {})
    headings = HEADINGS | (
        {"LastReview": HEADINGS["ReviewMeeting"], "ReviewMeeting": HEADINGS["LastReview"]} if swapped else {}
    )
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Data Entry Template")
        at = 2
        for module in order:
            sheet.write(at, 0, TITLES[module])
            if module == "sen2":
                cells = ["Record Type", *(HEADINGS[tag] for tag in given)]
                rows: list[list[Any]] = [
                    ["1", *(46054.375 if tag == "DateTime" else value for tag, value in given.items())]
                ]
            else:
                ids = ["Record Type", "LA", "Person ID", "Requests record ID"][: 3 if module == "person" else 4]
                cells = [*ids, *(headings[tag] + ("\nsee the guide" if notes else "") for tag, _, _ in COLUMNS[module])]
                rows = [
                    [2, 999, *of[module][row[f"{module}_table_id"]][: len(ids) - 2],
                     *(_cell(row[column], kind) for _, column, kind in COLUMNS[module])]
                    for row in held[module]
                ]  # fmt: skip
            sheet.write_row(at + 1, 0, cells)
            for number, row in enumerate(rows, start=at + 2):
                for column, value in enumerate(row):
                    if value is not None:
                        sheet.write(number, column, value)
            at += len(rows) + 5
    return path


def _cell(value: str | None, kind: str) -> Any:
    if value is None:
        return None
    return float(value) if kind in ("number", "flag") and value.isdecimal() else value


def pre_submission(path: Path, persons: list[Row] | None = None) -> Path:
    """The workbook before submission: a sheet a module, headings in lower case, no header."""
    held, of = _requests_of(persons)
    with xlsxwriter.Workbook(path) as book:
        for module, rows in held.items():
            sheet = book.add_worksheet(TITLES[module].replace(" Records", "").replace(" Record", ""))
            ids = ["persontableid", "requeststableid"][: 1 if module == "person" else 2]
            tags = ["rquestsource" if tag == "RequestSource" else tag.lower() for tag, _, _ in COLUMNS[module]]
            sheet.write_row(0, 0, [*ids, *tags])
            for number, row in enumerate(rows, start=1):
                cells = [*of[module][row[f"{module}_table_id"]][: len(ids)]]
                for column, value in enumerate([*cells, *(_cell(row[c], kind) for _, c, kind in COLUMNS[module])]):
                    if value is not None:
                        sheet.write(number, column, value)
    return path


D2I = {  # as github.com/data-to-insight/SEND-tool-onefile asks for them
    "person": {"surname": "Surname", "forename": "Forename", "person_birth_date": "Dob (ccyy-mm-dd)", "sex": "Gender",
               "ethnicity": "Ethnicity", "post_code": "Postcode", "upn": "UPN - Unique Pupil Number",
               "unique_learner_number": "ULN - Young Persons Unique Learner Number",
               "upn_unknown": "UPN and ULN unavailable reason"},
    "requests": {"received_date": "Date Request Was Received", "rya": "Initial Request Whilst In RYA",
                 "request_outcome_date": "Request Outcome Date", "request_outcome": "Request Outcome",
                 "request_mediation": "Request Mediation", "request_tribunal": "Request Tribunal",
                 "exported": "Exported - Child Or Young Person Moves Out Of LA Before Assessment Is Completed"},
    "assessment": {"assessment_outcome": "Assessment Outcome To Issue EHCP",
                   "assessment_outcome_date": "Assessment Outcome Date", "assessment_mediation": "Assessment Mediation",
                   "assessment_tribunal": "Assessment Tribunal", "other_mediation": "Other Mediation",
                   "other_tribunal": "Other Tribunal", "week20": "Twenty Weeks Time Limit Exceptions Apply"},
    "named_plan": {"start_date": "EHC Plan Start Date", "plan_res": "Residential Settings",
                   "plan_wbp": "Worked based learning activity", "pb": "Personal budget taken up",
                   "oa": "Personal budget - organised arrangements", "dp": "Personal budget - direct payments",
                   "cease_date": "Date EHC Plan Ceased", "cease_reason": "Reason EHC Plan Ceased"},
    "active_plans": {"transfer_la": "EHC Plan (Transfer)", "res": "Residential Settings",
                     "wbp": "Worked based learning activity", "last_review": "EHCP review decisions date"},
}  # fmt: skip


def d2i(folder: Path, persons: list[Row] | None = None, stem: str = "SEN2 2026") -> list[Path]:
    """The five CSVs of the D2I tool, with days as it takes them."""
    held, of = _requests_of(persons)
    paths = []
    for module, headings in D2I.items():
        kinds = {column: kind for _, column, kind in COLUMNS[module]}
        request = "Requests Record ID" if module in ("requests", "assessment") else "Request Records ID"
        ids = ["Person ID", request][: 1 if module == "person" else 2]
        paths.append(folder / f"{stem} {module}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            write = csv.writer(file).writerow
            write([*ids, *headings.values()])
            for row in held[module]:
                values = [row.get(column) or "" for column in headings]
                values = [
                    f"{dt.date.fromisoformat(value):%d/%m/%Y}" if kinds.get(column) == "date" and value else value
                    for column, value in zip(headings, values, strict=True)
                ]
                write([*of[module][row[f"{module}_table_id"]][: len(ids)], *values])
    return paths
