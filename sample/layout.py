"""How each system writes its exports: columns and headers from extract/, dates, words, encoding and line ends."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from sample.chance import Texts

PROJECT = Path(__file__).resolve().parent.parent
MAPS = PROJECT / "extract" / "column_maps"
FEEDS = tuple(sorted(path.stem.replace("__", ".") for path in MAPS.glob("*.csv")))


@dataclass(frozen=True)
class Dialect:
    """What the exports of one source have in common (spec: the default layout)."""

    encoding: str
    newline: str
    dates: str  # the order of year, month and day
    quote_all: bool = False


DIALECTS = {
    "capita_one": Dialect("cp1252", "\r\n", "{2}/{1}/{0}"),
    "ehc_hub": Dialect("utf-8-sig", "\n", "{0}-{1}-{2}"),
    "social_care": Dialect("utf-8", "\n", "{2}/{1}/{0}"),
    "gias": Dialect("cp1252", "\r\n", "{2}-{1}-{0}", quote_all=True),
}


def dialect(feed: str) -> Dialect:
    """The dialect of the feed's source."""
    return DIALECTS[feed.split(".")[0]]


@cache
def headers(feed: str) -> dict[str, str]:
    """Column to default header, in the order of the export: the first header listed for each column."""
    with open(MAPS / f"{feed.replace('.', '__')}.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first: dict[str, str] = {}
    for row in rows:
        first.setdefault(row["column"], row["header"])
    return first


def file_name(feed: str, data_date: date) -> str:
    """The default name of an export."""
    stem = "edubasealldata" if feed == "gias.establishments" else feed.replace(".", "_") + "_"
    return f"{stem}{data_date:%Y%m%d}.csv"


def dates(values: np.ndarray, order: str) -> Texts:
    """Dates as text in this order; none is empty text."""
    days = values.astype("datetime64[D]")
    known = ~np.isnat(days)
    texts = np.full(len(days), "", dtype=object)
    if known.any():
        different, where = np.unique(days[known], return_inverse=True)
        written = [order.format(*str(day).split("-")) for day in different]
        texts[known] = np.array(written, dtype=object)[where]
    return texts


def as_text(feed: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The feed's columns in the order of the export, every value as the text that will be written."""
    order = dialect(feed).dates
    columns = {}
    for name in headers(feed):
        values = frame[name]
        if values.dtype.kind == "M":
            columns[name] = dates(values.to_numpy(), order)
        elif values.dtype.kind in "iu":
            columns[name] = _integers(values.to_numpy())
        elif values.dtype.kind == "f":
            columns[name] = np.array(["" if np.isnan(v) else f"{v:g}" for v in values], dtype=object)
        else:
            columns[name] = values.fillna("").to_numpy(object)
    return pd.DataFrame(columns, dtype=object)


def _integers(values: np.ndarray) -> Texts:
    different, where = np.unique(values, return_inverse=True)
    return np.array([str(value) for value in different], dtype=object)[where]


def write(path: Path, feed: str, frame: pd.DataFrame) -> None:
    """Write a frame of text as the feed's export."""
    style = dialect(feed)
    names = [headers(feed).get(name, name) for name in frame.columns]
    with open(path, "w", encoding=style.encoding, newline="") as file:
        file.write(",".join(_field(name, style.quote_all) for name in names) + style.newline)
        for part in _parts(frame):
            file.write(style.newline.join(_lines(part, style.quote_all)) + style.newline)


def _parts(frame: pd.DataFrame, size: int = 100_000) -> Iterator[pd.DataFrame]:
    for start in range(0, len(frame), size):
        yield frame.iloc[start : start + size]


def _lines(frame: pd.DataFrame, quote_all: bool) -> Iterable[str]:
    columns = [_fields(frame[name].tolist(), quote_all) for name in frame.columns]
    return map(",".join, zip(*columns, strict=True))


def _fields(values: list[str], quote_all: bool) -> list[str]:
    joined = "".join(values)
    if not quote_all and not any(mark in joined for mark in ',"\n\r'):
        return values
    return [_field(value, quote_all) for value in values]


def _field(value: str, quote_all: bool) -> str:
    if quote_all or any(mark in value for mark in ',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value
