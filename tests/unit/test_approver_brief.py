"""What the approver reads: counts, dates and words in Markdown, and nothing of any child."""

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from markdown_it import MarkdownIt
from publish_run import AS_AT, FEEDS, child, finished_run, issue, settings

from publish import approver_brief, pack
from publish.issues import compare
from send_ready import database, files
from send_ready.database import literal
from send_ready.issues import Issue
from send_ready.runs import Run
from warehouse import run_data

DUE = datetime(2026, 11, 17, 11, tzinfo=ZoneInfo("Europe/London"))
EARLIER = date(2026, 11, 15)
LIMIT = 6_000


def earlier_pack(folder: Path, rows: dict[str, int], found: Sequence[Issue] = (), **more: Any) -> Path:
    """The folder of an earlier pack: manifest and issues."""
    run = finished_run(folder / "earlier", found=found)
    with run_data.opened(run) as con:
        compare.write_issues(folder / compare.NAME, con, EARLIER)
    files.write_json(folder / "manifest.json", {"as_at": EARLIER, "rows": rows, **more})
    return folder


def written(
    run: Run, previous: Path | None = None, messages: Sequence[str] = (), is_rehearsal: bool = False, **changes: Any
) -> str:
    """The brief of a frozen version of a run."""
    request = {
        "notified_on": "2026-11-16",
        "kind": "full_inspection",
        "version": 2,
        "is_rehearsal": is_rehearsal,
    }
    path = run.home / approver_brief.NAME
    with run_data.opened(run) as con:
        manifest = {**pack.about(con, run, settings(run.home, as_at=run.as_at), None), **changes, "request": request}
        approver_brief.write(path, con, run, manifest, previous, messages, "Full inspection", DUE)
    return path.read_text(encoding="utf-8")


def section(text: str, heading: str) -> list[str]:
    """The lines under a heading."""
    return text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0].strip().splitlines()


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of a section's table, without the rule below its header."""
    rows = [line.strip("|").split("|") for line in section(text, heading) if line.startswith("|")]
    return [[cell.strip() for cell in row] for at, row in enumerate(rows) if at != 1]


def all_fresh(run: Run) -> None:
    with database.writer(run.warehouse) as con:
        con.execute(f"UPDATE raw.feeds SET status = 'fresh', is_stale = false, data_date = {literal(AS_AT)}")


def test_it_begins_with_what_is_to_be_released_and_when_it_is_due(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path, list_1=[child("S1")]))
    assert text.splitlines()[:3] == [
        "**Full inspection** of Sampleshire, notified on Monday 16 November 2026.  ",
        "To release: **version 2** of the lists, as at **16/11/2026**.  ",
        "Due: **Tuesday 17 November 2026 at 11:00**.",
    ]
    assert "rehearsal" not in text


def test_a_rehearsal_is_called_one_before_anything_else(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path), is_rehearsal=True)
    assert text.splitlines()[0] == "**A rehearsal: nothing here counts as sent.**  "


def test_it_counts_the_lists_and_what_changed(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child(f"S{at}") for at in range(103)], list_2=[child("T1"), child("T2")])
    text = written(run, earlier_pack(tmp_path / "pack", {"List 1": 100, "List 2": 2}))
    assert table(text, "The lists") == [
        ["List", "Children", "The pack of 15/11/2026", "Change"],
        ["List 1: EHC plans", "103", "100", "+3 (+3.0 %)"],
        ["List 2: SEN support", "2", "2", "0 (+0.0 %)"],
    ]
    assert "children more" not in text and "children fewer" not in text


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (100, None),
        (95, "List 1 has 5 children more than the pack of 15/11/2026, +5.3 %."),
        (105, None),
        (106, "List 1 has 6 children fewer than the pack of 15/11/2026, −5.7 %."),
        (1_100, "List 1 has 1,000 children fewer than the pack of 15/11/2026, −90.9 %."),
        (0, "List 1 has 100 children more than the pack of 15/11/2026."),
    ],
)
def test_a_swing_of_more_than_five_percent_is_told_in_words(tmp_path: Path, then: int, said: str | None) -> None:
    run = finished_run(tmp_path, list_1=[child(f"S{at}") for at in range(100)], list_2=[child("T")])
    text = written(run, earlier_pack(tmp_path / "pack", {"List 1": then, "List 2": 1}))
    flags = "\n".join(section(text, "Look at this first"))
    assert (f"**{said}** That is more than 5 %" in flags) if said else ("more than 5 %" not in flags)


