"""The fork server of one `make run`: processes that have imported what steps need, and fork one for each step.

A step then begins its work at once, instead of importing DuckDB, Great Expectations or dbt for seconds. It stays a
process of its own: it has its own memory and exit status, and can be killed without harm to any other.

Airflow takes seconds to start, and runs one task after the other here. So a step is begun as soon as the DAG lets it,
as many at a time as there are cores: every feed once the run has begun, the rules once every feed is read, then the
warehouse, and the rules on the lists, each once the step before it has ended well; and publish beside serve. What came
of it is kept for its task. Only the first try takes that; the next does the step again.

Only a process of the same user can ask for a step: the sockets lie in a folder that is closed to others, and whoever
connects is asked for its user. A request is a command line, an environment and three open files, and no code.

usage: python -m commands.fork_server FOLDER [STEP [ARGUMENT]]
    until stdin is closed; FOLDER holds the sockets, STEP is begun at once
"""

import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from commands.program import BUILD, LENGTH, LIGHT, RULES, SERVER_OF
from extract import contract

Order = Mapping[str, Sequence[tuple[str, ...]]]  # by command, the steps that come after it or go with it

NEEDED = {  # what steps import, or read, where they use it: module or module:function
    LIGHT: (
        *(
            "commands.cli:parser",
            "commands.steps",
            "extract.inbox.survey",
            "extract.choose",
            "publish.pack",
            "publish.summary",
        ),
        *("warehouse.serve", "yaml"),
    ),
    RULES: ("expectations.feeds", "expectations.lists", "expectations.sen2", "expectations.gx:load"),
    BUILD: (
        *("warehouse.load", "holidays", "dbt.adapters.duckdb", "dbt.cli.main", "dbt.task.build"),
        "warehouse.dbt:kept_project",
    ),
}
AT_ONCE = min(4, len(os.sched_getaffinity(0)))  # the DAGs let four tasks run at once
READS = [("extract", feed) for feed in contract.feeds()]
LANDED: Sequence[tuple[str, ...]] = [("land-sources",)]
AFTER: Order = {  # what may begin once this has ended well; `extract`: that of every feed
    "chosen-day": [("begin",)],
    "begin": LANDED,
    "request": LANDED,
    "land-sources": READS,
    "extract": [("validate-feeds",)],
    "validate-feeds": [("build",)],
    "build": [("validate-lists",)],
}
BESIDE: Order = {"publish": [("serve",)], "serve": [("publish",)]}  # what may begin once this may
OF_ALL_BEFORE = ("validate-feeds", "build", "validate-lists")  # what they make is void once one before is done again
OF_ONE_STEP = (b"SEND_REQUEST", b"SEND_FEED", b"SEND_ARGUMENT")  # in an environment: not handed on to other steps
DONE_AGAIN = "done_again"  # in the folder: as many bytes as steps were done again
PATIENCE = 10  # seconds that a request may take to arrive
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2), which Python does not offer


