"""Every event of a whole invented council, against a plain reading of its raw exports."""

import duckdb
import pytest

from tests import nights
from tests.golden.events_by_hand import Council


def test_events_agree_with_the_raw_exports(tmp_path_factory: pytest.TempPathFactory) -> None:
    night = nights.of(nights.CLEAN, tmp_path_factory)
    with duckdb.connect(str(night.warehouse), read_only=True) as con:
        query = "SELECT person_id, event_date, event_type, source_record, days_late FROM core.fct_event"
        built = set(con.execute(query).fetchall())
    by_hand = Council(night.inbox, nights.AS_AT).happened()

    assert len({event[2] for event in by_hand}) > 25 and len(by_hand) > 10_000
    assert sorted(by_hand - built, key=str)[:20] == []
    assert sorted(built - by_hand, key=str)[:20] == []
