"""Which feed a table may be, and which heading each column of that feed may have: with a score and the reasons.

Headings are compared, by rapidfuzz, with every header of the column maps in force and with hints.csv; what the values
look like counts for or against. Scores go from 0 to 100. Nothing here decides: an analyst confirms.
"""

import csv
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from rapidfuzz import fuzz

from extract.contract import AS_DFE_NUMBER, AS_VALUE, Column, Contract, normalise
from onboarding.profile import Profile, per_cent
from onboarding.reading import Table

PROPOSED, POSSIBLE = 60, 30  # scores of a feed: from the first on it is proposed, from the second on it is named
LIKELY = 80  # the score of a heading from which on it is proposed
HINTS = Path(__file__).with_name("hints.csv")
_SHORT = {
    "dob": "date of birth", "ehcp": "ehc plan", "ehcna": "ehc needs assessment", "ref": "reference", "prim": "primary",
    "sec": "secondary", "recd": "received", "rcvd": "received", "req": "request", "requested": "request", "dt": "date",
    "pcode": "postcode", "sch": "school", "estab": "establishment", "ncy": "nc year", "yr": "year",
    "ar": "annual review",
    "pp": "pupil premium", "num": "number", "desc": "description", "ehe": "home education", "cwd": "disability",
    "auth": "authorised", "unauth": "unauthorised", "poss": "possible", "wc": "week commencing", "wb": "week beginning",
    "first": "first", "last": "last", "la": "local authority", "lea": "local authority", "issued": "issued",
    "finalised": "final", "identifier": "id", "excl": "exclusion", "susp": "suspension", "cp": "child protection",
    "forename": "first name", "surname": "last name", "pupil": "student", "child": "student", "childs": "student",
    "cyp": "student", "yp": "student", "absences": "absence", "sessions": "session", "dates": "date", "held": "meeting",
    "beginning": "commencing", "reviewed": "review", "gender": "sex", "laestab": "dfe number", "began": "start",
}  # fmt: skip
# Words that stand in the headings of anything, and tell little: how much of a word they count for.
_COMMON = {"date": 0.4, "start": 0.5, "end": 0.5, "number": 0.4, "id": 0.4, "name": 0.5, "code": 0.3, "type": 0.4,
           "status": 0.6, "reference": 0.4, "school": 0.6, "plan": 0.8, "student": 0.5, "current": 0.6, "ehc": 0.6,
           "local": 0.3, "authority": 0.3, "year": 0.7, "first": 0.7, "last": 0.7, "final": 0.8}  # fmt: skip
_PERSON = ("student_id", "person_id")  # columns that name the person whom a record is of
# What a column's values are by its name, where that says more than its type. See Profile.kind.
_BY_NAME = (
    (re.compile(r"(?:.*_)?upn"), ("upn",)),
    (re.compile(r"uln"), ("uln",)),
    (re.compile(r"(?:.*_)?urn"), ("urn",)),
    (re.compile(r"date_of_birth|child_dob"), ("birth", "date")),
    (re.compile(r"postcode"), ("postcode",)),
)
_BY_TYPE = {
    "id": ("id", "integer", "code", "text"),
    "text": ("text", "code", "id", "integer", "boolean", "decimal"),
    "code": ("code", "boolean", "text", "integer"),
    "mark": ("code", "text", "id"),
    "date": ("date",),
    "datetime": ("date",),
    "integer": ("integer", "code"),
    "decimal": ("decimal", "integer"),
    "boolean": ("boolean", "code"),
}


@dataclass(frozen=True)
class Match:
    """One column of a feed and what may be it. Without a heading nothing was found."""

    column: str
    is_required: bool
    heading: str | None = None
    score: float = 0.0
    why: str = ""
    others: tuple[str, ...] = ()  # headings that may be it too


