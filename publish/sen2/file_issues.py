"""Issues about the file of the SEN2 return: what DfE's schema does not allow, and characters that XML cannot hold."""

from collections import Counter
from collections.abc import Iterable, Iterator

from publish.sen2 import document, xsd
from publish.sen2.document import Made
from publish.sen2.xsd import Finding
from send_ready import issues, runs, sen2
from send_ready.issues import Sen2Issue
from send_ready.runs import Run
from send_ready.settings import Settings
from warehouse import run_data

STAGE = "sen2/file"
CATEGORY, OWNER = "SEN2", "SEN casework team"
SCHEMA, CHARACTER = "S2-001", "S2-005"
TOLD = 20  # findings of one kind that are each an issue of their own; the rest is one
CHECK_RECORD = "Look at the record behind this element in the source system, and correct it there."
CHECK_SHAPE = "If most persons have it, the layout is meant: see ‘The shape of the return’ in docs/users/sen2.md."


def check_file(run: Run, settings: Settings) -> int:
    """How many issues the file of the return has, if it were made now; written to run.issues(STAGE)."""
    with runs.step(run, "validate-sen2", "file") as step, run_data.opened(run) as con:
        what = document.made(con, run)
        modules = sen2.modules(what.survey.year, settings)
        found = [_character(module, tag, unique_id) for module, tag, unique_id in document.left_out(con, modules)]
        schema = xsd.path_of(what.survey.year, settings)
        step.note = f"no schema of {what.survey.year} in SEND_CONFIG/{sen2.FOLDER}"
        if schema:
            held = list(xsd.findings(con, what, settings, schema))
            found += _of_schema(held, what)
            step.note = f"{schema.name}: {len(held):,} findings"
        return issues.write(run.issues(STAGE), found, kind=Sen2Issue)


def _of_schema(found: Iterable[Finding], what: Made) -> Iterator[Sen2Issue]:
    """An issue a finding; of more than a few of one kind, one for the rest."""
    told = Counter[tuple[str, str]]()
    rest: dict[tuple[str, str], Finding] = {}
    for finding in found:
        kind = finding.tag, finding.said
        told[kind] += 1
        if told[kind] <= TOLD:
            yield _finding(finding, what, 1)
        else:
            rest.setdefault(kind, finding)
    for kind, finding in rest.items():
        yield _finding(finding, what, told[kind] - TOLD)


def _finding(finding: Finding, what: Made, count: int) -> Sen2Issue:
    more = f" So have {count:,} more, from this line on." if count > 1 else ""
    return Sen2Issue(
        CATEGORY,
        SCHEMA,
        "error",
        f"DfE's schema does not allow this {finding.tag}. {finding.said}{more}",
        f"{CHECK_RECORD} {CHECK_SHAPE}",
        OWNER,
        unique_id=finding.unique_id if count == 1 else None,
        column_name=finding.tag,
        file_name=what.file_name,
        line_no=finding.line,
        count=count,
    )


def _character(module: str, tag: str, unique_id: str | None) -> Sen2Issue:
    return Sen2Issue(
        CATEGORY,
        CHARACTER,
        "query",
        f"{tag} has a character that no XML file can hold. It is left out of the file.",
        "Type the value again in the source system: such signs come from copying out of other programs.",
        OWNER,
        unique_id=unique_id,
        column_name=tag,
        module=module,
    )
