"""Every command of send-ready, once: the command line, `make help` and docs/users/commands.md are made of this table.

It imports nothing of the project and names each function as text: `make help` needs no environment, and a command
imports the rooms that it uses and no others.
"""

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple


class Argument(NamedTuple):
    """One argument of a command: its name and what argparse is told of it."""

    name: str
    options: dict[str, Any]
    is_alternative: bool = False  # at most one of a command's alternatives can be given

    @property
    def placeholder(self) -> str:
        """How an argument that is no option is shown: `ID`, `[ID]` where it may be left out, `ID …` for one or more."""
        shown = str(self.options.get("metavar", self.name.upper()))
        return {"?": f"[{shown}]", "+": f"{shown} …"}.get(self.options.get("nargs", ""), shown)


class Command(NamedTuple):
    """One command: a function of its name, which takes settings and arguments, and gives the exit status (None: 0)."""

    name: str
    help: str
    arguments: tuple[Argument, ...] = ()
    status: str = ""  # exit statuses other than 0, and 2 for what cannot be done as asked
    make: str = ""  # the target of make that runs it
    variables: str = ""  # that the target takes

    @property
    def usage(self) -> str:
        """The command with its arguments that are no options, such as `extract SOURCE.FEED`."""
        return " ".join([self.name, *(each.placeholder for each in self.arguments if not each.name.startswith("-"))])


class Group(NamedTuple):
    """Commands that are used together, in order."""

    title: str
    module: str  # which has a function for each
    commands: tuple[Command, ...]


def _argument(name: str, help: str | None = None, *, is_alternative: bool = False, **options: Any) -> Argument:
    return Argument(name, options | ({"help": help} if help else {}), is_alternative)


def _day(name: str, help: str) -> Argument:
    return _argument(name, help, type=date.fromisoformat, metavar="YYYY-MM-DD")


def _switch(name: str, help: str | None = None) -> Argument:
    return _argument(name, help, action="store_true")


