"""What it costs to land, read and type exports, beside DuckDB's reader alone: processor seconds, and their ratio.

usage: python -m tools.bench.extract INBOX [--rounds N]

The exports of an inbox are read by both in turns, each time into a new home. The floor reads the same files by
`read_csv`, all text, and writes them to Parquet; a file that is no UTF-8 it reads as Latin-1. Of each the least of so
many rounds counts. Data work is that of all feeds in one program, imports and start left out; whole, with them.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from send_ready.settings import PROJECT

AS_AT = date(2026, 11, 16)


def processor() -> float:
    """The processor seconds of this process so far, and of what it started and waited for."""
    used = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def extract_all(inbox: Path, home: Path) -> dict[str, float]:
    """Seconds of each feed that a file came for, landed and typed in a new home."""
    from extract import contract as contracts
    from extract.choose import extract
    from extract.inbox.arrivals import SETTLE_SECONDS
    from extract.inbox.survey import survey
    from send_ready import runs, settings

    given = settings.load({"SEND_HOME": str(home), "SEND_INBOX": str(inbox), "AS_AT": str(AS_AT)})
    run = runs.begin(replace(given, run_id="bench"))
    survey(run, given)
    time.sleep(SETTLE_SECONDS)  # as between `begin` and the feeds; no feed then waits
    found = {}
    for feed in contracts.feeds():
        began = processor()
        if extract(run, given, feed)["status"] not in ("missing", runs.UNUSED):
            found[feed] = processor() - began
    return found


def read_all(inbox: Path, home: Path) -> dict[str, float]:
    """Seconds of each file that DuckDB alone reads and writes."""
    import duckdb

    found = {}
    with duckdb.connect() as con:
        for path in sorted(inbox.glob("*.csv")):
            source = f"'{path}', all_varchar = true, header = true"
            if not is_utf8(path):
                source += ", encoding = 'latin-1'"
            began = processor()
            con.execute(f"COPY (SELECT * FROM read_csv({source})) TO '{home / path.stem}.parquet' (FORMAT parquet)")
            found[path.name] = processor() - began
    return found


def is_utf8(path: Path) -> bool:
    """Whether a file is in UTF-8 from end to end."""
    try:
        path.read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def measured(inbox: Path, part: str) -> dict[str, float]:
    """Of one part in a program of its own: its data work, all of it, its peak memory in MB, and each feed or file."""
    with tempfile.TemporaryDirectory() as home:
        began = processor()
        ended = subprocess.run(
            [sys.executable, "-m", "tools.bench.extract", str(inbox), "--part", part, "--home", home],
            cwd=PROJECT, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        whole = processor() - began
    each, peak = json.loads(ended.stdout.splitlines()[-1])
    return {"data work": sum(each.values()), "whole": whole, "peak MB": peak, **each}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.extract", description=__doc__.partition("\n")[0])
    parser.add_argument("inbox", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.part:
        each = PARTS[given.part](given.inbox.resolve(), given.home)
        print(json.dumps((each, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)))
        return 0
    rounds = [{part: measured(given.inbox.resolve(), part) for part in PARTS} for _ in range(given.rounds)]
    least = {part: {name: min(each[part][name] for each in rounds) for name in rounds[0][part]} for part in PARTS}
    for part, found in least.items():
        print(f"{part}, processor seconds")
        for name, seconds in found.items():
            print(f"  {name:<45}{seconds:>8.2f}")
    ratio = least["extract"]["data work"] / least["read_csv"]["data work"]
    print(f"extract ÷ read_csv, data work: {ratio:.2f}")
    return 0


PARTS = {"extract": extract_all, "read_csv": read_all}

if __name__ == "__main__":
    sys.exit(main())
