"""What SEN2 returns that were read are to a run."""

from datetime import date
from pathlib import Path

import pytest

from send_ready import runs
from send_ready.runs import Run
from warehouse import returns

RUN = Run(Path("home"), "run", date(2026, 11, 16), "999")


@pytest.mark.parametrize(
    ("states", "role"),
    [
        ({}, ""),
        ({"sen2.persons": "fresh"}, "source"),
        ({"sen2.persons": "stale", "ehc_hub.cases": "fresh", "capita_one.students": "fresh"}, "source"),
        (
            {"sen2.persons": "fresh", "capita_one.ehc_plans": "missing", "capita_one.ehcp_assessments": "absent"},
            "source",
        ),
        ({"sen2.persons": "fresh", "capita_one.ehc_plans": "stale"}, "beside"),
        ({"sen2.persons": "fresh", "capita_one.ehcp_assessments": "refused"}, "beside"),  # tonight alone
        ({"sen2.persons": "missing", "capita_one.ehc_plans": "missing"}, ""),
    ],
)
def test_a_return_is_a_source_where_capita_one_never_had_plans(
    states: dict[str, str], role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = ("missing", "absent", "refused")
    found = [
        dict(zip(("source", "feed"), name.split("."), strict=True), status=status, typed_path=status not in without)
        for name, status in states.items()
    ]
    monkeypatch.setattr(runs, "feed_results", lambda run: found)
    assert returns.role(RUN) == role
