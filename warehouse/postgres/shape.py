"""The shape of tables in PostgreSQL: read from its catalogue, and changed to the wanted shape with the fewest changes.

A column is added or dropped in place, never by a new table under the old name: a reader with an older snapshot would
find that one empty.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from send_ready.database import identifier, literal
from send_ready.runs import RunError
from warehouse.keys import Keys
from warehouse.postgres.connection import Cursor
from warehouse.published import Table

OURS = "send_"  # begins the names of our keys and indexes; an administrator's others are left
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
    """An index: its columns, and whether rows are unique by them, with NULLs equal."""

    columns: tuple[str, ...]
    is_unique: bool = False


@dataclass(frozen=True)
class Reference:
    """A reference from a column to one of another table (schema.table), declared and not checked."""

    column: str
    table: str
    there: str


@dataclass(frozen=True)
class Shape:
    """A table: types by column, columns without NULLs, primary key, indexes and comments (None: that of the table)."""

    columns: dict[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    key: tuple[str, ...] = ()
    indexes: frozenset[Index] = frozenset()
    references: frozenset[Reference] = frozenset()
    comments: dict[str | None, str] = field(default_factory=dict)

    @property
    def structure(self) -> tuple[object, ...]:
        """The parts of the shape that cannot be changed while somebody reads the table."""
        return self.columns, self.required, self.key, self.indexes

    def columns_to_drop(self, want: "Shape") -> set[str]:
        """The columns that are not wanted, or are wanted with another type."""
        return {name for name, kind in self.columns.items() if want.columns.get(name) != kind}

    def without_keys(self) -> "Shape":
        """The shape without keys and indexes, for rows of the run before, which nobody queries."""
        return replace(self, key=(), indexes=frozenset(), references=frozenset())


def shapes_of_tables(tables: Iterable[Table], keys: Mapping[str, Keys]) -> dict[str, Shape]:
    """The shapes in which tables are published, by schema.table. Raises RunError for a type without a counterpart."""
    found = {table.full_name: _shape_of_table(table, keys.get(table.full_name, NO_KEYS)) for table in tables}
    return {
        name: replace(
            shape, references=frozenset(each for each in shape.references if _can_be_declared(shape, each, found))
        )
        for name, shape in found.items()
    }


def _can_be_declared(shape: Shape, reference: Reference, tables: Mapping[str, Shape]) -> bool:
    """Whether a reference leads to the only column of a primary key, and to the same type."""
    there = tables.get(reference.table, Shape())
    return there.key == (reference.there,) and there.columns[reference.there] == shape.columns.get(reference.column)


def _shape_of_table(table: Table, keys: Keys) -> Shape:
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
    """The indexes of a table: a key that may be blank; columns that lead to a person, a school or a KPI; the first date
    of a fact. The first column of a primary key needs none."""
    if keys.blank:
        yield Index(keys.primary_key, is_unique=True)
    dates = [column.name for column in table.columns if column.type == "DATE" and table.name.startswith("fct_")]
    joined = [column.name for column in table.columns if JOINED.fullmatch(column.name)]
    for column in {*joined, *dates[:1]} - {*keys.primary_key[:1]}:
        yield Index((column,))


def existing_shapes(cursor: Cursor, schemas: Sequence[str]) -> dict[str, Shape]:
    """The shapes of the loader's tables in some schemas, by schema.table."""
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
    keys, indexes = _keys_and_indexes(cursor, schemas)
    references = _references(cursor, schemas)
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


def _keys_and_indexes(
    cursor: Cursor, schemas: Sequence[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, list[Index]]]:
    """The primary key and our other indexes of each table."""
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


def _references(cursor: Cursor, schemas: Sequence[str]) -> dict[str, list[Reference]]:
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


