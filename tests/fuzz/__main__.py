"""`python -m tests.fuzz`: see the package."""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.cases import Case, case
from tests.fuzz.trial import Bench, Outcome


def main() -> int:
    """Exit status 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-found"), help="the folder for files that fail")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try a file again that was kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        bench = Bench(Path(folder))
        return _replay(bench, options.replay) if options.replay else _run(bench, options)


def _run(bench: Bench, options: argparse.Namespace) -> int:
    began, number, found = time.monotonic(), 0, 0
    came: Counter[str] = Counter()
    worst: dict[str, tuple[float, str]] = {}
    while time.monotonic() - began < options.seconds:
        export, made = case(bench.exports, options.seed, number)
        outcome = bench.try_one(export, made, number)
        came[outcome.code or outcome.status or "failed"] += 1
        what = f"{options.seed}-{number}: {len(made.data):,} bytes, {', '.join(made.said) or 'as it was'}"
        for name, value in (("seconds", outcome.seconds), ("peak MB", outcome.peak_mb)):
            worst[name] = max(worst.get(name, (0.0, "")), (round(value, 1), what))
        if outcome.problems:
            found += 1
            kept = _keep(options.keep / f"{options.seed}-{number}", export.contract.id, made, number, outcome)
            print(f"\n{what}\n  replay: python -m tests.fuzz --replay {kept}")
            print(*(f"  {problem}" for problem in outcome.problems), sep="\n", flush=True)
        number += 1
    print(f"{number:,} files in {time.monotonic() - began:.0f} s, {found} failed: {dict(sorted(came.items()))}")
    print(*(f"most {name}: {value} ({what})" for name, (value, what) in worst.items()), sep="\n")
    return 1 if found else 0


def _keep(path: Path, feed: str, made: Case, number: int, outcome: Outcome) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(made.data)
    about = {"feed": feed, "name": made.name, "number": number, "said": made.said, "problems": outcome.problems}
    if made.markers is not None:
        about["markers"] = {marker.decode(): count for marker, count in made.markers.items()}
    path.with_name(f"{path.name}.json").write_text(json.dumps(about, indent=2))
    return path


def _replay(bench: Bench, path: Path) -> int:
    about = json.loads(path.with_name(f"{path.name}.json").read_text())
    export = next(each for each in bench.exports if each.contract.id == about["feed"])
    held = about.get("markers")
    markers = None if held is None else Counter({marker.encode(): count for marker, count in held.items()})
    outcome = bench.try_one(
        export, Case(about["name"], path.read_bytes(), tuple(about["said"]), markers), about["number"]
    )
    print((bench.folder / "case.log").read_text(errors="replace"))
    print(outcome)
    return 1 if outcome.problems else 0


sys.exit(main())
