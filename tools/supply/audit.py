"""Known vulnerabilities of what the lock installs, asked of PyPI and, when it does not answer, of OSV: `make audit`.

Reads the lock as `uv export` writes it, from standard input. pip-audit asks; but it says "No known vulnerabilities"
also of packages that it could not ask about, as behind a mirror that has no advisories. So what was not asked is
counted here, and told: nobody takes silence for an answer.

usage: uv export --locked --no-dev --no-emit-project --quiet | python -m tools.supply.audit [--must]
exit status: 0 nothing known, or not to be asked; 1 something is known, or an exception is out of date; 3 with --must,
when it could not be asked.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
SOURCES = ("pypi", "osv")
SECONDS = 5  # for an answer: a locked-down network may swallow the question
FINE, KNOWN, NOT_ASKED = 0, 1, 3


@dataclass(frozen=True)
class Exempt:
    """A vulnerability that does not stop the build up to and including a day."""

    id: str
    package: str
    reason: str
    until: date


def exceptions(path: Path = EXCEPTIONS) -> list[Exempt]:
    """Those on file. Raises ValueError for one without reason, package or day."""
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
    for each in found:
        if each.keys() != {"id", "package", "reason", "until"} or not each["reason"].strip():
            raise ValueError(f"{path}: an exception has an id, a package, a reason and until; this one: {each}")
    return [Exempt(**each) for each in found]


def judge(audited: list[dict[str, Any]], exempt: list[Exempt], today: date) -> tuple[int, list[str]]:
    """What pip-audit says of each package, as an exit status and lines to print."""
    asked = [each for each in audited if "skip_reason" not in each]
    unasked = [each["name"] for each in audited if "skip_reason" in each]
    status, lines = NOT_ASKED if unasked or not audited else FINE, []
    for package in asked:
        for advisory in package["vulns"]:
            line, is_exempt = _told(package, advisory, exempt, today)
            lines.append(line)
            status = status if is_exempt else KNOWN
    if unasked:
        lines.append(f"NOT AUDITED: {len(unasked)} of {len(audited)} packages, {', '.join(unasked[:5])} among them.")
    lines.append(f"Asked about {len(asked)} of {len(audited)} packages; {_many(status)}.")
    return status, lines


def _told(package: dict[str, Any], advisory: dict[str, Any], exempt: list[Exempt], today: date) -> tuple[str, bool]:
    names = {advisory["id"], *advisory["aliases"]}
    line = f"{package['name']} {package['version']}: {', '.join(sorted(names))}"
    line += f", mended in {', '.join(advisory['fix_versions'])}" if advisory["fix_versions"] else ", not mended yet"
    found = next((each for each in exempt if each.id in names and each.package == package["name"]), None)
    if not found:
        return f"KNOWN: {line}", False
    if found.until < today:
        return f"KNOWN, and its exception ended on {found.until}: {line}", False
    return f"Exempt until {found.until}: {line}. {found.reason}", True


def _many(status: int) -> str:
    return {
        FINE: "nothing is known against them that is not exempt",
        KNOWN: "something is known: raise the version (uv lock --upgrade-package NAME), or see exceptions.toml",
        NOT_ASKED: "so nothing is known either way. Audit where PyPI's own pages or api.osv.dev can be reached",
    }[status]


def ask(requirements: str) -> list[dict[str, Any]]:
    """Name, version and advisories, or why it could not be asked, of each package; by the first source that answers."""
    found: list[dict[str, Any]] = []
    for source in SOURCES:
        answer = _answer(requirements, source)
        if answer and not any("skip_reason" in each for each in answer):
            return answer
        found = max(found, answer, key=lambda each: sum("skip_reason" not in package for package in each))
    return found or [{"name": name, "skip_reason": "no answer"} for name in _names(requirements)]


def _answer(requirements: str, source: str) -> list[dict[str, Any]]:
    """Of one source; nothing when it cannot be reached."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--requirement", file.name, "--disable-pip", "--require-hashes"]
        command += ["--vulnerability-service", source, "--timeout", str(SECONDS), "--format", "json"]
        done = subprocess.run([*command, "--progress-spinner", "off"], capture_output=True, text=True)
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        return []
    return packages


def _names(requirements: str) -> Iterator[str]:
    lines = (line for line in requirements.splitlines() if "==" in line and not line.startswith((" ", "#")))
    yield from (line.partition("==")[0] for line in lines)


def main(arguments: list[str]) -> int:
    """The command. What is not to be asked fails only with --must."""
    requirements = sys.stdin.read()
    if not any(_names(requirements)):
        print("Nothing to audit came in: see usage in tools/supply/audit.py", file=sys.stderr)
        return KNOWN
    status, lines = judge(ask(requirements), exceptions(), date.today())  # noqa: DTZ011  # a day or two is no matter
    print(*lines, sep="\n")
    return FINE if status == NOT_ASKED and "--must" not in arguments else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
