"""onboarding.xlsx: what was found and what is proposed, for an analyst to confirm; written, and read back.

Rows are known by what they are about, so they may be sorted, filtered and moved; columns by their headings. What a
person wrote is kept as it is, also where it cannot be used: then a note beside it says why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from extract.contract import crosswalks, normalise
from extract.refusal import Refusal
from extract.text import workbooks
from onboarding import survey as looked
from onboarding.gaps import Gap
from onboarding.matching import stood_in_for
from onboarding.profile import KINDS, Profile, per_cent
from onboarding.proposals import (
    ABSENT,
    BY_NAME,
    CODE,
    COLUMN,
    CONFIRMED,
    FEED,
    NO,
    OPEN,
    SOURCE,
    YES,
    Answer,
    Key,
    Proposals,
    Row,
)
from onboarding.survey import Seen
from publish.excel import workbook
from publish.excel.workbook import Block, Column, Grid, Page
from send_ready.words import counted, short_month

NAME = "onboarding.xlsx"
CONFIRM, STATE, NOTE = "Confirm", "State", "Note"
FIRST = "Read first"
CODES_SHOWN = 40  # values of one column


@dataclass(frozen=True)
class Layout:
    """One sheet that people fill: the headings of what a row is about, and of what may stand in place of a proposal."""

    about: tuple[str, ...]
    instead: str


LAYOUTS = {
    SOURCE: Layout(("Source",), "Files named otherwise"),
    FEED: Layout(("Source", "Feed"), ""),
    COLUMN: Layout(("Source", "Feed", "Column"), "Heading instead"),
    CODE: Layout(("List", "Value"), "Code instead"),
    ABSENT: Layout(("Feed",), "Reason"),
}


def write(path: Path, proposals: Proposals, gaps: Sequence[Gap], said: Sequence[str]) -> None:
    """Write the workbook; `said` are sentences about what still stands between the files and right lists."""
    workbook.write(
        path,
        "From your files to right lists",
        [
            _read_first(proposals, said),
            _files(proposals),
            _sources(proposals),
            _feeds(proposals),
            _columns(proposals),
            _codes(proposals),
            _absent(proposals),
            _gaps(gaps),
            _profiles(proposals),
            _joins(proposals),
        ],
    )


def _read_first(proposals: Proposals, said: Sequence[str]) -> Page:
    rows = proposals.rows
    steps = (
        "Look at Files: is each file what it seems to be?",
        f"In Sources, Feeds, Columns and Codes write {YES} under {CONFIRM} where the proposal is right, {NO} where it "
        "is not, or the right thing in the column behind it. What stays blank is in force nowhere.",
        "In Columns, several headings go with ` | ` between them: needs that stand side by side, or the first of them "
        "that is filled. What is the same in every row is written `text: C`.",
        f"In Not here write {YES} beside a feed that the council does not have.",
        "Save, close the workbook, and run make onboard again: it reads this workbook, and writes the draft and the "
        "sheet What is missing anew.",
        "make onboard ADOPT=yes copies what is confirmed, and nothing else, into SEND_CONFIG.",
    )
    answered = [(name, [row for row in rows if row.key[0] == name]) for name in LAYOUTS]
    return Page(
        FIRST,
        "From your files to right lists",
        [
            Block("What to do", [Column("", "text", steps)], has_header=False),
            Block(
                "How far it is",
                [
                    Column("Sheet", "text", [name for name, _ in answered]),
                    Column("Rows", "count", [len(held) for _, held in answered]),
                    Column("Confirmed", "count", [sum(row.state == CONFIRMED for row in held) for _, held in answered]),
                    Column(
                        "To be confirmed", "count",
                        [sum(row.state == OPEN and bool(row.proposed) for row in held) for _, held in answered],
                    ),
                ],
            ),
            Block("What stands between these files and right lists", [Column("", "text", said)], has_header=False),
        ],
        widths=(120, 12, 12, 18),
    )  # fmt: skip


def _files(proposals: Proposals) -> Grid:
    survey = proposals.survey
    sources = {id(seen): group.name for group in survey.groups for seen in group.tables}
    rows: list[tuple[object, ...]] = [
        (
            seen.table.file_name, seen.table.sheet, _seems(proposals, seen), _why(proposals, seen),
            seen.table.first_line, seen.table.rows, seen.table.set_aside or None,
            len(seen.table.header), sources.get(id(seen)),
        )
        for seen in survey.seen
    ]  # fmt: skip
    rows += [(name, None, "Not looked into", note, None, None, None, None, None) for name, note in survey.notes]
    return _grid("Files", rows, (
        ("File", "text", 44), ("Sheet", "text", 16), ("It seems to be", "text", 34), ("Why", "text", 60),
        ("Rows from line", "count", 10), ("Rows", "count", 10), ("Titles and totals", "count", 10),
        ("Columns", "count", 10), ("Source", "text", 28),
    ))  # fmt: skip


def _seems(proposals: Proposals, seen: Seen) -> str:
    if seen.feed:
        return f"{seen.feed}, by its name"
    if seen.source and not looked.likely(proposals.survey, seen):
        return f"the source {seen.source}, by its name"
    likely = looked.likely(proposals.survey, seen)
    return ", ".join(f"{each.feed} ({each.score:.0f})" for each in likely[:6]) or "like no feed"


def _why(proposals: Proposals, seen: Seen) -> str:
    return "; ".join(f"{each.feed}: {each.why}" for each in looked.likely(proposals.survey, seen)[:3])


def _sources(proposals: Proposals) -> Grid:
    return _answered(proposals.sources, SOURCE, [
        ("Files are named like", "text", 50, lambda row: row.proposed), ("What it is", "text", 50, lambda row: row.why),
    ])  # fmt: skip


def _feeds(proposals: Proposals) -> Grid:
    return _answered(proposals.feeds, FEED, [
        ("Score", "count", 8, lambda row: row.score), ("Why", "text", 70, lambda row: row.why),
        ("Proposed", "text", 10, lambda row: row.proposed),
    ])  # fmt: skip


def _columns(proposals: Proposals) -> Grid:
    contracts = {contract.id: contract for contract in proposals.survey.contracts}
    columns = {(feed, column.name): column for feed, contract in contracts.items() for column in contract.columns}
    held: dict[tuple[str, str], set[str]] = {}  # by source and feed, the columns that are found or stood in for
    for row in proposals.columns:
        if row.value:
            held.setdefault((row.key[1], row.key[2]), set()).add(row.key[3])
    for (_, feed), names in held.items():
        names |= stood_in_for(contracts[feed], names)

    def is_needed(row: Row) -> str:
        column = columns.get((row.key[2], row.key[3]))
        if not column or not column.is_required:
            return ""
        if column.name in held.get((row.key[1], row.key[2]), ()):
            return "needed" if row.value else "by another"
        return "made" if column.is_generated else "NEEDED"

    return _answered(proposals.columns, COLUMN, [
        ("Needed", "text", 9, is_needed), ("Heading", "text", 30, lambda row: row.proposed),
        ("Score", "count", 8, lambda row: row.score), ("Why", "text", 60, lambda row: row.why),
    ])  # fmt: skip


def _codes(proposals: Proposals) -> Grid:
    return _answered(proposals.codes, CODE, [
        ("Rows", "count", 9, lambda row: row.rows), ("Where", "text", 50, lambda row: row.why),
        ("Code", "text", 10, lambda row: row.proposed), ("Meaning", "text", 30, lambda row: row.meaning),
        ("Score", "count", 8, lambda row: row.score),
    ])  # fmt: skip


def _absent(proposals: Proposals) -> Grid:
    titles = {contract.id: contract.title for contract in proposals.survey.contracts}
    return _answered(proposals.absent, ABSENT, [
        ("Title", "text", 30, lambda row: titles.get(row.key[1])), ("What was found", "text", 60, lambda row: row.why),
    ])  # fmt: skip


def _answered(rows: Sequence[Row], sheet: str, middle: Sequence[tuple[str, str, float, object]]) -> Grid:
    """A sheet of proposals: what a row is about, what is proposed, and what a person answers."""
    layout = LAYOUTS[sheet]
    widths = {"Source": 28, "Feed": 28, "Column": 26, "List": 20, "Value": 34}
    columns = [
        Column(heading, "text", [row.key[at] for row in rows], widths[heading])
        for at, heading in enumerate(layout.about, start=1)
    ]
    columns += [Column(name, kind, [get(row) for row in rows], width) for name, kind, width, get in middle]  # type: ignore[operator]
    columns.append(
        Column(CONFIRM, "text", [row.answer.confirm or None for row in rows], 10, choices=(YES, NO), is_filled=True)
    )
    if layout.instead:
        columns.append(Column(layout.instead, "text", [row.answer.instead or None for row in rows], 30, is_filled=True))
    columns.append(Column(STATE, "text", [row.state if row.value or row.answer.confirm else None for row in rows], 15))
    columns.append(Column(NOTE, "text", [row.fault or None for row in rows], 50))
    return Grid(sheet, columns, is_filtered=True, is_wrapped=True, frozen=len(layout.about))


def _gaps(gaps: Sequence[Gap]) -> Grid:
    rows = [(gap.list_name, gap.header, gap.blank, gap.rows, gap.why) for gap in gaps]
    return _grid("What is missing", rows, (
        ("List", "text", 10), ("Column", "text", 50), ("Blank for", "count", 11), ("Of", "count", 11),
        ("Why, as far as it can be told", "text", 90),
    ))  # fmt: skip


def _profiles(proposals: Proposals) -> Grid:
    rows = [
        (
            seen.table.file_name, seen.table.sheet, held.heading, _kind(held), per_cent(held.share_filled),
            held.distinct, _values(held),
        )
        for seen in proposals.survey.seen
        for held in seen.profiles
    ]  # fmt: skip
    return _grid("All columns", rows, (
        ("File", "text", 44), ("Sheet", "text", 16), ("Heading", "text", 30), ("Holds", "text", 30),
        ("Filled, %", "percentage", 10), ("Different values", "count", 11), ("Values", "text", 80),
    ))  # fmt: skip


def _kind(held: Profile) -> str:
    """What a column holds, and in how many of its filled rows it does not."""
    return f"{KINDS[held.kind]}; not in {held.others:,} of {held.filled:,}" if held.others else KINDS[held.kind]


def _values(held: Profile) -> str | None:
    """What may be said of the values: codes with their rows, or the months between which dates lie."""
    if held.days:
        return f"{short_month(held.days[0])} to {short_month(held.days[1])}"
    if held.kind not in ("code", "boolean"):
        return None
    said = [f"{value} ({count:,})" for value, count in held.codes[:CODES_SHOWN]]
    more = held.distinct - len(said)
    if more:
        said.append(f"{counted(more, 'other')}, not shown: in fewer than three rows, or perhaps no codes" if said
                    else f"{counted(more, 'value')}, not shown: perhaps no codes")  # fmt: skip
    return ", ".join(said)


def _joins(proposals: Proposals) -> Grid:
    rows = [
        (join.one[0], join.one[1], join.other[0], join.other[1], per_cent(join.share), join.keys)
        for join in proposals.survey.joins
    ]
    return _grid("Same keys", rows, (
        ("File", "text", 44), ("Heading", "text", 28), ("Its values stand too in", "text", 44),
        ("Under", "text", 28), ("Share, %", "percentage", 10), ("Different values", "count", 11),
    ))  # fmt: skip


def _grid(name: str, rows: Sequence[Sequence[object]], columns: Sequence[tuple[str, str, float]]) -> Grid:
    return Grid(
        name,
        [Column(header, kind, [row[at] for row in rows], width) for at, (header, kind, width) in enumerate(columns)],
        is_filtered=True,
        is_wrapped=True,
    )


@dataclass(frozen=True)
class ReadBack:
    """What was answered in a workbook. `faults` are reasons for which it must not be written anew, `notes` others."""

    answers: dict[Key, Answer]
    rows: dict[Key, int]  # of each answer, its row in its sheet
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def read(path: Path, work: Path) -> ReadBack:
    """The answers in a workbook. `work` is a folder to read it in. What cannot be read is a fault that says where."""
    try:
        found = {sheet.name: list(sheet.rows()) for sheet in workbooks.sheets(path, work / "sheets")}
    except Refusal as refusal:
        return ReadBack({}, {}, (f"{path}: {refusal.reason} {refusal.fix}",), ())
    answers: dict[Key, Answer] = {}
    places: dict[Key, int] = {}
    faults, notes = list[str](), list[str]()
    for sheet, layout in LAYOUTS.items():
        if sheet not in found:
            there = ", ".join(found)
            faults.append(f"{path.name} has no sheet {sheet} any more; there are {there}. Put it back, or name it so.")
            continue
        wanted = [*layout.about, CONFIRM, *([layout.instead] if layout.instead else [])]
        header = {normalise(cell): at for at, cell in reversed(list(enumerate(found[sheet][0][1:])))}
        if missing := [name for name in wanted if normalise(name) not in header]:
            faults.append(
                f"{path.name}, sheet {sheet}, row {found[sheet][0][0]}: there is no column {', '.join(missing)}. Put "
                f"the heading{'s' if len(missing) > 1 else ''} back; the sheet has {', '.join(found[sheet][0][1:])}."
            )
            continue
        for number, *cells in found[sheet][1:]:
            cells += [""] * (max(header.values()) + 1 - len(cells))
            held = {name: cells[header[normalise(name)]].strip() for name in wanted}
            about = tuple(held[name] for name in layout.about)
            answer = Answer(_yes_or_no(held[CONFIRM]), held.get(layout.instead, ""))
            if not all(about):
                if answer != Answer():
                    lacking = next(name for name in layout.about if not held[name])
                    notes.append(
                        f"{path.name}, sheet {sheet}, row {number}, column {lacking}: it is blank, so nobody can say "
                        f"what was answered. Write it as in another row."
                    )
                continue
            key = (sheet, *about)
            if key in answers and answers[key] != answer:
                faults.append(
                    f"{path.name}, sheet {sheet}, row {number}: {', '.join(about)} stands in row {places[key]} too, "
                    "with another answer. Keep one of them."
                )
            answers.setdefault(key, answer)
            places.setdefault(key, int(number))
    return ReadBack(answers, places, tuple(faults), tuple(notes))


def _yes_or_no(text: str) -> str:
    given = text.casefold()
    if given in ("y", "yes", "true", "1", "x", "ok"):
        return YES
    return NO if given in ("n", "no", "false", "0") else text


def fault_lines(rows: Iterable[Row], places: dict[Key, int]) -> list[str]:
    """A sentence for each answer that cannot be used: sheet, row, column and why."""
    return [
        f"{NAME}, sheet {row.key[0]}, row {places.get(row.key, '?')}, column "
        f"{CONFIRM if row.answer.confirm not in ('', YES, NO) else LAYOUTS[row.key[0]].instead}: {row.fault}"
        for row in rows
        if row.fault
    ]


def unknown_lines(answers: dict[Key, Answer], places: dict[Key, int], rows: Iterable[Row]) -> list[str]:
    """A sentence for each answered row that is about nothing that the inbox holds today; it is kept."""
    known = {row.key for row in rows}
    return [
        f"{NAME}, sheet {key[0]}, row {places[key]}: the inbox holds nothing like {', '.join(key[1:])} today. The "
        "answer is kept, and counts again when that comes back."
        for key, answer in answers.items()
        if key not in known and key in places and answer != Answer() and not _is_settled(key)
    ]


def _is_settled(key: Key) -> bool:
    """Whether a row goes once it is adopted: a code that its crosswalk has, a heading that its column map has."""
    return (key[0] == CODE and key[1] in crosswalks()) or (key[0] == COLUMN and key[1] == BY_NAME)