def test_an_earlier_version_of_the_same_call_is_called_so(tmp_path: Path) -> None:
    earlier = earlier_pack(tmp_path / "v1", {"List 1": 1, "List 2": 0}, request={"version": 1})
    text = written(finished_run(tmp_path, list_1=[child("S1")]), earlier)
    assert table(text, "The lists")[0][2] == "Version 1"


def test_an_empty_list_must_not_go_out_unnoticed(tmp_path: Path) -> None:
    flags = section(written(finished_run(tmp_path, list_1=[child("S1")])), "Look at this first")
    assert "- **List 2 is empty.** Do not release it before somebody knows why." in flags


def test_feeds_that_are_not_fresh_come_first_with_what_that_means(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path))
    assert table(text, "Data dates")[1:] == [
        ["GIAS establishments", "none", "**MISSING**: No file up to the as-at date was ever accepted"],
        ["EHC Hub cases", "15/11/2026", "**REFUSED**: The newest file was refused; an older file is used"],
        ["Capita One: EHC plans", "12/11/2026", "**STALE**: Older than 1 day before the as-at date"],
        ["Capita One: Students", "16/11/2026", "Fresh"],
    ]
    assert "**3 feeds of 4 not fresh** (missing, refused or stale)" in text


def test_the_boards_feeds_say_nothing_about_the_lists(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], list_2=[child("S2")])
    before = written(run)
    with database.writer(run.warehouse) as con:
        con.execute(
            "INSERT INTO raw.feeds BY NAME SELECT 'board' AS source, 'actions' AS feed, 'refused' AS status, true AS "
            "is_stale, false AS was_ever_received, 1 AS stale_after_days, 'Team' AS owner, 'Improvement plan' AS title"
        )
    assert "Improvement plan" in [feed.title for feed in _feeds(run)]
    assert written(run) == before


def _feeds(run: Run) -> list[run_data.Feed]:
    with run_data.opened(run) as con:
        return run_data.feeds(con)


def test_open_errors_by_rule_are_counted_with_what_changed_and_queries_are_not_among_them(tmp_path: Path) -> None:
    before = [issue(unique_id="S1"), issue(unique_id="S2"), issue("L-110", unique_id="S9")]
    now = [issue(unique_id=f"S{at}") for at in (2, 3, 4)] + [issue("L-122", "query"), issue("F-20", "note")]
    text = written(finished_run(tmp_path, found=now), earlier_pack(tmp_path / "pack", {"List 1": 0}, before))
    assert (
        section(text, "Open errors")[0]
        == "4 errors are open, 3 of them about the lists: 2 new, 2 still open; 2 fixed. 1 query to look at."
    )
    assert table(text, "Open errors") == [
        ["Rule", "What is wrong", "Errors", "New", "Still open", "Fixed"],
        ["101a", "Date of birth is blank.", "3", "2", "1", "1"],
        ["M-01", "Values without a standard code count as blank.", "1", "0", "1", "0"],
    ]
    assert "- 4 errors are open, 2 of them new since the pack of 15/11/2026: see below." in section(
        text, "Look at this first"
    )


def test_only_the_first_rules_are_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    found = [issue(f"1{at:02}a", unique_id=f"S{n}") for at in range(12) for n in range(at + 1)]
    text = written(finished_run(tmp_path, found=found))
    rows = table(text, "Open errors")
    assert rows[0] == ["Rule", "What is wrong", "Errors"]
    assert [row[0] for row in rows[1:]] == [f"1{at:02}a" for at in range(11, 3, -1)]
    assert section(text, "Open errors")[-1].startswith("And 11 more, by 5 rules")


def test_columns_are_ranked_by_how_many_children_have_nothing_there(tmp_path: Path) -> None:
    some = [child("S1", ethnicity="UNKNOWN", upn=None), child("S2", upn=None), *(child(f"S{at}") for at in range(3, 9))]
    text = written(finished_run(tmp_path, list_1=some, list_2=[child("T1", disability="Unknown"), child("T2")]))
    rows = {(row[1], row[0]): row[2:] for row in table(text, "Columns most often blank")[1:]}
    assert rows["List 1", "UPN"] == ["2", "25.0 %"]
    assert rows["List 1", "Ethnicity"] == ["1", "12.5 %"]
    assert rows["List 2", "Does the child or young person have a disability?"] == ["2", "100.0 %"]
    assert not [name for _, name in rows if name.startswith(("Subsidiary", "Which", "Date updated"))]


