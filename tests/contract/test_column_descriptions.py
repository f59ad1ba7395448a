"""Every column is described once: what would be said twice is a block of dbt_project/models/columns.md.

A block bears the name of its column; where a name means several things, the further ones are `name__meaning`. A table
may add to a block what holds there alone.
"""

import re
from collections import Counter, defaultdict
from functools import cache

import yaml

from send_ready.settings import PROJECT

MODELS = PROJECT / "dbt_project" / "models"
BLOCKS = dict(
    re.findall(r"{% docs (\w+) %}(.*?){% enddocs %}", (MODELS / "columns.md").read_text(encoding="utf-8"), re.DOTALL)
)
USE = re.compile(r"\{\{ doc\('(\w+)'\) \}\}")


@cache
def described() -> list[tuple[str, str]]:
    """Column and description, as it is written, of every column of a table that has one."""
    found = []
    for path in sorted(MODELS.rglob("*.yml")):
        held = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        tables = [*held.get("models", ()), *held.get("seeds", ())]
        for table in [*tables, *(each for source in held.get("sources", ()) for each in source["tables"])]:
            for column in table.get("columns", ()):
                if "description" in column:
                    found.append((column["name"], column["description"]))
    return found


def test_no_description_of_a_column_stands_twice() -> None:
    literal = Counter(text for _, text in described() if not USE.match(text))
    assert not [text for text, times in literal.items() if times > 1]
    assert not [text for text, times in Counter(BLOCKS.values()).items() if times > 1]


def test_a_name_that_says_several_things_says_them_by_blocks() -> None:
    wordings: dict[str, set[str]] = defaultdict(set)
    for name, text in described():
        wordings[name].add(text)
    loose = {name: said for name, said in wordings.items() if len(said) > 1 and not all(map(USE.match, said))}
    assert not loose


def test_a_block_is_named_after_a_column_and_used() -> None:
    names = {name for name, _ in described()}
    used = {block for _, text in described() for block in USE.findall(text)}
    assert used == set(BLOCKS)
    assert {block.partition("__")[0] for block in BLOCKS} <= names


def test_a_meaning_of_its_own_is_used_by_its_own_name() -> None:
    """`name__meaning` describes columns of that name, but for a few that hold the same under another name."""
    strange = {
        (name, block)
        for name, text in described()
        for block in USE.findall(text)
        if "__" in block and block.partition("__")[0] != name
    }
    assert strange == {
        ("action_status_code", "status__action"),
        ("council_code", "la_code__council"),
        ("period_type_code", "period_type__supplied"),
    }
