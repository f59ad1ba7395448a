"""What readers meet while the warehouse is published under them, and what publishing pays for their company.

usage: python -m tools.bench.readers [--home PATH] [--publishes N] [--pause SECONDS] [--plans N] [--sen-support N]

Eight processes read the DuckDB files, the Parquet and a PostgreSQL, each in its own way, while two runs are published
in turn. The second run is the first with fewer rows and another name, so that every answer tells which run it is of,
and an answer of half a run is of none. With --home the newest run of that SEND_HOME is taken (a copy: the home is only
read), else a council is drawn. The exit status is 0 when no reader met an error, half a run or an old one.
"""

import argparse
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import cycle, islice, pairwise
from pathlib import Path
from typing import Any

import duckdb
import psycopg2  # type: ignore[import-untyped]

from extract import contract
from extract.choose import extract
from sample import council
from send_ready import database, files, runs
from send_ready.database import identifier, literal
from send_ready.home import INBOX, RUNS, SERVING
from send_ready.runs import Run
from send_ready.settings import PROJECT, Settings
from warehouse import dbt, published, serve
from warehouse.postgres import publish as postgres

AS_AT, LA_CODE = date(2026, 11, 16), "999"
ALONE = 2  # publications of each run before there are readers, for comparison
FETCHES, BETWEEN_FETCHES = 20, 0.1  # of the cursor that takes its time
SCHEMAS = (*published.FOR_ALL, "annex_a")
THINNED = "core.fct_attendance_week"  # of which the second run has fewer rows
FILES, POSTGRES = "files", "PostgreSQL"
PLACES: dict[str, Callable[[Run, Settings], object]] = {FILES: serve.serve, POSTGRES: postgres.serve}

Rows = list[tuple[Any, ...]]
Expected = dict[str, dict[str, Rows]]  # what each question finds in each run: by its SQL, by run_id


@dataclass(frozen=True)
class Source:
    """Where one reader looks and what it asks there, in words that DuckDB and PostgreSQL share."""

    home: Path
    url: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """One answer: when, and of which run. `held`: by what the reader had open since the reading before."""

    began: float  # seconds of the monotonic clock, which all processes of a machine share
    ended: float
    run_id: str | None  # None: of no run, or not all of one
    held: bool
    torn: Rows = field(default_factory=list)  # the answer, if it is of no run


@dataclass(frozen=True)
class Publication:
    """One publication, from its first moment to its return."""

    run_id: str
    began: float
    ended: float


@dataclass
class Observed:
    """What was seen of the files, or of PostgreSQL: publications in their order, and each reader's readings."""

    standing: str  # the run that was published before the first reader came
    alone: list[float]  # seconds that publishing takes without readers
    publications: list[Publication] = field(default_factory=list)
    readings: dict[str, list[Reading]] = field(default_factory=dict)

    def problems(self) -> Iterator[str]:
        """Answers of no run or of the wrong one; none when readers and publisher got on."""
        for reader, mine in self.readings.items():
            for reading in mine:
                if reading.run_id is None:
                    yield f"{reader}: of no run, or not all of one: {reading.torn}"
                elif not reading.held and reading.run_id not in (possible := self.current(reading)):
                    yield f"{reader}: found {reading.run_id} when {possible} was published"
            for before, after in pairwise(mine):
                if after.held and before.run_id != after.run_id:
                    yield f"{reader}: from {before.run_id} to {after.run_id} without opening again"

    def current(self, reading: Reading) -> set[str]:
        """The runs that a reading may find which opened for itself: the newest, and what came meanwhile."""
        before = [self.standing, *(each.run_id for each in self.publications if each.ended <= reading.began)]
        return {before[-1], *(each.run_id for each in self.meanwhile(reading))}

    def meanwhile(self, reading: Reading) -> list[Publication]:
        """The publications that went on during a reading."""
        return [each for each in self.publications if each.began < reading.ended and each.ended > reading.began]

    @property
    def seconds(self) -> list[float]:
        """How long each publication took beside the readers."""
        return [each.ended - each.began for each in self.publications]

    @property
    def slowed(self) -> float:
        """How many times as long a publication takes beside the readers, at the median."""
        return statistics.median(self.seconds) / statistics.median(self.alone)

    def report(self) -> Iterator[str]:
        """Lines for a person: the latency of each reader, idle and while it was published, and of publishing."""
        for reader, mine in self.readings.items():
            during: dict[bool, list[float]] = {False: [], True: []}
            for reading in mine:
                during[bool(self.meanwhile(reading))].append(1000 * (reading.ended - reading.began))
            yield f"{reader:<32}{len(mine):>9,}{_spread(during[False]):>26}{_spread(during[True]):>26}"
        yield (
            f"  publishing took {statistics.median(self.alone):.2f} s without readers; beside them "
            f"{statistics.median(self.seconds):.2f} s, {max(self.seconds):.2f} s at most, {len(self.seconds)} times"
        )


