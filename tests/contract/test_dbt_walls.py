"""The walls of the dbt project: which layer may read which, and what every model has to bring with it."""

import ast
import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from send_ready import systems
from tests.dbt.harness import COUNCIL_COLUMNS, LA_CODE, PROJECT, ROOT, columns, contracts, dbt, make_raw
from warehouse import published
from warehouse.load import ASIDE_COLUMNS, DECISION_COLUMNS, FEED_COLUMNS, HOLIDAY_COLUMNS
from warehouse.postgres import roles

MODELS = PROJECT / "models"
READERS = ("warehouse", "publish")  # rooms that read what was built
LAYERS = ("staging", "intermediate", "core", "annex_a", "quality", "kpi", "person_identifiable", "sen2", "checks")
SCHEMAS = {layer: {"staging": "stg", "intermediate": "int", "checks": "int"}.get(layer, layer) for layer in LAYERS}
PREFIXES = {
    "staging": r"stg_[a-z0-9_]+__[a-z_]+",
    "intermediate": r"int_[a-z0-9_]+__[a-z0-9_]+",
    "checks": r"int_[a-z0-9_]+__[a-z0-9_]+_frame",
    "core": r"(dim|fct)_[a-z_]+",
    "annex_a": r"rpt_annex_a__[a-z0-9_]+",
    "quality": r"quality_[a-z_]+",
    "kpi": r"kpi_[a-z_]+",
    "person_identifiable": r"person_identifiable_[a-z_]+",
    "sen2": r"sen2_[a-z_]+",
}
PUBLISHED = ("core", "annex_a", "quality", "kpi", "person_identifiable", "sen2")
CLOSED = ("annex_a", "person_identifiable", "sen2")  # what a row may identify a child in
SAME_GRAIN_AS = {"stg_capita_one__attendance": "fct_attendance_week"}  # held equal by no_record_is_lost_or_doubled
SQL_FILES = sorted(MODELS.rglob("*.sql"))

Node = dict[str, Any]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("walls")
    parsed = dbt(make_raw(folder / "warehouse.duckdb"), "compile")
    assert parsed.success
    found: dict[str, Any] = json.loads((parsed.target / "manifest.json").read_text(encoding="utf-8"))
    return found


def models(manifest: dict[str, Any]) -> Iterator[Node]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def layer(node: Node) -> str:
    return str(node["path"].split("/")[0])


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_a_model_lies_in_a_layer_under_its_name_with_its_yml_beside_it(path: Path) -> None:
    assert path.parent.parent == MODELS
    assert re.fullmatch(PREFIXES[path.parent.name], path.stem)
    described = yaml.safe_load(path.with_suffix(".yml").read_text(encoding="utf-8"))
    assert [model["name"] for model in described["models"]] == [path.stem]
    assert {test["model"] for test in described.get("unit_tests", ())} <= {path.stem}


def test_every_yml_belongs_to_a_model_or_tells_of_sources_seeds_or_exposures() -> None:
    others = {path for path in MODELS.rglob("*.yml") if path.with_suffix(".sql") not in SQL_FILES}
    assert others == {MODELS / "staging" / "_raw__sources.yml", MODELS / "seeds.yml", MODELS / "exposures.yml"}


def test_sources_are_read_in_staging_alone(manifest: dict[str, Any]) -> None:
    readers = {layer(node) for node in models(manifest) if node["sources"]}
    assert readers == {"staging"}


