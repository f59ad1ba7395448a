"""A source: files whose layout is a council's own, as SEND_CONFIG/sources/<name>.yml declares them.

It lands like a feed's files, under landing/sources/<name>, and is a table for the preparation of feeds.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from extract.inbox import names
from extract.inbox.names import DATE, PART, DateInName
from extract.sen2 import reader as sen2_reader
from extract.sen2.reader import Reader
from extract.text import TEXT_SUFFIXES, WORKBOOK_SUFFIXES, XML_SUFFIXES
from send_ready import records
from send_ready.runs import RunError
from send_ready.settings import Settings

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "sources"
FOLDER = "sources"  # in SEND_CONFIG, and in the place of a system's name in landing and typed
NAME = re.compile("[a-z][a-z0-9_]{0,59}")
RESERVED = ("gias", "feeds", "result")  # what a preparation has under these names
NEWEST, ALL_OF_NEWEST_DATE, ALL = "newest", "all_of_newest_date", "all"
SET_ASIDE, KEEP = "set_aside", "keep"
EVERY = "every"
FILE_TIME = "file_time"
SHORTEST = 3  # letters and digits that the names of a source have in common, at least
ROW_LIMIT = 1000
_PATTERNS = 50
DECLARED = 8  # letters of a fingerprint that are of the declaration; the others are of the code that reads


def _are_texts(held: Any, most: int) -> bool:
    is_list = isinstance(held, list) and 0 < len(held) <= most
    return is_list and all(isinstance(each, str) and 0 < len(each.strip()) <= 200 for each in held)


def _is_header(held: Any) -> bool:
    if not isinstance(held, dict) or len(held) != 1:
        return False
    if "row" in held:
        return type(held["row"]) is int and 1 <= held["row"] <= ROW_LIMIT
    return "columns" in held and _are_texts(held["columns"], 1000)


# What reads files whose layout is the same everywhere, and gives several tables of each.
READERS: dict[str, Callable[[Settings], Reader]] = {"sen2": sen2_reader.of}


_KEYS = {
    **dict.fromkeys(("title", "owner"), records.field_of(str, may_be_empty=False)),
    "file_names": records.Field(
        'a list of patterns such as ["EHCP tracker {date}*"]', lambda held: _are_texts(held, _PATTERNS)
    ),
    "together": records.one_of((NEWEST, ALL_OF_NEWEST_DATE, ALL), is_needed=False),
    "parts": records.Field(
        "a list of the parts that there should be, such as [north, south]",
        lambda held: _are_texts(held, 500),
        is_needed=False,
    ),
    "sheet": records.field_of(str, is_needed=False, may_be_empty=False),
    "header": records.Field(
        f"{{row: n}}, from 1 to {ROW_LIMIT}, or {{columns: [names of some of its columns]}}",
        _is_header,
        is_needed=False,
    ),
    "totals": records.Field(
        f"{SET_ASIDE}, {KEEP}, or a list of words with which lines begin that are no rows",
        lambda held: held in (SET_ASIDE, KEEP) or _are_texts(held, 100),
        is_needed=False,
        otherwise=SET_ASIDE,
    ),
    "columns": records.Field("a list of names of columns", lambda held: _are_texts(held, 1000), is_needed=False),
    "reader": records.one_of(tuple(READERS), is_needed=False),
    "undated_file": records.field_of(str, is_needed=False, otherwise=FILE_TIME, may_be_empty=False),
    "stale_after_days": records.number(36_500),
    "max_file_mb": records.number(1_000_000, is_needed=False),
}


class SourceError(RunError):
    """A source cannot be used. The text names the file and what to change."""


@dataclass(frozen=True)
class Source:
    """One source. `fingerprint` changes when anything that decides how a file is read changes."""

    feed: str  # its name: in paths it stands where a feed's does
    title: str
    owner: str
    file_names: tuple[str, ...]
    together: str  # NEWEST | ALL_OF_NEWEST_DATE | ALL
    parts: tuple[str, ...]  # that there should be, as names are compared
    sheet: str | None
    row: int | None  # of the header, from 1
    header: tuple[str, ...]  # names of some of its columns
    totals: str | tuple[str, ...]
    undated_file: str  # FILE_TIME, or the header of a column whose latest date counts
    stale_after_days: int
    max_file_mb: float | None
    fingerprint: str  # of the declaration, then of the code
    columns: tuple[str, ...] = ()  # that its table has at least; with them a preparation can do without a file of it
    reader_name: str | None = None
    reader: Reader | None = field(default=None, compare=False, repr=False)  # None: rows are read by their titles
    source: str = FOLDER
    is_optional: bool = True

    @property
    def id(self) -> str:
        """The source's name for people: `sources.name`."""
        return f"{self.source}.{self.feed}"

    @property
    def name(self) -> str:
        """The source's name in paths: `sources__name`."""
        return f"{self.source}__{self.feed}"

    @property
    def has_parts(self) -> bool:
        """Whether its files are named by part, such as a district."""
        return any(PART in pattern for pattern in self.file_names)

    def is_sheet(self, name: str) -> bool:
        """Whether a sheet that is seen is one that the source reads, by its name."""
        return self.sheet in (None, EVERY) or fnmatchcase(_sheet(name), _sheet(str(self.sheet)))

    def shares_files(self, other: "Source", suffix: str) -> bool:
        """Whether a file of both may be of each: a workbook, of which each reads another sheet."""
        return suffix in WORKBOOK_SUFFIXES and _are_apart(self.sheet, other.sheet)

    def named(self, stem: str, suffix: str) -> DateInName | None:
        """What a file's name, as it is compared, says of it; None when it is not of this source."""
        for pattern in self.file_names:
            own, ending = _without_suffix(pattern)
            if ending in ("", suffix) and (found := names.in_pattern(stem, own)):
                return found
        return None


