"""What SEND Ready is made of: where it comes from, under what licence, on what bill, and what is known against it."""

import io
import json
import re
import shutil
import subprocess
import sys
import tomllib
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.supply import audit, bill

PROJECT = Path(__file__).resolve().parents[2]
LOCK = tomllib.loads((PROJECT / "uv.lock").read_text("utf-8"))["package"]
BOUGHT = [package for package in LOCK if package["name"] != "send-ready"]
TODAY = date(2026, 11, 16)
# Under these a council may use, change and pass on all of it; LGPL and MPL bind who changes the library itself.
FREE = re.compile(
    r"\b(MIT(-0|-CMU)?|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|LGPL|Unlicense|Public Domain|CC0|"
    r"ZPL|Zope|HPND|Zlib|CNRI|Artistic)\b",
    re.IGNORECASE,
)
BINDING = re.compile(
    r"\b(AGPL|GPL|GPLv\d\+?|SSPL|BUSL|Business Source|Commons Clause|Proprietary|Elastic)\b", re.IGNORECASE
)
CHOICES = {"text-unidecode": "Artistic License or GPL, as one likes"}


@cache
def uv() -> str:
    found = shutil.which("uv") or shutil.which(PROJECT / ".uv" / "bin" / "uv")
    assert found, "uv is not here: make installs it"
    return found


def exported(*options: str) -> str:
    command = [uv(), "export", "--frozen", "--no-dev", "--offline", "--quiet", *options]
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout


# The lock


def test_everything_comes_from_pypi_and_is_known_by_its_hash() -> None:
    assert len(BOUGHT) > 100
    for package in BOUGHT:
        assert package["source"] == {"registry": "https://pypi.org/simple"}, package["name"]
        held = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert held, package["name"]
        for each in held:
            assert each["hash"].startswith("sha256:") and len(each["hash"]) == 71, package["name"]
            assert each["url"].startswith("https://files.pythonhosted.org/"), package["name"]


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    wanted += [each for extra in project["project"]["optional-dependencies"].values() for each in extra]
    versions: dict[str, set[str]] = {}
    for package in BOUGHT:
        versions.setdefault(package["name"], set()).add(package["version"])
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if name != "send-ready":
            assert all(requirement.specifier.contains(version) for version in versions[name]), text


# Licences


@cache
def _of_a_night() -> frozenset[str]:
    """Packages that are installed where the pipeline runs, by their names in the lock."""
    lines = exported("--no-emit-project", "--no-hashes", "--no-header", "--no-annotate").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return frozenset(each.name for each in requirements if not each.marker or each.marker.evaluate())


def _licence(name: str) -> str:
    """What a package says of its licence: an expression, else classifiers, else words."""
    about = metadata.metadata(name)
    classified = [each for each in about.get_all("Classifier") or () if each.startswith("License ::")]
    return about.get("License-Expression") or " | ".join(classified) or (about.get("License") or "")[:200]


def test_a_council_may_use_all_of_it() -> None:
    licences = {name: _licence(name) for name in _of_a_night()}
    assert len(licences) > 100
    assert {name: said for name, said in licences.items() if not FREE.search(said)} == {}
    assert {name for name, said in licences.items() if BINDING.search(said)} == CHOICES.keys()


# The bill of materials


def _bill() -> dict[str, Any]:
    return bill.steady(json.loads(exported("--format", "cyclonedx1.5", "--preview-features", "sbom-export")))


def test_the_bill_is_a_bill_of_everything_and_the_same_each_time() -> None:
    first = _bill()
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(json.dumps(first)) is None
    assert first == _bill()
    listed = {component["name"] for component in first["components"]}
    assert listed >= _of_a_night()
    assert not listed & {"pytest", "ruff", "playwright"}  # what only developers have is not delivered
    for component in first["components"]:
        assert component["purl"].startswith(f"pkg:pypi/{component['name']}@")
        assert all(each["hashes"] for each in component["externalReferences"] if each["type"] == "distribution")


def test_another_lock_is_another_bill() -> None:
    first = _bill()
    other = bill.steady(first | {"components": first["components"][1:]})
    assert other["serialNumber"] != first["serialNumber"]


