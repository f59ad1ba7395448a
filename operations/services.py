"""systemd's units, or lines of a crontab, that do the nights on a machine without Docker: put there, and taken away.

The units are those of deploy/systemd, with this machine's places and account in place of the ones written there. As
root they are the machine's; for anybody else their own, which can be shut off from less.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from send_ready import files
from send_ready.errors import RunError
from send_ready.home import AIRFLOW
from send_ready.settings import PROJECT, Settings

UNITS = PROJECT / "deploy" / "systemd"
WRITTEN_PROJECT, WRITTEN_HOME, WRITTEN_ACCOUNT = "/opt/send-ready", "/srv/send", "send"  # in deploy/systemd
SETTINGS = ("/etc/send-ready/send-ready.env", "/etc/send-ready/watch.env")  # of the units there
TIMED, SERVED = ("night", "pickup", "check", "watch"), "airflow"
BY_AIRFLOW = ("night", "pickup")  # which Airflow's own schedule does
# What the manager of one user's units cannot give, or what would keep a unit of it from starting.
OF_ROOT = re.compile(
    r"^(User|Group|CapabilityBoundingSet|AmbientCapabilities|KeyringMode|PrivateDevices|PrivateTmp|Protect\w+|RemoveIPC|"
    r"ReadWritePaths|InaccessiblePaths|ProcSubset|Wants|After)=.*\n",
    re.MULTILINE,
)
PLAIN = re.compile(r"/[\w./@+-]*")  # a path that a unit and a crontab take as it is
HOMES = ("/home", "/root", "/run/user")  # which ProtectHome hides
BEGIN, END = "# SEND Ready begins: make install-service CRON=yes", "# SEND Ready ends"
PATIENCE = 120  # seconds for systemctl


@dataclass(frozen=True)
class Place:
    """Where units and settings go, and whose they are."""

    units: Path
    settings: Path
    account: str
    is_of_machine: bool

    @property
    def systemctl(self) -> list[str]:
        """The command that speaks to the manager of these units."""
        return ["systemctl"] if self.is_of_machine else ["systemctl", "--user"]

    @property
    def journal(self) -> str:
        """How the log of a unit is read."""
        return "journalctl -u" if self.is_of_machine else "journalctl --user -u"


def place(settings: Settings) -> Place:
    """The place of this account's units: of the machine for root. Raises RunError when nobody is there to run them."""
    if os.geteuid() != 0:
        config = Path.home() / ".config"
        name = pwd.getpwuid(os.geteuid()).pw_name
        return Place(config / "systemd" / "user", config / "send-ready" / "send-ready.env", name, False)
    if not settings.home.is_dir() or settings.home.stat().st_uid == 0:
        raise RunError(
            f"The nights run as the account that {settings.home} belongs to, and not as root. Make both, then this "
            "again: "
            f"useradd --system --home-dir {settings.home} --shell /usr/sbin/nologin send && install -d -m 0700 -o "
            f"send -g send {settings.home}. Set SEND_HOME to it."
        )
    owner = pwd.getpwuid(settings.home.stat().st_uid).pw_name
    return Place(Path("/etc/systemd/system"), Path("/etc/send-ready/send-ready.env"), owner, True)


def unit_texts(settings: Settings, where: Place, names: Iterable[str]) -> dict[str, str]:
    """The text of each unit by its name. Raises RunError for a place that no unit can name."""
    places = [PROJECT, settings.home, settings.inbox, *([settings.config] if settings.config else [])]
    if odd := [each for each in (*places, where.settings) if not PLAIN.fullmatch(str(each))]:
        raise RunError(
            f"{odd[0]} has a sign in it that systemd and cron take for their own. Give it a path of letters, figures "
            "and the signs . _ - / @ +."
        )
    texts = {}
    for name in names:
        for path in sorted(UNITS.glob(f"send-ready-{name}.*")):
            texts[path.name] = _placed(path.read_text(encoding="utf-8"), settings, where, places)
    return texts