def test_a_column_that_nobody_has_is_told_first(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path, list_1=[child("S1", suspension_count=None, disability="Yes")]))
    (line,) = [line for line in section(text, "Look at this first") if "Blank for every child" in line]
    assert "Suspensions (List 1)" in line and "Gender" not in line


def test_nothing_that_stands_out_is_said_too(tmp_path: Path) -> None:
    whole = {"disability": "Yes"}
    run = finished_run(tmp_path, list_1=[child("S1", **whole)], list_2=[child("T1", **whole)])
    all_fresh(run)
    earlier = earlier_pack(tmp_path / "pack", {"List 1": 1, "List 2": 1})
    text = written(run, earlier)
    assert section(text, "Look at this first") == ["- 1 error is open: see below."]
    with database.writer(run.warehouse) as con:
        con.execute("DELETE FROM quality.quality_issues")
    text = written(run, earlier)
    assert section(text, "Look at this first") == ["Nothing stands out."]
    assert section(text, "Columns most often blank") == ["None: every column that concerns every child is filled."]


def test_who_may_be_missing_from_a_list_is_said_before_all_else_and_without_an_id(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    with database.writer(run.warehouse) as con:
        con.execute("""
            INSERT INTO quality.quality_perhaps_missing BY NAME
            SELECT number AS missing_no, 'List ' || (1 + number // 7) AS list_name, 'S9' || number AS unique_id,
                'Reason ' || number AS reason
            FROM range(1, 8) AS numbers (number)""")
    lines = section(written(run), "Look at this first")
    assert lines[0].startswith(
        "- **Perhaps missing from a list: 7 records.** The first sheet of issues.xlsx says which."
    )
    assert lines[1] == "- List 1, 1: Reason 1"
    assert lines[5] == "- And 3 reasons more, in that sheet."
    assert "S9" not in "\n".join(lines)


def test_without_an_earlier_pack_nothing_is_compared(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path, list_1=[child("S1")]))
    assert "- There is no earlier pack to compare with." in text
    assert table(text, "The lists") == [
        ["List", "Children"], ["List 1: EHC plans", "1"], ["List 2: SEN support", "0"]]  # fmt: skip


@pytest.mark.parametrize(
    "damaged", [b"", b"{", b"[]", b'{"rows": 3}', b'{"rows": {"List 1": "x"}, "as_at": "y"}', None]
)
def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path, damaged: bytes | None) -> None:
    earlier = earlier_pack(tmp_path / "pack", {"List 1": 100})
    (earlier / "manifest.json").write_bytes(damaged) if damaged is not None else (earlier / "manifest.json").unlink()
    text = written(finished_run(tmp_path, list_1=[child("S1")]), earlier)
    assert "- The manifest of the earlier pack cannot be read, so the numbers of children are not compared." in text
    assert len(table(text, "The lists")[0]) == 2


def test_issues_of_the_earlier_pack_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    earlier = earlier_pack(tmp_path / "pack", {"List 1": 1, "List 2": 0})
    (earlier / compare.NAME).write_bytes(b"PAR1")
    text = written(finished_run(tmp_path, list_1=[child("S1")]), earlier)
    assert "issues.parquet of the earlier pack is damaged" in text
    assert table(text, "The lists")[1][2:] == ["1", "0 (+0.0 %)"]


def test_files_that_no_feed_knows_are_counted_and_not_named(tmp_path: Path) -> None:
    unknown = [{"file_name": "EHCP Jo Bloggs.docx", "status": "unrecognised", "reason": "x"}]
    text = written(finished_run(tmp_path), unrecognised=unknown)
    assert "1 file in the inbox had a name that no feed knows" in text
    assert "Bloggs" not in text


def test_messages_about_chronologies_are_shown(tmp_path: Path) -> None:
    text = written(finished_run(tmp_path), messages=[f"The {at}th Unique ID is on no list." for at in range(4, 10)])
    assert section(text, "Chronologies") == [
        *(f"- The {at}th Unique ID is on no list." for at in range(4, 7)),
        "- And 3 more, in the workbook.",
    ]
    assert "Chronologies" not in written(finished_run(tmp_path / "none"))


def test_it_says_what_each_answer_does(tmp_path: Path) -> None:
    approve, reject = section(written(finished_run(tmp_path)), "Your decision")
    assert approve.startswith("- **Approve**") and "`released/v2`" in approve
    assert reject.startswith("- **Reject** needs a reason") and "version 3" in reject


