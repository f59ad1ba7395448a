"""Preparation: one SELECT over sources, SEND_CONFIG/prepare/<source>__<feed>.sql, gives the rows of a feed.

What several of them need alike stands once: the SELECT of prepare/<name>.sql, over sources alone, is a table of that
name for all of them.

It is checked by its syntax before anything of it is run: one SELECT, over known tables, with no function that reads
files, or gives another result another night. It runs in a closed database (extract/own/closed.py).
"""

import hashlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from extract.own import source
from extract.refusal import Refusal
from send_ready import database, disk
from send_ready.runs import RunError
from send_ready.settings import PROJECT, Settings
from send_ready.settings import memory as settings_memory

HERE = Path(__file__).resolve().parent
SHIPPED = HERE.parent / "prepare"
FOLDER = "prepare"  # in SEND_CONFIG
MACROS = SHIPPED / "macros.sql"
SHARED = re.compile(r"(?!macros\.)(?!.*__)" + source.NAME.pattern + r"\.sql")  # names of files of shared SELECTs
GIAS = "gias"  # the table of the establishments in use
FAILED, TOO_MUCH = "F-44", "F-45"
SECONDS = 120  # of processor time
PATIENCE = 900  # seconds by the clock
MEMORY = 1_000 * disk.MB  # where SEND_MEMORY says nothing else
LARGEST = 1 << 18  # characters of a SELECT
TABLE_FUNCTIONS = ("unnest", "range", "generate_series")
# Of another night, another place or another person they give something else; or they look behind the table.
FORBIDDEN = (
    "random", "setseed", "uuid", "gen_random_uuid", "uuidv4", "uuidv7", "now", "current_timestamp", "current_date",
    "current_time", "current_localtime", "current_localtimestamp", "get_current_timestamp", "get_current_time", "today",
    "transaction_timestamp", "nextval", "currval", "getvariable", "getenv", "current_setting", "current_user", "user",
    "session_user", "version", "pg_typeof", "txid_current", "current_query", "query", "query_table", "read_text",
    "read_blob", "read_csv", "read_csv_auto", "read_json", "read_parquet", "glob", "error", "sleep_ms",
)  # fmt: skip
MOMENTS = ("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp")  # without brackets
_STOPPED = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGXCPU, signal.SIGKILL)


class PrepareError(RunError):
    """A preparation cannot be used. The text names the file, the line and what to change."""


@dataclass(frozen=True)
class Preparation:
    """One SELECT that gives a feed's rows. `fingerprint` changes when anything that decides its result changes."""

    feed: str  # source__feed
    path: Path
    select: str
    sources: tuple[str, ...]  # that it names, in order
    uses_gias: bool
    makes_rows_of_columns: bool  # so that there may well be more rows than before
    fingerprint: str
    shared: "tuple[Preparation, ...]" = ()  # the shared SELECTs that it names, of which `feed` is the name
    tables: tuple[tuple[str, str], ...] = ()  # of sources with a reader, each with its source
    merges: tuple[str, ...] = ()  # sources of whose rows one may stand for others, by GROUP BY, DISTINCT or QUALIFY

    @property
    def is_shipped(self) -> bool:
        """Whether nothing of it is a council's."""
        return all(one.path.parent == SHIPPED for one in (self, *self.shared))

    @property
    def file_name(self) -> str:
        """The file's name, as it is told."""
        return f"{FOLDER}/{self.path.name}"


@dataclass(frozen=True)
class Prepared:
    """What a SELECT gave: its columns, the rows of each table and its own, and whether it carries file and line."""

    path: Path
    columns: tuple[str, ...]
    rows_in: dict[str, int]
    rows_out: int
    carries_place: bool


def file_of(feed: str, settings: Settings) -> Path | None:
    """The file that prepares a feed (`source__feed`); None when there is none."""
    path = settings.config_file(FOLDER, f"{feed}.sql", shipped=SHIPPED / f"{feed}.sql")
    return path if path.is_file() else None


