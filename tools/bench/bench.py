"""How long a night takes at Lancashire's size, on two cores, beside the floor.

usage: python -m bench [--scale N ...] [--plans N] [--sen-support N] [--folder PATH]

By default at once and twice the size. The invented councils are kept in the folder (./data/bench)
between runs; the results go there as bench.json, and to the terminal as tables. Each size is measured
on a second night, in a home where Airflow's database exists: the first night is a small council's.
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

from send_ready.home import RUNS, SERVING
from tools.bench.watch import Watched, watch

PROJECT = Path(__file__).resolve().parents[2]
AS_AT = date(2026, 11, 16)
LA_CODE = "999"
SEED = 2026
CORES = 2
PLANS, SEN_SUPPORT = 12_300, 26_000  # Lancashire, January 2025
FLOOR_RUNS = 3  # before the night and again after it; the fastest counts, for a busy machine must not flatter

# What is asked of it: the first three at Lancashire's size.
MOST_WALL_SECONDS = 90
MOST_FLOORS = 4
MOST_MEMORY_MB = 1_536
MOST_GROWTH = 2.2  # of the data work, for twice the rows


def main() -> int:
    """Measure, save, print. The exit status is 0 when everything asked for was reached."""
    given = _arguments()
    given.folder.mkdir(parents=True, exist_ok=True)
    machine = _machine()
    councils = {scale: _council(given, scale) for scale in given.scale}
    tiny = _council(
        argparse.Namespace(**vars(given) | {"plans": 100, "sen_support": 200}), 1, AS_AT - timedelta(days=1)
    )
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # and so for every process started from here
    sizes = [_measure(given.folder, tiny, councils[scale], scale) for scale in given.scale]
    targets = _targets(sizes)
    results = {"machine": machine, "sizes": sizes, "targets": targets}
    (given.folder / "bench.json").write_text(json.dumps(results, indent=2) + "\n")
    for size in sizes:
        _print_size(size)
    print(f"\nOther work on the machine when this began: load {machine['load_before']:.1f}")
    _print_targets(targets)
    print(f"\nAll of it: {given.folder / 'bench.json'}")
    return 0 if all(target["reached"] for target in targets) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure a night beside the floor.")
    parser.add_argument("--scale", type=int, nargs="+", default=[1, 2], help="times Lancashire's size (1 2)")
    parser.add_argument("--plans", type=int, default=PLANS)
    parser.add_argument("--sen-support", type=int, default=SEN_SUPPORT)
    parser.add_argument("--folder", type=Path, default=PROJECT / "data" / "bench")
    given = parser.parse_args()
    given.folder = given.folder.resolve()
    return given


def _council(given: argparse.Namespace, scale: int, as_at: date = AS_AT) -> Path:
    """The exports of a council of so many times the size, drawn once for each version of the sample's code."""
    code = hashlib.sha256(b"".join(path.read_bytes() for path in sorted((PROJECT / "sample").glob("*.*")))).hexdigest()
    plans, sen_support = given.plans * scale, given.sen_support * scale
    folder: Path = given.folder / f"council_{as_at}_{plans}_{sen_support}_{code[:12]}"
    if not folder.exists():
        print(f"Drawing a council of {plans:,} plans and {sen_support:,} on SEN support, kept for the next time")
        for old in given.folder.glob(f"council_{as_at}_{plans}_{sen_support}_*"):
            shutil.rmtree(old)
        partial = folder.with_suffix(".partial")
        call = (
            "import sys; from datetime import date; from pathlib import Path; from sample.council import write; "
            "write(Path(sys.argv[1]), as_at=date.fromisoformat(sys.argv[2]), la_code=sys.argv[3], "
            "plans=int(sys.argv[4]), sen_support=int(sys.argv[5]), seed=int(sys.argv[6]), faults=0.0, "
            "answer_key=Path(sys.argv[1]) / 'answer_key.txt')"
        )
        words = [str(partial), str(as_at), LA_CODE, str(plans), str(sen_support), str(SEED)]
        subprocess.run([sys.executable, "-c", call, *words], cwd=PROJECT, check=True)
        (partial / "answer_key.txt").unlink(missing_ok=True)
        partial.rename(folder)
    return folder


def _measure(folder: Path, tiny: Path, council: Path, scale: int) -> dict[str, Any]:
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    rows = sum(file.read_bytes().count(b"\n") - 1 for file in council.glob("*.csv"))
    print(f"Scale {scale}: {rows:,} rows in the exports. The floor, {FLOOR_RUNS} times before and after", flush=True)
    floors = [_floor(council, home) for _ in range(FLOOR_RUNS)]
    print("A small council's night, so that Airflow's database is there", flush=True)
    _night(home, tiny, AS_AT - timedelta(days=1))
    print("The night", flush=True)
    night = _night(home, council, AS_AT)
    floors += [_floor(council, home) for _ in range(FLOOR_RUNS)]
    (home / RUNS / "bench" / "terminal.txt").write_text(night.output)
    progress = [json.loads(line) for line in (home / RUNS / "bench" / "progress.jsonl").read_text().splitlines()]
    whole = next(line for line in reversed(progress) if line["step"] == "night")
    table = min(floor["table_seconds"] for floor in floors)
    book = min(floor["workbook_seconds"] for floor in floors)
    return {
        "scale": scale,
        "rows": rows,
        "floor": {
            "lists_seconds": round(table, 3),
            "with_workbook_seconds": round(table + book, 3),
            "peak_mb": round(max(floor["peak_mb"] for floor in floors), 1),
            "all_lists_seconds": [floor["table_seconds"] for floor in floors],
            "list_rows": floors[0]["list_rows"],
        },
        "night": {
            "wall_seconds": round(night.wall_seconds, 2),
            "cpu_seconds": round(night.cpu_seconds, 2),
            "work_seconds": whole["work_seconds"],
            "start_seconds": whole["start_seconds"],
            "airflow_seconds": round(night.wall_seconds - whole["work_seconds"] - whole["start_seconds"], 2),
            "peak_mb": round(max(night.peak_mb.values()), 1),
            "list_rows": _list_rows(home),
        },
        "steps": [line for line in progress if line["step"] != "night"],
        "peak_mb": {name: round(peak, 1) for name, peak in sorted(night.peak_mb.items(), key=lambda item: -item[1])},
    }