def source_names(settings: Settings) -> list[str]:
    """Every source in force, a council's own and those that ship."""
    folders = [SHIPPED, *([settings.config / FOLDER] if settings.config else [])]
    return sorted({path.stem for folder in folders for path in folder.glob("*.yml") if NAME.fullmatch(path.stem)})


def is_own(name: str, settings: Settings) -> bool:
    """Whether a council has declared a source itself."""
    return bool(settings.config) and (Path(settings.config or "") / FOLDER / f"{name}.yml").is_file()


def load(name: str, settings: Settings) -> Source:
    """One source. Raises SourceError."""
    found = parse(name, settings.config_file(FOLDER, f"{name}.yml", shipped=SHIPPED / f"{name}.yml"))
    if not found.reader_name:
        return found
    reader = READERS[found.reader_name](settings)
    declared = hashlib.sha256((found.fingerprint[:DECLARED] + reader.fingerprint).encode()).hexdigest()[:DECLARED]
    return replace(found, reader=reader, fingerprint=declared + found.fingerprint[DECLARED:])


def tables_by_name(settings: Settings) -> dict[str, str]:
    """The tables of sources with a reader, each with the source that gives it."""
    found: dict[str, str] = {}
    for name in source_names(settings):
        path = settings.config_file(FOLDER, f"{name}.yml", shipped=SHIPPED / f"{name}.yml")
        if b"reader" in path.read_bytes() and (reader := load(name, settings).reader):  # few have one
            found |= dict.fromkeys(reader.tables, name)
    return found


def load_all(settings: Settings) -> list[Source]:
    """Every source in force, in order of name."""
    return [load(name, settings) for name in source_names(settings)]


def parse(name: str, path: Path) -> Source:
    """Read and check one source. Raises SourceError."""
    if not NAME.fullmatch(name) or name in RESERVED:
        raise SourceError(
            f"{path}: a source is named with small letters, digits and `_`, a letter first, and none of "
            f"{', '.join(RESERVED)}."
        )
    given = records.read_fields(path, _KEYS, SourceError)
    patterns = tuple(" ".join(each.split()) for each in given["file_names"])
    for pattern in patterns:
        _check_pattern(path, pattern)
    header = given["header"] or {}
    parts = tuple(names.stem_and_suffix(f"{each}.x")[0] for each in given["parts"] or ())
    if parts and not any(PART in pattern for pattern in patterns):
        raise SourceError(f"{path}: there are parts, and no file name has {PART} where the part stands.")
    if len(set(parts)) != len(parts) or "" in parts:
        raise SourceError(f"{path}: a part is named twice, or without a letter.")
    return Source(
        feed=name,
        **{each: given[each] for each in ("title", "owner", "sheet", "undated_file", "max_file_mb")},
        file_names=patterns,
        together=given["together"] or NEWEST,
        parts=parts,
        reader_name=given["reader"],
        row=header.get("row"),
        header=tuple(header.get("columns", ())),
        columns=tuple(given["columns"] or ()),
        totals=tuple(given["totals"]) if isinstance(given["totals"], list) else given["totals"],
        stale_after_days=int(given["stale_after_days"]),
        fingerprint=_fingerprint(path),
    )


