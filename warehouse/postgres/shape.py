"""The shape of tables in PostgreSQL: read from its catalogue, and brought to what it should be with the least change.

A column is added or dropped in place, never by a new table under the old name: to whoever reads with an older
snapshot that one would be empty.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from send_ready.database import identifier, literal
from send_ready.runs import RunError
from warehouse.keys import Keys
from warehouse.postgres.connection import Cursor
from warehouse.published import Table

OURS = "send_"  # how the names of our keys and indexes begin; others are an administrator's, and stay
UNENFORCED = 180000  # PostgreSQL 18 declares a foreign key without checking each row, which would double the load
JOINED = re.compile(r"(.+_)?(person_id(_\d)?|unique_id|urn|kpi_id)")
NO_KEYS = Keys((), frozenset(), {})
TYPES = {
    "VARCHAR": "text",
    "BOOLEAN": "boolean",
    "TINYINT": "smallint",
    "SMALLINT": "smallint",
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "HUGEINT": "numeric(39,0)",
    "UTINYINT": "smallint",
    "USMALLINT": "integer",
    "UINTEGER": "bigint",
    "UBIGINT": "numeric(20,0)",
    "FLOAT": "real",
    "DOUBLE": "double precision",
    "DATE": "date",
    "TIME": "time without time zone",
    "TIMESTAMP": "timestamp without time zone",
    "TIMESTAMP WITH TIME ZONE": "timestamp with time zone",
}


@dataclass(frozen=True)
class Index:
    """Columns, and whether rows are unique by them, blanks being equal."""

    columns: tuple[str, ...]
    is_unique: bool = False


@dataclass(frozen=True)
class Reference:
    """The values of a column stand in a column of another table (schema.table); declared, not checked."""

    column: str
    table: str
    there: str


@dataclass(frozen=True)
class Shape:
    """A table: the type of each column, those that are never blank, primary key, indexes; comments (None: its own)."""

    columns: dict[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    indexes: frozenset[Index] = frozenset()
    references: frozenset[Reference] = frozenset()
    comments: dict[str | None, str] = field(default_factory=dict)

    @property
    def structure(self) -> tuple[object, ...]:
        """What cannot be changed while somebody reads."""
        return self.columns, self.required, self.key, self.indexes

    def lost(self, want: "Shape") -> set[str]:
        """Columns that have to go, or come again with another type."""
        return {name for name, kind in self.columns.items() if want.columns.get(name) != kind}

    def kept(self) -> "Shape":
        """The same for rows of the run before, which nobody looks up."""
        return replace(self, key=(), indexes=frozenset(), references=frozenset())


def wanted(tables: Iterable[Table], keys: Mapping[str, Keys]) -> dict[str, Shape]:
    """How tables are published, by schema.table. Raises RunError for a type that PostgreSQL is not given."""
    found = {table.full_name: _wanted(table, keys.get(table.full_name, NO_KEYS)) for table in tables}
    return {
        name: replace(shape, references=frozenset(each for each in shape.references if _fits(shape, each, found)))
        for name, shape in found.items()
    }


def _fits(shape: Shape, reference: Reference, tables: Mapping[str, Shape]) -> bool:
    """Whether a reference can be declared: to the one column of a key, of the same type."""
    there = tables.get(reference.table, Shape())
    return there.key == (reference.there,) and there.columns[reference.there] == shape.columns.get(reference.column)


def _wanted(table: Table, keys: Keys) -> Shape:
    comments: dict[str | None, str] = {column.name: column.comment for column in table.columns if column.comment}
    key = () if keys.blank else keys.primary_key
    return Shape(
        columns={column.name: _type(table, column.name, column.type) for column in table.columns},
        required=frozenset(key),
        key=key,
        indexes=frozenset(_indexes(table, keys)),
        references=frozenset(Reference(column, *there) for column, there in keys.references.items()),
        comments=comments | ({None: table.comment} if table.comment else {}),
    )


def _type(table: Table, column: str, kind: str) -> str:
    found = kind.lower().replace("decimal", "numeric") if kind.startswith("DECIMAL(") else TYPES.get(kind)
    if not found:
        raise RunError(f"{table.full_name}.{column} is of type {kind}, which is not published to PostgreSQL.")
    return found


def _indexes(table: Table, keys: Keys) -> Iterator[Index]:
    """A key that may be blank; what leads to a person, a school or a KPI; the first date of a fact. What a key begins
    with needs no other."""
    if keys.blank:
        yield Index(keys.primary_key, is_unique=True)
    dates = [column.name for column in table.columns if column.type == "DATE" and table.name.startswith("fct_")]
    joined = [column.name for column in table.columns if JOINED.fullmatch(column.name)]
    for column in {*joined, *dates[:1]} - {*keys.primary_key[:1]}:
        yield Index((column,))


def shapes(cursor: Cursor, schemas: Sequence[str]) -> dict[str, Shape]:
    """The loader's tables in some schemas, by schema.table."""
    cursor.execute(
        """
        SELECT nspname || '.' || relname, attname, format_type(atttypid, atttypmod), attnotnull,
               col_description(attrelid, attnum), obj_description(pg_class.oid, 'pg_class')
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        LEFT JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
        WHERE nspname = ANY(%s) AND relkind = 'r' AND pg_get_userbyid(relowner) = current_user ORDER BY 1, attnum
        """,
        (list(schemas),),
    )
    found: dict[str, Shape] = {}
    required: dict[str, set[str]] = {}
    for name, column, kind, is_required, comment, about in cursor.fetchall():
        shape = found.setdefault(name, Shape(comments={None: about} if about else {}))
        if column:
            shape.columns[column] = kind
        if comment:
            shape.comments[column] = comment
        if is_required:
            required.setdefault(name, set()).add(column)
    keys, indexes = _indexed(cursor, schemas)
    references = _referred(cursor, schemas)
    return {
        name: replace(
            shape,
            required=frozenset(required.get(name, ())),
            key=keys.get(name, ()),
            indexes=frozenset(indexes.get(name, ())),
            references=frozenset(references.get(name, ())),
        )
        for name, shape in found.items()
    }


