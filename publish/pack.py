"""The pack of one as-at date: workbooks, report, issues and manifest, in out/<D>/, replaced as one."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

import send_ready
from publish.excel import items_book, lists_book
from publish.issues import compare, issues_book
from publish.kpi import kpi_book
from publish.report import readiness
from publish.sen2 import beside
from publish.sen2 import pack as sen2_pack
from send_ready import configuration, confined, files, layout
from send_ready.database import literal
from send_ready.folders import point, replaced
from send_ready.home import Lock
from send_ready.layout import council
from send_ready.runs import SOURCES, Run, feed_results, step
from send_ready.settings import PROJECT, Settings
from warehouse import council_files, own_seeds, run_data

MANIFEST = "manifest.json"
OF_A_FILE = ("file_name", "data_date", "sha256", "status", "reason", "is_in_use", "lines")
COUNTS = ("rows_in_file", "rows_accepted", "rows_quarantined", "rows_duplicate")
OF_A_FEED = ("title", "owner", "status", "is_stale", "stale_after_days", "data_date", "file_name", "sha256")
COLUMNS = ("columns_missing", "columns_extra")


class AccountingError(RuntimeError):
    """The rows of a file are not all accounted for. The text names the feed and the file."""


def publish(run: Run, settings: Settings, serial_of: Callable[[int], int] = sen2_pack.first) -> Path:
    """The folder of the pack of the run's as-at date, which is written; out/latest then leads to the newest pack.

    `serial_of` gives the number of the next release of a year's SEN2 return. Raises AccountingError, and leaves the
    earlier pack, when a file's rows do not add up.
    """
    out = run.out.parent
    with files.locked(run.home / Lock.PUBLISH), step(run, "publish") as doing:
        for half in out.glob(".[0-9]*.partial"):  # of any day, left by a process that was killed
            confined.remove_tree(half)
        previous = newest(out, until=run.as_at - timedelta(days=1))
        with replaced(run.out) as folder, run_data.opened(run) as con:
            # Before the page, which leads to its files.
            about_sen2 = sen2_pack.write(folder / sen2_pack.FOLDER, con, run, settings, serial_of)
            beside.write(folder / sen2_pack.FOLDER, con, run, settings)
            manifest = {**write(folder, con, run, settings, previous), "sen2": about_sen2}
            seal(folder, manifest)
        point(out / "latest", newest(out) or run.out)
        doing.rows = sum(manifest["rows"].values())
        doing.note = f"{sum(manifest['issues'].values()):,} issues"
    return run.out


def write(
    folder: Path, con: DuckDBPyConnection, run: Run, settings: Settings, previous: Path | None, seed: str = ""
) -> dict[str, Any]:
    """What the manifest will say of a pack, whose files are written into a folder, compared with an earlier pack.

    `seed` chooses the suggested tracking set; without one the as-at date does. Whoever adds files of their own does so
    before `seal`. Raises AccountingError when rows are unaccounted for.
    """
    manifest = about(con, run, settings, previous)
    lists_book.write(folder / lists_book.NAME, con, run, settings)
    issues_book.write(folder / issues_book.NAME, con, run, previous and previous / compare.NAME)
    items = items_book.write(folder / items_book.NAME, con, run, seed or run.as_at.isoformat())
    compare.write_issues(folder / compare.NAME, con, run.as_at)
    kpi_book.write(folder / kpi_book.NAME, con, run)
    readiness.write(folder / readiness.NAME, con, run, manifest, previous)
    return {**manifest, "further_items": items}


def about(con: DuckDBPyConnection, run: Run, settings: Settings, previous: Path | None) -> dict[str, Any]:
    """What a manifest says of a run, but for the files that were made. Raises AccountingError."""
    return {
        "as_at": run.as_at.isoformat(),
        "la_code": run.la_code,
        "council": council(run.la_code),
        "run_id": run.run_id,
        "built_at": _built_at(),
        "code_version": send_ready.__version__,
        "layout_version": layout.in_force(settings.config).version,
        "code_style": settings.code_style,
        "configuration": _configuration(run, settings),
        "rows": run_data.list_rows(con),
        "issues": run_data.issues_by_severity(con),
        "errors_on_lists": run_data.errors_on_lists(con),
        "inputs": _inputs(run),
        **_sources(run),
        "unrecognised": _unrecognised(con, run),
        "compared_with": previous.name if previous else None,
    }


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, with the size and the SHA-256 of every file in the folder, and in those below."""
    outputs = {
        path.relative_to(folder).as_posix(): {"sha256": files.sha256(path), "bytes": path.stat().st_size}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    files.write_json(folder / MANIFEST, {**manifest, "outputs": outputs})


def seal_again(folder: Path) -> None:
    """Write the manifest of a pack anew, after files were added to it."""
    manifest = files.read_json(folder / MANIFEST)
    (folder / MANIFEST).unlink()
    seal(folder, {name: value for name, value in manifest.items() if name != "outputs"})


def newest(out: Path, until: date = date.max) -> Path | None:
    """The nightly pack of the latest day up to a date; None when there is none."""
    packs = (path for path in out.glob("*") if _is_date(path.name) and date.fromisoformat(path.name) <= until)
    return max(packs, default=None)


def _built_at() -> str:
    """When the pack was made: the only thing in it that differs when a day is built again."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _is_date(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _inputs(run: Run) -> list[dict[str, Any]]:
    """Every feed, and every file that the run considered for it, with all its rows accounted for."""
    inputs = []
    for result in feed_results(run):
        feed = f"{result['source']}.{result['feed']}"
        considered = [{name: file.get(name) for name in (*OF_A_FILE, *COUNTS)} for file in result["files"]]
        for file in considered:
            _check_rows(feed, file)
        _check_rows(feed, result)
        named = {name: result[name] for name in (*OF_A_FEED, *COUNTS, *COLUMNS)}
        prepared = {"prepared": result["prepared"]} if result.get("prepared") else {}
        inputs.append({"feed": feed, **named, **prepared, "files": considered})
    return inputs


def _sources(run: Run) -> dict[str, Any]:
    """The council's own sources, their files and what became of their rows; nothing where there are none."""
    path = run.folder / SOURCES
    found = files.read_json(path) if path.exists() else []
    hidden = ("landing_path", "typed_path")
    return {
        "sources": [
            {**each, "files": [{k: v for k, v in file.items() if k not in hidden} for file in each["files"]]}
            for each in found
        ]
    } if found else {}  # fmt: skip


def _check_rows(feed: str, file: dict[str, Any]) -> None:
    """Every row that was read is accepted, quarantined or a duplicate."""
    read, accepted, quarantined, duplicate = (file[name] for name in COUNTS)
    if read != accepted + quarantined + duplicate:
        raise AccountingError(
            f"{feed}: {file['file_name']} has {read} rows, but {accepted} accepted + {quarantined} quarantined + "
            f"{duplicate} duplicate do not come to that. The pack was not replaced. This is a fault of the program: "
            "report it with the file's header."
        )
    if lines := file.get("lines"):
        total = lines["total"]  # by its name: a record has its parts in the order of the alphabet
        if total != (counted := sum(lines.values()) - total):
            raise AccountingError(
                f"{feed}: {file['file_name']} has {total} lines, and {counted} are accounted for. The pack was not "
                "replaced. This is a fault of the program: report it with the file's header."
            )


def _unrecognised(con: DuckDBPyConnection, run: Run) -> list[dict[str, str]]:
    """Files of the inbox that no feed knows: they are named, and nothing of them is used."""
    if not run.issues("inbox").exists():
        return []
    source = f"read_parquet({literal(run.issues('inbox'))})"
    rows = con.execute(f"SELECT file_name, message FROM {source} WHERE rule = 'F-17' ORDER BY ALL").fetchall()
    return [{"file_name": name, "status": "unrecognised", "reason": reason} for name, reason in rows]


def _configuration(run: Run, settings: Settings) -> dict[str, Any]:
    """The hash of every file of configuration in force, and of all together; which are the council's, and set aside."""
    found = dict(_configuration_files(settings))
    hashes = {name: files.sha256(path) for name, path in sorted(found.items())}
    together = hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()
    own = [name for name, path in sorted(found.items()) if settings.config and path.is_relative_to(settings.config)]
    settled = configuration.settled_for(run)
    return {
        "sha256": together,
        "files": hashes,
        "own_files": own,
        "set_aside": [
            {"file_name": each.name, "reason": each.reason, "in_force": each.instead} for each in settled.set_aside
        ],
    }


def _configuration_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """By the name that it has in SEND_CONFIG, or would have, each file in force."""
    for name, kind in council_files.kind_by_name(settings.config).items():
        own = settings.config / name if settings.config else None
        if own and own.is_file():
            yield name, own
        elif shipped := council_files.shipped_file(name, kind):
            yield name, shipped
    for path in PROJECT.glob("dbt_project/seeds/*/*.csv"):
        if path.stem not in own_seeds.seed_names():
            yield f"seeds/{path.name}", path
