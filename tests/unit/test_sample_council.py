"""The synthetic council looks like the published figures, and is the same council every time."""

import csv
import hashlib
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sample import council, figures
from sample.chance import Scene
from sample.council import Council
from sample.people import AGES_OF_PLACEMENT, ETHNICITIES, ON_LIST_1, ON_LIST_2
from sample.years import age_at, school_age, term_weeks

AS_AT = date(2026, 11, 16)
TODAY = pd.Timestamp(AS_AT)
PLANS, SUPPORT = 3700, 7000


@pytest.fixture(scope="module")
def whole() -> Council:
    return council.build(AS_AT, "999", PLANS, SUPPORT, seed=2026)


@pytest.fixture(scope="module")
def listed(whole: Council) -> pd.DataFrame:
    return whole.people[whole.people["role"].isin(ON_LIST_1)]


def _digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _write(folder: Path, seed: int = 5, faults: float = 0.02) -> dict[str, str]:
    council.write(
        folder / "inbox", as_at=AS_AT, plans=200, sen_support=300, seed=seed, faults=faults,
        answer_key=folder / "key.csv",
    )  # fmt: skip
    return _digest(folder / "inbox") | {"key": hashlib.sha256((folder / "key.csv").read_bytes()).hexdigest()}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = _write(tmp_path / "a")
    assert _write(tmp_path / "b") == first
    other = _write(tmp_path / "c", seed=6)
    assert other.keys() == first.keys()
    assert {name for name, digest in first.items() if other[name] == digest} == {"board_actions_20261116.csv"}


def test_without_faults_nothing_is_planted_and_nothing_else_is_drawn(tmp_path: Path) -> None:
    _write(tmp_path / "clean", faults=0.0)
    assert len((tmp_path / "clean" / "key.csv").read_text().splitlines()) == 1
    _write(tmp_path / "faulty", faults=0.02)
    unlike = 0
    for path in (tmp_path / "clean" / "inbox").iterdir():
        clean = path.read_bytes().splitlines()
        faulty = set((tmp_path / "faulty" / "inbox" / path.name).read_bytes().splitlines())
        unlike += sum(line not in faulty for line in clean)
    assert 50 < unlike < 400


def test_a_council_too_small_to_look_like_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 50 plans"):
        council.write(tmp_path, as_at=AS_AT, plans=49, sen_support=100)


@pytest.mark.parametrize("as_at", [date(2024, 2, 29), date(2025, 8, 31), date(2025, 9, 1), date(2027, 1, 1)])
def test_any_day_and_council(as_at: date, tmp_path: Path) -> None:
    summary = council.write(
        tmp_path / "inbox", as_at=as_at, la_code="888", plans=60, sen_support=50, seed=1, faults=0.05
    )
    assert len(summary.rows) == 18
    assert all(count > 0 for count in summary.rows.values())
    assert summary.faults > 100
    assert (tmp_path / "answer_key.csv").exists()


def test_every_figure_has_a_year_and_a_source() -> None:
    with figures.FILE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 500
    assert all(row["source"] and float(row["value"]) >= 0 for row in rows)
    assert all(row["year"] or "assumption" in row["source"] for row in rows)


def test_as_many_on_each_list_as_asked(whole: Council, listed: pd.DataFrame) -> None:
    assert len(listed) == PLANS
    assert whole.people["role"].isin(ON_LIST_2).sum() == SUPPORT
    held = whole.feeds["capita_one.ehc_plans"]
    is_open = (held["initial_plan_date"] <= TODAY) & (held["cease_date"].isna() | (held["cease_date"] > TODAY))
    cases = whole.feeds["ehc_hub.cases"]
    in_hub = cases[cases["final_plan_issued"].notna() & cases["case_closed"].isna()]
    assert held.loc[is_open, "person"].is_unique
    assert len(set(held.loc[is_open, "person"]) | set(in_hub["person"]) - set(held["person"])) == PLANS


def _close(found: pd.Series, published: pd.Series, points: float) -> None:
    """Every share within so many percentage points of the published one."""
    both = pd.DataFrame({"found": found, "published": published}).fillna(0.0)
    assert ((both["found"] - both["published"]).abs() * 100).max() < points, both


