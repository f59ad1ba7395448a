"""Everything in the inbox: its tables, what their columns hold, the feeds they are like, and what belongs together."""

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from extract import contract as contracts
from extract import dates
from extract.contract import Contract, normalise
from extract.inbox import arrivals, drive, names
from extract.inbox.drive import Unreadable, Unsettled
from extract.own import source
from extract.refusal import Refusal
from extract.text import TEXT_SUFFIXES, WORKBOOK_SUFFIXES
from onboarding import joins, matching, profile, reading
from onboarding.joins import Join
from onboarding.matching import POSSIBLE, PROPOSED, Known, Likeness
from onboarding.profile import Profile, Urns
from onboarding.reading import Table
from send_ready import database
from send_ready.settings import Settings
from warehouse import seeds

_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!\d)20\d{2}[-_. ]?[01]\d[-_. ]?[0-3]\d(?:[-_ ]?T?[0-2]\d[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d)?)?Z?(?!\d)",
        r"(?<!\d)[0-3]?\d[-_. ][01]?\d[-_. ]20\d{2}(?!\d)",
        r"(?<!\d)[0-3]\d[01]\d20\d{2}(?!\d)",
        rf"(?<!\d)[0-3]?\d(?:st|nd|rd|th)?[-_. ]?{_MONTH}[a-z]*[-_. ]?(?:20)?\d{{2}}(?!\d)",
        rf"(?<![a-z]){_MONTH}[a-z]{{0,6}}[-_. ]?(?:20)?\d{{2}}(?!\d)",
        r"(?<!\d)[0-3]\d[-_.][01]\d[-_.]\d{2}(?!\d)",
    )
)
DATE, PART = "{date}", "{part}"
STUDENTS = "capita_one.students"
HUB_FEEDS = {  # feeds that hold the same things for two systems: the first is proposed unless a name says the other
    "ehc_hub.cases": ("capita_one.ehcp_assessments", "capita_one.ehc_plans", "capita_one.students"),
    "ehc_hub.reviews": ("capita_one.annual_reviews",),
}


@dataclass(frozen=True)
class Seen:
    """One table, what its columns hold, and what it is like. `feed`: of a file that belongs to a feed by its name."""

    table: Table
    profiles: tuple[Profile, ...]
    likenesses: tuple[Likeness, ...]
    feed: str | None
    pattern: str  # of its file's name, with {date} where a date stands
    source: str | None = None  # in force, which takes its file by its name

    def profile(self, heading: str | None) -> Profile | None:
        """The profile of the column under a heading."""
        return next((each for each in self.profiles if each.heading == heading), None)


@dataclass(frozen=True)
class Group:
    """Tables of one layout that belong together: what becomes a source. `name` is the source's."""

    name: str
    file_names: tuple[str, ...]  # patterns
    parts: tuple[str, ...]
    tables: tuple[Seen, ...]  # the one with most rows first

    @property
    def first(self) -> Seen:
        return self.tables[0]

    @property
    def headings(self) -> tuple[str, ...]:
        """Every heading of its tables."""
        return tuple(dict.fromkeys(heading for seen in self.tables for heading in seen.table.header))


@dataclass(frozen=True)
class Survey:
    """What an inbox holds. `notes` has, by file, what could not be looked at, and why."""

    contracts: tuple[Contract, ...]
    seen: tuple[Seen, ...]
    groups: tuple[Group, ...]
    joins: tuple[Join, ...]
    notes: tuple[tuple[str, str], ...]
    files: int


