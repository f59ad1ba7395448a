"""Whether two checkouts make the same outputs of the same exports: every file by bytes, every table by names and rows.

usage: python tools/same_outputs.py --before CHECKOUT --after CHECKOUT [--exports FOLDER] [--as-at DAY] [--in FOLDER]
                                    [--night-only] [--drill]

Each checkout plays the night, then the board's edition of that month, with its own .venv and a SEND_HOME of its own.
Without --exports both read one invented council, which the second checkout writes. With --in the exports and what each
commit made of them stay in that folder, and a clean checkout whose commit has been played there is not played again.
The exit status is 1 when anything differs.
"""

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb

AS_AT = "2026-11-16"
COUNCIL = ("--plans", "120", "--sen-support", "180", "--faults", "0.1")
# By SEND_RUN_ID, so that no name of a run differs.
RUN, BOARD_RUN, DRILL_RUN = "same_outputs", "same_outputs_board", "same_outputs_drill"

# What is of the moment or of the machine, and only that: (files, what to look for, what stands for it, why).
OF_THE_MOMENT = (
    (
        "*.json*",
        r'("(?:\w+_)?(?<!as_)at": ?)(?:"[^"]*"|[\d.e+]+)',
        r'\1"MOMENT"',
        "when something was done",
    ),
    (
        "out/rehearsals/*",
        r'("(?:request.json|(?:request|manifest)_sha256)": ?)"[0-9a-f]{64}"',
        r'\1"HASH"',
        "of a file that says when",
    ),
    (
        "out/rehearsals/*/receipt.json",
        r'("manifest.json": \{\s*"bytes": \d+,\s*"sha256": )"[0-9a-f]{64}"',
        r'\1"HASH"',
        "of a file that says when",
    ),
    ("out/rehearsals/release_log.jsonl", r'"[0-9a-f]{64}"', '"HASH"', "of files and lines that say when"),
    ("out/rehearsals/*", r'("late_by_seconds": ?)\d+', r"\1SECONDS", "by the clock"),
    ("*/gx/*.html", r"\d{8}T\d{6}\.\d{6}Z", "MOMENT", "when Great Expectations ran"),
    ("*/gx/*.html", r">[0-9a-f]{32}<", ">FINGERPRINT<", "of a frame whose rows came in whichever order"),
    ("*/publication.json", r'("[\w./]+\.(?:duckdb|parquet)": )"[0-9a-f]{64}"', r'\1"HASH"', "of files in NO_ORDER"),
    ("*", r"(?<=same_outputs_)[a-z0-9_]{8}(?=$|/)", "RANDOM", "a published folder's name ends in a random part"),
    (
        "*",
        r"(?<=[0-9a-f]{16}[.-])[0-9a-f]{12}(?=/|\.json)",
        "CODE",
        "of the code of extract/, in names of what it read",
    ),
)
# Files of rows that DuckDB's threads write in whichever order, so that one commit does not make the same bytes twice.
# They are compared as rows, how often each is there, with the names, types and comments of their columns.
NO_ORDER = ("*.duckdb", "published/*.parquet", "runs/*/issues/*.parquet")
# No outputs: Airflow's and dbt's own records, locks, and how long each step took.
WORKINGS = ("airflow/*", "locks/*", "runs/*/airflow.*", "runs/*/dbt/*", "runs/*/progress.jsonl", "*/.*")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="a checkout")
    parser.add_argument("--after", type=Path, required=True, help="another")
    parser.add_argument("--exports", type=Path, help="a folder of exports (default: an invented council)")
    parser.add_argument("--as-at", default=AS_AT, help=f"the as-at date (default: {AS_AT})")
    parser.add_argument("--in", dest="folder", type=Path, help="where exports and outputs stay (default: nowhere)")
    parser.add_argument("--night-only", action="store_true", help="leave the board's edition out")
    parser.add_argument("--drill", action="store_true", help="play the day of an inspection as well")
    asked = parser.parse_args(arguments)
    commands = [("run", RUN)]
    commands += [] if asked.night_only else [("edition", BOARD_RUN)]
    commands += [("drill", DRILL_RUN)] if asked.drill else []
    with contextlib.ExitStack() as stack:
        folder = asked.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="same_outputs_")))
        folder = (folder.resolve() / asked.as_at) if asked.folder else folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        exports = asked.exports.resolve() if asked.exports else _council(asked.after.resolve(), folder, asked.as_at)
        homes = [
            _played(side.resolve(), folder, exports, asked.as_at, commands) for side in (asked.before, asked.after)
        ]
        found = list(differences(*homes, show=not asked.exports))
        print(*found, sep="\n")
        count = sum(1 for home in homes[1:] for _ in _outputs(home))
        print(
            f"Differences: {len(found)}, between {' and '.join(map(str, homes))}."
            if found
            else f"The same: {count} files and links, each table in them."
        )
    return 1 if found else 0