def _indexed(cursor: Cursor, schemas: Sequence[str]) -> tuple[dict[str, tuple[str, ...]], dict[str, list[Index]]]:
    """Primary keys, and our other indexes."""
    cursor.execute(
        """
        SELECT nspname || '.' || relname, indisprimary, indisunique, array_agg(attname::text ORDER BY place)
        FROM pg_index JOIN pg_class ON pg_class.oid = indrelid JOIN pg_namespace ON pg_namespace.oid = relnamespace
        CROSS JOIN unnest(indkey::int2[]) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute ON attrelid = indrelid AND attnum = number
        WHERE nspname = ANY(%s) AND (SELECT starts_with(relname, %s) FROM pg_class WHERE oid = indexrelid)
        GROUP BY indexrelid, 1, 2, 3
        """,
        (list(schemas), OURS),
    )
    keys: dict[str, tuple[str, ...]] = {}
    indexes: dict[str, list[Index]] = {}
    for name, is_key, is_unique, columns in cursor.fetchall():
        if is_key:
            keys[name] = tuple(columns)
        else:
            indexes.setdefault(name, []).append(Index(tuple(columns), is_unique))
    return keys, indexes


def _referred(cursor: Cursor, schemas: Sequence[str]) -> dict[str, list[Reference]]:
    cursor.execute(
        """
        SELECT here_space.nspname || '.' || here.relname, column_here.attname,
               there_space.nspname || '.' || there.relname, column_there.attname
        FROM pg_constraint
        JOIN pg_class AS here ON here.oid = conrelid
        JOIN pg_namespace AS here_space ON here_space.oid = here.relnamespace
        JOIN pg_class AS there ON there.oid = confrelid
        JOIN pg_namespace AS there_space ON there_space.oid = there.relnamespace
        JOIN pg_attribute AS column_here ON column_here.attrelid = conrelid AND column_here.attnum = conkey[1]
        JOIN pg_attribute AS column_there ON column_there.attrelid = confrelid AND column_there.attnum = confkey[1]
        WHERE contype = 'f' AND here_space.nspname = ANY(%s) AND starts_with(conname, %s)
        """,
        (list(schemas), OURS),
    )
    found: dict[str, list[Reference]] = {}
    for name, column, table, there in cursor.fetchall():
        found.setdefault(name, []).append(Reference(column, table, there))
    return found


def restored(kept: Shape, have: Shape | None, others: Container[str]) -> Shape:
    """How rows of the run before are published again: as they were, with those keys and indexes that still fit."""
    if have and (have.columns, have.required) == (kept.columns, kept.required):
        return replace(have, references=frozenset(each for each in have.references if each.table in others))
    indexes = have.indexes if have else frozenset()
    fitting = (index for index in indexes if not index.is_unique and {*index.columns} <= kept.columns.keys())
    return replace(kept, key=tuple(sorted(kept.required)), indexes=frozenset(fitting))


