"""What is proposed, row by row, each with what an analyst has answered: the rows of onboarding.xlsx.

An answer is known by what it is about (source, feed, column, value), not by its place, so that rows may be sorted,
and answers about files that are not there today are kept.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rapidfuzz import fuzz, process, utils

from extract.contract import Contract, crosswalks, normalise
from extract.own import prepare, source
from extract.shown import AT_LEAST, may_be_shown
from onboarding import survey as looked
from onboarding.matching import LIKELY, POSSIBLE, Likeness, Match
from onboarding.survey import Group, Seen, Survey
from send_ready.settings import Settings
from send_ready.words import first_few
from warehouse import own_seeds, seeds

YES, NO = "yes", "no"
SOURCE, FEED, COLUMN, CODE, ABSENT = "Sources", "Feeds", "Columns", "Codes", "Not here"  # sheets
BESIDE = " | "  # between the headings of columns that stand side by side
CONSTANT = "text:"  # before what is the same in every row
OPEN, CONFIRMED, REJECTED = "to be confirmed", "confirmed", "not so"


@dataclass(frozen=True)
class Answer:
    """What was answered in one row: yes, no or nothing, and what is to stand in place of what was proposed."""

    confirm: str = ""
    instead: str = ""


Key = tuple[str, ...]  # what a row is about; its first word is the sheet
Answers = Mapping[Key, Answer]


@dataclass(frozen=True)
class Row:
    """One proposal. `proposed` may be empty: nothing was found, and an analyst may write what it is."""

    key: Key
    proposed: str
    score: float | None
    why: str
    is_needed: bool = False
    rows: int | None = None  # of a code
    meaning: str = ""
    answer: Answer = field(default_factory=Answer)
    fault: str = ""  # why the answer cannot be used; then it counts as none

    @property
    def state(self) -> str:
        """CONFIRMED when it was said yes, or something was written in its place."""
        if self.fault:
            return OPEN
        if self.answer.confirm == NO:
            return REJECTED
        is_said = self.answer.confirm == YES and (self.proposed or self.key[0] in (FEED, ABSENT))
        return CONFIRMED if self.answer.instead or is_said else OPEN

    @property
    def value(self) -> str:
        """What holds if the row does."""
        if self.state == REJECTED:
            return ""
        if self.fault:
            return self.proposed
        return self.answer.instead or self.proposed or (self.answer.confirm if self.key[0] == FEED else "")


@dataclass(frozen=True)
class Proposals:
    """All rows by sheet, and the survey that they are of."""

    survey: Survey
    sources: tuple[Row, ...]
    feeds: tuple[Row, ...]
    columns: tuple[Row, ...]
    codes: tuple[Row, ...]
    absent: tuple[Row, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        return (*self.sources, *self.feeds, *self.columns, *self.codes, *self.absent)

    def group(self, name: str) -> Group:
        """The group of a source."""
        return next(group for group in self.survey.groups if group.name == name)


def propose(survey: Survey, settings: Settings, answers: Answers) -> Proposals:
    """The proposals for a survey, with the answers that there are."""

    def row(key: Key, proposed: str, score: float | None, why: str, **more: object) -> Row:
        made = Row(key, proposed, score, why, answer=answers.get(key, Answer()), **more)  # type: ignore[arg-type]
        return replace(made, fault=_fault(made, survey))

    contracts = {contract.id: contract for contract in survey.contracts}
    prepared = prepared_feeds(survey, settings)
    own = own_sources(settings)
    sources, feeds, columns = list[Row](), list[Row](), list[Row]()
    for group in survey.groups:
        if group.name not in own or _is_answered((SOURCE, group.name), answers):
            sources.append(row((SOURCE, group.name), "; ".join(group.file_names), None, _what(group)))
        proposed = {each.feed for each in looked.proposed_likenesses(group)}
        for like in group.first.likenesses:
            key = (FEED, group.name, like.feed)
            if like.score < POSSIBLE and answers.get(key, Answer()).confirm != YES:
                continue
            if like.feed in prepared and not _is_answered(key, answers):
                continue  # it has its rows by the council's own SELECT: nothing is to be confirmed
            feeds.append(row(key, YES if like.feed in proposed else "", like.score, like.why))
            if feeds[-1].value:
                columns += [row(*each) for each in _column_rows(group.name, like, contracts[like.feed])]
    for seen in survey.seen:
        if seen.feed and (named := looked.likenesses_by_name(seen)):
            contract = contracts[seen.feed]
            unlike = {match.column for match in named.matches if match.heading and not _is_known(contract, match)}
            rows = _column_rows(BY_NAME, named, contract)
            columns += [row(*each) for each in rows if each[0][3] in unlike and each[0] not in {r.key for r in columns}]
    codes = [row(*each[:4], rows=each[4], meaning=each[5]) for each in _code_rows(survey, settings, columns)]
    there = {each.key for each in codes}
    codes += [
        row(key, "", None, "written by hand")
        for key, answer in answers.items()
        if key[0] == CODE and key not in there and answer.instead and key[1] in crosswalks()
        and key[2].casefold() not in _local_values(key[1], settings)
    ]  # fmt: skip
    fed = {each.feed for each in survey.seen if each.feed} | {each.key[2] for each in feeds if each.value} | prepared
    fed |= {each.id for each in survey.contracts if each.absence and not _is_answered((ABSENT, each.id), answers)}
    absent = [
        row((ABSENT, contract.id), "", None, f"No file of the inbox seems to hold {contract.title.lower()}.")
        for contract in survey.contracts
        if contract.id not in fed and not contract.is_optional
    ]
    return Proposals(survey, tuple(sources), tuple(feeds), tuple(columns), tuple(codes), tuple(absent))


def prepared_feeds(survey: Survey, settings: Settings) -> set[str]:
    """The feeds that have a SELECT of the council's own in force."""
    found = ((contract.id, prepare.file_of(contract.name, settings)) for contract in survey.contracts)
    return {feed for feed, path in found if path and path.parent != prepare.SHIPPED}