def look(settings: Settings) -> Survey:
    """Everything that the inbox holds, read whole. Nothing is landed, and nothing kept of a child."""
    known = _known(settings)
    exports, unreadable = arrivals.list_exports(settings.inbox)
    notes = [(arrivals.name_in_inbox(each.path, settings.inbox), f"It cannot be read: {each.reason}.")
             for each in unreadable]  # fmt: skip
    found: list[tuple[Table, str | None, str, str | None]] = []
    sources = source.load_all(settings)
    with tempfile.TemporaryDirectory() as folder, database.scratch(Path(folder)) as con:
        for number, (path, _) in enumerate(exports):
            name = arrivals.name_in_inbox(path, settings.inbox)
            feed = next((each.id for each in known.contracts if arrivals.recognise(path, settings.inbox, each)), None)
            try:
                tables, said = _read(con, path, name, known, Path(folder, str(number)))
            except Refusal as refusal:
                notes.append((name, f"{refusal.reason} {refusal.fix}"))
            except Unsettled:
                notes.append((name, "It is still being written: look again when it is whole."))
            except Unreadable as error:
                notes.append((name, f"It cannot be read: {error.reason}."))
            else:
                notes += [(name, each) for each in said]
                taken_by = next((each.feed for each in sources if arrivals.named(path.name, each)), None)
                found += [(table, feed, pattern_of(name), taken_by) for table in tables]
        gias = _gias(con, [(table, feed) for table, feed, *_ in found])
        seen = [
            Seen(table, tuple(profiles), tuple(matching.likenesses(table, profiles, known)), feed, pattern, taken_by)
            for table, feed, pattern, taken_by in found
            for profiles in [profile.profile_columns(con, table, gias, known.codes, known.is_coded, settings.as_at)]
        ]
        groups = _groups([each for each in seen if not each.feed and not _ships(each, settings)])
        # Of what belongs together one will do: that parts of a source share their keys says nothing.
        alone = [*(group.first for group in groups), *(each for each in seen if each.feed)]
        found_joins = joins.find_joins(con, [(each.table, each.profiles) for each in alone])
    return Survey(tuple(known.contracts), tuple(seen), tuple(groups), tuple(found_joins), tuple(notes), len(exports))


def _ships(seen: Seen, settings: Settings) -> bool:
    """Whether a file is of a source that ships, and that is not the council's own."""
    own = settings.config / source.FOLDER / f"{seen.source}.yml" if settings.config else None
    return bool(seen.source) and not (own and own.is_file())


def _known(settings: Settings) -> Known:
    crosswalks = {
        name: frozenset(row["local_value"].strip().casefold() for row in seeds.rows(f"xwalk_{name}", settings))
        for name in contracts.crosswalks()
    }
    return Known(contracts.load_all(settings), crosswalks)


def _read(
    con: duckdb.DuckDBPyConnection, path: Path, name: str, known: Known, work: Path
) -> tuple[list[Table], list[str]]:
    suffix = arrivals.stem_and_suffix(path.name)[1]
    if suffix not in TEXT_SUFFIXES + WORKBOOK_SUFFIXES:
        allowed = ", ".join((*TEXT_SUFFIXES, *WORKBOOK_SUFFIXES))
        raise Refusal("F-17", "It is no file that is read.", f"Export it as one of {allowed}.")
    work.mkdir()
    copy = work / "export"
    pieces = drive.read_pieces(path)
    next(pieces)
    with open(copy, "wb") as out:
        out.writelines(pieces)
    return reading.read_tables(con, copy, suffix, name, known.headers, work)


def _gias(con: duckdb.DuckDBPyConnection, found: Iterable[tuple[Table, str | None]]) -> Urns:
    """URNs and seven-digit DfE numbers of the GIAS extract in the inbox; empty when none is there."""
    urns: set[str] = set()
    numbers: set[str] = set()
    for table, feed in found:
        if feed != "gias.establishments":
            continue
        at = {normalise(heading): column for column, heading in reading.columns_of(table)}
        urn, la, number = (at.get(normalise(name)) for name in ("URN", "LA (code)", "EstablishmentNumber"))
        if urn:
            urns |= {value for (value,) in con.execute(f"SELECT DISTINCT {urn} FROM {table.name}").fetchall() if value}
        if la and number:
            rows = con.execute(f"SELECT DISTINCT {la} || lpad({number}, 4, '0') FROM {table.name}").fetchall()
            numbers |= {value for (value,) in rows if value}
    return frozenset(urns), frozenset(numbers)


