"""Known vulnerabilities of what the lock installs, by `pip-audit --strict` of PyPI, else of OSV: `make audit`.

Reads the lock as `uv export` writes it, from standard input. Three things pip-audit does not do: ask elsewhere when one
source cannot answer for every package, end an exception on a day, and tell "something is known" from "nobody could be
asked", as on a build server without a way out: both are its exit status 1.

usage: uv export --locked --no-dev --no-emit-project --quiet | python -m tools.supply.audit [--must]
exit status: 0 nothing known, or not to be asked; 1 something is known, or an exception is out of date; 3 with --must,
when it could not be asked.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

EXCEPTIONS = Path(__file__).with_name("exceptions.toml")
SOURCES = ("pypi", "osv")
SECONDS = 5  # for an answer: a locked-down network may swallow the question
FINE, KNOWN, NOT_ASKED = 0, 1, 3
RAISE = "raise the version (uv lock --upgrade-package NAME), or see exceptions.toml"
UNKNOWN = (
    "NOT AUDITED: no source answers for every package, so nothing is known either way. Audit where PyPI's own pages or "
    "api.osv.dev can be reached."
)


@dataclass(frozen=True)
class Exempt:
    """A vulnerability that does not stop the build up to and including a day."""

    id: str
    package: str
    reason: str
    until: date


def exceptions(path: Path = EXCEPTIONS) -> list[Exempt]:
    """The exceptions on file. Raises ValueError for one without reason, package or day."""
    found = tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])
    for each in found:
        if each.keys() != {"id", "package", "reason", "until"} or not each["reason"].strip():
            raise ValueError(f"{path}: an exception has an id, a package, a reason and until; this one: {each}")
    return [Exempt(**each) for each in found]


def answer(requirements: str) -> list[dict[str, Any]] | None:
    """Name, version and advisories of each package, by the first source that answers for all; None when none does."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(requirements)
        file.flush()
        for source in SOURCES:
            command = [sys.executable, "-m", "pip_audit", "--strict", "--requirement", file.name, "--disable-pip"]
            command += ["--require-hashes", "--vulnerability-service", source, "--timeout", str(SECONDS)]
            command += ["--format", "json", "--progress-spinner", "off"]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.stdout.strip():  # nothing, when a package could not be asked about
                packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
                return packages
    return None


def judge(audited: list[dict[str, Any]], exempt: list[Exempt], today: date) -> tuple[int, list[str]]:
    """The exit status, and a line for each advisory and for the whole."""
    status, lines = FINE, list[str]()
    for package in audited:
        for advisory in package["vulns"]:
            names = {advisory["id"], *advisory["aliases"]}
            mended = ", ".join(advisory["fix_versions"])
            said = f"{package['name']} {package['version']}: {', '.join(sorted(names))}"
            said += f", mended in {mended}" if mended else ", not mended yet"
            held = [each for each in exempt if each.id in names and each.package == package["name"]]
            if holds := next((each for each in held if today <= each.until), None):
                lines.append(f"Exempt until {holds.until}: {said}. {holds.reason}")
                continue
            status = KNOWN
            lines.append(f"KNOWN{', and its exception ended' if held else ''}: {said}")
    told = "nothing is known against them that is not exempt" if status == FINE else f"something is known: {RAISE}"
    return status, [*lines, f"Asked about {len(audited)} packages; {told}."]


def main(arguments: list[str]) -> int:
    """The command. What is not to be asked fails only with --must."""
    requirements = sys.stdin.read()
    if "==" not in requirements:
        print("Nothing to audit came in: see usage in tools/supply/audit.py", file=sys.stderr)
        return KNOWN
    audited = answer(requirements)
    if audited is None:
        print(UNKNOWN)
        return NOT_ASKED if "--must" in arguments else FINE
    status, lines = judge(audited, exceptions(), date.today())  # noqa: DTZ011  # a day or two is no matter
    print(*lines, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
