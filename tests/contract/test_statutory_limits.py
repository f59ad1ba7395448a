"""Each span of days that the law or a figure counts by stands once, in seeds/spec/statutory_limits.csv."""

import csv
import re

import pytest

from send_ready.settings import PROJECT
from warehouse import seeds

LIMITS = {row["limit_name"]: row for row in seeds.rows("statutory_limits")}
ROOMS = ("dbt_project/models", "dbt_project/macros", "expectations", "publish", "inspection", "sample", "warehouse")
SPANS = "|".join(sorted({row["days"] for row in LIMITS.values() if int(row["days"]) > 28}))
# A day plus or minus a span of days, or a comparison of days with one, in SQL or Python.
WRITTEN = re.compile(rf"(?:_date|_at\(\) }}}}|days|received|INTERVAL) ?(?:[-+<>]=?)? ?(?:{SPANS})\b", re.IGNORECASE)
NAMED = re.compile(r"limit_days\('(\w+)'\)|limit_name: (\w+)\}|limit_name = '(\w+)'|DAYS\[\"(\w+)\"\]")


def texts() -> dict[str, str]:
    paths = [path for room in ROOMS for kind in ("*.sql", "*.py", "*.j2") for path in (PROJECT / room).rglob(kind)]
    return {str(path.relative_to(PROJECT)): path.read_text(encoding="utf-8") for path in paths}


def test_no_code_writes_a_limit() -> None:
    assert not {path: found for path, text in texts().items() if (found := WRITTEN.findall(text))}


@pytest.mark.parametrize("line", ["received_date + 42 as due_date", "where days <= 210", "$as_at - INTERVAL 84 DAY"])
def test_a_limit_that_is_written_is_found(line: str) -> None:
    assert WRITTEN.search(line)


def test_whatever_names_a_limit_names_one_that_there_is() -> None:
    named = {name for text in texts().values() for found in NAMED.findall(text) for name in found if name}
    with (PROJECT / "dbt_project/seeds/spec/event_types.csv").open(encoding="utf-8", newline="") as file:
        named |= {row["limit_name"] for row in csv.DictReader(file)} - {""}
    assert "advice" in named
    assert named <= set(LIMITS)


def test_a_definition_says_the_days_that_count() -> None:
    """The catalogue tells people the days in words; each number of days there is the limit that its law sets."""
    laws = {row["source"].split(";")[0]: row["days"] for row in LIMITS.values()}
    said = 0
    for row in seeds.rows("kpi_catalogue"):
        for days, weeks in re.findall(r"(\d+) weeks \((\d+) days\)", row["definition"]):
            said += 1
            assert int(weeks) == 7 * int(days), row["kpi_id"]
            assert weeks in {each["days"] for each in LIMITS.values()}, row["kpi_id"]
            law = row["source"].split(";")[0]
            assert weeks == laws.get(law, weeks) or row["kpi_id"] in ("K04", "K05"), row["kpi_id"]
    assert said > 10
