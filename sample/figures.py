"""The published figures that the council is made to look like (calibration.csv: value, year and source)."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from sample.chance import Floats, Ints, Texts

FILE = Path(__file__).with_name("calibration.csv")


@cache
def _rows() -> pd.DataFrame:
    return pd.read_csv(FILE, dtype={"group": str, "part": str}, keep_default_na=False)


@cache
def _figures() -> dict[str, float]:
    rows = _rows()[_rows()["topic"] == "figure"]
    return dict(zip(rows["group"], rows["value"], strict=True))


def figure(name: str) -> float:
    """One figure, as published: a count, or a percentage from 0 to 100."""
    return _figures()[name]


def rate(name: str) -> float:
    """A published percentage as a share from 0 to 1."""
    return figure(name) / 100


def rates(name: str, groups: Texts) -> Floats:
    """The rate of each one's group; `{}` in the name stands for the group."""
    known = {group: rate(name.format(group)) for group in set(groups)}
    return np.array([known[group] for group in groups], dtype=float)


def shares(topic: str) -> pd.Series:
    """What share of the whole each group has; the index is the group, in the order of the file."""
    rows = _rows()[_rows()["topic"] == topic]
    values = rows.set_index("group")["value"]
    return values / values.sum()


def table(topic: str) -> pd.DataFrame:
    """Counts by group (rows) and part (columns), both in the order of the file."""
    rows = _rows()[_rows()["topic"] == topic]
    wide = rows.pivot(index="group", columns="part", values="value").fillna(0.0)
    return wide.loc[list(dict.fromkeys(rows["group"])), list(dict.fromkeys(rows["part"]))]


def by_year(topic: str) -> tuple[Ints, Floats]:
    """Ages or years, ascending, and the share of each."""
    values = shares(topic)
    values.index = values.index.astype(int)
    values = values.sort_index()
    return values.index.to_numpy(np.int64), values.to_numpy(float)
