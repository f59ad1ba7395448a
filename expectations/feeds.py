"""Raw rules on the landed feeds: what data entry should put right, and files that are wrong as a whole.

A failed `stop` rule refuses that file and the one before it is validated and used. Where there is none, the newest
is used all the same, and the rule is an error: nobody is left off a list because nothing else is there. Nothing that
happens to one feed stops another.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from expectations import engine, frames, gx
from expectations.engine import Checked, EmptyFrame, Outcome
from expectations.findings import could_not_run, none_could_run, summary_of
from expectations.rules import Rule, named, rules_in
from extract import contract as contracts
from extract.choose import extract
from extract.contract import Contract
from extract.refusal import FAILED_RULE
from send_ready import database, files, issues, runs, systems
from send_ready.database import identifier, literal
from send_ready.issues import Issue
from send_ready.runs import Run
from send_ready.settings import Settings
from warehouse import seeds

SHIPPED = Path(__file__).with_name("feeds")
LISTED = 1_000  # failing rows of one rule that are listed one by one; the rest are counted
NO_ROWS, NOT_CHECKED = "S-00", "S-01"
NOT_USED = "The file is not used."
USED = "There is no other file, so this one is used all the same."


def rules_of(feed: str, settings: Settings) -> list[Rule]:
    """The rules in force for `source.feed`; none when no file has been written for it. Raises RuleError."""
    name = f"{feed.replace('.', '__', 1)}.yml"
    path = settings.config_file("expectations", "feeds", name, shipped=SHIPPED / name)
    return named(rules_in(path), systems.names(settings.config)) if path.exists() else []


def check_rules(contract: Contract, settings: Settings) -> None:
    """Raise RuleError for a rule in force that could not be run, by the columns that it reads or by what it expects."""
    columns = {column.name for column in contract.columns}
    engine.must_run(rules_of(contract.id, settings), frames.readable(contract.id, columns))


def validate_feeds(run: Run, settings: Settings) -> int:
    """How many issues the rules find in the file in use of every feed; written to run.issues("validate_feeds")."""
    gx.load()
    found: list[Issue] = []
    for contract in contracts.load_all(settings):
        result = runs.feed_result(run, contract.id)
        if not result:
            continue
        try:
            with runs.step(run, "validate-feeds", contract.id) as step:
                step.rows, new = _validate(run, settings, contract, result)
                step.note = summary_of(new)
        except Exception as error:  # whatever it is, it must not stop the other feeds
            new = [none_could_run(error, "Source", NOT_CHECKED, feed=contract.id)]
        found += new
    return issues.write(run.issues("validate_feeds"), found)


def _validate(run: Run, settings: Settings, contract: Contract, result: dict[str, Any]) -> tuple[int, list[Issue]]:
    """Rows checked and issues of one feed, going back file by file for as long as a stop rule fails."""
    if any(_is_refused_by_rule(file) for file in result["files"]):
        result = extract(run, settings, contract.id)  # this step ran before: begin again with the newest file
    rules = rules_of(contract.id, settings)
    newest = result
    refused: dict[str, str] = {}
    found: list[Issue] = []
    while result["typed_path"]:
        rows, new = _check(run, settings, contract, rules, result)
        found += new
        stops = [issue for issue in new if issue.severity == "stop"]
        if not stops:
            return rows, found
        refused[result["sha256"]] = " ".join(f"{issue.rule} {issue.message}" for issue in stops)
        result = extract(run, settings, contract.id, without=set(refused))
        _record_why(run, contract, refused)
    if refused and (checked := _check(run, settings, contract, rules, newest, is_only=True))[0]:
        extract(run, settings, contract.id, from_inbox=False)
        return checked
    return 0, found


def _is_refused_by_rule(file: dict[str, Any]) -> bool:
    return file["status"] == "refused" and str(file["reason"] or "").startswith(FAILED_RULE)


def _record_why(run: Run, contract: Contract, refused: dict[str, str]) -> None:
    """Write into the feed's result which rule refused which file."""
    path = run.feed_result(contract.id)
    result = files.read_json(path)
    for file in result["files"]:
        if file.get("sha256") in refused:
            file |= {"status": "refused", "reason": f"{FAILED_RULE} {refused[file['sha256']]}"}
    files.write_json(path, result | {"status": "refused", "is_stale": True})