HEADER = f"{'milliseconds: median, p95, max':<32}{'readings':>9}{'between publications':>26}{'during them':>26}"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "–"
    in_order = sorted(values)
    return f"{statistics.median(in_order):,.0f}, {in_order[int(0.95 * len(in_order))]:,.0f}, {in_order[-1]:,.0f}"


def main() -> int:
    """Watch, and print what was seen. The exit status is 0 when nothing went wrong."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="readers_") as folder, own_postgres() as (publish_url, reading_url):
        home = Path(folder)
        run, settings = _copied(given.home, home) if given.home else small_council(home, given.plans, given.sen_support)
        watch = Watch(run, replace(settings, publish_url=publish_url), reading_url)
        print(f"Publishing two runs in turn, {given.publishes} times, beside {len(given.kinds)} readers", flush=True)
        observed = watch.watch(given.publishes, given.kinds, given.pause)
    print(HEADER, *(line for each in observed.values() for line in each.report()), sep="\n")
    problems = [line for each in observed.values() for line in each.problems()]
    print(*problems, f"{len(problems)} problems", sep="\n")
    return 1 if problems else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.readers", description="Readers beside publications.")
    parser.add_argument("--home", type=Path, help="a SEND_HOME whose newest run is taken; default: a council is drawn")
    parser.add_argument("--publishes", type=int, default=300)
    parser.add_argument("--pause", type=float, default=0.0, help="seconds that readers and publishers let pass")
    parser.add_argument("--plans", type=int, default=3_700, help="of the council that is drawn")
    parser.add_argument("--sen-support", type=int, default=7_000)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS), help="one process each")
    return parser.parse_args()


@contextmanager
def own_postgres() -> Iterator[tuple[str, str]]:
    """A PostgreSQL for the block, of the tests' kind: the URL to publish to, and the URL of somebody who reads all."""
    from tests.servers import server  # with pytest, which only developers have

    with server() as found:
        database = found.database()
        found.run((PROJECT / "warehouse" / "postgres" / "roles.sql").read_text(encoding="utf-8"), database)
        logins = found.login("loader", ["send_loader"]), found.login("analyst", ["send_bi", "send_lists"])
        loader, analyst = (found.url(database, name, f"{name}-secret") for name in logins)
        yield loader, analyst


def _copied(home: Path, there: Path) -> tuple[Run, Settings]:
    found = runs.find(Settings(home.resolve(), home, LA_CODE, "lettered", None, AS_AT, None))
    shutil.copytree(found.folder, there / RUNS / found.run_id)
    settings = Settings(there, there / INBOX, found.la_code, "lettered", None, found.as_at, found.run_id)
    return replace(found, home=there), settings


# The readers. Each yields a question, what it found, and whether by something it had open since the one before.

Answers = Iterator[tuple[str, Rows, bool]]


def duckdb_afresh(source: Source, name: str = serve.DATABASE) -> Answers:
    """A file opened for each question, as a notebook's cell or a dashboard's refresh does."""
    while True:
        for question in source.questions:
            with _opened(source, name) as con:
                found = con.execute(question).fetchall()
            yield question, found, False


def duckdb_kept_open(source: Source) -> Answers:
    """A file kept open for many questions, and opened again after them."""
    while True:
        with _opened(source, serve.DATABASE) as con:
            yield from _in_a_row(source.questions * 10, lambda question: con.execute(question).fetchall())


def parquet_resolved(source: Source) -> Answers:
    """Parquet files, the link resolved once for all of them: that is what keeps them of one run."""
    while True:
        folder = (source.home / SERVING).resolve() / serve.PARQUET
        with _modest(duckdb.connect()) as con:
            for path in folder.glob("*/*.parquet"):
                con.execute(f"CREATE SCHEMA IF NOT EXISTS {path.parent.name}")
                name = f"{path.parent.name}.{identifier(path.stem)}"
                con.execute(f"CREATE VIEW {name} AS FROM read_parquet({literal(path)})")
            yield from _in_a_row(source.questions, lambda question: con.execute(question).fetchall())


def postgres_committed(source: Source) -> Answers:
    """Each statement by itself on one connection, as most tools do."""
    with closing(_connected(source)) as con, con.cursor() as cursor:
        while True:
            for question in source.questions:
                cursor.execute(question)
                yield question, cursor.fetchall(), False


def postgres_prepared(source: Source) -> Answers:
    """Statements prepared once and executed for as long as the reader lives, as ODBC may do."""
    with closing(_connected(source)) as con, con.cursor() as cursor:
        for number, question in enumerate(source.questions):
            cursor.execute(f"PREPARE question_{number} AS {question}")
        while True:
            for number, question in enumerate(source.questions):
                cursor.execute(f"EXECUTE question_{number}")
                yield question, cursor.fetchall(), False