@dataclass(frozen=True)
class Likeness:
    """How much a table is like a feed. `beside`: headings of columns that hold one kind of thing, such as needs."""

    feed: str  # source.feed
    score: float
    why: str
    matches: tuple[Match, ...]
    beside: tuple[str, ...] = ()
    is_whole: bool = False  # whatever the feed needs was found

    @property
    def matched(self) -> dict[str, Match]:
        """What was found, by the feed's column."""
        return {match.column: match for match in self.matches if match.heading}


@dataclass(frozen=True)
class Known:
    """What tables are compared with: the contracts in force, and by crosswalk its local values in lower case."""

    contracts: Sequence[Contract]
    crosswalks: Mapping[str, frozenset[str]]
    headers: frozenset[str] = field(init=False)  # of all feeds, as they are compared
    codes: frozenset[str] = field(init=False)  # of all crosswalks
    feeds: Mapping[str, int] = field(init=False)  # by header, as it is compared: how many feeds have it
    coded: tuple[str, ...] = field(init=False)  # headers of columns that have a crosswalk

    def __post_init__(self) -> None:
        coded = [header for contract in self.contracts for column in contract.columns if column.crosswalk
                 for header in headers_of(contract, column)]  # fmt: skip
        feeds = Counter(
            name
            for contract in self.contracts
            if not contract.is_optional
            for name in {normalise(header) for column in contract.columns for header in column.headers}
        )
        object.__setattr__(self, "feeds", feeds)
        object.__setattr__(self, "coded", tuple(dict.fromkeys(coded)))
        object.__setattr__(self, "codes", frozenset[str]().union(*self.crosswalks.values()))
        names = {normalise(header) for contract in self.contracts for column in contract.columns
                 for header in headers_of(contract, column)}  # fmt: skip
        object.__setattr__(self, "headers", frozenset(names))

    def is_coded(self, heading: str) -> bool:
        """Whether a heading is like that of a column with codes."""
        return _like(heading, self.coded)[0] >= LIKELY