def _check(
    run: Run,
    settings: Settings,
    contract: Contract,
    rules: list[Rule],
    result: dict[str, Any],
    *,
    is_only: bool = False,
) -> tuple[int, list[Issue]]:
    """Rows and issues of one typed file. Only a stop issue when a stop rule fails; but an error when it `is_only`."""
    source = f"read_parquet({literal(run.home / result['typed_path'])}, file_row_number = true)"
    # Extract has said so once; every row would fail the same way.
    absent = {column.name for column in contract.columns if column.is_quiet} - {*result.get("columns_besides", ())}
    absent |= {*result["columns_missing"], *result.get("columns_derived", ())}
    rules = [rule for rule in rules if not rule.needs & absent]
    with database.scratch(run.folder / "spill") as con:
        columns = {column for rule in rules for column in rule.needs}
        seed = partial(seeds.rows, settings=settings)
        frame = frames.frame_of(con, source, "file_row_number", contract.id, columns, run.as_at, seed)
        try:
            checked = engine.check(contract.id, frame, rules)
        except EmptyFrame:
            return 0, [_no_rows(contract, result)]
        stops = [outcome for outcome in checked.failed if outcome.rule.severity == "stop"]
        engine.write_results(run.folder / "rules" / "feeds" / f"{contract.name}.json", checked, len(frame))
        stopped = [_stop(contract, result, outcome, is_only=is_only) for outcome in stops]
        if stops and not is_only:
            return len(frame), stopped
        rest = replace(checked, outcomes=[each for each in checked.outcomes if each not in stops])
        return len(frame), [*stopped, *_issues(con, source, contract, result, rest)]


def _about(contract: Contract, result: dict[str, Any], outcome: Outcome) -> dict[str, Any]:
    rule = outcome.rule
    headers = {column.name: column.headers[0] for column in contract.columns}
    return {
        "category": "Source",
        "rule": rule.code,
        "severity": rule.severity,
        "message": rule.message,
        "fix": rule.fix,
        "owner": rule.owner or contract.owner,
        "feed": contract.id,
        "column_name": headers.get(rule.column, rule.column),
        "file_name": result["file_name"],
    }


def _stop(contract: Contract, result: dict[str, Any], outcome: Outcome, *, is_only: bool) -> Issue:
    about = _about(contract, result, outcome)
    about["message"] += f" {USED if is_only else NOT_USED}"
    return Issue(**about | ({"severity": "error"} if is_only else {}), count=len(outcome.rows))


def _no_rows(contract: Contract, result: dict[str, Any]) -> Issue:
    return Issue(
        "Source",
        NO_ROWS,
        "stop",
        f"No row of the file can be used. {NOT_USED}",
        "The report is probably wrong. Check it, then export again.",
        contract.owner,
        feed=contract.id,
        file_name=result["file_name"],
    )


def _issues(
    con: DuckDBPyConnection, source: str, contract: Contract, result: dict[str, Any], checked: Checked
) -> Iterator[Issue]:
    for outcome in checked.broken:
        yield could_not_run(outcome, "Source", feed=contract.id, file_name=result["file_name"])
    listed = {row for outcome in checked.failed for row in outcome.rows[:LISTED]}
    of_row = "_file" if result.get("prepared") else literal(result["file_name"])
    records = _records(con, source, contract, listed, of_row)
    for outcome in checked.failed:
        about = _about(contract, result, outcome)
        if not outcome.rows:  # a rule about the whole, such as a mean
            yield Issue(**about)
        rest = len(outcome.rows) - LISTED
        if rest > 0:
            message = (
                f"{outcome.rule.message} {len(outcome.rows):,} rows in all: {LISTED:,} are listed one by one, "
                f"and this line stands for the other {rest:,}."
            )
            yield Issue(**about | {"message": message}, count=rest)
        for row in outcome.rows[:LISTED]:
            record_id, line_no, file_name = records[row]
            yield Issue(**about | {"file_name": file_name}, record_id=record_id, line_no=line_no)


def _records(
    con: DuckDBPyConnection, source: str, contract: Contract, rows: Iterable[int], file_name: str
) -> dict[int, tuple[str, int, str]]:
    """For row numbers of the typed file: the key as `column=value; column=value`, and line and file of the export.

    A quiet column of the key is named only where it says something. `file_name` is SQL of the latter.
    """
    quiet = {column.name for column in contract.columns if column.is_quiet}
    parts = [
        f"{literal(name + '=')} || {identifier(name)}::VARCHAR"
        if name in quiet
        else f"{literal(name + '=')} || coalesce({identifier(name)}::VARCHAR, '')"
        for name in contract.key
    ]
    key = f"concat_ws('; ', {', '.join(parts)})"
    wanted = sorted(rows)
    if not wanted:
        return {}
    found = con.execute(
        f"SELECT file_row_number, {key}, _line_no, {file_name} FROM {source} "
        "WHERE file_row_number IN (SELECT unnest(?::BIGINT[]))",
        [wanted],
    ).fetchall()
    return {row: (record_id, line_no, named) for row, record_id, line_no, named in found}
