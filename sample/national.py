"""The invented council once more, as one whose schools' pupils on SEN support never reach Capita One.

The same children as in the default layout. Those on SEN support at its schools, of whom Capita One keeps nothing but
that, stand in returns of the school census alone, three terms as COLLECT exports them: maintained schools and academies
apart, one table a file. Social care is the ILACS workbook with its bridge, pupil premium the DfE's list.
"""

import csv
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import xlsxwriter

from sample.own_layout import Exports
from warehouse import seeds

ACADEMIES = ("28", "33", "34", "35", "42", "43")  # GIAS types that are in the other export
NOT_IN_CENSUS = ("10", "11", "18", "29", "30", "31", "32", "39", "45", "49")  # independents, colleges, online
TERMS = 3
RETURNS = {"spring": (1, 3), "summer": (5, 3), "autumn": (10, 1)}  # month, and which Thursday of it
KEY_COLUMNS = ("fault", "file_name", "line_no", "expected_finding")
ILACS = {  # status: list, headings of start, end and team, and the others that the list needs
    "Early help": (2, "Assessment start date", "Assessment completion date", "Organisation completing assessment"),
    "Child in need": (6, "CIN Start Date", "CIN Closure Date", "Allocated Team"),
    "Child protection plan": (
        7,
        "Child Protection Plan Start Date",
        "Child Protection Plan End Date",
        "Allocated Team",
    ),
    "Child looked after": (8, "Date Started to be Looked After", "Date Ceased to be Looked After", "Allocated Team"),
    "Care leaver": (9, "", "", "Allocated Team"),
}
_PERIOD = "summer half term 2"


@dataclass(frozen=True)
class Return:
    """One return: its census day, the one before it, and the days that its sessions are of."""

    year: int
    term: str
    day: pd.Timestamp
    before: pd.Timestamp
    periods: dict[str, tuple[pd.Timestamp, pd.Timestamp]]  # term, and the second half of summer: first and last day


def rewrite(exports: Path, folder: Path, as_at: date, answer_key: Path | None = None) -> dict[str, int]:
    """Rows by file name, after the default exports of a folder were written anew into another.

    A few faults are planted in the census when there is an `answer_key` to list them in. Raises FileNotFoundError where
    an export of the default layout is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    read = Exports(exports, as_at)
    returns = _returns(as_at)
    moved = _moved(read, returns)
    written: dict[str, int] = {}
    for path in sorted(exports.glob("*.csv")):
        if path.name.startswith("social_care"):
            continue
        if not path.name.startswith("capita_one"):
            (folder / path.name).write_bytes(path.read_bytes())
            continue
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="cp1252")
        if "Student ID" in frame:
            frame = frame[~frame["Student ID"].isin(moved)]
        frame.to_csv(folder / path.name, index=False, encoding="cp1252", lineterminator="\r\n")
        written[path.name] = len(frame)
    for number, each in enumerate(returns):
        tables = _Tables(read, each, is_newest=number == len(returns) - 1)
        faults = _plant(tables) if answer_key and tables.is_newest else []
        for name, rows in tables.files().items():
            rows.to_csv(folder / name, index=False, encoding="utf-8", lineterminator="\n")
            written[name] = len(rows)
    if answer_key:
        with answer_key.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([KEY_COLUMNS, *faults])
    written |= _ilacs(read, folder, as_at)
    premium = read.students.loc[sorted(moved), ["UPN", "Pupil Premium"]]
    premium = premium[(premium["UPN"] != "") & (premium["Pupil Premium"] != "")]
    name = f"dfe_pupil_premium_{as_at:%Y%m%d}.csv"
    premium.to_csv(folder / name, index=False, lineterminator="\n")
    return written | {name: len(premium)}


def _thursday(year: int, term: str) -> pd.Timestamp:
    month, number = RETURNS[term]
    first = date(year, month, 1)
    return pd.Timestamp(first + timedelta(days=(3 - first.weekday()) % 7 + 7 * (number - 1)))


def _returns(as_at: date) -> list[Return]:
    """The newest three at a day, oldest first."""
    days = {_thursday(year, term): (year, term) for year in range(as_at.year - 2, as_at.year + 1) for term in RETURNS}
    found = sorted(day for day in days if day <= pd.Timestamp(as_at))
    terms = {(row["year"], row["term"]): row for row in seeds.rows("census_terms")}
    made = []
    for before, day in zip(found[-TERMS - 1 : -1], found[-TERMS:], strict=True):
        year, term = days[day]
        row = terms[str(year), term]
        start, end = pd.Timestamp(row["start"]), pd.Timestamp(row["end"])
        half = pd.Timestamp(row["half_term_2"] or "NaT")
        periods = {"term": (start, end if pd.isna(half) else half - pd.Timedelta(days=1))}
        made.append(Return(year, term, day, before, periods | ({} if pd.isna(half) else {_PERIOD: (half, end)})))
    return made


def _moved(read: Exports, returns: list[Return]) -> set[str]:
    """Students on SEN support of whom Capita One keeps nothing else, and whom the newest return has on every roll."""
    provision, enrolled = read.frame("capita_one.sen_provision"), _enrolled(read)
    is_k = read.is_open(provision, "Start Date", "End Date") & (provision["SEN Provision"] == "K")
    newest = returns[-1].day
    since = read.dates(provision["Start Date"]) <= newest
    on_support = set(provision.loc[is_k & since, "Student ID"])
    now = enrolled[enrolled["is_open"]]
    elsewhere = now[~now["in_census"] | (now["entry"] > newest)]
    at_home = set(read.frame("capita_one.home_education")["Student ID"])
    return (on_support & set(now["Student ID"])) - set(elsewhere["Student ID"]) - read.tracked - at_home


def _enrolled(read: Exports) -> pd.DataFrame:
    """Enrolments with their dates, whether they are open, and whether the school makes the council's census."""
    gias = read.frame("gias.establishments", next(read.folder.glob("edubasealldata*.csv"))).set_index("URN")
    rows = read.frame("capita_one.enrolments")
    kind, council = rows["URN"].map(gias["TypeOfEstablishment (code)"]), rows["URN"].map(gias["LA (code)"])
    home = str(gias["LA (code)"].mode().iloc[0])
    return rows.assign(
        entry=read.dates(rows["Entry Date"]), left=read.dates(rows["Leaving Date"]),
        is_open=read.is_open(rows, "Entry Date", "Leaving Date"),
        in_census=(council == home) & ~kind.isin(NOT_IN_CENSUS) & rows["Enrolment Status"].isin(["C", "M", "S", "G"]),
        is_academy=kind.isin(ACADEMIES), lea=council, estab=rows["URN"].map(gias["EstablishmentNumber"]),
    )  # fmt: skip