def test_no_model_looks_at_a_later_layer(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        for parent in node["depends_on"]["nodes"]:
            kind, _, name = parent.split(".", 2)
            if kind == "model":
                reached = layer(manifest["nodes"][parent])
                assert LAYERS.index(reached) <= LAYERS.index(layer(node)), f"{node['name']} reads {name}"
                assert (layer(node), reached) != ("staging", "staging"), f"{node['name']} reads {name}"


def test_every_layer_has_its_schema(manifest: dict[str, Any]) -> None:
    assert {(layer(node), node["schema"]) for node in models(manifest)} == set(SCHEMAS.items())


def test_every_model_and_column_is_described(manifest: dict[str, Any]) -> None:
    for node in [*models(manifest), *(n for n in manifest["nodes"].values() if n["resource_type"] == "seed")]:
        assert node["description"].strip(), node["name"]
        assert node["columns"], node["name"]
        for name, column in node["columns"].items():
            assert column["description"].strip(), f"{node['name']}.{name}"


def test_published_tables_carry_their_descriptions_council_and_run(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        published = layer(node) in PUBLISHED
        assert bool(node["config"]["persist_docs"]) == published, node["name"]
        assert ({"la_code", "run_id"} <= set(node["columns"])) == published, node["name"]
        assert node["config"]["materialized"] == "table" or not published, node["name"]


def test_every_model_has_a_grain_test(manifest: dict[str, Any]) -> None:
    tested = {
        parent.rsplit(".", 1)[1]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["name"].startswith("grain_of_")
        for parent in node["depends_on"]["nodes"]
    }
    for node in models(manifest):
        assert SAME_GRAIN_AS.get(node["name"], node["name"]) in tested, node["name"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_lists_contract_is_the_statutory_layout(number: int, manifest: dict[str, Any]) -> None:
    node = manifest["nodes"][f"model.send_ready.rpt_annex_a__list_{number}"]
    assert node["config"]["contract"]["enforced"]
    types = {"text": "varchar", "date": "date", "count": "integer", "percentage": "decimal(18,1)"}
    with (PROJECT / "seeds" / "spec" / "annex_a_columns.csv").open(encoding="utf-8", newline="") as file:
        layout = [row for row in csv.DictReader(file) if row["list_name"] == f"List {number}"]
    expected = {row["column_name"]: types[row["data_type"]] for row in layout}
    assert {name: column["data_type"] for name, column in node["columns"].items()} == expected | {
        "la_code": "varchar",
        "run_id": "varchar",
    }


def test_what_identifies_a_person_is_in_person_identifiable_alone(manifest: dict[str, Any]) -> None:
    """Lists and SEN2 return carry UPN, ULN and date of birth by statute, the return names as well; nobody else does."""
    names, numbers = {"forename", "surname", "postcode", "address"}, {"upn", "uln", "birth_date", "close_reason"}
    for node in models(manifest):
        if layer(node) in PUBLISHED and node["name"] != "dim_establishment":
            held = {word for column in node["columns"] for word in (column, *column.split("_"))}
            assert bool(held & names) == (node["name"] in ("person_identifiable_persons", "sen2_person")), node["name"]
            assert layer(node) in CLOSED or not held & numbers, node["name"]
    assert not {*CLOSED} & {*published.FOR_ALL}


def test_keys_name_columns_and_references_lead_to_a_key(manifest: dict[str, Any]) -> None:
    by_name = {node["name"]: node for node in models(manifest)}
    for node in by_name.values():
        meta = node["config"]["meta"]
        assert {column.removesuffix("?") for column in meta["primary_key"]} <= set(node["columns"]), node["name"]
        for column, name in meta.get("references", {}).items():
            assert column in node["columns"], f"{node['name']}.{column}"
            assert len(by_name[name]["config"]["meta"]["primary_key"]) == 1, f"{node['name']}.{column}"


def test_every_date_and_person_of_core_refers_to_its_dimension(manifest: dict[str, Any]) -> None:
    for node in models(manifest):
        references = node["config"]["meta"].get("references", {})
        if layer(node) in PUBLISHED:
            persons = {"person_id", "unique_id"} & set(node["columns"])
            assert node["name"] == "dim_person" or all(references[column] == "dim_person" for column in persons)
        if layer(node) == "core" and node["name"].startswith("fct_"):
            dates = [column for column in node["columns"] if column.endswith("_date")]
            assert all(references[column] == "dim_date" for column in dates), node["name"]


def test_every_reference_is_tested(manifest: dict[str, Any]) -> None:
    tests = ("references_join", "references_join_of_sen2")
    tested = {each for name in tests for each in manifest["nodes"][f"test.send_ready.{name}"]["depends_on"]["nodes"]}
    referring = {node["unique_id"] for node in models(manifest) if "references" in node["config"]["meta"]}
    assert referring <= tested


def test_every_coded_column_says_which_set_of_dim_code_is_its_own(manifest: dict[str, Any]) -> None:
    with (PROJECT / "seeds" / "codes" / "code_names.csv").open(encoding="utf-8", newline="") as file:
        sets = {row["code_set"] for row in csv.DictReader(file)} | {"council"}
    for node in models(manifest):
        # Of the last two no code is published.
        others = (
            "la_code",
            "cohort_code",
            "work_based_learning_code",
            "direct_payment_code",
            "post_code",
            "software_code",
        )
        coded = {name for name in node["columns"] if name.endswith("_code") and name not in others}
        for name in coded if layer(node) in PUBLISHED else ():
            told = re.search(r"Names: dim_code, set (\w+)\.$", node["columns"][name]["description"])
            assert told and told[1] in sets, f"{node['name']}.{name}"


def test_what_is_made_of_the_warehouse_depends_on_all_that_its_code_reads(manifest: dict[str, Any]) -> None:
    """Tables that code names as built.schema.table; those whose name it puts together are not told here."""
    tables = {
        f"{node['schema']}.{node['alias' if 'alias' in node else 'name']}": unique_id
        for unique_id, node in (manifest["nodes"] | manifest["sources"]).items()
        if node["resource_type"] in ("model", "seed", "source")
    }
    told: set[str] = set()
    for exposure in manifest["exposures"].values():
        modules = _modules(exposure["config"]["meta"].get("modules", ()))
        read = {table for module in modules for table in _tables_read(module)}
        missing = {tables[table] for table in read} - set(exposure["depends_on"]["nodes"])
        assert not missing, exposure["name"]
        told |= modules
    readers = {
        module
        for room in READERS
        for path in (ROOT / room).rglob("*.py")
        if _tables_read(module := path.relative_to(ROOT).as_posix())
    }
    assert readers and readers <= told


def test_who_is_given_schemas_depends_on_all_their_models(manifest: dict[str, Any]) -> None:
    given: dict[str, set[str]] = {}
    for exposure in manifest["exposures"].values():
        assert exposure["description"] and exposure["owner"]["name"] and exposure["maturity"], exposure["name"]
        if schemas := exposure["config"]["meta"].get("schemas"):
            also = {"core.dim_establishment"} if exposure["name"] == "list_readers" else set()
            given[exposure["name"]] = set(schemas) | also
            expected = {
                node["unique_id"]
                for node in models(manifest)
                if node["schema"] in schemas or f"{node['schema']}.{node['alias']}" in also
            }
            assert set(exposure["depends_on"]["nodes"]) == expected, exposure["name"]
    assert given == {
        "bi_file": set(published.FOR_ALL),
        "bi_postgres": set(published.FOR_ALL),
        "list_readers": {"annex_a", *roles.WITH_LISTS} - {"quality.runs"},
        "whole_warehouse": set(published.SCHEMAS),
    }


def _modules(named: Iterable[str]) -> set[str]:
    """These modules, and those of rooms that read the warehouse which they import."""
    found: set[str] = set()
    waiting = list(named)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] in READERS:
                    place = str(node.module).replace(".", "/")
                    named = [f"{place}.py", *(f"{place}/{alias.name}.py" for alias in node.names)]
                    waiting += [each for each in named if (ROOT / each).is_file()]
    return found


def _tables_read(module: str) -> set[str]:
    return set(re.findall(r"\bbuilt\.(\w+\.\w+)", (ROOT / module).read_text(encoding="utf-8")))


def test_nothing_reads_the_clock() -> None:
    clock = re.compile(
        r"current_date|current_timestamp|\bnow\s*\(|\btoday\s*\(|get_current|run_started_at|\bmodules\.(?!re\b)"
    )
    for path in [*PROJECT.rglob("*.sql"), *MODELS.rglob("*.yml")]:
        assert not clock.search(path.read_text(encoding="utf-8").lower()), path


def test_sources_are_the_contracts() -> None:
    (source,) = yaml.safe_load((MODELS / "staging" / "_raw__sources.yml").read_text(encoding="utf-8"))["sources"]
    declared = {
        table["name"]: {column["name"]: column["data_type"] for column in table["columns"]}
        for table in source["tables"]
    }
    expected = {feed.replace(".", "__"): columns(contract) for feed, contract in contracts().items()}
    assert declared == expected | {
        "feeds": FEED_COLUMNS,
        "set_aside": ASIDE_COLUMNS,
        "person_decisions": dict.fromkeys(DECISION_COLUMNS, "VARCHAR"),
        "bank_holidays": HOLIDAY_COLUMNS,
        "councils": dict.fromkeys(COUNCIL_COLUMNS, "VARCHAR"),
        "systems": dict.fromkeys(systems.COLUMNS, "VARCHAR"),
    }


def test_every_column_of_a_feed_is_staged() -> None:
    for feed, contract in contracts().items():
        sql = (MODELS / "staging" / f"stg_{feed.replace('.', '__')}.sql").read_text(encoding="utf-8")
        for name, column in contract["columns"].items():
            if "instead_of" in column or column.get("quiet"):  # staged where it says more than what it stands in for
                continue
            assert re.search(rf"feed\.{name}\b|, '{name}'\)", sql), f"{feed}.{name}"


def test_the_run_is_told_and_nothing_else_is_assumed(manifest: dict[str, Any]) -> None:
    """as_at, la_code and run_id have no default: a build without them stops."""
    assert "vars" not in yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    compiled = manifest["nodes"]["model.send_ready.rpt_annex_a__list_1"]["compiled_code"]
    assert f"'{LA_CODE}' as la_code" in compiled
