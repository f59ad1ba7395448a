"""The files that a council may write in SEND_CONFIG: their names, and the shipped files that they replace."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from extract import contract
from send_ready import layout
from send_ready.settings import PROJECT
from warehouse import own_seeds

MiB = 1 << 20
CONTRACTS, COLUMN_MAPS = "contracts", "column_maps"
FEED_RULES, LIST_RULES, DECISIONS = "expectations/feeds", "expectations/lists", "decisions"
NONE_DATES, RETENTION, PICKUP = "none_dates.yml", "retention.yml", "pickup.yml"


@dataclass(frozen=True)
class Kind:
    """One kind of file: its folder in SEND_CONFIG, the names that it may have, and how large it may be, in bytes."""

    folder: str
    names: Callable[[], list[str]]
    shipped: str | None  # folder of the project with the files that they replace, at any depth
    largest: int = 4 * MiB


def _feed_files(suffix: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        return [f"{feed.replace('.', '__', 1)}{suffix}" for feed in contract.feeds()]

    return names


def _seeds(folder: str) -> Callable[[], list[str]]:
    return lambda: [f"{name}.csv" for name in own_seeds.seed_names(folder)]


def _list_rules() -> list[str]:
    return ["both.yml", *(f"{listed.key}.yml" for listed in layout.lists())]


KINDS = (
    Kind(".", lambda: [NONE_DATES], "extract", MiB // 4),  # first: contracts are read with it
    Kind(CONTRACTS, _feed_files(".yml"), "extract/contracts", MiB // 4),
    Kind(COLUMN_MAPS, _feed_files(".csv"), "extract/column_maps"),
    Kind(own_seeds.CROSSWALKS, _seeds(own_seeds.CROSSWALKS), "dbt_project/seeds"),
    Kind(own_seeds.TARGETS, _seeds(own_seeds.TARGETS), "dbt_project/seeds"),
    Kind(FEED_RULES, _feed_files(".yml"), "expectations/feeds", MiB // 2),
    Kind(LIST_RULES, _list_rules, "expectations/lists", MiB // 2),
    Kind(DECISIONS, lambda: ["person_links.csv"], None, 16 * MiB),
    Kind(".", lambda: [RETENTION], "operations", MiB // 4),
    Kind(".", lambda: [PICKUP], None, MiB // 4),
)


def kind_by_name() -> dict[str, Kind]:
    """The kind of every file that SEND_CONFIG may hold, by its path there."""
    return {Path(kind.folder, name).as_posix(): kind for kind in KINDS for name in kind.names()}


def shipped_file(name: str, kind: Kind) -> Path | None:
    """The shipped file that a council's own file replaces; None when there is none."""
    return next((PROJECT / kind.shipped).rglob(Path(name).name), None) if kind.shipped else None
