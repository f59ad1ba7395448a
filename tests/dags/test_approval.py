"""Who decided about a version, looked up in the database of a true Airflow, whose own models wrote it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from inspection import airflow_runs, approval, approvers, sign_off
from inspection.call import CallParameters, Version, register
from inspection.verify import ReleaseError, version_hash
from send_ready import files, settings
from send_ready.runs import Run, RunError
from send_ready.settings import Settings, SettingsError
from tests.dags.conftest import make_known

AT = datetime(2026, 11, 17, 9, 58, 1, 123456, tzinfo=UTC)
RUN = "manual__2026-11-16T14:03:00+00:00"
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
BRIEF = "**Full inspection**. 1 child, and an accent: Siôn's school.\n"
Put = Callable[..., None]


@pytest.fixture
def given(tmp_path: Path, airflow: None) -> Settings:
    from airflow.configuration import conf

    url = str(conf.get("database", "sql_alchemy_conn"))
    named = {"run_id": RUN, "approvers": ("amina", "raj"), "airflow_database": url}
    return replace(settings.load({"SEND_HOME": str(tmp_path)}), **named)


@pytest.fixture
def wanted(tmp_path: Path) -> Version:
    return frozen(tmp_path)


def frozen(home: Path, **asked: Any) -> Version:
    """A call with one frozen version of one workbook and its brief."""
    run = Run(home, "manual__2026-11-16T14-03-00-00-00", date(2026, 11, 16), "999")
    made = register(run, CallParameters(date(2026, 11, 16), **asked), AT - timedelta(days=1))
    made.folder.mkdir()
    for name, text in (("annex_a_person_level_lists.xlsx", "a child"), ("brief.md", BRIEF)):
        files.write_bytes(made.folder / name, text.encode())
    outputs = {each.name: {"sha256": files.sha256(each), "bytes": 1} for each in made.folder.iterdir()}
    about = {"as_at": "2026-11-16", "la_code": "999", "council": "Sampleshire", "run_id": run.run_id, "inputs": []}
    files.write_json(made.folder / "manifest.json", {**about, "request": made.manifest_facts(), "outputs": outputs})
    return made


@pytest.fixture
def put(bag: Any, wanted: Version) -> Iterator[Put]:
    """Has Airflow keep a question and its answer, as its own API does; what is given differs."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.models import DagRun, TaskInstance
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType
    from sqlalchemy import delete, select

    dag = bag.dags[airflow_runs.DAG]
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == dag.dag_id))
    make_known(dag)

    def act(run_id: str = RUN, task_id: str = "approve", **changes: Any) -> None:
        conf = {"notified_on": "2026-11-16"}
        trigger_dag(dag.dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=run_id, conf=conf)
        asked = approval.question_about(wanted)
        about = {
            "options": ["Approve", "Reject"],
            "subject": asked.subject,
            "body": asked.body,
            "params": {"comment": {"value": None, "schema": {}, "description": asked.comment}},
            "responded_at": AT,
            "responded_by": {"id": "amina", "name": "amina"},
            "chosen_options": ["Approve"],
            "params_input": {"comment": " Checked "},
            **changes,
        }
        with create_session() as session:
            task = select(TaskInstance.id).where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
            session.add(HITLDetail(ti_id=session.scalars(task).one(), **about))

    yield act
    with create_session() as session:
        session.execute(delete(DagRun).where(DagRun.dag_id == dag.dag_id))


def test_the_record_says_who_decided_when_why_and_about_what(given: Settings, wanted: Version, put: Put) -> None:
    put()
    decision = approval.decision_in_airflow(given, wanted)
    assert decision
    assert (decision.option, decision.by, decision.at, decision.comment) == ("Approve", "amina", AT, "Checked")
    assert decision.version_sha256 == version_hash(wanted.folder)
    on_record = decision.on_record()
    assert on_record["user_id"] == "amina" and on_record["airflow_run_id"] == RUN
    assert on_record["brief_sha256"] == files.sha256(wanted.folder / "brief.md")
    receipt = sign_off.sign_off(given, wanted, decision, AT)
    assert receipt and receipt["decision"] == on_record


