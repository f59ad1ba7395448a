"""The attack on the public editions: linear programs over all that several of them give.

Whoever has the editions knows sums of numbers that are never below nothing: each figure of each edition, as the data
stood when that edition was made (or, where the publisher says that a figure stays, when it was first given). What may
have changed since is what was entered late, in the months before an edition. Each number of 1 to 4 is made as large
and as small as what is known allows; it is recovered when one whole number is left.

`python -m tests.attacks.editions --seeds 200` tries more councils than the tests do.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array, vstack

from publish.kpi import suppression
from publish.kpi.suppression import RECORDED, Past
from send_ready import database
from tests.attacks import councils
from tests.attacks.councils import ENDS, FIRST, LATE, MONTHS, Council, Family, Form

BELOW = 5
KPI_VALUES = (
    "la_code VARCHAR, kpi_id VARCHAR, period_type VARCHAR, period_end DATE, is_part_period BOOLEAN, "
    "breakdown_type VARCHAR, breakdown_value VARCHAR, numerator DOUBLE, denominator BIGINT, value DOUBLE, "
    "unit VARCHAR, comparator_value DOUBLE, comparator_period VARCHAR, target_value DOUBLE, rag VARCHAR, "
    "data_date DATE, is_stale BOOLEAN, run_id VARCHAR"
)
Row = Mapping[str, Any]
Publisher = Callable[[Council], dict[int, list[Row]]]


def publish(council: Council, is_remembered: bool = True) -> dict[int, list[Row]]:
    """The public table of each edition, made one after the other."""
    found: dict[int, list[Row]] = {}
    past = Past()
    for edition in council.editions:
        with database.scratch() as con:
            con.execute("ATTACH ':memory:' AS built; CREATE SCHEMA built.kpi")
            con.execute(f"CREATE TABLE built.kpi.kpi_values ({KPI_VALUES})")
            rows = council.rows(edition)
            names = list(rows[0])
            written = ", ".join(f"({', '.join(database.literal(row[name]) for name in names)}, false)" for row in rows)
            con.execute(
                f"INSERT INTO built.kpi.kpi_values BY NAME FROM (VALUES {written}) AS v ({', '.join(names)}, "
                "is_part_period)"
            )
            table = suppression.public(con, BELOW, past=past) if is_remembered else suppression.public(con, BELOW)
            answer = con.execute(f"SELECT {', '.join(RECORDED)} FROM {table}")
            found[edition] = [dict(zip(RECORDED, row, strict=True)) for row in answer.fetchall()]
        if is_remembered:
            kept = {key(row): row for row in found[edition]} | {key(row): row for row in past.rows}
            until = max([past.until, *(row["period_end"] for row in found[edition])])
            past = Past(list(kept.values()), until)
    return found


def everything(council: Council) -> dict[int, list[Row]]:
    """A publisher that withholds each small number, and nothing else."""
    found: dict[int, list[Row]] = {}
    for edition in council.editions:
        found[edition] = []
        for row in council.rows(edition):
            numbers = [row["numerator"], row["denominator"], (row["denominator"] or 0) - (row["numerator"] or 0)]
            is_small = any(0 < number < BELOW for number in numbers if number)
            found[edition].append(row | ({"numerator": None, "denominator": None, "symbol": "[c]"} if is_small else
                                         {"symbol": None}))  # fmt: skip
    return found


@dataclass(frozen=True)
class Recovered:
    """A number that is known exactly; `is_told`: for who takes [c] to say that it is small."""

    kpi_id: str
    part: str
    period_type: str
    end: date
    breakdown: str
    edition: date
    number: int
    is_told: bool

    def __str__(self) -> str:
        whose = ", known to be small" if self.is_told else ""
        return (
            f"{self.kpi_id}.{self.part} of {self.period_type} to {self.end} ({self.breakdown}) = {self.number} as of "
            f"the edition of {self.edition:%B %Y}{whose}"
        )


class Attack:
    """What can be known from the editions of one council."""

    def __init__(
        self, council: Council, given: Mapping[int, Sequence[Row]], stays: bool, late: int, is_added_only: bool
    ) -> None:
        """`stays`: a figure is of the data of the first edition that gave it. `late`: months in which data changes."""
        self.council = council
        self.given = given
        self.size = 0
        self.of: dict[int, np.ndarray[Any, Any]] = {}
        lesser: list[tuple[int, int]] = []
        before: np.ndarray[Any, Any] | None = None
        earlier = -1
        for edition in council.editions:
            at = np.full((MONTHS, council.family.kinds), -1)
            for month in range(edition + 1):
                if before is not None and month <= earlier and month + late <= earlier:
                    at[month] = before[month]  # settled
                    continue
                at[month] = self.size + np.arange(council.family.kinds)
                self.size += council.family.kinds
                if before is not None and month <= earlier and is_added_only:
                    lesser += zip(before[month].tolist(), at[month].tolist(), strict=True)
            self.of[edition] = before = at
            earlier = edition
        self.known, self.right = self._known(stays)
        self.lesser = lesser

    def _known(self, stays: bool) -> tuple[Any, np.ndarray[Any, Any]]:
        rows, right, seen = [], [], set()
        for edition, forms, row in self._rows():
            once = (key(row), None if stays else edition)
            if once in seen or row["symbol"] not in (None, "[z]"):
                continue
            seen.add(once)
            for part, name in (("N", "numerator"), ("D", "denominator")):
                if part in forms and row.get(name) is not None:
                    rows.append(self._over(forms[part], edition))
                    right.append(float(row[name]))
        return (vstack(rows) if rows else csr_array((0, self.size))), np.array(right)

    def _rows(self) -> Iterator[tuple[int, dict[str, Form], Row]]:
        for edition in self.council.editions:
            forms = {
                (figure.kpi_id, window, ENDS[number], breakdown, cell): found
                for figure, window, number, breakdown, cell, found in self.council.numbers(edition)
            }
            for row in self.given[edition]:
                if key(row) in forms:
                    yield edition, forms[key(row)], row

    def _over(self, form: Form, edition: int) -> Any:
        at, often = [], []
        for start, stop, counted in form:
            kinds = np.flatnonzero(counted)
            at.append(self.of[edition][start:stop, kinds].ravel())
            often.append(np.broadcast_to(counted[kinds], (stop - start, len(kinds))).ravel())
        columns = np.concatenate(at)
        return csr_array((np.concatenate(often), (np.zeros(len(columns), dtype=int), columns)), shape=(1, self.size))

    def targets(self, limit: int, seed: int) -> list[tuple[Any, ...]]:
        """Numbers of 1 to 4 to be recovered, of every window and breakdown: those withheld, and some of the others."""
        withheld = {(key(row), edition) for edition, _, row in self._rows() if row["symbol"] == "[c]"}
        found: dict[bytes, tuple[Any, ...]] = {}
        marked: list[tuple[Any, ...]] = []
        rest: list[tuple[Any, ...]] = []
        for edition in self.council.editions:
            state = self.council.states[edition]
            for figure, window, number, breakdown, cell, forms in self.council.numbers(edition):
                named = (figure.kpi_id, window, ENDS[number], breakdown, cell)
                for part, form in forms.items():
                    true = councils.count(form, state)
                    if not 0 < true < BELOW:
                        continue
                    over = self._over(form, edition)
                    known = over.indices.tobytes() + over.data.tobytes()
                    if known in found:
                        continue
                    is_marked = (named, edition) in withheld
                    found[known] = (
                        figure.kpi_id,
                        part,
                        window,
                        number,
                        f"{breakdown}: {cell}",
                        edition,
                        true,
                        is_marked,
                        over,
                    )
                    (marked if is_marked else rest).append(found[known])
        chance = np.random.default_rng(seed)
        for each in (marked, rest):
            chance.shuffle(each)  # type: ignore[arg-type]
        return marked[: limit // 2] + rest[: limit - min(len(marked), limit // 2)]

    def recovered(self, limit: int, seed: int) -> Iterator[Recovered]:
        """The targets, up to so many, that have but one whole number left."""
        less = csr_array((0, self.size))
        if self.lesser:
            low, high = np.array(self.lesser).T
            at = np.arange(len(low))
            less = csr_array(
                (np.repeat([1.0, -1.0], len(low)), (np.concatenate([at, at]), np.concatenate([low, high]))),
                shape=(len(low), self.size),
            )
        for kpi_id, part, window, number, breakdown, edition, true, is_marked, over in self.targets(limit, seed):
            target = over.toarray()[0]
            least, most = self._end(target, less), self._end(-target, less)
            if least is None or most is None:
                continue  # the data changed in other ways than whoever attacks supposes
            bounds = [(np.ceil(least - 1e-6), np.floor(1e-6 - most), False)]
            if is_marked:
                bounds.append((max(1, bounds[0][0]), min(BELOW - 1, bounds[0][1]), True))
            for low, high, is_told in bounds:
                if low == high == true:
                    yield Recovered(kpi_id, part, window, ENDS[number], breakdown, ENDS[edition], true, is_told)
                    break

    def _end(self, target: Any, less: Any) -> float | None:
        found = linprog(
            target,
            A_ub=less if less.shape[0] else None,
            b_ub=np.zeros(less.shape[0]) if less.shape[0] else None,
            A_eq=self.known if self.known.shape[0] else None,
            b_eq=self.right if self.known.shape[0] else None,
            bounds=(0, 100_000),
            method="highs",
        )
        return float(found.fun) if found.status == 0 else None


def key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("kpi_id", "period_type", "period_end", "breakdown_type", "breakdown_value"))


FAMILIES: Mapping[str, Callable[[], Family]] = {
    "assessments": councils.assessments,
    "decisions": councils.decisions,
    "advice": councils.advice,
    "plans": councils.plans,
    "assessments by need": lambda: councils.assessments(councils.NEEDS),
    "decisions by need": lambda: councils.decisions(councils.NEEDS),
    "advice by provider": lambda: councils.advice({"A": 0.6, "B": 0.3, "C": 0.1}),
    "placements": councils.placements,
}
SIZES = (0.3, 1.0, 3.0)
CORRECTED = 3  # of four councils, the one whose late months are also put right, not only added to
TWO_YEARS = range(FIRST, FIRST + 24)


def editions_of(seed: int) -> Sequence[int]:
    """A pair, a triple, or two years of editions, of any months of those years."""
    chance = np.random.default_rng(seed)
    if seed % 3 == 2:
        return list(TWO_YEARS)
    return sorted(chance.choice(TWO_YEARS, 2 + seed % 3, replace=False).tolist()) if seed % 2 else [
        FIRST + seed % 20 + number for number in range(2 + seed % 3)
    ]  # fmt: skip


def council_of(name: str, seed: int) -> Council:
    return Council.make(FAMILIES[name](), editions_of(seed), SIZES[seed % len(SIZES)], seed, seed % 4 == CORRECTED)


def attack(name: str, seed: int, limit: int, publisher: Publisher = publish, stays: bool = True) -> list[Recovered]:
    """What can be recovered of one council's editions, by who supposes this or that of how data changes late."""
    found: list[Recovered] = []
    council = council_of(name, seed)
    given = publisher(council)
    for late, is_added_only in ((LATE + 1, False),) if seed % 4 == CORRECTED else ((LATE, True), (0, True)):
        found += Attack(council, given, stays, late, is_added_only).recovered(limit, seed)
    return found


def main(arguments: Iterable[str]) -> int:
    parser = argparse.ArgumentParser(description="Attack the public editions of made-up councils by linear programs.")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--from-seed", type=int, default=0)
    parser.add_argument("--targets", type=int, default=40, help="small numbers tried of a council")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--forget", action="store_true", help="let each edition be made without the record of others")
    options = parser.parse_args(list(arguments))
    count = 0
    publisher: Publisher = (lambda council: publish(council, False)) if options.forget else publish
    for seed in range(options.from_seed, options.from_seed + options.seeds):
        for name in options.family or FAMILIES:
            for each in attack(name, seed, options.targets, publisher, not options.forget):
                count += 1
                print(f"seed {seed}, {name}: {each}", flush=True)
    print(f"{count} numbers recovered from {options.seeds} councils")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