def _council(checkout: Path, folder: Path, as_at: str) -> Path:
    """An invented council's exports, written once."""
    exports, partial = folder / "exports", folder / "exports.partial"
    with _locked(exports):
        if not exports.exists():
            words = ["sample", "--out", str(partial), *COUNCIL]
            _send_ready(checkout, folder / "writer", folder / "writer.log", *words, AS_AT=as_at)
            partial.rename(exports)
    return exports


def _played(checkout: Path, folder: Path, exports: Path, as_at: str, commands: list[tuple[str, str]]) -> Path:
    """The SEND_HOME of what a checkout made of the exports; of a clean one it is named by the commit, and made once."""
    commit, changed = (_git(checkout, *words) for words in (("rev-parse", "HEAD"), ("status", "--porcelain")))
    read = hashlib.sha256(str([exports, commands]).encode()).hexdigest()[:8]
    name = f"{commit[:12]}_{read}"
    if changed:
        name = Path(tempfile.mkdtemp(prefix=f"{name}_changed_", dir=folder)).name
    home, done = folder / name, folder / f"{name}.done"
    with _locked(home):
        if done.exists():
            return home
        for command, run in commands:
            print(f"{checkout} at {commit[:7]}{' and changes' if changed else ''}: send-ready {command}", flush=True)
            words = [command, as_at[:7]] if command == "edition" else [command]
            environment = {"AS_AT": as_at, "SEND_INBOX": str(exports), "SEND_RUN_ID": run}
            _send_ready(checkout, home, folder / f"{name}.{command}.log", *words, **environment)
        done.touch()
    return home


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone with what is made at a path: several may compare in one folder at once."""
    with open(path.with_name(f"{path.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _send_ready(checkout: Path, home: Path, log: Path, *words: str, **environment: str) -> None:
    """Run a command of a checkout to its good end. Raises SystemExit with what it said last."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    subprocess.run(["make", "--silent", ".venv/.ready-to-run"], cwd=checkout, check=True)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("SEND_", "AIRFLOW", "DBT_", "VIRTUAL_ENV"))}
    env = inherited | {"SEND_HOME": str(home)} | {name: value for name, value in environment.items() if value}
    with open(log, "wb") as output:
        ended = subprocess.run(
            [".venv/bin/send-ready", *words], cwd=checkout, env=env, stdout=output, stderr=output, check=False
        )
    if ended.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
        raise SystemExit(f"{checkout}: send-ready {' '.join(words)} ended with {ended.returncode}, see {log}\n{last}")


def _git(checkout: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True, text=True).stdout.strip()


def differences(before: Path, after: Path, *, show: bool = False) -> Iterator[str]:
    """What differs between two SEND_HOMEs, a line each. `show` quotes lines of text, which may hold children's data."""
    ours, theirs = (
        {_neutral(str(path.relative_to(home)), home): path for path in _outputs(home)} for home in (before, after)
    )
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            yield f"{name}: no longer there"
        elif name not in ours:
            yield f"{name}: new"
        else:
            yield from (f"{name}: {said}" for said in _of_a_file(name, ours[name], theirs[name], before, after, show))


def _outputs(home: Path) -> Iterator[Path]:
    """Every file and link that is an output."""
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if (path.is_symlink() or path.is_file()) and not _is_one_of(name, WORKINGS):
            yield path


def _is_one_of(name: str, patterns: Iterable[str]) -> bool:
    return any(Path("/", name).match(f"/{pattern}") or re.match(_expression(pattern), name) for pattern in patterns)


def _expression(pattern: str) -> str:
    """A pattern whose stars also cross folders."""
    return "".join(".*" if sign == "*" else re.escape(sign) for sign in pattern) + "$"


def _neutral(text: str, home: Path, name: str = "") -> str:
    """A text without what is of the moment; `name` is the file that it stands in."""
    text = text.replace(str(home), "SEND_HOME")
    for pattern, wanted, instead, _ in OF_THE_MOMENT:
        if _is_one_of(name, [pattern]):
            text = re.sub(wanted, instead, text)
    return text


