"""What the night costs, on two cores; with --beside, in turns with another checkout on the same exports.

usage: python -m tools.bench [--beside CHECKOUT] [--plans N] [--sen-support N] [--rounds N] [--folder PATH]

Measured are a council of 300 children, which is what is fixed, one of Lancashire's size, and one of twice that; then
the day of an inspection, and extract and the rules beside the plainest program that does the same. A night is measured
in a home where Airflow's database exists. The invented councils are kept in the folder (./data/bench); the results go
there as bench.json, and to the terminal.
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from send_ready.home import RUNS
from send_ready.settings import PROJECT
from tools.bench.watch import Watched, watch

AS_AT = date(2026, 11, 16)
LA_CODE = "888"  # not the sample's own, so that the drill ends with the approval, as on real exports
SEED = 2026
CORES = 2
FIXED = (100, 200)  # plans and children on SEN support: what a night costs whatever its rows
PLANS, SEN_SUPPORT = 12_300, 26_000  # Lancashire, January 2025
MOST_MEMORY_MB = 1_000
MOST_GROWTH = 1.8  # of the data work, for twice the rows


def main() -> int:
    """The exit status: 0 when memory and growth are within what is asked of them, else 1."""
    given = _arguments()
    given.folder.mkdir(parents=True, exist_ok=True)
    checkouts = [PROJECT, *([given.beside] if given.beside else [])]
    small = _council(given.folder, *FIXED)
    before = _council(given.folder, *FIXED, AS_AT - timedelta(days=1))
    large, larger = (_council(given.folder, given.plans * scale, given.sen_support * scale) for scale in (1, 2))
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # and so for every process started from here
    results: dict[str, Any] = {"machine": _machine()}
    # Twice the rows comes last: what a home has landed, it uses from then on.
    for name, council in (("300 children", small), ("large", large), ("drill", large), ("twice", larger)):
        play = _drill if name == "drill" else _night
        for turn in range(given.rounds if play is _night else 1):
            for checkout in checkouts if name != "twice" else checkouts[:1]:
                home = _home(given.folder, checkout)
                if not home.exists():
                    print(f"A first night of {checkout}, so that Airflow's database is there", flush=True)
                    _night(checkout, home, before, AS_AT - timedelta(days=1), "first")
                found = play(checkout, home, council, AS_AT, f"{name.replace(' ', '_')}_{turn}")
                results.setdefault(name, {}).setdefault(str(checkout), []).append(found)
                print(f"{name}: {_said(found)} ({checkout})", flush=True)
    (given.folder / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    growth = _least(results["twice"], PROJECT, "work_seconds") / _least(results["large"], PROJECT, "work_seconds")
    peak = max(found["peak_mb"] for found in results["large"][str(PROJECT)])
    _print(results, checkouts)
    print(f"Data work at twice the rows ÷ at once: {growth:.2f}, at most {MOST_GROWTH}")
    print(f"Peak memory of any process: {peak:.0f} MB, at most {MOST_MEMORY_MB}\n", flush=True)
    subprocess.run([sys.executable, "-m", "tools.bench.extract", str(large)], cwd=PROJECT, check=True)
    night = {"SEND_RUN_ID": "large_0", "AS_AT": str(AS_AT)}
    environment = _environment(_home(given.folder, PROJECT)) | night
    subprocess.run([sys.executable, "-m", "tools.bench.rules"], cwd=PROJECT, env=environment, check=True)
    print(f"\nAll of it: {given.folder / 'bench.json'}")
    return 0 if growth <= MOST_GROWTH and peak <= MOST_MEMORY_MB else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--beside", type=Path, help="another checkout, with its own .venv")
    parser.add_argument("--plans", type=int, default=PLANS)
    parser.add_argument("--sen-support", type=int, default=SEN_SUPPORT)
    parser.add_argument("--rounds", type=int, default=1, help="of which the least counts (1)")
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench")
    given = parser.parse_args()
    given.folder, given.beside = given.folder.resolve(), given.beside and given.beside.resolve()
    return given


def _council(folder: Path, plans: int, sen_support: int, as_at: date = AS_AT) -> Path:
    """The exports of an invented council, drawn once for each version of the sample's code."""
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((PROJECT / "sample").glob("*.*")))).hexdigest()
    exports = folder / f"council_{as_at}_{plans}_{sen_support}_{code[:12]}"
    if not exports.exists():
        print(f"Drawing a council of {plans:,} plans and {sen_support:,} on SEN support, kept for the next time")
        for old in folder.glob(f"council_{as_at}_{plans}_{sen_support}_*"):
            shutil.rmtree(old)
        words = [
            "sample",
            "--plans",
            str(plans),
            "--sen-support",
            str(sen_support),
            "--seed",
            str(SEED),
            "--faults",
            "0",
        ]
        partial = exports.with_suffix(".partial")
        words += ["--la", LA_CODE, "--out", str(partial), "--answer-key", os.devnull]
        environment = _environment(folder / "writer") | {"AS_AT": str(as_at)}
        subprocess.run([_program(PROJECT), *words], cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
        partial.rename(exports)
    return exports


def _home(folder: Path, checkout: Path) -> Path:
    """A home for a checkout as it is now: another commit's is another."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True)
    return folder / f"home_{commit.stdout.strip()[:12]}_{os.getpid()}"


def _program(checkout: Path) -> str:
    return str(checkout / ".venv" / "bin" / "send-ready")


def _environment(home: Path) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
    return clean | {"SEND_HOME": str(home), "SEND_LA_CODE": LA_CODE}


def _night(checkout: Path, home: Path, inbox: Path, as_at: date, run_id: str) -> dict[str, Any]:
    done = _done(checkout, home, "run", SEND_INBOX=str(inbox), AS_AT=str(as_at), SEND_RUN_ID=run_id)
    lines = (home / RUNS / run_id / "progress.jsonl").read_text().splitlines()
    steps = [json.loads(line) for line in lines]
    whole = next(line for line in reversed(steps) if line["step"] == "night")
    return _figures(done) | {
        "work_seconds": whole["work_seconds"],
        "dbt_seconds": sum(line["wall_seconds"] for line in steps if line["step"] == "dbt"),
        "steps": steps,
    }


def _drill(checkout: Path, home: Path, inbox: Path, as_at: date, run_id: str) -> dict[str, Any]:
    return _figures(_done(checkout, home, "drill", SEND_INBOX=str(inbox), AS_AT=str(as_at), SEND_RUN_ID=run_id))


def _done(checkout: Path, home: Path, command: str, **settings: str) -> Watched:
    done = watch([_program(checkout), command], _environment(home) | settings, checkout)
    if done.exit_status:
        raise SystemExit(f"send-ready {command} of {checkout} failed:\n{done.output}")
    return done


def _figures(done: Watched) -> dict[str, Any]:
    peaks = {name: round(peak, 1) for name, peak in sorted(done.peak_mb.items(), key=lambda item: -item[1])}
    return {
        "wall_seconds": round(done.wall_seconds, 2),
        "cpu_seconds": round(done.cpu_seconds, 2),
        "peak_mb": max(peaks.values()),
        "peaks_mb": peaks,
    }


def _said(found: dict[str, Any]) -> str:
    dbt = f", of which dbt {found['dbt_seconds']:.1f} s" if "dbt_seconds" in found else ""
    return (
        f"{found['wall_seconds']:.1f} s, {found['cpu_seconds']:.1f} s of processor{dbt}, peak {found['peak_mb']:.0f} MB"
    )


def _least(measured: dict[str, list[dict[str, Any]]], checkout: Path, what: str) -> float:
    return float(min(found[what] for found in measured[str(checkout)]))


def _print(results: dict[str, Any], checkouts: list[Path]) -> None:
    """A row a measure: of this checkout, of the other, and the ratio of the two."""
    print(
        f"\n{'the least of each, in seconds':<34}{'here':>9}" + (f"{'beside':>9}{'ratio':>8}" if checkouts[1:] else "")
    )
    for name, measured in results.items():
        for what in ("wall_seconds", "cpu_seconds", "dbt_seconds", "work_seconds"):
            if name != "machine" and what in measured[str(PROJECT)][0]:
                figures = [_least(measured, checkout, what) for checkout in checkouts if str(checkout) in measured]
                ratio = f"{figures[0] / figures[1]:>8.2f}" if figures[1:] else ""
                print(f"{name + ', ' + what:<34}" + "".join(f"{figure:>9.1f}" for figure in figures) + ratio)
    print(f"\nOther work on the machine when this began: load {results['machine']['load_before']:.1f}")


def _machine() -> dict[str, Any]:
    models = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return {
        "processor": next(models, ":").partition(":")[2].strip(),
        "cores_used": CORES,
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }
