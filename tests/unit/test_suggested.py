"""The suggested set for a rehearsal of tracking: what it has to meet, and what it says when it cannot."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.chronology import suggested
from publish.chronology.suggested import (
    AGE_BANDS,
    AREAS_OF_NEED,
    MOST,
    REQUIREMENTS,
    SIZE,
    STAGES,
    Candidate,
    Requirement,
)
from tests.unit.publish_run import finished_run
from warehouse import run_data

MODEL = "rpt_annex_a__tracking_candidates"


def candidate(unique_id: str, **changes: Any) -> Candidate:
    """An ordinary child with a plan, but for the changes."""
    given: dict[str, Any] = {
        "sen_group": "EHC plan",
        "in_alternative_provision": "No",
        "area_of_need": "Communication and interaction",
        "age_band": "5 to 10",
        "stage": "Plan in place",
        "social_care_status": None,
    }
    return Candidate(unique_id, **{**given, **changes})


candidates = st.builds(
    Candidate,
    unique_id=st.just(""),
    sen_group=st.sampled_from(["EHC plan", "SEN support"]),
    in_alternative_provision=st.sampled_from(["Yes", "No", "No", "No"]),
    area_of_need=st.sampled_from([*AREAS_OF_NEED, None]),
    age_band=st.sampled_from(AGE_BANDS),
    stage=st.sampled_from([*STAGES, "Plan in place", "SEN support"]),
    social_care_status=st.sampled_from([None, None, "Looked after"]),
)


def known(children: Sequence[Candidate]) -> Callable[[Requirement], int]:
    return lambda requirement: sum(requirement.is_met_by(child) for child in children)


def choose(children: Sequence[Candidate]) -> suggested.Suggestion:
    return suggested.choose(children, known(children))


@given(st.lists(candidates, max_size=40))
def test_the_handbooks_requirements_are_met_wherever_children_allow(drawn: list[Candidate]) -> None:
    children = [replace(child, unique_id=str(number)) for number, child in enumerate(drawn)]
    suggestion = choose(children)
    assert len({child.unique_id for child in suggestion.children}) == len(suggestion.children)
    assert min(SIZE, len(children)) <= len(suggestion.children) <= MOST
    for outcome in suggestion.outcomes:
        enough = known(children)(outcome.requirement) >= outcome.requirement.least
        if outcome.requirement.source == suggested.HANDBOOK:
            assert (outcome.shortfall is None) == enough
        assert enough or outcome.shortfall


def test_one_child_may_meet_much_and_the_set_stays_at_six() -> None:
    everything = [
        candidate("1", in_alternative_provision="Yes", sen_group="SEN support", stage="Assessment", age_band="0 to 4"),
        candidate("2", sen_group="SEN support", area_of_need=AREAS_OF_NEED[1], social_care_status="Early help"),
        candidate("3", area_of_need=AREAS_OF_NEED[2], age_band="11 to 15", stage="New plan"),
        candidate("4", area_of_need=AREAS_OF_NEED[3], age_band="16 to 25", stage="Transition"),
        candidate("5", stage="Long-standing plan"),
        *(candidate(str(number)) for number in range(6, 20)),
    ]
    suggestion = choose(everything)
    assert [child.unique_id for child in suggestion.children] == ["1", "2", "3", "4", "5", "6"]
    assert suggestion.children[0].reasons == (
        "In alternative provision",
        "On SEN support",
        "Need: Communication and interaction",
        "Aged 0 to 4",
        "Stage: Assessment",
        "Not known to social care",
    )
    assert suggestion.children[5].reasons == ()
    assert suggestion.unmet == []


def test_a_seventh_child_is_taken_only_for_what_six_do_not_meet() -> None:
    apart = [
        candidate("ap", in_alternative_provision="Yes", area_of_need=None),
        *(candidate(f"k{number}", sen_group="SEN support", area_of_need=None) for number in (1, 2)),
        *(candidate(f"n{number}", area_of_need=area) for number, area in enumerate(AREAS_OF_NEED)),
        candidate("plain", area_of_need=None),
    ]
    suggestion = choose(apart)
    assert len(suggestion.children) == 7
    assert "plain" not in {child.unique_id for child in suggestion.children}


def test_what_cannot_be_met_is_said_with_the_reason() -> None:
    suggestion = choose([candidate("1"), candidate("2", sen_group="SEN support")])
    assert [child.unique_id for child in suggestion.children] == ["2", "1"]
    assert "In alternative provision: no child known here fits." in suggestion.unmet
    assert "On SEN support: 1 known here, 2 needed." in suggestion.unmet
    assert "Need: Sensory and/or physical: no child known here fits." in suggestion.unmet
    assert not any(sentence.startswith("Not known to social care") for sentence in suggestion.unmet)


def test_a_full_set_says_who_is_left_out() -> None:
    one_each = [
        candidate("ap", in_alternative_provision="Yes", area_of_need=None, age_band="x"),
        *(candidate(f"k{number}", sen_group="SEN support", area_of_need=None, age_band="x") for number in (1, 2)),
        *(candidate(f"n{number}", area_of_need=area, age_band="x") for number, area in enumerate(AREAS_OF_NEED)),
        *(candidate(f"s{number}", area_of_need=None, age_band="x", stage=stage) for number, stage in enumerate(STAGES)),
    ]
    suggestion = choose(one_each)
    assert len(suggestion.children) == MOST
    assert [text for text in suggestion.unmet if text.startswith("Stage: Transition")] == [
        "Stage: Transition: 1 known here, but a set of 8 has no room for one; swap a child by hand."
    ]


def test_nobody_to_choose_from_is_no_error() -> None:
    suggestion = choose([])
    assert suggestion.children == ()
    assert len(suggestion.unmet) == len(REQUIREMENTS)


def rows() -> list[dict[str, Any]]:
    """Sixty children, many of them alike."""
    return [
        {
            "unique_id": f"S{number:03}",
            "sen_group": "SEN support" if number % 3 else "EHC plan",
            "in_alternative_provision": "Yes" if number % 20 == 0 else "No",
            "area_of_need": AREAS_OF_NEED[number % 4],
            "age_band": AGE_BANDS[number % 4],
            "stage": STAGES[number % 4],
            "social_care_status": "Early help" if number % 5 == 0 else None,
        }
        for number in range(60)
    ]


def suggest(home: Path, seed: str, given_rows: Sequence[dict[str, Any]]) -> suggested.Suggestion:
    run = finished_run(home, items={MODEL: given_rows})
    with run_data.opened(run) as con:
        return suggested.suggest(con, seed)


def test_the_same_seed_gives_the_same_set_whatever_the_order_of_rows(tmp_path: Path) -> None:
    first = suggest(tmp_path / "a", "2026-11-16", rows())
    again = suggest(tmp_path / "b", "2026-11-16", rows()[::-1])
    assert first == again
    assert len(first.children) == SIZE


@pytest.mark.parametrize("seed", ["it's", "", "ü"])
def test_any_text_is_a_seed(seed: str, tmp_path: Path) -> None:
    assert len(suggest(tmp_path, seed, rows()).children) == SIZE


def test_other_seeds_give_other_sets(tmp_path: Path) -> None:
    sets = {suggest(tmp_path / str(seed), str(seed), rows()).children for seed in range(5)}
    assert len(sets) > 1
