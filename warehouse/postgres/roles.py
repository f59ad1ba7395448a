"""The rights of roles in PostgreSQL: each publication grants them again, and takes any others away."""

import time
from collections.abc import Iterable
from pathlib import Path

from psycopg2 import errors  # type: ignore[import-untyped]

from send_ready.runs import RunError
from warehouse import published
from warehouse.postgres.connection import (
    AGAIN,
    OURS,
    PUBLISHER_LOCK,
    PUBLISHER_SCHEMA,
    ROLES,
    STAYS,
    Connection,
    Cursor,
)
from warehouse.postgres.shape import quoted_name

LOADER, BI, LISTS = "send_loader", "send_bi", "send_lists"
SQL = Path(__file__).with_name("roles.sql")  # what a database administrator runs once
PRIVATE = ("person_identifiable", "sen2")  # rights that an administrator gives on them are left
MADE_MEANWHILE = (
    errors.UniqueViolation,
    errors.DuplicateObject,
    errors.DuplicateTable,
    errors.DuplicateSchema,
    errors.InternalError_,
)  # the last: “tuple concurrently updated”
TRIES, PAUSE = 10, 0.5
WITH_LISTS = ("core.dim_establishment", "quality.runs")  # tables that the rows of lists are joined to


def become_loader(cursor: Cursor) -> None:
    """Become the role that owns what is published. Creates the roles if this login may, else raises RunError."""
    cursor.execute(
        """
        SELECT count(*) = 3
               AND bool_and(rolname <> %(loader)s OR has_database_privilege(oid, current_database(), 'CREATE')),
               (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user)
        FROM pg_roles WHERE rolname IN (%(loader)s, %(bi)s, %(lists)s)
        """,
        {"loader": LOADER, "bi": BI, "lists": LISTS},
    )
    are_ready, may_create = cursor.fetchone()
    if not are_ready and not may_create:
        raise RunError(f"PostgreSQL has no roles {LOADER}, {BI} and {LISTS} for this database. {ROLES} {AGAIN}")
    if not are_ready:
        cursor.execute(SQL.read_text(encoding="utf-8"))
    cursor.execute(f"SET ROLE {LOADER}")


def make_publisher_lock(connection: Connection) -> None:
    """Create the roles and the table that a publisher locks, unless they exist. Raises RunError.

    In a transaction of its own, tried again when another publisher creates them at the same moment.
    """
    for _ in range(TRIES):
        try:
            with connection, connection.cursor() as cursor:
                become_loader(cursor)
                _make_lock(cursor)
                return
        except MADE_MEANWHILE:
            time.sleep(PAUSE)
    raise RunError(f"Others keep making the roles and the schema {PUBLISHER_SCHEMA} of SEND Ready. {STAYS} {AGAIN}")


def _make_lock(cursor: Cursor) -> None:
    """Create the table that publishers lock, and take away all rights of others on it."""
    cursor.execute(
        """
        SELECT pg_get_userbyid(nspowner) = current_user,
               bool_and(pg_get_userbyid(relowner) = current_user AND relkind = 'r')
                   FILTER (WHERE pg_class.oid IS NOT NULL)
        FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid
        WHERE nspname = %s GROUP BY nspowner
        """,
        (PUBLISHER_SCHEMA,),
    )
    schema_is_ours, tables_are_ours = cursor.fetchone() or (None, None)
    if schema_is_ours is False or tables_are_ours is False:
        raise RunError(f"The schema {PUBLISHER_SCHEMA} of PostgreSQL is not {LOADER}'s alone. {OURS} {AGAIN}")
    if schema_is_ours is None:
        cursor.execute(f"CREATE SCHEMA {PUBLISHER_SCHEMA}")
    if tables_are_ours is None:
        cursor.execute(f"CREATE TABLE {PUBLISHER_LOCK} ()")
        cursor.execute(f"COMMENT ON TABLE {PUBLISHER_LOCK} IS 'Locked by whoever publishes; it never has a row.'")
    grant(cursor, [PUBLISHER_SCHEMA], [])


def grant(cursor: Cursor, schemas: Iterable[str], tables: Iterable[str]) -> list[str]:
    """The rights of others that were taken away, after readers got theirs on the loader's schemas and tables."""
    want = {
        **{
            (f"SCHEMA {quoted_name(schema)}", role): {"USAGE"}
            for schema in schemas
            for role in _readers_of_schema(schema)
        },
        **{(f"TABLE {quoted_name(table)}", role): {"SELECT"} for table in tables for role in _readers(table)},
    }
    have = _granted(cursor, list(schemas))
    taken = []
    for thing, role in sorted(have.keys() | want.keys()):
        has, should_have = have.get((thing, role), set()), want.get((thing, role), set())
        if has - should_have:
            cursor.execute(f"REVOKE ALL ON {thing} FROM {role} CASCADE")
            taken.append(f"{role} on {thing}")
        if has != should_have and should_have:
            cursor.execute(f"GRANT {', '.join(should_have)} ON {thing} TO {role}")
    return taken


def _readers_of_schema(schema: str) -> list[str]:
    lists = schema == "annex_a" or any(table.startswith(f"{schema}.") for table in WITH_LISTS)
    return [BI] * (schema in published.FOR_ALL) + [LISTS] * lists


def _readers(table: str) -> list[str]:
    schema = table.split(".")[0]
    return [BI] * (schema in published.FOR_ALL) + [LISTS] * (schema == "annex_a" or table in WITH_LISTS)


def _granted(cursor: Cursor, schemas: list[str]) -> dict[tuple[str, str], set[str]]:
    """The privileges of others than the owner, by object and role; those that they may pass on are marked."""
    cursor.execute(
        """
        WITH held AS (
            SELECT oid, nspname, nspacl FROM pg_namespace
            WHERE nspname = ANY(%(schemas)s) AND pg_get_userbyid(nspowner) = current_user
        ),
        relation AS (
            SELECT pg_class.oid, nspname, relacl, format('TABLE "%%s"."%%s"', nspname, relname) AS thing
            FROM pg_class JOIN held ON held.oid = relnamespace
            WHERE relkind IN ('r', 'v', 'm', 'p', 'f') AND pg_get_userbyid(relowner) = current_user
        ),
        granted AS (
            SELECT nspname, format('SCHEMA "%%s"', nspname) AS thing, (aclexplode(nspacl)).*, '' AS part FROM held
            UNION ALL SELECT nspname, thing, (aclexplode(relacl)).*, '' FROM relation
            UNION ALL SELECT nspname, thing, (aclexplode(attacl)).*, ' of ' || attname
            FROM relation JOIN pg_attribute ON attrelid = relation.oid
        )
        SELECT thing, coalesce(quote_ident(rolname), 'PUBLIC'),
               array_agg(privilege_type || part || CASE WHEN is_grantable THEN ' to pass on' ELSE '' END)
        FROM granted LEFT JOIN pg_roles ON pg_roles.oid = grantee
        WHERE grantee <> grantor AND (nspname <> ALL(%(private)s) OR grantee = 0 OR rolname IN %(readers)s)
        GROUP BY 1, 2
        """,
        {"schemas": schemas, "private": list(PRIVATE), "readers": (BI, LISTS)},
    )
    return {(thing, role): set(privileges) for thing, role, privileges in cursor.fetchall()}