def own_sources(settings: Settings) -> set[str]:
    """The sources in force that are the council's own."""
    folder = settings.config / source.FOLDER if settings.config else None
    return {path.stem for path in folder.glob("*.yml")} if folder and folder.is_dir() else set()


def _is_answered(key: Key, answers: Answers) -> bool:
    return answers.get(key, Answer()) != Answer()


BY_NAME = "(by its name)"  # in place of a source: files that belong to the feed by their name


def _what(group: Group) -> str:
    files = len({seen.table.file_name for seen in group.tables})
    said = [f"{files} file{'s' if files > 1 else ''}"]
    said += [f"sheet {group.first.table.sheet}"] if group.first.table.sheet else []
    row = group.first.table.header_row
    said += [f"header in row {row}, by the headings that are known"] if row else []
    said += [f"rows from line {group.first.table.first_line} on"]
    said += [f"parts: {', '.join(group.parts)}"] if group.parts else []
    return "; ".join(said)


def _is_known(contract: Contract, match: Match) -> bool:
    """Whether the column map in force has the heading already."""
    headers = next(column.headers for column in contract.columns if column.name == match.column)
    return normalise(match.heading or "") in {normalise(header) for header in headers}


Cells = tuple[Key, str, float | None, str]  # what a row is about, what is proposed, its score, and why


def _column_rows(source: str, like: Likeness, contract: Contract) -> list[Cells]:
    found: list[Cells] = []
    for match in like.matches:
        key = (COLUMN, source, like.feed, match.column)
        wide = contract.side_by_side
        if like.beside and wide and match.column == wide.column:
            found.append((key, BESIDE.join(like.beside), 85.0, "they stand side by side: a record each"))
        elif like.beside and wide and match.column == wide.number:
            found.append((key, "", None, "the place among those that stand side by side"))
        elif match.heading:
            others = f"; or {' or '.join(match.others)}" if match.others else ""
            found.append((key, match.heading, match.score, match.why + others))
        else:
            others = f"perhaps {' or '.join(match.others)}" if match.others else "nothing in it is like that"
            found.append((key, "", None, others))
    return found


def _code_rows(
    survey: Survey, settings: Settings, columns: Sequence[Row]
) -> list[tuple[Key, str, float | None, str, int, str]]:
    """Values of coded columns that no crosswalk has, with the code that is most like, if any is."""
    used = _coded_columns(survey, columns)
    found: dict[Key, tuple[Key, str, float | None, str, int, str]] = {}
    for crosswalk, held in used.items():
        rows = seeds.rows(f"xwalk_{crosswalk}", settings)
        known = {each["local_value"].strip().casefold(): each["code"] for each in rows}
        names = {row["code"]: row["name"] for row in seeds.rows("code_names") if row["code_set"] == crosswalk}
        choices = {**{name.casefold(): code for code, name in names.items()}, **known}
        for value, (count, where) in held.items():
            if value.casefold() in known:
                continue
            found_code, like, score = _likest(value, choices)
            code = found_code if score >= LIKELY else ""
            why = f"in {where}" + (f"; like '{like}'" if code else "; like no word that is known")
            key = (CODE, crosswalk, value)
            found[key] = (key, code, round(score, 1) if code else None, why, count, names.get(code, ""))
    return list(found.values())


