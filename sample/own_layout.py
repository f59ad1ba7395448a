"""The invented council once more, as one whose reports are its own: the exports of the guide `own-exports.md`.

The same children as in the default layout, in files that no feed knows: a tracker of each district in Excel, with a
banner above and a total below; a school register keyed by UPN, with needs side by side; attendance by half-term and
code; reviews and exclusions without ids; DfE numbers in place of URNs; words in place of codes; dates in file names in
several writings. No hub: the council has none.
"""

import csv
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import xlsxwriter

from sample import layout

WORDS = Path(__file__).with_name("own_words.csv")
COUNCIL = "Sampleshire County Council"
DISTRICTS = ("North", "South")
LONGEST_WEEKEND = pd.Timedelta(days=7)  # between the Mondays of two weeks of one half-term
NEEDS = 3  # columns for types of need


def rewrite(exports: Path, folder: Path, as_at: date) -> dict[str, int]:
    """Rows by file name, after the default exports of a folder were written anew into another, in the own layout.

    Raises FileNotFoundError where an export of the default layout is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    read = Exports(exports, as_at)
    day, month = pd.Timestamp(as_at), f"{as_at:%b%y}"
    written: dict[str, int] = {}
    tracker = _tracker(read)
    for district in DISTRICTS:
        name = f"EHCP tracker - {district} {day:%d-%m-%Y}.xlsx"
        banner = [COUNCIL, f"EHCP tracker: {district}", f"Run on {day:%d/%m/%Y} 02:00 by the report server", ""]
        rows = tracker[tracker["District"] == district].drop(columns="District")
        written[name] = _write_workbook(folder / name, {"Tracker": rows}, banner, "Total plans and requests")
    reviews = f"Annual reviews {month}.xlsx"
    written[reviews] = _write_workbook(folder / reviews, {"Reviews": _reviews(read)}, [COUNCIL, ""], "Total reviews")
    homes = f"Out of school {day:%d %b %Y}.xlsx"
    written[homes] = _write_workbook(
        folder / homes,
        {"Notes": pd.DataFrame({"About": ["For the SEND team"]}), "EHE": _home_education(read)},
        [],
        None,
    )
    for name, frame in {
        f"SEN register {day:%Y%m%d}T0200.csv": _register(read),
        f"Suspensions {day:%d-%m-%Y}.csv": _exclusions(read),
        f"csc_involvements_{day:%Y%m%d}.csv": _involvements(read),
        **{f"Attendance {term} {day:%Y%m%d}.csv": rows for term, rows in _attendance(read)},
    }.items():
        frame.to_csv(folder / name, index=False, encoding="cp1252", lineterminator="\r\n")
        written[name] = len(frame)
    gias = next(exports.glob("edubasealldata*.csv"))
    (folder / gias.name).write_bytes(gias.read_bytes())
    return written


def by_half_term(attendance: pd.DataFrame) -> pd.DataFrame:
    """Default attendance with one row a child, establishment and half-term, dated by the Monday that it begins on."""
    weeks = pd.to_datetime(attendance["Week Commencing"], format="%d/%m/%Y")
    starts = half_terms(weeks)
    numbers = ["Sessions Possible", "Authorised Absence", "Unauthorised Absence"]
    counted = attendance.assign(**{name: pd.to_numeric(attendance[name]) for name in numbers})
    counted["Week Commencing"] = weeks.map(starts).dt.strftime("%d/%m/%Y")
    return counted.groupby(["Student ID", "URN", "Week Commencing"], as_index=False, sort=False)[numbers].sum()


def half_terms(weeks: pd.Series) -> dict[pd.Timestamp, pd.Timestamp]:
    """By the Monday of each week of school, the Monday that its half-term began on."""
    mondays = pd.Series(sorted(weeks.unique()))
    begins = mondays.where(mondays.diff().isna() | (mondays.diff() > LONGEST_WEEKEND)).ffill()
    return dict(zip(mondays, begins, strict=True))


class Exports:
    """The default exports of a folder by name, every value as text; and what the own layout says in their place."""

    def __init__(self, folder: Path, as_at: date):
        self.folder, self.as_at = folder, pd.Timestamp(as_at)
        self.day = as_at
        gias = self.frame("gias.establishments", next(folder.glob("edubasealldata*.csv")))
        self.dfe = dict(zip(gias["URN"], gias["LA (code)"] + gias["EstablishmentNumber"], strict=True))
        self.councils = dict(zip(gias["LA (code)"], gias["LA (name)"], strict=True))
        students = self.frame("capita_one.students")
        self.students = students.set_index("Student ID")
        self.tracked = set(self.frame("capita_one.ehc_plans")["Student ID"]) | set(
            self.frame("capita_one.ehcp_assessments")["Student ID"]
        )

    def frame(self, feed: str, path: Path | None = None) -> pd.DataFrame:
        file = path or self.folder / layout.file_name(feed, self.day)
        return pd.read_csv(file, dtype=str, keep_default_na=False, encoding=layout.dialect(feed).encoding)

    def student(self, ids: pd.Series, column: str) -> pd.Series:
        return ids.map(self.students[column]).fillna("")

    def dates(self, values: pd.Series) -> pd.Series:
        return pd.to_datetime(values, format="%d/%m/%Y")

    def is_open(self, frame: pd.DataFrame, start: str, end: str) -> pd.Series:
        ends = self.dates(frame[end])
        return (self.dates(frame[start]) <= self.as_at) & (ends.isna() | (ends > self.as_at))

    def needs_side_by_side(self) -> pd.DataFrame:
        """Types of need of each student in order of rank, in words, in as many columns as the reports have."""
        needs = self.frame("capita_one.sen_needs")
        needs = needs[self.is_open(needs, "Start Date", "End Date") | (needs["Start Date"] == "")]
        needs = needs.assign(Rank=pd.to_numeric(needs["Rank"])).sort_values(["Student ID", "Rank"], kind="stable")
        needs["at"] = needs.groupby("Student ID").cumcount() + 1
        wide = needs[needs["at"] <= NEEDS].pivot(index="Student ID", columns="at", values="SEN Type")
        return wide.reindex(columns=range(1, NEEDS + 1)).apply(lambda column: _words(column, "sen_type")).fillna("")


def _tracker(read: Exports) -> pd.DataFrame:
    """One row a request with the plan that it led to, and a row a plan without a request."""
    plans, asked = read.frame("capita_one.ehc_plans"), read.frame("capita_one.ehcp_assessments")
    alone = plans["Involvement ID"] == ""
    both = asked.merge(plans[~alone], on="Involvement ID", how="outer", suffixes=("", " of plan"))
    rows = pd.concat([both, plans[alone]], ignore_index=True).fillna("")
    ids = rows["Student ID"].where(rows["Student ID"] != "", rows["Student ID of plan"])
    of = read.student
    needs = read.needs_side_by_side()
    sector = of(ids, "Postcode").str.extract(r"^[A-Z]+(\d+)", expand=False).fillna("0").astype(int)
    made = {
        "District": sector.mod(2).map({0: DISTRICTS[0], 1: DISTRICTS[1]}),
        "Person Ref": ids,
        "Child": of(ids, "Surname").str.upper() + ", " + of(ids, "Forename"),
        "D.O.B.": _excel_dates(of(ids, "Date of Birth")),
        "UPN / reason for none": of(ids, "UPN").where(of(ids, "UPN") != "", of(ids, "UPN Unknown Reason")),
        "Previous UPN": of(ids, "Former UPN"),
        "ULN": of(ids, "ULN"),
        "Gender": _words(of(ids, "Sex"), "sex"),
        "Ethnic origin": _words(of(ids, "Ethnicity"), "ethnicity"),
        "Home post code": of(ids, "Postcode"),
        "LA of residence": of(ids, "Home LA").map(read.councils).fillna(""),
        "Disabled?": of(ids, "Disability").map(_YES_NO),
        "Pupil premium?": of(ids, "Pupil Premium").map(_YES_NO),
        "Date deceased": _excel_dates(of(ids, "Date of Death")),
        "Request no": rows["Involvement ID"],
        "Kind of request": _words(rows["Assessment Type"], "assessment_type"),
        "Requested by": _words(rows["Request Source"], "request_source"),
        "Date requested": _excel_dates(rows["Received Date"]),
        "Agreed to assess?": rows["Decision To Assess"].map(_AGREED),
        "Assess decision sent": _excel_dates(rows["Decision Notified Date"]),
        "Agreed to issue?": rows["Decision To Issue"].map(_AGREED),
        "Refusal to issue sent": _excel_dates(rows["No Plan Notified Date"]),
        "Draft sent": _excel_dates(rows["Draft Issued Date"]),
        "Final sent": _excel_dates(rows["Date Final Issued"]),
        "20 week exception?": rows["20 Week Exception"].map(_YES_NO),
        "Closed without plan": _excel_dates(rows["Inactive Date"]),
        "Why closed": _words(rows["Inactive Reason"], "inactive_reason"),
        "Mediation?": rows["Mediation"].map(_YES_NO),
        "Appeal?": rows["Tribunal"].map(_YES_NO),
        "Plan no": rows["Plan ID"],
        "Plan first issued": _excel_dates(rows["Initial Plan Date"]),
        "Current version issued": _excel_dates(rows["Current Plan Date"]),
        "Placement (DfE no)": rows["Named URN"].map(read.dfe).fillna(""),
        "If no placement": _words(rows["Setting Type"], "setting_type"),
        "Residential?": _words(rows["Residential"], "residential"),
        "Personal budget?": rows["Personal Budget"].map(_YES_NO),
        "Moved in from": rows["Transferred In From LA"],
        "Ceased on": _excel_dates(rows["Cease Date"]),
        "Why ceased": _words(rows["Cease Reason"], "cease_reason"),
        "Phase transfer due": _excel_dates(rows["Phase Transfer Due Date"]),
        "Phase transfer final": _excel_dates(rows["Phase Transfer Final Date"]),
        **{f"Need {at}": ids.map(needs[at]).fillna("") for at in range(1, NEEDS + 1)},
    }
    return pd.DataFrame(made).sort_values(["Child", "Person Ref"], kind="stable")


def _register(read: Exports) -> pd.DataFrame:
    """One row a pupil with SEN and school, of those on roll now."""
    rows, held = read.frame("capita_one.enrolments"), read.frame("capita_one.sen_provision")
    held = held[read.is_open(held, "Start Date", "End Date") & held["SEN Provision"].isin(["K", "E"])]
    since = held.sort_values("SEN Provision").drop_duplicates("Student ID").set_index("Student ID")
    rows = rows[read.is_open(rows, "Entry Date", "Leaving Date") & rows["Student ID"].isin(since.index)]
    ids, needs, of = rows["Student ID"], read.needs_side_by_side(), read.student
    return pd.DataFrame({
        "UPN": of(ids, "UPN"),
        "Pupil no": ids,
        "Surname": of(ids, "Surname"),
        "Forename": of(ids, "Forename"),
        "Date of birth": of(ids, "Date of Birth"),
        "Sex": _words(of(ids, "Sex"), "sex"),
        "Ethnicity": _words(of(ids, "Ethnicity"), "ethnicity"),
        "Post code": of(ids, "Postcode"),
        "ULN": of(ids, "ULN"),
        "Disability": of(ids, "Disability").map(_YES_NO),
        "Pupil premium": of(ids, "Pupil Premium").map(_YES_NO),
        "DfE number": rows["URN"].map(read.dfe).fillna(""),
        "Roll": _words(rows["Enrolment Status"], "enrolment_status"),
        "Year": rows["NC Year"],
        "Joined": rows["Entry Date"],
        "SEN status": _words(ids.map(since["SEN Provision"]), "sen_provision"),
        "SEN since": ids.map(since["Start Date"]),
        **{f"Need {at}": ids.map(needs[at]).fillna("") for at in range(1, NEEDS + 1)},
    })  # fmt: skip


def _attendance(read: Exports) -> list[tuple[str, pd.DataFrame]]:
    """By half-term, one row a pupil, school and code: present, ill with leave, absent without."""
    weekly = read.frame("capita_one.attendance")
    rows = by_half_term(weekly)
    numbers = {"I": rows["Authorised Absence"], "O": rows["Unauthorised Absence"]}
    codes = {"/": rows["Sessions Possible"] - numbers["I"] - numbers["O"], **numbers}
    long = pd.concat([rows.assign(Code=code, Sessions=sessions) for code, sessions in codes.items()])
    long = long[long["Sessions"] > 0].sort_values(["Week Commencing", "Student ID", "URN", "Code"], kind="stable")
    found = []
    for start in sorted(long["Week Commencing"].unique(), key=lambda text: pd.to_datetime(text, format="%d/%m/%Y")):
        part = long[long["Week Commencing"] == start]
        begins = pd.to_datetime(start, format="%d/%m/%Y")
        frame = pd.DataFrame({
            "UPN": read.student(part["Student ID"], "UPN"),
            "Pupil no": part["Student ID"],
            "DfE": part["URN"].map(read.dfe).fillna(""),
            "Half-term from": start,
            "Code": part["Code"],
            "Sessions": part["Sessions"].astype(int),
        })  # fmt: skip
        found.append((f"half-term of {begins:%B %Y}", frame))
    return found


def _reviews(read: Exports) -> pd.DataFrame:
    rows, plans = read.frame("capita_one.annual_reviews"), read.frame("capita_one.ehc_plans")
    return pd.DataFrame({
        "Person Ref": rows["Plan ID"].map(dict(zip(plans["Plan ID"], plans["Student ID"], strict=True))).fillna(""),
        "Review due": _excel_dates(rows["Due Date"]),
        "Held on": _excel_dates(rows["Meeting Date"]),
        "Outcome": _words(rows["LA Outcome"], "review_outcome"),
        "Decision letter": _excel_dates(rows["Decision Date"]),
        "Amendment notice": _excel_dates(rows["Amendment Notice Date"]),
        "Amended final": _excel_dates(rows["Final Amended Plan Date"]),
    })  # fmt: skip


def _exclusions(read: Exports) -> pd.DataFrame:
    rows = read.frame("capita_one.exclusions")
    return pd.DataFrame({
        "UPN": read.student(rows["Student ID"], "UPN"),
        "Pupil no": rows["Student ID"],
        "Type": _words(rows["Category"], "exclusion_category"),
        "From": rows["Start Date"],
        "Half days": rows["Sessions"],
        "Reason": rows["Reason"],
        "School (DfE)": rows["URN"].map(read.dfe).fillna(""),
    })  # fmt: skip


def _home_education(read: Exports) -> pd.DataFrame:
    rows = read.frame("capita_one.home_education")
    ids = rows["Student ID"]
    return pd.DataFrame({
        "UPN": read.student(ids, "UPN"),
        "Person Ref": ids.where(ids.isin(read.tracked), ""),
        "Educated at home from": _excel_dates(rows["Start Date"]),
        "until": _excel_dates(rows["End Date"]),
    })  # fmt: skip


def _involvements(read: Exports) -> pd.DataFrame:
    headings = {"Person ID": "Mosaic ID", "First Name": "Given name", "Last Name": "Family name", "DOB": "Born",
                "Status": "Involvement", "Team": "Worker team", "Start Date": "Begun", "End Date": "Ended"}  # fmt: skip
    return read.frame("social_care.involvements").rename(columns=headings)


_YES_NO = {"Y": "Yes", "N": "No", "": ""}
_AGREED = {"Y": "Agreed", "N": "Refused", "": ""}


@cache
def _spoken() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    with WORDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["column"], {})[row["code"]] = row["words"]
    return found


def _words(codes: pd.Series, column: str) -> pd.Series:
    """The council's words for codes; a code that it has no words for stays."""
    words = _spoken()[column]
    return codes.map(lambda code: words.get(code, code), na_action="ignore")


def _excel_dates(values: pd.Series) -> pd.Series:
    return pd.to_datetime(values, format="%d/%m/%Y")


def _write_workbook(path: Path, sheets: dict[str, pd.DataFrame], banner: list[str], total: str | None) -> int:
    """How many rows a workbook holds, as a reporting tool writes it: titles above the header, a total below."""
    book = xlsxwriter.Workbook(str(path), {"default_date_format": "dd/mm/yyyy"})
    written = 0
    for name, frame in sheets.items():
        sheet = book.add_worksheet(name)
        for at, line in enumerate(banner):
            sheet.write_string(at, 0, line)
        top = len(banner)
        sheet.write_row(top, 0, list(frame.columns))
        for at, row in enumerate(frame.itertuples(index=False), start=top + 1):
            for column, value in enumerate(row):
                if isinstance(value, pd.Timestamp):
                    sheet.write_datetime(at, column, value.to_pydatetime())
                elif value and not pd.isna(value):
                    sheet.write_string(at, column, str(value))
        if total:
            sheet.write_string(top + len(frame) + 2, 0, f"{total}: {len(frame):,}")
        written = len(frame)
    book.close()
    return written