PAGE = """# Commands

`send-ready` is `.venv/bin/send-ready` in the folder of SEND Ready. Where make has a target, it makes the environment
first and runs the same. `send-ready COMMAND --help` names every argument. The exit status is 0, 2 for what cannot be
done as it was asked, or what the last column says; make turns every other than 0 into 2. This page is written from
`commands/table.py`.
"""
# fmt: off
FEED = _argument("feed", metavar="SOURCE.FEED")
GROUPS = (
    Group("The night, one command a step and each a process of its own, in the order of the DAG", "commands.steps", (
        Command("begin", "A run for AS_AT, and what the inbox holds that no feed knows"),
        Command("land-sources", "Land and read the files of the council's own sources"),
        Command("extract", "Land, read and choose one feed", (FEED,)),
        Command("validate-feeds", "The rules on every feed"),
        Command("verdict", "Whether a feed can be used today", (FEED,),
                status="99 when it is stale or missing, 1 when it was refused"),
        Command("build", "The warehouse, by dbt"),
        Command("validate-lists", "The rules on both finished lists"),
        Command("validate-sen2", "The rules on the SEN2 return, as it would be today"),
        Command("publish", "Workbooks, page and manifest"),
        Command("serve", "The warehouse that BI tools read"),
        Command("serve-postgres", "The same on the council's PostgreSQL",
                status="99 where SEND_PUBLISH_URL names none"),
        Command("summary", "What came of the run"),
        Command("run", "The night, once: exports in the inbox become lists, issues and a warehouse",
                status="1 when no pack was made, 130 when it was stopped",
                make="run", variables="AS_AT=YYYY-MM-DD"),
    )),
    Group("An inspection or a return, in the order of its DAG; between freeze and release somebody approves",
          "commands.inspection_day", (
        Command("request", "The call: its deadlines, its timetable, and a run with a version of its own", (
            _day("--notified-on", "the day of the call"),
            _argument("--kind", "full_inspection, monitoring_inspection, revisit_2019", default="full_inspection"),
            _argument("--chronology", "children chosen for tracking", nargs="*", default=[], metavar="ID"),
            _argument("--tracking-seed", "suggests another set of children (default: D)", default=""),
            _switch("--rehearsal", "into out/rehearsals; no alarm goes out"))),
        Command("request-return", "A SEN2 return: put on record, and a run with a version of its own, for its DAG", (
            _argument("--year", "survey year (default: the survey whose due day comes next)", type=int, metavar="YYYY"),
            _switch("--rehearsal", "into out/rehearsals; the only way before the survey day"))),
        Command("freeze", "The pack of this version, and what its approver reads"),
        Command("question", "What the approver is asked, and who may answer, as JSON"),
        Command("release", "Approved: copied, encrypted and put on record; rejected: put on record", (
            _argument("--approve", action="store_const", const="Approve", dest="option", is_alternative=True),
            _argument("--reject", action="store_const", const="Reject", dest="option", is_alternative=True),
            _argument("--by", "who decided; without a decision here, Airflow knows", default="", metavar="NAME"),
            _argument("--comment", "a rejection needs one", default="")),
                status="99 when rejected"),
        Command("deadline", "Tells people when the lists are late, or about to be", (
            _argument("which", choices=("warning", "missed")),)),
        Command("watch", "Whether a deadline or the night was missed and nobody was told; for cron or systemd", (
            _switch("--test", "send everybody a trial message"),),
                status="1 when somebody should have been told something and was not", make="watch"),
        Command("verify-release",
                "Proof that nothing released was changed since; with HEAD, nor the log since that was told", (
            _switch("--rehearsal", "those of drills"),
            _argument("--head", "of a line of the log, as it was told at the time", default="", metavar="HASH")),
                status="1 when anything was changed", make="verify-release", variables="HEAD=hash"),
        Command("chronology", "What happened to named children, as a workbook", (
            _argument("ids", "Unique IDs, as on the lists", nargs="+", metavar="ID"),
            _day("--notified-on", "default: AS_AT, or today")),
                status="1 when there is something to say about an ID",
                make="chronology", variables='IDS="ID ID" NOTIFIED_ON=YYYY-MM-DD'),
        Command("drill", "The day, rehearsed and timed: on the sample, or on your exports without releasing",
                status="1 when it did not come to its end, 130 when it was stopped", make="drill"),
    )),
    Group("The SEND board, once a month, in place of publish and serve", "commands.board", (
        Command("chosen-day", "Whether the board's edition is made on that day", (
            _argument("day", "YYYY-MM-DD; empty: any day will do", metavar="DAY"),),
                status="99 on every day but the month's chosen working day"),
        Command("board", "The edition of the month, internal and public", (
            _argument("--public", "only the edition to publish, into a folder of your choice, from the run as it is",
                      type=Path, metavar="FOLDER"),)),
        Command("edition", "The board's edition of a month, its own and the public one (last month without)", (
            _argument("month", "default: the month before this", nargs="?", metavar="YYYY-MM"),),
                status="1 when it was not made, 130 when it was stopped", make="board", variables="MONTH=YYYY-MM"),
    )),
    Group("To keep it running", "commands.upkeep", (
        Command("status", "How it stands: the last run, the pack, feeds, disk, and what to do", (
            _switch("--json", "as facts, for monitoring"),), status="1 when somebody should act", make="status"),
        Command("backup", "What cannot be built again, as one archive", (
            _argument("folder", "on another disk", type=Path, metavar="FOLDER"),),
                make="backup", variables="TO=/a/folder/on/another/disk"),
        Command("restore", "Such an archive into an empty SEND_HOME", (
            _argument("file", "what `backup` wrote", type=Path, metavar="FILE"),),
                make="restore", variables="FROM=/the/archive.tar.gz"),
        Command("purge", "What is older than its period, or holds a person; removed, and on record, with DO", (
            _switch("--do", "remove it; without, only say what would go"),
            _argument("--by", "who removes", default="", metavar="NAME"),
            _argument("--why", "for the record: no names of children", default="", metavar="REASON"),
            _argument("--person", "Unique ID, or records as source:id", nargs="+", default=[], metavar="ID"),
            _switch("--force", "also while the newest export still holds the person")),
                make="purge", variables='DO=1 BY="name" WHY="reason"'),
        Command("rollback", "The published warehouse before this one takes its place again, until the next night",
                status="2 also when one of two has nothing to go back to", make="rollback"),
        Command("install-service", "The nights without Docker: systemd's units, or lines of a crontab", (
            _switch("--airflow", "Airflow with its page, whose schedule does the nights, in place of timers"),
            _switch("--cron", "this account's crontab in place of systemd"),
            _switch("--remove", "take them away again")),
                make="install-service", variables="AIRFLOW=yes CRON=yes REMOVE=yes"),
        Command("postgres-roles", "What a database administrator runs once"),
        Command("catalogue", "Every table and column of the warehouse and where it comes from, as one page",
                make="catalogue"),
    )),
    Group("Beside all", "commands.beside", (
        Command("pickup", "What pickup.yml names, from where it is exported to into the inbox", (
            _argument("source", "one of them (default: all)", nargs="?", metavar="NAME"),
            _switch("--again", "also what came before"),
            _switch("--names", "only say which there are, as JSON")),
                status="1 when something was not fetched, 3 when another try will not help",
                make="pickup", variables="NAME=name AGAIN=1"),
        Command("check", "Before the night: the configuration and the inbox, one export, or a workbook of lists", (
            _argument("file", "without: the whole configuration and the whole inbox", type=Path, nargs="?"),
            _argument("--feed", "when the name does not say", metavar="SOURCE.FEED"),
            _switch("--alert", "tell by SEND_ALERT_URL what is to be put right: for a task of the afternoon")),
                status="1 when something is to be put right before the night",
                make="check", variables="FILE=path FEED=source.feed ALERT=yes"),
        Command("onboard", "What each file of the inbox seems to be, a draft of SEND_CONFIG, what lists still lack", (
            _switch("--adopt", "copy what is confirmed in onboarding.xlsx into SEND_CONFIG"),
            _switch("--no-trial", "do not build the lists of the draft, which takes a minute")),
                status="1 when an answer cannot be used, or a file of SEND_CONFIG was left as it is",
                make="onboard", variables="ADOPT=yes TRIAL=no"),
        Command("layout", "Ofsted's template of the lists beside the layout in force, and a draft of it to confirm", (
            _argument("template", "the workbook, .xlsx or .ods", type=Path, nargs="?"),
            _argument("--name", "of the layout version (default: year and month of AS_AT)", metavar="VERSION"),
            _switch("--adopt", "copy the draft into SEND_CONFIG")),
                status="1 when the template or the draft cannot be used",
                make="layout", variables="TEMPLATE=path VERSION=name ADOPT=yes"),
        Command("sen2", "The SEN2 return of YEAR, or the one that is due next, and what would stop it", (
            _argument("--year", "the survey year (default: that which is due next)", type=int, metavar="YYYY"),),
                status="1 when there was no run to make it from, 130 when it was stopped",
                make="sen2", variables="YEAR=YYYY AS_AT=YYYY-MM-DD"),
        Command("sample", "An invented council's exports into the inbox", (
            _argument("--out", "the folder to write to (default: the inbox)", type=Path),
            _argument("--la", "the council's three-digit number"),
            _argument("--plans", type=int, default=3_700),
            _argument("--sen-support", type=int, default=7_000),
            _argument("--seed", type=int, default=2026),
            _argument("--faults", "share of records with a planted fault", type=float, default=0.01),
            _argument("--answer-key", type=Path),
            _argument("--layout", "default; own: files that no feed knows, as in the guide own-exports.md; national: "
                      "pupils on SEN support in the school census alone, social care in the ILACS workbook",
                      choices=("default", "own", "national"), default="default")),
                make="sample", variables="LA= PLANS= SEN_SUPPORT= SEED= FAULTS= AS_AT= LAYOUT="),
        Command("airflow", "Airflow with its web page, on this machine only", (
            _argument("port", "of the web page (default: 8080)", nargs="?", metavar="PORT"),),
                make="airflow", variables="PORT=8080"),
    )),
)
# fmt: on
COMMANDS = {command.name: command for group in GROUPS for command in group.commands}
MODULES = {command.name: group.module for group in GROUPS for command in group.commands}


def overview() -> str:
    """The commands by group, one a line, as `send-ready --help` shows them."""
    return "\n\n".join(
        "\n".join([f"{group.title}:\n", *(f"  {each.usage:<22}  {each.help}" for each in group.commands)])
        for group in GROUPS
    )


def targets() -> str:
    """The targets of make that run a command, one a line, as `make help` shows them."""
    return "\n".join(
        f"  make {each.make:<14}  {each.help}" + (f" ({each.variables})" if each.variables else "")
        for each in COMMANDS.values()
        if each.make
    )


def page() -> str:
    """The page docs/users/commands.md."""
    lines = [PAGE]
    for group in GROUPS:
        lines += [f"## {group.title}\n", "| `send-ready` | `make` | what it does | exit status |", "|---|---|---|---|"]
        for each in group.commands:
            target = f"`{' '.join([each.make, each.variables]).strip()}`" if each.make else ""
            lines.append(f"| `{each.usage}` | {target} | {each.help} | {each.status} |")
        lines.append("")
    return "\n".join(lines)