def load(feed: str, settings: Settings) -> Preparation | None:
    """The preparation in force of a feed (`source__feed`); None when there is none. Raises PrepareError."""
    path = file_of(feed, settings)
    if not path:
        return None
    return parse(path, source.source_names(settings), shared_files(settings), tables=source.tables_by_name(settings))


def shared_files(settings: Settings) -> dict[str, Path]:
    """The files of the shared SELECTs in force, by name."""
    folders = [SHIPPED, *([settings.config / FOLDER] if settings.config else [])]
    paths = (path for folder in folders for path in sorted(folder.glob("*.sql")))
    return {path.stem: path for path in paths if SHARED.fullmatch(path.name) and path != MACROS}


def load_all(settings: Settings) -> list[Preparation]:
    """Every preparation in force, in order of name. Raises PrepareError."""
    folders = [SHIPPED, *([settings.config / FOLDER] if settings.config else [])]
    feeds = sorted({path.stem for folder in folders for path in folder.glob("*__*.sql")})
    return [found for feed in feeds if (found := load(feed, settings))]


def parse(
    path: Path,
    sources: list[str],
    shared: Mapping[str, Path] | None = None,
    beside: Iterable[str] = (),
    tables: Mapping[str, str] | None = None,
) -> Preparation:
    """Read and check one preparation, or a shared SELECT, which may name no other. Raises PrepareError.

    `shared` are the shared SELECTs that it may name; `beside`, those that stand beside a shared one; `tables`, those
    that sources with a reader give, each with its source.
    """
    shared, beside, tables = shared or {}, set(beside), tables or {}
    known = f"Sources: {', '.join(sources) or 'none'}."
    if shared:
        known = f"{known} Shared SELECTs: {', '.join(shared)}."
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PrepareError(f"{path}: it is no UTF-8 text. Save it as UTF-8.") from None
    if "\0" in text:
        raise PrepareError(f"{path}: it has signs that are no text. Save it as UTF-8.")
    if len(text) > LARGEST:
        raise PrepareError(f"{path}: it has more than {LARGEST:,} characters.")
    tree = database.syntax_of(text)
    if tree.get("error"):
        raise PrepareError(_syntax_error(path, text, tree))
    if len(tree.get("statements", ())) != 1:
        raise PrepareError(f"{path}: it must be one SELECT, and has {len(tree.get('statements', ()))} statements.")
    nodes = list(_nodes(tree))
    inner = {str(entry["key"]).casefold() for each in nodes for entry in _entries(each)}
    inner |= {str(each["cte_name"]).casefold() for each in nodes if "cte_name" in each}
    used: dict[str, None] = {}
    for each in nodes:
        where = f"{path}, line {line_of(text, each.get('query_location'))}"
        if each.get("sample"):
            raise PrepareError(f"{where}: a sample is another one each night. Take all rows, or say which by WHERE.")
        if each.get("type") == "BASE_TABLE":
            name = str(each["table_name"])
            is_plain = not (each.get("schema_name") or each.get("catalog_name"))
            if is_plain and name.casefold() in inner:
                continue
            if is_plain and name.casefold() in beside:
                raise PrepareError(
                    f"{where}: {name} is a shared SELECT, and so is this one. Such a SELECT reads sources only. Write "
                    f"WITH {name} AS (…) here, with what {FOLDER}/{name.casefold()}.sql says."
                )
            if not is_plain or name.casefold() not in (*sources, *tables, *shared, GIAS):
                raise PrepareError(
                    f"{where}: {name} is no source. {known} A source is declared in {source.FOLDER}/<name>.yml; a "
                    f"preparation reads nothing else but a shared SELECT of {FOLDER}/<name>.sql, which reads sources."
                )
            used[name.casefold()] = None
        function = str(each.get("function_name", "")).casefold()
        if each.get("type") == "COLUMN_REF" and str(each["column_names"][-1]).casefold() in MOMENTS:
            function = str(each["column_names"][-1]).casefold()
        if function in FORBIDDEN:
            raise PrepareError(
                f"{where}: {function} may not be used: it reads something else than the sources, or gives another "
                "result another night. A file's day is in the column _data_date."
            )
        if each.get("type") == "TABLE_FUNCTION":
            called = str((each.get("function") or {}).get("function_name", "")).casefold()
            if called not in TABLE_FUNCTIONS:
                raise PrepareError(f"{where}: {called} may not be read from. {known}")
        if each.get("type") == "SHOW_REF":
            raise PrepareError(f"{where}: it must be one SELECT that gives rows of the feed.")
    names_gias = GIAS in used or any(str(each.get("function_name", "")).casefold() == "urn_of" for each in nodes)
    used.pop(GIAS, None)
    named = tuple(parse(shared[name], sources, beside=shared, tables=tables) for name in used if name in shared)
    names = dict.fromkeys(
        [tables.get(name, name) for name in used if name not in shared]
        + [name for one in named for name in one.sources]
    )
    of_reader = {name: tables[name] for name in used if name in tables} | {k: v for one in named for k, v in one.tables}
    if not names:
        raise PrepareError(f"{path}: it names no source. {known}")
    widens = any(each.get("class") == "PIVOT" or each.get("type") == "PIVOT" for each in nodes)
    widens = widens or any(str(each.get("function_name", "")).casefold() == "unnest" for each in nodes)
    select = text.rstrip().rstrip(";")
    return Preparation(
        path.stem,
        path,
        select,
        tuple(names),
        names_gias or any(one.uses_gias for one in named),
        widens or any(one.makes_rows_of_columns for one in named),
        _fingerprint("".join([text, *(one.fingerprint for one in named)])),
        named,
        tuple(of_reader.items()),
        _merged(nodes, names, named),
    )


