"""`make layout`: Ofsted's template beside the layout in force, and a draft of the council's own layout to confirm.

SEND_HOME/onboard/annex_a_layout.csv   the draft: look through it, put right what it got wrong, then adopt it
"""

import tempfile
from pathlib import Path

from commands.onboard import moment
from extract.inbox.arrivals import printable
from extract.refusal import Refusal
from onboarding import adopt, template
from onboarding.draft import Draft
from send_ready import files, layout, tables
from send_ready.home import ONBOARDING, Lock
from send_ready.layout import OWN, OWN_COLUMNS
from send_ready.settings import Settings
from send_ready.tables import TableError
from send_ready.words import counted

NEXT = (
    "Look through it: column_name says what fills a column, and is empty where nothing does; values are what the "
    "drop-down offers.\nThen ADOPT=yes make layout copies it into SEND_CONFIG, and the lists come out so from the next "
    "night on.\nTake the file out of SEND_CONFIG for the layout that ships."
)


def draft_layout(
    settings: Settings, path: Path | None, version: str | None, *, adopts: bool, config: Path | None
) -> int:
    """The exit status after all was told: 1 when the template, or the draft, cannot be used.

    `config` is the council's own SEND_CONFIG; the settings' may be a copy of what is in force.
    """
    folder = settings.home / ONBOARDING
    with files.locked(settings.home / Lock.ONBOARDING):
        if path and not _draft(settings, path, version or f"{settings.as_at:%Y-%m}", folder / OWN):
            return 1
        if adopts:
            return _adopt(folder, config)
        if not path:
            print("Name the template: TEMPLATE=file make layout.")
        return 0 if path else 1


def _draft(settings: Settings, path: Path, version: str, into: Path) -> bool:
    """Whether a draft was written."""
    name = printable(path.name)
    if not path.is_file():
        print(f"There is no file {printable(str(path))}.")
        return False
    shape = layout.in_force(settings.config)
    with tempfile.TemporaryDirectory() as scratch:
        book = Path(scratch, f"book{path.suffix.lower()}")
        book.symlink_to(path.resolve())
        try:
            templates = template.read(book, shape, Path(scratch, "sheets"))
        except Refusal as refusal:
            print(f"{name} cannot be used ({refusal.code}).\n  {refusal.reason}\n  {refusal.fix}")
            return False
    print(f"{name} beside the layout in force, {shape.version}.")
    changes = template.changes(templates, shape)
    for listed in shape.lists:
        of_list = [each for each in changes if each.list_name == listed.name]
        tab = next((f", on sheet {printable(each.tab)}" for each in templates if each.name == listed.name), "")
        print(f"\n{listed.name}{tab}: {counted(len(of_list), 'difference') if of_list else 'the same'}")
        for each in of_list:
            print(f"  {each.what.capitalize():<11} {printable(each.header)}  {printable(each.said)}".rstrip())
    into.parent.mkdir(parents=True, exist_ok=True)
    files.write_bytes(into, tables.write(template.draft(templates, shape, version), list(OWN_COLUMNS)))
    print(f"\nThe draft is {into}, layout version {version}.")
    print(NEXT)
    return True


def _adopt(folder: Path, config: Path | None) -> int:
    if not config:
        print("SEND_CONFIG names no folder to copy the layout into. Make one, set SEND_CONFIG to it, run again.")
        return 1
    try:
        found = layout.read(folder / OWN)
        data = (folder / OWN).read_bytes()
    except FileNotFoundError:
        print("There is no draft yet. TEMPLATE=file make layout writes one.")
        return 1
    except TableError as error:
        print(f"The draft cannot be used, and was not copied. {error}")
        return 1
    done = adopt.adopt(Draft({OWN: data}, {OWN: f"layout version {found.version}"}), config, folder, moment())
    for line in done.lines:
        print(line)
    return 1 if done.has_left_some else 0