def _placed(text: str, settings: Settings, where: Place, places: Iterable[Path]) -> str:
    for written in SETTINGS:
        text = text.replace(written, str(where.settings))
    text = re.sub(rf"{WRITTEN_PROJECT}(?=[/\s]|$)", str(PROJECT), text, flags=re.MULTILINE)
    text = re.sub(rf"{WRITTEN_HOME}(?=[/,\s]|$)", str(settings.home), text, flags=re.MULTILINE)
    text = re.sub(rf"^(User|Group)={WRITTEN_ACCOUNT}$", rf"\1={where.account}", text, flags=re.MULTILINE)
    if not where.is_of_machine:
        return OF_ROOT.sub("", text).replace("WantedBy=multi-user.target", "WantedBy=default.target")
    group = pwd.getpwnam(where.account).pw_gid
    text = re.sub(r"^Group=.*$", f"Group={group}", text, flags=re.MULTILINE)
    if any(str(each).startswith(HOMES) for each in places):
        text = text.replace("ProtectHome=yes", "ProtectHome=read-only")
    if not settings.inbox.is_relative_to(settings.home):
        text = re.sub(r"(ExecStart=.* pickup\n(?:.*\n)*?ReadWritePaths=.*)", rf"\1 -{settings.inbox}", text)
    return text


def settings_file(environ: Mapping[str, str], settings: Settings) -> str:
    """The settings of the units: what this process was given, in the form that systemd and a shell read alike."""
    own = {
        **environ,
        "SEND_HOME": str(settings.home),
        "SEND_INBOX": str(settings.inbox),
        "SEND_LA_CODE": settings.la_code,
    }
    own.pop("SEND_RUN_ID", None)
    lines = [
        f"{name}='{value}'" if "'" not in value and value.isprintable() else f"# {name}: write it here by hand"
        for name, value in sorted(own.items())
    ]
    head = "# Settings of the nights, and secrets: docs/users/user-guide.md#settings. A change counts from the next."
    return "\n".join([head, *lines, ""])


def install(settings: Settings, environ: Mapping[str, str], *, with_airflow: bool) -> Iterator[str]:
    """What is done, a line each, while it is done: units written, the manager told, timers begun. Raises RunError."""
    where = place(settings)
    chosen = [name for name in TIMED if not (with_airflow and name in BY_AIRFLOW)] + [SERVED] * with_airflow
    texts = unit_texts(settings, where, chosen)
    yield from _write_settings(where, settings, environ)
    for name in _ours(where):
        if name not in texts:
            yield from _take_away(where, name)
    for name, text in texts.items():
        yield _written(where.units / name, text)
    yield from _tell(where, ["daemon-reload"])
    started = [name for name in texts if name.endswith(".timer") or name == f"send-ready-{SERVED}.service"]
    for name in started:
        yield from _tell(where, ["enable", "--now", name])
    if not where.is_of_machine:
        yield from _linger(where)
    if with_airflow:
        yield "Airflow: http://127.0.0.1:8080. Sign in, and switch send_nightly and send_pickup on there."
    yield f"Logs: {where.journal} send-ready-{SERVED if with_airflow else 'night'}"
    yield f"Next: {' '.join(where.systemctl)} list-timers 'send-ready-*'"


def remove(settings: Settings) -> Iterator[str]:
    """What is taken away, a line each; the settings stay, which hold secrets that nobody else has."""
    where = place(settings)
    ours = _ours(where)
    for name in ours:
        yield from _take_away(where, name)
    if not ours:
        yield f"There is no unit of SEND Ready in {where.units}."
        return
    yield from _tell(where, ["daemon-reload"])
    yield f"{where.settings} stays. Delete it yourself, if nobody needs it."


def _ours(where: Place) -> list[str]:
    return sorted(path.name for path in where.units.glob("send-ready-*") if (UNITS / path.name).exists())


def _take_away(where: Place, name: str) -> Iterator[str]:
    if name.endswith(".timer") or name == f"send-ready-{SERVED}.service":
        yield from _tell(where, ["disable", "--now", name])
    (where.units / name).unlink()
    yield f"Removed {where.units / name}"


