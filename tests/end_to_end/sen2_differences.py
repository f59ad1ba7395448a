"""Two SEN2 returns held against each other, element by element: what differs, by person, module and element."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from tests.end_to_end.sen2_from_exports import MODULES, Node, columns

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]  # by module


def differences(expected: Tables, found: Tables) -> list[str]:
    """A line a difference; empty when both returns say the same.

    Keys are looked at for themselves: they count from 1 and lead to a parent. Records are compared by what they hang
    below and what they hold, so that a key may differ; requests also by their order.
    """
    said = [f"{name}: {what}" for name, tables in (("expected", expected), ("found", found)) for what in _keys(tables)]
    if said:
        return said
    wanted, held = ({node.unique_id: node for node in _trees(tables)} for tables in (expected, found))
    said = [f"{who} is missing" for who in wanted if who not in held]
    said += [f"{who} should not be there" for who in held if who not in wanted]
    for who in wanted.keys() & held.keys():
        said += _differ(who, wanted[who], held[who])
    if not said and list(wanted) != list(held):
        said = ["the persons stand in another order"]
    return sorted(said)


def _keys(tables: Tables) -> Iterator[str]:
    for module, parent in MODULES:
        numbers = [row[f"{module}_table_id"] for row in tables[module]]
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            yield f"the keys of {module} are not 1 to {len(numbers)}"
        if not parent:
            continue
        parents = {row[f"{parent}_table_id"]: row for row in tables[parent]}
        places: dict[Any, list[int]] = defaultdict(list)
        for row in sorted(tables[module], key=lambda row: row[f"{module}_table_id"]):
            above = parents.get(row[f"{parent}_table_id"])
            if above is None:
                yield f"{module} {row[f'{module}_table_id']} hangs below no {parent}"
            elif above["unique_id"] != row["unique_id"]:
                yield f"{module} {row[f'{module}_table_id']} is {row['unique_id']}'s below {above['unique_id']}'s"
            places[row[f"{parent}_table_id"]].append(row["order_seq"])
        for key, orders in places.items():
            if orders != list(range(1, len(orders) + 1)):
                yield f"order_seq of {module} below {parent} {key} is {orders}"
            if len(orders) > 1 and module in ("assessment", "named_plan", "active_plans"):
                yield f"{parent} {key} has {len(orders)} of {module}"


def _trees(tables: Tables) -> list[Node]:
    """The persons of nine tables, in order, with all that hangs below them."""
    nodes: dict[tuple[str, int], Node] = {}
    persons = []
    for module, parent in MODULES:
        for row in sorted(tables[module], key=lambda row: row[f"{module}_table_id"]):
            values = {name: row.get(name) for name in columns(module)}
            node = nodes[module, row[f"{module}_table_id"]] = Node(module, row["unique_id"], values)
            if parent:
                nodes[parent, row[f"{parent}_table_id"]].children.append(node)
            else:
                persons.append(node)
    return persons


def _content(node: Node) -> str:
    return repr((node.module, node.values, sorted(_content(child) for child in node.children)))


def _place(node: Node) -> tuple[Any, ...]:
    """By what records that differ are still taken for one another."""
    values = node.values
    start = next((below.values["start_date"] for below in node.walk() if below.module == "named_plan"), None)
    when = values.get("received_date") or values.get("entry_date") or start
    return (str(values.get("placement_rank") or values.get("sen_type_rank")), when or date.max, _content(node))


def _differ(where: str, wanted: Node, held: Node) -> Iterator[str]:
    for name, value in wanted.values.items():
        other = held.values[name]
        if value != other or isinstance(value, bool) != isinstance(other, bool):
            yield f"{where}, {wanted.module}, {name}: expected {_shown(value)}, found {_shown(other)}"
    for module in dict.fromkeys(child.module for node in (wanted, held) for child in node.children):
        mine, theirs = wanted.below(module), held.below(module)
        if module == "requests":
            dates = [
                [n.values["received_date"] for n in nodes if n.values["received_date"]] for nodes in (mine, theirs)
            ]
            if any(sorted(each) != each for each in dates):
                yield f"{where}: requests are not the oldest first"
        spare = [_content(node) for node in mine]
        others = []
        for node in theirs:
            if _content(node) in spare:
                spare.remove(_content(node))
            else:
                others.append(node)
        missing = []
        for node in mine:
            if _content(node) in spare:
                spare.remove(_content(node))
                missing.append(node)
        missing.sort(key=_place)
        others.sort(key=_place)
        for a, b in zip(missing, others, strict=False):
            yield from _differ(f"{where} › {_named(a)}", a, b)
        yield from (f"{where}: {_named(node)} is missing: {_told(node)}" for node in missing[len(others) :])
        yield from (f"{where}: {_named(node)} should not be there: {_told(node)}" for node in others[len(missing) :])


def _named(node: Node) -> str:
    when = node.values.get("received_date") or node.values.get("entry_date") or node.values.get("start_date")
    return f"{node.module} {when}" if when else node.module


def _told(node: Node) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in node.values.items() if value is not None)


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