@dataclass(frozen=True)
class Request:
    """A step to begin: its command line, where, and with which files for stdin, stdout and stderr."""

    arguments: tuple[str, ...]
    environment: dict[bytes, bytes]
    folder: bytes
    files: tuple[int, ...] = ()
    client: socket.socket | None = None  # who waits for it; None when it is begun before anybody asks for it

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two requests ask for the same."""
        return self.arguments, *(self.environment.get(name) for name in (b"SEND_HOME", b"SEND_RUN_ID", b"AS_AT"))


@dataclass
class Step:
    """A step that was begun, and who waits for it."""

    asked: Request
    process_id: int
    done_again: int  # how many steps had been done again when it was begun
    said: int | None = None  # the file in memory of one that was begun before anybody asked for it
    status: int | None = None  # once it has ended; negative for the signal that ended it
    client: socket.socket | None = None
    files: tuple[int, ...] = field(default=())


class Server:
    """Forks the steps that are asked for on one socket of a folder, `name`."""

    def __init__(self, folder: Path, name: str, listening: socket.socket) -> None:
        self._folder, self._name, self._listening = folder, name, listening
        self._goes_on = name != LIGHT  # whether a run is carried on once all is read: one that was begun here is
        self._at_work: dict[int, Step] = {}  # by a descriptor that can be read once the step has ended
        self._kept: dict[tuple[object, ...], Step] = {}  # begun before anybody asked for them, at work or ended
        self._next: dict[tuple[object, ...], Request] = {}  # to be begun, before anybody asks for them
        self._known: set[tuple[object, ...]] = set()  # all that was begun, or is to be
        self._well: set[tuple[object, ...]] = set()  # all that has ended well

    def serve(self, until: int | None = None) -> None:
        """Serve until the writer of the file `until` closes it."""
        while True:
            clients = {step.client.fileno(): step for step in self._at_work.values() if step.client}
            listening = self._listening.fileno()
            watched = [listening, *self._at_work, *clients, *([] if until is None else [until])]
            ready = select.select(watched, [], [])[0][0]
            if ready == listening:
                if request := _received(self._listening):
                    self._answer(request)
            elif ready in self._at_work:
                self._end(ready)
            elif ready in clients:  # it says nothing more, so it is gone
                _kill(clients[ready].process_id)
                clients[ready].client = None
            else:
                return

    def _answer(self, request: Request) -> None:
        key = request.key
        if not request.client:
            self._want(request)
        elif (step := self._kept.pop(key, None)) and not self._is_void(step):
            step.client, step.files = request.client, request.files
            if step.status is not None:
                _tell(step, request.client)
            return
        else:
            if step:
                self._drop(step)
            elif self._next.pop(key, None) is None and key in self._known:
                with open(self._folder / DONE_AGAIN, "ab") as count:
                    count.write(b".")
            self._known.add(key)
            self._begin(request)
            self._plan(request, BESIDE)
        self._begin_next()

    def begin(self, request: Request) -> None:
        """Begin the first step of a run before anybody asks for it."""
        self._goes_on = True
        self._want(request)
        self._begin_next()

    def _plan(self, request: Request, order: Order) -> None:
        kept = {name: value for name, value in request.environment.items() if name not in OF_ONE_STEP}
        for arguments in order.get(request.arguments[0], ()):
            other = Request(arguments, kept, request.folder)
            server = SERVER_OF.get(arguments[0], LIGHT)
            if server == self._name:
                self._want(other)
            else:
                _send(self._folder / server, other)

    def _want(self, request: Request) -> None:
        if request.key not in self._known:
            self._known.add(request.key)
            self._next[request.key] = request

    def _done_again(self) -> int:
        path = self._folder / DONE_AGAIN
        return path.stat().st_size if path.exists() else 0

    def _is_void(self, step: Step) -> bool:
        return step.asked.arguments[0] in OF_ALL_BEFORE and step.done_again < self._done_again()

    def _begin_next(self) -> None:
        while self._next and len(self._at_work) < AT_ONCE:
            key = next(iter(self._next))
            said = os.memfd_create("said")
            files = (os.open(os.devnull, os.O_RDONLY), os.dup(said), os.dup(said))
            self._kept[key] = self._begin(replace(self._next.pop(key), files=files), said)

    def _begin(self, request: Request, said: int | None = None) -> Step:
        if not (process_id := _fork()):
            self._listening.close()
            for step in (*self._at_work.values(), *self._kept.values()):
                if step.client:
                    step.client.close()
            _run(request)
        for file in request.files:
            os.close(file)
        step = Step(request, process_id, self._done_again(), said, client=request.client)
        self._at_work[os.pidfd_open(process_id)] = step
        return step

    def _end(self, ended: int) -> None:
        step = self._at_work.pop(ended)
        os.close(ended)
        step.status = os.waitstatus_to_exitcode(os.waitpid(step.process_id, 0)[1])
        if step.client:
            _tell(step, step.client)
        if step.status == 0:
            self._well.add(step.asked.key)
            if not self._is_void(step) and self._may_go_on(step.asked):
                self._plan(step.asked, AFTER)
        self._begin_next()

    def _may_go_on(self, ended: Request) -> bool:
        if ended.arguments[0] != "extract":
            return True
        return self._goes_on and all(replace(ended, arguments=each).key in self._well for each in READS)

    def _drop(self, void: Step) -> None:
        """End a step whose outcome nobody wants."""
        for at_work in [number for number, step in self._at_work.items() if step is void]:
            _kill(void.process_id)
            self._end(at_work)


def main(folder: Path, *first: str) -> None:
    """Serve until stdin is closed, and begin one step at once."""
    gc.disable()  # what is imported stays, and looking for what could go takes a fifth of the time
    listening = {name: _listen(folder / name) for name in NEEDED}
    _import(LIGHT)
    for name in (RULES, BUILD):
        if not _fork():
            for other in listening.keys() - {name}:
                listening[other].close()
            _import(name)
            Server(folder, name, listening[name]).serve()
        listening[name].close()  # so that a client is told when that process has ended
    light = Server(folder, LIGHT, listening[LIGHT])
    if first:
        light.begin(Request(first, dict(os.environb), os.getcwdb()))
    light.serve(until=sys.stdin.fileno())


def _send(path: Path, request: Request) -> None:
    """Ask another server for a step that nobody waits for yet. Where it is gone, the step is begun by its task."""
    words = [request.folder, b"%d" % len(request.arguments), *map(os.fsencode, request.arguments)]
    data = b"\0".join([*words, *(name + b"=" + value for name, value in request.environment.items())])
    with suppress(OSError), socket.socket(socket.AF_UNIX) as server:
        server.connect(str(path))
        server.sendall(len(data).to_bytes(LENGTH, sys.byteorder) + data)


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    return listening


def _import(name: str) -> None:
    for needed in NEEDED[name]:
        module, _, function = needed.partition(":")
        imported = importlib.import_module(module)
        if function:
            getattr(imported, function)()
    gc.freeze()  # or the first collection in a step would copy every page that it shares with this process


def _fork() -> int:
    """As os.fork, but the child ends when this process does."""
    parent = os.getpid()
    if child := os.fork():
        return child
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    return 0


def _received(listening: socket.socket) -> Request | None:
    """The request of the client that has connected; None when it is not of this user, or not whole.

    A client that sends no files does not wait for the step.
    """
    client, _ = listening.accept()
    client.settimeout(PATIENCE)
    files: list[int] = []
    try:
        _, user, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        if user != os.geteuid():
            raise PermissionError
        length, files, _, _ = socket.recv_fds(client, LENGTH, 3)
        with client.makefile("rb") as stream:
            folder, count, *words = stream.read(int.from_bytes(length, sys.byteorder)).split(b"\0")
        arguments, environment = words[: int(count)], words[int(count) :]
        given = dict(each.split(b"=", 1) for each in environment)
        if not files:
            client.close()
        return Request(tuple(map(os.fsdecode, arguments)), given, folder, tuple(files), client if files else None)
    except (OSError, ValueError):
        client.close()
        for file in files:
            os.close(file)
        return None


def _run(request: Request) -> None:
    """Become the step that was asked for, and end as it ends."""
    from commands import cli

    if request.client:
        request.client.close()
    os.setsid()  # so that whatever it starts can be ended with it
    for standard, file in enumerate(request.files):
        os.dup2(file, standard)
        os.close(file)
    os.chdir(request.folder)
    os.environb.clear()
    os.environb.update(request.environment)
    gc.enable()
    status = 1  # as Python ends when nobody has caught an error
    try:
        status = cli.main(list(request.arguments))
    except SystemExit as refused:  # by argparse
        status = int(refused.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # an orderly end would wait for threads that only the fork server has


def _tell(step: Step, client: socket.socket) -> None:
    """Tell the client of a step what that said and how it ended."""
    with suppress(OSError), client:  # gone: nobody wants to know
        if step.said is not None:
            with open(step.said, "rb") as said, open(step.files[1], "wb", closefd=False) as output:
                said.seek(0)
                output.write(said.read())
        client.sendall(b"%d" % (step.status or 0))
    for file in step.files:
        os.close(file)


def _kill(step: int) -> None:
    """End a step and what it has started."""
    try:
        os.killpg(step, signal.SIGKILL)
    except ProcessLookupError:  # it has just begun
        os.kill(step, signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