def _merged(nodes: list[dict[str, Any]], names: Iterable[str], shared: Iterable[Preparation]) -> tuple[str, ...]:
    """The sources below a GROUP BY, a DISTINCT, a UNION without ALL or a QUALIFY, there or in a shared SELECT."""
    inner = {str(entry["key"]).casefold(): entry["value"] for each in nodes for entry in _entries(each)}
    waiting: list[Any] = [each for each in nodes if _makes_one_of_several(each)]
    found: set[str] = set()
    while waiting:
        for each in _nodes(waiting.pop()):
            name = str(each.get("table_name", "")).casefold()
            if each.get("type") == "BASE_TABLE" and name not in found:
                found.add(name)
                waiting += [inner[name]] if name in inner else []
    for one in shared:
        found |= {*one.merges, *(one.sources if one.feed in found else ())}
    return tuple(name for name in names if name in found)


def _makes_one_of_several(node: dict[str, Any]) -> bool:
    is_grouped = node.get("group_sets") or node.get("aggregate_handling") == "FORCE_AGGREGATES" or node.get("qualify")
    is_distinct = any(each.get("type") == "DISTINCT_MODIFIER" for each in node.get("modifiers") or ())
    is_union = node.get("type") == "SET_OPERATION_NODE" and not node.get("setop_all")
    return bool(is_grouped or is_distinct or is_union)


def run(
    preparation: Preparation,
    tables: dict[str, list[Path]],
    folder: Path,
    memory: int | None = None,
    columns: Mapping[str, Sequence[str]] | None = None,
    parts: Mapping[str, tuple[str, Sequence[str]]] | None = None,
) -> Prepared:
    """What the SELECT gives over tables that lie in Parquet files, in a file of an empty folder. Raises Refusal.

    `columns` are those that a table has at least; a table that stands there alone is empty. `parts` are tables that are
    some of the rows of their files, with some of the columns: the value of `_table`, and which.
    """
    folder.mkdir()
    job = {
        "select": preparation.select,
        "shared": [(one.feed, one.select) for one in preparation.shared],
        "macros": MACROS.read_text(encoding="utf-8"),
        "parts": {name: [of, list(held)] for name, (of, held) in (parts or {}).items() if name in tables},
        "tables": {name: [str(path) for path in paths] for name, paths in tables.items()},
        "columns": {name: list(held) for name, held in (columns or {}).items() if held or name in tables},
        "memory": memory or settings_memory() or MEMORY,
        "seconds": SECONDS,
    }
    said = _of_ours(folder, job) if preparation.is_shipped else _apart(preparation, folder, job)
    if "error" in said:
        raise _refusal(preparation, said["error"])
    return Prepared(
        folder / "result.parquet", tuple(said["columns"]), said["rows"], said["rows_out"], said["carries_place"]
    )


