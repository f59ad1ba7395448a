"""How each system writes its exports: columns and headers from extract/, dates, words, encoding and line ends."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from sample import sen2
from sample.chance import Dates, Texts

EXTRACT = Path(__file__).resolve().parent.parent / "extract"
MAPS, CONTRACTS = EXTRACT / "column_maps", EXTRACT / "contracts"
# GIAS has about 135 columns; the pipeline needs twelve. These are some of the others.
EXTRA_HEADERS = {
    "gias.establishments": {
        "la_name": "LA (name)",
        "number": "EstablishmentNumber",
        "type_name": "TypeOfEstablishment (name)",
        "status_name": "EstablishmentStatus (name)",
        "phase_name": "PhaseOfEducation (name)",
    }
}
# Columns that the hub exports with a time of day.
TIMES = {"ehc_hub.cases": ("request_received", "migrated_on")}


@dataclass(frozen=True)
class Dialect:
    """What the exports of one source have in common."""

    encoding: str
    newline: str
    dates: str  # {0} year, {1} month, {2} day
    is_quoted: bool = False


DIALECTS = {
    "capita_one": Dialect("cp1252", "\r\n", "{2}/{1}/{0}"),
    "ehc_hub": Dialect("utf-8-sig", "\n", "{0}-{1}-{2}"),
    "social_care": Dialect("utf-8", "\n", "{2}/{1}/{0}"),
    "board": Dialect("utf-8", "\n", "{2}/{1}/{0}"),
    "gias": Dialect("cp1252", "\r\n", "{2}-{1}-{0}", is_quoted=True),
}
# The feeds that the council has, each in the default layout: what may stand in for its columns is no part of that.
FEEDS = tuple(
    sorted(
        name.replace("__", ".")
        for name in (path.stem for path in MAPS.glob("*.csv"))
        if name.split("__")[0] in DIALECTS
    )
)


def dialect(feed: str) -> Dialect:
    """The dialect of the feed's source."""
    return DIALECTS[feed.split(".")[0]]


@cache
def headers(feed: str) -> dict[str, str]:
    """Column to header, in the order of the export: of each column the first header that its map lists."""
    found: dict[str, str] = {}
    columns = _columns(feed)
    with (MAPS / f"{feed.replace('.', '__')}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["column"] in columns:
                found.setdefault(row["column"], row["header"])
    return found | EXTRA_HEADERS.get(feed, {})


@cache
def keys(feed: str) -> tuple[str, ...]:
    """The columns that make a row of the feed unique."""
    return tuple(name for name in _contract(feed)["key"] if name in _columns(feed))


@cache
def _contract(feed: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CONTRACTS / f"{feed.replace('.', '__')}.yml").read_text(encoding="utf-8"))
    return found


def _columns(feed: str) -> set[str]:
    """The columns of the default layout, and what the SEN2 return asks besides."""
    columns = _contract(feed)["columns"].items()
    found = {name for name, column in columns if not (column.get("quiet") or column.get("instead_of"))}
    return found | {*sen2.COLUMNS.get(feed, ())}


def file_name(feed: str, data_date: date) -> str:
    """The default name of an export."""
    stem = "edubasealldata" if feed == "gias.establishments" else feed.replace(".", "_") + "_"
    return f"{stem}{data_date:%Y%m%d}.csv"


def as_text(feed: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of the export in its order, every value as the text that will be written, rows numbered from 0."""
    style, times = dialect(feed), TIMES.get(feed, ())
    return pd.DataFrame(
        {name: _texts(frame[name], style.dates + (" 00:00:00" if name in times else "")) for name in headers(feed)},
        dtype=object,
    )


def _texts(values: pd.Series, dates: str) -> Texts:
    if values.dtype.kind == "M":
        return date_texts(values.to_numpy("datetime64[D]"), dates)
    if values.dtype.kind in "iuf":
        return _numbers(values.to_numpy())
    return values.fillna("").to_numpy(object)


def date_texts(values: Dates, order: str) -> Texts:
    """Dates as text in this order of {0} year, {1} month and {2} day; no date is empty text."""
    different, where = np.unique(values, return_inverse=True)
    written = ["" if np.isnat(day) else order.format(*str(day).split("-")) for day in different]
    return np.array(written, dtype=object)[where]


def _numbers(values: np.ndarray) -> Texts:
    different, where = np.unique(values, return_inverse=True)
    return np.array(["" if value != value else f"{value:g}" for value in different], dtype=object)[where]


def write(path: Path, feed: str, frame: pd.DataFrame, headings: dict[str, str]) -> None:
    """Write a frame of text as the feed's export, with these headings."""
    style = dialect(feed)
    names = [headings[name] for name in frame.columns]
    with path.open("w", encoding=style.encoding, newline="") as file:
        file.write(",".join(_fields(names, style.is_quoted)) + style.newline)
        for part in _parts(frame):
            file.write(style.newline.join(_lines(part, style.is_quoted)) + style.newline)


def _parts(frame: pd.DataFrame, size: int = 100_000) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), size):
        yield frame.iloc[start : start + size]


def _lines(frame: pd.DataFrame, is_quoted: bool) -> Iterable[str]:
    return map(",".join, zip(*(_fields(frame[name].tolist(), is_quoted) for name in frame.columns), strict=True))


def _fields(values: list[str], is_quoted: bool) -> list[str]:
    joined = "".join(values)
    if not is_quoted and not any(mark in joined for mark in ',"\n\r'):
        return values
    return [_quoted(value) if is_quoted or any(mark in value for mark in ',"\n\r') else value for value in values]


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
