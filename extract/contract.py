"""What one feed should look like: contracts/<source>__<feed>.yml and its column map.

A council overrides either file by putting its own of the same name in SEND_CONFIG/contracts or
SEND_CONFIG/column_maps.
"""

import datetime as dt
import hashlib
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from send_ready import records, tables
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
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "integer": "BIGINT",
    "decimal": "DOUBLE",
    "boolean": "BOOLEAN",
}
FILE_TIME = "file_time"
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
    "key": records.field_of(list, may_be_empty=False),
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
    found = parse(name, contract, column_map, none_dates)
    if contract.parent != CONTRACTS:
        shipped = parse(name, CONTRACTS / contract.name, COLUMN_MAPS / column_map.name)
        _same_for_the_warehouse(found, shipped, contract)
    return found


def default_header(feed: str, column: str) -> str:
    """What the shipped layout calls a column of a feed (`source.feed`), for sentences; of a council's own, its name."""
    path = COLUMN_MAPS / f"{feed.replace('.', '__')}.csv"
    names = _headers(path).get(column) if path.is_file() else None
    return names[0] if names else column.replace("_", " ").capitalize()


def load_all(settings: Settings) -> list[Contract]:
    """Every contract in force."""
    return [load(feed, settings) for feed in feeds()]


def parse(name: str, contract: Path, column_map: Path, none_dates: Path = HERE / NAME_NONE_DATES) -> Contract:
    """Read and check one contract, its column map, and the dates that stand for none. Raises ContractError."""
    given = records.read_fields(contract, _KEYS, ContractError)
    limits = records.checked(contract, given["limits"], _LIMITS, ContractError, "limit")
    columns = _columns(contract, column_map, given["columns"], read_none_dates(none_dates))
    types = {column.name: column.type for column in columns}
    key, latest_by, undated_file = given["key"], given["latest_by"], given["undated_file"]
    _all_known(contract, key, types, "key: ")
    _all_known(contract, [latest_by] if latest_by else [], types, "latest_by: ")
    if not any(column.is_required for column in columns if column.name in key):
        raise ContractError(f"{contract}: no column of the key is required, so that a row may have none.")
    if undated_file != FILE_TIME and types.get(undated_file) not in ("date", "datetime"):
        raise ContractError(f"{contract}: undated_file must be {FILE_TIME}, or a column of type date or datetime.")
    source, _, feed = name.partition("__")
    return Contract(
        source=source,
        feed=feed,
        **{each: given[each] for each in ("title", "grain", "owner", "file_name", "is_optional")},
        undated_file=undated_file,
        key=tuple(key),
        latest_by=latest_by or None,
        max_row_drop_pct=float(limits["max_row_drop_pct"]),
        stale_after_days=int(limits["stale_after_days"]),
        columns=columns,
        fingerprint=_fingerprint(contract, column_map, none_dates),
        max_file_mb=limits["max_file_mb"],
    )


def read_none_dates(path: Path) -> tuple[dt.date, ...]:
    """The dates that stand for none where a contract does not say otherwise. Raises ContractError."""
    return tuple(records.read_fields(path, {"none_dates": _dates()}, ContractError, "list")["none_dates"])


def _dates(is_needed: bool = True) -> records.Field:
    def are_dates(held: Any) -> bool:
        return isinstance(held, list) and all(type(each) is dt.date for each in held)

    return records.Field("a list of dates such as [1900-01-01], or []", are_dates, is_needed)


def _columns(
    contract: Path, column_map: Path, specs: dict[str, Any], none_dates: tuple[dt.date, ...]
) -> tuple[Column, ...]:
    if len(specs) > COLUMN_LIMIT:
        raise ContractError(f"{contract}: there are {len(specs)} columns (limit {COLUMN_LIMIT}).")
    headers, columns = _headers(column_map), list[Column]()
    settings = {
        "type": records.one_of(TYPES),
        "required": records.field_of(bool, is_needed=False, otherwise=False),
        "crosswalk": records.one_of(crosswalks(), is_needed=False),
        "none_dates": _dates(is_needed=False),
    }
    for name, spec in specs.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", str(name)):
            raise ContractError(f"{contract}: column {name} must be named with small letters, digits and `_`.")
        given = records.checked(f"{contract}, column {name}", spec, settings, ContractError, "setting")
        if name not in headers:
            raise ContractError(f"{column_map}: no header for column {name}. Add a row `{name},<header>`.")
        is_date, own = TYPES[given["type"]] in ("DATE", "TIMESTAMP"), given["none_dates"]
        if own is not None and not is_date:
            raise ContractError(f"{contract}: column {name} has none_dates, and is no date.")
        none = tuple(none_dates if own is None else own) if is_date else ()
        columns.append(Column(name, given["type"], given["required"], given["crosswalk"], tuple(headers[name]), none))
    _all_known(column_map, headers, specs)
    return tuple(columns)


def normalise(header: str) -> str:
    """A header as it is compared: no case, spaces, dashes, underscores, quotes, newlines, or what nobody sees."""
    return _IGNORED.sub("", header).casefold()


def crosswalks() -> list[str]:
    """The crosswalks that ship. The file names are the list."""
    return sorted(path.stem.removeprefix("xwalk_") for path in CROSSWALKS.glob("xwalk_*.csv"))


def _headers(column_map: Path) -> dict[str, list[str]]:
    """By column the headers that it may have. Raises ContractError."""
    found: dict[str, list[str]] = {}
    meant: dict[str, str] = {}
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
        if meant.setdefault(name, column) != column:
            raise ContractError(f"{column_map}, line {line}: header {header} is that of column {meant[name]} already.")
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
        if column.name not in columns:
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