def test_ages_needs_sexes_placements_and_ethnicities(listed: pd.DataFrame) -> None:
    ages, shares = figures.by_year("plan_age")
    _close(listed["age"].value_counts(normalize=True), pd.Series(shares, ages), 0.5)
    by_need = figures.table("plan_sex_need").sum()
    _close(listed["need"].value_counts(normalize=True), by_need / by_need.sum(), 0.5)
    by_sex = figures.table("plan_sex_need").sum(axis=1)
    _close(listed["sex"].value_counts(normalize=True), by_sex / by_sex.sum(), 1.0)
    by_placement = figures.table("plan_placement_need").sum(axis=1)
    _close(listed["placement"].value_counts(normalize=True), by_placement / by_placement.sum(), 0.7)
    ethnicity = figures.shares("plan_ethnicity").rename(ETHNICITIES)
    rolled_up = listed["ethnicity"].replace({"WENG": "WBRI", "WEEU": "WOTH", "AMPK": "APKN", "REFU": "NOBT"})
    _close(rolled_up.value_counts(normalize=True), ethnicity, 2.0)


def test_needs_by_age(listed: pd.DataFrame) -> None:
    counts = figures.table("plan_age_need")
    counts.index = counts.index.astype(int)
    for low, high in [(2, 4), (5, 10), (11, 15), (16, 25)]:
        published = counts.loc[(counts.index >= low) & (counts.index <= high)].sum()
        found = listed.loc[listed["age"].between(low, high), "need"].value_counts(normalize=True)
        _close(found, published / published.sum(), 5.0)


def test_a_placement_suits_the_age(listed: pd.DataFrame) -> None:
    for placement, some in listed.groupby("placement"):
        low, high = AGES_OF_PLACEMENT[str(placement)]
        assert some["age"].between(low, high + 1).all(), placement
    assert (listed.loc[listed["placement"] == "fe", "school_age"] >= 16).all()


def test_years_in_place_and_age_at_start(whole: Council) -> None:
    plans = whole.people[whole.people["role"] == "plan"]
    held = (TODAY - plans["first_plan"]).dt.days / 365.25
    years, shares = figures.by_year("plan_years")
    _close(np.ceil(held).clip(1, 12).value_counts(normalize=True), pd.Series(shares, years.astype(float)), 2.0)
    ages, shares = figures.by_year("plan_start_age")
    started = ((plans["first_plan"] - plans["birth"]).dt.days / 365.25).astype(int).clip(ages[0], ages[-1])
    _close(started.value_counts(normalize=True), pd.Series(shares, ages), 2.0)


def test_timeliness_of_assessments(whole: Council) -> None:
    assessed = whole.feeds["capita_one.ehcp_assessments"]
    issued = assessed[assessed["final_issued_date"].notna()]
    took = (issued["final_issued_date"] - issued["received_date"]).dt.days
    in_time = figures.rate("pc_plans_issued_within_20_weeks")
    assert (took <= 140).mean() == pytest.approx(in_time, abs=0.03)
    assert (took > 365).mean() == pytest.approx(figures.rate("pc_plans_issued_gt_1_year"), abs=0.02)
    excepted = 1 - figures.figure("plans_issued_den_ex") / figures.figure("plans_issued_den")
    assert (issued["twenty_week_exception"] == "Y").mean() == pytest.approx(excepted, abs=0.02)
    told = assessed[assessed["decision_notified_date"].notna()]
    in_six_weeks = ((told["decision_notified_date"] - told["received_date"]).dt.days <= 42).mean()
    assert in_six_weeks == pytest.approx(figures.rate("request_outcome_six_weeks_pc"), abs=0.03)
    assert (assessed["decision_to_assess"] == "N").mean() == pytest.approx(
        figures.rate("request_not_assess_pc"), abs=0.05
    )


def test_no_assessment_runs_backwards(whole: Council) -> None:
    assessed = whole.feeds["capita_one.ehcp_assessments"]
    steps = ["received_date", "decision_notified_date", "draft_issued_date", "final_issued_date"]
    for first, later in pairwise(steps):
        both = assessed[assessed[first].notna() & assessed[later].notna()]
        assert (both[first] <= both[later]).all(), later
    assert (assessed[steps].max() <= TODAY).all()