def test_the_command_writes_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.supply.bill", str(tmp_path / "bill.json")]
    export = exported("--format", "cyclonedx1.5", "--preview-features", "sbom-export")
    subprocess.run(command, cwd=PROJECT, input=export, check=True, capture_output=True, text=True)
    assert json.loads((tmp_path / "bill.json").read_text()) == _bill()
    assert subprocess.run(command, cwd=PROJECT, input="", capture_output=True, text=True).returncode == 1


# What is known against it


def package(name: str = "requests", *advisories: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, "version": "1.0", "vulns": list(advisories)} | more


ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"], "description": ""}
EXEMPT = audit.Exempt("CVE-2026-1", "requests", "Nobody can reach it.", TODAY)


def test_what_is_known_stops_the_build() -> None:
    status, lines = audit.judge([package(), package("urllib3", ADVISORY)], [], TODAY)
    assert status == audit.KNOWN
    assert lines[0] == "KNOWN: urllib3 1.0: CVE-2026-1, PYSEC-2026-1, mended in 1.1"


def answering(monkeypatch: pytest.MonkeyPatch, **said: list[dict[str, Any]] | None) -> list[str]:
    """pip-audit that says so of each source, or nothing; gives which sources were asked, in their order."""
    asked = list[str]()

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert "--strict" in command  # with it, what cannot be asked about is an error, without any list
        asked.append(command[command.index("--vulnerability-service") + 1])
        found = said[asked[-1]]
        return subprocess.CompletedProcess(command, 1, json.dumps({"dependencies": found}) if found else "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_osv_is_asked_when_pypi_does_not_answer_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, pypi=None, osv=[package("requests", ADVISORY)])
    assert audit.answer("requests==1.0") == [package("requests", ADVISORY)]
    assert asked == ["pypi", "osv"]
    asked = answering(monkeypatch, pypi=[package()])
    assert audit.answer("requests==1.0") == [package()]
    assert asked == ["pypi"]


def test_nothing_known_is_said_only_when_everything_was_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.judge([package()], [], TODAY)[0] == audit.FINE
    answering(monkeypatch, pypi=None, osv=None)
    for options, status in (([], audit.FINE), (["--must"], audit.NOT_ASKED)):
        monkeypatch.setattr(sys, "stdin", io.StringIO("requests==1.0"))
        assert audit.main(options) == status
        assert "NOT AUDITED" in capsys.readouterr().out


def test_an_exception_holds_for_its_package_until_its_day() -> None:
    known = [package("requests", ADVISORY)]
    assert audit.judge(known, [EXEMPT], TODAY)[0] == audit.FINE
    assert audit.judge(known, [EXEMPT], date(2026, 11, 17))[0] == audit.KNOWN
    assert audit.judge([package("urllib3", ADVISORY)], [EXEMPT], TODAY)[0] == audit.KNOWN


def test_the_exceptions_on_file_have_reasons(tmp_path: Path) -> None:
    audit.exceptions()
    path = tmp_path / "exceptions.toml"
    path.write_text('[[exception]]\nid = "CVE-1"\npackage = "x"\nreason = " "\nuntil = 2027-01-01\n')
    with pytest.raises(ValueError, match="a reason"):
        audit.exceptions(path)


def test_an_audit_that_cannot_be_made_says_so_and_never_that_all_is_well() -> None:
    """As on a build server without a way out, and behind a mirror that has no advisories."""
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1", "PATH": "/usr/bin:/bin"}
    requirements = exported("--no-emit-project")

    def audited(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tools.supply.audit", *options]
        return subprocess.run(command, cwd=PROJECT, env=nowhere, input=requirements, capture_output=True, text=True)

    done = audited()
    assert done.returncode == 0, done.stderr
    assert "NOT AUDITED" in done.stdout
    assert "nothing is known against them" not in done.stdout
    assert audited("--must").returncode == audit.NOT_ASKED


def test_nothing_to_audit_is_a_mistake() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.supply.audit"], cwd=PROJECT, input="", capture_output=True, text=True
    )
    assert done.returncode == audit.KNOWN
