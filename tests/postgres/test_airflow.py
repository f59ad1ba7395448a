"""What is read from Airflow's database, where that is a PostgreSQL, as on a team server.

The tables have the columns and types that Airflow's models have there; the models themselves are tried on SQLite.
"""

from datetime import UTC, datetime
from uuid import uuid4

from inspection import airflow_runs
from tests.servers import Server

AT = datetime(2026, 11, 17, 9, 58, 1, 123456, tzinfo=UTC)
TASK = "dag_id VARCHAR(250), run_id VARCHAR(250), task_id VARCHAR(250), map_index INTEGER"
TABLES = f"""
    CREATE TABLE task_instance (id UUID, {TASK});
    CREATE TABLE task_instance_history (task_instance_id UUID, {TASK});
    CREATE TABLE hitl_detail (ti_id UUID, options JSON, subject TEXT, body TEXT, params JSON, responded_at TIMESTAMPTZ,
        responded_by JSON, chosen_options JSON, params_input JSON);
    CREATE TABLE hitl_detail_history (ti_history_id UUID, responded_at TIMESTAMPTZ);
    CREATE TABLE ab_user (id INTEGER, username VARCHAR(512), active BOOLEAN);
    INSERT INTO ab_user VALUES (7, 'amina', true), (8, 'raj', false), (9, 'lin', NULL);
"""


def test_who_answered_what_and_whether_it_still_stands(postgres: Server) -> None:
    name, now, before = postgres.database(), uuid4(), uuid4()
    url = postgres.url(name).replace("postgresql://", "postgresql+psycopg2://", 1)
    approval = "'annex_a_request', 'run:1+00', 'approve', -1"
    postgres.run(TABLES, name)
    postgres.run(f"INSERT INTO task_instance VALUES ('{now}', {approval})", name)
    postgres.run(
        f"INSERT INTO hitl_detail VALUES ('{now}', '[\"Approve\", \"Reject\"]', 'Release?', 'Brief', "
        f'\'{{"comment": {{"description": "ab12"}}}}\', \'{AT.isoformat()}\', \'{{"id": "7", "name": "amina"}}\', '
        "'[\"Approve\"]', '{\"comment\": null}')",
        name,
    )
    found = airflow_runs.question_of_run(url, airflow_runs.DAG, "run:1+00")
    assert found == airflow_runs.Question(
        subject="Release?",
        body="Brief",
        options=["Approve", "Reject"],
        params={"comment": {"description": "ab12"}},
        responded_at=AT,
        responded_by={"id": "7", "name": "amina"},
        chosen_options=["Approve"],
        params_input={"comment": None},
    )
    assert airflow_runs.question_of_run(url, airflow_runs.DAG, "run:2+00") is None
    assert airflow_runs.fab_ids(url, ("amina", "raj", "lin", "x' OR true --")) == {"amina": "7"}

    postgres.run(f"INSERT INTO task_instance_history VALUES ('{before}', {approval})", name)
    postgres.run(f"INSERT INTO hitl_detail_history VALUES ('{before}', '{AT.isoformat()}')", name)
    taken_back = airflow_runs.question_of_run(url, airflow_runs.DAG, "run:1+00")
    assert taken_back and taken_back.responded_at is None
