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
from typing import Any, TypeVar

from send_ready import files, tables
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
_KEYS = {
    "title", "grain", "owner", "is_optional", "file_name", "undated_file", "key", "latest_by", "limits", "columns",
}  # fmt: skip
_LIMITS = {"max_row_drop_pct": 100, "stale_after_days": 36_500, "max_file_mb": 1_000_000}  # and the most each may be
_COLUMN_KEYS = {"type", "required", "crosswalk", "none_dates"}
_KINDS = {str: "text", list: "a list", dict: "settings by name", bool: "true or false"}
FILE_TIME = "file_time"
COLUMN_LIMIT = 62  # what reading found of a row's columns is kept in the bits of one number
# What exports add to a header and nobody sees: spaces of all kinds, marks of order and direction, soft hyphens.
_UNSEEN = "\\s\u00a0\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_IGNORED = re.compile(f"[{_UNSEEN}\\-\u2010-\u2015_'\"\u2018\u2019\u201c\u201d`]+")
T = TypeVar("T")


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
    try:
        raw = files.read_yaml(contract)
    except ValueError as error:
        raise ContractError(str(error)) from None
    _only(contract, raw, _KEYS, "key")
    columns = _columns(contract, column_map, _given(contract, raw, "columns", dict), read_none_dates(none_dates))
    types = {column.name: column.type for column in columns}
    key, latest_by = _given(contract, raw, "key", list), _given(contract, raw, "latest_by", str, "")
    _all_known(contract, key, types, "key: ")
    _all_known(contract, [latest_by] if latest_by else [], types, "latest_by: ")
    if not any(column.is_required for column in columns if column.name in key):
        raise ContractError(f"{contract}: no column of the key is required, so that a row may have none.")
    undated_file = _given(contract, raw, "undated_file", str, FILE_TIME)
    if undated_file != FILE_TIME and types.get(undated_file) not in ("date", "datetime"):
        raise ContractError(f"{contract}: undated_file must be {FILE_TIME}, or a column of type date or datetime.")
    limits = _given(contract, raw, "limits", dict)
    _only(contract, limits, set(_LIMITS), "limit")
    source, _, feed = name.partition("__")
    return Contract(
        source=source,
        feed=feed,
        title=_given(contract, raw, "title", str),
        grain=_given(contract, raw, "grain", str),
        owner=_given(contract, raw, "owner", str),
        file_name=_file_name(contract, raw),
        is_optional=_given(contract, raw, "is_optional", bool, False),
        undated_file=undated_file,
        key=tuple(key),
        latest_by=latest_by or None,
        max_row_drop_pct=_limit(contract, limits, "max_row_drop_pct"),
        stale_after_days=int(_limit(contract, limits, "stale_after_days")),
        columns=columns,
        fingerprint=_fingerprint(contract, column_map, none_dates),
        max_file_mb=_limit(contract, limits, "max_file_mb") if "max_file_mb" in limits else None,
    )


def _given(path: Path, raw: dict[str, Any], key: str, kind: type[T], otherwise: T | None = None) -> T:
    """What a contract says, or what holds when it says nothing. Raises ContractError for anything of another kind."""
    value = raw.get(key)
    if value is None and otherwise is not None:
        return otherwise
    if key not in raw:
        raise ContractError(f"{path}: '{key}' is missing. Compare with the shipped contract.")
    if not isinstance(value, kind) or (otherwise is None and not value):
        raise ContractError(f"{path}: {key} must be {_KINDS[kind]}. Compare with the shipped contract.")
    return value


def _file_name(path: Path, raw: dict[str, Any]) -> str:
    name = _given(path, raw, "file_name", str)
    if not re.search("[a-z0-9]", name.casefold()):
        raise ContractError(f"{path}: file_name has no letter in it, so that any file would do.")
    return name


def _limit(path: Path, limits: dict[str, Any], key: str) -> float:
    if key not in limits:
        raise ContractError(f"{path}: '{key}' is missing. Compare with the shipped contract.")
    value, most = limits[key], _LIMITS[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise ContractError(f"{path}: {key} must be a number from 0 to {most:,}.")
    return float(value)


def read_none_dates(path: Path) -> tuple[dt.date, ...]:
    """The dates that stand for none where a contract does not say otherwise. Raises ContractError."""
    try:
        raw = files.read_yaml(path)
    except ValueError as error:
        raise ContractError(str(error)) from None
    _only(path, raw, {"none_dates"}, "list")
    if "none_dates" not in raw:
        raise ContractError(f"{path}: 'none_dates' is missing. Compare with the shipped file.")
    return _dates(path, raw["none_dates"], "none_dates")


def _dates(path: Path, value: Any, what: str) -> tuple[dt.date, ...]:
    is_list = isinstance(value, list)
    if not is_list or not all(isinstance(each, dt.date) and not isinstance(each, dt.datetime) for each in value):
        raise ContractError(f"{path}: {what} must be a list of dates such as [1900-01-01], or [].")
    return tuple(value)


def _columns(
    contract: Path, column_map: Path, specs: dict[str, Any], none_dates: tuple[dt.date, ...]
) -> tuple[Column, ...]:
    if len(specs) > COLUMN_LIMIT:
        raise ContractError(f"{contract}: there are {len(specs)} columns (limit {COLUMN_LIMIT}).")
    headers, known = _headers(column_map), crosswalks()
    columns = []
    for name, spec in specs.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", str(name)):
            raise ContractError(f"{contract}: column {name} must be named with small letters, digits and `_`.")
        _only(contract, spec, _COLUMN_KEYS, f"setting of column {name}")
        is_required, kind, crosswalk = spec.get("required", False), str(spec.get("type")), spec.get("crosswalk")
        if kind not in TYPES:
            raise ContractError(f"{contract}: column {name} has type {kind}. Types: {', '.join(TYPES)}.")
        if not isinstance(is_required, bool):
            raise ContractError(f"{contract}: column {name}: required must be {_KINDS[bool]}.")
        if crosswalk is not None and crosswalk not in known:
            raise ContractError(f"{contract}: column {name} has crosswalk {crosswalk}. Crosswalks: {', '.join(known)}.")
        if name not in headers:
            raise ContractError(f"{column_map}: no header for column {name}. Add a row `{name},<header>`.")
        is_date = TYPES[kind] in ("DATE", "TIMESTAMP")
        if "none_dates" in spec and not is_date:
            raise ContractError(f"{contract}: column {name} has none_dates, and is no date.")
        own = _dates(contract, spec["none_dates"], f"column {name}: none_dates") if "none_dates" in spec else none_dates
        columns.append(Column(name, kind, is_required, crosswalk, tuple(headers[name]), own if is_date else ()))
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


def _only(path: Path, given: Any, known: set[str], what: str) -> None:
    if not isinstance(given, dict):
        raise ContractError(f"{path}: where a {what} should be, there is none. Known: {', '.join(sorted(known))}.")
    unknown = set(map(str, given)) - known
    if unknown:
        raise ContractError(f"{path}: unknown {what} {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}.")


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
