"""Primary keys and references of the warehouse's tables, as the yml of each model says and each build has tested."""

import json
from dataclasses import dataclass
from typing import Any

from send_ready.runs import Run, RunError


@dataclass(frozen=True)
class Keys:
    """The columns that make a row of one table the only one of its kind, and those that lead to another table."""

    primary_key: tuple[str, ...]
    blank: frozenset[str]  # of these, the columns that may be blank: the key is unique all the same, blanks being equal
    references: dict[str, tuple[str, str]]  # by column: table and column, where every value that is not blank stands


def keys_of(run: Run) -> dict[str, Keys]:
    """By `schema.table` as built, what each model's yml says of its keys; each build has tested that it is so.

    Raises RunError when the run was never built.
    """
    manifest = run.folder / "dbt" / "manifest.json"
    if not manifest.exists():
        raise RunError(f"{manifest} is missing. Build the run with `send-ready build`, then run this step again.")
    nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values()
    models = {node["name"]: node for node in nodes if node["resource_type"] == "model"}
    return {_table(node): _keys(node["config"]["meta"], models) for node in models.values()}


def _keys(meta: dict[str, Any], models: dict[str, Any]) -> Keys:
    primary_key = tuple(column.removesuffix("?") for column in meta["primary_key"])
    references = {
        column: (_table(models[dimension]), models[dimension]["config"]["meta"]["primary_key"][0])
        for column, dimension in meta.get("references", {}).items()
    }
    return Keys(primary_key, frozenset(primary_key) - set(meta["primary_key"]), references)


def _table(node: dict[str, Any]) -> str:
    return f"{node['schema']}.{node['alias']}"
