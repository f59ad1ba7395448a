"""Guards broken on purpose, one at a time in a copy of the checkout, and whether the tests that should see it do.

usage: python -m tests.mutations [NAME ...] [--list]

Without names all of them, which takes half an hour. Each is a replacement of text in the one file that holds it, so
that it follows a file that moves; one whose text is nowhere, or in several files, is an error and has to be put right
here. The tests are first run without any of them. The exit status is 1 when one is not caught.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SKIPPED = {"tests", "docs", "data", "build", ".git", ".venv", ".venv-analyst", ".uv", ".hypothesis", "bench", "tools"}
SUFFIXES = (".py", ".sql", ".yml", ".csv")


@dataclass(frozen=True)
class Mutation:
    """A guard, the text that makes it, what stands there once it is broken, and the files of tests that should see."""

    name: str
    what: str
    old: str
    new: str
    tests: tuple[str, ...]  # a file's name, or file::part of a test's name


MUTATIONS = (
    Mutation(
        "host-key",
        "the key of any SFTP server is taken",
        "if shown not in ([pinned] if isinstance(pinned, str) else pinned):",
        "if not shown:",
        ("test_sftp.py::key",),
    ),
    Mutation(
        "redirect",
        "what was asked of one host goes to another",
        "if _server(target) != _server(request.url):",
        "if not target:",
        ("test_https.py::another_host",),
    ),
    Mutation(
        "half",
        "half a file that was fetched stands in the inbox",
        "if file.size is not None and size != file.size:",
        "if file.size == -1:",
        ("test_transfer.py::half",),
    ),
    Mutation(
        "lines",
        "a line below a stray quotation mark is not looked at as a row",
        "        if count < 2 <= layout.width:\n            return False\n",
        "        return False\n",
        ("test_lines.py::stray_marks",),
    ),
    Mutation(
        "mixture",
        "a file that was written to while it was read lands",
        "if count != before.st_size or len(versions) > 1:",
        "if count < 0:",
        ("test_inbox_mounts.py::no_mixture",),
    ),
    Mutation(
        "supersede",
        "of two files of one date the earlier is used",
        "return (self.data_date or dt.date.min, self.landed_at)",
        'return (self.data_date or dt.date.min, "")',
        ("test_choose.py::supersedes",),
    ),
    Mutation(
        "configuration",
        "a value that stands twice in a crosswalk is taken",
        "if _rest(rules, row) != _rest(rules, before):",
        "if False:",
        ("test_configuration.py::xwalk_sex",),
    ),
    Mutation(
        "end before start",
        "an end before its start ends what it stands on",
        "{% macro end_of(start_date, end_date) -%}",
        "{% macro end_of(start_date, end_date) -%}{{ return(end_date) }}",
        ("test_unit_tests.py",),
    ),
    Mutation(
        "membership",
        "children out of the authority's schools are on List 2",
        "valued.is_on_roll_in_own_la or (valued.is_on_roll",
        "valued.is_on_roll or (valued.is_on_roll",
        ("test_golden.py",),
    ),
    Mutation(
        "no GIAS",
        "without GIAS nobody is on List 2",
        "or (valued.is_on_roll and not {{ was_ever_received('gias.establishments') }})",
        "",
        ("test_build.py::without_gias",),
    ),
    Mutation(
        "grain",
        "the key test of a layer lets a doubled row pass",
        "        count(*) > 1\n",
        "        count(*) > 2\n",
        ("test_build.py::doubled_key",),
    ),
    Mutation(
        "references",
        "a fact may lead to nobody",
        "    where\n        {{ column }} is not null\n        and {{ column }} not in (select",
        "    where\n        {{ column }} is null\n        and {{ column }} not in (select",
        ("test_build.py::without_its_person",),
    ),
    Mutation(
        "KPI",
        "plans with an exception count in the denominator of K01",
        "placed.is_issued and placed.is_ours and not placed.has_twenty_week_exception as k01_denominator",
        "placed.is_issued and placed.is_ours as k01_denominator",
        ("test_kpi_council.py",),
    ),
    Mutation(
        "engine",
        "a rule that could not be run counts as passed",
        "yield Outcome(rule, False, broken=_stopped(",
        "yield Outcome(rule, True, broken=None and _stopped(",
        ("test_engine.py",),
    ),
    Mutation(
        "suppression",
        "what is left over between two figures is not looked at",
        "*(_left(rest, key, known) for rest in REST if key[0] in rest)]",
        "]",
        ("test_suppression.py",),
    ),
    Mutation(
        "published names",
        "the database for all holds who children are",
        "_fill(con, run, published.FOR_ALL)",
        "_fill(con, run, published.SCHEMAS)",
        ("test_serve.py",),
    ),
    Mutation(
        "swap",
        "a pack is replaced in two moves",
        "elif not files.exchange(partial, target):",
        "elif True:",
        ("test_folders.py",),
    ),
    Mutation(
        "link first",
        "the published warehouse is shown before it is whole",
        "    try:\n        doing.rows = _write(version, run)\n",
        '    try:\n        point(settings.home / "serving", version)\n        doing.rows = _write(version, run)\n',
        ("test_serve.py::never_meets_two_runs",),
    ),
    Mutation(
        "landing",
        "an export is on record before it is in the landing",
        "            os.replace(partial, target)\n        _put_on_record(landed, settings)\n",
        "            _put_on_record(landed, settings)\n            os.replace(partial, target)\n",
        ("test_kills.py::a_landing_killed",),
    ),
    Mutation(
        "unfinished",
        "a warehouse whose build was cut off counts as whole",
        "    run.unfinished.touch()\n",
        "",
        ("test_kills.py::whose_build_did_not_end_well",),
    ),
    Mutation(
        "locks",
        "two processes do at once what one may do alone",
        "            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        "            pass\n",
        ("test_at_once.py",),
    ),
    Mutation(
        "Airflow's database",
        "a broken SQLite of `make run` is used as it is",
        '            con.execute("SELECT version_num FROM alembic_version")\n',
        "            return True\n",
        ("test_airflow_database.py::make_run",),
    ),
    Mutation(
        "outlive",
        "steps outlive an Airflow that was killed",
        "if process.environ().get(PLAYED_BY) == str(os.getpid()):",
        "if False:",
        ("test_kills.py::outlives",),
    ),
    Mutation(
        "approval",
        "whoever answered counts as an approver",
        'if each["id"] == given.get("id")), None)',
        "if each), None)",
        ("test_approval.py",),
    ),
    Mutation(
        "late",
        "no release is late",
        '"is_late": late > 0,',
        '"is_late": False,',
        ("test_release.py",),
    ),
    Mutation(
        "proof",
        "a released file that was changed is not noticed",
        "            problems += _changed_since(root, entry)\n",
        "            pass\n",
        ("test_proof.py",),
    ),
    Mutation(
        "draft",
        "a draft of a return is released",
        'if made["is_draft"] and not frozen.manifest["request"]["is_rehearsal"]:',
        "if False:",
        ("test_sen2_release.py::frozen_draft",),
    ),
    Mutation(
        "serial",
        "two releases of a return have one serial number",
        'if made["serial"] != (expected := next_serial(log, frozen.notification)):',
        "if (expected := 0) == 1:",
        ("test_sen2_release.py::one_serial_number",),
    ),
    Mutation(
        "XCom",
        "steps hand things on by XCom",
        '"do_xcom_push": False,',
        '"do_xcom_push": True,',
        ("test_annex_a_request.py::by_xcom",),
    ),
    Mutation(
        "links",
        "a removal follows a link",
        "_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC",
        "_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC",
        ("test_records.py::on_the_way",),
    ),
    Mutation(
        "logs",
        "an error of a library is logged with the value that it quotes",
        'return f": {kinds(str(error))}" if module in ("duckdb", "_duckdb") else ""',
        'return f": {error}"',
        ("test_private.py",),
    ),
    Mutation(
        "open home",
        "a SEND_HOME that others can read is used",
        "ownership.check(given.home)",
        "ownership.check",
        ("test_house.py",),
    ),
    Mutation(
        "archive",
        "an archive whose files are not those on its list is restored",
        "if wanted != found or any(",
        "if any(",
        ("test_backup.py",),
    ),
    Mutation(
        "disk",
        "what the disk did not keep as it was written is restored",
        'if files.sha256(path) != each["sha256"]:',
        "if False:",
        ("test_backup.py::disk_did_not_keep",),
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="say which there are")
    parser.add_argument("--mutants-only", action="store_true", help="leave out the run without any of them")
    asked = parser.parse_args()
    chosen = [each for each in MUTATIONS if not asked.names or each.name in asked.names]
    if unknown := {*asked.names} - {each.name for each in chosen}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    if asked.list:
        print(*(f"{each.name:<20}{each.what}" for each in chosen), sep="\n")
        return 0
    missed = 0
    with tempfile.TemporaryDirectory(prefix="mutations_") as scratch:
        copy = copied(Path(scratch, "checkout"))
        for test in [] if asked.mutants_only else sorted({test for each in chosen for test in each.tests}):
            if (clean := run(copy, [test])).returncode:
                print(clean.stdout[-3000:], f"{test} fails without any mutation.", sep="\n")
                return 1
        for each in chosen:
            with broken(copy, each) as place:
                ended = run(copy, each.tests)
            seen = re.findall(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.MULTILINE)
            missed += not seen
            told = f"caught by {seen[0]}" if seen else f"NOT CAUGHT\n{ended.stdout[-1000:]}"
            print(f"{each.name:<20}{each.what} ({place}): {told}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} were caught.")
    return 1 if missed else 0


def copied(copy: Path) -> Path:
    """The checkout as it stands, in another place, with the same environment."""
    shutil.copytree(
        PROJECT, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", ".venv*", ".uv", "data", ".*_cache")
    )
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    (copy / ".venv-analyst").symlink_to(PROJECT / ".venv-analyst")
    return copy


def holding(checkout: Path, text: str) -> list[Path]:
    """The files of the pipeline in which a text stands, tests and documents aside."""
    return [
        path
        for path in sorted(checkout.rglob("*"))
        if path.suffix in SUFFIXES
        and not SKIPPED & {*path.relative_to(checkout).parts[:-1]}
        and text in path.read_text(encoding="utf-8", errors="replace")
    ]


@contextmanager
def broken(checkout: Path, mutation: Mutation) -> Iterator[str]:
    """The checkout with one guard broken, while the block lasts; gives the file. Raises SystemExit for a stale one."""
    found = holding(checkout, mutation.old)
    texts = [path.read_text(encoding="utf-8") for path in found]
    if len(found) != 1 or texts[0].count(mutation.old) != 1:
        raise SystemExit(f"{mutation.name}: its text stands in {[str(path) for path in found]}, not once in one file.")
    found[0].write_text(texts[0].replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        yield str(found[0].relative_to(checkout))
    finally:
        found[0].write_text(texts[0], encoding="utf-8")


def run(checkout: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Those tests, up to the first that fails. What they start finds the copy first as well."""
    names = []
    for test in tests:
        file, _, part = test.partition("::")
        (path,) = (checkout / "tests").rglob(file)
        names.append((str(path), part))
    # One call for each selection by name, so that -k of one file leaves the others whole.
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    for part in dict.fromkeys(part for _, part in names):
        files = [name for name, of in names if of == part]
        chosen = ["-k", part] if part else []
        ended = subprocess.run(
            [*command, *files, *chosen], cwd=checkout, env=environment, capture_output=True, text=True
        )
        if ended.returncode:
            break
    return ended


if __name__ == "__main__":
    sys.exit(main())
