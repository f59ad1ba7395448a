"""Drawing lots, all of it from one seeded generator, so that the same seed makes the same council."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Dates = NDArray[Any]  # datetime64[D]
Texts = NDArray[Any]  # object, each a str

NO_DATE = np.datetime64("NaT", "D")
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Scene:
    """The council, the day, and the generator behind every lot."""

    rng: np.random.Generator
    as_at: date
    la_code: str

    @property
    def today(self) -> np.datetime64:
        return np.datetime64(self.as_at, "D")

    @property
    def year(self) -> int:
        """The year in which the school year began."""
        return self.as_at.year - (self.as_at.month < 9)


def day(series: pd.Series) -> Dates:
    """A column of dates as whole days."""
    return series.to_numpy("datetime64[D]")


def quota(rng: np.random.Generator, weights: ArrayLike, size: int) -> Ints:
    """`size` indices into `weights`, in random order, each as often as its weight says give or take one.

    Closer to the weights than independent draws, so that even a small council looks like the figures.
    """
    edges = np.cumsum(np.asarray(weights, dtype=float))
    points = (np.arange(size) + rng.random()) / max(size, 1) * edges[-1]
    return rng.permutation(np.minimum(np.searchsorted(edges, points, side="right"), len(edges) - 1))


def quota_by(rng: np.random.Generator, groups: Ints, table: ArrayLike) -> Ints:
    """For every element a column of `table`, drawn by `quota` from the row that its group names."""
    weights = np.asarray(table, dtype=float)
    drawn = np.zeros(len(groups), dtype=np.int64)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        drawn[members] = quota(rng, weights[group], len(members))
    return drawn


def rake(cells: ArrayLike, margins: Sequence[tuple[Ints, Floats]], rounds: int = 60) -> Floats:
    """Scale `cells` until they add up to every margin (iterative proportional fitting).

    A margin is the group of each cell and the total of each group; totals are made shares first.
    A cell of zero stays zero: that is how an impossible combination is kept out.
    """
    fitted = np.asarray(cells, dtype=float)
    for _ in range(rounds):
        for groups, totals in margins:
            held = np.bincount(groups, weights=fitted, minlength=len(totals))
            wanted = totals / totals.sum()
            fitted = fitted * np.divide(wanted, held, out=np.zeros_like(wanted), where=held > 0)[groups]
    return fitted


def pick(rng: np.random.Generator, values: Sequence[Any], size: int, weights: ArrayLike | None = None) -> Texts:
    """`size` of `values`, by weight where given."""
    lots = rng.integers(0, len(values), size) if weights is None else quota(rng, weights, size)
    return np.fromiter(values, dtype=object, count=len(values))[lots]


def days(rng: np.random.Generator, low: int, high: int, size: int) -> NDArray[Any]:
    """Whole days from low to high, both included."""
    return rng.integers(low, high + 1, size).astype("timedelta64[D]")


def delays(rng: np.random.Generator, in_time: float, limit: int, mean: float, size: int) -> NDArray[Any]:
    """Days that something took: within the limit as often as said, and mostly in its last days; else beyond it."""
    early = limit - np.minimum(rng.exponential(limit / 5, size), limit * 0.9)
    late = limit + 1 + rng.exponential(mean, size)
    return np.where(rng.random(size) < in_time, early, late).astype("timedelta64[D]")


def between(rng: np.random.Generator, first: Dates, last: Dates) -> Dates:
    """A date from first to last, both included; the first where the two are the wrong way round."""
    span = np.maximum((last - first).astype(np.int64), 0)
    chosen: Dates = first + (rng.random(len(span)) * (span + 1)).astype("timedelta64[D]")
    return chosen
