"""Every fault that the council can have: what goes wrong with exports and records in practice.

`expected` is what the pipeline should make of it, one or more of
  a rule code    a rule on the finished lists (L-110 ..., 101a ...; {n} is the list) or on a source (S-...)
  quarantine     the row cannot be used          unreadable   the value is blank, and reported
  duplicate      an exact repeat                 same-key     the other row of the key is used
  unmapped       no crosswalk row knows it       orphan       it points at a record that no file holds
  P-01 ...       the linking of people           tolerated    it is read as if nothing were wrong
"""

from collections.abc import Callable
from datetime import date, timedelta

from sample.faults import Cell, Plot

STU, ENR, PRO, NEE = "capita_one.students", "capita_one.enrolments", "capita_one.sen_provision", "capita_one.sen_needs"
ASS, PLA, REV = "capita_one.ehcp_assessments", "capita_one.ehc_plans", "capita_one.annual_reviews"
ATT, EXC, EHE = "capita_one.attendance", "capita_one.exclusions", "capita_one.home_education"
CAS, ADV, HUR = "ehc_hub.cases", "ehc_hub.advice", "ehc_hub.reviews"
SOC, GIA = "social_care.involvements", "gias.establishments"

# Nobody whose case is in the hub: it would fill in what Capita One lacks.
LISTED = "p_list != '' and not p_case"
ON_1 = "p_list == '1' and not p_case"
UNLISTED = "p_list == '' and not p_case"
NOBODY = "999999"


def _other_letter(upn: str) -> str:
    return ("B" if upn[0] == "A" else "A") + upn[1:]


def _other_digit(uln: str) -> str:
    return uln[:-1] + str((int(uln[-1]) + 1) % 10)


def _day(text: str) -> date:
    """A date as Capita One writes it."""
    return date(int(text[6:]), int(text[3:5]), int(text[:2]))


def _moved(text: str, days: int) -> str:
    return f"{_day(text) + timedelta(days):%d/%m/%Y}"


def _iso(text: str) -> str:
    return _day(text).isoformat()


def _collect(text: str) -> str:
    """As the DfE's COLLECT writes it."""
    return f"{_day(text):%Y-%b-%d} 00:00:00"


def _yes_no(yes: str, no: str) -> Callable[[str], str]:
    return lambda old: yes if old == "Y" else no


def _float(old: str) -> str:
    return f"{old}.0"


def _padded(old: str) -> str:
    return f"\u00a0{old} \u00a0"


HAS_UPN, HAS_ULN = f"{LISTED} and upn != ''", f"{LISTED} and uln != ''"
NOW = "leaving_date == '' and enrolment_status == 'C'"
LAST_PLAN = "p_role == 'ceased' and not p_case and cease_date != ''"
HELD = "meeting_date != '' and not p_case"
LINKED = "p_link != '' and p_link != 'none' and p_role == 'plan'"

