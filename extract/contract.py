"""What one feed should look like: contracts/<source>__<feed>.yml and its column map.

A council overrides either file by putting its own of the same name in SEND_CONFIG/contracts or
SEND_CONFIG/column_maps.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from extract import absent
from extract.absent import Absence
from send_ready import records, systems, tables
from send_ready.runs import RunError
from send_ready.settings import PROJECT, Settings

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE / "contracts"
COLUMN_MAPS = HERE / "column_maps"
NAME_NONE_DATES = "none_dates.yml"  # dates that stand for none in every column without a list of its own
CROSSWALKS = PROJECT / "dbt_project" / "seeds" / "xwalk"
TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "code": "VARCHAR",
    "mark": "VARCHAR",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "boolean": "BOOLEAN",
}
FILE_TIME = "file_time"
NEWEST = "newest"
# How a column that stands in for another names the same thing (extract/fit.py): by a UPN, by the key of another system,
# by an establishment's DfE number, by the value as it is, or by itself, which the models resolve.
AS_UPN, AS_OTHER_ID, AS_DFE_NUMBER, AS_VALUE, AS_ITSELF = FORMS = ("upn", "other_id", "dfe_number", "value", "itself")
PLACES = 9  # columns of one kind that may stand side by side
YES, NO = ("y", "yes", "1", "true", "1.0", "t"), ("n", "no", "0", "false", "0.0", "f")
COLUMN_LIMIT = 62  # what reading found of a row's columns is kept in the bits of one number
# What exports add to a header and nobody sees: spaces of all kinds, marks of order and direction, soft hyphens.
_UNSEEN = "\\s\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_IGNORED = re.compile(f"[{_UNSEEN}\\-\u2010-\u2015_'\"\u2018\u2019\u201c\u201d`]+")
_LIMITS = {
    "max_row_drop_pct": records.number(100),
    "stale_after_days": records.number(36_500),
    "max_file_mb": records.number(1_000_000, is_needed=False),
}
_KEYS = {
    **dict.fromkeys(("title", "grain", "owner"), records.field_of(str, may_be_empty=False)),
    "file_name": records.Field(
        "text with a letter in it, or any file would do",
        lambda name: isinstance(name, str) and bool(re.search("[a-z0-9]", name.casefold())),
    ),
    "is_optional": records.field_of(bool, is_needed=False, otherwise=False),
    "undated_file": records.field_of(str, is_needed=False, otherwise=FILE_TIME),
    "same_date": records.one_of((NEWEST,), is_needed=False),
    "key": records.field_of(list, may_be_empty=False),
    "side_by_side": records.field_of(dict, is_needed=False, otherwise={}),
    "latest_by": records.field_of(str, is_needed=False),
    "limits": records.field_of(dict, may_be_empty=False),
    "columns": records.field_of(dict, may_be_empty=False),
}


class ContractError(RunError):
    """A contract or column map cannot be used. The text names the file and what to change."""


@dataclass(frozen=True)
class Column:
    """One column: its name here, its type, and the headers it may have in an export."""

    name: str
    type: str
    is_required: bool
    crosswalk: str | None
    headers: tuple[str, ...]
    none_dates: tuple[dt.date, ...] = ()  # that stand for none
    instead_of: tuple[str, ...] = ()  # the columns that it stands in for, in files that lack those
    form: str | None = None  # one of FORMS, of a column that stands in for another
    beside: str | None = None  # it stands in only where this column is in the file as well
    is_quiet: bool = False  # nobody is told that a file lacks it
    is_generated: bool = False  # in a file that lacks it, made of what the row holds
    yes: tuple[str, ...] = ()  # of a boolean, the words for yes and for no, in small letters; "" is a blank
    no: tuple[str, ...] = ()


@dataclass(frozen=True)
class SideBySide:
    """A column of which a file may have several side by side, `SEN Type 1` and so on, which are rows in the feed."""

    column: str
    number: str  # the column that says which of them it was
    headers: tuple[tuple[str, ...], ...]  # by place


@dataclass(frozen=True)
class Contract:
    """One feed. `fingerprint` changes when anything that decides how a file is read changes."""

    source: str
    feed: str
    title: str
    grain: str
    owner: str
    is_optional: bool  # a council may do without: until a file comes, nobody is told that there is none
    file_name: str
    undated_file: str
    key: tuple[str, ...]
    latest_by: str | None
    max_row_drop_pct: float
    stale_after_days: int
    columns: tuple[Column, ...]
    fingerprint: str
    max_file_mb: float | None = None  # None: as SEND_MAX_FILE_MB says
    is_newest_of_date: bool = False  # of files of one date under names of several kinds the newest counts
    side_by_side: "SideBySide | None" = None
    absence: Absence | None = None  # why the council has no exports of it, if it says so
    must: tuple[tuple[str, ...], ...] = ()  # columns of which each row has one; without: each required one of the key

    @property
    def id(self) -> str:
        """The feed's name for people and commands: `source.feed`."""
        return f"{self.source}.{self.feed}"

    @property
    def name(self) -> str:
        """The feed's name in paths and tables: `source__feed`."""
        return f"{self.source}__{self.feed}"

    @property
    def required(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_required)

    @property
    def musts(self) -> tuple[tuple[str, ...], ...]:
        """Groups of columns of which a row has one at least, or it cannot be used."""
        return self.must or tuple((column.name,) for column in self.required if column.name in self.key)

    @property
    def known(self) -> dict[str, str]:
        """By header, as it is compared, the column that it is of; of several the first."""
        found: dict[str, str] = {}
        for column in self.columns:
            for header in column.headers:
                found.setdefault(normalise(header), column.name)
        for place, headers in enumerate(self.side_by_side.headers if self.side_by_side else (), start=1):
            for header in headers:
                found.setdefault(normalise(header), f"{self.side_by_side.column}_{place}")  # type: ignore[union-attr]
        return found

    def stand_ins(self, name: str) -> tuple[Column, ...]:
        """The columns that may stand in for one."""
        return tuple(column for column in self.columns if name in column.instead_of)