def test_no_child_is_in_it_and_no_value_that_a_source_held(tmp_path: Path) -> None:
    children = [child(f"70{at:04}", upn=f"A99920000{at:04}", birth_date=date(2011, 1, 1 + at)) for at in range(28)]
    name = "Bloggs, Jo 01/02/2012"
    found = [
        *(issue(f"1{at % 3}a", unique_id=row["unique_id"]) for at, row in enumerate(children)),
        issue("M-01", category="Mapping", message=f"The value “{name}” is not mapped.", unique_id=None, list_name=None),
        issue("S-1", category="Source", unique_id=None, record_id="student_id=700003", list_name=None),
        issue("F-30", category="File", unique_id=None, list_name=None, file_name=f"{name}.csv"),
    ]
    earlier = earlier_pack(tmp_path / "pack", {"List 1": 28, "List 2": 0}, [*found, issue(unique_id="709999")])
    text = written(finished_run(tmp_path, list_1=children, found=found), earlier)
    assert "Bloggs" not in text and "01/02/2012" not in text
    for row in children:
        held = (
            row["unique_id"],
            row["upn"],
            row["uln"],
            f"{row['birth_date']:%d/%m/%Y}",
            row["birth_date"].isoformat(),
        )
        assert not [value for value in held if value in text]
    assert not re.search(r"\b\d{6}\b", text)


def test_the_worst_night_still_fits(tmp_path: Path) -> None:
    """Everything at its longest: the approver's page has to take it whole."""
    long = "A rule of the council's own, in many words | and with *signs*, that goes on for quite a while and longer."
    found = [
        issue(f"COUNCIL-{at:03}", message=f"{at}: {long}", unique_id=f"S{n}") for at in range(60) for n in range(9)
    ]
    run = finished_run(
        tmp_path, list_1=[{"unique_id": f"S{at}"} for at in range(40)], list_2=[{"unique_id": "T"}], found=found
    )
    with database.writer(run.warehouse) as con:
        con.execute(
            f"INSERT INTO raw.feeds BY NAME SELECT 'capita_one' AS source, 'f' || n AS feed, "
            f"{literal(long)} || n AS title, 'Team' AS owner, 'refused' AS status, true AS is_stale, "
            f"true AS was_ever_received, {literal(AS_AT)} AS data_date, 'x.csv' AS file_name, 9 AS rows_in_file, "
            "9 AS rows_accepted, 0 AS rows_quarantined, 0 AS rows_duplicate, 1 AS stale_after_days "
            "FROM range(40) AS r(n)"
        )
    earlier = earlier_pack(tmp_path / "pack", {"List 1": 123_456, "List 2": 234_567}, [issue(unique_id="S1")])
    text = written(run, earlier, [f"{at} {long} {long} {long}" for at in range(30)], unrecognised=[{}] * 12)
    assert len(text) < LIMIT
    assert f"And {40 + len(FEEDS) - approver_brief.FEEDS} feeds more" in text


def test_github_markdown_renders_it_as_tables_and_lists_and_takes_no_text_for_a_sign(tmp_path: Path) -> None:
    hostile = "<script>x</script> | ![a](http://x) `b` [c](d) *e* __f__ ~~g~~ # h & i\n\n# j"
    found = [issue(message=hostile, unique_id=f"S{at}") for at in range(3)]
    run = finished_run(tmp_path, list_1=[child("S1")], found=found)
    with database.writer(run.warehouse) as con:
        con.execute(f"UPDATE raw.feeds SET title = {literal(hostile)} WHERE feed = 'cases'")
    text = written(run, messages=[hostile])
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    kinds = [token.type for token in tokens]
    headings = [tokens[at + 1].content for at, kind in enumerate(kinds) if kind == "heading_open"]
    assert headings == ["Look at this first", "The lists", "Data dates", "Open errors", "Columns most often blank",
                        "Chronologies", "Your decision"]  # fmt: skip
    assert kinds.count("table_open") == 4
    assert "html_block" not in kinds
    inline = {child.type for token in tokens for child in token.children or ()}
    assert inline <= {"text", "strong_open", "strong_close", "hardbreak", "softbreak", "code_inline", "text_special"}
    cells = [tokens[at + 1].content for at, kind in enumerate(kinds) if kind == "td_open"]
    assert any("script" in cell and cell.count("|") == 1 for cell in cells)