CELLS = (
    # Who somebody is.
    Cell("upn wrong check letter", STU, "upn", _other_letter, "L-113", HAS_UPN),
    Cell("upn too short", STU, "upn", lambda old: old[:-1], "L-113 S-STU-05", HAS_UPN),
    Cell("upn missing without reason", STU, "upn", "", "L-115", f"{HAS_UPN} and p_age >= 6"),
    Cell("upn and uln missing without reason", STU, "upn", "", "L-115 {n}07",
         f"{HAS_UPN} and p_age >= 6 and uln == ''"),
    Cell("upn reason unknown to the DfE", STU, "upn_unknown_reason", "UN99", "unmapped", "upn_unknown_reason != ''"),
    Cell("uln wrong check digit", STU, "uln", _other_digit, "L-114", HAS_ULN),
    Cell("uln in scientific notation", STU, "uln", lambda old: f"{int(old):.5E}", "L-114 S-STU-06", HAS_ULN),
    Cell("date of birth missing", STU, "date_of_birth", "", "{n}01a S-STU-02", LISTED),
    Cell("date of birth impossible", STU, "date_of_birth", "31/02/2014", "unreadable {n}01a", LISTED),
    Cell("date of birth month first", STU, "date_of_birth", "2014-13-01", "unreadable {n}01a", LISTED),
    Cell("date of birth month before day", STU, "date_of_birth", lambda old: f"{old[3:6]}{old[:3]}{old[6:]}",
         "unreadable {n}01a", f"{LISTED} and date_of_birth.str.slice(0, 2) > '12'"),
    Cell("date of birth in the future", STU, "date_of_birth", lambda old: _moved(old, 12000), "{n}05a L-123 S-STU-03",
         LISTED),
    Cell("date of birth a century ago", STU, "date_of_birth", lambda old: old[:6] + "19" + old[8:], "{n}02b S-STU-04",
         f"{LISTED} and p_age < 20 and not date_of_birth.str.startswith('29/02')"),
    Cell("date of birth as ISO", STU, "date_of_birth", _iso, "tolerated", LISTED),
    Cell("date of birth as COLLECT writes it", STU, "date_of_birth", _collect, "tolerated", LISTED),
    Cell("date of birth as ISO with time", STU, "date_of_birth", lambda old: f"{_iso(old)} 00:00:00", "tolerated",
         LISTED),
    Cell("date of birth with dashes", STU, "date_of_birth", lambda old: old.replace("/", "-"), "tolerated", LISTED),
    Cell("sex not a code", STU, "sex", "Malle", "unmapped L-124", LISTED),
    Cell("sex in words", STU, "sex", lambda old: {"M": "Male", "F": "female"}.get(old, "Unknown"), "tolerated", LISTED),
    Cell("ethnicity typed in full with a list code", STU, "ethnicity", "A.A1)White - British", "unmapped L-124",
         LISTED),
    Cell("ethnicity with double spaces", STU, "ethnicity", "White  -  British", "unmapped L-124", LISTED),
    Cell("ethnicity with a trailing quote", STU, "ethnicity", lambda old: f'{old}"', "unmapped L-124", LISTED),
    Cell("ethnicity code mistyped", STU, "ethnicity", "CNHE", "unmapped L-124", LISTED),
    Cell("ethnicity with no-break spaces", STU, "ethnicity", _padded, "tolerated", LISTED),
    Cell("ethnicity in lower case", STU, "ethnicity", str.lower, "tolerated", LISTED),
    Cell("ethnicity in words", STU, "ethnicity", "White - British", "tolerated", f"{LISTED} and ethnicity == 'WBRI'"),
    Cell("postcode an Excel error", STU, "postcode", "#N/A", "unreadable", f"{LISTED} and not p_care"),
    Cell("postcode a word", STU, "postcode", "nope", "S-STU-09", f"{LISTED} and not p_care"),
    Cell("home council by a name that is none", STU, "home_la", "Atlantis", "S-STU-10", LISTED),
    Cell("student id as a float", STU, "student_id", _float, "tolerated", LISTED),
    Cell("disability as 1.0 and 0.0", STU, "disability", _yes_no("1.0", "0.0"), "tolerated",
         f"{LISTED} and disability != ''"),
    Cell("disability as Yes and No", STU, "disability", _yes_no("Yes", "No"), "tolerated",
         f"{LISTED} and disability != ''"),
    Cell("disability as True and False", STU, "disability", _yes_no("True", "False"), "tolerated",
         f"{LISTED} and disability != ''"),
    Cell("disability neither yes nor no", STU, "disability", "perhaps", "unreadable", LISTED),
    Cell("surname like a formula", STU, "surname", lambda old: f"=1+1&\"{old}\"", "tolerated",
         f"{LISTED} and not p_care"),
    Cell("forename with a newline", STU, "forename", lambda old: f"{old}\n{old}", "tolerated",
         f"{LISTED} and not p_care"),
    Cell("surname with spaces around it", STU, "surname", _padded, "tolerated", LISTED),
    Cell("died with an open plan or support", STU, "date_of_death", "{month_ago}", "L-112", LISTED),
    Cell("died before birth", STU, "date_of_death", "01/01/1990", "S-STU-07", f"{UNLISTED} and date_of_death == ''"),
    # Where they learn.
    Cell("enrolled at a closed school", ENR, "urn", "{closed}", "L-117", f"{ON_1} and {NOW}"),
    Cell("urn not in GIAS", ENR, "urn", NOBODY, "L-116", f"{ON_1} and {NOW}"),
    Cell("urn too short", ENR, "urn", lambda old: old[1:], "L-116 S-ENR-02", f"{ON_1} and {NOW}"),
    Cell("urn as a float", ENR, "urn", _float, "tolerated", f"{ON_1} and {NOW}"),
    Cell("enrolment status unknown", ENR, "enrolment_status", "Z", "unmapped", f"{ON_1} and {NOW}"),
    Cell("subsidiary school without a main one", ENR, "enrolment_status", "S", "L-119",
         f"{ON_1} and {NOW} and p_placement == 'mainstream' and p_age > 5"),
    Cell("left before entry", ENR, "leaving_date", lambda old: "01/01/2001", "S-ENR-01",
         f"{UNLISTED} and leaving_date != ''"),
    Cell("entry date impossible", ENR, "entry_date", "2026-13-01", "quarantine", f"{UNLISTED} and leaving_date != ''"),
    Cell("part-time as True", ENR, "part_time_timetable", _yes_no("True", "False"), "tolerated", LISTED),
    Cell("weekly hours of a machine", ENR, "weekly_hours", "325", "S-ENR-03", LISTED),
    # Attendance, suspensions, home education.
    Cell("more absent than possible", ATT, "authorised_absence", "999", "L-120 S-ATT-06",
         "p_list != '' and week_commencing in @recent"),
    Cell("absence below nought", ATT, "unauthorised_absence", "-2", "S-ATT-05", UNLISTED),
    Cell("week does not begin on a Monday", ATT, "week_commencing", lambda old: _moved(old, 2), "S-ATT-02", UNLISTED),
    Cell("week in the future", ATT, "week_commencing", lambda old: _moved(old, 700), "S-ATT-07", UNLISTED),
    Cell("too many sessions in a week", ATT, "sessions_possible", "100", "S-ATT-03", UNLISTED),
    Cell("week impossible", ATT, "week_commencing", "30/02/2026", "quarantine", UNLISTED),
    Cell("sessions as a float", ATT, "sessions_possible", _float, "tolerated", UNLISTED),
    Cell("sessions in words", ATT, "sessions_possible", "ten", "unreadable", UNLISTED),
    Cell("exclusion category unknown", EXC, "category", "XXX", "unmapped", LISTED),
    Cell("exclusion reason unknown", EXC, "reason", "QQ", "unmapped", LISTED),
    Cell("exclusion without a reason", EXC, "reason", "", "S-EXC-05", LISTED),
    Cell("exclusion in the future", EXC, "start_date", lambda old: _moved(old, 1500), "S-EXC-03", LISTED),
    Cell("exclusion date impossible", EXC, "start_date", "31/06/2026", "unreadable", LISTED),
    Cell("suspended for no session", EXC, "sessions", "0", "S-EXC-04", f"{LISTED} and category == 'SUSP'"),
    Cell("home education ends before it starts", EHE, "end_date", "01/01/2010", "S-EHE-01",
         "end_date != '' and not p_case"),
    # Provision and needs.
    Cell("provision unknown", PRO, "sen_provision", "Q", "unmapped", f"{UNLISTED} and end_date != ''"),
    Cell("provision ends before it starts", PRO, "end_date", "01/01/2001", "S-PRO-01",
         f"{UNLISTED} and end_date != '' and sen_provision != 'K'"),
    Cell("provision start impossible", PRO, "start_date", "00/00/0000", "quarantine", f"{UNLISTED} and end_date != ''"),
    Cell("primary need unknown to the DfE", NEE, "sen_type", "XYZ", "unmapped L-124", f"{LISTED} and p_needs == 1"),
    Cell("primary need in words", NEE, "sen_type", "Autism", "tolerated", f"{LISTED} and sen_type == 'ASD'"),
    Cell("need rank in words", NEE, "rank", "two", "unreadable", f"{LISTED} and rank == '2'"),
    Cell("need ranked nought", NEE, "rank", "0", "S-NEE-02", f"{LISTED} and rank == '2'"),
    # Assessments.
    Cell("request source unknown", ASS, "request_source", "7", "unmapped", "not p_case"),
    Cell("request received on an impossible day", ASS, "received_date", "29/02/2025", "unreadable", "not p_case"),
    Cell("final plan before the request", ASS, "received_date", lambda old: _moved(old, 5000),
         "S-ASS-06", "not p_case and final_issued_date != ''"),
    Cell("decision neither yes nor no", ASS, "decision_to_assess", "Pending", "unreadable", "not p_case"),
    Cell("refused and yet issued", ASS, "decision_to_issue", "N", "S-ASS-10", "not p_case and final_issued_date != ''"),
    # Plans.
    Cell("plan amended before it was issued", PLA, "current_plan_date", lambda old: _moved(old, -6000), "S-PLA-04",
         ON_1),
    Cell("plan initial date missing", PLA, "initial_plan_date", "", "S-PLA-02", LAST_PLAN),
    Cell("plan initial date impossible", PLA, "initial_plan_date", "31/04/2019", "unreadable", LAST_PLAN),
    Cell("plan ceased before it began", PLA, "cease_date", "01/01/2010", "S-PLA-05", LAST_PLAN),
    Cell("plan ceased without a reason", PLA, "cease_reason", "", "S-PLA-06", LAST_PLAN),
    Cell("plan cease reason unknown", PLA, "cease_reason", "42", "unmapped", LAST_PLAN),
    Cell("plan setting unknown", PLA, "setting_type", "Castle", "unmapped", f"{ON_1} and setting_type == 'NEET'"),
    Cell("plan residential code of 2023", PLA, "residential", "C", "unmapped", ON_1),
    Cell("plan named urn too short", PLA, "named_urn", lambda old: old[:5], "S-PLA-08", f"{ON_1} and named_urn != ''"),
    Cell("plan named urn as a float", PLA, "named_urn", _float, "tolerated", f"{ON_1} and named_urn != ''"),
    Cell("plan budget as TRUE", PLA, "personal_budget", _yes_no("TRUE", "FALSE"), "tolerated", ON_1),
    # Reviews.
    Cell("review outcome unknown", REV, "la_outcome", "Pending", "unmapped", f"{HELD} and la_outcome != ''"),
    Cell("review outcome never coded", REV, "la_outcome", "", "S-REV-04", f"{HELD} and la_outcome != ''"),
    Cell("review decided before the meeting", REV, "decision_date", "01/01/2012", "S-REV-01",
         f"{HELD} and decision_date != ''"),
    Cell("review notice before the meeting", REV, "amendment_notice_date", "01/01/2012", "S-REV-02",
         f"{HELD} and amendment_notice_date != ''"),
    Cell("review amended plan before the notice", REV, "final_amended_plan_date", "01/01/2012", "S-REV-03",
         f"{HELD} and amendment_notice_date != '' and final_amended_plan_date != ''"),
    Cell("review meeting date in words", REV, "meeting_date", "last Tuesday", "unreadable",
         f"{HELD} and p_role == 'ceased'"),
    Cell("review outcome before the meeting", REV, "meeting_date", lambda old: _moved(old, 9000), "S-REV-06",
         f"{HELD} and la_outcome != ''"),
    # The hub.
    Cell("hub need differs", CAS, "primary_need", "Other difficulty", "L-125",
         f"{LINKED} and primary_need != '' and p_need != 'OTH'"),
    Cell("hub plan date differs", CAS, "final_plan_issued", lambda old: f"{date.fromisoformat(old) + timedelta(9)}",
         "L-125",
         f"{LINKED} and final_plan_issued != '' and plan_last_amended == ''"),
    Cell("hub placement differs", CAS, "named_placement_urn", "{closed}", "L-125",
         f"{LINKED} and named_placement_urn != ''"),
    Cell("hub gender unknown", CAS, "gender", "Yes", "unmapped", LINKED),
    Cell("hub need unknown", CAS, "primary_need", "See report", "unmapped", f"{LINKED} and p_need != ''"),
    Cell("hub request date impossible", CAS, "request_received", "2026-02-30 00:00:00", "unreadable",
         "decision_to_assess == 'Refused'"),
    Cell("hub upn too short", CAS, "child_upn", lambda old: old[:-2], "S-HUC-05",
         "migrated_student_id != '' and child_upn != ''"),
    Cell("hub case closed without a reason", CAS, "close_reason", "", "S-HUC-13", "case_closed != '' and p_list == ''"),
    Cell("hub case migrated to nobody", CAS, "migrated_on", "2026-01-05 00:00:00", "S-HUC-15",
         "migrated_student_id == '' and p_role == 'hub_open'"),
    Cell("hub case migrated to an unknown student", CAS, "migrated_student_id", NOBODY, "orphan",
         "p_role == 'hub_open'"),
    Cell("hub date of birth differs", CAS, "child_dob", "2011-11-11", "P-01",
         "p_link == 'upn' and not p_has_former_upn and final_plan_issued == ''"),
    Cell("hub postcode of the last address", CAS, "postcode", "ZZ99 9ZZ", "P-03",
         "p_link == 'names' and final_plan_issued == ''"),
    Cell("hub child's name like a formula", CAS, "child_first_name", lambda old: f"@{old}", "tolerated",
         "p_link == 'migrated'"),
    Cell("hub advice of an unknown kind", ADV, "advice_type", "Horoscope", "unmapped"),
    Cell("hub advice before it was asked for", ADV, "received_date", "2015-01-01", "S-HUA-01", "received_date != ''"),
    Cell("hub review outcome unknown", HUR, "outcome", "Ongoing", "unmapped", "outcome != ''"),
    Cell("hub review decided before the meeting", HUR, "decision_sent_date", "2015-01-01", "S-HUR-01",
         "decision_sent_date != ''"),
    # Social care.
    Cell("care status unknown", SOC, "status", "Step down", "unmapped", "end_date != ''"),
    Cell("care ends before it starts", SOC, "end_date", "01/01/2001", "S-SOC-01", "end_date != ''"),
    Cell("care without a team", SOC, "team", "", "S-SOC-04", "end_date == ''"),
    Cell("care upn too long", SOC, "upn", lambda old: f"{old}99", "S-SOC-05", "upn != '' and end_date != ''"),
    Cell("care without date of birth", SOC, "date_of_birth", "", "S-SOC-03", "end_date != ''"),
    Cell("care start impossible", SOC, "start_date", "32/01/2026", "quarantine", "end_date != ''"),
    Cell("care team like a formula", SOC, "team", lambda old: f"=cmd|'{old}'!A1", "tolerated",
         "end_date == '' and p_list != ''"),
    Cell("care team over two lines", SOC, "team", lambda old: f"{old}\nDuty desk", "tolerated", "end_date == ''"),
    # Establishments.
    Cell("establishment ages the wrong way round", GIA, "statutory_high_age", "1", "S-GIA-05",
         "status_code == '2' and statutory_low_age != ''"),
    Cell("establishment of no council", GIA, "la_code", "ABC", "S-GIA-03", "status_code == '2'"),
)  # fmt: skip