def feeds() -> list[str]:
    """Every feed that ships, as `source.feed`. The file names are the list."""
    return sorted(path.stem.replace("__", ".", 1) for path in CONTRACTS.glob("*__*.yml"))


def load(feed: str, settings: Settings) -> Contract:
    """The contract of `source.feed` that is in force. Raises ContractError."""
    if feed not in feeds():
        raise ContractError(f"There is no feed {feed}. Feeds: {', '.join(feeds())}.")
    name = feed.replace(".", "__", 1)
    contract = settings.config_file("contracts", f"{name}.yml", shipped=CONTRACTS / f"{name}.yml")
    column_map = settings.config_file("column_maps", f"{name}.csv", shipped=COLUMN_MAPS / f"{name}.csv")
    none_dates = settings.config_file(NAME_NONE_DATES, shipped=HERE / NAME_NONE_DATES)
    absence = absent.read(settings.config_file(absent.NAME, shipped=HERE / absent.NAME), feeds()).get(feed)
    if contract.parent == CONTRACTS and column_map.parent == COLUMN_MAPS:
        return _named(parse(name, contract, column_map, none_dates), settings, absence)
    shipped = parse(name, CONTRACTS / contract.name, COLUMN_MAPS / column_map.name)
    found = parse(name, contract, column_map, none_dates, shipped)
    if contract.parent != CONTRACTS:
        _same_for_the_warehouse(found, shipped, contract)
    return _named(found, settings, absence)


def _named(contract: Contract, settings: Settings, absence: Absence | None) -> Contract:
    """A contract in the words of the council's own names of systems, and with what it says of having none of it."""
    contract = replace(contract, absence=absence) if absence else contract
    names = systems.names(settings.config)
    if not names.given:
        return contract
    said = names.said
    return replace(contract, title=said(contract.title), grain=said(contract.grain), owner=said(contract.owner))


def default_header(feed: str, column: str) -> str:
    """What the shipped layout calls a column of a feed (`source.feed`), for sentences; of a council's own, its name."""
    path = COLUMN_MAPS / f"{feed.replace('.', '__')}.csv"
    names = _headers(path).get(column) if path.is_file() else None
    return names[0] if names else column.replace("_", " ").capitalize()