def _of_a_file(name: str, before: Path, after: Path, home: Path, later_home: Path, show: bool) -> Iterator[str]:
    if before.is_symlink() or after.is_symlink():
        if [_neutral(_target(before), home)] != [_neutral(_target(after), later_home)]:
            yield "leads elsewhere"
    elif _is_one_of(name, NO_ORDER):
        yield from _of_rows(before, after, home, later_home)
    elif name.endswith(".xlsx") and zipfile.is_zipfile(before) and zipfile.is_zipfile(after):
        yield from _of_members(before, after)
    elif (one := before.read_bytes()) != (other := after.read_bytes()):
        ours, theirs = (
            _neutral(text.decode(errors="surrogateescape"), root, name).splitlines(keepends=True)
            for text, root in ((one, home), (other, later_home))
        )
        if ours != theirs:
            yield _of_lines(ours, theirs, show)


def _target(path: Path) -> str:
    return os.readlink(path) if path.is_symlink() else "no link"


def _of_lines(ours: list[str], theirs: list[str], show: bool) -> str:
    place = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    quoted = [(lines[place : place + 1] or ["(no more lines)"])[0].rstrip()[:300] for lines in (ours, theirs)]
    said = f"other bytes from line {place + 1} on ({len(ours)} lines before, {len(theirs)} after)"
    return said + (f"\n    - {quoted[0]}\n    + {quoted[1]}" if show and "\0" not in "".join(quoted) else "")


def _of_members(before: Path, after: Path) -> Iterator[str]:
    with zipfile.ZipFile(before) as ours, zipfile.ZipFile(after) as theirs:
        if ours.namelist() != theirs.namelist():
            yield f"other parts: {ours.namelist()} before, {theirs.namelist()} after"
        for part in sorted(set(ours.namelist()) & set(theirs.namelist())):
            if ours.read(part) != theirs.read(part):
                yield f"other bytes in its part {part}"


def _of_rows(before: Path, after: Path, *homes: Path) -> Iterator[str]:
    """What differs in two files of tables: a database of DuckDB, or Parquet."""
    with contextlib.closing(duckdb.connect()) as con:
        if before.suffix == ".parquet":
            for name, path in (("before", before), ("after", after)):
                con.execute(f"CREATE SCHEMA {name}")
                con.execute(f"CREATE VIEW {name}.rows AS FROM read_parquet('{path}')")
            yield from _of_table(con, "before.rows", "after.rows")
            return
        for name, path in (("before", before), ("after", after)):
            con.execute(f"ATTACH '{path}' AS {name} (READ_ONLY)")
        for what, query in CATALOGUE.items():
            ours, theirs = (
                [_neutral(str(row), home) for row in con.execute(query, [name]).fetchall()]
                for name, home in (("before", homes[0]), ("after", homes[1]))
            )
            yield from (f"{what} no longer there: {row}" for row in ours if row not in theirs)
            yield from (f"{what} new: {row}" for row in theirs if row not in ours)
        held, holds = (set(con.execute(TABLES, [name]).fetchall()) for name in ("before", "after"))
        for schema, table in sorted(held & holds):
            for said in _of_table(con, *(f'{name}."{schema}"."{table}"' for name in ("before", "after"))):
                yield f"{schema}.{table}: {said}"


TABLES = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1"
CATALOGUE = {
    "table": "SELECT schema_name, table_name, comment FROM duckdb_tables() WHERE database_name = $1 ORDER BY ALL",
    "column": """SELECT schema_name, table_name, column_index, column_name, data_type, is_nullable, column_default,
        comment FROM duckdb_columns() WHERE database_name = $1 AND NOT internal ORDER BY ALL""",
    "view": """SELECT schema_name, view_name, sql, comment
        FROM duckdb_views() WHERE database_name = $1 AND NOT internal ORDER BY ALL""",
    "constraint": """SELECT schema_name, table_name, constraint_type, constraint_text
        FROM duckdb_constraints() WHERE database_name = $1 ORDER BY ALL""",
}


def _of_table(con: duckdb.DuckDBPyConnection, before: str, after: str) -> Iterator[str]:
    ours, theirs = (
        {str(row[0]): str(row[1]) for row in con.execute(f"DESCRIBE {table}").fetchall()} for table in (before, after)
    )
    if list(ours.items()) != list(theirs.items()):
        yield f"other columns: {ours} before, {theirs} after"
        return

    def apart(columns: str) -> tuple[int, int]:
        """How many rows are in the one more often than in the other, and the other way about."""
        one, other = (f"SELECT {columns} FROM {table}" for table in (before, after))
        counted = [f"SELECT count(*) FROM ({x} EXCEPT ALL {y})" for x, y in ((one, other), (other, one))]
        lost, new = (con.execute(query).fetchall()[0][0] for query in counted)
        return lost, new

    lost, new = apart("*")
    if lost or new:
        columns = [name for name in ours if any(apart('"' + name.replace('"', '""') + '"'))]
        yield f"{lost} rows no longer there, {new} new; values differ in {', '.join(columns) or 'how they go together'}"


if __name__ == "__main__":
    sys.exit(main())
