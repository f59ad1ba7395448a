"""Everything that takes files of the inbox by their names: feeds, and sources of a council's own."""

from pathlib import Path

from extract import contract as contracts
from extract.inbox import arrivals
from extract.inbox.arrivals import Taker
from extract.own import source
from extract.own.source import Source
from send_ready.home import LANDING
from send_ready.settings import Settings


def load_all(settings: Settings) -> list[Taker]:
    """Every feed and every source in force."""
    return [*contracts.load_all(settings), *source.load_all(settings)]


def claimed_by(path: Path, takers: list[Taker]) -> list[Taker]:
    """Those whose file one is, by its name: more than one are sources of its sheets, or see `rivals`."""
    return [each for each in takers if arrivals.named(path.name, each)]


def rivals(path: Path, one: Source, takers: list[Taker]) -> list[Taker]:
    """Who else takes a file of a source, by its name, and may not: only sources of other sheets of a workbook may.

    That there is any is a mistake of the configuration. A source with a reader, whose patterns are wide, gives way.
    """
    suffix = arrivals.stem_and_suffix(path.name)[1]
    return [
        each
        for each in claimed_by(path, takers)
        if each.id != one.id
        and not (isinstance(each, Source) and (one.shares_files(each, suffix) or (each.reader and not one.reader)))
    ]


def active_sources(settings: Settings) -> list[Source]:
    """The sources that a council has declared, and those that ship of which a file has come or lies in the inbox."""
    exports = [path.name for path, _ in arrivals.list_exports(settings.inbox)[0]]
    return [
        each
        for each in source.load_all(settings)
        if source.is_own(each.feed, settings)
        or (settings.home / LANDING / each.source / each.feed).is_dir()
        or any(arrivals.named(name, each) for name in exports)
    ]