def load_all(settings: Settings) -> list[Contract]:
    """Every contract in force."""
    return [load(feed, settings) for feed in feeds()]


def parse(
    name: str,
    contract: Path,
    column_map: Path,
    none_dates: Path = HERE / NAME_NONE_DATES,
    shipped: Contract | None = None,
) -> Contract:
    """Read and check one contract, its column map, and the dates that stand for none. Raises ContractError.

    What `shipped` has of quiet columns counts where a council's own file does not speak of them.
    """
    given = records.read_fields(contract, _KEYS, ContractError)
    limits = records.checked(contract, given["limits"], _LIMITS, ContractError, "limit")
    headers = _headers(column_map)
    columns = _columns(contract, column_map, headers, given["columns"], read_none_dates(none_dates), shipped)
    types = {column.name: column.type for column in columns}
    key, latest_by, undated_file = list(given["key"]), given["latest_by"], given["undated_file"]
    key += [each for each in (shipped.key if shipped else ()) if each not in key and _is_quiet(shipped, each)]
    _all_known(contract, key, types, "key: ")
    _all_known(contract, [latest_by] if latest_by else [], types, "latest_by: ")
    if not any(column.is_required for column in columns if column.name in key):
        raise ContractError(f"{contract}: no column of the key is required, so that a row may have none.")
    if undated_file != FILE_TIME and types.get(undated_file) not in ("date", "datetime"):
        raise ContractError(f"{contract}: undated_file must be {FILE_TIME}, or a column of type date or datetime.")
    source, _, feed = name.partition("__")
    side_by_side = _side_by_side(contract, given["side_by_side"], columns, headers)
    places = [f"{side_by_side.column}_{place}" for place in range(1, PLACES + 1)] if side_by_side else []
    _all_known(column_map, headers, {*types, *places})
    return Contract(
        source=source,
        feed=feed,
        **{each: given[each] for each in ("title", "grain", "owner", "file_name", "is_optional")},
        undated_file=undated_file,
        is_newest_of_date=given["same_date"] == NEWEST,
        key=tuple(key),
        latest_by=latest_by or None,
        max_row_drop_pct=float(limits["max_row_drop_pct"]),
        stale_after_days=int(limits["stale_after_days"]),
        columns=columns,
        fingerprint=_fingerprint(contract, column_map, none_dates),
        max_file_mb=limits["max_file_mb"],
        side_by_side=side_by_side,
    )


def read_none_dates(path: Path) -> tuple[dt.date, ...]:
    """The dates that stand for none where a contract does not say otherwise. Raises ContractError."""
    return tuple(records.read_fields(path, {"none_dates": _dates()}, ContractError, "list")["none_dates"])


def _dates(is_needed: bool = True) -> records.Field:
    def are_dates(held: Any) -> bool:
        return isinstance(held, list) and all(type(each) is dt.date for each in held)

    return records.Field("a list of dates such as [1900-01-01], or []", are_dates, is_needed)


def _names(held: Any) -> tuple[str, ...]:
    """The columns that a setting names, one or several; none where it is neither."""
    given = held if isinstance(held, list) else [held]
    return tuple(given) if all(isinstance(each, str) and each for each in given) else ()


def _words(held: Any) -> list[str]:
    """The words of a list in small letters, in which YAML may have read Yes as true and 1 as a number."""
    found = []
    for each in held if isinstance(held, list) else ():
        found += ["yes", "true"] if each is True else ["no", "false"] if each is False else [str(each).strip().lower()]
    return found


_WORDS = records.Field(
    "a list of words such as [Y, Yes], where '' is a blank",
    lambda held: bool(_words(held)) and all(isinstance(each, (str, int, float)) for each in held),
    is_needed=False,
)


