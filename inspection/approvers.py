"""The users of Airflow who may release, as SEND_APPROVERS names them."""

from inspection import airflow_runs
from send_ready.runs import RunError
from send_ready.settings import Settings

FAB = "FabAuthManager"  # the class of Airflow's sign-in in which users have numbers


def approvers(settings: Settings) -> list[dict[str, str]]:
    """The id and name of each user who may release. Raises RunError when there is none, or none that Airflow knows."""
    if not settings.approvers:
        raise RunError(
            "SEND_APPROVERS does not say who may release, so nobody may. Name the users of Airflow who may, such as "
            "SEND_APPROVERS=amina,raj; then clear this task."
        )
    if not (settings.auth_manager or "").endswith(FAB):
        return [{"id": name, "name": name} for name in settings.approvers]
    ids = airflow_runs.fab_ids(database_url(settings), settings.approvers)
    if not ids:
        raise RunError(
            f"SEND_APPROVERS={','.join(settings.approvers)} names nobody who has an active account in Airflow. Give "
            "them one, or correct the setting; then clear this task."
        )
    return [{"id": number, "name": name} for name, number in ids.items()]


def database_url(settings: Settings) -> str:
    """The address of Airflow's database. Raises RunError when none is known."""
    if url := airflow_runs.database_url(settings):
        return url
    raise RunError(
        "Nothing says where Airflow's database is, which knows who approved, so nothing was released. Give its address "
        "as SEND_AIRFLOW_DATABASE; then clear this task. Without Airflow say --approve or --reject, with --by."
    )
