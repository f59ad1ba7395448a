"""`make check FILE=` of a workbook with List 1 or List 2 on it, by hand or not: what the rules of the lists find."""

import tempfile
from pathlib import Path

from expectations import handmade
from expectations.handmade import CheckedList, Finding
from extract.inbox.arrivals import printable
from extract.refusal import Refusal
from extract.text import WORKBOOK_SUFFIXES
from send_ready import layout
from send_ready.settings import Settings
from send_ready.words import counted

SHOWN = 10  # lines listed of each rule


def check_lists(settings: Settings, path: Path) -> int | None:
    """The exit status after a report was printed: 1 when a rule for errors fails. None when it holds no list."""
    if path.suffix.lower() not in WORKBOOK_SUFFIXES:
        return None
    shape = layout.in_force(settings.config)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = folder / f"book{path.suffix.lower()}"
        book.symlink_to(path.resolve())
        try:
            sheets = handmade.sheets_of_lists(book, shape, folder / "sheets")
        except Refusal:
            return None  # as an export it is refused with the reason
        if not sheets:
            return None
        found = handmade.check_workbook(book, sheets, settings, folder)
    print(
        f"{printable(path.name)}: {' and '.join(each.listed.name for each in found)} of Annex A, layout "
        f"{shape.version}, checked as at {settings.as_at:%d/%m/%Y}.\n"
        "What only a night knows counts as blank, such as the reason why a child has no UPN."
    )
    for each in found:
        _print(each)
    is_bad = any(one.refusal or any(each.rule.severity != "query" for each in one.findings) for one in found)
    print("\nThere are errors to put right." if is_bad else "\nNo rule for errors fails.")
    return 1 if is_bad else 0


def _print(found: CheckedList) -> None:
    print(f"\n{found.listed.name}, sheet {found.sheet}")
    if found.refusal:
        print(f"  Cannot be checked ({found.refusal.code}).\n  {found.refusal.reason}\n  {found.refusal.fix}")
        return
    print(f"  {counted(found.rows, 'row')} read.")
    for issue in found.reading:
        if issue.severity != "note":  # such as which of the sheets was read
            where = f"row {issue.line_no:,}: " if issue.line_no and not issue.message.startswith("Line") else ""
            print(f"  {issue.rule}  {where}{issue.message}")
    for each in sorted(found.findings, key=lambda each: each.rule.severity == "query"):
        print(f"  {'Query' if each.rule.severity == 'query' else 'Error'}  {each.rule.code}  {_said(each)}")
    if found.not_checked:
        print(f"  Not checked, for want of what a night knows: {', '.join(found.not_checked)}.")


def _said(found: Finding) -> str:
    rows = ", ".join(f"{line:,}" for line in found.lines[:SHOWN])
    more = f" and {len(found.lines) - SHOWN:,} more" if len(found.lines) > SHOWN else ""
    where = f" Row {rows}{more}." if len(found.lines) == 1 else f" Rows {rows}{more}." if found.lines else ""
    return f"{found.rule.message}{where} {found.rule.fix}"
