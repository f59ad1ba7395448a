"""Every folder, file and lock below SEND_HOME, named once; `PLACES` has the rules for each.

Backup, restore, purge, the removal of a person, status, the check of who can read and the page on data protection walk
`PLACES`: whoever adds a folder adds a place, and nothing forgets it. The first place that a path fits counts.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatch
from pathlib import Path, PurePath, PurePosixPath

INBOX = "inbox"
LANDING = "landing"
NO_DATE = "no-date"  # of an export, in the place of its day
TYPED = "typed"
RUNS = "runs"
PUBLISHED = "published"
SERVING = "serving"  # a link to the published version that is served
OUT = "out"
LATEST = "out/latest"  # a link to the newest pack
ALERTS = "out/alerts.jsonl"
CHECK = "out/check.html"
BOARD = "out/board"
CHRONOLOGIES = "out/chronologies"
INSPECTIONS = "out/inspections"
REHEARSALS = "out/rehearsals"
SEN2 = "out/sen2"  # returns that are approved and released, by survey year
CONFIGURATION = "configuration"  # the council's files that were in force in the last good run
CONFIG = "config"  # the council's files, as a restored backup has them
RECORDS = "records"
ONBOARDING = "onboard"  # a draft of the council's configuration, which is in force nowhere
PURGES = "records/purges.jsonl"
BACKUPS = "records/backups.jsonl"
PICKED_UP = "picked_up"  # what came by itself, and how each source last went
CATALOGUE = "catalogue"
AIRFLOW = "airflow"
RESTORING = ".restoring"  # a backup on its way in
ANSWER_KEY = "answer_key.csv"  # of the invented council
SAMPLE_PARTIAL = ".sample.partial"
LOCKS = "locks"


class Lock:
    """Files that a process locks for as long as it writes; each stays, and stays empty."""

    NIGHT = "locks/night"
    RUNS = "locks/runs"
    CONFIGURATION = "locks/configuration"
    PUBLISH = "locks/publish"
    SERVE = "locks/serve"
    BOARD = "locks/board"
    ONBOARDING = "locks/onboard"
    OPERATIONS = "locks/operations"  # backup, restore and purge
    CALL, RELEASE = ".lock", ".release.lock"  # in the folder of all calls, of all returns, or of all rehearsals

    @staticmethod
    def pickup(source: str) -> str:
        """The lock of one source of pickup.yml: Airflow and somebody at a prompt may meet."""
        return f"{LOCKS}/pickup-{source}"

    @staticmethod
    def feed(name: str) -> str:
        """The lock of one feed (`source__feed`): the night and a call of the inspectors may meet."""
        return f"{LOCKS}/{name}"


class Holds(StrEnum):
    """The most that the files of a place may hold about a person."""

    IDENTIFIES = "identifies"  # name, UPN, ULN or date of birth
    BY_ID = "by ID"  # records of single children under the systems' own IDs
    NONE = "none"


class Readers(StrEnum):
    """Who else may read a folder than the account that runs SEND Ready."""

    NOBODY = "nobody"
    NAMED = "whom an access list names"
    DROPPERS = "who drops exports"


# What stands for a part of a path in a pattern: as an expression, and as a glob that finds at least as much.
PARTS = {
    "{day}": ("[0-9]{4}-[0-9]{2}-[0-9]{2}", "[0-9]*-[0-9]*-[0-9]*"),
    "{year}": ("[0-9]{4}", "[0-9]*"),
    "{month}": ("[0-9]{4}-[0-9]{2}", "[0-9]*-[0-9]*"),
    "{landed}": (f"(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|{NO_DATE})", "*"),
    "{feed}": ("[a-z0-9_]+/[a-z0-9_]+", "*/*"),  # source and feed
    "{sha256}": ("[0-9a-f]{64}", "[0-9a-f]*"),
    "{name}": ("[^./][^/]*", "[!.]*"),  # nothing hidden
    "{rest}": ("[^/]+", "*"),
    "{any}": ("[^/]*", "*"),
}


@dataclass(frozen=True)
class Kept:
    """The things of a place that have a period in retention.yml. `pattern`: of one thing, where the place's differs."""

    kind: str  # in retention.yml
    title: str  # of several
    pattern: str = ""