def _floor(council: Path, home: Path) -> dict[str, Any]:
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tools.bench.floor", str(council), str(AS_AT), LA_CODE, str(home / "floor.xlsx")]
    done = watch(command, dict(os.environ), PROJECT)
    if done.exit_status:
        raise SystemExit(f"The floor failed:\n{done.output}")
    found: dict[str, Any] = json.loads(done.output)
    return found | {"peak_mb": max(done.peak_mb.values())}


def _night(home: Path, inbox: Path, as_at: date) -> Watched:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEND_", "AIRFLOW"))}
    settings = {
        "SEND_HOME": str(home),
        "SEND_INBOX": str(inbox),
        "SEND_LA_CODE": LA_CODE,
        "AS_AT": str(as_at),
        "SEND_RUN_ID": "bench" if as_at == AS_AT else "first",
    }
    done = watch([str(Path(sys.executable).with_name("send-ready")), "run"], clean | settings, PROJECT)
    if done.exit_status:
        raise SystemExit(f"The night failed:\n{done.output}")
    return done


def _list_rows(home: Path) -> dict[str, int]:
    import duckdb

    with duckdb.connect(str(home / SERVING / "warehouse.duckdb"), read_only=True) as con:
        return {
            sheet: len(con.execute(f"FROM annex_a.rpt_annex_a__{sheet.lower()}").fetchall())
            for sheet in ("List_1", "List_2")
        }


def _targets(sizes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = sizes[0]
    found: list[tuple[str, float, float]] = [
        ("wall of the whole night, s", first["night"]["wall_seconds"], MOST_WALL_SECONDS),
        ("data work / floor", first["night"]["work_seconds"] / first["floor"]["lists_seconds"], MOST_FLOORS),
        ("peak memory of any process, MB", first["night"]["peak_mb"], MOST_MEMORY_MB),
    ]
    if [size["scale"] for size in sizes[:2]] == [1, 2]:
        growth = sizes[1]["night"]["work_seconds"] / first["night"]["work_seconds"]
        found.append(("data work at twice the rows / at once", growth, MOST_GROWTH))
    return [
        {"target": name, "found": round(value, 2), "most": most, "reached": value <= most}
        for name, value, most in found
    ]


def _machine() -> dict[str, Any]:
    model = next(
        (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":"
    )
    return {
        "processor": model.partition(":")[2].strip(),
        "cores_used": CORES,
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def _print_size(size: dict[str, Any]) -> None:
    floor, night = size["floor"], size["night"]
    largest = [f"{name} {peak:.0f}" for name, peak in size["peak_mb"].items()][:5]
    print(f"\nScale {size['scale']}: {size['rows']:,} rows in the exports; lists of {night['list_rows']}")
    print(f"{'step':<16}{'feed':<30}{'rows':>11}{'wall s':>9}{'work s':>9}{'CPU s':>9}")
    for line in size["steps"]:
        rows = "" if line["rows"] is None else f"{line['rows']:,}"
        print(
            f"{line['step']:<16}{line['feed'] or '':<30}{rows:>11}{line['wall_seconds']:>9.2f}"
            f"{line['work_seconds']:>9.2f}{line['cpu_seconds']:>9.2f}"
            + ("" if line["outcome"] == "done" else "  FAILED")
        )
    print(
        f"Night: {night['wall_seconds']:.1f} s of wall, {night['cpu_seconds']:.1f} s of processor, peak "
        f"{night['peak_mb']:.0f} MB: {night['work_seconds']:.1f} s of data work, {night['start_seconds']:.1f} s "
        f"starting programs, {night['airflow_seconds']:.1f} s Airflow and the closing table"
    )
    print(f"Peak memory in MB: {', '.join(largest)}")
    print(
        f"Floor: {floor['lists_seconds']:.2f} s to the lists, {floor['with_workbook_seconds']:.2f} s with a workbook, "
        f"peak {floor['peak_mb']:.0f} MB; the data work is {night['work_seconds'] / floor['lists_seconds']:.1f} and "
        f"{night['work_seconds'] / floor['with_workbook_seconds']:.1f} times that"
    )
    if floor["list_rows"] != night["list_rows"]:
        print(f"THE LISTS DIFFER: the floor has {floor['list_rows']}")


def _print_targets(targets: list[dict[str, Any]]) -> None:
    print()
    for target in targets:
        word = "reached" if target["reached"] else "NOT REACHED"
        print(f"{target['target']:<40}{target['found']:>10.2f}  at most {target['most']:>6}  {word}")