def pattern_of(name: str) -> str:
    """A file's name without its suffix and folders, with {date} where a date stands."""
    stem = Path(name).name.rpartition(".")[0] or Path(name).name
    for date in _DATES:
        for match in date.finditer(stem):
            if _is_date(match[0]):
                return f"{stem[: match.start()]}{DATE}{stem[match.end() :]}"
    return stem


def _is_date(text: str) -> bool:
    words = set(re.findall(r"[a-z]+", text.casefold())) - {"st", "nd", "rd", "th", "t", "z"}
    return all(dates.month(word) for word in words)


def _groups(seen: Sequence[Seen]) -> list[Group]:
    """Tables of one layout: of files whose names differ by a date alone, or by a date and one part."""
    by_pattern: dict[tuple[str, str], list[Seen]] = {}
    for each in seen:
        by_pattern.setdefault((_plain(each.pattern), each.table.sheet or ""), []).append(each)
    alike: list[list[list[Seen]]] = []
    for held in by_pattern.values():
        beside = next((others for others in alike if _belong(others[0][0], held[0])), None)
        beside.append(held) if beside is not None else alike.append([held])
    taken: set[str] = set()
    found = []
    for several in alike:
        joined = _with_part([held[0].pattern for held in several]) if len(several) > 1 else None
        if joined and not _fits(joined[0], several):  # a part that ends like a date: nobody could tell where it ends
            anything = joined[0].replace(f"{PART} {DATE}", f"*{DATE}").replace(PART, "*")
            joined = (anything, ()) if _fits(anything, several) else None
        for sets, pattern, parts in (
            [(several, *joined)] if joined else [([held], held[0].pattern, ()) for held in several]
        ):
            tables = [each for held in sets for each in held]
            of_council = {each.source for each in tables}
            name = next(iter(of_council)) if len(of_council) == 1 else None
            if name is None or name in taken:
                name = _source_name(pattern, tables[0].table.sheet, taken)
            taken.add(name)
            tables.sort(key=lambda each: (-each.table.rows, each.table.file_name))
            found.append(Group(name, (pattern,), parts, tuple(tables)))
    return sorted(found, key=lambda group: group.name)


def _fits(pattern: str, several: Sequence[Sequence[Seen]]) -> bool:
    """Whether the names of all files are read by a pattern, each with its date."""
    for seen in (each for held in several for each in held):
        found = names.in_pattern(names.stem_and_suffix(Path(seen.table.file_name).name)[0], pattern)
        if not found or found.has_bad_date or (DATE in seen.pattern and not found.date):
            return False
    return True


def _belong(one: Seen, other: Seen) -> bool:
    """Whether two tables may be parts of one thing: one layout and sheet, and names that begin or end alike."""
    first, second = _words_of(one.pattern), _words_of(other.pattern)
    is_named = first[0].casefold() == second[0].casefold() or first[-1].casefold() == second[-1].casefold() != DATE
    return one.table.sheet == other.table.sheet and is_named and _same_layout(one, other)


def _words_of(pattern: str) -> list[str]:
    return re.findall(r"\{\w+\}|[^\s_{}-]+", pattern) or [pattern]


def _plain(pattern: str) -> str:
    return re.sub(r"[^a-z0-9{}]+", " ", pattern.casefold()).strip()


def _same_layout(one: Seen, other: Seen) -> bool:
    mine, theirs = ({normalise(heading) for heading in each.table.header} for each in (one, other))
    return len(mine & theirs) >= 0.8 * max(len(mine), len(theirs)) and len(mine & theirs) >= 3


def _with_part(patterns: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """A pattern that fits all names, and the part of each in which they differ; None when nothing is left of them."""
    words = [re.findall(r"\{\w+\}|[^\s_{}-]+|[\s_-]+", each) for each in patterns]
    folded = [[word.casefold() for word in each] for each in words]
    shortest = min(map(len, folded))
    before = next((at for at in range(shortest) if len({each[at] for each in folded}) > 1), shortest)
    behind = next(
        (at for at in range(shortest - before) if len({each[len(each) - 1 - at] for each in folded}) > 1),
        shortest - before,
    )
    first = words[0]
    ends = [first[:before], first[len(first) - behind :]]
    parts = [each[before : len(each) - behind] for each in folded]
    common = "".join(word for end in ends for word in end if word != DATE)
    if len(re.sub("[^A-Za-z0-9]", "", common)) < 3 or any(
        DATE in part or not re.search("[a-z0-9]", "".join(part)) for part in parts
    ):
        return None
    return "".join([*ends[0], PART, *ends[1]]), tuple(dict.fromkeys("".join(part).strip(" _-") for part in parts))


def _source_name(pattern: str, sheet: str | None, taken: Iterable[str]) -> str:
    words = re.sub(r"\{\w+\}|\*", " ", pattern)
    name = re.sub(r"[^a-z0-9]+", "_", words.casefold()).strip("_") or "export"
    if sheet and not re.fullmatch(r"sheet ?\d*|data|export|report", sheet.casefold()):
        tab = re.sub(r"[^a-z0-9]+", "_", sheet.casefold()).strip("_")
        name = name if tab in name else f"{name}_{tab}"
    name = name if name[0].isalpha() else f"file_{name}"
    name = name[:50].strip("_")
    numbered = (f"{name}_{number}" for number in range(2, 1000))
    return next(each for each in (name, *numbered) if each not in set(taken))


def proposed_likenesses(group: Group) -> list[Likeness]:
    """The feeds of which a group's tables are proposed to give the rows."""
    found = [each for each in group.first.likenesses if each.score >= PROPOSED]
    names = {each.feed for each in found}
    # What tells who a child is stands in files of any feed: a file of a feed of students gives the students, too.
    if STUDENTS not in names and any(name.startswith("capita_one.") for name in names):
        found += [each for each in group.first.likenesses if each.feed == STUDENTS and each.is_whole]
        names = {each.feed for each in found}
    says_hub = "hub" in " ".join((group.name, *group.file_names)).casefold()
    twins = {hub for hub, others in HUB_FEEDS.items() if names & set(others)}
    if says_hub:
        mine = {other for hub in names & set(HUB_FEEDS) for other in HUB_FEEDS[hub]}
        return [each for each in found if each.feed not in mine]
    return [each for each in found if each.feed not in twins]


def likely(survey: Survey, seen: Seen) -> list[Likeness]:
    """The feeds that a table is proposed for, as its group is; else the one that it is most like, if it is like any."""
    group = next((group for group in survey.groups if any(each is seen for each in group.tables)), None)
    names = {each.feed for each in proposed_likenesses(group)} if group else set[str]()
    proposed = [each for each in seen.likenesses if each.feed in names]
    return proposed or [each for each in seen.likenesses if each.score >= POSSIBLE][:1]


def likenesses_by_name(seen: Seen) -> Likeness | None:
    """How a table is like the feed that its file's name names."""
    return next((each for each in seen.likenesses if each.feed == seen.feed), None)


def without_values(survey: Survey) -> Survey:
    """A survey without the values that were compared: what may be written and kept."""
    bare = {
        id(each): replace(each, profiles=tuple(replace(held, values=()) for held in each.profiles))
        for each in survey.seen
    }
    groups = tuple(replace(group, tables=tuple(bare[id(each)] for each in group.tables)) for group in survey.groups)
    return replace(survey, seen=tuple(bare[id(each)] for each in survey.seen), groups=groups)
