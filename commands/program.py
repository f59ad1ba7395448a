"""`send-ready`: a step that Airflow starts in `make run` is forked from its fork server; all else runs in this process.

Only modules that take no time to import stand above: this process is started for each of the night's forty tasks.
"""

import _socket
import os
import sys

SERVER = "SEND_FORK_SERVER"  # in the environment: the private folder of the run's fork server (fork_server.py)
# What the fork servers have imported, by the commands that need it: those of Great Expectations and dbt are apart, so
# that no step holds more memory than its own libraries need.
RULES, BUILD, LIGHT = "rules", "build", "light"
SERVER_OF = {
    "validate-feeds": RULES,
    "validate-lists": RULES,
    "validate-sen2": RULES,
    "build": BUILD,
}  # all other commands: LIGHT
LENGTH = 8  # bytes that say how long a request is


def main() -> int:
    """The exit status of the command that sys.argv names."""
    if (folder := os.environ.get(SERVER)) and (server := _connected(folder, sys.argv[1:])):
        return _forked(server)
    from commands import cli

    return cli.main()


def _connected(folder: str, arguments: list[str]) -> "_socket.socket | None":
    """A connection to the fork server of a command; None when it is not there, or not any more."""
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        server.connect(os.path.join(folder, SERVER_OF.get("".join(arguments[:1]), LIGHT)))
    except OSError:
        server.close()
        return None
    return server


def _forked(server: "_socket.socket") -> int:
    """Have the command done by a fork with this process's files, and end as it ends.

    The server ends the fork when this process is gone.
    """
    request = b"\0".join([os.getcwdb(), b"%d" % (len(sys.argv) - 1), *map(os.fsencode, sys.argv[1:]),
                          *(name + b"=" + value for name, value in os.environb.items())])  # fmt: skip
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
    rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)]
    try:
        server.sendmsg([len(request).to_bytes(LENGTH, sys.byteorder)], rights)
        server.sendall(request)
        answer = server.recv(LENGTH)
    except OSError:
        answer = b""
    if not answer:
        print("The process that steps are forked from has ended. The next try does without it.", file=sys.stderr)
        return 1
    status = int(answer)
    if status < 0:
        os.kill(os.getpid(), -status)
        return 128 - status  # as a shell has it, for one that Python ignores
    return status
