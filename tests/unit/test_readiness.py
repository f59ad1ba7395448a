"""The director's page: verdict, figures, sections that are left out, rounding, nobody's data, equal bytes."""

import itertools
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from publish_kpis import add_kpis, kpi_row
from publish_run import AS_AT, FEEDS, child, finished_run, issue, settings

from publish import board, pack
from publish.kpi import figures
from publish.report import placements, readiness
from send_ready import database, files
from send_ready.runs import Run
from send_ready.words import short_month
from warehouse import run_data

MONTH_ENDS = [date(2023, 12, 31), date(2024, 10, 31), date(2025, 10, 31), date(2026, 10, 31)]
MANIFEST = {"council": "Sampleshire", "rows": {"List 1": 1, "List 2": 1}, "issues": {"stop": 0}}


class Page(HTMLParser):
    """What a reader meets: headings, ids, text without markup, every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] != "style":
            self.words.append(data)

    def ids(self) -> list[str]:
        return [found for _, attributes in self.tags if (found := attributes.get("id"))]


def page(run: Run, manifest: Mapping[str, Any] = MANIFEST, previous: Path | None = None) -> Page:
    path = run.folder / "readiness.html"
    with run_data.opened(run) as con:
        readiness.write(path, con, run, dict(manifest), previous)
    return Page(path.read_text(encoding="utf-8"))


def k01(**changes: Any) -> list[dict[str, Any]]:
    """K01 at every period: 10, 20, 30 and, at D, 321 of 675."""
    rows = [kpi_row("K01", "rolling_12_months", end, 10 * n, 100) for n, end in enumerate(MONTH_ENDS, 1)]
    now = kpi_row("K01", "rolling_12_months", AS_AT, 321, 675, rag="amber", comparator_value=46.4,
                  comparator_period="2024", target_value=100.0)  # fmt: skip
    return [*rows, {**now, **changes}]


def fresh(run: Run) -> Run:
    """The run with every feed fresh."""
    with database.writer(run.warehouse) as con:
        con.execute(f"UPDATE raw.feeds SET status = 'fresh', is_stale = false, data_date = '{AS_AT}'")
    return run


def whole(home: Path) -> Run:
    """A run with one child on each list, all feeds fresh and no error."""
    return fresh(finished_run(home, list_1=[child("S1")], list_2=[child("S2")]))


def test_a_day_without_faults_is_ready(tmp_path: Path) -> None:
    shown = page(whole(tmp_path))
    assert "Yes: both lists could go out today" in shown.text
    assert "verdict ready" in shown.html


def test_errors_and_old_feeds_are_said_first(tmp_path: Path) -> None:
    run = finished_run(
        tmp_path,
        list_1=[child("S1")],
        list_2=[child("S2")],
        found=[issue(), issue(unique_id="S9"), issue("x", "query")],
    )
    shown = page(run, {**MANIFEST, "issues": {"stop": 0, "error": 3}})
    # The manifest counts all errors; two of them are about the lists.
    assert "Yes, but 2 of 3 open errors would show and 3 feeds are not fresh" in shown.text
    assert "3 errors are open; 2 of them would show in the lists, the others are in the exports alone." in shown.text
    assert "Most errors of the lists stand in the column ‘Date of birth’: 2 of 2." in shown.text
    assert "verdict care" in shown.html
    assert "Stale" in shown.text
    assert "Refused" in shown.text


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        ({**MANIFEST, "rows": {"List 1": 0, "List 2": 5}}, "List 1 has no children on it"),
        ({**MANIFEST, "rows": {"List 1": 0, "List 2": 0}}, "List 1 and List 2 have no children on it"),
        ({**MANIFEST, "issues": {"stop": 2}}, "2 faults are grave enough to stop the lists."),
    ],
)
def test_an_empty_list_or_a_grave_fault_is_not_ready(tmp_path: Path, manifest: dict[str, Any], said: str) -> None:
    shown = page(whole(tmp_path), manifest)
    assert "No: the lists should not go out today" in shown.text
    assert said in shown.text
    assert "verdict not" in shown.html


def test_a_figure_has_its_colour_in_words_what_it_is_of_and_what_it_is_beside(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), k01()))
    card = shown.text.split("Headline figures")[1]
    for words in (
        "47.6%", "Amber", "Up 17.6 points on Oct 2025: better", "12 months to 16 November 2026: 321 of 675.",
        "England 46.4% (2024).", "Target 100%.",
    ):  # fmt: skip
        assert words in card, words
    assert "Of 1 figure, none red, 1 amber and none green." in shown.text
    assert "without exceptions, 12 months to 16 November 2026" in shown.text  # over the table of its line


def test_figures_are_rounded_half_up(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), k01(numerator=49, denominator=400, value=12.25)))
    assert "12.3%" in shown.text
    assert figures.shown(0.05, "percent") == "0.1%"
    assert figures.shown(1183.0, "count") == "1,183"
    assert figures.shown(27.25, "weeks") == "27.3 weeks"


@given(st.integers(1, 5000).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d))))
def test_rounding_is_that_of_whole_numbers(fraction: tuple[int, int]) -> None:
    numerator, denominator = fraction
    tenths = (2000 * numerator + denominator) // (2 * denominator)
    assert figures.rounded(100 * numerator / denominator) * 10 == tenths


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        (
            {"numerator": None, "denominator": None, "value": None, "rag": None},
            "The data it needs has never been received",
        ),
        ({"numerator": 0, "denominator": 0, "value": None, "rag": None}, "Nothing to count in this period"),
    ],
)
def test_a_kpi_without_a_figure_says_why(tmp_path: Path, changes: dict[str, Any], note: str) -> None:
    shown = page(add_kpis(whole(tmp_path), k01(**changes)))
    assert shown.text.count("No figure") >= 2
    assert "No target" not in shown.text
    assert note in shown.text
    assert "From 10.0% in Dec 2023 to 40.0% in Oct 2026." in shown.text


def test_a_kpi_that_never_had_a_figure_stops_nothing(tmp_path: Path) -> None:
    blank = {"numerator": None, "denominator": None, "value": None, "rag": None}
    rows = [{**row, **blank} for kpi_id in ("K01", "K13", "K19", "K36") for row in [{**k01()[-1], "kpi_id": kpi_id}]]
    assert "No figure yet" in page(add_kpis(whole(tmp_path), rows)).text


@pytest.mark.parametrize("has_tables", [True, False])
def test_a_run_without_any_kpi_has_a_page(tmp_path: Path, has_tables: bool) -> None:
    run = whole(tmp_path)
    shown = page(add_kpis(run) if has_tables else run)
    assert "There are no figures yet." in shown.text
    assert "improvement" not in shown.text.lower()


def test_a_stale_figure_says_so(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), k01(is_stale=True, data_date=date(2026, 11, 2))))
    assert "Stale: data of 2 November 2026." in shown.text


STAGES = (("Decision whether to assess", 42), ("Assessment and draft plan", 140), ("Final plan", 140))


def backlog(*counts: tuple[int, int, int]) -> list[dict[str, Any]]:
    bands = ("in_time_count", "late_count", "beyond_30_weeks_count")
    return [
        {"stage_no": number, "stage": stage, "days_allowed": days, **dict(zip(bands, numbers, strict=True))}
        for number, ((stage, days), numbers) in enumerate(zip(STAGES, counts, strict=True), start=1)
    ]


def test_the_backlog_is_by_stage_and_how_late(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), backlog=backlog((3, 2, 1), (1, 1, 0), (0, 0, 1)))).text
    assert "9 assessments are open. 5 of them are late, 2 beyond 30 weeks." in shown
    for words in (
        "Decision whether to assess: 3 in time, 2 late, 1 beyond 30 weeks",
        "Assessment and draft plan: 1 in time, 1 late, 0 beyond 30 weeks",
        "Final plan: 0 in time, 0 late, 1 beyond 30 weeks",
    ):
        assert words in shown
    none_open = page(add_kpis(whole(tmp_path / "none"), backlog=backlog(*3 * [(0, 0, 0)]))).text
    assert "No assessment is open." in none_open


def test_advice_is_by_who_was_asked(tmp_path: Path) -> None:
    items = [("Trust", 0), ("Trust", 1), ("Trust", 30), ("School", -3), (None, 5)]
    worklist = [{"item_type": "advice_outstanding", "provider": name, "days_late": days} for name, days in items]
    worklist.append({"item_type": "review_overdue", "provider": None, "days_late": 9})
    shown = page(add_kpis(whole(tmp_path), k01(), worklist=worklist))
    assert "5 pieces of advice for open assessments have not come; 3 are past the six weeks." in shown.text
    for words in ("Trust: 1 in time, 2 past six weeks", "Provider not recorded: 0 in time, 1 past six weeks"):
        assert words in shown.text


def test_reviews_are_by_month(tmp_path: Path) -> None:
    held = [date(2026, 11, 16), date(2026, 11, 17), date(2025, 12, 1), date(2025, 11, 30)]
    reviews = [{"plan_id": f"P{number}", "meeting_date": day} for number, day in enumerate(held)]
    reviews.append(reviews[0])
    worklist = [{"item_type": "review_overdue"}, {"item_type": "review_due_in_8_weeks"}]
    run = add_kpis(whole(tmp_path), reviews=reviews, worklist=worklist)
    shown = page(with_feed(run, "capita_one", "annual_reviews", "Annual reviews"))
    assert "2 reviews were held in the last 12 months. 1 is overdue." in shown.text
    for words in ("Nov 2026: 1 held so far", "Dec 2025: 1 held", "Overdue: 1 not held", "Next 8 weeks: 1 fall due"):
        assert words in shown.text


def with_feed(run: Run, source: str, feed: str, title: str, columns_missing: str = "") -> Run:
    """The run with one feed more that came, and the columns that its file has not."""
    with database.writer(run.warehouse) as con:
        con.execute(
            "INSERT INTO raw.feeds BY NAME SELECT ? AS source, ? AS feed, ? AS title, 'fresh' AS status, "
            "false AS is_stale, true AS was_ever_received, 1 AS stale_after_days, 'Team' AS owner, "
            "? AS columns_missing, ? AS data_date",
            [source, feed, title, columns_missing or None, AS_AT],
        )
    return run


def test_what_never_came_is_said_to_be_not_known_and_never_none(tmp_path: Path) -> None:
    """Neither "No advice is outstanding", nor 0 reviews held, nor a figure: and each says which feed or column."""
    blank = {"rag": None, "is_stale": True, "data_date": None}
    values = [kpi_row(kpi, "rolling_12_months", AS_AT, None, None, "percent", **blank) for kpi in ("K01", "K13")]
    lacking = [
        {"kpi_id": "K01", "feed": "capita_one.ehcp_assessments", "column_name": "twenty_week_exception"},
        {"kpi_id": "K05", "feed": "capita_one.ehcp_assessments", "column_name": None},
        {"kpi_id": "K05", "feed": "ehc_hub.cases", "column_name": None},
        {"kpi_id": "K13", "feed": "ehc_hub.advice", "column_name": None},
    ]
    run = with_feed(whole(tmp_path), "ehc_hub", "reviews", "EHC Hub reviews", "due_date; meeting_date")
    shown = page(add_kpis(run, values, not_known=lacking))
    for said in (
        "Open assessments: not known: no export of capita_one.ehcp_assessments or of EHC Hub cases has ever been "
        "received.",
        "Advice outstanding: not known: no export of ehc_hub.advice has ever been received.",
        "Reviews: not known: no export of capita_one.annual_reviews has ever been received; the export of EHC Hub "
        "reviews has no column ‘Meeting Date’.",
        "Not known: the export of capita_one.ehcp_assessments has no column ‘20 Week Exception’.",
    ):
        assert said in shown.text, said
    for untrue in ("No advice is outstanding", "No assessment is open", "reviews were held", "no date"):
        assert untrue not in shown.text, untrue


def test_advice_that_came_and_is_all_in_is_said_to_be(tmp_path: Path) -> None:
    assert "No advice is outstanding." in page(add_kpis(whole(tmp_path), k01())).text


def test_the_rule_of_a_colour_stands_beside_it(tmp_path: Path) -> None:
    """Not folded away: 46.9% may be amber, and 83.4% red, by targets and margins of their own."""
    values = [kpi_row("K01", "rolling_12_months", AS_AT, 469, 1000, rag="amber", target_value=100.0),
              kpi_row("K07", "rolling_12_months", AS_AT, 834, 1000, rag="red", target_value=100.0)]  # fmt: skip
    shown = page(add_kpis(whole(tmp_path), values))
    cards = shown.text.split("Headline figures")[1].split("All figures")[0]
    for words in (
        "46.9% Amber Green from 100%, amber from 46%, red below.",
        "83.4% Red Green from 100%, amber from 84%, red below.",
    ):
        assert words in " ".join(cards.split()), words


def test_a_figure_of_a_feeds_first_months_says_since_when_it_counts(tmp_path: Path) -> None:
    ends = [figures.month_end(AS_AT, -months) for months in range(36, 0, -1)]

    def since(begun: date, folder: str) -> Page:
        counts = [(end, 5 if end >= begun else 0) for end in (*ends, AS_AT)]
        kinds = ("month", "rolling_12_months")
        return page(
            add_kpis(whole(tmp_path / folder), [kpi_row("K13", kind, end, n, n) for kind in kinds for end, n in counts])
        )

    lately = since(ends[-3], "lately")
    card, rest = lately.text.split("Headline figures")[1], lately.text.split(" Advice ")[-1]
    said = f"Of less than 12 months: there is nothing to count before {short_month(ends[-3])}."
    assert said in card
    assert said in rest
    # Two years ago: today's figure is of a whole year, and the first ones of the line are not.
    earlier = since(ends[-24], "earlier").text
    assert "Of less than 12 months" not in earlier
    first, last = short_month(ends[-24]), short_month(ends[-14])
    assert f"There is nothing to count before {first}: figures up to {last} are of less than 12 months." in earlier
    assert "nothing to count before" not in since(ends[0], "always").text


def test_every_child_with_a_plan_is_in_one_row_of_the_placements(tmp_path: Path) -> None:
    """Colleges and who has no school included; the rows add up to K16."""
    by_phase = {"Primary": 40, "Special": 25, "FE college": 20, "Unknown": 15}
    values = [kpi_row("K16", "point", AS_AT, 100)]
    values += [kpi_row("K16", "point", AS_AT, count, breakdown=("phase", phase)) for phase, count in by_phase.items()]
    run = add_kpis(whole(tmp_path), values)
    with run_data.opened(run) as con:
        rows = placements.places(con, figures.series(con), figures.INTERNAL)
    assert [(row["label"], row["shown"], row["share"]) for row in rows] == [
        ("Primary school", "40", "40.0%"),
        ("Special school", "25", "25.0%"),
        ("Further education and other post-16", "20", "20.0%"),
        ("No establishment, or its phase is not known", "15", "15.0%"),
    ]
    with database.writer(run.warehouse) as con:
        con.execute("DROP TABLE IF EXISTS annex_a.rpt_annex_a__settings")
        con.execute(
            "CREATE TABLE annex_a.rpt_annex_a__settings AS SELECT * FROM (VALUES "
            "('None recorded', NULL, NULL, 6), ('Home educated', NULL, NULL, 7), ('URN 999', '999', NULL, 2), "
            "('Ash School', '100001', 'Primary', 40)) AS t (setting, urn, phase, plan_count)"
        )
    shown = page(run)
    for words in ("Home educated", "An establishment without a known phase", "None recorded"):
        assert words in shown.text
    assert "No establishment, or its phase is not known" not in shown.text


def test_the_page_claims_no_more_than_is_so(tmp_path: Path) -> None:
    """Counts of one stand on it: it names nobody, and it is not for publishing."""
    shown = page(add_kpis(whole(tmp_path), [*k01(), kpi_row("K05", "point", AS_AT, 1)]))
    assert "no child can be found" not in shown.text
    assert "no child is named. Some numbers are of few children" in shown.text


AREA = {"area": "Reviews", "action_count": 3, "blue_count": 1, "green_count": 1, "amber_count": 0, "red_count": 1,
        "cancelled_count": 0, "data_date": AS_AT, "is_stale": False}  # fmt: skip
ACTION = {
    "action_id": "A1", "area": "Reviews", "action": "Hold the reviews", "action_owner": "Head of SEND",
    "start_date": date(2026, 5, 1), "due_date": date(2026, 10, 31), "rag": "red", "rag_reason": "overdue",
    "days_overdue": 16, "complete_pct": 40.0, "impact_title": "Reviewed in the last 12 months",
    "impact_unit": "percent", "impact_start_value": 60.0, "impact_start_period_end": date(2026, 4, 30),
    "impact_value": 66.25, "impact_change": 6.25, "impact_trend": "better",
}  # fmt: skip


def test_the_improvement_plan_says_what_is_different(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), areas=[AREA], actions=[ACTION]))
    assert "1 of 3 actions are done, 1 overdue. The plan is of 16 November 2026." in shown.text
    assert "Reviewed in the last 12 months: 60.0% in Apr 2026, 66.3% now: better" in shown.text
    assert "Overdue by 16 days" in shown.text
    assert "Head of SEND" in shown.text


def test_what_changed_is_beside_the_earlier_pack(tmp_path: Path) -> None:
    before = finished_run(tmp_path, "a", [child("S1")], [child("S2")], [issue()], as_at=AS_AT - timedelta(days=1))
    earlier = pack.publish(before, settings(tmp_path, as_at=before.as_at))
    run = finished_run(tmp_path, "b", [child("S1"), child("S3")], [child("S2")], [issue(unique_id="S3")])
    shown = page(run, {**MANIFEST, "rows": {"List 1": 2, "List 2": 1}}, earlier)
    assert "Compared with the pack of 15/11/2026." in shown.text
    assert "1 error is new and 1 is fixed." in shown.text
    assert "Children on List 1 1 2 +1" in shown.text
    assert "Children on List 2 1 1 no change" in shown.text


@pytest.mark.parametrize("damage", [lambda path: path.write_text("{"), lambda path: path.write_text("[]"), Path.unlink])
def test_a_damaged_earlier_pack_is_told_of(tmp_path: Path, damage: Any) -> None:
    earlier = tmp_path / "2026-11-15"
    files.write_json(earlier / "manifest.json", {"rows": {"List 1": 1}})
    damage(earlier / "manifest.json")
    assert "nothing to compare with" in page(whole(tmp_path), previous=earlier).text


def alert(key: str, at: str, **changes: Any) -> str:
    line = {"key": key, "level": "missed", "title": f"Title {key}", "text": "Text", "at": at, "sent": True}
    return json.dumps({**line, **changes})


def test_alerts_of_the_week_stand_as_their_last_line_says(tmp_path: Path) -> None:
    run = whole(tmp_path)
    lines = [
        alert("old", "2026-11-09T06:00:00+00:00"),
        alert("later", "2026-11-17T06:00:00+00:00"),
        alert("a", "2026-11-16T06:00:00+00:00", sent=False),
        alert("a", "2026-11-16T06:00:00+00:00", title="<b>Late</b>", sent=True),
        alert("b", "2026-11-10T07:30:00+00:00", sent=False),
        "torn {", '{"key": 1}', "[]",
    ]  # fmt: skip
    files.write_bytes(tmp_path / "out" / "alerts.jsonl", "\n".join(lines).encode())
    shown = page(run)
    assert "Title old" not in shown.text
    assert "Title later" not in shown.text
    assert "&lt;b&gt;Late&lt;/b&gt;" in shown.html
    assert "16 November 2026 at 06:00" in shown.text
    assert "10 November 2026 at 07:30; not sent to everybody" in shown.text


def test_nothing_of_any_child_is_in_it(tmp_path: Path) -> None:
    secret = child("UNIQUE77", upn="UPN7777777777", birth_date=date(2011, 7, 7))
    run = finished_run(tmp_path, list_1=[secret], list_2=[child("S2")], found=[issue(unique_id="UNIQUE77")])
    html = page(add_kpis(run, k01())).html
    for value in ("UNIQUE77", "UPN7777777777", "07/07/2011"):
        assert value not in html


def test_equal_input_gives_equal_bytes_whatever_the_run_is_called(tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        run = finished_run(tmp_path / name, name, [child("S1")], [child("S2")], [issue()])
        made.append(page(add_kpis(run, k01()), {**MANIFEST, "run_id": name, "built_at": name}).html)
    assert made[0] == made[1]


def test_the_page_needs_nothing_from_anywhere(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), k01(), [AREA], [ACTION]))
    assert not {tag for tag, _ in shown.tags} & {"script", "link", "img", "iframe", "object", "form", "input"}
    for _, attributes in shown.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")]
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(http" not in shown.html
    assert "@import" not in shown.html
    policy = next(
        attributes["content"] for tag, attributes in shown.tags if tag == "meta" and "http-equiv" in attributes
    )
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_its_parts_are_in_order_and_lead_where_they_say(tmp_path: Path) -> None:
    shown = page(add_kpis(whole(tmp_path), k01(), [AREA], [ACTION], backlog=backlog(*3 * [(1, 0, 0)])))
    ids = shown.ids()
    assert len(ids) == len(set(ids))
    headings = [int(tag[1]) for tag, _ in shown.tags if re.fullmatch("h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(headings))
    for _, attributes in shown.tags:
        for name in ("aria-labelledby", "href"):
            for target in (attributes.get(name) or "").split():
                assert target.lstrip("#") in ids
    assert shown.tags[0] == ("html", {"lang": "en-GB"})
    charts = [attributes for tag, attributes in shown.tags if attributes.get("role") == "img"]
    assert charts
    tables = [attributes for tag, attributes in shown.tags if tag == "details"]
    assert len(tables) >= 5


def test_every_chart_has_a_table_behind_it(tmp_path: Path) -> None:
    worklist = [{"item_type": "advice_outstanding", "provider": "Trust", "days_late": 1}]
    reviews = [{"plan_id": "P", "meeting_date": AS_AT}]
    run = add_kpis(whole(tmp_path), k01(), [AREA], [ACTION], worklist, backlog(*3 * [(1, 0, 0)]), reviews)
    html = page(run).html
    for section in html.split("<section")[1:]:
        if 'role="img"' in section:
            assert "<details>" in section
            assert "<table>" in section


def test_lancashire_is_written_in_time_and_small(tmp_path: Path) -> None:
    """36 months of every KPI, and as many providers as a large council has."""
    ends = [date(2023 + (10 + n) // 12, (10 + n) % 12 + 1, 28) for n in range(36)]
    rows = [
        kpi_row(f"K{number:02}", "rolling_12_months", end, 40 + n, 100)
        for number in range(1, 68)
        for n, end in enumerate(ends)
    ]
    worklist = [{"item_type": "advice_outstanding", "provider": f"Provider {n}", "days_late": n} for n in range(60)]
    html = page(add_kpis(whole(tmp_path), rows, worklist=worklist)).html
    assert len(html.encode()) < 3_000_000


def test_the_public_edition_has_no_actions_errors_or_small_numbers(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], list_2=[child("S2")], found=[issue()])
    rows = [
        kpi_row("K16", "point", date(2026, 9, 30), 3000),
        kpi_row("K16", "point", date(2025, 12, 31), 3000),
        kpi_row("K16", "point", date(2025, 12, 31), 3000, breakdown=("phase", "Primary")),
        kpi_row("K37", "point", date(2025, 12, 31), 900, 3000),
        kpi_row("K37", "point", date(2025, 12, 31), 400, 3000, breakdown=("setting_type", "10")),
        kpi_row("K37", "point", date(2025, 12, 31), 500, 3000, breakdown=("setting_type", "other")),
        kpi_row("K37", "point", date(2026, 9, 30), 910, 3000),
        kpi_row("K19", "point", date(2025, 12, 31), 2000, 2997),
        kpi_row("K05", "point", date(2026, 9, 30), 4),
    ]
    add_kpis(run, rows, [AREA], [ACTION], backlog=backlog((0, 0, 1), (0, 0, 0), (0, 0, 0)))
    with run_data.opened(run) as con:
        paths = board.write_public(tmp_path / "public", con, run, settings(tmp_path))
    assert [path.name for path in paths] == ["readiness.html", "kpi.xlsx"]
    shown = Page(paths[0].read_text(encoding="utf-8"))
    assert "Public edition" in shown.text
    assert "3,000" in shown.text
    assert "2,000" not in shown.text
    assert "Withheld: the numbers are small" in shown.text
    assert "At 31 December 2025." in shown.text
    assert "of these, independent, at 31 December 2025" in shown.text
    for words in ("Head of SEND", "Hold the reviews", "error", "Are we ready", "Fresh", "66.3%"):
        assert words not in shown.text, words


def test_the_states_of_feeds_are_all_shown(tmp_path: Path) -> None:
    shown = page(finished_run(tmp_path, list_1=[child("S1")], list_2=[child("S2")]))
    for _, _, title, _, _ in FEEDS:
        assert title in shown.text