@dataclass(frozen=True)
class Place:
    """The rules for everything at a pattern and below it. Several patterns are separated by spaces."""

    pattern: str
    what: str
    holds: Holds
    is_backed_up: bool = False  # it cannot be built again
    never_rewritten: str = ""  # an expression of paths that stay as they are once they are there
    locks: tuple[str, ...] = ()  # held by who writes there
    kept: tuple[Kept, ...] = ()  # what has a period
    of_a_person: str = ""  # why a person's removal leaves what holds them; empty: it goes
    readers: Readers = Readers.NOBODY
    may_precede_restore: bool = False

    @property
    def folder(self) -> str:
        """The name of the folder in SEND_HOME."""
        return self.pattern.partition("/")[0]

    def held_by(self, path: PurePath) -> list[str]:
        """The locks that keep others from changing a path of this place."""
        return [lock.replace("{feed}", "__".join(path.parts[1:3])) for lock in self.locks]


WHOLE = ".*"  # never_rewritten: nothing is
CALLS = (f"{INSPECTIONS}/{Lock.CALL}", f"{INSPECTIONS}/{Lock.RELEASE}")
RETURNS = (f"{SEN2}/{Lock.CALL}", f"{SEN2}/{Lock.RELEASE}")
REHEARSED = (f"{REHEARSALS}/{Lock.CALL}", f"{REHEARSALS}/{Lock.RELEASE}")
NAMED = Readers.NAMED
LEFTOVERS = " ".join(
    (
        f"{LANDING}/{{feed}}/.{{any}}.partial {LANDING}/{{feed}}/.reading {TYPED}/{{feed}}/.reading",
        f"{OUT}/.{{any}}.p{{any}} {OUT}/{{name}}/.{{any}}.partial",
        f"{RUNS}/.{{any}}.old {RUNS}/{{name}}/tmp{{any}} {SAMPLE_PARTIAL}",
    )
)
LANDED = f"{LANDING}/{{feed}}/{{landed}}/{{sha256}}.{{rest}}"

