"""The answers that analysts gave, kept beside the workbook: rows whose file is not there today keep theirs."""

from collections.abc import Mapping
from pathlib import Path

from onboarding.proposals import Answer, Key
from send_ready import files
from send_ready.runs import RunError

NAME = "answers.json"


def load(folder: Path) -> dict[Key, Answer]:
    """The answers that are kept; none when nobody answered yet. Raises RunError when they are damaged."""
    path = folder / NAME
    try:
        found = files.read_json(path)
        return {tuple(map(str, each["about"])): Answer(str(each["confirm"]), str(each["instead"])) for each in found}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, LookupError, AttributeError, files.NoRegularFileError):
        raise RunError(
            f"{path} is damaged. Remove it: what stands in onboarding.xlsx is read anew, and nothing else is lost."
        ) from None


def keep(folder: Path, answers: Mapping[Key, Answer]) -> None:
    """Keep the answers, in order of what they are about."""
    held = [
        {"about": list(key), "confirm": answer.confirm, "instead": answer.instead}
        for key, answer in sorted(answers.items())
        if answer != Answer()
    ]
    files.write_json(folder / NAME, held)
