"""Every event of a whole invented council, against a plain reading of its raw exports."""

from datetime import date
from pathlib import Path

import duckdb

from sample import council
from tests.golden.events_by_hand import Council
from tests.golden.pipeline import Pipeline

AS_AT = date(2026, 11, 16)


def test_events_agree_with_the_raw_exports(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    council.write(inbox, as_at=AS_AT, plans=400, sen_support=800, seed=21, faults=0.0, answer_key=tmp_path / "key.csv")
    pipeline = Pipeline(tmp_path / "home", inbox, AS_AT)
    pipeline.night()

    with duckdb.connect(str(pipeline.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        query = "SELECT person_id, event_date, event_type, source_record, days_late FROM core.fct_event"
        built = set(con.execute(query).fetchall())
    by_hand = Council(inbox, AS_AT).happened()

    assert len({event[2] for event in by_hand}) > 25 and len(by_hand) > 10_000
    assert sorted(by_hand - built, key=str)[:20] == []
    assert sorted(built - by_hand, key=str)[:20] == []