PLACES = (
    Place(INBOX, "exports as dropped, which SEND Ready only reads; what was picked up, in a folder a source",
          Holds.IDENTIFIES, readers=Readers.DROPPERS, may_precede_restore=True, of_a_person="The inbox still has them"),
    Place(f"{LANDING}/{{feed}}", "every export, byte for byte, with when it came: the evidence for any past list",
          Holds.IDENTIFIES, True, WHOLE, (Lock.feed("{feed}"),), (Kept("landing", "exports, as they came", LANDED),)),
    Place(f"{TYPED}/{{feed}}", "the same rows read, and those set aside: a cache, made again when deleted",
          Holds.IDENTIFIES, locks=(Lock.feed("{feed}"),),
          kept=(Kept("typed", "cached exports", f"{TYPED}/{{feed}}/{{rest}}/{{name}}"),)),
    Place(ANSWER_KEY, "of the invented council alone: nobody real", Holds.IDENTIFIES,
          of_a_person="It names nobody real"),
    Place(f"{RUNS}/{{name}}", "logs, progress, results of rules, issues", Holds.BY_ID, kept=(Kept("runs", "runs"),)),
    Place(f"{PUBLISHED}/{{name}}",
          "the whole warehouse: lists, further items, and the schemas `person_identifiable` and `sen2`",
          Holds.IDENTIFIES, locks=(Lock.SERVE,), kept=(Kept("published", "published versions not served"),)),
    Place(SERVING, "a link to the version that is served", Holds.NONE),
    Place(f"{SERVING}.copy", "what a copy that followed that link left", Holds.IDENTIFIES,
          of_a_person="A copy of the published warehouse may hold them: delete it"),
    Place(f"{OUT}/{{day}}", "packs: figures, manifest", Holds.BY_ID, True, locks=(Lock.PUBLISH,),
          kept=(Kept("packs", "packs"),), readers=NAMED),
    Place(LATEST, "a link to the newest pack", Holds.NONE, readers=NAMED),
    Place(ALERTS, "what people were told", Holds.BY_ID, True, readers=NAMED,
          of_a_person="The record of alerts names them, and stays"),
    Place(CHECK, "what the next night would make of inbox and configuration, by `make check`", Holds.NONE,
          readers=NAMED),
    Place(BOARD, "the board's editions", Holds.BY_ID, True, WHOLE, (Lock.BOARD,),
          (Kept("board", "editions for the board", f"{BOARD}/{{month}}"),), readers=NAMED),
    Place(CHRONOLOGIES, "chronologies that were asked for without a call", Holds.IDENTIFIES, True,
          kept=(Kept("chronologies", "chronologies without a call", f"{CHRONOLOGIES}/{{name}}"),), readers=NAMED),
    Place(INSPECTIONS, "requests, timetable, receipts, the log of releases with the approver's name and comment",
          Holds.BY_ID, True, r".*/v[0-9]+/[^/]+", CALLS,
          (Kept("inspections", "calls with something released", f"{INSPECTIONS}/{{day}}_{{rest}}"),
           Kept("inspections_unreleased", "calls with nothing released", f"{INSPECTIONS}/{{day}}_{{rest}}")),
          "These calls of the inspectors hold them, and stay until their period is over", NAMED),
    Place(SEN2, "SEN2 returns: versions, receipts, the log of releases with the approver's name and comment",
          Holds.IDENTIFIES, True, r".*/v[0-9]+/[^/]+", RETURNS,
          (Kept("sen2", "SEN2 returns with something released", f"{SEN2}/{{year}}"),
           Kept("sen2_unreleased", "SEN2 returns with nothing released", f"{SEN2}/{{year}}")),
          "These SEN2 returns hold them, and stay until their period is over", NAMED),
    Place(REHEARSALS, "the same of rehearsals, which count for nothing", Holds.BY_ID, locks=REHEARSED,
          kept=(Kept("rehearsals", "rehearsals", f"{REHEARSALS}/{{day}}_{{rest}} {REHEARSALS}/{{year}}"),),
          readers=NAMED),
    Place(f"{OUT}/{{name}}", "what somebody else put there", Holds.IDENTIFIES, True, readers=NAMED,
          of_a_person="SEND Ready did not make these, and they hold them: delete them yourself"),
    Place(CONFIGURATION, "files of `SEND_CONFIG` as they were in the last good run", Holds.BY_ID,
          locks=(Lock.CONFIGURATION,), of_a_person="Files in force in the last good run name them, and go with the "
          "next good run after the line is gone from SEND_CONFIG"),
    Place(CONFIG, "files of `SEND_CONFIG` out of a backup", Holds.BY_ID,
          of_a_person="Files of SEND_CONFIG out of a backup name them: take the line out"),
    Place(f"{ONBOARDING}/trial", "a night on the draft, while `make onboard` lasts", Holds.IDENTIFIES,
          locks=(Lock.ONBOARDING,), of_a_person="A trial that was cut off holds them: run make onboard"),
    Place(ONBOARDING, "the draft of `SEND_CONFIG`, its workbook and answers: headings, codes with counts", Holds.NONE,
          True, locks=(Lock.ONBOARDING,)),
    Place(RECORDS, "what was backed up and what was purged: file names, dates, numbers", Holds.NONE, True),
    Place(PICKED_UP, "what was picked up from where and when: file names, sizes, hashes; what went wrong", Holds.NONE,
          True),
    Place(CATALOGUE, "what every table and column means", Holds.NONE),
    Place(AIRFLOW, "when each step ran, who approved, logs of steps", Holds.BY_ID, may_precede_restore=True,
          of_a_person="Airflow's history may name them: delete that run in Airflow"),
    Place(LOCKS, "empty files", Holds.NONE, may_precede_restore=True),
    Place(RESTORING, "a backup on its way in", Holds.IDENTIFIES, may_precede_restore=True,
          of_a_person="A restore was cut off, and holds them: finish it, and ask again"),
    Place(LEFTOVERS, "halves that a killed process left", Holds.IDENTIFIES,
          kept=(Kept("leftovers", "halves left by killed processes", f"{LANDED} {LEFTOVERS}"),)),
)  # fmt: skip