_JOINING = {"and", "or", "of", "the", "with"}


def _likest(value: str, choices: Mapping[str, str]) -> tuple[str, str, float]:
    """The code whose word is most like a value, that word, and how like it is, 0 to 100."""
    words = set(re.findall(r"[a-z0-9']+", value.casefold()))
    inside = [
        word
        for word, code in choices.items()
        if code and len(word) >= 3 and set(re.findall(r"[a-z0-9']+", word)) - _JOINING <= words
    ]
    if inside:  # a word or code that is known, with others beside it: SEMH needs
        like = max(inside, key=lambda word: (len(word), word))
        return choices[like], like, 85.0
    best = process.extractOne(
        value, [word for word, code in choices.items() if code], scorer=fuzz.token_sort_ratio,
        processor=utils.default_process,
    )  # fmt: skip
    return (choices[best[0]], best[0], best[1]) if best and len(value) > 2 else ("", "", 0.0)


def _coded_columns(survey: Survey, columns: Iterable[Row]) -> dict[str, dict[str, tuple[int, str]]]:
    """By crosswalk, each value that may be shown: its rows, and where it stands."""
    crosswalk = {
        (contract.id, column.name): column.crosswalk
        for contract in survey.contracts
        for column in contract.columns
        if column.crosswalk
    }
    places: list[tuple[str, Seen, str]] = []
    for row in columns:
        _, source, feed, column = row.key
        name = crosswalk.get((feed, column))
        if name and row.value and not row.value.casefold().startswith(CONSTANT):
            tables = [seen for group in survey.groups if group.name == source for seen in group.tables]
            tables = tables or [seen for seen in survey.seen if seen.feed == feed]
            places += [(name, seen, heading) for seen in tables for heading in row.value.split(BESIDE)]
    for seen in survey.seen:
        like = looked.likenesses_by_name(seen) if seen.feed else None
        for match in like.matches if like else ():
            name = crosswalk.get((seen.feed or "", match.column))
            if name and match.heading:
                places.append((name, seen, match.heading))
    found: dict[str, dict[str, tuple[int, str]]] = {}
    for name, seen, heading in dict.fromkeys(places):
        held = seen.profile(heading.strip())
        if not held or held.distinct > 200:
            continue
        for value, count in held.values:
            if may_be_shown(value):
                before, where = found.setdefault(name, {}).get(value, (0, f"{seen.table.title}: {heading}"))
                found[name][value] = (before + count, where)
    return {
        name: {value: each for value, each in values.items() if each[0] >= AT_LEAST} for name, values in found.items()
    }


def _local_values(crosswalk: str, settings: Settings) -> set[str]:
    return {row["local_value"].strip().casefold() for row in seeds.rows(f"xwalk_{crosswalk}", settings)}


def _fault(row: Row, survey: Survey) -> str:
    """Why an answer cannot be used, with what could; empty when it can."""
    if row.answer.confirm not in ("", YES, NO):
        return f"Confirm is {row.answer.confirm[:40]!r}, and must be {YES}, {NO} or blank."
    given = row.answer.instead
    if given and row.key[0] == COLUMN and not given.casefold().startswith(CONSTANT):
        source, feed = row.key[1:3]
        tables = [seen for group in survey.groups if group.name == source for seen in group.tables]
        tables = tables or [seen for seen in survey.seen if seen.feed == feed]
        headings = dict.fromkeys(heading for seen in tables for heading in seen.table.header)
        if unknown := [each for each in given.split(BESIDE.strip()) if each.strip() not in headings]:
            return (
                f"{unknown[0].strip()[:60]!r} is no heading there. Headings: {first_few(list(headings), 40)}. For what "
                f"is the same in every row write `{CONSTANT} …`; between several headings ` | `."
            )
    if given and row.key[0] == CODE:
        allowed = own_seeds.table_rules(f"xwalk_{row.key[1]}").values["code"]
        if not allowed.is_allowed(given):
            return f"{given[:40]!r} is no code of {row.key[1]}, and must be {allowed.in_words}."
    if given and row.key[0] == SOURCE and not all(pattern_in_words(each) for each in given.split(";")):
        return "A pattern has three letters or more that all its files have, such as `EHCP tracker {date}`."
    return ""


def pattern_in_words(pattern: str) -> bool:
    """Whether a pattern of file names has something that all of its files have."""
    return len(re.sub(r"\{\w+\}|[^A-Za-z0-9]", "", pattern)) >= 3


def heading_words(text: str) -> str:
    """A heading on one line, for comments."""
    return re.sub(r"\s+", " ", text)