@cache
def hints() -> dict[tuple[str, str], tuple[str, ...]]:
    """Further headers that columns are known by elsewhere, by feed and column. They are for comparing alone."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    with open(HINTS, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["feed"], row["column"])
            found[key] = (*found.get(key, ()), row["header"])
    return found


def headers_of(contract: Contract, column: Column) -> tuple[str, ...]:
    """What a column may be called: by its column map, then by hints."""
    return (*column.headers, *hints().get((contract.id, column.name), ()))


def likenesses(table: Table, profiles: Sequence[Profile], known: Known) -> list[Likeness]:
    """How a table is like each feed, the most alike first."""
    found = [_likeness(table, profiles, contract, known) for contract in known.contracts]
    return sorted(found, key=lambda each: (-each.score, each.feed))


def _likeness(
    table: Table,
    profiles: Sequence[Profile],
    contract: Contract,
    known: Known,
) -> Likeness:
    scored = sorted(
        (
            (*_score(profile, contract, column, known), profile.heading, column)
            for profile in profiles
            for column in contract.columns
        ),
        key=lambda each: (-each[0], each[2], each[3].name),
    )
    taken: dict[str, Match] = {}
    used: set[str] = set()
    for score, why, heading, column in scored:
        if score < LIKELY:
            break
        if column.name not in taken and heading not in used:
            taken[column.name] = Match(column.name, column.is_required, heading, round(score, 1), why)
            used.add(heading)
    _name_the_person(contract, profiles, taken)
    beside = _side_by_side(contract, profiles, known)
    others = {
        column.name: tuple(
            dict.fromkeys(
                heading
                for score, _, heading, each in scored
                if each.name == column.name
                and score >= POSSIBLE
                and heading != getattr(taken.get(column.name), "heading", 0)
            )
        )[:3]
        for column in contract.columns
    }
    matches = tuple(
        Match(match.column, match.is_required, match.heading, match.score, match.why, others[column.name])
        if (match := taken.get(column.name))
        else Match(column.name, column.is_required, others=others[column.name])
        for column in contract.columns
    )
    score, why, is_whole = _feed_score(table, contract, taken, known, beside)
    return Likeness(contract.id, score, why, matches, beside, is_whole)


def _name_the_person(contract: Contract, profiles: Sequence[Profile], taken: dict[str, Match]) -> None:
    """Take the UPN for whom a record is of, where no ID was found: a student may be named by either."""
    for column in contract.columns:
        if column.name in _PERSON and column.name not in taken:
            stands_in = any(column.name in each.instead_of for each in contract.columns)
            found = next((profile for profile in profiles if profile.kind == "upn"), None)
            if found and not stands_in:
                why = "there is no ID of the system; its values are UPNs, and a student may be named by the UPN"
                taken[column.name] = Match(column.name, column.is_required, found.heading, 85.0, why)


def _side_by_side(contract: Contract, profiles: Sequence[Profile], known: Known) -> tuple[str, ...]:
    """The headings of two or more columns that hold the same kind of thing, in order: a record each, by their place."""
    wide = contract.side_by_side
    if not wide:
        return ()
    column = next(each for each in contract.columns if each.name == wide.column)
    headers = (*headers_of(contract, column), *(header for names in wide.headers for header in names))
    codes = known.crosswalks.get(column.crosswalk or "", frozenset())
    found = [
        profile.heading
        for profile in profiles
        if profile.kind in ("code", "text")
        and not _is_of_another_list(profile, codes, known)
        and (_like(_PLACE.sub(" ", profile.heading), headers)[0] >= LIKELY or _share_known(profile, codes, 3) >= 0.6)
        and not re.search("status|provision|stage|date|descr", profile.heading, re.IGNORECASE)
    ]
    places = [_place_of(heading) for heading in found]
    if all(places) and len(set(places)) == len(places):
        found = [heading for _, heading in sorted(zip(places, found, strict=True))]
    return tuple(found) if len(found) > 1 else ()


def _place_of(heading: str) -> int:
    """The place that a heading says it has among columns of one kind, from 1; 0 when it says none."""
    words = heading.casefold()
    said = [place for place, pattern in enumerate(_PLACES, start=1) if re.search(rf"\b(?:{pattern})\b|{place}$", words)]
    return said[0] if len(said) == 1 else 0


def _is_of_another_list(profile: Profile, codes: frozenset[str], known: Known) -> bool:
    """Whether a column's values are codes or words of a list, and not of this one: they say more than the heading."""
    return _share_known(profile, codes) < 0.2 and _share_known(profile, known.codes) >= 0.8


_PLACES = ("prim|primary|main|first|1st", "sec|secondary|second|2nd", "tertiary|third|3rd")
_PLACE = re.compile(r"\d+|\b(?:primary|secondary|tertiary|first|second|third|1st|2nd|3rd|main|other)\b", re.IGNORECASE)


def _share_known(profile: Profile, codes: frozenset[str], shortest: int = 0) -> float:
    """The share of a column's values that are among some codes; only those that are so long, and no numbers."""
    looked = sum(count for _, count in profile.values)
    found = (
        count
        for value, count in profile.values
        if value.casefold() in codes and len(value) >= shortest and not (shortest and value.isdigit())
    )
    return sum(found) / looked if looked else 0.0


def stood_in_for(contract: Contract, held: Collection[str]) -> set[str]:
    """The columns that others stand in for, when a table has some: a UPN for a student, a student for a plan."""
    found: set[str] = set()
    while more := {
        name
        for column in contract.columns
        if column.name in held or column.name in found
        for name in column.instead_of
        if name not in found
    }:
        found |= more
    return found