class _Tables:
    """The tables of a return, one row a pupil and so on, each with `is_academy`, which goes at writing."""

    def __init__(self, read: Exports, of: Return, *, is_newest: bool):
        self.read, self.of, self.is_newest = read, of, is_newest
        enrolled = _enrolled(read)
        enrolled = enrolled[enrolled["in_census"] & (enrolled["entry"] <= of.day)]
        here = enrolled["left"].isna() | (enrolled["left"] > of.day)
        self.schools = enrolled.drop_duplicates("URN").reset_index(drop=True)
        ids = {urn: str(at + 1) for at, urn in enumerate(self.schools["URN"])}
        self.on = self._pupils(enrolled[here], ids, "pupilonrolltableid")
        self.off = self._pupils(enrolled[~here & (enrolled["left"] > of.before)], ids, "pupilnolongeronrolltableid")
        self.needs = self._needs()
        self.sessions = {period: [self._sessions(each, *days) for each in (self.on, self.off)]
                         for period, days in of.periods.items()}  # fmt: skip
        self.excluded = [self._excluded(each) for each in (self.on, self.off)]

    def files(self) -> dict[str, pd.DataFrame]:
        """The rows of each file, by its name: maintained schools and academies apart. No rows, no file."""
        schools = pd.DataFrame({
            "schoolcensustableid": [str(at + 1) for at in range(len(self.schools))],
            "referencedate": _written(pd.Series([self.of.day] * len(self.schools))),
            "term": self.of.term.capitalize(), "year": f"{self.of.year}.0", "lea": self.schools["lea"],
            "estab": self.schools["estab"], "urn": self.schools["URN"], "is_academy": self.schools["is_academy"],
        })  # fmt: skip
        tables = {"schoolcensus": schools, "pupilonroll": self.on, "pupilnolongeronroll": self.off,
                  "senneeds": self.needs}  # fmt: skip
        for roll, pupils in (("onroll", self.on), ("offroll", self.off)):
            if self.of.term == "autumn" or roll == "onroll":
                key = pupils.columns[0]
                homes = pupils[[key, "is_academy"]].assign(postcode=self.read.student(pupils["Student ID"], "Postcode"))
                tables["addresses" + (roll if self.of.term == "autumn" else "")] = homes
        for at, roll in enumerate(("onroll", "offroll")):
            for period, held in self.sessions.items():
                name = "summerhalfterm2session" if period == _PERIOD else "termlysession"
                tables[f"{name}details{roll}"] = held[at]
            tables[f"termlyexclusions{roll}"] = self.excluded[at]
        found = {}
        for name, rows in tables.items():
            for is_academy, kind in ((False, ""), (True, "academies_")):
                part = rows[rows["is_academy"] == is_academy]
                kept = part.drop(columns=[each for each in ("is_academy", "Student ID", "URN") if each in part])
                if len(kept):
                    found[f"{self.of.year}_{self.of.term}_{kind}{name}.csv"] = kept.reset_index(drop=True)
        return found

    def _pupils(self, rows: pd.DataFrame, schools: dict[str, str], key: str) -> pd.DataFrame:
        of, ids = self.read.student, rows["Student ID"]
        is_spring = self.of.term == "spring"
        frame = pd.DataFrame({
            key: [str(at + 1) for at in range(len(rows))], "NativeId": rows["estab"],
            "schoolcensustableid": rows["URN"].map(schools), "upn": of(ids, "UPN"), "formerupn": of(ids, "Former UPN"),
            "uniquelearnernumber": of(ids, "ULN"), "surname": of(ids, "Surname"), "forename": of(ids, "Forename"),
            "dob": _written(self.read.dates(of(ids, "Date of Birth"))), "sex": of(ids, "Sex"),
            "entrydate": _written(rows["entry"]), "enrolstatus": rows["Enrolment Status"],
            "ncyearactual": rows["NC Year"], "parttime": rows["Part Time Timetable"].map({"Y": "True"}).fillna("False"),
            "is_academy": rows["is_academy"], "Student ID": ids, "URN": rows["URN"],
        })  # fmt: skip
        if is_spring:
            frame["ethnicity"] = of(ids, "Ethnicity")
        if key == "pupilonrolltableid":
            frame["senprovision"] = ids.map(self._provision()).fillna("N")
        else:
            frame["leavingdate"] = _written(rows["left"])
        for period, days in self.of.periods.items():
            column = "summerhalfterm2sessionspossible" if period == _PERIOD else "termlysessionspossible"
            held = self._counted(*days)["Sessions Possible"]
            frame[column] = [f"{float(held.get(each, 0))}" for each in zip(ids, rows["URN"], strict=True)]
        return frame.reset_index(drop=True)

    def _provision(self) -> dict[str, str]:
        rows = self.read.frame("capita_one.sen_provision")
        ends = self.read.dates(rows["End Date"])
        held = rows[(self.read.dates(rows["Start Date"]) <= self.of.day) & (ends.isna() | (ends > self.of.day))]
        return dict(zip(held["Student ID"], held["SEN Provision"], strict=True))

    def _needs(self) -> pd.DataFrame:
        columns = ["pupilonrolltableid", "sentyperank", "sentype", "is_academy"]
        if self.of.term != "spring":
            return pd.DataFrame(columns=columns)
        rows = self.read.frame("capita_one.sen_needs")
        rows = rows[self.read.is_open(rows, "Start Date", "End Date") | (rows["Start Date"] == "")]
        rows = rows[pd.to_numeric(rows["Rank"]) <= 2]
        both = self.on[self.on["senprovision"] != "N"].merge(rows, on="Student ID")
        return both.assign(sentyperank=both["Rank"], sentype=both["SEN Type"])[columns]

    def _counted(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """Sessions of each student and school between two days."""
        rows = self.read.frame("capita_one.attendance")
        weeks = self.read.dates(rows["Week Commencing"])
        rows = rows[(weeks >= first) & (weeks <= last)]
        names = ["Sessions Possible", "Authorised Absence", "Unauthorised Absence"]
        rows = rows.assign(**{name: pd.to_numeric(rows[name]) for name in names})
        return rows.groupby(["Student ID", "URN"])[names].sum()

    def _sessions(self, pupils: pd.DataFrame, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """A row a pupil and code: illness, absence without leave, and the sessions attended."""
        key = pupils.columns[0]
        both = pupils.merge(self._counted(first, last).reset_index(), on=["Student ID", "URN"])
        present = both["Sessions Possible"] - both["Authorised Absence"] - both["Unauthorised Absence"]
        parts = [both.assign(attendancereason=code, sessions=count)[[key, "attendancereason", "sessions", "is_academy"]]
                 for code, count in (("I", both["Authorised Absence"]), ("O", both["Unauthorised Absence"]),
                                     ("/", present))]  # fmt: skip
        found = pd.concat(parts, ignore_index=True)
        return found[found["sessions"] > 0].assign(sessions=lambda rows: rows["sessions"].astype(float).astype(str))

    def _excluded(self, pupils: pd.DataFrame) -> pd.DataFrame:
        """A row a suspension or exclusion of the days that the return's sessions are of."""
        rows = self.read.frame("capita_one.exclusions")
        start = self.read.dates(rows["Start Date"])
        days = [day for period in self.of.periods.values() for day in period]
        rows = rows.assign(start=start)[(start >= min(days)) & (start <= max(days))]
        both = pupils.merge(rows, on=["Student ID", "URN"])
        table = "termlyexclusions" + ("onroll" if pupils.columns[0] == "pupilonrolltableid" else "offroll") + "tableid"
        return pd.DataFrame({
            table: [str(at + 1) for at in range(len(both))], pupils.columns[0]: both[pupils.columns[0]],
            "category": both["Category"], "startdate": _written(both["start"]), "sessions": both["Sessions"],
            "reason1": both["Reason"], "is_academy": both["is_academy"],
        })  # fmt: skip


def _plant(tables: _Tables) -> list[tuple[str, str, int, str]]:
    """Lines of the answer key, after the faults were put into the newest return's pupils of maintained schools."""
    maintained = tables.on[~tables.on["is_academy"]]
    on_support = maintained[maintained["senprovision"] == "K"]
    name = f"{tables.of.year}_{tables.of.term}_pupilonroll.csv"
    day_after = _written(pd.Series([tables.of.day + pd.Timedelta(days=1)])).iloc[0]
    found = []
    for at, (fault, column, value, rule) in enumerate((
        ("upn_malformed", "upn", "X12", "S-CEN-02"), ("upn_missing", "upn", "", "S-CEN-03"),
        ("entered_after_census_day", "entrydate", day_after, "S-CEN-06"), ("birth_date_missing", "dob", "", "S-CEN-08"),
        ("school_not_in_return", "schoolcensustableid", "999999", "S-CEN-05"),
        ("provision_unknown", "senprovision", "Q", "M-01"),
    )):  # fmt: skip
        row = on_support.index[at]
        tables.on.loc[row, column] = value
        found.append((fault, name, list(maintained.index).index(row) + 2, rule))
    return found


def _ilacs(read: Exports, folder: Path, as_at: date) -> dict[str, int]:
    """Rows by file name, after the workbook of the five lists and its bridge were written."""
    rows = read.frame("social_care.involvements")
    disabled = dict(zip(read.students["UPN"], read.students["Disability"], strict=True))
    names = {"Y": "a) Yes", "N": "b) No"}
    workbook = f"ilacs_annex_a_{as_at:%Y%m%d}.xlsx"
    with xlsxwriter.Workbook(str(folder / workbook), {"default_date_format": "dd/mm/yyyy"}) as book:
        for status, (number, start, end, team) in ILACS.items():
            sheet = book.add_worksheet(f"List {number}")
            held = rows[rows["Status"] == status]
            headings = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age"]
            headings += ["Does the Child have a Disability"] * (number != 2) + [
                each for each in (start, end, team) if each
            ]
            sheet.write_row(0, 0, [f"List {number}"])
            sheet.write_row(1, 0, headings)
            for at, row in enumerate(held.to_dict("records"), start=2):
                cells = {
                    "Child Unique ID": row["Person ID"], "Date of Birth": _excel(row["DOB"]), "Age": "9.29",
                    "Does the Child have a Disability": names.get(disabled.get(row["UPN"] or "-", ""), "c) Unknown"),
                    start: _excel(row["Start Date"]), end: _excel(row["End Date"]), team: row["Team"],
                }  # fmt: skip
                for column, heading in enumerate(headings):
                    sheet.write(at, column, cells.get(heading) or None)
    bridge = rows.drop_duplicates("Person ID")[["Person ID", "UPN", "First Name", "Last Name", "DOB", "Postcode"]]
    name = f"social_care_id_map_{as_at:%Y%m%d}.csv"
    bridge.to_csv(folder / name, index=False, lineterminator="\n")
    return {workbook: len(rows), name: len(bridge)}


def _excel(text: str) -> date | None:
    return pd.to_datetime(text, format="%d/%m/%Y").date() if text else None


def _written(days: pd.Series) -> pd.Series:
    """Dates as COLLECT writes them: 2026-Oct-01 00:00:00."""
    written: pd.Series = days.dt.strftime("%Y-%b-%d 00:00:00").fillna("")
    return written