def postgres_repeatable(source: Source) -> Answers:
    """Several questions of one snapshot."""
    with closing(_connected(source)) as con, con.cursor() as cursor:
        while True:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield from _in_a_row(source.questions * 2, lambda question: _fetched(cursor, question))
            cursor.execute("COMMIT")


def postgres_cursor(source: Source) -> Answers:
    """A large table drawn bit by bit, longer than a publication takes."""
    whole = _summary(THINNED)
    with closing(_connected(source)) as con, con.cursor() as cursor:
        while True:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = _fetched(cursor, whole)
            yield whole, found, False
            cursor.execute(f"DECLARE slow NO SCROLL CURSOR FOR SELECT run_id FROM {THINNED}")
            drawn: list[str] = []
            while rows := _fetched(cursor, f"FETCH {found[0][1] // FETCHES + 1} FROM slow"):
                drawn += [run_id for (run_id,) in rows]
                time.sleep(BETWEEN_FETCHES)
            yield whole, [(THINNED, len(drawn), min(drawn), max(drawn))], True
            cursor.execute("COMMIT")


def bi_afresh(source: Source) -> Answers:
    """The file without lists and names."""
    return duckdb_afresh(source, serve.FOR_ALL)


OF_FILES: dict[str, Callable[[Source], Answers]] = {
    "DuckDB, opened afresh": duckdb_afresh,
    "DuckDB, kept open": duckdb_kept_open,
    "bi.duckdb, opened afresh": bi_afresh,
    "Parquet, link resolved once": parquet_resolved,
}
OF_POSTGRES: dict[str, Callable[[Source], Answers]] = {
    "PostgreSQL, READ COMMITTED": postgres_committed,
    "PostgreSQL, prepared": postgres_prepared,
    "PostgreSQL, REPEATABLE READ": postgres_repeatable,
    "PostgreSQL, a slow cursor": postgres_cursor,
}
KINDS = OF_FILES | OF_POSTGRES
OF_BI = ("bi.duckdb, opened afresh",)


def _opened(source: Source, name: str) -> duckdb.DuckDBPyConnection:
    return _modest(duckdb.connect(str(source.home / SERVING / name), read_only=True))


