"""Who may do what in PostgreSQL: asserted anew by each publication, and what is beyond it taken away."""

from collections.abc import Iterable
from pathlib import Path

from publish import published
from publish.postgres_connection import AGAIN, ROLES, Cursor
from publish.postgres_shape import quoted
from send_ready.runs import RunError

LOADER, BI, LISTS = "send_loader", "send_bi", "send_lists"
SQL = Path(__file__).with_name("postgres_roles.sql")  # what a database administrator runs once
PRIVATE = "person_identifiable"  # whom an administrator lets in here stays in
WITH_LISTS = ("core.dim_establishment", "quality.runs")  # what the rows of lists are joined to


def become_loader(cursor: Cursor) -> None:
    """Own what is made from here on. Makes the roles where this login may, as on a laptop; else raises RunError."""
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


def grant(cursor: Cursor, schemas: Iterable[str], tables: Iterable[str]) -> list[str]:
    """Give readers what is theirs of the loader's schemas and tables; says what of others was taken away."""
    want = {
        **{(f"SCHEMA {quoted(schema)}", role): {"USAGE"} for schema in schemas for role in _readers_of_schema(schema)},
        **{(f"TABLE {quoted(table)}", role): {"SELECT"} for table in tables for role in _readers(table)},
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
    """What others than the owner may do with a thing, by thing and role; what they may pass on is marked."""
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
        WHERE grantee <> grantor AND (nspname <> %(private)s OR grantee = 0 OR rolname IN %(readers)s)
        GROUP BY 1, 2
        """,
        {"schemas": schemas, "private": PRIVATE, "readers": (BI, LISTS)},
    )
    return {(thing, role): set(privileges) for thing, role, privileges in cursor.fetchall()}