def _says(table: Table, contract: Contract) -> bool:
    """Whether the name of a file or sheet names a feed: by all words of its title, or one that tells."""
    mine = _words(table.title)

    def there(word: str) -> bool:
        return any(fuzz.ratio(word, each) >= 84 for each in mine)

    for name in (contract.title, contract.feed.replace("_", " ")):
        words = [word for word in _words(name) if word != "and"]
        if all(map(there, words)) or any(there(word) for word in words if word not in _COMMON and word not in _VAGUE):
            return True
    return False


_VAGUE = ("sen", "hub", "elective", "social", "care", "permanent", "board", "improvement", "education", "home")


def _feed_score(
    table: Table,
    contract: Contract,
    taken: Mapping[str, Match],
    known: Known,
    beside: Sequence[str],
) -> tuple[float, str, bool]:
    """The score of a feed, why, and whether all was found that it needs."""
    headers = {column.name: column.headers for column in contract.columns}

    def weight(name: str) -> float:
        """How much a column tells of its feed: the less, the more feeds have one of that name."""
        heading = taken[name].heading if name in taken else None
        return 1 / max(
            known.feeds.get(normalise(each), 1) for each in (*headers[name], *([heading] if heading else []))
        )

    # The key of a record may be made of what the record holds, and ranks of the places of columns.
    made = {column.name for column in contract.columns if column.is_generated}
    made |= {contract.side_by_side.column, contract.side_by_side.number} if beside and contract.side_by_side else set()
    made |= stood_in_for(contract, taken)
    needed = [column.name for column in contract.required if column.name not in made]
    lacking = [name for name in needed if name not in taken]
    must = sum(weight(name) * taken[name].score for name in needed if name in taken)
    share = must / sum(map(weight, needed)) if needed else 100.0
    # What is another heading of a column with a meaning of its own is not lacking beside it.
    every = sum(weight(each.name) for each in contract.columns if each.form != AS_VALUE or each.name in taken)
    held = sum(weight(name) * match.score for name, match in taken.items()) + (100 if beside else 0)
    width = min(100.0, held / (0.5 * every))
    telling = [name for name in taken if weight(name) == 1.0] or list(beside)
    says = _says(table, contract)
    score = 0.6 * share + 0.4 * width + (8 if says else 0)
    if not (telling or says):
        score = min(score, PROPOSED - 5)
    is_rare = contract.is_optional and not says
    if is_rare:
        score = min(score, PROPOSED - 5)
    if lacking:  # the file may have it under a heading that nobody would guess, where its name says what it is
        score = min(score - 10 * len(lacking), PROPOSED + 5 if says and len(lacking) == 1 else PROPOSED - 5)
    header = {column.name: (*column.headers, column.name)[0] for column in contract.columns}
    why = [f"{len(taken)} of {len(contract.columns)} columns found"]
    why += [f"{len(beside)} needs side by side"] if beside else []
    why += ["its name says so"] if says else []
    why += [f"nothing is like {', '.join(header[name] for name in lacking)}, which the feed needs"] if lacking else []
    why += ["a council may do without it, and its name does not say so"] if is_rare else []
    why += [] if telling else ["nothing in it is of this feed alone"]
    return round(max(0.0, min(100.0, score)), 1), "; ".join(why), not lacking


