"""The published figures that the council is made to look like (calibration.csv: value, year and source)."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

FILE = Path(__file__).with_name("calibration.csv")


@cache
def _rows() -> pd.DataFrame:
    return pd.read_csv(FILE, dtype={"group": str, "part": str}, keep_default_na=False)


def figure(name: str) -> float:
    """One figure, as published: a count, or a percentage from 0 to 100."""
    rows = _rows()
    return float(rows.loc[(rows.topic == "figure") & (rows.group == name), "value"].item())


def rate(name: str) -> float:
    """A published percentage as a share from 0 to 1."""
    return figure(name) / 100


def shares(topic: str) -> pd.Series:
    """What share of the whole each group has; the index is the group, in the order of the file."""
    rows = _rows()
    found = rows[rows.topic == topic].set_index("group")["value"]
    return found / found.sum()


def table(topic: str) -> pd.DataFrame:
    """Counts by group (rows) and part (columns); both in the order of the file."""
    rows = _rows()
    found = rows[rows.topic == topic]
    wide = found.pivot(index="group", columns="part", values="value").fillna(0.0)
    return wide.loc[list(dict.fromkeys(found.group)), list(dict.fromkeys(found.part))]


def by_year(topic: str) -> tuple[np.ndarray, np.ndarray]:
    """Ages or years (as numbers, ascending) and their shares."""
    found = shares(topic)
    years = found.index.astype(int).to_numpy()
    order = np.argsort(years)
    return years[order], found.to_numpy()[order]