def _same_upn(plot: Plot, count: int) -> None:
    for number in ("1", "2"):
        where = f"{LISTED} and p_list == '{number}' and upn != ''"
        for row in plot.choose(STU, where, count):
            for other in plot.choose(STU, where, 1):
                plot.change(STU, row, "upn", plot.value(STU, other, "upn"))
                for one in (row, other):
                    plot.note("upn of another child", STU, one, "upn", "P-01 {n}09", plot.person(STU, one))


def _upn_on_both_lists(plot: Plot, count: int) -> None:
    for row in plot.choose(STU, f"{ON_1} and upn != ''", count):
        for other in plot.choose(STU, "p_list == '2' and not p_case and upn != ''", 1):
            plot.change(STU, row, "upn", plot.value(STU, other, "upn"))
            for one in (row, other):
                plot.note("upn of a child on the other list", STU, one, "upn", "P-01 L-111", plot.person(STU, one))


def _entered_twice(plot: Plot, count: int) -> None:
    for row in plot.choose(STU, f"{UNLISTED} and upn != ''", count):
        twin = plot.add(STU, plot.record(STU, row) | {"student_id": str(990_000 + row)})
        plot.note("student entered twice", STU, twin, "student_id", "P-03")


def _older_version(plot: Plot, count: int) -> None:
    for row in plot.choose(STU, f"{LISTED} and last_updated != ''", count):
        older = {"last_updated": "01/01/2019", "ethnicity": "CHNE", "forename": "Old"}
        plot.note("same student twice, the older later in the file", STU, plot.add(STU, plot.record(STU, row) | older),
                  "", "same-key")  # fmt: skip