def _of_ours(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What came of a SELECT that ships, which needs no process of its own: to start one takes longer than most do."""
    from extract.own import closed

    return closed.run(folder, job)


def _apart(preparation: Preparation, folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """What came of a SELECT of a council's, in a process of its own."""
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "extract.own.closed", str(folder)],
            cwd=PROJECT,
            env={},  # which may hold a password
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise _too_much(preparation) from None
    if -ended.returncode in _STOPPED:
        raise _too_much(preparation)
    if ended.returncode:
        raise RunError(
            f"{preparation.file_name}: the program that runs it was ended (exit status {ended.returncode}), as the "
            "system does when memory or disk runs out. Make room; then run this step again."
        )
    said: dict[str, Any] = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    return said


def line_of(text: str, position: object) -> int:
    """The line of a position in SQL text, from 1; positions count bytes."""
    at = position if isinstance(position, int) and position < 1 << 32 else 0
    return text.encode()[:at].count(b"\n") + 1


def _too_much(preparation: Preparation) -> Refusal:
    return Refusal(
        TOO_MUCH,
        f"{preparation.file_name} took more than {SECONDS} seconds, or more memory than there is. It may join every "
        "row with every other, or never end.",
        "Look at its joins and at WITH RECURSIVE; join by a key. Or raise SEND_MEMORY.",
    )


def _refusal(preparation: Preparation, error: dict[str, Any]) -> Refusal:
    kind, message, position = error.get("kind"), error.get("message"), error.get("position")
    if kind == "Out of Memory":
        return _too_much(preparation)
    preparation = next((one for one in preparation.shared if one.feed == error.get("shared")), preparation)
    where = preparation.file_name
    if position is not None:
        where += f", line {line_of(preparation.select, position)}"
        if word := _word_at(preparation.select, position):
            where += f", at {word}"
    if not message:
        message = f"a value cannot be made what the SELECT asks for ({kind}). The value is not quoted here."
        fix = "Use try_cast, try_strptime or any_date there, which leave blank what they cannot read."
    else:
        fix = f"Put {preparation.file_name} right; make check tries it before the night."
    return Refusal(FAILED, f"{where}: {message}", fix)


def _word_at(text: str, position: int) -> str:
    """The name or sign at a position in SQL text: an identifier, never what stands in quotation marks of a text."""
    rest = text.encode()[position:].decode("utf-8", "ignore")
    found = re.match(r'"[^"\n]{1,80}"|[A-Za-z_][\w.]{0,80}', rest)
    return found[0] if found else ""


def _syntax_error(path: Path, text: str, tree: dict[str, Any]) -> str:
    message, position = str(tree.get("error_message", "")), tree.get("position")
    if "Only SELECT" in message:
        return f"{path}: it must be one SELECT, and is another statement. Write SELECT … FROM a source."
    at = f", line {line_of(text, int(str(position)))}" if str(position).isdecimal() else ""
    return f"{path}{at}: {message or 'it is no SQL'}."


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree."""
    waiting = [tree]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each


def _entries(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries of the map of a WITH."""
    held = node.get("cte_map")
    return list(held.get("map", ())) if isinstance(held, dict) else []


def _fingerprint(text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for each in (MACROS, HERE / "closed.py", HERE / "prepare.py"):
        digest.update(each.read_bytes())
    return digest.hexdigest()[:12]
