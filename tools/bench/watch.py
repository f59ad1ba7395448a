"""Running a command and watching it: wall, processor time, and the peak memory of every process it starts."""

import ctypes
import os
import re
import resource
import subprocess
import threading
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.05
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of prctl(2): processes whose parent has ended become this one's children


@dataclass(frozen=True)
class Watched:
    """What one command took. Peaks are in MB, by what the process was running; the highest where several were."""

    exit_status: int
    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: dict[str, float]


def watch(command: list[str], environment: dict[str, str], folder: Path) -> Watched:
    """Run a command to its end. The kernel's own peak of each process is read until the process is gone."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)  # or the processor time of whatever outlives its parent would be lost
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        peaks: dict[str, float] = defaultdict(float)
        looking = threading.Thread(target=_look, args=(process, peaks))
        looking.start()
        output = process.stdout.read() if process.stdout else ""
        process.wait()
        wall = time.perf_counter() - started
        looking.join()
    with suppress(ChildProcessError):  # there is none left
        while True:
            os.waitpid(-1, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Watched(process.returncode, output, wall, cpu, dict(peaks))


def _look(process: subprocess.Popen[str], peaks: dict[str, float]) -> None:
    while process.poll() is None:
        for pid in _family(process.pid):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
                words = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
            except OSError:  # it ended while it was looked at
                continue
            # A process that is just going has no command line left.
            if words != [""] and (peak := re.search(r"VmHWM:\s+(\d+) kB", status)):
                name = _name(words)
                peaks[name] = max(peaks[name], int(peak[1]) / 1024)
        time.sleep(LOOK_SECONDS)


def _family(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            children[int(stat.rpartition(")")[2].split()[1])].append(int(entry))
    family = [root]
    for pid in family:
        family += children[pid]
    return family


def _name(words: list[str]) -> str:
    """`extract capita_one.students`, say: the command without interpreter, folders, options and values."""
    said = [Path(word).name for word in words if not word.startswith("-")]
    if said and said[0].startswith("python"):
        said = said[1:]
    if said and said[0] in ("send-ready", "send_ready"):
        return " ".join(said[1:3])
    return said[0][:40] if said else "?"