def _write_settings(where: Place, settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    if where.settings.exists():
        yield f"{where.settings} is there, and stays as it is."
        return
    where.settings.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(where.settings, settings_file(environ, settings).encode())
    where.settings.chmod(0o600)
    yield f"Wrote {where.settings}: look through it, it has the settings that this command was given."


def _written(path: Path, text: str) -> str:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return f"{path} is as it should be."
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(path, text.encode())
    path.chmod(0o644)
    return f"Wrote {path}"


def _tell(where: Place, command: list[str]) -> Iterator[str]:
    """Tell systemd. Where it does not run, as in a container, the units stay for when it does."""
    whole = [*where.systemctl, *command]
    shown = " ".join(whole)
    try:
        done = subprocess.run(whole, capture_output=True, text=True, timeout=PATIENCE)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        yield f"NOT DONE: {shown}. systemd does not run here: run it yourself where it does."
        return
    if done.returncode == 0:
        yield shown
        return
    why = [*done.stderr.strip().splitlines(), f"status {done.returncode}"][0]
    yield f"NOT DONE: {shown} ({why}). Run it yourself where systemd runs."


def _linger(where: Place) -> Iterator[str]:
    """A user's timers run only while somebody is signed in, unless the machine lets them linger."""
    command = ["loginctl", "enable-linger", where.account]
    done = shutil.which("loginctl") and subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    if done and done.returncode == 0:
        yield f"{' '.join(command)}: the nights run while nobody is signed in."
    else:
        yield f"NOT DONE: {' '.join(command)}. Without it the nights run only while you are signed in: ask whoever may."


# cron


def crontab(settings: Settings, where: Place) -> str:
    """The lines for a crontab; its hours are those of the machine."""
    unit_texts(settings, where, ())
    program = f"cd {PROJECT} && set -a && . {where.settings} && set +a && {PROJECT}/.venv/bin/send-ready"
    log = settings.home / AIRFLOW / "cron.log"
    lines = [
        f"30 0 * * * {program} pickup >>{log} 2>&1",
        f"0 2 * * * {program} run >>{log} 2>&1",
        f"0 17 * * 1-5 {program} check --alert >>{log} 2>&1",
        f"*/5 * * * * {program} watch",
    ]
    return "\n".join([BEGIN, *lines, END, ""])


def install_cron(settings: Settings, environ: Mapping[str, str], *, remove: bool = False) -> Iterator[str]:
    """What is done, a line each: the lines of SEND Ready in this account's crontab are written anew, or taken out.

    Raises RunError where there is no cron, or for root, whose crontab would make files that the nights cannot read.
    """
    if os.geteuid() == 0:
        raise RunError(
            "root's crontab would do the nights as root. Run this as the account that SEND_HOME belongs to, or install "
            "systemd's units: make install-service."
        )
    if not shutil.which("crontab"):
        raise RunError("There is no program crontab here: apt-get install cron, or make install-service.")
    held = subprocess.run(["crontab", "-l"], capture_output=True, text=True, timeout=PATIENCE)
    before = held.stdout if held.returncode == 0 else ""
    after = re.sub(rf"{re.escape(BEGIN)}\n(?:.*\n)*?{re.escape(END)}\n", "", before)
    where = place(settings)
    if not remove:
        yield from _write_settings(where, settings, environ)
        (settings.home / AIRFLOW).mkdir(parents=True, exist_ok=True)
        after += ("" if after.endswith("\n") or not after else "\n") + crontab(settings, where)
    if after == before:
        yield "The crontab is as it should be."
        return
    done = subprocess.run(["crontab", "-"], input=after, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode:
        raise RunError(f"crontab did not take it: {done.stderr.strip()}")
    yield (
        "Took the lines of SEND Ready out of the crontab."
        if remove
        else f"Wrote the crontab:\n{crontab(settings, where)}"
    )