def _other_versions(plot: Plot, count: int) -> None:
    changes = {ENR: ("weekly_hours", "12"), PLA: ("named_urn", NOBODY), ATT: ("sessions_possible", "7"),
               CAS: ("close_reason", "Entered in error"), NEE: ("rank", "4")}  # fmt: skip
    for feed, (column, value) in changes.items():
        for row in plot.choose(feed, "p_list == ''", count):
            plot.add(feed, plot.record(feed, row) | {column: value})
            plot.note("same key twice with different content", feed, row, "", "same-key")


def _repeated(plot: Plot, count: int) -> None:
    for feed in plot.frames:
        for row in plot.choose(feed, "", count):
            plot.add(feed, plot.record(feed, row))
            plot.note("exact repeat of a row", feed, row, "", "duplicate")


def _blank_key(plot: Plot, count: int) -> None:
    for feed, keys in plot.keys.items():
        for row in plot.choose(feed, "", count):
            added = plot.add(feed, plot.record(feed, row) | {keys[0]: " "})
            plot.note("key blank", feed, added, keys[0], "quarantine", record="blank")


def _orphans(plot: Plot, count: int) -> None:
    """Rows about a student, plan or case that no file holds; none of them makes a list."""
    for feed, column, where in [
        (ENR, "student_id", "leaving_date != ''"), (NEE, "student_id", ""), (ATT, "student_id", ""),
        (EXC, "student_id", ""), (EHE, "student_id", "end_date != ''"), (ASS, "student_id", "final_issued_date == ''"),
        (PRO, "student_id", "end_date != ''"), (REV, "plan_id", ""), (ADV, "case_reference", ""),
        (HUR, "case_reference", ""),
    ]:  # fmt: skip
        for number, row in enumerate(plot.choose(feed, where, count)):
            record = plot.record(feed, row)
            own = plot.keys[feed][0]
            if own != column:
                record[own] = f"{record[own]}9"
            added = plot.add(feed, record | {column: f"98{number:05d}"})
            plot.note("belongs to nobody", feed, added, column, "orphan")


