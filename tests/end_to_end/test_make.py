"""The Makefile on a bare machine, with stand-ins for uv and the pipeline that write down how they are called."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]

# Makes the programs that a real `uv sync` would, each of which notes its name and arguments, one a line.
UV = """#!/bin/sh
echo "uv $*" >> {notes}
mkdir -p .venv/bin
for name in send-ready python pytest ruff sqlfluff mypy; do
    program=.venv/bin/$name
    printf '#!/bin/sh\\necho "%s" >> {notes}\\nfor given; do echo "  $given" >> {notes}; done\\n' $name > $program
    chmod +x $program
done
"""

Make = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone that nothing was done to yet, in a folder with a space in its name."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    (folder / "commands").mkdir()
    for name in ("Makefile", "pyproject.toml", "uv.lock", "commands/table.py"):
        shutil.copy(PROJECT / name, folder / name)
    return folder


@pytest.fixture
def make(clone: Path, tmp_path: Path) -> Make:
    """Runs make with only system programs and the stand-in for uv: exit status, notes, what was said."""
    programs, notes = tmp_path / "programs", tmp_path / "notes"
    programs.mkdir()
    (programs / "uv").write_text(UV.format(notes=notes))
    (programs / "uv").chmod(0o755)

    def run(*arguments: str, **variables: str) -> tuple[int, list[str], str]:
        notes.write_text("")
        env = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path)} | variables
        done = subprocess.run(["make", *arguments], cwd=clone, env=env, capture_output=True, text=True)
        return done.returncode, notes.read_text().splitlines(), done.stdout + done.stderr

    return run


def test_help_is_the_default_and_names_everything(make: Make) -> None:
    status, notes, said = make()
    assert (status, notes) == (0, [])
    phony = re.search(r"^\.PHONY: (.+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert phony and sorted(re.findall(r"^  make ([a-z0-9-]+)  +\w", said, re.MULTILINE)) == sorted(phony[1].split())


def test_run_makes_the_environment_from_the_lock_once(make: Make, clone: Path) -> None:
    first = make("run")
    assert first[:2] == (
        0,
        ["uv sync --locked --inexact --compile-bytecode --quiet --no-dev", "send-ready", "  run"],
    )
    assert make("run")[1:] == (["send-ready", "  run"], "")  # at once, and nothing is asked of any network

    os.utime(clone / "uv.lock", (2**31, 2**31))
    assert make("run")[1][0].startswith("uv sync --locked")


def test_going_between_run_and_test_takes_nothing_away(make: Make) -> None:
    make("run")
    notes = make("test")[1]
    assert notes[0] == "uv sync --locked --inexact --compile-bytecode --quiet"
    assert notes[1] == "uv sync --locked --only-group analyst --quiet"
    programs = [note for note in notes if not note.startswith("  ")]
    assert programs[2:] == ["ruff", "ruff", "sqlfluff", "mypy", "python", "pytest"]
    assert make("run")[1] == ["send-ready", "  run"]
    assert not make("lint")[1][0].startswith("uv")


def test_a_check_that_fails_fails_make(make: Make, clone: Path) -> None:
    make("lint")
    (clone / ".venv/bin/mypy").write_text("#!/bin/sh\nexit 1\n")
    status, notes, _ = make("test")
    assert status != 0
    assert "pytest" not in notes


@pytest.mark.parametrize("file", ["two words.csv", "it's $(touch pwned); x.csv", "../odd;name.xlsx"])
def test_a_file_of_any_name_arrives_as_it_is(make: Make, clone: Path, file: str) -> None:
    assert make("check", FILE=file)[1][-3:] == ["send-ready", "  check", f"  {file}"]
    assert not (clone / "pwned").exists()


def test_a_file_can_be_named_on_the_command_line(make: Make) -> None:
    assert make("check", "FILE=two words.csv")[1][-1] == "  two words.csv"


def test_check_without_a_file_is_of_everything(make: Make) -> None:
    make("run")
    assert make("check")[1] == ["send-ready", "  check"]


def test_the_sample_takes_what_was_asked(make: Make) -> None:
    make("run")
    assert make("sample")[1] == ["send-ready", "  sample"]
    asked = make("sample", "LA=888", "PLANS=10", "SEN_SUPPORT=20", "SEED=3", "FAULTS=0.5")[1]
    assert " ".join(note.strip() for note in asked[2:]) == (
        "--la 888 --plans 10 --sen-support 20 --seed 3 --faults 0.5"
    )


def test_airflow_takes_a_port(make: Make) -> None:
    make("run")
    assert make("airflow")[1] == ["send-ready", "  airflow"]
    assert make("airflow", "PORT=8081")[1][-1] == "  8081"


def test_the_commands_are_those_of_the_pipeline() -> None:
    program = Path(sys.executable).with_name("send-ready")
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    for command in ("run", "sample", "status"):
        assert re.search(f"^  {command} +[A-Z]", said, re.MULTILINE)


def test_without_uv_and_without_venv_it_says_what_to_install(make: Make, clone: Path, tmp_path: Path) -> None:
    (tmp_path / "programs" / "uv").unlink()
    python = tmp_path / "programs" / "python3"
    python.write_text("#!/bin/sh\nexit 1\n")  # as Debian's, which cannot import ensurepip
    python.chmod(0o755)
    status, _, said = make("run")
    assert status != 0
    assert "sudo apt-get install python3-venv" in said
    assert "Traceback" not in said
    assert not (clone / ".venv").exists()


def test_without_uv_a_private_one_of_the_pinned_version_is_made(make: Make, clone: Path, tmp_path: Path) -> None:
    uv = tmp_path / "programs" / "uv"
    python = tmp_path / "programs" / "python3"
    uv.rename(tmp_path / "uv to come")
    python.write_text(
        f'#!/bin/sh\n[ "$1" = -c ] && exit 0\nmkdir -p .uv/bin\n'
        f'printf \'#!/bin/sh\\necho "pip $*" >> {tmp_path}/notes\\ncp "{tmp_path}/uv to come" .uv/bin/uv\\n\''
        " > .uv/bin/pip\nchmod +x .uv/bin/pip\n"
    )
    python.chmod(0o755)
    status, notes, said = make("run")
    assert status == 0, said
    assert notes[0].startswith("pip install")
    assert notes[0].endswith("uv==0.13.8")
    assert notes[1].startswith("uv sync --locked")
    assert (clone / ".venv" / ".ready-to-run").exists()