def restored_shape(kept: Shape, have: Shape | None, others: Container[str]) -> Shape:
    """The shape for publishing rows of the run before again: theirs, with the keys and indexes that still fit."""
    if have and (have.columns, have.required) == (kept.columns, kept.required):
        return replace(have, references=frozenset(each for each in have.references if each.table in others))
    indexes = have.indexes if have else frozenset()
    fitting = (index for index in indexes if not index.is_unique and {*index.columns} <= kept.columns.keys())
    return replace(kept, key=tuple(sorted(kept.required)), indexes=frozenset(fitting))


def change_structure(cursor: Cursor, name: str, have: Shape | None, want: Shape) -> None:
    """Give a table without rows the wanted structure, and create it if there is none."""
    if not have:
        cursor.execute(f"CREATE TABLE {quoted_name(name)} ()")
        have = Shape()
    for statement in _statements(name, have, want):
        cursor.execute(statement)


def _statements(name: str, have: Shape, want: Shape) -> Iterator[str]:
    schema, table = name.split(".")
    alter, key = f"ALTER TABLE {quoted_name(name)}", identifier(f"{OURS}{table}_key")
    lost = have.columns_to_drop(want)
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
        yield f"{alter} ADD CONSTRAINT {key} PRIMARY KEY ({column_list(want.key)})"
    for index in want.indexes - kept:
        unique, blanks = ("UNIQUE ", " NULLS NOT DISTINCT") if index.is_unique else ("", "")
        on = f"{quoted_name(name)} ({column_list(index.columns)}){blanks}"
        yield f"CREATE {unique}INDEX {_index_name(table, index)} ON {on}"


def write_comments(cursor: Cursor, name: str, have: Shape | None, want: Shape) -> None:
    """Write the comments of a table that differ from the wanted ones. This waits for no reader."""
    had = have.comments if have else {}
    lost = have.columns_to_drop(want) if have else set()
    for column in [None, *want.columns]:
        if column in lost or had.get(column) != want.comments.get(column):
            what = f"COLUMN {quoted_name(name)}.{identifier(column)}" if column else f"TABLE {quoted_name(name)}"
            cursor.execute(f"COMMENT ON {what} IS {literal(want.comments.get(column))}")


def references_to_drop(have: Mapping[str, Shape], want: Mapping[str, Shape]) -> list[tuple[str, Reference]]:
    """The references to drop: those not wanted any more, and those of a column or key that has to change."""
    return [
        (name, reference)
        for name, shape in have.items()
        for reference in shape.references
        if name not in want
        or reference not in want[name].references
        or reference.column in shape.columns_to_drop(want[name])
        or have[reference.table].key != want[reference.table].key
        or reference.there in have[reference.table].columns_to_drop(want[reference.table])
    ]


def drop_reference(cursor: Cursor, name: str, reference: Reference) -> None:
    cursor.execute(f"ALTER TABLE {quoted_name(name)} DROP CONSTRAINT {_reference_name(name, reference)}")


def add_references(cursor: Cursor, have: Mapping[str, Shape], want: Mapping[str, Shape]) -> None:
    """Declare the missing references, from PostgreSQL 18 on. No row is checked, as dbt has done that."""
    if cursor.connection.server_version < UNENFORCED:
        return
    for name, shape in want.items():
        for reference in shape.references - have[name].references:
            cursor.execute(
                f"ALTER TABLE {quoted_name(name)} ADD CONSTRAINT {_reference_name(name, reference)} "
                f"FOREIGN KEY ({identifier(reference.column)}) "
                f"REFERENCES {quoted_name(reference.table)} ({identifier(reference.there)}) NOT ENFORCED"
            )


def quoted_name(name: str) -> str:
    """A schema.table with both names quoted for PostgreSQL."""
    return ".".join(map(identifier, name.split(".")))


def _index_name(table: str, index: Index) -> str:
    return identifier("_".join([OURS + table, *index.columns])[:63])


def _reference_name(name: str, reference: Reference) -> str:
    return identifier(f"{OURS}{name.split('.')[1]}_{reference.column}_fk"[:63])


def column_list(columns: Iterable[str]) -> str:
    """The column names, quoted and separated by commas."""
    return ", ".join(map(identifier, columns))