def _plan_of_nobody(plot: Plot, count: int) -> None:
    for number, row in enumerate(plot.choose(PLA, f"{ON_1} and cease_date == ''", count)):
        student = f"97{number:05d}"
        plan = plot.record(PLA, row) | {"plan_id": f"9{number:06d}", "student_id": student, "involvement_id": ""}
        plot.note("plan of an unknown student", PLA, plot.add(PLA, plan), "student_id", "L-126 orphan")
        plot.planted[-1].unique_id = student


def _support_of_nobody(plot: Plot, count: int) -> None:
    for number, row in enumerate(plot.choose(ENR, f"p_list == '2' and {NOW}", count)):
        student = f"96{number:05d}"
        plot.add(ENR, plot.record(ENR, row) | {"student_id": student})
        spell = {"student_id": student, "sen_provision": "K", "start_date": plot.ago(400)}
        plot.note("support of an unknown student", PRO, plot.add(PRO, spell), "student_id", "L-126 orphan")
        plot.planted[-1].unique_id = student


def _two_open_plans(plot: Plot, count: int) -> None:
    for number, row in enumerate(plot.choose(PLA, f"{ON_1} and cease_date == ''", count)):
        earlier = _moved(plot.value(PLA, row, "initial_plan_date"), -40)
        second = {
            "plan_id": f"8{number:06d}",
            "initial_plan_date": earlier,
            "current_plan_date": earlier,
            "involvement_id": "",
        }
        added = plot.add(PLA, plot.record(PLA, row) | second)
        plot.note("two open plans", PLA, added, "plan_id", "L-110", plot.person(PLA, row))


