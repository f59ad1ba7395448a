"""The published warehouse."""

from datetime import datetime

from operations.status.part import SERVED, Part
from publish import pack
from send_ready.home import OUT
from send_ready.runs import RunError
from send_ready.settings import Settings
from warehouse import serve


def published(settings: Settings, _: datetime) -> Part:
    """The run that BI tools read, here and in PostgreSQL."""
    version, newest = serve.served_version(settings), pack.newest(settings.home / OUT)
    part = Part(
        "Published",
        ["Nothing is published." if not version else f"DuckDB: run {version.run_id}, as at {version.as_at}"],
    )
    part.facts["duckdb"] = version and {"run_id": version.run_id, "as_at": version.as_at.isoformat()}
    if not version and newest:
        part.todo.append((SERVED, "The published warehouse is not there, or cannot be read: make run"))
    if version and (damage := serve.file_faults(serve.with_suspect_files(version))):
        part.lines.append(f"DAMAGED: {len(damage)} of {len(version.files)} files")
        part.facts["damage"] = damage
        part.todo.append((SERVED, f"{damage[0]}. Publish again: make run; or go back: make rollback"))
    elif version and newest and version.as_at.isoformat() < newest.name:
        part.todo.append(
            (SERVED, f"The published warehouse is as at {version.as_at}, the pack of {newest.name}: make run")
        )
    if settings.publish_url:
        _add_postgres(part, settings.publish_url, version.run_id if version else None)
    return part


def _add_postgres(part: Part, url: str, run_id: str | None) -> None:
    from warehouse.postgres.connection import opened

    quick = f"{url}{'&' if '?' in url else '?'}connect_timeout=2"
    try:
        with opened(quick, "SEND Ready status") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('quality.runs') IS NOT NULL")
            is_there = cursor.fetchone()[0]
            if is_there:
                cursor.execute("SELECT run_id, as_at_date FROM quality.runs")
            row = cursor.fetchone() if is_there else None
    except RunError as error:
        part.facts["postgres"] = {"is_reachable": False}
        part.lines.append("PostgreSQL: NOT REACHABLE")
        part.todo.append((SERVED, str(error)))
        return
    part.facts["postgres"] = {"is_reachable": True, "run_id": row and row[0], "as_at": row and row[1].isoformat()}
    part.lines.append(f"PostgreSQL: run {row[0]}, as at {row[1]}" if row else "PostgreSQL: nothing yet")
    if run_id and (not row or row[0] != run_id):
        part.todo.append(
            (SERVED, "PostgreSQL shows another run than the published warehouse: send-ready serve-postgres")
        )