def test_a_step_that_is_tried_again_finds_the_same_decision(given: Settings, wanted: Version, put: Put) -> None:
    put()
    first, second = (
        sign_off.sign_off(given, wanted, approval.decision_in_airflow(given, wanted), AT) for _ in range(2)
    )
    assert first == second
    assert len(wanted.request.log.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    "about",
    [{"run_id": "another"}, {"task_id": "release"}, {"responded_at": None}],
    ids=["of another run", "of another task", "not answered"],
)
def test_an_answer_of_something_else_is_none(given: Settings, wanted: Version, put: Put, about: dict[str, Any]) -> None:
    put(**about)
    assert approval.decision_in_airflow(given, wanted) is None
    with pytest.raises(RunError, match="Nobody has approved version 1"):
        sign_off.sign_off(given, wanted, None, AT)


def test_an_answer_that_was_taken_back_is_none(given: Settings, wanted: Version, put: Put) -> None:
    """Airflow keeps it with a task that somebody cleared, until that asks again; then another answer is one."""
    from airflow.models import TaskInstance
    from airflow.models.hitl import HITLDetail
    from airflow.utils.session import create_session
    from sqlalchemy import select

    put()
    assert approval.decision_in_airflow(given, wanted)
    task = select(TaskInstance).where(TaskInstance.run_id == RUN, TaskInstance.task_id == "approve")
    with create_session() as session:
        cleared = session.scalars(task).one()
        cleared.prepare_db_for_next_try(session)
    with create_session() as session:
        detail = session.scalars(select(HITLDetail).where(HITLDetail.ti_id == session.scalars(task).one().id)).one()
        assert detail.responded_at == AT  # Airflow's own keeping, which this is about
    assert approval.decision_in_airflow(given, wanted) is None
    with create_session() as session:
        detail = session.scalars(select(HITLDetail)).one()
        detail.responded_at, detail.responded_by = AT + timedelta(minutes=1), {"id": "raj", "name": "raj"}
    again = approval.decision_in_airflow(given, wanted)
    assert again and again.by == "raj"


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"responded_by": {"id": "mallory", "name": "amina"}}, "amina answered, and may not release"),
        ({"responded_by": {"id": "Anonymous", "name": "Anonymous"}}, "Anonymous answered, and may not release"),
        ({"responded_by": None}, "Nobody answered, and may not release"),  # a time-out with a default
        ({"responded_by": "amina"}, "may not release"),
        ({"responded_by": {"name": "amina"}}, "may not release"),
        ({"body": BRIEF.replace("1 child", "2 children")}, "What was shown to whoever answered is not version 1"),
        ({"body": None}, "What was shown"),
        ({"subject": "Shall we have tea?"}, "What was shown"),
        ({"params": {"comment": {"description": "sealed with SHA-256 " + "0" * 64}}}, "What was shown"),
        ({"params": {}}, "What was shown"),
        ({"options": ["Approve", "Approve all"]}, "What was shown"),
        ({"chosen_options": []}, "this one is not"),
        ({"chosen_options": ["Approve", "Reject"]}, "this one is not"),
    ],
)
def test_an_answer_of_nobody_who_may_or_about_something_else_releases_nothing(
    given: Settings, wanted: Version, put: Put, about: dict[str, Any], says: str
) -> None:
    put(**about)
    with pytest.raises(RunError, match=says):
        approval.decision_in_airflow(given, wanted)
    assert not wanted.request.log.exists()


@pytest.mark.parametrize("name", ["annex_a_person_level_lists.xlsx", "brief.md", "manifest.json"])
def test_what_changed_after_the_question_is_neither_released_nor_asked_about(
    given: Settings, wanted: Version, put: Put, name: str
) -> None:
    put()
    manifest = wanted.folder / "manifest.json"
    if name == "manifest.json":  # all as it should be, but another: somebody froze it anew
        files.write_json(manifest, {**files.read_json(manifest), "council": "Elsewhere"})
        assert approval.question_about(wanted)
    else:
        files.write_bytes(wanted.folder / name, b"Another child")
        with pytest.raises(ReleaseError, match=f"{name} has changed"):
            approval.question_about(wanted)
    with pytest.raises(ReleaseError):
        approval.decision_in_airflow(given, wanted)


def test_a_version_that_changes_between_looking_and_releasing_is_not_released(
    given: Settings, wanted: Version, put: Put
) -> None:
    put()
    decision = approval.decision_in_airflow(given, wanted)
    manifest = wanted.folder / "manifest.json"
    files.write_json(manifest, {**files.read_json(manifest), "council": "Elsewhere"})
    with pytest.raises(ReleaseError, match="changed after it was shown to amina"):
        sign_off.sign_off(given, wanted, decision, AT)
    assert not wanted.request.released.exists() and not wanted.request.log.exists()