def _reviewed_before_issue(plot: Plot, count: int) -> None:
    """The old plan's date was overwritten when a new plan was made: the review is older than the plan."""
    for row in plot.choose(PLA, f"{ON_1} and cease_date == '' and p_reviewed", count):
        for column in ("initial_plan_date", "current_plan_date"):
            plot.change(PLA, row, column, plot.ago(1))
        plot.note("plan date overwritten after a review", PLA, row, "initial_plan_date", "106b", plot.person(PLA, row))


def _support_with_plan(plot: Plot, count: int) -> None:
    for row in plot.choose(PLA, f"{ON_1} and cease_date == ''", count):
        spell = {"student_id": plot.value(PLA, row, "student_id"), "sen_provision": "K", "start_date": plot.ago(200)}
        plot.note(
            "support and an open plan", PRO, plot.add(PRO, spell), "sen_provision", "tolerated", plot.person(PLA, row)
        )


def _home_educated_at_school(plot: Plot, count: int) -> None:
    for row in plot.choose(ENR, f"{ON_1} and {NOW} and p_age > 5 and not p_home_educated", count):
        episode = {"student_id": plot.value(ENR, row, "student_id"), "start_date": plot.ago(90)}
        plot.note(
            "home educated and at a school", EHE, plot.add(EHE, episode), "start_date", "L-118", plot.person(ENR, row)
        )