def _score(profile: Profile, contract: Contract, column: Column, known: Known) -> tuple[float, str]:
    """How likely a heading with such values is a column of a feed, and why."""
    said, like = _like(profile.heading, headers_of(contract, column))
    fits = _kinds(column)
    if profile.kind == "empty":
        return said - 15, f"heading like '{like}' ({said:.0f}); there is no value in it"
    is_of_kind = profile.kind in fits or (column.form == AS_DFE_NUMBER and _are_short_numbers(profile))
    reasons = [f"heading like '{like}' ({said:.0f})"] if said >= 50 else []
    score = said
    if not is_of_kind:
        return said * 0.55, f"heading like '{like}' ({said:.0f}), but its values do not look like it"
    if profile.kind in ("upn", "uln", "postcode", "birth", "urn", "dfe"):
        reasons.append(f"{share_of_kind(profile)} of its values are {_IN_WORDS[profile.kind]}")
        is_the_one = not re.search("former|previous|old|named|other", column.name)
        score = min(100.0, max(said + 8, (84 if is_the_one and profile.kind not in ("urn", "dfe") else 0)))
    elif column.crosswalk:
        codes = known.crosswalks.get(column.crosswalk, frozenset())
        share = _share_known(profile, codes)
        if _is_of_another_list(profile, codes, known):
            return said * 0.55, f"heading like '{like}' ({said:.0f}), but its values are codes or words of another list"
        reasons.append(f"{per_cent(share):g}% of its values are codes or words of this column")
        # Numbers and single letters are codes of many columns.
        tells = profile.distinct >= 4 and _share_known(profile, codes, shortest=3) >= 0.6
        score = min(
            100.0, max(said + 12 * share - (12 if share < 0.2 and said < 90 else 0), LIKELY + 1 if tells else 0)
        )
    elif profile.kind in ("date", "boolean"):
        reasons.append(f"{share_of_kind(profile)} of its values are {_IN_WORDS[profile.kind]}")
    return score, "; ".join(reasons)


def share_of_kind(profile: Profile) -> str:
    """The share of a column's values that are of its kind, never rounded up, and how many are not."""
    others = f" ({profile.others:,} {'is' if profile.others == 1 else 'are'} not)" if profile.others else ""
    return f"{per_cent(profile.share):g}%{others}"


_IN_WORDS = {"upn": "UPNs", "uln": "ULNs", "postcode": "postcodes", "birth": "dates of birth", "urn": "URNs",
             "dfe": "DfE numbers", "date": "dates", "boolean": "yes or no"}  # fmt: skip


def _are_short_numbers(profile: Profile) -> bool:
    """Whether a column's values are an establishment's number without the authority's: four digits at most."""
    return bool(profile.values) and all(re.fullmatch("[0-9]{1,4}", value) for value, _ in profile.values)


def _kinds(column: Column) -> tuple[str, ...]:
    if column.form == AS_DFE_NUMBER:
        return ("dfe",)
    return next((kinds for name, kinds in _BY_NAME if name.fullmatch(column.name)), _BY_TYPE[column.type])


@cache
def _like(heading: str, headers: tuple[str, ...]) -> tuple[float, str]:
    """How like a heading is to the most alike of some headers, and which that is."""
    mine, best = _words(heading), (0.0, "")
    for header in headers:
        if normalise(heading) == normalise(header):
            return 100.0, header
        best = max(best, (_alike(mine, _words(header)), header))
    return best


@cache
def _alike(mine: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    """How alike two headings are, 0 to 100: by the words that both have, spelt as alike as that; common ones less."""
    if not (mine and theirs):
        return 0.0
    left, shared = list(theirs), 0.0
    for word in mine:
        best = max(left, key=lambda each: fuzz.ratio(word, each), default="")
        if best and (ratio := fuzz.ratio(word, best)) >= 84:
            left.remove(best)
            shared += ratio / 100 * _COMMON.get(best, 1.0)
    weight = [sum(_COMMON.get(word, 1.0) for word in words) for words in (mine, theirs)]
    score = 200 * shared / sum(weight)
    if not left and weight[1] >= 1.0:  # all of a header's words, and more: the other way round it may be anything
        score = max(score, 90.0 - 3 * (len(mine) - len(theirs)))
    return min(score, 99.0)


@cache
def _words(text: str) -> tuple[str, ...]:
    """A heading as words: in small letters, apart where capitals or digits begin, common short forms written out."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|[^A-Za-z0-9]+", " ", text)
    words = " ".join(_SHORT.get(word, word) for word in apart.casefold().split())
    return tuple(word for word in words.split() if word not in ("the", "of", "s", "is", "to", "a", "for", "at", "on"))
