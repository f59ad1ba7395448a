"""A code of an issue about files means one thing: one module gives it, but for those of feeds and sources alike."""

import re

from send_ready.settings import PROJECT

ROOMS = ("send_ready", "extract", "warehouse", "expectations", "publish", "inspection", "operations", "pickup",
         "onboarding", "commands")  # fmt: skip
# Said of a feed's files and of a source's, of the inbox before the night and in it.
ALIKE = {
    "F-14": {"extract/choose.py", "extract/own/land.py"},
    "F-16": {"extract/choose.py", "extract/own/land.py"},
    "F-17": {"extract/inbox/survey.py", "onboarding/survey.py"},
    "F-18": {"extract/choose.py", "extract/inbox/survey.py", "extract/own/land.py"},
    "F-20": {"commands/check.py", "extract/file_issues.py", "extract/own/source_file.py"},
    "F-30": {"extract/file_issues.py", "extract/own/source_file.py"},
    "F-47": {"extract/choose.py", "extract/own/land.py"},
    "F-33": {"extract/file_issues.py", "extract/own/source_file.py"},
}


def test_no_two_modules_give_one_code_different_meanings() -> None:
    found: dict[str, set[str]] = {}
    for path in (path for room in ROOMS for path in (PROJECT / room).rglob("*.py")):
        for code in re.findall(r'"(F-[0-9]{2})"', path.read_text(encoding="utf-8")):
            found.setdefault(code, set()).add(str(path.relative_to(PROJECT)))
    assert len(found) > 40
    assert {code: modules for code, modules in found.items() if len(modules) > 1} == ALIKE