def _need_missing(plot: Plot, count: int) -> None:
    for row in plot.choose(NEE, f"{LISTED} and p_needs == 1", count):
        student = plot.value(NEE, row, "student_id")
        plot.drop(NEE, [row])
        plot.note("need missing", NEE, None, "sen_type", "{n}01d", plot.person(NEE, row), f"student_id={student}")


def _need_after_close(plot: Plot, count: int) -> None:
    for row in plot.choose(PLA, LAST_PLAN, count):
        need = {"student_id": plot.value(PLA, row, "student_id"), "sen_type": "DS", "rank": "1",
                "start_date": plot.value(PLA, row, "cease_date")}  # fmt: skip
        plot.note("need supplied after the plan closed", NEE, plot.add(NEE, need), "start_date", "S-NEE-04")


def _headers(plot: Plot, _: int) -> None:
    for feed, column, header in [
        (PLA, "transferred_in_from_la", "Transferred In\nFrom LA"),
        (STU, "pupil_premium", "\u201cPupil Premium\u201d"),
        (ASS, "twenty_week_exception", "20\u2013Week  EXCEPTION "),
        (SOC, "last_name", "\u00a0Last Name"),
    ]:
        plot.headers.setdefault(feed, {})[column] = header
        plot.note("header with newline, quotes, dash or spaces", feed, None, column, "tolerated", record="header")


STRUCTURAL: tuple[Callable[[Plot, int], None], ...] = (
    _same_upn, _upn_on_both_lists, _entered_twice, _older_version, _other_versions, _repeated, _blank_key, _orphans,
    _plan_of_nobody, _support_of_nobody, _two_open_plans, _reviewed_before_issue, _support_with_plan,
    _home_educated_at_school, _need_missing, _need_after_close, _headers,
)  # fmt: skip


def plant(plot: Plot, share: float) -> None:
    """Plant every fault. `share` is how many of the people on the lists have one; there is at least one of each."""
    listed = int((plot.people["p_list"] != "").sum())
    count = max(1, round(share * listed / (len(CELLS) + len(STRUCTURAL))))
    for structural in STRUCTURAL:
        structural(plot, count)
    for cell in CELLS:
        cell.plant(plot, count)