def _columns(
    contract: Path,
    column_map: Path,
    headers: dict[str, list[str]],
    specs: dict[str, Any],
    none_dates: tuple[dt.date, ...],
    shipped: Contract | None,
) -> tuple[Column, ...]:
    columns = list[Column]()
    settings = {
        "type": records.one_of(TYPES),
        "required": records.field_of(bool, is_needed=False, otherwise=False),
        "crosswalk": records.one_of(crosswalks(), is_needed=False),
        "none_dates": _dates(is_needed=False),
        "instead_of": records.Field("a column, or a list of columns", lambda held: bool(_names(held)), False),
        "as": records.one_of(FORMS, is_needed=False),
        "beside": records.field_of(str, is_needed=False),
        "quiet": records.field_of(bool, is_needed=False, otherwise=False),
        "generated": records.field_of(bool, is_needed=False, otherwise=False),
        "yes": _WORDS,
        "no": _WORDS,
    }
    for name, spec in specs.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", str(name)):
            raise ContractError(f"{contract}: column {name} must be named with small letters, digits and `_`.")
        where = f"{contract}, column {name}"
        if isinstance(spec, dict):  # in YAML a bare yes or no is true or false, also as a name
            spec = {{True: "yes", False: "no"}.get(key, key): held for key, held in spec.items()}
        given = records.checked(where, spec, settings, ContractError, "setting")
        is_quiet = given["quiet"] or bool(given["instead_of"])
        theirs = _own_headers(name, headers, shipped) if is_quiet or _is_quiet(shipped, name) else None
        if name not in headers and theirs is None:
            raise ContractError(f"{column_map}: no header for column {name}. Add a row `{name},<header>`.")
        is_date, own = TYPES[given["type"]] in ("DATE", "TIMESTAMP"), given["none_dates"]
        if own is not None and not is_date:
            raise ContractError(f"{contract}: column {name} has none_dates, and is no date.")
        _check_use(where, given, specs)
        yes, no = _yes_and_no(where, given)
        columns.append(
            Column(
                name,
                given["type"],
                given["required"],
                given["crosswalk"],
                tuple(headers.get(name, theirs or ())),
                tuple(none_dates if own is None else own) if is_date else (),
                _names(given["instead_of"]),
                given["as"],
                given["beside"],
                is_quiet,
                given["generated"],
                yes,
                no,
            )
        )
    for column in shipped.columns if shipped else ():
        if column.is_quiet and column.name not in specs:
            columns.append(replace(column, headers=_own_headers(column.name, headers, shipped) or ()))
    if len(columns) > COLUMN_LIMIT:
        raise ContractError(f"{contract}: there are {len(columns)} columns (limit {COLUMN_LIMIT}).")
    return tuple(columns)


def _is_quiet(shipped: Contract | None, name: str) -> bool:
    return any(column.name == name and column.is_quiet for column in (shipped.columns if shipped else ()))


def _own_headers(name: str, headers: dict[str, list[str]], shipped: Contract | None) -> tuple[str, ...] | None:
    """The headers of a quiet column: those of the map, else the shipped ones that the map gives to no other column."""
    if name in headers:
        return tuple(headers[name])
    taken = {normalise(header) for held in headers.values() for header in held}
    found = [column.headers for column in (shipped.columns if shipped else ()) if column.name == name]
    return tuple(header for header in found[0] if normalise(header) not in taken) if found else None


def _check_use(where: str, given: dict[str, Any], specs: dict[str, Any]) -> None:
    """Raise ContractError for a column that stands in for none, in no known form, or is made where it cannot be."""
    for setting in ("instead_of", "beside"):
        if unknown := [name for name in _names(given[setting]) if name not in specs]:
            raise ContractError(f"{where}: {setting} is {unknown[0]}, which is not a column of the contract.")
    if bool(given["instead_of"]) != bool(given["as"]):
        raise ContractError(f"{where}: 'instead_of' and 'as' go together. Write both, or neither.")
    if given["beside"] and not given["instead_of"]:
        raise ContractError(f"{where}: 'beside' says when a column stands in for another; it needs 'instead_of'.")
    if given["required"] and given["instead_of"]:
        raise ContractError(f"{where}: it stands in for another column, and cannot be required.")
    if given["generated"] and given["type"] != "id":
        raise ContractError(f"{where}: only an id can be generated.")