def check_alone(source: Source, others: list[Source], path: Path) -> None:
    """Raise SourceError when a source would take the files of another."""
    for other in others:
        for one, two in ((source, other), (other, source)):
            shared = (
                each
                for each in one.file_names
                for stem, ending in [_without_suffix(each)]
                if two.named(names.example(stem), ending or ".csv")
                and not one.shares_files(two, ending or WORKBOOK_SUFFIXES[0])
            )
            if (pattern := next(shared, None)) is not None:
                raise SourceError(
                    f"{path}: a file named by {pattern} would be of source {source.feed} and of {other.feed}. Name the "
                    "files of each so that only one fits; or, if they are sheets of one workbook, give each its "
                    "`sheet`, of a name that the other cannot have."
                )


def _sheet(name: str) -> str:
    """The name of a sheet, or a pattern of such, as it is compared."""
    return name.strip().casefold()


def _are_apart(one: str | None, other: str | None) -> bool:
    """Whether no sheet can be read for both; in doubt it can."""
    if one in (None, EVERY) or other in (None, EVERY):
        return False
    first, second = _sheet(str(one)), _sheet(str(other))
    wild = re.compile(r"[*?\[].*[*?\]]|[*?\[]", re.DOTALL)
    if not wild.search(first):
        return not fnmatchcase(first, second)
    if not wild.search(second):
        return not fnmatchcase(second, first)
    (begin, end), (other_begin, other_end) = wild.split(first, maxsplit=1), wild.split(second, maxsplit=1)
    may_begin = begin.startswith(other_begin) or other_begin.startswith(begin)
    return not (may_begin and (end.endswith(other_end) or other_end.endswith(end)))


def _without_suffix(pattern: str) -> tuple[str, str]:
    """A pattern without the ending of a file that it may have, and the ending."""
    stem, dot, suffix = pattern.rpartition(".")
    ending = f".{suffix.casefold()}"
    return (stem, ending) if dot and ending in TEXT_SUFFIXES + WORKBOOK_SUFFIXES + XML_SUFFIXES else (pattern, "")


def _check_pattern(path: Path, pattern: str) -> None:
    if unknown := re.findall(r"\{(?!date\}|part\})[^}]*\}?", pattern):
        raise SourceError(f"{path}: {pattern} has {unknown[0]}; known are {DATE}, {PART} and *.")
    if pattern.count(DATE) > 1 or pattern.count(PART) > 1 or pattern.count("*") > 4:
        raise SourceError(f"{path}: {pattern} has {DATE} or {PART} twice, or more than four *.")
    if re.search(r"\{part\}\s*\*|\*\s*\{part\}", pattern):
        raise SourceError(f"{path}: {pattern} has * beside {PART}, so that nobody can tell where the part ends.")
    if not any(len(word) >= SHORTEST for word in names.words(_without_suffix(pattern)[0])):
        raise SourceError(
            f"{path}: {pattern} fits any file. Put at least {SHORTEST} letters or digits there that only these "
            "names have."
        )


def _fingerprint(path: Path) -> str:
    code = hashlib.sha256()
    rooms = (HERE, HERE.parent / "text", HERE.parent / "sen2")
    for each in (path for room in rooms for path in sorted(room.glob("*.py"))):
        code.update(each.read_bytes())
    return hashlib.sha256(path.read_bytes()).hexdigest()[:DECLARED] + code.hexdigest()[:DECLARED]