def change(cursor: Cursor, name: str, have: Shape | None, want: Shape) -> None:
    """Bring a table without rows, made when there is none, to its structure."""
    if not have:
        cursor.execute(f"CREATE TABLE {quoted(name)} ()")
        have = Shape()
    for statement in _statements(name, have, want):
        cursor.execute(statement)


def _statements(name: str, have: Shape, want: Shape) -> Iterator[str]:
    schema, table = name.split(".")
    alter, key = f"ALTER TABLE {quoted(name)}", identifier(f"{OURS}{table}_key")
    lost = have.lost(want)
    kept = {index for index in have.indexes & want.indexes if not lost & {*index.columns}}
    has_key = have.key == want.key and not lost & {*have.key}
    if have.key and not has_key:
        yield f"{alter} DROP CONSTRAINT {key}"
    for index in have.indexes - kept:
        yield f"DROP INDEX {schema}.{_index_name(table, index)}"
    for column in have.required - want.required - lost:
        yield f"{alter} ALTER COLUMN {identifier(column)} DROP NOT NULL"
    for column in lost:
        yield f"{alter} DROP COLUMN {identifier(column)}"
    for column, kind in want.columns.items():
        if have.columns.get(column) != kind:
            yield f"{alter} ADD COLUMN {identifier(column)} {kind}"
    for column in want.required - (have.required - lost):
        yield f"{alter} ALTER COLUMN {identifier(column)} SET NOT NULL"
    if want.key and not has_key:
        yield f"{alter} ADD CONSTRAINT {key} PRIMARY KEY ({listed(want.key)})"
    for index in want.indexes - kept:
        unique, blanks = ("UNIQUE ", " NULLS NOT DISTINCT") if index.is_unique else ("", "")
        yield f"CREATE {unique}INDEX {_index_name(table, index)} ON {quoted(name)} ({listed(index.columns)}){blanks}"


def describe(cursor: Cursor, name: str, have: Shape | None, want: Shape) -> None:
    """Bring a table's comments to what they should be. Nobody who reads is in the way."""
    had = have.comments if have else {}
    lost = have.lost(want) if have else set()
    for column in [None, *want.columns]:
        if column in lost or had.get(column) != want.comments.get(column):
            what = f"COLUMN {quoted(name)}.{identifier(column)}" if column else f"TABLE {quoted(name)}"
            cursor.execute(f"COMMENT ON {what} IS {literal(want.comments.get(column))}")


def loose(have: Mapping[str, Shape], want: Mapping[str, Shape]) -> list[tuple[str, Reference]]:
    """References to take away: no longer wanted, or in the way of what has to change at either end."""
    return [
        (name, reference)
        for name, shape in have.items()
        for reference in shape.references
        if name not in want
        or reference not in want[name].references
        or reference.column in shape.lost(want[name])
        or have[reference.table].key != want[reference.table].key
        or reference.there in have[reference.table].lost(want[reference.table])
    ]


def loosen(cursor: Cursor, name: str, reference: Reference) -> None:
    cursor.execute(f"ALTER TABLE {quoted(name)} DROP CONSTRAINT {_reference_name(name, reference)}")


def refer(cursor: Cursor, have: Mapping[str, Shape], want: Mapping[str, Shape]) -> None:
    """Declare the references that are not, from PostgreSQL 18 on; no row is checked, which dbt has done."""
    if cursor.connection.server_version < UNENFORCED:
        return
    for name, shape in want.items():
        for reference in shape.references - have[name].references:
            cursor.execute(
                f"ALTER TABLE {quoted(name)} ADD CONSTRAINT {_reference_name(name, reference)} "
                f"FOREIGN KEY ({identifier(reference.column)}) "
                f"REFERENCES {quoted(reference.table)} ({identifier(reference.there)}) NOT ENFORCED"
            )


def quoted(name: str) -> str:
    """schema.table as PostgreSQL reads it."""
    return ".".join(map(identifier, name.split(".")))


def _index_name(table: str, index: Index) -> str:
    return identifier("_".join([OURS + table, *index.columns])[:63])


def _reference_name(name: str, reference: Reference) -> str:
    return identifier(f"{OURS}{name.split('.')[1]}_{reference.column}_fk"[:63])


def listed(columns: Iterable[str]) -> str:
    """Columns, quoted."""
    return ", ".join(map(identifier, columns))
