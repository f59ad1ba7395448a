"""What one feed should look like: contracts/<source>__<feed>.yml and its column map.

A council overrides either file by putting its own of the same name in SEND_CONFIG/contracts or
SEND_CONFIG/column_maps.
"""

import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from send_ready.runs import RunError
from send_ready.settings import Settings

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE / "contracts"
COLUMN_MAPS = HERE / "column_maps"
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
_LIMITS = {"max_row_drop_pct", "stale_after_days"}
_COLUMN_KEYS = {"type", "required", "crosswalk"}


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
    return parse(name, contract, column_map)


def load_all(settings: Settings) -> list[Contract]:
    """Every contract in force."""
    return [load(feed, settings) for feed in feeds()]


def parse(name: str, contract: Path, column_map: Path) -> Contract:
    """Read and check one contract and its column map. Raises ContractError."""
    try:
        raw = yaml.safe_load(contract.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{contract} is not YAML that can be read: {error}") from None
    _only(contract, raw, _KEYS, "key")
    headers = _headers(column_map)
    columns = []
    for column, spec in raw.get("columns", {}).items():
        _only(contract, spec, _COLUMN_KEYS, f"setting of column {column}")
        if spec.get("type") not in TYPES:
            raise ContractError(f"{contract}: column {column} has type {spec.get('type')}. Types: {', '.join(TYPES)}.")
        if column not in headers:
            raise ContractError(f"{column_map}: no header for column {column}. Add a row `{column},<header>`.")
        columns.append(
            Column(column, spec["type"], bool(spec.get("required")), spec.get("crosswalk"), tuple(headers[column]))
        )
    names = {column.name for column in columns}
    _all_known(column_map, headers, names)
    latest_by = raw.get("latest_by")
    _all_known(contract, [*raw.get("key", []), *([latest_by] if latest_by else [])], names)
    limits = raw.get("limits") or {}
    _only(contract, limits, _LIMITS, "limit")
    source, _, feed = name.partition("__")
    try:
        return Contract(
            source=source,
            feed=feed,
            title=raw["title"],
            grain=raw["grain"],
            owner=raw["owner"],
            is_optional=bool(raw.get("is_optional")),
            file_name=raw["file_name"],
            undated_file=raw.get("undated_file", "file_time"),
            key=tuple(raw["key"]),
            latest_by=latest_by,
            max_row_drop_pct=float(limits["max_row_drop_pct"]),
            stale_after_days=int(limits["stale_after_days"]),
            columns=tuple(columns),
            fingerprint=_fingerprint(contract, column_map),
        )
    except KeyError as missing:
        raise ContractError(f"{contract}: {missing} is missing. Compare with the shipped contract.") from None


def normalise(header: str) -> str:
    """A header as it is compared: no case, spaces, dashes, underscores, quotes, newlines or BOM."""
    return re.sub("[\\s\u00a0\ufeff\\-\u2010-\u2015_'\"\u2018\u2019\u201c\u201d`]+", "", header).casefold()


def _headers(column_map: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with open(column_map, encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != ["column", "header"]:
            raise ContractError(f"{column_map}: the first line must be `column,header`.")
        for row in rows:
            found.setdefault(row["column"], []).append(row["header"])
    return found


def _only(path: Path, given: Any, known: set[str], what: str) -> None:
    unknown = set(given) - known if isinstance(given, dict) else {str(given)}
    if unknown:
        raise ContractError(f"{path}: unknown {what} {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}.")


def _all_known(path: Path, used: Iterable[str], names: set[str]) -> None:
    unknown = [column for column in used if column not in names]
    if unknown:
        raise ContractError(f"{path}: {', '.join(unknown)} is not a column of the contract.")


def _fingerprint(contract: Path, column_map: Path) -> str:
    digest = hashlib.sha256()
    for path in (contract, column_map, *sorted(HERE.glob("*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