# Files that hold more, or less, about a person than their place: path, what it is, and what it holds.
FILES = (
    ("runs/*/warehouse.duckdb*", "one run's warehouse, with the records that were linked", Holds.IDENTIFIES),
    ("runs/*/spill/*", "parts of a sort that did not fit into memory, while it lasts", Holds.IDENTIFIES),
    ("published/*/bi.duckdb", "the warehouse for analysts, without name, UPN, ULN, date of birth or address",
     Holds.BY_ID),
    ("published/*/parquet/core/*", "the same, as files", Holds.BY_ID),
    ("published/*/parquet/kpi/*", "figures; cases and a worklist", Holds.BY_ID),
    ("published/*/parquet/quality/*", "issues and states of feeds", Holds.BY_ID),
    ("out/*/annex_a_person_level_lists*.xlsx", "the lists: UPN, ULN, date of birth, ethnicity, need", Holds.IDENTIFIES),
    ("out/*/annex_a_further_items*.xlsx", "settings, cohorts, children by ID", Holds.BY_ID),
    ("out/*/chronology*.xlsx", "what happened to the children whom inspectors named", Holds.IDENTIFIES),
    ("out/*/SEN2_*", "the SEN2 return, also in rehearsals and encrypted", Holds.IDENTIFIES),
    ("out/*/Blade-Export_*.csv", "its modules", Holds.IDENTIFIES),
    ("out/*/sen2/*", "the SEN2 return: name, UPN, ULN, date of birth, postcode, need, placement", Holds.IDENTIFIES),
    ("out/*/issues.xlsx",
     "what to put right, by ID, with the values that it is about: UPN, dates, who else holds them", Holds.IDENTIFIES),
)  # fmt: skip


def expression(pattern: str) -> re.Pattern[str]:
    """A regular expression for the paths of a pattern, relative to SEND_HOME."""
    names = []
    for one in pattern.split():
        parts = re.split(r"(\{\w+\})", one)
        names.append("".join(PARTS[part][0] if part in PARTS else re.escape(part) for part in parts))
    return re.compile("|".join(names))


def found(home: Path, pattern: str) -> Iterator[Path]:
    """The existing paths of a pattern below SEND_HOME, in order of name."""
    wanted = expression(pattern)
    for one in pattern.split():
        glob = re.sub(r"\{\w+\}", lambda part: PARTS[part[0]][1], one)
        for path in sorted(home.glob(glob)):
            if wanted.fullmatch(path.relative_to(home).as_posix()):
                yield path


def place_of(path: PurePosixPath) -> Place | None:
    """The place of a path relative to SEND_HOME, of a lock that of what it locks; None without one."""
    name = path.as_posix()
    if path.name.startswith(".") and path.name.endswith(".lock"):
        name = path.with_name(path.name.removeprefix(".").removesuffix(".lock") or path.name).as_posix()
    return next((place for place in PLACES if re.match(rf"(?:{expression(place.pattern).pattern})(?:/|$)", name)), None)


def contents(home: Path) -> Iterator[tuple[Place, Path]]:
    """Each place with its existing paths, without those of an earlier place."""
    for place in PLACES:
        yield from ((place, path) for path in _own(home, place, place.pattern))


def things(home: Path, place: Place) -> Iterator[Path]:
    """The existing things of a place: of those with a period each thing that is removed as one, else its paths."""
    for pattern in dict.fromkeys(kept.pattern or place.pattern for kept in place.kept) or [place.pattern]:
        yield from _own(home, place, pattern)


def _own(home: Path, place: Place, pattern: str) -> Iterator[Path]:
    return (
        each for each in found(home, pattern) if place_of(PurePosixPath(each.relative_to(home).as_posix())) is place
    )


def holds(path: PurePosixPath) -> Holds | None:
    """The most that a file at a path may hold about a person; None without a place."""
    for pattern, _, most in FILES:
        if fnmatch(path.as_posix(), pattern):
            return most
    place = place_of(path)
    return place.holds if place else None


def kinds() -> dict[str, tuple[Place, Kept]]:
    """The place and the things of each kind that has a period, by its name in retention.yml."""
    return {kept.kind: (place, kept) for place in PLACES for kept in place.kept}


def pattern_of(kind: str) -> str:
    """The pattern of the things of a kind, relative to SEND_HOME."""
    place, kept = kinds()[kind]
    return kept.pattern or place.pattern


def folders_backed_up() -> list[str]:
    """The names of folders in SEND_HOME that are backed up, and are in a backup."""
    return list(dict.fromkeys(place.folder for place in PLACES if place.is_backed_up))


def folders_that_may_precede_restore() -> set[str]:
    """The names of folders that SEND_HOME may have before a backup is restored."""
    return {place.folder for place in PLACES if place.may_precede_restore}


def readers() -> dict[str, Readers]:
    """The readers of each folder of SEND_HOME, beside the account that runs SEND Ready."""
    return {place.folder: place.readers for place in PLACES}
