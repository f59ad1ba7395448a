"""Nights whose steps are killed at random moments, tried again, and compared with a night that nothing disturbed.

usage: python -m tests.faults.kills [--kills 1000] [--seed 7] [--every 1] [--folder FOLDER]

With --every N each step of the night is killed as well at every Nth thing that it does to a file.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import standing
from tests.faults.house import DAY, EVE, STEPS, House, drop_exports, moved_in
from tests.golden.pipeline import FEEDS
from tests.steps import Nursery, nursery

Command = tuple[str, ...]
VERDICT = ("verdict", FEEDS[0])
OFTEN = {"begin": 2, "validate-feeds": 2, "build": 2, "validate-lists": 2, "publish": 3, "serve": 3}  # others: once


@dataclass(frozen=True)
class Undisturbed:
    """What a night comes to that nobody disturbs, and how long each of its steps takes, in seconds."""

    seconds: Mapping[Command, float]
    landed: dict[str, Any]
    pack: dict[str, Any]
    served: dict[str, list[Any]]


def undisturbed(house: House) -> Undisturbed:
    """Play the night, once, in peace."""
    seconds = {}
    for step in (*STEPS, VERDICT):
        began = time.perf_counter()
        house.night((step,))
        seconds[step] = time.perf_counter() - began
    standing.assert_whole(house.home)
    return Undisturbed(seconds, *_outcome(house.home))


def disturb(house: House, peace: Undisturbed, chance: random.Random, often: Mapping[str, int] = OFTEN) -> Counter[str]:
    """A run that is given up where it is killed, then another, whose steps are killed and tried again.

    Asserts after each kill that nothing is half, and in the end that all is as if nothing had happened. Gives the
    kills that met a step at work.
    """
    met: Counter[str] = Counter()
    for step in (STEPS[0], *chance.sample(STEPS[1 : len(FEEDS) + 1], len(FEEDS) // 2)):
        met[step[0]] += kill(house, step, chance.uniform(0, peace.seconds[step]), run_id="given up")
    for step in (*STEPS, VERDICT):
        for _ in range(often.get(step[0], 1)):
            met[step[0]] += kill(house, step, chance.uniform(0, peace.seconds[step]))
        house.night((step,))
    assert_as_undisturbed(house.home, peace)
    return met


def disturb_whole(house: House, peace: Undisturbed, chance: random.Random) -> int:
    """`make run` with Airflow and all, killed at a random moment, and run again. Gives the kills, 1 or 0."""
    night = house.start("run", run_id="given up")
    met = night.wait(chance.uniform(0, 3 * sum(peace.seconds.values()))) is None
    if met:
        os.killpg(night.pid, signal.SIGKILL)
        assert night.wait()
    standing.assert_whole(house.home)
    again = house.start("run").wait(600)
    assert again and again.status == 0, again
    assert_as_undisturbed(house.home, peace)
    return int(met)


def kill(house: House, step: Command, seconds: float, **options: Any) -> bool:
    """Start a step, and kill it after so long. Whether it was still at work."""
    at_work = house.start(*step, **options)
    ended = at_work.wait(seconds) or at_work.kill()
    standing.assert_whole(house.home)
    return ended.status == -9


def walk(house: House, step: Command, stride: int, moment: int = 1) -> int:
    """Kill a step before one thing after the other that it does to files, until it ends by itself. Gives the kills."""
    kills = 0
    while house.run(*step, kill_at=moment).status == -signal.SIGKILL:
        standing.assert_whole(house.home)
        kills, moment = kills + 1, moment + stride
    return kills


def assert_as_undisturbed(home: Path, peace: Undisturbed) -> None:
    """The landing, the pack and the published warehouse are what they are after a night in peace."""
    standing.assert_whole(home)
    landed, pack, served = _outcome(home)
    assert landed == peace.landed
    assert pack == peace.pack
    assert served.keys() == peace.served.keys()
    assert [table for table in served if served[table] != peace.served[table]] == []


def _outcome(home: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, list[Any]]]:
    return standing.landed(home), standing.pack(home), standing.served(home)


def _many(made: Nursery, folder: Path, kills: int, seed: int, every: int) -> None:
    """Disturbed nights until so many kills have met a step; before them, a walk through each step."""
    template = folder / "after_eve"
    drop_exports(template / "inbox", EVE)
    House(made, template / "home", template / "inbox").night(run_id="eve", as_at=EVE)
    drop_exports(template / "inbox", DAY)
    peace = undisturbed(moved_in(template, made, folder / "peace"))
    for step in STEPS if every else ():
        walked = moved_in(folder / "peace", made, Path(tempfile.mkdtemp(dir=folder)))
        print(f"{' '.join(step)}: {walk(walked, step, every)} kills", flush=True)
        walked.night((step, ("publish",), ("serve",)))
        assert_as_undisturbed(walked.home, peace)
    met: Counter[str] = Counter()
    chance = random.Random(seed)  # noqa: S311
    while met.total() < kills:
        night = Path(tempfile.mkdtemp(dir=folder))
        met += disturb(moved_in(template, made, night / "steps"), peace, chance)
        met["run"] += disturb_whole(moved_in(template, made, night / "run"), peace, chance)
        print(f"seed {seed}: {met.total()} kills, {dict(met)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--every", type=int, default=0, metavar="N", help="walk through each step as well")
    parser.add_argument("--folder", type=Path, help="where to work, and what stays to be looked at")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch, nursery() as made:
        _many(made, given.folder or Path(scratch), given.kills, given.seed, given.every)


if __name__ == "__main__":
    sys.exit(main())
