"""A short run over every mutation, always the same files; and that what must not happen would be seen: test_fuzz.py."""

import itertools
import os
import signal
from collections.abc import Iterator

import pytest

from extract.text import load
from tests.fuzz import cells, texts, trial, workbooks
from tests.fuzz.cases import NAMES, Case, case
from tests.fuzz.exports import Export
from tests.fuzz.trial import Bench

SEED = 2026
STAGES = (cells.CELLS, cells.ROWS, texts.TEXTS, texts.BYTES, workbooks.BOOKS, workbooks.ZIPS, NAMES)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("fuzz"))


def chosen(exports: list[Export], times: int) -> Iterator[tuple[int, Export, Case]]:
    """The first cases by which every mutation has been tried so many times."""
    wanted = {change.__name__: times for stage in STAGES for change in stage}
    for number in range(10_000):
        export, made = case(exports, SEED, number)
        new = [name for name in set(made.said) if wanted.get(name)]
        for name in new:
            wanted[name] -= 1
        if new:
            yield number, export, made
        if not any(wanted.values()):
            return
    raise AssertionError(f"never tried: {[name for name, count in wanted.items() if count]}")


def test_every_mutation_is_read_or_refused_and_no_record_is_lost(bench: Bench) -> None:
    found = {}
    for number, export, made in chosen(bench.exports, times=1):
        if problems := bench.try_one(export, made, number).problems:
            found[number, made.said] = problems
    assert not found


def _good(bench: Bench) -> tuple[Export, Case]:
    export = next(each for each in bench.exports if each.contract.id == "capita_one.students")
    text = "\n".join('"' + '","'.join(row) + '"' for row in export.rows)
    return export, Case(f"{export.name}.csv", f"{text}\n\n".encode(), ())  # the blank line needs the careful reader


def _problems(bench: Bench) -> str:
    return "\n".join(bench.try_one(*_good(bench), number=0).problems)


def test_a_good_export_has_no_problem(bench: Bench) -> None:
    assert _problems(bench) == ""


def test_a_lost_record_would_be_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    records = load.Records.__iter__
    monkeypatch.setattr(load.Records, "__iter__", lambda self: itertools.islice(records(self), 1, None))
    assert "61 lines are accounted for, of 62" in _problems(bench)
    monkeypatch.setattr(load.LineCount, "check", lambda *_: None)  # what would be seen without
    assert "59 rows in the file, where (60, 61) can be counted" in _problems(bench)
    assert "records lost: 1, such as b'KQ000000Z'" in _problems(bench)


@pytest.mark.parametrize(
    ("does", "seen"),
    [
        (lambda *_: 1 / 0, "UNHANDLED"),
        (lambda *_: os.kill(os.getpid(), signal.SIGKILL), "DIED of signal 9"),
        (lambda *_: len(bytearray(1 << 30)) and 1 / 0, "MB of memory for a file of"),
        (lambda *_: print("Qzvaa was born") or 1 / 0, "the log holds b'Qzva'"),
    ],
)
def test_it_would_be_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch, does: object, seen: str) -> None:
    monkeypatch.setattr(trial, "extract", does)
    monkeypatch.setattr(trial, "MEMORY_MB", 1000)
    assert seen in _problems(bench)


def test_a_hang_would_be_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "extract", lambda *_: signal.pause())
    monkeypatch.setattr(trial, "SECONDS", 2.0)
    assert "HANG: not done after 2 s" in _problems(bench)
