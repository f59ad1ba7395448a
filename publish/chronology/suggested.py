"""A suggested set of children for a rehearsal of tracking, by what paragraphs 91 and 92 of the handbook ask for.

The same warehouse and seed give the same set: children are taken in the order of a hash of seed and Unique ID,
and each time the one who meets most of what is still missing, the handbook's own requirements first.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from send_ready.database import literal

SIZE, MOST = 6, 8  # about six: more only when six cannot meet everything
AREAS_OF_NEED = (
    "Communication and interaction",
    "Cognition and learning",
    "Social, emotional and mental health",
    "Sensory and/or physical",
)
AGE_BANDS = ("0 to 4", "5 to 10", "11 to 15", "16 to 25")
STAGES = ("Assessment", "New plan", "Transition", "Long-standing plan")
# What a set can need of a child. Children alike in these are alike for the choice.
_ASPECTS = ("sen_group", "in_alternative_provision", "area_of_need", "age_band", "stage", "social_care_status IS NULL")


@dataclass(frozen=True)
class Candidate:
    """A child who could be tracked, as rpt_annex_a__tracking_candidates has it."""

    unique_id: str
    sen_group: str
    in_alternative_provision: str
    area_of_need: str | None
    age_band: str
    stage: str
    social_care_status: str | None


@dataclass(frozen=True)
class Requirement:
    """Something that so many children of the set must be."""

    title: str
    source: str
    least: int
    is_met_by: Callable[[Candidate], bool]


@dataclass(frozen=True)
class Suggested:
    """A child of the set, with the requirements for whose sake the child was taken; none for who fills it up."""

    unique_id: str
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of one requirement: who of the set meets it, and if they are too few, why."""

    requirement: Requirement
    met_by: tuple[str, ...]
    shortfall: str | None


@dataclass(frozen=True)
class Suggestion:
    """The set in the order in which it was chosen, and what came of every requirement."""

    children: tuple[Suggested, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def unmet(self) -> list[str]:
        """Which requirements the set does not meet, and why, in sentences."""
        return [f"{each.requirement.title}: {each.shortfall}" for each in self.outcomes if each.shortfall]


def _has(field: str, value: str) -> Callable[[Candidate], bool]:
    return lambda child: getattr(child, field) == value


HANDBOOK, SPREAD = "Handbook", "Spread"
REQUIREMENTS = (
    Requirement("In alternative provision", HANDBOOK, 1, _has("in_alternative_provision", "Yes")),
    Requirement("On SEN support", HANDBOOK, 2, _has("sen_group", "SEN support")),
    *(Requirement(f"Need: {area}", HANDBOOK, 1, _has("area_of_need", area)) for area in AREAS_OF_NEED),
    *(Requirement(f"Aged {band}", SPREAD, 1, _has("age_band", band)) for band in AGE_BANDS),
    *(Requirement(f"Stage: {stage}", SPREAD, 1, _has("stage", stage)) for stage in STAGES),
    Requirement("Known to social care", SPREAD, 1, lambda child: child.social_care_status is not None),
    Requirement("Not known to social care", SPREAD, 1, lambda child: child.social_care_status is None),
)


def suggest(con: DuckDBPyConnection, seed: str) -> Suggestion:
    """Suggest about six children from the run's warehouse, attached as `built`."""
    return choose(_candidates(con, seed), _counted(con))


def choose(candidates: Sequence[Candidate], known: Callable[[Requirement], int]) -> Suggestion:
    """The set from these candidates, taken in their order where nothing else decides.

    `known` says how many children in all meet a requirement, whether among the candidates or not.
    """
    missing = Counter({each: each.least for each in REQUIREMENTS})
    left, chosen, suggested = list(candidates), list[Candidate](), list[Suggested]()
    while left and len(chosen) < MOST:
        best = max(left, key=lambda child: _gain(child, missing))  # of equals, the first
        if len(chosen) >= SIZE and _gain(best, missing) == (0, 0):
            break
        reasons = [each for each in REQUIREMENTS if missing[each] > 0 and each.is_met_by(best)]
        missing.subtract(reasons)
        left.remove(best)
        chosen.append(best)
        suggested.append(Suggested(best.unique_id, tuple(each.title for each in reasons)))
    return Suggestion(tuple(suggested), tuple(_outcome(each, chosen, known(each)) for each in REQUIREMENTS))


def _gain(child: Candidate, missing: Counter[Requirement]) -> tuple[int, int]:
    """How many missing requirements a child would meet: the handbook's, and those of spread."""
    met = Counter(each.source for each, count in missing.items() if count > 0 and each.is_met_by(child))
    return met[HANDBOOK], met[SPREAD]


def _outcome(requirement: Requirement, chosen: Sequence[Candidate], known: int) -> Outcome:
    met_by = tuple(child.unique_id for child in chosen if requirement.is_met_by(child))
    return Outcome(requirement, met_by, _shortfall(requirement, len(met_by), known))


def _shortfall(requirement: Requirement, met: int, known: int) -> str | None:
    if met >= requirement.least:
        return None
    if known == 0:
        return "no child known here fits."
    if known < requirement.least:
        return f"{known} known here, {requirement.least} needed."
    return f"{known:,} known here, but a set of {MOST} has no room for one; swap a child by hand."


def _candidates(con: DuckDBPyConnection, seed: str) -> list[Candidate]:
    """Of children alike in every aspect, the first so many in the order of the seed: no set needs more."""
    rows = con.execute(
        f"""
        SELECT unique_id, sen_group, in_alternative_provision, area_of_need, age_band, stage, social_care_status
        FROM (SELECT *, sha256({literal(seed + chr(10))} || unique_id) AS place
              FROM built.annex_a.rpt_annex_a__tracking_candidates)
        QUALIFY row_number() OVER (PARTITION BY {", ".join(_ASPECTS)} ORDER BY place) <= {MOST}
        ORDER BY place
        """
    ).fetchall()
    return [Candidate(*row) for row in rows]


def _counted(con: DuckDBPyConnection) -> Callable[[Requirement], int]:
    """How many candidates in all meet a requirement, counted once for each kind of child."""
    rows = con.execute(
        f"""
        SELECT '' AS unique_id, {", ".join(_ASPECTS[:-1])}, any_value(social_care_status), count(*)
        FROM built.annex_a.rpt_annex_a__tracking_candidates GROUP BY {", ".join(_ASPECTS)}
        """
    ).fetchall()
    kinds = [(Candidate(*row[:-1]), int(row[-1])) for row in rows]
    return lambda requirement: sum(count for child, count in kinds if requirement.is_met_by(child))