def test_a_brief_that_is_not_the_versions_is_not_shown(wanted: Version, tmp_path: Path) -> None:
    """A link to another file, as long as it stands for the brief, would put that file onto the page."""
    elsewhere = tmp_path / "children.csv"
    elsewhere.write_text("Zebedee Quillfeather")
    (wanted.folder / "brief.md").unlink()
    (wanted.folder / "brief.md").symlink_to(elsewhere)
    with pytest.raises(ReleaseError, match=r"brief\.md"):
        approval.question_about(wanted)


def test_a_version_of_another_call_is_not_asked_about(wanted: Version) -> None:
    with pytest.raises(ReleaseError, match="was not frozen for version 1 of this call"):
        approval.question_about(
            replace(wanted, request=replace(wanted.request, is_rehearsal=True, home=_moved(wanted)))
        )


def _moved(wanted: Version) -> Path:
    """A home in which the version lies among the rehearsals."""
    home = wanted.request.home
    (home / "out" / "inspections").rename(home / "out" / "rehearsals")
    return home


def test_without_the_setting_nobody_may_release(given: Settings, wanted: Version, put: Put) -> None:
    put()
    with pytest.raises(RunError, match="SEND_APPROVERS does not say who may release"):
        approval.decision_in_airflow(replace(given, approvers=()), wanted)


def test_who_is_no_longer_named_releases_nothing(given: Settings, wanted: Version, put: Put) -> None:
    put()
    with pytest.raises(RunError, match="amina answered, and may not release: SEND_APPROVERS names raj"):
        approval.decision_in_airflow(replace(given, approvers=("raj",)), wanted)


def test_without_the_database_nothing_is_released(given: Settings, wanted: Version, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Nothing says where Airflow's database is"):
        approval.decision_in_airflow(replace(given, airflow_database=None), wanted)
    gone = f"sqlite:///{tmp_path / 'gone.db'}"
    with pytest.raises(RunError, match=r"does not say who approved \(OperationalError\)"):
        approval.decision_in_airflow(replace(given, airflow_database=gone), wanted)


def test_a_rehearsal_at_the_prompt_asks_nobody(given: Settings, tmp_path: Path) -> None:
    wanted = frozen(tmp_path / "drill", is_rehearsal=True)
    assert approval.decision_in_airflow(replace(given, home=tmp_path / "drill", airflow_database=None), wanted) is None


def test_fab_numbers_its_users(given: Settings, wanted: Version, put: Put, tmp_path: Path) -> None:
    """Who answers is known by the number, which the approver's name leads to; others of that name are nobody."""
    import sqlalchemy as sql

    url = f"sqlite:///{tmp_path / 'fab.db'}"
    engine = sql.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sql.text("CREATE TABLE ab_user (id INTEGER, username VARCHAR, active BOOLEAN)"))
        connection.execute(sql.text("INSERT INTO ab_user VALUES (7, 'amina', 1), (8, 'raj', 0), (9, 'mallory', 1)"))
    fab = replace(given, airflow_database=url, auth_manager=FAB)
    assert approvers.approvers(fab) == [{"id": "7", "name": "amina"}]
    with pytest.raises(RunError, match="names nobody who has an active account in Airflow"):
        approvers.approvers(replace(fab, approvers=("raj", "lin")))


@pytest.mark.parametrize("names", ["Anonymous", "amina, anonymous", "AnonymousUser"])
def test_nobody_cannot_be_named(names: str) -> None:
    with pytest.raises(SettingsError, match="who have not signed in"):
        settings.load({"SEND_APPROVERS": names})


def test_the_setting_is_a_list_of_names() -> None:
    assert settings.load({"SEND_APPROVERS": " amina,raj ,, amina"}).approvers == ("amina", "raj")
    assert settings.load({}).approvers == ()


def test_what_airflow_leaves_tasks_is_no_address() -> None:
    name = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
    assert settings.load({name: "airflow-db-not-allowed:///"}).airflow_database is None
    own = {"SEND_AIRFLOW_DATABASE": "sqlite:///own", name: "airflow-db-not-allowed:///"}
    assert settings.load(own).airflow_database == "sqlite:///own"


def test_at_the_command_line_the_machine_says_whose_shell_it_was() -> None:
    told = approval.decision_on_command_line("Approve", "Amina Khan", "Airflow was down", AT).on_record()
    assert (told["by"], told["source"]) == ("Amina Khan", "command line")
    assert told["os_user"] and isinstance(told["os_user_id"], int)
    assert json.loads(json.dumps(told)) == told