def test_reviews(whole: Council) -> None:
    reviewed = whole.feeds["capita_one.annual_reviews"]
    expected = figures.figure("total_review_meeting") / figures.figure("review_expected")
    due = reviewed[reviewed["due_date"] < TODAY - pd.Timedelta(days=180)]
    assert due["meeting_date"].notna().mean() == pytest.approx(expected, abs=0.05)
    decided = reviewed[reviewed["decision_date"].notna()]
    in_time = ((decided["decision_date"] - decided["meeting_date"]).dt.days <= 28).mean()
    assert in_time == pytest.approx(figures.rate("pc_decision_4weeks"), abs=0.03)
    coded = reviewed.loc[reviewed["la_outcome"] != "", "la_outcome"].value_counts(normalize=True)
    assert coded["A"] > coded["M"] > coded["C"] > 0
    assert (reviewed["meeting_date"].dropna() <= TODAY).all()


def test_plans_cease_for_the_published_reasons(whole: Council) -> None:
    held = whole.feeds["capita_one.ehc_plans"]
    ceased = held[held["person"].isin(whole.people.index[whole.people["ceased"].notna()])]
    reasons = figures.shares("cease_reason")
    _close(ceased["cease_reason"].value_counts(normalize=True), reasons, 2.0)
    a_year = ((ceased["cease_date"] > TODAY - pd.Timedelta(days=365)) & (ceased["cease_date"] <= TODAY)).sum()
    assert a_year / PLANS == pytest.approx(figures.figure("total_ceased") / figures.figure("ehcplans"), abs=0.012)
    died = whole.people[whole.people["death"].notna()]
    assert (died["cease_reason"] == "8").all()


def test_absence(whole: Council) -> None:
    weeks = whole.feeds["capita_one.attendance"]
    sums = weeks.groupby("student_id")[["sessions_possible", "authorised_absence", "unauthorised_absence"]].sum()
    sums["missed"] = sums["authorised_absence"] + sums["unauthorised_absence"]
    role = whole.people.set_index("student_id")["role"].reindex(sums.index)
    for name, roles in [("plan", ["plan", "hub_plan"]), ("support", ["support"])]:
        some = sums[role.isin(roles)]
        share = some["missed"] / some["sessions_possible"]
        mean = some["missed"].sum() / some["sessions_possible"].sum()
        assert mean == pytest.approx(figures.rate(f"{name}_absence"), abs=0.01)
        assert (share >= 0.1).mean() == pytest.approx(figures.rate(f"{name}_persistent_absence"), abs=0.04)
        assert (share >= 0.5).mean() == pytest.approx(figures.rate(f"{name}_severe_absence"), abs=0.015)
    assert (weeks["authorised_absence"] + weeks["unauthorised_absence"] <= weeks["sessions_possible"]).all()
    assert not weeks.duplicated(["student_id", "urn", "week_commencing"]).any()


def test_suspensions(whole: Council) -> None:
    exclusions = whole.feeds["capita_one.exclusions"]
    role = whole.people.set_index("student_id")["role"].reindex(exclusions["student_id"]).to_numpy()
    of_age = whole.people["school_age"].between(5, 15)
    for name, roles in [("plan", ["plan"]), ("support", ["support"])]:
        pupils = (whole.people["role"].isin(roles) & of_age).sum()
        a_term = (np.isin(role, roles) & (exclusions["category"] == "SUSP")).sum() / 6 / pupils
        assert a_term == pytest.approx(figures.rate(f"{name}_suspensions_a_term"), abs=0.025)
    assert 0.001 < (exclusions["category"] == "PERM").mean() < 0.05


