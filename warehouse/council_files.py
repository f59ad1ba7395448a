"""The files that a council may write in SEND_CONFIG: their names, and the shipped files that they replace."""

import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from extract import absent, contract
from extract.own import prepare, source
from send_ready import layout, systems
from send_ready.settings import PROJECT
from warehouse import own_seeds

MiB = 1 << 20
CONTRACTS, COLUMN_MAPS = "contracts", "column_maps"
FEED_RULES, LIST_RULES, SEN2_RULES = "expectations/feeds", "expectations/lists", "expectations/sen2"
DECISIONS = "decisions"
NONE_DATES, RETENTION, PICKUP = "none_dates.yml", "retention.yml", "pickup.yml"
SOURCES, PREPARE = source.FOLDER, prepare.FOLDER
SYSTEMS = systems.FILE
ABSENT_FEEDS = absent.NAME
SEN2_SCHEMA = re.compile(r"SEN2_20\d\d\.xsd")


@dataclass(frozen=True)
class Kind:
    """One kind of file: its folder in SEND_CONFIG, the names that it may have, and how large it may be, in bytes."""

    folder: str
    names: Callable[[], list[str]]
    shipped: str | None  # folder of the project with the files that they replace, at any depth
    largest: int = 4 * MiB
    own_name: re.Pattern[str] | None = None  # names beside those, for the council to choose


def _feed_files(suffix: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        return [f"{feed.replace('.', '__', 1)}{suffix}" for feed in contract.feeds()]

    return names


def _seeds(folder: str) -> Callable[[], list[str]]:
    return lambda: [f"{name}.csv" for name in own_seeds.seed_names(folder)]


def _list_rules() -> list[str]:
    return ["both.yml", *(f"{listed.key}.yml" for listed in layout.lists())]


def _sen2_rules() -> list[str]:
    return sorted(path.name for path in (PROJECT / SEN2_RULES).glob("*.yml"))


def _shipped_sources() -> list[str]:
    return sorted(path.name for path in source.SHIPPED.glob("*.yml"))


KINDS = (
    Kind(".", lambda: [SYSTEMS], None, MiB // 16),  # these first: contracts are read with them
    Kind(".", lambda: [NONE_DATES], "extract", MiB // 4),
    Kind(".", lambda: [ABSENT_FEEDS], "extract", MiB // 4),
    Kind(SOURCES, _shipped_sources, "extract/sources", MiB // 4, re.compile(rf"{source.NAME.pattern}\.yml")),
    Kind(PREPARE, list, "extract/prepare", MiB // 4, prepare.SHARED),  # after the sources that it names
    Kind(PREPARE, _feed_files(".sql"), "extract/prepare", MiB // 4),  # after the shared ones
    Kind(CONTRACTS, _feed_files(".yml"), "extract/contracts", MiB // 4),
    Kind(COLUMN_MAPS, _feed_files(".csv"), "extract/column_maps"),
    Kind(own_seeds.CROSSWALKS, _seeds(own_seeds.CROSSWALKS), "dbt_project/seeds"),
    Kind(own_seeds.TARGETS, _seeds(own_seeds.TARGETS), "dbt_project/seeds"),
    Kind(own_seeds.SEN2, _seeds(own_seeds.SEN2), "dbt_project/seeds", MiB),
    Kind(own_seeds.SEN2, list, None, 4 * MiB, SEN2_SCHEMA),
    Kind(".", lambda: [layout.OWN], None, MiB // 4),  # before the rules that name its columns
    Kind(FEED_RULES, _feed_files(".yml"), "expectations/feeds", MiB // 2),
    Kind(LIST_RULES, _list_rules, "expectations/lists", MiB // 2),
    Kind(SEN2_RULES, _sen2_rules, "expectations/sen2", MiB // 2),
    Kind(DECISIONS, lambda: ["person_links.csv"], None, 16 * MiB),
    Kind(".", lambda: [RETENTION], "operations", MiB // 4),
    Kind(".", lambda: [PICKUP], None, MiB // 4),
)


def kind_by_name(config: Path | None = None, more: Iterable[str] = ()) -> dict[str, Kind]:
    """The kind of every file that SEND_CONFIG may hold, by its path there.

    Where a kind's names are the council's to choose, those that `config` holds, and those of `more`.
    """
    return {Path(kind.folder, name).as_posix(): kind for kind in KINDS for name in _names(kind, config, more)}


def _names(kind: Kind, config: Path | None, more: Iterable[str]) -> list[str]:
    if not kind.own_name:
        return kind.names()
    there = {Path(name).name for name in more if Path(name).parent.as_posix() == kind.folder}
    with suppress(OSError):
        there |= set(os.listdir(config / kind.folder)) if config else set()
    return sorted({*kind.names(), *filter(kind.own_name.fullmatch, there)})


def shipped_file(name: str, kind: Kind) -> Path | None:
    """The shipped file that a council's own file replaces; None when there is none."""
    return next((PROJECT / kind.shipped).rglob(Path(name).name), None) if kind.shipped else None
