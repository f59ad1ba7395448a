"""What a log holds of an error: where and of what kind, never what it met."""

import json
import subprocess
import sys
import traceback

import duckdb
import pytest

from send_ready import private
from send_ready.runs import RunError

NAME = "Qzyxelle"


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except Exception as caught:
        return caught


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT CAST('{NAME}' AS DATE)",
        f"SELECT '{NAME}'::INTEGER + 1",
        f"SELECT error('{NAME}')",
        f"SELECT strptime('{NAME}', '%Y')",
        f"SELECT CAST('{NAME}' AS ENUM('a'))",
        f"SELEKT '{NAME}'",
        f"SELECT nothing FROM (SELECT '{NAME}' AS a)",
        f"CREATE OR REPLACE TEMP TABLE t (a VARCHAR PRIMARY KEY); INSERT INTO t VALUES ('{NAME}'), ('{NAME}')",
        f'SELECT CAST(\'{{"a": "{NAME}\' AS JSON)',
    ],
)
def test_duckdb_quotes_a_value_and_we_do_not(sql: str) -> None:
    with duckdb.connect() as con, pytest.raises(duckdb.Error) as raised:
        con.execute(sql).fetchall()
    assert NAME in str(raised.value)
    told = private.traceback_without_values(raised.value)
    assert NAME not in told
    assert "Error" in told.splitlines()[-1]


@pytest.mark.parametrize(
    "error",
    [
        KeyError(NAME),
        ValueError(f"cannot compare {NAME} with 2015-03-04"),
        json.JSONDecodeError("Expecting value", NAME, 0),
        UnicodeDecodeError("utf-8", NAME.encode(), 0, 1, f"invalid {NAME}"),
    ],
)
def test_nor_does_anything_else_that_is_not_ours(error: Exception) -> None:
    told = private.traceback_without_values(_raised(error))
    assert NAME not in told
    assert type(error).__name__ in told
    assert "in _raised" in told  # where it came about


def test_our_own_errors_and_those_of_files_say_what_they_say() -> None:
    assert "Begin one." in private.traceback_without_values(_raised(RunError("There is no run. Begin one.")))
    assert "No space left" in private.traceback_without_values(_raised(OSError(28, "No space left on device")))


def test_a_cause_is_told_alike_and_a_hidden_one_is_not() -> None:
    def fail(hide: bool) -> None:
        try:
            duckdb.sql(f"SELECT CAST('{NAME}' AS DATE)").fetchall()
        except duckdb.Error as error:
            raise RunError("Not read.") from (None if hide else error)

    for hide in (True, False):
        with pytest.raises(RunError) as raised:
            fail(hide)
        told = private.traceback_without_values(raised.value)
        assert NAME not in told
        assert ("ConversionException" in told) != hide
        assert NAME in "".join(traceback.format_exception(raised.value)) or hide


def test_what_helps_whoever_mends_it_is_kept() -> None:
    said = 'Runtime Error in model stg_x (models/x.sql)\n  Binder Error: Referenced column "a" not found!\n  LINE 1: …'
    assert private.kinds(said) == (
        'Runtime Error in model stg_x (models/x.sql) > Binder Error: Referenced column "a" not found!'
    )
    assert private.kinds(f"Runtime Error in model y\n  Conversion Error: '{NAME}'") == (
        "Runtime Error in model y > Conversion Error"
    )


def test_a_crash_leaves_no_picture_of_the_memory() -> None:
    code = (
        "import resource; from commands import cli, steps;"
        "steps.summary = lambda *_: print(resource.getrlimit(resource.RLIMIT_CORE)); cli.main(['summary'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(0, 0)", done.stderr


def test_every_command_tells_its_errors_so() -> None:
    code = (
        f"import sys; from commands import cli, steps; steps.summary = lambda *_: {{}}['{NAME}']; cli.main(['summary'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert NAME not in done.stderr
    assert done.stderr.strip().endswith("KeyError")