def test_everything_that_the_rules_are_about_is_there(whole: Council) -> None:
    enrolled, held = whole.feeds["capita_one.enrolments"], whole.feeds["capita_one.ehc_plans"]
    assert set(enrolled["enrolment_status"]) == set("CMSFOG")
    assert set(held["setting_type"]) >= {"OLA", "EHE", "EYP", "OTH", "NEET", "NIEC", "NIEO", ""}
    assert {"A", "B"} >= set(held["residential"]) - {""}
    assert (held["transferred_in_from_la"] != "").sum() > 50
    assert held["phase_transfer_due_date"].notna().sum() > 500
    assert (held["cease_date"] > TODAY).any()
    assert set(whole.feeds["ehc_hub.cases"]["link"]) == {"migrated", "upn", "names", "none"}
    assert held.loc[held["cease_date"].notna(), "person"].isin(held.loc[held["cease_date"].isna(), "person"]).any()
    mains = enrolled[(enrolled["enrolment_status"] == "M") & enrolled["leaving_date"].isna()]
    seconds = enrolled[(enrolled["enrolment_status"] == "S") & enrolled["leaving_date"].isna()]
    assert set(mains["person"]) == set(seconds["person"])
    gias = whole.feeds["gias.establishments"]
    assert set(gias["status_code"]) == {"1", "2", "3"}
    assert {"7", "8", "10", "11", "14", "15", "18", "28", "30", "32", "34"} <= set(gias["type_code"])
    assert 250 <= (gias["status_code"] != "2").sum() <= 700


def test_numbers_are_valid_and_nobodys(whole: Council) -> None:
    people = whole.people
    upns = pd.concat([people["upn"], people["former_upn"]])
    upns = upns[upns != ""]
    assert upns.is_unique
    letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
    for upn in upns.head(500):
        total = sum(int(digit) * position for position, digit in enumerate(upn[1:], start=2))
        assert upn[0] == letters[total % 23] and upn[1:4] == "999" and len(upn) == 13
    ulns = people.loc[people["uln"] != "", "uln"]
    assert ulns.is_unique
    for uln in ulns.head(500):
        left = sum(int(digit) * weight for digit, weight in zip(uln, range(10, 1, -1), strict=False)) % 11
        assert left and int(uln[-1]) == 10 - left and len(uln) == 10 and uln.startswith("999")
    assert (people.loc[people["uln"] != "", "age"] >= 14).all()
    assert people["postcode"].str.startswith("ZZ").all()
    assert whole.feeds["gias.establishments"]["urn"].str.match(r"9\d{5}$").all()
    missing = people[people["upn"] == ""]
    assert (missing["upn_unknown_reason"] != "").all()
    assert not people.duplicated(["surname", "forename", "birth", "postcode"]).any()


def test_a_case_can_be_linked_as_it_says(whole: Council) -> None:
    cases, people = whole.feeds["ehc_hub.cases"], whole.people
    person = people.iloc[cases["person"]].reset_index(drop=True)
    cases = cases.reset_index(drop=True)
    migrated, by_upn, by_names = (cases["link"] == link for link in ("migrated", "upn", "names"))
    assert (cases["migrated_student_id"] == person["student_id"])[migrated].all()
    assert (cases["migrated_student_id"] == "")[~migrated].all()
    assert ((cases["child_upn"] == person["upn"]) | (cases["child_upn"] == person["former_upn"]))[by_upn].all()
    assert (cases.loc[by_upn, "child_upn"] != "").all()
    assert (cases.loc[by_names, "child_upn"] == "").all()
    assert not person.loc[cases["link"] == "none", "in_one"].any()


def test_whole_years_of_age() -> None:
    births = np.array(["2012-02-29", "2012-08-31", "2012-09-01"], dtype="datetime64[D]")
    assert age_at(births, np.datetime64("2026-02-28")).tolist() == [13, 13, 13]
    assert age_at(births, np.datetime64("2026-03-01")).tolist() == [14, 13, 13]
    assert school_age(births, 2026).tolist() == [14, 14, 13]


def test_term_weeks() -> None:
    mondays, sessions = term_weeks(date(2025, 9, 1), date(2026, 8, 31))
    assert 38 <= len(mondays) <= 40
    assert all(day.astype(date).weekday() == 0 for day in mondays)
    assert np.datetime64("2025-12-22") not in mondays and np.datetime64("2026-04-06") not in mondays
    assert dict(zip(mondays.astype(str), sessions.tolist(), strict=True))["2026-05-04"] == 8  # the May Day holiday
    assert term_weeks(date(2026, 11, 16), date(2026, 11, 18))[1].tolist() == [6]


@pytest.mark.parametrize(("day", "year"), [(date(2026, 8, 31), 2025), (date(2026, 9, 1), 2026)])
def test_the_school_year_begins_in_september(day: date, year: int) -> None:
    assert Scene(np.random.default_rng(0), day, "999").year == year