def _yes_and_no(where: str, given: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words of a boolean for yes and no, in small letters; of other types none."""
    if given["type"] != "boolean":
        if given["yes"] or given["no"]:
            raise ContractError(f"{where}: it has words for yes or no, and is no boolean.")
        return (), ()
    yes, no = (
        tuple(dict.fromkeys(_words(given[name]))) if given[name] else shipped
        for name, shipped in (("yes", YES), ("no", NO))
    )
    if both := [word for word in yes if word in no]:
        words = ", ".join(map(repr, both))
        raise ContractError(
            f"{where}: {words} means yes and no. Give both lists, 'yes' and 'no', with different words."
        )
    return yes, no


def _side_by_side(
    contract: Path, given: dict[str, Any], columns: tuple[Column, ...], headers: dict[str, list[str]]
) -> SideBySide | None:
    if not given:
        return None
    types = {column.name: column.type for column in columns}
    ((column, number), *more) = given.items()
    if more or column not in types or types.get(number) != "integer" or column == number:
        raise ContractError(
            f"{contract}: side_by_side must name one column and the integer column for its place, such as "
            "{sen_type: rank}."
        )
    (main,) = (each for each in columns if each.name == column)
    if any(f"{column}_{place}" in types for place in range(1, PLACES + 1)):
        raise ContractError(f"{contract}: column {column}_1 stands side by side, and cannot be a column as well.")
    return SideBySide(
        column,
        number,
        tuple(
            (*headers.get(f"{column}_{place}", ()), *(f"{header} {place}" for header in main.headers))
            for place in range(1, PLACES + 1)
        ),
    )


def normalise(header: str) -> str:
    """A header as it is compared: no case, spaces, dashes, underscores, quotes, newlines, or what nobody sees."""
    return _IGNORED.sub("", header).casefold()


def crosswalks() -> list[str]:
    """The crosswalks that ship. The file names are the list."""
    return sorted(path.stem.removeprefix("xwalk_") for path in CROSSWALKS.glob("xwalk_*.csv"))


def _headers(column_map: Path) -> dict[str, list[str]]:
    """By column the headers that it may have. Raises ContractError."""
    found: dict[str, list[str]] = {}
    try:
        rows = tables.read_rows(column_map, ("column", "header"))
    except tables.TableError as error:
        raise ContractError(str(error)) from None
    for line, row in rows:
        column, header = row["column"].strip(), row["header"].strip()
        name = normalise(header)
        if not name:
            raise ContractError(
                f"{column_map}, line {line}: there is no header. Write `{column or 'column'},<header>`."
            )
        found.setdefault(column, []).append(header)
    return found


def _all_known(path: Path, used: Iterable[Any], names: Container[str], setting: str = "") -> None:
    unknown = [str(column) for column in used if not isinstance(column, str) or column not in names]
    if unknown:
        raise ContractError(f"{path}: {setting}{', '.join(unknown)} is not a column of the contract.")


def _same_for_the_warehouse(own: Contract, shipped: Contract, path: Path) -> None:
    """Raise ContractError when a council's own contract lacks what the warehouse is made of."""
    columns = {column.name: column for column in own.columns}
    for column in shipped.columns:
        if column.name not in columns:  # which a quiet one never is
            raise ContractError(
                f"{path}: column {column.name} of the shipped contract is missing. Add it; where an export lacks it, "
                "it is blank."
            )
        found = columns[column.name]
        # An ID that is read as text may be one that a spreadsheet shortened, which makes many children one.
        if TYPES[found.type] != TYPES[column.type] or (column.type == "id" and found.type != "id"):
            raise ContractError(
                f"{path}: column {column.name} has type {found.type}, and the warehouse takes {column.type}."
            )
        if column.name in shipped.key and column.is_required and not found.is_required:
            raise ContractError(f"{path}: column {column.name} is of the key, and must be required: true.")
    # The models join and count by the shipped key: with another one, a child would stand twice, or not at all.
    if set(own.key) != set(shipped.key):
        raise ContractError(
            f"{path}: key is [{', '.join(own.key)}], and the warehouse is made by [{', '.join(shipped.key)}]. The key "
            "is not a council's to change; where an export names its columns otherwise, change the column map."
        )


def _fingerprint(contract: Path, column_map: Path, none_dates: Path) -> str:
    digest = hashlib.sha256()
    for path in (contract, column_map, none_dates, *sorted(HERE.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