def _modest(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return con.execute("SET threads = 1; SET enable_progress_bar = false")


def _connected(source: Source) -> Any:
    con = psycopg2.connect(source.url)
    con.autocommit = True  # transactions are ours to begin
    return con


def _fetched(cursor: Any, statement: str) -> Rows:
    cursor.execute(statement)
    return list(cursor.fetchall())


def _in_a_row(questions: Sequence[str], ask: Callable[[str], Rows]) -> Answers:
    for number, question in enumerate(questions):
        yield question, ask(question), number > 0


def read(kind: str, source: Source, expected: Expected, stop: Path, pause: float) -> list[Reading]:
    """Read in one way, in a process of its own, until the file `stop` is there, and then once more afresh.

    Raises whatever the reader met: no error is expected of any.
    """
    readings: list[Reading] = []
    answers = KINDS[kind](source)
    stopped, held = False, True
    while not stopped or held:
        stopped = stop.exists()
        began = time.monotonic()
        question, found, held = next(answers)
        ended = time.monotonic()
        run_id = next((run_id for run_id, rows in expected[question].items() if rows == sorted(found)), None)
        readings.append(Reading(began, ended, run_id, held, [] if run_id else found))
        time.sleep(pause)
    return readings


# What is read and published.


def questions(schemas: Sequence[str], tables: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Every table counted at once, and a join across the schemas; each answer holds the run_ids it is made of."""
    counts = " UNION ALL ".join(
        _summary(f"{schema}.{identifier(table)}") for schema, table in tables if schema in schemas
    )
    return counts, _join(schemas)


def _summary(table: str) -> str:
    return f"SELECT {literal(table)}, count(*), min(run_id), max(run_id) FROM {table}"


def _join(schemas: Sequence[str]) -> str:
    """Weeks of attendance with their child, school and plan, beside a KPI, the issues and a list."""
    one_each = {
        "kpi": 'SELECT min(run_id) AS run_id, count(*) AS n FROM kpi."values"',
        "annex_a": "SELECT min(run_id) AS run_id, count(*) AS n FROM annex_a.rpt_annex_a__list_1",
        "quality": "SELECT min(run_id) AS run_id, count(*) AS n FROM quality.issues",
    }
    others = [name for name in one_each if name in schemas]
    run_ids = ", ".join(["week.run_id", "person.run_id", "school.run_id", *(f"{name}_.run_id" for name in others)])
    crossed = " ".join(f"CROSS JOIN ({one_each[name]}) AS {name}_" for name in others)
    return (
        f"SELECT count(*), count(DISTINCT person.person_id), min(least({run_ids})), max(greatest({run_ids})), "
        f"{', '.join(f'max({name}_.n)' for name in others)} FROM {THINNED} AS week "
        "JOIN core.dim_person AS person ON person.person_id = week.person_id "
        f"LEFT JOIN core.dim_establishment AS school ON school.urn = week.urn {crossed}"
    )


def twin(run: Run, run_id: str) -> Run:
    """A copy of a run under another name, in every table, with a tenth of one table's rows left out."""
    other = replace(run, run_id=run_id)
    shutil.copytree(run.folder, other.folder, dirs_exist_ok=True)
    files.write_json(other.folder / "run.json", {"run_id": run_id, "as_at": run.as_at, "la_code": run.la_code})
    with database.writer(other.warehouse) as con:
        stamped = con.execute(
            """
            SELECT schema_name, table_name FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (table_oid)
            WHERE column_name = 'run_id'
            """
        ).fetchall()
        for schema, table in stamped:
            con.execute(f"UPDATE {schema}.{identifier(table)} SET run_id = {literal(run_id)}")
        con.execute(f"DELETE FROM {THINNED} WHERE rowid % 10 = 0")
    return other


def small_council(home: Path, plans: int, sen_support: int) -> tuple[Run, Settings]:
    """An invented council's exports, read and built into a run, without the rules and the pack."""
    settings = Settings(home, home / INBOX, LA_CODE, "lettered", None, AS_AT, "first")
    council.write(
        settings.inbox,
        as_at=AS_AT,
        la_code=LA_CODE,
        plans=plans,
        sen_support=sen_support,
        seed=1,
        faults=0.0,
        answer_key=home / "answer_key.csv",
    )
    run = runs.begin(settings)
    for each in contract.load_all(settings):
        extract(run, settings, each.id)
    dbt.build(run, settings)
    return run, settings


class Watch:
    """Two runs, each published before, and what every question finds in each of them at rest."""

    def __init__(self, first: Run, settings: Settings, reading_url: str) -> None:
        self.settings = settings
        self.reading_url = reading_url
        self.runs = (first, twin(first, "second"))
        self.expected: Expected = {}
        self.alone: dict[str, list[float]] = {place: [] for place in PLACES}
        for run in self.runs * ALONE:
            for place, publish in PLACES.items():
                began = time.monotonic()
                publish(run, settings)
                self.alone[place].append(time.monotonic() - began)
            self._ask(run)

    def _ask(self, run: Run) -> None:
        with _opened(Source(self.settings.home, "", ()), serve.DATABASE) as con:
            tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
            self.all, self.of_bi = questions(SCHEMAS, tables), questions(published.FOR_ALL, tables)
            for question in (*self.all, *self.of_bi, _summary(THINNED)):
                self.expected.setdefault(question, {})[run.run_id] = sorted(con.execute(question).fetchall())

    def watch(self, publishes: int, kinds: Sequence[str] = tuple(KINDS), pause: float = 0.0) -> dict[str, Observed]:
        """Publish to each place while each kind of reader reads in a process of its own; by place.

        `pause` is what each of them lets pass, in seconds, before it reads or publishes again.
        """
        stop = self.settings.home / "stop"
        stop.unlink(missing_ok=True)
        observed = {place: Observed(self.runs[-1].run_id, alone) for place, alone in self.alone.items()}
        with (
            ProcessPoolExecutor(len(kinds), multiprocessing.get_context("spawn")) as processes,
            ThreadPoolExecutor(len(observed)) as threads,
        ):
            readers = [processes.submit(read, kind, self._source(kind), self.expected, stop, pause) for kind in kinds]
            try:
                publishing = {place: threads.submit(self._publish, place, publishes, pause) for place in observed}
                for place, future in publishing.items():
                    observed[place].publications = future.result()
            finally:
                stop.touch()
            for kind, reading in zip(kinds, readers, strict=True):
                place = POSTGRES if kind in OF_POSTGRES else FILES
                observed[place].readings.setdefault(kind, []).extend(reading.result())
        return observed

    def _publish(self, place: str, publishes: int, pause: float) -> list[Publication]:
        done = []
        for run in islice(cycle(self.runs), publishes):
            time.sleep(pause)
            began = time.monotonic()
            PLACES[place](run, self.settings)
            done.append(Publication(run.run_id, began, time.monotonic()))
        return done

    def _source(self, kind: str) -> Source:
        return Source(self.settings.home, self.reading_url, self.of_bi if kind in OF_BI else self.all)


if __name__ == "__main__":
    raise SystemExit(main())
